"""The book as it stands at an anchor (definitions, section 10)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from reference.book import Book, Side
from reference.constants import DEFAULTS, Constants
from reference.shown_zone import defending_side, is_shown, zone_ticks

STATE_COLUMNS = ("spread_ticks", "book_imbalance", "book_imbalance_10", "weighted_mid_offset")

DEPTH_BANDS = {"0": (0, 0), "1_2": (1, 2), "3_5": (3, 5), "6_9": (6, 9)}
"""Whole ticks from the side's own best price, both ends included, by the name of the band."""


def displayed_size(side: Side, row: int) -> int:
    """All of a row's size at a price, contracts."""
    return int(side.size[row][~np.isnan(side.price[row])].sum())


def standing_row(book: Book, t0: int) -> int | None:
    """Place of the newest row at or before t0 if its best prices stand apart and have a size."""
    row = book.last_row(t0)
    if row is None or not (book.bid.has_best[row] and book.ask.has_best[row]):
        return None
    if book.bid.price[row, 0] >= book.ask.price[row, 0]:
        return None
    if book.bid.size[row, 0] + book.ask.size[row, 0] == 0:
        return None
    return row


def book_state(
    event: Mapping[str, Any], book: Book, constants: Constants = DEFAULTS
) -> dict[str, float | None]:
    """Spread (ticks), imbalances (-1 to 1) and the weighted mid's place (points from the mid).

    All but the spread are aligned with the event's direction.
    """
    row, sign = standing_row(book, event["event_ts_ns"]), event["dir_sign"]
    if row is None:
        return dict.fromkeys(STATE_COLUMNS)
    # Exact, because the weighted mid differs from the mid by little of what both are.
    bid, ask = Fraction(book.bid.price[row, 0]), Fraction(book.ask.price[row, 0])
    bid_size, ask_size = int(book.bid.size[row, 0]), int(book.ask.size[row, 0])
    all_bids, all_asks = displayed_size(book.bid, row), displayed_size(book.ask, row)
    weighted_mid = (bid_size * ask + ask_size * bid) / (bid_size + ask_size)
    return {
        "spread_ticks": float(ask - bid) / constants.tick_size_points,
        "book_imbalance": sign * (bid_size - ask_size) / (bid_size + ask_size),
        "book_imbalance_10": sign * (all_bids - all_asks) / (all_bids + all_asks),
        "weighted_mid_offset": float(sign * (weighted_mid - (ask + bid) / 2)),
    }


def imbalance_bucket(event: Mapping[str, Any], book: Book) -> dict[str, int | None]:
    """Which tenth the best bid's share of the two best sizes lies in, 1 to 10; up is up."""
    row = standing_row(book, event["event_ts_ns"])
    if row is None or book.bid.size[row, 0] == 0 or book.ask.size[row, 0] == 0:
        return {"imbalance_bucket": None}
    bid_size = int(book.bid.size[row, 0])
    total = bid_size + int(book.ask.size[row, 0])
    return {"imbalance_bucket": (10 * bid_size + total - 1) // total}


def depth_profile(
    event: Mapping[str, Any], book: Book, constants: Constants = DEFAULTS
) -> dict[str, int | None]:
    """Displayed size by ticks from each side's own best price, contracts."""
    row, sign = book.last_row(event["event_ts_ns"]), event["dir_sign"]
    columns: dict[str, int | None] = {}
    for name, side_sign in (("defending", sign), ("attacking", -sign)):
        side = defending_side(book, side_sign)
        for band, (first, last) in DEPTH_BANDS.items():
            column = f"depth_{name}_{band}"
            if row is None or np.isnan(side.price[row, 0]):
                columns[column] = None
                continue
            from_best = side_sign * (side.price[row] - side.price[row, 0])
            ticks = np.rint(from_best / constants.tick_size_points)
            # A slot without a price (NaN) compares false.
            columns[column] = int(side.size[row][(ticks >= first) & (ticks <= last)].sum())
    return columns


def depth_of_level(
    event: Mapping[str, Any], book: Book, constants: Constants = DEFAULTS
) -> dict[str, int | None]:
    """The defending side's displayed size before the level and at it, contracts."""
    row, sign, level = book.last_row(event["event_ts_ns"]), event["dir_sign"], event["level_price"]
    half_tick = constants.tick_size_points / 2
    side = defending_side(book, sign)
    at_level = zone_ticks(level, half_tick, constants)
    if row is None or not is_shown(at_level, side, row, sign).any():
        return {"depth_to_level": None, "depth_at_level": None}
    price, size = side.price[row], side.size[row]
    # Better is lower for an ask and higher for a bid.
    return {
        "depth_to_level": int(size[sign * price < sign * level - half_tick].sum()),
        "depth_at_level": int(size[np.abs(price - level) <= half_tick].sum()),
    }
