"""How likely a ratio of mean to deviation is real, as the best of so many that were tried."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

EULER_MASCHERONI = 0.577216
"""To as many digits as the scores are defined with."""
E = 2.718282


def best_ratio_without_skill(variance: ArrayLike, trials: ArrayLike) -> NDArray[np.float64]:
    """The ratio that the best of so many trials is expected to reach with no skill among them.

    `variance` is that of a trial's ratio; 0 for one trial. Raises ValueError below one trial.
    """
    n = np.asarray(trials, np.float64)
    if (n < 1).any():
        raise ValueError(f"{n.min():g} trials: at least one was made")
    several = np.maximum(n, 2.0)
    highest = (1 - EULER_MASCHERONI) * ndtri(1 - 1 / several) + EULER_MASCHERONI * ndtri(
        1 - 1 / (E * several)
    )
    return np.asarray(np.where(n > 1, np.sqrt(variance) * highest, 0.0))


def deflated_ratio(
    ratio: ArrayLike,
    observations: ArrayLike,
    skewness: ArrayLike,
    kurtosis: ArrayLike,
    trials: ArrayLike,
    variance: ArrayLike,
) -> NDArray[np.float64]:
    """Probability that a ratio of mean to deviation is above what the best of `trials` without
    skill would reach, given that it was measured on so many observations.

    `skewness` and `kurtosis` (a normal's is 3) are of the observations, `variance` that of the
    ratio of a trial without skill. The inputs broadcast; NaN where one of them is, or where the
    moments are of no distribution. Bailey & Lopez de Prado (2014), "The deflated Sharpe ratio",
    Journal of Portfolio Management 40.
    """
    r, g3, g4 = (np.asarray(one, np.float64) for one in (ratio, skewness, kurtosis))
    spread = 1 - g3 * r + (g4 - 1) * r * r / 4
    above = r - best_ratio_without_skill(variance, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = above * np.sqrt(np.asarray(observations, np.float64) - 1) / np.sqrt(spread)
    return np.asarray(np.where(spread > 0, ndtr(z), np.nan))
