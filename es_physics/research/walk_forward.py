"""Fit, calibrate and test the models of one target, fold by fold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from es_physics.research.calibration import Answers, NullCalibration, drawn_to, trust
from es_physics.research.errors import ResearchError
from es_physics.research.fitted import Fitted
from es_physics.research.folds import Fold
from es_physics.research.gold import Gold
from es_physics.research.knn import Knn
from es_physics.research.models import ABLATED, FULL, NO_FEATURES
from es_physics.research.partial_dependence import Tested, partial_dependence
from es_physics.research.plan import Fit
from es_physics.research.results import Key, Results, Skip
from es_physics.research.rows import Floats, Rows


@dataclass(frozen=True)
class _Split:
    """The events of a fold, and the random walk calibrated on it."""

    number: int
    train: Rows
    calibration: Rows
    test: Rows
    null: NullCalibration

    @cached_property
    def tested(self) -> Rows:
        """The test's events, as results keep them."""
        return self.test.without_features()


def walk_forward(
    gold: Gold,
    target: str,
    fits: Sequence[Fit],
    results: Results,
    *,
    with_sequences: bool = False,
) -> int:
    """Add to `results` what the models say of every fold's test; returns how many events that are.

    Raises ResearchError for a class that never comes about, or without any event to train on.
    """
    rows = gold.rows(target, with_sequences=with_sequences)
    _require_classes(rows)
    answers: dict[Fit, list[Answers]] = defaultdict(list)
    tested: list[Tested] = []
    count = 0
    for fold in gold.folds:
        split = _split(rows, fold)
        if split is None:
            for fit in fits:
                results.skipped.append(_skip(fold.number, target, fit, "no event to train on"))
            continue
        count += len(split.test)
        results.calibration.append(_of_null(split))
        for fit in fits:
            key = Key(fold.number, target, fit.model.name, fit.feature_set)
            if not fit.model.is_calibrated:
                results.predictions.append((key, split.tested, *_baseline(fit, split)))
            elif reason := _why_not(fit, split.train):
                results.skipped.append(Skip(*key, reason))
            else:
                one = _fitted(gold, fit, split, key, answers[fit], results)
                if (fit.model.name, fit.feature_set) == (ABLATED, FULL) and len(split.test):
                    tested.append(one)
    if tested:
        results.dependence += [
            {"target": target, "model": ABLATED, "feature_set": FULL} | row
            for row in partial_dependence(tested)
        ]
    return count


def _require_classes(rows: Rows) -> None:
    if not len(rows):
        raise ResearchError(f"{rows.target}: none of gold's events is scored; take another target")
    for number, name in enumerate(rows.classes):
        if not (rows.y == number).any():
            raise ResearchError(
                f"{rows.target}: {name} never occurs among {len(rows)} scored events, so nothing"
                " can tell it: make gold of a longer range, or take another target"
            )


def _split(rows: Rows, fold: Fold) -> _Split | None:
    train, calibration, test = (
        rows.take(fold.holds(role, rows.session)) for role in ("train", "calibration", "test")
    )
    if not len(train):
        return None
    both = fold.holds("train", rows.session) | fold.holds("calibration", rows.session)
    return _Split(fold.number, train, calibration, test, NullCalibration.fit(rows.take(both)))


def _baseline(fit: Fit, split: _Split) -> tuple[Floats, Floats]:
    """Odds of the test as they are, and as they are shown."""
    p_null = split.test.p_null
    if fit.model.name == "null_calibrated":
        return p_null, split.null.apply(p_null)
    p = fit.model.fit(split.train).predict(split.test) if fit.model.fit else p_null
    return p, p


def _why_not(fit: Fit, train: Rows) -> str:
    """Why a model cannot be fitted on the training, in words; empty if it can."""
    if len(train) < fit.model.least_train:
        return f"{len(train)} events to train on, and it takes {fit.model.least_train}"
    lacking = [name for number, name in enumerate(train.classes) if not (train.y == number).any()]
    return f"no {' or '.join(lacking)} among {len(train)} events to train on" if lacking else ""


def _fitted(
    gold: Gold, fit: Fit, split: _Split, key: Key, answers: list[Answers], results: Results
) -> Tested:
    """Fit, calibrate on this and all earlier folds, and test."""
    places = gold.sets.get(fit.feature_set, ())
    train, calibration, test = (
        part.with_features(places) for part in (split.train, split.calibration, split.test)
    )
    assert fit.model.fit is not None
    fitted: Fitted = fit.model.fit(train)
    q = split.null.apply(calibration.p_null)
    p_calibration = _answer(fitted, calibration)
    answers.append(Answers(p_calibration, q, calibration.y, calibration.weight))
    a = trust(answers)
    results.calibration.append(
        key._asdict() | {"a": a, "events": sum(len(one.y) for one in answers)}
    )
    p_raw = _answer(fitted, test)
    p = drawn_to(split.null.apply(test.p_null), p_raw, a)
    results.predictions.append((key, split.tested, p_raw, p))
    results.importances.append((key, fitted.importances()))
    if isinstance(fitted, Knn) and fit.model.is_candidate:
        found = fitted.neighbours(test)
        results.neighbours.append((key, split.tested, split.train.without_features(), found))
    return Tested(fitted, split.null, a, test)


def _answer(fitted: Fitted, rows: Rows) -> Floats:
    """[n, k]; libraries refuse to answer nothing."""
    return fitted.predict(rows) if len(rows) else np.empty((0, len(rows.classes)))


def _of_null(split: _Split) -> dict[str, Any]:
    null, target = split.null, split.train.target
    biases = zip(split.train.classes, null.biases, strict=True)
    return (
        Key(split.number, target, "null_calibrated", NO_FEATURES)._asdict()
        | {"slope": null.slope, "events": null.events}
        | {f"bias_{name.lower()}": float(bias) for name, bias in biases}
    )


def _skip(fold: int, target: str, fit: Fit, reason: str) -> Skip:
    return Skip(fold, target, fit.model.name, fit.feature_set, reason)
