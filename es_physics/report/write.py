"""Pages on disk: read what is published, write what was asked for."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from es_physics.report.errors import ReportError
from es_physics.report.gold_view import GoldView
from es_physics.report.index_page import index_page
from es_physics.report.page import write
from es_physics.report.range_page import range_file, range_page
from es_physics.report.range_view import RangeView, SessionSummary
from es_physics.report.session_page import session_file, session_page
from es_physics.report.session_view import SessionView
from es_physics.report.silver import committed
from es_physics.silver.verify import committed_sessions, why_there_is_no_session


def write_session(root: Path, folder: Path, session_date: date) -> Path:
    """Write one session's page from the Silver below `root`; returns its path."""
    view = SessionView.read(committed(session_date, root))
    path = folder / session_file(session_date)
    write(path, session_page(view))
    return path


def write_range(
    root: Path, folder: Path, start: date, end: date, bronze_root: Path, gold_root: Path
) -> Path:
    """Write the page of all sessions published from `start` to `end`; returns its path.

    Days without one say why, by the calendar, Bronze, and what failed builds left. What many
    sessions say is of the gold below `gold_root`, if there is any.
    """
    dates = [day for day in committed_sessions(root) if start <= day <= end]
    if not dates:
        raise ReportError(
            f"no session from {start} to {end} is published below {root}; build some, such as "
            f"dbt build --vars '{{session_date: {end}}}'"
        )
    view = RangeView([committed(day, root) for day in dates])
    path = folder / range_file(start, end)
    why_blank = partial(why_there_is_no_session, root, bronze_root)
    write(path, range_page(view, GoldView.read(gold_root), start, end, folder, why_blank))
    return path


def write_index(root: Path, folder: Path) -> Path:
    """Write the index of all published sessions; one that cannot be read is named on it."""
    sessions, problems = [], []
    for day in committed_sessions(root):
        try:
            sessions.append(SessionSummary.read(committed(day, root)))
        except ReportError as error:
            problems.append(str(error))
    path = folder / "index.html"
    write(path, index_page(sessions, problems, folder))
    return path
