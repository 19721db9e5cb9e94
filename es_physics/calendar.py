"""CME trade dates: which one a timestamp belongs to, when one begins and ends, which lie before it.

A trade date runs from 18:00 New York time on the previous calendar day to 17:00 (exclusive).
Which days are trade dates, and when the cash market closes on each, comes from the seed
`session_calendar.csv`, which only this module reads; outside its range every weekday counts, with
the usual close.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from es_physics.errors import Error

NEW_YORK = ZoneInfo("America/New_York")
DAY_NS = 86_400_000_000_000
CALENDAR_SEED = Path(__file__).with_name("session_calendar.csv")

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
"""A timestamp outside [EARLIEST, LATEST) is taken for damage, not for market data."""

USUAL_CLOSE = time(16)
"""The New York time at which the cash market closes on ordinary days."""

_ONE_DAY = timedelta(days=1)
# Longer than any run of days without a trade date, so that every timestamp finds its next one.
_LONGEST_CLOSURE = timedelta(days=10)


def utc_date(ts_ns: int) -> date:
    """The UTC calendar date of an epoch timestamp in nanoseconds, clipped to [EARLIEST, LATEST]."""
    day = date(1970, 1, 1).toordinal() + ts_ns // DAY_NS
    return date.fromordinal(min(max(day, EARLIEST.toordinal()), LATEST.toordinal()))


def utc_midnight_ns(day: date) -> int:
    """The epoch nanoseconds at which a UTC date begins."""
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_NS


@cache
def trade_date_interval(day: date) -> tuple[int, int]:
    """The trade date's [start, end) in epoch nanoseconds: 18:00 the day before to 17:00 ET.

    Neither clock time is ever skipped or repeated by daylight saving, which changes at 02:00.
    """
    start = datetime.combine(day - _ONE_DAY, time(18), NEW_YORK)
    end = datetime.combine(day, time(17), NEW_YORK)
    return int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9


@dataclass(frozen=True)
class CalendarDay:
    """One trade date of the seed.

    rth_end: New York time at which the cash market closes; None if it does not open.
    reason:  why the date is not an ordinary one; empty if it is.
    """

    trade_date: date
    rth_end: time | None = USUAL_CLOSE
    reason: str = ""

    @property
    def has_rth(self) -> bool:
        """Whether the cash market opens."""
        return self.rth_end is not None


def utc_dates(day: date) -> list[date]:
    """The UTC calendar dates that a trade date's interval touches: the day before, and its own."""
    start, end = trade_date_interval(day)
    return sorted({utc_date(start), utc_date(end - 1)})


class Calendar:
    """The CME trade dates: those given, and every weekday before the first and after the last."""

    def __init__(self, days: Iterable[CalendarDay]) -> None:
        self.days: Mapping[date, CalendarDay] = {
            day.trade_date: day for day in sorted(days, key=lambda day: day.trade_date)
        }
        self.first = min(self.days, default=LATEST)
        self.last = max(self.days, default=LATEST)

    @classmethod
    def from_csv(cls, path: Path = CALENDAR_SEED) -> Calendar:
        """Read the calendar seed: columns `trade_date`, `rth_end_et` and `reason`.

        Raises Error if it is missing or a row cannot be read: quietly taking every weekday would
        put a holiday's records into a partition that no session ever reads.
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return cls(
                    CalendarDay(
                        date.fromisoformat(row["trade_date"]),
                        time.fromisoformat(row["rth_end_et"]) if row["rth_end_et"] else None,
                        row["reason"],
                    )
                    for row in csv.DictReader(file)
                )
        except (OSError, KeyError, ValueError) as error:
            raise Error(
                f"the session calendar {path} cannot be read ({error!r}); restore it or run"
                " seeds/build_session_calendar.py"
            ) from error

    def is_trade_date(self, day: date) -> bool:
        """Whether CME equity futures trade on that date."""
        if self.first <= day <= self.last:
            return day in self.days
        return day.weekday() < 5

    def close(self, day: date) -> time | None:
        """The New York time of the cash market's close, None on a day without a cash session."""
        if self.first <= day <= self.last:
            return self.days[day].rth_end if day in self.days else None
        return USUAL_CLOSE if day.weekday() < 5 else None

    def has_session(self, day: date) -> bool:
        """Whether the cash market opens on that day."""
        return self.close(day) is not None

    def between(self, first: date, last: date) -> list[date]:
        """Every trade date from `first` to `last`, both included, in order."""
        days = (date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1))
        return [day for day in days if self.is_trade_date(day)]

    def warm_up(self, day: date, count: int) -> list[date]:
        """The `count` trade dates before `day`, in order: those that its averages reach back to."""
        found: list[date] = []
        while len(found) < count:
            day -= _ONE_DAY
            if self.is_trade_date(day):
                found.append(day)
        return found[::-1]

    def assign(self, ts_recv: NDArray[np.int64]) -> NDArray[np.datetime64]:
        """The trade date of each epoch-nanosecond timestamp, as datetime64[D] of the same shape.

        A timestamp outside every trade date's interval (17:00 to 18:00 ET, weekends, full
        holidays) belongs to the next trade date that starts after it, so nothing is ever dropped.
        All timestamps must lie in [EARLIEST, LATEST).
        """
        if not ts_recv.size:
            return np.empty(0, "datetime64[D]")
        # A trade date ends before its own UTC day does, so no record's is earlier than its UTC day.
        days = self.between(
            utc_date(int(ts_recv.min())), utc_date(int(ts_recv.max())) + _LONGEST_CLOSURE
        )
        ends = np.array([trade_date_interval(day)[1] for day in days], np.int64)
        return np.array(days, "datetime64[D]")[np.searchsorted(ends, ts_recv, side="right")]

    def touched(self, start_ns: int, end_ns: int) -> list[date]:
        """The trade dates whose interval shares an instant with [start_ns, end_ns)."""
        return [
            day
            for day in self.between(utc_date(start_ns), utc_date(end_ns) + _ONE_DAY)
            if trade_date_interval(day)[0] < end_ns and start_ns < trade_date_interval(day)[1]
        ]

    def covered(self, start_ns: int, end_ns: int) -> list[date]:
        """The trade dates whose whole interval lies within [start_ns, end_ns)."""
        return [
            day
            for day in self.touched(start_ns, end_ns)
            if start_ns <= trade_date_interval(day)[0] and trade_date_interval(day)[1] <= end_ns
        ]


@cache
def default_calendar() -> Calendar:
    """The calendar of the project's seed, read once."""
    return Calendar.from_csv()
