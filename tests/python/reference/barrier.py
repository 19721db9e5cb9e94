"""Displayed depth that defends the level (definitions, section 6, "Barrier")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.book import Book, mean_over_rows
from reference.constants import DEFAULTS, Constants
from reference.tape import window_trades
from reference.trades import Trade

BARRIER_SUMS = (
    "barrier_added",
    "barrier_removed",
    "barrier_filled",
    "barrier_pulled",
    "barrier_delta_liq",
    "barrier_replenishment_ratio",
    "barrier_churn",
)


def barrier(
    event: Mapping[str, Any],
    book: Book,
    trades: Sequence[Trade],
    constants: Constants = DEFAULTS,
) -> dict[str, Any]:
    """The barrier's columns: contracts, and ratios of contracts.

    `passive_volume` comes from the trades and is known without a book.
    """
    t0, level, sign = event["event_ts_ns"], event["level_price"], event["dir_sign"]
    zone_height = constants.barrier_zone_ticks * constants.tick_size_points
    low, high = level - zone_height, level + zone_height
    # Asks stand in the way of a rise and buyers take them; bids and sellers the other way round.
    attacker = "B" if sign > 0 else "A"
    passive_volume = sum(
        trade.size
        for trade in window_trades(trades, t0, constants.barrier_window_s)
        if trade.side == attacker and low <= trade.price <= high
    )
    sums: dict[str, Any] = dict.fromkeys(BARRIER_SUMS)
    rows = book.window(t0, constants.barrier_window_s)
    if rows.start < rows.stop:
        changes = zone_changes(book, rows, sign, low, high)
        added = sum(change for change in changes if change > 0)
        removed = sum(-change for change in changes if change < 0)
        filled = min(removed, passive_volume)
        sums = {
            "barrier_added": added,
            "barrier_removed": removed,
            "barrier_filled": filled,
            "barrier_pulled": removed - filled,
            "barrier_delta_liq": added - removed,
            "barrier_replenishment_ratio": added / removed if removed else None,
            "barrier_churn": added + removed,
        }
    standing = standing_depth(book, t0, sign, low, high, constants)
    features = {"passive_volume": passive_volume, **sums, **standing}
    return {**features, "barrier_state": barrier_state(features, constants)}


def zone_changes(book: Book, rows: slice, sign: int, low: float, high: float) -> list[int]:
    """Change of the depth in the zone of each pair whose later row is one of `rows`.

    Only prices that both rows could show count. A side with ten levels shows nothing beyond the
    tenth; one with fewer shows everything there is, and sets no bound.
    """
    side = book.ask if sign > 0 else book.bid
    later = np.arange(rows.start, rows.stop)[book.makes_pair[rows]]
    earlier = later - 1
    tenth, tenth_before = side.price[later, -1], side.price[earlier, -1]
    if sign > 0:
        # fmin takes the number where one of the two is missing.
        bound = np.fmin(tenth, tenth_before)
        lowest = np.full(len(later), low)
        highest = np.minimum(high, np.where(np.isnan(bound), math.inf, bound))
    else:
        bound = np.fmax(tenth, tenth_before)
        lowest = np.maximum(low, np.where(np.isnan(bound), -math.inf, bound))
        highest = np.full(len(later), high)
    change = _depth(side.price[later], side.size[later], lowest, highest) - _depth(
        side.price[earlier], side.size[earlier], lowest, highest
    )
    return [int(contracts) for contracts in change]


def _depth(
    price: NDArray[np.float64],
    size: NDArray[np.int64],
    lowest: NDArray[np.float64],
    highest: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Each row's size priced in its [lowest, highest]."""
    # A slot without a price (NaN) compares false.
    inside = (price >= lowest[:, None]) & (price <= highest[:, None])
    return np.where(inside, size, 0).sum(axis=1)


def standing_depth(
    book: Book, t0: int, sign: int, low: float, high: float, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Depth in the zone as last shown, and its size per level against that of half an hour."""
    last = book.last_row(t0)
    if last is None:
        return {"depth_in_zone": None, "wall_ratio": None}
    side, size_per_level = (
        (book.ask, book.ask_size_per_level) if sign > 0 else (book.bid, book.bid_size_per_level)
    )
    inside = [
        int(size)
        for price, size in zip(side.price[last], side.size[last], strict=True)
        if low <= price <= high
    ]
    usual = mean_over_rows(size_per_level[book.window(t0, constants.wall_baseline_s)])
    return {
        "depth_in_zone": sum(inside),
        # No price in the zone has no size per level; neither has half an hour without a row.
        "wall_ratio": sum(inside) / len(inside) / usual if inside and usual else None,
    }


def barrier_state(features: Mapping[str, Any], constants: Constants = DEFAULTS) -> str | None:
    """The first of the states whose condition holds; NULL where the change is unknown."""
    delta, depth = features["barrier_delta_liq"], features["depth_in_zone"]
    if delta is None:
        return None
    ratio = features["barrier_replenishment_ratio"]
    if ratio is None:
        # Nothing was removed. Nothing added either is no ratio at all, and no comparison holds.
        ratio = math.inf if features["barrier_added"] > 0 else math.nan
    if ratio < constants.barrier_vacuum_ratio and delta < -constants.barrier_delta_large:
        return "VACUUM"
    if ratio > constants.barrier_wall_ratio and delta > constants.barrier_delta_large:
        return "WALL"
    pulled_less = features["barrier_filled"] > features["barrier_pulled"]
    if delta < -constants.barrier_delta_large and pulled_less:
        return "CONSUMED"
    if delta > 0 and ratio > constants.barrier_absorption_ratio:
        return "ABSORPTION"
    if depth < constants.barrier_weak_depth:
        return "WEAK"
    churned = features["barrier_churn"] > constants.barrier_churn_active
    if abs(delta) < constants.barrier_delta_small and churned:
        return "ABSORPTION"
    return "NEUTRAL"
