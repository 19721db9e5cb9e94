"""Which part of a trade date each feed is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from es_physics.calendar import NEW_YORK, trade_date_interval
from es_physics.project import project_vars
from ingest.download.errors import UsageError


@dataclass(frozen=True)
class ClockWindow:
    """New York clock times on the trade date's own calendar day, the end included."""

    start: time
    end: time


def default_windows() -> dict[str, str]:
    """The "HH:MM-HH:MM" of each feed that is not asked for whole, New York time.

    Book and quotes are states: they are read from the longest look back before the opening bell, or
    from where the session's grid begins, to the last event. Trades, definitions and statistics are
    read from the evening on.
    """
    values = project_vars()
    longest_s = max(
        60, values["wall_baseline_s"], values["barrier_window_s"], *values["ofi_windows_s"]
    )
    bell = datetime.combine(date.min, time.fromisoformat(values["rth_start"])) + timedelta(days=1)
    grid = datetime.combine(bell.date(), time(9))
    start = min(bell - timedelta(minutes=-(-longest_s // 60)), grid)
    window = f"{start:%H:%M}-{values['event_end']}"
    return {"futures/mbp10": window, "options/nbbo": window}


def parse_windows(texts: Iterable[str]) -> dict[str, ClockWindow | None]:
    """Windows by feed from "FEED=HH:MM-HH:MM" or "FEED=all" (None); the defaults for the rest.

    Raises UsageError if one makes no sense.
    """
    windows: dict[str, ClockWindow | None] = {}
    for text in (*(f"{feed}={span}" for feed, span in default_windows().items()), *texts):
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
