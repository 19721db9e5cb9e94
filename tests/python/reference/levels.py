"""Levels and the intervals in which they hold (definitions, section 4)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import time, timedelta
from typing import NamedTuple

import polars as pl

from reference.bars import Bar
from reference.clock import SessionClock, new_york_ns
from reference.constants import DEFAULTS, Constants
from reference.trades import Trade

LEVELS_SCHEMA = {
    "session_date": pl.Date,
    "level_kind": pl.String,
    "level_price": pl.Float64,
    "valid_from_ns": pl.Int64,
    "valid_to_ns": pl.Int64,
}

_EVENING = time(18, 0)
_SESSION_TIMES = {
    "trade_date_start": "session_start_ns",
    "premarket_start": "premarket_start_ns",
    "rth_start": "rth_start_ns",
    "opening_range_end": "opening_range_end_ns",
    "event_end": "event_end_ns",
    "rth_end": "rth_end_ns",
}


class Level(NamedTuple):
    """A price (points) that holds on [`valid_from_ns`, `valid_to_ns`)."""

    level_kind: str
    level_price: float
    valid_from_ns: int
    valid_to_ns: int


def kind_names(constants: Constants = DEFAULTS) -> list[str]:
    """The names of all kinds of level, in the order of their columns."""
    return [declared["kind"] for declared in constants.level_kinds]


def session_levels(
    clock: SessionClock,
    trades: Sequence[Trade],
    bars_2m: Sequence[Bar],
    constants: Constants = DEFAULTS,
) -> list[Level]:
    """Every level of the session: `trades` are the session's, `bars_2m` include the warm-up.

    Empty on a date without a cash session.
    """
    if not clock.has_rth:
        return []
    levels = []
    for declared in constants.level_kinds:
        kind = declared["kind"]
        if "mean_of_bars" in declared:
            levels += moving_average_levels(clock, bars_2m, kind, declared["mean_of_bars"])
            continue
        way, extreme = ("high_of", max) if "high_of" in declared else ("low_of", min)
        first_ns, end_ns = (session_time_ns(clock, instant) for instant in declared[way])
        prices = [trade.price for trade in trades if first_ns <= trade.ts_ns < end_ns]
        if prices:
            # An extreme is known when its range is over, where the kind does not say later.
            valid_from = declared.get("valid_from")
            start_ns = end_ns if valid_from is None else session_time_ns(clock, valid_from)
            levels.append(Level(kind, extreme(prices), start_ns, clock.session_end_ns))
    return levels


def session_time_ns(clock: SessionClock, instant: str) -> int:
    """A named time of the session, or HH:MM of New York, from 18:00 on the evening before."""
    if instant in _SESSION_TIMES:
        return int(getattr(clock, _SESSION_TIMES[instant]))
    clock_time = time.fromisoformat(instant)
    day = clock.session_date - timedelta(days=clock_time >= _EVENING)
    return new_york_ns(day, clock_time)


def moving_average_levels(
    clock: SessionClock, bars: Sequence[Bar], kind: str, length: int
) -> list[Level]:
    """The mean close of the last `length` bars, from each bar's end to the next bar's end.

    Only intervals with some part inside the session are kept, and they keep their full extent.
    """
    closes = [bar.close for bar in bars]
    ends = [bar.end_ns for bar in bars]
    levels = []
    for count in range(length, len(bars) + 1):
        mean = math.fsum(closes[count - length : count]) / length
        valid_from = ends[count - 1]
        # No bar ends after the last one: it holds to the end of the trade date.
        valid_to = ends[count] if count < len(bars) else clock.session_end_ns
        if valid_from < valid_to and valid_to > clock.session_start_ns:
            levels.append(Level(kind, mean, valid_from, valid_to))
    return levels


class LevelHistory:
    """One kind's levels, looked up by time."""

    def __init__(self, levels: Sequence[Level], kind: str) -> None:
        self._levels = sorted(
            (level for level in levels if level.level_kind == kind),
            key=lambda level: level.valid_from_ns,
        )
        self._starts = [level.valid_from_ns for level in self._levels]

    def at(self, ts_ns: int) -> float | None:
        """The price of the level that holds at `ts_ns`; None where the kind is not valid."""
        begun = bisect_right(self._starts, ts_ns)
        if begun == 0 or ts_ns >= self._levels[begun - 1].valid_to_ns:
            return None
        return self._levels[begun - 1].level_price


def levels_table(clock: SessionClock, levels: Sequence[Level]) -> pl.DataFrame:
    """The `levels` table, by `LEVELS_SCHEMA`."""
    rows = [{"session_date": clock.session_date, **level._asdict()} for level in levels]
    return pl.DataFrame(rows, schema=LEVELS_SCHEMA)
