"""One volatility per strike: which quote it comes from, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from es_physics.quant.black76 import gamma, price
from es_physics.quant.chain_volatility import NS_PER_YEAR, ChainVolatility, chain_volatility

MARK = 1_765_895_460_000_000_000
HOUR = 3_600_000_000_000
FORWARD = 6830.0
SIGMA = 0.25
NAN = float("nan")


def option(strike: float, right: str, **changes: Any) -> dict[str, Any]:
    """An option six hours from expiration, quoted 0.1 points either side of its value at SIGMA."""
    years = 6 * HOUR / NS_PER_YEAR
    value = float(price(FORWARD, strike, years, changes.pop("sigma", SIGMA), right == "C"))
    return {
        "mark_ns": MARK,
        "expiration_ns": MARK + 6 * HOUR,
        "strike_nano": round(strike * 1e9),
        "is_call": right == "C",
        "underlying_price": FORWARD,
        "bid_nano": round((value - 0.1) * 1e9),
        "ask_nano": round((value + 0.1) * 1e9),
        **changes,
    }


def solve(*options: dict[str, Any]) -> ChainVolatility:
    rows = [{"instrument_id": number, **row} for number, row in enumerate(options)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return chain_volatility(**columns, iv_min=1e-4, iv_max=5.0)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"expiration_ns": MARK, "underlying_price": NAN, "bid_nano": NAN}, "expired"),
        ({"underlying_price": NAN, "bid_nano": NAN, "ask_nano": NAN}, "no_underlying"),
        ({"bid_nano": NAN, "ask_nano": NAN}, "no_quote"),
        ({"bid_nano": NAN}, "one_sided"),
        ({"ask_nano": NAN}, "one_sided"),
        ({"bid_nano": 0}, "one_sided"),
        ({"bid_nano": 9e9, "ask_nano": 11e9}, "at_or_below_intrinsic"),
        ({"bid_nano": 6e12, "ask_nano": 6.1e12}, "unsolvable"),
    ],
)
def test_status_is_the_first_that_fits(changes: dict[str, Any], status: str) -> None:
    """A call ten points in the money, alone in its chain: nothing else can price its strike."""
    result = solve(option(FORWARD - 10, "C", **changes))
    assert result.quote_status == [status]
    assert result.iv_status == [status]
    assert np.isnan([result.iv, result.total_vol, result.gamma]).all()


def test_intrinsic_value_is_compared_to_the_nano_point() -> None:
    """A mid of exactly the intrinsic value has no time value; a billionth more has."""
    at = {"bid_nano": 9_000_000_000, "ask_nano": 11_000_000_000}
    above = at | {"ask_nano": 11_000_000_001}
    assert solve(option(FORWARD - 10, "C", **at)).quote_status == ["at_or_below_intrinsic"]
    assert solve(option(FORWARD - 10, "C", **above)).quote_status != ["at_or_below_intrinsic"]


def test_crossed_quote_still_has_a_mid() -> None:
    uncrossed = option(FORWARD + 10, "C")
    crossed = uncrossed | {"bid_nano": uncrossed["ask_nano"], "ask_nano": uncrossed["bid_nano"]}
    assert solve(crossed).iv == solve(uncrossed).iv == pytest.approx(SIGMA, rel=1e-9)


def test_strike_takes_the_out_of_the_money_side() -> None:
    """Above the forward the call's, below it the put's, at it the call's; both rights share it."""
    for strike, source in ((FORWARD + 5, "C"), (FORWARD - 5, "P"), (FORWARD, "C")):
        sigmas = {"C": 0.2, "P": 0.3}
        result = solve(*(option(strike, right, sigma=sigmas[right]) for right in "CP"))
        assert list(result.quote_status) == ["solved", "solved"]
        assert dict(zip("CP", result.iv_status, strict=True)) == {
            right: "solved" if right == source else "other_side" for right in "CP"
        }
        assert result.iv == pytest.approx([sigmas[source]] * 2, rel=1e-6)


def test_other_side_serves_where_the_out_of_the_money_side_is_not_solved() -> None:
    call = option(FORWARD + 5, "C", bid_nano=NAN)
    result = solve(call, option(FORWARD + 5, "P"))
    assert list(result.quote_status) == ["one_sided", "solved"]
    assert list(result.iv_status) == ["other_side", "solved"]
    assert result.iv[0] == result.iv[1] == pytest.approx(SIGMA, rel=1e-6)


def test_unsolved_strikes_are_linear_between_neighbours_and_flat_outside() -> None:
    unquoted = {"bid_nano": NAN, "ask_nano": NAN}
    result = solve(
        option(FORWARD - 20, "P", **unquoted),
        option(FORWARD - 10, "P", sigma=0.30),
        option(FORWARD + 5, "C", **unquoted),
        option(FORWARD + 10, "C", sigma=0.20),
        option(FORWARD + 90, "C", **unquoted),
    )
    assert list(result.iv_status) == [
        *("interpolated", "solved", "interpolated", "solved", "interpolated"),
    ]
    assert result.iv == pytest.approx([0.30, 0.30, 0.225, 0.20, 0.20], rel=1e-8)
    assert list(result.quote_status[[0, 2, 4]]) == ["no_quote"] * 3


def test_chains_do_not_lend_each_other_volatilities() -> None:
    """Neither another expiration, with equal strikes, nor another minute; and the expired one keeps
    its status although its strikes are quoted."""
    morning = {"expiration_ns": MARK, "bid_nano": 1e9, "ask_nano": 2e9}
    unquoted = {"bid_nano": NAN, "ask_nano": NAN}
    earlier = {"mark_ns": MARK - HOUR, "expiration_ns": MARK + 5 * HOUR}
    result = solve(
        option(FORWARD + 5, "C", **morning),
        option(FORWARD + 5, "C"),
        option(FORWARD + 5, "C", expiration_ns=MARK + 7 * HOUR, **unquoted),
        option(FORWARD + 5, "C", **earlier, **unquoted),
    )
    assert list(result.iv_status) == ["expired", "solved", "no_quote", "no_quote"]


def test_row_without_an_underlying_stays_unknown_beside_solved_ones() -> None:
    result = solve(option(FORWARD + 5, "C", underlying_price=NAN), option(FORWARD + 10, "C"))
    assert list(result.iv_status) == ["no_underlying", "solved"]
    assert np.isnan(result.gamma[0])


def test_gamma_and_total_volatility_follow_from_the_volatility() -> None:
    result = solve(option(FORWARD + 5, "C"), option(FORWARD + 5, "P"))
    years = 6 * HOUR / NS_PER_YEAR
    assert result.gamma == pytest.approx(
        [float(gamma(FORWARD, FORWARD + 5, years, SIGMA, True))] * 2
    )
    assert result.total_vol == pytest.approx(result.iv * np.sqrt(years), rel=1e-15)


def test_order_of_the_rows_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    options = [
        option(FORWARD + k, right, sigma=0.2 + abs(k) / 500, bid_nano=bid)
        for k in range(-50, 55, 5)
        for right in "CP"
        for bid in ([NAN] if rng.random() < 0.3 else [option(FORWARD + k, right)["bid_nano"]])
    ]
    options = [row | {"instrument_id": number} for number, row in enumerate(options)]
    order = rng.permutation(len(options))
    straight, shuffled = solve(*options), solve(*(options[i] for i in order))
    for one, other in zip(straight, shuffled, strict=True):
        assert np.array_equal(one[order], other, equal_nan=one.dtype.kind == "f")


def test_no_options_give_empty_arrays() -> None:
    none = np.array([], dtype=np.int64)
    result = chain_volatility(
        *(none, none, none, none.astype(bool), none, none.astype(float)),
        *(none.astype(float), none.astype(float)),
        iv_min=1e-4,
        iv_max=5.0,
    )
    assert [len(column) for column in result] == [0] * 8
