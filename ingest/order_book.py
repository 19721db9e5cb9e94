"""Order books by price, built from single orders (MBO) as rows of the ten best levels (MBP-10).

Needs numba, which is an extra of this project.
"""

from __future__ import annotations

import databento_dbn as dbn
import numpy as np
from numpy.typing import NDArray

from ingest.book_record import BOOK_LEVEL, BOOK_RECORD, blank_book_records
from ingest.columns import Records
from ingest.order_book_kernel import (
    BOOK,
    FAULTS,
    LEVEL,
    LEVELS_FULL,
    ORDER,
    ORDERS_FULL,
    SIDE,
    Messages,
    Rows,
    State,
    apply,
    insert,
)

_COPIED = [
    name
    for name, _ in dbn.MBOMsg._dtypes
    if name in (BOOK_RECORD.names or ()) and name not in ("length", "rtype", "flags")
]
"""What a row takes over from the record that gives it."""

_FIRST_ORDERS, _FIRST_LEVELS = 1 << 12, 32


class OrderBooks:
    """The order books of all instruments of an MBO feed, from nothing on.

    What a record does, by its action: A adds an order, C takes the size it names from it (all of
    it: the order is gone), M sets its price and size, R clears the instrument's book; T, F and N
    change nothing, as the C or M that follows a trade or fill does. A row is given by each record
    after which one of the ten best prices, sizes or counts of either side differs from the row
    before (an instrument's first record differs from none), and by each T. It carries the record's
    fields, as `depth` the level that the record touched (0 for R and T), and the ten levels.

    A row has F_MAYBE_BAD_BOOK while its book is doubtful: since a fault, until the next R. The
    faults: an instrument's first record is neither R nor of a snapshot; C or M names an order that
    does not rest (M then adds it, as it says all there is to know); C takes more than rests (the
    order is gone); A names an order that rests (and is replaced); A or M lacks a price, a size or
    a side (passed over).

    Memory is that of the orders and levels there are, and of the rows of one call.
    """

    def __init__(self) -> None:
        self._instruments = np.empty(0, np.uint32)
        self._numbers = np.empty(0, np.int64)
        self._table = blank_book_records(0)
        self._state = State(
            books=np.zeros(0, BOOK),
            sides=np.zeros(0, SIDE),
            levels=np.zeros(0, LEVEL),
            orders=np.zeros(_FIRST_ORDERS, ORDER),
            slots_used=np.zeros(1, np.int64),
            last_epoch=np.zeros(1, np.int64),
            faults=np.zeros(len(FAULTS), np.int64),
        )

    @property
    def faults(self) -> dict[str, int]:
        """How often each fault has occurred so far."""
        return dict(zip(FAULTS, self._state.faults.tolist(), strict=True))

    def rows(self, records: Records) -> tuple[Records, NDArray[np.int64]]:
        """The rows (dtype BOOK_RECORD, m <= n) of (n,) MBO records, and which record gave each.

        Records come in the feed's order; how they are cut into calls does not matter. The second
        are (m,) ascending indices into `records`. The next call overwrites the rows.
        """
        count = len(records)
        if count > len(self._table):
            self._table = blank_book_records(count)
        levels = self._table["levels"]
        rows = Rows(
            np.empty(count, np.int64),
            self._table["depth"],
            self._table["flags"],
            *(levels[name] for name in BOOK_LEVEL.names or ()),
        )
        messages = Messages(
            book=self._books_of(records["instrument_id"]),
            action=np.ascontiguousarray(records["action"]).view(np.uint8),
            side=np.ascontiguousarray(records["side"]).view(np.uint8),
            order_id=np.ascontiguousarray(records["order_id"]),
            price=np.ascontiguousarray(records["price"]),
            size=np.ascontiguousarray(records["size"]),
            flags=np.ascontiguousarray(records["flags"]),
        )
        done = given = 0
        while done < count:
            why, done, given = apply(messages, self._state, rows, done, given)
            if why == ORDERS_FULL:
                self._make_room_for_orders()
            elif why == LEVELS_FULL:
                self._make_room_for_levels(int(messages.book[done]))
        which, made = rows.message[:given], self._table[:given]
        for name in _COPIED:
            made[name] = records[name][which]
        return made, which

    def _books_of(self, instrument_id: NDArray[np.uint32]) -> NDArray[np.int64]:
        """(n,) the numbers of the instruments' books, opened where there was none."""
        at = np.searchsorted(self._instruments, instrument_id)
        unknown = at == len(self._instruments)
        unknown |= np.append(self._instruments, np.uint32(0))[at] != instrument_id
        if unknown.any():
            self._open_books(np.unique(instrument_id[unknown]))
            at = np.searchsorted(self._instruments, instrument_id)
        return self._numbers[at]

    def _open_books(self, instruments: NDArray[np.uint32]) -> None:
        state, count = self._state, len(instruments)
        books, sides = np.zeros(count, BOOK), np.zeros(2 * count, SIDE)
        books["epoch"] = state.last_epoch[0] + 1 + np.arange(count)
        state.last_epoch[0] += count
        sides["room"] = _FIRST_LEVELS
        sides["first"] = len(state.levels) + _FIRST_LEVELS * np.arange(2 * count)
        self._state = state._replace(
            books=np.append(state.books, books),
            sides=np.append(state.sides, sides),
            levels=np.append(state.levels, np.zeros(2 * count * _FIRST_LEVELS, LEVEL)),
        )
        every = np.append(self._instruments, instruments)
        by_instrument = np.argsort(every)
        numbers = np.append(self._numbers, len(state.books) + np.arange(count))
        self._instruments, self._numbers = every[by_instrument], numbers[by_instrument]

    def _make_room_for_orders(self) -> None:
        """Forget the orders that clears have dropped, in a table four times what is left."""
        state = self._state
        live = np.sort(state.books["epoch"])
        epoch = state.orders["queue"] >> 1
        at = np.minimum(np.searchsorted(live, epoch), len(live) - 1)
        kept = state.orders[live[at] == epoch]
        larger = np.zeros(max(_FIRST_ORDERS, 1 << (4 * len(kept)).bit_length()), ORDER)
        insert(larger, kept)
        state.slots_used[0] = len(kept)
        self._state = state._replace(orders=larger)

    def _make_room_for_levels(self, book: int) -> None:
        """Move the full sides of a book to the end of the pool, with twice the room."""
        state = self._state
        for side in state.sides[2 * book : 2 * book + 2]:
            if side["depth"] == side["room"]:
                first, room = int(side["first"]), int(side["room"])
                moved = np.zeros(2 * room, LEVEL)
                moved[:room] = state.levels[first : first + room]
                side["first"], side["room"] = len(state.levels), 2 * room
                state = state._replace(levels=np.append(state.levels, moved))
        self._state = state
