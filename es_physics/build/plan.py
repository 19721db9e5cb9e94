"""Which sessions of a range need a build, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Literal

from rich import box
from rich.table import Table

from es_physics.build.session_inputs import TRADES, SessionInputs
from es_physics.silver.commit import is_exposed, read_commit

State = Literal["build", "finish", "skip", "no Bronze"]


@dataclass(frozen=True)
class PlannedSession:
    """What is to be done for one session.

    state: `build`; `finish` if a commit was interrupted after its record, so that only the files
           for plain globs are missing; `skip` if it is published from the same inputs; `no Bronze`
           if no trades of the date were ever asked for.
    """

    session_date: date
    state: State
    reason: str


def plan_session(
    session_date: date, inputs: SessionInputs, silver_root: Path, *, force: bool = False
) -> PlannedSession:
    """Compare the session's commit record, if any, with what a build would read now."""
    if inputs.checks(session_date)[TRADES, session_date].status == "missing":
        return PlannedSession(session_date, "no Bronze", f"no {TRADES} of the date")
    if force:
        return PlannedSession(session_date, "build", "forced")
    try:
        record = read_commit(silver_root, session_date)
    except ValueError:
        return PlannedSession(session_date, "build", "its commit record cannot be read")
    if record is None:
        return PlannedSession(session_date, "build", "not published yet")
    if difference := inputs.difference(session_date, record["inputs"]):
        return PlannedSession(session_date, "build", difference)
    for table, output in record["outputs"].items():
        file = silver_root / output["file"]
        if not file.is_file() or file.stat().st_size != output["bytes"]:
            return PlannedSession(session_date, "build", f"its {table} was lost or cut")
    if all(is_exposed(silver_root, output) for output in record["outputs"].values()):
        return PlannedSession(session_date, "skip", "up to date")
    return PlannedSession(session_date, "finish", "its last publication was interrupted")


def plan_table(planned: Sequence[PlannedSession]) -> Table:
    """The plan, neighbouring sessions of one state and reason in one row."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("sessions", "count", "plan", "why"):
        table.add_column(
            name, justify="right" if name == "count" else "left", no_wrap=name != "why"
        )
    for (state, reason), group in groupby(planned, key=lambda one: (one.state, one.reason)):
        dates = [one.session_date for one in group]
        span = str(dates[0]) if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        table.add_row(span, str(len(dates)), state, reason)
    return table
