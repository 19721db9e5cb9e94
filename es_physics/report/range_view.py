"""What the page of a range of sessions shows: outcomes, incidence, drift, gates and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types
from numpy.typing import NDArray

from es_physics.quant.first_passage import first_passage_probabilities
from es_physics.report import gates
from es_physics.report.errors import ReportError
from es_physics.report.level_styles import level_styles
from es_physics.report.palette import with_known_outcomes
from es_physics.report.silver import Commit
from es_physics.report.statistics import (
    Floats,
    Interval,
    cumulative_incidence,
    drift,
    wilson_interval,
)

OUTCOMES = ("BREAK", "BOUNCE", "CHOP")
ALL = "ALL"

# Columns of the wide table that are not features: keys, prices that trend, and what labels add.
_NOT_FEATURES = {
    "event_ts_ns",
    "level_price",
    "spot",
    "dir_sign",
    "minutes_since_open",
    "bars_since_open",
    "session_phase",
    "is_first_15m",
}
_NULL_STEP_S = 20.0
_PLACEBO_LABELS = (
    *("event_id", "session_date", "outcome", "uniqueness"),
    *("null_p_break", "null_p_bounce", "null_p_chop"),
)


@dataclass(frozen=True)
class SessionSummary:
    """One published session in the calendar."""

    session_date: date
    front_month: str | None
    dominance_ratio: float | None
    is_roll_contaminated: bool | None
    calendar_note: str | None
    event_count: int
    outcomes: dict[str, int]
    verdict: gates.Verdict
    failed_gates: list[str]
    feeds: dict[str, str]
    fingerprint: str

    @classmethod
    def read(cls, commit: Commit) -> SessionSummary:
        """Read what the calendar and the index need of a session."""
        sessions = commit.rows("sessions")
        if len(sessions) != 1:
            raise ReportError(
                f"session {commit.session_date}: the commit has {len(sessions)} session rows, "
                "expected 1; build the session again"
            )
        (session,) = sessions
        labels = commit.table("level_event_labels", "outcome")
        outcomes = [] if labels is None else labels["outcome"].to_pylist()
        gate_rows = commit.rows("qa_gate_results")
        return cls(
            session_date=commit.session_date,
            front_month=session["front_month"],
            dominance_ratio=session["dominance_ratio"],
            is_roll_contaminated=session["is_roll_contaminated"],
            calendar_note=session["calendar_note"],
            event_count=len(outcomes),
            outcomes={name: outcomes.count(name) for name in with_known_outcomes(outcomes)},
            verdict=gates.verdict(gate_rows),
            failed_gates=[gate["gate"] for gate in gate_rows if gate["status"] == "failed"],
            feeds=gates.feed_states(commit, commit.rows("bronze_quality")),
            fingerprint=commit.fingerprint,
        )


def outcome_columns(sessions: Sequence[SessionSummary]) -> list[str]:
    """Every outcome that the labels of some session have or may have."""
    return with_known_outcomes(name for session in sessions for name in session.outcomes)


@dataclass(frozen=True)
class OutcomeShare:
    """Observed shares of one group of events beside the null model's."""

    level_kind: str
    direction: str
    events: int
    """Events with a null model and a defined outcome: both shares are over these."""
    effective_n: float
    """Sum of their uniqueness: how many events without any overlap they are worth."""
    sessions: int
    """Sessions that they are of."""
    observed: dict[str, Interval]
    expected: dict[str, float]


@dataclass(frozen=True)
class IncidenceCurve:
    """Chance of BREAK and BOUNCE by seconds after the entry, of one group of events."""

    level_kind: str
    direction: str
    events: int
    grid: Floats
    observed: dict[str, Floats]
    null_grid: Floats
    expected: dict[str, Floats]
    """Means of the null model's chances at `null_grid`."""


@dataclass(frozen=True)
class DriftMap:
    """Drift of each feature (rows) in each session (columns) against the other sessions."""

    features: list[str]
    sessions: list[date]
    shift: Floats
    ks: Floats
    ks_critical: Floats


class RangeView:
    """Events of several sessions together, and a summary of each session."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        """Read the sessions. Raises ReportError unless all labels follow the same rules."""
        self._commits = commits
        self.sessions = [SessionSummary.read(commit) for commit in commits]
        self.horizon_s = 60 * _common_var(commits, "horizon_minutes")
        self.threshold = _common_var(commits, "outcome_threshold")
        tables = [(commit, commit.table("level_interactions")) for commit in commits]
        self._tables = [(commit, table) for commit, table in tables if table is not None]
        self.events = (
            pa.concat_tables([table for _, table in self._tables], promote_options="permissive")
            if self._tables
            else pa.table({})
        )

    def outcome_shares(self) -> list[OutcomeShare]:
        """Shares by level kind and direction, and of each kind and all events together."""
        return self._shares(self.events)

    def placebo_shares(self) -> dict[tuple[str, str], OutcomeShare]:
        """The same of placebos that no real level is near, by level kind and direction."""
        return {
            (share.level_kind, share.direction): share for share in self._shares(self._placebos())
        }

    def _placebos(self) -> pa.Table:
        """Labels of placebos that no real level is near, with their kind and direction."""
        tables = []
        for commit in self._commits:
            entries = commit.table(
                "placebo_events", "event_id", "level_kind", "direction", "near_real_level"
            )
            labels = commit.table("placebo_labels", *_PLACEBO_LABELS)
            if entries is None or labels is None:
                continue
            far = entries.filter(pc.invert(entries["near_real_level"]))
            place = pc.index_in(far["event_id"], value_set=labels["event_id"])
            known = pc.is_valid(place)
            of = labels.take(place.filter(known))
            for name in ("level_kind", "direction"):
                of = of.append_column(name, far[name].filter(known))
            tables.append(of)
        if not tables:
            return pa.table({})
        # Sums depend on the order.
        return pa.concat_tables(tables, promote_options="permissive").sort_by("event_id")

    def _shares(self, events: pa.Table) -> list[OutcomeShare]:
        if not events.num_rows:
            return []
        outcome = np.array(events["outcome"].to_pylist())
        day = np.array(events["session_date"].to_pylist())
        null = {name: _floats(events, f"null_p_{name.lower()}") for name in OUTCOMES}
        uniqueness = _floats(events, "uniqueness")
        usable = np.isin(outcome, OUTCOMES) & np.isfinite(null["BREAK"])
        shares = []
        for kind, direction, member in self._groups(events):
            group = member & usable
            total = int(group.sum())
            if total:
                shares.append(
                    OutcomeShare(
                        kind,
                        direction,
                        total,
                        float(uniqueness[group].sum()),
                        len(np.unique(day[group])),
                        {
                            name: wilson_interval(int((outcome[group] == name).sum()), total)
                            for name in OUTCOMES
                        },
                        {name: float(null[name][group].mean()) for name in OUTCOMES},
                    )
                )
        return shares

    def incidence_curves(self, step_s: float = 2.0) -> list[IncidenceCurve]:
        """Cumulative incidence of BREAK and BOUNCE, by the same groups as the shares."""
        if not self.events.num_rows:
            return []
        outcome = np.array(self.events["outcome"].to_pylist())
        start, last = (
            self.events[name].to_numpy() for name in ("event_ts_ns", "label_last_source_ts_ns")
        )
        touched = np.isin(outcome, ("BREAK", "BOUNCE"))
        # An UNDEFINED label was watched up to its last trade, a CHOP up to the horizon.
        watched = np.where(
            outcome == "UNDEFINED", np.nan_to_num((last - start) / 1e9), self.horizon_s
        )
        times = np.where(touched, _floats(self.events, "time_to_threshold_2"), watched)
        causes = np.where(outcome == "BREAK", 1, np.where(outcome == "BOUNCE", 2, 0))
        grid = np.arange(0.0, self.horizon_s + step_s / 2, step_s)
        null_grid = np.arange(0.0, self.horizon_s + _NULL_STEP_S / 2, _NULL_STEP_S)
        chances = self._null_chances(null_grid)
        known = np.isfinite(chances["BREAK"][-1])
        return [
            IncidenceCurve(
                kind,
                direction,
                int(group.sum()),
                grid,
                {
                    name: cumulative_incidence(times[group], causes[group], cause, grid)
                    for cause, name in ((1, "BREAK"), (2, "BOUNCE"))
                },
                null_grid,
                {name: table[:, group].mean(axis=1) for name, table in chances.items()},
            )
            for kind, direction, member in self._groups(self.events)
            if (group := member & known).any()
        ]

    def drift_map(self) -> DriftMap:
        """Drift of every numeric feature that varies, in the order of the wide table's columns."""
        with_events = [(commit, table) for commit, table in self._tables if table.num_rows]
        dates = [commit.session_date for commit, _ in with_events]
        member = np.repeat(np.arange(len(dates)), [table.num_rows for _, table in with_events])
        names = [field.name for field in self.events.schema if _is_feature(field)]
        if "outcome" in self.events.column_names:
            labels_from = self.events.column_names.index("outcome")
            names = [n for n in names if self.events.column_names.index(n) < labels_from]
        if len(dates) < 2:
            return DriftMap([], dates, *(np.empty((0, len(dates))) for _ in range(3)))
        columns = {name: _floats(self.events, name) for name in names}
        varying = [name for name, values in columns.items() if np.nanstd(_known(values)) > 0]
        cells = np.array([drift(columns[name], member, len(dates)) for name in varying]).reshape(
            len(varying), len(dates), 3
        )
        return DriftMap(varying, dates, cells[:, :, 0], cells[:, :, 1], cells[:, :, 2])

    def _groups(self, events: pa.Table) -> list[tuple[str, str, NDArray[np.bool_]]]:
        kinds = np.array(events["level_kind"].to_pylist())
        directions = np.array(events["direction"].to_pylist())
        return [
            (
                kind,
                direction,
                ((kinds == kind) | (kind == ALL))
                & ((directions == direction) | (direction == ALL)),
            )
            for kind in (ALL, *level_styles(self._commits, kinds))
            for direction in (ALL, "UP", "DOWN")
        ]

    def _null_chances(self, grid: Floats) -> dict[str, Floats]:
        """The null model's chances at each time of `grid` (rows) of each event (columns)."""
        sign, level, spot, volatility = (
            _floats(self.events, name)
            for name in ("dir_sign", "level_price", "spot", "rth_volatility")
        )
        progress = sign * (spot - level)
        chances = first_passage_probabilities(
            self.threshold - progress, self.threshold + progress, volatility, grid[:, None] / 60
        )
        return {"BREAK": chances.up, "BOUNCE": chances.down}


def _floats(events: pa.Table, name: str) -> Floats:
    """A column as float64, NaN where unknown."""
    values: Floats = events[name].cast(pa.float64(), safe=False).to_numpy()
    return values


def _is_feature(field: pa.Field) -> bool:
    numeric = types.is_floating(field.type) or types.is_integer(field.type)
    return numeric and field.name not in _NOT_FEATURES and not field.name.endswith("_ts_ns")


def _known(values: Floats) -> Floats:
    finite = values[np.isfinite(values)]
    return finite if len(finite) else np.zeros(1)


def _common_var(commits: Sequence[Commit], name: str) -> float:
    found = {commit.var(name): commit.session_date for commit in commits}
    if len(found) > 1:
        listed = ", ".join(f"{value:g} ({day})" for value, day in sorted(found.items()))
        raise ReportError(
            f"the sessions were built with different {name}: {listed}; their labels cannot be "
            "compared, build them with the same vars"
        )
    return next(iter(found))
