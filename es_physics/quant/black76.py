"""Black (1976): the value of a European option on a future, its sensitivities, and its volatility.

Arrays in, arrays out, all broadcast to float64. Market data is never refused: where an input is
NaN, infinite or out of its domain (forward and strike above 0, years and sigma at least 0) the
result is NaN or INVALID, without an exception or a warning; the other elements do not notice.

With s = sigma sqrt(years), d1 = ln(F/K)/s + s/2, d2 = d1 - s and D = exp(-rate years)

    call = D (F N(d1) - K N(d2)),    put = D (K N(-d2) - F N(-d1))

after Black (1976), "The pricing of commodity contracts", Journal of Financial Economics 3. Prices
are in the units of forward and strike (index points), years is the time to expiry, sigma the
volatility per square-root year (0.20 is 20 %), rate continuously compounded; rate 0 leaves the
price undiscounted.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize.elementwise import find_root
from scipy.special import erfcx, ndtr

Floats = NDArray[np.float64]

_MINUTES_PER_YEAR = 365 * 24 * 60
_H_MAX = 50.0
"""Standard deviations out of the money beyond which an option is worth 0: exp(-50^2/2) = 1e-543."""
_S_MAX = 50.0
"""Total volatility beyond which the time value is the smaller of forward and strike to 1e-130."""
_SERIES_HALF_WIDTH = 0.05
"""Half width of the erfcx difference below which its Taylor series is used (s below 0.14).

The first term left out is below 4e-16 of the sum.
"""


class SolveStatus(IntEnum):
    """What came of an implied volatility."""

    SOLVED = 0
    BELOW = 1
    """The time value is less than at the lowest volatility allowed."""
    ABOVE = 2
    """The time value is more than at the highest volatility allowed."""
    INVALID = 3
    """The time value is not positive, the option has expired, or an input is not a number."""


class ImpliedVolatility(NamedTuple):
    """Both of the inputs' broadcast shape."""

    sigma: Floats
    """Volatility per square-root year; NaN unless solved."""
    status: NDArray[np.uint8]
    """A SolveStatus."""


class _Option(NamedTuple):
    """The inputs, broadcast, NaN throughout where one is out of its domain, and what all need."""

    forward: Floats
    strike: Floats
    years: Floats
    sigma: Floats
    is_call: NDArray[np.bool_]
    rate: Floats
    discount: Floats
    s: Floats
    d1: Floats
    density: Floats
    """The normal density at d1."""


@np.errstate(all="ignore")
def price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """The option's value: discounted intrinsic plus time value, in points.

    The time value, which is all of an option out of the money, is good to 1e-13 of itself down to
    1e-12 points and to 1e-12 of itself below; at years 0 or sigma 0 it is 0.
    """
    option = _option(forward, strike, years, sigma, is_call, rate)
    return _value(option)


@np.errstate(all="ignore")
def delta(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Change of price per point of the forward: D N(d1) for a call, -D N(-d1) for a put.

    At years 0 or sigma 0: D or 0 (-D for a put), and half of it where strike == forward.
    """
    option = _option(forward, strike, years, sigma, is_call, rate)
    return option.discount * np.where(option.is_call, ndtr(option.d1), -ndtr(-option.d1))


@np.errstate(all="ignore")
def gamma(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Change of delta per point of the forward, the same for both rights: D n(d1) / (F s).

    At years 0 or sigma 0: 0, and infinity where strike == forward.
    """
    option = _option(forward, strike, years, sigma, is_call, rate)
    slope = option.density / (option.forward * option.s)
    return option.discount * np.where(option.density == 0.0, 0.0, slope)


@np.errstate(all="ignore")
def charm_per_minute(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike
) -> Floats:
    """Change of delta as a minute passes, undiscounted, of call and put alike: n(d1) d2 / (2 T).

    T is `years` in minutes, of 365 days.
    """
    option = _option(forward, strike, years, sigma, True, 0.0)
    minutes = option.years * _MINUTES_PER_YEAR
    return option.density * (option.d1 - option.s) / (2.0 * minutes)


@np.errstate(all="ignore")
def vanna_per_vol_percent(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike
) -> Floats:
    """Change of delta as volatility rises by 1 % of itself, undiscounted: -n(d1) d2 / 100."""
    option = _option(forward, strike, years, sigma, True, 0.0)
    return -0.01 * option.density * (option.d1 - option.s)


@np.errstate(all="ignore")
def vega(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Change of price per 1.00 of sigma, the same for both rights: D F n(d1) sqrt(years).

    At years 0: 0. At sigma 0: 0, and the limit from above where strike == forward.
    """
    option = _option(forward, strike, years, sigma, is_call, rate)
    return option.discount * option.forward * option.density * np.sqrt(option.years)


@np.errstate(all="ignore")
def theta(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Change of price per year that passes: rate price - D F n(d1) sigma / (2 sqrt(years)).

    At years 0 or sigma 0: rate price, and -infinity at years 0 where strike == forward.
    """
    option = _option(forward, strike, years, sigma, is_call, rate)
    spread = option.forward * option.density * option.sigma
    decay = np.where(spread == 0.0, 0.0, spread / (2.0 * np.sqrt(option.years)))
    return option.rate * _value(option) - option.discount * decay


@np.errstate(all="ignore")
def implied_volatility(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    time_value: ArrayLike,
    *,
    sigma_min: float = 1e-4,
    sigma_max: float = 5.0,
) -> ImpliedVolatility:
    """The sigma in [sigma_min, sigma_max] at which an option has this time value.

    `time_value` is the undiscounted price less the intrinsic value, in points: by put-call parity
    the price of the side out of the money, so the answer holds for both rights. A time value equal
    to that at a bound is solved. The root is converged to 1e-12 in sigma; an error of e points in
    the time value moves it by e / vega.

    The logarithm of the time value is solved for that of sigma, which is linear at the money and
    smooth far from it, by Chandrupatla's bracketing method (1997, Advances in Engineering Software
    28): always convergent, element by element, so that a result does not depend on what else is in
    the array. 200,000 same-day options took 0.7 CPU seconds; vectorised Halley steps of our own
    took 0.25, too little gain for a solver to maintain.

    Raises ValueError unless 0 < sigma_min < sigma_max < infinity.
    """
    if not 0.0 < sigma_min < sigma_max < np.inf:
        raise ValueError(f"volatility bounds {sigma_min} to {sigma_max}: give 0 < min < max")
    inputs = (forward, strike, years, time_value)
    f, k, t, value = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in inputs))
    known = np.isfinite(f) & np.isfinite(k) & np.isfinite(t) & np.isfinite(value)
    valid = known & (f > 0) & (k > 0) & (t > 0) & (value > 0)

    sigma = np.full(f.shape, np.nan)
    status = np.full(f.shape, SolveStatus.INVALID, np.uint8)
    root_time = np.sqrt(np.where(valid, t, np.nan))
    below = valid & (value < _time_value(f, k, sigma_min * root_time))
    above = valid & (value > _time_value(f, k, sigma_max * root_time))
    solvable = valid & ~below & ~above
    status[below], status[above] = SolveStatus.BELOW, SolveStatus.ABOVE
    status[solvable] = SolveStatus.SOLVED
    if solvable.any():
        f, k, root_time, value = (x[solvable] for x in (f, k, root_time, value))
        sigma[solvable] = _solve(f, k, root_time, value, sigma_min, sigma_max)
    return ImpliedVolatility(sigma, status)


@np.errstate(all="ignore")
def implied_volatility_from_price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    option_price: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    sigma_min: float = 1e-4,
    sigma_max: float = 5.0,
) -> ImpliedVolatility:
    """`implied_volatility` of a price, discounted at `rate`.

    At or below its (discounted) intrinsic value it is INVALID. An option in the money keeps only
    the digits of its price that intrinsic value leaves to the time value.
    """
    years = np.asarray(years, np.float64)
    undiscounted = np.asarray(option_price, np.float64) * np.exp(np.asarray(rate) * years)
    f, k = np.asarray(forward, np.float64), np.asarray(strike, np.float64)
    time_value = undiscounted - _intrinsic(f, k, np.asarray(is_call, np.bool_))
    return implied_volatility(f, k, years, time_value, sigma_min=sigma_min, sigma_max=sigma_max)


def _option(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike,
) -> _Option:
    """Everything broadcast; see _Option."""
    numbers = (forward, strike, years, sigma, rate)
    f, k, t, v, r, call = np.broadcast_arrays(
        *(np.asarray(x, np.float64) for x in numbers), np.asarray(is_call, np.bool_)
    )
    known = np.isfinite(f) & np.isfinite(k) & np.isfinite(t) & np.isfinite(v) & np.isfinite(r)
    valid = known & (f > 0) & (k > 0) & (t >= 0) & (v >= 0)
    f, k, t, v, r = (np.where(valid, x, np.nan) for x in (f, k, t, v, r))
    s = v * np.sqrt(t)
    # At the money d1 is s/2 also where s is 0: the limit from above.
    d1 = np.where(f == k, 0.5 * s, np.sign(f - k) * _moneyness(f, k) / s + 0.5 * s)
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    return _Option(f, k, t, v, call, r, np.exp(-r * t), s, d1, density)


def _value(option: _Option) -> Floats:
    """The discounted value of the right itself."""
    intrinsic = _intrinsic(option.forward, option.strike, option.is_call)
    return option.discount * (intrinsic + _time_value(option.forward, option.strike, option.s))


def _intrinsic(forward: Floats, strike: Floats, is_call: NDArray[np.bool_]) -> Floats:
    """The undiscounted value of exercising now."""
    return np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)


def _moneyness(forward: Floats, strike: Floats) -> Floats:
    """|ln(forward / strike)|, exact to rounding also where the two are close."""
    return np.log1p(np.abs(forward - strike) / np.minimum(forward, strike))


def _time_value(forward: Floats, strike: Floats, s: Floats) -> Floats:
    """The undiscounted value of the side out of the money, 0 where s is 0."""
    exponent, difference = _scaled_value(_moneyness(forward, strike), s)
    return 0.5 * np.sqrt(forward * strike) * np.exp(exponent) * difference


def _scaled_value(moneyness: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Exponent e and factor y of the time value sqrt(F K)/2 exp(e) y.

    The two terms of Black's formula out of the money, with h = |ln(F/K)|/s, are nearly equal where
    h is large or s small. Written with erfcx(x) = exp(x^2) erfc(x) they share a factor,

        sqrt(F K)/2 exp(-(h^2 + s^2/4)/2) (erfcx((h - s/2)/sqrt 2) - erfcx((h + s/2)/sqrt 2))

    (Jaeckel (2015), "Let's be rational", Wilmott), and the difference that is left is, for small s,
    the Taylor series about the midpoint, by erfcx' = 2 (x erfcx - 1/sqrt pi) and the recurrence
    erfcx^(n+1) = 2 (x erfcx^(n) + n erfcx^(n-1)).
    """
    s = np.minimum(s, _S_MAX)
    # fmin: 0/0, at the money without volatility, counts as far out, and is worth as little.
    h = np.fmin(moneyness / s, _H_MAX)
    x, half_width = h / np.sqrt(2.0), s / np.sqrt(8.0)
    previous = erfcx(x)
    derivative = 2.0 * (x * previous - 1.0 / np.sqrt(np.pi))
    power, series = 2.0 * half_width, -2.0 * half_width * derivative
    for n in range(1, 9):
        previous, derivative = derivative, 2.0 * (x * derivative + n * previous)
        if n % 2 == 0:
            power = power * half_width**2 / (n * (n + 1))
            series = series - power * derivative
    exponent = -0.5 * (h * h + 0.25 * s * s)
    short = half_width < _SERIES_HALF_WIDTH
    if short.all():  # as every same-day option is
        return exponent, series
    return exponent, np.where(short, series, erfcx(x - half_width) - erfcx(x + half_width))


def _solve(
    forward: Floats,
    strike: Floats,
    root_time: Floats,
    time_value: Floats,
    sigma_min: float,
    sigma_max: float,
) -> Floats:
    """The volatilities, known to lie between the bounds up to rounding."""
    moneyness = _moneyness(forward, strike)
    # Nothing comes from further away than _H_MAX; the narrower bracket saves a quarter of the time.
    lowest = np.maximum(sigma_min, moneyness / (_H_MAX * root_time))
    target = np.log(time_value) - 0.5 * np.log(0.25 * forward * strike)

    def excess(y: Floats, moneyness: Floats, root_time: Floats, target: Floats) -> Floats:
        exponent, difference = _scaled_value(moneyness, np.exp(y) * root_time)
        return exponent + np.log(difference) - target

    # Twice as wide as need be, so that rounding at a bound does not lose the change of sign.
    found = find_root(
        excess,
        (np.log(0.5 * lowest), np.full(lowest.shape, np.log(2.0 * sigma_max))),
        args=(moneyness, root_time, target),
        tolerances={"xatol": 0.5e-12 / sigma_max},
    )
    # Without one the time value has reached its ceiling, where it no longer tells sigmas apart.
    return np.where(found.success, np.clip(np.exp(found.x), sigma_min, sigma_max), sigma_max)
