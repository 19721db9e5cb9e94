"""Outcomes against the random walk and against placebos (definitions, section 25)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, combinations
from typing import Any

import polars as pl

from reference_gold.constants import CLASSES
from reference_gold.inference import (
    MIN_SESSIONS,
    benjamini_hochberg,
    clustered_error,
    two_sided_p,
    wilson,
)
from reference_gold.silver import Row, Silver
from reference_gold.targets import is_scored, of_barriers

TARGETS = ("fixed", "scaled_050", "scaled_100")
STRATA = ("level_kind", "direction", "session_phase")
KEY = ("is_placebo", "level_kind", "direction", "session_phase", "target")
OF_CLASS = {
    "share": "share",
    "share_low": "lower end of the share's interval",
    "share_high": "upper end",
    "null_p": "mean of the null",
    "excess": "share less null",
    "se": "its error",
    "t": "its t",
    "q": "its q among the finest real strata",
    "placebo_difference": "excess of real less that of placebos over the sessions with both",
    "placebo_difference_se": "its error",
    "placebo_difference_t": "its t",
}
OUTCOMES_SCHEMA: dict[str, Any] = {
    "is_placebo": pl.Boolean,
    "level_kind": pl.String,
    "direction": pl.String,
    "session_phase": pl.Int64,
    "target": pl.String,
    "events": pl.Int64,
    "effective_n": pl.Float64,
    "sessions": pl.Int64,
    "left_out_share": pl.Float64,
    "paired_sessions": pl.Int64,
    **{f"{name}_{cause.lower()}": pl.Float64 for cause in CLASSES for name in OF_CLASS},
}


@dataclass(frozen=True)
class Scored:
    """One scored event: its session, weight, class, and the null's probabilities."""

    day: date
    weight: float
    outcome: str
    null: Mapping[str, float]


@dataclass(frozen=True)
class Excess:
    """Share, null and excess of a class, its residuals by session, and its two errors."""

    share: float
    null: float
    excess: float
    residuals: Mapping[date, float]
    weight: float
    binomial: float

    @property
    def error(self) -> float | None:
        return larger(clustered_error(self.residuals.values(), self.weight), self.binomial)


def larger(clustered: float | None, binomial: float) -> float | None:
    return None if clustered is None else max(clustered, binomial)


def excess_of(events: Sequence[Scored], cause: str) -> Excess:
    weight = math.fsum(event.weight for event in events)
    share = math.fsum(event.weight for event in events if event.outcome == cause) / weight
    null = math.fsum(event.weight * event.null[cause] for event in events) / weight
    excess = share - null
    by_day: dict[date, list[float]] = defaultdict(list)
    for event in events:
        happened = event.outcome == cause
        by_day[event.day].append(event.weight * (happened - event.null[cause] - excess))
    variance = math.fsum(
        event.weight**2 * event.null[cause] * (1 - event.null[cause]) for event in events
    )
    residuals = {day: math.fsum(parts) for day, parts in by_day.items()}
    return Excess(share, null, excess, residuals, weight, math.sqrt(variance) / weight)


def t_of(value: float, error: float | None) -> float | None:
    return value / error if error else None


def summary(events: Sequence[Scored]) -> Row:
    """The columns of a stratum that has scored events; no error or t below ten sessions."""
    row: Row = {"effective_n": math.fsum(event.weight for event in events)}
    for cause in CLASSES:
        found = excess_of(events, cause)
        error = found.error if len(found.residuals) >= MIN_SESSIONS else None
        low, high = wilson(found.share, found.weight)
        values = {
            "share": found.share,
            "share_low": low,
            "share_high": high,
            "null_p": found.null,
            "excess": found.excess,
            "se": error,
            "t": t_of(found.excess, error),
        }
        row |= {f"{name}_{cause.lower()}": value for name, value in values.items()}
    return row


def paired(real: Sequence[Scored], placebo: Sequence[Scored]) -> Row:
    """Excess of real levels less that of placebos, over the sessions that have both."""
    both = {event.day for event in real} & {event.day for event in placebo}
    row: Row = {"paired_sessions": len(both)}
    if not both:
        return row
    for cause in CLASSES:
        one = excess_of([event for event in real if event.day in both], cause)
        other = excess_of([event for event in placebo if event.day in both], cause)
        difference = one.excess - other.excess
        sums = [one.residuals[d] / one.weight - other.residuals[d] / other.weight for d in both]
        error = None
        if len(both) >= MIN_SESSIONS:
            error = larger(clustered_error(sums, 1.0), math.hypot(one.binomial, other.binomial))
        row |= {
            f"placebo_difference_{cause.lower()}": difference,
            f"placebo_difference_se_{cause.lower()}": error,
            f"placebo_difference_t_{cause.lower()}": t_of(difference, error),
        }
    return row


def level_outcomes(silver: Silver) -> pl.DataFrame:
    """The `level_outcomes` table, by `OUTCOMES_SCHEMA`; a NULL stratum means all of them."""
    scored: dict[tuple, list[Scored]] = defaultdict(list)
    every: dict[tuple, int] = defaultdict(int)
    subsets = list(chain.from_iterable(combinations(STRATA, size) for size in range(4)))
    for is_placebo, events, labels in (
        (False, "level_events", "level_event_labels"),
        (True, "placebo_events", "placebo_labels"),
    ):
        label_of = {row["event_id"]: row for row in silver.rows(labels)}
        for event in silver.rows(events):
            label = label_of[event["event_id"]]
            for target in TARGETS:
                outcome, null = of_barriers(label, target.replace("scaled_100", "scaled"))
                counts = is_scored(outcome, null) and not event.get("near_real_level")
                for subset in subsets:
                    stratum = (event[name] if name in subset else None for name in STRATA)
                    key = (is_placebo, *stratum, target)
                    every[key] += 1
                    if counts:
                        scored[key].append(
                            Scored(event["session_date"], label["uniqueness"], outcome, null)
                        )
    rows = []
    for key, total in every.items():
        found = scored[key]
        row = dict.fromkeys(OUTCOMES_SCHEMA) | dict(zip(KEY, key, strict=True))
        row |= {
            "events": len(found),
            "effective_n": 0.0,
            "sessions": len({one.day for one in found}),
            "left_out_share": 1 - len(found) / total,
        }
        if found:
            row |= summary(found)
        if not row["is_placebo"]:
            row |= paired(found, scored.get((True, *key[1:]), []))
        rows.append(row)
    add_q(rows)
    return pl.DataFrame(rows, schema=OUTCOMES_SCHEMA)


def add_q(rows: Sequence[Row]) -> None:
    """The q of each class over the real strata of level kind, direction and phase of a target."""
    for target in TARGETS:
        finest = [
            row
            for row in rows
            if row["target"] == target
            and not row["is_placebo"]
            and None not in (row[name] for name in STRATA)
        ]
        for cause in CLASSES:
            t = [row[f"t_{cause.lower()}"] for row in finest]
            p = [
                None if value is None else two_sided_p(value, row["sessions"] - 1)
                for value, row in zip(t, finest, strict=True)
            ]
            for row, q in zip(finest, benjamini_hochberg(p), strict=True):
                row[f"q_{cause.lower()}"] = q
