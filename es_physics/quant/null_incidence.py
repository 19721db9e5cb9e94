"""By when a driftless price would have broken or bounced: the null of incidence curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from es_physics.quant.first_passage import first_passage_probabilities

_SECONDS_PER_MINUTE = 60.0


class NullIncidence(NamedTuple):
    """Probabilities of shape (events, times)."""

    up: NDArray[np.float64]
    """The upper barrier has been reached by the time, before the lower one."""
    down: NDArray[np.float64]
    """The lower barrier has been reached by the time, before the upper one."""


def null_incidence(
    distance_up: ArrayLike, distance_down: ArrayLike, volatility: ArrayLike, seconds: ArrayLike
) -> NullIncidence:
    """The distribution of the first passage over time, event by event.

    `distance_up`, `distance_down` (points to each barrier) and `volatility` (points per square-root
    minute) are of one value per event, `seconds` of one per time, since the start. Formula,
    accuracy and errors are those of `first_passage_probabilities`, whose horizon each time is.
    """
    up, down, sigma = (np.asarray(x, np.float64) for x in (distance_up, distance_down, volatility))
    times = np.asarray(seconds, np.float64)
    found = NullIncidence(np.empty((up.size, times.size)), np.empty((up.size, times.size)))
    # Time by time, so that the terms of the series are held for one time only.
    for column, time in enumerate(times):
        reached = first_passage_probabilities(up, down, sigma, time / _SECONDS_PER_MINUTE)
        found.up[:, column], found.down[:, column] = reached.up, reached.down
    return found
