"""Sums over the session that later sessions are compared with (definitions, section 13)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import time
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from reference.book import BOOK_LEVELS, Book, mean_over_rows
from reference.clock import SECOND_NS, SessionClock, new_york_ns
from reference.constants import DEFAULTS, Constants
from reference.force_mass import WINDOW_S, force_and_mass
from reference.kinematics import PriceHistory
from reference.order_flow import OrderFlow, ofi_by_level
from reference.trades import Trade, signed_volume, trades_between

GRID_START = time(9, 0)
"""The session grid begins half an hour before the open."""

GRID_SCHEMA = {
    "grid_start_ns": pl.Int64,
    "grid_end_ns": pl.Int64,
    "close": pl.Float64,
    "volume": pl.Int64,
    "trade_count": pl.Int64,
    "signed_volume": pl.Int64,
    "mean_depth": pl.Float64,
    "mean_spread_ticks": pl.Float64,
    "book_rows": pl.Int64,
    "ofi_best": pl.Int64,
    "realized_variance": pl.Float64,
}
MOMENTS_SCHEMA = {"m": pl.Int64, "n": pl.Int64, "total": pl.Float64}
COUNTS_SCHEMA = {
    "i_from": pl.Int64,
    "spread_from": pl.Int64,
    "dh": pl.Int64,
    "i_to": pl.Int64,
    "spread_to": pl.Int64,
    "n": pl.Int64,
}


def session_grid(
    clock: SessionClock,
    trades: Sequence[Trade],
    book: Book,
    flow: OrderFlow,
    has_trades: bool,
    has_book: bool,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The `session_grid` table, by `GRID_SCHEMA`.

    `trades` and `book` are the front month's; `has_trades` and `has_book` say whether the feeds
    were asked for.
    """
    prices = PriceHistory(trades)
    begin = new_york_ns(clock.session_date, GRID_START)
    step_ns = constants.state_cadence_s * SECOND_NS
    rows = []
    for start in range(begin, clock.rth_end_ns - step_ns + 1, step_ns):
        end = start + step_ns
        row: dict[str, Any] = dict.fromkeys(GRID_SCHEMA)
        row |= {"grid_start_ns": start, "grid_end_ns": end}
        row |= {"close": prices.at(end), "realized_variance": realized_variance(prices, start, end)}
        if has_trades:
            window = trades_between(trades, start, end)
            row |= {
                "volume": sum(trade.size for trade in window),
                "trade_count": len(window),
                "signed_volume": signed_volume(window),
            }
        if has_book and end <= clock.event_end_ns:
            row |= book_of_step(book, flow, book.rows_between(start, end), constants)
        rows.append(row)
    return pl.DataFrame(rows, schema=GRID_SCHEMA)


def realized_variance(prices: PriceHistory, start: int, end: int) -> float | None:
    """Sum of squared changes of the price from second to second, points^2."""
    by_second = [prices.at(second) for second in range(start, end + 1, SECOND_NS)]
    # A price that is known once is known from then on.
    if by_second[0] is None:
        return None
    return math.fsum((later - earlier) ** 2 for earlier, later in pairwise(by_second))


def book_of_step(
    book: Book, flow: OrderFlow, rows: slice, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Depth, spread and flow of one step; all but the count unknown without a row."""
    count = rows.stop - rows.start
    if count == 0:
        return {"book_rows": 0}
    spread = book.ask.price[rows, 0] - book.bid.price[rows, 0]
    # A side without a price (NaN) compares false.
    apart = spread[spread > 0] / constants.tick_size_points
    return {
        "book_rows": count,
        "mean_depth": mean_over_rows(book.size_per_level[rows]),
        "mean_spread_ticks": mean_over_rows(apart),
        "ofi_best": ofi_by_level(flow, rows)[0],
    }


def ofi_moments(
    clock: SessionClock, book: Book, flow: OrderFlow, constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The `ofi_moments` table, by `MOMENTS_SCHEMA`: 111 rows."""
    marks = []
    for tau in clock.minute_marks_ns:
        _, mass = force_and_mass(book, flow, tau, constants)
        if mass:
            by_level = ofi_by_level(flow, book.window(tau, WINDOW_S))
            marks.append([ofi / mass for ofi in by_level])
    levels = range(BOOK_LEVELS)

    def total(values: Sequence[float]) -> float | None:
        return math.fsum(values) if marks else None

    rows = [(0, 0, float(len(marks)))]
    rows += [(m + 1, 0, total([o[m] for o in marks])) for m in levels]
    rows += [(m + 1, n + 1, total([o[m] * o[n] for o in marks])) for m in levels for n in levels]
    return pl.DataFrame(rows, schema=MOMENTS_SCHEMA, orient="row")


def microprice_counts(
    clock: SessionClock, book: Book, constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The `microprice_counts` table, by `COUNTS_SCHEMA`: how often a state of the best level
    followed another."""
    rows = book.rows_between(clock.rth_start_ns - 1, clock.event_end_ns)
    tick = constants.tick_size_points
    bid, ask = book.bid.price[rows, 0], book.ask.price[rows, 0]
    bid_size = book.bid.size[rows, 0].astype(np.int64)
    ask_size = book.ask.size[rows, 0].astype(np.int64)
    is_set = book.is_set[rows]
    spread = (ask - bid) / tick
    qualifies = (
        # A price that is missing (NaN) compares false.
        (spread >= 1) & (spread <= 2) & (bid_size > 0) & (ask_size > 0) & ~is_set
    )
    total = np.where(qualifies, bid_size + ask_size, 1)
    states = pl.DataFrame(
        {
            "i": (10 * bid_size + total - 1) // total,
            "spread": spread,
            "h": (bid + ask) / tick,
            # Which stretch between two rows that set the book a row belongs to.
            "stretch": np.cumsum(is_set),
        }
    ).filter(qualifies)
    states = states.with_columns(pl.col("spread", "h").round().cast(pl.Int64))
    return (
        states.select(
            i_from=pl.col("i").shift(),
            spread_from=pl.col("spread").shift(),
            dh=pl.col("h") - pl.col("h").shift(),
            i_to="i",
            spread_to="spread",
            continues=pl.col("stretch") == pl.col("stretch").shift(),
        )
        .filter(
            pl.col("continues"),
            (pl.col("i_from") != pl.col("i_to"))
            | (pl.col("spread_from") != pl.col("spread_to"))
            | (pl.col("dh") != 0),
        )
        .group_by("i_from", "spread_from", "dh", "i_to", "spread_to")
        .agg(n=pl.len())
        .sort("i_from", "spread_from", "dh", "i_to", "spread_to")
        .cast(COUNTS_SCHEMA)
    )
