"""The vendor's CSV and Parquet land the bytes that the DBN of the same records lands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import databento as db
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import zstandard
from dbn_files import (
    IDS,
    OPTION_IDS,
    UNDEF_PRICE,
    UNDEF_TS,
    definitions,
    manifest,
    new_york,
    partition,
    partition_names,
    records,
    trades,
    write,
)

from ingest.importer import ImportResult, import_paths
from ingest.vendor_columns import bronze_column

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DAY = "2025-12-16"
T0 = new_york("2025-12-16 09:30")
COUNT = 60
TIMES = T0 + 10**9 * np.arange(COUNT) + np.arange(COUNT)
UNDEF_SIZE = 2**32 - 1

FEEDS = {
    "trades": "futures/trades",
    "tbbo": "options/trades",
    "mbp-1": "options/nbbo",
    "bbo-1s": "options/nbbo",
    "mbp-10": "futures/mbp10",
    "definition": "futures/definition",
    "statistics": "options/statistics",
}


def about(schema: str) -> dict[str, Any]:
    """Metadata for a file of this schema whose ids all have a place."""
    if FEEDS[schema].startswith("options/"):
        return {"ids": OPTION_IDS, "symbols": ("E3A.OPT",)}
    return {"ids": IDS}


def plausible(schema: str, version: int = 3, count: int = COUNT) -> Any:
    """Records such as the vendor's, each field undefined now and then where the format has that."""
    rng = np.random.default_rng(5)
    ids = rng.choice(sorted(about(schema)["ids"])[:2], count)
    times = T0 + 10**8 * np.arange(count) + np.arange(count)
    if schema == "definition":
        made = definitions(times, version=version)
        made["raw_symbol"] = [IDS[number].encode() for number in ids]
        made["strike_price"][::3] = 6_800_500_000_000
        made["activation"][::4] = T0 - 10**15
        made["underlying"][::5] = b"ESZ5"
        made["maturity_year"][::2], made["maturity_month"][::2] = 2025, 12
        made["trading_reference_price" if version < 3 else "price_ratio"][::2] = 6_801_250_000_000
    else:
        made = records("mbp-1" if schema == "tbbo" else schema, times, version=version)
    made["instrument_id"] = ids
    names = made.dtype.names
    for name in names:
        if (name.endswith("price") and schema != "definition") or "_px_" in name:
            made[name] = 250_000_000 * rng.integers(-40, 30_000, count)
            made[name][rng.random(count) < 0.2] = UNDEF_PRICE
        elif "_sz_" in name or "_ct_" in name or name in ("size", "sequence"):
            made[name] = rng.integers(0, 2**32 - 2, count)
        elif name in ("flags", "depth"):
            made[name] = rng.integers(0, 256, count)
    if "action" in names:
        made["action"] = (
            b"T" if schema in ("trades", "tbbo") else rng.choice([b"A", b"C", b"T"], count)
        )
        made["ts_in_delta"] = rng.integers(-(2**31), 2**31, count)
    if "side" in names:
        made["side"] = rng.choice([b"A", b"B", b"N"], count)
        made["size"][7] = UNDEF_SIZE
    if schema == "statistics":
        undefined = np.iinfo(made.dtype["quantity"]).max
        made["quantity"] = rng.integers(-9, 10**6, count)
        made["quantity"][::6] = undefined
        made["ts_ref"] = np.where(rng.random(count) < 0.5, UNDEF_TS, TIMES[0])
        made["stat_type"], made["stat_flags"], made["update_action"] = 9, 1, 1
    made["ts_event"][3] = UNDEF_TS
    return made


@pytest.fixture
def landed(tmp_path: Path) -> Any:
    """Import files into a root of their own; the bytes of a feed's partition and the result."""

    def land(*files: Path) -> tuple[Path, ImportResult]:
        root = tmp_path / f"bronze_{len(list(tmp_path.glob('bronze_*')))}"
        return root, import_paths(files, root, report=lambda line: None)

    return land


def data_of(root: Path, feed_path: str) -> bytes:
    return (root / feed_path / "root=ES" / f"date={DAY}" / "data.parquet").read_bytes()


def expected(landed: Any, tmp_path: Path, schema: str, made: Any, **more: Any) -> tuple[Path, Path]:
    """The DBN file of these records, and where it was imported."""
    file = write(tmp_path / f"source.{schema}.dbn.zst", schema, made, **(about(schema) | more))
    root, result = landed(file)
    assert not result.errors
    return file, root


def same(landed: Any, file: Path, schema: str, root: Path) -> None:
    """That the file lands what the DBN file landed in `root`."""
    again, result = landed(file)
    assert (result.errors, result.warnings) == ([], [])
    assert partition_names(again) == partition_names(root)
    for name in partition_names(root):
        feed_path = name.split()[0]
        assert data_of(again, feed_path) == data_of(root, feed_path)
        assert manifest(again, feed_path, DAY)["sources"][0]["schema"] == schema


def export(file: Path, to: Path, **options: Any) -> Path:
    """The DBN file by the vendor's client as CSV or Parquet."""
    store = db.DBNStore.from_file(file)
    (store.to_parquet if to.suffix == ".parquet" else store.to_csv)(to, **options)
    return to


@pytest.mark.parametrize("pretty_ts", [True, False], ids=["iso", "integer_times"])
@pytest.mark.parametrize("pretty_px", [True, False], ids=["decimal", "fixed"])
@pytest.mark.parametrize("schema", FEEDS)
def test_csv_and_parquet_land_the_bytes_of_the_dbn(
    landed: Any, tmp_path: Path, schema: str, pretty_px: bool, pretty_ts: bool
) -> None:
    file, root = expected(landed, tmp_path, schema, plausible(schema))
    table = partition(root, FEEDS[schema], DAY)
    assert len(table) == COUNT
    csv = {"pretty_px": pretty_px, "pretty_ts": pretty_ts}
    price_type = "float" if pretty_px else "fixed"
    same(landed, export(file, tmp_path / "a.csv", **csv), schema, root)
    same(landed, export(file, tmp_path / "a.csv.zst", compression="zstd", **csv), schema, root)
    parquet = export(file, tmp_path / "a.parquet", price_type=price_type, pretty_ts=pretty_ts)
    same(landed, parquet, schema, root)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("schema", ["statistics", "definition"])
def test_older_versions_of_the_records_differ_only_in_what_csv_leaves_out(
    landed: Any, tmp_path: Path, schema: str, version: int
) -> None:
    made = plausible(schema, version)
    file, root = expected(landed, tmp_path, schema, made, version=version)
    same(landed, export(file, tmp_path / "a.parquet"), schema, root)
    again, result = landed(export(file, tmp_path / "a.csv"))
    assert not result.errors
    table, from_csv = (partition(where, FEEDS[schema], DAY) for where in (root, again))
    for name in table.column_names:
        if name == "trading_reference_price":
            assert table[name].null_count < COUNT
            assert from_csv[name].null_count == COUNT
        else:
            assert from_csv[name].equals(table[name]), name


def test_many_rows_come_in_several_batches(landed: Any, tmp_path: Path) -> None:
    made = plausible("mbp-10", count=5_000)
    file, root = expected(landed, tmp_path, "mbp-10", made)
    csv = export(file, tmp_path / "a.csv")
    assert csv.stat().st_size > 2 << 20
    same(landed, csv, "mbp-10", root)


def test_columns_count_by_name_whatever_their_order_and_what_is_beside_them(
    landed: Any, tmp_path: Path
) -> None:
    file, root = expected(landed, tmp_path, "trades", plausible("trades"))
    csv = export(file, tmp_path / "a.csv", pretty_px=False, pretty_ts=False)
    names = csv.read_text().split("\n")[0].split(",")
    as_text = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    table = pa_csv.read_csv(csv, convert_options=as_text)
    table = table.append_column("note", pa.array(["x"] * COUNT)).drop_columns(["rtype"])
    pa_csv.write_csv(table.select(table.column_names[::-1]), tmp_path / "b.csv")
    same(landed, tmp_path / "b.csv", "trades", root)


@pytest.mark.parametrize("schema", ["trades", "mbp-1", "mbp-10", "statistics"])
def test_without_symbols_the_definitions_name_the_instruments(
    landed: Any, tmp_path: Path, schema: str
) -> None:
    made = plausible(schema)
    kind = FEEDS[schema].split("/")[0]
    file, root = expected(landed, tmp_path, schema, made)
    names = sorted(about(schema)["ids"].items())[:2]
    listed = definitions([T0 - 10**9, T0 - 10**9 + 1])
    listed["instrument_id"] = [number for number, _ in names]
    listed["raw_symbol"] = [symbol.encode() for _, symbol in names]
    if kind == "options":
        listed["instrument_class"], listed["underlying"] = [b"C", b"P"], b"ESZ5"
    defined = write(tmp_path / "definition.dbn", "definition", listed, **about(schema))
    csv = export(file, tmp_path / "a.csv", map_symbols=False)
    parquet = export(file, tmp_path / "a.parquet", map_symbols=False)
    for table in (csv, parquet):
        again, result = landed(table, defined)
        assert not result.errors
        assert data_of(again, FEEDS[schema]) == data_of(root, FEEDS[schema])
    _, result = landed(csv)
    assert len(result.errors) == 1
    assert "unmapped symbol" in result.errors[0]
    assert "definition" in result.errors[0]


@pytest.mark.parametrize(
    ("schema", "gone"),
    [
        ("trades", ["ts_event"]),
        ("trades", ["size", "price"]),
        ("mbp-1", ["ask_ct_00"]),
        ("mbp-10", ["bid_px_09", "bid_px_01"]),
        ("definition", ["raw_symbol"]),
        ("definition", ["underlying", "cfi"]),
        ("statistics", ["quantity"]),
    ],
)
def test_a_table_without_a_column_that_is_needed_is_refused_by_its_name(
    landed: Any, tmp_path: Path, schema: str, gone: list[str]
) -> None:
    file = write(tmp_path / "a.dbn", schema, plausible(schema), **about(schema))
    table = pq.read_table(export(file, tmp_path / "a.parquet"))
    pq.write_table(table.drop_columns(gone), tmp_path / "b.parquet")
    pa_csv.write_csv(table.drop_columns(gone), tmp_path / "b.csv")
    for name in ("b.parquet", "b.csv"):
        root, result = landed(tmp_path / name)
        assert partition_names(root) == []
        assert len(result.errors) == 1
        assert name in result.errors[0]
        assert f"{schema} without the columns" in result.errors[0]
        assert all(column in result.errors[0] for column in gone)


def csv_of_trades(tmp_path: Path, **options: Any) -> Path:
    made = trades(TIMES, instrument_id=5602)
    file = write(tmp_path / "source.dbn", "trades", made, ids=IDS)
    return export(file, tmp_path / "a.csv", **options)


def refused(landed: Any, file: Path) -> str:
    """The one line that says why nothing of the file landed."""
    root, result = landed(file)
    assert partition_names(root) == []
    assert len(result.errors) == 1
    assert "\n" not in result.errors[0]
    return result.errors[0]


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_table_that_is_cut_off_is_refused(landed: Any, tmp_path: Path, kept: float) -> None:
    csv = csv_of_trades(tmp_path)
    whole = csv.read_bytes()
    csv.write_bytes(whole[: int(len(whole) * kept)])
    assert "truncated" in refused(landed, csv)
    frame = zstandard.ZstdCompressor().compress(whole)
    packed = tmp_path / "b.csv.zst"
    packed.write_bytes(frame[: int(len(frame) * kept)])
    assert "b.csv.zst" in refused(landed, packed)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (",5602,", ",,", "record 0 has no instrument_id"),
        (",T,", ",T,,", "corrupt"),
        ("2025-12-16T14:30:05", "2025-12-16 at 14:30:05", "corrupt"),
        ("2025-12-16T14:30:05.000000005Z,", ",", "record 5 has no ts_recv"),
        (
            "2025-12-16T14:30:05.000000005Z,",
            "1925-12-16T14:30:05.000000005Z,",
            "record 5 has ts_recv",
        ),
        ("Z,0,1,5602", "Z,1,1,5602", "another"),
        (",6801.250000000,", ",6801.2500000001,", "corrupt"),
        (",6801.250000000,", ",99999999999.25,", "price"),
        (",6801.250000000,", ",abc,", "corrupt"),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    landed: Any, tmp_path: Path, old: str, new: str, says: str
) -> None:
    csv = csv_of_trades(tmp_path)
    text = csv.read_text()
    assert old in text
    # The first record says what type all have.
    at = text.index(old, text.index("\n", text.index("\n") + 1) if says == "another" else 0)
    csv.write_text(text[:at] + text[at:].replace(old, new, 1))
    assert says in refused(landed, csv)


def parquet_of_trades(tmp_path: Path, name: str, change: Any) -> Path:
    made = trades(TIMES, instrument_id=5602)
    file = write(tmp_path / "source.dbn", "trades", made, ids=IDS)
    table = pq.read_table(export(file, tmp_path / "whole.parquet"))
    at = table.column_names.index(name)
    pq.write_table(table.set_column(at, name, change(table[name])), tmp_path / "a.parquet")
    return tmp_path / "a.parquet"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("ts_recv", lambda c: c.cast(pa.timestamp("ns")), "time zone"),
        ("ts_recv", lambda c: pc.divide(c.cast(pa.int64()), 10**6).cast(pa.float64()), "ts_recv"),
        ("price", lambda c: pc.multiply(c, 1e9), "too large to be exact"),
        ("price", lambda c: c.cast(pa.string()), "price"),
        ("size", lambda c: pc.add(c.cast(pa.float64()), 0.5), "size"),
        ("sequence", lambda c: pc.if_else(pc.equal(c, 103), None, c), "record 3 has no sequence"),
        ("sequence", lambda c: c.cast(pa.string()), "sequence"),
        ("side", lambda c: pa.chunked_array([pa.array(range(len(c)))]), "side"),
    ],
)
def test_a_column_of_a_type_that_cannot_be_is_refused(
    landed: Any, tmp_path: Path, name: str, change: Any, says: str
) -> None:
    assert says in refused(landed, parquet_of_trades(tmp_path, name, change))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ts_recv", lambda c: c.cast(pa.timestamp("ns", "America/New_York"))),
        ("ts_event", lambda c: c.cast(pa.int64())),
        ("price", lambda c: pc.if_else(pc.is_null(c), float("nan"), c)),
        ("price", lambda c: c.cast(pa.decimal128(20, 2))),
        ("size", lambda c: c.cast(pa.float64())),
        ("symbol", lambda c: c.dictionary_encode()),
    ],
)
def test_a_column_of_another_type_that_says_the_same_is_taken(
    landed: Any, tmp_path: Path, name: str, change: Any
) -> None:
    whole = tmp_path / "whole.parquet"
    changed = parquet_of_trades(tmp_path, name, change)
    root, result = landed(whole)
    assert not result.errors
    same(landed, changed, "trades", root)


def test_schemas_that_no_model_uses_are_left_out_and_mbo_is_asked_for_as_dbn(
    landed: Any, tmp_path: Path
) -> None:
    text = csv_of_trades(tmp_path).read_text()
    (tmp_path / "ohlcv.csv").write_text(text.replace("Z,0,1,", "Z,33,1,"))
    root, result = landed(tmp_path / "ohlcv.csv")
    assert partition_names(root) == []
    assert result.exit_code == 0
    (tmp_path / "mbo.csv").write_text(text.replace("Z,0,1,", "Z,160,1,"))
    assert "download it as DBN" in refused(landed, tmp_path / "mbo.csv")


def test_other_products_are_left_out_and_counted(landed: Any, tmp_path: Path) -> None:
    csv = csv_of_trades(tmp_path)
    lines = csv.read_text().splitlines(keepends=True)
    csv.write_text("".join([*lines[:-3], *(line.replace("ESZ5", "NQZ5") for line in lines[-3:])]))
    root, result = landed(csv)
    assert not result.errors
    assert len(partition(root, "futures/trades", DAY)) == COUNT - 3


def test_quotes_that_all_come_with_trades_are_not_taken_for_quotes(
    landed: Any, tmp_path: Path
) -> None:
    made = plausible("tbbo")
    file = write(tmp_path / "a.tbbo.dbn", "tbbo", made, **about("tbbo"))
    root, result = landed(export(file, tmp_path / "a.csv"))
    assert not result.errors
    assert partition_names(root) == [f"options/trades {DAY}"]


def test_a_table_without_rows_lands_nothing(landed: Any, tmp_path: Path) -> None:
    csv = csv_of_trades(tmp_path)
    csv.write_text(csv.read_text().splitlines(keepends=True)[0])
    assert "no records" in refused(landed, csv)


@pytest.mark.parametrize("price", [0, 1, -1, 250_000_000, 6_800_250_000_000, 2**51 - 1])
def test_a_fixed_point_number_survives_a_double(price: int) -> None:
    field = pa.field("price", pa.int64())
    assert bronze_column(pa.array([price / 1e9]), field).to_pylist() == [price]


def changed(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


UNUSABLE = {
    "a column twice": (
        lambda table: pa.table([*table.columns, table["price"]], [*table.column_names, "price"]),
        "has the columns price more than once",
    ),
    "no record type": (
        lambda table: changed(table, "rtype", pa.nulls(COUNT, pa.uint8())),
        "record 0 has no rtype",
    ),
    "prices of seven digits": (
        lambda table: changed(table, "price", table["price"].cast(pa.float32(), safe=False)),
        "column price is float; make it integers of 1e-9, decimals or doubles",
    ),
    "microseconds": (
        lambda table: changed(
            table, "ts_event", table["ts_event"].cast(pa.timestamp("us", "UTC"), safe=False)
        ),
        "column ts_event is in us, which loses nanoseconds",
    ),
    "lists": (
        lambda table: changed(table, "price", pa.array([[1.0]] * COUNT)),
        "column price is list",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_table_that_is_not_the_vendors_is_refused_and_spoils_nothing(tmp_path, what) -> None:
    change, says = UNUSABLE[what]
    source = write(tmp_path / "in" / "good.dbn.zst", "trades", trades(TIMES))
    db.DBNStore.from_file(source).to_parquet(tmp_path / "in" / "bad.parquet")
    table = pq.read_table(tmp_path / "in" / "bad.parquet")
    pq.write_table(change(table), tmp_path / "in" / "bad.parquet")
    write(tmp_path / "in" / "other.dbn", "trades", trades(TIMES - 86_400 * 10**9))
    result = import_paths([tmp_path / "in"], tmp_path / "b", report=lambda _: None)
    assert result.exit_code == 1
    assert "bad.parquet: " in result.errors[0]
    assert says in result.errors[0]
    assert "futures/trades 2025-12-15" in partition_names(tmp_path / "b")
