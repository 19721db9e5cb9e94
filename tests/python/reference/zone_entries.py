"""Entries into a level's zone, the events (definitions, sections 1 and 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from reference.bars import RangeHistory
from reference.clock import MINUTE_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.levels import Level, LevelHistory, kind_names
from reference.trades import Trade

EVENTS_SCHEMA = {
    "event_id": pl.String,
    "session_date": pl.Date,
    "event_ts_ns": pl.Int64,
    "contract": pl.String,
    "level_kind": pl.String,
    "level_price": pl.Float64,
    "direction": pl.String,
    "dir_sign": pl.Int64,
    "spot": pl.Float64,
    "zone_width": pl.Float64,
    "atr": pl.Float64,
    "rth_volatility": pl.Float64,
    "minutes_since_open": pl.Float64,
    "bars_since_open": pl.Int64,
    "session_phase": pl.Int64,
    "is_first_15m": pl.Boolean,
}

_PHASE_STARTS = (0, 15, 30, 60, 120, 240)


def zone_entries(
    clock: SessionClock,
    contract: str | None,
    trades: Sequence[Trade],
    levels: Sequence[Level],
    ranges: RangeHistory,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The `level_events` table, by `EVENTS_SCHEMA`, ordered by time and level kind.

    `trades` are the ordered front-month trades of the session.
    """
    # Trades before the open do not count, and no anchor lies after the last one.
    walked = [t for t in trades if clock.rth_start_ns <= t.ts_ns <= clock.event_end_ns]
    rows = []
    for kind in kind_names(constants):
        history = LevelHistory(levels, kind)
        state: str | None = None
        previous: Trade | None = None
        for trade in walked:
            level = history.at(trade.ts_ns)
            if level is None:
                # Only a trade at which the kind is not valid makes its state unknown again.
                new_state = None
            else:
                atr, volatility = ranges.at(trade.ts_ns)
                width = zone_width(atr, constants)
                distance = abs(trade.price - level)
                if distance <= width:
                    new_state = "in"
                elif distance > constants.zone_rearm_multiple * width:
                    new_state = "out"
                else:
                    new_state = state
                # From unknown to `in` is being born inside: no entry.
                if state == "out" and new_state == "in" and previous is not None:
                    # The side the trade before stood on, seen from the level as it is now.
                    approached_from_below = previous.price < level
                    direction = "UP" if approached_from_below else "DOWN"
                    rows.append(
                        {
                            "event_id": event_id(clock, kind, level, trade.ts_ns, direction),
                            "session_date": clock.session_date,
                            "event_ts_ns": trade.ts_ns,
                            "contract": contract,
                            "level_kind": kind,
                            "level_price": level,
                            "direction": direction,
                            "dir_sign": 1 if approached_from_below else -1,
                            "spot": trade.price,
                            "zone_width": width,
                            "atr": atr,
                            "rth_volatility": volatility,
                            **session_time(clock, trade.ts_ns),
                        }
                    )
            state, previous = new_state, trade
    # Entries of one kind at one timestamp stay in the order of their trades.
    return pl.DataFrame(rows, schema=EVENTS_SCHEMA).sort(
        "event_ts_ns", "level_kind", maintain_order=True
    )


def zone_width(atr: float | None, constants: Constants = DEFAULTS) -> float:
    """Half the zone's height in points: a share of the ATR, never below a minimum."""
    if atr is None:
        return constants.zone_min_width
    return max(constants.zone_min_width, constants.zone_atr_multiple * atr)


def event_id(clock: SessionClock, kind: str, level: float, ts_ns: int, direction: str) -> str:
    """The event's name; the price is rounded half up to whole cents, on the double."""
    cents = math.floor(level * 100 + 0.5)
    return f"{clock.session_date:%Y%m%d}_{kind}_{cents}_{ts_ns}_{direction}"


def session_time(clock: SessionClock, ts_ns: int) -> dict[str, float | int | bool]:
    """Where in the session `ts_ns` lies: minutes, whole minutes, phase, first quarter hour."""
    minutes = (ts_ns - clock.rth_start_ns) / MINUTE_NS
    return {
        "minutes_since_open": minutes,
        "bars_since_open": math.floor(minutes),
        # 0 before the open, then one more at each start.
        "session_phase": sum(minutes >= start for start in _PHASE_STARTS),
        "is_first_15m": 0 <= minutes < 15,
    }
