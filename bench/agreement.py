"""Whether the Polars pipeline and the models of a built session give the same numbers.

python -m bench.agreement DATABASE POLARS_PARQUET
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import polars as pl

GROUPS = ("kinematics", "tape", "ofi", "barrier", "force_mass")
RTOL, ATOL = 1e-9, 1e-12


def model_features(database: Path) -> pl.DataFrame:
    """One row per event from the tables that the feature models wrote."""
    first, *others = (f"intermediate.int_event_{group}" for group in GROUPS)
    joins = " ".join(f"join {table} using (event_id)" for table in others)
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(f"select * from {first} {joins}").pl()


def differences(models: pl.DataFrame, polars: pl.DataFrame) -> list[str]:
    """What differs, in words, column by column; events are matched by `event_id`.

    Two numbers are the same if |a - b| <= ATOL + RTOL |b|; NULL is the same as NULL only.
    """
    if models.is_empty() or set(models["event_id"]) != set(polars["event_id"]):
        return [
            f"nothing to compare: {models.height} events from the models, {polars.height} from"
            " Polars, and they must be the same ones, at least one"
        ]
    both = models.sort("event_id").join(polars, on="event_id", suffix=" polars", validate="1:1")
    found = []
    for name in polars.columns:
        if name not in models.columns:
            found.append(f"{name}: only Polars has it")
        elif name != "event_id":
            ours, theirs = pl.col(name), pl.col(f"{name} polars")
            same = ours.eq_missing(theirs)
            if models.schema[name].is_numeric():
                close = (theirs - ours).abs() <= ATOL + RTOL * ours.abs()
                same = same | close.fill_null(False)
            wrong = both.filter(~same).select("event_id", ours, theirs)
            if wrong.height:
                event_id, mine, other = wrong.row(0)
                found.append(
                    f"{name}: {wrong.height} of {both.height} differ, the first at {event_id}:"
                    f" {mine} from the models, {other} from Polars"
                )
    return found


def main(database: Path, parquet: Path) -> int:
    """Print the verdict; 1 if anything differs."""
    polars = pl.read_parquet(parquet)
    found = differences(model_features(database), polars)
    for difference in found:
        print(f"error: {difference}", file=sys.stderr)
    if not found:
        print(f"{polars.width - 1} features of {polars.height} events agree to {RTOL:g}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
