"""The single orders behind a book, and the MBP-10 rows that they give, one for each order record.

At each price rest one block order and one-lot orders in front of it, as many as the book counts. A
change of a price's size and count is then a few records: one-lots come or go, the block is
modified, or filled by part after a trade. Every order below the ten best levels is there too, from
the opening or a snapshot on, so that levels come into view by themselves.
"""

from __future__ import annotations

import databento_dbn as dbn
import numpy as np

from es_physics.bronze.feeds import BOOK_LEVELS
from ingest.book_record import BOOK_RECORD
from ingest.simulate.book_events import ASK, BID, BookEvents
from ingest.simulate.book_rows import F_SNAPSHOT, Book
from ingest.simulate.instruments import Listing

ORDER_ROW = np.dtype(
    [
        *((name, BOOK_RECORD[name]) for name in BOOK_RECORD.names or ()),
        ("order_id", "u8"),
        ("is_row", "?"),
    ]
)
"""A record of an order, and the row after it: not one (`is_row`) of fills and of deeper levels."""

MBO = np.dtype(dbn.MBOMsg._dtypes)
_RTYPE_MBO = 160

_DEEP_ORDERS_NS = 600_000_000
"""When, in an opening, the deeper levels' orders come: after the others, before the print."""
_ORDERS_AT_A_PRICE = 1 << 16
_FEWER_ORDERS = 0.2
"""Of the orders in a book by price: it would take ten records for each of its rows."""


class OrderBook(Book):
    """A `Book` whose rows are records of orders (dtype ORDER_ROW) and all change something."""

    def __init__(
        self, rng: np.random.Generator, listing: Listing, events: BookEvents, trades: float
    ) -> None:
        super().__init__(rng, listing, events, trades)
        self._idle_odds = 0.0
        self._orders_per_contract *= _FEWER_ORDERS
        self._shown = self._blank(1)["levels"]

    def rows(self, start: int, end: int) -> np.ndarray:
        return self._by_order(super().rows(start, end))

    def opening(self, at_ns: int) -> np.ndarray:
        rows = self._by_order(super().opening(at_ns))
        deep = self._deep_orders()
        deep["ts_event"] = deep["ts_recv"] = at_ns + _DEEP_ORDERS_NS
        first_after = np.searchsorted(rows["ts_recv"], deep["ts_recv"][0])
        return np.concatenate([rows[:first_after], deep, rows[first_after:]])

    def clear_and_snapshot(self, at_ns: int) -> np.ndarray:
        rows = self._by_order(super().clear_and_snapshot(at_ns))
        deep = self._deep_orders()
        deep["ts_event"], deep["ts_recv"] = rows["ts_event"].min(), at_ns
        deep["flags"] = F_SNAPSHOT
        return np.concatenate([rows, deep])

    def _deep_orders(self) -> np.ndarray:
        """Adds of every order below the ten best levels, without times."""
        at = self._lowest + np.arange(len(self._sizes))
        at = at[(at <= self._bid - BOOK_LEVELS) | (at >= self._ask + BOOK_LEVELS)]
        sizes = self._sizes[at - self._lowest]
        counts = np.ceil(sizes * self._orders_per_contract[at - self._lowest]).astype(np.int64)
        side = np.where(at <= self._bid, BID, ASK)
        price = np.repeat(at, counts)
        nth = _nth(counts)
        orders, blank = np.zeros(len(price), ORDER_ROW), self._blank(len(price))
        for name in BOOK_RECORD.names or ():
            orders[name] = blank[name]
        orders["action"] = "A"
        orders["side"] = np.where(np.repeat(side, counts) == BID, b"B", b"A")
        orders["price"] = price * np.int64(self._listing.tick)
        orders["size"] = np.where(nth == 0, np.repeat(sizes - counts + 1, counts), 1)
        orders["order_id"] = self._order_ids(np.repeat(side, counts), price, nth)
        return orders

    @staticmethod
    def _order_ids(side: np.ndarray, price: np.ndarray, nth: np.ndarray) -> np.ndarray:
        """Ids by side, price in ticks and place at that price; the block order is the 0th."""
        return ((2 * price.astype(np.int64) + side) * _ORDERS_AT_A_PRICE + nth).astype(np.uint64)

    def _by_order(self, rows: np.ndarray) -> np.ndarray:
        """The rows of a book by price, the next ones due, as records of orders."""
        if not len(rows):
            return np.zeros(0, ORDER_ROW)
        before, after = np.concatenate([self._shown, rows["levels"][:-1]]), rows["levels"]
        self._shown = after[-1:].copy()
        moves = np.isin(rows["action"], [b"A", b"C", b"M"])
        fills = moves & np.append(False, rows["action"][:-1] == b"T")
        side = np.where(rows["side"] == b"B", BID, ASK)
        old_level, old_size, old_count = _find(before, side, rows["price"])
        new_level, new_size, new_count = _find(after, side, rows["price"])
        old_block, new_block = old_size - old_count + 1, new_size - new_count + 1
        lots = np.abs(new_count - old_count)
        turns = (old_count > 0) & (new_count > 0) & (old_block != new_block)

        # A fill comes before each cancel that it brings; a trade and a clear stay one record.
        doubled = 1 + fills
        count = np.where(moves, lots + turns, 1) * doubled
        of = np.repeat(np.arange(len(rows)), count)
        nth = _nth(count)
        is_fill = fills[of] & (nth % 2 == 0)
        nth //= doubled[of]
        is_last = np.append(np.diff(of) > 0, True)

        # First one-lots, then the block; of a new price the block is first, of a lost one last.
        comes = (new_count > old_count)[of]
        turns_now = turns[of] & (nth == lots[of])
        place = np.where(comes, old_count[of] + nth, old_count[of] - 1 - nth)
        place[turns_now] = 0
        block = np.where(comes, new_block[of], old_block[of])
        size = np.where(place == 0, block, 1)
        size[turns_now] = np.where(fills, old_block - new_block, new_block)[of][turns_now]

        made = np.zeros(len(of), ORDER_ROW)
        for name in BOOK_RECORD.names or ():
            made[name] = rows[name][of]
        made["is_row"] = ~is_fill
        moved = moves[of]
        action = np.where(comes, b"A", b"C")
        action[turns_now & ~fills[of]] = b"M"
        action[is_fill] = b"F"
        made["action"] = np.where(moved, action, made["action"])
        made["size"] = np.where(moved, size, made["size"])
        ticks = rows["price"] // self._listing.tick
        made["order_id"] = np.where(moved, self._order_ids(side[of], ticks[of], place), 0)

        # Until the last record the ladder is between the two: a price that goes is still there.
        between = moved & ~is_last
        there = new_count[of] > 0
        levels = made["levels"]
        levels[between & ~there] = before[of[between & ~there]]
        level = np.where(there, new_level[of], old_level[of])
        made["depth"] = np.where(moved, level, made["depth"])
        done = nth + 1
        at_price = np.where(comes, old_size[of] + done, old_size[of] - done)
        at_price += np.where(comes & (old_count[of] == 0), new_block[of] - 1, 0)
        orders = np.where(comes, old_count[of] + done, old_count[of] - done)
        for number, name in ((BID, "bid"), (ASK, "ask")):
            here = np.flatnonzero(between & (side[of] == number))
            levels[f"{name}_sz"][here, level[here]] = at_price[here]
            levels[f"{name}_ct"][here, level[here]] = orders[here]
        return made


def _nth(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... up to each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _find(
    levels: np.ndarray, side: np.ndarray, price: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The level of each (n,) price on its side of (n, 10) levels, its size and count, 0 without."""
    at_side = {
        what: np.where((side == BID)[:, None], levels[f"bid_{what}"], levels[f"ask_{what}"])
        for what in ("px", "sz", "ct")
    }
    found = at_side["px"] == price[:, None]
    level = found.argmax(axis=1)
    rows = np.arange(len(level))
    size, count = (
        np.where(found.any(axis=1), at_side[what][rows, level].astype(np.int64), 0)
        for what in ("sz", "ct")
    )
    return level, size, count


def mbo_of(records: np.ndarray) -> np.ndarray:
    """The MBO feed's records (dtype MBO) of order records."""
    orders = np.zeros(len(records), MBO)
    for name in MBO.names or ():
        if name in dict(ORDER_ROW.fields or {}):
            orders[name] = records[name]
    orders["length"], orders["rtype"] = MBO.itemsize // 4, _RTYPE_MBO
    return orders


def rows_of(records: np.ndarray) -> np.ndarray:
    """The MBP-10 rows (dtype BOOK_RECORD) of order records."""
    shown = records[records["is_row"]]
    rows = np.zeros(len(shown), BOOK_RECORD)
    for name in BOOK_RECORD.names or ():
        rows[name] = shown[name]
    return rows
