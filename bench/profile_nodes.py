"""What each node of a built session costs in DuckDB, one after the other in one process.

    python -m bench.profile_nodes DATABASE TARGET OUTPUT

Writes one row per node to OUTPUT, a Parquet file. SQL nodes carry what DuckDB's own profile says
they read and held; Python nodes run several queries and carry their times alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from bench.model_sql import Node, connect, nodes

SCHEMA = {
    "node": pl.String,
    "kind": pl.String,
    "path": pl.String,
    "dbt_wall_s": pl.Float64,
    "wall_s": pl.Float64,
    "cpu_s": pl.Float64,
    "read_bytes": pl.Int64,
    "rows_scanned": pl.Int64,
    "peak_bytes": pl.Int64,
}


def profile(database: Path, target: Path, scratch: Path) -> pl.DataFrame:
    """One row per node by `SCHEMA`, in the order they ran; `scratch` is a file to write over."""
    every = {name: node for name, node in nodes(target).items() if node.kind in ("model", "test")}
    order = TopologicalSorter({name: node.parents & every.keys() for name, node in every.items()})
    with connect(database) as connection:
        # Else only the first to read a column would be seen to.
        connection.execute("set enable_external_file_cache = false")
        connection.execute("set enable_profiling = 'json'")
        connection.execute("set profiling_output = ?", [str(scratch)])
        rows = [_measured(every[name], connection, scratch) for name in order.static_order()]
    return pl.DataFrame(rows, schema=SCHEMA)


def _measured(node: Node, connection: duckdb.DuckDBPyConnection, scratch: Path) -> dict[str, Any]:
    scratch.unlink(missing_ok=True)
    wall, cpu = time.perf_counter(), _cpu_s()
    node.execute(connection)
    row: dict[str, Any] = {
        "node": node.name,
        "kind": node.kind,
        "path": node.path,
        "dbt_wall_s": node.dbt_wall_s,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": _cpu_s() - cpu,
    }
    if node.path.endswith(".py") or not scratch.exists():
        return row
    measured = json.loads(scratch.read_text())
    return row | {
        "read_bytes": measured["io"]["total_bytes_read"],
        "rows_scanned": measured["query"]["total_rows_scanned"],
        "peak_bytes": measured["system"]["peak_buffer_memory"],
    }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    database_path, target_folder, output = map(Path, sys.argv[1:])
    profile(database_path, target_folder, output.with_suffix(".json")).write_parquet(output)
