"""How outcomes come about second by second (definitions, section 25).

Aalen & Johansen (1978): the share that has broken or bounced by a time, the other outcome
competing, where some windows end before either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean
from typing import Any, NamedTuple

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.null_incidence import null_incidence
from reference_gold.silver import Row, Silver
from reference_gold.targets import null_is_open, of_barriers

CAUSES = ("BREAK", "BOUNCE")
TARGETS = ("fixed", "scaled_100")
SECONDS = range(481)
NULL_EVERY_S = 10
INCIDENCE_SCHEMA: dict[str, Any] = {
    "target": pl.String,
    "stratum": pl.String,
    "second": pl.Int64,
    "cause": pl.String,
    "events": pl.Int64,
    "incidence": pl.Float64,
    "null_incidence": pl.Float64,
}


class Ending(NamedTuple):
    """When a window ends, seconds after the anchor, and by what; no cause where it is censored."""

    second: float
    cause: str | None


def strata_of(event: Row) -> tuple[str, str]:
    """The names of the strata that an event is in."""
    return "ALL", f"{event['level_kind']}_{event['direction']}"


def aalen_johansen(
    endings: Sequence[Ending], causes: Sequence[str] = CAUSES
) -> list[tuple[float, dict[str, float]]]:
    """Time and incidence by cause after each time at which a window ends, in order."""
    at_risk, surviving = len(endings), 1.0
    incidence = dict.fromkeys(causes, 0.0)
    steps = []
    for second, group in groupby(sorted(endings, key=lambda e: e.second), lambda e: e.second):
        ended = [ending.cause for ending in group]
        before = surviving
        for cause in causes:
            incidence[cause] += before * ended.count(cause) / at_risk
        surviving *= 1 - sum(cause is not None for cause in ended) / at_risk
        # Those that are censored now were at risk of what happened now.
        at_risk -= len(ended)
        steps.append((second, dict(incidence)))
    return steps


def ending_of(
    event: Row, label: Row, target: str, constants: GoldConstants = GOLD_DEFAULTS
) -> Ending | None:
    """How an event's window ends; None for one that cannot be compared with the null."""
    outcome, null = of_barriers(label, target.replace("scaled_100", "scaled"))
    if outcome is None or not null_is_open(null):
        return None
    if outcome == "UNDEFINED":
        last = label["label_last_source_ts_ns"]
        return Ending(0.0 if last is None else (last - event["event_ts_ns"]) / 1e9, None)
    if outcome == "CHOP":
        return Ending(60.0 * constants.horizon_minutes, None)
    column = f"time_to_{outcome.lower()}_2" if target == "fixed" else "scaled_time_100"
    return Ending(label[column], outcome)


def mean_null(
    events: Sequence[tuple[Row, Row]], target: str, constants: GoldConstants = GOLD_DEFAULTS
) -> dict[str, list[float]]:
    """The null's incidence by cause at every tenth second, the mean over events with labels."""
    position = [event["dir_sign"] * (event["spot"] - event["level_price"]) for event, _ in events]
    barrier = [
        constants.outcome_threshold if target == "fixed" else label["scaled_barrier_100"]
        for _, label in events
    ]
    to_break = [b - p for b, p in zip(barrier, position, strict=True)]
    to_bounce = [b + p for b, p in zip(barrier, position, strict=True)]
    volatility = [event["rth_volatility"] for event, _ in events]
    minutes = [second / 60 for second in SECONDS[NULL_EVERY_S::NULL_EVERY_S]]
    curves = {
        "BREAK": null_incidence(to_break, to_bounce, volatility, minutes),
        "BOUNCE": null_incidence(to_bounce, to_break, volatility, minutes),
    }
    # At the anchor nothing has been reached.
    return {cause: [0.0, *map(fmean, curve.T.tolist())] for cause, curve in curves.items()}


def cumulative_incidence(silver: Silver, constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `cumulative_incidence` table of real events, by `INCIDENCE_SCHEMA`.

    `null_incidence` is known at every tenth second.
    """
    labels = {row["event_id"]: row for row in silver.rows("level_event_labels")}
    endings: dict[tuple[str, str], list[Ending]] = defaultdict(list)
    compared: dict[tuple[str, str], list[tuple[Row, Row]]] = defaultdict(list)
    for event in silver.rows("level_events"):
        label = labels[event["event_id"]]
        for target in TARGETS:
            ending = ending_of(event, label, target, constants)
            if ending is not None:
                for stratum in strata_of(event):
                    endings[target, stratum].append(ending)
                    compared[target, stratum].append((event, label))
    rows = []
    for (target, stratum), found in sorted(endings.items()):
        steps = aalen_johansen(found)
        nulls = mean_null(compared[target, stratum], target, constants)
        for second in SECONDS:
            reached = [incidence for time, incidence in steps if time <= second]
            for cause in CAUSES:
                incidence = reached[-1][cause] if reached else 0.0
                tenth, rest = divmod(second, NULL_EVERY_S)
                null = None if rest else nulls[cause][tenth]
                rows.append((target, stratum, second, cause, len(found), incidence, null))
    return pl.DataFrame(rows, schema=INCIDENCE_SCHEMA, orient="row")
