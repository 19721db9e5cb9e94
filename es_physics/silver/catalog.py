"""A small DuckDB file with one view per published table, over committed sessions and nothing else.

Its views name the files of the commit records as they were when it was made: a snapshot that stays
the same, and whole, while sessions are published again (until `gc` removes what they replaced).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from es_physics.errors import first_line
from es_physics.files import is_local, read_parquet_sql
from es_physics.silver.commit import read_commit
from es_physics.silver.descriptions import Description
from es_physics.silver.errors import RecordError
from es_physics.silver.verify import committed_sessions

if TYPE_CHECKING:
    import duckdb


def write_catalog(
    root: Path,
    target: Path,
    report: Callable[[str], None] = lambda problem: None,
    descriptions: Mapping[str, Description] | None = None,
) -> dict[str, int]:
    """Write the catalog of the Silver root to `target`; returns the sessions in each view.

    A session whose record is damaged, or whose files are not all there, is left out; `report` gets
    a line for it. Over an object store, a reader's connection needs the store's file system
    registered (or DuckDB's httpfs). `descriptions`, by table, become the comments on the views and
    their columns. Raises RecordError if nothing is published or a file is damaged.
    """
    import duckdb  # Here, as all that imports this package would take its memory.

    files: dict[str, list[str]] = defaultdict(list)
    commits: list[tuple[str, str, datetime]] = []
    for day in committed_sessions(root):
        try:
            record = read_commit(root, day)
        except RecordError as error:
            report(f"{error}; it is left out")
            continue
        if record:
            lost = [
                output["file"]
                for output in record["outputs"].values()
                if not (root / output["file"]).is_file()
            ]
            if lost:
                report(f"{day}: {lost[0]} is missing, so the session is left out; build it again")
                continue
            committed_at = datetime.fromisoformat(record["committed_at"])
            commits.append((record["session_date"], record["fingerprint"], committed_at))
            for table, output in record["outputs"].items():
                file = root / output["file"]
                files[table].append(str(file.absolute() if is_local(root) else file))
    if not commits:
        raise RecordError(f"nothing is published below {root}")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    # Made elsewhere: DuckDB writes no file below a folder with a question mark in its name.
    with tempfile.TemporaryDirectory(prefix="es_catalog_") as folder:
        made = Path(folder, "catalog.duckdb")
        with duckdb.connect(made) as connection:
            if not is_local(root):
                connection.register_filesystem(root.fs)  # type: ignore[attr-defined]
            connection.execute(
                "create table commits (session_date date primary key, fingerprint varchar,"
                " committed_at timestamptz)"
            )
            connection.executemany("insert into commits values (?, ?, ?)", commits)
            for table, paths in sorted(files.items()):
                # By name: a session built by older code may lack a column.
                files_sql = read_parquet_sql(paths, ", union_by_name = true")
                try:
                    connection.execute(f'create view "{table}" as select * from {files_sql}')
                except duckdb.Error as error:
                    raise RecordError(
                        f"a file of {table} cannot be read ({first_line(error)}); verify names the"
                        " session"
                    ) from error
                if descriptions and table in descriptions:
                    _comment(connection, table, descriptions[table])
        try:
            shutil.copyfile(made, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    return {table: len(paths) for table, paths in sorted(files.items())}


def _comment(connection: duckdb.DuckDBPyConnection, table: str, description: Description) -> None:
    """Comment on a view and on those of its columns that are described."""
    there = connection.execute(
        "select column_name from duckdb_columns() where table_name = ?", [table]
    ).fetchall()
    texts = {f'view "{table}"': description.table} | {
        f'column "{table}"."{name}"': description.columns[name]
        for (name,) in there
        if name in description.columns
    }
    for thing, text in texts.items():
        literal = text.replace("'", "''")
        connection.execute(f"comment on {thing} is '{literal}'")
