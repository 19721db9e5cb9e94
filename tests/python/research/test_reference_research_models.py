"""The reference's models and their calibration, on cases worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import reference_research
from reference_research import FITTED, KEYS, expected_run
from reference_research.calibration import Judged, best_a, blended, fit_null, objective
from reference_research.inputs import Feature, examples, softmax
from reference_research.logit import fit_multinomial
from reference_research.neighbours import (
    all_kept,
    effective_n,
    kernel,
    permuted,
    share,
)
from reference_research.rates import base_rate, tod_rate
from reference_research.scaling import by_group, quantile, scaled
from reference_research.trees import fit, importances, predict
from research.handmade_examples import day, hand, made_gold
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

NUM = Feature("x", "ofi", False)
NAN = math.nan


def test_the_reference_shares_no_code_with_the_project() -> None:
    modules = sorted(Path(reference_research.__file__).parent.glob("*.py"))
    assert len(modules) > 5
    assert [m.name for m in modules if "es_physics" in m.read_text(encoding="utf-8")] == []


def test_a_base_rate_is_weighted() -> None:
    train = hand([0, 1, 1, 2], weight=[1.0, 0.25, 0.25, 0.5])
    assert base_rate(train) == pytest.approx([0.5, 0.25, 0.25])


def test_a_half_hour_is_drawn_to_the_base_rate_by_ten_events() -> None:
    # 29.9 and 30 minutes are of two cells, and so are the directions.
    train = hand([0, 1, 1, 1], minutes=[29.9, 30.0, 59.0, 0.0], direction=["UP"] * 3 + ["DOWN"])
    asked = hand([0] * 4, minutes=[0.0, 45.0, 0.0, 60.0], direction=["UP", "UP", "DOWN", "UP"])
    assert tod_rate(train, asked) == pytest.approx(
        np.array([[3.5, 7.5, 0], [2.5, 9.5, 0], [2.5, 8.5, 0], [2.75, 8.25, 0]])
        / np.array([[11], [12], [11], [11]])
    )


def test_columns_are_scaled_by_what_train_knows() -> None:
    names = ("x", "same", "flag", "unknown")
    train = hand(
        [0] * 6,
        {
            "x": [0.0, 1.0, 2.0, 3.0, 4.0, NAN],
            "same": [1.0, 1.0, 1.0, 1.0, 9.0, NAN],
            "flag": [0.0, 0.0, 1.0, 0.0, NAN, 0.0],
            "unknown": [NAN] * 6,
        },
    )
    values = {"x": [2.0, 100.0, -7.0, NAN], "flag": [1.0, NAN, 0.0, 1.0]}
    asked = hand([0] * 4, values | dict.fromkeys(("same", "unknown"), [5.0] * 4))
    features = [Feature(name, name, name == "flag") for name in names]
    columns, others, named = scaled(train, asked, features, with_unknown=True)
    assert [name for name, _ in named] == ["x", "x_is_unknown", "flag", "flag_is_unknown"]
    assert [group for _, group in named] == ["x", "x", "flag", "flag"]
    assert columns[:, 0].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0, 0.0]
    assert columns[:, 1].tolist() == [0, 0, 0, 0, 0, 1]
    assert columns[:, 3].tolist() == [0, 0, 0, 0, 1, 0]
    assert others.tolist() == [[0, 0, 1, 0], [4, 0, 0, 1], [-4, 0, 0, 0], [0, 1, 1, 0]]
    _, without, named = scaled(train, asked, features, with_unknown=False)
    assert named == [("x", "x"), ("flag", "flag")]
    assert without.tolist() == [[0, 1], [4, 0], [-4, 0], [0, 1]]


def test_quantiles_are_numpys() -> None:
    values = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0]
    for q in (0.25, 0.5, 0.75):
        assert quantile(values, q) == pytest.approx(np.quantile(values, q), rel=1e-15)


def test_a_group_weighs_as_one_feature() -> None:
    columns = by_group(np.ones((1, 5)), [(name, name[0]) for name in ("a1", "a2", "a3", "a4", "b")])
    assert columns.tolist() == [[0.5, 0.5, 0.5, 0.5, 1.0]]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_regression_is_at_the_optimum_of_scikit_learns(classes: int) -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(300, 4))
    y = rng.integers(0, classes, 300) * (columns[:, 0] > -0.5)
    weight = rng.uniform(0.2, 1, 300)
    ours = fit_multinomial(columns, y, weight, classes)
    model = LogisticRegression(C=0.001, tol=1e-8, max_iter=2000).fit(columns, y, weight)
    p = softmax(np.column_stack([columns, np.ones(300)]) @ ours)
    assert p == pytest.approx(model.predict_proba(columns), abs=1e-6)
    assert np.abs(p[:, 0] - 1 / classes).max() > 0.1


def test_trees_without_room_for_a_split_know_their_start_alone() -> None:
    rng = np.random.default_rng(2)
    p_null = rng.dirichlet((2.0, 2.0, 2.0), size=150)
    rows = hand(rng.integers(0, 3, 150), {"x": rng.normal(size=150)}, p_null=p_null)
    on_null = fit(rows, [NUM], on_null=True)
    alone = fit(rows, [NUM], on_null=False)
    # Below 200 events no leaf can be parted. The walk stands; what begins at nothing finds shares.
    assert predict(on_null, rows, [NUM], on_null=True) == pytest.approx(p_null, abs=1e-12)
    assert predict(alone, rows, [NUM], on_null=False) == pytest.approx(
        np.tile(base_rate(rows), (150, 1)), abs=1e-6
    )
    assert importances(on_null) == [("x", 0.0, 0)]


def test_trees_find_what_the_walk_does_not_say() -> None:
    events = examples(made_gold(sessions=60), "scaled")
    features = [Feature("half_known", "voi", False), Feature("with_side", "ofi", False)]
    booster = fit(events, features, on_null=True)
    shares = {name: gain for name, gain, _ in importances(booster)}
    assert shares["with_side"] > 0.5
    assert sum(shares.values()) == pytest.approx(1)
    p = predict(booster, events, features, on_null=True)
    up = events.features["with_side"] > 1
    assert (p[up, 0] > events.p_null[up, 0]).all()


def test_nearness_weighs_by_the_square_of_the_distance() -> None:
    half = math.exp(-0.5)
    assert kernel([0.0, 1.0, 2.0], [1.0, 0.5, 1.0]) == pytest.approx(
        [1.0, 0.5 * math.exp(-1 / 8), half]
    )
    # All at one place: what they weigh by themselves.
    assert kernel([0.0, 0.0], [0.5, 0.25]) == [0.5, 0.25]
    assert kernel([], []) == []


def test_effective_events_are_those_of_full_weight() -> None:
    assert effective_n([0.5, 0.5], [0.5, 0.5]) == pytest.approx(1.0)
    assert effective_n([1.0, 1.0, 0.0], [1.0, 1.0, 1.0]) == pytest.approx(2.0)
    assert effective_n([], []) == 0


def test_neighbours_are_of_the_same_level_and_direction() -> None:
    train = hand(
        [0, 1, 1, 2],
        {"x": [0.0, 4.0, 8.0, 2.0]},
        family=["PM", "PM", "OR", "PM"],
        direction=["UP", "UP", "UP", "DOWN"],
    )
    asked = hand([0] * 2, {"x": [4.0, 4.0]}, family=["PM", "SMA_200"])
    found, lonely = all_kept(train, asked, [NUM])
    # Median 3, IQR 3.5: the second event stands at the asked one, the first at its distance.
    assert found.place == [1, 0]
    assert found.distance == pytest.approx([0.0, 4 / 3.5])
    v = math.exp(-0.5)
    assert share(found, train.y, asked.p_null[0]) == pytest.approx(
        np.array([v + 5 / 3, 1 + 5 / 3, 5 / 3]) / (1 + v + 5)
    )
    assert lonely.place == []
    assert lonely.farthest is None
    assert share(lonely, train.y, asked.p_null[1]).tolist() == [1 / 3] * 3


def test_fifty_are_kept_and_of_equal_ones_the_first() -> None:
    train = hand([0] * 70, {"x": [1.0] * 30 + [2.0] * 40})
    asked = hand([0], {"x": [2.0]})
    reverse = train.where(np.arange(70)[::-1])
    (found,) = all_kept(reverse, asked, [NUM])
    names = [str(reverse.event_id[place]) for place in found.place]
    assert names == [f"e{i:03d}" for i in [*range(30, 70), *range(10)]]
    assert found.farthest == pytest.approx(1.0)


def test_classes_are_exchanged_within_their_session() -> None:
    rng = np.random.default_rng(5)
    session = [day(i // 40) for i in range(120)]
    train = hand(rng.integers(0, 3, 120), session=session)
    other = permuted(train)
    assert (other != train.y).any()
    for number in range(3):
        own = slice(40 * number, 40 * number + 40)
        assert sorted(other[own]) == sorted(train.y[own])
    again = np.random.default_rng(7)
    assert other[:40].tolist() == train.y[:40][again.permutation(40)].tolist()
    assert other[40:80].tolist() == train.y[40:80][again.permutation(40)].tolist()


def test_the_walk_is_left_as_it_is_where_nothing_is_seen() -> None:
    nothing = fit_null(np.zeros((0, 3)), np.zeros(0, dtype=int), np.zeros(0))
    assert nothing.slope == 1
    assert nothing.bias.tolist() == [0, 0, 0]
    p = np.array([[0.2, 0.3, 0.5]])
    assert nothing(p) == pytest.approx(p)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_walk_is_calibrated_at_the_optimum(classes: int) -> None:
    rng = np.random.default_rng(6)
    p_null = rng.dirichlet([2.0] * classes, size=400)
    y = (p_null.cumsum(axis=1) < rng.random(400)[:, None]).sum(axis=1) % classes
    y = np.where(rng.random(400) < 0.3, 0, y)
    weight = rng.uniform(0.2, 1, 400)
    found = fit_null(p_null, y, weight)
    best = minimize(
        objective, np.eye(classes)[0], args=(np.log(p_null), y, weight), method="BFGS", tol=1e-9
    )
    assert [found.slope, *found.bias[:-1]] == pytest.approx(best.x, abs=1e-5)
    assert found.bias[-1] == 0
    assert found.bias[0] > 0.3


def test_a_walk_that_is_wrong_is_not_turned_round() -> None:
    rng = np.random.default_rng(8)
    p_null = rng.dirichlet((1.0, 1.0), size=2000)
    y = p_null.argmin(axis=1)
    held = fit_null(p_null, y, np.ones(2000))
    assert held.slope == 0.05
    # The biases are at their own optimum there.
    costs = [
        objective(np.array([0.05, held.bias[0] + shift]), np.log(p_null), y, np.ones(2000))
        for shift in (-1e-3, 0.0, 1e-3)
    ]
    assert costs[1] < min(costs[0], costs[2])


def judged(p_raw: np.ndarray, q: np.ndarray, y: np.ndarray) -> Judged:
    return Judged(p_raw, q, y, np.ones(len(y)))


def test_a_model_goes_as_far_from_the_walk_as_events_ask() -> None:
    q = np.full((4, 2), 0.5)
    p_raw = np.tile([0.6, 0.4], (4, 1))
    # Three of four: the logit ln 3 is a times ln 1.5, beyond 2; of 9 in 13 it is exactly 2.
    assert best_a([judged(p_raw, q, np.array([0, 0, 0, 1]))]) == 2
    assert best_a([judged(p_raw, q, np.array([0, 0, 1, 1]))]) == 0
    assert best_a([judged(p_raw, q, np.array([0, 1, 1, 1]))]) == 0
    y = np.array([0, 0, 0, 1, 1])
    five = judged(np.tile([0.6, 0.4], (5, 1)), np.full((5, 2), 0.5), y)
    assert best_a([five]) == pytest.approx(1, abs=1e-10)
    assert blended(p_raw, q, 2.0)[0].tolist() == pytest.approx([9 / 13, 4 / 13])


def test_earlier_folds_are_judged_by_their_own_predictions() -> None:
    y = np.array([0, 0, 0, 1, 1])
    p_raw, q = np.tile([0.6, 0.4], (5, 1)), np.full((5, 2), 0.5)
    same = judged(p_raw, q, y)
    turned = judged(p_raw[:, ::-1], q, y)
    assert best_a([same, turned]) == 0
    assert best_a([same, same, turned]) == pytest.approx(math.log(8 / 7) / math.log(1.5), abs=1e-10)


def test_what_is_impossible_is_a_millionth() -> None:
    p = blended(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]), 1.0)
    assert p[0, 0] == pytest.approx(1e-6, rel=1e-5)


@pytest.fixture(scope="module")
def run() -> dict[str, pl.DataFrame]:
    candidates = [(model, "full") for model in FITTED] + [("lightgbm_null", "ta")]
    return expected_run(made_gold(), ["scaled", "tradeable_1"], candidates)


def test_a_run_predicts_the_scored_events_of_test(run: dict[str, pl.DataFrame]) -> None:
    gold = made_gold()
    for name, keys in KEYS.items():
        assert run[name].height
        assert not run[name].select(keys).is_duplicated().any(), name
    p = run["predictions"]
    total = p.group_by("fold", "target", "model", "feature_set", "event_id").agg(pl.col("p").sum())
    assert total["p"].to_numpy() == pytest.approx(1)
    test = gold.folds.filter(role="test").select("fold", "session_date")
    scored = gold.event_targets.filter(pl.col("target") == "scaled", "is_scored")
    wanted = test.join(gold.event_matrix, "session_date").join(scored, "event_id")
    one = p.filter(target="scaled", model="knn", **{"class": "CHOP"})
    assert set(one.select("fold", "event_id").rows()) == set(
        wanted.select("fold", "event_id").rows()
    )
    assert p.filter(target="tradeable_1")["class"].unique().sort().to_list() == ["NO", "YES"]
    groups = p.select("model", "feature_set").unique()
    assert groups.height == 4 + 6
    assert p.filter(model="null")["feature_set"].unique().to_list() == ["none"]


def test_calibration_is_of_this_and_all_earlier_folds(run: dict[str, pl.DataFrame]) -> None:
    table = run["calibration"].filter(target="scaled", model="knn").sort("fold")
    events = examples(made_gold(), "scaled")
    counts = [len(events.of_sessions([day(6 + 3 * k), day(7 + 3 * k)])) for k in range(2)]
    assert table["events"].to_list() == [counts[0], sum(counts)]
    assert table["a"].is_between(0, 2).all()
    assert run["calibration"].filter(model="null_calibrated")["slope"].null_count() == 0


def test_permuted_neighbours_are_less_sure(run: dict[str, pl.DataFrame]) -> None:
    raw = run["predictions"].filter(target="scaled")
    knn, null_knn, walk = (raw.filter(model=m)["p_raw"] for m in ("knn", "null_knn", "null"))
    assert not knn.equals(null_knn)
    assert (knn - walk).abs().mean() > 0.01
