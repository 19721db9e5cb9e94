"""What the simulated options are worth: Black-76 with a smile and a volatility that moves."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr

from es_physics.calendar import DAY_NS
from ingest.simulate.hours import Session

_YEAR_NS = 365 * DAY_NS
_SHORTEST_NS = 1_000_000_000
"""Time to expiry is never taken to be shorter, so that an expired option is worth its intrinsic."""

# Volatility at the money by minutes from 09:30 ET, relative to that of the day.
_MINUTES = (-930.0, -60.0, 0.0, 60.0, 240.0, 390.0)
_BY_MINUTES = (1.0, 1.04, 1.12, 1.0, 0.93, 1.0)
_DAY_VOLATILITY, _DAY_SD = 0.24, 0.12
_NOISE_SD = 0.05
_NOISE_SECONDS = 1_800.0

# The smile in standard deviations from the money, which saturate so that wings stay finite.
_SKEW, _CURVATURE = -0.05, 0.02
_WING = 4.0


def years_left(expiration_ns: int, ts_ns: np.ndarray) -> np.ndarray:
    """Time to expiry in years of 365 days."""
    return np.maximum(expiration_ns - ts_ns, _SHORTEST_NS) / _YEAR_NS


def volatility_path(rng: np.random.Generator, session: Session) -> np.ndarray:
    """float64 (n,): annual volatility at the money in each open second."""
    day = _DAY_VOLATILITY * np.exp(_DAY_SD * np.clip(rng.standard_normal(), -1.5, 1.5))
    stay = np.exp(-1 / _NOISE_SECONDS)
    shocks = np.sqrt(1 - stay**2) * rng.standard_normal(len(session.seconds_ns))
    noise = _NOISE_SD * lfilter([1.0], [1.0, -stay], shocks)
    return day * np.interp(session.minutes_since_open, _MINUTES, _BY_MINUTES) * np.exp(noise)


def smile(
    at_the_money: np.ndarray, forward: np.ndarray, strike: np.ndarray, years: np.ndarray
) -> np.ndarray:
    """Annual volatility of a strike; all arguments broadcast together."""
    moneyness = np.log(strike / forward) / (at_the_money * np.sqrt(years))
    deviations = _WING * np.tanh(moneyness / _WING)
    return at_the_money * (1 + _SKEW * deviations + _CURVATURE * deviations**2)


def black76(
    forward: np.ndarray,
    strike: np.ndarray,
    years: np.ndarray,
    volatility: np.ndarray,
    is_call: np.ndarray,
) -> np.ndarray:
    """Undiscounted price in points of a call or put on a future (Black 1976).

    The out-of-the-money side is computed and the other follows by put-call parity, so that a deep
    option keeps its time value.
    """
    total = volatility * np.sqrt(years)
    d1 = np.log(forward / strike) / total + total / 2
    sign = np.where(strike >= forward, 1.0, -1.0)
    time_value = sign * (forward * ndtr(sign * d1) - strike * ndtr(sign * (d1 - total)))
    return np.maximum(time_value, 0.0) + intrinsic(forward, strike, is_call)


def intrinsic(forward: np.ndarray, strike: np.ndarray, is_call: np.ndarray) -> np.ndarray:
    """What exercise would bring, points."""
    return np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
