"""SPX prices from Parquet and CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

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
    text = f"note,ts_recv,price\nfirst,{stamp},6800.25\nno price,{stamp},\n"
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
        (pa.table({"time": [T0], "price": [6800.0]}), "has no column 'ts_recv'"),
        ("when,what\n1,2\n", "has no column 'ts_recv' and 'price'"),
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


def test_a_broken_parquet_file_gets_one_line(tmp_path) -> None:
    (tmp_path / "spx.parquet").write_bytes(b"PAR1" + b"?" * 40)
    result = import_paths([tmp_path], tmp_path / "b", report=lambda _: None)
    assert len(result.errors) == 1
