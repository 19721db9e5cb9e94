"""What must be true of a session's tables when they are published, and is looked at again after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.calendar import trade_date_interval
from es_physics.silver.commit import read_commit
from es_physics.silver.errors import RecordError

EVENTS = "level_events"
TABLES_OF_EVENTS = (EVENTS, "level_event_features", "level_event_labels", "level_interactions")
"""Tables with one row per event: all have the same events."""

TIMES = ("event_ts_ns", "bar_start_ns", "tau_ns")
"""Columns that say when a row is of, which must lie in the trade date."""

COLUMNS = frozenset({"session_date", "event_id", *TIMES})
"""All that `foreign_rows` and `disagreements` read of a table."""


def foreign_rows(session_date: date, tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """One line for each table with rows of another date, by their session_date or their time."""
    start, end = trade_date_interval(session_date)
    for name, table in sorted(tables.items()):
        if "session_date" in table.column_names:
            found = pc.unique(table["session_date"]).to_pylist()
            if others := sorted(str(day) for day in found if day != session_date):
                yield f"{name} has rows of {', '.join(others[:3])}"
                continue
        for column in (column for column in TIMES if column in table.column_names):
            outside = pc.or_(pc.less(table[column], start), pc.greater(table[column], end))
            if count := pc.sum(outside).as_py():
                yield f"{name} has {count} rows whose {column} lies outside the trade date"


def disagreements(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """One line for each table of events whose events are not those of `level_events`."""
    if EVENTS not in tables:
        return
    events = set(tables[EVENTS]["event_id"].to_pylist())
    for name in TABLES_OF_EVENTS[1:]:
        if name not in tables:
            continue
        found = set(tables[name]["event_id"].to_pylist())
        if missing := sorted(events - found):
            yield f"{name} lacks {len(missing)} of {len(events)} events, such as {missing[0]}"
        if unknown := sorted(found - events):
            yield f"{name} has {len(unknown)} unknown events, such as {unknown[0]}"


def objections(
    root: Path,
    session_date: date,
    tables: Mapping[str, pa.Table],
    bronze_json: str,
    *,
    publish_empty: bool,
) -> Iterator[str]:
    """One line for each reason why the session must not be published.

    That what is there is of the date and agrees, that no gate of severity error failed, that the
    Bronze partitions that were read were whole, and that events are not replaced by none, unless
    `publish_empty` asks for it.
    """
    yield from foreign_rows(session_date, tables)
    yield from disagreements(tables)
    if (gates := tables.get("qa_gate_results")) is not None:
        for gate in gates.to_pylist():
            if gate["severity"] == "error" and gate["status"] == "failed":
                yield f"gate {gate['gate']} failed"
    for partition in json.loads(bronze_json):
        if partition["status"] not in ("ok", "missing"):
            yield f"Bronze {partition['feed']} of {partition['trade_date']} is damaged"
    lost = EVENTS in tables and not tables[EVENTS].num_rows and not publish_empty
    if lost and (before := published_events(root, session_date)):
        yield (
            f"it has no events, and would replace {before} of them; if that is meant, give"
            " --vars '{publish_empty: true}', or es-physics build --force"
        )


def published_events(root: Path, session_date: date) -> int:
    """How many events the published session has; 0 if there is none, or its record is damaged."""
    try:
        record = read_commit(root, session_date)
    except RecordError:
        return 0
    return int(record["outputs"].get(EVENTS, {}).get("rows", 0)) if record else 0
