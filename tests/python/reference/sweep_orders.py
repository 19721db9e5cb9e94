"""Orders that took several prices at once, and clusters of them (definitions, section 10).

The exchange gives all trades of one order the same event time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reference.clock import SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.tape import MILLISECOND_NS, window_trades
from reference.trades import Trade


class SweepOrder(NamedTuple):
    """Trades of one order: +1 bought or -1 sold, contracts, distinct prices, first and last time
    (UTC nanoseconds)."""

    side: int
    size: int
    prices: int
    first_ns: int
    last_ns: int


def sweep_orders(trades: Sequence[Trade]) -> list[SweepOrder]:
    """Of ordered trades the maximal stretches of one known event time and aggressor with two prices
    or more."""
    stretches: list[list[Trade]] = []
    previous: Trade | None = None
    for trade in trades:
        continues = (
            previous is not None
            and trade.ts_event is not None
            and (trade.ts_event, trade.side) == (previous.ts_event, previous.side)
        )
        if continues:
            stretches[-1].append(trade)
        else:
            stretches.append([trade])
        previous = trade
    return [
        SweepOrder(
            side=1 if stretch[0].side == "B" else -1,
            size=sum(trade.size for trade in stretch),
            prices=len({trade.price for trade in stretch}),
            first_ns=stretch[0].ts_ns,
            last_ns=stretch[-1].ts_ns,
        )
        for stretch in stretches
        if stretch[0].side in ("B", "A") and len({trade.price for trade in stretch}) >= 2
    ]


def clusters(
    orders: Sequence[SweepOrder], constants: Constants = DEFAULTS
) -> list[list[SweepOrder]]:
    """Maximal runs of one side in which each order begins soon after the one before it ended."""
    gap_ns = constants.sweep_cluster_gap_ms * MILLISECOND_NS
    found: list[list[SweepOrder]] = []
    for order in orders:
        # The order before it, of whichever side, is the last one of the newest cluster.
        before = found[-1][-1] if found else None
        if (
            before is not None
            and before.side == order.side
            and order.first_ns - before.last_ns <= gap_ns
        ):
            found[-1].append(order)
        else:
            found.append([order])
    return found


def sweep_order_features(
    event: Mapping[str, Any], trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Sweep orders of the tape's window; sizes are contracts, net ones aligned with the event."""
    t0, sign = event["event_ts_ns"], event["dir_sign"]
    window = window_trades(trades, t0, constants.tape_window_s)
    orders = sweep_orders(window)
    found = clusters(orders, constants)
    traded = sum(trade.size for trade in window)
    swept = sum(order.size for order in orders)
    largest: Sequence[SweepOrder] = ()
    for cluster in found:
        # Of equal ones the later.
        if sum(order.size for order in cluster) >= sum(order.size for order in largest):
            largest = cluster
    return {
        "sweep_order_count": len(orders),
        "sweep_order_net_size": sign * sum(order.side * order.size for order in orders),
        "sweep_levels_max": max((order.prices for order in orders), default=0),
        "sweep_order_share": swept / traded if traded else None,
        "sweep_cluster_count": len(found),
        "sweep_cluster_net_size": sign * sum(order.side * order.size for order in largest),
        "seconds_since_sweep": (t0 - orders[-1].last_ns) / SECOND_NS if orders else None,
    }
