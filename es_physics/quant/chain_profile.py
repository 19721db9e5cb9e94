"""What a chain looks like from where the underlying stands: at-the-money volatility, skew, flip.

One expiration at a time, one volatility per strike; `chain_profiles` does so for many moments.
Strikes and prices are index points of the
underlying; volatilities are annualised (0.2 is 20 %), `total_vol` is volatility times the square
root of the years left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

FLIP_REACH = 100
"""Points on either side of the underlying at which the chain's gamma is looked at."""

_SKEW_DELTA = 0.25


class ChainProfiles(NamedTuple):
    """By moment, each of shape (m,); volatilities and points, NaN where there is none."""

    mark_ns: NDArray[np.int64]
    atm_iv: Floats
    skew_25_delta: Floats
    zero_gamma: Floats


def chain_profiles(
    mark_ns: ArrayLike,
    strike: ArrayLike,
    iv: ArrayLike,
    total_vol: ArrayLike,
    is_quoted: ArrayLike,
    net_open_interest: ArrayLike,
    forward: ArrayLike,
) -> ChainProfiles:
    """The three of every moment, from one expiration's strikes then, all of shape (n,).

    Rows are ordered by `mark_ns` (int64) and strike, without repeats, with a known volatility; the
    price `forward` is the same in all rows of a moment. Smile and skew go by the strikes that
    `is_quoted` is true of, the flip by all.
    """
    marks, starts = np.unique(np.asarray(mark_ns, np.int64), return_index=True)
    columns = [np.asarray(one, np.float64) for one in (strike, iv, total_vol, net_open_interest)]
    quoted, price = np.asarray(is_quoted, np.bool_), np.asarray(forward, np.float64)
    profiles = np.full((3, marks.size), np.nan)
    ends = np.append(starts, quoted.size)[1:]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        at, ivs, total, net = (column[start:end] for column in columns)
        seen, here = quoted[start:end], float(price[start])
        profiles[:, number] = (
            at_the_money(at[seen], ivs[seen], here),
            skew_25_delta(at[seen], ivs[seen], total[seen], here),
            zero_gamma(at, total, net, here),
        )
    return ChainProfiles(marks, *profiles)


def at_the_money(strike: ArrayLike, iv: ArrayLike, forward: float) -> float:
    """The volatility at `forward`, linear in strike; NaN outside the strikes given.

    `strike` ascending without repeats, `iv` known, both of shape (n,).
    """
    strikes, ivs = np.asarray(strike, np.float64), np.asarray(iv, np.float64)
    if strikes.size == 0:
        return float("nan")
    return float(np.interp(forward, strikes, ivs, left=np.nan, right=np.nan))


def skew_25_delta(strike: ArrayLike, iv: ArrayLike, total_vol: ArrayLike, forward: float) -> float:
    """Volatility of the put of delta -0.25 less that of the call of delta 0.25; NaN without one.

    Each is looked for from `forward` outward, puts below it, calls at it and above: between the
    first two neighbouring strikes whose deltas (Black 1976, undiscounted, by the strike's own
    volatility) have it between them, ends included, linear in delta; of equal deltas the nearer
    strike counts. `strike` ascending without repeats, all of shape (n,).
    """
    strikes, ivs = np.asarray(strike, np.float64), np.asarray(iv, np.float64)
    call_delta = ndtr(_d1(forward, strikes, np.asarray(total_vol, np.float64)))
    below = np.flatnonzero(strikes < forward)[::-1]
    above = np.flatnonzero(strikes >= forward)
    put = _at_delta(call_delta[below] - 1.0, ivs[below], -_SKEW_DELTA)
    call = _at_delta(call_delta[above], ivs[above], _SKEW_DELTA)
    return put - call


def _at_delta(delta: Floats, iv: Floats, wanted: float) -> float:
    near, far = delta[:-1], delta[1:]
    between = np.flatnonzero((np.minimum(near, far) <= wanted) & (wanted <= np.maximum(near, far)))
    if between.size == 0:
        return float("nan")
    first = int(between[0])
    if near[first] == far[first]:
        return float(iv[first])
    share = (wanted - near[first]) / (far[first] - near[first])
    return float(iv[first] + share * (iv[first + 1] - iv[first]))


def zero_gamma(
    strike: ArrayLike, total_vol: ArrayLike, net_open_interest: ArrayLike, forward: float
) -> float:
    """Where the chain's gamma changes sign, nearest to `forward`; NaN if it nowhere does.

    `net_open_interest` is calls less puts by strike. Each strike keeps its total volatility while
    the underlying is moved a point at a time, up to `FLIP_REACH` points either way. Prices at which
    the sum is exactly 0 are passed over; between the two on either side of a change it is linear.
    Of changes equally near the lower counts. All of shape (n,).
    """
    net = np.asarray(net_open_interest, np.float64)
    held = net != 0
    prices = forward + np.arange(-FLIP_REACH, FLIP_REACH + 1)
    w, weight = np.asarray(total_vol, np.float64)[held], net[held]
    d1 = _d1(prices[:, None], np.asarray(strike, np.float64)[held], w)
    # Not as a product of matrices: a library may add that up in another order on other threads.
    exposure = (np.exp(-0.5 * d1 * d1) / w * weight).sum(axis=1) / prices
    at, value = prices[exposure != 0], exposure[exposure != 0]
    change = np.flatnonzero(np.sign(value[:-1]) != np.sign(value[1:]))
    if change.size == 0:
        return float("nan")
    low, high = at[change], at[change + 1]
    flips = low + (high - low) * value[change] / (value[change] - value[change + 1])
    return float(flips[np.argmin(np.abs(flips - forward))])


def _d1(forward: ArrayLike, strike: Floats, total_vol: Floats) -> Floats:
    moneyness = np.log(np.asarray(forward, np.float64)) - np.log(strike)
    return np.asarray(moneyness / total_vol + 0.5 * total_vol, np.float64)
