"""Check what is published against its commit records, and clear away what no record names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.calendar import default_calendar
from es_physics.files import file_sha256, is_local
from es_physics.silver.commit import COMMITS, OF_MANY, VERSIONS, Key, commit_path, read_commit
from es_physics.silver.errors import RecordError
from es_physics.silver.store import STAGING, clock, unheld

_VERSION = r"\d{8}T\d{6}-[0-9a-f]{8}"


def committed_sessions(root: Path) -> list[date]:
    """The session dates that have a commit record, in order."""
    return sorted(
        day
        for path in _children(root / COMMITS)
        if path.suffix == ".json" and (day := _date(path.stem))
    )


def committed_of_many(root: Path) -> list[str]:
    """What many sessions make that has a commit record: gold, scores."""
    return [name for name in OF_MANY if commit_path(root, name).is_file()]


def why_there_is_no_session(root: Path, bronze: Path, day: date) -> str:
    """Why nothing is published of a weekday, in a few words."""
    calendar = default_calendar()
    known = calendar.days.get(day)
    if known is None:
        return "holiday" if calendar.first <= day <= calendar.last else "beyond the calendar"
    if evidence_path(root, day).is_file():
        return "failed build"
    if not FEED_BY_PATH["futures/trades"].partition_dir(bronze, day).is_dir():
        return "no Bronze" if known.has_rth else "no cash session, no Bronze"
    return "not built"


def evidence_path(root: Path, session_date: date) -> Path:
    """Where a failed build of a date leaves what failed; see the macro keep_evidence."""
    return root / "_audits" / f"session_date={session_date}" / "failures.parquet"


def problems(root: Path) -> Iterator[tuple[Key, str]]:
    """Every way in which a session, or gold, or the scores, is not what its commit record says, all
    files hashed.

    A plain file that differs while its committed version is whole is what an interrupted
    publication leaves; the next `build` of the session finishes it.
    """
    sessions = set(committed_sessions(root))
    tables: dict[Key, set[str]] = {}
    keys: list[Key] = [*sorted(sessions), *committed_of_many(root)]
    for day in keys:
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
            key, _, value = partition.name.partition("=")
            of_day = _date(value)
            if key != "session_date" or of_day is None:
                continue
            day = of_day
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


def collect_garbage(
    root: Path, older_than: timedelta, report: Callable[[str], None] = lambda problem: None
) -> tuple[int, int]:
    """Remove stages and versions that no commit record names; returns how many, and their bytes.

    Only those older than `older_than`, and whose session's record is: a reader may still follow the
    record before. Ages go by the store's own clock. What a publication holds, or was about to
    commit, stays whatever its age. `report` gets a line for each session that is left alone because
    its record is damaged, and for each thing that no publication made.
    """
    count = size = 0
    oldest_kept = clock(root) - older_than.total_seconds()
    if is_local(root):
        with unheld(root / STAGING) as is_free:
            for staged in _children(root / STAGING) if is_free else ():
                if staged.stat().st_mtime <= oldest_kept:
                    count, size = count + 1, size + staged.stat().st_size
                    staged.unlink()
    for session in _children(root / VERSIONS):
        day = session.name if session.name in OF_MANY else _date(session.name)
        if day is None or not session.is_dir():
            report(f"{session} is no folder of a session's versions; look at it and remove it")
            continue
        try:
            if read_commit(root, day) and commit_path(root, day).stat().st_mtime > oldest_kept:
                continue
            for version in _children(session):
                if not (re.fullmatch(_VERSION, version.name) and version.is_dir()):
                    report(f"{version} is no version of a session; look at it and remove it")
                    continue
                with suppress(FileNotFoundError):  # another gc was first
                    if _newest(version) <= oldest_kept:
                        files, length = _remove_version(root, day, version)
                        count, size = count + files, size + length
        except RecordError as error:
            report(f"{error}; its versions are left alone")
    return count, size


def _newest(folder: Path) -> float:
    """When its newest file was written, by the store's clock."""
    times = [file.stat().st_mtime for file in _children(folder)]
    # An object store has no folders but those of its objects.
    return max(times) if times else folder.stat().st_mtime


def _remove_version(root: Path, day: Key, version: Path) -> tuple[int, int]:
    """Remove it, unless it is held or the record, asked at the last moment, names it."""
    with unheld(version) as is_free:
        record = read_commit(root, day)
        if not is_free or (record and record["version"] == version.name):
            return 0, 0
        files = _children(version)
        size = sum(file.stat().st_size for file in files)
        if is_local(root):
            shutil.rmtree(version)
        else:
            for file in files:
                file.unlink()
    return len(files), size


def _date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _sha256(path: Path) -> str | None:
    try:
        return file_sha256(path)
    except FileNotFoundError:
        return None
