"""Trades just before the event, and sweeps among them (definitions, section 6, "Tape")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from reference.clock import SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.trades import Trade, trades_between

MILLISECOND_NS = 1_000_000


def window_trades(trades: Sequence[Trade], t0: int, seconds: float) -> Sequence[Trade]:
    """The trades of (t0 - seconds, t0], all of those that share t0's timestamp included."""
    return trades_between(trades, t0 - round(seconds * SECOND_NS), t0)


def tape(
    event: Mapping[str, Any], trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Volumes near the level, slope of the price (points per second, up-positive), sweeps."""
    t0, level = event["event_ts_ns"], event["level_price"]
    window = window_trades(trades, t0, constants.tape_window_s)
    near = [trade for trade in window if abs(trade.price - level) <= constants.tape_band]
    bought = sum(trade.size for trade in near if trade.side == "B")
    sold = sum(trade.size for trade in near if trade.side == "A")
    sweeps = [run for run in one_sided_runs(near, constants) if is_sweep(run, constants)]
    return {
        "tape_buy_volume": bought,
        "tape_sell_volume": sold,
        "tape_imbalance": (bought - sold) / (bought + sold) if bought + sold else None,
        "tape_velocity": price_slope(window, t0),
        "sweep_count": len(sweeps),
        "sweep_net_size": sum(
            trade.size if trade.side == "B" else -trade.size for run in sweeps for trade in run
        ),
        "sweep_detected": bool(sweeps),
    }


def price_slope(window: Sequence[Trade], t0: int) -> float | None:
    """Least-squares slope of price on time, in exact arithmetic, points per second.

    Every trade weighs the same, whatever its size. None below two distinct times.
    """
    times = [Fraction(trade.ts_ns - t0, SECOND_NS) for trade in window]
    return least_squares_slope(times, [Fraction(trade.price) for trade in window])


def least_squares_slope(x: Sequence[Fraction], y: Sequence[Fraction]) -> float | None:
    """Slope of y on x, exact until the last step; None below two distinct x."""
    if len(set(x)) < 2:
        return None
    count = len(x)
    covariation = count * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)
    variation = count * sum(a * a for a in x) - sum(x) ** 2
    return float(covariation / variation)


def one_sided_runs(near: Sequence[Trade], constants: Constants = DEFAULTS) -> list[list[Trade]]:
    """Maximal stretches of one aggressor side without too long a pause between two trades.

    A trade of unknown side belongs to no run and ends the one before it. A trade that is not near
    is not here, and interrupts nothing.
    """
    runs: list[list[Trade]] = []
    previous: Trade | None = None
    for trade in near:
        if trade.side in ("B", "A"):
            continues = (
                previous is not None
                and previous.side == trade.side
                and trade.ts_ns - previous.ts_ns <= constants.sweep_max_gap_ms * MILLISECOND_NS
            )
            if continues:
                runs[-1].append(trade)
            else:
                runs.append([trade])
        previous = trade
    return runs


def is_sweep(run: Sequence[Trade], constants: Constants = DEFAULTS) -> bool:
    """Whether a run is large enough and moved through at least two prices."""
    size = sum(trade.size for trade in run)
    return size >= constants.sweep_min_size and len({trade.price for trade in run}) >= 2
