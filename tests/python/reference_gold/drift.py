"""Whether features are distributed as they were (definitions, section 21)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.inference import quantile_disc
from reference_gold.silver import Row, Silver

DRIFT_SCHEMA: dict[str, Any] = {
    "session_date": pl.Date,
    "feature": pl.String,
    "psi": pl.Float64,
    "bins": pl.Int64,
    "n_reference": pl.Int64,
    "n_current": pl.Int64,
    "expected": pl.Float64,
    "expected_slow": pl.Float64,
}
Values = Sequence[float | None]


def bins_of(reference: Values, current: Values) -> list[tuple[int, int]]:
    """How many of each side every bin holds: tenths of the reference, then the unknown ones."""
    known = [value for value in reference if value is not None]
    # An edge belongs to the bin below it.
    edges = sorted({quantile_disc(known, k) for k in range(1, 10)}) if known else []

    def counts(values: Values) -> list[int]:
        held = [0] * (len(edges) + 2)
        for value in values:
            held[-1 if value is None else bisect_left(edges, value)] += 1
        return held

    pairs = zip(counts(reference), counts(current), strict=True)
    return [pair for pair in pairs if pair != (0, 0)]


def psi_of(bins: Sequence[tuple[int, int]]) -> float:
    """The population stability index; an empty bin counts as half an event."""
    n_reference, n_current = (sum(side) for side in zip(*bins, strict=True))
    total = 0.0
    for reference, current in bins:
        q, p = max(reference, 0.5) / n_reference, max(current, 0.5) / n_current
        total += (p - q) * math.log(p / q)
    return total


def feature_drift(
    silver: Silver, matrix: pl.DataFrame, constants: GoldConstants = GOLD_DEFAULTS
) -> pl.DataFrame:
    """The `feature_drift` table, by `DRIFT_SCHEMA`: the last sessions, the stamped one included,
    against those before them."""
    days = silver.rth_dates
    current_days, reference_days = constants.drift_sessions, constants.prior_sessions
    by_day: dict[Any, list[Row]] = {}
    for row in matrix.to_dicts():
        by_day.setdefault(row["session_date"], []).append(row)
    rows = []
    for end in range(current_days + reference_days, len(days) + 1):
        middle = end - current_days
        reference = [
            row for d in days[middle - reference_days : middle] for row in by_day.get(d, [])
        ]
        current = [row for d in days[middle:end] for row in by_day.get(d, [])]
        if not reference or not current:
            continue
        for feature in matrix.columns[2:]:
            bins = bins_of([row[feature] for row in reference], [row[feature] for row in current])
            rows.append(
                (
                    days[end - 1],
                    feature,
                    psi_of(bins),
                    len(bins),
                    len(reference),
                    len(current),
                    (len(bins) - 1) * (1 / len(current) + 1 / len(reference)),
                    (len(bins) - 1) * (1 / current_days + 1 / reference_days),
                )
            )
    return pl.DataFrame(rows, schema=DRIFT_SCHEMA, orient="row")
