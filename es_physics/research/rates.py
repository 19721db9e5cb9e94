"""What is said without any feature: shares, of all training and by time of day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from es_physics.research.fitted import Fitted
from es_physics.research.rows import Floats, Ints, Rows

_CELL_MINUTES = 30
_PRIOR_EVENTS = 10.0


def class_shares(rows: Rows) -> Floats:
    """Weighted shares of the classes. [k]"""
    return (rows.weight @ rows.is_class) / rows.weight.sum()


@dataclass(frozen=True)
class BaseRate(Fitted):
    """The shares of training, for everyone."""

    shares: Floats

    @classmethod
    def fit(cls, train: Rows) -> BaseRate:
        """Shares of the training's events."""
        return cls(class_shares(train))

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        return np.tile(self.shares, (len(rows), 1))


@dataclass(frozen=True)
class TodRate(Fitted):
    """The shares at that half hour and in that direction, drawn to the base rate as by ten events
    of it."""

    base: Floats
    shares: dict[int, Floats]

    @classmethod
    def fit(cls, train: Rows) -> TodRate:
        """Shares of the training's events, cell by cell."""
        base, cells = class_shares(train), _cells(train)
        shares = {}
        for cell in np.unique(cells):
            inside = train.take(cells == cell)
            counted = inside.weight @ inside.is_class + _PRIOR_EVENTS * base
            shares[int(cell)] = counted / (inside.weight.sum() + _PRIOR_EVENTS)
        return cls(base, shares)

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        found = [self.shares.get(int(cell), self.base) for cell in _cells(rows)]
        return np.array(found, float).reshape(len(rows), len(self.base))


def _cells(rows: Rows) -> Ints:
    return np.floor(rows.minutes_since_open / _CELL_MINUTES).astype(int) * 2 + rows.is_up
