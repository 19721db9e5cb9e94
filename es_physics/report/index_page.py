"""The index of all published sessions and of the pages beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from es_physics.report.page import render
from es_physics.report.range_view import SessionSummary, outcome_columns
from es_physics.report.session_page import session_file


def index_page(sessions: Sequence[SessionSummary], problems: Sequence[str], folder: Path) -> str:
    """The page as HTML, newest session first; `problems` are sessions that could not be read."""
    pages = {path.name for path in folder.glob("*.html")}
    return render(
        "index.html",
        sessions=sorted(sessions, key=lambda session: session.session_date, reverse=True),
        problems=problems,
        outcome_columns=outcome_columns(sessions),
        links={
            session.session_date: name
            if (name := session_file(session.session_date)) in pages
            else ""
            for session in sessions
        },
        ranges=sorted(
            name for name in pages if re.fullmatch(r"[\d-]{10}_to_[\d-]{10}\.html", name)
        ),
    )
