"""Hand-worked cases for the reference's gamma exposure; each number is derived in a comment.

The future stands at 6850 and the options expire at 16:00 unless a case says otherwise. At the money
Black's price is F * (2 * N(v / 2) - 1) = F * erf(v / sqrt(8)), v = sigma * sqrt(T), which can be
turned round: the expected volatilities come from `erfinv`, not from the root finder under test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from handmade_records import (
    CLOCK,
    CLOSE,
    DAY,
    EVENING,
    NANO,
    OPEN,
    TAU,
    YEARS,
    S,
    definitions,
    option,
    option_trades,
    prices,
    quotes,
    statistics,
)
from reference import build_session, read_session
from reference.black76 import gamma, implied_volatility, is_solvable, otm_price
from reference.clock import MINUTE_NS, new_york_ns, session_clock
from reference.gamma_bands import (
    bands,
    fuel_effect,
    gamma_columns,
    gamma_exposure,
    gamma_features,
    marks_of,
)
from reference.gamma_by_strike import GAMMA_SCHEMA, gamma_by_strike
from reference.kinematics import PriceHistory
from reference.options import Chain, make_chain
from reference.trades import TRADES_SCHEMA
from scipy.integrate import quad
from scipy.special import erfinv

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME

AT_6850 = prices((EVENING, 6850.0))


def grid(
    chain: Chain,
    front_month: PriceHistory = AT_6850,
    underlyings: dict[str | None, PriceHistory] | None = None,
) -> pl.DataFrame:
    return gamma_by_strike(CLOCK, chain, front_month, underlyings or {"ESH6": front_month})


def at(table: pl.DataFrame, number: int, tau: int = TAU) -> dict[str, Any]:
    """The one row of a mark and an instrument."""
    return table.filter(tau_ns=tau, instrument_id=number).row(0, named=True)


def column(table: pl.DataFrame, name: str, tau: int = TAU) -> dict[int, Any]:
    """A column at a mark, by instrument."""
    rows = table.filter(tau_ns=tau)
    return dict(zip(rows["instrument_id"], rows[name], strict=True))


def quoted(
    *rows: tuple[float, str, float | None, float | None], **changes: Any
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Definitions and quotes of options 1, 2, ... from (strike, right, bid, ask)."""
    return (
        definitions(*(option(n, k, r, **changes) for n, (k, r, _, _) in enumerate(rows, 1))),
        quotes(*((EVENING, n, bid, ask) for n, (_, _, bid, ask) in enumerate(rows, 1))),
    )


def atm_total_vol(mid: float, forward: float = 6850.0) -> float:
    return math.sqrt(8) * float(erfinv(mid / forward))


# --- Black-76 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("strike", [6700.0, 6845.0, 6850.0, 6855.0, 7000.0])
@pytest.mark.parametrize("total_vol", [0.004, 0.05])
def test_price_is_the_mean_payoff(strike: float, total_vol: float) -> None:
    # F * exp(v z - v^2 / 2) with z standard normal, integrated over where the option pays.
    forward, sign = 6850.0, 1 if strike >= 6850.0 else -1

    def payoff(z: float) -> float:
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        end = forward * math.exp(total_vol * z - total_vol**2 / 2)
        return sign * (end - strike) * density

    at_strike = (math.log(strike / forward) + total_vol**2 / 2) / total_vol
    low, high = (at_strike, at_strike + 15) if sign > 0 else (at_strike - 15, at_strike)
    expected, _ = quad(payoff, low, high, epsabs=0, epsrel=1e-11)
    assert otm_price(forward, strike, total_vol) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_price_at_the_money_and_its_inverse() -> None:
    expected = 6850 * math.erf(0.003 / math.sqrt(8))
    assert otm_price(6850.0, 6850.0, 0.003) == pytest.approx(expected, rel=1e-12)
    iv = implied_volatility(6850.0, 6850.0, 8.0, YEARS)
    assert iv == pytest.approx(atm_total_vol(8.0) / math.sqrt(YEARS), rel=1e-11)


@pytest.mark.parametrize("strike", [6600.0, 6845.0, 6855.0, 7100.0])
@pytest.mark.parametrize("iv", [0.3, 1.5])
def test_volatility_comes_back(strike: float, iv: float) -> None:
    price = otm_price(6850.0, strike, iv * math.sqrt(YEARS))
    assert implied_volatility(6850.0, strike, price, YEARS) == pytest.approx(iv, rel=1e-10)


def test_prices_at_the_bounds_are_solvable_and_beyond_them_are_not() -> None:
    for bound, beyond in ((1e-4, -1), (5.0, 1)):
        price = otm_price(6850.0, 6850.0, bound * math.sqrt(YEARS))
        assert is_solvable(6850.0, 6850.0, price, YEARS)
        assert implied_volatility(6850.0, 6850.0, price, YEARS) == pytest.approx(bound, rel=1e-9)
        assert not is_solvable(6850.0, 6850.0, price * (1 + beyond * 1e-6), YEARS)


def test_gamma_is_the_bend_of_the_price() -> None:
    # phi(v / 2) / (F v) at the money.
    expected = math.exp(-(0.0015**2) / 2) / math.sqrt(2 * math.pi) / 6850 / 0.003
    assert gamma(6850.0, 6850.0, 0.003) == pytest.approx(expected, rel=1e-14)
    # The second difference of the price over steps of a tenth of a point.
    left, mid, right = (otm_price(f, 6870.0, 0.003) for f in (6849.9, 6850.0, 6850.1))
    bend = (left - 2 * mid + right) / 0.1**2
    assert gamma(6850.0, 6870.0, 0.003) == pytest.approx(bend, rel=1e-5)


# --- the chain ---------------------------------------------------------------------------------


def test_chain_is_what_the_latest_definition_says_expires_today() -> None:
    midnight = new_york_ns(date(2025, 12, 17), time(0, 0))
    chain = make_chain(
        CLOCK,
        definitions(
            option(1, 6850, "C"),
            option(2, 6850, "P", expiration=midnight),
            option(3, 6850, "P", expiration=midnight - 1),
            option(4, 6850, "C", user_defined_instrument="Y"),
            option(5, 6850, "T"),
            # In file order the later of two at one time: class, strike and date have changed.
            option(6, 6900, "P", row_nr=61),
            option(6, 6800, "C", row_nr=60),
            option(7, 6850, "C", row_nr=70, ts_recv=EVENING + 1, expiration=midnight),
            option(7, 6850, "C", row_nr=71),
            option(8, 6850, "P", row_nr=80, ts_recv=EVENING + 1),
            option(8, 6850, "P", row_nr=81, expiration=midnight),
        ),
    )
    assert [(o.instrument_id, o.strike_nano // NANO, o.right) for o in chain.options] == [
        (1, 6850, "C"),
        (3, 6850, "P"),
        (6, 6900, "P"),
        (8, 6850, "P"),
    ]
    assert chain.options[0].multiplier == 50.0


def test_grid_has_a_row_for_every_minute_and_instrument() -> None:
    table = grid(make_chain(CLOCK, definitions(option(2, 6855, "P"), option(1, 6850, "C"))))
    assert table.schema == pl.Schema(GAMMA_SCHEMA)
    assert table.select("tau_ns", "instrument_id").rows() == [
        (OPEN + minute * MINUTE_NS, number) for minute in range(1, 241) for number in (1, 2)
    ]
    assert table.row(1, named=True) == dict.fromkeys(GAMMA_SCHEMA) | {
        "session_date": DAY,
        "tau_ns": OPEN + MINUTE_NS,
        "instrument_id": 2,
        "symbol": "O2",
        "underlying": "ESH6",
        "expiration": CLOSE,
        "strike": 6855.0,
        "right": "P",
        "multiplier": 50.0,
        "underlying_price": 6850.0,
        "calendar_basis": 0.0,
        "quote_status": "no_quote",
        "iv_status": "no_quote",
    }
    # A half day's grid ends at its close.
    half = session_clock(DAY, rth_end=time(13, 0))
    chain = make_chain(half, definitions(option(1, 6850, "C")))
    assert gamma_by_strike(half, chain, AT_6850, {"ESH6": AT_6850}).height == 210


# --- quotes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "bid", "ask", "status"),
    [
        ("C", None, None, "no_quote"),
        ("C", 20.0, None, "one_sided"),
        ("C", None, 20.0, "one_sided"),
        ("C", 0.0, 40.0, "one_sided"),
        ("C", 9.0, 11.0, "at_or_below_intrinsic"),  # a mid of 10 for 10 in the money
        ("C", 9.0, 11.000000001, "solved"),  # half a billionth above
        ("C", 10.0, 11.0, "solved"),
        ("C", 12.0, 9.0, "solved"),  # crossed
        ("C", 12.0, 12.0, "solved"),  # locked
        ("C", 1500.0, 2000.0, "unsolvable"),  # 5 * sqrt(T) = 0.13: F * erf(0.046) is below 400
        ("P", 0.05, 0.1, "solved"),  # out of the money
        ("P", 0.0, 0.1, "one_sided"),
    ],
)
def test_each_quote_status(right: str, bid: float | None, ask: float | None, status: str) -> None:
    row = at(grid(make_chain(CLOCK, *quoted((6840.0, right, bid, ask)))), 1)
    assert (row["quote_status"], row["iv_status"]) == (status, status)
    assert (row["bid_price"], row["ask_price"]) == (bid, ask)
    known = status == "solved"
    for name in ("iv", "total_vol", "gamma", "unit_gex"):
        assert (row[name] is not None) is known


def test_a_time_value_below_any_volatility() -> None:
    # At the money sigma 1e-4 is v = 2.617e-6: 6850 * v / sqrt(2 pi) = 0.00715.
    rows = [(6850.0, "C", 0.007, 0.0072), (6850.0, "C", 0.0071, 0.0073)]
    table = grid(make_chain(CLOCK, *quoted(*rows)))
    assert column(table, "quote_status") == {1: "unsolvable", 2: "solved"}


def test_intrinsic_value_of_a_put() -> None:
    chain = make_chain(CLOCK, *quoted((6860.0, "P", 9.5, 10.5), (6865.0, "P", 15.0, 15.5)))
    assert column(grid(chain), "quote_status") == {1: "at_or_below_intrinsic", 2: "solved"}


def test_expired_comes_first_and_then_the_underlying() -> None:
    chain = make_chain(
        CLOCK,
        definitions(
            option(1, 6850, "C", expiration=TAU),
            option(2, 6850, "C", expiration=TAU, underlying="ESZ5"),
            option(3, 6850, "C", underlying="ESZ5"),
            option(4, 6850, "C", underlying=None),
        ),
        quotes(*((EVENING, number, 8.0, 8.5) for number in (1, 2, 3, 4))),
        option_trades((EVENING, 1, 3, "B")),
        statistics((EVENING, 1, 100)),
    )
    table = grid(
        chain,
        underlyings={"ESH6": AT_6850, "ESZ5": prices((TAU + MINUTE_NS, 6800.0)), None: prices()},
    )
    expected = {1: "expired", 2: "expired", 3: "no_underlying", 4: "no_underlying"}
    assert column(table, "quote_status") == column(table, "iv_status") == expected
    for number in expected:
        row = at(table, number)
        unknown = ("iv", "total_vol", "gamma", "unit_gex", "oi_gex", "flow_gex")
        assert [row[name] for name in unknown] == [None] * 6
    # What does not need a volatility is still there.
    row = at(table, 1)
    assert (row["bid_price"], row["open_interest"], row["dealer_net_position"]) == (8.0, 100, -3)
    assert row["calendar_basis"] == 0.0
    assert at(table, 3)["calendar_basis"] is None
    # A minute before it was alive; a minute later the other future has traded.
    assert at(table, 1, TAU - MINUTE_NS)["iv_status"] == "solved"
    assert at(table, 3, TAU + MINUTE_NS)["calendar_basis"] == 50.0


def test_the_last_quote_at_or_before_the_mark_counts_however_old() -> None:
    chain = make_chain(
        CLOCK,
        definitions(option(1, 6850, "C"), option(2, 6850, "P")),
        quotes(
            (TAU + 1, 1, 99.0, 99.5),
            (TAU, 1, 9.0, 9.5),
            (TAU, 1, 8.0, 8.5),
            (TAU - 90 * S, 1, 6.0, 6.5),
            (EVENING - 600 * S, 2, 5.0, 5.5),  # before the trade date began
            (TAU + 30 * S, 2, None, None),
        ),
    )
    table = grid(chain)
    row = at(table, 1)
    assert (row["bid_price"], row["quote_age_s"]) == (8.0, 0.0)
    assert at(table, 1, TAU - MINUTE_NS)["quote_age_s"] == 30.0
    assert at(table, 1, TAU + MINUTE_NS)["bid_price"] == 99.0
    assert at(table, 1, TAU - 2 * MINUTE_NS)["quote_age_s"] is None
    row = at(table, 2)
    # 16 hours from 18:00 to 10:00, and ten minutes.
    assert (row["bid_price"], row["quote_age_s"]) == (5.0, 16 * 3600.0 + 600)
    # A quote that was withdrawn has an age, and is none.
    row = at(table, 2, TAU + MINUTE_NS)
    assert (row["quote_age_s"], row["quote_status"]) == (30.0, "no_quote")


# --- volatilities ------------------------------------------------------------------------------


def test_volatility_at_the_money_by_the_closed_formula() -> None:
    table = grid(make_chain(CLOCK, *quoted((6850.0, "C", 7.75, 8.25))))
    for tau, seconds in ((TAU, 6 * 3600), (TAU + 90 * MINUTE_NS, 4.5 * 3600)):
        row = at(table, 1, tau)
        v = atm_total_vol(8.0)
        # The price says v, whatever the time: sigma is v over the root of the years left.
        assert row["total_vol"] == pytest.approx(v, rel=1e-11)
        assert row["iv"] == pytest.approx(v / math.sqrt(seconds / (365 * 86_400)), rel=1e-11)
        bell = math.exp(-(v**2) / 8) / math.sqrt(2 * math.pi)
        assert row["gamma"] == pytest.approx(bell / (6850 * v), rel=1e-11)
        # Times 50 * F^2 / 100.
        assert row["unit_gex"] == pytest.approx(bell * 6850 / v / 2, rel=1e-11)


def test_the_side_out_of_the_money_gives_the_volatility_of_both() -> None:
    # At 6840 the put, at 6860 the call, at 6850 the call.
    table = grid(
        make_chain(
            CLOCK,
            *quoted(
                (6840.0, "C", 14.0, 14.5),
                (6840.0, "P", 4.0, 4.5),
                (6860.0, "C", 4.0, 4.5),
                (6860.0, "P", 14.0, 14.5),
                (6850.0, "P", 9.0, 9.5),
                (6850.0, "C", 8.0, 8.5),
            ),
        )
    )
    assert set(column(table, "quote_status").values()) == {"solved"}
    assert column(table, "iv_status") == {
        1: "other_side",
        2: "solved",
        3: "solved",
        4: "other_side",
        5: "other_side",
        6: "solved",
    }
    iv = column(table, "iv")
    assert iv[1] == iv[2]
    assert iv[3] == iv[4]
    assert iv[5] == iv[6] == pytest.approx(atm_total_vol(8.25) / math.sqrt(YEARS), rel=1e-11)
    # Of 4.25 out of the money.
    assert otm_price(6850.0, 6840.0, at(table, 1)["total_vol"]) == pytest.approx(4.25, rel=1e-10)
    assert column(table, "gamma")[1] == column(table, "gamma")[2]


def test_the_other_side_stands_in_by_parity() -> None:
    # The put out of the money has no bid. The call of 14.25 holds 10 of intrinsic value: 4.25.
    alone = grid(make_chain(CLOCK, *quoted((6840.0, "C", 14.0, 14.5), (6840.0, "P", None, 4.5))))
    put = grid(make_chain(CLOCK, *quoted((6840.0, "P", 4.0, 4.5))))
    assert column(alone, "iv_status") == {1: "solved", 2: "other_side"}
    assert column(alone, "quote_status") == {1: "solved", 2: "one_sided"}
    assert at(alone, 2)["iv"] == at(alone, 1)["iv"] == at(put, 1)["iv"]


def test_the_first_of_two_equal_instruments_stands_for_the_strike() -> None:
    table = grid(make_chain(CLOCK, *quoted((6850.0, "C", 8.0, 8.5), (6850.0, "C", 9.0, 9.5))))
    assert column(table, "iv_status") == {1: "solved", 2: "other_side"}
    assert at(table, 1)["iv"] == at(table, 2)["iv"]
    assert at(table, 1)["total_vol"] == pytest.approx(atm_total_vol(8.25), rel=1e-11)


def test_one_without_a_bid_leaves_the_strike_to_its_equal() -> None:
    table = grid(make_chain(CLOCK, *quoted((6850.0, "C", None, 8.5), (6850.0, "C", 9.0, 9.5))))
    assert column(table, "iv_status") == {1: "other_side", 2: "solved"}
    assert at(table, 1)["total_vol"] == pytest.approx(atm_total_vol(9.25), rel=1e-11)


def test_between_and_beside_solved_strikes() -> None:
    # The time value of both strikes is at the money's: one future for each side.
    chain = make_chain(
        CLOCK,
        *quoted(
            (6830.0, "P", None, None),  # flat below
            (6840.0, "P", 4.0, 4.5),
            (6845.0, "C", None, 20.0),  # a quarter of the way
            (6845.0, "P", None, None),
            (6860.0, "C", 6.0, 6.5),
            (6900.0, "C", 0.0, 0.05),  # flat above
        ),
    )
    table = grid(chain)
    iv = column(table, "iv")
    assert iv[2] != iv[5]
    assert iv[3] == iv[4] == pytest.approx(0.75 * iv[2] + 0.25 * iv[5], rel=1e-14)
    assert (iv[1], iv[6]) == (iv[2], iv[5])
    assert column(table, "iv_status") == {
        1: "interpolated",
        2: "solved",
        3: "interpolated",
        4: "interpolated",
        5: "solved",
        6: "interpolated",
    }
    # Each has the gamma of its own strike.
    v = iv[6] * math.sqrt(YEARS)
    expected = math.exp(-((math.log(6850 / 6900) / v + v / 2) ** 2) / 2) / math.sqrt(2 * math.pi)
    assert at(table, 6)["gamma"] == pytest.approx(expected / (6850 * v), rel=1e-10)
    assert at(table, 6)["unit_gex"] == pytest.approx(expected * 6850 / v / 2, rel=1e-10)


def test_am_and_pm_series_of_one_strike_keep_apart() -> None:
    # Both expire today; the first at 09:45, on a future of its own.
    morning = OPEN + 15 * MINUTE_NS
    chain = make_chain(
        CLOCK,
        definitions(
            option(1, 6850, "C", expiration=morning, underlying="ESZ5"),
            option(2, 6850, "C"),
            option(3, 6850, "P"),
            option(4, 6860, "P", expiration=morning, underlying="ESZ5"),
        ),
        quotes((EVENING, 1, 1.0, 1.5), (EVENING, 2, 8.0, 8.5), (EVENING, 4, None, 60.0)),
    )
    table = grid(chain, underlyings={"ESH6": AT_6850, "ESZ5": prices((EVENING, 6800.0))})
    early = OPEN + MINUTE_NS
    # The put of the morning is beside the call of the morning, not that of the afternoon.
    assert column(table, "iv_status", early) == {
        1: "solved",
        2: "solved",
        3: "other_side",
        4: "interpolated",
    }
    iv = column(table, "iv", early)
    assert iv[1] == iv[4] != iv[2] == iv[3]
    assert otm_price(6800.0, 6850.0, at(table, 1, early)["total_vol"]) == pytest.approx(1.25)
    assert column(table, "calendar_basis", early) == {1: 50.0, 2: 0.0, 3: 0.0, 4: 50.0}
    # Gone, it takes no part: the afternoon's volatility knows nothing of it.
    assert column(table, "iv_status") == {
        1: "expired",
        2: "solved",
        3: "other_side",
        4: "expired",
    }
    # The basis of an expired series is still that of its future.
    assert column(table, "calendar_basis")[1] == 50.0
    events = gamma_features(an_event(early), CLOCK, marks_of(table), chain)
    assert events["calendar_basis"] == 50.0
    assert gamma_features(an_event(TAU), CLOCK, marks_of(table), chain)["calendar_basis"] == 0.0


# --- open interest and flow --------------------------------------------------------------------


def exposed(**feeds: pl.DataFrame | None) -> pl.DataFrame:
    """The grid of a call (1) and a put (2) at the money, and a call (3) that nobody quotes."""
    defined, quoted_frame = quoted(
        (6850.0, "C", 7.75, 8.25), (6850.0, "P", 7.75, 8.25), (6855.0, "C", None, None)
    )
    return grid(make_chain(CLOCK, defined, quoted_frame, **feeds))


UNIT = at(exposed(), 1)["unit_gex"]


def test_open_interest_is_plus_for_calls_and_minus_for_puts() -> None:
    table = exposed(statistics=statistics((EVENING, 1, 200), (EVENING, 2, 300)))
    assert column(table, "open_interest") == {1: 200, 2: 300, 3: 0}
    got = column(table, "oi_gex")
    assert got[1] == pytest.approx(200 * UNIT, rel=1e-14)
    assert got[2] == pytest.approx(-300 * UNIT, rel=1e-14)
    assert got[3] == 0.0


def test_open_interest_is_unknown_until_any_of_the_chain_is_reported() -> None:
    nobody_asked = exposed()
    nothing_came = exposed(statistics=statistics())
    other_types = exposed(statistics=statistics((EVENING, 1, 200), stat_type=6))
    not_of_the_chain = exposed(statistics=statistics((EVENING, 77, 200)))
    for table in (nobody_asked, nothing_came, other_types, not_of_the_chain):
        assert set(table["open_interest"]) == set(table["oi_gex"]) == {None}

    table = exposed(statistics=statistics((TAU, 2, 300)))
    assert set(column(table, "open_interest", TAU - MINUTE_NS).values()) == {None}
    assert column(table, "open_interest") == {1: 0, 2: 300, 3: 0}
    assert column(table, "oi_gex")[1] == 0.0


def test_the_latest_known_quantity_counts() -> None:
    table = exposed(
        statistics=statistics(
            (TAU + 1, 1, 900),
            (TAU, 1, 200),
            (TAU, 1, 250),
            (TAU, 1, None),
            (EVENING - 3600 * S, 1, 100),  # before the trade date began
        )
    )
    assert column(table, "open_interest", TAU - MINUTE_NS)[1] == 100
    assert column(table, "open_interest")[1] == 250
    assert column(table, "open_interest", TAU + MINUTE_NS)[1] == 900
    # A quantity that is NULL says nothing about the chain either.
    table = exposed(statistics=statistics((EVENING, 1, None), (TAU, 2, 5)))
    assert set(column(table, "open_interest", TAU - MINUTE_NS).values()) == {None}
    assert column(table, "open_interest") == {1: 0, 2: 5, 3: 0}


def test_dealers_hold_what_customers_sold() -> None:
    table = exposed(
        trades=option_trades(
            (EVENING - 1, 1, 1000, "B"),  # the trade date before
            (EVENING, 1, 30, "B"),
            (TAU - S, 1, 10, "A"),
            (TAU - S, 1, 500, "N"),
            (TAU, 2, 7, "A"),
            (TAU + 1, 1, 100, "B"),
            (TAU, 77, 100, "B"),
        )
    )
    # Bought 30, sold 10: dealers are short 20; of the put they bought 7.
    assert column(table, "dealer_net_position") == {1: -20, 2: 7, 3: 0}
    got = column(table, "flow_gex")
    assert got[1] == pytest.approx(-20 * UNIT, rel=1e-14)
    # A put's gamma is as positive as a call's.
    assert got[2] == pytest.approx(7 * UNIT, rel=1e-14)
    assert got[3] == 0.0
    assert column(table, "dealer_net_position", TAU - MINUTE_NS) == {1: -30, 2: 0, 3: 0}
    assert column(table, "dealer_net_position", TAU + MINUTE_NS)[1] == -120


def test_ten_trades_of_one_lot_are_one_of_ten() -> None:
    one = exposed(trades=option_trades((TAU - S, 1, 10, "A")))
    ten = exposed(trades=option_trades(*[(TAU - S, 1, 1, "A")] * 10))
    assert one.equals(ten)
    assert at(one, 1)["dealer_net_position"] == 10


def test_without_trades_a_position_is_zero_and_without_a_partition_unknown() -> None:
    table = exposed(trades=option_trades())
    assert set(table["dealer_net_position"]) == {0}
    assert set(table["flow_gex"]) == {0.0}
    table = exposed()
    assert set(table["dealer_net_position"]) == set(table["flow_gex"]) == {None}


# --- bands -------------------------------------------------------------------------------------


def an_event(ts_ns: int = TAU, level: float = 6850.0) -> dict[str, Any]:
    return {"event_ts_ns": ts_ns, "level_price": level}


def band_row(strike: float, right: str, value: float | None, **changes: Any) -> dict[str, Any]:
    """A grid row with this oi_gex, ten times as much flow_gex and a gamma position of a tenth."""
    return {
        "strike": strike,
        "right": right,
        "calendar_basis": 0.0,
        "oi_gex": value,
        "flow_gex": None if value is None else 10 * value,
        "gamma": 0.1,
        "dealer_net_position": value,
    } | changes


LADDER = [
    band_row(strike, right, 2.0**number)
    for number, (strike, right) in enumerate(
        [
            (6830.0, "C"),  # 1
            (6835.0, "P"),  # 2
            (6840.0, "C"),  # 4
            (6845.0, "P"),  # 8
            (6850.0, "C"),  # 16
            (6855.0, "P"),  # 32
            (6860.0, "C"),  # 64
            (6865.0, "P"),  # 128
            (6865.25, "C"),  # 256
        ]
    )
]
"""One power of two a strike, so that a sum names its strikes."""


def test_bands_are_open_at_the_level_and_closed_at_the_far_end() -> None:
    got = bands(LADDER, 6850.0)
    expected = {
        "gex_above": (32, 96, 224),
        "gex_below": (8, 12, 14),
        "call_gex_above": (0, 64, 64),
        "put_gex_above": (32, 32, 160),
        "call_gex_below": (0, 4, 4),
        "put_gex_below": (8, 8, 10),
        "flow_gex_above": (320, 960, 2240),
        "flow_gex_below": (80, 120, 140),
    }
    assert {
        name: tuple(got[f"{name}_{b}strike"] for b in (1, 2, 3)) for name in expected
    } == expected
    assert (got["net_gex_2strike"], got["net_gex_3strike"]) == (124, 254)
    assert (got["flow_net_gex_2strike"], got["flow_net_gex_3strike"]) == (1240, 2540)
    assert (got["gex_asymmetry"], got["flow_gex_asymmetry"]) == (210, 2100)
    assert got["gex_ratio"] == 16.0


def test_bands_between_strikes_and_in_front_month_points() -> None:
    # A quarter above 6850 its strike falls below, 6855 stays within one strike, 6865.25 within 3.
    got = bands(LADDER, 6850.25)
    assert [got[f"gex_above_{b}strike"] for b in (1, 2, 3)] == [32, 96, 480]
    assert [got[f"gex_below_{b}strike"] for b in (1, 2, 3)] == [16, 24, 28]
    # The same strikes of a future 50 below the front month, seen from 6900.
    rolled = [row | {"calendar_basis": 50.0} for row in LADDER]
    assert bands(rolled, 6900.0) == bands(LADDER, 6850.0)
    assert gamma_exposure(rolled, 6900.0) == gamma_exposure(LADDER, 6850.0)
    # Each row has its own basis: 6850 of that future is 6900.
    mixed = [band_row(6850.0, "C", 1.0, calendar_basis=50.0), band_row(6905.0, "C", 2.0)]
    got = bands(mixed, 6895.0)
    assert [got[f"gex_above_{b}strike"] for b in (1, 2, 3)] == [1, 3, 3]


def test_ratio_is_of_the_size_below() -> None:
    rows = [band_row(6845.0, "P", -4.0), band_row(6855.0, "C", 6.0)]
    got = bands(rows, 6850.0)
    assert (got["gex_ratio"], got["gex_asymmetry"]) == (1.5, 10.0)
    # Nothing below to compare with.
    got = bands(rows[1:], 6850.0)
    assert (got["gex_ratio"], got["gex_asymmetry"], got["gex_below_3strike"]) == (None, 6.0, 0.0)


def test_bands_skip_what_is_unknown_and_are_unknown_if_all_is() -> None:
    # 6855's is unknown, and no strike but it lies in the band: a known nothing.
    rows = [band_row(6855.0, "C", None), band_row(6900.0, "P", 3.0)]
    got = bands(rows, 6850.0)
    assert [got[name] for name in ("gex_above_1strike", "put_gex_above_1strike")] == [0.0, 0.0]
    assert gamma_exposure(rows, 6850.0) == 0.0
    # Each quantity for itself.
    got = bands([band_row(6855.0, "C", 3.0, flow_gex=None)], 6850.0)
    assert (got["gex_above_1strike"], got["call_gex_above_1strike"]) == (3.0, 3.0)
    assert got["flow_gex_above_1strike"] is got["flow_gex_asymmetry"] is None
    got = bands([band_row(6855.0, "C", 3.0, oi_gex=None)], 6850.0)
    assert got["flow_net_gex_2strike"] == 30.0
    for name, value in got.items():
        assert (value is None) is not name.startswith("flow_")
    for unknown in ([], rows[:1]):
        assert set(bands(unknown, 6850.0).values()) == {None}
        assert gamma_exposure(unknown, 6850.0) is None
    # A strike whose place is unknown lies in no band, and what it holds is known.
    nowhere = [band_row(6855.0, "C", 3.0, calendar_basis=None)]
    got = bands(nowhere, 6850.0)
    assert got.pop("gex_ratio") is None
    assert set(got.values()) == {0.0}
    assert gamma_exposure(nowhere, 6850.0) == 0.0


def test_exposure_is_gamma_times_position_within_fifteen_points() -> None:
    # A tenth of 2 + ... + 128, both ends included.
    assert gamma_exposure(LADDER, 6850.0) == pytest.approx(25.4, rel=1e-15)
    # What open interest says is of no concern to it; without a gamma there is nothing.
    rows = [
        band_row(6850.0, "C", None, dealer_net_position=-40),
        band_row(6850.0, "P", 9.0, gamma=None),
        band_row(6850.0, "P", 9.0, dealer_net_position=None),
    ]
    assert gamma_exposure(rows, 6850.0) == pytest.approx(-4.0)
    assert gamma_exposure(rows[1:], 6850.0) is None


@pytest.mark.parametrize(
    ("exposure", "effect"),
    [
        (-10.001, "AMPLIFY"),
        (-10.0, "NEUTRAL"),
        (0.0, "NEUTRAL"),
        (10.0, "NEUTRAL"),
        (10.001, "DAMPEN"),
        (None, None),
    ],
)
def test_fuel_effect(exposure: float | None, effect: str | None) -> None:
    assert fuel_effect(exposure) == effect


# --- events ------------------------------------------------------------------------------------


def rolling_chain(**changes: Any) -> Chain:
    """A strike at 6800 of a future that stands there, fifty below the front month."""
    return make_chain(
        CLOCK,
        definitions(
            option(1, 6800, "C", underlying="ESZ5", **changes),
            option(2, 6800, "P", underlying="ESZ5", **changes),
        ),
        quotes((TAU - 5 * S, 1, 7.75, 8.25), (TAU + 5 * S, 1, 7.75, 8.25)),
        option_trades((TAU - 9 * S, 1, 400, "A")),
        statistics((TAU - 7 * S, 1, 100)),
    )


ROLLING: dict[str | None, PriceHistory] = {"ESH6": AT_6850, "ESZ5": prices((EVENING, 6800.0))}


def test_an_event_reads_the_last_mark_in_front_month_points() -> None:
    chain = rolling_chain()
    marks = marks_of(grid(chain, underlyings=ROLLING))
    v = atm_total_vol(8.0, 6800.0)
    bell = math.exp(-(v**2) / 8) / math.sqrt(2 * math.pi)
    for ts_ns in (TAU, TAU + MINUTE_NS - 1):
        got = gamma_features(an_event(ts_ns, 6847.0), CLOCK, marks, chain)
        assert set(got) == set(gamma_columns())
        # The strike lies at 6850, three points above the level.
        assert got["gex_above_1strike"] == pytest.approx(100 * bell * 6800 / v / 2, rel=1e-11)
        assert got["flow_gex_above_1strike"] == pytest.approx(400 * bell * 6800 / v / 2, rel=1e-11)
        assert got["gamma_exposure"] == pytest.approx(400 * bell / (6800 * v), rel=1e-11)
        assert (got["gex_below_3strike"], got["gex_ratio"]) == (0.0, None)
        assert got["calendar_basis"] == 50.0
        # 400 * 0.399 / (6800 * 0.00295) = 7.96 contracts a point.
        assert got["fuel_effect"] == "NEUTRAL"
        assert got["option_source_ts_ns"] == TAU - 5 * S
    before = gamma_features(an_event(TAU - 1, 6847.0), CLOCK, marks, chain)
    assert before["gex_above_1strike"] is before["option_source_ts_ns"] is None
    assert before["calendar_basis"] == 50.0
    later = gamma_features(an_event(TAU + MINUTE_NS, 6847.0), CLOCK, marks, chain)
    assert later["option_source_ts_ns"] == TAU + 5 * S


def test_before_the_first_mark_and_without_options_nothing_is_known() -> None:
    chain = rolling_chain()
    marks = marks_of(grid(chain, underlyings=ROLLING))
    nothing = dict.fromkeys(gamma_columns())
    early = an_event(OPEN + MINUTE_NS - 1)
    assert gamma_features(early, CLOCK, marks, chain) == nothing
    first = gamma_features(an_event(OPEN + MINUTE_NS), CLOCK, marks, chain)
    assert first == nothing | {"calendar_basis": 50.0}
    for empty in (make_chain(CLOCK, None), make_chain(CLOCK, definitions(option(1, 6850, "F")))):
        assert gamma_features(an_event(), CLOCK, {}, empty) == nothing
        assert grid(empty).schema == pl.Schema(GAMMA_SCHEMA)


def test_basis_is_unknown_once_all_have_expired() -> None:
    chain = rolling_chain(expiration=TAU)
    marks = marks_of(grid(chain, underlyings=ROLLING))
    got = gamma_features(an_event(), CLOCK, marks, chain)
    # The newest record is known all the same.
    assert got == dict.fromkeys(gamma_columns()) | {"option_source_ts_ns": TAU - 5 * S}


@pytest.mark.parametrize(
    ("feeds", "newest"),
    [
        ({}, None),
        ({"quotes": quotes((TAU, 1, None, None))}, TAU),
        ({"quotes": quotes((TAU - 1, 1, 8.0, 8.5), (TAU, 77, 8.0, 8.5), (TAU + 1, 1, 8.0, 8.5))},
         TAU - 1),
        ({"quotes": quotes((EVENING - 1, 1, 8.0, 8.5))}, EVENING - 1),
        ({"statistics": statistics((TAU - 2, 1, 5), (TAU - 1, 1, None))}, TAU - 2),
        ({"statistics": statistics((TAU - 2, 1, 5), stat_type=1)}, None),
        ({"trades": option_trades((TAU - 3, 2, 1, "N"), (TAU - 2, 77, 1, "B"))}, TAU - 3),
        ({"trades": option_trades((EVENING - 1, 1, 1, "B"))}, None),
        (
            {
                "quotes": quotes((TAU - 3, 1, 8.0, 8.5)),
                "statistics": statistics((TAU - 2, 2, 5)),
                "trades": option_trades((TAU - 1, 1, 1, "B")),
            },
            TAU - 1,
        ),
    ],
)  # fmt: skip
def test_source_is_the_newest_record_of_any_option(
    feeds: dict[str, pl.DataFrame], newest: int | None
) -> None:
    chain = make_chain(CLOCK, definitions(option(1, 6850, "C"), option(2, 6850, "P")), **feeds)
    got = gamma_features(an_event(TAU + S), CLOCK, marks_of(grid(chain)), chain)
    assert got["option_source_ts_ns"] == newest


# --- whole sessions ----------------------------------------------------------------------------


def session_trades() -> pl.DataFrame:
    """An event on the premarket high 6850 at 10:00:10, and a second future at 6800."""
    rows: Sequence[tuple[int, str, float, int]] = [
        (CLOCK.premarket_start_ns, "ESH6", 6850.0, 5),
        (CLOCK.premarket_start_ns + S, "ESZ5", 6800.0, 1),
        (CLOCK.premarket_start_ns + 2 * S, "ESH6", 6800.0, 5),
        (TAU - 60 * S, "ESH6", 6840.0, 5),
        (TAU + 10 * S, "ESH6", 6849.0, 5),
    ]
    return pl.DataFrame(
        [(ts, n, 1 + (name == "ESZ5"), name, price, size, "B")
         for n, (ts, name, price, size) in enumerate(rows)],
        schema=TRADES_SCHEMA,
        orient="row",
    )  # fmt: skip


OPTIONS: dict[str, Any] = {
    "option_definitions": definitions(
        option(11, 6810, "C", underlying="ESZ5"), option(12, 6810, "P", underlying="ESZ5")
    ),
    "option_quotes": quotes((TAU - 2 * S, 11, 4.0, 4.5), (TAU - S, 12, None, 15.0)),
    "option_trades": option_trades((TAU - 3 * S, 12, 600, "B")),
    "option_statistics": statistics((EVENING, 12, 100)),
}


def test_a_whole_session_with_and_without_options() -> None:
    tables = build_session(CLOCK, session_trades(), None, **OPTIONS)
    row = at(tables.gamma_by_strike, 12)
    # 6840 less 6800.
    assert (row["calendar_basis"], row["iv_status"]) == (40.0, "other_side")
    event = tables.level_event_features.row(0, named=True)
    assert tables.level_events["event_ts_ns"].to_list() == [TAU + 10 * S]
    # 6810 is 6850, the level itself: in no band but the net ones.
    assert event["net_gex_2strike"] == pytest.approx(-100 * row["unit_gex"], rel=1e-14)
    assert event["flow_net_gex_3strike"] == pytest.approx(-600 * row["unit_gex"], rel=1e-14)
    assert event["gamma_exposure"] == pytest.approx(-600 * row["gamma"], rel=1e-14)
    assert event["gex_above_3strike"] == event["put_gex_below_3strike"] == 0.0
    assert (event["calendar_basis"], event["option_source_ts_ns"]) == (40.0, TAU - S)

    without = build_session(CLOCK, session_trades(), None)
    assert without.gamma_by_strike.is_empty()
    assert without.gamma_by_strike.schema == tables.gamma_by_strike.schema
    bare = without.level_event_features
    assert bare.schema == tables.level_event_features.schema
    assert set(bare.select(*gamma_columns()).row(0)) == {None}
    # Nothing else depends on them.
    others = pl.exclude(*gamma_columns())
    assert bare.select(others).equals(tables.level_event_features.select(others))


def write_partition(root: Path, feed_path: str, rows: list[dict[str, Any]]) -> None:
    feed = FEED_BY_PATH[feed_path]
    folder = feed.partition_dir(root, DAY)
    folder.mkdir(parents=True)
    full = [dict.fromkeys(feed.schema.names) | record for record in rows]
    pq.write_table(pa.Table.from_pylist(full, schema=feed.schema), folder / "part-0.parquet")
    (folder / MANIFEST_NAME).write_text("{}")


def test_bronze_gives_what_memory_gives(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("trade_date,has_rth,rth_end_et,reason\n2025-12-16,true,16:00:00,\n")
    vendor_names = {"ts_ns": "ts_recv", "bid_nano": "bid_px_00", "ask_nano": "ask_px_00"}
    frames = {
        "futures/trades": session_trades(),
        "options/definition": OPTIONS["option_definitions"],
        "options/nbbo": OPTIONS["option_quotes"],
        "options/trades": OPTIONS["option_trades"],
        "options/statistics": OPTIONS["option_statistics"],
    }
    for feed_path, frame in frames.items():
        bronze = frame.rename(vendor_names, strict=False)
        if "price" in bronze.columns:
            bronze = bronze.with_columns((pl.col("price") * NANO).cast(pl.Int64))
        write_partition(tmp_path, feed_path, bronze.to_dicts())
    expected = build_session(CLOCK, session_trades(), None, **OPTIONS)
    got = read_session(tmp_path, calendar, DAY)
    assert got.gamma_by_strike.equals(expected.gamma_by_strike)
    assert got.level_event_features.equals(expected.level_event_features)
