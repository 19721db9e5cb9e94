"""The earlier events nearest to a session's entries, of the latest run of the current gold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from es_physics.gold.runs import Run
from es_physics.report.errors import ReportError
from es_physics.report.neighbours import Events, Row, answers, current_gold, event_words
from es_physics.report.published import Publication
from es_physics.report.research_runs import runs_of
from es_physics.silver.commit import GOLD

TARGET, FEATURE_SET = "scaled", "full"
"""Of which outcomes and features the neighbours are: those that `es-physics neighbours` shows."""

_SHOWN = 10


@dataclass(frozen=True)
class Alike:
    """Of one session: the run that was asked, and each entry's nearest by its id, nearest first.

    A row has `words` (when and what), `distance`, `weight`, `outcome`, `mfe_atr` and `mae_atr`.
    """

    run_id: str
    nearest: dict[str, list[Row]] = field(default_factory=dict)


def latest_run(gold_root: Path | None) -> Run | None:
    """The latest finished run of the current gold that has neighbours; None if there is none.

    What cannot be read is none: the page of many sessions says so.
    """
    try:
        gold = gold_root and Publication.read(gold_root, GOLD)
        runs = runs_of(gold.root, gold.fingerprint) if gold else []
    except ReportError:
        return None
    return next((run for run in runs if "neighbours" in run.record["files"]), None)


def alike(run: Run, sessions: Collection[date]) -> dict[date, Alike]:
    """Of each session what the run knows; nothing of a session that it did not test.

    Raises ReportError if gold or a file of the run is not the one that was recorded.
    """
    events = Events(current_gold(run.folder.parent.parent))
    wanted = [name for name, row in events.rows.items() if row["session_date"] in sessions]
    found: dict[date, Alike] = {}
    for answer in answers(run, events, TARGET, FEATURE_SET, wanted):
        of_session = found.setdefault(answer.event["session_date"], Alike(run.run_id))
        of_session.nearest[answer.event["event_id"]] = [
            {
                "words": event_words(row) if "event_ts_ns" in row else row["neighbour_event_id"],
                **{name: row[name] for name in ("distance", "weight", "outcome")},
                **{name: row.get(name) for name in ("mfe_atr", "mae_atr")},
            }
            for row in answer.neighbours[:_SHOWN]
        ]
    return found
