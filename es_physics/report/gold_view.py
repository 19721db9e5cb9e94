"""What the page of a range says of many sessions, from the published gold alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from es_physics.report.published import Publication
from es_physics.report.range_view import ALL, OUTCOMES, OutcomeShare
from es_physics.report.statistics import Floats, Interval
from es_physics.silver.commit import GOLD

TARGETS = {
    "scaled_100": "one standard deviation of the horizon",
    "scaled_050": "half a standard deviation",
    "fixed": "the fixed threshold",
}
"""Targets of level_outcomes and where their barriers lie, the primary one first."""

INCIDENCE_TARGETS = ("scaled_100", "fixed")
CAUSES = ("BREAK", "BOUNCE")
_STEP_S = 5
_DRIFT_ROWS = 30

Row = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """How much one figure rests on."""

    events: int
    sessions: int
    effective_n: float


@dataclass(frozen=True)
class DriftRows:
    """Features of the newest session with a drift, those furthest beyond the expected first."""

    session_date: date
    rows: list[Row]
    features: int
    beyond: int
    """Features whose psi exceeds what one number a session would give."""
    current: Counts
    reference: Counts


@dataclass(frozen=True)
class GoldView:
    """The studies of one publication of gold."""

    fingerprint: str
    dates: list[str]
    outcomes: list[Row]
    incidence: list[Row]
    curves: list[Row]
    drift: list[Row]
    weights: list[tuple[date, float]]
    """Session and uniqueness of every event, in the order of sessions."""

    @classmethod
    def read(cls, root: Path) -> GoldView | None:
        """Read gold below `root`, None if none is published.

        Raises ReportError if its record or a file is not what was committed.
        """
        gold = Publication.read(root, GOLD)
        if gold is None:
            return None
        rows = gold.rows
        weight = {
            row["event_id"]: row["weight"]
            for row in rows("event_targets", "event_id", "target", "weight")
            if row["target"] == "fixed"
        }
        return cls(
            fingerprint=gold.fingerprint,
            dates=[session["session_date"] for session in gold.record["inputs"]["sessions"]],
            outcomes=[row for row in rows("level_outcomes") if row["session_phase"] is None],
            incidence=rows("cumulative_incidence"),
            curves=rows("event_curves"),
            drift=rows("feature_drift"),
            weights=sorted(
                (row["session_date"], weight.get(row["event_id"]) or 0.0)
                for row in rows("event_matrix", "event_id", "session_date")
            ),
        )

    def outcome_rows(self, target: str, *, placebo: bool = False) -> list[Row]:
        """Rows of a target with a counted event, all kinds and both directions first."""
        return sorted(
            (
                row | {"level_kind": row["level_kind"] or ALL, "direction": row["direction"] or ALL}
                for row in self.outcomes
                if row["target"] == target and row["is_placebo"] == placebo and row["events"]
            ),
            key=lambda row: tuple(
                (row[name] != ALL, row[name] == "DOWN", row[name])
                for name in ("level_kind", "direction")
            ),
        )

    def outcome_shares(self, target: str, *, placebo: bool = False) -> list[OutcomeShare]:
        """Weighted shares with Wilson's intervals at effective_n, and the null model's."""
        return [_share(row) for row in self.outcome_rows(target, placebo=placebo)]

    def counts(self, target: str, stratum: str, *, placebo: bool = False) -> Counts:
        """Counted events of a stratum, as level_outcomes has them."""
        for row in self.outcome_rows(target, placebo=placebo):
            if stratum == _stratum(row):
                return Counts(row["events"], row["sessions"], row["effective_n"])
        return Counts(0, 0, 0.0)

    @property
    def strata(self) -> list[str]:
        """`ALL`, then kinds and directions with a curve."""
        names = {row["stratum"] for row in (*self.curves, *self.incidence)}
        return [ALL] * (ALL in names) + sorted(names - {ALL})

    def incidence_of(self, target: str, stratum: str) -> tuple[int, dict[str, Floats]]:
        """Events, and columns `minutes`, `BREAK`, `BOUNCE` with the null's `null_BREAK`, ...

        At every fifth second; the null's are NaN where unknown.
        """
        found: dict[str, dict[int, Row]] = {cause: {} for cause in CAUSES}
        for row in self._incidence.get((target, stratum), []):
            found[row["cause"]][row["second"]] = row
        seconds = sorted(found[CAUSES[0]])
        columns = {"minutes": np.array(seconds, float) / 60}
        for cause in CAUSES:
            rows = [found[cause][second] for second in seconds]
            columns[cause] = _floats(rows, "incidence")
            columns[f"null_{cause}"] = _floats(rows, "null_incidence")
        return (found[CAUSES[0]][seconds[0]]["events"] if seconds else 0), columns

    def curve_of(
        self, value: str, stratum: str, *, placebo: bool = False
    ) -> tuple[int, dict[str, Floats]]:
        """Events, and columns `minutes`, `mean`, and `low` and `high`, 1.96 errors either side."""
        rows = self._curves.get((stratum, placebo), [])
        mean, error = _floats(rows, value), 1.96 * np.nan_to_num(_floats(rows, f"{value}_se"))
        return max((row[f"{value}_events"] for row in rows), default=0), {
            "minutes": _floats(rows, "offset_s") / 60,
            "mean": mean,
            "low": mean - error,
            "high": mean + error,
        }

    def newest_drift(self) -> DriftRows | None:
        """Drift at the newest session that has any; None without one."""
        known = [row for row in self.drift if row["psi"] is not None]
        if not known:
            return None
        newest = max(row["session_date"] for row in known)
        rows = [row for row in known if row["session_date"] == newest]
        rows.sort(key=lambda row: (-row["psi"] / max(row["expected"], 1e-12), row["feature"]))
        back = iter([one for one in reversed(self.weights) if one[0] <= newest])
        return DriftRows(
            session_date=newest,
            rows=rows[:_DRIFT_ROWS],
            features=len(rows),
            beyond=sum(row["psi"] > row["expected_slow"] for row in rows),
            current=_window(back, rows[0]["n_current"]),
            reference=_window(back, rows[0]["n_reference"]),
        )

    @cached_property
    def _incidence(self) -> Mapping[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.incidence:
            if row["second"] % _STEP_S == 0:
                found.setdefault((row["target"], row["stratum"]), []).append(row)
        return found

    @cached_property
    def _curves(self) -> Mapping[tuple[str, bool], list[Row]]:
        found: dict[tuple[str, bool], list[Row]] = {}
        for row in sorted(self.curves, key=lambda row: row["offset_s"]):
            found.setdefault((row["stratum"], row["is_placebo"]), []).append(row)
        return found


def _stratum(row: Row) -> str:
    if row["level_kind"] == row["direction"] == ALL:
        return ALL
    return f"{row['level_kind']}_{row['direction']}"


def _share(row: Row) -> OutcomeShare:
    def interval(name: str) -> Interval:
        return Interval(*(row[f"{part}_{name}"] for part in ("share", "share_low", "share_high")))

    return OutcomeShare(
        row["level_kind"],
        row["direction"],
        row["events"],
        row["effective_n"],
        row["sessions"],
        {name: interval(name.lower()) for name in OUTCOMES},
        {name: row[f"null_p_{name.lower()}"] for name in OUTCOMES},
    )


def _window(back: Iterator[tuple[date, float]], events: int) -> Counts:
    """The next so many events of those that run back in time."""
    window = list(islice(back, events))
    days = {day for day, _ in window}
    return Counts(len(window), len(days), float(sum(weight for _, weight in window)))


def _floats(rows: list[Row], name: str) -> Floats:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], float)
