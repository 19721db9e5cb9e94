"""Bars, true range, ATR and volatility (definitions, section 3)."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from reference.clock import MINUTE_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.trades import Trade

BARS_SCHEMA = {
    "session_date": pl.Date,
    "bar_start_ns": pl.Int64,
    "bar_end_ns": pl.Int64,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Int64,
    "vwap": pl.Float64,
    "trade_count": pl.Int64,
    "buy_volume": pl.Int64,
    "sell_volume": pl.Int64,
    "is_rth": pl.Boolean,
    "true_range": pl.Float64,
    "atr": pl.Float64,
    "rth_volatility": pl.Float64,
}


@dataclass(frozen=True)
class Bar:
    """The trades of [`start_ns`, `end_ns`), in order; there is at least one."""

    start_ns: int
    end_ns: int
    trades: tuple[Trade, ...]

    @property
    def high(self) -> float:
        """Highest price, points."""
        return max(trade.price for trade in self.trades)

    @property
    def low(self) -> float:
        """Lowest price, points."""
        return min(trade.price for trade in self.trades)

    @property
    def close(self) -> float:
        """Last price, points."""
        return self.trades[-1].price


@dataclass(frozen=True)
class RangeState:
    """What is known when an RTH bar ends: its own true range, then ATR and volatility, points."""

    true_range: float
    atr: float
    rth_volatility: float | None


class RangeHistory:
    """ATR and volatility over the session, looked up by time."""

    def __init__(self, rth_bars: Sequence[Bar], states: Sequence[RangeState]) -> None:
        self._ends = [bar.end_ns for bar in rth_bars]
        self._states = list(states)

    def at(self, ts_ns: int) -> tuple[float | None, float | None]:
        """(atr, rth_volatility) from the bars that have ended at or before `ts_ns`."""
        completed = bisect_right(self._ends, ts_ns)
        if completed == 0:
            return None, None
        state = self._states[completed - 1]
        return state.atr, state.rth_volatility


def make_bars(trades: Sequence[Trade], minutes: int) -> list[Bar]:
    """Bars of `minutes` from ordered trades; a bar exists only where there was a trade.

    New York is whole hours from UTC, so minutes of the epoch are minutes of the clock.
    """
    width_ns = minutes * MINUTE_NS
    grouped: dict[int, list[Trade]] = {}
    for trade in trades:
        grouped.setdefault(trade.ts_ns // width_ns * width_ns, []).append(trade)
    return [Bar(start, start + width_ns, tuple(inside)) for start, inside in grouped.items()]


def minute_bars(trades: Sequence[Trade], clock: SessionClock) -> list[Bar]:
    """The session's 1-minute bars, from the premarket's start to the cash close."""
    return make_bars(
        [trade for trade in trades if clock.premarket_start_ns <= trade.ts_ns < clock.rth_end_ns],
        minutes=1,
    )


def is_rth(bar: Bar, clock: SessionClock) -> bool:
    """Whether the bar belongs to the cash session; never, where there is none."""
    return clock.has_rth and clock.rth_start_ns <= bar.start_ns < clock.rth_end_ns


def range_states(rth_bars: Sequence[Bar], constants: Constants = DEFAULTS) -> list[RangeState]:
    """True range, ATR and volatility at the end of each RTH bar, one per bar."""
    ranges: list[float] = []
    changes: list[float] = []
    states = []
    previous_close: float | None = None
    for bar in rth_bars:
        true_range = bar.high - bar.low
        # The first RTH bar has no RTH close before it; what came before the open plays no part.
        if previous_close is not None:
            true_range = max(
                true_range, abs(bar.high - previous_close), abs(bar.low - previous_close)
            )
            changes.append(bar.close - previous_close)
        ranges.append(true_range)
        previous_close = bar.close
        recent_ranges = ranges[-constants.atr_bars :]
        recent_changes = changes[-constants.volatility_bars :]
        states.append(
            RangeState(
                true_range=true_range,
                atr=math.fsum(recent_ranges) / len(recent_ranges),
                # Sample standard deviation, by exact rational arithmetic.
                rth_volatility=statistics.stdev(recent_changes)
                if len(recent_changes) >= 2
                else None,
            )
        )
    return states


def bars_1m_table(
    bars: Sequence[Bar], states: Sequence[RangeState], clock: SessionClock
) -> pl.DataFrame:
    """The `bars_1m` table, by `BARS_SCHEMA`; `states` belong to the RTH bars, in order."""
    remaining = iter(states)
    rows = []
    for bar in bars:
        rth = is_rth(bar, clock)
        state = next(remaining) if rth else None
        volume = sum(trade.size for trade in bar.trades)
        turnover = math.fsum(trade.price * trade.size for trade in bar.trades)
        rows.append(
            {
                "session_date": clock.session_date,
                "bar_start_ns": bar.start_ns,
                "bar_end_ns": bar.end_ns,
                "open": bar.trades[0].price,
                "high": bar.high,
                "low": bar.low,
                "close": bar.close,
                "volume": volume,
                "vwap": turnover / volume if volume else None,
                "trade_count": len(bar.trades),
                "buy_volume": sum(trade.size for trade in bar.trades if trade.side == "B"),
                "sell_volume": sum(trade.size for trade in bar.trades if trade.side == "A"),
                "is_rth": rth,
                "true_range": state.true_range if state else None,
                "atr": state.atr if state else None,
                "rth_volatility": state.rth_volatility if state else None,
            }
        )
    return pl.DataFrame(rows, schema=BARS_SCHEMA)
