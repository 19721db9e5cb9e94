"""Whether the Polars pipeline and the models of a built session give the same numbers.

python -m bench.agreement DATABASE POLARS_PARQUET
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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


def differences(
    models: pl.DataFrame,
    other: pl.DataFrame,
    keys: Sequence[str] = ("event_id",),
    name: str = "Polars",
) -> list[str]:
    """What differs, in words, column by column of `other`; rows are matched by `keys`.

    Two floats are the same if |a - b| <= ATOL + RTOL |b|, anything else if it is equal; NULL is the
    same as NULL only.
    """
    keys = list(keys)
    matched = models.select(keys).join(other.select(keys).unique(), on=keys, how="semi").height
    if not 0 < models.height == other.height == matched:
        return [
            f"nothing to compare: {models.height} rows from the models, {other.height} from"
            f" {name}, and they must be the same ones, at least one"
        ]
    both = models.sort(keys).join(other, on=keys, suffix=" other", validate="1:1")
    found = []
    for column in other.columns:
        if column not in models.columns:
            found.append(f"{column}: only {name} has it")
        elif column not in keys:
            ours, theirs = pl.col(column), pl.col(f"{column} other")
            same = ours.eq_missing(theirs)
            # Whole numbers are exact: a nanosecond is far below the tolerance of a time.
            if models.schema[column].is_float():
                close = (theirs - ours).abs() <= ATOL + RTOL * ours.abs()
                same = same | close.fill_null(False)
            wrong = both.filter(~same).select(*keys, ours, theirs)
            if wrong.height:
                *row, mine, its = wrong.row(0)
                found.append(
                    f"{column}: {wrong.height} of {both.height} differ, the first at"
                    f" {', '.join(map(str, row))}: {mine} from the models, {its} from {name}"
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
