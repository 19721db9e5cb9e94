"""What the archive's page shows: the state of every day, and what gates and builds measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from es_physics import gate_text
from es_physics.report.errors import ReportError
from es_physics.report.event_text import number
from es_physics.report.months import weekdays
from es_physics.report.range_view import SessionSummary
from es_physics.report.silver import Commit, committed
from es_physics.silver.verify import committed_sessions, evidence_path, why_there_is_no_session

Row = dict[str, Any]

STEPS = 6
"""Steps of colour either side of a row's middle."""

_REACH = 3.0
"""Deviations at which they end."""


@dataclass(frozen=True)
class Evidence:
    """What a failed build left."""

    failures: list[str]
    """Names of the nodes that failed."""
    gates: list[Row]
    """Rows of qa_gate_results, if the build got that far."""
    started: datetime


@dataclass(frozen=True)
class Session:
    """A published session, as far as the archive shows it."""

    summary: SessionSummary
    gates: list[Row]
    feed_rows: dict[str, int]
    """Records of each feed's partition, where its quality was published."""
    megabytes: float
    rows: int
    build_s: float | None
    later_failure: bool
    """Whether a build of the date failed after this one was committed."""


@dataclass(frozen=True)
class MatrixRow:
    """One gate, feed or figure by session."""

    name: str
    group: str
    shown: list[str]
    """By session, in words; empty where it does not apply."""
    colour: list[int | None]
    """From -STEPS, far below the middle, to STEPS, far above; None where there is no number."""
    mark: list[str]
    """A sign for what failed or is missing, empty otherwise."""


@dataclass(frozen=True)
class ArchiveView:
    """Everything published below a root, and why what is not is not."""

    sessions: dict[date, Session]
    failed: dict[date, Evidence]
    """Days without a session whose build failed."""
    why_blank: dict[date, str]
    """Of each weekday without a session, from the first to the last day that has anything."""
    problems: list[str] = field(default_factory=list)
    """Sessions that could not be read."""

    @classmethod
    def read(cls, root: Path, bronze_root: Path) -> ArchiveView:
        """Read every session below `root`; one that cannot be read is among the problems."""
        sessions, problems = {}, []
        for day in committed_sessions(root):
            try:
                sessions[day] = _session(committed(day, root), _evidence(root, day))
            except ReportError as error:
                problems.append(str(error))
        failed = {
            day: evidence
            for day in _days_with_evidence(root)
            if day not in sessions and (evidence := _evidence(root, day))
        }
        known = sorted({*sessions, *failed})
        blank = (
            [day for day in weekdays(known[0], known[-1]) if day not in sessions] if known else []
        )
        why = {day: why_there_is_no_session(root, bronze_root, day) for day in blank}
        return cls(sessions, failed, why, problems)

    @property
    def columns(self) -> list[date]:
        """Days of the matrix: sessions, and failed builds that got as far as their gates."""
        return sorted({*self.sessions, *(day for day, one in self.failed.items() if one.gates)})

    def matrix(self) -> list[MatrixRow]:
        """Gates, feeds and figures of the builds, by the days of `columns`."""
        days = self.columns
        gates_of = {
            **{day: one.gates for day, one in self.failed.items()},
            **{day: one.gates for day, one in self.sessions.items()},
        }
        by_gate: dict[str, dict[date, Row]] = {}
        for day in days:
            for gate in gates_of[day]:
                by_gate.setdefault(gate["gate"], {})[day] = gate
        feeds = sorted({feed for one in self.sessions.values() for feed in one.summary.feeds})
        return [
            *(_gate_row(name, by_gate[name], days) for name in sorted(by_gate)),
            *(_feed_row(feed, self.sessions, days) for feed in feeds),
            *(_figure_row(*figure, self.sessions, days) for figure in _FIGURES),
        ]


def colours(
    values: Iterable[float | None], thresholds: Iterable[float | None] = ()
) -> list[int | None]:
    """Steps of colour of numbers around their median, one for each; None for None.

    A step is half a deviation: 1.4826 times the median of the distances from the median, which is
    the standard deviation of normal numbers that no outlier moves. It is at least a tenth of the
    median's distance to the nearest threshold, or without one a twentieth of the median, so that
    what hardly moves has hardly a colour.
    """
    listed = list(values)
    known = np.array([value for value in listed if value is not None], float)
    if not known.size:
        return [None] * len(listed)
    middle = float(np.median(known))
    distances = [abs(bound - middle) for bound in thresholds if bound is not None]
    floor = min(distances) / 10 if distances else abs(middle) / 20
    deviation = max(1.4826 * float(np.median(np.abs(known - middle))), floor)

    def step(value: float) -> int:
        if value == middle:
            return 0
        far = (value - middle) / deviation if deviation else np.sign(value - middle) * _REACH
        return int(np.clip(np.rint(far * STEPS / _REACH), -STEPS, STEPS))

    return [None if value is None else step(value) for value in listed]


def _gate_row(name: str, by_day: Mapping[date, Row], days: Sequence[date]) -> MatrixRow:
    applies = {day: gate for day, gate in by_day.items() if gate["status"] != "not_applicable"}

    def shown(day: date) -> str:
        if day not in by_day:
            return ""
        if day not in applies:
            return "not applicable"
        gate = by_day[day]
        words = f"{gate_text.measured(gate)}, to be {gate_text.bound(gate)}"
        return f"{words}; {gate['detail']}" if gate.get("detail") else words

    def mark(day: date) -> str:
        gate = by_day.get(day)
        if gate is None or gate["status"] != "failed":
            return ""
        return "✕" if gate["severity"] == "error" else "!"

    return MatrixRow(
        name,
        "Gates",
        [shown(day) for day in days],
        colours(
            [applies[day]["measured"] if day in applies else None for day in days],
            [gate["threshold"] for gate in applies.values()],
        ),
        [mark(day) for day in days],
    )


def _feed_row(feed: str, sessions: Mapping[date, Session], days: Sequence[date]) -> MatrixRow:
    states = {day: one.summary.feeds.get(feed, "missing") for day, one in sessions.items()}
    rows = {day: one.feed_rows.get(feed) for day, one in sessions.items()}

    def shown(day: date) -> str:
        if day not in states:
            return ""
        count = rows[day]
        return states[day] if count is None else f"{states[day]}, {count:,} records"

    steps = colours([rows.get(day) if states.get(day) == "ok" else None for day in days])
    return MatrixRow(
        feed,
        "Feeds",
        [shown(day) for day in days],
        # One that is there, with nobody having counted its records, is as it should be.
        [
            0 if step is None and states.get(day) == "ok" else step
            for step, day in zip(steps, days, strict=True)
        ],
        ["✕" if states.get(day, "ok") != "ok" else "" for day in days],
    )


_FIGURES = (
    ("size", "MB", "megabytes", 2),
    ("rows", "rows", "rows", 0),
    ("build time", "s", "build_s", 0),
    ("entries", "entries", "event_count", 0),
)
"""Name, unit, attribute and decimals of what a build is."""


def _figure_row(
    name: str,
    unit: str,
    attribute: str,
    decimals: int,
    sessions: Mapping[date, Session],
    days: Sequence[date],
) -> MatrixRow:
    def value(day: date) -> float | None:
        session = sessions.get(day)
        if session is None:
            return None
        of = session if hasattr(session, attribute) else session.summary
        found: float | None = getattr(of, attribute)
        return found

    values = [value(day) for day in days]
    words = ["" if one is None else f"{number(one, decimals)} {unit}" for one in values]
    return MatrixRow(name, "Builds", words, colours(values), [""] * len(days))


def _session(commit: Commit, evidence: Evidence | None) -> Session:
    summary = SessionSummary.read(commit)
    quality = commit.table("bronze_quality", "feed", "row_count")
    outputs = commit.outputs.values()
    return Session(
        summary,
        commit.rows("qa_gate_results"),
        {row["feed"]: row["row_count"] for row in quality.to_pylist()} if quality else {},
        sum(output["bytes"] for output in outputs) / 1e6,
        sum(output["rows"] for output in outputs),
        commit.wall_time_s,
        evidence is not None and evidence.started > datetime.fromisoformat(commit.committed_at),
    )


def _days_with_evidence(root: Path) -> list[date]:
    folder = evidence_path(root, date.min).parents[1]
    if not folder.is_dir():
        return []
    names = [path.name.partition("=")[2] for path in folder.iterdir()]
    days = []
    for name in names:
        try:
            days.append(date.fromisoformat(name))
        except ValueError:
            continue  # no folder of ours
    return [day for day in sorted(days) if evidence_path(root, day).is_file()]


def _evidence(root: Path, day: date) -> Evidence | None:
    """What a failed build of the day left; None if nothing, or nothing that can be read."""
    path = evidence_path(root, day)
    if not path.is_file():
        return None
    gates_path = path.with_name("gates.parquet")
    try:
        failures = _parquet_rows(path)
        measured = _parquet_rows(gates_path) if gates_path.is_file() else []
        return Evidence(
            [row["name"] for row in failures],
            measured,
            max(row["run_started_at"] for row in failures),
        )
    except (OSError, ValueError, KeyError):
        return None


def _parquet_rows(path: Path) -> list[Row]:
    with path.open("rb") as file:
        rows: list[Row] = pq.ParquetFile(file).read().to_pylist()
        return rows
