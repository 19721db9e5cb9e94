"""Where the mid is expected to settle, given the state of the best level.

Stoikov (2018), "The micro-price: a high-frequency estimator of future prices", Quantitative Finance
18: the states of the best level are a Markov chain in which steps that leave the mid alone are
followed by one that moves it, and that by others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST_TERM = 1e-10
MOST_TERMS = 10_000


def expected_moves(
    start: ArrayLike, half_ticks: ArrayLike, end: ArrayLike, count: ArrayLike, states: int
) -> NDArray[np.float64] | None:
    """Expected move of the mid until it settles, ticks, by state; NaN for a state that has none.

    Steps, one element each: integers `start` and `end` in [0, states), the move of the mid in
    `half_ticks` and how often it was seen (`count`). A state counts if it was left at all and a
    move can be reached from it by steps without one; a step to any other is a step to where nothing
    more is expected. With Q the shares of steps without a move, R those with one and E the mean
    move of a single step, the result is the sum over k of B^k G, where G = (I - Q)^-1 E and
    B = (I - Q)^-1 R.

    None if the terms have not fallen below `SMALLEST_TERM` after `MOST_TERMS` of them.
    """
    begin, stop = np.asarray(start, np.intp), np.asarray(end, np.intp)
    moved = np.asarray(half_ticks, np.float64)
    times = np.asarray(count, np.float64)
    stays, moves = np.zeros((2, states, states))
    np.add.at(stays, (begin[moved == 0], stop[moved == 0]), times[moved == 0])
    np.add.at(moves, (begin[moved != 0], stop[moved != 0]), times[moved != 0])
    drift = np.zeros(states)
    np.add.at(drift, begin, times * moved / 2)
    total = stays.sum(axis=1) + moves.sum(axis=1)

    known = moves.sum(axis=1) > 0
    while (more := (stays[:, known].sum(axis=1) > 0) & ~known).any():
        known |= more
    result = np.full(states, np.nan)
    if not known.any():
        return result
    inner = np.ix_(known, known)
    shares = total[known][:, None]
    rest = np.eye(int(known.sum())) - stays[inner] / shares
    term = np.linalg.solve(rest, drift[known] / total[known])
    step = np.linalg.solve(rest, moves[inner] / shares)
    settled = np.zeros(term.size)
    for _ in range(MOST_TERMS):
        settled += term
        if np.abs(term).max() < SMALLEST_TERM:
            result[known] = settled
            return result
        term = step @ term
    return None
