"""What happened when it looked like this: shares of the most similar earlier events."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from es_physics.research.fitted import Fitted
from es_physics.research.neighbours import Memory, Neighbours
from es_physics.research.rows import Floats, Rows

_SEED = 7


@dataclass(frozen=True)
class Knn(Fitted):
    """The nearest events of training."""

    memory: Memory

    @classmethod
    def fit(cls, train: Rows) -> Knn:
        """Remember training."""
        return cls(Memory.of(train))

    @classmethod
    def fit_permuted(cls, train: Rows) -> Knn:
        """Remember training with its classes dealt anew within each session: whatever such a model
        seems to know, it does not know from similar events."""
        rng = np.random.default_rng(_SEED)
        y = train.y.copy()
        for session in np.unique(train.session):
            inside = np.flatnonzero(train.session == session)
            y[inside] = rng.permutation(y[inside])
        return cls(Memory.of(replace(train, y=y)))

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        return self.memory.shares(self.neighbours(rows), rows.p_null)

    def neighbours(self, rows: Rows) -> Neighbours:
        """The events behind the answers."""
        return self.memory.nearest(rows)
