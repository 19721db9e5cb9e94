"""MBO files land as the book and the trades that an MBP-10 and a trades file would."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import run_dbt, run_module
from dbn_files import (
    IDS,
    OPTION_IDS,
    UNDEF_PRICE,
    manifest,
    new_york,
    partition,
    partition_names,
    records,
    trades,
    tree,
    write,
)

from es_physics.bronze.feeds import FEED_BY_PATH
from ingest.importer import import_paths
from ingest.mbo import MboFile

DAY = "2025-12-16"
T0 = new_york("2025-12-16 09:30")
BAD = 4
BOOK, TRADES = "futures/mbp10", "futures/trades"
TICK = 250_000_000

Message = tuple[int, str, str, int, int | None, int]
"""Instrument id, action, side, order id, price in ticks, size."""

SEQUENCE: list[Message] = [
    (5602, "R", "N", 0, None, 0),
    (5604, "R", "N", 0, None, 0),
    (5602, "A", "B", 1, 27_200, 5),
    (5602, "A", "A", 2, 27_201, 4),
    (5604, "A", "B", 1, 200, 9),
    (5602, "T", "B", 0, 27_201, 3),
    (5602, "F", "A", 2, 27_201, 3),
    (5602, "C", "A", 2, 27_201, 3),
    (5604, "M", "B", 1, 201, 9),
]


def orders(sequence: list[Message] = SEQUENCE, start: int = T0) -> Any:
    made = records("mbo", start + 10**9 * np.arange(len(sequence)))
    for record, (instrument, action, side, order_id, ticks, size) in zip(
        made, sequence, strict=True
    ):
        record["instrument_id"], record["action"], record["side"] = instrument, action, side
        record["order_id"], record["size"] = order_id, size
        record["price"] = UNDEF_PRICE if ticks is None else ticks * TICK
    made["sequence"] = 40 + np.arange(len(made))
    made["ts_in_delta"], made["flags"] = 14_000, 128
    return made


def land(tmp_path: Path, *files: Path) -> tuple[Path, Any]:
    root = tmp_path / f"bronze_{len(list(tmp_path.glob('bronze_*')))}"
    return root, import_paths(files, root, report=lambda line: None)


def mbo_file(tmp_path: Path, made: Any, **about: Any) -> Path:
    return write(tmp_path / "a.mbo.dbn.zst", "mbo", made, **({"ids": IDS} | about))


def test_a_file_of_orders_lands_a_book_and_trades(tmp_path: Path) -> None:
    root, result = land(tmp_path, mbo_file(tmp_path, orders()))
    assert (result.errors, result.warnings) == ([], [])
    assert sorted(partition_names(root)) == [f"{BOOK} {DAY}", f"{TRADES} {DAY}"]
    book = partition(root, BOOK, DAY).to_pydict()
    assert book["symbol"] == [IDS[one[0]] for one in SEQUENCE if one[1] != "F"]
    assert book["action"] == [one[1] for one in SEQUENCE if one[1] != "F"]
    assert book["sequence"] == [40, 41, 42, 43, 44, 45, 47, 48]
    assert book["bid_px_00"] == [
        *(None, None, 27_200 * TICK, 27_200 * TICK, 200 * TICK),
        *(27_200 * TICK, 27_200 * TICK, 201 * TICK),
    ]
    assert book["ask_sz_00"] == [0, 0, 0, 4, 0, 4, 1, 0]
    assert book["ask_px_01"] == [None] * 8
    assert set(book["flags"]) == {128}
    prints = partition(root, TRADES, DAY).to_pylist()
    assert len(prints) == 1
    assert [prints[0][name] for name in ("price", "size", "action", "side", "depth")] == [
        *(27_201 * TICK, 3, "T", "B", 0)
    ]
    source = manifest(root, BOOK, DAY)["sources"][0]
    assert source["schema"] == "mbo"
    assert set(source["book_faults"].values()) == {0}


def test_the_files_own_trades_are_those_of_a_trades_file(tmp_path: Path) -> None:
    made = orders()
    printed = made[made["action"] == b"T"]
    shared = set(FEED_BY_PATH[TRADES].schema.names) & set(made.dtype.names)
    listed = trades(printed["ts_recv"], **{name: printed[name] for name in shared - {"ts_recv"}})
    root, _ = land(tmp_path, mbo_file(tmp_path, made))
    from_trades, result = land(tmp_path, write(tmp_path / "b.dbn", "trades", listed, ids=IDS))
    assert not result.errors
    of_trades = {name: data for name, data in tree(from_trades).items() if "data" in name}
    assert len(of_trades) == 1
    assert tree(root).items() >= of_trades.items()


@pytest.mark.parametrize("records_at_once", [1, 4])
def test_how_a_file_is_read_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records_at_once: int
) -> None:
    file = mbo_file(tmp_path, orders(SEQUENCE * 20))
    root, _ = land(tmp_path, file)
    monkeypatch.setattr(MboFile, "_chunk_bytes", 56 * records_at_once)
    again, _ = land(tmp_path, file)
    assert tree(again) == tree(root)
    assert len(partition(root, BOOK, DAY)) > 140


def test_orders_that_do_not_add_up_are_counted_said_and_marked(tmp_path: Path) -> None:
    sequence: list[Message] = [
        (5603, "A", "B", 1, 27_200, 5),
        (5602, "R", "N", 0, None, 0),
        (5602, "A", "B", 1, 27_200, 5),
        (5602, "C", "B", 7, 27_200, 5),
        (5602, "T", "A", 0, 27_200, 1),
        (5602, "C", "B", 1, 27_200, 9),
        (5602, "R", "N", 0, None, 0),
        (5602, "A", "B", 1, 27_200, 5),
    ]
    root, result = land(tmp_path, mbo_file(tmp_path, orders(sequence)))
    assert not result.errors
    assert len(result.warnings) == 1
    said = "1 starts without snapshot, 1 unknown orders, 1 negative rests"
    assert said in result.warnings[0]
    faults = manifest(root, BOOK, DAY)["sources"][0]["book_faults"]
    assert {name: count for name, count in faults.items() if count} == {
        "starts_without_snapshot": 1,
        "unknown_orders": 1,
        "negative_rests": 1,
    }
    book = partition(root, BOOK, DAY).to_pydict()
    assert book["action"] == ["A", "R", "A", "T", "C", "A"]
    assert [flags & BAD for flags in book["flags"]] == [BAD, 0, 0, BAD, BAD, 0]
    # The trade itself is not in doubt.
    assert partition(root, TRADES, DAY)["flags"].to_pylist() == [128]


def test_other_instruments_are_left_out_before_their_books_are_built(tmp_path: Path) -> None:
    others = [(77, *one[1:]) for one in SEQUENCE[2:]] + [(7001, *one[1:]) for one in SEQUENCE]
    mixed = [one for pair in zip(SEQUENCE, others, strict=False) for one in pair]
    ids = IDS | {77: "NQZ5", 7001: OPTION_IDS[7001]}
    file = mbo_file(tmp_path, orders(mixed), ids=ids, symbols=("ALL_SYMBOLS",))
    root, result = land(tmp_path, file)
    assert not result.errors
    assert not any(manifest(root, BOOK, DAY)["sources"][0]["book_faults"].values())
    alone, _ = land(tmp_path, mbo_file(tmp_path, orders()))
    where = {
        name: partition(here, BOOK, DAY).drop_columns(["ts_recv", "ts_event", "sequence"])
        for name, here in (("root", root), ("alone", alone))
    }
    assert where["root"].equals(where["alone"])


def test_an_action_that_there_is_not_is_refused(tmp_path: Path) -> None:
    made = orders()
    made["action"][4] = b"X"
    root, result = land(tmp_path, mbo_file(tmp_path, made))
    assert partition_names(root) == []
    assert "action 'X'" in result.errors[0]


def test_without_numba_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ingest.order_book", None)
    root, result = land(tmp_path, mbo_file(tmp_path, orders()))
    assert partition_names(root) == []
    assert len(result.errors) == 1
    assert result.errors[0].endswith("pip install 'es-physics[mbo]'")


@pytest.fixture(scope="module")
def two_sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bronze of one simulated date, with its futures from MBP-10 and trades, and from MBO."""
    folder = tmp_path_factory.mktemp("two_sources")
    finished = run_module(
        *("ingest", "simulate", "--mbo", "--scale", "tiny", "--start", DAY, "--end", DAY),
        *("--bronze-root", folder / "mbp", "--dbn-dir", folder / "dbn"),
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    files = [
        path
        for path in sorted((folder / "dbn").iterdir())
        if not path.name.startswith(("ES.FUT.mbp-10", "ES.FUT.trades"))
    ]
    result = import_paths(files, folder / "mbo", report=lambda line: None)
    assert not result.errors
    return {name: folder / name for name in ("mbp", "mbo")}


@pytest.mark.market
def test_a_simulated_dates_orders_land_the_bytes_of_its_book_and_trades(
    two_sources: dict[str, Path],
) -> None:
    data = {
        name: {at: content for at, content in tree(root).items() if at.endswith(".parquet")}
        for name, root in two_sources.items()
    }
    assert data["mbo"] == data["mbp"]
    assert len(data["mbo"]) == 8
    made_from = {
        name: {
            json.loads(content)["made_from"]
            for at, content in tree(root).items()
            if at.endswith("_manifest.json") and BOOK in at
        }
        for name, root in two_sources.items()
    }
    assert made_from == {"mbo": {"mbo"}, "mbp": {"mbp-10"}}


@pytest.mark.market
def test_a_book_of_orders_gives_the_silver_of_an_mbp_10_file(
    two_sources: dict[str, Path], tmp_path: Path
) -> None:
    silver = {}
    for name, root in two_sources.items():
        build = run_dbt("build", bronze=root, work=tmp_path / name, session_date=DAY)
        assert build.returncode == 0, build.output
        silver[name] = {
            at: digest for at, digest in build.digests().items() if not at.startswith("_")
        }
    assert len(silver["mbo"]) >= 10
    different = {
        Path(at).parts[0] for at in silver["mbo"] if silver["mbo"][at] != silver["mbp"][at]
    }
    # Where each partition came from is the one thing that differs.
    assert different <= {"bronze_quality"}
