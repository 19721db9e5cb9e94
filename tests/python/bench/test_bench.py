"""The benchmark's Polars pipeline against the models, and its measuring."""

from __future__ import annotations

import subprocess
from pathlib import Path

import polars as pl
import pytest
from conftest import Builds, run_module
from polars.testing import assert_frame_equal

SESSIONS = ("2025-12-10", "2025-11-28")
"""An ordinary date, and a half day whose feed was down before the open."""

# What the models compute from bars, levels, SPX and options, or say about compared numbers.
NOT_IN_POLARS = (
    *("approach_", "prior_touches", "bar_source", "dist_to_", "level_stacking", "es_spx"),
    *("gex_", "call_gex", "put_gex", "net_gex", "flow_gex", "flow_net_gex", "gamma_", "fuel_"),
    *("calendar_basis", "option_source"),
)
NOT_COMPARED = {"session_date", "barrier_state"}


@pytest.fixture(scope="module")
def polars_features(
    builds: Builds, bronze: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What the pipeline wrote, by session date."""
    folder = tmp_path_factory.mktemp("polars_features")
    written = {}
    for session_date in SESSIONS:
        written[session_date] = folder / f"{session_date}.parquet"
        finished = run_module(
            *("bench.polars_features", bronze, builds[session_date].silver),
            *(session_date, written[session_date]),
        )
        assert finished.returncode == 0, finished.stderr
    return written


def agreement(builds: Builds, session_date: str, path: Path) -> subprocess.CompletedProcess[str]:
    """The benchmark's own verdict on a file of the pipeline's columns."""
    database = builds[session_date].silver.parent / "build.duckdb"
    return run_module("bench.agreement", database, path)


@pytest.mark.parametrize("session_date", SESSIONS)
def test_polars_computes_the_features_of_silver(
    session_date: str, builds: Builds, polars_features: dict[str, Path]
) -> None:
    silver = builds[session_date].table("level_event_features", session_date)
    compared = [
        name
        for name in silver.columns
        if not name.startswith(NOT_IN_POLARS) and name not in NOT_COMPARED
    ]
    assert silver.height > 0
    assert_frame_equal(
        pl.read_parquet(polars_features[session_date]),
        silver.select(compared),
        check_row_order=False,
        check_column_order=False,
        rel_tol=1e-9,
        abs_tol=1e-12,
    )


def test_agreement_is_found(builds: Builds, polars_features: dict[str, Path]) -> None:
    finished = agreement(builds, SESSIONS[0], polars_features[SESSIONS[0]])
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "agree to 1e-09" in finished.stdout


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("ofi_near_level_60s", pl.col("ofi_near_level_60s") * (1 + 2e-9)),
        ("barrier_added", pl.col("barrier_added") + 1),
        ("is_decelerating_60s", ~pl.col("is_decelerating_60s")),
        ("mass", pl.lit(None, pl.Float64)),
    ],
)
def test_any_other_number_is_named_and_fails(
    column: str,
    changed: pl.Expr,
    builds: Builds,
    polars_features: dict[str, Path],
    tmp_path: Path,
) -> None:
    table = pl.read_parquet(polars_features[SESSIONS[0]])
    table.with_columns(changed.alias(column)).write_parquet(tmp_path / "changed.parquet")
    finished = agreement(builds, SESSIONS[0], tmp_path / "changed.parquet")
    assert finished.returncode == 1
    assert f"error: {column}: {table.height} of {table.height} differ" in finished.stderr
    assert finished.stderr.count("error:") == 1


def test_missing_events_fail(
    builds: Builds, polars_features: dict[str, Path], tmp_path: Path
) -> None:
    table = pl.read_parquet(polars_features[SESSIONS[0]])
    table[1:].write_parquet(tmp_path / "short.parquet")
    finished = agreement(builds, SESSIONS[0], tmp_path / "short.parquet")
    assert finished.returncode == 1
    assert f"{table.height - 1} from Polars" in finished.stderr


@pytest.mark.market
def test_the_whole_command_on_a_tiny_session(tmp_path: Path) -> None:
    finished = run_module(
        *("bench.features", "--book-rows", "10000", "--repeat", "1", "--cache", tmp_path)
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for candidate in (
        "scan, DuckDB",
        "scan, Polars",
        "models, SQL alone",
        "models, dbt run",
        "features, Polars",
    ):
        assert candidate in finished.stdout
    assert "agree to 1e-09" in finished.stdout
    left = {path.name for path in (tmp_path / "10000").iterdir()}
    assert "bronze" in left
    assert "unfinished" not in left


def test_a_failing_step_is_told_in_words(tmp_path: Path) -> None:
    finished = run_module(
        *("bench.features", "--book-rows", "5", "--repeat", "1", "--cache", tmp_path)
    )
    assert finished.returncode == 1
    assert "--book-rows 5 is too few for a market" in finished.stderr
    assert "Traceback" not in finished.stderr
