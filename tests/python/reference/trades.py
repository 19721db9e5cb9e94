"""Trades as the reference walks them: a frame at the edges, plain records inside."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reference.clock import SessionClock

TRADES_SCHEMA = pl.Schema(
    {
        "ts_ns": pl.Int64,
        "row_nr": pl.Int64,
        "instrument_id": pl.Int64,
        "symbol": pl.String,
        "price": pl.Float64,
        "size": pl.Int64,
        "side": pl.String,
    }
)
"""A trades frame: receive time in UTC nanoseconds, price in points, size in contracts, side B/A/N
of the aggressor; rows in any order, unique in (`ts_ns`, `row_nr`).

It may have the column `ts_event` too: the exchange's time, NULL where it is unknown."""


class Trade(NamedTuple):
    """One front-month trade: UTC nanoseconds, index points, contracts, aggressor side; and the
    exchange's time, None where it is not known."""

    ts_ns: int
    price: float
    size: int
    side: str | None
    ts_event: int | None = None


def contract_trades(
    trades: pl.DataFrame | None, clock: SessionClock, contract: str | None
) -> list[Trade]:
    """One contract's trades inside the trade date's clock, ordered by (`ts_ns`, `row_nr`).

    Without a contract or without a partition there are none.

    Raises:
        ValueError: a trade of the contract has no price, for which nothing is defined.
    """
    if trades is None or contract is None:
        return []
    of_contract = trades.filter(
        pl.col("symbol") == contract,
        pl.col("ts_ns") >= clock.session_start_ns,
        pl.col("ts_ns") < clock.session_end_ns,
    ).sort("ts_ns", "row_nr")
    unpriced = of_contract["price"].null_count()
    if unpriced:
        raise ValueError(
            f"{unpriced} trades of {contract} on {clock.session_date} have no price;"
            " no level, bar or label is defined on such a trade"
        )
    columns = [name for name in Trade._fields if name in of_contract.columns]
    return [Trade(*row) for row in of_contract.select(columns).iter_rows()]


def trades_between(trades: Sequence[Trade], after_ns: int, to_ns: int) -> Sequence[Trade]:
    """The ordered trades of (after_ns, to_ns], all of those that share `to_ns` included."""
    first = bisect_right(trades, after_ns, key=lambda trade: trade.ts_ns)
    after = bisect_right(trades, to_ns, key=lambda trade: trade.ts_ns)
    return trades[first:after]


def signed_size(trade: Trade) -> int:
    """Contracts, bought positive and sold negative by the aggressor; of unknown side they are 0."""
    return {"B": trade.size, "A": -trade.size}.get(trade.side or "N", 0)


def signed_volume(trades: Sequence[Trade]) -> int:
    """Contracts bought less sold."""
    return sum(map(signed_size, trades))
