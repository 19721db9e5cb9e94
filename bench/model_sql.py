"""The SQL of the book and feature models without dbt: each as a table, in one DuckDB process.

Takes the SQL that dbt compiled for a session and runs it in the order of the graph, as many models
at once as there are threads, which is what dbt does.

    python -m bench.model_sql DATABASE TARGET
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from bench.session import FOLDERS


def statements(target: Path) -> tuple[dict[str, str], dict[str, set[str]]]:
    """By model, from dbt's target folder: what creates it, and which of these models it reads."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    creating, reading = {}, {}
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        name, node = result["unique_id"], nodes.get(result["unique_id"], {})
        if node.get("resource_type") == "model" and node["original_file_path"].startswith(FOLDERS):
            creating[name] = (
                f"create or replace {node['config']['materialized']} {result['relation_name']}"
                f" as {result['compiled_code']}"
            )
            reading[name] = set(node["depends_on"]["nodes"])
    if not creating:
        sys.exit(
            f"error: no model of {', '.join(FOLDERS)} in {target}; run dbt build into it first"
        )
    return creating, {name: parents & creating.keys() for name, parents in reading.items()}


def create_models(database: Path, target: Path) -> None:
    """Run every statement in the database, parents first."""
    creating, reading = statements(target)
    threads = int(os.environ["ES_THREADS"])
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": os.environ["ES_MEMORY_LIMIT"],
        "temp_directory": os.environ["ES_TEMP_DIRECTORY"],
        "preserve_insertion_order": True,
    }
    graph = TopologicalSorter(reading)
    graph.prepare()
    running: dict[Future[object], str] = {}
    with (
        duckdb.connect(str(database), config=config) as connection,
        ThreadPoolExecutor(threads) as pool,
    ):
        while graph.is_active():
            for name in graph.get_ready():
                running[pool.submit(connection.cursor().execute, creating[name])] = name
            for finished in wait(running, return_when=FIRST_COMPLETED).done:
                finished.result()
                graph.done(running.pop(finished))


if __name__ == "__main__":
    create_models(*map(Path, sys.argv[1:]))
