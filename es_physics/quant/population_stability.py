"""The population stability index: whether columns are distributed as they were."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TENTHS = np.arange(1, 10)
_LEAST = 0.5
"""How many rows an empty bin counts as, so that its logarithm is finite."""


class PopulationStability(NamedTuple):
    """Arrays of one value per column."""

    psi: NDArray[np.float64]
    """The index, 0 where both sides are distributed alike."""
    bins: NDArray[np.int64]
    """Bins that hold a row of either side."""


def population_stability(reference: ArrayLike, current: ArrayLike) -> PopulationStability:
    """Compare the rows of `current` with those of `reference`, both (columns, rows), NaN unknown.

    A column's bins lie between the tenths of its known reference values, each the smallest value
    that so many tenths do not exceed; an edge belongs to the bin below it, and unknown values are
    a bin of their own. With p and q a bin's share of the current and of the reference rows, an
    empty one counted as half a row, the index is the sum of (p - q) ln(p / q), the symmetric
    Kullback-Leibler divergence: Jeffreys (1946), Proceedings of the Royal Society A 186.

    Raises ValueError where a side has no rows.
    """
    before, now = (np.asarray(side, np.float64) for side in (reference, current))
    if not before.shape[1] or not now.shape[1]:
        raise ValueError(f"{before.shape[1]} rows against {now.shape[1]}: both sides need one")
    ordered = np.sort(before, axis=1)
    known = (~np.isnan(ordered)).sum(axis=1)
    # The place of tenth k among n values is k n / 10, rounded up; without values it is NaN's.
    place = np.maximum(-(-_TENTHS * known[:, None] // 10) - 1, 0)
    edges = np.take_along_axis(ordered, place, axis=1)
    q, p = (_counts(side, edges) for side in (before, now))
    is_bin = (q > 0) | (p > 0)
    q, p = np.maximum(q, _LEAST) / before.shape[1], np.maximum(p, _LEAST) / now.shape[1]
    terms = np.where(is_bin, (p - q) * np.log(p / q), 0.0)
    return PopulationStability(terms.sum(axis=1), is_bin.sum(axis=1))


def _counts(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of each column in the bins that `edges` (columns, edges) part, and the unknown ones.

    Between equal edges lies an empty bin. An edge that is NaN has nothing below it.
    """
    counts = np.empty((values.shape[0], edges.shape[1] + 3), np.int64)
    counts[:, 0] = 0
    for k in range(edges.shape[1]):
        counts[:, k + 1] = np.count_nonzero(values <= edges[:, k : k + 1], axis=1)
    counts[:, -2] = np.count_nonzero(~np.isnan(values), axis=1)
    counts[:, -1] = values.shape[1]
    return np.diff(counts, axis=1)
