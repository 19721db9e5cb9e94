"""What the chain says about an event beyond its gamma bands (definitions, section 11)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from reference.clock import SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.gamma_bands import Rows, is_around, placed, total
from reference.options import NANO, Chain

BY_MINUTE_FEATURES = (
    "dist_to_zero_gamma",
    "dist_to_call_wall",
    "dist_to_put_wall",
    "atm_iv",
    "skew_25d",
)


class Premium(NamedTuple):
    """One option trade: UTC nanoseconds, right, and what its aggressor paid (received: negative) in
    units of 1e-18 US dollars."""

    ts_ns: int
    right: str
    paid: int


@dataclass(frozen=True)
class PremiumTape:
    """The trades of a chain's options, in order."""

    trades: Sequence[Premium]

    def window(self, t0: int, seconds: int) -> Sequence[Premium]:
        """The trades of (t0 - seconds, t0]."""
        first = bisect_right(self.trades, t0 - seconds * SECOND_NS, key=lambda p: p.ts_ns)
        after = bisect_right(self.trades, t0, key=lambda p: p.ts_ns)
        return self.trades[first:after]


def premium_tape(chain: Chain, trades: pl.DataFrame | None) -> PremiumTape | None:
    """The premiums of the chain's trades, expired series too; None where there is no chain or the
    trades, by `TRADES_SCHEMA`, were never asked for."""
    if trades is None or not chain.options:
        return None
    options = {option.instrument_id: option for option in chain.options}
    premiums = []
    for ts_ns, number, price, size, side in (
        trades.sort("ts_ns", "row_nr")
        .select("ts_ns", "instrument_id", "price", "size", "side")
        .iter_rows()
    ):
        option = options.get(number)
        if option is None:
            continue
        paid = 0
        # A trade of unknown side, price or multiplier is read, and moves nothing.
        if side in ("B", "A") and price is not None and option.multiplier is not None:
            paid = round(price * NANO) * size * round(option.multiplier * NANO)
        premiums.append(Premium(ts_ns, option.right, paid if side == "B" else -paid))
    return PremiumTape(premiums)


def premium_flows(
    event: Mapping[str, Any], premiums: PremiumTape | None, constants: Constants = DEFAULTS
) -> dict[str, float | None]:
    """Net premium that aggressors paid for calls and for puts, US dollars; up-positive nowhere:
    a put bought counts as positive too."""
    columns: dict[str, float | None] = {}
    for name, right in (("call", "C"), ("put", "P")):
        for seconds in constants.premium_windows_s:
            flow = None
            if premiums is not None:
                window = premiums.window(event["event_ts_ns"], seconds)
                paid = sum(trade.paid for trade in window if trade.right == right)
                flow = paid / (NANO * NANO)
            columns[f"{name}_premium_flow_{seconds}s"] = flow
    return columns


def newest_premium(
    event: Mapping[str, Any], premiums: PremiumTape | None, constants: Constants = DEFAULTS
) -> int | None:
    """Time of the newest trade that the premium flows read; None where they read none."""
    if premiums is None or not constants.premium_windows_s:
        return None
    window = premiums.window(event["event_ts_ns"], max(constants.premium_windows_s))
    return window[-1].ts_ns if window else None


def dealer_greek(
    rows: Rows, level: float, greek: str, constants: Constants = DEFAULTS
) -> float | None:
    """The dealers' position times a greek, over the strikes near the level; None where it is known
    of no instrument."""
    products = [
        {**row, "held": row[greek] * row["dealer_net_position"]}
        for row in rows
        if row[greek] is not None and row["dealer_net_position"] is not None
    ]
    return total(placed(products, level, "held"), is_around, constants.fuel_strike_range)


def chain_features(
    event: Mapping[str, Any],
    clock: SessionClock,
    marks: Mapping[int, Rows],
    minutes: Mapping[int, Mapping[str, Any]],
    constants: Constants = DEFAULTS,
) -> dict[str, float | None]:
    """The columns from the last minute mark at or before the event; None before the first mark and
    without a chain.

    `marks` are the rows of `gamma_by_strike` with greeks, `minutes` those of `gamma_by_minute`, by
    mark.
    """
    tau = max(
        (mark for mark in clock.minute_marks_ns if mark <= event["event_ts_ns"]), default=None
    )
    if tau not in minutes:
        return dict.fromkeys(("dealer_charm", "dealer_vanna", *BY_MINUTE_FEATURES))
    level, state = event["level_price"], minutes[tau]

    def from_spot(place: str) -> float | None:
        if state[place] is None or state["calendar_basis"] is None:
            return None
        return float(event["spot"] - (state[place] + state["calendar_basis"]))

    return {
        "dealer_charm": dealer_greek(marks[tau], level, "charm_per_minute", constants),
        "dealer_vanna": dealer_greek(marks[tau], level, "vanna_per_vol_percent", constants),
        "dist_to_zero_gamma": from_spot("zero_gamma"),
        "dist_to_call_wall": from_spot("call_wall"),
        "dist_to_put_wall": from_spot("put_wall"),
        "atm_iv": state["atm_iv"],
        "skew_25d": state["skew_25d"],
    }
