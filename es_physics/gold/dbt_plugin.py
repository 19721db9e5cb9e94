"""What dbt asks of Python when it builds gold; registered on the connection of the target `gold`.

- `gold_problem(start, end, fewest, allow_mixed)`: why the range cannot be read, in words;
- `gold_select(table, start, end)`: SQL that reads a table of its committed sessions;
- `gold_inputs(start, end)`: what a gold commit says of them, as JSON;
- `gold_session_vars(start, end)`: the vars that the newest of them was built with, as JSON;
- `gold_var_names()`: the vars that gold alone reads.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from es_physics.errors import Error, first_line
from es_physics.files import gold_root, require_writable_root, root_path, setting, silver_root
from es_physics.gold.sessions import Session, inputs_of, sessions_between, table_select
from es_physics.project import gold_var_names

DEFAULT_CACHE = "target/silver"
"""Where files of an object store are kept; `ES_SILVER_CACHE` moves it."""


@cache
def _sessions(start: date, end: date) -> tuple[Session, ...]:
    return tuple(sessions_between(silver_root(), start, end, fewest=0, allow_mixed=True))


def gold_problem(start: date, end: date, fewest: int, allow_mixed: bool) -> str:
    """Why gold cannot be made of the range, in words; empty if it can."""
    _sessions.cache_clear()
    if start > end:
        return f"gold_start {start} is after gold_end {end}"
    try:
        require_writable_root(gold_root(), "Gold")
        sessions_between(silver_root(), start, end, fewest=fewest, allow_mixed=allow_mixed)
    except (Error, OSError) as error:
        return first_line(error)
    return ""


def gold_select(table: str, start: date, end: date) -> str:
    """SQL that reads the table of the range's committed sessions, or `error: ` and why not."""
    cache_folder = root_path(setting("ES_SILVER_CACHE", DEFAULT_CACHE))
    try:
        return table_select(silver_root(), table, _sessions(start, end), cache_folder)
    except (Error, OSError, duckdb.Error) as error:
        return f"error: {first_line(error)}"


def gold_inputs(start: date, end: date) -> str:
    """The sessions that gold reads with their fingerprints, as a JSON list."""
    return json.dumps(list(inputs_of(_sessions(start, end))))


def gold_session_vars(start: date, end: date) -> str:
    """The vars that the newest session was built with, as a JSON object."""
    return json.dumps(_sessions(start, end)[-1].record["inputs"]["vars"])


def var_names() -> list[str]:
    """The vars that decide a number of gold."""
    return [name for name in gold_var_names("gold") if not name.startswith("gold_")]


class Plugin(BasePlugin):
    """Registers the functions on dbt's DuckDB connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb once for each database it opens."""
        # The answers depend on the disk, so they must not be computed once and kept.
        # Typed by their annotations.
        for function in (gold_problem, gold_select, gold_inputs, gold_session_vars):
            conn.create_function(function.__name__, function, side_effects=True)
        conn.create_function("gold_var_names", var_names, [], "varchar[]")
