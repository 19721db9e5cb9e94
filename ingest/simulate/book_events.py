"""What happens in one instrument's book over a trade date, before any size is known.

Prices are in ticks. Price moves come first: where the path crosses a tick, the best level it runs
into is taken out (DEPLETE) and the side behind follows into the empty price (REFILL), at once or
a little later. Size updates (UPDATE) at one of the ten levels of a side fill the time between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ingest.simulate.hours import SECOND_NS

BID, ASK = 0, 1


class Kind(IntEnum):
    """What an event does to its price level."""

    UPDATE = 0
    DEPLETE = 1
    REFILL = 2


_LEVEL_WEIGHTS = np.array([0.42, 0.13, 0.09, 0.07, 0.06, 0.06, 0.05, 0.04, 0.04, 0.04])
_UPDATES_PER_BURST = 1.8
_UPDATES_PER_ROW = 1.2
"""An update that happens to draw the size already there shows no row."""
# A path is followed less closely where it would leave too few rows for anything else.
_MOVE_ROWS_SHARE = 0.5
_ROWS_PER_MOVE = 2.2
_KNOT_SECONDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
# A level is refilled at once in this share of moves, else after a part of the time to the next
# move: together the spread is wider than a tick for about 6 % of the time.
_REFILLED_AT_ONCE = 0.4
_REFILL_DELAY_MEAN = 0.1
_LONGEST_GAP_NS = 600 * SECOND_NS
_SWEEP_MOVES = 3
_SWEEP_WITHIN_NS = 20 * SECOND_NS


@dataclass(frozen=True)
class BookEvents:
    """The events of one instrument in order, each array of shape (n,).

    `bid` and `ask` are the best prices after the event, `level` its level before it. `progress`
    runs from 0 to 1 between two moves; `last_move` and `next_move` are +1 up, -1 down, 0 none.
    Events of one burst share `ts_ns`.
    """

    ts_ns: np.ndarray
    kind: np.ndarray
    side: np.ndarray
    level: np.ndarray
    price: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    swept: np.ndarray
    progress: np.ndarray
    last_move: np.ndarray
    next_move: np.ndarray
    first_bid: int

    def __len__(self) -> int:
        return len(self.ts_ns)


@dataclass(frozen=True)
class _Moves:
    """One-tick moves of the best prices: time, direction, whether part of a sweep."""

    ts_ns: np.ndarray
    direction: np.ndarray
    swept: np.ndarray


def book_events(
    rng: np.random.Generator,
    path_ticks: np.ndarray,
    at_ns: np.ndarray,
    intensity: np.ndarray,
    rows: float,
    sweeps_per_busy_hour: float,
) -> BookEvents:
    """The events of one instrument that follows a path.

    path_ticks, at_ns: (n + 1,) price and UTC nanoseconds at the edges of n open seconds;
    intensity: (n,) share of an ordinary session's rows in each second; rows: how many book rows
    an ordinary session shall have, which the result meets within some percent;
    sweeps_per_busy_hour: orders that take several levels, per hour as busy as the cash session's.
    """
    share = float(intensity.sum())
    knots = knots_of(path_ticks, rows * share)
    busy_hours = share / max(float(np.quantile(intensity, 0.9)), 1e-12) / 3_600
    moves = _moves(path_ticks, at_ns, knots)
    moves = _with_sweeps(rng, moves, sweeps_per_busy_hour * busy_hours)
    updates = _UPDATES_PER_ROW * max(0.0, rows * share - _ROWS_PER_MOVE * len(moves.ts_ns))
    update_ns = update_times(rng, at_ns, intensity, round(updates))
    return _in_order(rng, moves, update_ns, int(np.floor(path_ticks[0])))


def knots_of(path_ticks: np.ndarray, rows: float) -> np.ndarray:
    """Indices of the finest grid of path points whose moves fit into the rows.

    The book of an instrument follows its path straight between these points.
    """
    last = len(path_ticks) - 1
    for spacing in _KNOT_SECONDS:
        knots = np.append(np.arange(0, last, spacing), last)
        moves = np.abs(np.diff(np.floor(path_ticks[knots]))).sum()
        if moves * _ROWS_PER_MOVE <= _MOVE_ROWS_SHARE * rows:
            break
    return knots


def _moves(path_ticks: np.ndarray, at_ns: np.ndarray, knots: np.ndarray) -> _Moves:
    """Where the path, straight between knots, crosses a tick."""
    value = path_ticks[knots]
    floor = np.floor(value)
    crossings = np.diff(floor).astype(np.int64)
    segment = np.repeat(np.arange(len(crossings)), np.abs(crossings))
    nth = np.arange(len(segment)) - np.repeat(
        np.cumsum(np.abs(crossings)) - np.abs(crossings), np.abs(crossings)
    )
    up = crossings[segment] > 0
    crossed = floor[segment] + np.where(up, 1 + nth, -nth)
    passed = (crossed - value[segment]) / (value[segment + 1] - value[segment])
    second = knots[segment] + passed * (knots[segment + 1] - knots[segment])
    ts_ns = _clock(at_ns, second)
    steps = 2 * np.arange(len(ts_ns))
    ts_ns = np.maximum.accumulate(ts_ns - steps) + steps
    direction = np.where(up, 1, -1).astype(np.int8)
    return _Moves(ts_ns, direction, np.zeros(len(ts_ns), dtype=bool))


def _clock(at_ns: np.ndarray, second: np.ndarray) -> np.ndarray:
    """UTC nanoseconds of a count of open seconds with its fraction."""
    whole = np.minimum(second.astype(np.int64), len(at_ns) - 2)
    return at_ns[whole] + np.minimum((second - whole) * SECOND_NS, SECOND_NS - 1).astype(np.int64)


def _with_sweeps(rng: np.random.Generator, moves: _Moves, wanted: float) -> _Moves:
    """Some runs of moves in one direction happen at one moment: one order takes several levels."""
    run = _SWEEP_MOVES - 1
    if len(moves.ts_ns) <= run:
        return moves
    ts, direction = moves.ts_ns, moves.direction
    same = (direction[run:] == direction[:-run]) & (direction[1:-1] == direction[:-run])
    starts = np.flatnonzero(same & (ts[run:] - ts[:-run] < _SWEEP_WITHIN_NS))
    starts = starts[rng.random(len(starts)) < wanted / max(len(starts), 1)]
    starts = starts[np.diff(starts, prepend=-_SWEEP_MOVES) >= _SWEEP_MOVES]
    ts, swept = ts.copy(), moves.swept.copy()
    for offset in range(_SWEEP_MOVES):
        ts[starts + offset] = moves.ts_ns[starts]
        swept[starts + offset] = True
    return _Moves(ts, direction, swept)


def update_times(
    rng: np.random.Generator, at_ns: np.ndarray, intensity: np.ndarray, count: int
) -> np.ndarray:
    """int64: times of about `count` updates in bursts, spread by intensity, ascending."""
    waits = np.cumsum(rng.standard_exponential(int(count / _UPDATES_PER_BURST) + 1))
    reached = np.append(0.0, np.cumsum(intensity))
    bursts = np.interp(waits[:-1] / waits[-1] * reached[-1], reached, np.arange(len(reached)))
    sizes = rng.geometric(1 / _UPDATES_PER_BURST, len(bursts))
    return np.repeat(_clock(at_ns, bursts), sizes)


def _in_order(
    rng: np.random.Generator, moves: _Moves, update_ns: np.ndarray, first_bid: int
) -> BookEvents:
    """Moves and updates merged in time, with the prices that follow from their order."""
    refill_ns = _refill_times(rng, moves)
    count = len(moves.ts_ns)
    total = 2 * count + len(update_ns)
    ts_ns = np.concatenate([moves.ts_ns, refill_ns, update_ns])
    # Stable, so that a sweep takes all its levels before any of them is refilled.
    order = np.argsort(ts_ns, kind="stable")

    kind = np.full(total, Kind.UPDATE, dtype=np.int8)
    kind[:count], kind[count : 2 * count] = Kind.DEPLETE, Kind.REFILL
    direction = np.zeros(total, dtype=np.int8)
    direction[:count] = direction[count : 2 * count] = moves.direction
    swept = np.zeros(total, dtype=bool)
    swept[:count] = moves.swept
    level = np.zeros(total, dtype=np.int8)
    level[2 * count :] = np.searchsorted(
        np.cumsum(_LEVEL_WEIGHTS)[:-1], rng.random(len(update_ns)), side="right"
    )
    side = np.zeros(total, dtype=np.int8)
    # An up move takes the ask and refills the bid.
    side[:count] = np.where(moves.direction > 0, ASK, BID)
    side[count : 2 * count] = np.where(moves.direction > 0, BID, ASK)
    side[2 * count :] = rng.integers(0, 2, len(update_ns), dtype=np.int8)

    kind, direction, swept = kind[order], direction[order], swept[order]
    level, side, ts_ns = level[order], side[order], ts_ns[order]
    moving = kind != Kind.UPDATE
    bid = first_bid + np.cumsum(direction * (moving & (side == BID)), dtype=np.int32)
    ask = first_bid + 1 + np.cumsum(direction * (moving & (side == ASK)), dtype=np.int32)
    best = np.where(side == BID, bid, ask)
    # A depletion leaves its price behind; every other event shows it in the book after.
    price = best - np.where(kind == Kind.DEPLETE, direction, 0)
    price += np.where(side == BID, -level, level)

    depleting = kind == Kind.DEPLETE
    move = np.cumsum(depleting)
    edges = np.concatenate([[0], np.flatnonzero(depleting), [total]])
    directions = np.concatenate([[0], moves.direction, [0]]).astype(np.int8)
    start, end = edges[move], edges[move + 1]
    progress = ((np.arange(total) - start) / np.maximum(end - start, 1)).astype(np.float32)
    return BookEvents(
        ts_ns=ts_ns,
        kind=kind,
        side=side,
        level=level,
        price=price.astype(np.int32),
        bid=bid,
        ask=ask,
        swept=swept,
        progress=progress,
        last_move=directions[move],
        next_move=directions[move + 1],
        first_bid=first_bid,
    )


def _refill_times(rng: np.random.Generator, moves: _Moves) -> np.ndarray:
    """When the side behind follows each move: never later than just before the next one."""
    ts = moves.ts_ns
    if not len(ts):
        return ts
    gap = np.diff(ts, append=ts[-1])
    delay = np.minimum(rng.exponential(_REFILL_DELAY_MEAN, len(ts)), 0.9)
    at_once = (rng.random(len(ts)) < _REFILLED_AT_ONCE) | moves.swept
    # A long gap may hold hours in which the market is closed.
    delay[at_once | (gap > _LONGEST_GAP_NS)] = 0
    return ts + (delay * gap).astype(np.int64)
