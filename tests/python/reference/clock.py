"""The session clock of a trade date in UTC nanoseconds, and the calendar it comes from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reference.constants import DEFAULTS, Constants

NEW_YORK = ZoneInfo("America/New_York")
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


@dataclass(frozen=True)
class SessionClock:
    """The instants of one trade date that the definitions name, in UTC epoch nanoseconds."""

    session_date: date
    has_rth: bool
    session_start_ns: int
    premarket_start_ns: int
    rth_start_ns: int
    opening_range_end_ns: int
    event_end_ns: int
    rth_end_ns: int
    session_end_ns: int

    @property
    def minute_marks_ns(self) -> range:
        """09:31, 09:32, ... up to the last anchor, that minute included."""
        return range(self.rth_start_ns + MINUTE_NS, self.event_end_ns + 1, MINUTE_NS)


def new_york_ns(day: date, clock_time: time) -> int:
    """UTC epoch nanoseconds of a New York wall-clock time, which is read to the second."""
    return int(datetime.combine(day, clock_time, NEW_YORK).timestamp()) * SECOND_NS


def session_clock(
    session_date: date,
    has_rth: bool = True,
    rth_end: time | None = None,
    constants: Constants = DEFAULTS,
) -> SessionClock:
    """The clock of a trade date; `rth_end` is given on a half day only.

    A date without a cash session keeps the clock windows of a full day, so that its front month
    and its bars have one.
    """
    close = rth_end if has_rth and rth_end is not None else constants.rth_end
    rth_start_ns = new_york_ns(session_date, constants.rth_start)
    return SessionClock(
        session_date=session_date,
        has_rth=has_rth,
        # A trade date begins at 18:00 on the calendar day before it, be that a Sunday.
        session_start_ns=new_york_ns(session_date - timedelta(days=1), time(18, 0)),
        premarket_start_ns=new_york_ns(session_date, constants.premarket_start),
        rth_start_ns=rth_start_ns,
        opening_range_end_ns=rth_start_ns + constants.opening_range_minutes * MINUTE_NS,
        # The last anchor is 13:30, or the cash close where that comes first.
        event_end_ns=new_york_ns(session_date, min(constants.event_end, close)),
        rth_end_ns=new_york_ns(session_date, close),
        session_end_ns=new_york_ns(session_date, time(17, 0)),
    )


def read_clocks(calendar_csv: Path, constants: Constants = DEFAULTS) -> list[SessionClock]:
    """The clock of every trade date of the calendar seed, in date order.

    The seed has the columns `trade_date`, `has_rth`, `rth_end_et` and one row per CME trade date.

    Raises:
        ValueError: a row whose flag, date or time cannot be read; the message names the row.
    """
    days = []
    with calendar_csv.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                has_rth = {"true": True, "false": False}[row["has_rth"].strip().lower()]
                end = time.fromisoformat(row["rth_end_et"].strip()) if has_rth else None
                day = date.fromisoformat(row["trade_date"].strip())
            except (KeyError, ValueError) as error:
                raise ValueError(f"{calendar_csv}: cannot read the row {row}: {error}") from error
            days.append((day, has_rth, end))
    # An ordinary day closes when the constants say; the calendar's word counts where it is earlier.
    usual = max((end for _, _, end in days if end is not None), default=None)
    return [
        session_clock(
            day,
            has_rth,
            min(end, constants.rth_end) if end is not None and end != usual else None,
            constants,
        )
        for day, has_rth, end in sorted(days, key=lambda row: row[0])
    ]
