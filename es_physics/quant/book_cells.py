"""What the states of an order book add up to between given times, in one pass over them.

The states are read once, in order, in blocks; a block knows the last state of the one before, so
that every state has its predecessor. All sums are of whole numbers: exact, and the same however the
states are cut into blocks.

Order flow is that of Cont, Kukanov and Stoikov (2014), "The price impact of order book events",
Journal of Financial Econometrics 12, at each of ten levels; the volume order imbalance that of Shen
(2015), "Order imbalance based strategy in high frequency trading".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Bound = Floats | np.float64

LEVELS = 10
_SIDE_LEVELS = {"bid": range(LEVELS), "ask": range(LEVELS, 2 * LEVELS)}
MEAN_UNITS = {"bid": 2520, "ask": 2520, "both": 232_792_560}
"""A mean over 1 to 10 (of both sides 1 to 20) levels is a whole number of such parts: lcm(1..n)."""

LADDER_COLUMNS = tuple(
    f"{side}_{what}_{level:02d}"
    for what in ("px", "sz")
    for side in _SIDE_LEVELS
    for level in range(LEVELS)
)
STATE_COLUMNS = ("ts_ns", "row_nr", "is_reset", *LADDER_COLUMNS)

_SUMS = (
    *("row_count", "spread_row_count", "spread_nano_sum"),
    *(f"{side}_{what}" for side in MEAN_UNITS for what in ("row_count", "full_sum", "full_count")),
)
_FLOWS = {
    "is_bid": pa.bool_(),
    "level": pa.int64(),
    "price": pa.float64(),
    "flow": pa.float64(),
    "volume_flow": pa.float64(),
}
_QUOTES = {"ts_ns": pa.int64(), "row_nr": pa.int64(), "bid": pa.float64(), "ask": pa.float64()}
_ZONE_FLOWS = {
    "event_id": pa.string(),
    "added": pa.int64(),
    "removed": pa.int64(),
    "pair_count": pa.int64(),
}
_STEPS = dict.fromkeys(("i_from", "spread_from", "dh", "i_to", "spread_to", "n"), pa.int64())
# A state of the best level: the mid in half ticks, the spread in ticks (1 or 2), and the bid's
# share of the size in tenths, rounded up.
_BUCKETS = 16
_STATES = 4 * _BUCKETS
_RESET = -1
_FARTHEST = 2**23
"""Half ticks that no step of the mid reaches."""
# A level without a price lies beyond all prices of its side.
_NOWHERE = np.repeat([-np.inf, np.inf], LEVELS)


class Zone(NamedTuple):
    """Prices of one side whose displayed size is watched in (start_ns, end_ns]."""

    event_id: str
    start_ns: int
    end_ns: int
    low: float
    high: float
    side: str


@dataclass(frozen=True)
class _Block:
    """n states in order of time; -1 is the place of the state before them."""

    ts_ns: Ints
    row_nr: Ints
    cell: Ints
    prices: list[Floats]
    """Of ten bids and ten asks, index points; -inf and inf where there is none."""
    sizes: list[NDArray]
    """There, contracts; NaN where a price has none."""
    price_before: Floats
    size_before: Floats
    is_full: bool
    """Whether every level of every state has a price."""
    is_reset: Flags
    is_pair: Flags
    """Whether the step to this state is a change of the market."""
    moved: Flags
    """Whether it changed a price."""
    is_last: Flags
    """Whether it is the last of its cell, or of the block."""

    def ladders(self, at: Ints) -> tuple[Floats, Floats]:
        """Prices and sizes, (20, len(at)) each, of the states at these ascending places."""
        first = at[:1] == -1
        price = np.stack([column[at] for column in self.prices])
        size = np.stack([column[at] for column in self.sizes]).astype(np.float64)
        if first.any():
            price[:, 0], size[:, 0] = self.price_before, self.size_before
        return price, size


def book_cells(
    states: Iterable[pa.RecordBatch],
    boundary_ns: Ints,
    zones: Iterable[Zone],
    *,
    tick_size: float,
    steps_from_ns: int,
    steps_to_ns: int,
) -> pa.Table:
    """One row per stretch (boundary before, boundary] with a state in it; `cell_nr` is its end's.

    states: `STATE_COLUMNS` in order of time, prices in index points or NULL, sizes in contracts.
    A reset (a clear or a snapshot) makes no pair with its neighbours: neither step is a change of
    the market. boundary_ns: ascending; what comes after the last is a cell as well. zones: in any
    order. tick_size: index points. steps_from_ns, steps_to_ns: both inclusive; between them the
    steps of the best level are counted.

    Columns: sums over the states, the ladder of the newest one, and lists: `flows`, parts of the
    order flow by side, level and price (to be added up; asks negative); `quotes`, the states at
    which a best price changed; `zone_flows`, by event what depth its zone gained and lost, and in
    how many pairs it was seen; `steps`, how often the best level went from one state to another.
    """
    cells = _Cells(
        np.asarray(boundary_ns, np.int64), tuple(zones), tick_size, (steps_from_ns, steps_to_ns)
    )
    for batch in states:
        if len(batch):
            cells.add(batch)
    return cells.table()


class _Cells:
    def __init__(
        self,
        boundary_ns: Ints,
        zones: tuple[Zone, ...],
        tick_size: float,
        step_span_ns: tuple[int, int],
    ) -> None:
        self.boundary_ns, self.zones, self.tick_size = boundary_ns, zones, tick_size
        self.step_span_ns = step_span_ns
        self.zone_edges = np.array(
            [[zone.start_ns for zone in zones], [zone.end_ns for zone in zones]], np.int64
        )
        count = boundary_ns.size + 1
        self.last_ts_ns = np.zeros(count, np.int64)
        self.sums = {name: np.zeros(count, np.int64) for name in _SUMS}
        self.partial = {name: np.zeros(count, object) for name in MEAN_UNITS}
        self.price = np.full((count, 2 * LEVELS), np.nan)
        self.size = np.full((count, 2 * LEVELS), np.nan)
        self.flows: list[tuple[Ints, list[NDArray]]] = []
        self.quotes: list[tuple[Ints, list[NDArray]]] = []
        self.zone_flows: list[tuple[Ints, list[NDArray]]] = []
        self.steps: list[tuple[Ints, list[NDArray]]] = []
        self.state_before = _RESET
        self.price_before = _NOWHERE
        self.size_before = np.full(2 * LEVELS, np.nan)
        self.was_reset = True

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in states that follow those before."""
        block = self._block(batch)
        starts = np.flatnonzero(np.diff(block.cell, prepend=-1))
        ends = np.append(starts[1:], len(batch)) - 1
        cell = block.cell[starts]
        price, size = block.ladders(ends)
        self.last_ts_ns[cell], self.price[cell], self.size[cell] = (
            block.ts_ns[ends],
            price.T,
            size.T,
        )
        self.price_before, self.size_before = price[:, -1], size[:, -1]
        self._add_sums(block, cell, starts)
        self._add_flows(block)
        self._add_quotes(block)
        self._add_steps(block)
        edges = np.searchsorted(block.ts_ns, self.zone_edges, side="right")
        for at in np.flatnonzero(edges[1] > edges[0]):
            self._add_zone(block, self.zones[at], *edges[:, at])

    def _block(self, batch: pa.RecordBatch) -> _Block:
        ts_ns, row_nr, reset, *ladder = (
            batch.column(name).to_numpy(zero_copy_only=False) for name in STATE_COLUMNS
        )
        prices, sizes = ladder[: 2 * LEVELS], ladder[2 * LEVELS :]
        is_full = True
        for at, name in enumerate(LADDER_COLUMNS[: 2 * LEVELS]):
            if batch.column(name).null_count:
                is_full = False
                # NULL comes as NaN.
                prices[at] = np.where(np.isnan(prices[at]), _NOWHERE[at], prices[at])
        moved = np.zeros(len(batch), np.bool_)
        for column, before in zip(prices, self.price_before, strict=True):
            moved[0] |= column[0] != before
            moved[1:] |= column[1:] != column[:-1]
        resets = np.append(self.was_reset, reset)
        self.was_reset = resets[-1]
        cell = np.searchsorted(self.boundary_ns, ts_ns)
        return _Block(
            ts_ns=ts_ns,
            row_nr=row_nr,
            cell=cell,
            prices=prices,
            sizes=sizes,
            price_before=self.price_before,
            size_before=self.size_before,
            is_full=is_full,
            is_reset=resets[1:],
            is_pair=~(resets[1:] | resets[:-1]),
            moved=moved,
            is_last=np.append(cell[1:] != cell[:-1], True),
        )

    def _add_sums(self, block: _Block, cell: Ints, starts: Ints) -> None:
        def add(name: str, values: NDArray) -> None:
            self.sums[name][cell] += np.add.reduceat(values, starts, dtype=np.float64).astype(int)

        bid, ask = block.prices[0], block.prices[LEVELS]
        has_spread = (ask > bid) & np.isfinite(ask) & np.isfinite(bid)
        spread = np.subtract(ask, bid, where=has_spread, out=np.zeros(bid.size))
        add("row_count", np.ones(bid.size))
        add("spread_row_count", has_spread)
        add("spread_nano_sum", np.round(spread * 1e9))
        size, count = {}, {}
        for side, levels in _SIDE_LEVELS.items():
            size[side], count[side] = np.zeros(bid.size), np.full(bid.size, float(LEVELS))
            for level in levels:
                if block.is_full:
                    size[side] += block.sizes[level]
                else:
                    has_price = np.isfinite(block.prices[level])
                    size[side] += np.where(has_price, block.sizes[level], 0)
                    count[side] -= ~has_price
        size["both"], count["both"] = size["bid"] + size["ask"], count["bid"] + count["ask"]
        for name, unit in MEAN_UNITS.items():
            # What is not told of one level is not known of their sum.
            known = np.isfinite(size[name])
            full = (count[name] == (2 * LEVELS if name == "both" else LEVELS)) & known
            add(f"{name}_row_count", count[name] > 0)
            add(f"{name}_full_sum", np.where(full, size[name], 0))
            add(f"{name}_full_count", full)
            at = np.flatnonzero((count[name] > 0) & ~full & known)
            if at.size:
                parts = size[name][at].astype(int).astype(object)
                units = (unit // count[name][at].astype(int)).astype(object)
                np.add.at(self.partial[name], block.cell[at], parts * units)

    def _add_flows(self, block: _Block) -> None:
        # From one of these states to the next no price changes, so what the pairs between them add
        # up to is the change of the size, from the one to the state before the other.
        at = np.flatnonzero(~block.is_pair | block.moved | block.is_last)
        now, size = block.ladders(at)
        then, size_then = block.ladders(at - 1)
        size_left = np.column_stack([block.size_before, size[:, :-1]])
        grown = np.where(np.isfinite(then), size_then - size_left, 0)
        self._keep_flow(block.cell[at], then, grown, grown)

        # A better price is a higher bid, a lower ask.
        is_better = np.concatenate([(now > then)[:LEVELS], (now < then)[LEVELS:]])
        same = np.where(now == then, size - size_then, 0)
        better = np.where(is_better, size, 0)
        worse = np.where((now != then) & ~is_better, size_then, 0)
        counts = block.is_pair[at] & np.isfinite(now) & np.isfinite(then)
        # The volume order imbalance does not count a queue that was left behind.
        volume = np.where(counts, same + better, 0)
        self._keep_flow(block.cell[at], now, volume - np.where(counts, worse, 0), volume)

    def _keep_flow(self, cell: Ints, price: Floats, flow: Floats, volume: Floats) -> None:
        at, level = np.nonzero(((flow != 0) | (volume != 0)).T)
        sign = np.where(level < LEVELS, 1.0, -1.0)
        found = [price[level, at], sign * flow[level, at], sign * volume[level, at]]
        self.flows.append((cell[at], [level < LEVELS, level % LEVELS, *found]))

    def _add_quotes(self, block: _Block) -> None:
        best = np.stack([block.prices[0], block.prices[LEVELS]])
        before = np.column_stack([block.price_before[[0, LEVELS]], best[:, :-1]])
        at = np.flatnonzero((best != before).any(axis=0) | ~block.is_pair)
        bid, ask = np.where(np.isfinite(best[:, at]), best[:, at], np.nan)
        self.quotes.append((block.cell[at], [block.ts_ns[at], block.row_nr[at], bid, ask]))

    def _add_steps(self, block: _Block) -> None:
        start, end = self.step_span_ns
        columns = block.prices[0], block.prices[LEVELS], block.sizes[0], block.sizes[LEVELS]
        bid, ask, bid_size, ask_size = columns
        spread = ask - bid
        is_near = (spread >= 0.5 * self.tick_size) & (spread < 2.5 * self.tick_size)
        is_state = is_near & (bid_size > 0) & (ask_size > 0) & ~block.is_reset
        is_state &= (block.ts_ns >= start) & (block.ts_ns <= end)
        # A clear or a snapshot is none, whatever it shows.
        state = np.full(is_state.size, _RESET)
        bid, ask, bid_size, ask_size = (column[is_state] for column in columns)
        size = bid_size.astype(np.int64) + ask_size.astype(np.int64)
        state[is_state] = (
            _whole((bid + ask) / self.tick_size) * _STATES
            + _whole((ask - bid) / self.tick_size) * _BUCKETS
            + (10 * bid_size.astype(np.int64) + size - 1) // size
        )
        at = np.flatnonzero(is_state | block.is_reset)
        state = np.append(self.state_before, state[at])
        self.state_before = state[-1]
        took = (state[1:] != state[:-1]) & (state[:-1] != _RESET) & (state[1:] != _RESET)
        then, now, cell = state[:-1][took], state[1:][took], block.cell[at[took]]
        moved = now // _STATES - then // _STATES + _FARTHEST
        key = (
            (cell * (2 * _FARTHEST) + moved) * _STATES**2 + then % _STATES * _STATES + now % _STATES
        )
        key, count = np.unique(key, return_counts=True)
        key, now = np.divmod(key, _STATES)
        key, then = np.divmod(key, _STATES)
        cell, moved = np.divmod(key, 2 * _FARTHEST)
        ends = [then % _BUCKETS, then // _BUCKETS, moved - _FARTHEST, now % _BUCKETS]
        self.steps.append((cell, [*ends, now // _BUCKETS, count]))

    def _add_zone(self, block: _Block, zone: Zone, start: int, end: int) -> None:
        levels = _SIDE_LEVELS[zone.side]

        def column(values: list[NDArray], before: Floats, level: int) -> NDArray:
            if start:
                return values[level][start - 1 : end]
            return np.append(before[level], values[level][:end])

        price = [column(block.prices, block.price_before, level) for level in levels]
        size = [column(block.sizes, block.size_before, level) for level in levels]
        # Only prices that both states of a pair show can have changed: ten levels end at the tenth.
        if zone.side == "bid":
            low, high = np.maximum(zone.low, price[-1]), np.float64(zone.high)
            pair_low, pair_high = np.maximum(low[1:], low[:-1]), high
        else:
            low, high = np.float64(zone.low), np.minimum(zone.high, price[-1])
            pair_low, pair_high = low, np.minimum(high[1:], high[:-1])
        change = np.diff(_depth(price, size, low, high))
        moved = np.flatnonzero(price[-1][1:] != price[-1][:-1])
        if moved.size:
            bounds = [np.broadcast_to(one, change.shape)[moved] for one in (pair_low, pair_high)]
            after, before = (
                _depth([p[at] for p in price], [s[at] for s in size], *bounds)
                for at in (moved + 1, moved)
            )
            change[moved] = after - before
        is_pair = block.is_pair[start:end]
        shows = np.ceil(pair_low / self.tick_size) <= np.floor(pair_high / self.tick_size)
        change = np.where(is_pair & np.isfinite(change), change, 0).astype(int)
        cell = block.cell[start:end]
        runs = np.flatnonzero(np.diff(cell, prepend=-1))
        sums = [
            np.add.reduceat(values, runs)
            for values in (
                np.maximum(change, 0),
                np.maximum(-change, 0),
                (is_pair & shows).astype(int),
            )
        ]
        self.zone_flows.append((cell[runs], [np.full(runs.size, zone.event_id, object), *sums]))

    def table(self) -> pa.Table:
        """All cells with a state."""
        used = np.flatnonzero(self.sums["row_count"])
        columns: dict[str, pa.Array] = {
            "cell_nr": pa.array(used + 1),
            "last_ts_ns": pa.array(self.last_ts_ns[used]),
        }
        for name in ("row_count", "spread_row_count"):
            columns[name] = pa.array(self.sums[name][used])
        columns["spread_nano_sum"] = pa.array(self.sums["spread_nano_sum"][used].astype(float))
        for name in MEAN_UNITS:
            has_full = self.sums[f"{name}_full_count"][used] > 0
            full = np.where(has_full, self.sums[f"{name}_full_sum"][used], np.nan)
            columns[f"{name}_row_count"] = pa.array(self.sums[f"{name}_row_count"][used])
            columns[f"{name}_full_sum"] = pa.array(full, from_pandas=True)
            columns[f"{name}_partial_sum"] = pa.array(
                [int(parts) for parts in self.partial[name][used]], pa.decimal128(38, 0)
            )
        for name, ladder in (("prices", self.price), ("sizes", self.size)):
            # Bids and asks by turns.
            turns = ladder[used].reshape(-1, 2, LEVELS).swapaxes(1, 2).ravel()
            known = np.where(np.isfinite(turns), turns, np.nan)
            columns[name] = pa.ListArray.from_arrays(
                np.arange(used.size + 1, dtype=np.int32) * 2 * LEVELS,
                pa.array(known, from_pandas=True),
            )
        for name, parts, types in (
            ("flows", self.flows, _FLOWS),
            ("quotes", self.quotes, _QUOTES),
            ("zone_flows", self.zone_flows, _ZONE_FLOWS),
            ("steps", self.steps, _STEPS),
        ):
            columns[name] = _lists(used, parts, types)
        return pa.table(columns)


def _whole(value: Floats) -> Ints:
    """The nearest whole number, halves up."""
    return np.floor(value + 0.5).astype(np.int64)


def _depth(price: list[Floats], size: list[NDArray], low: _Bound, high: _Bound) -> Floats:
    """Displayed size priced in [low, high], of each state."""
    total = np.zeros(price[0].size)
    for p, s in zip(price, size, strict=True):
        total += np.where((p >= low) & (p <= high), s, 0)
    return total


def _lists(
    cells: Ints, parts: list[tuple[Ints, list[NDArray]]], types: dict[str, pa.DataType]
) -> pa.ListArray:
    """By cell, the structs that belong to it, in the order in which they came."""
    cell = np.concatenate([np.empty(0, np.int64), *(part[0] for part in parts)])
    order = np.argsort(cell, kind="stable")
    fields = [
        pa.array(np.concatenate([part[1][at] for part in parts])[order], type_, from_pandas=True)
        if parts
        else pa.array([], type_)
        for at, type_ in enumerate(types.values())
    ]
    offsets = np.searchsorted(cell[order], np.append(cells, np.iinfo(np.int64).max))
    return pa.ListArray.from_arrays(
        offsets.astype(np.int32), pa.StructArray.from_arrays(fields, list(types))
    )
