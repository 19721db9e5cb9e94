"""Runs and scores of a small gold with a planted side: every table against the reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from conftest import run_es_physics
from gold.gold_builds import GoldBuild, run_evaluation, run_gold
from gold.made_silver import FIRST_DAY, made_tables, write_session
from reference import compare
from reference_research import (
    FITTED,
    KEYS,
    SCORE_KEYS,
    Gold,
    expected_run,
    expected_scores,
)

from es_physics.project import project_vars

pytestmark = pytest.mark.market

SESSIONS, EVENTS = 26, 32
TARGETS = ("scaled", "tradeable_1")
SMALL = {
    "min_train": 10,
    "calibration_sessions": 4,
    "test_sessions": 4,
    "prior_sessions": 6,
    "prior_min": 3,
}
OTHER_SETS = ("stage_b", "stage_a", "ta", "mechanics", "geometry")
CANDIDATES = [
    *((model, "full") for model in FITTED),
    *(("lightgbm_null", name) for name in OTHER_SETS),
]

RUNS = (
    ("--target", *TARGETS),
    ("--target", "scaled", "--models", "knn", "--feature-sets", "ta"),
)


def planted_silver(root: Path) -> None:
    """Made sessions, in which one feature of the book knows the side that the price will take."""
    day = FIRST_DAY
    for number in range(SESSIONS):
        tables = made_tables(day, number, EVENTS, placebos_per_event=0)
        features = tables["level_event_features"]
        outcome = tables["level_event_labels"].select("event_id", "scaled_outcome_100")
        sign = tables["level_events"].select("event_id", "dir_sign")
        side = pl.col("scaled_outcome_100").replace_strict(
            {"BREAK": 1.5, "BOUNCE": -1.5}, default=0.0, return_dtype=pl.Float64
        )
        tables["level_event_features"] = (
            features.join(outcome, "event_id", maintain_order="left")
            .join(sign, "event_id", maintain_order="left")
            .with_columns(pl.col("voi_integrated_240s") + pl.col("dir_sign") * side.fill_null(0.0))
            .select(features.columns)
        )
        write_session(root, day, tables, build_vars=project_vars())
        day += timedelta(days=3 if day.weekday() == 4 else 1)


@dataclass(frozen=True)
class Published:
    """A gold root with two runs and their scores."""

    built: GoldBuild
    scored: GoldBuild

    def gold(self) -> Gold:
        names = ("event_matrix", "event_targets", "event_outcomes", "feature_sets", "folds")
        return Gold(*map(self.built.table, names))

    def trials(self) -> pl.DataFrame:
        return pl.read_parquet(self.built.root / "trials.parquet", glob=False)

    def of_runs(self, name: str) -> pl.DataFrame:
        """A file of every run, one below the other."""
        files = sorted(self.built.root.glob(f"runs/*/{name}.parquet"))
        assert len(files) == len(RUNS)
        return pl.concat([pl.read_parquet(file, glob=False) for file in files])

    def run_id(self, candidate: tuple[str, str]) -> str:
        """The run that fitted a model on a set."""
        model, feature_set = candidate
        runs = self.of_runs("calibration").filter(model=model, feature_set=feature_set)
        (run_id,) = runs["run_id"].unique()
        return str(run_id)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    work = tmp_path_factory.mktemp("research")
    planted_silver(work / "silver")
    gold = ("build", "--select", "gold", "--exclude-resource-type", "unit_test")
    built = run_gold(*gold, silver=work / "silver", work=work / "build", given=SMALL)
    assert built.returncode == 0, built.output
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ES_GOLD_ROOT", str(built.root))
        for arguments in RUNS:
            finished = run_es_physics("research", *arguments)
            assert finished.returncode == 0, finished.stdout + finished.stderr
    scored = run_evaluation(gold=built.root, work=work / "build")
    assert scored.returncode == 0, scored.output
    return Published(built, scored)


@pytest.fixture(scope="module")
def runs(published: Published) -> dict[str, pl.DataFrame]:
    """The tables of all runs as the reference has them."""
    gold = published.gold()
    first = published.run_id(("knn", "full"))
    second = published.run_id(("knn", "ta"))
    assert first != second
    found = (
        (first, expected_run(gold, TARGETS, CANDIDATES)),
        (second, expected_run(gold, ["scaled"], [("knn", "ta")])),
    )
    return {
        name: pl.concat(
            [
                tables[name].with_columns(run_id=pl.lit(run_id))
                for run_id, tables in found
                if tables[name].height
            ],
            how="diagonal",
        )
        for name in KEYS
    }


# lbfgs ends at a gradient of 1e-8; Newton's method, on the fold's walk, likewise.
ATOL_LOGIT = {"predictions": 1e-6, "calibration": 1e-6, "importances": 1e-6}
ATOL = 1e-9


@pytest.mark.parametrize("name", KEYS)
def test_a_file_of_a_run_equals_the_reference(
    name: str, published: Published, runs: dict[str, pl.DataFrame]
) -> None:
    actual, expected = published.of_runs(name), runs[name]
    keys = ["run_id", *KEYS[name]]
    assert set(expected.columns) <= set(actual.columns)
    if "model" not in keys:
        assert compare(expected, actual, keys, atol=ATOL) == []
        return
    is_logit = pl.col("model") == "logit"
    assert compare(expected.filter(~is_logit), actual.filter(~is_logit), keys, atol=ATOL) == []
    assert (
        compare(
            *(table.filter(is_logit) for table in (expected, actual)), keys, atol=ATOL_LOGIT[name]
        )
        == []
    )


@pytest.fixture(scope="module")
def scores(published: Published) -> dict[str, pl.DataFrame]:
    """The scores of what was published, so that no difference of a model is in them."""
    return expected_scores(
        published.gold(),
        published.of_runs("predictions"),
        published.of_runs("neighbours"),
        published.trials(),
    )


@pytest.mark.parametrize("name", SCORE_KEYS)
def test_a_table_of_scores_equals_the_reference(
    name: str, published: Published, scores: dict[str, pl.DataFrame]
) -> None:
    actual = published.scored.table(name)
    assert set(scores[name].columns) <= set(actual.columns)
    assert compare(scores[name], actual, SCORE_KEYS[name]) == []


def test_gains_of_sessions_add_up_to_those_of_all(published: Published) -> None:
    of = ["run_id", "target", "model", "feature_set"]
    gains = published.scored.table("session_gains").group_by(of)
    sums = gains.agg(pl.col("gain_move", "gain_side").sum() / pl.col("weight").sum()).sort(of)
    whole = published.scored.table("scores").filter(stratum_kind="all").sort(of)
    for name in ("gain_move", "gain_side"):
        added, mean = (table.filter(target="scaled")[name] for table in (sums, whole))
        assert added.to_list() == pytest.approx(mean.to_list(), rel=1e-9, abs=1e-12)


def test_every_run_and_every_table_of_it_is_scored(published: Published) -> None:
    record = published.scored.record()
    assert record["outputs"].keys() == {*SCORE_KEYS, "calibration"}
    runs = published.of_runs("calibration")
    assert set(record["inputs"]["runs"]) == set(runs["run_id"])
    keys = ["run_id", *KEYS["calibration"]]
    assert compare(runs, published.scored.table("calibration"), keys, rtol=0, atol=0) == []


def test_the_planted_side_is_seen(scores: dict[str, pl.DataFrame]) -> None:
    trees = scores["scores"].filter(
        target="scaled", model="lightgbm_null", stratum_kind="all", feature_set="mechanics"
    )
    assert trees["side_t"][0] > 3
    geometry = scores["ablations"].filter(target="scaled", feature_set="geometry")
    assert geometry["difference_high"][0] < 0


def test_the_planted_side_moves_predictions(runs: dict[str, pl.DataFrame]) -> None:
    a = runs["calibration"].filter(target="scaled", model="lightgbm_null", feature_set="full")
    assert (a["a"] > 0.5).all()


def test_trials_are_the_candidates_of_every_run(published: Published) -> None:
    trials = published.trials()
    tried = {(first, second) for first, second in CANDIDATES if first != "null_knn"}
    wanted = {(target, *one) for target in TARGETS for one in tried} | {("scaled", "knn", "ta")}
    assert set(trials.select("target", "model", "feature_set").rows()) == wanted
    assert trials.height == len(wanted)
    assert trials["status"].unique().to_list() == ["done"]
