"""Write a session's Silver tables so that a reader sees all of them or the ones before.

Every publication is a version of its own: its tables go to `_versions/<date>/<version>/<table>`,
and then one file, the commit record `_commits/<date>.json`, names them. Writing that record is the
commit, and whoever follows it (`committed_files`, the catalog) never sees two versions mixed. It
holds what went in (Bronze hashes, code, versions, vars) and what came out (rows, bytes and sha256
of every file).

After the commit each table is exposed under the path that plain globs read,
`<table>/session_date=<date>/data.parquet`, by a hard link, or a copy on an object store. Each such
file is one whole version; while a session is published again, for an instant or after a crash until
the next `build`, some tables may still show the version before.
"""

from __future__ import annotations

import filecmp
import hashlib
import io
import json
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.files import is_local, silver_root
from es_physics.silver.errors import PublicationError, RecordError
from es_physics.silver.fingerprint import code_version, inputs_sha256, package_versions
from es_physics.silver.store import STAGING, held, place, place_copy

COMMITS = "_commits"
VERSIONS = "_versions"

Key = date | str
"""What is published as one: a session by its date, or by its name what many of them make."""

GOLD, SCORES = "gold", "scores"
OF_MANY = {GOLD: "make gold", SCORES: "make evaluate"}
"""What many sessions make, below the gold root, and the command that makes it again."""


def table_path(table: str, key: Key) -> Path:
    """Where plain globs find a table's file, below the root."""
    folder = f"session_date={key}" if isinstance(key, date) else ""
    return Path(table) / folder / "data.parquet"


def commit_path(root: Path, key: Key) -> Path:
    """Where a commit record lies; a session is published if and only if it is there."""
    return root / COMMITS / f"{key}.json"


def read_commit(root: Path, session_date: Key) -> dict[str, Any] | None:
    """The session's commit record, None if it is not published.

    Raises RecordError with the record's path if it is no commit record of this project's format.
    """
    path = commit_path(root, session_date)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise RecordError(f"{path} is a folder and no commit record; remove it") from error
    try:
        record: dict[str, Any] = json.loads(content)
        _require_format(record)
        if record["session_date"] != str(session_date):
            raise ValueError(f"it is of {record['session_date']}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(
            f"{path} is no commit record of this version ({error!r}); build {session_date} again"
        ) from error
    return record


def _require_format(record: Mapping[str, Any]) -> None:
    """Raise ValueError, KeyError, TypeError or AttributeError for what no publication wrote."""
    for output in record["outputs"].values():
        for name in (output["path"], output["file"]):
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"{name} lies outside the root")
        _require_type(output, int, "bytes")
        _require_type(output, str, "sha256")
    _require_type(record, str, "version", "fingerprint")
    if datetime.fromisoformat(record["committed_at"]).tzinfo is None:
        raise ValueError("committed_at is of no time zone")
    _require_type(record, dict, "inputs")
    for partition in record["inputs"].get("bronze", ()):
        _require_type(partition, str, "feed", "status")
        date.fromisoformat(partition["trade_date"])
        _ = tuple(partition["sha256"] or ())


def _require_type(values: Mapping[str, Any], kind: type, *names: str) -> None:
    for name in names:
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} is {values[name]!r}")


def committed_files(root: Path, session_date: Key) -> dict[str, Path]:
    """The session's published files by table, all of one version; empty if it is not published."""
    record = read_commit(root, session_date)
    outputs = record["outputs"] if record else {}
    return {table: root / output["file"] for table, output in outputs.items()}


def read_table(root: Path, table: str, session_date: Key) -> pa.Table:
    """A table of a published session, in its published order.

    Raises RecordError if the session is not published or its commit has no such table.
    """
    files = committed_files(root, session_date)
    if table not in files:
        raise RecordError(
            f"{session_date} has no table {table} below {root}: it has {', '.join(files)}"
            if files
            else f"session {session_date} is not published below {root}; build it"
        )
    with files[table].open("rb") as file:
        return pq.ParquetFile(file).read()


def publish_session(
    session_date: date,
    tables: Mapping[str, pa.Table],
    *,
    bronze_json: str,
    vars_json: str,
    run_started_at: str,
    root: Path | None = None,
    project: Path = Path(),
) -> dict[str, Any]:
    """Publish `tables`, each already ordered by its key, as the session of `session_date`.

    `bronze_json` lists the partitions that the build read, `vars_json` the vars it used,
    `run_started_at` is when it began, and `project` the folder of the code. Returns the commit in
    short: `session_date`, `row_count` over all tables, `fingerprint` and the record's path.
    """
    inputs = {
        "bronze": json.loads(bronze_json),
        "code_version": code_version(project),
        "packages": package_versions(),
        "vars": json.loads(vars_json),
    }
    return publish(
        root or silver_root(), session_date, tables, inputs, run_started_at=run_started_at
    )


def publish(
    root: Path,
    key: Key,
    tables: Mapping[str, pa.Table],
    inputs: Mapping[str, Any],
    *,
    run_started_at: str,
) -> dict[str, Any]:
    """Publish `tables` below `root` as `key`, with a record of the `inputs` they were made from.

    Returns the commit in short: `session_date` (the key), `row_count` over all tables,
    `fingerprint` and the record's path.
    """
    now = datetime.now(UTC)
    run = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    folder = f"{VERSIONS}/{key}/{run}"
    # From the first file to the last, so that no gc takes any away.
    with held(root, STAGING), held(root, folder):
        try:
            outputs = {
                name: _place_table(root, key, f"{folder}/{name}", name, table)
                for name, table in sorted(tables.items())
            }
        except Exception:
            # A full disk, most likely: leave it as it was, as far as that can be done at once.
            if is_local(root):
                shutil.rmtree(root / folder, ignore_errors=True)
            raise
        committed_at = datetime.now(UTC)
        record = {
            "session_date": str(key),
            "version": run,
            "fingerprint": inputs_sha256(inputs),
            "inputs": inputs,
            "outputs": outputs,
            "committed_at": committed_at.isoformat(),
            "wall_time_s": round(
                (committed_at - datetime.fromisoformat(run_started_at)).total_seconds(), 3
            ),
        }
        _commit(root, key, record)
        expose(root, key)
    return {
        "session_date": key,
        "row_count": sum(output["rows"] for output in outputs.values()),
        "fingerprint": record["fingerprint"],
        "commit_path": str(commit_path(root, key)),
    }


def _commit(root: Path, session_date: Key, record: Mapping[str, Any]) -> None:
    """Write the record, if its files are all there.

    An object store has no locks: there it is asked again after, and the record before put back.
    Raises PublicationError, with the record before in force, if a file is gone.
    """
    path, name = commit_path(root, session_date), f"{COMMITS}/{session_date}.json"
    before = None if is_local(root) or not path.is_file() else path.read_bytes()
    _require_files(root, record)
    place(root, name, json.dumps(record, indent=2, sort_keys=True).encode() + b"\n")
    if not is_local(root):
        try:
            _require_files(root, record)
        except PublicationError:
            if before is None:
                path.unlink()
            else:
                place(root, name, before)
            raise


def _require_files(root: Path, record: Mapping[str, Any]) -> None:
    for table, output in record["outputs"].items():
        file = root / output["file"]
        if not file.is_file() or file.stat().st_size != output["bytes"]:
            raise PublicationError(
                f"its {table} was taken away while it was published, by a gc of too young files or"
                f" by hand ({file}); what was published before stays, build it again"
            )


def expose(root: Path, session_date: Key) -> None:
    """Make the files that plain globs read those of the commit record.

    Ends only when the record it exposed is still the one in force, so that of two builds that
    publish the session at once, whichever comes last leaves the files of the last commit.
    """
    exposed = None
    while (record := read_commit(root, session_date)) and record["version"] != exposed:
        try:
            for output in record["outputs"].values():
                if not _is_linked(root, output):
                    place_copy(root, output["path"], output["file"])
        except FileNotFoundError:
            # Replaced and collected meanwhile, or really lost.
            if (now := read_commit(root, session_date)) and now["version"] == record["version"]:
                raise
        exposed = record["version"]


def is_exposed(root: Path, output: Mapping[str, Any]) -> bool:
    """Whether the plain file is the committed one; on an object store, whether it is as long.

    `verify` compares hashes there, which costs a transfer.
    """
    plain, committed = root / output["path"], root / output["file"]
    if _is_linked(root, output):
        return True
    try:
        if plain.stat().st_size != output["bytes"]:
            return False
        return not is_local(root) or filecmp.cmp(plain, committed, shallow=False)
    except FileNotFoundError:
        return False


def _is_linked(root: Path, output: Mapping[str, Any]) -> bool:
    if not is_local(root):
        return False
    with suppress(FileNotFoundError):
        return (root / output["path"]).samefile(root / output["file"])
    return False


def _place_table(
    root: Path, session_date: Key, file: str, name: str, table: pa.Table
) -> dict[str, Any]:
    """Write the table to `file`, whose name has no suffix: no glob takes it for published data."""
    # Memory is short here: Arrow's own stream grows by copies, and its pool keeps what is freed.
    sink, pool = io.BytesIO(), pa.system_memory_pool()
    # One chunk, so that page boundaries never depend on how the rows arrived.
    pq.write_table(table.combine_chunks(), sink, compression="zstd", memory_pool=pool)
    content = sink.getbuffer()
    place(root, file, content)
    pa.default_memory_pool().release_unused()  # What writing took is needed before the next one.
    return {
        "path": table_path(name, session_date).as_posix(),
        "file": file,
        "rows": table.num_rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
