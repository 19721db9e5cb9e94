"""What the book displays around each event's level, step by step (definitions: event_book)."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from reference.book import Book, Side
from reference.clock import SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.shown_zone import is_shown, zone_ticks

EVENT_BOOK_SCHEMA = {
    "event_id": pl.String,
    "offset_s": pl.Int64,
    "lowest_price": pl.Float64,
    "bid_sizes": pl.List(pl.Int64),
    "ask_sizes": pl.List(pl.Int64),
    "book_source_ts_ns": pl.Int64,
}
OFFSETS_S = range(-600, 481, 5)
REACH_TICKS = 20


def event_book(
    events: pl.DataFrame, clock: SessionClock, book: Book, constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The `event_book` table, by `EVENT_BOOK_SCHEMA`: 217 rows for each event.

    Nothing is known of the book after the last time that anchors may have.
    """
    reach = max(REACH_TICKS, constants.barrier_zone_ticks) * constants.tick_size_points
    rows = []
    for event in events.iter_rows(named=True):
        prices = zone_ticks(event["level_price"], reach, constants)
        for offset in OFFSETS_S:
            step = event["event_ts_ns"] + offset * SECOND_NS
            row = book.last_row(step) if step <= clock.event_end_ns else None
            known = row is not None
            rows.append(
                {
                    "event_id": event["event_id"],
                    "offset_s": offset,
                    "lowest_price": float(prices[0]),
                    "bid_sizes": displayed(prices, book.bid, row, -1) if known else None,
                    "ask_sizes": displayed(prices, book.ask, row, 1) if known else None,
                    "book_source_ts_ns": int(book.ts_ns[row]) if known else None,
                }
            )
    return pl.DataFrame(rows, schema=EVENT_BOOK_SCHEMA)


def displayed(prices: np.ndarray, side: Side, row: int, sign: int) -> list[int | None]:
    """The side's size at each price in a row; None where ten levels do not show it."""
    size_at: dict[float, int] = {}
    for price, size in zip(side.price[row], side.size[row], strict=True):
        if not math.isnan(price):
            size_at[float(price)] = size_at.get(float(price), 0) + int(size)
    shown = is_shown(prices, side, row, sign)
    return [
        size_at.get(float(price), 0) if seen else None
        for price, seen in zip(prices, shown, strict=True)
    ]
