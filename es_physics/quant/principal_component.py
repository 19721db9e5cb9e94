"""The mix of several quantities that varies most, from sums that add up over sessions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Component(NamedTuple):
    """Weights, float64 of shape (n,), whose sizes add up to 1 and whose sum is positive, and the
    share of all variance that they explain."""

    weights: NDArray[np.float64]
    explained: float


def first_component(count: float, sums: ArrayLike, products: ArrayLike) -> Component | None:
    """The eigenvector of the largest eigenvalue of the covariance of n quantities.

    `count` is the number of observations, `sums` their sums, shape (n,), and `products` the sums of
    their products, shape (n, n); the covariance is products/count less the product of the means.
    None where count, the trace or the sum of the eigenvector is 0: nothing varies, or it has no
    direction. Cont, Cucuringu & Zhang (2023), "Cross-impact of order flow imbalance in equity
    markets", Quantitative Finance 23, integrate the levels of a book in this way.
    """
    if not count:
        return None
    mean = np.asarray(sums, np.float64) / count
    covariance = np.asarray(products, np.float64) / count - np.outer(mean, mean)
    trace = float(np.trace(covariance))
    if trace == 0:
        return None
    values, vectors = np.linalg.eigh(covariance)
    vector = vectors[:, -1]
    total = float(vector.sum())
    if total == 0:
        return None
    return Component(vector / (np.abs(vector).sum() * np.sign(total)), float(values[-1]) / trace)
