"""What ten levels show of the barrier's zone, and the barrier in time (definitions, section 10).

Seen from the side that defends the level a book looks alike for both directions once its prices
carry the direction's sign: the best price is the lowest, the tenth the highest that is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reference.barrier import BARRIER_SUMS, barrier, zone_changes
from reference.book import Book, Side
from reference.clock import SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.tape import least_squares_slope
from reference.trades import Trade, trades_between

REPLENISHMENT_SCHEMA = {
    "event_id": pl.String,
    "bucket": pl.Int64,
    "added": pl.Int64,
    "removed": pl.Int64,
    "passive_volume": pl.Int64,
}


def defending_side(book: Book, sign: int) -> Side:
    """Asks stand in the way of a rise, bids in that of a fall."""
    return book.ask if sign > 0 else book.bid


def zone_ticks(
    level: float, half_height: float, constants: Constants = DEFAULTS
) -> NDArray[np.float64]:
    """The prices within `half_height` points of the level, both ends included."""
    tick = constants.tick_size_points
    first = math.ceil((level - half_height) / tick)
    last = math.floor((level + half_height) / tick)
    return np.arange(first, last + 1) * tick


def barrier_zone(event: Mapping[str, Any], constants: Constants = DEFAULTS) -> NDArray[np.float64]:
    """The prices of the event's zone."""
    half_height = constants.barrier_zone_ticks * constants.tick_size_points
    return zone_ticks(event["level_price"], half_height, constants)


def is_shown(price: NDArray[np.float64], side: Side, row: int, sign: int) -> NDArray[np.bool_]:
    """Whether a row's side would show an order at these prices.

    It shows nothing beyond its tenth level; with fewer than ten it shows all there is.
    """
    tenth = side.price[row, -1]
    return np.full(len(price), True) if math.isnan(tenth) else sign * price <= sign * tenth


def barrier_visible_share(
    event: Mapping[str, Any], book: Book, constants: Constants = DEFAULTS
) -> float | None:
    """How many of the zone's live ticks the book at t0 shows; None where none is live.

    Live are those not better than the side's own best price: at a better price nobody could stand
    without being the best.
    """
    row = book.last_row(event["event_ts_ns"])
    if row is None:
        return None
    sign = event["dir_sign"]
    side = defending_side(book, sign)
    ticks = barrier_zone(event, constants)
    # Without a best price (NaN) no tick is live.
    live = ticks[sign * ticks >= sign * side.price[row, 0]]
    return float(is_shown(live, side, row, sign).sum() / len(live)) if len(live) else None


def pairs_that_show(
    event: Mapping[str, Any], book: Book, rows: slice, constants: Constants = DEFAULTS
) -> NDArray[np.bool_]:
    """Of each pair whose later row is one of `rows`: whether both rows show any tick of the zone.

    A tick need not be live.
    """
    sign = event["dir_sign"]
    tenth = sign * defending_side(book, sign).price[:, -1]
    later = np.arange(rows.start, rows.stop)[book.makes_pair[rows]]
    ticks = sign * barrier_zone(event, constants)
    if not len(ticks):
        return np.full(len(later), False)
    # The tick that is shown first. A row without a tenth level shows everything.
    nearest = ticks.min()
    return ~(tenth[later] < nearest) & ~(tenth[later - 1] < nearest)


def shown_barrier(
    event: Mapping[str, Any],
    book: Book,
    trades: Sequence[Trade],
    constants: Constants = DEFAULTS,
) -> dict[str, Any]:
    """The barrier's columns, NULL where the book does not show what they are about."""
    columns = barrier(event, book, trades, constants)
    rows = book.window(event["event_ts_ns"], constants.barrier_window_s)
    if not pairs_that_show(event, book, rows, constants).any():
        columns |= dict.fromkeys((*BARRIER_SUMS, "barrier_state"))
    share = barrier_visible_share(event, book, constants)
    if share is not None:
        if share == 0:
            columns |= {"depth_in_zone": None, "wall_ratio": None}
        if share < constants.barrier_min_visible_share:
            columns["barrier_state"] = None
    return columns | {"barrier_visible_share": share}


def replenishment(
    event: Mapping[str, Any],
    book: Book,
    trades: Sequence[Trade],
    constants: Constants = DEFAULTS,
) -> list[dict[str, Any]]:
    """The event's rows of `event_replenishment`, by `REPLENISHMENT_SCHEMA`: the oldest first.

    Buckets are counted back from t0; the first one is shorter where the barrier's window is no
    multiple of the bucket.
    """
    t0, level, sign = event["event_ts_ns"], event["level_price"], event["dir_sign"]
    half_height = constants.barrier_zone_ticks * constants.tick_size_points
    low, high = level - half_height, level + half_height
    attacker = "B" if sign > 0 else "A"
    bucket_ns = round(constants.replenishment_bucket_s * SECOND_NS)
    window_ns = round(constants.barrier_window_s * SECOND_NS)
    count = math.ceil(window_ns / bucket_ns)
    table = []
    for bucket in range(1, count + 1):
        end = t0 - (count - bucket) * bucket_ns
        begin = max(end - bucket_ns, t0 - window_ns)
        added = removed = None
        rows = book.rows_between(begin, end)
        if pairs_that_show(event, book, rows, constants).any():
            changes = zone_changes(book, rows, sign, low, high)
            added = sum(change for change in changes if change > 0)
            removed = sum(-change for change in changes if change < 0)
        table.append(
            {
                "event_id": event["event_id"],
                "bucket": bucket,
                "added": added,
                "removed": removed,
                "passive_volume": sum(
                    trade.size
                    for trade in trades_between(trades, begin, end)
                    if trade.side == attacker and low <= trade.price <= high
                ),
            }
        )
    return table


def replenishment_rates(
    buckets: Sequence[Mapping[str, Any]], constants: Constants = DEFAULTS
) -> dict[str, float | None]:
    """Rates of the last bucket (contracts per second), and how the adding speeds up (per second
    more)."""
    seconds = constants.replenishment_bucket_s
    known = [row for row in buckets if row["added"] is not None]
    velocity = None
    if len(known) >= 3:
        velocity = least_squares_slope(
            [row["bucket"] * Fraction(seconds) for row in known],
            [row["added"] / Fraction(seconds) for row in known],
        )
    last = buckets[-1]
    rate = pull = None
    if last["added"] is not None:
        rate = last["added"] / seconds
        pull = max(last["removed"] - last["passive_volume"], 0) / seconds
    return {
        "replenishment_rate": rate,
        "replenishment_velocity": velocity,
        "pull_rate": pull,
    }
