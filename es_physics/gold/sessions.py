"""The committed sessions of a range, and whether they may be read together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from es_physics.errors import Error
from es_physics.files import (
    absolute,
    file_sha256,
    is_local,
    parquet_list_sql,
    read_parquet_sql,
    require_root,
)
from es_physics.silver.commit import read_commit
from es_physics.silver.errors import RecordError
from es_physics.silver.verify import committed_sessions

TABLES = (
    *("sessions", "level_events", "level_event_features", "level_event_labels"),
    *("placebo_events", "placebo_labels", "event_paths", "session_grid"),
    *("ofi_moments", "microprice_counts", "lead_lag"),
)
"""The tables of Silver that gold reads."""

_FEW = 3
_OF_ONE_BUILD = re.compile(r"^session_date$|_(root|path)$")


class GoldError(Error):
    """Sessions that must not be read together, or are too few. The message names their dates."""


class Session(NamedTuple):
    """A committed session: its date, the fingerprint of its inputs, and its record."""

    day: date
    fingerprint: str
    record: Mapping[str, Any]


def sessions_between(
    root: Path, start: date, end: date, *, fewest: int, allow_mixed: bool
) -> list[Session]:
    """The committed sessions from `start` to `end`, in order.

    Raises GoldError if they are fewer than `fewest`, if one lacks a table that gold reads, or, but
    with `allow_mixed`, if they were built by more than one version of the code or with more than
    one set of vars; RecordError for a damaged commit record, RootError without a Silver root.
    """
    require_root(root, "Silver")
    found = []
    for day in committed_sessions(root):
        if start <= day <= end and (record := read_commit(root, day)):
            found.append(Session(day, record["fingerprint"], record))
    if len(found) < fewest:
        days = f" ({first_few([session.day for session in found])})" if found else ""
        raise GoldError(
            f"{len(found)} sessions are published from {start} to {end}{days} below"
            f" {absolute(root)}, and gold takes at least {fewest}: build more, or give a longer"
            " range"
        )
    for table in TABLES:
        if lacking := [one.day for one in found if table not in one.record["outputs"]]:
            raise GoldError(f"{first_few(lacking)} have no table {table}; build them again")
    if not allow_mixed:
        _require_one(found, "code_version", "versions of the code")
        _require_one(found, "vars", "sets of vars")
    return found


def _require_one(sessions: Sequence[Session], name: str, what: str) -> None:
    """Raise GoldError if an input of the sessions is not the same for all."""
    groups: dict[str, list[date]] = defaultdict(list)
    for one in sessions:
        value = one.record["inputs"].get(name)
        if isinstance(value, Mapping):
            value = {key: value[key] for key in sorted(value) if not _OF_ONE_BUILD.search(key)}
        groups[repr(value)].append(one.day)
    if len(groups) > 1:
        # The most, and of as many the latest, are taken to be what is wanted.
        wanted = max(groups.values(), key=lambda days: (len(days), days[-1]))
        others = sorted(day for days in groups.values() if days is not wanted for day in days)
        raise GoldError(
            f"sessions of {len(groups)} {what}: {first_few(others)} differ from the other"
            f" {len(wanted)}; build them again, or give --vars '{{allow_mixed: true}}'"
        )


def table_select(root: Path, table: str, sessions: Sequence[Session], cache: Path) -> str:
    """SQL that reads a table of these sessions, whose files an object store's copy in `cache`.

    Raises GoldError if its columns are not the same in all of them.
    """
    files = [_local_file(root, one, table, cache) for one in sessions]
    columns: dict[str, list[date]] = defaultdict(list)
    with duckdb.connect() as connection:
        described = connection.execute(
            "select file_name, string_agg(name || ' ' || coalesce(duckdb_type, type), ', ')"
            f" from parquet_schema({parquet_list_sql(files)})"
            " where num_children is null or num_children = 0"
            " group by file_name"
        ).fetchall()
    day_of = {str(file): one.day for file, one in zip(files, sessions, strict=True)}
    for file, names in described:
        columns[names].append(day_of[file])
    if len(columns) > 1:
        few = min(columns.values(), key=lambda days: (len(days), days))
        raise GoldError(
            f"{table} of {first_few(sorted(few))} has other columns than the other sessions; build"
            " them again"
        )
    return f"select * from {read_parquet_sql(files)}"


def _local_file(root: Path, session: Session, table: str, cache: Path) -> Path:
    output = session.record["outputs"][table]
    file = root / output["file"]
    found = local_copy(file, output["sha256"], cache)
    if found is None:
        raise RecordError(f"{session.day}: {file} is missing; build it again")
    return found


def local_copy(file: Any, sha256: str, cache: Path) -> Path | None:
    """The file itself, or of one on an object store a copy in `cache`; None if it is not there.

    `file` is a path of either kind.
    """
    if is_local(file):
        return Path(file).absolute() if file.is_file() else None
    copy = cache / sha256
    if not (copy.is_file() and file_sha256(copy) == sha256):
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_suffix(".part")
        try:
            file.fs.get_file(file.path, str(draft))
        except FileNotFoundError:
            return None
        draft.replace(copy)
    return copy.absolute()


def first_few(names: Sequence[object]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(map(str, names[:_FEW])) + more


def inputs_of(sessions: Sequence[Session]) -> Iterator[dict[str, str]]:
    """What a gold commit says of each session that it read."""
    for one in sessions:
        yield {"session_date": one.day.isoformat(), "fingerprint": one.fingerprint}


def changed_since(root: Path, record: Mapping[str, Any]) -> list[str]:
    """The dates of a gold record's range whose session is no longer the one that it was made of."""
    inputs = record["inputs"]
    then = {one["session_date"]: one["fingerprint"] for one in inputs["sessions"]}
    now = {}
    for day in map(str, committed_sessions(root)):
        if inputs["start"] <= day <= inputs["end"]:
            try:
                now[day] = (read_commit(root, date.fromisoformat(day)) or {}).get("fingerprint")
            except RecordError:
                now[day] = None
    return sorted(day for day in then.keys() | now.keys() if then.get(day) != now.get(day))
