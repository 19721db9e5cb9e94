"""Bronze partitions read into the frames the reference works on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME
from reference.basis import SPX_SCHEMA
from reference.book import BOOK_SCHEMA
from reference.options import QUOTES_SCHEMA, STATISTICS_SCHEMA
from reference.trades import TRADES_SCHEMA


def read_trades(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's futures trades by `TRADES_SCHEMA`, with `ts_event`; None where the partition is
    missing."""
    return _read_trades(bronze_root, "futures/trades", trade_date)


def read_option_trades(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's option trades by `TRADES_SCHEMA`; None where the partition is missing."""
    return _read_trades(bronze_root, "options/trades", trade_date)


def _read_trades(bronze_root: Path, feed_path: str, trade_date: date) -> pl.DataFrame | None:
    bronze = _read_partition(bronze_root, feed_path, trade_date)
    if bronze is None:
        return None
    return bronze.select(
        pl.col("ts_recv").alias("ts_ns"),
        "row_nr",
        "instrument_id",
        "symbol",
        _points("price"),
        "size",
        "side",
        "ts_event",
    ).cast({**TRADES_SCHEMA, "ts_event": pl.Int64})


def read_definitions(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's futures definitions, Bronze columns; None where the partition is missing."""
    return _read_partition(bronze_root, "futures/definition", trade_date)


def read_option_definitions(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's options definitions, Bronze columns; None where the partition is missing."""
    return _read_partition(bronze_root, "options/definition", trade_date)


def read_option_quotes(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's option quotes by `QUOTES_SCHEMA`; None where the partition is missing."""
    bronze = _read_partition(bronze_root, "options/nbbo", trade_date)
    if bronze is None:
        return None
    return bronze.select(
        pl.col("ts_recv").alias("ts_ns"),
        "row_nr",
        "instrument_id",
        pl.col("bid_px_00").alias("bid_nano"),
        pl.col("ask_px_00").alias("ask_nano"),
    ).cast(QUOTES_SCHEMA)


def read_option_statistics(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's statistics by `STATISTICS_SCHEMA`; None where the partition is missing."""
    bronze = _read_partition(bronze_root, "options/statistics", trade_date)
    if bronze is None:
        return None
    return bronze.select(
        pl.col("ts_recv").alias("ts_ns"), "row_nr", "instrument_id", "stat_type", "quantity"
    ).cast(STATISTICS_SCHEMA)


def read_book(bronze_root: Path, trade_date: date) -> pl.LazyFrame | None:
    """The date's MBP-10 records by `BOOK_SCHEMA`; None where the partition is missing.

    Not read yet: of the millions of records few columns are needed, and one contract's.
    """
    files = _partition_files(bronze_root, "futures/mbp10", trade_date)
    if files is None:
        return None
    return (
        pl.scan_parquet(files, hive_partitioning=False)
        .select(
            pl.col("ts_recv").alias("ts_ns"),
            "row_nr",
            "symbol",
            "action",
            "flags",
            *(_points(name) for name in BOOK_SCHEMA if "_px_" in name),
            *(name for name in BOOK_SCHEMA if "_sz_" in name),
        )
        .cast(BOOK_SCHEMA)
    )


def read_spx(bronze_root: Path, trade_date: date) -> pl.DataFrame | None:
    """The date's SPX prices by `SPX_SCHEMA`; None where the partition is missing."""
    bronze = _read_partition(bronze_root, "index/spx", trade_date)
    if bronze is None:
        return None
    return bronze.select(pl.col("ts_recv").alias("ts_ns"), "row_nr", _points("price")).cast(
        SPX_SCHEMA
    )


def _points(price: str) -> pl.Expr:
    # Divided, because a product with 1e-9 is not the correctly rounded price.
    return pl.col(price).cast(pl.Float64) / 1e9


def _read_partition(bronze_root: Path, feed_path: str, trade_date: date) -> pl.DataFrame | None:
    files = _partition_files(bronze_root, feed_path, trade_date)
    if files is None:
        return None
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def _partition_files(bronze_root: Path, feed_path: str, trade_date: date) -> list[Path] | None:
    folder = FEED_BY_PATH[feed_path].partition_dir(bronze_root, trade_date)
    files = sorted(folder.glob("*.parquet"))
    # A folder without its manifest is a write that never finished: it does not count.
    if not (folder / MANIFEST_NAME).is_file() or not files:
        return None
    return files
