"""The page of one session."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import Any, NamedTuple

from markupsafe import Markup

from es_physics.report import gates
from es_physics.report.book_chart import book_chart
from es_physics.report.chart_style import fill
from es_physics.report.embed import chart_json
from es_physics.report.event_text import DEPTH_BINS, TABLE, card, level_name, number, shown
from es_physics.report.event_view import events_file
from es_physics.report.gamma_chart import MARK_STYLES, gamma_chart
from es_physics.report.level_styles import LineStyle
from es_physics.report.page import json_script, render, source
from es_physics.report.palette import outcome_role
from es_physics.report.panels import TAGS_WIDTH
from es_physics.report.session_charts import session_chart
from es_physics.report.session_view import GAMMA_REACH, Row, SessionView

_NO_GAMMA_TABLE = "No gamma by strike was published with this session: it needs the options feeds."
_EXACT_IN_SCRIPTS = 2**53
_DASHES = {"solid": "", "dashed": "5 3", "dotted": "2 2", "dotdash": "2 2 6 2"}


class Neighbours(NamedTuple):
    """The sessions before and after one that have pages to be linked."""

    before: date | None
    after: date | None


ALONE = Neighbours(None, None)


def session_file(session_date: date) -> str:
    """The name of a session's page."""
    return f"{session_date}.html"


def session_page(view: SessionView, beside: Neighbours = ALONE, made_from: str = "") -> str:
    """The page as HTML; the same bytes for the same commit and neighbours."""
    has_chart = len(view.bars["close"]) > 0
    has_gamma = has_chart and bool(view.events) and view.gamma is not None
    has_book = has_chart and any("spread_ticks" in event for event in view.events)
    chart, panels = session_chart(view) if has_chart else (None, [])
    return render(
        "session.html",
        bokeh=has_chart,
        made_from=made_from,
        before=beside.before and _link(beside.before),
        after=beside.after and _link(beside.after),
        date=str(view.commit.session_date),
        weekday=f"{view.commit.session_date:%A}",
        session=view.session,
        tiles=_tiles(view),
        notices=_notices(view),
        chart=Markup(chart_json(chart)) if chart else "",
        panels=panels,
        vwap_key=_line_of("vwap", "dotdash", "VWAP") if has_chart and len(view.vwap()[0]) else "",
        features=_numeric(view.events),
        book_chart=_empty_book_chart(*_buckets(view)) if has_book else "",
        gamma_chart=_empty_gamma_chart() if has_gamma else "",
        gamma_note="" if view.gamma is not None else _NO_GAMMA_TABLE,
        gamma_keys=_gamma_keys() if view.has_gamma_marks else [],
        events=view.events if has_chart else [],
        events_file=events_file(view.commit.session_date),
        filters=_filters(view),
        columns=_columns(),
        table=[_table_row(event) for event in view.events],
        gates=gates.gate_rows(view.gates or []),
        coverage=gates.coverage(view.commit, view.quality, view.clock_text),
        fingerprint=view.commit.fingerprint,
        zone_rule=_zone_rule(view),
        data_json=json_script(_data(view)),
        session_js=source("session.js") + source("session_entries.js"),
    )


# The page's script fills these charts, so that all pages have them in common.
@cache
def _empty_book_chart(bucket_s: float, buckets: int) -> Markup:
    return Markup(chart_json(book_chart(bucket_s, buckets)))


@cache
def _empty_gamma_chart() -> Markup:
    return Markup(chart_json(gamma_chart()))


def _link(day: date) -> dict[str, str]:
    return {"href": session_file(day), "date": str(day)}


def _tiles(view: SessionView) -> list[dict[str, str]]:
    session = view.session
    counts = Counter(event["outcome"] for event in view.events)
    compared = [event for event in view.events if event["null_p_break"] is not None]
    expected = {
        name: sum(event[f"null_p_{name}"] for event in compared) for name in ("break", "bounce")
    }
    states = gates.feed_states(view.commit, view.quality)
    missing = [feed for feed, state in states.items() if state != "ok"]
    summary = gates.verdict(view.gates)
    hindsight = session["causal_front_month"] != session["front_month"]
    return [
        {
            "label": "Front month",
            "value": session["front_month"] or "none",
            "note": f"{number(session['front_month_volume'], 0)} contracts to the last anchor"
            + (f"; before the open {session['causal_front_month']} led" if hindsight else ""),
        },
        {
            "label": "Dominance",
            "value": _share(session["dominance_ratio"]),
            "note": "of outright volume"
            + (
                f"; next {session['runner_up_symbol']} {_share(session['runner_up_ratio'])}"
                if session["runner_up_symbol"]
                else ""
            ),
        },
        {
            "label": "Entries",
            "value": str(len(view.events)),
            "note": ", ".join(f"{counts[name]} {name}" for name in view.outcomes if counts[name])
            or "no price came to a level",
        },
        {
            "label": "BREAK, BOUNCE",
            "value": f"{sum(event['outcome'] == 'BREAK' for event in compared)}, "
            f"{sum(event['outcome'] == 'BOUNCE' for event in compared)}",
            "note": f"a random walk expects {expected['break']:.1f} and {expected['bounce']:.1f}, "
            f"{len(compared)} entries",
        },
        {
            "label": "Feeds",
            "value": f"{len(states) - len(missing)} of {len(states)}",
            "note": f"missing: {', '.join(missing)}" if missing else "every feed is there",
        },
        {"label": "Gates", "value": f"{summary.sign} {summary.css}", "note": summary.text},
    ]


def _notices(view: SessionView) -> list[dict[str, Any]]:
    session, notices = view.session, []
    failed = [gate for gate in view.gates or [] if gate["status"] == "failed"]
    if failed:
        notices.append(
            {
                "bad": True,
                "title": gates.verdict(view.gates).text,
                "lines": [
                    f"{gate['claim'].rstrip('.')}: {gate['measured']}, expected "
                    f"{gate['threshold']}. {gate['advice']}"
                    for gate in gates.gate_rows(failed)
                ],
            }
        )
    if session["is_roll_contaminated"]:
        notices.append(
            {
                "bad": True,
                "title": f"Roll: no contract has the volume to itself, {session['front_month']} "
                f"has {_share(session['dominance_ratio'])}.",
                "lines": [],
            }
        )
    if not session["has_rth"]:
        reason = session["calendar_note"] or "the cash market is shut"
        notices.append(_plain(f"No cash session: {reason}. There are no levels and no entries."))
    elif not len(view.bars["close"]):
        notices.append(_plain("No trade of a front month is known: there is nothing to draw."))
    elif not view.events:
        notices.append(_plain("No entry: the price never came to a level from outside its zone."))
    if view.gamma is None:
        notices.append(_plain(_NO_GAMMA_TABLE))
    return notices


def _plain(title: str) -> dict[str, Any]:
    return {"bad": False, "title": title, "lines": []}


def _filters(view: SessionView) -> list[dict[str, Any]]:
    groups = (
        ("kind", "Level", "level_kind", view.styles, partial(_line_key, view.styles), level_name),
        ("direction", "Direction", "direction", ("UP", "DOWN"), _direction_key, str),
        ("outcome", "Outcome", "outcome", view.outcomes, _outcome_key, str),
    )
    counted = {
        column: Counter(event[column] for event in view.events) for _, _, column, *_ in groups
    }
    return [
        {
            "name": name,
            "label": label,
            "options": [
                {
                    "value": value,
                    "label": text(value),
                    "count": counted[column][value],
                    "key": key(value),
                }
                for value in values
                if counted[column][value] or column != "outcome"
            ],
        }
        for name, label, column, values, key, text in groups
    ]


def _line_key(styles: Mapping[str, LineStyle], kind: str) -> Markup:
    role, dash = styles[kind]
    return Markup(
        '<svg class="key" width="22" height="14" aria-hidden="true"><rect y="2" width="22" '
        'height="10" fill="var(--{0})" opacity=".15"/><path d="M0 7h22" stroke="var(--{0})" '
        'stroke-width="2" stroke-dasharray="{1}"/></svg>'
    ).format(role, _DASHES[dash])


def _gamma_keys() -> list[Markup]:
    return [_line_of(role, dash, words) for words, role, dash in MARK_STYLES.values()]


def _line_of(role: str, dash: str, words: str) -> Markup:
    return Markup(
        '<svg class="key" width="26" height="10" aria-hidden="true"><path d="M0 5h26" '
        'stroke="var(--{})" stroke-width="2" stroke-dasharray="{}"/></svg> {}'
    ).format(role, _DASHES[dash], words)


def _numeric(events: Sequence[Row]) -> list[str]:
    """Columns of events that hold numbers, or yes and no, and no times of their sources."""
    return [
        name
        for name in (events[0] if events else ())
        if not name.endswith("_ts_ns")
        and any(event[name] is not None for event in events)
        and all(isinstance(event[name], int | float | None) for event in events)
    ]


def _columns_of(events: Sequence[Row]) -> dict[str, list[Any]]:
    """All columns of the events as JSON holds them: what has no number there is its text."""

    def plain(value: Any) -> Any:
        if isinstance(value, int) and abs(value) > _EXACT_IN_SCRIPTS:
            return str(value)  # a script's numbers are doubles
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if isinstance(value, int | float | str | None) else str(value)

    names = events[0] if events else ()
    return {name: [plain(event[name]) for event in events] for name in names}


def _direction_key(direction: str) -> Markup:
    return Markup('<span aria-hidden="true">{} </span>').format("▲" if direction == "UP" else "▼")


def _outcome_key(outcome: str, direction: str = "UP") -> Markup:
    return Markup(
        '<svg class="key" width="16" height="15" aria-hidden="true"><path d="{2}" '
        'stroke="var(--{0})" fill="var(--{0})" fill-opacity="{1}" stroke-width="2"/></svg>'
    ).format(
        outcome_role(outcome),
        fill(outcome),
        "M8 2l6 11h-12z" if direction == "UP" else "M8 13l6-11h-12z",
    )


def _columns() -> list[dict[str, Any]]:
    texts = ("Time", "Kind", "Direction", "Outcome", "Barrier")
    units = {"Time": "New York"}
    return [
        *({"label": name, "unit": units.get(name, ""), "text": True} for name in texts),
        *({"label": fact.title, "unit": fact.subtitle, "text": False} for fact in TABLE),
    ]


def _table_row(event: Row) -> list[dict[str, Any]]:
    clock = f"{event['event_ts_et']:%H:%M:%S}"
    arrow = "▲" if event["direction"] == "UP" else "▼"
    barrier = event.get("barrier_state")
    outcome = _outcome_key(event["outcome"], event["direction"]) + event["outcome"]
    return [
        {"text": True, "value": event["event_ts_et"].isoformat(), "shown": clock},
        _text(event["level_kind"], level_name(event["level_kind"])),
        _text(event["direction"], f"{arrow} {event['direction']}"),
        _text(event["outcome"], outcome) | {"outcome": True},
        _text(barrier or "", barrier or "–"),
        *(
            {
                "text": False,
                "value": "" if event.get(fact.column) is None else event[fact.column],
                "shown": shown(fact, event, unit=False),
            }
            for fact in TABLE
        ),
    ]


def _text(value: str, shown: str) -> dict[str, Any]:
    return {"text": True, "value": value, "shown": shown}


def _data(view: SessionView) -> dict[str, Any]:
    """What the page's script needs beyond the charts' own data."""
    return {
        "kinds": [kind for kind in view.styles if kind in view.levels],
        "styles": {
            kind: {"name": level_name(kind), "role": role}
            for kind, (role, _) in view.styles.items()
        },
        "tags_width": TAGS_WIDTH,
        "levels": {
            kind: {
                "from": [float(view.clock_ms(row["valid_from_ns"])) for row in rows],
                "to": [float(view.clock_ms(row["valid_to_ns"])) for row in rows],
                "price": [row["level_price"] for row in rows],
            }
            for kind, rows in view.levels.items()
        },
        "date": str(view.commit.session_date),
        "columns": _columns_of(view.events),
        "horizon_ms": view.commit.var("horizon_minutes") * 60_000,
        "threshold": view.commit.var("outcome_threshold"),
        "depth_bins": list(DEPTH_BINS),
        "gamma_reach": GAMMA_REACH,
        "gamma_note": "" if view.gamma is not None else _NO_GAMMA_TABLE,
        "facts": [
            {"heading": heading, "labels": [label for label, _ in facts]}
            for heading, facts in (card(view.events[0]) if view.events else [])
        ],
        "events": [_event_data(view, event) for event in view.events],
    }


def _event_data(view: SessionView, event: Row) -> dict[str, Any]:
    gamma = view.gamma_at(event)
    return {
        "id": event["event_id"],
        "kind": event["level_kind"],
        "direction": event["direction"],
        "outcome": event["outcome"],
        "x": float(view.clock_ms(event["event_ts_ns"])),
        "level": event["level_price"],
        "spot": event["spot"],
        "title": _title(event),
        "state": event.get("barrier_state"),
        "odds": event["null_p_break"] is not None
        and [float(f"{event[f'null_p_{name}']:.4f}") for name in ("break", "bounce", "chop")],
        "facts": [[value for _, value in facts] for _, facts in card(event)],
        "gamma": gamma and _in_millions(gamma),
        "gamma_marks": (marks := view.gamma_marks_at(event)),
        "gamma_note": _gamma_note(view, gamma, marks),
        "depth": _depth(event),
        "replenishment": _replenishment(view, event),
        "book_note": _book_note(event),
    }


def _buckets(view: SessionView) -> tuple[float, int]:
    """Seconds of a bucket of the barrier's window, and how many there are; 0, 0 without any."""
    buckets = max(map(len, view.replenishment.values()), default=0)
    return (view.commit.var("replenishment_bucket_s") if buckets else 0.0), buckets


def _depth(event: Row) -> dict[str, list[int | None]]:
    return {
        side: [event.get(f"depth_{side}_{ending}") for ending in DEPTH_BINS.values()]
        for side in ("defending", "attacking")
    }


def _replenishment(view: SessionView, event: Row) -> dict[str, list[float | None]]:
    width, buckets = _buckets(view)
    rows = view.replenishment.get(event["event_id"], [])
    return {
        "seconds": [width * (row["bucket"] - buckets - 0.5) for row in rows],
        **{
            name: [row[column] for row in rows]
            for name, column in (
                ("added", "added"),
                ("removed", "removed"),
                ("traded", "passive_volume"),
            )
        },
    }


def _book_note(event: Row) -> str:
    if "barrier_visible_share" not in event:
        return ""
    share = event["barrier_visible_share"]
    if share is None:
        return "The zone has no price left to defend at this entry, or the book has no row of it."
    if share == 0:
        return (
            "The zone is out of sight: the ten levels of the book show none of its prices, so its "
            "depth is unknown, not 0."
        )
    return f"{number(100 * share, 0)} % of the zone's live prices are in sight."


def _gamma_note(view: SessionView, gamma: Row | None, marks: Mapping[str, float | None]) -> str:
    if view.gamma is None:
        return _NO_GAMMA_TABLE
    if gamma is None:
        return "Unknown at this entry: the first minute mark is 09:31."
    minutes = int(gamma["tau"] // 60_000)
    return (
        f"As of {minutes // 60 % 24:02d}:{minutes % 60:02d}, strikes in front-month points. "
        "Line: the level; dotted: the entry price. "
        "Calls are filled, puts hatched."
        + (f" {_marks_in_words(marks)}, features and no levels." if view.has_gamma_marks else "")
    )


def _marks_in_words(marks: Mapping[str, float | None]) -> str:
    words = ", ".join(f"{words} {number(marks[name])}" for name, (words, *_) in MARK_STYLES.items())
    return words[0].upper() + words[1:]


def _in_millions(gamma: Row) -> Row:
    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else float(f"{value / 1e6:.5g}") for value in values]

    return {"k": gamma["k"], **{name: scaled(gamma[name]) for name in ("call", "put", "flow")}}


def _title(event: Row) -> str:
    direction = "▲ UP" if event["direction"] == "UP" else "▼ DOWN"
    return f"{event['event_ts_et']:%H:%M:%S} {level_name(event['level_kind'])} {direction}"


def _zone_rule(view: SessionView) -> str:
    commit = view.commit
    return (
        f"zone ±max({commit.var('zone_min_width'):g} pt, {commit.var('zone_atr_multiple'):g} ATR), "
        f"outcome at ±{commit.var('outcome_threshold'):g} pt within "
        f"{commit.var('horizon_minutes'):g} minutes"
    )


def _share(value: float | None) -> str:
    return number(None if value is None else 100 * value, 1) + (" %" if value is not None else "")
