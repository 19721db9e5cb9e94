"""Where a session's tables cannot have been made with the vars on record.

What a var decides can be seen in what is published: the session's clock, the bounds of gates, how
wide a zone is at least, how long a label looks ahead and which barrier decides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.calendar import NEW_YORK

BOUNDS = {
    "front_month_dominates": "dominance_threshold",
    "features_are_covered": "coverage_min_share",
    "zone_is_visible": "min_visible_zone_share",
    "book_has_no_gap": "book_max_gap_s",
    "book_is_not_crossed": "book_max_crossed_share",
    "book_is_vouched_for": "book_max_bad_share",
    "records_arrive_in_time": "max_late_share",
    "instruments_are_defined": "min_defined_share",
    "quotes_give_a_volatility": "min_iv_known_share",
    "parity_holds": "min_parity_share",
    "open_interest_is_published": "min_open_interest_share",
    "option_flow_has_a_side": "min_sided_share",
}
"""The gates whose bound is a var."""

_DAYS_BEFORE = {"trade_date_start": 1, "trade_date_end": 0, "premarket_start": 0, "rth_start": 0}
_OF_EVENTS = {"zone_min_width", "horizon_minutes", "outcome_threshold"}
_EVENT_COLUMNS = (
    *("event_id", "outcome", "excursion_max", "excursion_min"),
    *("event_ts_ns", "label_end_ts_ns"),
)
_TINY = 1e-9


def contradictions(
    session_date: date, variables: Mapping[str, Any], tables: Mapping[str, pa.Table]
) -> Iterator[str]:
    """One line for each var that the tables contradict. What is not there contradicts nothing."""
    for gate in _rows(tables, "qa_gate_results"):
        name = BOUNDS.get(gate["gate"])
        bound = variables.get(name) if name else None
        if bound is not None and gate["threshold"] is not None and gate["threshold"] != bound:
            yield f"gate {gate['gate']} was held against {gate['threshold']:g}, {name} is {bound:g}"
    for session in _rows(tables, "sessions"):
        yield from _of_the_clock(session_date, variables, session)
    events = tables.get("level_interactions")
    if (
        events is not None
        and events.num_rows
        and variables.keys() >= _OF_EVENTS
        and set(events.column_names) >= {"zone_width", *_EVENT_COLUMNS}
    ):
        yield from _of_events(variables, events)


def _of_the_clock(
    day: date, variables: Mapping[str, Any], session: Mapping[str, Any]
) -> Iterator[str]:
    expected = {
        name: _new_york_ns(day - timedelta(days=days), variables[name])
        for name, days in _DAYS_BEFORE.items()
        if name in variables
    }
    if "rth_start" in expected and "opening_range_minutes" in variables:
        minutes = variables["opening_range_minutes"]
        expected["opening_range_end"] = expected["rth_start"] + minutes * 60 * 10**9
    for name, moment in expected.items():
        if session.get(f"{name}_ns") not in (None, moment):
            yield f"{name}_ns of sessions is not what the vars say"
    # A half day ends both earlier.
    for name in ("rth_end", "event_end"):
        found = session.get(f"{name}_ns")
        if name in variables and found is not None and found > _new_york_ns(day, variables[name]):
            yield f"{name}_ns of sessions is later than {name}"


def _of_events(variables: Mapping[str, Any], events: pa.Table) -> Iterator[str]:
    least = pc.min(events["zone_width"]).as_py()
    if least is not None and least < variables["zone_min_width"] - _TINY:
        yield f"a zone is {least:g} points wide, zone_min_width is {variables['zone_min_width']:g}"
    horizon_ns = variables["horizon_minutes"] * 60 * 10**9
    threshold = variables["outcome_threshold"]
    longest = pc.max(pc.subtract(events["label_end_ts_ns"], events["event_ts_ns"])).as_py()
    if longest is not None and longest > horizon_ns:
        yield f"a label looks ahead {longest / 60e9:g} minutes, further than horizon_minutes"
    for event in events.select(_EVENT_COLUMNS).to_pylist():
        up, down = event["excursion_max"], event["excursion_min"]
        decided = {"BREAK": up, "BOUNCE": down}.get(event["outcome"])
        is_chop = event["outcome"] == "CHOP"
        if decided is not None and decided < threshold - _TINY:
            yield f"{event['event_id']} is a {event['outcome']} short of outcome_threshold"
        elif is_chop and max(up or 0, down or 0) > threshold + _TINY:
            yield f"{event['event_id']} is a CHOP beyond outcome_threshold"
        elif is_chop and event["label_end_ts_ns"] - event["event_ts_ns"] != horizon_ns:
            yield f"{event['event_id']} is a CHOP before horizon_minutes are over"
        else:
            continue
        return  # one says it


def _rows(tables: Mapping[str, pa.Table], name: str) -> list[dict[str, Any]]:
    return tables[name].to_pylist() if name in tables else []


def _new_york_ns(day: date, clock: str | int) -> int:
    """A clock var of a day: YAML reads an unquoted 16:00 as the number 960."""
    at = time(clock // 60, clock % 60) if isinstance(clock, int) else time.fromisoformat(clock)
    return int(datetime.combine(day, at, NEW_YORK).timestamp()) * 10**9
