"""Shares with intervals, incidence of competing outcomes in time, and drift of a distribution."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A share and the ends of its confidence interval."""

    share: float
    low: float
    high: float


def wilson_interval(count: float, total: float, confidence: float = 0.95) -> Interval:
    """Share `count / total` with Wilson's score interval, which never leaves [0, 1].

    NaN throughout where `total` is 0. Source: Wilson (1927), "Probable inference, the law of
    succession, and statistical inference", Journal of the American Statistical Association 22.
    Raises ValueError unless 0 <= count <= total and 0 < confidence < 1.
    """
    if not 0 <= count <= total or not 0 < confidence < 1:
        raise ValueError(
            f"count {count} of {total} at confidence {confidence}: expected 0 <= count <= total "
            "and a confidence between 0 and 1"
        )
    if total == 0:
        return Interval(np.nan, np.nan, np.nan)
    z = float(ndtri(0.5 + confidence / 2))
    share = count / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def cumulative_incidence(
    times: ArrayLike, causes: ArrayLike, cause: int, grid: ArrayLike
) -> Floats:
    """Chance that `cause` has happened by each time of `grid`: the Aalen-Johansen estimate.

    `times` (n) are when each subject's first cause happened or its watch ended, `causes` (n) which
    it was, 0 where the watch ended first; at one time causes come before ends of watch. With
    d(c, t) subjects that meet cause c at time t, of r(t) still watched, the estimate is the sum
    over t of S(t-) d(c, t) / r(t), S being the product over earlier times of 1 - d(any, t) / r(t).
    Without ends of watch it is the plain share. NaN throughout without subjects.

    Source: Aalen & Johansen (1978), "An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations", Scandinavian Journal of Statistics 5.
    """
    at, why = np.asarray(times, np.float64), np.asarray(causes)
    wanted = np.asarray(grid, np.float64)
    if not len(at):
        return np.full(len(wanted), np.nan)
    moments, place = np.unique(at, return_inverse=True)
    ended = np.bincount(place)
    any_cause = np.bincount(place, weights=why != 0)
    this_cause = np.bincount(place, weights=why == cause)
    watched = len(at) - np.concatenate([[0], np.cumsum(ended)[:-1]])
    survival = np.cumprod(1 - any_cause / watched)
    before = np.concatenate([[1.0], survival[:-1]])
    incidence = np.concatenate([[0.0], np.cumsum(before * this_cause / watched)])
    return incidence[np.searchsorted(moments, wanted, side="right")]


_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class Drift(NamedTuple):
    """How one sample's distribution differs from another's; NaN where either has no values."""

    shift: float
    """Difference of the means in pooled standard deviations; NaN where nothing varies."""
    ks: float
    """Largest distance of the two empirical distribution functions (Kolmogorov-Smirnov)."""
    ks_critical: float
    """Distance that same distributions exceed in 1 % of independent samples of these sizes."""


_KS_ONE_PERCENT = 1.6276
"""Asymptotic 1 % point of Kolmogorov's distribution: Smirnov (1948), "Table for estimating the
goodness of fit of empirical distributions", Annals of Mathematical Statistics 19."""


def drift(values: ArrayLike, group: ArrayLike, groups: int) -> list[Drift]:
    """Compare the values of each group with those of all others together, NaN left out.

    `group` (n) says which of `groups` groups, counted from 0, each value (n) is of. The shift's
    deviation is of all values.

    With F and A the distribution functions of all N values and of the group's n, the others' is
    (N F - n A) / (N - n), so that the largest distance is N / (N - n) max |A - F|, which is reached
    at or just before a value of the group.
    """
    every, of = np.asarray(values, float), np.asarray(group)
    known = np.isfinite(every)
    order = np.argsort(every[known], kind="stable")
    pooled, of = every[known][order], of[known][order]
    total, deviation = len(pooled), float(pooled.std()) if len(pooled) else 0.0
    ranks = {side: np.searchsorted(pooled, pooled, side) for side in _SIDES}
    by_group = np.argsort(of, kind="stable")
    ends = np.searchsorted(of[by_group], np.arange(groups + 1))
    found = []
    for start, end in pairwise(ends):
        members = by_group[start:end]  # in the order of their values
        size, rest = len(members), total - len(members)
        if not size or not rest:
            found.append(Drift(np.nan, np.nan, np.nan))
            continue
        sample = pooled[members]
        distance = max(
            float(
                np.abs(
                    np.searchsorted(sample, sample, side) / size - ranks[side][members] / total
                ).max()
            )
            for side in _SIDES
        )
        others = (float(pooled.sum()) - float(sample.sum())) / rest
        shift = (float(sample.mean()) - others) / deviation if deviation > 0 else np.nan
        critical = _KS_ONE_PERCENT * np.sqrt(total / (size * rest))
        found.append(Drift(shift, total / rest * distance, float(critical)))
    return found
