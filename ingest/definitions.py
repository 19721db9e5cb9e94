"""Which raw symbol an instrument id had, by the definitions of the date.

For records that their own file gives no raw symbol: requests by instrument id, for everything or by
a rule such as `ES.v.0`. The definitions are those in Bronze and those of the files of the same run.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import check_partition
from es_physics.calendar import Calendar
from ingest.symbology import Kind

_FEEDS = {
    Kind.FUTURES: FEED_BY_PATH["futures/definition"],
    Kind.OPTIONS: FEED_BY_PATH["options/definition"],
}
_WEEK = range(8)
"""So many days back a definition is looked for: the vendor's can be a week old."""


class _Day:
    """The definitions of a trade date: per instrument, what it was called from when on."""

    def __init__(self, files: list[tuple[Kind, Path]]) -> None:
        self._names: dict[int, list[tuple[int, str, Kind]]] = defaultdict(list)
        for kind, file in files:
            with pq.ParquetFile(file) as parquet:
                table = parquet.read(["ts_recv", "instrument_id", "symbol"])
            for time, instrument, symbol in zip(*(c.to_pylist() for c in table), strict=True):
                self._names[instrument].append((time, symbol, kind))
        for names in self._names.values():
            names.sort()

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, instrument_id: int) -> bool:
        return instrument_id in self._names

    def at(
        self, instrument_id: int, ts_recv: NDArray[np.int64]
    ) -> tuple[list[tuple[int, str, Kind]], NDArray[np.intp]]:
        """Its definitions, and the index of the one in force at each time, the first before it."""
        names = self._names[instrument_id]
        since = np.array([name[0] for name in names])
        return names, np.maximum(np.searchsorted(since, ts_recv, side="right") - 1, 0)


class Definitions:
    """The definitions of ES instruments at hand, read as they are needed."""

    def __init__(self, bronze_root: Path, calendar: Calendar) -> None:
        self._root, self._calendar = bronze_root, calendar
        self._staged: dict[date, list[tuple[Kind, Path]]] = defaultdict(list)
        self._days: dict[date, _Day] = {}

    def add(self, feed_path: str, day: date, file: Path) -> None:
        """Take account of a run's own definitions of a trade date, not yet in Bronze."""
        for kind, feed in _FEEDS.items():
            if feed.path == feed_path:
                self._staged[day].append((kind, file))
                self._days.pop(day, None)

    def lookup(
        self, instrument_id: NDArray[np.uint32], ts_recv: NDArray[np.int64]
    ) -> tuple[pa.Array, NDArray[np.uint8]]:
        """Each record's raw symbol and kind; NULL and UNNAMED without a definition.

        Of the record's trade date, or else of the newest date in the week before.
        """
        days = self._calendar.assign(ts_recv)
        keys = days.astype(np.int64) << 32 | instrument_id.astype(np.int64)
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        symbols = np.full(len(keys), None, object)
        kinds = np.full(len(keys), Kind.UNNAMED, np.uint8)
        for rows in np.split(order, starts[1:]):
            instrument = int(instrument_id[rows[0]])
            if definitions := self._newest(instrument, days[rows[0]].astype(object)):
                names, index = definitions.at(instrument, ts_recv[rows])
                symbols[rows] = np.array([name[1] for name in names], object)[index]
                kinds[rows] = np.array([name[2] for name in names], np.uint8)[index]
        return pa.array(symbols, pa.string()), kinds

    def are_at_hand(self, ts_recv: NDArray[np.int64]) -> bool:
        """Whether there is any definition, of any instrument, for each record's trade date."""
        days = np.unique(self._calendar.assign(ts_recv)).astype(object)
        return all(any(self._of(day - timedelta(days=n)) for n in _WEEK) for day in days)

    def _newest(self, instrument_id: int, day: date) -> _Day | None:
        for back in _WEEK:
            definitions = self._of(day - timedelta(days=back))
            if instrument_id in definitions:
                return definitions
        return None

    def _of(self, day: date) -> _Day:
        if day not in self._days:
            landed = [
                (kind, file)
                for kind, feed in _FEEDS.items()
                for file in check_partition(self._root, feed, day, hash_files=False).files
            ]
            self._days[day] = _Day(landed + self._staged[day])
        return self._days[day]
