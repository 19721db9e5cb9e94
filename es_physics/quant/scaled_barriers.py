"""Barriers in units of the volatility that is known at the anchor.

A fixed number of points is far away on a calm day and near on a wild one; a barrier that scales
with volatility keeps the odds of a driftless walk about the same: Lopez de Prado (2018), "Advances
in Financial Machine Learning", ch. 3.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST_BARRIER = 1.0
"""Points; four ticks."""

_ROUNDING = 1e-12


def scaled_barrier(
    multiple: float, volatility: ArrayLike, horizon_minutes: float
) -> NDArray[np.float64]:
    """Points from the level: `multiple` standard deviations over the horizon, rounded up to 0.25.

    `volatility` is points per square-root minute, of any shape, which is that of the result; NaN
    where it is unknown or 0, else at least `SMALLEST_BARRIER`. A product that is a whole number of
    quarters but for its last digit is not rounded up to the next one.
    """
    sigma = np.asarray(volatility, np.float64)
    quarters = 4.0 * multiple * sigma * np.sqrt(horizon_minutes)
    barrier = np.maximum(np.ceil(quarters * (1.0 - _ROUNDING)) / 4.0, SMALLEST_BARRIER)
    return np.where(sigma > 0, barrier, np.nan)
