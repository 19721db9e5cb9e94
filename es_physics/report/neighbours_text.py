"""An answer of the nearest earlier events, for a terminal and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from es_physics.console import console
from es_physics.report.event_text import UNKNOWN, number
from es_physics.report.neighbours import Answer, clock_text, event_pages, event_words
from es_physics.report.research_text import MODELS

_ROW = ("distance", "weight", "outcome", "mfe_atr", "mae_atr", "scaled_time")


def show(answer: Answer, limit: int, pages: Path) -> None:
    """Print the odds of all who were asked, and the first `limit` neighbours."""
    terminal = console(least_width=96)  # the wider table's own width
    terminal.print(
        f"{event_words(answer.event)}, {answer.event['event_id']}\n"
        f"came to {answer.outcome or 'an unknown outcome'} ({answer.target}); run {answer.run_id},"
        f" fold {answer.fold}, features {answer.feature_set}",
        markup=False,
        soft_wrap=True,
    )
    odds = Table(box=box.SIMPLE, pad_edge=False)
    odds.add_column("who is asked")
    for name in answer.shares:
        odds.add_column(f"{name} %", justify="right")
    odds.add_column("of")
    odds.add_row(
        "neighbours, by weight",
        *(number(100 * share, 1) for share in answer.shares.values()),
        f"{len(answer.neighbours)} neighbours, effective n {number(answer.effective_n, 1)}",
    )
    for model, chances in answer.odds.items():
        odds.add_row(
            f"{model}: {MODELS[model]}",
            *(
                number(100 * chances[name], 1) if name in chances else UNKNOWN
                for name in answer.shares
            ),
            "",
        )
    terminal.print(odds)
    nearest = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "session", "time ET", "level", "dir"):
        nearest.add_column(name, justify="right" if not name else "left")
    for name in ("distance", "weight"):
        nearest.add_column(name, justify="right")
    nearest.add_column("outcome")
    for name in ("on ATR", "back ATR", "touched s"):
        nearest.add_column(name, justify="right")
    for row in answer.neighbours[:limit]:
        nearest.add_row(
            str(row["rank"]),
            str(row["session_date"]),
            clock_text(row),
            row["level_kind"],
            row["direction"],
            number(row["distance"], 3),
            number(row["weight"], 3),
            row["outcome"],
            number(row["mfe_atr"], 2),
            number(row["mae_atr"], 2),
            number(row["scaled_time"], 0),
        )
    terminal.print(nearest)
    if links := [link for row in answer.neighbours[:limit] if (link := _page(row, pages))]:
        terminal.print("pages:", *links, sep="\n", markup=False, soft_wrap=True)


def as_json(answer: Answer, limit: int, pages: Path) -> dict[str, Any]:
    """The same for a script: chances as numbers, every event with its id and its page."""
    return {
        "run_id": answer.run_id,
        "target": answer.target,
        "feature_set": answer.feature_set,
        "fold": answer.fold,
        "event": _event(answer.event, pages) | {"outcome": answer.outcome or None},
        "neighbours_share": dict(answer.shares),
        "neighbours_count": len(answer.neighbours),
        "effective_n": answer.effective_n,
        "odds": {model: dict(chances) for model, chances in answer.odds.items()},
        "neighbours": [
            {"rank": row["rank"]}
            | _event(row | {"event_id": row["neighbour_event_id"]}, pages)
            | {name: row[name] for name in _ROW}
            for row in answer.neighbours[:limit]
        ],
    }


def _event(event: dict[str, Any], pages: Path) -> dict[str, Any]:
    return {
        "event_id": event["event_id"],
        "session_date": event["session_date"],
        "time_et": clock_text(event),
        "level_kind": event["level_kind"],
        "direction": event["direction"],
        "page": _page(event, pages) or None,
    }


def _page(event: dict[str, Any], pages: Path) -> str:
    """The page that shows an event, if it was written; a neighbour's row names it otherwise."""
    name = event.get("neighbour_event_id") or event["event_id"]
    there = (pages / page for page in event_pages(event))
    return next((f"{path}#{name}" for path in there if path.is_file()), "")
