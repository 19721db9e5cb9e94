"""The page of the archive: the state of every day, gates by session, and the pages beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from es_physics.report.archive_view import STEPS, ArchiveView, Session
from es_physics.report.months import WEEKDAYS, months
from es_physics.report.page import json_script, render, source
from es_physics.report.range_view import outcome_columns
from es_physics.report.session_page import session_file

ARCHIVE_FILE = "index.html"
_RANGE = re.compile(r"([\d-]{10})_to_([\d-]{10})\.html")
_OTHER_PAGES = {"research.html": "Research"}
"""Pages of many sessions that have one name, and what they are called."""


class State(NamedTuple):
    """What a day of the calendar can be: a CSS class, a sign that needs no colour, and words."""

    css: str
    sign: str
    words: str


_STATES = {
    "passed": State("passed", "✓", "passed"),
    "warned": State("warned", "!", "a gate warned"),
    "failed": State("failed", "✕", "published, a gate failed"),
    "nothing": State("nothing", "○", "nothing to judge"),
    "unknown": State("nothing", "·", "no gate results"),
    "failed build": State("broken", "✕", "failed build"),
    "not built": State("open", "□", "Bronze, not built"),
    "no Bronze": State("empty", "–", "no Bronze"),
    "no cash session, no Bronze": State("holiday", "c", "no cash session, no Bronze"),
    "holiday": State("holiday", "h", "holiday"),
    "beyond the calendar": State("empty", "?", "beyond the calendar"),
}


def archive_page(view: ArchiveView, pages: Collection[str]) -> str:
    """The page as HTML. `pages` are the names of those beside it, which it links."""
    days = sorted({*view.sessions, *view.why_blank})
    columns, matrix = view.columns, view.matrix()
    sessions = [one.summary for _, one in sorted(view.sessions.items(), reverse=True)]
    links = {day: name if (name := session_file(day)) in pages else "" for day in view.sessions}
    return render(
        "archive.html",
        first=str(days[0]) if days else "",
        last=str(days[-1]) if days else "",
        weekdays=[name[0] for name in WEEKDAYS],
        months=[
            {
                "name": month.name,
                "weeks": [[day and _day(view, day, links) for day in week] for week in month.weeks],
            }
            for month in (months(days[0], days[-1]) if days else ())
        ],
        legend=_legend(view, days),
        is_partial=any(map(_is_partial, view.sessions.values())),
        missing=_missing(view),
        sessions=sessions,
        links=links,
        outcome_columns=outcome_columns(sessions),
        problems=view.problems,
        megabytes=sum(one.megabytes for one in view.sessions.values()),
        build_s=sum(one.build_s or 0.0 for one in view.sessions.values()),
        columns=columns,
        ranges=[
            {"href": name, "words": f"{found[1]} to {found[2]}"}
            for name in sorted(pages)
            if (found := _RANGE.fullmatch(name))
        ],
        others=[
            {"href": name, "words": words} for name, words in _OTHER_PAGES.items() if name in pages
        ],
        data_json=json_script(
            {
                "days": [str(day) for day in columns],
                "links": [links.get(day, "") for day in columns],
                "steps": STEPS,
                "rows": [row.__dict__ for row in matrix],
            }
        ),
        archive_js=source("archive.js"),
    )


def _state(view: ArchiveView, day: date) -> State:
    if day in view.sessions:
        return _STATES[view.sessions[day].summary.verdict.css]
    return _STATES.get(view.why_blank[day], State("empty", "?", view.why_blank[day]))


def _day(view: ArchiveView, day: date, links: dict[date, str]) -> dict[str, Any]:
    state = _state(view, day)
    lines = [str(day), state.words]
    if day in view.sessions:
        session = view.sessions[day]
        summary = session.summary
        lines += [f"{summary.event_count} entries", *summary.failed_gates]
        lines += [f"{feed} {why}" for feed, why in summary.feeds.items() if why != "ok"]
        lines += [note for note in (summary.calendar_note,) if note]
        lines += ["roll"] * bool(summary.is_roll_contaminated)
        lines += ["a later build failed"] * session.later_failure
    elif day in view.failed:
        lines += _failures(view.failed[day].failures)
    return {
        "day": day.day,
        "link": links.get(day, ""),
        "css": state.css,
        "sign": state.sign,
        "title": " · ".join(lines),
        "is_partial": day in view.sessions and _is_partial(view.sessions[day]),
    }


def _is_partial(session: Session) -> bool:
    return any(why != "ok" for why in session.summary.feeds.values())


def _failures(names: Sequence[str]) -> list[str]:
    return [*names[:5], *([f"and {len(names) - 5} more"] if len(names) > 5 else [])]


def _legend(view: ArchiveView, days: Iterable[date]) -> list[dict[str, Any]]:
    counts = Counter(_state(view, day) for day in days)
    known = [state for state in _STATES.values() if counts[state]]
    others = sorted(set(counts) - set(known))
    return [{**state._asdict(), "count": counts[state]} for state in (*known, *others)]


def _missing(view: ArchiveView) -> list[dict[str, Any]]:
    """What is not as it should be, by what it is: the days in short."""
    days: dict[tuple[str, str], list[date]] = {}
    for day, session in view.sessions.items():
        for feed, state in session.summary.feeds.items():
            if state != "ok":
                days.setdefault((f"{feed}: {state}", "feed"), []).append(day)
        for gate in session.summary.failed_gates:
            days.setdefault((gate, "gate"), []).append(day)
        if session.later_failure:
            days.setdefault(("a later build failed", "build"), []).append(day)
    for day, why in view.why_blank.items():
        if why in ("failed build", "not built", "no Bronze"):
            evidence = view.failed.get(day)
            names = ", ".join(_failures(evidence.failures)) if evidence else ""
            days.setdefault((f"{why}: {names}" if names else why, "day"), []).append(day)
    every = sorted({*view.sessions, *view.why_blank})
    return [
        {"what": what, "kind": kind, "count": len(found), "days": _in_short(sorted(found), every)}
        for (what, kind), found in sorted(days.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _in_short(found: Sequence[date], every: Sequence[date]) -> str:
    """Days as words, runs of neighbours in `every` as their ends."""
    place = {day: number for number, day in enumerate(every)}
    runs: list[list[date]] = []
    for day in found:
        if runs and place[day] == place[runs[-1][-1]] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    more = len(words) - 12
    return ", ".join(words[:12]) + (f" and {more} more" if more > 0 else "")
