"""`es-physics show`: the labelled level events of published sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from es_physics.console import Problems, console, print_json
from es_physics.silver.commit import committed_files, read_table
from es_physics.silver.errors import RecordError

_EVENTS = """
select
    strftime(events.event_ts_et, '%H:%M:%S') as "time ET",
    events.level_kind as level,
    printf('%.2f', events.level_price) as price,
    events.direction as dir,
    printf('%.2f', events.spot) as spot,
    printf('%.2f', events.zone_width) as zone,
    labels.outcome,
    printf('%.0f', labels.time_to_threshold_2) as "after s",
    printf('%.2f', labels.null_p_break) as "p break",
    printf('%.2f', labels.null_p_bounce) as "p bounce"
from level_events as events
inner join level_event_labels as labels using (event_id)
order by events.event_ts_ns, events.event_id
limit $limit
"""

# The null model is unknown until two bars have closed: compare like with like.
_SUMMARY = """
select
    count(*) as events,
    count(null_p_break) as compared,
    count(*) filter (outcome = 'BREAK' and null_p_break is not null) as breaks,
    count(*) filter (outcome = 'BOUNCE' and null_p_break is not null) as bounces,
    coalesce(sum(null_p_break), 0) as expected_breaks,
    coalesce(sum(null_p_bounce), 0) as expected_bounces
from level_event_labels
"""


def show(root: Path, sessions: Sequence[date], limit: int) -> int:
    """Print the first `limit` events of each session; returns the exit code."""
    terminal = console(least_width=92)  # the table's own width
    problems = Problems()
    for session in sessions:
        if _whole_session(root, session, problems.report):
            _show_session(terminal, root, session, limit)
    return problems.exit_code


def show_json(root: Path, sessions: Sequence[date]) -> int:
    """Print every column of every event as JSON, by session; returns the exit code.

    A session that is not published, or not whole, is null.
    """
    problems = Problems()
    found = {
        str(session): read_table(root, "level_interactions", session).to_pylist()
        if _whole_session(root, session, problems.report)
        else None
        for session in sessions
    }
    print_json(found)
    return problems.exit_code


def _whole_session(
    root: Path, session: date, report: Callable[[str], None]
) -> dict[str, Path] | None:
    """Its files by table; None, after a line that says why, if it cannot be shown."""
    try:
        files = committed_files(root, session)
    except RecordError as error:
        report(str(error))
        return None
    if not files:
        report(
            f"{session} is not published below {root}; dbt build"
            f" --vars '{{session_date: {session}}}'"
        )
        return None
    if lost := [table for table, file in files.items() if not file.is_file()]:
        report(f"{session}: its {lost[0]} is missing; build it again")
        return None
    return files


def _show_session(terminal: Console, root: Path, session: date, limit: int) -> None:
    with duckdb.connect() as connection:
        for name in ("sessions", "level_events", "level_event_labels"):
            connection.register(name, read_table(root, name, session))
        ((contract,),) = connection.execute("select front_month from sessions").fetchall()
        ((count, compared, breaks, bounces, expected_breaks, expected_bounces),) = (
            connection.execute(_SUMMARY).fetchall()
        )
        result = connection.execute(_EVENTS, {"limit": limit})
        names = [column[0] for column in result.description or ()]
        rows = result.fetchall()
    table = Table(
        title=f"{session}, {contract or 'no front month'}: {len(rows)} of {count} events",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        title_justify="left",
    )
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*("" if value is None else value for value in row))
    terminal.print(table)
    if compared:
        terminal.print(
            f"{compared} events with a null model: {breaks} BREAK where a driftless random walk "
            f"expects {expected_breaks:.1f}, {bounces} BOUNCE where it expects "
            f"{expected_bounces:.1f}.\n"
        )
