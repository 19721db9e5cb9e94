"""The front month's order book as arrays (definitions, section 6, "Book rows")."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reference.clock import SECOND_NS, SessionClock

BOOK_LEVELS = 10
SIDES = ("bid", "ask")

BOOK_SCHEMA = pl.Schema(
    {
        "ts_ns": pl.Int64,
        "row_nr": pl.Int64,
        "symbol": pl.String,
        "action": pl.String,
        "flags": pl.Int64,
    }
    | {f"{side}_px_{m:02}": pl.Float64 for side in SIDES for m in range(BOOK_LEVELS)}
    | {f"{side}_sz_{m:02}": pl.Int64 for side in SIDES for m in range(BOOK_LEVELS)}
)
"""A book frame, one row per MBP-10 record: receive time in UTC nanoseconds, the vendor's action and
flags, prices in points, sizes in contracts; rows in any order, unique in (`ts_ns`, `row_nr`)."""

F_SNAPSHOT = 32
F_MAYBE_BAD_BOOK = 4


@dataclass(frozen=True)
class Side:
    """One side of the book: `price` (points, NaN where NULL) and `size` (contracts), rows x 10.

    A size that is NULL counts as 0 in sums; `has_best` says where the best level has both a price
    and a size.
    """

    price: NDArray[np.float64]
    size: NDArray[np.int32]
    has_best: NDArray[np.bool_]


@dataclass(frozen=True)
class Book:
    """The book rows of a contract and trade date, ordered by (`ts_ns`, `row_nr`).

    `is_set` says of each row whether it sets the book (a clear or a snapshot) instead of changing
    it, `makes_pair` whether it and the row before it are a pair. A pair's change belongs to its
    later row: to that row's time and to that row's place in every array.
    """

    ts_ns: NDArray[np.int64]
    bid: Side
    ask: Side
    is_set: NDArray[np.bool_]
    makes_pair: NDArray[np.bool_]

    def window(self, t0: int, seconds: float) -> slice:
        """The rows of (t0 - seconds, t0], all of those that share t0's timestamp included."""
        return self.rows_between(t0 - round(seconds * SECOND_NS), t0)

    def rows_between(self, after_ns: int, to_ns: int) -> slice:
        """The rows of (after_ns, to_ns]."""
        first = np.searchsorted(self.ts_ns, after_ns, side="right")
        after = np.searchsorted(self.ts_ns, to_ns, side="right")
        return slice(int(first), int(after))

    def last_row(self, t0: int) -> int | None:
        """Place of the newest row at or before t0, however old; None where there is none."""
        after = int(np.searchsorted(self.ts_ns, t0, side="right"))
        return after - 1 if after else None

    @cached_property
    def size_per_level(self) -> NDArray[np.float64]:
        """Displayed size per level of each row, both sides."""
        return displayed_size_per_level(self.bid, self.ask)

    @cached_property
    def bid_size_per_level(self) -> NDArray[np.float64]:
        """Displayed size per level of each row, bids."""
        return displayed_size_per_level(self.bid)

    @cached_property
    def ask_size_per_level(self) -> NDArray[np.float64]:
        """Displayed size per level of each row, asks."""
        return displayed_size_per_level(self.ask)


def contract_book(
    book: pl.DataFrame | pl.LazyFrame | None, clock: SessionClock, contract: str | None
) -> Book:
    """One contract's book rows inside the trade date's clock.

    Without a contract, a partition or a row in it the book has no rows: a state that was never
    reported is as unknown as one that was never asked for.
    """
    frame = pl.DataFrame(schema=BOOK_SCHEMA) if book is None or contract is None else book
    rows = (
        frame.lazy()
        .filter(
            pl.col("symbol") == pl.lit(contract, pl.String),
            pl.col("ts_ns") >= clock.session_start_ns,
            pl.col("ts_ns") < clock.session_end_ns,
            # A trade's row shows the book before the trade; an N row and a bad one show nothing
            # new.
            pl.col("action").ne_missing("T"),
            pl.col("action").ne_missing("N"),
            pl.col("flags") & F_MAYBE_BAD_BOOK == 0,
        )
        .select(
            "ts_ns",
            "row_nr",
            pl.col("^.*_px_..$"),
            # Half the memory: millions of rows have twenty sizes each.
            pl.col("^.*_sz_..$").cast(pl.Int32),
            # A clear and a snapshot set the book instead of changing it.
            is_set=pl.col("action").eq_missing(pl.lit("R")) | (pl.col("flags") & F_SNAPSHOT != 0),
        )
        .sort("ts_ns", "row_nr")
        .collect()
    )
    # What is set has no change of its own, and the row after it is the first change of something
    # that was set: neither has a row before it to be compared with.
    is_set = rows["is_set"].to_numpy()
    makes_pair = np.zeros(rows.height, dtype=bool)
    makes_pair[1:] = ~is_set[1:] & ~is_set[:-1]
    return Book(
        rows["ts_ns"].to_numpy(), _side(rows, "bid"), _side(rows, "ask"), is_set, makes_pair
    )


def _side(rows: pl.DataFrame, side: str) -> Side:
    prices = rows.select(pl.col(f"^{side}_px_..$").fill_null(math.nan))
    sizes = rows.select(pl.col(f"^{side}_sz_..$").fill_null(0))
    best = rows.select(
        pl.col(f"{side}_px_00").is_not_null() & pl.col(f"{side}_sz_00").is_not_null()
    )
    return Side(prices.to_numpy(), sizes.to_numpy(), best.to_series().to_numpy())


def displayed_size_per_level(*sides: Side) -> NDArray[np.float64]:
    """Mean size over each row's non-NULL price slots of these sides; NaN where it has none."""
    slots = sum(np.count_nonzero(~np.isnan(side.price), axis=1) for side in sides)
    total = sum(np.sum(side.size, axis=1, where=~np.isnan(side.price)) for side in sides)
    return np.divide(total, slots, out=np.full(len(slots), math.nan), where=slots > 0)


def mean_over_rows(size_per_level: NDArray[np.float64]) -> float | None:
    """Mean over rows, of which those without any price (NaN) are skipped; None if none is left."""
    known = size_per_level[~np.isnan(size_per_level)]
    return math.fsum(known) / len(known) if len(known) else None
