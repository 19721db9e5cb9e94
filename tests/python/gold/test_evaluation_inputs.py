"""What is not scored, each in one line that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from gold.made_runs import make_gold, make_run

from es_physics.errors import Error
from es_physics.gold.runs import (
    COLUMNS,
    evaluation_inputs,
    gold_table_select,
    inputs_of,
    runs_select,
    scores_are_old,
    trials_select,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Gold, and a run on it."""
    gold = make_gold(tmp_path, sessions=4, events=2)
    make_run(tmp_path, "aaa", models=("logit",), feature_sets=("full",), gold_fingerprint=gold)
    return tmp_path


def read_all(root: Path) -> None:
    inputs = evaluation_inputs(root)
    gold_table_select(inputs, "folds", root)
    runs_select(inputs, "predictions", root)


def without_gold(root: Path) -> None:
    (root / "_commits/gold.json").unlink()


def without_a_file_of_gold(root: Path) -> None:
    record = json.loads((root / "_commits/gold.json").read_text())
    (root / record["outputs"]["folds"]["file"]).unlink()


def without_a_table_of_gold(root: Path) -> None:
    path = root / "_commits/gold.json"
    record = json.loads(path.read_text())
    del record["outputs"]["folds"]
    path.write_text(json.dumps(record))


def change_run(root: Path, **values: object) -> None:
    path = root / "runs/aaa/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def on_another_gold(root: Path) -> None:
    change_run(root, gold_fingerprint="another")


def failed(root: Path) -> None:
    change_run(root, status="failed")


def without_hashes(root: Path) -> None:
    change_run(root, files=["predictions"])


def half_written(root: Path) -> None:
    (root / "runs/aaa/run.json").write_text('{"status": "do')


def changed(root: Path) -> None:
    with (root / "runs/aaa/predictions.parquet").open("ab") as file:
        file.write(b" ")


def taken_away(root: Path) -> None:
    (root / "runs/aaa/predictions.parquet").unlink()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (without_gold, r"no gold is published below .*: make gold"),
        (without_a_file_of_gold, r"folds is missing: make gold"),
        (without_a_table_of_gold, r"the published gold has no table folds: make gold"),
        (on_another_gold, r"no finished run reads the gold .* \(1 are of another\): make research"),
        (failed, r"no finished run reads the gold that is published below [^(]*: make research"),
        (without_hashes, r"run.json is no record of a run .*make research again"),
        (half_written, r"run.json is no record of a run .*make research again"),
        (changed, r"predictions.parquet is not what its run wrote; .*make research again"),
        (taken_away, r"predictions.parquet is missing; .*make research again"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    change: Callable[[Path], None], line: str, root: Path
) -> None:
    read_all(root)
    change(root)
    with pytest.raises(Error, match=line) as refused:
        read_all(root)
    assert "\n" not in str(refused.value)


def test_a_file_that_no_run_wrote_has_no_rows_and_all_columns(root: Path) -> None:
    query = duckdb.sql(runs_select(evaluation_inputs(root), "neighbours", root))
    assert query.columns == list(COLUMNS["neighbours"])
    assert query.fetchall() == []


def test_columns_that_a_file_lacks_are_unknown(root: Path) -> None:
    query = duckdb.sql(runs_select(evaluation_inputs(root), "calibration", root))
    assert query.columns == list(COLUMNS["calibration"])
    assert query.filter("bias_yes is not null").fetchall() == []
    assert query.filter("model = 'null_calibrated' and slope = 1.1").fetchall()


def test_without_trials_there_are_none(root: Path) -> None:
    assert len(duckdb.sql(trials_select(root, root)).fetchall()) == 1
    (root / "trials.parquet").unlink()
    assert duckdb.sql(trials_select(root, root)).fetchall() == []


def test_scores_are_old_once_a_run_is_made_or_gold_is_another(root: Path) -> None:
    record = {"inputs": inputs_of(evaluation_inputs(root))}
    assert not scores_are_old(root, record)
    gold = json.loads((root / "_commits/gold.json").read_text())["fingerprint"]
    make_run(root, "bbb", models=(), feature_sets=(), gold_fingerprint=gold)
    assert scores_are_old(root, record)
    record = {"inputs": inputs_of(evaluation_inputs(root))}
    make_gold(root, sessions=5, events=2)
    assert scores_are_old(root, record)
