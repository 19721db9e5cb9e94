"""The constants of the definitions, under the names of the project's variables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True)
class Constants:
    """Clock times are America/New_York; prices, widths and thresholds are index points."""

    premarket_start: time = time(4, 0)
    rth_start: time = time(9, 30)
    opening_range_minutes: int = 15
    event_end: time = time(13, 30)
    rth_end: time = time(16, 0)
    dominance_threshold: float = 0.60
    sma_warmup_days: int = 3
    atr_bars: int = 14
    volatility_bars: int = 20
    zone_min_width: float = 1.0
    zone_atr_multiple: float = 0.5
    zone_rearm_multiple: float = 2.0
    horizon_minutes: int = 8
    strength_threshold: float = 5.0
    outcome_threshold: float = 15.0


DEFAULTS = Constants()
