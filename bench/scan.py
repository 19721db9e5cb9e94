"""The floor: read the book's columns once, whole file, and do nothing with them but add them up.

python -m bench.scan duckdb|polars FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LADDER = [
    f"{side}_{name}_{level:02d}"
    for level in range(10)
    for name in ("px", "sz")
    for side in ("bid", "ask")
]
NUMBERS = ["ts_recv", "flags", *LADDER]
TEXTS = ["symbol", "action"]


def scan_duckdb(folder: Path) -> tuple[float, ...]:
    """Sum of every number and of every text's length, by DuckDB."""
    import duckdb

    sums = [f"sum({name}::double)" for name in NUMBERS] + [f"sum(strlen({name}))" for name in TEXTS]
    with duckdb.connect(config={"threads": int(os.environ["ES_THREADS"])}) as connection:
        [row] = connection.execute(
            f"select {', '.join(sums)} from read_parquet(?)", [f"{folder}/*.parquet"]
        ).fetchall()
    return tuple(map(float, row))


def scan_polars(folder: Path) -> tuple[float, ...]:
    """The same by Polars' streaming engine."""
    import polars as pl

    return tuple(
        pl.scan_parquet(folder / "*.parquet")
        .select(
            pl.col(NUMBERS).cast(pl.Float64).sum(),
            pl.col(TEXTS).str.len_bytes().cast(pl.Float64).sum(),
        )
        .collect(engine="streaming")
        .row(0)
    )


if __name__ == "__main__":
    engine, partition = sys.argv[1:]
    print(*{"duckdb": scan_duckdb, "polars": scan_polars}[engine](Path(partition)))
