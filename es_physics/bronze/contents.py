"""What the files of a partition must hold before a record of them is used.

Footers say which columns there are and of what type; a scan of the keys alone says the rest. A
manifest cannot vouch for either: whoever wrote the files may have written it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.bronze.feeds import Feed
from es_physics.calendar import EARLIEST, LATEST, default_calendar, utc_midnight_ns

_ORDER = ("ts_recv", "row_nr")
_INSTRUMENT = ("instrument_id", "symbol")
_BATCH_ROWS = 262_144


def columns_problem(files: Sequence[Path], feed: Feed) -> str | None:
    """The first column of the feed that a file lacks or has of another type, in words.

    Further columns are nobody's business. Raises pyarrow.ArrowException or OSError for a file that
    cannot be read.
    """
    for file in files:
        with pq.ParquetFile(file) as parquet:
            found = parquet.schema_arrow
        for wanted in feed.schema:
            indices = [
                index
                for index, name in enumerate(found.names)
                if name.lower() == wanted.name  # SQL knows no capitals
            ]
            if len(indices) > 1:
                return f"{file.name} has the column {wanted.name} {len(indices)} times"
            if not indices or found.names[indices[0]] != wanted.name:
                return f"{file.name} has no column {wanted.name}, which its feed has"
            if (kind := _plain(found.field(indices[0]).type)) != wanted.type:
                return f"{file.name}: {wanted.name} is {kind}, must be {wanted.type}"
    return None


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type as far as a file knows it: text is text, however Arrow keeps it in memory."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def records_problem(
    files: Sequence[Path], feed: Feed, trade_date: date, manifest: Mapping[str, Any]
) -> str | None:
    """What is wrong with the records' keys, order, count or times, in words.

    `files`: in the order of their records, with the feed's columns. Raises pyarrow.ArrowException
    or OSError for a file that cannot be read.
    """
    expected = {entry["name"]: entry["rows"] for entry in manifest["files"]}
    ends: list[int] = []
    rows = 0
    for file in files:
        rows_before = rows
        for keys in _keys(file, feed):
            if missing := [name for name in keys.schema.names if keys.column(name).null_count]:
                return f"{file.name} has a record without {missing[0]}"
            times, numbers = (keys.column(name).to_numpy() for name in _ORDER)
            if not np.array_equal(numbers, np.arange(rows, rows + len(numbers))):
                return f"{file.name}: row_nr does not count the rows from 0"
            if (times[1:] < times[:-1]).any() or (ends and times[0] < ends[1]):
                return f"{file.name} is not sorted by ts_recv"
            ends = [ends[0] if ends else int(times[0]), int(times[-1])]
            rows += len(numbers)
        if rows - rows_before != expected[file.name]:
            return (
                f"{file.name} has {rows - rows_before} rows, its manifest says"
                f" {expected[file.name]}"
            )
    for key, found in zip(("first_ts_recv", "last_ts_recv"), ends or (None, None), strict=True):
        if (said := manifest.get(key)) != found:
            return f"{key} is {found}, its manifest says {said}"
    return _date_problem(ends, trade_date)


def _keys(file: Path, feed: Feed) -> Iterator[pa.RecordBatch]:
    """The key columns in batches; without those of which the footer knows that none is NULL."""
    texts = [field.name for field in feed.schema if field.type == pa.string()]
    with pq.ParquetFile(file, read_dictionary=texts) as parquet:
        unproven = [
            name
            for name in _INSTRUMENT
            if name in feed.schema.names and not _is_never_null(parquet.metadata, name)
        ]
        columns = [*_ORDER, *unproven]
        batches = parquet.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False)
        yield from (batch for batch in batches if batch.num_rows)


def _is_never_null(metadata: pq.FileMetaData, name: str) -> bool:
    index = metadata.schema.names.index(name)
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(index).statistics
        if statistics is None or not statistics.has_null_count or statistics.null_count:
            return False
    return True


def _date_problem(ends: Sequence[int], trade_date: date) -> str | None:
    """Records in the order of time are of one trade date if the first and the last are."""
    for ts_recv in ends:
        if not utc_midnight_ns(EARLIEST) <= ts_recv < utc_midnight_ns(LATEST):
            return f"ts_recv {ts_recv} is no time of a market in nanoseconds since 1970"
    if not ends:
        return None
    for day in default_calendar().assign(np.array(ends, np.int64)).astype(object):
        if day != trade_date:
            return f"holds records of trade date {day}, not {trade_date}"
    return None
