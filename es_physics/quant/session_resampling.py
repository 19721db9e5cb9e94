"""Intervals by drawing whole sessions anew: events of one session share its market."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def times_drawn(numbers: ArrayLike, sessions: int) -> NDArray[np.float64]:
    """How often each of so many sessions is in each resample, (resamples, sessions).

    `numbers` (resamples, places) are whole, of as many places as sessions or more; place i of a
    resample holds session number modulo sessions. Raises ValueError for fewer places.
    """
    drawn = np.asarray(numbers, np.int64)
    resamples, places = drawn.shape
    if places < sessions:
        raise ValueError(f"{sessions} sessions are to be drawn from {places} numbers")
    cells = drawn[:, :sessions] % sessions + sessions * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * sessions)
    return counts.reshape(resamples, sessions).astype(np.float64)


def resampled_sums(times: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """The sum of `values` (sessions) over the sessions of each resample, (resamples).

    Added up by one thread in one order: the same in the last digit wherever there are several.
    """
    return np.einsum("ks,s->k", np.asarray(times), np.asarray(values, np.float64))


def interval(values: ArrayLike) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of a statistic's resamples, linear between two of them."""
    low, high = np.quantile(np.asarray(values, np.float64), (0.025, 0.975))
    return float(low), float(high)
