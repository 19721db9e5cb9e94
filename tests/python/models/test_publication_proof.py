"""Nothing is published that one run of dbt did not build and test whole, whatever is typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import PROJECT, Build, Builds, dbt_environment, run_dbt
from planted_faults import NOW, OPEN_NS, SESSION, copy_bronze, copy_project, rewrite

OTHER = "2025-12-09"
GATES = (PROJECT / "seeds" / "quality_gates.csv").read_text().count("\n") - 1
EVENING = NOW < OPEN_NS - 6 * 3600 * 10**9


@pytest.fixture
def work(builds: Builds, tmp_path: Path) -> Path:
    """A folder with all that a finished build left: its database, its target folder, its Silver."""
    good = builds[SESSION]
    good.copy_database(tmp_path)
    for name in ("silver", "target"):
        shutil.copytree(good.silver.parent / name, tmp_path / name)
    return tmp_path


def records(build: Build) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in build.silver.glob("_commits/*.json")}


def published(build: Build) -> dict[str, str]:
    return {name: digest for name, digest in build.digests().items() if "_audits" not in name}


def assert_refused(build: Build, good: Build, *lines: str) -> None:
    """It failed in words, and what was published is as it was, to the byte."""
    assert build.returncode != 0, build.output
    assert "Traceback" not in build.output
    for line in lines:
        assert line in build.output, build.output
    assert records(build) == records(good)
    assert published(build) == published(good)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("run",), "not tested in this run"),
        (("build", "--exclude", "resource_type:test"), "not tested in this run"),
        (("build", "--exclude", "tag:gate"), f"and {GATES - 3} more not tested in this run"),
        (
            ("build", "--exclude", "gate_parity_holds"),
            f"{SESSION} is not published: gate_parity_holds not tested in this run",
        ),
        (
            ("build", "--exclude", "level_event_labels"),
            f"{SESSION} is not published: level_event_labels not built in this run;",
        ),
        (("build", "--exclude-resource-type", "seed"), "contract_specs, "),
        (("build", "--select", "publish"), "not built in this run"),
        (("run", "--select", "publish"), "not built in this run"),
        (("build", "--select", "session_params", "publish"), "not built in this run"),
        (("build", "--select", "level_events+"), "not built in this run"),
        (
            ("build", "--select", "+publish", "--indirect-selection", "empty"),
            "not tested in this run",
        ),
    ],
)
def test_a_run_that_proves_only_a_part_publishes_nothing(
    arguments: tuple[str, ...], missing: str, work: Path, builds: Builds, bronze: Path
) -> None:
    build = run_dbt(*arguments, bronze=bronze, work=work, session_date=SESSION)
    assert_refused(
        build,
        builds[SESSION],
        f"session {SESSION} is not published: ",
        missing,
        f"dbt build --vars '{{session_date: {SESSION}}}'",
    )


def test_all_that_is_above_the_commit_is_enough(work: Path, bronze: Path) -> None:
    before = records(Build(0, "", work / "silver"))
    build = run_dbt(
        *("build", "--select", "+publish"), bronze=bronze, work=work, session_date=SESSION
    )
    assert build.returncode == 0, build.output
    assert records(build) != before


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "--select", "session_params", "publish"),
        ("run", "--select", "+level_events+"),
        ("test",),
        ("test", "--select", "gate_parity_holds"),
    ],
)
def test_a_run_that_reads_tables_of_another_date_ends_before_it_begins(
    arguments: tuple[str, ...], work: Path, builds: Builds, bronze: Path
) -> None:
    build = run_dbt(*arguments, bronze=bronze, work=work, session_date=OTHER)
    line = f"session {OTHER}: this run reads tables of another date ("
    assert_refused(build, builds[SESSION], line, f" is of {SESSION}")


def test_a_run_that_reads_tables_of_other_vars_says_so_and_publishes_nothing(
    work: Path, builds: Builds, bronze: Path
) -> None:
    others: dict[str, Any] = {"barrier_weak_depth": 100_000}
    told = f"session {SESSION}: this run reads tables that were built with another barrier_weak"
    tested = run_dbt("test", bronze=bronze, work=work, session_date=SESSION, other_vars=others)
    assert told in tested.output
    build = run_dbt(
        *("build", "--select", "int_event_barrier+"),
        bronze=bronze,
        work=work,
        session_date=SESSION,
        other_vars=others,
    )
    assert_refused(build, builds[SESSION], told, "not built in this run")


def test_a_retry_publishes_nothing(
    work: Path, builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """A build that finds a damaged partition; the damage is mended, and what failed is retried."""
    copy_bronze(bronze, tmp_path / "bronze")
    file = tmp_path / f"bronze/futures/mbp10/root=ES/date={SESSION}/data.parquet"
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    arguments: dict[str, Any] = {
        "bronze": tmp_path / "bronze",
        "work": work,
        "session_date": SESSION,
    }
    failed = run_dbt("build", **arguments)
    assert_refused(
        failed,
        builds[SESSION],
        "gate bronze_is_whole failed (error): 1 partition, to be at most 0 (futures/mbp10 of"
        f" {SESSION}: data.parquet does not match its sha256)",
    )
    file.write_bytes(good)
    assert_refused(run_dbt("retry", **arguments), builds[SESSION])
    # Mended by a run of a part, the table of gates passes; what failed then is retried.
    mended = run_dbt("build", "--exclude", "publish", **arguments)
    assert mended.returncode == 0, mended.output
    (work / "target/run_results.json").write_text(_with_publish_failed(work / "target"))
    again = run_dbt("retry", **arguments)
    assert_refused(again, builds[SESSION])


def _with_publish_failed(target: Path) -> str:
    """The results of the last run as if `publish` had been in it and failed."""
    results = json.loads((target / "run_results.json").read_text())
    failed = dict(results["results"][0], unique_id="model.es_physics.publish", status="error")
    results["results"].append(failed)
    return json.dumps(results)


def test_a_retry_in_the_process_of_a_whole_build_publishes_nothing(
    work: Path, builds: Builds, bronze: Path
) -> None:
    """dbt would take the selection of the run before, which was of everything; that one failed
    because what it had to write could not be."""
    script = """
import os, shutil, sys
from dbt.cli.main import dbtRunner
place = ["--target-path", "target", "--log-path", "logs"]
place += ["--project-dir", sys.argv[1], "--profiles-dir", sys.argv[1]]
shutil.rmtree("silver/_staging")
open("silver/_staging", "w").close()
runner = dbtRunner()
runner.invoke(["build", "--vars", sys.argv[2], *place])
os.unlink("silver/_staging")
runner.invoke(["retry", *place])
"""
    finished = subprocess.run(
        [sys.executable, "-c", script, str(PROJECT), f"{{session_date: {SESSION}}}"],
        cwd=work,
        env=dbt_environment(bronze=bronze, work=work),
        capture_output=True,
        text=True,
        check=False,
    )
    build = Build(1, finished.stdout + finished.stderr, work / "silver")
    assert_refused(
        build,
        builds[SESSION],
        f"session {SESSION} could not be published: ",
        f"session {SESSION} is not published: ",
    )


@pytest.mark.parametrize("database", ["there", "new"])
def test_a_run_without_rows_publishes_nothing(
    database: str, work: Path, builds: Builds, bronze: Path
) -> None:
    if database == "new":
        (work / "build.duckdb").unlink()
    build = run_dbt("build", "--empty", bronze=bronze, work=work, session_date=SESSION)
    assert build.returncode == 0, build.output
    assert f"session {SESSION}: a run with --empty publishes nothing" in build.output
    assert records(build) == records(builds[SESSION])


def test_tests_on_a_new_database_end_in_one_line(bronze: Path, tmp_path: Path) -> None:
    build = run_dbt("test", bronze=bronze, work=tmp_path, session_date=SESSION)
    assert build.returncode != 0
    assert f"session {SESSION}: this run reads what is not built in " in build.output
    assert "Catalog Error" not in build.output
    assert f"dbt build --vars '{{session_date: {SESSION}}}'" in build.output


def test_a_new_silver_table_cannot_be_forgotten(
    work: Path, builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    copy_project(tmp_path / "project")
    (tmp_path / "project/models/silver/forgotten.sql").write_text(
        "{{ config(contract={'enforced': false}) }}\nselect 1 as one\n"
    )
    build = run_dbt(
        "build", bronze=bronze, work=work, session_date=SESSION, project=tmp_path / "project"
    )
    assert_refused(build, builds[SESSION], "forgotten is in silver, but publish does not read it")


def test_a_session_that_loses_its_events_is_kept_unless_asked_for(
    work: Path, builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    copy_bronze(bronze, tmp_path / "bronze")
    shutil.rmtree(tmp_path / f"bronze/futures/trades/root=ES/date={SESSION}")
    arguments: dict[str, Any] = {
        "bronze": tmp_path / "bronze",
        "work": work,
        "session_date": SESSION,
    }
    count = builds[SESSION].table("level_events", SESSION).height
    build = run_dbt("build", **arguments)
    assert_refused(
        build,
        builds[SESSION],
        f"session {SESSION} is not published: it has no events, and would replace {count} of them",
        "publish_empty: true",
    )
    asked = run_dbt("build", other_vars={"publish_empty": True}, **arguments)
    assert asked.returncode == 0, asked.output
    assert asked.table("level_events", SESSION).is_empty()
    # What was asked for is no choice of numbers.
    (record,) = records(asked).values()
    assert "publish_empty" not in json.loads(record)["inputs"]["vars"]


def test_a_session_without_trades_in_its_window_is_not_published(
    bronze: Path, tmp_path: Path
) -> None:
    copy_bronze(bronze, tmp_path / "bronze")
    rewrite(
        tmp_path / f"bronze/futures/trades/root=ES/date={SESSION}",
        lambda rows: rows.filter(EVENING),
    )
    build = run_dbt("build", bronze=tmp_path / "bronze", work=tmp_path, session_date=SESSION)
    assert build.returncode == 1
    assert "gate window_has_trades failed (error): 0 contracts, to be at least 1. " in build.output
    assert failed_gates(build) == ["window_has_trades"]
    assert not (build.silver / "_commits").exists()


def test_trades_without_an_event_are_not_published(bronze: Path, tmp_path: Path) -> None:
    """One price all day: it is in the zones of its own extremes from the first trade on."""
    copy_bronze(bronze, tmp_path / "bronze")
    trades = tmp_path / "bronze/futures/trades/root=ES"
    for earlier in trades.iterdir():
        if earlier.name != f"date={SESSION}":
            shutil.rmtree(earlier)  # whose averages the price might come to
    rewrite(
        trades / f"date={SESSION}",
        lambda rows: rows.with_columns(price=pl.lit(6800 * 10**9, pl.Int64)),
    )
    build = run_dbt("build", bronze=tmp_path / "bronze", work=tmp_path, session_date=SESSION)
    assert build.returncode == 1
    assert "gate trades_make_events failed (error): 0 events, to be at least 1. " in build.output
    assert failed_gates(build) == ["trades_make_events"]


def failed_gates(build: Build) -> list[str]:
    """The gates of severity error that failed, by the evidence that was left."""
    gates = build.silver / f"_audits/session_date={SESSION}/gates.parquet"
    failed = pl.read_parquet(gates).filter(pl.col("status") == "failed", severity="error")
    return failed["gate"].to_list()
