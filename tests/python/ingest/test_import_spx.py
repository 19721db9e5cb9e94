"""SPX prices from Parquet and CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbn_files import manifest, new_york, partition, partition_names

from es_physics.bronze.feeds import FEED_BY_PATH
from ingest.importer import import_paths

T0 = new_york("2025-12-16 09:30")
DAY = "2025-12-16"
MOMENT = datetime.fromtimestamp(T0 / 1e9, UTC)


def land(tmp_path, source: pa.Table | str):
    if isinstance(source, str):
        path = tmp_path / "spx.csv"
        path.write_text(source)
    else:
        path = tmp_path / "spx.parquet"
        pq.write_table(source, path)
    return import_paths([path], tmp_path / "b", report=lambda _: None)


def prices(tmp_path) -> list[tuple]:
    rows = partition(tmp_path / "b", "index/spx", DAY)
    assert rows.schema.equals(FEED_BY_PATH["index/spx"].schema)
    return [tuple(row.values()) for row in rows.to_pylist()]


@pytest.mark.parametrize(
    ("column", "fixed"),
    [
        (pa.array([6_800_370_000_000, None]), 6_800_370_000_000),
        (pa.array([6800.37, None]), 6_800_370_000_000),
        (pa.array([6800.37, float("nan")]), 6_800_370_000_000),
        (pa.array([6800.5, None], pa.float32()), 6_800_500_000_000),
        (pa.array([Decimal("6800.370000001"), None]), 6_800_370_000_001),
    ],
)
def test_prices_of_any_kind_become_fixed_point(tmp_path, column, fixed) -> None:
    assert land(tmp_path, pa.table({"ts_recv": [T0, T0 + 1], "price": column})).errors == []
    assert prices(tmp_path) == [(T0, 0, fixed), (T0 + 1, 1, None)]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_zoned_timestamps_of_any_unit(tmp_path, unit) -> None:
    times = pa.array([MOMENT], pa.timestamp(unit, "America/New_York"))
    assert land(tmp_path, pa.table({"ts_recv": times, "price": [6800.25]})).errors == []
    assert prices(tmp_path) == [(T0, 0, 6_800_250_000_000)]


@pytest.mark.parametrize(
    "stamp",
    [
        f"{T0}",
        "2025-12-16T14:30:00Z",
        "2025-12-16 09:30:00-05:00",
        "2025-12-16T14:30:00.000000000Z",
    ],
)
def test_csv_in_points(tmp_path, stamp) -> None:
    text = f"price,ts_recv\n6800.25,{stamp}\n,{stamp}\n"
    assert land(tmp_path, text).errors == []
    assert prices(tmp_path) == [(T0, 0, 6_800_250_000_000), (T0, 1, None)]


def test_csv_in_fixed_point_is_sorted_and_split(tmp_path) -> None:
    evening = new_york("2025-12-16 18:00")
    text = f"ts_recv,price\n{evening},6800000000000\n{T0},6799000000000\n"
    assert land(tmp_path, text).errors == []
    assert prices(tmp_path) == [(T0, 0, 6_799_000_000_000)]
    assert partition_names(tmp_path / "b") == ["index/spx 2025-12-16", "index/spx 2025-12-17"]
    told = manifest(tmp_path / "b", "index/spx", DAY)
    assert (told["root"], told["coverage"], told["symbol_mappings"]) == (None, [], {})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pa.table({"time": [T0], "price": [6800.0]}), "is a table of time, price"),
        ("when,what\n1,2\n", "is a table of when, what"),
        ("ts_recv,price,size,symbol\n1,2,3,ESZ5\n", "is a table of ts_recv, price, size, symbol"),
        (pa.table({"ts_recv": [T0], "price": [6800.0], "note": ["a"]}), "and no other"),
        ("ts_recv,price\n", "holds no records"),
        (pa.table({"ts_recv": [T0], "price": [6800]}), "integers are units of 1e-9"),
        (pa.table({"ts_recv": [T0 // 10**9], "price": [6800.0]}), "must be in nanoseconds"),
        (pa.table({"ts_recv": [T0, None], "price": [1.0, 2.0]}), "rows without ts_recv"),
        (pa.table({"ts_recv": [T0], "price": ["6800"]}), "price is string"),
        (pa.table({"ts_recv": ["09:30"], "price": [6800.0]}), "ts_recv is string"),
        (
            pa.table({"ts_recv": pa.array([T0], pa.timestamp("ns")), "price": [1.0]}),
            "without a time zone",
        ),
        ("ts_recv,price\n2025-12-16 09:30:00,6800.0\n", "zone"),
        (f"ts_recv,price\n{T0},6800.0\n{T0},abc\n", "abc"),
        (
            pa.table({"ts_recv": [T0], "price": [6800.0], "instrument_id": [5602]}),
            "is trades without the columns ts_event",
        ),
    ],
)
def test_unusable_files_get_one_line(tmp_path, source, said) -> None:
    result = land(tmp_path, source)
    assert len(result.errors) == 1
    assert said in result.errors[0]
    assert "\n" not in result.errors[0]
    assert partition_names(tmp_path / "b") == []


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (pa.array([6.8e12, 0], pa.int64()), "0 in row 2"),
        (pa.array([6_800_000_000_000, -1]), "-1 in row 2"),
        (pa.array([6_800_000_000_000, 6800]), "6800 in row 2"),
        (pa.array([6_800_000_000_000, 2**63 - 2]), "9223372036854775806 in row 2"),
        (pa.array([6800.0, float("inf")]), "inf in row 2"),
        (pa.array([6800.0, float("-inf")]), "-inf in row 2"),
        (pa.array([6800.0, 1e308]), "1e+308 in row 2"),
        (pa.array([6800.0, 0.0]), "0.0 in row 2"),
        (pa.array([6800.0, -6800.0]), "-6800.0 in row 2"),
        # Units that a NaN has made DOUBLE.
        (pa.array([float("nan"), 6_800_370_000_000.0]), "6800370000000.0 in row 2"),
        (pa.array([Decimal("6800.5"), Decimal("-1")]), "-1.0 in row 2"),
    ],
)
def test_what_is_no_price_is_refused_with_its_row(tmp_path, price, shown) -> None:
    result = land(tmp_path, pa.table({"ts_recv": [T0, T0 + 1], "price": price}))
    assert result.exit_code == 1
    assert len(result.errors) == 1
    assert f"has no price but {shown}" in result.errors[0]
    assert partition_names(tmp_path / "b") == []


def test_the_row_is_counted_through_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ingest.spx._BATCH_ROWS", 4)
    price = pa.array([6800.5] * 9 + [-1.0])
    result = land(tmp_path, pa.table({"ts_recv": T0 + np.arange(10), "price": price}))
    assert "in row 10" in result.errors[0]


@pytest.mark.parametrize(
    "undefined",
    [
        pa.array([6_800_000_000_000, 2**63 - 1]),
        pa.array([6800.0, float(2**63)]),
        pa.array([6800.0, float(2**63) / 1e9]),
    ],
)
def test_undefined_prices_are_null(tmp_path, undefined) -> None:
    assert land(tmp_path, pa.table({"ts_recv": [T0, T0 + 1], "price": undefined})).errors == []
    assert prices(tmp_path) == [(T0, 0, 6_800_000_000_000), (T0 + 1, 1, None)]


def test_a_file_that_may_have_been_cut_off_says_so(tmp_path) -> None:
    result = land(tmp_path, f"ts_recv,price\n{T0},6800.2")
    assert prices(tmp_path) == [(T0, 0, 6_800_200_000_000)]
    assert "cut off" in result.warnings[0]


def test_a_price_in_two_files_is_one(tmp_path) -> None:
    for name, prices_of in (("a", [6800.0, 6801.0]), ("b", [6801.0, 6801.0])):
        table = pa.table({"ts_recv": [T0, T0 + 1], "price": prices_of})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    assert import_paths(files, tmp_path / "b", report=lambda _: None).errors == []
    assert prices(tmp_path) == [
        (T0, 0, 6_800_000_000_000),
        (T0, 1, 6_801_000_000_000),
        (T0 + 1, 2, 6_801_000_000_000),
    ]


def test_a_broken_parquet_file_gets_one_line(tmp_path) -> None:
    (tmp_path / "spx.parquet").write_bytes(b"PAR1" + b"?" * 40)
    result = import_paths([tmp_path], tmp_path / "b", report=lambda _: None)
    assert len(result.errors) == 1
