"""The columns of the Silver tables that gold reads: names and types."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import polars as pl
import yaml
from reference.constants import PROJECT_FILE
from reference.event_paths import PATHS_SCHEMA
from reference.features import features_schema
from reference.features_v11 import more_features_schema
from reference.lead_lag import LEAD_LAG_SCHEMA
from reference.placebo import PLACEBO_SCHEMA
from reference.scaled_labels import scaled_schema
from reference.session_tables import COUNTS_SCHEMA, GRID_SCHEMA, MOMENTS_SCHEMA
from reference.zone_entries import EVENTS_SCHEMA

MODELS = PROJECT_FILE.parent / "models" / "silver"
TYPES: dict[str, Any] = {
    "varchar": pl.String,
    "date": pl.Date,
    "bigint": pl.Int64,
    "integer": pl.Int32,
    "double": pl.Float64,
    "boolean": pl.Boolean,
    "timestamp": pl.Datetime("us"),
}
DEFINED: dict[str, dict[str, Any]] = {
    "sessions": {
        f"lead_{name}_{pair}": kind
        for pair in ("spx", "implied")
        for name, kind in (("ms", pl.Int64), ("llr", pl.Float64))
    },
    "level_events": EVENTS_SCHEMA,
    "level_event_features": {**features_schema(), **more_features_schema()},
    "level_event_labels": scaled_schema(),
    "placebo_events": PLACEBO_SCHEMA,
    "placebo_labels": scaled_schema(),
    "event_paths": PATHS_SCHEMA,
    "session_grid": GRID_SCHEMA,
    "ofi_moments": MOMENTS_SCHEMA,
    "microprice_counts": COUNTS_SCHEMA,
    "lead_lag": LEAD_LAG_SCHEMA,
}


@cache
def columns_of(table: str) -> dict[str, Any]:
    """Names and types of a published table, its model's word before that of the definitions.

    A column that is defined, but that no model makes yet, comes last.
    """
    file = MODELS / f"_{table}.yml"
    declared: dict[str, Any] = {"session_date": pl.Date}
    if file.exists():
        model = next(m for m in yaml.safe_load(file.read_text())["models"] if m["name"] == table)
        declared |= {column["name"]: TYPES[column["data_type"]] for column in model["columns"]}
    return {**declared, **{k: v for k, v in DEFINED[table].items() if k not in declared}}


def shaped(table: str, rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows with the columns of the table, in its types; what they lack is NULL."""
    rows = rows.with_columns(session_date=pl.lit(day))
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in columns_of(table).items()
    )
