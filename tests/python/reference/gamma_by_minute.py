"""The chain as a whole, minute by minute: walls, flip and smile (definitions, section 11)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from reference.clock import SessionClock
from reference.gamma_bands import Rows, marks_of
from reference.greeks import delta

BY_MINUTE_SCHEMA = {
    "tau_ns": pl.Int64,
    "expiration": pl.Int64,
    "underlying_price": pl.Float64,
    "calendar_basis": pl.Float64,
    "oi_gex_total": pl.Float64,
    "flow_gex_total": pl.Float64,
    "atm_iv": pl.Float64,
    "skew_25d": pl.Float64,
    "call_wall": pl.Float64,
    "put_wall": pl.Float64,
    "zero_gamma": pl.Float64,
}

GRID_POINTS = 100
"""How far from the underlying's price a flip is looked for, in steps of a point."""
WING_DELTA = 0.25

Quoted = dict[float, tuple[float, float]]
"""By strike, ascending, of the strikes whose quotes give one: volatility per square root of a year,
and in total to the expiration."""


def gamma_by_minute(clock: SessionClock, grid: pl.DataFrame) -> pl.DataFrame:
    """The `gamma_by_minute` table of a `gamma_by_strike` table, by `BY_MINUTE_SCHEMA`.

    Empty without a chain.
    """
    marks = marks_of(grid)
    rows = [{"tau_ns": tau, **chain_state(marks[tau])} for tau in sorted(marks)]
    return pl.DataFrame(rows, schema=BY_MINUTE_SCHEMA)


def chain_state(rows: Rows) -> dict[str, Any]:
    """The columns of one minute mark, all None where every series has expired."""
    columns: dict[str, Any] = dict.fromkeys(name for name in BY_MINUTE_SCHEMA if name != "tau_ns")
    alive = [row for row in rows if row["expiration"] > row["tau_ns"]]
    if not alive:
        return columns
    first = min(alive, key=lambda row: (row["expiration"], row["instrument_id"]))
    nearest = [row for row in alive if row["expiration"] == first["expiration"]]
    columns |= {name: first[name] for name in ("expiration", "underlying_price", "calendar_basis")}
    columns |= {
        "oi_gex_total": known_sum(alive, "oi_gex"),
        "flow_gex_total": known_sum(alive, "flow_gex"),
    }
    forward = first["underlying_price"]
    if forward is None:
        return columns
    quoted = {
        row["strike"]: (row["iv"], row["total_vol"])
        for row in sorted(nearest, key=lambda row: row["strike"])
        if row["iv_status"] in ("solved", "other_side")
    }
    return columns | {
        "atm_iv": atm_iv(forward, quoted),
        "skew_25d": skew_25d(forward, quoted),
        "call_wall": wall(nearest, "C", forward),
        "put_wall": wall(nearest, "P", forward),
        "zero_gamma": zero_gamma(nearest, forward),
    }


def known_sum(rows: Rows, quantity: str) -> float | None:
    """Sum of what is known; None where nothing is."""
    known = [row[quantity] for row in rows if row[quantity] is not None]
    return math.fsum(known) if known else None


def atm_iv(forward: float, quoted: Quoted) -> float | None:
    """Volatility at the forward, linear between the quoted strikes around it; None outside them."""
    if forward in quoted:
        return quoted[forward][0]
    for (below, (iv_below, _)), (above, (iv_above, _)) in pairwise(quoted.items()):
        if below < forward < above:
            return iv_below + (forward - below) / (above - below) * (iv_above - iv_below)
    return None


def skew_25d(forward: float, quoted: Quoted) -> float | None:
    """Volatility of the put of delta -0.25 less that of the call of delta 0.25.

    A strike's delta is that of its volatility, whichever right is listed there.
    """

    def walked(strikes: Iterable[float], right: str) -> list[tuple[float, float]]:
        return [
            (delta(forward, strike, quoted[strike][1], right), quoted[strike][0])
            for strike in strikes
        ]

    puts = walked((strike for strike in reversed(quoted) if strike < forward), "P")
    calls = walked((strike for strike in quoted if strike >= forward), "C")
    put_iv, call_iv = iv_at_delta(puts, -WING_DELTA), iv_at_delta(calls, WING_DELTA)
    return None if put_iv is None or call_iv is None else put_iv - call_iv


def iv_at_delta(walk: Sequence[tuple[float, float]], target: float) -> float | None:
    """Volatility where the delta is first met, walking over (delta, volatility) outwards.

    Linear in delta between two neighbours; None where no two have it between them.
    """
    for (near, near_iv), (far, far_iv) in pairwise(walk):
        if min(near, far) <= target <= max(near, far):
            if near == far:
                return near_iv
            return near_iv + (target - near) / (far - near) * (far_iv - near_iv)
    return None


def wall(rows: Rows, right: str, forward: float) -> float | None:
    """The strike with most gamma of the open interest: of the calls, or of the puts."""
    by_strike: dict[float, list[float]] = {}
    for row in rows:
        if row["right"] == right and row["oi_gex"] is not None:
            by_strike.setdefault(row["strike"], []).append(row["oi_gex"])
    # Calls count as positive, puts as negative: either way the largest of its sign.
    size = {
        strike: math.fsum(values) * (1 if right == "C" else -1)
        for strike, values in by_strike.items()
    }
    candidates = [strike for strike in size if size[strike] > 0]
    return min(
        candidates, key=lambda strike: (-size[strike], abs(strike - forward), strike), default=None
    )


def zero_gamma(rows: Rows, forward: float) -> float | None:
    """Where the dealers' gamma would change its sign if only the price moved (points).

    `rows` are those of one expiration, whose total volatilities are held.
    """
    held: dict[float, int] = {}
    total_vol: dict[float, float] = {}
    for row in rows:
        if row["iv"] is None or row["open_interest"] is None:
            continue
        # A strike has one volatility: its calls and puts add up before they meet a rounding.
        sign = 1 if row["right"] == "C" else -1
        held[row["strike"]] = held.get(row["strike"], 0) + sign * row["open_interest"]
        total_vol[row["strike"]] = row["total_vol"]
    if not any(row["open_interest"] for row in rows if row["iv"] is not None):
        return None
    strikes = np.array(list(held))[:, None]
    width = np.array(list(total_vol.values()))[:, None]
    contracts = np.array(list(held.values()))[:, None]
    prices = forward + np.arange(-GRID_POINTS, GRID_POINTS + 1)
    d1 = np.log1p((prices - strikes) / strikes) / width + width / 2
    gamma = np.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi) / (prices * width)
    dealers = [
        (float(price), math.fsum(column))
        for price, column in zip(prices, (contracts * gamma).T, strict=True)
    ]
    nonzero = [(price, value) for price, value in dealers if value != 0]
    crossings = [
        below + (above - below) * value / (value - value_above)
        for (below, value), (above, value_above) in pairwise(nonzero)
        if (value > 0) != (value_above > 0)
    ]
    return min(crossings, key=lambda price: (abs(price - forward), price), default=None)
