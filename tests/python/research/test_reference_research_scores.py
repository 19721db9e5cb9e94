"""The reference's scores, on cases worked by hand, and how its tables hold together."""

from __future__ import annotations

import hashlib
import math
from statistics import fmean, stdev

import numpy as np
import polars as pl
import pytest
from reference_research import SCORE_KEYS, expected_run, expected_scores
from reference_research.by_session import (
    clustered_error,
    deflated,
    deflated_of,
    drawn,
    draws,
    luck,
    middle,
    moments,
    resampled_skill,
    t_of,
)
from reference_research.edge import Payoffs, edge
from reference_research.inputs import Gold
from reference_research.losses import brier_scores, log_losses, move_losses, side_losses
from reference_research.ranking import auc, bin_rows, bins_of, ece, lift
from research.handmade_examples import day, made_gold
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

ONES = np.ones(4)


def test_losses_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet((1.0, 1.0, 1.0), size=50)
    y = rng.integers(0, 3, 50)
    weight = rng.uniform(0.2, 1, 50)
    ours = [np.average(loss(p, y), weights=weight) for loss in (log_losses, brier_scores)]
    assert ours[0] == pytest.approx(log_loss(y, p, sample_weight=weight, labels=[0, 1, 2]))
    assert ours[1] == pytest.approx(
        brier_score_loss(y, p, sample_weight=weight, labels=[0, 1, 2], scale_by_half=False)
    )


def test_what_was_impossible_costs_as_much_as_a_millionth() -> None:
    p = np.array([[0.0, 1.0]])
    assert log_losses(p, np.array([0])) == pytest.approx(6 * math.log(10))
    assert log_losses(p, np.array([1])) == 0


def test_move_and_side_add_up_to_the_loss() -> None:
    p = np.array([[0.2, 0.3, 0.5]] * 3)
    y = np.array([0, 1, 2])
    assert move_losses(p, y) == pytest.approx([math.log(2), math.log(2), math.log(2)])
    assert side_losses(p, y) == pytest.approx([math.log(2.5), math.log(5 / 3), 0.0])
    assert move_losses(p, y) + side_losses(p, y) == pytest.approx(log_losses(p, y))


def test_areas_count_weighted_pairs_and_ties_half() -> None:
    p = np.array([0.9, 0.5, 0.5, 0.1])
    came = np.array([True, True, False, False])
    assert auc(p, came, ONES) == pytest.approx(3.5 / 4)
    # Pairs: .9 over both, .5 a tie with weight 3 and over .1 with weight 1.
    assert auc(p, came, np.array([1.0, 1.0, 3.0, 1.0])) == pytest.approx((4 + 1.5 + 1) / 8)
    assert auc(p, came, np.array([2.0, 1.0, 3.0, 1.0])) == pytest.approx((8 + 1.5 + 1) / 12)
    rng = np.random.default_rng(2)
    p, came, weight = rng.integers(0, 30, 200) / 30, rng.random(200) < 0.3, rng.random(200)
    assert auc(p, came, weight) == pytest.approx(roc_auc_score(came, p, sample_weight=weight))
    p = p[:4]
    assert auc(p, np.array([False] * 4), ONES) is None
    assert auc(p, np.array([True] * 4), ONES) is None


def test_bins_are_of_minimum_ranks() -> None:
    assert bins_of(np.arange(20.0)).tolist() == [n // 2 for n in range(20)]
    # Four are equal from the third place on: rank 3, bin floor(10*2/8) = 2.
    assert bins_of(np.array([0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.7, 0.6])).tolist() == [
        *(0, 1, 2, 2, 2, 2, 8, 7)
    ]
    assert bins_of(np.array([1.0] * 5)).tolist() == [0] * 5
    assert bins_of(np.arange(6.0), 4).tolist() == [0, 0, 1, 2, 2, 3]


def test_calibration_errors_are_weighted_within_bins() -> None:
    p = np.array([0.2, 0.2, 0.2, 0.8])
    came = np.array([True, False, False, True])
    weight = np.array([2.0, 1.0, 1.0, 4.0])
    rows = bin_rows(p, came, weight)
    assert [row["bin"] for row in rows] == [0, 7]
    assert rows[0] == pytest.approx(
        {"bin": 0, "events": 3, "weight": 4.0, "mean_p": 0.2, "share": 0.5}
    )
    assert ece(p, came, weight) == pytest.approx((4 * 0.3 + 4 * 0.2) / 8)


def test_lift_is_of_the_top_tenth_of_weight() -> None:
    p = np.linspace(0, 1, 10)
    came = np.arange(10) >= 8
    assert lift(p, came, np.ones(10)) == pytest.approx(5.0)
    # All of one value: each counts in proportion, and nothing is lifted.
    assert lift(np.full(10, 0.3), came, np.ones(10)) == pytest.approx(1.0)
    # The first fills half of the tenth, the two behind it the other half by their weight.
    weight = np.array([0.5, 1.0, 3.0, 5.5])
    tied = np.array([0.9, 0.8, 0.8, 0.1])
    at_cut = np.array([False, True, False, True])
    assert lift(tied, at_cut, weight) == pytest.approx(0.5 * 0.25 / 0.65)
    assert lift(p, np.zeros(10, dtype=bool), np.ones(10)) is None


def test_a_t_needs_two_sessions_that_differ() -> None:
    assert t_of([1.0, 2.0, 3.0]) == pytest.approx(2 * math.sqrt(3))
    assert t_of([1.0]) is None
    assert t_of([0.5, 0.5]) is None


def test_errors_are_clustered_by_session() -> None:
    # Sums 1 and 3 of weights 1 and 1: residuals -1 and 1.
    assert clustered_error([1.0, 3.0], [1.0, 1.0]) == pytest.approx(math.sqrt(2 * 2) / 2)
    assert clustered_error([1.0], [1.0]) is None


def test_resamples_are_drawn_by_md5() -> None:
    text = hashlib.md5(b"7|2000|4").hexdigest()
    assert drawn(2000, 4, 5) == int(text[:8], 16) % 5
    table = draws(5)
    assert table.shape == (2000, 5)
    assert table[0].tolist() == [drawn(1, i, 5) for i in range(5)]
    assert np.bincount(table.ravel()) == pytest.approx(2000, abs=200)


def test_the_interval_of_one_session_is_a_point() -> None:
    skill = resampled_skill(np.array([0.9]), np.array([1.0]))
    assert middle(skill) == pytest.approx((0.1, 0.1))
    wide = resampled_skill(np.array([0.9, 1.1]), np.array([1.0, 1.0]))
    assert middle(wide) == pytest.approx((-0.1, 0.1))


def test_moments_are_those_of_a_population() -> None:
    assert moments([0.0, 0.0, 0.0, 4.0]) == pytest.approx((2 / math.sqrt(3), 7 / 3))


@pytest.mark.parametrize(("trials", "level"), [(100, 0.900397), (46, 0.950502)])
def test_the_deflated_ratio_is_that_of_its_authors(trials: int, level: float) -> None:
    variance = 0.5 / 250
    found = deflated(2.5 / math.sqrt(250), 1250, trials, -3, 10, variance)
    assert found == pytest.approx(level, abs=5e-7)
    assert luck(100, variance) == pytest.approx(0.113172, abs=5e-7)


def test_one_trial_needs_no_luck() -> None:
    assert luck(1, 1.0) == 0
    assert luck(2, 1.0) > 0
    gains = [0.3, -0.1, 0.2, 0.1]
    r = fmean(gains) / stdev(gains)
    assert deflated_of(gains, 1) == pytest.approx(deflated(r, 4, 1, *moments(gains), 0.25))
    assert deflated_of(gains, 50) < deflated_of(gains, 1)
    assert deflated_of([0.1], 1) is None
    # A skewed and steady gain: the root has no argument.
    assert deflated(1.0, 10, 1, 2.0, 2.0, 0.1) is None


def test_an_edge_is_paid_from_spot() -> None:
    payoffs = Payoffs(np.full(4, 6.0), np.array([1.0, 1.0, 1.0, -1.0]), np.full(4, 0.5))
    # Spot a point beyond the level: five points to break, seven to bounce.
    p = np.array([[0.7, 0.1, 0.2], [0.1, 0.7, 0.2], [7 / 12, 5 / 12, 0.0], [0.1, 0.0, 0.9]])
    assert payoffs.expected(p) == pytest.approx([2.8, -4.4, 0.0, 0.7])
    assert payoffs.came(np.array([0, 1, 2, 1])).tolist() == [5.0, -7.0, 0.5, -5.0]
    session = np.array([day(0), day(0), day(1), day(1)], dtype=object)
    found = edge(payoffs, p, np.array([0, 0, 2, 2]), session)
    # Bought and broke: 5 - .375; sold and broke: -5 - .375; not acted on; bought and faded: .5.
    assert found["acted"] == 3
    assert found["mean_net_points"] == pytest.approx((5 - 5 + 0.5) / 3 - 0.375)
    mean = 0.5 / 3
    error = math.sqrt(2 * ((0 - 2 * mean) ** 2 + (0.5 - mean) ** 2)) / 3
    assert found["t"] == pytest.approx((mean - 0.375) / error)
    nothing = edge(payoffs, np.tile([0.0, 0.0, 1.0], (4, 1)), np.zeros(4, dtype=int), session)
    assert nothing == {"acted": 0, "mean_net_points": None, "t": None}


@pytest.fixture(scope="module")
def gold() -> Gold:
    return made_gold(sessions=23, events=24, planted=4.0)


@pytest.fixture(scope="module")
def run(gold: Gold) -> dict[str, pl.DataFrame]:
    candidates = [("knn", "full"), ("knn", "ta"), ("lightgbm_null", "full")]
    tables = expected_run(gold, ["scaled", "tradeable_1"], candidates)
    return {name: table.with_columns(run_id=pl.lit("r")) for name, table in tables.items()}


@pytest.fixture(scope="module")
def scored(gold: Gold, run: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    trials = pl.DataFrame(
        {
            "run_id": ["r", "r", "r", "s", "r"],
            "target": ["scaled"] * 4 + ["fixed"],
            "model": ["knn", "knn", "lightgbm_null", "logit", "logit"],
            "feature_set": ["full", "ta", "full", "full", "full"],
        }
    )
    return expected_scores(gold, run["predictions"], run["neighbours"], trials)


def test_every_table_has_its_keys(scored: dict[str, pl.DataFrame]) -> None:
    assert set(scored) == set(SCORE_KEYS)
    for name, keys in SCORE_KEYS.items():
        assert scored[name].height, name
        assert not scored[name].select(keys).is_duplicated().any(), name


def test_scores_come_from_session_gains(scored: dict[str, pl.DataFrame]) -> None:
    of = ["run_id", "target", "model", "feature_set"]
    whole = scored["scores"].filter(stratum_kind="all").sort(of)
    sums = scored["session_gains"].group_by(of).agg(pl.col("^(weight|loss).*$").sum()).sort(of)
    assert whole["effective_n"].to_numpy() == pytest.approx(sums["weight"].to_numpy())
    for name in ("", "_base_rate", "_null", "_null_calibrated"):
        mean = (sums[f"loss{name}"] / sums["weight"]).to_numpy()
        assert whole[f"log_loss{name}"].to_numpy() == pytest.approx(mean)
    skill = 1 - whole["log_loss"] / whole["log_loss_null_calibrated"]
    assert whole["skill"].to_numpy() == pytest.approx(skill.to_numpy(), abs=1e-12)


def test_gains_of_move_and_side_add_up(scored: dict[str, pl.DataFrame]) -> None:
    rows = scored["scores"].filter(pl.col("log_loss").is_not_null())
    of_barriers = rows.filter(target="scaled")
    total = of_barriers["gain_move"] + of_barriers["gain_side"]
    gain = of_barriers["log_loss_null_calibrated"] - of_barriers["log_loss"]
    assert total.to_numpy() == pytest.approx(gain.to_numpy(), abs=1e-12)
    assert rows.filter(target="tradeable_1")["gain_move"].null_count() > 0


def test_the_walk_is_no_better_than_itself(scored: dict[str, pl.DataFrame]) -> None:
    walk = scored["scores"].filter(model="null_calibrated", stratum_kind="all")
    assert walk["skill"].to_list() == [0, 0]
    assert walk["ece"].to_list() == walk["ece_null_calibrated"].to_list()
    for name in ("skill_t", "skill_z", "deflated"):
        assert walk[name].null_count() == walk.height


def test_few_events_are_counted_alone(scored: dict[str, pl.DataFrame]) -> None:
    few = scored["scores"].filter(pl.col("effective_n") < 50)
    assert few.height
    shown = [name for name in few.columns if few[name].null_count() < few.height]
    assert set(shown) == {*SCORE_KEYS["scores"], "events", "effective_n", "sessions", "trials"}
    assert scored["scores"].filter(pl.col("effective_n") >= 50)["skill"].null_count() == 0


def test_a_planted_side_is_found_as_one(scored: dict[str, pl.DataFrame]) -> None:
    rows = scored["scores"].filter(target="scaled", stratum_kind="all")
    near = rows.filter(model="knn", feature_set="full").row(0, named=True)
    assert near["side_t"] > 3
    assert near["skill_t"] > 3
    assert near["skill_low"] > 0.05
    assert near["deflated"] > 0.95
    assert near["trials"] == 4
    assert near["skill_low"] < near["skill"] < near["skill_high"]
    without = rows.filter(model="knn", feature_set="ta").row(0, named=True)
    assert without["skill"] < near["skill"] / 10
    assert without["skill_low"] < 0


def test_a_set_is_less_than_the_whole_by_what_it_lacks(scored: dict[str, pl.DataFrame]) -> None:
    row = scored["ablations"].filter(target="scaled").row(0, named=True)
    assert (row["model"], row["feature_set"]) == ("knn", "ta")
    assert row["difference"] == pytest.approx(row["skill"] - row["skill_full"])
    assert row["difference_low"] < row["difference"] < row["difference_high"] < 0


def test_quartiles_of_nearness_are_a_quarter_each(scored: dict[str, pl.DataFrame]) -> None:
    rows = scored["similarity"].filter(target="scaled", feature_set="full")
    assert rows["quartile"].to_list() == [1, 2, 3, 4]
    whole = scored["scores"].filter(model="knn", target="scaled", feature_set="full")
    assert rows["events"].sum() == whole.filter(stratum_kind="all")["events"][0]
    assert rows["events"].to_numpy() == pytest.approx(rows["events"].sum() / 4, rel=0.2)


def test_only_barriers_can_be_traded(scored: dict[str, pl.DataFrame]) -> None:
    assert scored["edge"]["target"].unique().to_list() == ["scaled"]
    assert scored["edge"]["acted"].max() > 0
