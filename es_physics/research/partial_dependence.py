"""What a model would say if one feature had another value, all else as it was (Friedman 2001)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from es_physics.research.calibration import NullCalibration, drawn_to
from es_physics.research.fitted import Fitted
from es_physics.research.rows import Floats, Rows

_FEATURES = 6
_VALUES = 9


@dataclass(frozen=True)
class Tested:
    """A fold's model with its calibration, and the events it was tested on."""

    fitted: Fitted
    null: NullCalibration
    a: float
    test: Rows


def partial_dependence(tested: Sequence[Tested]) -> Iterator[dict[str, Any]]:
    """Calibrated odds by value of the most used features, the mean over all tested events, each
    answered by its fold's model. Values are the tenths of those that were tested."""
    for name in _most_used(tested):
        place = [column.name for column in tested[0].test.columns].index(name)
        known = np.concatenate([one.test.features[:, place] for one in tested])
        known = known[~np.isnan(known)]
        if not known.size:
            continue
        tenths = np.linspace(0.1, 0.9, _VALUES)
        values = np.unique(np.quantile(known, tenths, method="inverted_cdf"))
        total = np.sum([_said(one, place, values) for one in tested], axis=0)
        events = sum(len(one.test) for one in tested)
        for value, odds in zip(values, total / events, strict=True):
            for class_name, p in zip(tested[0].test.classes, odds, strict=True):
                yield {"feature": name, "class": class_name, "value": float(value), "p": float(p)}


def _most_used(tested: Sequence[Tested]) -> list[str]:
    """Features with the most gain over all folds, of those with any."""
    gain: dict[str, float] = defaultdict(float)
    for one in tested:
        for importance in one.fitted.importances():
            gain[importance.feature] += importance.gain or 0.0
    used = [name for name in gain if gain[name] > 0]
    return sorted(used, key=lambda name: (-gain[name], name))[:_FEATURES]


def _said(one: Tested, place: int, values: Floats) -> Floats:
    """Sums over the tested events of the odds at each value. [values, k]"""
    count = len(one.test)
    rows = one.test.take(np.tile(np.arange(count), len(values)))
    features = rows.features
    features[:, place] = np.repeat(values, count)
    p = drawn_to(
        one.null.apply(rows.p_null), one.fitted.predict(replace(rows, features=features)), one.a
    )
    sums: Floats = p.reshape(len(values), count, p.shape[1]).sum(axis=1)
    return sums
