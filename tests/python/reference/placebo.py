"""Entries into the zones of levels that are none (definitions, section 12).

Osler (2000), "Support for resistance", compares levels with arbitrary prices nearby.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import polars as pl

from reference.bars import RangeHistory
from reference.clock import SessionClock
from reference.constants import DEFAULTS, Constants
from reference.levels import Level, LevelHistory, kind_names
from reference.scaled_labels import all_labels, scaled_schema
from reference.trades import Trade
from reference.zone_entries import EVENTS_SCHEMA, zone_entries

PLACEBO_SCHEMA = {**EVENTS_SCHEMA, "placebo_nr": pl.Int64, "near_real_level": pl.Boolean}


def placebo_offset(
    clock: SessionClock, kind: str, number: int, constants: Constants = DEFAULTS
) -> float:
    """Points from a kind's level to its placebo, the same on every rebuild of the date."""
    text = f"{clock.session_date:%Y%m%d}|{kind}|{number}"
    h = int(hashlib.md5(text.encode()).hexdigest()[:8], 16)
    points = constants.placebo_min_offset + constants.placebo_offset_range * h / 2**32
    return (1 if h % 2 == 0 else -1) * math.floor(4 * points) / 4


def placebo_levels(
    clock: SessionClock, levels: Sequence[Level], number: int, constants: Constants = DEFAULTS
) -> list[Level]:
    """The placebos of this number: each real level moved by its kind's offset."""
    offsets = {
        kind: placebo_offset(clock, kind, number, constants) for kind in kind_names(constants)
    }
    return [
        level._replace(level_price=level.level_price + offsets[level.level_kind])
        for level in levels
    ]


def placebo_events(
    clock: SessionClock,
    contract: str | None,
    trades: Sequence[Trade],
    levels: Sequence[Level],
    ranges: RangeHistory,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The `placebo_events` table, by `PLACEBO_SCHEMA`; `levels` are the real ones."""
    real = {kind: LevelHistory(levels, kind) for kind in kind_names(constants)}
    rows = []
    for number in range(1, constants.placebo_count + 1):
        moved = placebo_levels(clock, levels, number, constants)
        entries = zone_entries(clock, contract, trades, moved, ranges, constants)
        for event in entries.iter_rows(named=True):
            day, rest = event["event_id"].split("_", 1)
            valid = (history.at(event["event_ts_ns"]) for history in real.values())
            near = any(
                abs(price - event["level_price"]) <= event["zone_width"]
                for price in valid
                if price is not None
            )
            rows.append(
                event
                | {
                    "event_id": f"{day}_PLACEBO{number}_{rest}",
                    "placebo_nr": number,
                    "near_real_level": near,
                }
            )
    return pl.DataFrame(rows, schema=PLACEBO_SCHEMA)


def placebo_labels(
    events: pl.DataFrame, trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The `placebo_labels` table, by `scaled_schema`, in the order of `events`.

    Placebos of one number are as many as the real events, so that uniqueness counts those only.
    """
    tables = [
        all_labels(events.filter(placebo_nr=number), trades, constants)
        for number in events["placebo_nr"].unique(maintain_order=True)
    ]
    return pl.concat([pl.DataFrame(schema=scaled_schema(constants)), *tables])
