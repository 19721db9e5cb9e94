"""What a model sees: the events of one target as arrays, in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

LEAST_P = 1e-6
"""Probabilities are cut off below this before their logarithm is taken."""


@dataclass(frozen=True)
class Feature:
    """A column of the matrix: its group weighs as one in a distance; a flag is 0 or 1."""

    name: str
    group: str
    is_flag: bool


@dataclass(frozen=True)
class Rows:
    """n events of a target with k classes and f features.

    Ids begin with the date, so that the order of ids is that of sessions. An event is scored if its
    outcome counts; `y` of others is -1 and their `p_null` may be NaN.
    """

    target: str
    classes: tuple[str, ...]
    index: Ints
    """Their places among gold's events. [n]"""
    event_ids: Texts
    session: Ints
    """Number of the session among gold's, from 0. [n]"""
    y: Ints
    """Number of the class that came about. [n]"""
    weight: Floats
    """Uniqueness. [n]"""
    p_null: Floats
    """The random walk's odds. [n, k]"""
    minutes_since_open: Floats
    is_up: Bools
    family: Texts
    """Kind of level without its side. [n]"""
    features: Floats
    """NaN where unknown. [n, f]"""
    columns: tuple[Feature, ...]
    sequences: Floats | None = None
    """path, signed_volume, ofi and depth of the last 40 half minutes, NaN where unknown; only for a
    model that takes them. [n, 4, 40]"""

    def __len__(self) -> int:
        return len(self.index)

    def take(self, chosen: Bools | Ints) -> Rows:
        """The rows of a mask, or at places."""
        per_event: dict[str, Any] = {
            name: getattr(self, name)[chosen]
            for name in (
                *("index", "event_ids", "session", "y", "weight", "p_null"),
                *("minutes_since_open", "is_up", "family", "features"),
            )
        }
        if self.sequences is not None:
            per_event["sequences"] = self.sequences[chosen]
        return replace(self, **per_event)

    def with_features(self, places: Sequence[int]) -> Rows:
        """The same events with some of their features."""
        return replace(
            self,
            features=self.features[:, list(places)],
            columns=tuple(self.columns[place] for place in places),
        )

    def without_features(self) -> Rows:
        """The same events with what they are known by alone, to be kept for later."""
        return replace(self, features=np.empty((len(self), 0)), columns=(), sequences=None)

    @property
    def is_class(self) -> Floats:
        """1 for the class that came about, 0 for the others. [n, k]"""
        return (self.y[:, None] == np.arange(len(self.classes))).astype(float)


def log_p(p: Floats) -> Floats:
    """Logarithms of probabilities, cut off at `LEAST_P`."""
    return np.log(np.clip(p, LEAST_P, 1.0))


def softmax(z: Floats) -> Floats:
    """Rows of probabilities from rows of logits."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
