"""What dbt asks of Python when it scores runs; registered on the connection of target `evaluation`.

- `evaluation_problem()`: why there is nothing to score, in words;
- `evaluation_left_out()`: which runs are left out, in words;
- `evaluation_select(kind, name)`: SQL that reads a table of `gold`, a file of the `runs`, or the
  `trials`;
- `evaluation_inputs()`: what a commit of scores says of them, as JSON;
- `evaluation_var_names()`: the vars that the scores alone read.
"""

from __future__ import annotations

import json
from functools import cache

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from es_physics.errors import Error, first_line
from es_physics.files import gold_root, require_writable_root, root_path, setting
from es_physics.gold.dbt_plugin import DEFAULT_CACHE
from es_physics.gold.runs import (
    Inputs,
    evaluation_inputs,
    gold_table_select,
    inputs_of,
    runs_select,
    trials_select,
)
from es_physics.gold.sessions import first_few
from es_physics.project import gold_var_names


@cache
def _inputs() -> Inputs:
    return evaluation_inputs(gold_root())


def evaluation_problem() -> str:
    """Why nothing can be scored, in words; empty if something can."""
    _inputs.cache_clear()
    try:
        require_writable_root(gold_root(), "Gold")
        _inputs()
    except (Error, OSError) as error:
        return first_line(error)
    return ""


def evaluation_left_out() -> str:
    """Which runs are left out because they read another gold, in words; empty if none."""
    names = _inputs().left_out
    if not names:
        return ""
    return f"runs of another gold are left out: {first_few(names)}"


def evaluation_select(kind: str, name: str) -> str:
    """SQL that reads it, or `error: ` and why not."""
    cache_folder = root_path(setting("ES_SILVER_CACHE", DEFAULT_CACHE))
    try:
        if kind == "gold":
            return gold_table_select(_inputs(), name, cache_folder)
        if kind == "trials":
            return trials_select(gold_root(), cache_folder)
        return runs_select(_inputs(), name, cache_folder)
    except (Error, OSError, duckdb.Error) as error:
        return f"error: {first_line(error)}"


def evaluation_inputs_json() -> str:
    """What is scored, as a JSON object."""
    return json.dumps(inputs_of(_inputs()))


def var_names() -> list[str]:
    """The vars that decide a number of the scores."""
    return gold_var_names("scores")


class Plugin(BasePlugin):
    """Registers the functions on dbt's DuckDB connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb once for each database it opens."""
        # The answers depend on the disk, so they must not be computed once and kept.
        for function in (evaluation_problem, evaluation_left_out, evaluation_select):
            conn.create_function(function.__name__, function, side_effects=True)
        conn.create_function(
            "evaluation_inputs", evaluation_inputs_json, [], "varchar", side_effects=True
        )
        conn.create_function("evaluation_var_names", var_names, [], "varchar[]")
