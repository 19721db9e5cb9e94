"""When a session opens, closes and what it warms up on: what the Polars script takes as given."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from es_physics.calendar import default_calendar
from es_physics.project import project_vars

PROJECT = Path(__file__).resolve().parents[1]
VARS = project_vars()
MINUTE = 60_000_000_000
NEW_YORK = ZoneInfo("America/New_York")


def session_clock(session_date: str) -> dict[str, int]:
    """The times of the table `sessions` of a trade date with a cash session, UTC nanoseconds."""
    day = date.fromisoformat(session_date)
    rth_end = min(f"{default_calendar().close(day):%H:%M}", VARS["rth_end"])

    def at(clock: str) -> int:
        return new_york_ns(session_date, clock)

    rth_start = at(VARS["rth_start"])
    return {
        "trade_date_start_ns": at(VARS["trade_date_start"]),
        "premarket_start_ns": at(VARS["premarket_start"]),
        "rth_start_ns": rth_start,
        "opening_range_end_ns": rth_start + VARS["opening_range_minutes"] * MINUTE,
        "event_end_ns": at(min(VARS["event_end"], rth_end)),
        "rth_end_ns": at(rth_end),
        "trade_date_end_ns": at(VARS["trade_date_end"]),
    }


def new_york_ns(session_date: str, clock: str) -> int:
    """HH:MM of a trade date, which begins the evening before."""
    day = date.fromisoformat(session_date) - timedelta(days=clock >= VARS["trade_date_start"])
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK)
    return int(moment.timestamp()) * 1_000_000_000


def bar_dates(session_date: str) -> list[str]:
    """The trade dates whose two-minute bars enter its moving averages, itself the last."""
    day = date.fromisoformat(session_date)
    return [str(one) for one in (*default_calendar().warm_up(day, VARS["sma_warmup_days"]), day)]
