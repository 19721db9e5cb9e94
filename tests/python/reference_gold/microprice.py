"""Where the mid is expected to settle, given the best level (definitions, section 21).

Stoikov (2018): the states of the best level are a Markov chain, and the microprice adds up the
expected changes of the mid over the moves to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.silver import Row, Silver, days_with_prior

State = tuple[int, int]
Counts = Mapping[tuple[State, int, State], float]

MICROPRICE_SCHEMA = {
    "session_date": pl.Date,
    "i": pl.Int64,
    "spread": pl.Int64,
    "g_ticks": pl.Float64,
}
LARGEST_MOVE = 4
SMALLEST_TERM = 1e-10
TERMS = 10_000


def mirrored(rows: Sequence[Row]) -> Counts:
    """Steps (from, change in half ticks, to) with those of the mirrored market, without jumps."""
    counts: dict[tuple[State, int, State], float] = defaultdict(float)
    for row in rows:
        if abs(row["dh"]) <= LARGEST_MOVE:
            begin, end = (row["i_from"], row["spread_from"]), (row["i_to"], row["spread_to"])
            counts[begin, row["dh"], end] += row["n"]
            counts[(11 - begin[0], begin[1]), -row["dh"], (11 - end[0], end[1])] += row["n"]
    return counts


def living_states(counts: Counts) -> list[State]:
    """States from which a change of the mid can come, by steps that leave it where it is."""
    living = {begin for begin, dh, _ in counts if dh != 0}
    while True:
        more = {begin for begin, dh, end in counts if dh == 0 and end in living} - living
        if not more:
            return sorted(living)
        living |= more


def adjustments(counts: Counts) -> dict[State, float] | None:
    """G in ticks by state; None if the sum of its terms does not end."""
    states = living_states(counts)
    place = {state: number for number, state in enumerate(states)}
    size = len(states)
    total = np.zeros(size)
    stays, moves, drift = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for (begin, dh, end), count in counts.items():
        if begin in place:
            row = place[begin]
            total[row] += count
            drift[row] += count * dh / 2
            # A state that is none of these has an adjustment of 0.
            if end in place:
                (stays if dh == 0 else moves)[row, place[end]] += count
    stays, moves, drift = stays / total[:, None], moves / total[:, None], drift / total
    return series(stays, moves, drift, states)


def series(
    stays: np.ndarray, moves: np.ndarray, drift: np.ndarray, states: Sequence[State]
) -> dict[State, float] | None:
    """Sum of B^k G1, with G1 and B from Q (`stays`), R2 (`moves`) and R1 dh/2 (`drift`)."""
    if not states:
        return {}
    rest = np.eye(len(states)) - stays
    term = np.linalg.solve(rest, drift)
    step = np.linalg.solve(rest, moves)
    result = np.zeros(len(states))
    for _ in range(TERMS):
        result += term
        if np.abs(term).max() < SMALLEST_TERM:
            return {state: float(result[number]) for number, state in enumerate(states)}
        term = step @ term
    return None


def microprice(silver: Silver, constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `microprice` table, by `MICROPRICE_SCHEMA`."""
    counts = silver.by_date("microprice_counts")
    rows = []
    for day, before in days_with_prior(silver, constants):
        found = adjustments(mirrored([row for other in before for row in counts[other]]))
        rows += [(day, i, spread, g) for (i, spread), g in (found or {}).items()]
    return pl.DataFrame(rows, schema=MICROPRICE_SCHEMA, orient="row")


def microprice_offset(
    event: Row, adjustment: Mapping[State, float], constants: GoldConstants = GOLD_DEFAULTS
) -> float | None:
    """Points from the mid, aligned; None for a state that is unknown."""
    if event["imbalance_bucket"] is None or event["spread_ticks"] is None:
        return None
    g = adjustment.get((event["imbalance_bucket"], event["spread_ticks"]))
    return None if g is None else event["dir_sign"] * constants.tick_size_points * g
