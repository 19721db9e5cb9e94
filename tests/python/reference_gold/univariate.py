"""Each feature alone against the move to come (definitions, section 25)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from reference_gold.inference import (
    MIN_SESSIONS,
    benjamini_hochberg,
    mean_and_t,
    spearman,
    two_sided_p,
)
from reference_gold.silver import Row, Silver

MIN_PAIRS = 10
UNIVARIATE_SCHEMA: dict[str, Any] = {
    "feature": pl.String,
    "sessions": pl.Int64,
    "ic": pl.Float64,
    "t": pl.Float64,
    "q": pl.Float64,
    "past_sessions": pl.Int64,
    "past_ic": pl.Float64,
    "past_t": pl.Float64,
    "explains_the_past": pl.Boolean,
}
Value = float | None


def session_correlations(
    by_day: Mapping[date, Sequence[Row]], feature: str, other: Mapping[str, Value]
) -> list[float]:
    """Spearman's correlation of each session with enough known pairs, where both sides vary."""
    found = []
    for rows in by_day.values():
        pairs = [(row[feature], other[row["event_id"]]) for row in rows]
        known = [(x, y) for x, y in pairs if x is not None and y is not None]
        if len(known) >= MIN_PAIRS:
            correlation = spearman([x for x, _ in known], [y for _, y in known])
            if correlation is not None:
                found.append(correlation)
    return found


def explains_the_past(ic: Value, past: Sequence[float], past_ic: Value, past_t: Value) -> bool:
    """Whether a feature says much more of the minute before the anchor than of what follows."""
    if ic is None or past_ic is None or abs(past_ic) <= 2 * abs(ic):
        return False
    return len(past) > 1 if past_t is None else abs(past_t) > 3


def univariate(silver: Silver, matrix: pl.DataFrame) -> pl.DataFrame:
    """The `univariate` table, by `UNIVARIATE_SCHEMA`: a row per feature of the matrix."""
    events = {row["event_id"]: row for row in silver.rows("level_events")}
    move: dict[str, Value] = {}
    past: dict[str, Value] = {}
    for label in silver.rows("level_event_labels"):
        event, future = events[label["event_id"]], label["future_price"]
        moved = None if future is None else event["dir_sign"] * (future - event["spot"])
        move[label["event_id"]] = moved
    for row in silver.rows("level_event_features"):
        velocity = row["velocity_60s"]
        past[row["event_id"]] = None if velocity is None else 60 * velocity
    by_day: dict[date, list[Row]] = {}
    for row in matrix.to_dicts():
        by_day.setdefault(row["session_date"], []).append(row)

    rows, p = [], []
    for feature in matrix.columns[2:]:
        future_ics = session_correlations(by_day, feature, move)
        past_ics = session_correlations(by_day, feature, past)
        ic, t = mean_and_t(future_ics)
        past_ic, past_t = mean_and_t(past_ics)
        n = len(future_ics)
        p.append(two_sided_p(t, n - 1) if t is not None and n >= MIN_SESSIONS else None)
        rows.append(
            {
                "feature": feature,
                "sessions": n,
                "ic": ic,
                "t": t,
                "past_sessions": len(past_ics),
                "past_ic": past_ic,
                "past_t": past_t,
                "explains_the_past": explains_the_past(ic, past_ics, past_ic, past_t),
            }
        )
    for row, q in zip(rows, benjamini_hochberg(p), strict=True):
        row["q"] = q
    return pl.DataFrame(rows, schema=UNIVARIATE_SCHEMA)
