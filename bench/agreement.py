"""Whether the Polars script's tables are those that a build of the same session published.

python -m bench.agreement SILVER SESSION_DATE FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

KEYS = {
    "bars_1m": ["bar_start_ns"],
    "levels": ["level_kind", "valid_from_ns"],
    "level_events": ["event_id"],
    "level_event_features": ["event_id"],
    "level_event_labels": ["event_id"],
}
"""The tables that are compared, and what identifies their rows."""

RTOL, ATOL = 1e-9, 1e-12


def table_differences(
    published: Path, session_date: str, folder: Path
) -> tuple[list[str], dict[str, int], list[str]]:
    """What differs in words; how many columns of each table agree; which the script leaves out."""
    found, compared, left_out = [], {}, []
    for table, keys in KEYS.items():
        models = pl.read_parquet(
            published / table / f"session_date={session_date}" / "data.parquet"
        )
        script = pl.read_parquet(folder / f"{table}.parquet")
        left_out += [column for column in models.columns if column not in script.columns]
        compared[table] = len(script.columns)
        found += [f"{table}: {text}" for text in differences(models, script, keys)]
    return found, compared, left_out


def differences(models: pl.DataFrame, script: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """What differs, in words, column by column of `script`; rows are matched by `keys`.

    Two floats are the same if |a - b| <= ATOL + RTOL |b|, anything else if it is equal; NULL is the
    same as NULL only.
    """
    matched = models.select(keys).join(script.select(keys).unique(), on=keys, how="semi").height
    if not 0 < models.height == script.height == matched:
        return [
            f"nothing to compare: {models.height} rows from the models, {script.height} from"
            " Polars, and they must be the same ones, at least one"
        ]
    both = models.sort(keys).join(script, on=keys, suffix=" script", validate="1:1")
    found = []
    for column in script.columns:
        if column not in models.columns:
            found.append(f"{column}: only Polars has it")
        elif column not in keys:
            ours, theirs = pl.col(column), pl.col(f"{column} script")
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
                    f" {', '.join(map(str, row))}: {mine} from the models, {its} from Polars"
                )
    return found


def main(published: str, session_date: str, folder: str) -> int:
    """Print the verdict; 1 if anything differs."""
    found, compared, left_out = table_differences(Path(published), session_date, Path(folder))
    for difference in found:
        print(f"error: {difference}", file=sys.stderr)
    if not found:
        columns = ", ".join(f"{count} of {table}" for table, count in compared.items())
        print(f"Polars: columns that agree to {RTOL:g}: {columns}")
        print(f"Polars leaves out {', '.join(left_out) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
