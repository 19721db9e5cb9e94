"""The simulated market's single orders: genuine MBO, whose books are those of its MBP-10 file."""

from __future__ import annotations

from pathlib import Path

import databento as db
import numpy as np
import pytest
from test_simulate_market import DAY, TINY, file_of

from es_physics.calendar import default_calendar
from ingest.order_book import OrderBooks
from ingest.simulate.market import Market

pytestmark = pytest.mark.market

F_SNAPSHOT = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orders")
    Market(7, TINY, default_calendar().days, orders=True).write(DAY, folder)
    return folder


def records(folder: Path, schema: str) -> np.ndarray:
    return db.DBNStore.from_file(file_of(folder, schema)).to_ndarray()


def test_the_orders_give_the_rows_of_the_book_record_by_record(folder: Path) -> None:
    books = OrderBooks()
    rows, _ = books.rows(records(folder, "mbo"))
    expected = records(folder, "mbp-10")
    assert len(expected) > TINY
    assert np.array_equal(rows.view(expected.dtype), expected)
    assert not any(books.faults.values())


def test_the_trades_are_the_orders_trades(folder: Path) -> None:
    orders, trades = records(folder, "mbo"), records(folder, "trades")
    orders = orders[orders["action"] == b"T"]
    for name in set(trades.dtype.names) - {"length", "rtype", "depth"}:
        assert np.array_equal(orders[name], trades[name]), name
    assert len(trades) > 3_000


def test_every_record_names_an_order_that_rests_and_a_fill_the_cancel_after_it(
    folder: Path,
) -> None:
    orders = records(folder, "mbo")
    assert set(orders["action"]) == {b"A", b"C", b"M", b"T", b"F", b"R"}
    resting: dict[tuple[int, int], int] = {}
    fill = None
    for record in orders:
        instrument, size = int(record["instrument_id"]), int(record["size"])
        order = (instrument, int(record["order_id"]))
        match record["action"]:
            case b"R":
                resting = {other: rest for other, rest in resting.items() if other[0] != instrument}
            case b"A":
                assert order not in resting
                resting[order] = size
            case b"M":
                assert order in resting
                resting[order] = size
            case b"F":
                fill = (*order, size)
            case b"C":
                assert fill in (None, (*order, size))
                fill = None
                resting[order] -= size
                assert resting[order] >= 0
                if not resting[order]:
                    del resting[order]
    assert fill is None


def test_a_snapshot_brings_back_the_deeper_levels_too(folder: Path) -> None:
    orders = records(folder, "mbo")
    snapshot = orders[(orders["flags"] & F_SNAPSHOT) > 0]
    adds = snapshot[snapshot["action"] == b"A"]
    for instrument in np.unique(adds["instrument_id"]):
        bids = adds[(adds["instrument_id"] == instrument) & (adds["side"] == b"B")]
        assert len(np.unique(bids["price"])) > 10


def test_without_orders_the_files_are_as_ever(folder: Path, tmp_path: Path) -> None:
    Market(7, TINY, default_calendar().days).write(DAY, tmp_path)
    assert not file_of(tmp_path, "mbo").exists()
    assert (
        file_of(tmp_path, "definition").read_bytes() == file_of(folder, "definition").read_bytes()
    )
    assert len(records(tmp_path, "mbp-10")) < len(records(folder, "mbp-10"))
    assert set(records(tmp_path, "mbp-10")["action"]) > {b"N"}
