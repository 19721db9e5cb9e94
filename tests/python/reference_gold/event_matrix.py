"""One row of features per event, direction taken out (definitions, section 22)."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.microprice import microprice_offset
from reference_gold.ofi_weights import ofi_pca_60s
from reference_gold.silver import Row, Silver
from reference_gold.time_of_day import tod_of_events

SMALLEST_P = 1e-6
NULL_COLUMNS = {
    "fixed": "null_p_{}",
    "050": "scaled_null_p_{}_050",
    "100": "scaled_null_p_{}_100",
}
ONE_HOT = {
    f"{column}_{word.lower()}": (column, word)
    for column, words in {
        "barrier_state": ("VACUUM", "WALL", "CONSUMED", "ABSORPTION", "WEAK", "NEUTRAL"),
        "fuel_effect": ("AMPLIFY", "DAMPEN", "NEUTRAL"),
    }.items()
    for word in words
}
FAMILIES = {
    "level_family_pm": ("PM_HIGH", "PM_LOW"),
    "level_family_or": ("OR_HIGH", "OR_LOW"),
    "level_family_sma_200": ("SMA_200",),
    "level_family_sma_400": ("SMA_400",),
}


def read_feature_sets(path: Path) -> list[dict[str, str]]:
    """The rows of the seed, in its order."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def null_logit(p: float | None) -> float | None:
    if p is None:
        return None
    clipped = min(max(p, SMALLEST_P), 1 - SMALLEST_P)
    return math.log(clipped / (1 - clipped))


def is_outward(kind: str, direction: str) -> bool | None:
    """Whether the price comes to a high from below or to a low from above; None of an average."""
    if kind.endswith("_HIGH"):
        return direction == "UP"
    if kind.endswith("_LOW"):
        return direction == "DOWN"
    return None


def known_of_events(
    silver: Silver,
    profiles: pl.DataFrame,
    weights: pl.DataFrame,
    adjustments: pl.DataFrame,
    constants: GoldConstants = GOLD_DEFAULTS,
) -> list[Row]:
    """Every event with all that is known at its anchor, Silver's own orientation."""
    features = {row["event_id"]: row for row in silver.rows("level_event_features")}
    labels = {row["event_id"]: row for row in silver.rows("level_event_labels")}
    tod = tod_of_events(silver, profiles)
    by_level: dict[date, dict[int, float]] = defaultdict(dict)
    for row in weights.to_dicts():
        by_level[row["session_date"]][row["m"]] = row["weight"]
    by_state: dict[date, dict[tuple[int, int], float]] = defaultdict(dict)
    for row in adjustments.to_dicts():
        by_state[row["session_date"]][row["i"], row["spread"]] = row["g_ticks"]
    known = []
    for event in silver.rows("level_events"):
        key, day = event["event_id"], event["session_date"]
        row = features[key] | event | tod[key]
        row["ofi_pca_60s"] = ofi_pca_60s(row, by_level[day])
        row["microprice_offset"] = microprice_offset(row, by_state[day], constants)
        for barrier, column in NULL_COLUMNS.items():
            for side in ("break", "bounce"):
                row[f"null_logit_{side}_{barrier}"] = null_logit(labels[key][column.format(side)])
        known.append(row)
    return known


def feature_value(row: Row, feature: str, orientation: str, source: str) -> float | None:
    """A feature of an event by its row of the seed.

    Raises:
        ValueError: an orientation that is none.
    """
    sign = row["dir_sign"]
    if feature in ONE_HOT:
        column, word = ONE_HOT[feature]
        return None if row[column] is None else float(row[column] == word)
    if feature in FAMILIES:
        return float(row["level_kind"] in FAMILIES[feature])
    if feature == "level_is_outward":
        outward = is_outward(row["level_kind"], row["direction"])
        return None if outward is None else float(outward)
    if orientation in ("side", "mirror"):
        ahead, behind = source.split("|")
        value = row[ahead if sign > 0 else behind]
        turned = orientation == "mirror" and sign < 0
    elif orientation in ("aligned", "none", "up"):
        value = row[source]
        turned = orientation == "up" and sign < 0
    else:
        raise ValueError(f"{feature}: no orientation {orientation}")
    if value is None:
        return None
    return -float(value) if turned else float(value)


def event_matrix(known: Sequence[Row], feature_sets: Sequence[dict[str, str]]) -> pl.DataFrame:
    """The `event_matrix` table: keys, then the features in the seed's order, all DOUBLE."""
    schema = {"event_id": pl.String, "session_date": pl.Date}
    schema |= {row["feature"]: pl.Float64 for row in feature_sets}
    rows = [
        {"event_id": event["event_id"], "session_date": event["session_date"]}
        | {
            row["feature"]: feature_value(event, row["feature"], row["orientation"], row["source"])
            for row in feature_sets
        }
        for event in known
    ]
    return pl.DataFrame(rows, schema=schema)
