"""Scores of made runs: what they are, their bytes, their publication, and what their gates find."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from statistics import NormalDist

import duckdb
import numpy as np
import polars as pl
import pytest
from conftest import run_es_physics
from gold.gold_builds import GoldBuild, run_evaluation
from gold.made_runs import CLASSES, make_gold, make_run
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

pytestmark = pytest.mark.market

TABLES = {
    *("session_gains", "scores", "reliability", "ablations", "edge", "similarity", "calibration"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> GoldBuild:
    """Scores of two runs on one gold, beside one of another gold and one that failed."""
    work = tmp_path_factory.mktemp("evaluation")
    root = work / "gold"
    gold = make_gold(root, sessions=24, events=12)
    models, sets = ("lightgbm_null", "lightgbm", "knn"), ("full", "ta")
    make_run(root, "aaa", ("scaled", "break_1_60s"), models, sets, gold_fingerprint=gold)
    make_run(root, "bbb", ("fixed",), ("lightgbm_null",), ("full",), gold_fingerprint=gold)
    make_run(root, "failed", ("scaled",), gold_fingerprint=gold, status="failed")
    make_run(root, "old", ("scaled",), gold_fingerprint="another")
    build = run_evaluation(gold=root, work=work)
    assert build.returncode == 0, build.output
    return build


def test_every_table_is_published(built: GoldBuild) -> None:
    assert built.record()["outputs"].keys() == TABLES
    assert all(built.table(name).height for name in TABLES)


def test_runs_of_another_gold_are_left_out_and_said(built: GoldBuild) -> None:
    inputs = built.record()["inputs"]
    gold = json.loads((built.root / "_commits/gold.json").read_text())
    assert inputs["gold_fingerprint"] == gold["fingerprint"]
    assert (inputs["runs"], inputs["left_out"]) == (["aaa", "bbb"], ["old"])
    assert "scores: runs of another gold are left out: old" in built.output
    assert set(built.table("scores")["run_id"]) == {"aaa", "bbb"}


def test_trials_of_other_golds_and_failed_ones_count(built: GoldBuild) -> None:
    scores = built.table("scores")
    of = {
        target: set(scores.filter(pl.col("target") == target)["trials"])
        for target in ("scaled", "fixed", "break_1_60s")
    }
    # Two sets of features of two models and knn, in each of three runs; those of the failed and the
    # old run are of two models.
    assert of == {"scaled": {5 + 3 + 3}, "fixed": {1}, "break_1_60s": {5}}


CANDIDATE = ["run_id", "target", "model", "feature_set"]
COMPARED = [
    ("scaled", "lightgbm_null", "full"),
    ("scaled", "lightgbm_null", "ta"),
    ("scaled", "knn", "full"),
    ("scaled", "base_rate", "none"),
    ("break_1_60s", "knn", "full"),
]


def of(rows: pl.DataFrame, target: str, model: str, features: str) -> pl.DataFrame:
    named = {"run_id": "aaa", "target": target, "model": model, "feature_set": features}
    return rows.filter(*(pl.col(name) == value for name, value in named.items()))


@pytest.mark.parametrize(("target", "model", "features"), COMPARED)
def test_scores_are_those_of_scikit_learn(
    built: GoldBuild, target: str, model: str, features: str
) -> None:
    scores = of(built.table("scores"), target, model, features)
    (score,) = scores.filter(pl.col("stratum_kind") == "all").to_dicts()
    predictions = of(
        pl.read_parquet(built.root / "runs/aaa/predictions.parquet"), target, model, features
    )
    classes = CLASSES[target]
    wide = predictions.pivot("class", index="event_id", values="p").join(
        built.gold_table("event_targets").filter(pl.col("target") == target), on="event_id"
    )
    weight, y = wide["weight"].to_numpy(), wide["class"].to_numpy()
    assert score["events"] == wide.height
    order = sorted(classes)
    expected = log_loss(y, wide.select(order).to_numpy(), labels=order, sample_weight=weight)
    assert score["log_loss"] == pytest.approx(expected, rel=1e-12)
    brier = 0.0
    for name in classes:
        p = wide[name].to_numpy()
        area = roc_auc_score(y == name, p, sample_weight=weight)
        assert score[f"auc_{name.lower()}"] == pytest.approx(area, abs=1e-12)
        brier += brier_score_loss(y == name, p, sample_weight=weight)
    assert score["brier"] == pytest.approx(brier, rel=1e-12)


def test_ece_is_that_of_the_reliability(built: GoldBuild) -> None:
    bins = built.table("reliability").with_columns(
        gap=pl.col("weight") * (pl.col("mean_p") - pl.col("share")).abs()
    )
    by_class = bins.group_by(*CANDIDATE, "class").agg(
        ece=pl.col("gap").sum() / pl.col("weight").sum()
    )
    means = by_class.group_by(CANDIDATE).agg(expected=pl.col("ece").mean())
    scores = built.table("scores").filter(pl.col("stratum_kind") == "all").join(means, CANDIDATE)
    assert scores.height == means.height
    assert (scores["ece"] - scores["expected"]).abs().max() < 1e-12


def test_the_baselines_ece_is_of_the_same_events(built: GoldBuild) -> None:
    """A set that lacks a fold is held against the baseline without it."""
    scores = built.table("scores").filter(pl.col("stratum_kind") == "all")
    (part,) = of(scores, "scaled", "lightgbm_null", "ta").to_dicts()
    (whole,) = of(scores, "scaled", "lightgbm_null", "full").to_dicts()
    predictions = pl.read_parquet(built.root / "runs/aaa/predictions.parquet")
    events = of(predictions, "scaled", "lightgbm_null", "ta").select("event_id").unique()
    rows = (
        of(predictions, "scaled", "null_calibrated", "none")
        .join(events, on="event_id")
        .join(
            built.gold_table("event_targets")
            .filter(pl.col("target") == "scaled")
            .select("event_id", "weight", happened="class"),
            on="event_id",
        )
        .with_columns(
            bin=10 * (pl.col("p").rank("min").over("class") - 1) // pl.len().over("class"),
            miss=pl.col("weight") * (pl.col("p") - (pl.col("class") == pl.col("happened"))),
        )
    )
    gaps = rows.group_by("class", "bin").agg(pl.col("miss").sum().abs())
    expected = gaps["miss"].sum() / rows["weight"].sum()
    assert part["ece_null_calibrated"] == pytest.approx(expected, abs=1e-12)
    assert part["ece_null_calibrated"] != whole["ece_null_calibrated"]


def drawn(sessions: int) -> np.ndarray:
    """Places of the sessions in each of 2,000 resamples, by the letter."""
    return np.array(
        [
            [
                int(hashlib.md5(f"7|{k}|{i}".encode()).hexdigest()[:8], 16) % sessions
                for i in range(sessions)
            ]
            for k in range(1, 2001)
        ]
    )


def test_intervals_and_deflated_ratios_are_as_defined(built: GoldBuild) -> None:
    gains = built.table("session_gains")
    scores = built.table("scores").filter(pl.col("stratum_kind") == "all")
    skills = {}
    for features in ("full", "ta"):
        rows = of(gains, "scaled", "lightgbm_null", features).sort("session_date")
        (score,) = of(scores, "scaled", "lightgbm_null", features).to_dicts()
        loss, null = rows["loss"].to_numpy(), rows["loss_null_calibrated"].to_numpy()
        places = drawn(rows.height)
        skills[features] = 1 - loss[places].sum(1) / null[places].sum(1)
        low, high = np.quantile(skills[features], [0.025, 0.975])
        assert (score["skill_low"], score["skill_high"]) == pytest.approx((low, high), abs=1e-12)
        g = (null - loss) / rows["weight"].to_numpy()
        n, r = g.size, g.mean() / g.std(ddof=1)
        g3, g4 = (((g - g.mean()) ** power).mean() / g.std() ** power for power in (3, 4))
        z, trials = NormalDist(), score["trials"]
        r0 = np.sqrt(1 / n) * (
            (1 - 0.577216) * z.inv_cdf(1 - 1 / trials)
            + 0.577216 * z.inv_cdf(1 - 1 / (2.718282 * trials))
        )
        deflated = z.cdf((r - r0) * np.sqrt(n - 1) / np.sqrt(1 - g3 * r + (g4 - 1) * r * r / 4))
        assert score["skill_t"] == pytest.approx(r * np.sqrt(n), rel=1e-10)
        assert score["deflated"] == pytest.approx(deflated, abs=1e-10)
    (ablation,) = of(built.table("ablations"), "scaled", "lightgbm_null", "ta").to_dicts()
    # The set lacks the ten sessions of the first fold.
    both = of(gains, "scaled", "lightgbm_null", "full").sort("session_date")[10:]
    places = drawn(both.height)
    full = 1 - both["loss"].to_numpy()[places].sum(1) / (
        both["loss_null_calibrated"].to_numpy()[places].sum(1)
    )
    low, high = np.quantile(skills["ta"] - full, [0.025, 0.975])
    bounds = (ablation["difference_low"], ablation["difference_high"])
    assert bounds == pytest.approx((low, high), abs=1e-12)


def test_few_effective_events_have_no_score(built: GoldBuild) -> None:
    scores = built.table("scores")
    few = scores.filter(pl.col("effective_n") < 50)
    kept = {*CANDIDATE, "stratum_kind", "stratum", "events", "effective_n", "sessions", "trials"}
    assert few.height
    assert few.drop(kept).null_count().sum_horizontal()[0] == few.height * few.drop(kept).width
    assert scores.filter(pl.col("effective_n") >= 50)["skill"].null_count() == 0


# What a run might have written, and what the gate says of each row.
FAULTS = {
    "not tested by its fold": "* replace (fold + 1 as fold)",
    "no event of the target": "* replace ('other' as event_id)",
    "other classes than the target": "* replace ('UP' as class)",
    "no probabilities": "* replace (p + 2 * (class = 'CHOP')::int - 1 as p)",
    "probabilities that do not add up to 1": "* replace (p / 2 as p)",
}


@pytest.mark.parametrize("problem", FAULTS)
def test_a_gate_finds_predictions_that_are_none(
    built: GoldBuild, tmp_path: Path, problem: str
) -> None:
    (gate,) = (built.database.parent / "target/compiled").rglob("predictions_are_of_tested_*.sql")
    with duckdb.connect(shutil.copy(built.database, tmp_path / "gold.duckdb")) as connection:
        assert connection.sql(gate.read_text()).fetchall() == []
        connection.execute(
            "create table whole as from evaluation_staging.stg_research__predictions"
        )
        connection.execute(
            "create or replace view evaluation_staging.stg_research__predictions as"
            f" select {FAULTS[problem]} from whole where model = 'null' and target = 'scaled'"
        )
        found = connection.sql(gate.read_text()).pl()
    assert found.height
    assert set(found["problem"]) == {problem}


# A gate, what is done to the tables that it looks at, and how many rows it then finds.
TABLE_FAULTS = {
    "near_neighbours_are_no_worse": (
        "update scores.similarity set skill = if(quartile = 1, -0.5, 0.5), skill_se = 0.3",
        1,
    ),
    "no_gain_is_without_its_baselines": (
        "update scores.session_gains set loss_null_calibrated = null"
        " where model = 'knn' and target = 'scaled' and session_date ="
        " (select min(session_date) from scores.session_gains)",
        2,
    ),
    "scores_have_their_grain": ("insert into scores.edge from scores.edge limit 1", 1),
}


@pytest.mark.parametrize("gate", TABLE_FAULTS)
def test_a_gate_finds_scores_that_are_none(built: GoldBuild, tmp_path: Path, gate: str) -> None:
    (query,) = (built.database.parent / "target/compiled").rglob(f"{gate}.sql")
    fault, rows = TABLE_FAULTS[gate]
    with duckdb.connect(shutil.copy(built.database, tmp_path / "gold.duckdb")) as connection:
        assert connection.sql(query.read_text()).fetchall() == []
        connection.execute(fault)
        assert len(connection.sql(query.read_text()).fetchall()) == rows


def test_other_threads_have_the_same_bytes(built: GoldBuild, tmp_path: Path) -> None:
    root = Path(shutil.copytree(built.root, tmp_path / "gold"))
    (root / "_commits/scores.json").unlink()
    shutil.rmtree(root / "_versions/scores")
    again = run_evaluation(gold=root, work=tmp_path, threads=4)
    assert again.returncode == 0, again.output
    assert again.digests() == built.digests()
    assert again.record()["fingerprint"] == built.record()["fingerprint"]


def test_verify_and_gc_know_the_scores(
    built: GoldBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(built.root, tmp_path / "gold"))
    silver = tmp_path / "silver"
    (silver / "_commits").mkdir(parents=True)
    monkeypatch.setenv("ES_GOLD_ROOT", str(root))
    version = built.record()["version"]
    versions = root / "_versions" / "scores"
    shutil.copytree(versions / version, versions / "20200101T000000-0123abcd")
    collected = run_es_physics("gc", "--older-than", "0", "--silver-root", silver)
    assert collected.stdout.startswith(f"{len(TABLES)} files removed"), collected.stderr
    file = root / built.record()["outputs"]["edge"]["file"]
    file.unlink()
    file.write_bytes(b"PAR1")
    (silver / "_commits" / "2024-01-02.json").write_text("{}")
    verified = run_es_physics("verify", "--silver-root", silver)
    assert "error: scores edge: " in verified.stderr
    assert "make evaluate" in verified.stderr


def test_every_column_is_described_and_there(built: GoldBuild) -> None:
    manifest = json.loads((built.database.parent / "target/manifest.json").read_text())
    with duckdb.connect(built.database, read_only=True) as connection:
        names = connection.sql(
            "select schema_name, table_name, list(column_name order by column_index)"
            " from duckdb_columns() where not internal group by all"
        ).fetchall()
    columns = {(schema, table): found for schema, table, found in names}
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "evaluation" in node["fqn"]
    ]
    assert len(models) > 25
    for node in models:
        described = {name for name, one in node["columns"].items() if one["description"]}
        assert node["description"].startswith("One row"), node["name"]
        if not node["config"]["meta"]:
            assert set(columns[node["schema"], node["alias"]]) == described, node["name"]
