"""One implied volatility per strike of an option chain, and why there is none where there is none.

A chain's quotes at one moment give up to two volatilities per strike, one per right. They should
agree and do not: the in-the-money side's price is nearly all intrinsic value, and its spread is
wide. So a strike takes the out-of-the-money side's where that can be solved, else the other's, else
what its solved neighbours say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from es_physics.quant.black76 import (
    SolveStatus,
    charm_per_minute,
    delta,
    gamma,
    implied_volatility,
    vanna_per_vol_percent,
)

NANO = 1_000_000_000
NS_PER_YEAR = 365 * 86_400 * NANO
"""A year of 365 days; `total_vol` does not depend on it."""


class ChainVolatility(NamedTuple):
    """By option, each of shape (n,)."""

    quote_status: NDArray[np.object_]
    """expired, no_underlying, no_quote, one_sided, at_or_below_intrinsic, unsolvable or solved."""
    iv_status: NDArray[np.object_]
    """solved (by its own mid), other_side, interpolated, or the quote's status without any."""
    iv: NDArray[np.float64]
    """Annualised volatility (0.2 is 20 %); NaN without one."""
    total_vol: NDArray[np.float64]
    """iv times the square root of the years left: what the price identifies."""
    gamma: NDArray[np.float64]
    """Change of delta per index point, of call and put alike."""
    delta: NDArray[np.float64]
    """Change of price per index point, undiscounted: N(d1), a put's less 1."""
    charm_per_minute: NDArray[np.float64]
    """Change of delta as a minute passes, undiscounted."""
    vanna_per_vol_percent: NDArray[np.float64]
    """Change of delta as volatility rises by 1 % of itself, undiscounted."""


def chain_volatility(
    mark_ns: ArrayLike,
    expiration_ns: ArrayLike,
    strike_nano: ArrayLike,
    is_call: ArrayLike,
    instrument_id: ArrayLike,
    underlying_price: ArrayLike,
    bid_nano: ArrayLike,
    ask_nano: ArrayLike,
    *,
    iv_min: float,
    iv_max: float,
    rate: float = 0.0,
) -> ChainVolatility:
    """Statuses, volatilities and gammas of options at minute marks, all of shape (n,).

    `mark_ns` and `expiration_ns` are int64 nanoseconds, `strike_nano` int64 in 1e-9 points,
    `underlying_price` float64 points with NaN where unknown, `bid_nano` and `ask_nano` float64 that
    hold whole numbers of 1e-9 points (exact below 2^53: nine million points) or NaN. Rows may come
    in any order; those with one mark and expiration are a chain.

    Black-76 at a continuous `rate`, 0 for undiscounted, between the volatilities `iv_min` and
    `iv_max`. The time value is inverted, which by parity is the out-of-the-money side's price.
    Between solved strikes the volatility is linear in strike, outside them flat.
    """
    mark = np.asarray(mark_ns, dtype=np.int64)
    expiration = np.asarray(expiration_ns, dtype=np.int64)
    strike_int = np.asarray(strike_nano, dtype=np.int64)
    call = np.asarray(is_call, dtype=bool)
    forward = np.asarray(underlying_price, dtype=np.float64)
    bid = np.asarray(bid_nano, dtype=np.float64)
    ask = np.asarray(ask_nano, dtype=np.float64)

    strike = strike_int / NANO
    years = (expiration - mark) / NS_PER_YEAR
    with np.errstate(invalid="ignore"):
        forward_nano = np.rint(forward * NANO)
        intrinsic = np.maximum(
            np.where(call, forward_nano - strike_int, strike_int - forward_nano), 0
        )
        twice_time_value = (bid + ask) * np.exp(rate * years) - 2 * intrinsic
        known = [
            expiration <= mark,
            np.isnan(forward),
            np.isnan(bid) & np.isnan(ask),
            np.isnan(bid) | np.isnan(ask) | (bid <= 0),
            twice_time_value <= 0,
        ]
    names = ["expired", "no_underlying", "no_quote", "one_sided", "at_or_below_intrinsic"]
    candidate = ~np.logical_or.reduce(known)
    own = np.full(len(mark), np.nan)
    solution = implied_volatility(
        forward[candidate],
        strike[candidate],
        years[candidate],
        twice_time_value[candidate] / (2 * NANO),
        sigma_min=iv_min,
        sigma_max=iv_max,
    )
    own[candidate] = np.where(solution.status == SolveStatus.SOLVED, solution.sigma, np.nan)
    quote_status = _first_true([*known, np.isnan(own)], [*names, "unsolvable", "solved"])

    # One row per strike of a chain, found by the rank of what it would take its volatility from.
    out_of_the_money = call == (strike >= forward)
    rank = np.where(np.isnan(own), 2, np.where(out_of_the_money, 0, 1))
    order = np.lexsort((np.asarray(instrument_id), rank, strike_int, expiration, mark))
    chain_starts = _changes(mark[order], expiration[order])
    strike_starts = chain_starts | _changes(strike_int[order])
    first = order[strike_starts]
    at_strike, interpolated = _filled(
        own[first], strike[first], np.cumsum(chain_starts, dtype=np.int64)[strike_starts]
    )

    of_strike = np.empty(len(mark), dtype=np.int64)
    of_strike[order] = np.cumsum(strike_starts) - 1
    priced = (expiration > mark) & ~np.isnan(forward)
    iv = np.where(priced, at_strike[of_strike], np.nan)
    is_source = np.zeros(len(mark), dtype=bool)
    is_source[first] = True
    source = _first_true(
        [interpolated[of_strike], is_source], ["interpolated", "solved", "other_side"]
    )
    iv_status = np.where(np.isnan(iv), quote_status, source)
    years = np.where(priced, years, np.nan)
    return ChainVolatility(
        quote_status,
        iv_status,
        iv,
        iv * np.sqrt(years),
        gamma(forward, strike, years, iv, call, rate=rate),
        delta(forward, strike, years, iv, call),
        charm_per_minute(forward, strike, years, iv),
        vanna_per_vol_percent(forward, strike, years, iv),
    )


def _first_true(conditions: list[NDArray[np.bool_]], names: list[str]) -> NDArray[np.object_]:
    """The name of each element's first condition that holds, the last name where none does.

    References: pyarrow takes these over twice as fast as numpy's own strings.
    """
    return np.array(names, object)[np.select(conditions, range(len(conditions)), len(conditions))]


def _changes(*columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a row differs from the one before it in any column; the first does."""
    changed = [np.diff(column) != 0 for column in columns]
    return np.append(True, np.logical_or.reduce(changed))[: len(columns[0])]


def _filled(
    values: NDArray[np.float64], at: NDArray[np.float64], chain: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """`values` with NaN filled linearly in `at` from the nearest of the same chain, flat outside.

    Chains are contiguous and `at` rises in each. Returns the values, NaN where a chain has none,
    and which were filled.
    """
    index = np.arange(len(values))
    known = ~np.isnan(values)
    before = np.maximum.accumulate(np.where(known, index, -1))
    after = np.minimum.accumulate(np.where(known, index, len(values))[::-1])[::-1]
    has_before = (before >= 0) & (chain[before] == chain)
    has_after = after < len(values)
    after = np.minimum(after, len(values) - 1)
    has_after &= chain[after] == chain
    low = np.where(has_before, before, after)
    high = np.where(has_after, after, low)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(high > low, (at - at[low]) / (at[high] - at[low]), 0.0)
        filled = values[low] + share * (values[high] - values[low])
    filled = np.where(known, values, np.where(has_before | has_after, filled, np.nan))
    return filled, ~known & ~np.isnan(filled)
