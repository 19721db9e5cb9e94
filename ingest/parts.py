"""What an import hands from step to step: rows of files staged for partitions, and damage."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEEDS
from es_physics.calendar import trade_date_interval, utc_midnight_ns
from ingest.finding import Conditions
from ingest.reader import Window

Partition = tuple[str, date]
"""A feed's path and a trade date."""


@dataclass(frozen=True)
class Part:
    """One source file's rows of one partition, staged as Parquet by `PartitionWriter`s.

    files:       in the order of the rows; more than one only where the source jumps between dates.
    first, last: smallest and largest `ts_recv`.
    is_sorted:   by it; if not, each row group is, and the row groups are in file order.
    sha256:      of the staged file if it could stand as the partition's only file, else None.
    symbol_ids:  the pairs of symbol and instrument id in it.
    """

    files: tuple[Path, ...]
    rows: int
    first: int
    last: int
    is_sorted: bool
    sha256: str | None
    symbol_ids: frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Contribution:
    """What one file that was read gives: to each partition its rows, or None for "asked, nothing".

    sha256: of the file; schema: of its records; window: what it was asked for.
    source: what the manifests say of the file.
    conditions: the vendor's word on the data of each UTC date, as far as it came with the file.
    """

    sha256: str
    schema: str | None
    window: Window | None
    source: dict[str, Any]
    conditions: Conditions
    parts: dict[Partition, Part | None]


@dataclass(frozen=True)
class Damage:
    """The partitions a bad file would have been part of: those of `feeds` within `window`.

    name:       of the file.
    schema:     of its records; None if not known.
    partitions: those it was seen to have rows for, before it turned out bad.
    """

    name: str
    schema: str | None
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


def damage_by_name(name: str) -> Damage:
    """What the vendor's file naming says that an unreadable file would have been part of.

    `glbx-mdp3-20251216.mbp-10.dbn.zst` or `glbx-mdp3-20251201-20251215.trades.dbn.zst`; dates are
    UTC and inclusive. Nothing if the name does not say.
    """
    match = re.search(r"(\d{8})(?:-(\d{8}))?\.([a-z]+(?:-\d+s?)?)\.", name)
    with suppress(ValueError):
        if match:
            first, last = (date.fromisoformat(text) for text in (match[1], match[2] or match[1]))
            feeds = frozenset(feed.path for feed in FEEDS if match[3] in feed.made_from)
            window = utc_midnight_ns(first), utc_midnight_ns(last + timedelta(days=1))
            return Damage(name, match[3], feeds, window)
    return Damage(name, None, frozenset(), None)


def listing(partitions: Iterable[Partition]) -> str:
    """Partitions in few words: each feed with its first and last date and how many there are."""
    days: dict[str, list[date]] = defaultdict(list)
    for feed_path, day in sorted(partitions):
        days[feed_path].append(day)
    return ", ".join(
        f"{path} {of[0]}" + (f" to {of[-1]} ({len(of)})" if len(of) > 1 else "")
        for path, of in days.items()
    )
