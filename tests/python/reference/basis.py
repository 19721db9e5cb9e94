"""The future against the cash index (definitions, section 6, "Basis")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

SPX_SCHEMA = pl.Schema({"ts_ns": pl.Int64, "row_nr": pl.Int64, "price": pl.Float64})
"""An SPX frame: receive time in UTC nanoseconds, price in points; rows in any order."""


def basis(event: Mapping[str, Any], spx: pl.DataFrame | None) -> dict[str, Any]:
    """The event's price less the last SPX price at or before it, points."""
    if spx is None:
        return {"es_spx_basis": None}
    # A record without a price is none.
    known = spx.filter(pl.col("ts_ns") <= event["event_ts_ns"], pl.col("price").is_not_null()).sort(
        "ts_ns", "row_nr"
    )
    last = known["price"][-1] if known.height else None
    return {"es_spx_basis": None if last is None else event["spot"] - last}
