"""The constants of the definitions, under the names of the project's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import yaml

PROJECT_FILE = Path(__file__).parents[3] / "dbt_project.yml"


def declared_level_kinds() -> tuple[Mapping[str, Any], ...]:
    """The kinds of level as the project declares them: names, families, and what they are made of.

    The declaration is no formula, so reading it keeps this computation independent.
    """
    return tuple(yaml.safe_load(PROJECT_FILE.read_text())["vars"]["level_kinds"])


@dataclass(frozen=True)
class Constants:
    """Clock times are America/New_York; prices, widths and thresholds are index points.

    The barrier's and the sweep's sizes are contracts, volatilities per square root of a year. With
    a `risk_free_rate` of 0 prices are undiscounted, so that no formula has a discount factor.
    """

    premarket_start: time = time(4, 0)
    rth_start: time = time(9, 30)
    opening_range_minutes: int = 15
    event_end: time = time(13, 30)
    rth_end: time = time(16, 0)
    dominance_threshold: float = 0.60
    sma_warmup_days: int = 3
    level_kinds: tuple[Mapping[str, Any], ...] = declared_level_kinds()
    atr_bars: int = 14
    volatility_bars: int = 20
    zone_min_width: float = 1.0
    zone_atr_multiple: float = 0.5
    zone_rearm_multiple: float = 2.0
    horizon_minutes: int = 8
    strength_threshold: float = 5.0
    outcome_threshold: float = 15.0
    tick_size_points: float = 0.25
    kinematics_windows_s: tuple[int, ...] = (10, 60, 180)
    approach_lookback_minutes: int = 10
    ofi_windows_s: tuple[int, ...] = (60, 240)
    ofi_level_decay: float = 0.5
    ofi_near_level_scale: float = 2.5
    tape_window_s: int = 60
    tape_band: float = 5.0
    sweep_max_gap_ms: int = 100
    sweep_min_size: int = 50
    barrier_zone_ticks: int = 8
    barrier_window_s: float = 240
    wall_baseline_s: float = 1800
    barrier_vacuum_ratio: float = 0.3
    barrier_wall_ratio: float = 1.5
    barrier_absorption_ratio: float = 1.0
    barrier_delta_large: int = 100
    barrier_delta_small: int = 50
    barrier_churn_active: int = 100
    barrier_weak_depth: int = 50
    barrier_min_visible_share: float = 0.5
    replenishment_bucket_s: float = 20
    sweep_cluster_gap_ms: int = 1000
    force_mass_scale: float = 0.01
    force_mass_min_marks: int = 10
    risk_free_rate: float = 0.0
    iv_min: float = 1e-4
    iv_max: float = 5.0
    strike_spacing: float = 5.0
    fuel_strike_range: float = 15.0
    fuel_threshold_contracts_per_point: float = 10.0
    premium_windows_s: tuple[int, ...] = (60, 240)
    placebo_count: int = 4
    placebo_min_offset: float = 6.0
    placebo_offset_range: float = 24.0
    scaled_barriers: tuple[float, ...] = (0.5, 1.0)
    state_cadence_s: int = 30
    lead_lag_max_gap_s: float = 5.0


DEFAULTS = Constants()
