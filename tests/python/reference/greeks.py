"""How an option's delta depends on price, time and volatility (definitions, section 11).

Black (1976) without discounting; `d1` and `d2` are those of the strike's own volatility.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from reference.black76 import d1, normal_cdf, normal_density
from reference.clock import MINUTE_NS
from reference.gamma_by_strike import GAMMA_SCHEMA

GREEKS = ("delta", "charm_per_minute", "vanna_per_vol_percent")
GREEKS_SCHEMA = {**GAMMA_SCHEMA, **dict.fromkeys(GREEKS, pl.Float64)}


def delta(forward: float, strike: float, total_vol: float, right: str) -> float:
    """Futures per option: 0 to 1 for a call, -1 to 0 for a put."""
    upper = d1(forward, strike, total_vol)
    # N(d1) - 1, without the digits that the difference would lose.
    return normal_cdf(upper) if right == "C" else -normal_cdf(-upper)


def greeks(
    forward: float, strike: float, total_vol: float, right: str, minutes: float
) -> dict[str, float]:
    """Delta, its change as a minute passes, and that as volatility rises by a hundredth of itself.

    `minutes` are left to the expiration. Charm and vanna are the same for a call and a put.
    """
    upper = d1(forward, strike, total_vol)
    slope = normal_density(upper) * (upper - total_vol)
    return {
        "delta": delta(forward, strike, total_vol, right),
        "charm_per_minute": slope / (2 * minutes),
        "vanna_per_vol_percent": -slope * 0.01,
    }


def with_greeks(grid: pl.DataFrame) -> pl.DataFrame:
    """The `gamma_by_strike` table by `GREEKS_SCHEMA`: unknown where gamma is."""
    rows = [row | _row_greeks(row) for row in grid.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=GREEKS_SCHEMA)


def _row_greeks(row: Mapping[str, Any]) -> Mapping[str, float | None]:
    if row["gamma"] is None:
        return dict.fromkeys(GREEKS)
    minutes = (row["expiration"] - row["tau_ns"]) / MINUTE_NS
    return greeks(row["underlying_price"], row["strike"], row["total_vol"], row["right"], minutes)
