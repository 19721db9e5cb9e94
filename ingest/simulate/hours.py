"""When the simulated market is open: the seconds of a trade date in which anything can happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np

from es_physics.calendar import NEW_YORK, USUAL_CLOSE, CalendarDay, trade_date_interval

SECOND_NS = 1_000_000_000

_RTH_START = time(9, 30)
_HOLIDAY_HALT = time(13)
_HALF_DAY_HALT_AFTER = timedelta(minutes=15)
# Days of mourning: the futures stopped when the cash market would have opened.
_EARLY_HALTS = {date(2018, 12, 5): _RTH_START, date(2025, 1, 9): _RTH_START}
# Globex was down, so nothing was traded or quoted.
_OUTAGES = {
    date(2025, 11, 28): (
        datetime(2025, 11, 28, 3, 0, tzinfo=UTC),
        datetime(2025, 11, 28, 13, 30, tzinfo=UTC),
    )
}


Days = Mapping[date, CalendarDay]
"""Trade dates in order, as `es_physics.calendar.Calendar.days` has them."""


def nanoseconds(moment: datetime) -> int:
    """UTC epoch nanoseconds of an aware datetime of whole seconds."""
    return int(moment.timestamp()) * SECOND_NS


def new_york_ns(day: date, clock: time) -> int:
    """UTC epoch nanoseconds of a New York wall-clock time."""
    return nanoseconds(datetime.combine(day, clock, NEW_YORK))


@dataclass(frozen=True)
class Session:
    """The hours of one trade date, all in UTC epoch nanoseconds.

    The trade date is [open_ns, close_ns); trading stops at halt_ns, which is earlier on half days
    and holidays. The cash session is [rth_start_ns, rth_end_ns), rth_end_ns None without one.
    """

    trade_date: date
    open_ns: int
    close_ns: int
    halt_ns: int
    rth_start_ns: int
    rth_end_ns: int | None
    outage_ns: tuple[int, int] | None

    @cached_property
    def seconds_ns(self) -> np.ndarray:
        """int64 (n,): the start of every second with trading, ascending.

        The first second of the session is left out, as it belongs to the opening auction, and the
        last, so that everything has arrived when it ends.
        """
        seconds = np.arange(
            self.open_ns + SECOND_NS, self.halt_ns - SECOND_NS, SECOND_NS, dtype=np.int64
        )
        if self.outage_ns is not None:
            start, end = self.outage_ns
            seconds = seconds[(seconds < start) | (seconds >= end)]
        return seconds

    @cached_property
    def minutes_since_open(self) -> np.ndarray:
        """float64 (n,): minutes from 09:30 ET of each of `seconds_ns`, negative before it."""
        return (self.seconds_ns - self.rth_start_ns) / (60 * SECOND_NS)

    @property
    def rth_minutes(self) -> float:
        """Length of the cash session in minutes, 0 without one."""
        if self.rth_end_ns is None:
            return 0.0
        return (self.rth_end_ns - self.rth_start_ns) / (60 * SECOND_NS)


def session_of(trade_date: date, day: CalendarDay) -> Session:
    """The hours of a trade date that the calendar holds as `day`."""
    open_ns, close_ns = trade_date_interval(trade_date)
    rth_end_ns = new_york_ns(trade_date, day.rth_end) if day.rth_end else None
    halt_ns = close_ns
    if rth_end_ns is None:
        halt_ns = new_york_ns(trade_date, _EARLY_HALTS.get(trade_date, _HOLIDAY_HALT))
    elif day.rth_end != USUAL_CLOSE:
        halt_ns = rth_end_ns + int(_HALF_DAY_HALT_AFTER.total_seconds()) * SECOND_NS
    outage = _OUTAGES.get(trade_date)
    return Session(
        trade_date=trade_date,
        open_ns=open_ns,
        close_ns=close_ns,
        halt_ns=halt_ns,
        rth_start_ns=new_york_ns(trade_date, _RTH_START),
        rth_end_ns=rth_end_ns,
        outage_ns=(nanoseconds(outage[0]), nanoseconds(outage[1])) if outage else None,
    )
