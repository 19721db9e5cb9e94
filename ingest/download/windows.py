"""Which part of a trade date each feed is asked for."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path

from es_physics.calendar import CALENDAR_SEED, NEW_YORK, trade_date_interval
from ingest.download.errors import UsageError

DEFAULT_WINDOWS = {"futures/mbp10": "09:00-13:30", "options/nbbo": "09:00-13:30"}
"""New York clock times; feeds that are not named get the whole trade date.

Book and quotes are states that are read from half an hour before the opening bell, the longest
look back, to the last event. Trades, definitions and statistics are read from the evening on.
"""

_CASH_CLOSE = time(16)


@dataclass(frozen=True)
class ClockWindow:
    """New York clock times on the trade date's own calendar day, the end included."""

    start: time
    end: time


def parse_windows(texts: Iterable[str]) -> dict[str, ClockWindow | None]:
    """Windows by feed from "FEED=HH:MM-HH:MM" or "FEED=all" (None); the defaults for the rest.

    Raises UsageError if one makes no sense.
    """
    windows: dict[str, ClockWindow | None] = {}
    for text in (*(f"{feed}={span}" for feed, span in DEFAULT_WINDOWS.items()), *texts):
        feed, _, span = text.strip().partition("=")
        try:
            first, _, last = span.partition("-")
            window = ClockWindow(time.fromisoformat(first), time.fromisoformat(last))
            windows[feed] = window
        except ValueError:
            if span != "all":
                raise UsageError(
                    f"window {text!r} is not FEED=HH:MM-HH:MM (New York) or FEED=all"
                ) from None
            windows[feed] = None
        else:
            if not window.start < window.end <= time(17):
                raise UsageError(f"window {text!r} does not lie in order between 00:00 and 17:00")
    return windows


class CashSessions:
    """When the cash market is open, by the calendar seed; after its end, on every weekday."""

    def __init__(self, path: Path = CALENDAR_SEED) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            self._closes = {
                date.fromisoformat(row["trade_date"]): (
                    time.fromisoformat(row["rth_end_et"]) if row["rth_end_et"] else None
                )
                for row in csv.DictReader(file)
            }
        self._first, self._last = min(self._closes), max(self._closes)

    def close(self, day: date) -> time | None:
        """The New York time of the close, None on a day without a cash session."""
        if self._first <= day <= self._last:
            return self._closes.get(day)
        return _CASH_CLOSE if day.weekday() < 5 else None

    def has_session(self, day: date) -> bool:
        """Whether the cash market opens on that day."""
        return self.close(day) is not None


@cache
def cash_sessions() -> CashSessions:
    """Those of the project's calendar seed, read once."""
    return CashSessions()


def window_ns(day: date, window: ClockWindow | None, cash_close: time | None) -> tuple[int, int]:
    """The [start, end) in epoch nanoseconds to ask for: the trade date, or its part in `window`.

    On a half day the part ends with the cash session. Its last nanosecond is that of the clock
    time itself, which belongs to what is known then.
    """
    if window is None:
        return trade_date_interval(day)
    end = min(window.end, cash_close or window.end)
    return _epoch_ns(day, window.start), _epoch_ns(day, max(end, window.start)) + 1


def _epoch_ns(day: date, clock: time) -> int:
    return int(datetime.combine(day, clock, NEW_YORK).timestamp()) * 10**9
