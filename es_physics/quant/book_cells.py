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
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

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
_PRICE_FLOWS = {"price": pa.float64(), "flow": pa.int64()}
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
_BEST = (0, LEVELS)
_SIGN = np.repeat([[1.0], [-1.0]], LEVELS, axis=0)


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
    cells: Ints
    """Those with a state in the block, and how many."""
    counts: Ints

    @cached_property
    def cell(self) -> Ints:
        """Of each state."""
        return np.repeat(self.cells, self.counts)

    def prices_at(self, at: Ints, levels: Iterable[int] = range(2 * LEVELS)) -> Floats:
        """Those of these ascending places, (levels, len(at))."""
        return _taken(self.prices, self.price_before, at, levels)

    def sizes_at(self, at: Ints, levels: Iterable[int] = range(2 * LEVELS)) -> Floats:
        """There as well."""
        return _taken(self.sizes, self.size_before, at, levels)


@dataclass(frozen=True)
class _Moves:
    """The states of a block at which a price changed, a size is not told or was not before, the
    book was set or a cell ends.

    From one of these to the state before the next no price changes, and all sizes are known.
    """

    at: Ints
    price: Floats
    """(20, n), index points, as in the block; `size` there, contracts."""
    size: Floats
    price_then: Floats
    """The same of the state before each."""
    size_then: Floats
    is_pair: Flags
    starts: Ints
    """Where each of the block's cells begins among them."""


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

    states: `STATE_COLUMNS` in order of time, prices in index points or NULL, sizes in contracts
    (whole numbers of any type).
    A reset (a clear or a snapshot) makes no pair with its neighbours: neither step is a change of
    the market. boundary_ns: ascending; what comes after the last is a cell as well. zones: in any
    order. tick_size: index points. steps_from_ns, steps_to_ns: both inclusive; between them the
    steps of the best level are counted.

    Columns: sums over the states, the ladder of the newest one, and lists: `ofi` and `voi`, the
    order flow and the volume order imbalance of each level, asks negative; `price_flows`, parts of
    the order flow by price (to be added up); `quotes`, the states at which a best price changed;
    `zone_flows`, by event what depth its zone gained and lost, and in how many pairs it was seen;
    `steps`, how often the best level went from one state to another.
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
        self.imbalances = {name: np.zeros((count, LEVELS)) for name in ("ofi", "voi")}
        self.price_flows: list[tuple[Ints, list[NDArray]]] = []
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
        moves = _moves(block)
        ends = np.append(moves.starts[1:], moves.at.size) - 1
        self.last_ts_ns[block.cells] = block.ts_ns[moves.at[ends]]
        self.price[block.cells] = moves.price[:, ends].T
        self.size[block.cells] = moves.size[:, ends].T
        self.price_before, self.size_before = moves.price[:, -1], moves.size[:, -1]
        self._add_spreads(block, moves)
        self._add_sizes(block)
        self._add_flows(block, moves)
        self._add_quotes(block, moves)
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
        first, last = np.searchsorted(self.boundary_ns, ts_ns[[0, -1]])
        ends = np.searchsorted(ts_ns, self.boundary_ns[first:last], side="right")
        counts = np.diff(ends, prepend=0, append=len(batch))
        return _Block(
            ts_ns=ts_ns,
            row_nr=row_nr,
            prices=prices,
            sizes=sizes,
            price_before=self.price_before,
            size_before=self.size_before,
            is_full=is_full,
            is_reset=resets[1:],
            is_pair=~(resets[1:] | resets[:-1]),
            moved=moved,
            cells=first + np.flatnonzero(counts),
            counts=counts[counts > 0],
        )

    def _add(self, name: str, block: _Block, values: NDArray, starts: Ints) -> None:
        self.sums[name][block.cells] += np.add.reduceat(values, starts).astype(np.int64)

    def _add_spreads(self, block: _Block, moves: _Moves) -> None:
        self.sums["row_count"][block.cells] += block.counts
        # Between two moves all states show the prices that the last of them shows.
        price = np.hstack([moves.price_then, moves.price])
        count = np.append(np.diff(moves.at, prepend=-1) - 1, np.ones_like(moves.at))
        spread = price[LEVELS] - price[0]
        has_spread = (spread > 0) & np.isfinite(spread)
        spread_nano = np.round(np.where(has_spread, spread, 0) * 1e9)
        for name, values in (("row_count", has_spread), ("nano_sum", spread_nano)):
            sums = (values * count).reshape(2, -1).sum(axis=0)
            self._add(f"spread_{name}", block, sums, moves.starts)

    def _add_sizes(self, block: _Block) -> None:
        starts = np.cumsum(block.counts) - block.counts
        if block.is_full:
            sums = np.stack([np.add.reduceat(column, starts) for column in block.sizes])
            if np.isfinite(sums).all():
                bid, ask = sums[:LEVELS].sum(axis=0), sums[LEVELS:].sum(axis=0)
                for name, full in zip(MEAN_UNITS, (bid, ask, bid + ask), strict=True):
                    self.sums[f"{name}_row_count"][block.cells] += block.counts
                    self.sums[f"{name}_full_count"][block.cells] += block.counts
                    self.sums[f"{name}_full_sum"][block.cells] += full.astype(np.int64)
                return
        size, count = {}, {}
        for side, levels in _SIDE_LEVELS.items():
            has_price = [np.isfinite(block.prices[level]) for level in levels]
            count[side] = np.sum(has_price, axis=0)
            size[side] = np.zeros(block.ts_ns.size)
            for level, has in zip(levels, has_price, strict=True):
                size[side] += np.where(has, block.sizes[level], 0)
        size["both"], count["both"] = size["bid"] + size["ask"], count["bid"] + count["ask"]
        for name, unit in MEAN_UNITS.items():
            # What is not told of one level is not known of their sum.
            known = np.isfinite(size[name]) & (count[name] > 0)
            full = (count[name] == (2 * LEVELS if name == "both" else LEVELS)) & known
            self._add(f"{name}_row_count", block, known.astype(int), starts)
            self._add(f"{name}_full_sum", block, np.where(full, size[name], 0), starts)
            self._add(f"{name}_full_count", block, full.astype(int), starts)
            at = np.flatnonzero(known & ~full)
            if at.size:
                parts = size[name][at].astype(int).astype(object)
                units = (unit // count[name][at]).astype(object)
                np.add.at(self.partial[name], block.cell[at], parts * units)

    def _add_flows(self, block: _Block, moves: _Moves) -> None:
        now, then, size, size_then = moves.price, moves.price_then, moves.size, moves.size_then
        # What the pairs before a move add up to is the change of the size since the move before.
        size_left = np.column_stack([block.size_before, size[:, :-1]])
        grown = np.where(np.isfinite(then), size_then - size_left, 0)
        # A better price is a higher bid, a lower ask.
        is_better = np.concatenate([(now > then)[:LEVELS], (now < then)[LEVELS:]])
        same = np.where(now == then, size - size_then, 0)
        better = np.where(is_better, size, 0)
        worse = np.where((now != then) & ~is_better, size_then, 0)
        counts = moves.is_pair & np.isfinite(now) & np.isfinite(then)
        # The volume order imbalance does not count a queue that was left behind.
        volume = np.where(counts, same + better, 0)
        flow = volume - np.where(counts, worse, 0)
        # Nothing is known of a change from or to a size that is not told.
        grown, volume, flow = (
            np.where(np.isnan(part), 0, part) * _SIGN for part in (grown, volume, flow)
        )
        for name, parts in (("ofi", grown + flow), ("voi", grown + volume)):
            sums = np.add.reduceat(parts, moves.starts, axis=1)
            self.imbalances[name][block.cells] += (sums[:LEVELS] + sums[LEVELS:]).T
        self._add_price_flows(block, moves, [then, now], [grown, flow])

    def _add_price_flows(
        self, block: _Block, moves: _Moves, prices: list[Floats], flows: list[Floats]
    ) -> None:
        flow = np.hstack(flows).ravel()
        found = np.flatnonzero(flow != 0)
        price = np.hstack(prices).ravel()[found]
        kinds = np.unique(price)
        nr = np.repeat(np.arange(block.cells.size), np.diff(moves.starts, append=moves.at.size))
        key = nr[found % nr.size] * kinds.size + np.searchsorted(kinds, price)
        total = np.bincount(key, flow[found]).astype(np.int64)
        key = np.flatnonzero(total)
        nr, kind = np.divmod(key, kinds.size)
        self.price_flows.append((block.cells[nr], [kinds[kind], total[key]]))

    def _add_quotes(self, block: _Block, moves: _Moves) -> None:
        best, best_then = moves.price[list(_BEST)], moves.price_then[list(_BEST)]
        kept = (best != best_then).any(axis=0) | ~moves.is_pair
        bid, ask = np.where(np.isfinite(best[:, kept]), best[:, kept], np.nan)
        at = moves.at[kept]
        self.quotes.append((block.cell[at], [block.ts_ns[at], block.row_nr[at], bid, ask]))

    def _add_steps(self, block: _Block) -> None:
        start = np.searchsorted(block.ts_ns, self.step_span_ns[0])
        end = np.searchsorted(block.ts_ns, self.step_span_ns[1], side="right")
        columns = [
            values[level][start:end] for values in (block.prices, block.sizes) for level in _BEST
        ]
        # A state that shows what the one before it showed is no step.
        looks_new = ~block.is_pair[start:end]
        looks_new[:1] = True
        for column in columns:
            looks_new[1:] |= column[1:] != column[:-1]
        at = np.flatnonzero(looks_new)
        bid, ask, bid_size, ask_size = (column[at] for column in columns)
        at += start
        spread = ask - bid
        is_near = (spread >= 0.5 * self.tick_size) & (spread < 2.5 * self.tick_size)
        is_reset = block.is_reset[at]
        is_state = is_near & (bid_size > 0) & (ask_size > 0) & ~is_reset
        # A clear or a snapshot is none, whatever it shows.
        state = np.full(at.size, _RESET)
        bid, ask, bid_size, ask_size = (
            column[is_state] for column in (bid, ask, bid_size, ask_size)
        )
        size = bid_size.astype(np.int64) + ask_size.astype(np.int64)
        state[is_state] = (
            _whole((bid + ask) / self.tick_size) * _STATES
            + _whole((ask - bid) / self.tick_size) * _BUCKETS
            + (10 * bid_size.astype(np.int64) + size - 1) // size
        )
        is_either = is_state | is_reset
        at, state = at[is_either], np.append(self.state_before, state[is_either])
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
        # Stretches without a change of price, the first from the state before on.
        moves = start + np.flatnonzero(block.moved[start:end])
        firsts = np.append(start - 1, moves)
        lengths = np.diff(firsts, append=end)
        price, size = block.prices_at(firsts, levels), block.sizes_at(firsts, levels)
        # Only prices that both states of a pair show can have changed: ten levels end at the tenth.
        low, high = np.full(firsts.size, zone.low), np.full(firsts.size, zone.high)
        if zone.side == "bid":
            low = np.maximum(low, price[-1])
        else:
            high = np.minimum(high, price[-1])
        depth = np.zeros(end - start + 1)
        for level, is_in in zip(levels, (price >= low) & (price <= high), strict=True):
            if is_in.any():
                sizes = block.sizes[level][max(start - 1, 0) : end]
                if not start:
                    sizes = np.append(block.size_before[level], sizes)
                depth += np.where(np.repeat(is_in, lengths), sizes, 0)
        change = np.diff(depth)
        shows = np.repeat(self._shows(low, high), lengths)[1:]
        low, high = np.maximum(low[1:], low[:-1]), np.minimum(high[1:], high[:-1])
        size_then = block.sizes_at(moves - 1, levels)
        change[moves - start] = _depth(price[:, 1:], size[:, 1:], low, high) - _depth(
            price[:, :-1], size_then, low, high
        )
        shows[moves - start] = self._shows(low, high)
        is_pair = block.is_pair[start:end]
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

    def _shows(self, low: Floats, high: Floats) -> Flags:
        """Whether a price lies in [low, high]."""
        return np.ceil(low / self.tick_size) <= np.floor(high / self.tick_size)

    def table(self) -> pa.Table:
        """All cells with a state."""
        used = np.flatnonzero(self.sums["row_count"])
        columns: dict[str, pa.Array] = {
            "cell_nr": pa.array(used + 1),
            "last_ts_ns": pa.array(self.last_ts_ns[used]),
        }
        for name in ("row_count", "spread_row_count", "spread_nano_sum"):
            columns[name] = pa.array(self.sums[name][used])
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
            turns = ladder[used].reshape(-1, 2, LEVELS).swapaxes(1, 2).reshape(-1, 2 * LEVELS)
            columns[name] = _rows(np.where(np.isfinite(turns), turns, np.nan))
        for name, levels in self.imbalances.items():
            columns[name] = _rows(levels[used].astype(np.int64))
        for name, parts, types in (
            ("price_flows", self.price_flows, _PRICE_FLOWS),
            ("quotes", self.quotes, _QUOTES),
            ("zone_flows", self.zone_flows, _ZONE_FLOWS),
            ("steps", self.steps, _STEPS),
        ):
            columns[name] = _lists(used, parts, types)
        return pa.table(columns)


def _whole(value: Floats) -> Ints:
    """The nearest whole number, halves up."""
    return np.floor(value + 0.5).astype(np.int64)


def _depth(price: Floats, size: Floats, low: Floats, high: Floats) -> Floats:
    """Displayed size priced in [low, high], of each state."""
    return np.where((price >= low) & (price <= high), size, 0).sum(axis=0)


def _taken(columns: list[NDArray], before: Floats, at: Ints, levels: Iterable[int]) -> Floats:
    taken = np.stack([columns[level][at] for level in levels], dtype=np.float64)
    if at.size and at[0] == -1:
        taken[:, 0] = before[list(levels)]
    return taken


def _moves(block: _Block) -> _Moves:
    is_last = np.zeros(block.ts_ns.size, np.bool_)
    is_last[np.cumsum(block.counts) - 1] = True
    at = np.flatnonzero(~block.is_pair | block.moved | is_last | _beside_untold(block))
    price, size, size_then = block.prices_at(at), block.sizes_at(at), block.sizes_at(at - 1)
    price_then = np.column_stack([block.price_before, price[:, :-1]])
    starts = np.append(0, np.flatnonzero(is_last[at])[:-1] + 1)
    return _Moves(at, price, size, price_then, size_then, block.is_pair[at], starts)


def _beside_untold(block: _Block) -> Flags:
    """Whether this state or the one before it has a price whose size is not told."""
    untold = np.zeros(block.ts_ns.size + 1, np.bool_)
    untold[0] = (np.isfinite(block.price_before) & np.isnan(block.size_before)).any()
    for price, size in zip(block.prices, block.sizes, strict=True):
        # A column without NULL comes as whole numbers.
        if size.dtype.kind == "f":
            untold[1:] |= np.isfinite(price) & np.isnan(size)
    return untold[1:] | untold[:-1]


def _rows(values: NDArray) -> pa.ListArray:
    """A list of each row, NULL for NaN."""
    count, length = values.shape
    offsets = np.arange(count + 1, dtype=np.int32) * length
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), from_pandas=True))


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
