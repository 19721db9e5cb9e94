"""Labels that scale with volatility, and excursions in ATR (definitions, section 12)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from reference.clock import SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.labels import (
    LABELS_SCHEMA,
    label_window,
    level_event_labels,
    null_model,
    touches,
    untouched,
)
from reference.trades import Trade

SMALLEST_BARRIER = 1.0
"""Points; four ticks."""


def suffix(multiple: float) -> str:
    """How a multiple of the volatility is written in a column's name: 0.5 is 050."""
    return f"{round(multiple * 100):03}"


def scaled_schema(constants: Constants = DEFAULTS) -> dict[str, Any]:
    """Names and types of every label, those of section 8 first."""
    schema = dict(LABELS_SCHEMA)
    for multiple in constants.scaled_barriers:
        x = suffix(multiple)
        schema |= {
            f"scaled_barrier_{x}": pl.Float64,
            f"scaled_outcome_{x}": pl.String,
            f"scaled_time_{x}": pl.Float64,
            f"scaled_null_p_break_{x}": pl.Float64,
            f"scaled_null_p_bounce_{x}": pl.Float64,
            f"scaled_null_p_chop_{x}": pl.Float64,
        }
    return schema | {
        "null_p_tradeable_1": pl.Float64,
        "mfe_atr": pl.Float64,
        "mae_atr": pl.Float64,
    }


def all_labels(
    events: pl.DataFrame, trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The labels of events or of placebos, by `scaled_schema`, one row per row of `events`.

    `events` follow `EVENTS_SCHEMA`; `trades` are the ordered front-month trades of the trade date.
    """
    labels = level_event_labels(events, trades, constants)
    rows = [
        label
        | scaled_label(event, trades, constants)
        | tradeable_null(event, constants)
        | in_atr(event, label)
        for event, label in zip(
            events.iter_rows(named=True), labels.iter_rows(named=True), strict=True
        )
    ]
    return pl.DataFrame(rows, schema=scaled_schema(constants))


def scaled_barrier(
    multiple: float, volatility: float | None, constants: Constants = DEFAULTS
) -> float | None:
    """Points from the level: so many deviations of the horizon, rounded up to whole ticks of 0.25.

    None where the volatility (points per square root of a minute) is unknown or 0.
    """
    if not volatility:
        return None
    quarters = 4 * multiple * volatility * math.sqrt(constants.horizon_minutes)
    # A product that is a whole number by the formula may come out a rounding above it.
    return max(SMALLEST_BARRIER, math.ceil(quarters * (1 - 1e-12)) / 4)


def scaled_label(
    event: Mapping[str, Any], trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Barrier, outcome, time to the touch (seconds) and null of each multiple."""
    t0, sign, level = event["event_ts_ns"], event["dir_sign"], event["level_price"]
    volatility = event["rth_volatility"]
    vertical, window = label_window(t0, trades, constants)
    columns: dict[str, Any] = {}
    for multiple in constants.scaled_barriers:
        barrier = scaled_barrier(multiple, volatility, constants)
        outcome = time = None
        null: dict[str, float | None] = dict.fromkeys(
            ("null_p_break", "null_p_bounce", "null_p_chop")
        )
        if barrier is not None:
            broke, bounced = touches(window, level, sign, barrier)
            touched = min((place for place in (broke, bounced) if place is not None), default=None)
            if touched is None:
                outcome = untouched(trades, vertical)
            else:
                outcome = "BREAK" if touched == broke else "BOUNCE"
                time = (window[touched].ts_ns - t0) / SECOND_NS
            null = null_model(event["spot"], level, sign, volatility, constants, barrier)
        x = suffix(multiple)
        columns |= {
            f"scaled_barrier_{x}": barrier,
            f"scaled_outcome_{x}": outcome,
            f"scaled_time_{x}": time,
        } | {f"scaled_{name}_{x}": probability for name, probability in null.items()}
    return columns


def tradeable_null(
    event: Mapping[str, Any], constants: Constants = DEFAULTS
) -> dict[str, float | None]:
    """How likely the null reaches either barrier of the first threshold."""
    chop = null_model(
        event["spot"],
        event["level_price"],
        event["dir_sign"],
        event["rth_volatility"],
        constants,
        constants.strength_threshold,
    )["null_p_chop"]
    return {"null_p_tradeable_1": None if chop is None else 1 - chop}


def in_atr(event: Mapping[str, Any], label: Mapping[str, Any]) -> dict[str, float | None]:
    """The largest excursions for and against a break, as multiples of the ATR at the anchor."""
    atr = event["atr"]
    return {
        name: label[excursion] / atr if atr and label[excursion] is not None else None
        for name, excursion in (("mfe_atr", "excursion_max"), ("mae_atr", "excursion_min"))
    }
