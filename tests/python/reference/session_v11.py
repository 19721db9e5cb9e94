"""All tables of one session date with what version 1.1 of the definitions adds (sections 10 to
13)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from reference.constants import DEFAULTS, Constants
from reference.event_book import event_book
from reference.event_paths import event_paths
from reference.features_v11 import all_features
from reference.gamma_bands import marks_of
from reference.gamma_by_minute import gamma_by_minute
from reference.greeks import with_greeks
from reference.lead_lag import future_path, implied_path, lead_lag, spx_path
from reference.level_states import level_states
from reference.option_features import premium_tape
from reference.order_flow import order_flow
from reference.placebo import placebo_events, placebo_labels
from reference.scaled_labels import all_labels
from reference.session import Records, prepare, read_records, tables_of
from reference.session_tables import microprice_counts, ofi_moments, session_grid
from reference.shown_zone import REPLENISHMENT_SCHEMA

KEYS = {
    "sessions": ["session_date"],
    "bars_1m": ["session_date", "bar_start_ns"],
    "levels": ["session_date", "level_kind", "valid_from_ns"],
    "gamma_by_strike": ["tau_ns", "instrument_id"],
    "gamma_by_minute": ["tau_ns"],
    "level_events": ["event_id"],
    "level_event_features": ["event_id"],
    "event_replenishment": ["event_id", "bucket"],
    "level_event_labels": ["event_id"],
    "placebo_events": ["event_id"],
    "placebo_labels": ["event_id"],
    "level_states": ["tau_ns", "level_kind"],
    "event_paths": ["event_id", "offset_s"],
    "event_book": ["event_id", "offset_s"],
    "session_grid": ["grid_start_ns"],
    "ofi_moments": ["m", "n"],
    "microprice_counts": ["i_from", "spread_from", "dh", "i_to", "spread_to"],
    "lead_lag": ["pair", "theta_ms"],
}
"""What a row of each table is known by."""


def build_tables_v11(records: Records, constants: Constants = DEFAULTS) -> dict[str, pl.DataFrame]:
    """Every table of a session by its published name, those of `KEYS`.

    Raises:
        ValueError: a trade of the front month, or of a future that an option delivers, without a
            price.
    """
    known = prepare(records, constants)
    first = tables_of(known, constants)
    clock, trades, book = known.clock, known.trades, known.book
    flow = order_flow(book)

    grid = with_greeks(known.grid)
    by_minute = gamma_by_minute(clock, grid)
    features, buckets = all_features(
        first.level_event_features,
        known.events,
        clock,
        trades,
        book,
        flow,
        marks_of(grid),
        {row["tau_ns"]: row for row in by_minute.iter_rows(named=True)},
        premium_tape(known.chain, records.option_trades),
        constants,
    )
    placebos = placebo_events(clock, known.contract, trades, known.levels, known.ranges, constants)
    has_options = records.option_definitions is not None and records.option_quotes is not None
    leads = lead_lag(
        future_path(clock, book),
        {
            "spx": None if records.spx is None else spx_path(clock, records.spx),
            "implied": implied_path(clock, known.chain, known.underlyings) if has_options else None,
        },
        constants,
    )
    return {
        "sessions": known.sessions.with_columns(
            pl.lit(value, pl.Float64 if name.startswith("lead_llr") else pl.Int64).alias(name)
            for name, value in leads.session_columns.items()
        ),
        "bars_1m": first.bars_1m,
        "levels": first.levels,
        "gamma_by_strike": grid,
        "gamma_by_minute": by_minute,
        "level_events": first.level_events,
        "level_event_features": features,
        "event_replenishment": pl.DataFrame(buckets, schema=REPLENISHMENT_SCHEMA),
        "level_event_labels": all_labels(known.events, trades, constants),
        "placebo_events": placebos,
        "placebo_labels": placebo_labels(placebos, trades, constants),
        "level_states": level_states(
            clock, trades, known.bars_1m, known.ranges, known.levels, book, flow, constants
        ),
        "event_paths": event_paths(known.events, placebos, trades),
        "event_book": event_book(known.events, clock, book, constants),
        "session_grid": session_grid(
            clock,
            trades,
            book,
            flow,
            records.trades is not None,
            records.book is not None,
            constants,
        ),
        "ofi_moments": ofi_moments(clock, book, flow, constants),
        "microprice_counts": microprice_counts(clock, book, constants),
        "lead_lag": leads.table,
    }


def expected_tables_v11(
    bronze_root: Path, calendar_csv: Path, session_date: date, constants: Constants = DEFAULTS
) -> dict[str, pl.DataFrame]:
    """Every table of a session date by its published name, from Bronze.

    Raises:
        ValueError: the calendar does not hold the date, or cannot be read.
    """
    return build_tables_v11(
        read_records(bronze_root, calendar_csv, session_date, constants), constants
    )
