"""Which sessions a fold trains, calibrates and tests on: gold's table folds, as numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from es_physics.research.rows import Bools, Ints


@dataclass(frozen=True)
class Fold:
    """Sessions by number. Between calibration and test some are left out, so that no label of what
    is learnt ends in what is tested."""

    number: int
    train: Ints
    calibration: Ints
    test: Ints

    def holds(self, role: str, session: Ints) -> Bools:
        """Which events are of the fold's `role`, by their sessions."""
        sessions: Ints = getattr(self, role)
        return np.isin(session, sessions)


def read_folds(rows: Iterable[Mapping[str, Any]], number_of: Mapping[date, int]) -> list[Fold]:
    """The folds in order, from the rows of the table and the number of each session."""
    found: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["fold"]][row["role"]].append(number_of[row["session_date"]])
    return [
        Fold(
            fold, *(np.array(sorted(roles[role]), int) for role in ("train", "calibration", "test"))
        )
        for fold, roles in sorted(found.items())
    ]
