"""Undiscounted Black-76: price of the out-of-the-money side, its inverse, and gamma (section 7).

A call and a put of one strike share their time value: by parity (undiscounted) the dearer one is
worth the cheaper one plus the intrinsic value. The cheaper one, out of the money, is all that
volatility has a say in, so that it is what is priced and inverted here.

Source: Black (1976), The pricing of commodity contracts, with the discount factor set to 1.
"""

from __future__ import annotations

import math
import sys

from scipy.optimize import brentq

from reference.constants import DEFAULTS, Constants

ROOT_XTOL = 1e-13
ROOT_RTOL = 4 * sys.float_info.epsilon
"""What brentq accepts as its smallest relative tolerance."""


def d1(forward: float, strike: float, total_vol: float) -> float:
    """Black's d1; `total_vol` is sigma * sqrt(T), above 0."""
    # ln(F / K) by the exact difference, which keeps its digits where F is near K.
    return math.log1p((forward - strike) / strike) / total_vol + total_vol / 2


def otm_price(forward: float, strike: float, total_vol: float) -> float:
    """Price in points of the call if strike >= forward, else of the put."""
    upper = d1(forward, strike, total_vol)
    lower = upper - total_vol
    if strike >= forward:
        return forward * normal_cdf(upper) - strike * normal_cdf(lower)
    return strike * normal_cdf(-lower) - forward * normal_cdf(-upper)


def is_solvable(
    forward: float, strike: float, time_value: float, years: float, constants: Constants = DEFAULTS
) -> bool:
    """Whether the time value lies between the prices at the two volatility bounds, both allowed."""
    lowest, highest = (
        otm_price(forward, strike, bound * math.sqrt(years))
        for bound in (constants.iv_min, constants.iv_max)
    )
    return lowest <= time_value <= highest


def implied_volatility(
    forward: float, strike: float, time_value: float, years: float, constants: Constants = DEFAULTS
) -> float:
    """The sigma, per square root of a year, at which the out-of-the-money side has this price.

    Prices are points; only for a time value that `is_solvable`.
    """
    root = brentq(
        lambda sigma: otm_price(forward, strike, sigma * math.sqrt(years)) - time_value,
        constants.iv_min,
        constants.iv_max,
        xtol=ROOT_XTOL,
        rtol=ROOT_RTOL,
    )
    return float(root)


def gamma(forward: float, strike: float, total_vol: float) -> float:
    """Change of delta per point of the forward, the same for a call and a put."""
    return normal_density(d1(forward, strike, total_vol)) / (forward * total_vol)


def normal_density(x: float) -> float:
    """The standard normal density."""
    return math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def normal_cdf(x: float) -> float:
    """The standard normal distribution."""
    return math.erfc(-x / math.sqrt(2)) / 2
