"""All tables of gold for a range of sessions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.curves import event_curves
from reference_gold.drift import feature_drift
from reference_gold.event_matrix import event_matrix, known_of_events, read_feature_sets
from reference_gold.folds import folds
from reference_gold.incidence import cumulative_incidence
from reference_gold.microprice import microprice
from reference_gold.ofi_weights import ofi_weights
from reference_gold.outcomes import level_outcomes
from reference_gold.sequences import event_sequences, lead_lag_summary
from reference_gold.silver import read_silver
from reference_gold.targets import event_targets
from reference_gold.time_of_day import tod_profiles
from reference_gold.univariate import univariate

KEYS = {
    "tod_profiles": ["session_date", "bucket", "metric"],
    "ofi_weights": ["session_date", "m"],
    "microprice": ["session_date", "i", "spread"],
    "event_matrix": ["event_id"],
    "event_targets": ["event_id", "target"],
    "folds": ["fold", "session_date"],
    "feature_drift": ["session_date", "feature"],
    "level_outcomes": ["is_placebo", "level_kind", "direction", "session_phase", "target"],
    "cumulative_incidence": ["target", "stratum", "second", "cause"],
    "event_curves": ["stratum", "is_placebo", "offset_s"],
    "univariate": ["feature"],
    "event_sequences": ["event_id"],
    "lead_lag_summary": ["pair", "theta_ms"],
}
"""What a row of each table is known by."""


def expected_gold(
    silver_root: Path,
    start: date,
    end: date,
    feature_sets_csv: Path,
    constants: GoldConstants = GOLD_DEFAULTS,
) -> dict[str, pl.DataFrame]:
    """Every table of gold by its name, from the committed sessions from `start` to `end`.

    Raises:
        FileNotFoundError: a committed session lacks a table that gold reads.
    """
    silver = read_silver(silver_root, start, end)
    profiles = tod_profiles(silver, constants)
    weights = ofi_weights(silver, constants)
    adjustments = microprice(silver, constants)
    known = known_of_events(silver, profiles, weights, adjustments, constants)
    matrix = event_matrix(known, read_feature_sets(feature_sets_csv))
    return {
        "tod_profiles": profiles,
        "ofi_weights": weights,
        "microprice": adjustments,
        "event_matrix": matrix,
        "event_targets": event_targets(silver, constants),
        "folds": folds(silver.rth_dates, constants),
        "feature_drift": feature_drift(silver, matrix, constants),
        "level_outcomes": level_outcomes(silver),
        "cumulative_incidence": cumulative_incidence(silver, constants),
        "event_curves": event_curves(silver),
        "univariate": univariate(silver, matrix),
        "event_sequences": event_sequences(silver),
        "lead_lag_summary": lead_lag_summary(silver),
    }
