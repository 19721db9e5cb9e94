"""Whole builds of simulated sessions against an implementation that shares no code with them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import reference
from conftest import PROJECT, Builds, run_dbt
from reference.constants import Constants

SESSIONS = {
    "2025-12-10": "an ordinary day",
    "2025-12-15": "roll day: no contract has 60 % of the volume",
    "2025-10-31": "last trade date on summer time",
    "2025-11-03": "first trade date on winter time, its evening before still on the other side",
    "2025-11-27": "CME trades, the cash market is shut",
    "2025-11-28": "half day with an outage before the open",
}


@pytest.fixture(scope="module", autouse=True)
def _start_all(builds: Builds) -> None:
    for session_date in SESSIONS:
        builds.start(session_date)


@pytest.mark.parametrize("session_date", SESSIONS, ids=list(SESSIONS))
def test_every_silver_table_equals_the_reference(
    session_date: str, builds: Builds, bronze: Path
) -> None:
    expected = reference.expected_tables_v11(
        bronze, PROJECT / "seeds" / "session_calendar.csv", date.fromisoformat(session_date)
    )
    differences = {
        name: reference.compare(
            expected[name],
            builds[session_date].table(name, session_date),
            key,
        )
        for name, key in reference.KEYS.items()
    }
    assert differences == {name: [] for name in reference.KEYS}


def test_other_windows_give_other_columns_as_the_reference_has_them(
    bronze: Path, tmp_path: Path
) -> None:
    """More windows of one kind, fewer of the other, none of the 60 s that the force takes, half
    seconds for the barrier, and a grid whose steps are no part of a minute."""
    windows = {
        "kinematics_windows_s": (5, 45),
        "ofi_windows_s": (30, 90, 3600),
        "barrier_window_s": 90.5,
        "wall_baseline_s": 600.5,
        "premium_windows_s": (20,),
        "state_cadence_s": 50,
        "lead_lag_max_gap_s": 1.5,
    }
    build = run_dbt(
        "build", bronze=bronze, work=tmp_path, session_date="2025-12-10", other_vars=windows
    )
    assert build.returncode == 0, build.output
    expected = reference.expected_tables_v11(
        bronze,
        PROJECT / "seeds" / "session_calendar.csv",
        date(2025, 12, 10),
        Constants(**windows),
    )
    features = build.table("level_event_features", "2025-12-10")
    assert set(features.columns) == {*expected["level_event_features"].columns, "session_date"}
    assert features["velocity_residual"].drop_nulls().len() > 0
    for name in ("level_event_features", "session_grid", "ofi_moments", "lead_lag"):
        actual = build.table(name, "2025-12-10")
        assert reference.compare(expected[name], actual, reference.KEYS[name]) == [], name
    columns = set(build.table("level_interactions", "2025-12-10").columns)
    assert set(features.columns) < columns


def test_sessions_have_events_of_every_direction_and_outcome(builds: Builds) -> None:
    full_days = ("2025-12-10", "2025-12-15", "2025-10-31", "2025-11-03")
    events = pl.concat(builds[day].table("level_events", day) for day in full_days)
    labels = pl.concat(builds[day].table("level_event_labels", day) for day in full_days)
    assert events.height >= 12 * len(full_days)
    assert set(events["direction"]) == {"UP", "DOWN"}
    assert {"BREAK", "BOUNCE", "CHOP"} <= set(labels["outcome"])


def test_roll_day_is_flagged_and_published(builds: Builds) -> None:
    session = builds["2025-12-15"].table("sessions", "2025-12-15").row(0, named=True)
    assert session["is_roll_contaminated"]
    assert session["contract_count"] == 2
    assert session["dominance_ratio"] + session["runner_up_ratio"] == pytest.approx(1, abs=1e-12)
    assert "Warning in test gate_front_month_dominates " in builds["2025-12-15"].output
    assert builds["2025-12-15"].table("level_events", "2025-12-15").height > 0


def test_open_is_at_the_same_wall_clock_on_both_sides_of_a_dst_change(builds: Builds) -> None:
    opens = {
        day: builds[day].table("sessions", day).row(0, named=True)["rth_start_ns"]
        for day in ("2025-10-31", "2025-11-03")
    }
    # Three days and the hour that the clocks went back.
    assert opens["2025-11-03"] - opens["2025-10-31"] == (3 * 24 + 1) * 3600 * 10**9


def test_date_without_a_cash_session_keeps_its_row_and_has_no_events(builds: Builds) -> None:
    build = builds["2025-11-27"]
    session = build.table("sessions", "2025-11-27").row(0, named=True)
    assert not session["has_rth"]
    assert session["calendar_note"] == "Thanksgiving: cash market closed"
    assert "session 2025-11-27: no regular session" in build.output
    for name in ("levels", "level_events", "level_event_features", "level_event_labels"):
        assert build.table(name, "2025-11-27").is_empty()


def test_half_day_has_no_anchor_after_its_close(builds: Builds) -> None:
    build = builds["2025-11-28"]
    session = build.table("sessions", "2025-11-28").row(0, named=True)
    assert session["event_end_ns"] == session["rth_end_ns"]
    assert str(session["rth_end_et"]) == "2025-11-28 13:00:00"
    events = build.table("level_events", "2025-11-28")
    assert events.height > 0
    assert events["event_ts_ns"].max() <= session["rth_end_ns"]  # type: ignore[operator]


def test_bars_equal_a_resample_of_the_trades(builds: Builds, bronze: Path) -> None:
    session = builds["2025-12-10"].table("sessions", "2025-12-10").row(0, named=True)
    trades = (
        pl.read_parquet(bronze / "futures/trades/root=ES/date=2025-12-10/*.parquet")
        .filter(
            pl.col("symbol") == session["front_month"],
            pl.col("ts_recv").is_between(
                session["premarket_start_ns"], session["rth_end_ns"], closed="left"
            ),
        )
        .sort("ts_recv", "row_nr")
        .with_columns(
            time=pl.from_epoch("ts_recv", time_unit="ns"),
            price=pl.col("price") / 1e9,
            size=pl.col("size").cast(pl.Int64),
        )
    )
    expected = trades.group_by_dynamic("time", every="1m").agg(
        open=pl.col("price").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
        close=pl.col("price").last(),
        volume=pl.col("size").sum(),
        vwap=(pl.col("price") * pl.col("size")).sum() / pl.col("size").sum(),
        trade_count=pl.len().cast(pl.Int64),
        buy_volume=pl.col("size").filter(pl.col("side") == "B").sum(),
        sell_volume=pl.col("size").filter(pl.col("side") == "A").sum(),
    )
    expected = expected.with_columns(bar_start_ns=pl.col("time").dt.epoch("ns")).drop("time")
    actual = builds["2025-12-10"].table("bars_1m", "2025-12-10")
    assert actual.height > 600
    assert reference.compare(expected, actual, ["bar_start_ns"]) == []
