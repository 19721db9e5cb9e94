"""How much of its own time a label has to itself: weights for labels that overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def average_uniqueness(start_ns: ArrayLike, end_ns: ArrayLike) -> NDArray[np.float64]:
    """The average uniqueness of labels that are alive over (start_ns, end_ns].

    For label i over (t0, t1], with c(t) the number of labels alive at t,

        u_i = 1 / (t1 - t0) * integral over (t0, t1] of 1 / c(t) dt

    in (0, 1]: Lopez de Prado (2018), "Advances in Financial Machine Learning", ch. 4, with time
    in place of the count of bars. c is constant between the sorted starts and ends, so the
    integral is a finite sum; every duration is a difference of integers.

    `start_ns` and `end_ns` are integers (ns) of one length, in any order; the result is float64 of
    that length, good to about 1e-14 relative, in O(n log n).

    Raises ValueError if the arrays differ in shape, are not integers, or a label does not end
    after it starts.
    """
    start, end = np.asarray(start_ns), np.asarray(end_ns)
    if start.ndim != 1 or start.shape != end.shape:
        raise ValueError(f"start_ns {start.shape} and end_ns {end.shape}: give two equal lengths")
    if start.size == 0:
        return np.empty(0)
    if not (np.issubdtype(start.dtype, np.integer) and np.issubdtype(end.dtype, np.integer)):
        raise ValueError(f"start_ns {start.dtype} and end_ns {end.dtype}: give integers")
    if not (end > start).all():
        i = int(np.argmin(end > start))
        raise ValueError(f"label {i} ends at {end[i]}, not after its start at {start[i]}")

    edges = np.unique(np.concatenate([start, end]))
    # Every segment between two edges belongs to the labels that started at or before its left
    # edge and had not ended there.
    begun = np.searchsorted(np.sort(start), edges[:-1], side="right")
    ended = np.searchsorted(np.sort(end), edges[:-1], side="right")
    alive = begun - ended
    share = np.divide(np.diff(edges), alive, out=np.zeros(alive.size), where=alive > 0)
    own_time = _range_sums(share, np.searchsorted(edges, start), np.searchsorted(edges, end))
    return own_time / (end - start)


def _range_sums(
    values: NDArray[np.float64], first: NDArray[np.intp], last: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The sums of values[first:last], one for each pair.

    Adds up at most two blocks of each length 1, 2, 4, ...: a difference of two running sums
    would lose a short label's digits in a long session's total.
    """
    sums = np.zeros(first.size)
    while (first < last).any():
        odd = (first < last) & (first % 2 == 1)
        sums[odd] += values[first[odd]]
        first = first + odd
        odd = (first < last) & (last % 2 == 1)
        last = last - odd
        sums[odd] += values[last[odd]]
        values = np.append(values, 0.0)[: values.size + values.size % 2].reshape(-1, 2).sum(axis=1)
        first, last = first // 2, last // 2
    return sums
