"""The benchmark's Polars and pandas scripts against the tables that builds published."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import Builds, run_module

SCRIPTS = ("polars", "pandas")
SESSIONS = ("2025-12-10", "2025-11-28")
"""An ordinary date, and a half day whose feed was down before the open."""

Written = dict[tuple[str, str], Path]


@pytest.fixture(scope="module")
def written(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The folder that each script wrote, by script and session date."""
    folders = {}
    for script in SCRIPTS:
        for session_date in SESSIONS:
            folder = tmp_path_factory.mktemp(f"{script}-{session_date}")
            finished = run_module(f"bench.{script}_session", bronze, session_date, folder)
            assert finished.returncode == 0, finished.stderr
            folders[script, session_date] = folder
    return folders


@pytest.mark.parametrize("session_date", SESSIONS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_makes_the_published_tables(
    script: str, session_date: str, builds: Builds, written: Written
) -> None:
    finished = run_module(
        "bench.table_agreement",
        *(builds[session_date].silver, session_date, written[script, session_date], script),
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"{script}: all of bars_1m, levels, level_events," in finished.stdout


@pytest.mark.parametrize(
    ("table", "changed", "told"),
    [
        ("bars_1m", pl.col("vwap") * (1 + 2e-9), "bars_1m: vwap: "),
        ("levels", pl.col("valid_to_ns") + 1, "levels: valid_to_ns: "),
        ("level_events", pl.lit("ESZ9").alias("contract"), "level_events: contract: "),
        ("level_event_labels", ~pl.col("tradeable_1"), "level_event_labels: tradeable_1: "),
        ("level_event_features", pl.lit("CALM").alias("barrier_state"), "barrier_state: "),
        ("level_event_features", None, "level_event_features: mass: polars does not have it"),
    ],
)
def test_any_other_value_is_named_and_fails(
    table: str,
    changed: pl.Expr | None,
    told: str,
    builds: Builds,
    written: Written,
    tmp_path: Path,
) -> None:
    for path in written["polars", SESSIONS[0]].iterdir():
        rows = pl.read_parquet(path)
        if path.stem == table:
            rows = rows.drop("mass") if changed is None else rows.with_columns(changed)
        rows.write_parquet(tmp_path / path.name)
    finished = run_module(
        "bench.table_agreement", builds[SESSIONS[0]].silver, SESSIONS[0], tmp_path, "polars"
    )
    assert finished.returncode == 1
    assert told in finished.stderr
    assert finished.stderr.count("error:") == 1


def test_missing_rows_fail(builds: Builds, written: Written, tmp_path: Path) -> None:
    for path in written["pandas", SESSIONS[0]].iterdir():
        pl.read_parquet(path)[1:].write_parquet(tmp_path / path.name)
    finished = run_module(
        "bench.table_agreement", builds[SESSIONS[0]].silver, SESSIONS[0], tmp_path, "pandas"
    )
    assert finished.returncode == 1
    assert finished.stderr.count("from pandas, and they must be the same ones") == 5
