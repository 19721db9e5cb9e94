"""What the page of a session's entries shows of each, gathered from the session's commit alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, takewhile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from es_physics.report.session_view import Row, SessionView

FIRST_S, LAST_S = -600, 480
"""Seconds from the entry at which the page begins and ends."""

STEP_S = 5
"""Seconds between two looks at the book."""

_ROOMY_EVENTS = 130
"""So many entries fit into a page with every step of their books; of more, steps are left out."""


def events_file(session_date: date) -> str:
    """The name of the page of a session's entries."""
    return f"{session_date}-entries.html"


@dataclass(frozen=True)
class Path:
    """Price and flow each ten seconds around an entry; None where it is not known.

    `price` in points; `delta` is what aggressors bought less what they sold since the entry, before
    it with the sign that makes the curve one: contracts.
    """

    offset_s: list[int]
    price: list[float | None]
    delta: list[int | None]


@dataclass(frozen=True)
class Book:
    """What the book displayed around an entry's level, step by step.

    `bids` and `asks` hold None for a step that shows nothing of these prices, else a number of a
    tick, counted from `lowest_price`, and sizes. Bids: the lowest tick that is known, and the sizes
    from there up to the best. Asks: the highest that is known, and the sizes from the best up to
    it. All further ticks towards the other side hold nothing, those behind are not known.
    """

    lowest_price: float
    ticks: int
    """How many prices are looked at; 0 where the book is known at no step."""
    offset_s: list[int]
    bids: list[list[int] | None]
    asks: list[list[int] | None]


@dataclass(frozen=True)
class EventView:
    """The tables around the entries of a session; what was not published is empty."""

    session: SessionView
    paths: dict[str, Path]
    books: dict[str, Book]
    grid: list[Row]

    @classmethod
    def read(cls, session: SessionView) -> EventView:
        """Read them. Raises ReportError if a file is not the one that was committed."""
        commit = session.commit
        return cls(
            session=session,
            paths=_paths(commit.table("event_paths"), session.events),
            books=_books(commit.table("event_book"), len(session.events)),
            grid=commit.rows("session_grid"),
        )

    def order_flow(self, event: Row) -> dict[str, list[float]]:
        """Cumulated order flow imbalance of the best level, contracts, 0 at the step of the entry.

        At the ends of the grid's steps around the entry, seconds from it, as far as every step
        between is known; empty where that of the entry is not.
        """
        t0 = event["event_ts_ns"]
        steps = [
            (seconds, row["ofi_best"])
            for row in self.grid
            if FIRST_S <= (seconds := (row["grid_end_ns"] - t0) / 1e9) <= LAST_S
        ]
        before = [step for step in steps if step[0] <= 0]
        known_before = list(takewhile(_is_known, reversed(before)))[::-1]
        known_after = list(takewhile(_is_known, steps[len(before) :])) if known_before else []
        total = np.cumsum([flow for _, flow in [*known_before, *known_after]])
        return {
            "s": [round(seconds, 3) for seconds, _ in [*known_before, *known_after]],
            "total": [int(value - total[len(known_before) - 1]) for value in total],
        }

    def ranges(self, event: Row) -> list[list[float]]:
        """The minutes around the entry: begin and end, seconds from it, and lowest and highest."""
        session, t0 = self.session, event["event_ts_ns"]
        starts = (session.bar_starts_ns - t0) / 1e9
        ends = (session.bar_ends_ns - t0) / 1e9
        lows, highs = session.bars["low"], session.bars["high"]
        return [
            [round(float(starts[n]), 1), round(float(ends[n]), 1), float(lows[n]), float(highs[n])]
            for n in np.flatnonzero((starts >= FIRST_S) & (ends <= LAST_S))
        ]

    def barriers(self, event: Row) -> list[Row]:
        """The barriers of the entry's labels, nearest last: their distance from the level, what
        came of them, when one was touched (None if none was), and what a random walk would do."""
        shares = sorted(
            (name.removeprefix("scaled_barrier_") for name in event if "scaled_barrier_" in name),
            reverse=True,
        )
        return [
            {
                "name": "fixed",
                "distance": self.session.commit.var("outcome_threshold"),
                "outcome": event["outcome"],
                "touched_s": event["time_to_threshold_2"],
                "odds": _odds(event, "null_p_{}"),
            },
            *(
                {
                    "name": f"{int(share) / 100:g} σ",
                    "distance": event[f"scaled_barrier_{share}"],
                    "outcome": event[f"scaled_outcome_{share}"],
                    "touched_s": event[f"scaled_time_{share}"],
                    "odds": _odds(event, f"scaled_null_p_{{}}_{share}"),
                }
                for share in shares
                if event[f"scaled_barrier_{share}"] is not None
            ),
        ]


def _is_known(step: tuple[float, float | None]) -> bool:
    return step[1] is not None


def _odds(event: Row, name: str) -> list[float] | None:
    """What a driftless random walk does: the chances of break, bounce and chop."""
    chances = [event.get(name.format(outcome)) for outcome in ("break", "bounce", "chop")]
    return None if None in chances else [float(f"{chance:.4f}") for chance in chances]


def _paths(table: pa.Table | None, events: list[Row]) -> dict[str, Path]:
    if table is None:
        return {}
    of = {event["event_id"]: event for event in events}
    found = {event_id: Path([], [], []) for event_id in of}
    for row in table.filter(pc.invert(table["is_placebo"])).to_pylist():
        event, path, offset = of[row["event_id"]], found[row["event_id"]], row["offset_s"]
        sign = event["dir_sign"]
        move, volume = row["move"], row["signed_volume"]
        path.offset_s.append(offset)
        path.price.append(None if move is None else event["spot"] + sign * move)
        path.delta.append(None if volume is None else sign * (volume if offset >= 0 else -volume))
    return found


def _books(table: pa.Table | None, events: int) -> dict[str, Book]:
    if table is None:
        return {}
    stride = max(1, math.ceil(events / _ROOMY_EVENTS))
    is_kept = table["offset_s"].to_numpy() % (STEP_S * stride) == 0
    table = table.filter(pa.array(is_kept))
    names = table["event_id"].to_pylist()
    bounds = [place for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    found = {}
    for start, end in pairwise([*bounds, len(names)]):
        steps = table.slice(start, end - start)
        bids, asks = _sizes(steps["bid_sizes"]), _sizes(steps["ask_sizes"])
        ticks = bids.shape[1]
        found[names[start]] = Book(
            lowest_price=steps["lowest_price"][0].as_py(),
            ticks=ticks,
            offset_s=steps["offset_s"].to_pylist(),
            bids=_from_known_to_best(bids),
            asks=[
                row and [ticks - 1 - row[0], *row[:0:-1]]
                for row in _from_known_to_best(asks[:, ::-1])
            ],
        )
    return found


def _sizes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Lists of one length as rows; -1 for an element that is NULL, and all of a list that is."""
    lists = column.combine_chunks()
    width = pc.max(pc.list_value_length(lists)).as_py() or 0
    sizes = np.full((len(lists), width), -1, np.int64)
    known = pc.fill_null(lists.flatten(), -1).to_numpy(zero_copy_only=False)
    sizes[lists.is_valid().to_numpy(zero_copy_only=False)] = known.reshape(-1, width)
    return sizes


def _from_known_to_best(sizes: NDArray[np.int64]) -> list[list[int] | None]:
    """Of each row the place of the first that is known, and the sizes from it to the last held."""
    if not sizes.shape[1]:
        return [None] * len(sizes)
    known, held = sizes >= 0, sizes > 0
    first = known.argmax(axis=1)
    end = np.where(held.any(axis=1), sizes.shape[1] - held[:, ::-1].argmax(axis=1), first)
    rows = zip(*(values.tolist() for values in (sizes, first, end, known.any(axis=1))), strict=True)
    return [[begin, *row[begin:stop]] if is_known else None for row, begin, stop, is_known in rows]
