"""Errors, intervals and significance (definitions, section 25), each by its textbook formula."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from scipy.special import betainc

Z_95 = 1.959963984540054
"""The normal quantile of .975."""

MIN_SESSIONS = 10
"""Below so many sessions an error that is clustered by session says nothing."""


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of n trials (Wilson 1927); n need not be whole."""
    z2 = Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return middle - half, middle + half


def clustered_error(session_sums: Iterable[float], weight: float) -> float | None:
    """Standard error of a mean from the residuals added up by session; None below two sessions."""
    sums = list(session_sums)
    n = len(sums)
    if n < 2:
        return None
    return math.sqrt(n / (n - 1) * math.fsum(e * e for e in sums)) / weight


def two_sided_p(t: float, degrees: int) -> float:
    """How likely Student's t is at least as far from 0."""
    return float(betainc(degrees / 2, 0.5, degrees / (degrees + t * t)))


def benjamini_hochberg(values: Sequence[float | None]) -> list[float | None]:
    """The q of each p (Benjamini & Hochberg 1995); an unknown p is none of the family."""
    known = sorted(p for p in values if p is not None)
    q = [min(len(known) * p / rank for rank, p in enumerate(known, 1) if p >= own) for own in known]
    by_p = {p: min(share, 1.0) for p, share in zip(known, q, strict=True)}
    return [None if p is None else by_p[p] for p in values]


def mean_and_t(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean, and its t; no t below two values or where they never vary."""
    if not values:
        return None, None
    mean = fmean(values)
    spread = stdev(values) if len(values) > 1 else 0.0
    return mean, mean / (spread / math.sqrt(len(values))) if spread else None


def quantile_disc(values: Sequence[float], tenths: int) -> float:
    """The smallest value that at least so many tenths of the values do not exceed."""
    return sorted(values)[-(-tenths * len(values) // 10) - 1]


def doubled_mid_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, of equal ones the mean: whole numbers."""
    ordered = sorted(values)
    # Ranks run from the number of smaller values, plus one, to the number of those not greater.
    return [bisect_left(ordered, value) + 1 + bisect_right(ordered, value) for value in values]


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Correlation of mid-ranks, exact until the last step; None where one side is all equal."""
    n = len(x)
    ranks_x = [rank - (n + 1) for rank in doubled_mid_ranks(x)]
    ranks_y = [rank - (n + 1) for rank in doubled_mid_ranks(y)]
    squares_x = sum(rank * rank for rank in ranks_x)
    squares_y = sum(rank * rank for rank in ranks_y)
    if not squares_x or not squares_y:
        return None
    return sum(a * b for a, b in zip(ranks_x, ranks_y, strict=True)) / math.sqrt(
        squares_x * squares_y
    )
