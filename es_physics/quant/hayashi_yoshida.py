"""Lead and lag of two prices that are not observed at the same times.

Hayashi & Yoshida (2005), "On covariance estimation of non-synchronously observed diffusion
processes", Bernoulli 11; moved in time as in Hoffmann, Rosenbaum & Yoshida (2013), "Estimation of
the lead-lag parameter from non-synchronous data", Bernoulli 19.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


class LeadLag(NamedTuple):
    """By displacement, in the order given."""

    covariance: list[int]
    """Sum of products of changes of overlapping intervals, in products of the units given."""
    rho: NDArray[np.float64]
    """The same over the root of the two sums of squares; NaN if either is 0. Not bounded by 1."""


def lead_lag(
    x_ts_ns: ArrayLike,
    x_value: ArrayLike,
    y_ts_ns: ArrayLike,
    y_value: ArrayLike,
    theta_ns: ArrayLike,
    *,
    y_max_gap_ns: int,
) -> LeadLag:
    """Covariance of the changes of X with those of Y moved back in time by each `theta_ns`.

    At a positive theta with a large covariance X leads. Observations are integers (ns, and prices
    in any unit), times ascending without repeats, the first of each a start and no change.
    Intervals of Y longer than `y_max_gap_ns` are left out of both sums: one of them would hold a
    whole move at every theta.
    """
    x_ts, x = np.asarray(x_ts_ns, np.int64), _in_units(x_value)
    y_ts, y = np.asarray(y_ts_ns, np.int64), _in_units(y_value)
    theta = np.asarray(theta_ns, np.int64)
    change = np.where(np.diff(y_ts) <= y_max_gap_ns, np.diff(y), 0)
    # Of two series the shorter is looked up in the longer: which, makes no difference to a sum.
    if y_ts.size < x_ts.size:
        covariance = _covariances(y_ts, change, x_ts, np.diff(x), -theta)
    else:
        covariance = _covariances(x_ts, np.diff(x), y_ts, change, theta)
    scale = float(_exact_sum(np.diff(x), np.diff(x))) * float(_exact_sum(change, change))
    rho = np.array(covariance, np.float64) / np.sqrt(scale) if scale > 0 else np.nan
    return LeadLag(covariance, np.broadcast_to(rho, (len(covariance),)))


def best_lag(covariance: list[int], theta: ArrayLike) -> int:
    """The theta of the largest |covariance|: of equal ones the smallest in size, then the positive.

    At least one of each.
    """
    thetas = np.asarray(theta, np.int64).tolist()
    ranked = sorted(
        zip(covariance, thetas, strict=True), key=lambda one: (-abs(one[0]), abs(one[1]), -one[1])
    )
    return ranked[0][1]


def _covariances(ts: Ints, change: Ints, of_ts: Ints, of_change: Ints, theta: Ints) -> list[int]:
    """Sums of products of changes, `ts` moved by each theta.

    The changes `of_change` whose intervals overlap another add up to the path's value first seen at
    that one's end or after, less the value last seen at its start or before.
    """
    if of_ts.size == 0:
        return [0] * theta.size
    path = np.append(0, np.cumsum(of_change))
    # Up to a time lie 2 i of these if it is after i observations, 2 i + 1 if it is the next one's.
    edges = (of_ts[:, None] + [0, 1]).ravel()
    count = np.arange(edges.size + 1)
    first_from = path[np.minimum(count // 2, of_ts.size - 1)]
    last_until = path[np.maximum((count + 1) // 2 - 1, 0)]
    ahead = np.append(edges, np.iinfo(np.int64).max)
    sums = [0] * theta.size
    at = np.zeros(ts.size, np.int64)
    for number in np.argsort(theta).tolist():
        moved = ts + theta[number]
        # From one theta to the next most are not moved past an edge, and need not be looked up.
        past = np.flatnonzero(ahead[at] <= moved)
        at[past] = np.searchsorted(edges, moved[past], side="right")
        sums[number] = _exact_sum(first_from[at[1:]] - last_until[at[:-1]], change)
    return sums


def _in_units(values: ArrayLike) -> Ints:
    """The values from the first on, in the largest unit that all their differences are whole in."""
    given = np.asarray(values, np.int64)
    if given.size == 0:
        return given
    steps = given - given[0]
    unit = int(np.gcd.reduce(steps)) or 1
    return steps // unit


def _exact_sum(left: Ints, right: Ints) -> int:
    """The sum of products, exact whatever its size."""
    if left.size == 0:
        return 0
    largest = int(np.abs(left).max()) * int(np.abs(right).max()) * left.size
    if largest < 2**63:
        return int(np.dot(left, right))
    return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))
