"""Small published sessions, made by hand, for the tests of the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from es_physics.silver.commit import publish_session

NEW_YORK = ZoneInfo("America/New_York")
VARS = {
    "zone_min_width": 1.0,
    "zone_atr_multiple": 0.5,
    "horizon_minutes": 8,
    "outcome_threshold": 15.0,
    "replenishment_bucket_s": 20,
    "level_kinds": [
        {"kind": "PM_HIGH", "family": "premarket", "high_of": ["premarket_start", "rth_start"]},
        {"kind": "PM_LOW", "family": "premarket", "low_of": ["premarket_start", "rth_start"]},
        {"kind": "OR_HIGH", "family": "opening_range", "high_of": ["rth_start", "09:45"]},
        {"kind": "SMA_200", "family": "sma", "mean_of_bars": 200},
    ],
}
EVENTS = (
    # level kind, price, direction, minutes after 09:30, outcome, seconds to it
    ("PM_HIGH", 6010.0, "UP", 5, "BREAK", 100.0),
    ("PM_LOW", 5990.0, "DOWN", 20, "BOUNCE", 250.0),
    ("OR_HIGH", 6008.0, "UP", 40, "CHOP", None),
    ("SMA_200", 6001.5, "DOWN", 90, "BREAK", 30.0),
    ("PM_HIGH", 6010.0, "DOWN", 120, "UNDEFINED", None),
)

BOOK_STATE = {
    "spread_ticks": 1,
    "book_imbalance": 0.25,
    "weighted_mid_offset": -0.031,
    "depth_defending_0": 40,
    "depth_defending_1_2": 90,
    "depth_defending_3_5": 150,
    "depth_defending_6_9": 210,
    "depth_attacking_0": 30,
    "depth_attacking_1_2": 70,
    "depth_attacking_3_5": 110,
    "depth_attacking_6_9": None,
    "depth_to_level": 120,
    "depth_at_level": 55,
    "barrier_visible_share": 0.75,
}
"""State of the book of every event but the second, whose zone is out of sight."""

SCALED = {
    "scaled_barrier_100": 9.0,
    "scaled_outcome_100": "BOUNCE",
    "scaled_time_100": 60.0,
    "scaled_null_p_break_100": 0.25,
    "scaled_null_p_bounce_100": 0.45,
    "scaled_null_p_chop_100": 0.3,
}
"""Scaled barriers of every event but the first, whose volatility is unknown."""


def publish(
    root: Path,
    session_date: date,
    *,
    events: bool = True,
    gamma: bool = True,
    book: bool = True,
    placebo: bool = True,
    failed_gate: str | None = None,
    gate_family: str = "purity",
    shift: float = 0.0,
    note: str | None = None,
    build_vars: dict[str, Any] = VARS,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Publish one session.

    `book` and `placebo` say whether it has the tables of later versions.
    `failed_gate` is the severity of a gate that failed, `gate_family` what its gates judge,
    `renamed` other words for level kinds and outcomes.
    """
    tables: dict[str, list[dict[str, Any]]] = {
        "sessions": [_session(session_date, note)],
        "bars_1m": _bars(session_date),
        "levels": _levels(session_date),
        "qa_gate_results": _gates(session_date, failed_gate, gate_family),
    }
    wide = [_event(session_date, number, shift) for number in range(len(EVENTS))]
    if not book:
        later = BOOK_STATE | SCALED
        wide = [{name: row[name] for name in row if name not in later} for row in wide]
    labels = [{name: row[name] for name in ("event_id", "session_date", "outcome")} for row in wide]
    for row in (*tables["levels"], *wide, *labels):
        for column in {"level_kind", "outcome"} & row.keys():
            row[column] = renamed.get(row[column], row[column])
    arrow = {name: pa.Table.from_pylist(rows) for name, rows in tables.items()}
    for name, rows in (("level_interactions", wide), ("level_event_labels", labels)):
        table = pa.Table.from_pylist(rows)
        arrow[name] = table if events else table.slice(0, 0)
    around = {}
    if book:
        around = {
            "event_replenishment": pa.Table.from_pylist(_replenishment(session_date, wide)),
            "event_paths": pa.Table.from_pylist(_paths(session_date, wide)),
            "event_book": pa.Table.from_pylist(_book(session_date, wide), _BOOK_SCHEMA),
        }
        arrow["session_grid"] = pa.Table.from_pylist(_grid(session_date))
    arrow |= {name: table if events else table.slice(0, 0) for name, table in around.items()}
    if gamma:
        arrow["gamma_by_strike"] = pa.Table.from_pylist(_gamma(session_date))
        arrow["gamma_by_minute"] = pa.Table.from_pylist(_gamma_by_minute(session_date))
    if not book:
        arrow["bars_1m"] = arrow["bars_1m"].drop_columns(["vwap", "buy_volume", "sell_volume"])
    if placebo:
        arrow |= _placebos(session_date)
    bronze = [
        {"feed": feed, "trade_date": str(session_date), "status": status, "sha256": []}
        for feed, status in (
            ("futures/trades", "ok"),
            ("futures/mbp10", "ok"),
            ("options/nbbo", "ok" if gamma else "missing"),
        )
    ]
    publish_session(
        session_date,
        arrow,
        bronze_json=json.dumps(bronze),
        vars_json=json.dumps(build_vars),
        run_started_at=datetime.now(UTC).isoformat(),
        root=root,
    )


def ns(session_date: date, hour: int, minute: float = 0) -> int:
    """New York wall clock as UTC nanoseconds."""
    start = datetime(session_date.year, session_date.month, session_date.day, tzinfo=NEW_YORK)
    moment = (start + timedelta(hours=hour, minutes=minute)).astimezone(UTC)
    return int(moment.timestamp()) * 10**9


def _wall(session_date: date, ts_ns: int) -> datetime:
    return datetime.fromtimestamp(ts_ns / 1e9, NEW_YORK).replace(tzinfo=None)


def _session(session_date: date, note: str | None) -> dict[str, Any]:
    return {
        "session_date": session_date,
        "has_rth": True,
        "calendar_note": note,
        "front_month": "ESH6",
        "front_month_volume": 1234,
        "dominance_ratio": 0.9,
        "runner_up_symbol": "ESZ5",
        "runner_up_ratio": 0.1,
        "is_roll_contaminated": False,
        "causal_front_month": "ESH6",
        "premarket_start_ns": ns(session_date, 4),
        "rth_start_ns": ns(session_date, 9, 30),
        "event_end_ns": ns(session_date, 13, 30),
        "rth_end_ns": ns(session_date, 16),
        "rth_start_et": datetime(session_date.year, session_date.month, session_date.day, 9, 30),
    }


def _bars(session_date: date) -> list[dict[str, Any]]:
    bars = []
    for minute in range(720):
        start = ns(session_date, 4, minute)
        middle = 6000 + 12 * ((minute % 120) / 60 - 1)
        bars.append(
            {
                "bar_start_ns": start,
                "bar_end_ns": start + 60 * 10**9,
                "open": middle,
                "high": middle + 2,
                "low": middle - 2,
                "close": middle + (1 if minute % 2 else -1),
                "volume": 10,
                "vwap": middle + 0.25 * (minute % 2),
                "buy_volume": 7 if minute % 3 else 2,
                "sell_volume": 3 if minute % 3 else 8,
                "atr": 4.0 if minute >= 331 else None,
            }
        )
    return bars


def _grid(session_date: date) -> list[dict[str, Any]]:
    return [
        {
            "session_date": session_date,
            "grid_start_ns": ns(session_date, 9, 30 + cell / 2),
            "grid_end_ns": ns(session_date, 9, 30 + (cell + 1) / 2),
            "ofi_best": None if cell == 3 else 100 * cell - 400,
            "mean_depth": 30.0 + cell,
        }
        for cell in range(10)
    ]


def _levels(session_date: date) -> list[dict[str, Any]]:
    def level(kind: str, start: int, end: int, price: float) -> dict[str, Any]:
        return {
            "level_kind": kind,
            "valid_from_ns": start,
            "valid_to_ns": end,
            "level_price": price,
        }

    end = ns(session_date, 17)
    return [
        level("OR_HIGH", ns(session_date, 9, 45), end, 6008.0),
        level("PM_HIGH", ns(session_date, 9, 30), end, 6010.0),
        level("PM_LOW", ns(session_date, 9, 30), end, 5990.0),
        level("SMA_200", ns(session_date, 3), ns(session_date, 9, 50), 6001.0),
        level("SMA_200", ns(session_date, 10), end, 6001.5),
    ]


def _event(session_date: date, number: int, shift: float) -> dict[str, Any]:
    kind, price, direction, minutes, outcome, seconds = EVENTS[number]
    at = ns(session_date, 9, 30 + minutes)
    sign = 1 if direction == "UP" else -1
    return {
        "event_id": f"{session_date:%Y%m%d}_{kind}_{price * 100:.0f}_{at}_{direction}",
        "session_date": session_date,
        "event_ts_ns": at,
        "event_ts_et": _wall(session_date, at),
        "level_kind": kind,
        "level_price": price,
        "direction": direction,
        "dir_sign": sign,
        "spot": price - 1.5 * sign,
        "zone_width": 2.0,
        "atr": 4.0,
        "rth_volatility": None if number == 0 else 3.0,
        "ofi_integrated_60s": 100.0 * sign + 7 * number + shift,
        "tape_imbalance": None if number == 2 else 0.25 * sign,
        "depth_in_zone": 300 + 10 * number,
        **(BOOK_STATE | ({"barrier_visible_share": 0.0} if number == 1 else {})),
        **(SCALED if number else dict.fromkeys(SCALED)),
        "barrier_state": "WALL",
        "gamma_exposure": -12.5,
        "outcome": outcome,
        "strength_signed": 3.0 * sign,
        "excursion_max": 16.0,
        "excursion_min": 2.0,
        "time_to_threshold_2": seconds,
        "null_p_break": None if number == 0 else 0.3,
        "null_p_bounce": None if number == 0 else 0.5,
        "null_p_chop": None if number == 0 else 0.2,
        "uniqueness": 1.0,
        "label_last_source_ts_ns": at + 400 * 10**9,
    }


def _gates(session_date: date, failed: str | None, family: str) -> list[dict[str, Any]]:
    def gate(name: str, claim: str, severity: str, status: str) -> dict[str, Any]:
        return {
            "session_date": session_date,
            "gate": name,
            "family": family,
            "claim": claim,
            "severity": severity,
            "status": status,
            "measured": 0.55,
            "threshold": 0.6,
            "unit": "share",
            "comparison": ">=",
            "advice": "Leave the date out.",
        }

    return [
        gate("1_purity", "One contract has the volume.", failed or "warn",
             "failed" if failed else "passed"),
        gate("2_clock", "The clock is zero at the open.", "error", "passed"),
    ]  # fmt: skip


def _gamma(session_date: date) -> list[dict[str, Any]]:
    return [
        {
            "session_date": session_date,
            "tau_ns": ns(session_date, 9, 30 + minute),
            "strike": strike,
            "right": right,
            "calendar_basis": 0.5,
            "oi_gex": 2e6 * (1 if right == "C" else -1),
            "flow_gex": 5e5,
        }
        for minute in (10, 60)
        for strike in (5980.0, 6000.0, 6020.0)
        for right in "CP"
    ]


def _gamma_by_minute(session_date: date) -> list[dict[str, Any]]:
    """At the second mark the flip is unknown, and a calendar basis carries the rest."""
    return [
        {
            "session_date": session_date,
            "tau_ns": ns(session_date, 9, 30 + minute),
            "underlying_price": 5999.5,
            "calendar_basis": 0.5,
            "zero_gamma": flip,
            "call_wall": 6020.0,
            "put_wall": 5980.0,
        }
        for minute, flip in ((10, 5995.0), (60, None))
    ]


def _replenishment(session_date: date, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newest bucket first: a reader has to order them. The oldest one shows nothing of the zone."""
    return [
        {
            "session_date": session_date,
            "event_id": event["event_id"],
            "bucket": bucket,
            "added": None if bucket == 1 else 10 * bucket,
            "removed": None if bucket == 1 else 5 * bucket,
            "passive_volume": bucket,
        }
        for event in events
        for bucket in range(12, 0, -1)
    ]


def _paths(session_date: date, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A zigzag of half a point, flow of one contract a second with the approach, and a placebo.

    Nothing is known of the last event from five minutes after it on."""
    rows = []
    for event in events:
        for offset in range(-600, 481, 10):
            is_known = event is not events[-1] or offset < 300
            row = {
                "session_date": session_date,
                "event_id": event["event_id"],
                "offset_s": offset,
                "is_placebo": False,
                "move": 0.5 * (offset // 10 % 2) if is_known else None,
                "signed_volume": abs(offset) if is_known else None,
            }
            placebo = {"event_id": "PLACEBO", "is_placebo": True, "move": 99.0}
            rows += [row, row | placebo]
    return rows


_BOOK_SCHEMA = pa.schema(
    {
        "session_date": pa.date32(),
        "event_id": pa.string(),
        "offset_s": pa.int64(),
        "lowest_price": pa.float64(),
        "bid_sizes": pa.list_(pa.int64()),
        "ask_sizes": pa.list_(pa.int64()),
    }
)


def _book(session_date: date, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The level in the middle, ten bids from a tick below it and ten asks from a tick above, and
    one that is larger; after two minutes all have gone up by four ticks. There is none of the last
    event from a minute after it on."""
    rows = []
    for event in events:
        for offset in range(-600, 481, 5):
            middle = 20 if offset < 120 else 24
            bids = [None] * (middle - 10) + [10] * 10 + [0] * (41 - middle)
            asks = [0] * (middle + 1) + [20] * 10 + [None] * (30 - middle)
            bids[middle - 3] = 80
            is_known = event is not events[-1] or offset < 60
            rows.append(
                {
                    "session_date": session_date,
                    "event_id": event["event_id"],
                    "offset_s": offset,
                    "lowest_price": event["level_price"] - 5,
                    "bid_sizes": bids if is_known else None,
                    "ask_sizes": asks if is_known else None,
                }
            )
    return rows


def _placebos(session_date: date) -> dict[str, pa.Table]:
    """Two drawings of each event; a third of PM_HIGH ends in a BREAK beside a real level."""
    entries, labels = [], []
    for number, (kind, price, direction, minutes, _, _) in enumerate(EVENTS):
        for drawing in (1, 2, 3) if kind == "PM_HIGH" else (1, 2):
            identity = f"{session_date:%Y%m%d}_PLACEBO{drawing}_{kind}_{number}_{direction}"
            entries.append(
                {
                    "event_id": identity,
                    "session_date": session_date,
                    "level_kind": kind,
                    "direction": direction,
                    "placebo_nr": drawing,
                    "level_price": price + 10 * drawing,
                    "event_ts_ns": ns(session_date, 9, 30 + minutes),
                    "near_real_level": drawing == 3,
                }
            )
            labels.append(
                {
                    "event_id": identity,
                    "session_date": session_date,
                    "outcome": {1: "BOUNCE", 2: "CHOP", 3: "BREAK"}[drawing],
                    "null_p_break": 0.25,
                    "null_p_bounce": 0.5,
                    "null_p_chop": 0.25,
                    "uniqueness": 0.5,
                }
            )
    return {
        "placebo_events": pa.Table.from_pylist(entries),
        "placebo_labels": pa.Table.from_pylist(labels),
    }
