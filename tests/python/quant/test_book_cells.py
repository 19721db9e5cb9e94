"""Cells of the book: against their definition, state by state, and on examples of each rule."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from es_physics.quant.book_cells import (
    LADDER_COLUMNS,
    LEVELS,
    MEAN_UNITS,
    STATE_COLUMNS,
    Zone,
    book_cells,
)

TICK = 0.25
Price = float | None
Size = int | None


@dataclass(frozen=True)
class State:
    """A state of the book; levels that are not named have no price and no size."""

    ts_ns: int
    bids: tuple[tuple[Price, Size], ...] = ()
    asks: tuple[tuple[Price, Size], ...] = ()
    is_reset: bool = False
    row_nr: int = 0

    def ladder(self, side: str) -> list[tuple[Price, Size]]:
        named = self.bids if side == "bid" else self.asks
        return [*named, *[(None, None)] * (LEVELS - len(named))]

    def values(self) -> list[Any]:
        levels = [level for side in ("bid", "ask") for level in self.ladder(side)]
        return [
            *(self.ts_ns, self.row_nr, self.is_reset),
            *(price for price, _ in levels),
            *(size for _, size in levels),
        ]


def batches(states: list[State], cuts: list[int]) -> list[pa.RecordBatch]:
    """The states in order, cut before each of these places."""
    numbered = [replace(state, row_nr=nr) for nr, state in enumerate(states)]
    types = [pa.int64(), pa.int64(), pa.bool_(), *[pa.float64()] * 20, *[pa.uint32()] * 20]
    edges = [0, *sorted({min(cut, len(states)) for cut in cuts}), len(states)]
    found = []
    for start, end in itertools.pairwise(edges):
        rows = [state.values() for state in numbered[start:end]]
        columns = zip(*rows, strict=True) if rows else [[]] * len(types)
        arrays = [pa.array(list(c), t) for c, t in zip(columns, types, strict=True)]
        found.append(pa.record_batch(arrays, names=list(STATE_COLUMNS)))
    return found


def cells(
    states: list[State],
    boundaries: list[int],
    zones: tuple[Zone, ...] = (),
    cuts: tuple[int, ...] = (),
    steps: tuple[int, int] = (0, 10**18),
) -> dict[int, dict[str, Any]]:
    """Rows by `cell_nr`, parts added up by their key."""
    table = book_cells(
        batches(states, list(cuts)),
        np.array(boundaries, np.int64),
        zones,
        tick_size=TICK,
        steps_from_ns=steps[0],
        steps_to_ns=steps[1],
    )
    return {row["cell_nr"]: _added_up(row) for row in table.to_pylist()}


def _added_up(row: dict[str, Any]) -> dict[str, Any]:
    price_flows: Counter = Counter()
    for part in row["price_flows"]:
        price_flows[part["price"]] += part["flow"]
    zone_flows: dict[str, Counter] = defaultdict(Counter)
    for part in row["zone_flows"]:
        zone_flows[part.pop("event_id")].update(part)
    steps: Counter = Counter()
    for part in row["steps"]:
        steps[tuple(value for name, value in part.items() if name != "n")] += part["n"]
    return row | {
        "price_flows": {price: flow for price, flow in price_flows.items() if flow},
        "zone_flows": {event: dict(found) for event, found in zone_flows.items()},
        "steps": dict(steps),
    }


# --- by definition ---


@dataclass
class _Expected:
    last: State | None = None
    sums: Counter = field(default_factory=Counter)
    ofi: list = field(default_factory=lambda: [0] * LEVELS)
    voi: list = field(default_factory=lambda: [0] * LEVELS)
    price_flows: Counter = field(default_factory=Counter)
    quotes: list = field(default_factory=list)
    zone_flows: dict = field(default_factory=lambda: defaultdict(Counter))
    steps: Counter = field(default_factory=Counter)


def by_definition(
    states: list[State], boundaries: list[int], zones: tuple[Zone, ...]
) -> dict[int, dict[str, Any]]:
    """The same, one state after the other in plain Python."""
    found: dict[int, _Expected] = defaultdict(_Expected)
    before: State | None = None
    step_before = None
    for nr, state in enumerate(states):
        cell = found[1 + sum(boundary < state.ts_ns for boundary in boundaries)]
        cell.last = state
        _sum_sizes(cell.sums, state)
        is_pair = before is not None and not state.is_reset and not before.is_reset
        best = [state.ladder(side)[0][0] for side in ("bid", "ask")]
        if not is_pair or best != [before.ladder(side)[0][0] for side in ("bid", "ask")]:
            cell.quotes.append({"ts_ns": state.ts_ns, "row_nr": nr, "bid": best[0], "ask": best[1]})
        if is_pair:
            _sum_flows(cell, before, state)
        for zone in zones:
            if zone.start_ns < state.ts_ns <= zone.end_ns:
                _watch(cell.zone_flows[zone.event_id], zone, before if is_pair else None, state)
        step = -1 if state.is_reset else _step_state(state)
        if step is not None:
            if -1 not in (step, step_before) and step_before is not None and step != step_before:
                (mid, spread, tenth), (mid_to, spread_to, tenth_to) = step_before, step
                cell.steps[tenth, spread, mid_to - mid, tenth_to, spread_to] += 1
            step_before = step
        before = state
    return {nr: _as_row(cell) for nr, cell in found.items()}


def _sum_sizes(sums: Counter, state: State) -> None:
    known = {
        side: [size for price, size in state.ladder(side) if price is not None]
        for side in ("bid", "ask")
    }
    known["both"] = known["bid"] + known["ask"]
    sums["row_count"] += 1
    bid, ask = state.ladder("bid")[0][0], state.ladder("ask")[0][0]
    if bid is not None and ask is not None and ask > bid:
        sums["spread_row_count"] += 1
        sums["spread_nano_sum"] += round((ask - bid) * 1e9)
    for name, sizes in known.items():
        if None in sizes:  # of what is not told of one level no mean is known
            continue
        sums[f"{name}_row_count"] += bool(sizes)
        if len(sizes) == (20 if name == "both" else 10):
            sums[f"{name}_full_sum"] += sum(sizes)
            sums[f"{name}_full_count"] += 1
        elif sizes:
            sums[f"{name}_partial_sum"] += sum(sizes) * (MEAN_UNITS[name] // len(sizes))


def _sum_flows(cell: _Expected, before: State, state: State) -> None:
    for side, sign in (("bid", 1), ("ask", -1)):
        levels = zip(before.ladder(side), state.ladder(side), strict=True)
        for level, ((price_then, then), (price, now)) in enumerate(levels):
            if price is None or price_then is None:
                continue
            if price == price_then:
                gain = volume = None if now is None or then is None else now - then
            elif (price > price_then) == (side == "bid"):
                gain = volume = now
            else:
                gain, volume = None if then is None else -then, 0
            if gain is None:  # of a size that is not told nothing is known
                continue
            cell.ofi[level] += sign * gain
            cell.voi[level] += sign * volume
            cell.price_flows[price] += sign * gain


def _watch(found: Counter, zone: Zone, before: State | None, state: State) -> None:
    found.update({"added": 0, "removed": 0, "pair_count": 0})
    if before is None:
        return
    tenths = [one.ladder(zone.side)[9][0] for one in (before, state)]
    shown = [price for price in tenths if price is not None]
    low = max([zone.low, *shown]) if zone.side == "bid" else zone.low
    high = min([zone.high, *shown]) if zone.side == "ask" else zone.high
    then, now = (
        [
            size
            for price, size in one.ladder(zone.side)
            if price is not None and low <= price <= high
        ]
        for one in (before, state)
    )
    if None not in [*then, *now]:
        found["added"] += max(sum(now) - sum(then), 0)
        found["removed"] += max(sum(then) - sum(now), 0)
    found["pair_count"] += math.ceil(low / TICK) <= math.floor(high / TICK)


def _step_state(state: State) -> tuple[int, int, int] | None:
    (bid, bid_size), (ask, ask_size) = state.ladder("bid")[0], state.ladder("ask")[0]
    if bid is None or ask is None or not bid_size or not ask_size:
        return None
    spread = round((ask - bid) / TICK)
    if spread not in (1, 2):
        return None
    return round((bid + ask) / TICK), spread, math.ceil(10 * bid_size / (bid_size + ask_size))


def _as_row(cell: _Expected) -> dict[str, Any]:
    sums = cell.sums
    row = {name: sums[name] for name in ("row_count", "spread_row_count", "spread_nano_sum")}
    for name in MEAN_UNITS:
        row[f"{name}_row_count"] = sums[f"{name}_row_count"]
        row[f"{name}_full_sum"] = sums[f"{name}_full_sum"] if sums[f"{name}_full_count"] else None
        row[f"{name}_partial_sum"] = sums[f"{name}_partial_sum"]
    both = zip(cell.last.ladder("bid"), cell.last.ladder("ask"), strict=True)
    levels = [level for pair in both for level in pair]
    return row | {
        "last_ts_ns": cell.last.ts_ns,
        "prices": [price for price, _ in levels],
        "sizes": [size for _, size in levels],
        "ofi": cell.ofi,
        "voi": cell.voi,
        "price_flows": {price: flow for price, flow in cell.price_flows.items() if flow},
        "quotes": cell.quotes,
        "zone_flows": {event: dict(found) for event, found in cell.zone_flows.items()},
        "steps": dict(cell.steps),
    }


def _any_book(rng: np.random.Generator, count: int) -> list[State]:
    """States that share times, clear, cross, have holes and ends; most change little.

    In some books some sizes are not told.
    """
    full, untold_share = rng.random() < 0.5, rng.choice([0, 0, 0.05])
    ts, bids, asks, states = 0, [], [], []
    for _ in range(count):
        ts += int(rng.integers(0, 4))
        if not bids or rng.random() < 0.4:
            best = 100 + TICK * int(rng.integers(-8, 9))
            spread = int(rng.integers(0, 4))
            bids = [best - TICK * level for level in range(LEVELS)]
            asks = [best + TICK * (spread + level) for level in range(LEVELS)]
            if not full:
                bids, asks = (
                    [price if rng.random() < 0.8 else None for price in ladder]
                    for ladder in (bids, asks)
                )
        sizes = rng.integers(0, 6, (2, LEVELS)).tolist()
        if states and rng.random() < 0.7:
            sizes = [[size for _, size in states[-1].ladder(side)] for side in ("bid", "ask")]
            sizes[int(rng.integers(2))][int(rng.integers(LEVELS))] = int(rng.integers(0, 6))
        if rng.random() < untold_share:
            sizes[int(rng.integers(2))][int(rng.integers(LEVELS))] = None
        states.append(
            State(
                ts,
                tuple(zip(bids, sizes[0], strict=True)),
                tuple(zip(asks, sizes[1], strict=True)),
                is_reset=rng.random() < 0.1,
            )
        )
    return states


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 40))
def test_cells_are_what_their_states_add_up_to_however_these_are_cut(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    states = _any_book(rng, count)
    end = max(2 * count, 1)
    boundaries = sorted({int(at) for at in rng.integers(0, end, 4)})
    zones = tuple(
        Zone(
            f"event {nr}",
            *sorted(int(at) for at in rng.integers(-1, end, 2)),
            *(98.1 + TICK * nr, 101.4 - TICK * nr),
            side=("bid", "ask")[nr % 2],
        )
        for nr in range(5)
    )
    cuts = tuple(int(at) for at in rng.integers(0, count + 1, int(rng.integers(0, 6))))
    found = cells(states, boundaries, zones, cuts)
    expected = by_definition(states, boundaries, zones)
    assert found.keys() == expected.keys()
    for nr, row in expected.items():
        assert {name: found[nr][name] for name in row} == row


# --- rule by rule ---

FULL_BIDS = tuple((99.75 - TICK * level, 2) for level in range(10))
FULL_ASKS = tuple((100 + TICK * level, 4) for level in range(10))


def test_displayed_size_is_the_mean_over_levels_with_a_price() -> None:
    # Then two bids of 10 and 20, whose mean of 15 is 30 * 2520 / 2; then an ask without a price.
    states = [
        State(1, FULL_BIDS, FULL_ASKS),
        State(2, ((99.75, 10), (99.5, 20))),
        State(3, (), ((None, 50),)),
    ]
    row = cells(states, [9])[1]
    assert [row[f"bid_{name}"] for name in ("row_count", "full_sum", "partial_sum")] == [
        *(2, 20, 37_800),
    ]
    assert [row[f"ask_{name}"] for name in ("row_count", "full_sum", "partial_sum")] == [1, 40, 0]
    assert (row["both_row_count"], row["both_full_sum"]) == (2, 60)
    assert row["both_partial_sum"] == 3_491_888_400
    assert (row["spread_row_count"], row["spread_nano_sum"]) == (1, 250_000_000)


def test_parts_of_a_mean_are_exact_beyond_what_64_bits_hold() -> None:
    size = 2**32 - 1
    states = [State(1, ((100, size),))] * 40
    row = cells(states, [9])[1]
    assert row["both_partial_sum"] == 40 * size * 232_792_560 > 2**64


def test_state_at_a_boundary_ends_its_cell() -> None:
    states = [State(ts, ((100, ts),)) for ts in (1, 15, 16, 20, 21)]
    found = cells(states, [15, 20])
    assert {nr: (row["row_count"], row["last_ts_ns"]) for nr, row in found.items()} == {
        1: (2, 15),
        2: (2, 20),
        3: (1, 21),
    }
    assert [found[nr]["sizes"][0] for nr in (1, 2, 3)] == [15, 20, 21]


def test_no_state_is_no_cell() -> None:
    assert cells([], [1, 2]) == {}


@pytest.mark.parametrize(
    ("side", "prices", "flow", "volume"),
    [
        # 5 contracts become 7 at a better price, then 4 there, then 6 at a worse one.
        ("bid", (100, 100.25, 100.25, 100), (7, -3, -4), (7, -3, 0)),
        ("ask", (100, 99.75, 99.75, 100), (-7, 3, 4), (-7, 3, 0)),
    ],
)
def test_better_price_adds_its_size_same_its_change_worse_takes_the_earlier_size(
    side: str, prices: tuple, flow: tuple, volume: tuple
) -> None:
    states = [
        State(nr, **{f"{side}s": ((price, size),)})
        for nr, (price, size) in enumerate(zip(prices, (5, 7, 4, 6), strict=True))
    ]
    found = cells(states, [0, 1, 2, 3])
    for nr in (2, 3, 4):
        assert found[nr]["price_flows"] == {prices[nr - 1]: flow[nr - 2]}
        assert found[nr]["ofi"] == [flow[nr - 2], *[0] * 9]
        assert found[nr]["voi"] == [volume[nr - 2], *[0] * 9]


def test_level_without_a_price_in_either_state_has_no_flow() -> None:
    states = [
        State(1, ((None, 5),), ((101, 1),)),
        State(2, ((100, 7),), ((101, 2),)),
        State(3, ((100, 8),), ((None, 7),)),
    ]
    found = cells(states, [1, 2])
    assert [found[nr]["price_flows"] for nr in (2, 3)] == [{101: -1}, {100: 1}]
    assert [found[nr][name][0] for nr in (2, 3) for name in ("ofi", "voi")] == [-1, -1, 1, 1]


def test_step_to_a_reset_and_from_it_is_no_change_of_the_market() -> None:
    sizes = (1, 2, 4, 8, 16)
    states = [State(nr, ((100, size),), is_reset=nr == 2) for nr, size in enumerate(sizes)]
    row = cells(states, [9])[1]
    assert (row["ofi"][0], row["voi"][0], row["price_flows"]) == (9, 9, {100: 1 + 8})


def test_flows_at_one_price_are_one_part_whatever_their_level_and_side() -> None:
    # A bid gains 3 contracts and is lost; an ask of 4 comes at its price.
    states = [
        State(1, ((100, 1),), ((101, 1),)),
        State(2, ((100, 4),), ((101, 1),)),
        State(3, ((99.75, 6),), ((100, 4),)),
    ]
    table = book_cells(
        batches(states, []), np.array([9]), (), tick_size=TICK, steps_from_ns=0, steps_to_ns=9
    )
    assert table["price_flows"].to_pylist() == [
        [{"price": 99.75, "flow": -4}, {"price": 100.0, "flow": 3 - 4}]
    ]


def _up(start: int = 0, end: int = 240, side: str = "ask") -> tuple[Zone, ...]:
    return (Zone("up", start, end, 98, 102, side),)


def test_zone_is_watched_after_its_start_and_up_to_its_end() -> None:
    # Every state offers a power of two more; 16 and 32 share the end's time.
    times = (-1, 0, 1, 180, 240, 240, 241)
    states = [State(ts, (), ((100, 2**nr - 1),)) for nr, ts in enumerate(times)]
    found = cells(states, [0, 180, 240], _up())
    assert [found[nr]["zone_flows"] for nr in (1, 2, 3, 4)] == [
        {},
        {"up": {"added": 2 + 4, "removed": 0, "pair_count": 2}},
        {"up": {"added": 8 + 16, "removed": 0, "pair_count": 2}},
        {},
    ]


def test_zone_counts_its_side_within_its_prices() -> None:
    before = State(0, ((98, 1), (97.75, 1)), ((102, 1), (102.25, 1)))
    after = State(1, ((98, 17), (97.75, 33)), ((102, 5), (102.25, 9)))
    for side, added in (("ask", 4), ("bid", 16)):
        found = cells([before, after], [9], _up(side=side))[1]["zone_flows"]["up"]
        assert (found["added"], found["removed"]) == (added, 0)


def test_gains_and_losses_of_a_zone_add_up_by_pair() -> None:
    # Six contracts a tick higher change nothing; then 4 come, and in the next pair 9 go.
    asks = ((100, 6), (100.25, 6), (100.25, 10), (100.25, 1))
    states = [State(nr, (), (ask,)) for nr, ask in enumerate(asks)]
    found = cells(states, [9], _up())[1]["zone_flows"]["up"]
    assert found == {"added": 4, "removed": 9, "pair_count": 3}


def _to_tenth(best: Any, tenth: Any, *between: Any) -> tuple:
    named = (best, *between)
    return (*named, *[(None, 0)] * (9 - len(named)), tenth)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_lies_beyond_the_tenth_of_either_state_did_not_change(sign: int) -> None:
    # The best improves by a tick, so that the tenth, 30 contracts at the zone's end, drops out of
    # sight; then it comes back.
    def at(price: float) -> float:
        return 100 + sign * (price - 100)

    wide = _to_tenth((at(99.75), 7), (at(102), 30))
    near = _to_tenth((at(99.5), 5), (at(101.75), 0), (at(99.75), 7))
    name, side = ("asks", "ask") if sign == 1 else ("bids", "bid")
    states = [State(nr, **{name: ladder}) for nr, ladder in enumerate((wide, near, wide))]
    found = cells(states, [9], _up(side=side))[1]["zone_flows"]["up"]
    assert (found["added"], found["removed"]) == (5, 5)


def test_side_with_fewer_than_ten_levels_hides_nothing() -> None:
    states = [
        State(0, (), ((100, 7), (102, 30))),
        State(1, (), ((100, 7),)),
        State(2, (), ((100, 7), (102, 500))),
        State(3, (), _to_tenth((100, 8), (101, 0))),
    ]
    found = cells(states, [1, 2, 3], _up())
    assert [found[nr]["zone_flows"]["up"]["removed"] for nr in (1, 3)] == [30, 0]
    # A tenth in one of the two bounds both: what lies beyond it did not change.
    assert found[3]["zone_flows"]["up"]["added"] == 1


def test_pair_that_does_not_show_the_zone_does_not_count() -> None:
    asks = [_to_tenth((96, size), (tenth, 0)) for size, tenth in ((5, 97.75), (9, 98), (9, 98))]
    states = [State(nr, (), ladder) for nr, ladder in enumerate(asks)]
    found = cells(states, [1, 2], _up())
    assert [found[nr]["zone_flows"]["up"]["pair_count"] for nr in (1, 2)] == [0, 1]


def test_imbalance_of_a_step_is_the_bids_share_in_tenths_rounded_up() -> None:
    # 1 of 11 is bucket 1, 2 of 11 is 2, 10 of 11 is 10; 1 of 10 is 1, exactly a tenth.
    sizes = ((1, 10), (2, 9), (10, 1), (1, 9))
    states = [State(nr, ((100, bid),), ((100.25, ask),)) for nr, (bid, ask) in enumerate(sizes)]
    assert cells(states, [9])[1]["steps"] == {
        (1, 1, 0, 2, 1): 1,
        (2, 1, 0, 10, 1): 1,
        (10, 1, 0, 1, 1): 1,
    }


def test_steps_pass_over_what_changes_nothing_or_is_no_state() -> None:
    # Other sizes of one share; a spread of three ticks, an empty size, a missing side; then up by
    # half a tick and back, twice.
    def best(bid: Price, ask: Price, bid_size: int = 5, ask_size: int = 5) -> State:
        return State(1, ((bid, bid_size),), ((ask, ask_size),))

    states = [
        best(100, 100.25),
        best(100, 100.25, 9, 9),
        best(100, 100.75),
        best(100.5, 100.75, 0),
        best(100.5, None),
        best(100, 100.5),
        best(100, 100.25),
        best(100, 100.5),
    ]
    for cuts in ((), (3,), (1, 2, 4, 6)):
        assert cells(states, [9], cuts=cuts)[1]["steps"] == {
            (5, 1, 1, 5, 2): 2,
            (5, 2, -1, 5, 1): 1,
        }


def test_steps_begin_anew_with_a_reset_whatever_it_shows_and_lie_within_their_span() -> None:
    states = [
        State(nr, ((price, 5),), ((price + TICK, 5),), is_reset=nr == 1)
        for nr, price in enumerate((100, 100.25, 100.5, 100.75, 101.25))
    ]
    assert cells(states, [9])[1]["steps"] == {(5, 1, 2, 5, 1): 1, (5, 1, 4, 5, 1): 1}
    assert cells(states, [9], steps=(3, 4))[1]["steps"] == {(5, 1, 4, 5, 1): 1}
    assert cells(states, [9], steps=(0, 3))[1]["steps"] == {(5, 1, 2, 5, 1): 1}


def test_columns_of_the_ladder_are_named_as_bronze_names_them() -> None:
    assert LADDER_COLUMNS[:2] == ("bid_px_00", "bid_px_01")
    assert LADDER_COLUMNS[-1] == "ask_sz_09"
    assert len(set(LADDER_COLUMNS)) == 40
