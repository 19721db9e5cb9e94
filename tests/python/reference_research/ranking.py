"""How events are ordered and binned by the probability of a class (section 24)."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from reference_research.inputs import Doubles, Ints

BINS = 10
TOP_SHARE = 0.1

Came = NDArray[np.bool_]
"""Whether the class came true."""


def auc(p: Doubles, came: Came, weight: Doubles) -> float | None:
    """The weighted share of pairs in the right order, ties half; None without both kinds."""
    if came.all() or not came.any():
        return None
    above = p[came][:, None] - p[~came][None, :]
    pairs = np.outer(weight[came], weight[~came])
    return float((pairs * np.where(above == 0, 0.5, above > 0)).sum() / pairs.sum())


def bins_of(values: Doubles, bins: int = BINS) -> Ints:
    """floor(bins*(rank-1)/n) of the unweighted minimum rank: equal values share a bin."""
    ordered = sorted(values)
    below = [bisect_left(ordered, value) for value in values]
    return np.array([bins * number // len(ordered) for number in below], dtype=np.int64)


def bin_rows(p: Doubles, came: Came, weight: Doubles) -> list[dict[str, float | int]]:
    """Per bin its events and weight, and weighted means of what was said and what came."""
    rows: list[dict[str, float | int]] = []
    bins = bins_of(p)
    for number in sorted(set(bins.tolist())):
        own = bins == number
        total = float(weight[own].sum())
        rows.append(
            {
                "bin": number,
                "events": int(own.sum()),
                "weight": total,
                "mean_p": float((weight * p)[own].sum() / total),
                "share": float((weight * came)[own].sum() / total),
            }
        )
    return rows


def ece(p: Doubles, came: Came, weight: Doubles) -> float:
    """The mean distance, by weight, of what was said from what came."""
    rows = bin_rows(p, came, weight)
    apart = sum(row["weight"] * abs(row["mean_p"] - row["share"]) for row in rows)
    return float(apart / weight.sum())


def lift(p: Doubles, came: Came, weight: Doubles) -> float | None:
    """The share of the class in the top tenth of weight over its share in all; None if that is 0.

    Of equal values at the cut each counts in proportion.
    """
    if not came.any():
        return None
    left = TOP_SHARE * float(weight.sum())
    top = left
    found = 0.0
    for value in sorted(set(p.tolist()), reverse=True):
        own = p == value
        total = float(weight[own].sum())
        taken = min(total, left)
        found += taken * float((weight * came)[own].sum()) / total
        left -= taken
        if left <= 0:
            break
    return (found / top) / (float((weight * came).sum()) / float(weight.sum()))
