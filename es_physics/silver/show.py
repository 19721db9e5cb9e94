"""`es-physics show`: the labelled level events of published sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from es_physics.console import console, print_json
from es_physics.silver.commit import committed_files, read_table

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
    published = {session: committed_files(root, session) for session in sessions}
    for session, files in published.items():
        if not files:
            terminal.print(
                f"{session}: not published below {root}; run dbt build "
                f"--vars '{{session_date: {session}}}'",
                style="red",
            )
        else:
            _show_session(terminal, root, session, limit)
    return 0 if all(published.values()) else 1


def show_json(root: Path, sessions: Sequence[date]) -> int:
    """Print every column of every event as JSON, by session; returns the exit code.

    A session that is not published is null.
    """
    found = {
        str(session): read_table(root, "level_interactions", session).to_pylist()
        if committed_files(root, session)
        else None
        for session in sessions
    }
    print_json(found)
    return 1 if None in found.values() else 0


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
