"""The columns that sections 10, 11 and 13 add to `level_event_features`, or correct."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from reference.book import Book
from reference.book_state import (
    DEPTH_BANDS,
    STATE_COLUMNS,
    book_state,
    depth_of_level,
    depth_profile,
    imbalance_bucket,
)
from reference.clock import SessionClock
from reference.constants import DEFAULTS, Constants
from reference.features import features_schema
from reference.gamma_bands import Rows
from reference.kinematics import PriceHistory
from reference.option_features import (
    BY_MINUTE_FEATURES,
    PremiumTape,
    chain_features,
    newest_premium,
    premium_flows,
)
from reference.order_flow import LEVEL_COLUMNS, OrderFlow, ofi_level_features, voi_features
from reference.path_shape import COEFFICIENTS, path_features
from reference.shown_zone import replenishment, replenishment_rates, shown_barrier
from reference.sweep_orders import sweep_order_features
from reference.trades import Trade


def more_features_schema(constants: Constants = DEFAULTS) -> dict[str, Any]:
    """Names and types of the columns that `features_schema` does not have."""
    real, whole = pl.Float64(), pl.Int64()
    schema: dict[str, Any] = {"barrier_visible_share": real}
    schema |= dict.fromkeys(STATE_COLUMNS, real)
    schema["imbalance_bucket"] = whole
    for w in constants.ofi_windows_s:
        schema |= {f"voi_best_{w}s": whole, f"voi_integrated_{w}s": real}
    schema |= dict.fromkeys(LEVEL_COLUMNS, whole)
    for side in ("defending", "attacking"):
        schema |= {f"depth_{side}_{band}": whole for band in DEPTH_BANDS}
    schema |= {
        "depth_to_level": whole,
        "depth_at_level": whole,
        "replenishment_rate": real,
        "replenishment_velocity": real,
        "pull_rate": real,
        "sweep_order_count": whole,
        "sweep_order_net_size": whole,
        "sweep_levels_max": whole,
        "sweep_order_share": real,
        "sweep_cluster_count": whole,
        "sweep_cluster_net_size": whole,
        "seconds_since_sweep": real,
    }
    for name in ("path", "flow"):
        schema |= {f"{name}_dct_{k}": real for k in range(COEFFICIENTS)}
    schema |= dict.fromkeys(("dealer_charm", "dealer_vanna", *BY_MINUTE_FEATURES), real)
    for right in ("call", "put"):
        schema |= {f"{right}_premium_flow_{w}s": real for w in constants.premium_windows_s}
    return schema


def all_features(
    features: pl.DataFrame,
    events: pl.DataFrame,
    clock: SessionClock,
    trades: Sequence[Trade],
    book: Book,
    flow: OrderFlow,
    marks: Mapping[int, Rows],
    minutes: Mapping[int, Mapping[str, Any]],
    premiums: PremiumTape | None,
    constants: Constants = DEFAULTS,
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """The whole `level_event_features` table, and the rows of `event_replenishment`.

    Args:
        features: the table of sections 6 and 7, in the order of `events`.
        events: the session's events by `EVENTS_SCHEMA`.
        clock: the session's clock.
        trades: the ordered front-month trades of the trade date.
        book: the front month's book rows.
        flow: their order flow.
        marks: the rows of `gamma_by_strike` with greeks, by mark.
        minutes: the row of `gamma_by_minute` of each mark.
        premiums: the chain's trades, None where unknown.
        constants: the constants of the definitions.
    """
    prices = PriceHistory(trades)
    rows, buckets = [], []
    for event, known in zip(
        events.iter_rows(named=True), features.iter_rows(named=True), strict=True
    ):
        of_event = replenishment(event, book, trades, constants)
        buckets += of_event
        sources = (known["option_source_ts_ns"], newest_premium(event, premiums, constants))
        rows.append(
            known
            | shown_barrier(event, book, trades, constants)
            | replenishment_rates(of_event, constants)
            | book_state(event, book, constants)
            | imbalance_bucket(event, book)
            | voi_features(event, book, constants)
            | ofi_level_features(event, book, flow)
            | depth_profile(event, book, constants)
            | depth_of_level(event, book, constants)
            | sweep_order_features(event, trades, constants)
            | path_features(event, prices, trades)
            | chain_features(event, clock, marks, minutes, constants)
            | premium_flows(event, premiums, constants)
            | {
                "option_source_ts_ns": max(
                    (source for source in sources if source is not None), default=None
                )
            }
        )
    schema = {**features_schema(constants), **more_features_schema(constants)}
    return pl.DataFrame(rows, schema=schema), buckets
