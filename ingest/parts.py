"""What an import hands from step to step: rows of files staged for partitions, and damage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from es_physics.calendar import trade_date_interval
from ingest.reader import Window

Partition = tuple[str, date]
"""A feed's path and a trade date."""


@dataclass(frozen=True)
class Part:
    """One source file's rows of one partition, staged as Parquet by a `PartitionWriter`.

    first, last: smallest and largest `ts_recv`. is_sorted: by it; if not, each row group is, and
    the row groups are in file order. is_final: could stand as the partition's only file.
    data_sha256: of the staged file. symbol_ids: the pairs of symbol and instrument id in it.
    """

    path: Path
    name: str
    sha256: str
    rows: int
    first: int
    last: int
    is_sorted: bool
    is_final: bool
    data_sha256: str
    symbol_ids: frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Contribution:
    """What one file that was read gives: to each partition its rows, or None for "asked, nothing".

    source: what the manifests say of the file; window: what it was asked for.
    """

    source: dict[str, Any]
    window: Window | None
    parts: dict[Partition, Part | None]


@dataclass(frozen=True)
class Damage:
    """The partitions a bad file would have been part of: those of `feeds` within `window`.

    partitions: those it was seen to have rows for, before it turned out bad.
    """

    path: Path
    feeds: frozenset[str]
    window: Window | None
    partitions: frozenset[Partition] = frozenset()

    def hits(self, partition: Partition) -> bool:
        """Whether the file would have been part of it."""
        feed, day = partition
        if partition in self.partitions:
            return True
        if feed not in self.feeds or self.window is None:
            return False
        start, end = trade_date_interval(day)
        return start < self.window[1] and self.window[0] < end


def listing(partitions: Iterable[Partition]) -> str:
    """Partitions in few words: each feed with its first and last date and how many there are."""
    days: dict[str, list[date]] = defaultdict(list)
    for feed_path, day in sorted(partitions):
        days[feed_path].append(day)
    return ", ".join(
        f"{path} {of[0]}" + (f" to {of[-1]} ({len(of)})" if len(of) > 1 else "")
        for path, of in days.items()
    )
