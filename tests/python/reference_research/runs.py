"""What a run publishes: predictions, calibration, neighbours, importances (section 23)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reference_research import calibration, logit, neighbours, rates, trees
from reference_research.inputs import (
    Doubles,
    Examples,
    Feature,
    Gold,
    classes_of,
    examples,
    features_of,
    fold_numbers,
    sessions_of,
)
from reference_research.scaling import scaled

WITHOUT_FEATURES = ("base_rate", "tod_rate", "null", "null_calibrated")
FITTED = ("logit", "lightgbm", "lightgbm_null", "knn", "null_knn")
NO_SET = "none"

KEYS = {
    "predictions": ["fold", "target", "model", "feature_set", "event_id", "class"],
    "calibration": ["fold", "target", "model", "feature_set"],
    "neighbours": ["fold", "target", "feature_set", "event_id", "rank"],
    "importances": ["fold", "target", "model", "feature_set", "feature", "class"],
}
"""What a row of each table of a run is known by."""

Candidate = tuple[str, str]
"""Model and feature set."""


class Run:
    """Rows of every table of a run, as they are found."""

    def __init__(self, gold: Gold) -> None:
        self.gold = gold
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in KEYS}
        self.outcomes = {row["event_id"]: row for row in gold.event_outcomes.to_dicts()}

    def add_target(self, target: str, candidates: Sequence[Candidate]) -> None:
        events = examples(self.gold, target)
        pools: dict[Candidate, list[calibration.Judged]] = defaultdict(list)
        for fold in fold_numbers(self.gold):
            of = {
                role: events.of_sessions(sessions_of(self.gold, fold, role))
                for role in ("train", "calibration", "test")
            }
            both = events.of_sessions(sessions_of(self.gold, fold, "train", "calibration"))
            walk = calibration.fit_null(both.p_null, both.y, both.weight)
            self._add_without_features(fold, target, of["train"], of["test"], walk)
            self.rows["calibration"].append(
                {"fold": fold, "target": target, "model": "null_calibrated", "feature_set": NO_SET}
                | {"a": None, "slope": walk.slope, "events": len(both)}
                | {
                    f"bias_{name.lower()}": float(bias)
                    for name, bias in zip(classes_of(target), walk.bias, strict=True)
                }
            )
            asked = events.of_sessions(sessions_of(self.gold, fold, "calibration", "test"))
            q = walk(asked.p_null)
            earlier = np.arange(len(asked)) < len(of["calibration"])
            for model, feature_set in candidates:
                features = features_of(self.gold, feature_set)
                key = {"fold": fold, "target": target, "model": model, "feature_set": feature_set}
                p_raw = self._raw(key, of["train"], asked, features, is_test=~earlier)
                pool = pools[model, feature_set]
                judged = asked.where(earlier)
                pool.append(calibration.Judged(p_raw[earlier], q[earlier], judged.y, judged.weight))
                a = calibration.best_a(pool)
                count = sum(len(one.y) for one in pool)
                self.rows["calibration"].append(key | {"a": a, "events": count})
                p = calibration.blended(p_raw[~earlier], q[~earlier], a)
                self._add_predictions(key, of["test"], p_raw[~earlier], p)

    def _add_without_features(
        self,
        fold: int,
        target: str,
        train: Examples,
        test: Examples,
        walk: calibration.NullCalibration,
    ) -> None:
        found = {
            "base_rate": np.tile(rates.base_rate(train), (len(test), 1)),
            "tod_rate": rates.tod_rate(train, test),
            "null": test.p_null,
            "null_calibrated": walk(test.p_null),
        }
        for model, p in found.items():
            key = {"fold": fold, "target": target, "model": model, "feature_set": NO_SET}
            p_raw = test.p_null if model == "null_calibrated" else p
            self._add_predictions(key, test, p_raw, p)

    def _raw(
        self,
        key: dict[str, Any],
        train: Examples,
        asked: Examples,
        features: Sequence[Feature],
        is_test: NDArray[np.bool_],
    ) -> Doubles:
        """What a model says before calibration; of test events its neighbours are kept too."""
        model = key["model"]
        if model == "logit":
            columns, others, named = scaled(train, asked, features, with_unknown=True)
            names = classes_of(key["target"])
            theta = logit.fit_multinomial(columns, train.y, train.weight, len(names))
            self.rows["importances"] += [
                key | {"feature": name, "class": names[n], "coefficient": float(theta[i, n])}
                for n in logit.free_classes(len(names))
                for i, (name, _) in enumerate(named)
            ]
            return logit.predict(theta, others)
        if model in ("lightgbm", "lightgbm_null"):
            on_null = model == "lightgbm_null"
            booster = trees.fit(train, features, on_null=on_null)
            self.rows["importances"] += [
                key | {"feature": name, "class": None, "gain": gain, "splits": splits}
                for name, gain, splits in trees.importances(booster)
            ]
            return trees.predict(booster, asked, features, on_null=on_null)
        found = neighbours.all_kept(train, asked, features)
        if model == "null_knn":
            return neighbours.shares(found, neighbours.permuted(train), asked)
        for place in np.flatnonzero(is_test):
            self._add_neighbours(key, train, str(asked.event_id[place]), found[place])
        return neighbours.shares(found, train.y, asked)

    def _add_predictions(
        self, key: dict[str, Any], test: Examples, p_raw: Doubles, p: Doubles
    ) -> None:
        names = classes_of(key["target"])
        self.rows["predictions"] += [
            key
            | {"event_id": str(test.event_id[i]), "class": name}
            | {"p_raw": float(p_raw[i, n]), "p": float(p[i, n])}
            for i in range(len(test))
            for n, name in enumerate(names)
        ]

    def _add_neighbours(
        self, key: dict[str, Any], train: Examples, event_id: str, found: neighbours.Neighbours
    ) -> None:
        names = classes_of(key["target"])
        for rank, place in enumerate(found.place, start=1):
            other = str(train.event_id[place])
            self.rows["neighbours"].append(
                {name: key[name] for name in ("fold", "target", "feature_set")}
                | {"event_id": event_id, "rank": rank, "neighbour_event_id": other}
                | {"distance": found.distance[rank - 1], "weight": found.weight[rank - 1]}
                | {"outcome": names[train.y[place]]}
                | {
                    name: self.outcomes[other][name]
                    for name in ("mfe_atr", "mae_atr", "scaled_time")
                }
            )

    def table(self, name: str) -> pl.DataFrame:
        table = pl.DataFrame(self.rows[name], infer_schema_length=None)
        return table.sort(KEYS[name]) if table.height else table


def expected_run(
    gold: Gold, targets: Sequence[str], candidates: Sequence[Candidate]
) -> dict[str, pl.DataFrame]:
    """Every table of a run by its name; what uses no features is always part of it."""
    run = Run(gold)
    for target in targets:
        run.add_target(target, candidates)
    return {name: run.table(name) for name in KEYS}
