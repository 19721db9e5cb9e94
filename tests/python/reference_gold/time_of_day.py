"""What is usual at a time of day, and events against it (definitions, section 21)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from statistics import median

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.silver import Row, Silver, days_with_prior

BUCKET_NS = 300 * 1_000_000_000
METRICS = ("volume", "mean_depth", "mean_spread_ticks", "realized_variance", "ofi_best")
TOD_SCHEMA = {
    "session_date": pl.Date,
    "bucket": pl.Int64,
    "metric": pl.String,
    "median": pl.Float64,
    "mad": pl.Float64,
    "n": pl.Int64,
}
TOD_COLUMNS = ("volume_tod", "depth_tod", "spread_tod", "volatility_tod", "ofi_tod")

Profile = Mapping[tuple[date, int, str], tuple[float, float]]


def bucket_of(step: Row, rth_start_ns: int) -> int | None:
    """The five minutes since the open in which a step began; None before the open."""
    since = step["grid_start_ns"] - rth_start_ns
    return since // BUCKET_NS if since >= 0 else None


def tod_profiles(silver: Silver, constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `tod_profiles` table, by `TOD_SCHEMA`; no row where no value is known."""
    starts = {row["session_date"]: row["rth_start_ns"] for row in silver.rows("sessions")}
    known: dict[date, dict[tuple[int, str], list[float]]] = {}
    for day, steps in silver.by_date("session_grid").items():
        known[day] = defaultdict(list)
        for step in steps:
            bucket = bucket_of(step, starts[day])
            for metric in METRICS:
                if bucket is not None and step[metric] is not None:
                    known[day][bucket, metric].append(float(step[metric]))
    rows = []
    for day, before in days_with_prior(silver, constants):
        gathered: dict[tuple[int, str], list[float]] = defaultdict(list)
        for other in before:
            for key, values in known[other].items():
                gathered[key] += values
        for (bucket, metric), values in sorted(gathered.items()):
            middle = median(values)
            mad = median(abs(value - middle) for value in values)
            rows.append((day, bucket, metric, middle, mad, len(values)))
    return pl.DataFrame(rows, schema=TOD_SCHEMA, orient="row")


def profile_of(profiles: pl.DataFrame) -> Profile:
    """Median and MAD by session, bucket and metric."""
    return {
        (row["session_date"], row["bucket"], row["metric"]): (row["median"], row["mad"])
        for row in profiles.to_dicts()
    }


def tod_columns(step: Row | None, rth_start_ns: int, profile: Profile) -> dict[str, float | None]:
    """The columns of an event whose last ended step is `step`; `ofi_tod` is up-positive."""
    columns: dict[str, float | None] = dict.fromkeys(TOD_COLUMNS)
    bucket = None if step is None else bucket_of(step, rth_start_ns)
    if step is None or bucket is None:
        return columns

    def usual(metric: str) -> tuple[float | None, float | None]:
        return profile.get((step["session_date"], bucket, metric), (None, None))

    for name, metric in (
        ("volume_tod", "volume"),
        ("depth_tod", "mean_depth"),
        ("spread_tod", "mean_spread_ticks"),
        ("volatility_tod", "realized_variance"),
    ):
        middle, _ = usual(metric)
        if middle and step[metric] is not None:
            columns[name] = step[metric] / middle
    if columns["volatility_tod"] is not None:
        columns["volatility_tod"] = math.sqrt(columns["volatility_tod"])
    middle, mad = usual("ofi_best")
    if middle is not None and mad and step["ofi_best"] is not None:
        columns["ofi_tod"] = (step["ofi_best"] - middle) / (1.4826 * mad)
    return columns


def tod_of_events(silver: Silver, profiles: pl.DataFrame) -> dict[str, dict[str, float | None]]:
    """The columns of every event, by its id."""
    profile = profile_of(profiles)
    starts = {row["session_date"]: row["rth_start_ns"] for row in silver.rows("sessions")}
    grids = silver.by_date("session_grid")
    for steps in grids.values():
        steps.sort(key=lambda step: step["grid_end_ns"])
    ends = {day: [step["grid_end_ns"] for step in steps] for day, steps in grids.items()}
    columns = {}
    for event in silver.rows("level_events"):
        day = event["session_date"]
        ended = bisect_right(ends[day], event["event_ts_ns"])
        step = grids[day][ended - 1] if ended else None
        columns[event["event_id"]] = tod_columns(step, starts[day], profile)
    return columns
