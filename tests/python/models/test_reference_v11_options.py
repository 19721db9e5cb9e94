"""Hand-worked cases for the reference's greeks, chain by minute and premium flow; each number is
derived in a comment.

The future stands at 6850 and the options expire at 16:00 unless a case says otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from handmade_records import (
    CLOCK,
    CLOSE,
    EVENING,
    NANO,
    OPEN,
    TAU,
    YEARS,
    S,
    an_event,
    definitions,
    option,
    option_trades,
    prices,
    quotes,
    statistics,
)
from reference.black76 import d1, gamma, normal_cdf, otm_price
from reference.clock import MINUTE_NS
from reference.gamma_bands import marks_of
from reference.gamma_by_minute import (
    BY_MINUTE_SCHEMA,
    atm_iv,
    chain_state,
    gamma_by_minute,
    iv_at_delta,
    skew_25d,
    wall,
    zero_gamma,
)
from reference.gamma_by_strike import gamma_by_strike
from reference.greeks import GREEKS, GREEKS_SCHEMA, greeks, with_greeks
from reference.option_features import (
    chain_features,
    dealer_greek,
    newest_premium,
    premium_flows,
    premium_tape,
)
from reference.options import Chain, make_chain

WIDTH = 0.12 * math.sqrt(6.5 / (365 * 24))
"""Total volatility of 0.12 over 6.5 hours."""


# --- greeks ------------------------------------------------------------------------------------


def test_greeks_of_an_out_of_the_money_call() -> None:
    call = greeks(5740.0, 5750.0, WIDTH, "C", 390.0)
    assert call["delta"] == pytest.approx(0.29775400, abs=1e-8)
    assert call["charm_per_minute"] == pytest.approx(-2.3728660e-4, rel=1e-7)
    assert call["vanna_per_vol_percent"] == pytest.approx(1.8508355e-3, rel=1e-7)
    put = greeks(5740.0, 5750.0, WIDTH, "P", 390.0)
    assert put["delta"] == pytest.approx(0.29775400 - 1, abs=1e-8)
    assert put["charm_per_minute"] == call["charm_per_minute"]
    assert put["vanna_per_vol_percent"] == call["vanna_per_vol_percent"]


@pytest.mark.parametrize("strike", [5700.0, 5740.0, 5750.0, 5800.0])
def test_greeks_are_derivatives_of_delta(strike: float) -> None:
    def delta_at(minutes: float, sigma: float = 0.12) -> float:
        return normal_cdf(d1(5740.0, strike, sigma * math.sqrt(minutes / (365 * 1440))))

    got = greeks(5740.0, strike, WIDTH, "C", 390.0)
    assert got["delta"] == pytest.approx(delta_at(390), rel=1e-12)
    # Central differences: a minute that passes is one less left; a hundredth of the volatility.
    passing = (delta_at(390 - 0.01) - delta_at(390 + 0.01)) / 0.02
    assert got["charm_per_minute"] == pytest.approx(passing, rel=1e-6)
    rising = (delta_at(390, 0.12 * 1.0001) - delta_at(390, 0.12 * 0.9999)) / 0.02
    assert got["vanna_per_vol_percent"] == pytest.approx(rising, rel=1e-6)


def test_grid_has_greeks_where_it_has_gamma() -> None:
    chain = make_chain(
        CLOCK,
        definitions(
            option(1, 6860, "C"), option(2, 6860, "P"), option(3, 6860, "C", expiration=CLOSE - 1)
        ),
        quotes((EVENING, 1, 10.0, 10.5)),
    )
    grid = with_greeks(gamma_by_strike(CLOCK, chain, FUTURE, {"ESH6": FUTURE}))
    assert grid.schema == pl.Schema(GREEKS_SCHEMA)
    call, put, unquoted = grid.filter(tau_ns=TAU).rows(named=True)
    # Six hours are left.
    expected = greeks(6850.0, 6860.0, call["iv"] * math.sqrt(YEARS), "C", 360.0)
    for name in GREEKS:
        assert call[name] == pytest.approx(expected[name], rel=1e-14)
        assert unquoted[name] is None
    # The put's volatility is the call's.
    assert put["iv_status"] == "other_side"
    assert put["delta"] == pytest.approx(call["delta"] - 1, rel=1e-14)


# --- the chain by minute -----------------------------------------------------------------------

FUTURE = prices((EVENING, 6850.0))


def strike_row(strike: float, right: str = "C", **changes: Any) -> dict[str, Any]:
    """A row of the grid at 10:00 with a volatility of 0.1 and a total one of 0.003."""
    return {
        "tau_ns": TAU,
        "instrument_id": 1,
        "expiration": CLOSE,
        "underlying_price": 6850.0,
        "calendar_basis": 0.0,
        "strike": strike,
        "right": right,
        "iv": 0.1,
        "iv_status": "solved",
        "total_vol": 0.003,
        "gamma": 0.01,
        "open_interest": 0,
        "oi_gex": 0.0,
        "dealer_net_position": 0,
        "flow_gex": 0.0,
    } | changes


UNKNOWN_STATE = dict.fromkeys(name for name in BY_MINUTE_SCHEMA if name != "tau_ns")


def test_the_nearest_unexpired_series_is_described() -> None:
    soon, late = CLOSE - 1, CLOSE
    rows = [
        strike_row(6850.0, expiration=TAU, underlying_price=1.0, oi_gex=None, flow_gex=None),
        strike_row(
            6855.0, instrument_id=9, expiration=soon, underlying_price=6800.0, calendar_basis=50.0,
            oi_gex=7.0, flow_gex=None,
        ),
        strike_row(6850.0, instrument_id=2, expiration=late, oi_gex=100.0, flow_gex=-3.0),
        strike_row(6840.0, "P", instrument_id=3, expiration=late, oi_gex=-10.0, flow_gex=None),
    ]  # fmt: skip
    got = chain_state(rows)
    assert (got["expiration"], got["underlying_price"], got["calendar_basis"]) == (
        soon,
        6800.0,
        50.0,
    )
    # Totals are those of all that is alive; walls those of the series, in its own points.
    assert (got["oi_gex_total"], got["flow_gex_total"]) == (97.0, -3.0)
    assert (got["call_wall"], got["put_wall"]) == (6855.0, None)
    # Once it has expired the next is the nearest.
    assert chain_state([rows[0], *rows[2:]])["expiration"] == late
    assert chain_state(rows[:1]) == UNKNOWN_STATE


def test_what_is_unknown_at_a_mark() -> None:
    # Nothing of the open interest or of the trades is known; nor is the future's price, then.
    nothing = dict.fromkeys(
        ("iv", "total_vol", "gamma", "oi_gex", "flow_gex", "underlying_price", "calendar_basis")
    )
    got = chain_state([strike_row(6850.0, iv_status="no_underlying", **nothing)])
    assert got == UNKNOWN_STATE | {"expiration": CLOSE}
    # A known nothing is 0.
    got = chain_state([strike_row(6850.0), strike_row(6855.0, oi_gex=None, flow_gex=None)])
    assert (got["oi_gex_total"], got["flow_gex_total"]) == (0.0, 0.0)
    assert (got["call_wall"], got["zero_gamma"]) == (None, None)


def test_one_row_a_mark_with_a_chain_and_none_without() -> None:
    chain = make_chain(CLOCK, definitions(option(1, 6850, "C", expiration=TAU)))
    table = gamma_by_minute(CLOCK, gamma_by_strike(CLOCK, chain, FUTURE, {"ESH6": FUTURE}))
    assert table.schema == pl.Schema(BY_MINUTE_SCHEMA)
    assert table["tau_ns"].to_list() == list(CLOCK.minute_marks_ns)
    # It expires at 10:00: at 09:59 it is alive, from then on every row is empty.
    assert table["expiration"].drop_nulls().len() == 29
    assert set(table.row(29)[1:]) == {None}
    empty = gamma_by_minute(CLOCK, gamma_by_strike(CLOCK, make_chain(CLOCK, None), FUTURE, {}))
    assert empty.is_empty()
    assert empty.schema == table.schema


QUOTED = {6840.0: (0.14, 0.004), 6848.0: (0.12, 0.003), 6852.0: (0.1, 0.003)}


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (6848.0, 0.12),
        (6849.0, 0.115),
        (6850.0, 0.11),
        (6852.0, 0.1),
        (6840.0, 0.14),
        (6839.75, None),
        (6852.25, None),
    ],
)
def test_volatility_at_the_money_is_linear_between_quoted_strikes(
    forward: float, expected: float | None
) -> None:
    assert atm_iv(forward, QUOTED) == (
        None if expected is None else pytest.approx(expected, rel=1e-14)
    )
    assert atm_iv(forward, {}) is None
    lone = atm_iv(forward, {6848.0: (0.12, 0.003)})
    assert lone == (0.12 if forward == 6848.0 else None)


def test_only_quoted_strikes_make_the_smile() -> None:
    def at_the_money(**changes: Any) -> float | None:
        rows = [
            strike_row(6860.0, iv=0.08),
            strike_row(6850.0, iv=0.5, **changes),
            strike_row(6840.0, "P", iv=0.12, iv_status="other_side"),
        ]
        got = chain_state(rows)["atm_iv"]
        return None if got is None else float(got)

    assert at_the_money(iv_status="interpolated") == pytest.approx(0.1, rel=1e-14)
    assert at_the_money(iv_status="solved") == 0.5
    assert at_the_money(iv_status="other_side") == 0.5


def test_delta_is_met_by_the_first_two_that_have_it_between_them() -> None:
    walk = [(0.5, 0.1), (0.3, 0.2), (0.2, 0.4)]
    # Half way from 0.3 to 0.2.
    assert iv_at_delta(walk, 0.25) == pytest.approx(0.3, rel=1e-14)
    # Ends are included, and the nearer pair comes first.
    assert iv_at_delta(walk, 0.3) == pytest.approx(0.2, rel=1e-14)
    assert iv_at_delta(walk, 0.5) == 0.1
    assert iv_at_delta(walk, 0.2) == pytest.approx(0.4, rel=1e-14)
    assert iv_at_delta(walk, 0.19) is iv_at_delta(walk, 0.51) is None
    # A smile so steep that the delta comes back: the first time counts.
    assert iv_at_delta([(0.3, 0.1), (0.2, 0.2), (0.3, 0.9)], 0.25) == pytest.approx(0.15)
    assert iv_at_delta([(0.2, 0.1), (0.3, 0.2)], 0.25) == pytest.approx(0.15)
    # Two of one delta: the nearer strike's. One alone makes no pair.
    assert iv_at_delta([(0.25, 0.1), (0.25, 0.2)], 0.25) == 0.1
    assert iv_at_delta([(0.25, 0.1)], 0.25) is iv_at_delta([], 0.25) is None


def flat_smile(*strikes: float) -> dict[float, tuple[float, float]]:
    """Volatility strike / 1e5, so that a value tells where it was found; the same total one."""
    return {strike: (strike / 1e5, 0.003) for strike in strikes}


def test_skew_walks_outwards_from_the_forward() -> None:
    # With a total volatility of 0.003 one deviation is 20.5 points: delta 0.25 lies 0.674 of it
    # out, 13.9 points, so between ten and twenty points on either side.
    strikes = (6820.0, 6830.0, 6840.0, 6850.0, 6860.0, 6870.0)
    got = skew_25d(6850.0, flat_smile(*strikes))

    def call_delta(strike: float) -> float:
        return normal_cdf(d1(6850.0, strike, 0.003))

    near, far = call_delta(6860.0), call_delta(6870.0)
    assert far < 0.25 < near
    call_strike = 6860 + 10 * (near - 0.25) / (near - far)
    near, far = 1 - call_delta(6840.0), 1 - call_delta(6830.0)
    assert far < 0.25 < near
    put_strike = 6840 - 10 * (near - 0.25) / (near - far)
    assert got == pytest.approx((put_strike - call_strike) / 1e5, rel=1e-10)


def test_skew_needs_both_wings() -> None:
    # The forward's own strike is a call's. Puts: 6840 alone makes no pair; calls likewise.
    wings = (6820.0, 6840.0, 6850.0, 6870.0)
    assert skew_25d(6850.0, flat_smile(*wings)) is not None
    assert skew_25d(6850.0, flat_smile(*wings[1:])) is None
    assert skew_25d(6850.0, flat_smile(*wings[:3])) is None
    # A put just below the forward has a delta of about -0.49, and 6850 is no put for 6850.
    assert skew_25d(6850.0, flat_smile(6820.0, 6850.0, 6870.0)) is None
    assert skew_25d(6850.25, flat_smile(6820.0, 6850.0, 6850.5, 6870.0)) is not None
    # Between 20 and 30 points out delta is below 0.25 already: no pair has it between its ends.
    assert skew_25d(6850.0, flat_smile(6820.0, 6830.0, 6870.0, 6880.0)) is None


def test_walls_are_the_strikes_with_most_open_gamma_of_each_right() -> None:
    rows = [
        strike_row(6840.0, "C", oi_gex=5.0),
        strike_row(6860.0, "C", oi_gex=4.0),
        strike_row(6860.0, "C", oi_gex=2.0, instrument_id=2),  # 6 together
        strike_row(6870.0, "P", oi_gex=-9.0),
        strike_row(6830.0, "P", oi_gex=-8.0),
        strike_row(6890.0, "P", oi_gex=None),
    ]
    assert wall(rows, "C", 6850.0) == 6860.0
    assert wall(rows, "P", 6850.0) == 6870.0
    assert wall(rows[:3], "P", 6850.0) is None
    assert wall([strike_row(6850.0, oi_gex=0.0)], "C", 6850.0) is None
    # Equal ones: the nearest to the forward, then the lower.
    equal = [strike_row(strike, oi_gex=5.0) for strike in (6880.0, 6860.0, 6840.0, 6830.0)]
    assert wall(equal, "C", 6851.0) == 6860.0
    assert wall(equal, "C", 6850.0) == 6840.0


def test_flip_of_a_put_below_and_a_call_above_lies_between_them() -> None:
    # Equal and opposite: gamma(f) = phi(d1) / (f w), so that d1 of the two are of one size where
    # they meet: (ln f/6840 + w^2/2) = -(ln f/6860 + w^2/2), f = sqrt(6840 * 6860) exp(-w^2 / 2).
    rows = [
        strike_row(6840.0, "P", open_interest=10),
        strike_row(6860.0, "C", open_interest=10, instrument_id=2),
    ]
    expected = math.sqrt(6840 * 6860) * math.exp(-(0.003**2) / 2)
    # Linear between two points a point apart: good to some thousandths.
    assert zero_gamma(rows, 6851.3) == pytest.approx(expected, abs=2e-3)

    # Exactly what the definition says: the two values at 6849 and 6850, and the line.
    def dealers(price: float) -> float:
        return 10 * (gamma(price, 6860.0, 0.003) - gamma(price, 6840.0, 0.003))

    low, high = dealers(6849.0), dealers(6850.0)
    assert low < 0 < high
    assert zero_gamma(rows, 6850.0) == pytest.approx(6849 + low / (low - high), rel=1e-13)


def test_flip_nearest_the_forward_and_the_lower_of_two() -> None:
    # Long 6830 and 6870, short 6850, seven points to a deviation: the sign changes half way from
    # each to the next, about 6840 and 6860.
    rows = [
        strike_row(6830.0, "C", open_interest=10, total_vol=0.001),
        strike_row(6850.0, "P", open_interest=10, total_vol=0.001, instrument_id=2),
        strike_row(6870.0, "C", open_interest=10, total_vol=0.001, instrument_id=3),
    ]
    lower, upper = zero_gamma(rows, 6839.0), zero_gamma(rows, 6861.0)
    assert lower is not None
    assert upper is not None
    assert (lower, upper) == pytest.approx((6840, 6860), abs=0.1)
    # From every whole point the grid is the same one.
    middle = (lower + upper) / 2
    assert zero_gamma(rows, float(math.floor(middle))) == pytest.approx(lower, abs=1e-9)
    assert zero_gamma(rows, float(math.ceil(middle))) == pytest.approx(upper, abs=1e-9)


def test_flip_farther_than_a_hundred_points_is_none() -> None:
    rows = [
        strike_row(6840.0, "P", open_interest=10),
        strike_row(6860.0, "C", open_interest=10, instrument_id=2),
    ]
    assert zero_gamma(rows, 6949.0) == pytest.approx(6849.96, abs=0.01)
    assert zero_gamma(rows, 6950.0) is None
    assert zero_gamma(rows, 6749.75) is None


def test_flip_passes_over_prices_without_any_gamma() -> None:
    # So narrow that half way between the strikes nothing is left: exp(-d1^2 / 2) is 0 there.
    rows = [
        strike_row(6800.0, "P", open_interest=10, total_vol=1e-5),
        strike_row(6900.0, "C", open_interest=10, total_vol=1e-5, instrument_id=2),
    ]
    got = zero_gamma(rows, 6850.0)
    # The neighbours in the list of what is not 0 are a few points about each strike.
    assert got is not None
    assert 6800 < got < 6900
    near = [p for p in range(6750, 6951) if gamma(p, 6800.0, 1e-5) != 0]
    far = [p for p in range(6750, 6951) if gamma(p, 6900.0, 1e-5) != 0]
    low, high = gamma(near[-1], 6800.0, 1e-5), gamma(far[0], 6900.0, 1e-5)
    assert far[0] - near[-1] > 50
    assert got == pytest.approx(near[-1] + (far[0] - near[-1]) * low / (low + high), rel=1e-12)


def test_flip_needs_open_interest_of_something_with_a_volatility() -> None:
    put = strike_row(6840.0, "P", open_interest=10)
    call = strike_row(6860.0, "C", open_interest=10, instrument_id=2)
    assert zero_gamma([put], 6850.0) is None  # of one sign everywhere
    for unknown in (
        [put, call | {"iv": None, "total_vol": None}],
        [row | {"open_interest": 0} for row in (put, call)],
        [row | {"open_interest": None} for row in (put, call)],
        [],
    ):
        assert zero_gamma(unknown, 6850.0) is None
    # A call and a put of one strike that are held alike cancel at every price, without a rest.
    rows = [
        row
        for strike in (6830.0, 6840.0, 6850.0, 6865.0)
        for row in (
            strike_row(strike, "C", open_interest=7, total_vol=0.003 + strike * 1e-7),
            strike_row(strike, "P", open_interest=7, total_vol=0.003 + strike * 1e-7),
        )
    ]
    assert zero_gamma(rows, 6850.0) is None


def test_whole_chain_at_a_mark() -> None:
    # Volatilities 0.10, 0.12 and 0.14 at 6870, 6850 and 6830, quoted to the 1e-9 point.
    def mid(strike: float, sigma: float) -> tuple[float, float]:
        price = otm_price(6850.0, strike, sigma * math.sqrt(YEARS))
        return price - 0.125, price + 0.125

    smile = {6830.0: 0.14, 6850.0: 0.12, 6870.0: 0.10}
    rights = {6830.0: "P", 6850.0: "C", 6870.0: "C"}
    chain = make_chain(
        CLOCK,
        definitions(*(option(n, k, rights[k]) for n, k in enumerate(smile, 1))),
        quotes(*((TAU, n, *mid(k, sigma)) for n, (k, sigma) in enumerate(smile.items(), 1))),
        option_trades((EVENING, 3, 5, "B")),
        statistics((EVENING, 1, 100), (EVENING, 3, 200)),
    )
    grid = gamma_by_strike(CLOCK, chain, FUTURE, {"ESH6": FUTURE})
    got = gamma_by_minute(CLOCK, grid).filter(tau_ns=TAU).row(0, named=True)
    assert (got["expiration"], got["underlying_price"], got["calendar_basis"]) == (
        CLOSE,
        6850.0,
        0.0,
    )
    assert got["atm_iv"] == pytest.approx(0.12, rel=1e-8)
    assert (got["call_wall"], got["put_wall"]) == (6870.0, 6830.0)
    units = dict(enumerate(grid.filter(tau_ns=TAU)["unit_gex"], 1))
    assert got["oi_gex_total"] == pytest.approx(200 * units[3] - 100 * units[1], rel=1e-12)
    assert got["flow_gex_total"] == pytest.approx(-5 * units[3], rel=1e-12)
    # There is one put below the forward: no pair.
    assert got["skew_25d"] is None
    assert 6830 < got["zero_gamma"] < 6870


# --- the events' columns -----------------------------------------------------------------------


def test_dealers_greeks_are_summed_over_the_strikes_near_the_level() -> None:
    rows = [
        strike_row(strike, charm_per_minute=charm, dealer_net_position=held)
        for strike, charm, held in (
            (6834.75, 1e3, 1),  # 15.25 below
            (6835.0, 0.5, 4),
            (6850.0, -0.25, 2),
            (6865.0, 0.125, -8),
            (6865.25, 1e3, 1),
        )
    ]
    # 2 - 0.5 - 1.
    assert dealer_greek(rows, 6850.0, "charm_per_minute") == 0.5
    # In front-month points.
    rolled = [row | {"calendar_basis": 50.0} for row in rows]
    assert dealer_greek(rolled, 6900.0, "charm_per_minute") == 0.5
    # Known of some, none of which is near: a known nothing. Of none: unknown.
    assert dealer_greek(rows[:1], 6850.0, "charm_per_minute") == 0.0
    for name in ("charm_per_minute", "dealer_net_position"):
        unknown = [row | {name: None} for row in rows]
        assert dealer_greek(unknown, 6850.0, "charm_per_minute") is None
    assert dealer_greek([], 6850.0, "charm_per_minute") is None


STATE = {
    "calendar_basis": 50.0,
    "zero_gamma": 6790.5,
    "call_wall": 6810.0,
    "put_wall": None,
    "atm_iv": 0.12,
    "skew_25d": 0.03,
}


def test_event_takes_the_last_mark_at_or_before_it() -> None:
    row = strike_row(
        6850.0, charm_per_minute=-0.5, vanna_per_vol_percent=0.25, dealer_net_position=8
    )
    marks = {TAU: [row], TAU + MINUTE_NS: []}
    minutes = {TAU: STATE, TAU + MINUTE_NS: dict.fromkeys(STATE)}
    expected = {
        "dealer_charm": -4.0,
        "dealer_vanna": 2.0,
        # 6850 less 6840.5 and less 6860.
        "dist_to_zero_gamma": 9.5,
        "dist_to_call_wall": -10.0,
        "dist_to_put_wall": None,
        "atm_iv": 0.12,
        "skew_25d": 0.03,
    }
    for after in (0, MINUTE_NS - 1):
        event = an_event(event_ts_ns=TAU + after)
        assert chain_features(event, CLOCK, marks, minutes) == expected
        # Not aligned.
        assert chain_features(event | {"dir_sign": -1}, CLOCK, marks, minutes) == expected
    event = an_event(event_ts_ns=TAU + MINUTE_NS)
    assert chain_features(event, CLOCK, marks, minutes) == dict.fromkeys(expected)
    # Before 09:31 there is no mark; without a chain there are none at all.
    early = an_event(event_ts_ns=OPEN + MINUTE_NS - 1)
    assert chain_features(early, CLOCK, marks, minutes) == dict.fromkeys(expected)
    assert chain_features(event, CLOCK, {}, {}) == dict.fromkeys(expected)


# --- premium flow ------------------------------------------------------------------------------


def small_chain() -> Chain:
    return make_chain(
        CLOCK,
        definitions(
            option(1, 6850, "C"),
            option(2, 6850, "P"),
            option(3, 6900, "C", expiration=OPEN),  # expired at 09:30
            option(4, 6900, "C", unit_of_measure_qty=None),
            option(5, 6900, "C", unit_of_measure_qty=5 * NANO),
        ),
    )


def flows(*rows: tuple[Any, ...], t0: int = TAU) -> tuple[float | None, ...]:
    """Calls over 60 and 240 s, puts over 60 and 240 s."""
    tape = premium_tape(small_chain(), option_trades(*rows))
    return tuple(premium_flows(an_event(event_ts_ns=t0), tape).values())


def test_premium_is_price_times_size_times_multiplier() -> None:
    # 2 * 10.05 * 50 = 1005 paid for calls; 3 * 4 * 50 = 600 received for puts, 200 s ago.
    got = flows((TAU - S, 1, 2, "B", 10.05), (TAU - 200 * S, 2, 3, "A", 4.0))
    assert got == (1005.0, 1005.0, 0.0, -600.0)
    # An expired series counts, so does one of another multiplier; neither an unknown side nor an
    # unknown multiplier does, nor an instrument that is no option of the chain.
    got = flows(
        (TAU, 3, 1, "B", 1.0),
        (TAU, 5, 1, "B", 1.0),
        (TAU, 4, 1, "B", 1.0),
        (TAU, 1, 1, "N", 1.0),
        (TAU, 77, 1, "B", 1.0),
    )
    assert got == (55.0, 55.0, 0.0, 0.0)


def test_premium_windows_are_open_at_the_old_end() -> None:
    ends = [(TAU - seconds * S + late, 1, 1, "B", 0.02)
            for seconds in (0, 60, 240) for late in (0, 1)]  # fmt: skip
    # One US dollar each: at the anchor, a nanosecond after -60 s, at -60 s and after -240 s.
    assert flows(*ends) == (2.0, 4.0, 0.0, 0.0)


def test_premium_is_known_from_the_open_on() -> None:
    before = (OPEN - 30 * S, 1, 1, "B", 1.0)
    assert flows(before, t0=OPEN) == (50.0, 50.0, 0.0, 0.0)
    assert flows(t0=OPEN) == (0.0, 0.0, 0.0, 0.0)
    nothing = {f"{right}_premium_flow_{w}s": None for right in ("call", "put") for w in (60, 240)}
    for tape in (
        premium_tape(small_chain(), None),
        premium_tape(make_chain(CLOCK, None), option_trades((TAU, 1, 1, "B", 1.0))),
        premium_tape(make_chain(CLOCK, definitions(option(1, 6850, "F"))), option_trades()),
    ):
        assert premium_flows(an_event(), tape) == nothing
        assert newest_premium(an_event(), tape) is None


def test_newest_premium_is_of_the_longest_window() -> None:
    def newest(*rows: tuple[Any, ...]) -> int | None:
        return newest_premium(
            an_event(event_ts_ns=TAU), premium_tape(small_chain(), option_trades(*rows))
        )

    old, late = (TAU - 240 * S, 1, 1, "B", 1.0), (TAU - 239 * S, 2, 1, "N", 1.0)
    assert newest(old) is None
    assert newest(old, late) == TAU - 239 * S
    # Other instruments are not read, later trades neither.
    assert newest(late, (TAU, 77, 1, "B", 1.0), (TAU + 1, 1, 1, "B", 1.0)) == TAU - 239 * S


def test_premium_sums_do_not_depend_on_the_order() -> None:
    # 0.1 + 0.2 and the like: summed in integers, forwards and backwards are one number.
    rows = [(TAU, 1, n, "B", 0.05 * n) for n in range(1, 40)]
    assert flows(*rows) == flows(*reversed(rows))
    # 2.5 * sum of n^2.
    assert flows(*rows)[0] == pytest.approx(2.5 * 39 * 40 * 79 / 6, rel=1e-15)


def test_marks_of_a_grid_with_greeks_keep_them() -> None:
    chain = make_chain(
        CLOCK, definitions(option(1, 6850, "C")), quotes((EVENING, 1, 10.0, 10.5)),
        option_trades((EVENING, 1, 4, "B")),
    )  # fmt: skip
    grid = with_greeks(gamma_by_strike(CLOCK, chain, FUTURE, {"ESH6": FUTURE}))
    marks = marks_of(grid)
    minutes = {row["tau_ns"]: row for row in gamma_by_minute(CLOCK, grid).rows(named=True)}
    got = chain_features(an_event(event_ts_ns=TAU), CLOCK, marks, minutes)
    # Dealers are short four of the one option.
    row = marks[TAU][0]
    assert got["dealer_charm"] == -4 * row["charm_per_minute"]
    assert got["dealer_vanna"] == -4 * row["vanna_per_vol_percent"]
    assert got["atm_iv"] == row["iv"]
