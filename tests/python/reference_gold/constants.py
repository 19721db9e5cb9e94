"""The constants of gold's definitions, under the names of the project's variables."""

from __future__ import annotations

from dataclasses import dataclass

CLASSES = ("BREAK", "BOUNCE", "CHOP")
"""Classes of a target of two barriers, in their order."""

HEAD_CLASSES = ("YES", "NO")
"""Classes of a target that asks one question."""


@dataclass(frozen=True)
class GoldConstants:
    """Sessions are counted, prices and thresholds are index points."""

    prior_sessions: int = 20
    prior_min: int = 5
    drift_sessions: int = 5
    min_train: int = 40
    calibration_sessions: int = 10
    embargo_sessions: int = 1
    test_sessions: int = 10
    tick_size_points: float = 0.25
    horizon_minutes: int = 8
    strength_threshold: float = 5.0
    outcome_threshold: float = 15.0


GOLD_DEFAULTS = GoldConstants()
