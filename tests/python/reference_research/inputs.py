"""What is learned from and asked about: scored events of one target, of published tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from reference_gold.constants import CLASSES, HEAD_CLASSES

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

OF_BARRIERS = ("scaled", "scaled_050", "fixed")
"""Targets with the classes BREAK, BOUNCE and CHOP; the others ask one question."""

SMALLEST_P = 1e-6


@dataclass(frozen=True)
class Gold:
    """The published tables that models and scores are made of."""

    event_matrix: pl.DataFrame
    event_targets: pl.DataFrame
    event_outcomes: pl.DataFrame
    feature_sets: pl.DataFrame
    folds: pl.DataFrame


@dataclass(frozen=True)
class Feature:
    """A row of the seed; `is_flag` says that its values are 0 and 1."""

    name: str
    group: str
    is_flag: bool


@dataclass(frozen=True)
class Examples:
    """Scored events of a target, by session and event_id.

    `y` is the number of the class that came true, `p_null` a row per event, `features` a column of
    values per name, NaN where unknown.
    """

    event_id: NDArray[np.str_]
    session: NDArray[np.object_]
    y: Ints
    weight: Doubles
    p_null: Doubles
    minutes: Doubles
    family: NDArray[np.str_]
    direction: NDArray[np.str_]
    features: dict[str, Doubles]

    def __len__(self) -> int:
        return len(self.y)

    def where(self, chosen: NDArray[np.bool_] | Ints) -> Examples:
        """The events of a mask, or of positions in their order."""
        taken = {
            field.name: getattr(self, field.name)[chosen]
            for field in fields(self)
            if field.name != "features"
        }
        columns = {name: values[chosen] for name, values in self.features.items()}
        return replace(self, features=columns, **taken)

    def of_sessions(self, days: Iterable[date]) -> Examples:
        wanted = set(days)
        return self.where(np.array([day in wanted for day in self.session], dtype=bool))


def classes_of(target: str) -> tuple[str, ...]:
    return CLASSES if target in OF_BARRIERS else HEAD_CLASSES


def features_of(gold: Gold, feature_set: str) -> list[Feature]:
    """The features of a set, in the seed's order."""
    return [
        Feature(row["feature"], row["feature_group"], row["kind"] == "flag")
        for row in gold.feature_sets.to_dicts()
        if row[feature_set] in (True, "true")
    ]


def examples(gold: Gold, target: str) -> Examples:
    """The scored events of a target, with all features."""
    classes = classes_of(target)
    scored = gold.event_targets.filter(pl.col("target") == target, "is_scored")
    outcomes = gold.event_outcomes.select(
        "event_id", "level_family", "direction", "minutes_since_open"
    )
    names = [row["feature"] for row in gold.feature_sets.to_dicts()]
    table = (
        scored.select("event_id", "class", "weight", r"^p_null_.*$")
        .join(outcomes.rename({"minutes_since_open": "_minutes", "direction": "_way"}), "event_id")
        .join(gold.event_matrix, "event_id")
        .sort("session_date", "event_id")
    )
    number = {name: n for n, name in enumerate(classes)}
    return Examples(
        event_id=np.array(table["event_id"].to_list(), dtype=np.str_),
        session=np.array(table["session_date"].to_list(), dtype=object),
        y=np.array([number[name] for name in table["class"]], dtype=np.int64),
        weight=table["weight"].to_numpy(),
        p_null=np.column_stack([table[f"p_null_{name.lower()}"].to_numpy() for name in classes]),
        minutes=table["_minutes"].to_numpy().astype(np.float64),
        family=np.array(table["level_family"].to_list(), dtype=np.str_),
        direction=np.array(table["_way"].to_list(), dtype=np.str_),
        features={name: table[name].fill_null(np.nan).to_numpy() for name in names},
    )


def sessions_of(gold: Gold, fold: int, *roles: str) -> list[date]:
    """The sessions that have one of these roles in a fold, in order."""
    chosen = gold.folds.filter(pl.col("fold") == fold, pl.col("role").is_in(roles))
    return sorted(chosen["session_date"])


def fold_numbers(gold: Gold) -> Sequence[int]:
    return sorted(set(gold.folds["fold"]))


def clipped(p: Doubles) -> Doubles:
    """Probabilities that have a logarithm."""
    return np.clip(p, SMALLEST_P, 1.0)


def softmax(z: Doubles) -> Doubles:
    """Probabilities of each row's logits."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares
