"""The Parquet that Bronze consists of: what any reader finds in it is what was written."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from es_physics.bronze.feeds import FEED_BY_PATH, Feed
from ingest.partition_writer import PartitionWriter

ROWS = 150_000
MANY = 70_000
"""Of different values: more than two bytes can tell apart."""

FEED = FEED_BY_PATH["options/nbbo"]
BOOK = FEED_BY_PATH["futures/mbp10"]


@pytest.fixture(scope="module")
def market() -> pa.RecordBatch:
    """Quotes with all that a column may hold, in `ts_recv` order, without `row_nr`."""
    random = np.random.default_rng(7)
    ticks = random.integers(-3, 4000, ROWS)
    values: dict[str, np.ndarray] = {
        "ts_recv": np.sort(random.integers(0, 10**9, ROWS)) + 1_765_800_000_000_000_000,
        "instrument_id": random.choice([7, 42_140_878, 2**32 - 1], ROWS),
        "sequence": np.arange(ROWS),
        # Below 0, off every tick, and on the grid but far above it.
        "price": ticks * 50_000_000 + (ticks == 17),
        "bid_px_00": ticks * 50_000_000,
        "ask_px_00": np.where(ticks == 5, 2**62, abs(ticks) * 50_000_000),
        "bid_sz_00": np.arange(ROWS) % MANY,
        "ask_sz_00": np.where(ticks < 9, 2**32 - 1, abs(ticks) % 256),
        "bid_ct_00": abs(ticks) % 257,
        "ask_ct_00": np.zeros(ROWS, int),
    }
    undefined = random.random(ROWS) < 0.1
    arrays: list[pa.Array] = []
    fields = [field for field in FEED.schema if field.name != "row_nr"]
    for field in fields:
        if field.type == pa.string():
            texts = np.array(["", "A", "ESZ5 C6800", "ß"])[abs(ticks) % 4]
            lacks = undefined if field.name != "symbol" else None
            arrays.append(pa.array(texts, field.type, mask=lacks))
        elif field.name == "depth":
            arrays.append(pa.nulls(ROWS, field.type))
        else:
            column = pa.array(values.get(field.name, ticks % 100))
            may_lack = field.name in ("price", "bid_px_00", "bid_sz_00", "size")
            arrays.append(
                pa.array(column.to_numpy(), mask=undefined if may_lack else None).cast(field.type)
            )
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def write(
    path: Path, batch: pa.RecordBatch, rows: int = ROWS, feed: Feed = FEED
) -> PartitionWriter:
    """The batch in a file, written in batches of so many rows."""
    writer = PartitionWriter(path, feed.schema)
    for begin in range(0, len(batch), rows):
        writer.write(batch.slice(begin, rows))
    writer.close()
    return writer


def with_row_nr(batch: pa.RecordBatch, feed: Feed = FEED) -> pa.Table:
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["row_nr"] = pa.array(np.arange(len(batch)))
    return pa.table([columns[name] for name in feed.schema.names], schema=feed.schema)


def test_readers_find_what_was_written(tmp_path: Path, market: pa.RecordBatch) -> None:
    path = tmp_path / "data.parquet"
    written = write(path, market)
    expected = with_row_nr(market)

    assert pq.read_schema(path).equals(FEED.schema)
    assert pq.read_table(path).equals(expected)
    assert pl.read_parquet(path).equals(pl.DataFrame(expected))
    assert duckdb.sql(f"from '{path}'").to_arrow_table().cast(FEED.schema).equals(expected)
    assert written.sha256 == sha256(path.read_bytes()).hexdigest()
    pairs = zip(expected["symbol"].to_pylist(), expected["instrument_id"].to_pylist(), strict=True)
    assert written.symbol_ids == set(pairs)


def test_readers_find_the_book_that_was_written(tmp_path: Path, market: pa.RecordBatch) -> None:
    """Ten levels, each with the values of the one level of a quote."""
    fields = [field for field in BOOK.schema if field.name != "row_nr"]
    quotes = market.slice(0, 70_000)
    levels = [quotes.column(re.sub(r"_\d\d$", "_00", field.name)) for field in fields]
    book = pa.RecordBatch.from_arrays(levels, schema=pa.schema(fields))
    path = tmp_path / "data.parquet"
    write(path, book, feed=BOOK)
    expected = with_row_nr(book, BOOK)

    assert pq.read_table(path).equals(expected)
    assert pl.read_parquet(path).equals(pl.DataFrame(expected))
    assert duckdb.sql(f"from '{path}'").to_arrow_table().cast(BOOK.schema).equals(expected)


def test_row_groups_tell_their_times(
    tmp_path: Path, market: pa.RecordBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By which a reader spares itself those that lie outside a session."""
    monkeypatch.setattr("ingest.partition_writer.ROW_GROUP_ROWS", 40_000)
    path = tmp_path / "data.parquet"
    write(path, market)
    metadata = pq.read_metadata(path)
    times = market.column("ts_recv").slice(40_000, 40_000).to_pylist()
    found = metadata.row_group(1).column(FEED.schema.get_field_index("ts_recv")).statistics
    assert (found.min, found.max) == (times[0], times[-1])
    assert metadata.num_row_groups == 4


def test_row_groups_tell_that_no_key_is_missing(tmp_path: Path, market: pa.RecordBatch) -> None:
    """By which a proof of the partition spares itself their columns."""
    path = tmp_path / "data.parquet"
    write(path, market)
    group = pq.read_metadata(path).row_group(0)
    for name in ("ts_recv", "row_nr", "instrument_id", "symbol"):
        statistics = group.column(FEED.schema.get_field_index(name)).statistics
        assert statistics.has_null_count, name
        assert statistics.null_count == 0, name


def test_encodings_are_those_that_every_reader_knows(
    tmp_path: Path, market: pa.RecordBatch
) -> None:
    """DuckDB before 2.0, to which the project can fall back, refuses others."""
    path = tmp_path / "data.parquet"
    write(path, market)
    columns = [pq.read_metadata(path).row_group(0).column(at) for at in range(len(FEED.schema))]
    assert {encoding for column in columns for encoding in column.encodings} <= {
        "PLAIN",
        "RLE",
        "RLE_DICTIONARY",
        "DELTA_BINARY_PACKED",
    }


@pytest.mark.parametrize("batch_rows", [1_000, 22_222])
def test_bytes_do_not_depend_on_the_batches(
    tmp_path: Path, market: pa.RecordBatch, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("ingest.partition_writer.ROW_GROUP_ROWS", 40_000)
    whole, pieces = tmp_path / "whole.parquet", tmp_path / "pieces.parquet"
    write(whole, market)
    write(pieces, market, batch_rows)
    assert whole.read_bytes() == pieces.read_bytes()


def test_rows_out_of_order_are_sorted_by_row_group(
    tmp_path: Path, market: pa.RecordBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.partition_writer.ROW_GROUP_ROWS", 40_000)
    path = tmp_path / "data.parquet"
    shuffled = market.take(pa.array(np.random.default_rng(8).permutation(ROWS)))
    assert not write(path, shuffled).is_sorted
    for group in range(2):
        rows = shuffled.slice(40_000 * group, 40_000)
        order = np.argsort(rows.column("ts_recv").to_numpy(), kind="stable")
        found = pq.ParquetFile(path).read_row_group(group).drop_columns("row_nr")
        assert found.equals(pa.table(rows.take(pa.array(order))))
