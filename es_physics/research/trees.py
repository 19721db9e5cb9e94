"""Boosted trees, alone or on top of the random walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np

from es_physics.research.fitted import Fitted, Importance
from es_physics.research.rows import Floats, Rows, log_p, softmax

_ROUNDS = 30
_PARAMETERS = {
    "objective": "multiclass",
    "num_leaves": 7,
    "learning_rate": 0.03,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "lambda_l2": 50,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Trees(Fitted):
    """Small, slow and few, as there is little to find and much to be fooled by."""

    booster: lightgbm.Booster
    features: tuple[str, ...]
    starts_at_null: bool

    @classmethod
    def fit(cls, train: Rows) -> Trees:
        """Trees that learn the outcome."""
        return cls._fit(train, starts_at_null=False)

    @classmethod
    def fit_on_null(cls, train: Rows) -> Trees:
        """Trees that learn in what the outcome differs from the random walk."""
        return cls._fit(train, starts_at_null=True)

    @classmethod
    def _fit(cls, train: Rows, *, starts_at_null: bool) -> Trees:
        data = lightgbm.Dataset(
            train.features,
            train.y,
            weight=train.weight,
            init_score=log_p(train.p_null) if starts_at_null else None,
            categorical_feature=[],
        )
        booster = lightgbm.train(
            _PARAMETERS | {"num_class": len(train.classes)}, data, num_boost_round=_ROUNDS
        )
        names = tuple(column.name for column in train.columns)
        return cls(booster, names, starts_at_null)

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        score = np.asarray(self.booster.predict(rows.features, raw_score=True, num_threads=1))
        return softmax(score + log_p(rows.p_null) if self.starts_at_null else score)

    def importances(self) -> Sequence[Importance]:
        """Every feature's share of the gain, and its splits; shares of nothing are 0."""
        gain = self.booster.feature_importance("gain")
        shares = gain / (gain.sum() or 1.0)
        splits = self.booster.feature_importance("split")
        return [
            Importance(name, gain=float(share), splits=int(count))
            for name, share, count in zip(self.features, shares, splits, strict=True)
        ]
