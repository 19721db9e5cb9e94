"""Calibration towards the random walk, against minimisers that know nothing of its derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from research.made_rows import made_rows
from scipy.optimize import minimize, minimize_scalar

from es_physics.research.calibration import Answers, NullCalibration, drawn_to, trust
from es_physics.research.rows import Floats, Rows


def penalised_loss(point: Floats, rows: Rows, least: float = -np.inf) -> float:
    slope = max(point[0], least)
    z = slope * np.log(np.clip(rows.p_null, 1e-6, 1)) + np.append(point[1:], 0)
    told = z[np.arange(len(rows)), rows.y] - np.log(np.exp(z).sum(axis=1))
    return float(-(rows.weight * told).sum() + 5 * ((slope - 1) ** 2 + (point[1:] ** 2).sum()))


@pytest.mark.parametrize("classes", [("BREAK", "BOUNCE", "CHOP"), ("YES", "NO")])
def test_the_random_walk_is_calibrated_where_the_loss_is_least(classes: tuple[str, ...]) -> None:
    rows = made_rows(
        400, classes=classes, drawn_from=lambda p: p**1.7 * np.arange(1, p.shape[1] + 1)
    )
    found = NullCalibration.fit(rows)
    start = np.append(1.0, np.zeros(len(classes) - 1))
    best = minimize(penalised_loss, start, args=(rows,), tol=1e-12)
    assert np.append(found.slope, found.biases[:-1]) == pytest.approx(best.x, abs=1e-5)
    assert found.biases[-1] == 0
    assert abs(found.slope - 1) > 0.2
    assert found.events == 400
    z = found.slope * np.log(rows.p_null) + found.biases
    odds = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert found.apply(rows.p_null) == pytest.approx(odds, rel=1e-12)


def test_a_random_walk_that_is_wrong_way_round_is_not_turned_around() -> None:
    rows = made_rows(600, drawn_from=lambda p: 1 / p)
    found = NullCalibration.fit(rows)
    assert found.slope == 0.05
    best = minimize(lambda point: penalised_loss(np.append(0.05, point), rows), [0, 0], tol=1e-12)
    assert found.biases[:-1] == pytest.approx(best.x, abs=1e-5)
    assert penalised_loss(np.array([0.06, *best.x]), rows) > penalised_loss(
        np.array([0.05, *best.x]), rows
    )


def test_few_events_leave_the_random_walk_as_it_is() -> None:
    found = NullCalibration.fit(made_rows(1))
    assert found.slope == pytest.approx(1, abs=0.1)
    assert found.biases == pytest.approx([0, 0, 0], abs=0.1)


def test_a_certain_random_walk_is_cut_off_before_its_logarithm() -> None:
    rows = made_rows(3, p_null=np.array([[1.0, 0.0, 0.0]] * 3))
    odds = NullCalibration(1.0, np.zeros(3), 3).apply(rows.p_null)
    assert odds[0] == pytest.approx([1, 1e-6, 1e-6], rel=1e-5)


def answers(yes: int, no: int, p: float = 0.75, q: float = 0.5) -> Answers:
    """A model that says `p` of YES, where so many came about."""
    y = np.array([0] * yes + [1] * no, int)
    return Answers(
        np.tile([p, 1 - p], (len(y), 1)), np.tile([q, 1 - q], (len(y), 1)), y, np.ones(len(y))
    )


@pytest.mark.parametrize(
    ("given", "a"),
    [
        # .6 came about: (3/1)^a = .6/.4.
        ([answers(6, 4)], math.log(1.5) / math.log(3)),
        ([answers(5, 5)], 0.0),
        ([answers(4, 6)], 0.0),
        ([answers(19, 1)], 2.0),
        ([answers(0, 0)], 0.0),
        # Earlier folds count as much as this one.
        ([answers(9, 1), answers(3, 7)], math.log(1.5) / math.log(3)),
        # What is no odds at all is cut off: ln .5 - ln 1e-6 away.
        ([answers(3, 0, p=1.0), answers(0, 1, p=1.0)], math.log(3) / math.log(1 / 1e-6)),
    ],
)
def test_a_model_is_followed_as_far_as_it_was_right(given: list[Answers], a: float) -> None:
    assert trust(given) == pytest.approx(a, abs=1e-9)


def test_weights_count_and_each_fold_has_its_own_random_walk() -> None:
    rng = np.random.default_rng(3)
    given = []
    for _ in range(2):
        q, p_raw = rng.dirichlet([4, 4, 4], (2, 300))
        drawn = q**0.4 * p_raw**0.6
        y = (rng.random(300)[:, None] > np.cumsum(drawn / drawn.sum(1, keepdims=True), 1)).sum(1)
        given.append(Answers(p_raw, q, y, rng.uniform(0.1, 1, 300)))

    def loss(a: float) -> float:
        return sum(
            float(-one.weight @ np.log(drawn_to(one.q, one.p_raw, a)[np.arange(300), one.y]))
            for one in given
        )

    best = minimize_scalar(loss, bounds=(0, 2), method="bounded", options={"xatol": 1e-10})
    assert 0.2 < best.x < 1.5
    assert trust(given) == pytest.approx(best.x, abs=1e-6)


def test_odds_lie_between_the_random_walk_and_the_model() -> None:
    q, p = np.array([[0.5, 0.3, 0.2]]), np.array([[0.2, 0.2, 0.6]])
    assert drawn_to(q, p, 0.0) == pytest.approx(q)
    assert drawn_to(q, p, 1.0) == pytest.approx(p)
    half = np.sqrt(q * p)
    assert drawn_to(q, p, 0.5) == pytest.approx(half / half.sum())
