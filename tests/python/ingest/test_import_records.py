"""Every record arrives with the vendor's values, whatever the DBN version and compression."""

from __future__ import annotations

from datetime import date

import databento
import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import pytest
from dbn_files import (
    IDS,
    OPTION_IDS,
    UNDEF_PRICE,
    UNDEF_TS,
    Interval,
    Mapping,
    definitions,
    dtype,
    encode,
    manifest,
    new_york,
    partition,
    partition_names,
    records,
    trades,
    write,
)

from es_physics.bronze.feeds import FEED_BY_PATH, FEEDS
from ingest.importer import import_paths

T0 = new_york("2025-12-16 09:30")
TIMES = T0 + 10**9 * np.arange(50)
DAY = "2025-12-16"
SCHEMA_FEEDS = {
    "trades": "futures/trades",
    "mbp-10": "futures/mbp10",
    "mbp-1": "options/nbbo",
    "bbo-1s": "options/nbbo",
    "definition": "futures/definition",
    "statistics": "options/statistics",
}


def about(schema: str) -> dict:
    """Metadata for a file of this schema whose ids all have a place."""
    if FEED_BY_PATH[SCHEMA_FEEDS[schema]].path.startswith("options/"):
        return {"ids": OPTION_IDS, "symbols": ("E3A.OPT",)}
    return {"ids": IDS}


def random_records(schema: str, version: int = 3, seed: int = 3):
    """Records with random values in every field, sentinels among them, and a valid header."""
    rng = np.random.default_rng(seed)
    made = records(schema, TIMES, version=version)
    for name in made.dtype.names:
        kind = made.dtype[name]
        if name in ("length", "rtype", "publisher_id", "ts_recv") or name.startswith("_"):
            continue
        if kind.kind == "S":
            letters = rng.integers(ord("A"), ord("Z") + 1, (len(made), kind.itemsize))
            text = ["".join(map(chr, row[: max(1, kind.itemsize - 1)])) for row in letters]
            made[name] = text
            if kind.itemsize > 1:
                made[name][::5] = b""
        else:
            largest = int(np.iinfo(kind).max)
            bound = min(largest, 2**62)
            made[name] = rng.integers(-bound if kind.kind == "i" else 0, bound, len(made))
            made[name][1::4] = largest
    made["instrument_id"] = rng.choice(sorted(about(schema)["ids"]), len(made))
    if schema == "definition":
        made["raw_symbol"] = b"ESH6"
        made["instrument_class"] = rng.choice([b"F", b"S"], len(made))
    return made


@pytest.fixture
def bronze(tmp_path):
    """Import files written from the given records and return the root."""

    def run(schema: str, rows, name: str = "in", **metadata):
        path = write(tmp_path / f"{name}.dbn", schema, rows, **metadata)
        result = import_paths([path], tmp_path / f"bronze-{name}", report=lambda _: None)
        assert result.errors == []
        return tmp_path / f"bronze-{name}"

    return run


@pytest.mark.parametrize("schema", SCHEMA_FEEDS)
def test_values_equal_those_of_the_vendors_own_reader(bronze, schema: str) -> None:
    rows = random_records(schema)
    frame = databento.DBNStore.from_bytes(encode(schema, rows, **about(schema))).to_df(
        price_type="fixed", pretty_ts=False, map_symbols=True
    )
    frame = frame.reset_index()
    ours = partition(bronze(schema, rows, **about(schema)), SCHEMA_FEEDS[schema], DAY)
    assert len(ours) == len(frame) == 50
    if schema == "definition":
        frame["symbol"] = frame["raw_symbol"]
    for name in set(ours.column_names) & set(frame.columns):
        theirs, values = frame[name].tolist(), ours[name].to_pylist()
        if pa.types.is_string(ours.schema.field(name).type):
            assert values == [text or None for text in theirs], name
        else:
            undefined = int(np.iinfo(dtype(schema)[name]).max)
            assert [undefined if value is None else value for value in values] == theirs, name
    missing = set(ours.column_names) - set(frame.columns)
    assert missing <= {"row_nr", "action", "depth", "ts_in_delta", "trading_reference_price"}


@pytest.mark.parametrize("zstd", [True, False])
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("schema", SCHEMA_FEEDS)
def test_versions_and_compressions_give_the_same_rows(bronze, schema, version, zstd) -> None:
    newest = random_records(schema)
    rows = records(schema, TIMES, version=version)
    for name in rows.dtype.names:
        if name in newest.dtype.names and name not in ("length", "rtype"):
            values = newest[name]
            if name == "quantity" and version < 3:  # INT32 then, with its own sentinel
                newest[name] = np.where(values == UNDEF_PRICE, values, values % 2**31)
                values = np.where(values == UNDEF_PRICE, 2**31 - 1, values % 2**31)
            elif name == "asset":  # six characters then
                newest[name] = values = values.astype("S6")
            elif name == "raw_instrument_id":  # UINT32 then; not a Bronze column
                values = 0
            rows[name] = values
    if "trading_reference_price" in rows.dtype.names:
        rows["trading_reference_price"] = np.where(np.arange(50) % 2, UNDEF_PRICE, TIMES)
    ours = partition(
        bronze(schema, rows, "old", version=version, zstd=zstd, **about(schema)),
        SCHEMA_FEEDS[schema],
        DAY,
    )
    expected = partition(bronze(schema, newest, "new", **about(schema)), SCHEMA_FEEDS[schema], DAY)
    if schema == "definition":
        prices = [None if n % 2 or version == 3 else int(TIMES[n]) for n in range(50)]
        assert ours["trading_reference_price"].to_pylist() == prices
        ours = ours.drop_columns(["trading_reference_price"])
        expected = expected.drop_columns(["trading_reference_price"])
    assert ours.equals(expected)


@pytest.mark.parametrize("schema", SCHEMA_FEEDS)
def test_files_come_back_with_the_exact_schema(bronze, schema: str) -> None:
    root = bronze(schema, random_records(schema), **about(schema))
    feed = FEED_BY_PATH[SCHEMA_FEEDS[schema]]
    assert partition(root, feed.path, DAY).schema.equals(feed.schema)


def test_bbo_has_no_action_depth_or_delta(bronze) -> None:
    root = bronze("bbo-1s", random_records("bbo-1s"), **about("bbo-1s"))
    rows = partition(root, "options/nbbo", DAY)
    for name in ("action", "depth", "ts_in_delta"):
        assert rows[name].null_count == len(rows) == 50
    assert rows["bid_sz_00"].null_count == rows["side"].null_count == 0


def test_undefined_values_are_null_and_empty_levels_keep_size_zero(bronze) -> None:
    book = records("mbp-10", TIMES[:2], action=b"A", side=b"B", price=[UNDEF_PRICE, 5])
    for level in range(10):
        book[f"bid_px_{level:02d}"] = book[f"ask_px_{level:02d}"] = UNDEF_PRICE
    book["bid_px_00"][1] = 6_800_000_000_000
    rows = partition(bronze("mbp-10", book), "futures/mbp10", DAY)
    assert rows["price"].to_pylist() == [None, 5]
    assert rows["bid_px_00"].to_pylist() == [None, 6_800_000_000_000]
    assert rows["ask_px_09"].null_count == 2
    assert rows["ask_sz_09"].to_pylist() == [0, 0]


def test_definition_sentinels_are_null(bronze) -> None:
    rows = partition(bronze("definition", definitions(TIMES[:1])), "futures/definition", DAY)
    row = rows.to_pylist()[0]
    null = {name for name, value in row.items() if value is None}
    assert null == {
        "strike_price",
        "activation",
        "underlying",
        "trading_reference_price",
        "maturity_year",
        "maturity_month",
    }
    assert row["symbol"] == "ESZ5"
    assert row["unit_of_measure_qty"] == 50 * 10**9
    assert row["expiration"] == new_york("2025-12-19 09:30")


def test_statistics_sentinels_are_null(bronze) -> None:
    rows = records(
        "statistics",
        TIMES[:2],
        instrument_id=7001,
        stat_type=9,
        ts_ref=[UNDEF_TS, 17],
        price=UNDEF_PRICE,
        quantity=[2**63 - 1, -4],
    )
    read = partition(bronze("statistics", rows, **about("statistics")), "options/statistics", DAY)
    assert read["ts_ref"].to_pylist() == [None, 17]
    assert read["price"].to_pylist() == [None, None]
    assert read["quantity"].to_pylist() == [None, -4]


def test_one_file_feeds_futures_and_options(bronze) -> None:
    ids = {5602: "ESZ5", 5604: "ESZ5-ESH6", 7001: "E3AZ5 C6800", 7003: "UD:1V: VT 2558973"}
    rows = trades(TIMES[:4], instrument_id=[7001, 5602, 7003, 5604])
    root = bronze("trades", rows, ids=ids, symbols=("ES.FUT", "E3A.OPT"))
    futures, options = (
        partition(root, feed, DAY).select(["symbol", "row_nr", "sequence"]).to_pylist()
        for feed in ("futures/trades", "options/trades")
    )
    assert futures == [
        {"symbol": "ESZ5", "row_nr": 0, "sequence": 101},
        {"symbol": "ESZ5-ESH6", "row_nr": 1, "sequence": 103},
    ]
    assert [row["symbol"] for row in options] == ["E3AZ5 C6800", "UD:1V: VT 2558973"]
    mappings = manifest(root, "options/trades", DAY)["symbol_mappings"]
    assert mappings == {"E3AZ5 C6800": [7001], "UD:1V: VT 2558973": [7003]}


def test_definitions_go_by_instrument_class(bronze) -> None:
    rows = definitions(
        TIMES[:4],
        instrument_class=[b"F", b"C", b"S", b"T"],
        raw_symbol=[b"ESZ5", b"E3AZ5 C6800", b"ESZ5-ESH6", b"UD:1V: VT 1"],
    )
    root = bronze("definition", rows)
    futures = partition(root, "futures/definition", DAY)
    options = partition(root, "options/definition", DAY)
    assert futures["symbol"].to_pylist() == ["ESZ5", "ESZ5-ESH6"]
    assert options["symbol"].to_pylist() == ["E3AZ5 C6800", "UD:1V: VT 1"]


def test_symbols_follow_the_mapping_of_their_utc_date(bronze) -> None:
    # At 19:00 New York the UTC date changes within one trade date.
    midnight = new_york("2025-12-15 19:00")
    changes = [
        Mapping("ESZ5", [Interval(date(2025, 12, 1), date(2025, 12, 16), "5602")]),
        Mapping("ESH6", [Interval(date(2025, 12, 16), date(2025, 12, 20), "5602")]),
    ]
    root = bronze("trades", trades([midnight - 1, midnight]), mappings=changes)
    assert partition(root, "futures/trades", DAY)["symbol"].to_pylist() == ["ESZ5", "ESH6"]


def test_mappings_from_ids_to_symbols_are_understood(bronze) -> None:
    mapping = Mapping("5602", [Interval(date(2025, 12, 1), date(2025, 12, 30), "ESZ5")])
    root = bronze(
        "trades",
        trades(TIMES[:2]),
        mappings=[mapping],
        symbols=("5602",),
        stype_in=dbn.SType.INSTRUMENT_ID,
        stype_out=dbn.SType.RAW_SYMBOL,
    )
    assert partition(root, "futures/trades", DAY)["symbol"].to_pylist() == ["ESZ5", "ESZ5"]


def test_only_definitions_and_statistics_need_an_upgrade() -> None:
    """The importer passes every other record of versions 1 and 2 on unchanged."""
    changed = {s for s in SCHEMA_FEEDS for v in (1, 2) if dtype(s, v) != dtype(s, 3)}
    assert changed == {"definition", "statistics"}


def test_every_feed_but_spx_is_reached() -> None:
    reached = {*SCHEMA_FEEDS.values(), "options/trades", "options/definition", "index/spx"}
    assert reached == {feed.path for feed in FEEDS}


def test_chunks_of_a_long_file_join_without_a_seam(bronze, monkeypatch) -> None:
    monkeypatch.setattr("ingest.dbn._CHUNK_BYTES", 48 * 7)
    monkeypatch.setattr("ingest.partition_writer.ROW_GROUP_ROWS", 16)
    rows = trades(TIMES)
    root = bronze("trades", rows)
    read = partition(root, "futures/trades", DAY)
    assert read["row_nr"].to_pylist() == list(range(50))
    assert read["sequence"].to_pylist() == rows["sequence"].tolist()
    assert partition_names(root) == [f"futures/trades {DAY}"]
