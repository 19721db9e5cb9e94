"""The page of a session's entries, each second by second: its address ends with an entry's id."""

from __future__ import annotations

from typing import Any

from es_physics.report.alike import Alike
from es_physics.report.event_text import card, level_name
from es_physics.report.event_view import FIRST_S, LAST_S, STEP_S, EventView
from es_physics.report.gamma_chart import MARK_STYLES
from es_physics.report.page import json_script, render, source
from es_physics.report.palette import outcome_role
from es_physics.report.session_view import GAMMA_REACH, Row

_HEADINGS = ("Level and zone", "Book at the entry", "Barrier, 240 s", "What followed, 8 min")


def event_page(
    view: EventView, session_file: str, alike: Alike | None = None, made_from: str = ""
) -> str:
    """The page as HTML; the same bytes for the same commit and the same neighbours.

    `session_file` is the page of the session, `alike` what a run knows of its entries, if any does.
    """
    session = view.session
    return render(
        "event.html",
        made_from=made_from,
        date=str(session.commit.session_date),
        front_month=session.session["front_month"],
        session_file=session_file,
        events=[
            {"id": event["event_id"], "title": _title(event), "outcome": event["outcome"]}
            for event in session.events
        ],
        notes=_notes(view),
        fingerprint=session.commit.fingerprint,
        threshold=f"{session.commit.var('outcome_threshold'):g}",
        event_css=source("event.css"),
        event_js=source("event.js"),
        data_json=json_script(_data(view, alike)),
    )


def _notes(view: EventView) -> list[str]:
    """What the session's publication lacks of what the page shows."""
    lacking = (
        ("event_paths", view.paths, "price and trades around entries"),
        ("event_book", view.books, "the book around entries"),
        ("session_grid", view.grid, "order flow in time"),
        ("event_replenishment", view.session.replenishment, "what came and went in the zone"),
        ("gamma_by_strike", view.session.gamma, "gamma by strike"),
    )
    return [
        f"No {table} was published with this session: {what} cannot be shown."
        for table, found, what in lacking
        if view.session.events and not found
    ]


def _data(view: EventView, alike: Alike | None) -> dict[str, Any]:
    session = view.session
    return {
        "first_s": FIRST_S,
        "last_s": LAST_S,
        "step_s": STEP_S,
        "bucket_s": session.commit.var("replenishment_bucket_s") if session.replenishment else 0,
        "gamma_reach": GAMMA_REACH,
        "marks": {name: [words, role] for name, (words, role, _) in MARK_STYLES.items()},
        "run_id": alike and alike.run_id,
        "events": [_event(view, event, alike) for event in session.events],
    }


def _event(view: EventView, event: Row, alike: Alike | None) -> dict[str, Any]:
    session = view.session
    path, book = view.paths.get(event["event_id"]), view.books.get(event["event_id"])
    gamma = session.gamma_at(event)
    return {
        "id": event["event_id"],
        "title": _title(event),
        "outcome": event["outcome"],
        "role": outcome_role(event["outcome"]),
        "level_role": session.styles[event["level_kind"]].role,
        "sign": event["dir_sign"],
        "level": event["level_price"],
        "spot": event["spot"],
        "zone": event["zone_width"],
        "clock_ms": float(session.clock_ms(event["event_ts_ns"])),
        "barriers": view.barriers(event),
        "path": path and {"s": path.offset_s, "price": path.price, "delta": path.delta},
        "book": book
        and {
            "low": book.lowest_price,
            "ticks": book.ticks,
            "s": book.offset_s,
            "bids": book.bids,
            "asks": book.asks,
        },
        "flow": view.order_flow(event),
        "ranges": view.ranges(event),
        "buckets": [
            [row["bucket"], row["added"], row["removed"], row["passive_volume"]]
            for row in session.replenishment.get(event["event_id"], [])
        ],
        "gamma": gamma
        and {"k": gamma["k"], **{name: _millions(gamma[name]) for name in ("call", "put", "flow")}},
        "marks": session.gamma_marks_at(event),
        "facts": [group for group in card(event) if group[0] in _HEADINGS],
        "alike": alike and alike.nearest.get(event["event_id"], []),
    }


def _millions(values: list[float | None]) -> list[float | None]:
    return [None if value is None else float(f"{value / 1e6:.5g}") for value in values]


def _title(event: Row) -> str:
    direction = "▲ UP" if event["direction"] == "UP" else "▼ DOWN"
    return f"{event['event_ts_et']:%H:%M:%S} {level_name(event['level_kind'])} {direction}"
