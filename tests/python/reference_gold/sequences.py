"""What a sequence model reads, and which price leads (definitions, section 26)."""

from __future__ import annotations

from statistics import median
from typing import Any

import polars as pl

from reference_gold.silver import Silver

STEPS = 40
SEQUENCES_SCHEMA: dict[str, Any] = {
    "event_id": pl.String,
    "path": pl.List(pl.Float64),
    "signed_volume": pl.List(pl.Float64),
    "ofi": pl.List(pl.Float64),
    "depth": pl.List(pl.Float64),
}
SUMMARY_SCHEMA = {
    "pair": pl.String,
    "theta_ms": pl.Int64,
    "mean_rho": pl.Float64,
    "sessions": pl.Int64,
    "median_lead_ms": pl.Float64,
}


def event_sequences(silver: Silver) -> pl.DataFrame:
    """The `event_sequences` table, by `SEQUENCES_SCHEMA`; steps before the grid are NULL."""
    grids = silver.by_date("session_grid")
    rows = []
    for event in silver.rows("level_events"):
        sign, level = event["dir_sign"], event["level_price"]
        ended = [
            step
            for step in grids[event["session_date"]]
            if step["grid_end_ns"] <= event["event_ts_ns"]
        ]
        ended.sort(key=lambda step: step["grid_end_ns"])
        steps = [None] * (STEPS - len(ended[-STEPS:])) + ended[-STEPS:]

        def values(column: str, sign: int, steps: list = steps) -> list[float | None]:
            return [
                None if step is None or step[column] is None else sign * float(step[column])
                for step in steps
            ]

        rows.append(
            {
                "event_id": event["event_id"],
                "path": [
                    None if close is None else sign * (close - level)
                    for close in values("close", 1)
                ],
                "signed_volume": values("signed_volume", sign),
                "ofi": values("ofi_best", sign),
                "depth": values("mean_depth", 1),
            }
        )
    return pl.DataFrame(rows, schema=SEQUENCES_SCHEMA)


def lead_lag_summary(silver: Silver) -> pl.DataFrame:
    """The `lead_lag_summary` table, by `SUMMARY_SCHEMA`: a row per pair and theta.

    `sessions` is how many know the pair, `median_lead_ms` repeated.
    """
    sessions = silver.rows("sessions")
    found: dict[tuple[str, int], list[float]] = {}
    for row in silver.rows("lead_lag"):
        known = found.setdefault((row["pair"], row["theta_ms"]), [])
        if row["rho"] is not None:
            known.append(row["rho"])
    rows = []
    for (pair, theta), rho in sorted(found.items()):
        leads = [row[f"lead_ms_{pair}"] for row in sessions]
        known_leads = [lead for lead in leads if lead is not None]
        rows.append(
            {
                "pair": pair,
                "theta_ms": theta,
                "mean_rho": sum(rho) / len(rho) if rho else None,
                "sessions": len(rho),
                "median_lead_ms": float(median(known_leads)) if known_leads else None,
            }
        )
    return pl.DataFrame(rows, schema=SUMMARY_SCHEMA)
