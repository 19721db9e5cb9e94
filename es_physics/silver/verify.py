"""Check what is published against its commit records, and clear away what no record names."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from es_physics.files import is_local
from es_physics.silver.commit import COMMITS, VERSIONS, read_commit
from es_physics.silver.store import STAGING


def committed_sessions(root: Path) -> list[date]:
    """The session dates that have a commit record, in order."""
    return sorted(
        date.fromisoformat(path.stem)
        for path in _children(root / COMMITS)
        if re.fullmatch(r"\d{4}-\d\d-\d\d\.json", path.name)
    )


def problems(root: Path) -> Iterator[tuple[date, str]]:
    """Every way in which a session is not what its commit record says, every file of it hashed.

    A plain file that differs while its committed version is whole is what an interrupted
    publication leaves; the next `build` of the session finishes it.
    """
    sessions = set(committed_sessions(root))
    tables: dict[date, set[str]] = {}
    for day in sorted(sessions):
        try:
            record = read_commit(root, day) or {"outputs": {}}
        except ValueError as error:
            yield day, str(error)
            continue
        tables[day] = set(record["outputs"])
        for table, output in record["outputs"].items():
            yield from ((day, f"{table}: {problem}") for problem in _file_problems(root, output))
    # What begins with an underscore is no table: records, versions, the evidence of failed builds.
    for folder in (folder for folder in _children(root) if not folder.name.startswith("_")):
        for partition in _children(folder):
            if not re.fullmatch(r"session_date=\d{4}-\d\d-\d\d", partition.name):
                continue
            day = date.fromisoformat(partition.name.removeprefix("session_date="))
            if day not in sessions:
                yield day, f"{folder.name}: {partition.name} is there without a commit record"
            elif day in tables and folder.name not in tables[day]:
                yield day, f"{folder.name}: not named by the commit record"


def _file_problems(root: Path, output: dict[str, Any]) -> Iterator[str]:
    committed = _sha256(root / output["file"])
    if committed != output["sha256"]:
        state = "is missing" if committed is None else "does not match its sha256"
        yield f"{output['file']} {state}; build it again"
    elif (plain := _sha256(root / output["path"])) != output["sha256"]:
        state = "is missing" if plain is None else "is of another version"
        yield f"{output['path']} {state}: its publication was interrupted; build finishes it"


def collect_garbage(root: Path, older_than: timedelta) -> tuple[int, int]:
    """Remove stages and versions that no commit record names; returns how many, and their bytes.

    Only those older than `older_than`, and whose session's record is: a build may be about to
    commit a younger one, a reader may still follow the record before.
    """
    count = size = 0
    now = datetime.now(UTC)
    if is_local(root):
        for staged in _children(root / STAGING):
            if time.time() - staged.stat().st_mtime > older_than.total_seconds():
                count, size = count + 1, size + staged.stat().st_size
                staged.unlink()
    for session in _children(root / VERSIONS):
        record = read_commit(root, date.fromisoformat(session.name))
        if record and now - datetime.fromisoformat(record["committed_at"]) < older_than:
            continue
        for version in _children(session):
            made = datetime.strptime(version.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            if now - made < older_than or (record and record["version"] == version.name):
                continue
            files = _children(version)
            count, size = count + len(files), size + sum(file.stat().st_size for file in files)
            if is_local(root):
                shutil.rmtree(version)
            else:
                for file in files:
                    file.unlink()
    return count, size


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
