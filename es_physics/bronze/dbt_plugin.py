"""dbt-duckdb plugin: what macros ask of Python, as SQL functions.

dbt loads it from `profiles.yml`. `start_run` asks, before anything else, for

- `root_problem()`: why Bronze cannot be read, or Silver not written, where the environment says
  that they are; empty if both can;
- `bronze_root()`, `silver_root()`: where they are;
- `newest_bronze()`: the newest trade date that has futures trades, empty without any.

Then `attach_bronze` asks for the trade date's calendar, which Bronze partitions exist, are whole,
and how to read them:

- `trade_calendar(session_date, warmup_days)`: one JSON object with whether it `is_trade_date`, the
  calendar's `first` and `last` date, `has_rth`, the `reason` and the trade dates `warm_up` to it;
- `vars_problem(given_json)`: what is wrong with the vars of the command line, in words;
- `bronze_feeds()`: the paths of all feeds;
- `bronze_partition(feed_path, trade_date)`: one JSON object with the partition's
  product's `root` (null for an index), its `status` (`ok`, `missing` or `invalid`), the `problem`
  in words, the schema it is `made_from` (null if not known), its `files` and their `sha256`;
- `bronze_select(feed_path, files)`: the SELECT that reads those files, typed and empty for none.

Others ask for

- `project_var_names()`: the names of the vars that decide a number;
- `make_folder(path)`: to make a folder with those above it, where the path is no URL; the path;
- `failed_gate_line(gate, severity, ...)`: what a failed gate found and what to do, in words.
"""

from __future__ import annotations

import json
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection
from duckdb.func import SPECIAL

from es_physics import project
from es_physics.bronze.feeds import FEED_BY_PATH, ROOT_SYMBOL, Feed
from es_physics.bronze.partitions import PartitionCheck, fetch_partition
from es_physics.calendar import default_calendar
from es_physics.errors import Error, first_line
from es_physics.files import (
    bronze_root,
    is_local,
    read_parquet_sql,
    require_root,
    require_writable_root,
    root_path,
    setting,
    silver_root,
)
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


_TAKEN_NAMES = {"main", "temp", "system", "bronze"}
"""What DuckDB, or this project's sources, would take for something else."""


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


def root_problem() -> str:
    """What is wrong with the roots of Bronze and Silver, in words; empty if nothing is."""
    try:
        require_root(bronze_root(), "Bronze", may_be_empty=True)
        require_writable_root(silver_root())
    except Error as error:
        return str(error)
    return ""


def newest_bronze() -> str:
    """The newest trade date with a partition of futures trades, whatever is in it."""
    folders = FEED_BY_PATH["futures/trades"].partition_dir(bronze_root(), date.min).parent
    names = [path.name.removeprefix("date=") for path in folders.glob("date=????-??-??")]
    return max(names, default="")


def prove_partition(feed: Feed, trade_date: date, *, keep: bool = False) -> PartitionCheck:
    """`fetch_partition` where the environment says that Bronze is.

    With `keep` the build that follows in this process takes it for its own proof, once.
    """
    cache = root_path(setting("ES_BRONZE_CACHE", DEFAULT_BRONZE_CACHE))
    check = fetch_partition(bronze_root(), feed, trade_date, cache)
    if keep:
        _proven[feed.path, trade_date] = check
    return check


_proven: dict[tuple[str, date], PartitionCheck] = {}


def bronze_partition(feed_path: str, trade_date: date) -> str:
    """The state of one partition as a JSON object; see the module's docstring."""
    feed = FEED_BY_PATH[feed_path]
    check = _proven.pop((feed_path, trade_date), None) or prove_partition(feed, trade_date)
    made_from = check.made_from if check.status == "ok" else None
    return json.dumps(
        {
            "root": ROOT_SYMBOL if feed.has_root_key else None,
            "status": check.status,
            "problem": check.problem,
            "made_from": made_from if made_from in feed.made_from else None,
            "files": [str(path) for path in check.files],
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

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Called by dbt-duckdb before it opens a database, which DuckDB names after its file.

        Raises DbtRuntimeError for a file that cannot be opened, or by whose name it goes wrong.
        """
        if creds.path == ":memory:" or "://" in creds.path:
            return
        file = Path(creds.path).expanduser().absolute()
        name = DuckDBCredentials.path_derived_database_name(creds.path).lower()
        cure = "let ES_DUCKDB_PATH name another file, such as es_physics.duckdb"
        if name in _TAKEN_NAMES or set(file.name) & set("'\"") or set(str(file)) & set("?#\\"):
            raise DbtRuntimeError(f"a database cannot be called after {file}; {cure}")
        if not file.parent.is_dir():
            raise DbtRuntimeError(
                f"the database's folder {file.parent} is not there: stand in the project's folder,"
                " make it, or set ES_DUCKDB_PATH"
            )
        try:  # dbt itself would end in a traceback
            duckdb.connect(file).close()
        except duckdb.IOException as error:
            raise DbtRuntimeError(
                f"the database {file} cannot be opened ({first_line(error)}); {cure}"
            ) from error

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb once for each database it opens."""
        # Of all cursors to come: as a setting of the profile it would be made in each.
        conn.execute("set global TimeZone = 'UTC'")
        conn.create_function("trade_calendar", trade_calendar, ["date", "integer"], "varchar")
        conn.create_function("vars_problem", vars_problem, ["varchar"], "varchar")
        conn.create_function("bronze_feeds", bronze_feeds, [], "varchar[]")
        # The answer depends on the disk, so it must not be computed once and kept.
        conn.create_function(
            "bronze_partition",
            bronze_partition,
            ["varchar", "date"],
            "varchar",
            side_effects=True,
        )
        for name, function in (
            ("root_problem", root_problem),
            ("bronze_root", lambda: str(bronze_root())),
            ("silver_root", lambda: str(silver_root())),
            ("newest_bronze", newest_bronze),
        ):
            conn.create_function(name, function, [], "varchar", side_effects=True)
        conn.create_function("bronze_select", bronze_select, ["varchar", "varchar[]"], "varchar")
        conn.create_function("project_var_names", project_var_names, [], "varchar[]")
        conn.create_function("make_folder", make_folder, ["varchar"], "varchar", side_effects=True)
        # Typed by its annotations; the detail may be NULL.
        conn.create_function("failed_gate_line", failed_gate_line, null_handling=SPECIAL)
