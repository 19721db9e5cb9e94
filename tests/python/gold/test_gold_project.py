"""What gold takes from the rest of the project, and what it must leave as it is."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PROJECT, run_es_physics
from gold.made_runs import make_gold, make_run
from gold.made_silver import made_tables, make_silver, write_session
from planted_faults import copy_project

from es_physics.gold.fingerprint import gold_code_version, scores_code_version
from es_physics.gold.runs import evaluation_inputs
from es_physics.gold.runs import inputs_of as inputs_json
from es_physics.gold.sessions import TABLES, inputs_of, sessions_between, table_select
from es_physics.silver.commit import SCORES, publish
from es_physics.silver.fingerprint import code_version, imported_files

EVALUATION_PLUGIN = PROJECT / "es_physics/gold/evaluation_plugin.py"
SCORE_MODELS = [*(PROJECT / "python_models/gold/evaluation").glob("*.py")]
FLAGS = ("full", "stage_b", "stage_a", "ta", "mechanics", "geometry")


def feature_sets() -> list[dict[str, str]]:
    with (PROJECT / "seeds/gold/feature_sets.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def members(flag: str) -> set[str]:
    return {row["feature"] for row in feature_sets() if row[flag] == "true"}


def test_sets_of_features_hold_what_their_names_say() -> None:
    rows = feature_sets()
    every = {row["feature"] for row in rows}
    assert len(every) == len(rows)
    assert {row[flag] for row in rows for flag in FLAGS} == {"true", "false"}
    assert members("full") == members("stage_b") == every
    assert members("ta") | members("mechanics") == every
    assert members("ta") & members("mechanics") == set()
    # Neither book nor options, nor prices of the index.
    assert members("stage_a") == {row["feature"] for row in rows if row["needs"] == "trades"}
    assert members("geometry") == {row["feature"] for row in rows if row["group"] == "geometry"}


def test_the_tick_is_that_of_the_contract() -> None:
    with (PROJECT / "seeds/contract_specs.csv").open(newline="", encoding="utf-8") as file:
        (tick,) = [row["tick_size_points"] for row in csv.DictReader(file) if row["root"] == "ES"]
    text = (PROJECT / "macros/gold/tick_size_points.sql").read_text()
    assert re.findall(r"^ +([\d.]+)$", text, re.MULTILINE) == [tick]


def test_the_tables_that_are_checked_are_those_that_are_read() -> None:
    text = (PROJECT / "macros/gold/start_gold.sql").read_text()
    macro = text.partition("macro committed_tables()")[2].partition("endmacro")[0]
    assert tuple(re.findall(r"'(\w+)'", macro)) == TABLES
    staging = (PROJECT / "models/gold/staging").glob("stg_silver__*.sql")
    assert {path.stem.removeprefix("stg_silver__") for path in staging} == set(TABLES)


@pytest.fixture
def own_project(tmp_path: Path) -> Path:
    copy_project(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "models/gold/events/folds.sql",
        "models/gold/staging/_gold_staging__models.yml",
        "macros/gold/tod_metrics.sql",
        "python_models/gold/int_gold_drift.py",
        "seeds/gold/feature_sets.csv",
    ],
)
def test_a_change_of_gold_makes_no_session_out_of_date(name: str, own_project: Path) -> None:
    session, gold = code_version(own_project), gold_code_version(own_project)
    path = own_project / name
    path.write_text(f"{path.read_text()}\n")
    assert code_version(own_project) == session
    assert gold_code_version(own_project) != gold


@pytest.mark.parametrize(
    "name",
    [
        "models/gold/evaluation/scores.sql",
        "python_models/gold/evaluation/int_skill_deflated.py",
    ],
)
def test_a_change_of_the_scores_makes_neither_gold_nor_sessions_out_of_date(
    name: str, own_project: Path
) -> None:
    versions = (code_version(own_project), gold_code_version(own_project))
    scores = scores_code_version(own_project)
    path = own_project / name
    path.write_text(f"{path.read_text()}\n")
    assert (code_version(own_project), gold_code_version(own_project)) == versions
    assert scores_code_version(own_project) != scores


def test_what_computes_scores_is_in_their_version() -> None:
    modules = {path.name for path in imported_files([EVALUATION_PLUGIN, *SCORE_MODELS])}
    assert modules >= {"runs.py", "session_resampling.py", "deflated_ratio.py", "publication.py"}


def test_a_change_of_a_session_is_none_of_gold(own_project: Path) -> None:
    session, gold = code_version(own_project), gold_code_version(own_project)
    path = own_project / "models/silver/sessions.sql"
    path.write_text(f"{path.read_text()}\n")
    assert code_version(own_project) != session
    assert gold_code_version(own_project) == gold


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest of the project with the target of the docs site."""
    work = tmp_path_factory.mktemp("docs")
    dbt = str(Path(sys.executable).with_name("dbt"))
    places = ("--target-path", str(work), "--log-path", str(work), "--log-level-file", "none")
    finished = subprocess.run(
        [dbt, "--no-use-colors", "parse", "--target", "docs", *places],
        cwd=PROJECT,
        env=os.environ | {"ES_DUCKDB_PATH": str(work / "docs.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    content: dict[str, Any] = json.loads((work / "manifest.json").read_text())
    return content


@pytest.mark.market
def test_the_docs_site_has_one_lineage_from_bronze_to_gold(both: dict[str, Any]) -> None:
    parents = both["parent_map"]
    for table in TABLES:
        assert f"model.es_physics.{table}" in parents[f"model.es_physics.stg_silver__{table}"]
    found: set[str] = set()
    waiting = ["model.es_physics.event_matrix"]
    while waiting:
        new = set(parents[waiting.pop()]) - found
        found |= new
        waiting += new
    assert [name for name in found if name.startswith("source.")]
    for table in ("event_targets", "event_outcomes", "folds"):
        staging = f"model.es_physics.stg_gold__{table}"
        assert parents[staging] == ["model.es_physics.publish_gold"]


def test_a_session_has_no_node_of_gold(manifest: dict[str, Any]) -> None:
    nodes = {**manifest["nodes"], **manifest["unit_tests"]}
    of_gold = [name for name, node in nodes.items() if "gold" in node["fqn"]]
    assert [name for name in of_gold if nodes[name]["config"]["enabled"]] == []
    disabled = [one for every in manifest["disabled"].values() for one in every]
    assert [one for one in disabled if "gold" in one["fqn"]]


def test_validate_says_if_gold_is_of_other_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silver, bronze, gold = (tmp_path / name for name in ("silver", "bronze", "gold"))
    days = make_silver(silver, sessions=3, events=1, placebos_per_event=1)
    (bronze / "futures").mkdir(parents=True)
    (gold / "_commits").mkdir(parents=True)
    found = sessions_between(silver, days[0], days[1], fewest=1, allow_mixed=False)
    inputs = {"start": "2024-01-02", "end": "2024-01-03", "sessions": list(inputs_of(found))}
    record = {
        "version": "made",
        "inputs": inputs,
        "outputs": {},
        "fingerprint": "",
        "wall_time_s": 1.0,
    }
    record |= {"committed_at": "2024-01-03T23:00:00+00:00", "session_date": "gold"}
    (gold / "_commits" / "gold.json").write_text(json.dumps(record))
    monkeypatch.setenv("ES_GOLD_ROOT", str(gold))
    command = ["validate", "--start", "2024-01-02", "--end", "2024-01-03"]
    command += ["--silver-root", str(silver), "--bronze-root", str(bronze)]
    assert "gold" not in run_es_physics(*command).stderr
    tables = made_tables(days[1], 1, events=1)
    write_session(silver, days[1], tables, code_version="other")
    assert run_es_physics(*command).stderr == (
        "gold was made of other sessions than are published now, as of 2024-01-03:"
        " make gold START=2024-01-02 END=2024-01-03\n"
    )


def test_validate_says_if_scores_are_of_other_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silver, bronze, gold = (tmp_path / name for name in ("silver", "bronze", "gold"))
    make_silver(silver, sessions=1, events=1, placebos_per_event=1)
    (bronze / "futures").mkdir(parents=True)
    fingerprint = make_gold(gold, sessions=4, events=2)
    make_run(gold, "aaa", models=(), feature_sets=(), gold_fingerprint=fingerprint)
    scored = inputs_json(evaluation_inputs(gold))
    publish(gold, SCORES, {}, scored, run_started_at="2024-01-02T23:00:00+00:00")
    monkeypatch.setenv("ES_GOLD_ROOT", str(gold))
    command = ["validate", "--start", "2024-01-02", "--end", "2024-01-03"]
    command += ["--silver-root", str(silver), "--bronze-root", str(bronze)]
    assert "scores" not in run_es_physics(*command).stderr
    make_run(gold, "bbb", models=(), feature_sets=(), gold_fingerprint=fingerprint)
    assert (
        "scores were made of another gold, or of other runs, than are there now: make evaluate\n"
    ) in run_es_physics(*command).stderr


def test_a_table_is_read_below_any_folder(tmp_path: Path) -> None:
    root = tmp_path / "o'brien]], [1] *"
    make_silver(root, sessions=6, events=3)
    sessions = sessions_between(root, date.min, date.max, fewest=6, allow_mixed=False)
    query = table_select(root, "level_events", sessions, tmp_path)
    written = sum(one.record["outputs"]["level_events"]["rows"] for one in sessions)
    assert duckdb.sql(query).count("*").fetchall() == [(written,)]
