"""Sizes for a book's events, and the MBP-10 rows that show them.

A `Book` walks through its events in stretches of time. Each price has one displayed size (prices
up to the best bid are bids, from the best ask on asks), so the book stays consistent by
construction: a row's levels are read from the sizes as its event left them.
"""

from __future__ import annotations

import databento_dbn as dbn
import numpy as np
from scipy.signal import lfilter

from es_physics.bronze.feeds import BOOK_LEVELS
from ingest.book_record import blank_book_records
from ingest.simulate.book_events import ASK, BID, BookEvents, Kind
from ingest.simulate.dbn_writer import PUBLISHER_ID
from ingest.simulate.instruments import Listing
from ingest.simulate.planted_effect import SIZE_LEAN, HiddenSides

F_LAST, F_SNAPSHOT, F_MAYBE_BAD_BOOK = 128, 32, 4

_BEST_SIZE = 29.0
_SIZE_BY_LEVEL = np.array([1.0, 1.15, 1.35, 1.5, 1.6, 1.65, 1.65, 1.65, 1.6, 1.55])
# A size is its level's mean times a lognormal factor that remembers its last value.
_SIZE_SD = 0.5
_SIZE_MEMORY = 0.97
_SHOCK_FREEDOM = 4
"""Degrees of freedom of the shocks' Student t: most changes are small, a few are large."""
# The level that is about to be taken thins out, one that has just formed is still filling.
_THINNING = 0.5
_NEW_LEVEL = 0.6
_FILLING_SPEED = 2.0

# How much is displayed drifts over the day, so that a contract of flow moves price more or less.
_LIQUIDITY_SD = 0.25
_LIQUIDITY_MEMORY = 0.9
_MINUTE_NS = 60_000_000_000

_TYPICAL_TRADE = 4.0
"""Up to this many contracts a reduction of a best level may well be a trade, beyond less and less
(by the square of the size); what is no trade is a cancellation."""
_TRADES_PER_UPDATE, _TRADES_PER_MOVE = 0.165, 0.1
"""Trades there would be if every such reduction that may be one was, as measured."""
_UNKNOWN_SIDE_SHARE = 0.0005
_IDLE_ROWS = 200.0
_AUCTION_NS = 400_000_000
_SNAPSHOT_AGE_NS = 600_000_000_000

_Step = tuple[str, int, int, int]
"""Action, side, price in ticks, size."""
_CLEAR: _Step = ("R", BID, 0, 0)


class Book:
    """One instrument's book over one trade date.

    `trades` is about how many trades its events shall hold; with `sides` its sizes lean to them.
    Rows carry the exchange's time in both `ts_event` and `ts_recv`; the feed adds latency,
    `sequence` and F_LAST.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        listing: Listing,
        events: BookEvents,
        trades: float,
        sides: HiddenSides | None = None,
    ) -> None:
        self._rng = rng
        self._listing = listing
        self._events = events
        self._sides = sides
        first = events.first_bid
        self._lowest = int(np.min(events.bid, initial=first)) - 2 * BOOK_LEVELS
        highest = int(np.max(events.ask, initial=first)) + 2 * BOOK_LEVELS
        count = highest - self._lowest + 1

        self._best_size = _BEST_SIZE * min(1.0, 0.5 + listing.volume_share)
        self._latent = rng.standard_normal(count)
        self._orders_per_contract = rng.uniform(0.5, 0.85, count)
        self._bid, self._ask = events.first_bid, events.first_bid + 1
        shocks = np.sqrt(1 - _LIQUIDITY_MEMORY**2) * rng.standard_normal(24 * 60)
        drift = _LIQUIDITY_SD * lfilter([1.0], [1.0, -_LIQUIDITY_MEMORY], shocks)
        self._liquidity = np.exp(drift - _LIQUIDITY_SD**2 / 2)
        distance = np.arange(self._lowest, highest + 1) - self._bid
        level = np.clip(np.where(distance > 0, distance - 1, -distance), 0, BOOK_LEVELS - 1)
        self._sizes = self._size(self._best_size * _SIZE_BY_LEVEL[level], self._latent)

        moves = int(np.count_nonzero(events.kind == Kind.DEPLETE))
        updates = int(np.count_nonzero(events.kind == Kind.UPDATE))
        possible = _TRADES_PER_UPDATE * updates + _TRADES_PER_MOVE * moves
        self._trade_odds = trades / (possible + 1)
        self._idle_odds = _IDLE_ROWS / (len(events) + 1)

    def rows(self, start: int, end: int) -> np.ndarray:
        """The rows (dtype BOOK_RECORD) of events start to end, the next ones due."""
        events = self._events
        if self._sides and start < end:
            self._lean_out_of_view(self._sides, start)
        kind = events.kind[start:end]
        side = events.side[start:end]
        price = events.price[start:end]
        bids = np.append(np.int32(self._bid), events.bid[start:end])
        asks = np.append(np.int32(self._ask), events.ask[start:end])
        before, after, history, lowest = self._apply(start, end, bids, asks)

        change = after - before
        shown = np.flatnonzero((change != 0) | (self._rng.random(len(kind)) < self._idle_odds))
        reduced = (change < 0) & (events.level[start:end] == 0)
        odds = self._trade_odds * np.minimum(1.0, _TYPICAL_TRADE / np.maximum(-change, 1)) ** 2
        sweeping = events.swept[start:end] & (kind == Kind.DEPLETE)
        traded = reduced & (sweeping | (self._rng.random(len(kind)) < odds))
        # A trade's row shows the book before it, then its event's row the book after.
        event = np.repeat(shown, 1 + traded[shown])
        is_trade = np.zeros(len(event), dtype=bool)
        is_trade[:-1] = event[1:] == event[:-1]
        state = event + 1 - is_trade

        rows = self._blank(len(event))
        rows["ts_event"] = rows["ts_recv"] = events.ts_ns[start:end][event]
        rows["price"] = price[event].astype(np.int64) * self._listing.tick
        rows["size"] = np.abs(change)[event]
        rows["depth"] = events.level[start:end][event]
        orders = self._orders_per_contract[price - self._lowest]
        order_change = np.ceil(after * orders) - np.ceil(before * orders)
        action = np.where(order_change > 0, b"A", np.where(order_change < 0, b"C", b"M"))
        at_bid = side[event] == BID
        aggressor = np.where(at_bid, b"A", b"B")
        aggressor[self._rng.random(len(event)) < _UNKNOWN_SIDE_SHARE] = b"N"
        rows["action"] = np.where(is_trade, b"T", action[event])
        rows["side"] = np.where(is_trade, aggressor, np.where(at_bid, b"B", b"A"))
        idle = change[event] == 0
        rows["action"][idle] = rows["side"][idle] = b"N"
        rows["price"][idle] = dbn.UNDEF_PRICE
        rows["depth"][idle] = 0
        self._show(rows, state, bids, asks, history, lowest)
        self._bid, self._ask = int(bids[-1]), int(asks[-1])
        return rows

    def _apply(
        self, start: int, end: int, bids: np.ndarray, asks: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Draw the sizes of some events and bring the book past them.

        Returns each event's size at its price before and after it, (n,) each; the history of
        sizes, (prices, n + 1), column k after k events; and the price of the history's first row.
        """
        events = self._events
        count = end - start
        lowest = int(bids.min()) - BOOK_LEVELS + 1
        width = int(asks.max()) + BOOK_LEVELS - lowest
        span = slice(lowest - self._lowest, lowest - self._lowest + width)
        # Each price's opening state goes before its events, so that one sort makes its history.
        key = np.append(np.arange(width), events.price[start:end] - lowest).astype(np.int16)
        order = np.argsort(key, kind="stable")
        key = key[order]
        opens = np.flatnonzero(order < width)
        ordinal = np.arange(width + count) - opens[key]

        shock = self._rng.standard_t(_SHOCK_FREEDOM, width + count)
        shock *= np.sqrt((1 - _SIZE_MEMORY**2) * (_SHOCK_FREEDOM - 2) / _SHOCK_FREEDOM)
        shock[opens] = 0
        latent = lfilter([1.0], [1.0, -_SIZE_MEMORY], shock)
        latent += _SIZE_MEMORY**ordinal * (self._latent[span] - latent[opens])[key]
        target = np.append(np.zeros(width), self._targets(start, end))
        deplete = np.append(np.zeros(width, dtype=bool), events.kind[start:end] == Kind.DEPLETE)
        size = np.where(deplete[order], 0, self._size(target[order], latent))
        size[opens] = self._sizes[span]

        closes = np.append(opens[1:], width + count) - 1
        self._latent[span], self._sizes[span] = latent[closes], size[closes]
        column = np.maximum(order - width + 1, 0)
        following = np.append(column[1:], count + 1)
        following[closes] = count + 1
        history = np.repeat(size, following - column).reshape(width, count + 1)
        in_time = np.empty((2, width + count), dtype=np.int32)
        in_time[1, order] = size
        in_time[0, order] = np.append(0, size[:-1])
        return in_time[0, width:], in_time[1, width:], history, lowest

    def _targets(self, start: int, end: int) -> np.ndarray:
        """Mean size at each event's level, given where the price comes from and goes."""
        events = self._events
        level = events.level[start:end]
        minute = (events.ts_ns[start:end] - events.ts_ns[0]) // _MINUTE_NS
        target = self._best_size * self._liquidity[minute] * _SIZE_BY_LEVEL[level]
        facing = np.where(events.side[start:end] == ASK, 1, -1)
        if self._sides:
            target *= 1 - SIZE_LEAN * facing * self._sides.at(events.ts_ns[start:end])
        progress = events.progress[start:end]
        best = level == 0
        thinning = best & (events.next_move[start:end] == facing)
        filling = best & (events.last_move[start:end] == -facing)
        target = np.where(thinning, target * (1 - _THINNING * progress), target)
        filled = np.minimum(1.0, _NEW_LEVEL + _FILLING_SPEED * progress)
        return np.where(filling, target * filled, target)

    def _lean_out_of_view(self, sides: HiddenSides, start: int) -> None:
        """Draw anew what lies beyond the ten levels, or a new side would take long to show."""
        price = self._lowest + np.arange(len(self._sizes))
        bids, asks = price <= self._bid - BOOK_LEVELS, price >= self._ask + BOOK_LEVELS
        ts_ns = self._events.ts_ns[start]
        liquidity = self._liquidity[(ts_ns - self._events.ts_ns[0]) // _MINUTE_NS]
        deepest = self._best_size * liquidity * _SIZE_BY_LEVEL[-1]
        for beyond, facing in ((bids, -1), (asks, 1)):
            target = deepest * (1 - SIZE_LEAN * facing * sides.at(ts_ns))
            self._sizes[beyond] = self._size(target, self._latent[beyond])

    def _size(self, target: np.ndarray, latent: np.ndarray) -> np.ndarray:
        """int32: a whole size of at least one contract about the target."""
        drawn = target * np.exp(_SIZE_SD * np.clip(latent, -3, 3) - _SIZE_SD**2 / 2)
        return np.maximum(np.rint(drawn), 1).astype(np.int32)

    def _blank(self, count: int) -> np.ndarray:
        rows = blank_book_records(count)
        rows["publisher_id"] = PUBLISHER_ID
        rows["instrument_id"] = self._listing.instrument.instrument_id
        rows["levels"]["bid_px"] = rows["levels"]["ask_px"] = dbn.UNDEF_PRICE
        return rows

    def _show(
        self,
        rows: np.ndarray,
        state: np.ndarray,
        bids: np.ndarray,
        asks: np.ndarray,
        history: np.ndarray,
        lowest: int,
    ) -> None:
        """Write the ten levels of each side as they stand after `state` events."""
        depth = np.arange(BOOK_LEVELS)
        flat = history.ravel()
        for name, best, outward in (("bid", bids, -1), ("ask", asks, 1)):
            price = best[state][:, None] + outward * depth
            size = flat[(price - lowest) * history.shape[1] + state[:, None]]
            levels = rows["levels"]
            levels[f"{name}_px"] = price * np.int64(self._listing.tick)
            levels[f"{name}_sz"] = size
            levels[f"{name}_ct"] = np.ceil(size * self._orders_per_contract[price - self._lowest])

    def opening(self, at_ns: int) -> np.ndarray:
        """The rows with which a session starts, within its first second.

        A clear, then the orders that were waiting, which leave an outright crossed until the
        opening print uncrosses it.
        """
        crossing = []
        if self._listing.is_outright:
            sizes = self._rng.integers(1, 20, 3)
            crossing = [(BID, self._ask + n, int(size)) for n, size in enumerate(sizes)]
        waiting = [("A", *order) for order in [*self._resting(), *crossing]]
        printed = [(action, *order) for order in reversed(crossing) for action in "TC"]
        rows = self._ladder([_CLEAR, *waiting, *printed])
        is_trade = rows["action"] == b"T"
        rows["side"][is_trade] = b"N"
        rows["price"][is_trade] = self._ask * self._listing.tick
        waited = np.linspace(0, _AUCTION_NS, 1 + len(waiting))
        elapsed = np.append(waited, np.full(len(printed), 2 * _AUCTION_NS))
        rows["ts_event"] = rows["ts_recv"] = at_ns + elapsed.astype(np.int64)
        return rows

    def clear_and_snapshot(self, at_ns: int) -> np.ndarray:
        """A clear, and the same book again as a snapshot whose orders are older than it."""
        rows = self._ladder([_CLEAR, *(("A", *order) for order in self._resting())])
        age = self._rng.integers(1_000_000, _SNAPSHOT_AGE_NS, len(rows))
        age[0] = 0
        rows["ts_recv"], rows["ts_event"] = at_ns, at_ns - age
        rows["flags"] = F_SNAPSHOT
        return rows

    def _resting(self) -> list[tuple[int, int, int]]:
        """Side, price and size of the visible levels, best first."""
        bids = [(BID, self._bid - level) for level in range(BOOK_LEVELS)]
        asks = [(ASK, self._ask + level) for level in range(BOOK_LEVELS)]
        return [
            (side, price, int(self._sizes[price - self._lowest])) for side, price in bids + asks
        ]

    def _ladder(self, steps: list[_Step]) -> np.ndarray:
        """The rows of a book that is built up from nothing, step by step."""
        rows = self._blank(len(steps))
        sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for row, (action, side, price, size) in zip(rows, steps, strict=True):
            row["action"] = action
            if action == "R":
                row["side"], row["price"] = "N", dbn.UNDEF_PRICE
                continue
            if action == "A":
                sides[side][price] = size
            shown = sorted(sides[side], reverse=side == BID)
            if action == "C":
                del sides[side][price]
            row["side"] = "BA"[side]
            row["price"], row["size"] = price * self._listing.tick, size
            row["depth"] = 0 if action == "T" else shown.index(price)
            for name, levels in (("bid", sides[BID]), ("ask", sides[ASK])):
                prices = sorted(levels, reverse=name == "bid")[:BOOK_LEVELS]
                for level, at in zip(row["levels"], prices, strict=False):
                    orders = levels[at] * self._orders_per_contract[at - self._lowest]
                    level[f"{name}_px"] = at * self._listing.tick
                    level[f"{name}_sz"], level[f"{name}_ct"] = levels[at], np.ceil(orders)
        return rows
