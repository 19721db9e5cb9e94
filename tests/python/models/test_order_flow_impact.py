"""Order flow imbalance must move the price the way it points (Cont, Kukanov and Stoikov 2014)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from conftest import Builds

SESSIONS = ("2025-12-10", "2025-12-15", "2025-10-31", "2025-11-03")
MINUTE_NS = 60 * 10**9


def mid_changes(bronze: Path, events: pl.DataFrame, session_date: str) -> pl.DataFrame:
    """Change of the mid price over the minute before each event, points."""
    book = (
        pl.scan_parquet(bronze / f"futures/mbp10/root=ES/date={session_date}/*.parquet")
        .filter(pl.col("symbol") == events["contract"][0], pl.col("action") != "T")
        .select(
            ts_ns="ts_recv", mid=(pl.col("bid_px_00") + pl.col("ask_px_00")).cast(pl.Float64) / 2e9
        )
        .drop_nulls()
        .collect()
    )
    now = events.select("event_id", ts_ns="event_ts_ns").sort("ts_ns")
    before = now.with_columns(pl.col("ts_ns") - MINUTE_NS)
    return (
        now.join_asof(book, on="ts_ns")
        .join(before.join_asof(book, on="ts_ns"), on="event_id", suffix="_before")
        .select("event_id", change=pl.col("mid") - pl.col("mid_before"))
    )


def test_order_flow_explains_the_simultaneous_change_of_the_mid(
    builds: Builds, bronze: Path
) -> None:
    observed = []
    for day in SESSIONS:
        events = builds[day].table("level_events", day)
        features = builds[day].table("level_event_features", day)
        observed.append(
            features.select("event_id", "ofi_best_60s")
            .join(mid_changes(bronze, events, day), on="event_id")
            .drop_nulls()
        )
    frame = pl.concat(observed)
    correlation = np.corrcoef(frame["ofi_best_60s"], frame["change"])[0, 1]
    assert frame.height >= 40
    assert correlation > 0.5, f"R squared {correlation**2:.2f} over {frame.height} events"
