"""Read a file to its end into staged parts, one for each partition that it has rows for."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from datetime import date

import numpy as np
import pyarrow as pa

from es_physics.bronze.feeds import FEEDS, Feed
from es_physics.calendar import DAY_NS, Calendar, trade_date_interval
from es_physics.errors import first_line
from ingest.errors import LIBRARY_ERRORS, InputError, UnusedError
from ingest.finding import Input
from ingest.partition_writer import PartitionWriter
from ingest.parts import Contribution, Damage, Part, Partition
from ingest.reader import Reader
from ingest.routing import kind_of_feed
from ingest.staging import Staging

_OPEN_WRITERS = 8
"""A file that jumps between more partitions than this has them written in several pieces."""

_SILENT_DATES = 31
"""So many dates without a record a file may stand for, and as many as it has records on."""


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
    *,
    feeds: Collection[str] | None,
    now_ns: int,
    advance: Callable[[int], None],
) -> tuple[Contribution, list[str]]:
    """The content of an opened file, which is closed, and clauses on what looks wrong with it.

    feeds:   the paths of those that are wanted; None for all.
    now_ns:  the time: no file says of the future that nothing happened.
    advance: takes the bytes read so far.

    Raises DamagedError, with nothing left staged, if the file cannot be read to its end;
    UnusedError if it gives nothing to any partition.
    """
    writers = _Writers(staging, calendar)
    # The batches first: a thread may still be reading ahead.
    with closing(file), closing(file.batches()) as batches:
        try:
            for feed, batch in batches:
                if feeds is None or feed.path in feeds:
                    writers.write(feed, batch)
                advance(file.position)
            parts: dict[Partition, Part | None] = dict(writers.finish())
        except (InputError, OSError, pa.ArrowException, *LIBRARY_ERRORS) as error:
            writers.discard()
            raise DamagedError(first_line(error), _damage(given, file, writers)) from error
    remarks = [*file.remarks]
    if any(part and not part.is_sorted for part in parts.values()):
        remarks.append("its records are not in the order of ts_recv; they have been sorted")
    if renamed := sum(len(_names_twice(part)) for part in parts.values() if part):
        remarks.append(
            f"{renamed} of its instruments have two names on one trade date; both have been landed"
        )
    if any(part and part.last > now_ns + DAY_NS for part in parts.values()):
        remarks.append("it has records of the future; they have been landed")
    silent, remark = _silent_partitions(file, {day for _, day in parts}, calendar, now_ns)
    remarks += remark
    parts = dict.fromkeys(p for p in silent if feeds is None or p[0] in feeds) | parts
    if not parts:
        if file.left_out:
            raise UnusedError("; ".join(file.left_out))
        nothing = "holds no records and its request covers no trade date"
        raise UnusedError(nothing) if file.window else InputError(f"{nothing}; leave it out")
    source = file.describe() | {
        "name": given.name,
        "sha256": given.sha256,
        "bytes": given.bytes,
        "partitions": as_ranges(parts, calendar),
    }
    contribution = Contribution(
        given.sha256, file.schema, file.window, source, given.conditions, parts
    )
    return contribution, remarks


def _names_twice(part: Part) -> list[int]:
    """The instruments of a part that have more than one symbol."""
    counts = Counter(instrument for _, instrument in part.symbol_ids)
    return [instrument for instrument, count in counts.items() if count > 1]


def as_ranges(partitions: Collection[Partition], calendar: Calendar) -> list[list[str]]:
    """Partitions as [feed, first date, last date] of successive trade dates, for a manifest."""
    ranges: list[tuple[str, date, date]] = []
    for feed, day in sorted(partitions):
        if ranges and ranges[-1][0] == feed and len(calendar.between(ranges[-1][2], day)) == 2:
            ranges[-1] = (feed, ranges[-1][1], day)
        else:
            ranges.append((feed, day, day))
    return [[feed, first.isoformat(), last.isoformat()] for feed, first, last in ranges]


def from_ranges(ranges: list[list[str]], calendar: Calendar) -> set[Partition]:
    """What `as_ranges` was given."""
    return {
        (feed, day)
        for feed, first, last in ranges
        for day in calendar.between(date.fromisoformat(first), date.fromisoformat(last))
    }


def _damage(given: Input, file: Reader, writers: _Writers) -> Damage:
    """What the file would have been part of: of the feeds asked for, and what else it can fill."""
    kinds = {kind_of_feed(feed) for feed in file.feeds if feed.made_from}
    fillable = {
        feed.path
        for feed in FEEDS
        if file.schema in feed.made_from and (not kinds or kind_of_feed(feed) in kinds)
    }
    feeds = frozenset(fillable | {feed.path for feed in file.feeds})
    return Damage(given.name, file.schema, feeds, file.claim, frozenset(writers.partitions))


def _silent_partitions(
    file: Reader, days_with_rows: set[date], calendar: Calendar, now_ns: int
) -> tuple[list[Partition], list[str]]:
    """The partitions of which the file says "asked, and there was nothing", and what is odd.

    Of whole trade dates within its window, and of a part of one if it has no records at all. A
    damaged window may span years, so a file stands for few more dates than it has records on.
    """
    if not file.window:
        return [], []
    days = calendar.covered(*file.window) if file.complete or not days_with_rows else []
    if not days and not days_with_rows:
        days = calendar.touched(*file.window)
    days = [day for day in days if trade_date_interval(day)[1] <= now_ns]
    remarks = []
    if len(set(days) - days_with_rows) > max(_SILENT_DATES, len(days_with_rows)):
        remarks = [
            f"it was asked for {days[0]} to {days[-1]} and has records on {len(days_with_rows)} of"
            f" these {len(days)} trade dates; the others are not taken to have none"
        ]
        days = [day for day in days if day in days_with_rows]
    return [(feed.path, day) for feed in file.feeds for day in days], remarks


class _Writers:
    """The writers of one file's partitions, few of them open at a time."""

    def __init__(self, staging: Staging, calendar: Calendar) -> None:
        self._staging, self._calendar = staging, calendar
        self._open: OrderedDict[Partition, PartitionWriter] = OrderedDict()
        self._all: dict[Partition, list[PartitionWriter]] = defaultdict(list)

    @property
    def partitions(self) -> Collection[Partition]:
        return self._all.keys()

    def write(self, feed: Feed, batch: pa.RecordBatch) -> None:
        """Give each row to its trade date's writer."""
        times = batch.column("ts_recv").to_numpy()
        days = self._calendar.assign(np.array([times.min(), times.max()]))
        if days[0] != days[1]:
            days = self._calendar.assign(times)
        for day in np.unique(days):
            here = days == day
            writer = self._writer(feed, day.astype(object))
            writer.write(batch if here.all() else batch.filter(pa.array(here)))

    def _writer(self, feed: Feed, day: date) -> PartitionWriter:
        key = (feed.path, day)
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        for (path, _), other in self._open.items():
            if path == feed.path:
                other.flush()  # The date before is over, as a rule, and its memory is needed.
        if len(self._open) == _OPEN_WRITERS:
            self._open.popitem(last=False)[1].close()
        self._open[key] = PartitionWriter(self._staging.file(), feed.schema)
        self._all[key].append(self._open[key])
        return self._open[key]

    def finish(self) -> dict[Partition, Part]:
        """Close the writers; what they have written."""
        for writer in self._open.values():
            writer.close()
        return {key: _part(writers) for key, writers in self._all.items()}

    def discard(self) -> None:
        """Remove whatever has been written."""
        for writer in self._open.values():
            with suppress(OSError, pa.ArrowException):
                writer.close()
        for writers in self._all.values():
            for writer in writers:
                writer.path.unlink(missing_ok=True)


def _part(writers: list[PartitionWriter]) -> Part:
    firsts = [writer.first_ts_recv for writer in writers if writer.first_ts_recv is not None]
    lasts = [writer.last_ts_recv for writer in writers if writer.last_ts_recv is not None]
    return Part(
        files=tuple(writer.path for writer in writers),
        rows=sum(writer.rows for writer in writers),
        first=min(firsts),
        last=max(lasts),
        is_sorted=all(writer.is_sorted for writer in writers)
        and all(last <= first for last, first in zip(lasts, firsts[1:], strict=False)),
        sha256=writers[0].sha256 if len(writers) == 1 and writers[0].is_final else None,
        symbol_ids=frozenset[tuple[str, int]]().union(*(writer.symbol_ids for writer in writers)),
    )
