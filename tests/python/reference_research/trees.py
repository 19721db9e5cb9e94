"""Gradient boosted trees, alone and added to the random walk's logits (section 23)."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np

from reference_research.inputs import Doubles, Examples, Feature, clipped, softmax

ROUNDS = 30


def settings(classes: int) -> dict[str, object]:
    return {
        "objective": "multiclass",
        "num_class": classes,
        "num_leaves": 7,
        "learning_rate": 0.03,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.5,
        "lambda_l2": 50.0,
        "seed": 7,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def columns_of(rows: Examples, features: Sequence[Feature]) -> Doubles:
    return np.column_stack([rows.features[feature.name] for feature in features])


def fit(train: Examples, features: Sequence[Feature], *, on_null: bool) -> lightgbm.Booster:
    """Thirty rounds; with `on_null` they begin at the random walk instead of at nothing."""
    data = lightgbm.Dataset(
        columns_of(train, features),
        label=train.y,
        weight=train.weight,
        init_score=np.log(clipped(train.p_null)) if on_null else None,
        feature_name=[feature.name for feature in features],
        categorical_feature=[],
        free_raw_data=False,
    )
    return lightgbm.train(settings(train.p_null.shape[1]), data, num_boost_round=ROUNDS)


def predict(
    booster: lightgbm.Booster, asked: Examples, features: Sequence[Feature], *, on_null: bool
) -> Doubles:
    """Probabilities; what trees began at is not in them and is added."""
    classes = asked.p_null.shape[1]
    z = np.asarray(booster.predict(columns_of(asked, features), raw_score=True, num_threads=1))
    z = z.reshape(len(asked), classes)
    return softmax(z + np.log(clipped(asked.p_null)) if on_null else z)


def importances(booster: lightgbm.Booster) -> list[tuple[str, float, int]]:
    """Of each feature its share of all gain, and the number of splits."""
    gain = booster.feature_importance("gain")
    splits = booster.feature_importance("split")
    total = gain.sum()
    return [
        (name, float(own / total) if total else 0.0, int(count))
        for name, own, count in zip(booster.feature_name(), gain, splits, strict=True)
    ]
