"""A cash index that follows the future by a known time: the measured lead is that time."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from conftest import run_dbt, run_module


@pytest.mark.market
def test_measured_lead_is_the_simulated_lag(tmp_path: Path) -> None:
    simulated = run_module(
        *("ingest", "simulate", "--scale", "tiny", "--start", "2025-12-10", "--end", "2025-12-10"),
        *("--spx-lag-ms", "350", "--bronze-root", tmp_path / "bronze", "--dbn-dir", tmp_path / "d"),
    )
    assert simulated.returncode == 0, simulated.stderr
    build = run_dbt(
        *("build", "--select", "+sessions", "+lead_lag", "--exclude-resource-type", "test"),
        bronze=tmp_path / "bronze",
        work=tmp_path,
        session_date="2025-12-10",
    )
    assert build.returncode == 0, build.output
    with duckdb.connect(tmp_path / "build.duckdb", read_only=True) as connection:
        ((lead_ms, ratio),) = connection.sql(
            "select lead_ms_spx, lead_llr_spx from silver.sessions"
        ).fetchall()
        ((changes,),) = connection.sql(
            "select distinct y_changes from silver.lead_lag where pair = 'spx'"
        ).fetchall()
    assert lead_ms == 350
    assert ratio > 1
    assert changes > 1_000
