"""Whether a script's tables are those that a build of the same session published.

python -m bench.table_agreement SILVER SESSION_DATE FOLDER NAME
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from bench.agreement import RTOL, differences

KEYS = {
    "bars_1m": ["bar_start_ns"],
    "levels": ["level_kind", "valid_from_ns"],
    "level_events": ["event_id"],
    "level_event_features": ["event_id"],
    "level_event_labels": ["event_id"],
}
"""The tables that are compared, and what identifies their rows."""

FROM_OPTIONS = r"gex|^gamma_exposure$|^fuel_effect$|^calendar_basis$|^option_source_ts_ns$"
"""Columns of `level_event_features` that the scripts leave out."""


def table_differences(published: Path, session_date: str, folder: Path, name: str) -> list[str]:
    """What differs in words, table by table; a column that is missing differs."""
    found = []
    for table, keys in KEYS.items():
        path = published / table / f"session_date={session_date}" / "data.parquet"
        models = pl.read_parquet(path).drop(pl.selectors.matches(FROM_OPTIONS))
        script = pl.read_parquet(folder / f"{table}.parquet")
        missing = sorted(set(models.columns) - set(script.columns))
        found += [f"{table}: {column}: {name} does not have it" for column in missing]
        found += [f"{table}: {text}" for text in differences(models, script, keys, name)]
    return found


def main(published: str, session_date: str, folder: str, name: str) -> int:
    """Print the verdict; 1 if anything differs."""
    found = table_differences(Path(published), session_date, Path(folder), name)
    for difference in found:
        print(f"error: {difference}", file=sys.stderr)
    if not found:
        print(f"{name}: all of {', '.join(KEYS)} agree to {RTOL:g}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
