"""What happened when it looked like this: the earlier events nearest to one, of a run of `knn`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.calendar import NEW_YORK
from es_physics.gold.runs import Run
from es_physics.report.errors import ReportError
from es_physics.report.event_text import level_name
from es_physics.report.event_view import events_file
from es_physics.report.published import Publication
from es_physics.report.research_runs import run_rows, run_table, runs_of
from es_physics.report.research_text import classes_of
from es_physics.report.session_page import session_file
from es_physics.silver.commit import GOLD, OF_MANY

Row = dict[str, Any]

BESIDE = ("base_rate", "null", "null_calibrated")
"""Models without features whose odds stand beside the neighbours'."""

_EVENT_COLUMNS = (
    *("event_id", "session_date", "event_ts_ns", "level_kind", "direction", "level_price"),
    *("spot", "uniqueness", "mfe_atr", "mae_atr", "scaled_time"),
)


@dataclass(frozen=True)
class Answer:
    """One event of a test session, its nearest earlier events, and the odds of all who were asked.

    `odds` are chances by class for each of `BESIDE` and `knn` (calibrated), `shares` those of the
    neighbours by their weights, `outcome` what the event itself came to.
    """

    run_id: str
    target: str
    feature_set: str
    fold: int
    event: Row
    outcome: str
    odds: Mapping[str, Mapping[str, float]]
    shares: Mapping[str, float]
    effective_n: float
    neighbours: Sequence[Row]
    """From the nearest on: those of the run's file, each with the columns of its event."""


class Events:
    """The events of gold by their id, for what is said of them."""

    def __init__(self, gold: Publication) -> None:
        self._gold = gold

    @cached_property
    def rows(self) -> dict[str, Row]:
        """By id, in the order of time."""
        rows = self._gold.rows("event_outcomes", *_EVENT_COLUMNS)
        return {
            row["event_id"]: row
            for row in sorted(rows, key=lambda row: (row["event_ts_ns"], row["event_id"]))
        }

    def outcomes(self, target: str) -> dict[str, str]:
        """The class of every scored event of a target."""
        table = self._gold.table("event_targets", "event_id", "target", "class", "is_scored")
        kept = table.filter((pc.field("target") == target) & pc.field("is_scored"))
        return dict(zip(kept["event_id"].to_pylist(), kept["class"].to_pylist(), strict=True))

    def at(self, session: date, clock: str) -> list[str]:
        """The events of a session whose time in New York begins with `clock`, 10:04 or 10:04:31."""
        return [
            name
            for name, row in self.rows.items()
            if row["session_date"] == session and clock_text(row).startswith(clock)
        ]


def clock_text(event: Mapping[str, Any]) -> str:
    """The second of an event, New York wall clock."""
    return f"{datetime.fromtimestamp(event['event_ts_ns'] // 10**9, NEW_YORK):%H:%M:%S}"


def event_words(event: Mapping[str, Any]) -> str:
    """An event in a few words: 2025-12-16 10:04:31 PM high UP."""
    return (
        f"{event['session_date']} {clock_text(event)} {level_name(event['level_kind'])}"
        f" {event['direction']}"
    )


def event_pages(event: Mapping[str, Any]) -> tuple[str, str]:
    """The pages that can show an event, by its id behind a #, the closest look first."""
    return events_file(event["session_date"]), session_file(event["session_date"])


def answers(
    run: Run, events: Events, target: str, feature_set: str, wanted: Iterable[str]
) -> list[Answer]:
    """An answer for each wanted event that the run has neighbours of, in the order given."""
    names = pa.array(sorted(set(wanted)), pa.string())
    of_target = (pc.field("target") == target) & pc.field("event_id").isin(names)
    found: dict[str, list[Row]] = {}
    of_set = pc.field("feature_set") == feature_set
    for row in run_rows(run, "neighbours", of_target & of_set):
        found.setdefault(row["event_id"], []).append(row)
    odds: dict[str, dict[str, dict[str, float]]] = {}
    models = pc.field("model").isin(pa.array([*BESIDE, "knn"]))
    for row in run_rows(run, "predictions", of_target & models):
        if row["model"] in BESIDE or row["feature_set"] == feature_set:
            odds.setdefault(row["event_id"], {}).setdefault(row["model"], {})[row["class"]] = row[
                "p"
            ]
    outcomes = events.outcomes(target)
    return [
        _answer(run, events, name, found[name], odds.get(name, {}), outcomes.get(name, ""))
        for name in dict.fromkeys(wanted)
        if name in found and name in events.rows
    ]


def _answer(
    run: Run,
    events: Events,
    name: str,
    rows: list[Row],
    odds: Mapping[str, Mapping[str, float]],
    outcome: str,
) -> Answer:
    rows = sorted(rows, key=lambda row: row["rank"])
    neighbours = [{**events.rows.get(row["neighbour_event_id"], {}), **row} for row in rows]
    total = sum(row["weight"] for row in rows)
    classes = classes_of(
        {*(row["outcome"] for row in rows), *(c for p in odds.values() for c in p)}
    )
    # (sum v)^2 / sum(v^2 / u): overlapping neighbours are worth less than their number.
    spread = sum(row["weight"] ** 2 / (row.get("uniqueness") or 1.0) for row in neighbours)
    return Answer(
        run_id=run.run_id,
        target=rows[0]["target"],
        feature_set=rows[0]["feature_set"],
        fold=rows[0]["fold"],
        event=events.rows[name],
        outcome=outcome,
        odds={
            model: {one: odds[model][one] for one in classes if one in odds[model]}
            for model in (*BESIDE, "knn")
            if model in odds
        },
        shares={
            one: sum(row["weight"] for row in rows if row["outcome"] == one) / total
            for one in classes
            if total
        },
        effective_n=total**2 / spread if spread else 0.0,
        neighbours=neighbours,
    )


def answer_for(
    root: Path, event_id: str, target: str, feature_set: str, run_id: str | None
) -> Answer:
    """The answer for one event, of the latest finished run of the current gold that has one.

    Raises ReportError, in one line, if there is none.
    """
    gold = current_gold(root)
    events = Events(gold)
    if event_id not in events.rows:
        raise ReportError(
            f"gold below {root} has no event {event_id}: it has {_reach(events)};"
            " give an id of its table event_outcomes, or --session and --time"
        )
    runs = [
        run
        for run in runs_of(root, gold.fingerprint)
        if run_id is None or run.run_id.startswith(run_id)
    ]
    if not runs:
        which = f"run {run_id}" if run_id else "run"
        raise ReportError(
            f"no finished {which} of the gold below {root}; make research TARGET={target}"
        )
    for run in runs:
        for answer in answers(run, events, target, feature_set, [event_id]):
            return answer
    raise ReportError(_why_none(runs, events, event_id, target, feature_set))


def _why_none(
    runs: Sequence[Run], events: Events, event_id: str, target: str, feature_set: str
) -> str:
    known = sorted(
        {
            (row["target"], row["feature_set"])
            for run in runs
            if (table := run_table(run, "neighbours")) is not None
            for row in table.select(["target", "feature_set"])
            .group_by(["target", "feature_set"])
            .aggregate([])
            .to_pylist()
        }
    )
    if (target, feature_set) not in known:
        there = ", ".join(f"{one} on {features}" for one, features in known) or "of no target"
        return (
            f"no run of the current gold has neighbours of {target} on {feature_set} ({there});"
            f" make research TARGET={target}"
        )
    if event_id not in events.outcomes(target):
        return f"{event_id} is not scored for {target}: its outcome or its random walk is unknown"
    return (
        f"{event_id} lies in no test session of run {runs[0].run_id}: the sessions before the"
        " first fold's test have no neighbours; give a later event"
    )


def find_event(root: Path, session: date, clock: str) -> str:
    """The one event of a session at a time in New York. Raises ReportError if it is not one."""
    events = Events(current_gold(root))
    found = events.at(session, clock)
    if len(found) == 1:
        return found[0]
    if found:
        raise ReportError(
            f"{len(found)} events at {session} {clock}: {', '.join(found)}; give one's id"
        )
    there = [row for row in events.rows.values() if row["session_date"] == session]
    if not there:
        raise ReportError(f"gold has no event on {session}: it has {_reach(events)}")
    times = ", ".join(dict.fromkeys(clock_text(row) for row in there))
    raise ReportError(f"no event at {session} {clock}: that session has {times}")


def current_gold(root: Path) -> Publication:
    """The gold below `root`. Raises ReportError if none is published."""
    gold = Publication.read(root, GOLD)
    if gold is None:
        raise ReportError(f"no gold is published below {root}; {OF_MANY[GOLD]} START= END=")
    return gold


def _reach(events: Events) -> str:
    days = [row["session_date"] for row in events.rows.values()]
    return f"{len(days):,} events from {min(days)} to {max(days)}" if days else "no events"
