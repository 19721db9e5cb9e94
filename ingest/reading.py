"""Read a file to its end into staged parts, one for each partition that it has rows for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress

import numpy as np
import pyarrow as pa

from es_physics.bronze.feeds import Feed
from es_physics.calendar import Calendar
from es_physics.errors import first_line
from ingest.errors import InputError
from ingest.inputs import Input
from ingest.partition_writer import DATA_NAME, PartitionWriter
from ingest.parts import Contribution, Damage, Part, Partition
from ingest.reader import Reader
from ingest.staging import Staging


class DamagedError(InputError):
    """A file turned out bad while it was read. `damage`: what it would have been part of."""

    def __init__(self, message: str, damage: Damage) -> None:
        super().__init__(message)
        self.damage = damage


def read(
    given: Input,
    file: Reader,
    staging: Staging,
    calendar: Calendar,
    advance: Callable[[int], None],
) -> Contribution:
    """The content of an opened file, which is closed.

    advance: takes the bytes read so far. Raises DamagedError, with nothing left staged, if the
    file cannot be read to its end.
    """
    writers: dict[Partition, PartitionWriter] = {}
    # The batches first: a thread may still be reading ahead.
    with closing(file), closing(file.batches()) as batches:
        try:
            for feed, batch in batches:
                _write(writers, feed, batch, staging, calendar)
                advance(file.position)
            parts = _finish(given, file, writers, calendar)
        except (InputError, OSError, pa.ArrowException) as error:
            for writer in writers.values():
                with suppress(OSError, pa.ArrowException):
                    writer.close()
                writer.path.unlink(missing_ok=True)
            feeds = frozenset(feed.path for feed in file.feeds)
            damage = Damage(given.path, feeds, file.claim, frozenset(writers))
            raise DamagedError(first_line(error), damage) from error
    source = file.describe() | {
        "name": given.path.name,
        "sha256": given.sha256,
        "bytes": given.bytes,
        "partitions": sorted([feed, day.isoformat()] for feed, day in parts),
    }
    return Contribution(source, file.window, parts)


def _write(
    writers: dict[Partition, PartitionWriter],
    feed: Feed,
    batch: pa.RecordBatch,
    staging: Staging,
    calendar: Calendar,
) -> None:
    times = batch.column("ts_recv").to_numpy()
    days = calendar.assign(np.array([times.min(), times.max()]))
    if days[0] != days[1]:
        days = calendar.assign(times)
    for day in np.unique(days):
        key = (feed.path, day.astype(object))
        if key not in writers:
            for other in writers.values():
                other.flush()
            writers[key] = PartitionWriter(staging.folder() / DATA_NAME, feed.schema)
        here = days == day
        writers[key].write(batch if here.all() else batch.filter(pa.array(here)))


def _finish(
    given: Input,
    file: Reader,
    writers: dict[Partition, PartitionWriter],
    calendar: Calendar,
) -> dict[Partition, Part | None]:
    """The parts of a file that was read to its end, and its "asked, and there was nothing"."""
    parts: dict[Partition, Part | None] = {}
    if file.window:
        days = calendar.covered(*file.window) if file.complete or not writers else []
        if not days and not writers:
            days = calendar.touched(*file.window)
        parts |= {(feed.path, day): None for feed in file.feeds for day in days}
    for key, writer in writers.items():
        writer.close()
        assert writer.first_ts_recv is not None
        assert writer.last_ts_recv is not None
        parts[key] = Part(
            path=writer.path,
            name=given.path.name,
            sha256=given.sha256,
            rows=writer.rows,
            first=writer.first_ts_recv,
            last=writer.last_ts_recv,
            is_sorted=writer.is_sorted,
            is_final=writer.is_final,
            data_sha256=writer.sha256,
            symbol_ids=frozenset(writer.symbol_ids),
        )
    if not parts:
        raise InputError("holds no records and its request covers no trade date; leave it out")
    return parts
