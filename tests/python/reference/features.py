"""The `level_event_features` table (definitions, sections 6 and 7)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from reference.approach import approach, completed_bars
from reference.barrier import barrier
from reference.bars import Bar
from reference.basis import basis
from reference.book import Book
from reference.clock import SessionClock
from reference.constants import DEFAULTS, Constants
from reference.force_mass import WINDOW_S, force_mass, minute_marks
from reference.gamma_bands import gamma_columns, gamma_features, marks_of
from reference.kinematics import PriceHistory, kinematics
from reference.level_distances import STACKING_POINTS, level_distances
from reference.levels import Level, kind_names
from reference.options import Chain
from reference.order_flow import ofi_features, order_flow
from reference.tape import tape
from reference.trades import Trade


def features_schema(constants: Constants = DEFAULTS) -> dict[str, pl.DataType]:
    """Names and types of the columns, in order; the windows are part of the names."""
    real, whole, flag, text = pl.Float64(), pl.Int64(), pl.Boolean(), pl.String()
    schema: dict[str, pl.DataType] = {"event_id": text, "position": real}
    for h in constants.kinematics_windows_s:
        schema |= {
            f"velocity_{h}s": real,
            f"acceleration_{h}s": real,
            f"jerk_{h}s": real,
            f"kinetic_energy_{h}s": real,
            f"is_decelerating_{h}s": flag,
        }
    schema |= {
        "approach_velocity": real,
        "approach_bars": whole,
        "approach_distance": real,
        "prior_touches": whole,
    }
    for kind in kind_names(constants):
        schema |= {f"dist_to_{kind.lower()}": real, f"dist_to_{kind.lower()}_atr": real}
    schema |= {f"level_stacking_{points}pt": whole for points in STACKING_POINTS}
    for w in constants.ofi_windows_s:
        schema |= {
            f"ofi_best_{w}s": whole,
            f"ofi_integrated_{w}s": real,
            f"ofi_near_level_{w}s": real,
            f"ofi_normalized_{w}s": real,
            f"ofi_imbalance_{w}s": real,
        }
    return schema | {
        "tape_buy_volume": whole,
        "tape_sell_volume": whole,
        "tape_imbalance": real,
        "tape_velocity": real,
        "sweep_count": whole,
        "sweep_net_size": whole,
        "sweep_detected": flag,
        "barrier_added": whole,
        "barrier_removed": whole,
        "passive_volume": whole,
        "barrier_filled": whole,
        "barrier_pulled": whole,
        "barrier_delta_liq": whole,
        "barrier_replenishment_ratio": real,
        "barrier_churn": whole,
        "depth_in_zone": whole,
        "wall_ratio": real,
        "barrier_state": text,
        "force": real,
        "mass": real,
        "force_mass_ratio": real,
        "predicted_accel": real,
        "accel_residual": real,
        "force_mass_k": real,
        "force_mass_r2": real,
        "predicted_velocity": real,
        "velocity_residual": real,
        "force_mass_velocity_k": real,
        "force_mass_velocity_r2": real,
        "es_spx_basis": real,
        "trade_source_ts_ns": whole,
        "book_source_ts_ns": whole,
        "bar_source_ts_ns": whole,
        **gamma_columns(),
    }


def level_event_features(
    clock: SessionClock,
    events: pl.DataFrame,
    trades: Sequence[Trade],
    bars_1m: Sequence[Bar],
    levels: Sequence[Level],
    book: Book,
    spx: pl.DataFrame | None,
    chain: Chain,
    grid: pl.DataFrame,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The features of every event, by `features_schema`, in the order of `events`.

    Args:
        clock: the session's clock.
        events: the session's events by `EVENTS_SCHEMA`, in order.
        trades: the ordered front-month trades of the trade date.
        bars_1m: the session's 1-minute bars, in order.
        levels: the session's levels.
        book: the front month's book rows; without rows where nothing is known.
        spx: SPX prices by `SPX_SCHEMA`, None where never asked for.
        chain: the session's options.
        grid: their `gamma_by_strike` table.
        constants: the constants of the definitions.
    """
    known_events = events.to_dicts()
    prices = PriceHistory(trades)
    flow = order_flow(book)
    marks = minute_marks(clock, prices, book, flow, constants) if known_events else []
    # Force and mass explain the motion over their own window, whether or not that is a feature.
    of_force = replace(constants, kinematics_windows_s=(WINDOW_S,))
    gamma_marks = marks_of(grid)
    rows = []
    for number, event in enumerate(known_events):
        motion = kinematics(event, prices, constants)
        rows.append(
            {
                "event_id": event["event_id"],
                **motion,
                **approach(event, known_events[:number], bars_1m, constants),
                **level_distances(event, levels, constants),
                **ofi_features(event, book, flow, constants),
                **tape(event, trades, constants),
                **barrier(event, book, trades, constants),
                **force_mass(
                    event, kinematics(event, prices, of_force), book, flow, marks, constants
                ),
                **basis(event, spx),
                **sources(event, trades, bars_1m, book, constants),
                **gamma_features(event, clock, gamma_marks, chain, constants),
            }
        )
    return pl.DataFrame(rows, schema=features_schema(constants))


def sources(
    event: Mapping[str, Any],
    trades: Sequence[Trade],
    bars_1m: Sequence[Bar],
    book: Book,
    constants: Constants = DEFAULTS,
) -> dict[str, int | None]:
    """The newest record that each kind of feature read; None where it read none.

    - Trades: kinematics, tape and passive volume read up to and including t0, and the event is a
      trade at t0, so that this is t0 itself.
    - Book: the depth in the zone reads the last book row at or before t0, however old it is;
      every window over the book ends there too. A record that is no book row (T, N, bad) was not
      read, so that it does not count.
    - Bars: the approach reads the completed 1-minute bars of its lookback, the newest of which is
      known at its end. The level and the ATR of the event were made from bars too, but before
      they came here, as parts of the event.
    """
    t0 = event["event_ts_ns"]
    newest = bisect_right(trades, t0, key=lambda trade: trade.ts_ns)
    last_row = book.last_row(t0)
    bars = completed_bars(t0, bars_1m, constants)
    return {
        "trade_source_ts_ns": trades[newest - 1].ts_ns if newest else None,
        "book_source_ts_ns": None if last_row is None else int(book.ts_ns[last_row]),
        "bar_source_ts_ns": bars[-1].end_ns if bars else None,
    }
