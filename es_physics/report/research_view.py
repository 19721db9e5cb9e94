"""What the research page shows: the published scores, and what the scored runs left beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from es_physics.gold.run_files import trials_file
from es_physics.gold.runs import Run
from es_physics.report.errors import ReportError
from es_physics.report.neighbours import Answer, Events, answers
from es_physics.report.published import Publication
from es_physics.report.research_runs import run_rows, run_table, runs_of
from es_physics.report.research_text import (
    CANDIDATES,
    MODELS,
    TARGETS,
    classes_of,
    row_name,
)
from es_physics.silver.commit import GOLD, SCORES

Row = dict[str, Any]

FULL = "full"
_TABLES = ("session_gains", "reliability", "ablations", "edge", "similarity")
_ANSWERS = 240
"""Events whose neighbours the page shows, the newest, over all runs and targets."""
_FEWEST_ANSWERS = 4


@dataclass(frozen=True)
class Study:
    """One target of one run: its scores, and what the run left beside them."""

    run_id: str
    target: str
    scores: list[Row]
    """Of every model and set over all events, in the order of the pages."""
    strata: list[Row]
    tables: Mapping[str, list[Row]]
    """Rows of this run and target by table of the scores."""
    calibration: list[Row]
    importances: list[Row]
    dependence: list[Row]
    answers: list[Answer]
    answerable: int
    """Events that the run has neighbours of."""
    skipped: list[str]

    @cached_property
    def classes(self) -> list[str]:
        """Classes of the target, in order."""
        return classes_of({row["class"] for row in self.tables["reliability"]})

    @cached_property
    def glance(self) -> list[Row]:
        """The models on the whole set of features; on another where they have no such row."""
        whole = {row["model"] for row in self.scores if row["feature_set"] == FULL}
        return [
            row for row in self.scores if row["feature_set"] == FULL or row["model"] not in whole
        ]

    @cached_property
    def best(self) -> Row | None:
        """The candidate with the most skill; None if none has a score."""
        found = [
            row for row in self.scores if row["model"] in CANDIDATES and row["skill"] is not None
        ]
        # Of candidates with as much, one on the whole set that says what it leans on.
        return max(
            found,
            key=lambda row: (
                round(row["skill"], 5),
                row["feature_set"] == FULL,
                row["model"].startswith("lightgbm"),
            ),
            default=None,
        )

    @cached_property
    def shown(self) -> list[Row]:
        """The models that the page shows in detail: those at a glance, and the best."""
        best = [self.best] if self.best and self.best not in self.glance else []
        return self.glance + best

    @cached_property
    def log_losses(self) -> Mapping[tuple[str, str], Mapping[str, float | None]]:
        """By model and set, the log losses of the references on the same events."""
        sums: dict[tuple[str, str], dict[str, float]] = {}
        names = ("weight", "loss_base_rate", "loss_null", "loss_null_calibrated")
        for row in self.tables["session_gains"]:
            held = sums.setdefault((row["model"], row["feature_set"]), dict.fromkeys(names, 0.0))
            for name in names:
                held[name] += row[name]
        return {
            key: {
                name: held[name] / held["weight"] if held["weight"] else None for name in names[1:]
            }
            for key, held in sums.items()
        }


@dataclass(frozen=True)
class ResearchView:
    """The scores of one publication and the runs that they are of."""

    root: Path
    gold: Publication | None
    scores: Publication | None
    studies: list[Study] = field(default_factory=list)
    trials: list[Row] = field(default_factory=list)
    unscored: int = 0
    """Finished runs of the current gold that no score is of."""
    events: Mapping[str, Row] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> ResearchView:
        """Read what is published below the gold root; empty where there is nothing yet.

        Raises ReportError if a record or a file is not what was published.
        """
        gold = Publication.read(root, GOLD)
        scores = Publication.read(root, SCORES)
        trials = _trials(root)
        if gold is None or scores is None:
            runs = runs_of(root, gold.fingerprint) if gold else []
            return cls(root, gold, scores, trials=trials, unscored=len(runs))
        runs = runs_of(root, str(scores.record["inputs"].get("gold_fingerprint")))
        is_current = scores.record["inputs"].get("gold_fingerprint") == gold.fingerprint
        events = Events(gold)
        studies = _studies(scores, runs, events if is_current else None)
        scored = {study.run_id for study in studies}
        return cls(
            root,
            gold,
            scores,
            studies,
            trials,
            sum(run.run_id not in scored for run in runs_of(root, gold.fingerprint)),
            events.rows if is_current and studies else {},
        )

    @property
    def is_stale(self) -> bool:
        """Whether gold was made again since it was scored."""
        return bool(
            self.gold
            and self.scores
            and self.scores.record["inputs"].get("gold_fingerprint") != self.gold.fingerprint
        )

    @property
    def left_out(self) -> int:
        """Runs of another gold, which the scores leave out."""
        return len(self.scores.record["inputs"].get("left_out", [])) if self.scores else 0


def _studies(scores: Publication, runs: Sequence[Run], events: Events | None) -> list[Study]:
    tables = {name: _by_study(scores.rows(name)) for name in ("scores", "calibration", *_TABLES)}
    keys = sorted(tables["scores"], key=lambda key: (*target_place(key[1]), key[0]))
    by_id = {run.run_id: run for run in runs}
    asked = max(_FEWEST_ANSWERS, _ANSWERS // max(len(keys), 1))
    studies = []
    for run_id, target in keys:
        mine = {name: rows.get((run_id, target), []) for name, rows in tables.items()}
        run = by_id.get(run_id)
        of_target = pc.field("target") == target
        answered, answerable = _answers(run, events, target, asked) if run else ([], 0)
        studies.append(
            Study(
                run_id=run_id,
                target=target,
                scores=[row for row in mine["scores"] if row["stratum_kind"] == "all"],
                strata=sorted(
                    (row for row in mine["scores"] if row["stratum_kind"] != "all"),
                    key=_stratum_place,
                ),
                tables={name: mine[name] for name in _TABLES},
                calibration=mine["calibration"],
                importances=run_rows(run, "importances", of_target) if run else [],
                dependence=run_rows(run, "partial_dependence", of_target) if run else [],
                answers=answered,
                answerable=answerable,
                skipped=_skipped(run, target) if run else [],
            )
        )
    return studies


def _by_study(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows by run and target, in the order of models of the pages."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=_model_place):
        found.setdefault((row["run_id"], row["target"]), []).append(row)
    return found


def _answers(run: Run, events: Events | None, target: str, asked: int) -> tuple[list[Answer], int]:
    """Answers for the newest events with neighbours, and how many events have some."""
    table = run_table(run, "neighbours", pc.field("target") == target)
    if events is None or table is None:
        return [], 0
    pairs = table.group_by(["feature_set", "event_id"]).aggregate([]).to_pylist()
    if not pairs:
        return [], 0
    sets = {row["feature_set"] for row in pairs}
    feature_set = FULL if FULL in sets else min(sets)
    having = {row["event_id"] for row in pairs if row["feature_set"] == feature_set}
    newest = [name for name in reversed(events.rows) if name in having][:asked]
    return answers(run, events, target, feature_set, newest), len(having)


def _skipped(run: Run, target: str) -> list[str]:
    return [
        f"{row_name(one)}, fold {one['fold']}: {one['reason']}"
        for one in run.record.get("skipped", [])
        if one["target"] == target
    ]


def _trials(root: Path) -> list[Row]:
    path = trials_file(root)
    if not path.is_file():
        return []
    try:
        with path.open("rb") as file:
            rows: list[Row] = pq.read_table(file).to_pylist()
    except (OSError, ValueError) as error:
        raise ReportError(
            f"{path} cannot be read ({error}); restore it: it counts trials"
        ) from None
    return rows


def target_place(target: str) -> tuple[int, str]:
    """Where a target stands on the pages."""
    known = list(TARGETS)
    return (known.index(target) if target in known else len(known), target)


def _stratum_place(row: Row) -> tuple[int, int, str]:
    kinds = ("level_kind_direction", "phase", "fold")
    kind, name = row["stratum_kind"], str(row["stratum"])
    place = kinds.index(kind) if kind in kinds else len(kinds)
    return (place, int(name) if name.isdecimal() else -1, name)


def _model_place(row: Row) -> tuple[int, str, bool, str]:
    """Models in the order of the pages, each on the whole set first."""
    known = list(MODELS)
    model = row.get("model", "")
    place = known.index(model) if model in known else len(known)
    return (place, model, row["feature_set"] != FULL, row["feature_set"])
