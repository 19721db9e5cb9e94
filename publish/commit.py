"""Write a session's Silver tables so that a reader sees all of them or the ones before.

Each table's Parquet is staged outside every folder that readers glob, flushed to disk, and renamed
to `<table>/session_date=YYYY-MM-DD/data.parquet`; the commit record `_commits/YYYY-MM-DD.json` is
renamed last. That rename is the commit: it holds what went in (Bronze hashes, code, versions,
vars) and what came out (rows, bytes and sha256 of every file).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.manifest import file_sha256, fsync

DEFAULT_SILVER_ROOT = "data/silver"

_CODE = (
    "dbt_project.yml",
    "ingest",
    "macros",
    "models",
    "publish",
    "python_models",
    "quant",
    "seeds",
)
_CODE_SUFFIXES = {".csv", ".py", ".sql", ".yml"}
_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "pyarrow", "scipy")


def silver_root() -> Path:
    """The folder of the published tables: `ES_SILVER_ROOT`, or `data/silver`."""
    return Path(os.environ.get("ES_SILVER_ROOT", DEFAULT_SILVER_ROOT))


def table_path(table: str, session_date: date) -> Path:
    """Where a table's file of one session lies below the Silver root."""
    return Path(table) / f"session_date={session_date}" / "data.parquet"


def commit_path(root: Path, session_date: date) -> Path:
    """Where a session's commit record lies; a session is published if and only if it is there."""
    return root / "_commits" / f"{session_date}.json"


def publish_session(
    session_date: date,
    tables: Mapping[str, pa.Table],
    *,
    bronze_json: str,
    vars_json: str,
    run_started_at: str,
    root: Path | None = None,
) -> dict[str, Any]:
    """Publish `tables`, each already ordered by its key, as the session of `session_date`.

    `bronze_json` lists the partitions that the build read, `vars_json` the vars it used, and
    `run_started_at` is when it began. Returns the commit in short: `session_date`, `row_count` over
    all tables, `fingerprint` and the record's path.
    """
    root = root or silver_root()
    staging = root / "_staging" / f"{session_date}-{uuid.uuid4().hex}"
    staging.mkdir(parents=True)
    try:
        outputs = {name: _stage(table, staging / name) for name, table in sorted(tables.items())}
        inputs = {
            "bronze": json.loads(bronze_json),
            "code_version": code_version(),
            "packages": {name: version(name) for name in _PACKAGES},
            "vars": json.loads(vars_json),
        }
        record = {
            "session_date": session_date.isoformat(),
            "fingerprint": _sha256_of_json(inputs),
            "inputs": inputs,
            "outputs": {
                name: {"path": str(table_path(name, session_date)), **output}
                for name, output in outputs.items()
            },
            "committed_at": datetime.now(UTC).isoformat(),
            "wall_time_s": round(
                (datetime.now(UTC) - datetime.fromisoformat(run_started_at)).total_seconds(), 3
            ),
        }
        staged_record = staging / "commit.json"
        _write_flushed(staged_record, json.dumps(record, indent=2, sort_keys=True).encode() + b"\n")

        for name in outputs:
            _rename(staging / name, root / table_path(name, session_date))
        _rename(staged_record, commit_path(root, session_date))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return {
        "session_date": session_date,
        "row_count": sum(output["rows"] for output in outputs.values()),
        "fingerprint": record["fingerprint"],
        "commit_path": str(commit_path(root, session_date)),
    }


def code_version(project: Path = Path()) -> str:
    """sha256 over the names and contents of every file that decides a number."""
    digest = hashlib.sha256()
    for path in sorted(_code_files(project)):
        digest.update(f"{path.relative_to(project).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _code_files(project: Path) -> list[Path]:
    files: list[Path] = []
    for name in _CODE:
        top = project / name
        files += [top] if top.is_file() else top.rglob("*")
    return [path for path in files if path.suffix in _CODE_SUFFIXES and path.is_file()]


def _stage(table: pa.Table, path: Path) -> dict[str, Any]:
    # One chunk, so that page boundaries never depend on how the rows arrived.
    pq.write_table(table.combine_chunks(), path, compression="zstd")
    fsync(path)
    return {
        "rows": table.num_rows,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
    }


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    fsync(target.parent)


def _write_flushed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    fsync(path)


def _sha256_of_json(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
