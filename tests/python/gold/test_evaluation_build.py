"""Scores of made runs: their bytes, their publication, what is left out and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from conftest import run_es_physics
from gold.gold_builds import GoldBuild, run_evaluation
from gold.made_runs import make_gold, make_run

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
