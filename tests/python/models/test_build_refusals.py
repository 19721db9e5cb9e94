"""What a build does with bad dates, missing or damaged Bronze, and failing gates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs
import pytest
from conftest import FROM_OPTIONS, PROJECT, SILVER_TABLES, Builds, run_dbt, run_es_physics
from planted_faults import copy_bronze

from es_physics.audit.validate import validate

SESSION = "2025-12-10"


@pytest.mark.parametrize(
    ("session_date", "line"),
    [
        ("16.12.2025", "session_date is '16.12.2025', expected YYYY-MM-DD"),
        ("2025-13-45", "session_date is '2025-13-45', expected YYYY-MM-DD"),
        ("2025-02-30", "var session_date is '2025-02-30', expected YYYY-MM-DD, a day that there"),
        ("2025-12-13", "session_date 2025-12-13 is no CME trade date"),
        ("2031-01-02", "session_date 2031-01-02 is no CME trade date"),
    ],
)
def test_wrong_session_date_says_so_and_builds_nothing(
    session_date: str, line: str, bronze: Path, tmp_path: Path
) -> None:
    build = run_dbt("build", bronze=bronze, work=tmp_path, session_date=f"'{session_date}'")
    assert build.returncode != 0
    assert line in build.output
    assert "Traceback" not in build.output
    assert not build.silver.exists()


@pytest.mark.market
@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "the database's folder {desk}/target is not there: stand in the project's folder"),
        (
            {"ES_DUCKDB_PATH": "x.duckdb", "ES_BRONZE_ROOT": " "},
            "Bronze root {desk}/data/bronze is not there: stand in the project's folder, or set ES",
        ),
    ],
)
def test_a_build_from_elsewhere_says_where_to_stand(
    given: dict[str, str], line: str, tmp_path: Path
) -> None:
    place = [f"--{name}-dir={PROJECT}" for name in ("project", "profiles")]
    place += [f"--target-path={tmp_path / 'made'}", f"--log-path={tmp_path / 'made'}"]
    (desk := tmp_path / "desk").mkdir()
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ES_")}
    finished = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--no-use-colors", "build", *place],
        cwd=desk,
        env=bare | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert line.format(desk=desk) in finished.stdout
    assert "Traceback" not in finished.stdout + finished.stderr
    assert not (desk / "data").exists()


@pytest.mark.market
def test_date_without_bronze_keeps_its_session_row(tmp_path: Path) -> None:
    (tmp_path / "bronze").mkdir()
    build = run_dbt("build", bronze=tmp_path / "bronze", work=tmp_path, session_date=SESSION)
    assert build.returncode == 0, build.output
    assert f"session {SESSION}: no Bronze below" in build.output
    session = build.table("sessions", SESSION).row(0, named=True)
    assert session["has_rth"]
    assert session["front_month"] is None
    assert session["contract_count"] is None
    assert session["is_roll_contaminated"] is None
    # These say of the session as a whole what is unknown.
    of_session = {"sessions", "bronze_quality", "qa_gate_results"}
    of_session |= {"session_grid", "ofi_moments", "lead_lag"}
    for name in set(SILVER_TABLES) - of_session:
        assert build.table(name, SESSION).is_empty(), name
    assert build.table("lead_lag", SESSION)["rho"].null_count() == 162
    assert build.table("session_grid", SESSION)["close"].drop_nulls().is_empty()
    assert set(build.table("bronze_quality", SESSION)["partition_status"]) == {"missing"}
    gates = build.table("qa_gate_results", SESSION).filter(pl.col("status") != "not_applicable")
    assert gates.select("gate", "status").rows() == [
        ("bronze_is_whole", "passed"),
        ("clock_is_zero_at_the_open", "passed"),
    ]
    (tmp_path / "bronze" / "index").mkdir()
    dates, roots = ("--start", SESSION, "--end", SESSION), ("--silver-root", build.silver)
    validated = run_es_physics("validate", *dates, *roots, "--bronze-root", tmp_path / "bronze")
    assert validated.returncode == 1
    assert f"{SESSION}   nothing to judge" in validated.stdout
    pages = run_es_physics("report", SESSION, *dates, *roots, "--output", tmp_path / "pages")
    assert pages.returncode == 0, pages.stderr
    # The page of its entries has none, and judges nothing.
    judging = [p for p in (tmp_path / "pages").iterdir() if not p.name.endswith("-entries.html")]
    for page in judging:
        assert "○ nothing to judge" in page.read_text().replace("○ nothing<small>", "○ "), page


@pytest.fixture
def own_bronze(bronze: Path, tmp_path: Path) -> Path:
    """A copy of the session's Bronze that a test may damage."""
    copy_bronze(bronze, tmp_path / "bronze")
    return tmp_path / "bronze"


def test_a_damaged_partition_of_any_date_stops_the_session(
    own_bronze: Path, tmp_path: Path
) -> None:
    """One flipped byte in a date that only warms up averages; another such date has no file."""
    trades = own_bronze / "futures/trades/root=ES"
    file = trades / "date=2025-12-09/data.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    (trades / "date=2025-12-08/data.parquet").unlink()
    build = run_dbt("build", bronze=own_bronze, work=tmp_path, session_date=SESSION)
    assert build.returncode == 1
    problem = "futures/trades of 2025-12-09: data.parquet does not match its sha256"
    assert f"Bronze {problem.replace(':', ' is left out:')}" in build.output
    assert "gate bronze_is_whole failed (error): 2 partitions, to be at most 0 (" in build.output
    assert not (build.silver / "_commits").exists()


def test_missing_partitions_are_named_and_left_out(
    builds: Builds, own_bronze: Path, tmp_path: Path
) -> None:
    """No trades of a warm-up date: its bars are missing, the session is built. No options: what
    comes from them is NULL and everything else as it was."""
    shutil.rmtree(own_bronze / "options")
    shutil.rmtree(own_bronze / "futures/trades/root=ES/date=2025-12-09")
    build = run_dbt("build", bronze=own_bronze, work=tmp_path, session_date=SESSION)
    assert build.returncode == 0, build.output
    assert (
        f"session {SESSION}: no Bronze below {own_bronze} for options/definition, options/nbbo,"
        " options/statistics, options/trades, futures/trades of 2025-12-09; what needs it stays"
        " NULL" in build.output
    )
    assert build.table("gamma_by_strike", SESSION).is_empty()
    assert build.table("gamma_by_minute", SESSION).is_empty()
    from_options = cs.matches(FROM_OPTIONS)
    events = build.table("level_event_features", SESSION).filter(
        pl.col("event_id").str.contains("PM_|OR_")
    )
    same = (
        builds[SESSION]
        .table("level_event_features", SESSION)
        .join(events.select("event_id"), on="event_id", how="semi")
    )
    assert events.select(from_options).null_count().sum_horizontal().item() == 46 * events.height
    assert same.select(from_options).null_count().sum_horizontal().item() != 46 * events.height

    kinds = set(build.table("levels", SESSION)["level_kind"])
    assert "PM_HIGH" in kinds
    assert "SMA_400" in kinds


def test_failed_build_leaves_the_published_session_and_its_evidence(
    builds: Builds, own_bronze: Path, tmp_path: Path
) -> None:
    """A contract that there is none of stops the build before there are gates: nothing of it is
    published, and the gates that an earlier build left in the database are no evidence."""
    good = builds[SESSION]
    shutil.copytree(good.silver, tmp_path / "silver")
    shutil.copy(good.silver.parent / "build.duckdb", tmp_path)

    bad = run_dbt(
        "build",
        bronze=own_bronze,
        work=tmp_path,
        session_date=SESSION,
        other_vars={"fixed_front_month": "ESZ9"},
    )
    assert bad.returncode == 1
    model = "int_front_month"
    assert f"Failure in model {model} " in bad.output
    published = {path: name for path, name in bad.digests().items() if "_audits" not in path}
    assert published == good.digests()
    record = Path("_commits", f"{SESSION}.json")
    assert (bad.silver / record).read_bytes() == (good.silver / record).read_bytes()

    evidence = bad.silver / "_audits" / f"session_date={SESSION}"
    assert f"Nothing of session {SESSION} was published: 1 failed, see {evidence}" in bad.output
    failure = pl.read_parquet(evidence / "failures.parquet").row(0, named=True)
    assert (failure["name"], failure["kind"], failure["status"]) == (model, "model", "error")
    assert "fixed_front_month ESZ9 is no outright that traded" in failure["message"]
    assert pl.read_parquet(evidence / "gates.parquet").is_empty()

    report = next(
        validate(*2 * [date.fromisoformat(SESSION)], bad.silver, good.silver / "no bronze")
    )
    assert report.notes == (f"a later build failed and published nothing, see {evidence}",)
    (bad.silver / record).unlink()
    report = next(validate(*2 * [date.fromisoformat(SESSION)], bad.silver, own_bronze))
    assert report.status == "failed"
    assert [line.split(",")[0] for line in report.problems] == [
        "has Bronze and no session: its last build failed",
        f"{model}: {failure['message']}".split(",")[0],
    ]


def test_a_claim_that_does_not_hold_is_named_with_its_rows(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """Three trades off the tick grid, one of them by an unknown aggressor, are warned of in words;
    the claims on the same table that hold are not."""
    database = builds[SESSION].copy_database(tmp_path)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update intermediate.int_front_trades set price = price + 0.1,"
            " aggressor_side = if(trade_nr = 1, 'X', aggressor_side) where trade_nr <= 3"
        )
    name = "front_month_trades_are_plausible"
    build = run_dbt(
        *("build", "--select", name), bronze=bronze, work=tmp_path, session_date=SESSION
    )
    assert build.returncode == 0, build.output
    assert [line for line in build.output.splitlines() if line.startswith(name)] == [
        f"{name}: aggressor_codes_are_known fails, rows: 1",
        f"{name}: prices_lie_on_the_tick_grid fails, rows: 3",
    ]


def test_commit_record_names_what_went_in_and_what_came_out(builds: Builds) -> None:
    build = builds[SESSION]
    record = json.loads((build.silver / "_commits" / f"{SESSION}.json").read_text())
    assert {name: output["sha256"] for name, output in record["outputs"].items()} == {
        path.split("/")[0]: digest for path, digest in build.digests().items()
    }
    feeds = {(row["feed"], row["trade_date"]): row["status"] for row in record["inputs"]["bronze"]}
    assert feeds["futures/trades", "2025-12-05"] == "ok"
    assert feeds["options/nbbo", SESSION] == "ok"
    assert record["inputs"]["vars"]["outcome_threshold"] == 15.0
    assert not any((build.silver / "_staging").iterdir())
