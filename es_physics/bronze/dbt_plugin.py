"""dbt-duckdb plugin: what macros ask of Python, as SQL functions.

dbt loads it from `profiles.yml`. `attach_bronze` asks before a run for the trade date's calendar,
which Bronze partitions exist, are whole, and how to read them:

- `trade_calendar(session_date, warmup_days)`: one JSON object with whether it `is_trade_date`, the
  calendar's `first` and `last` date, `has_rth`, the `reason` and the trade dates `warm_up` to it;
- `vars_problem(given_json)`: what is wrong with the vars of the command line, in words;
- `bronze_feeds()`: the paths of all feeds;
- `bronze_partition(bronze_root, feed_path, trade_date)`: one JSON object with the partition's
  product's `root` (null for an index), its `status` (`ok`, `missing` or `invalid`), the `problem`
  in words, its `files`, `row_count` and the files' `sha256`;
- `bronze_select(feed_path, files)`: the SELECT that reads those files, typed and empty for none.

Others ask for

- `project_var_names()`: the names of the vars that decide a number;
- `make_folder(path)`: to make a folder with those above it, where the path is no URL; the path;
- `failed_gate_line(gate, severity, ...)`: what a failed gate found and what to do, in words.
"""

from __future__ import annotations

import json
import os
from datetime import date
from itertools import groupby
from pathlib import Path

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.func import SPECIAL

from es_physics import project
from es_physics.bronze.feeds import FEED_BY_PATH, ROOT_SYMBOL
from es_physics.bronze.partitions import fetch_partition
from es_physics.calendar import default_calendar
from es_physics.files import is_local, read_parquet_sql, root_path
from es_physics.gate_text import failed_gate_line

DEFAULT_BRONZE_CACHE = "target/bronze"
"""Where files of an object store are kept while a build reads them; `ES_BRONZE_CACHE` moves it."""

_SQL_TYPES = {
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.uint32(): "uinteger",
    pa.uint16(): "usmallint",
    pa.uint8(): "utinyint",
    pa.string(): "varchar",
}


def vars_problem(given_json: str) -> str:
    """What is wrong with the vars of a command line, a JSON object; empty if nothing is."""
    return project.vars_problem(json.loads(given_json)) or ""


def bronze_feeds() -> list[str]:
    """The paths of all feeds below the Bronze root."""
    return list(FEED_BY_PATH)


def trade_calendar(session_date: date, warmup_days: int) -> str:
    """What the calendar knows of a date, as a JSON object; see the module's docstring."""
    calendar = default_calendar()
    day = calendar.days.get(session_date)
    return json.dumps(
        {
            "is_trade_date": day is not None,
            "first": str(calendar.first),
            "last": str(calendar.last),
            "has_rth": day is not None and day.has_rth,
            "reason": day.reason if day else "",
            "warm_up": [str(one) for one in calendar.warm_up(session_date, warmup_days)],
        }
    )


def bronze_partition(bronze_root: str, feed_path: str, trade_date: date) -> str:
    """The state of one partition as a JSON object; see the module's docstring."""
    cache = Path(os.environ.get("ES_BRONZE_CACHE", DEFAULT_BRONZE_CACHE))
    feed = FEED_BY_PATH[feed_path]
    check = fetch_partition(root_path(bronze_root), feed, trade_date, cache)
    return json.dumps(
        {
            "root": ROOT_SYMBOL if feed.has_root_key else None,
            "status": check.status,
            "problem": check.problem,
            "files": [str(path) for path in check.files],
            "row_count": check.rows,
            "sha256": list(check.sha256),
        }
    )


def bronze_select(feed_path: str, files: list[str]) -> str:
    """SQL that reads `files` of one feed, in order; typed and without a row for none.

    The keys of a partition, `date` and `root`, are taken from its own folder alone: what else lies
    above it is a path, whatever it looks like, and never data.
    """
    feed = FEED_BY_PATH[feed_path]
    key_types = {"date": "date"} | ({"root": "varchar"} if feed.has_root_key else {})
    if not files:
        columns = {field.name: _SQL_TYPES[field.type] for field in feed.schema} | key_types
        typed_nulls = ", ".join(f'null::{kind} as "{name}"' for name, kind in columns.items())
        return f"select {typed_nulls} where false"
    names = ", ".join(f'"{field.name}"' for field in feed.schema)
    selects = []
    for folder, group in groupby(files, key=lambda file: Path(file).parent):
        keys = f"date '{folder.name.removeprefix('date=')}' as \"date\""
        if feed.has_root_key:
            keys += f", '{folder.parent.name.removeprefix('root=')}' as root"
        selects.append(f"select {names}, {keys} from {read_parquet_sql(group)}")
    return " union all ".join(selects)


def project_var_names() -> list[str]:
    """The vars that decide a number."""
    return list(project.project_vars())


def make_folder(path: str) -> str:
    """Make the folder, which an object store has no need of; returns `path`."""
    folder = root_path(path)
    if is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return path


class Plugin(BasePlugin):
    """Registers the functions on dbt's DuckDB connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb once for each database it opens."""
        conn.create_function("trade_calendar", trade_calendar, ["date", "integer"], "varchar")
        conn.create_function("vars_problem", vars_problem, ["varchar"], "varchar")
        conn.create_function("bronze_feeds", bronze_feeds, [], "varchar[]")
        # The answer depends on the disk, so it must not be computed once and kept.
        conn.create_function(
            "bronze_partition",
            bronze_partition,
            ["varchar", "varchar", "date"],
            "varchar",
            side_effects=True,
        )
        conn.create_function("bronze_select", bronze_select, ["varchar", "varchar[]"], "varchar")
        conn.create_function("project_var_names", project_var_names, [], "varchar[]")
        conn.create_function("make_folder", make_folder, ["varchar"], "varchar", side_effects=True)
        # Typed by its annotations; the detail may be NULL.
        conn.create_function("failed_gate_line", failed_gate_line, null_handling=SPECIAL)
