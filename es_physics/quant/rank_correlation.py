"""Spearman's correlation of many columns with one, and its mean over sessions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class MeanCorrelation(NamedTuple):
    """A mean over sessions, each array of one value per column."""

    sessions: NDArray[np.int64]
    """Sessions that have a correlation."""
    mean: NDArray[np.float64]
    """NaN without any."""
    t: NDArray[np.float64]
    """Mean over its standard error; NaN below two sessions, or where they are all equal."""


def rank_correlations(x: ArrayLike, y: ArrayLike, min_pairs: int) -> NDArray[np.float64]:
    """Spearman's correlation of each column of `x` (rows, columns) with `y` (rows).

    Ranks are taken over the rows in which both are known (NaN is not; no value is infinite), equal
    values sharing the mean
    of theirs; correlated are the ranks. NaN below `min_pairs` such rows, or where a side does not
    vary: Kendall & Gibbons (1990), "Rank Correlation Methods", chapter 3.
    """
    columns = np.asarray(x, np.float64)
    other = np.broadcast_to(np.asarray(y, np.float64)[:, None], columns.shape)
    is_pair = ~(np.isnan(columns) | np.isnan(other))
    ranks_x, ranks_y = (_centred_ranks(side, is_pair) for side in (columns, other))
    # Whole numbers until here; the root of a square is exact, and so is a correlation of 1.
    scale = np.sqrt((ranks_x**2).sum(axis=0) * (ranks_y**2).sum(axis=0))
    is_known = (is_pair.sum(axis=0) >= min_pairs) & (scale > 0)
    products = (ranks_x * ranks_y).sum(axis=0)
    return np.divide(products, scale, out=np.full(scale.shape, np.nan), where=is_known)


def _centred_ranks(values: NDArray[np.float64], is_kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Twice the mid-rank of each kept value in its column, less the mean of these; 0 for others."""
    # Those left out come last, whatever their value: a run of their own.
    kept = np.where(is_kept, values, np.inf)
    order = np.argsort(kept, axis=0, kind="stable")
    ordered = np.take_along_axis(kept, order, axis=0)
    place = np.arange(values.shape[0])[:, None]
    begins = np.ones(values.shape, bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    ends = np.ones(values.shape, bool)
    ends[:-1] = begins[1:]
    first = np.maximum.accumulate(np.where(begins, place, 0), axis=0)
    last = np.minimum.accumulate(np.where(ends, place, values.shape[0])[::-1], axis=0)[::-1]
    doubled = np.empty(values.shape)
    np.put_along_axis(doubled, order, first + last + 2.0, axis=0)
    return np.where(is_kept, doubled - (is_kept.sum(axis=0) + 1), 0.0)


def mean_over_sessions(correlations: ArrayLike) -> MeanCorrelation:
    """Mean of (sessions, columns) over the sessions that know it, and the mean's t."""
    values = np.asarray(correlations, np.float64)
    is_known = ~np.isnan(values)
    n = is_known.sum(axis=0)
    unknown = np.full(n.shape, np.nan)
    mean = np.divide(
        np.where(is_known, values, 0.0).sum(axis=0), n, out=unknown.copy(), where=n > 0
    )
    squares = np.where(is_known, values - mean, 0.0) ** 2
    # The mean of equal values may differ from them in the last digit: that is no variation.
    most = np.where(is_known, values, -np.inf).max(axis=0, initial=-np.inf)
    least = np.where(is_known, values, np.inf).min(axis=0, initial=np.inf)
    varies = (n > 1) & (most > least)
    error = np.sqrt(squares.sum(axis=0) / np.maximum(n * (n - 1), 1))
    t = np.divide(mean, error, out=unknown.copy(), where=varies)
    return MeanCorrelation(n, mean, t)
