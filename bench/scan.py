"""The floor: read the needed columns once, whole files, and do nothing but add them up.

python -m bench.scan duckdb|polars FOLDER ...

A folder is a partition of Bronze's feed `mbp10` or `trades`.
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
NUMBERS = {
    "mbp10": ["ts_recv", "flags", *LADDER],
    "trades": ["ts_recv", "row_nr", "price", "size"],
}
TEXTS = {"mbp10": ["symbol", "action"], "trades": ["symbol", "side"]}


def scan_duckdb(folder: Path) -> tuple[float, ...]:
    """Sum of every number and of every text's length, by DuckDB."""
    import duckdb

    feed = _feed(folder)
    sums = [f"sum({name}::double)" for name in NUMBERS[feed]]
    sums += [f"sum(strlen({name}))" for name in TEXTS[feed]]
    with duckdb.connect(config={"threads": int(os.environ["ES_THREADS"])}) as connection:
        [row] = connection.execute(
            f"select {', '.join(sums)} from read_parquet(?)", [f"{folder}/*.parquet"]
        ).fetchall()
    return tuple(map(float, row))


def scan_polars(folder: Path) -> tuple[float, ...]:
    """The same by Polars' streaming engine."""
    import polars as pl

    feed = _feed(folder)
    return tuple(
        pl.scan_parquet(folder / "*.parquet")
        .select(
            pl.col(NUMBERS[feed]).cast(pl.Float64).sum(),
            pl.col(TEXTS[feed]).str.len_bytes().cast(pl.Float64).sum(),
        )
        .collect(engine="streaming")
        .row(0)
    )


def _feed(folder: Path) -> str:
    return folder.parents[1].name


if __name__ == "__main__":
    engine, *partitions = sys.argv[1:]
    for partition in partitions:
        print(*{"duckdb": scan_duckdb, "polars": scan_polars}[engine](Path(partition)))
