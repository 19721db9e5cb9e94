"""The compiled part of `ingest.order_book`: orders in a hash table, levels in sorted arrays.

Needs numba, which is an extra of this project. Structured arrays are passed as they are; numba
takes their fields for attributes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import databento_dbn as dbn
import numpy as np
from numba import njit
from numpy.typing import NDArray

from es_physics.bronze.feeds import BOOK_LEVELS

ORDER = np.dtype([("id", "u8"), ("price", "i8"), ("size", "i8"), ("queue", "i8")])
"""A resting order in a hash table with linear probing. `queue` is 2 * epoch + side, 0 in an empty
slot. Every clear gives its book a new epoch, so that it need not look for the orders it drops."""
LEVEL = np.dtype([("key", "i8"), ("total", "i8"), ("count", "i8")])
"""What rests at one price. The levels of a side ascend by `key`, the price of bids and the negative
price of asks: the best is the last, so that little has to move when levels come and go."""
BOOK = np.dtype([("epoch", "i8"), ("has_begun", "i1"), ("is_bad", "i1"), ("has_row", "i1")])
SIDE = np.dtype([("first", "i8"), ("depth", "i8"), ("room", "i8")])
"""Where a side's levels lie in the pool of levels, how many there are, how many have room."""

FAULTS = (
    "starts_without_snapshot",
    "unknown_orders",
    "negative_rests",
    "repeated_orders",
    "undefined_orders",
)
"""What makes a book doubtful, in the order of the counts; `ingest.order_book` explains them."""
_UNBEGUN, _UNKNOWN, _NEGATIVE, _REPEATED, _UNDEFINED = range(len(FAULTS))
_NO_FAULT = -1

DONE, ORDERS_FULL, LEVELS_FULL = range(3)

_BIDS, _ASKS = 0, 1
_BID, _ASK = ord("B"), ord("A")
_ADD, _CANCEL, _MODIFY, _CLEAR, _TRADE, _FILL, _NONE = map(ord, "ACMRTFN")
_UNDEF_PRICE, _UNDEF_SIZE = int(dbn.UNDEF_PRICE), int(dbn.UNDEF_ORDER_SIZE)
_F_SNAPSHOT, _F_MAYBE_BAD_BOOK = int(dbn.F_SNAPSHOT), int(dbn.F_MAYBE_BAD_BOOK)
_LARGEST_UINT32 = 2**32 - 1
_NOWHERE = 1 << 60
"""The level of what changes nothing."""
_LOOKED_AT_IN_TURN = 16
"""Levels from the best that are searched one by one: nearly all records are of these."""

_Records = Any
_Record = Any


class Messages(NamedTuple):
    """The fields of (n,) MBO records that move a book; `book` is the number of the instrument's."""

    book: NDArray[np.int64]
    action: NDArray[np.uint8]
    side: NDArray[np.uint8]
    order_id: NDArray[np.uint64]
    price: NDArray[np.int64]
    size: NDArray[np.uint32]
    flags: NDArray[np.uint8]


class State(NamedTuple):
    """All books. `sides` has the bids of book b at 2 * b and its asks at 2 * b + 1."""

    books: _Records
    sides: _Records
    levels: _Records
    orders: _Records
    slots_used: NDArray[np.int64]
    last_epoch: NDArray[np.int64]
    faults: NDArray[np.int64]


class Rows(NamedTuple):
    """Room for a row of every message: (n,) which message, level and flags; (n, 10) ladders."""

    message: NDArray[np.int64]
    depth: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    bid_px: NDArray[np.int64]
    ask_px: NDArray[np.int64]
    bid_sz: NDArray[np.uint32]
    ask_sz: NDArray[np.uint32]
    bid_ct: NDArray[np.uint32]
    ask_ct: NDArray[np.uint32]


# A call that takes a State counts references to each of its arrays: inlined it is twice as fast.
_inlined = njit(cache=True, inline="always")


@njit(cache=True)
def _home(orders: _Records, order_id: Any, epoch: Any) -> Any:
    """The slot where the search for an order begins (multiplicative hashing, Knuth 6.4)."""
    mixed = (order_id ^ np.uint64(epoch)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(len(orders) - 1))


@njit(cache=True)
def _find(orders: _Records, order_id: Any, epoch: Any) -> Any:
    """The slot of an order of that epoch, or the empty one where it belongs."""
    slot = _home(orders, order_id, epoch)
    while orders[slot].queue != 0 and (
        orders[slot].id != order_id or orders[slot].queue >> 1 != epoch
    ):
        slot = (slot + 1) & (len(orders) - 1)
    return slot


@njit(cache=True)
def _remove(orders: _Records, slot: Any) -> None:
    """Empty a slot and close the gap, so that every search still ends at an empty slot."""
    last = len(orders) - 1
    gap, at = slot, (slot + 1) & last
    while orders[at].queue != 0:
        home = _home(orders, orders[at].id, orders[at].queue >> 1)
        if (at - home) & last >= (at - gap) & last:
            orders[gap] = orders[at]
            gap = at
        at = (at + 1) & last
    orders[gap].queue = 0


@njit(cache=True)
def insert(orders: _Records, added: _Records) -> None:
    """Put orders into a table that has room for them and does not hold them."""
    for order in added:
        orders[_find(orders, order.id, order.queue >> 1)] = order


@njit(cache=True)
def _search(levels: _Records, side: _Record, key: Any) -> Any:
    """How many levels of a side are better than a key."""
    best = side.first + side.depth - 1
    depth = 0
    while depth < min(side.depth, _LOOKED_AT_IN_TURN):
        if levels[best - depth].key <= key:
            return depth
        depth += 1
    end = side.depth
    while depth < end:
        middle = (depth + end) >> 1
        if levels[best - middle].key <= key:
            end = middle
        else:
            depth = middle + 1
    return depth


@_inlined
def _change(state: State, number: Any, price: Any, size: Any, orders: Any) -> Any:
    """Add to a price of a side (by its number) contracts and orders, or take away; its level.

    The price gets a level if it has none, and loses it with its last order.
    """
    side, levels = state.sides[number], state.levels
    key = price if number & 1 == _BIDS else -price
    depth = _search(levels, side, key)
    at = side.first + side.depth - 1 - depth
    if depth == side.depth or levels[at].key != key:
        at += 1
        for later in range(side.first + side.depth, at, -1):
            levels[later] = levels[later - 1]
        side.depth += 1
        levels[at].key, levels[at].total, levels[at].count = key, 0, 0
    levels[at].total += size
    levels[at].count += orders
    if levels[at].count == 0:
        side.depth -= 1
        for later in range(at, side.first + side.depth):
            levels[later] = levels[later + 1]
    return depth


@njit(cache=True)
def _fault(state: State, book: _Record, fault: Any) -> None:
    state.faults[fault] += 1
    book.is_bad = 1


@_inlined
def _move_order(state: State, book: _Record, number: Any, messages: Messages, i: Any) -> Any:
    """Apply an A, C or M; the level it touched, or _NOWHERE.

    Each takes one order from where it rests, and how large, to where it rests then; a size of 0 is
    no order.
    """
    action, order_id, price = messages.action[i], messages.order_id[i], messages.price[i]
    size = np.int64(messages.size[i])
    side = _ASKS if messages.side[i] == _ASK else _BIDS
    has_side = messages.side[i] == _ASK or messages.side[i] == _BID
    slot = _find(state.orders, order_id, book.epoch)
    order = state.orders[slot]
    is_known = order.queue != 0
    old_side, old_price, old_size = side, price, np.int64(0)
    if is_known:
        old_side, old_price, old_size = order.queue & 1, order.price, order.size
        if action == _MODIFY:
            side, has_side = old_side, True

    if is_known == (action == _ADD):
        _fault(state, book, _REPEATED if is_known else _UNKNOWN)
    if action == _CANCEL:
        if is_known and size > old_size:
            _fault(state, book, _NEGATIVE)
        side, price, size = old_side, old_price, max(old_size - size, np.int64(0))
    elif price == _UNDEF_PRICE or size == _UNDEF_SIZE or not has_side:
        _fault(state, book, _UNDEFINED)
        return _NOWHERE

    touched = _NOWHERE
    if side == old_side and price == old_price:
        if size != old_size:
            orders = int(size > 0) - int(old_size > 0)
            touched = _change(state, 2 * number + side, price, size - old_size, orders)
    else:
        left = _NOWHERE
        if old_size > 0:
            left = _change(state, 2 * number + old_side, old_price, -old_size, -1)
        if size > 0:
            touched = _change(state, 2 * number + side, price, size, 1)
        if touched >= BOOK_LEVELS:
            touched = left

    if size > 0:
        state.slots_used[0] += not is_known
        order.id, order.price, order.size = order_id, price, size
        order.queue = 2 * book.epoch + side
    elif is_known:
        state.slots_used[0] -= 1
        _remove(state.orders, slot)
    return touched


@_inlined
def _show(state: State, number: Any, px: _Records, sz: _Records, ct: _Records) -> None:
    """Write the ten best levels of a side."""
    side = state.sides[number]
    shown = min(side.depth, BOOK_LEVELS)
    for depth in range(shown):
        level = state.levels[side.first + side.depth - 1 - depth]
        px[depth] = level.key if number & 1 == _BIDS else -level.key
        sz[depth] = min(level.total, _LARGEST_UINT32)
        ct[depth] = min(level.count, _LARGEST_UINT32)
    for depth in range(shown, BOOK_LEVELS):
        px[depth], sz[depth], ct[depth] = _UNDEF_PRICE, 0, 0


@njit(cache=True)
def apply(messages: Messages, state: State, rows: Rows, start: int, count: int) -> Any:
    """Bring the books past the messages from `start` on and write their rows after `count` others.

    Returns why it stopped (DONE, or which table is full), the next message, the number of rows.
    """
    for i in range(start, len(messages.book)):
        number, action = messages.book[i], messages.action[i]
        book = state.books[number]
        bids, asks = state.sides[2 * number], state.sides[2 * number + 1]
        if 2 * state.slots_used[0] >= len(state.orders):
            return ORDERS_FULL, i, count
        if bids.depth == bids.room or asks.depth == asks.room:
            return LEVELS_FULL, i, count
        if action == _NONE:
            continue
        if not book.has_begun and action != _CLEAR and not messages.flags[i] & _F_SNAPSHOT:
            _fault(state, book, _UNBEGUN)
        book.has_begun = 1
        if action == _FILL:
            continue

        if action == _TRADE:
            touched = 0
        elif action == _CLEAR:
            touched = 0 if bids.depth + asks.depth else _NOWHERE
            bids.depth, asks.depth, book.is_bad = 0, 0, 0
            state.last_epoch[0] += 1
            book.epoch = state.last_epoch[0]
        else:
            touched = _move_order(state, book, number, messages, i)
        if touched >= BOOK_LEVELS:
            if book.has_row:
                continue
            touched = 0
        book.has_row = 1

        rows.message[count], rows.depth[count] = i, touched
        rows.flags[count] = messages.flags[i] | (_F_MAYBE_BAD_BOOK if book.is_bad else 0)
        _show(state, 2 * number, rows.bid_px[count], rows.bid_sz[count], rows.bid_ct[count])
        _show(state, 2 * number + 1, rows.ask_px[count], rows.ask_sz[count], rows.ask_ct[count])
        count += 1
    return DONE, len(messages.book), count
