"""The benchmark's Polars script against the tables that builds published."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from conftest import Builds, run_module

COMPARED = {
    "bars_1m": 18,
    "levels": 6,
    "level_events": 17,
    "level_event_features": 81,
    "level_event_labels": 23,
}
"""Columns that the script made when it was last extended: it may be extended, and not cut."""

SESSIONS = ("2025-12-10", "2025-11-28")
"""An ordinary date, and a half day whose feed was down before the open."""

Written = dict[str, Path]


@pytest.fixture(scope="module")
def written(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The folder that the script wrote, by session date."""
    folders = {}
    for session_date in SESSIONS:
        folders[session_date] = tmp_path_factory.mktemp(session_date)
        finished = run_module("bench.polars_session", bronze, session_date, folders[session_date])
        assert finished.returncode == 0, finished.stderr
    return folders


@pytest.mark.parametrize("session_date", SESSIONS)
def test_the_script_makes_the_published_tables(
    session_date: str, builds: Builds, written: Written
) -> None:
    finished = run_module(
        "bench.agreement", builds[session_date].silver, session_date, written[session_date]
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    told, left_out = finished.stdout.splitlines()
    compared = {table: int(count) for count, table in re.findall(r"(\d+) of (\w+)", told)}
    assert compared.keys() == COMPARED.keys()
    assert all(compared[table] >= count for table, count in COMPARED.items())
    assert left_out.startswith("Polars leaves out ")
    assert "flow_gex_asymmetry" in left_out


@pytest.mark.parametrize(
    ("table", "changed", "told"),
    [
        ("bars_1m", pl.col("vwap") * (1 + 2e-9), "bars_1m: vwap: "),
        ("levels", pl.col("valid_to_ns") + 1, "levels: valid_to_ns: "),
        ("level_events", pl.lit("ESZ9").alias("contract"), "level_events: contract: "),
        ("level_event_labels", ~pl.col("tradeable_1"), "level_event_labels: tradeable_1: "),
        ("level_event_features", pl.lit("CALM").alias("barrier_state"), "barrier_state: "),
        ("level_event_features", pl.col("barrier_added") + 1, "barrier_added: "),
        ("level_event_features", pl.lit(None, pl.Float64).alias("mass"), "features: mass: "),
        ("level_event_features", pl.lit(0).alias("else"), "else: only Polars has it"),
    ],
)
def test_any_other_value_is_named_and_fails(
    table: str,
    changed: pl.Expr,
    told: str,
    builds: Builds,
    written: Written,
    tmp_path: Path,
) -> None:
    for path in written[SESSIONS[0]].iterdir():
        rows = pl.read_parquet(path)
        if path.stem == table:
            rows = rows.with_columns(changed)
        rows.write_parquet(tmp_path / path.name)
    finished = run_module("bench.agreement", builds[SESSIONS[0]].silver, SESSIONS[0], tmp_path)
    assert finished.returncode == 1
    assert told in finished.stderr
    assert finished.stderr.count("error:") == 1


def test_missing_rows_fail(builds: Builds, written: Written, tmp_path: Path) -> None:
    for path in written[SESSIONS[0]].iterdir():
        pl.read_parquet(path)[1:].write_parquet(tmp_path / path.name)
    finished = run_module("bench.agreement", builds[SESSIONS[0]].silver, SESSIONS[0], tmp_path)
    assert finished.returncode == 1
    assert finished.stderr.count("from Polars, and they must be the same ones") == 5
