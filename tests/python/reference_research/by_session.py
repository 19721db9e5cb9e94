"""Significance over sessions, as events of one session are not independent (section 24)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cache
from statistics import fmean, stdev

import numpy as np
from scipy.special import ndtr, ndtri

from reference_research.inputs import Doubles, Ints

RESAMPLES = 2000
EULER = 0.577216
E = 2.718282
DETECTABLE_ERRORS = 2.8
SMALLEST_SKILL = 1e-4


def t_of(values: Sequence[float]) -> float | None:
    """Mean over its standard error; None below two sessions or where they are all equal."""
    if len(values) < 2 or stdev(values) == 0:
        return None
    return fmean(values) / (stdev(values) / math.sqrt(len(values)))


def clustered_error(sums: Sequence[float], weights: Sequence[float]) -> float | None:
    """Standard error of sum(sums)/sum(weights), each a session's; None below two sessions."""
    n, total = len(sums), math.fsum(weights)
    if n < 2:
        return None
    mean = math.fsum(sums) / total
    residuals = [s - mean * w for s, w in zip(sums, weights, strict=True)]
    return math.sqrt(n / (n - 1) * math.fsum(e * e for e in residuals)) / total


def drawn(k: int, i: int, sessions: int) -> int:
    """Which of the sessions draw i of resample k is."""
    return int(hashlib.md5(f"7|{k}|{i}".encode()).hexdigest()[:8], 16) % sessions


@cache
def draws(sessions: int) -> Ints:
    """All draws, a row per resample."""
    rows = [[drawn(k, i, sessions) for i in range(sessions)] for k in range(1, RESAMPLES + 1)]
    return np.array(rows, dtype=np.int64).reshape(RESAMPLES, sessions)


def resampled_skill(loss: Doubles, of_null: Doubles) -> Doubles:
    """The skill in each resample, of each session's summed losses."""
    chosen = draws(len(loss))
    skill: Doubles = 1 - loss[chosen].sum(axis=1) / of_null[chosen].sum(axis=1)
    return skill


def middle(values: Doubles) -> tuple[float, float]:
    """Where 95 % of the values lie."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def moments(values: Sequence[float]) -> tuple[float, float]:
    """Skewness and kurtosis of a population, the normal's being 3."""
    mean = fmean(values)
    second, third, fourth = (fmean([(v - mean) ** k for v in values]) for k in (2, 3, 4))
    return third / second**1.5, fourth / second**2


def luck(trials: int, variance: float) -> float:
    """The largest ratio expected of so many trials without skill (Bailey & Lopez de Prado 2014)."""
    if trials <= 1:
        return 0.0
    first, second = ndtri(1 - 1 / trials), ndtri(1 - 1 / (E * trials))
    return float(math.sqrt(variance) * ((1 - EULER) * first + EULER * second))


def deflated(
    r: float, sessions: int, trials: int, skew: float, kurtosis: float, variance: float
) -> float | None:
    """How likely a ratio of mean to deviation is above what luck would give the best trial."""
    spread = 1 - skew * r + (kurtosis - 1) * r * r / 4
    if spread <= 0:
        return None
    return float(ndtr((r - luck(trials, variance)) * math.sqrt((sessions - 1) / spread)))


def deflated_of(gains: Sequence[float], trials: int) -> float | None:
    """The same of a session's gains, where a trial without skill varies by one over sessions."""
    if len(gains) < 2 or stdev(gains) == 0:
        return None
    r = fmean(gains) / stdev(gains)
    return deflated(r, len(gains), trials, *moments(gains), 1 / len(gains))
