"""The models of a built session without dbt: each as a table, in one process, in memory.

Takes what dbt compiled for a session and runs it in the order of the graph, as many models at once
as there are threads, which is what dbt does.

    python -m bench.model_sql DATABASE TARGET PATH ...

A path is the beginning of a model's path below the project's folder.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb


@dataclass(frozen=True)
class Node:
    """A node of a finished dbt command."""

    name: str
    kind: str
    """model, test, seed, ..."""
    path: str
    """Its file, below the project's folder."""
    code: str
    """What dbt compiled: SQL, or Python that ends in dbt's own part."""
    relation: str | None
    materialized: str
    parents: frozenset[str]
    """Unique ids of the nodes it reads."""
    macros: frozenset[str]
    """Unique ids of the macros it calls."""
    dbt_wall_s: float
    """What dbt measured for it."""

    def execute(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the model, or run the test; any other kind does nothing."""
        if self.path.endswith(".py"):
            module: dict[str, Any] = {}
            exec(self.code, module)
            # Found by the statement below under its name.
            result = module["model"](module["dbtObj"](connection.table), connection)
            assert result is not None
            connection.execute(f"create or replace table {self.relation} as from result")
        elif self.kind == "model":
            connection.execute(
                f"create or replace {self.materialized} {self.relation} as {self.code}"
            )
        elif self.kind == "test":
            connection.execute(self.code).fetchall()


def nodes(target: Path) -> dict[str, Node]:
    """By unique id, from dbt's target folder: what its last command ran."""
    manifest = json.loads((target / "manifest.json").read_text())["nodes"]
    found = {}
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        name = result["unique_id"]
        if name in manifest:
            node = manifest[name]
            found[name] = Node(
                name=node["name"],
                kind=node["resource_type"],
                path=node["original_file_path"],
                code=result["compiled_code"] or "",
                relation=result["relation_name"],
                materialized=node["config"]["materialized"],
                parents=frozenset(node["depends_on"].get("nodes", [])),
                macros=frozenset(node["depends_on"].get("macros", [])),
                dbt_wall_s=result["execution_time"],
            )
    return found


def models_of(target: Path, paths: tuple[str, ...]) -> dict[str, Node]:
    """The models among them whose path begins with one of `paths`; exits if there are none."""
    found = {
        name: node
        for name, node in nodes(target).items()
        if node.kind == "model" and node.path.startswith(paths)
    }
    if not found:
        sys.exit(f"error: no model of {', '.join(paths)} in {target}; run dbt build into it first")
    return found


def connect(database: Path) -> duckdb.DuckDBPyConnection:
    """The session's database with dbt's settings."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": int(os.environ["ES_THREADS"]),
        "memory_limit": os.environ["ES_MEMORY_LIMIT"],
        "temp_directory": os.environ["ES_TEMP_DIRECTORY"],
        "preserve_insertion_order": True,
        "asof_loop_join_threshold": 0,
        "fsync_mode": "NONE",
        "checkpoint_threshold": "1TB",
    }
    connection = duckdb.connect(str(database), config=config)
    connection.execute("set global TimeZone = 'UTC'")
    return connection


def in_memory(database: Path, made: set[str | None]) -> duckdb.DuckDBPyConnection:
    """A database in memory, as a backfill's is, of the file's name and with its relations as views.

    Without those of `made`, in the quotes that dbt gives them.
    """
    connection = connect(Path(":memory:"))
    connection.execute(f"attach ':memory:' as \"{database.stem}\"")
    connection.execute(f"attach '{database}' as kept (read_only)")
    kept = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'kept'"
        " union all select schema_name, view_name from duckdb_views()"
        " where database_name = 'kept' and not internal"
    ).fetchall()
    for schema, name in kept:
        relation = f'"{database.stem}"."{schema}"."{name}"'
        connection.execute(f'create schema if not exists "{database.stem}"."{schema}"')
        if relation not in made:
            connection.execute(f'create view {relation} as from kept."{schema}"."{name}"')
    connection.execute(f'use "{database.stem}"')
    return connection


def create_models(database: Path, target: Path, paths: tuple[str, ...]) -> None:
    """Run every model in memory, parents first."""
    models = models_of(target, paths)
    graph = TopologicalSorter({name: node.parents & models.keys() for name, node in models.items()})
    graph.prepare()
    running: dict[Future[None], str] = {}
    with (
        in_memory(database, {model.relation for model in models.values()}) as connection,
        ThreadPoolExecutor(int(os.environ["ES_THREADS"])) as pool,
    ):
        while graph.is_active():
            for name in graph.get_ready():
                running[pool.submit(models[name].execute, connection.cursor())] = name
            for finished in wait(running, return_when=FIRST_COMPLETED).done:
                finished.result()
                graph.done(running.pop(finished))


if __name__ == "__main__":
    database_path, target_folder, *model_paths = sys.argv[1:]
    create_models(Path(database_path), Path(target_folder), tuple(model_paths))
