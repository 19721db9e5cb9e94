"""A few sessions by hand, for one rule at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from reference_gold.silver import TABLES, Silver

FIRST = date(2025, 1, 6)
OPEN_NS = 1_000_000_000_000_000
SECOND_NS = 1_000_000_000


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(count)]


def silver(
    dates: Sequence[date], without_rth: Sequence[date] = (), **tables: Sequence[Mapping[str, Any]]
) -> Silver:
    """Sessions of these dates; each row of `tables` names its `session_date`."""
    sessions = [
        {"session_date": day, "has_rth": day not in without_rth, "rth_start_ns": OPEN_NS}
        for day in dates
    ]
    rows: dict[str, Sequence[Mapping[str, Any]]] = dict.fromkeys(TABLES, ())
    rows |= {"sessions": sessions} | tables
    frames = {name: pl.DataFrame(list(r), infer_schema_length=None) for name, r in rows.items()}
    return Silver(list(dates), [day for day in dates if day not in without_rth], frames)


def event(day: date, number: int = 0, **columns: Any) -> dict[str, Any]:
    """An entry from below at a level of 6000, five minutes after the open."""
    return {
        "event_id": f"{day:%Y%m%d}_{number}",
        "session_date": day,
        "event_ts_ns": OPEN_NS + 300 * SECOND_NS,
        "level_kind": "PM_HIGH",
        "direction": "UP",
        "dir_sign": 1,
        "level_price": 6000.0,
        "spot": 6000.0,
        "rth_volatility": 2.0,
        "session_phase": 1,
    } | columns


def label(day: date, number: int = 0, **columns: Any) -> dict[str, Any]:
    """A window that ends as a CHOP, where each class was as likely as any."""
    third = 1 / 3
    times = [f"time_to_{side}_{nr}" for side in ("break", "bounce") for nr in (1, 2)]
    nulls = {
        f"{prefix}null_p_{name}{suffix}": third
        for prefix, suffix in (("", ""), ("scaled_", "_050"), ("scaled_", "_100"))
        for name in ("break", "bounce", "chop")
    }
    return {
        "event_id": f"{day:%Y%m%d}_{number}",
        "session_date": day,
        "uniqueness": 1.0,
        "outcome": "CHOP",
        "scaled_outcome_050": "CHOP",
        "scaled_outcome_100": "CHOP",
        "scaled_time_100": None,
        "scaled_barrier_100": 6.0,
        "label_last_source_ts_ns": OPEN_NS + 780 * SECOND_NS,
        "future_price": 6000.0,
        "tradeable_1": False,
        "tradeable_2": False,
        "null_p_tradeable_1": 0.5,
        **dict.fromkeys(times),
        **nulls,
    } | columns
