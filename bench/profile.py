"""`python -m bench.profile`: where the time of a whole `dbt build` goes.

Builds a simulated session, then runs every node again, one after the other in one DuckDB process,
and prints what each costs by itself: wall and CPU time, bytes read, DuckDB's peak memory. What the
build used beyond the nodes is dbt's own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import PurePath

import polars as pl
from rich.table import Table

from bench.command import FULL_BOOK_ROWS, finish, new_console, number_table, parser, prepare
from bench.measure import Cost, run
from bench.session import PROJECT


def with_folders(nodes: pl.DataFrame) -> pl.DataFrame:
    """`nodes` with the column `folder`: the models' own, and one for all tests."""
    folders = [
        "tests" if kind == "test" else str(PurePath(path).parent)
        for kind, path in nodes.select("kind", "path").rows()
    ]
    return nodes.with_columns(folder=pl.Series(folders, dtype=pl.String))


def node_table(nodes: pl.DataFrame, top: int) -> Table:
    """The nodes that cost the most CPU time."""
    table = number_table(
        f"the {min(top, nodes.height)} of {nodes.height} nodes with the most CPU time, each alone",
        *("node", "CPU s", "wall s", "in dbt", "read MB", "rows", "peak MB"),
        caption="in dbt: wall s beside other nodes; read, rows scanned and peak as DuckDB counts"
        " them for a query, of which Python nodes run several",
    )
    for row in nodes.sort("cpu_s", descending=True).head(top).iter_rows(named=True):
        table.add_row(
            *(row["node"], f"{row['cpu_s']:.2f}", f"{row['wall_s']:.2f}"),
            *(f"{row['dbt_wall_s']:.2f}", _megabytes(row["read_bytes"])),
            "" if row["rows_scanned"] is None else f"{row['rows_scanned']:,}",
            _megabytes(row["peak_bytes"]),
        )
    return table


def folder_table(nodes: pl.DataFrame, built: Cost) -> Table:
    """Totals by folder, and what is left of the build for dbt."""
    table = number_table("totals", "folder", "nodes", "CPU s", "wall s", "read MB", "peak MB")
    totals = (
        with_folders(nodes)
        .group_by("folder")
        .agg(pl.len(), pl.col("cpu_s", "wall_s", "read_bytes").sum(), pl.col("peak_bytes").max())
        .sort("cpu_s", descending=True)
    )
    for folder, count, cpu_s, wall_s, read_bytes, peak_bytes in totals.rows():
        table.add_row(
            *(folder, str(count), f"{cpu_s:.2f}", f"{wall_s:.2f}"),
            *(_megabytes(read_bytes), _megabytes(peak_bytes)),
        )
    cpu_s, wall_s, read_bytes = totals.select("cpu_s", "wall_s", "read_bytes").sum().row(0)
    table.add_section()
    table.add_row(
        *("all nodes, one by one", str(nodes.height), f"{cpu_s:.2f}", f"{wall_s:.2f}"),
        _megabytes(read_bytes),
    )
    table.add_row("dbt's own", "", f"{built.cpu_s - cpu_s:.2f}")
    table.add_row(
        *("dbt build", "", f"{built.cpu_s:.2f}", f"{built.wall_s:.2f}", ""),
        _megabytes(built.peak_bytes),
    )
    return table


def _megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:,.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the profile."""
    given = parser("bench.profile", "Show where the time of a whole dbt build goes.")
    given.add_argument(
        "--book-rows", type=int, default=FULL_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    given.add_argument(
        "--top", type=int, default=20, metavar="N", help="nodes to show (default: %(default)s)"
    )
    args = given.parse_args(arguments)
    return finish(lambda: _profile(args))


def _profile(args: argparse.Namespace) -> int:
    console = new_console()
    session, built = prepare(console, args.cache, args.book_rows)
    output = session.folder / "profile.parquet"
    run(
        [
            *(sys.executable, "-m", "bench.profile_nodes"),
            *(session.database, session.target, output),
        ],
        folder=PROJECT,
        environment=session.environment,
    )
    nodes = pl.read_parquet(output)
    console.print(node_table(nodes, args.top))
    console.print(folder_table(nodes, built))
    return 0


if __name__ == "__main__":
    sys.exit(main())
