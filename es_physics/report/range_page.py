"""The page of a range of sessions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from markupsafe import Markup

from es_physics.report.embed import chart_json
from es_physics.report.event_text import number
from es_physics.report.gold_section import gold_charts, gold_data, gold_text
from es_physics.report.gold_view import GoldView
from es_physics.report.months import WEEKDAYS, months
from es_physics.report.page import json_script, render, source
from es_physics.report.range_charts import (
    drift_chart,
    group_name,
    incidence_chart,
    incidence_columns,
    incidence_title,
    outcome_chart,
)
from es_physics.report.range_view import (
    OUTCOMES,
    IncidenceCurve,
    OutcomeShare,
    RangeView,
    SessionSummary,
    outcome_columns,
)
from es_physics.report.session_page import session_file


def range_file(start: date, end: date) -> str:
    """The name of a range's page."""
    return f"{start}_to_{end}.html"


def range_page(
    view: RangeView,
    gold: GoldView | None,
    start: date,
    end: date,
    linked: Collection[date],
    why_blank: Mapping[date, str],
    made_from: str = "",
) -> str:
    """The page as HTML. `linked` are the sessions that have a page beside it.

    `why_blank` says of each day without a session why it has none.
    """
    shares, curves, drift = view.outcome_shares(), view.incidence_curves(), view.drift_map()
    placebos = view.placebo_shares()
    charts = {}
    if shares:
        charts["outcome-chart"] = chart_json(outcome_chart(shares, placebos))
        charts["incidence-chart"] = chart_json(incidence_chart(curves))
    if drift.features:
        charts["drift-chart"] = chart_json(drift_chart(drift))
    if gold:
        charts |= {name: chart_json(chart) for name, chart in gold_charts(gold).items()}
    events = sum(session.event_count for session in view.sessions)
    return render(
        "range.html",
        bokeh=bool(charts),
        made_from=made_from,
        start=str(start),
        end=str(end),
        sessions=view.sessions,
        events=events,
        outcome_columns=(columns := outcome_columns(view.sessions)),
        left_out=[
            f"{name} ({sum(session.outcomes.get(name, 0) for session in view.sessions)})"
            for name in columns
            if name not in OUTCOMES
        ],
        without_null=events - shares[0].events if shares else events,
        horizon=f"{view.horizon_s / 60:g}",
        threshold=f"{view.threshold:g}",
        months=calendar(view.sessions, start, end, linked, why_blank),
        shares=share_rows(shares, placebos),
        has_placebos=bool(placebos),
        outcomes=OUTCOMES,
        drift=drift,
        gold=gold and gold_text(gold),
        charts={name: Markup(text) for name, text in charts.items()},
        data_json=json_script(
            {
                "incidence": [_curve_data(curve) for curve in curves],
                "gold": gold_data(gold) if gold else {},
            }
        ),
        range_js=source("range.js"),
    )


def calendar(
    sessions: Sequence[SessionSummary],
    start: date,
    end: date,
    linked: Collection[date],
    why_blank: Mapping[date, str],
) -> list[dict[str, Any]]:
    """Months of weeks of five days, each a session, a gap, or outside the range."""
    known = {session.session_date: session for session in sessions}
    return [
        {
            "name": month.name,
            "weekdays": WEEKDAYS,
            "weeks": [
                [day and _day(day, known.get(day), linked, why_blank) for day in week]
                for week in month.weeks
            ],
        }
        for month in months(start, end)
    ]


def _day(
    day: date,
    session: SessionSummary | None,
    linked: Collection[date],
    why_blank: Mapping[date, str],
) -> dict[str, Any]:
    link = session_file(day) if day in linked else ""
    if session is None:
        why = why_blank[day]
        blank = {"css": "none", "link": "", "lines": [why], "title": why}
        return {"day": day.day, "date": str(day), **blank}
    present = sum(state == "ok" for state in session.feeds.values())
    return {
        "day": day.day,
        "date": str(day),
        "css": session.verdict.css,
        "link": link,
        "lines": [
            f"{session.verdict.sign} {session.verdict.css}",
            f"{session.event_count} entries",
            f"{present} of {len(session.feeds)} feeds"
            + (", roll" * bool(session.is_roll_contaminated)),
        ],
        "title": "; ".join(
            [session.verdict.text, *session.failed_gates]
            + [f"{feed} {state}" for feed, state in session.feeds.items() if state != "ok"]
        ),
    }


def share_rows(
    shares: Sequence[OutcomeShare], placebos: Mapping[tuple[str, str], OutcomeShare]
) -> list[dict[str, Any]]:
    """Rows of the table below the chart of outcomes: each group's, then its placebos'."""
    rows = []
    for share in shares:
        rows.append(_share_row(share, ""))
        if placebo := placebos.get((share.level_kind, share.direction)):
            rows.append(_share_row(placebo, ", placebo"))
    return rows


def _share_row(share: OutcomeShare, suffix: str) -> dict[str, Any]:
    return {
        "name": group_name(share.level_kind, share.direction) + suffix,
        "events": share.events,
        "effective_n": number(share.effective_n, 1),
        "sessions": share.sessions,
        "cells": [
            {
                "observed": _percent(share.observed[name].share),
                "interval": f"{_percent(share.observed[name].low)} to "
                f"{_percent(share.observed[name].high)}",
                "null": _percent(share.expected[name]),
                "outside": not (
                    share.observed[name].low <= share.expected[name] <= share.observed[name].high
                ),
            }
            for name in OUTCOMES
        ],
    }


def _percent(share: float) -> str:
    return number(100 * share, 1)


def _curve_data(curve: IncidenceCurve) -> dict[str, Any]:
    observed, expected = incidence_columns(curve)
    return {
        "kind": curve.level_kind,
        "direction": curve.direction,
        "title": incidence_title(curve.level_kind, curve),
        "observed": {name: np.round(values, 5).tolist() for name, values in observed.items()},
        "expected": {name: np.round(values, 5).tolist() for name, values in expected.items()},
    }
