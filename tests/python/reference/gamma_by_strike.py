"""Quotes, implied volatilities and gamma of the chain, minute by minute (section 7)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from reference.black76 import gamma, implied_volatility, is_solvable
from reference.clock import SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.kinematics import PriceHistory
from reference.options import NANO, Chain, Option, Quote

GAMMA_SCHEMA = {
    "session_date": pl.Date,
    "tau_ns": pl.Int64,
    "instrument_id": pl.Int64,
    "symbol": pl.String,
    "underlying": pl.String,
    "expiration": pl.Int64,
    "strike": pl.Float64,
    "right": pl.String,
    "multiplier": pl.Float64,
    "underlying_price": pl.Float64,
    "calendar_basis": pl.Float64,
    "bid_price": pl.Float64,
    "ask_price": pl.Float64,
    "quote_age_s": pl.Float64,
    "quote_status": pl.String,
    "iv": pl.Float64,
    "iv_status": pl.String,
    "total_vol": pl.Float64,
    "gamma": pl.Float64,
    "unit_gex": pl.Float64,
    "open_interest": pl.Int64,
    "oi_gex": pl.Float64,
    "dealer_net_position": pl.Int64,
    "flow_gex": pl.Float64,
}

YEAR_NS = 365 * 86_400 * SECOND_NS

Smile = Mapping[float, tuple[float, int]]
"""By strike, ascending: a solved volatility and the id of the instrument whose mid gave it."""


def gamma_by_strike(
    clock: SessionClock,
    chain: Chain,
    front_month: PriceHistory,
    underlyings: Mapping[str | None, PriceHistory],
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The `gamma_by_strike` table, by `GAMMA_SCHEMA`, ordered by mark and instrument.

    `front_month` are the prices that index levels refer to; `underlyings` has those of every
    future that an option of the chain delivers.
    """
    rows: list[dict[str, Any]] = []
    for tau in clock.minute_marks_ns:
        chain_at = [
            {"session_date": clock.session_date}
            | state(option, tau, chain, front_month.at(tau), underlyings[option.underlying].at(tau))
            for option in chain.options
        ]
        for row in chain_at:
            row["quote_status"] = quote_status(row, constants)
        smiles = {
            expiration: smile(
                [row for row in chain_at if row["expiration"] == expiration], constants
            )
            for expiration in {row["expiration"] for row in chain_at}
        }
        for row in chain_at:
            row |= volatility(row, smiles[row["expiration"]])
            row |= exposure(row)
            rows.append({name: row.get(name) for name in GAMMA_SCHEMA})
    return pl.DataFrame(rows, schema=GAMMA_SCHEMA)


def state(
    option: Option, tau: int, chain: Chain, front: float | None, forward: float | None
) -> dict[str, Any]:
    """What is known of an option at a mark before anything is computed from it.

    `front` and `forward` are the last prices of the front month and of the option's underlying.
    """
    number = option.instrument_id
    quoted_ns, quote = chain.quotes[number].at(tau) or (None, Quote(None, None))
    _, open_interest = chain.open_interest[number].at(tau) or (None, 0)
    dealers = None
    if chain.customer_net is not None:
        # Whatever customers bought, dealers sold.
        _, bought = chain.customer_net[number].at(tau) or (None, 0)
        dealers = -bought
    return option._asdict() | {
        "tau_ns": tau,
        "strike": option.strike_nano / NANO,
        "underlying_price": forward,
        "calendar_basis": None if front is None or forward is None else front - forward,
        "bid_nano": quote.bid_nano,
        "ask_nano": quote.ask_nano,
        "bid_price": None if quote.bid_nano is None else quote.bid_nano / NANO,
        "ask_price": None if quote.ask_nano is None else quote.ask_nano / NANO,
        "quote_age_s": None if quoted_ns is None else (tau - quoted_ns) / SECOND_NS,
        "open_interest": open_interest if chain.is_open_interest_known(tau) else None,
        "dealer_net_position": dealers,
        "years": (option.expiration - tau) / YEAR_NS,
    }


def quote_status(row: Mapping[str, Any], constants: Constants = DEFAULTS) -> str:
    """What keeps the quote from giving a volatility, the first that applies; else solved."""
    bid, ask = row["bid_nano"], row["ask_nano"]
    if row["expiration"] <= row["tau_ns"]:
        return "expired"
    if row["underlying_price"] is None:
        return "no_underlying"
    if bid is None and ask is None:
        return "no_quote"
    if bid is None or ask is None or bid <= 0:
        return "one_sided"
    if doubled_time_value_nano(row) <= 0:
        return "at_or_below_intrinsic"
    if not is_solvable(*_pricing(row), constants):
        return "unsolvable"
    return "solved"


def doubled_time_value_nano(row: Mapping[str, Any]) -> int:
    """Bid plus ask less twice the intrinsic value, in whole 1e-9 points: no mid is rounded."""
    above = round(row["underlying_price"] * NANO) - row["strike_nano"]
    intrinsic = max(0, above if row["right"] == "C" else -above)
    return int(row["bid_nano"] + row["ask_nano"] - 2 * intrinsic)


def _pricing(row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Forward, strike, time value (points) and years."""
    time_value = doubled_time_value_nano(row) / (2 * NANO)
    return row["underlying_price"], row["strike"], time_value, row["years"]


def smile(rows: Iterable[Mapping[str, Any]], constants: Constants = DEFAULTS) -> Smile:
    """The volatilities that the quotes of one expiration at one mark give, one a strike."""
    solved: dict[float, tuple[float, int]] = {}
    for row in sorted(rows, key=_by_strike_and_use):
        # Of several instruments with the same strike and right the first by id that is solved.
        if row["quote_status"] == "solved" and row["strike"] not in solved:
            iv = implied_volatility(*_pricing(row), constants)
            solved[row["strike"]] = (iv, row["instrument_id"])
    return solved


def _by_strike_and_use(row: Mapping[str, Any]) -> tuple[float, bool, int]:
    """Strikes rising, and of each the out-of-the-money side first."""
    forward = row["underlying_price"]
    is_call_side = forward is not None and row["strike"] >= forward
    return row["strike"], is_call_side != (row["right"] == "C"), row["instrument_id"]


def volatility(row: Mapping[str, Any], smile: Smile) -> dict[str, Any]:
    """The strike's own volatility, else the one between or beside those of other strikes."""
    if row["quote_status"] in ("expired", "no_underlying") or not smile:
        return {"iv": None, "iv_status": row["quote_status"]}
    strike = row["strike"]
    if strike in smile:
        iv, source = smile[strike]
        own = source == row["instrument_id"]
        return {"iv": iv, "iv_status": "solved" if own else "other_side"}
    return {"iv": interpolated(strike, smile), "iv_status": "interpolated"}


def interpolated(strike: float, smile: Smile) -> float:
    """Linear in strike between the two solved strikes around it, flat outside them."""
    solved = list(smile)
    if strike <= solved[0]:
        return smile[solved[0]][0]
    if strike >= solved[-1]:
        return smile[solved[-1]][0]
    below, above = next(pair for pair in pairwise(solved) if pair[0] < strike < pair[1])
    share = (strike - below) / (above - below)
    return smile[below][0] + share * (smile[above][0] - smile[below][0])


def exposure(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Gamma (per point), and US dollars of delta for a move of one percent.

    Dealers are taken to be long the calls and short the puts of the open interest.
    """
    columns: dict[str, float | None] = {}
    if row["iv"] is None:
        return columns
    forward = row["underlying_price"]
    total_vol = row["iv"] * math.sqrt(row["years"])
    columns["total_vol"] = total_vol
    columns["gamma"] = gamma(forward, row["strike"], total_vol)
    if row["multiplier"] is None:
        return columns
    unit_gex = columns["gamma"] * row["multiplier"] * forward**2 * 0.01
    columns["unit_gex"] = unit_gex
    if row["open_interest"] is not None:
        held = row["open_interest"] if row["right"] == "C" else -row["open_interest"]
        columns["oi_gex"] = unit_gex * held
    if row["dealer_net_position"] is not None:
        columns["flow_gex"] = unit_gex * row["dealer_net_position"]
    return columns
