"""First passage of a driftless Brownian motion through one of two barriers: the null model.

It says how often an outcome comes about by geometry and volatility alone, so that a claim about
a level has something to beat.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc

_SERIES_SWITCH = 0.25
"""Variance over the horizon, in squared barrier widths, at which the two series trade places.

There the first omitted image is below erfc(4 / sqrt(0.5)) = 1.3e-15 and the first omitted
eigenfunction below exp(-18 pi^2 * 0.25) = 5e-20; away from the switch both only get smaller.
"""
_EIGENFUNCTIONS = 5


class FirstPassage(NamedTuple):
    """Probabilities, each float64 of the inputs' broadcast shape; the three add up to 1."""

    up: NDArray[np.float64]
    """The upper barrier is touched within the horizon, before the lower one."""
    down: NDArray[np.float64]
    """The lower barrier is touched within the horizon, before the upper one."""
    neither: NDArray[np.float64]
    """No barrier is touched within the horizon."""


def first_passage_probabilities(
    distance_up: ArrayLike,
    distance_down: ArrayLike,
    volatility: ArrayLike,
    horizon: ArrayLike,
) -> FirstPassage:
    """Which of two barriers a driftless Brownian motion touches first, if any in time.

    All inputs broadcast. `distance_up` and `distance_down` are the distances (points, say) from
    the start to the barriers, positive away from the start and possibly infinite; at or below 0
    the barrier has been passed already and has probability 1. `volatility` is the standard
    deviation per square root of the time unit in which `horizon` is given: points per
    square-root minute with minutes.

    Where nothing moves (volatility or horizon 0) `neither` is 1 unless a barrier has been passed.
    Where any input is NaN, so are the probabilities. The absolute error is below 1e-13.

    With t the variance over the horizon in units of the squared barrier width and x the distance
    to a barrier in units of that width, the probability of reaching it first is

        sum over k >= 0 of erfc((2k + x) / sqrt(2t)) - erfc((2k + 2 - x) / sqrt(2t))
        = 1 - x - (2/pi) * sum over n >= 1 of sin(n pi x) / n * exp(-n^2 pi^2 t / 2)

    The first is the method of images, quick for short horizons, the second the expansion in
    eigenfunctions of the heat equation on the strip, quick for long ones: Cox & Miller (1965),
    "The Theory of Stochastic Processes", section 5.7; Feller (1971), "An Introduction to
    Probability Theory and Its Applications", vol. II, section X.5. Both invert the transform
    sinh(b sqrt(2s)) / sinh((a + b) sqrt(2s)), a being the distance to the barrier and b that to
    the other, of Darling & Siegert (1953), "The first passage problem for a continuous Markov
    process", Annals of Mathematical Statistics 24.

    Raises ValueError where both barriers have been passed, or volatility or horizon is negative.
    """
    inputs = (distance_up, distance_down, volatility, horizon)
    up, down, sigma, time = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in inputs))
    both = (up <= 0) & (down <= 0)
    _refuse(both, "both barriers passed: distance_up {}, distance_down {}", up, down)
    _refuse(sigma < 0, "negative volatility {}: give a standard deviation", sigma)
    _refuse(time < 0, "negative horizon {}: give a length of time", time)

    deviation = sigma * np.sqrt(time)
    unknown = np.isnan(up) | np.isnan(down) | np.isnan(deviation)
    # A passed barrier or a motion that stands still leaves no series to sum; 1 is a stand-in.
    in_play = (up > 0) & (down > 0) & (deviation > 0)
    a, b, s = (np.where(in_play, x, 1.0) for x in (up, down, deviation))
    touched_up, touched_down = (
        np.where(unknown, np.nan, np.where(in_play, _touched_first(near, far, s), passed))
        for near, far, passed in ((a, b, up <= 0), (b, a, down <= 0))
    )
    neither = np.maximum(1.0 - touched_up - touched_down, 0.0)
    return FirstPassage(touched_up, touched_down, neither)


def _touched_first(
    near: NDArray[np.float64], far: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of touching the barrier `near` away before the one `far` away on the other side.

    All positive, `near` and `far` possibly infinite, `deviation` the standard deviation over the
    whole horizon.
    """
    width = near + far
    # Each series is evaluated everywhere, and may overflow where the other one is taken.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(
            (deviation / width) ** 2 < _SERIES_SWITCH,
            _by_images(near, far, deviation),
            _by_eigenfunctions(near, far, deviation),
        )


def _by_images(
    near: NDArray[np.float64], far: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The image series, to k = 1; written in lengths, so that an infinite barrier drops out."""
    width = near + far
    unit = np.sqrt(2.0) * deviation
    return (
        erfc(near / unit)
        - erfc((width + far) / unit)
        + erfc((2.0 * width + near) / unit)
        - erfc((3.0 * width + far) / unit)
    )


def _by_eigenfunctions(
    near: NDArray[np.float64], far: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The eigenfunction series."""
    width = near + far
    n = np.arange(1, _EIGENFUNCTIONS + 1).reshape(-1, *[1] * width.ndim) * np.pi
    decay = np.exp(-0.5 * (n * deviation / width) ** 2)
    return np.maximum(far / width - 2.0 * np.sum(np.sin(n * near / width) / n * decay, axis=0), 0.0)


def _refuse(wrong: NDArray[np.bool_], message: str, *values: NDArray[np.float64]) -> None:
    """Raise ValueError that names the first wrong element, if there is one."""
    if wrong.any():
        where = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        index = tuple(int(i) for i in where)
        raise ValueError(f"{message.format(*(float(x[index]) for x in values))} (at index {index})")
