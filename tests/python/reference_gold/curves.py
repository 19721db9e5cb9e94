"""Price and flow around events, on average (definitions, section 25)."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date
from typing import Any

import polars as pl

from reference_gold.incidence import strata_of
from reference_gold.inference import clustered_error
from reference_gold.silver import Silver

MEASURES = ("move", "signed_volume")
CURVES_SCHEMA: dict[str, Any] = {
    "stratum": pl.String,
    "is_placebo": pl.Boolean,
    "offset_s": pl.Int64,
    "move": pl.Float64,
    "move_se": pl.Float64,
    "move_events": pl.Int64,
    "signed_volume": pl.Float64,
    "signed_volume_se": pl.Float64,
    "signed_volume_events": pl.Int64,
}


def mean_and_error(values: list[tuple[date, float]]) -> tuple[float | None, float | None]:
    """Mean of values that each belong to a session, and its error clustered by session."""
    if not values:
        return None, None
    mean = math.fsum(value for _, value in values) / len(values)
    by_day: dict[date, list[float]] = defaultdict(list)
    for day, value in values:
        by_day[day].append(value - mean)
    return mean, clustered_error(map(math.fsum, by_day.values()), len(values))


def event_curves(silver: Silver) -> pl.DataFrame:
    """The `event_curves` table, by `CURVES_SCHEMA`, of all events and all placebos."""
    events = {
        row["event_id"]: row
        for table in ("level_events", "placebo_events")
        for row in silver.rows(table)
    }
    known: dict[tuple[str, bool, int], dict[str, list[tuple[date, float]]]] = defaultdict(
        lambda: {measure: [] for measure in MEASURES}
    )
    for row in silver.rows("event_paths"):
        event = events[row["event_id"]]
        for stratum in strata_of(event):
            values = known[stratum, row["is_placebo"], row["offset_s"]]
            for measure in MEASURES:
                if row[measure] is not None:
                    values[measure].append((event["session_date"], row[measure]))
    rows = []
    for key, values in sorted(known.items()):
        cells: list[float | None] = []
        for measure in MEASURES:
            cells += [*mean_and_error(values[measure]), len(values[measure])]
        rows.append((*key, *cells))
    return pl.DataFrame(rows, schema=CURVES_SCHEMA, orient="row")
