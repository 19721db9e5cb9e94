"""Shares, scaling and neighbours on cases worked by hand, and against a search through all."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from research.made_rows import made_rows

from es_physics.research.knn import Knn
from es_physics.research.logit import Logit
from es_physics.research.neighbours import Memory, nearest_points
from es_physics.research.rates import BaseRate, TodRate
from es_physics.research.rows import Feature, Floats
from es_physics.research.scaling import Scaling
from es_physics.research.trees import Trees

ODDS = np.array([[0.2, 0.3, 0.5]] * 4)


def test_the_base_rate_is_the_weighted_share() -> None:
    train = made_rows(4, y=[0, 0, 1, 2], weight=[1, 2, 3, 4])
    assert BaseRate.fit(train).predict(made_rows(2)).tolist() == [[0.3, 0.3, 0.4]] * 2


def test_the_rate_of_a_time_of_day_is_drawn_to_the_base_rate() -> None:
    train = made_rows(
        4,
        y=[0, 0, 1, 2],
        weight=[1, 2, 3, 4],
        minutes=[0, 29.9, 30, 10],
        is_up=[True, True, True, False],
    )
    asked = made_rows(4, minutes=[5, 59, 5, -1], is_up=[True, True, False, True])
    base = np.array([0.3, 0.3, 0.4])
    expected = [
        (np.array([3, 0, 0]) + 10 * base) / 13,
        (np.array([0, 3, 0]) + 10 * base) / 13,
        (np.array([0, 0, 4]) + 10 * base) / 14,
        base,
    ]
    assert TodRate.fit(train).predict(asked) == pytest.approx(np.array(expected), rel=1e-12)


COLUMNS = (
    Feature("spread", "a", False),
    Feature("constant", "a", False),
    Feature("flag", "b", True),
    Feature("nowhere", "b", False),
    Feature("sometimes", "c", False),
)
NAN = math.nan
VALUES = np.array(
    [
        [0.0, 7, 0, NAN, NAN],
        [1.0, 7, 0, NAN, 1.0],
        [2.0, 7, 0, NAN, 2.0],
        [3.0, 7, 1, NAN, 3.0],
        [4.0, 7, 0, NAN, NAN],
    ]
)


def test_features_are_scaled_by_what_training_knows() -> None:
    train = made_rows(5, features=VALUES, columns=COLUMNS)
    scaling = Scaling.of(train)
    assert [column.name for column in scaling.columns] == ["spread", "flag", "sometimes"]
    asked = made_rows(
        3,
        features=np.array([[3.0, 9, 1, 5, 2.5], [99, 7, NAN, NAN, NAN], [-99, 7, 0, NAN, 2]]),
        columns=COLUMNS,
    )
    # Medians 2 and 2, quartiles 1 and 3, 1.5 and 2.5; within four, a flag as it is.
    assert scaling.scaled(asked).tolist() == [[0.5, 1, 0.5], [4, 0, 0], [-4, 0, 0]]
    assert scaling.with_unknown(asked)[:, 3].tolist() == [0, 1, 0]
    assert scaling.names_with_unknown == ["spread", "flag", "sometimes", "sometimes_is_unknown"]


@pytest.mark.parametrize("count", [1, 5, 50, 400])
def test_neighbours_are_those_of_a_search_through_all(count: int) -> None:
    rng = np.random.default_rng(count)
    # Few values, so that many distances are the same.
    points = rng.integers(0, 3, (300, 6)).astype(float) * 1e4
    queries = np.vstack([points[:70], rng.integers(0, 3, (60, 6)) * 1e4])
    places, distances = nearest_points(points, queries, count)
    for query, place, distance in zip(queries, places, distances, strict=True):
        apart = np.sqrt(((points - query) ** 2).sum(axis=1))
        expected = sorted(range(300), key=lambda one: (apart[one], one))[:count]
        assert place.tolist() == expected
        assert distance == pytest.approx(apart[expected], rel=1e-12, abs=0)


def memory_of(values: Floats, **given: object) -> Memory:
    return Memory.of(made_rows(len(values), features=values, **given))  # type: ignore[arg-type]


def test_neighbours_are_of_one_family_and_direction_and_weighed_by_distance() -> None:
    values = np.array([[0.0], [1], [2], [3], [4], [5]])
    train = made_rows(
        6,
        features=values,
        y=[0, 1, 2, 0, 1, 2],
        weight=[0.5, 1, 1, 1, 1, 1],
        family=["PM", "PM", "OR", "PM", "PM", "PM"],
        is_up=[True, True, True, True, False, True],
    )
    memory = Memory.of(train)
    iqr = 2.5
    asked = made_rows(
        3,
        features=np.array([[0.0], [2.0], [3.0]]),
        family=["PM", "OR", "SMA_200"],
        is_up=[True, True, True],
    )
    found = memory.nearest(asked, 3)
    assert found.place.tolist() == [[0, 1, 3], [2, -1, -1], [-1, -1, -1]]
    assert found.distance[0] == pytest.approx(np.array([0, 1, 3]) / iqr)
    weight = [0.5, math.exp(-1 / 18), math.exp(-1 / 2)]
    assert found.weight[0] == pytest.approx(weight)
    # A single neighbour at no distance has its whole uniqueness.
    assert found.weight[1].tolist() == [1, 0, 0]
    squares = weight[0] ** 2 / 0.5 + weight[1] ** 2 + weight[2] ** 2
    assert found.effective_n == pytest.approx([sum(weight) ** 2 / squares, 1, 0])
    shares = memory.shares(found, ODDS[:3])
    counted = np.array([weight[0] + weight[2], weight[1], 0]) + 5 * ODDS[0]
    assert shares[0] == pytest.approx(counted / (sum(weight) + 5))
    assert shares[1] == pytest.approx((np.array([0, 0, 1]) + 5 * ODDS[1]) / 6)
    assert shares[2] == pytest.approx(ODDS[2])


def test_of_equally_near_events_the_first_by_id_is_taken() -> None:
    memory = memory_of(np.array([[1.0], [0], [3], [2], [1]]))
    found = memory.nearest(made_rows(1, features=np.array([[1.5]])), 2)
    assert found.place.tolist() == [[0, 3]]


def test_features_of_one_group_weigh_as_one() -> None:
    rng = np.random.default_rng(1)
    values, asked = rng.normal(size=(40, 2)), rng.normal(size=(9, 2))
    single = [Feature("a", "a", False), Feature("b", "b", False)]
    repeated = [*single, Feature("b2", "b", False), Feature("b3", "b", False)]
    places = [0, 1, 1, 1]
    found = [
        memory_of(values[:, chosen], columns=columns).nearest(
            made_rows(9, features=asked[:, chosen], columns=columns)
        )
        for columns, chosen in ((single, [0, 1]), (repeated, places))
    ]
    assert found[0].place.tolist() == found[1].place.tolist()
    assert np.allclose(found[0].distance, found[1].distance, rtol=1e-12, equal_nan=True)


def test_permuted_classes_stay_in_their_session() -> None:
    train = made_rows(200, session=np.repeat(np.arange(4), 50).tolist())
    y = Knn.fit_permuted(train).memory.rows.y
    assert (y != train.y).any()
    for session in range(4):
        inside = train.session == session
        assert sorted(y[inside]) == sorted(train.y[inside])
    rng = np.random.default_rng(7)
    assert y.tolist() == [
        one for session in range(4) for one in rng.permutation(train.y[train.session == session])
    ]


def test_trees_on_the_random_walk_say_what_it_says_where_there_is_nothing_to_learn() -> None:
    rows = made_rows(150)
    fitted = Trees.fit_on_null(rows)
    assert fitted.predict(rows) == pytest.approx(rows.p_null, abs=0.05)
    few = rows.take(np.arange(60))
    assert Trees.fit_on_null(few).predict(rows) == pytest.approx(rows.p_null, rel=1e-9)
    assert Trees.fit(few).predict(rows) == pytest.approx(
        np.tile(BaseRate.fit(few).shares, (150, 1)), rel=1e-5
    )
    assert {one.gain for one in Trees.fit(few).importances()} == {0.0}


@pytest.mark.parametrize("fit", [Trees.fit, Trees.fit_on_null, Logit.fit, Knn.fit])
def test_every_model_finds_what_one_feature_tells(fit) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(1500, 4))
    lean = np.sign(values[:, 1])
    rows = made_rows(
        1500,
        features=values,
        drawn_from=lambda p: p * np.exp(np.column_stack([lean, -lean, 0 * lean])),
    )
    train, test = rows.take(np.arange(1200)), rows.take(np.arange(1200, 1500))
    fitted = fit(train)
    p = fitted.predict(test)
    assert p.sum(axis=1) == pytest.approx(np.ones(300))
    is_up = test.features[:, 1] > 0
    assert (p[is_up] - p[~is_up][:1]).mean(axis=0)[0] > 0.02
    by_feature: dict[str, float] = {}
    for one in fitted.importances():
        size = abs(one.gain or one.coefficient or 0.0)
        by_feature[one.feature] = by_feature.get(one.feature, 0.0) + size
    assert not by_feature or max(by_feature, key=by_feature.__getitem__) == "f1"
    assert fitted.predict(replace(test, y=test.y * 0)).tolist() == p.tolist()
