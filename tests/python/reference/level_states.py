"""Every level's surroundings on a regular grid of times (definitions, section 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from reference.approach import approach
from reference.bars import Bar, RangeHistory
from reference.book import Book
from reference.book_state import STATE_COLUMNS, book_state
from reference.clock import SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.features import features_schema, sources
from reference.features_v11 import more_features_schema
from reference.force_mass import force_and_mass
from reference.kinematics import PriceHistory, kinematics
from reference.level_distances import STACKING_POINTS, level_distances
from reference.levels import Level, LevelHistory, kind_names
from reference.order_flow import (
    LEVEL_COLUMNS,
    OrderFlow,
    ofi_level_features,
    ofi_of_book,
    voi_features,
)
from reference.trades import Trade

STATE_KEYS = {
    "tau_ns": pl.Int64,
    "level_kind": pl.String,
    "level_price": pl.Float64,
    "dir_sign": pl.Int64,
    "spot": pl.Float64,
    "distance": pl.Float64,
}


def states_schema(constants: Constants = DEFAULTS) -> dict[str, Any]:
    """Names and types of the columns; the events' names have the events' types."""
    motion = ("velocity", "acceleration", "jerk", "kinetic_energy", "is_decelerating")
    flow = (
        "ofi_best",
        "ofi_integrated",
        "ofi_normalized",
        "ofi_imbalance",
        "voi_best",
        "voi_integrated",
    )
    shared = [
        "position",
        *(f"{name}_{h}s" for h in constants.kinematics_windows_s for name in motion),
        *(f"approach_{name}" for name in ("velocity", "bars", "distance")),
        *(
            f"dist_to_{kind.lower()}{unit}"
            for kind in kind_names(constants)
            for unit in ("", "_atr")
        ),
        *(f"level_stacking_{points}pt" for points in STACKING_POINTS),
        "atr",
        "rth_volatility",
        *(f"{name}_{w}s" for w in constants.ofi_windows_s for name in flow),
        *LEVEL_COLUMNS,
        *STATE_COLUMNS,
        "force",
        "mass",
        *(f"{feed}_source_ts_ns" for feed in ("trade", "book", "bar")),
    ]
    types = {
        **features_schema(constants),
        **more_features_schema(constants),
        "atr": pl.Float64,
        "rth_volatility": pl.Float64,
    }
    return STATE_KEYS | {name: types[name] for name in shared}


def level_states(
    clock: SessionClock,
    trades: Sequence[Trade],
    bars_1m: Sequence[Bar],
    ranges: RangeHistory,
    levels: Sequence[Level],
    book: Book,
    flow: OrderFlow,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The `level_states` table, ordered by time and level kind."""
    prices = PriceHistory(trades)
    histories = {kind: LevelHistory(levels, kind) for kind in kind_names(constants)}
    cadence_ns = constants.state_cadence_s * SECOND_NS
    rows = []
    for tau in range(clock.rth_start_ns + cadence_ns, clock.event_end_ns + 1, cadence_ns):
        spot = prices.at(tau)
        valid = {kind: history.at(tau) for kind, history in histories.items()}
        if spot is None or set(valid.values()) == {None}:
            continue
        atr, volatility = ranges.at(tau)
        at_tau = {"event_ts_ns": tau, "spot": spot, "atr": atr, "rth_volatility": volatility}
        # The market's state does not depend on the level, apart from its direction.
        force, mass = force_and_mass(book, flow, tau, constants)
        of_market = {
            "atr": atr,
            "rth_volatility": volatility,
            **ofi_of_book(at_tau, book, flow, constants),
            **voi_features(at_tau, book, constants),
            **ofi_level_features(at_tau, book, flow),
            "mass": mass,
            **sources(at_tau, trades, bars_1m, book, constants),
        }
        for kind, level in valid.items():
            if level is None:
                continue
            sign = 1 if spot < level else -1
            anchor = at_tau | {"level_kind": kind, "level_price": level, "dir_sign": sign}
            approached = approach(anchor, (), bars_1m, constants)
            del approached["prior_touches"]
            rows.append(
                {
                    "tau_ns": tau,
                    "level_kind": kind,
                    "level_price": level,
                    "dir_sign": sign,
                    "spot": spot,
                    "distance": sign * (level - spot),
                    **kinematics(anchor, prices, constants),
                    **approached,
                    **level_distances(anchor, levels, constants),
                    **book_state(anchor, book, constants),
                    **of_market,
                    "force": None if force is None else sign * force,
                }
            )
    return pl.DataFrame(rows, schema=states_schema(constants))
