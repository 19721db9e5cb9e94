"""Models without features: how often each class comes true (definitions, section 23)."""

from __future__ import annotations

import numpy as np

from reference_research.inputs import Doubles, Examples

CELL_MINUTES = 30
PSEUDO_EVENTS = 10.0


def base_rate(train: Examples) -> Doubles:
    """The weighted share of each class."""
    classes = range(train.p_null.shape[1])
    total = train.weight.sum()
    return np.array([train.weight[train.y == n].sum() / total for n in classes])


def cell_of(minutes: float, direction: str) -> tuple[int, str]:
    """The half hour since the open, and the direction of the approach."""
    return int(minutes // CELL_MINUTES), direction


def tod_rate(train: Examples, asked: Examples) -> Doubles:
    """Shares in the cell of each event, drawn towards the base rate by ten events of it."""
    base = base_rate(train)
    cells: dict[tuple[int, str], Doubles] = {}
    for minutes, direction, y, weight in zip(
        train.minutes, train.direction, train.y, train.weight, strict=True
    ):
        own = cells.setdefault(cell_of(minutes, direction), np.zeros(len(base)))
        own[y] += weight
    nothing = np.zeros(len(base))
    rows = []
    for minutes, direction in zip(asked.minutes, asked.direction, strict=True):
        counts = cells.get(cell_of(minutes, direction), nothing)
        rows.append((counts + PSEUDO_EVENTS * base) / (counts.sum() + PSEUDO_EVENTS))
    return np.array(rows).reshape(len(asked), len(base))
