"""What is to be predicted, with what a random walk says of it (definitions, sections 22 and 23)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from reference_gold.constants import CLASSES, GOLD_DEFAULTS, HEAD_CLASSES, GoldConstants
from reference_gold.silver import Row, Silver

BARRIERS = {
    "scaled": ("scaled_outcome_100", "scaled_null_p_{}_100"),
    "scaled_050": ("scaled_outcome_050", "scaled_null_p_{}_050"),
    "fixed": ("outcome", "null_p_{}"),
}
"""The column of the outcome, and those of the null's probabilities."""

HORIZONS_S = (60, 120, 180, 300)
CERTAIN = 1 - 1e-12
TARGETS_SCHEMA = {
    "event_id": pl.String,
    "target": pl.String,
    "class": pl.String,
    "weight": pl.Float64,
    **{f"p_null_{name.lower()}": pl.Float64 for name in (*CLASSES, *HEAD_CLASSES)},
    "is_scored": pl.Boolean,
}

Nulls = Mapping[str, float | None]


def of_barriers(label: Row, target: str) -> tuple[str | None, Nulls]:
    """Outcome and null of a target of two barriers."""
    outcome, null = BARRIERS[target]
    return label[outcome], {name: label[null.format(name.lower())] for name in CLASSES}


def one_barrier_null(distance: float, volatility: float | None, minutes: float) -> float | None:
    """How likely a driftless Brownian motion travels `distance` points in the time.

    By the reflection principle; `volatility` is in points per square root of a minute. A barrier
    that is passed (a distance of 0 or less) is reached; unknown without a volatility.
    """
    if volatility is None:
        return None
    if distance <= 0:
        return 1.0
    return math.erfc(distance / (volatility * math.sqrt(2 * minutes))) if volatility else 0.0


def heads() -> list[str]:
    """Names of the targets with classes YES and NO."""
    return ["tradeable_1", "tradeable_2"] + [
        f"{side}_{threshold}_{seconds}s"
        for side in ("break", "bounce")
        for threshold in (1, 2)
        for seconds in HORIZONS_S
    ]


def of_head(
    event: Row, label: Row, target: str, constants: GoldConstants = GOLD_DEFAULTS
) -> tuple[str, Nulls]:
    """Class and null of a head; the class of an UNDEFINED window is that word."""
    if target.startswith("tradeable"):
        happened = label[target]
        chop = label["null_p_chop"]
        yes = label["null_p_tradeable_1"]
        if target == "tradeable_2":
            yes = None if chop is None else 1 - chop
    else:
        side, threshold, horizon = target.split("_")
        seconds = int(horizon.removesuffix("s"))
        time = label[f"time_to_{side}_{threshold}"]
        happened = time is not None and time <= seconds
        points = (constants.strength_threshold, constants.outcome_threshold)[int(threshold) - 1]
        position = event["dir_sign"] * (event["spot"] - event["level_price"])
        distance = points - position if side == "break" else points + position
        yes = one_barrier_null(distance, event["rth_volatility"], seconds / 60)
    nulls = {"YES": yes, "NO": None if yes is None else 1 - yes}
    if label["outcome"] == "UNDEFINED":
        return "UNDEFINED", nulls
    return "YES" if happened else "NO", nulls


def null_is_open(nulls: Nulls) -> bool:
    """Whether the null is known and leaves anything to happen."""
    known = [p for p in nulls.values() if p is not None]
    return len(known) == len(nulls) and max(known) < CERTAIN


def is_scored(outcome: str | None, nulls: Nulls) -> bool:
    return outcome is not None and outcome != "UNDEFINED" and null_is_open(nulls)


def event_targets(silver: Silver, constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `event_targets` table, by `TARGETS_SCHEMA`: a row per event and target.

    `class` is the one that came true; probabilities of classes that a target lacks are NULL.
    """
    labels = {row["event_id"]: row for row in silver.rows("level_event_labels")}
    rows = []
    for event in silver.rows("level_events"):
        label = labels[event["event_id"]]
        found = {target: of_barriers(label, target) for target in BARRIERS}
        found |= {target: of_head(event, label, target, constants) for target in heads()}
        for target, (outcome, nulls) in found.items():
            rows.append(
                dict.fromkeys(TARGETS_SCHEMA)
                | {
                    "event_id": event["event_id"],
                    "target": target,
                    "class": outcome,
                    "weight": label["uniqueness"],
                    "is_scored": is_scored(outcome, nulls),
                }
                | {f"p_null_{name.lower()}": p for name, p in nulls.items()}
            )
    return pl.DataFrame(rows, schema=TARGETS_SCHEMA)


BY_CLASS_SCHEMA = {
    "event_id": pl.String,
    "target": pl.String,
    "class": pl.String,
    "outcome": pl.String,
    "weight": pl.Float64,
    "p_null": pl.Float64,
    "is_scored": pl.Boolean,
}


def by_class(targets: pl.DataFrame) -> pl.DataFrame:
    """The same with a row per event, target and class: `p_null` of it, `outcome` what came true."""
    rows = [
        {name: row.get(name) for name in BY_CLASS_SCHEMA}
        | {"class": name, "outcome": row["class"], "p_null": row[f"p_null_{name.lower()}"]}
        for row in targets.to_dicts()
        for name in (CLASSES if row["target"] in BARRIERS else HEAD_CLASSES)
    ]
    return pl.DataFrame(rows, schema=BY_CLASS_SCHEMA)
