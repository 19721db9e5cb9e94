"""Levels and the intervals in which they hold (definitions, section 4)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reference.bars import Bar
from reference.clock import SessionClock
from reference.trades import Trade

LEVELS_SCHEMA = {
    "session_date": pl.Date,
    "level_kind": pl.String,
    "level_price": pl.Float64,
    "valid_from_ns": pl.Int64,
    "valid_to_ns": pl.Int64,
}

SMA_LENGTHS = {"SMA_200": 200, "SMA_400": 400}
LEVEL_KINDS = ("PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW", *SMA_LENGTHS)


class Level(NamedTuple):
    """A price (points) that holds on [`valid_from_ns`, `valid_to_ns`)."""

    level_kind: str
    level_price: float
    valid_from_ns: int
    valid_to_ns: int


def session_levels(
    clock: SessionClock, trades: Sequence[Trade], bars_2m: Sequence[Bar]
) -> list[Level]:
    """Every level of the session: `trades` are the session's, `bars_2m` include the warm-up.

    Empty on a date without a cash session.
    """
    if not clock.has_rth:
        return []
    levels = []
    # The premarket's extremes are complete at the open, those of the opening range at its end.
    for family, first_ns, end_ns in (
        ("PM", clock.premarket_start_ns, clock.rth_start_ns),
        ("OR", clock.rth_start_ns, clock.opening_range_end_ns),
    ):
        prices = [trade.price for trade in trades if first_ns <= trade.ts_ns < end_ns]
        if prices:
            levels += [
                Level(f"{family}_HIGH", max(prices), end_ns, clock.session_end_ns),
                Level(f"{family}_LOW", min(prices), end_ns, clock.session_end_ns),
            ]
    for kind, length in SMA_LENGTHS.items():
        levels += moving_average_levels(clock, bars_2m, kind, length)
    return levels


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
