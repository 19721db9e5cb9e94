"""How surprising a t is, and how surprising among many."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr


def two_sided_p(t: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """Probability that Student's t of so many degrees of freedom is at least as far from 0.

    The inputs broadcast; NaN where one of them is.

    Raises ValueError for degrees below 1.
    """
    of = np.asarray(degrees, np.float64)
    if (of < 1).any():
        raise ValueError(f"{of.min():g} degrees of freedom: a t takes two sessions or more")
    return np.asarray(2.0 * stdtr(of, -np.abs(np.asarray(t, np.float64))))


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """The q of each p of a family: the least share of false discoveries at which it is one.

    `p` has one dimension; a NaN is none of the family, and its q is NaN. Of m known ones in rising
    order, q_i = min over j >= i of m p_j / j, at most 1: Benjamini & Hochberg (1995), "Controlling
    the false discovery rate", Journal of the Royal Statistical Society B 57.
    """
    values = np.asarray(p, np.float64)
    q = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    stretched = values[order] * order.size / np.arange(1, order.size + 1)
    q[order] = np.minimum(np.minimum.accumulate(stretched[::-1])[::-1], 1.0)
    return q
