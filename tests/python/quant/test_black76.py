"""Black (1976) against Haug's table, QuantLib, forty-digit arithmetic and its own symmetries."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from functools import partial

import mpmath
import numpy as np
import pytest
import QuantLib
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from es_physics.quant import black76
from es_physics.quant.black76 import SolveStatus, implied_volatility, implied_volatility_from_price

Floats = NDArray[np.float64]

YEAR_S = 365 * 86400.0
TICK = 0.05
GREEKS = [black76.price, black76.delta, black76.gamma, black76.vega, black76.theta]

# Rows of one volatility; columns F = 90, 100, 110. Strike 100, rate 0.10. E. G. Haug, "Option
# Pricing Formulas", McGraw-Hill 1998, p. 24, as quoted by QuantLib's test-suite/europeanoption.cpp.
HAUG = {
    # years, is_call: rows of volatility 0.15, 0.25, 0.35
    (0.1, True): [[0.0205, 1.8734, 9.9413], [0.3150, 3.1217, 10.3556], [0.9474, 4.3693, 11.1381]],
    (0.5, True): [[0.8069, 4.0232, 10.5769], [2.7026, 6.6997, 12.7857], [4.9329, 9.3679, 15.3086]],
    (0.1, False): [[9.9210, 1.8734, 0.0408], [10.2155, 3.1217, 0.4551], [10.8479, 4.3693, 1.2376]],
    (0.5, False): [[10.3192, 4.0232, 1.0646], [12.2149, 6.6997, 3.2734], [14.4452, 9.3679, 5.7963]],
}

PRICES = st.integers(8_000, 40_000).map(lambda quarters: quarters / 4)
YEARS = st.floats(1.0, 90 * 86400.0).map(lambda seconds: seconds / YEAR_S)
# Below the bound, as a price at it may round to one beyond it.
SIGMAS = st.floats(0.01, 4.99)


def time_value(forward: object, strike: object, years: object, sigma: object) -> Floats:
    """The undiscounted price of the side out of the money."""
    return black76.price(forward, strike, years, sigma, np.asarray(strike) >= np.asarray(forward))


def same_day_options(n: int, seed: int = 20251216) -> tuple[Floats, Floats, Floats, Floats]:
    """Forward, strike, years and sigma of options with a minute to a session left to live."""
    rng = np.random.default_rng(seed)
    forward = 6830.0 + rng.integers(-80, 81, n) * 0.25
    strike = 6830.0 + rng.integers(-120, 121, n) * 5.0
    return forward, strike, rng.uniform(60, 23400, n) / YEAR_S, rng.uniform(0.05, 1.5, n)


def exact_price(
    forward: object, strike: object, years: object, sigma: object, rate: object, is_call: bool
) -> object:
    """Black's formula in mpmath's working precision."""
    f, k, t, v, r = map(mpmath.mpf, (forward, strike, years, sigma, rate))
    s = v * mpmath.sqrt(t)
    d1 = mpmath.log(f / k) / s + s / 2
    sign = 1 if is_call else -1
    undiscounted = sign * (f * mpmath.ncdf(sign * d1) - k * mpmath.ncdf(sign * (d1 - s)))
    return mpmath.exp(-r * t) * undiscounted


@pytest.mark.parametrize(("years", "is_call"), HAUG)
def test_prices_are_those_of_haugs_table(years: float, is_call: bool) -> None:
    forward, sigma = np.array([90.0, 100.0, 110.0]), np.array([[0.15], [0.25], [0.35]])
    ours = black76.price(forward, 100.0, years, sigma, is_call, rate=0.10)
    # A unit of the last place, not half of one: 1.87334 is printed as 1.8734.
    np.testing.assert_allclose(ours, HAUG[years, is_call], rtol=0, atol=1e-4)


def test_single_examples_are_haugs() -> None:
    # Haug (1998), p. 6 (price of an option on Brent futures) and p. 11 (delta), same quotation.
    prices = black76.price(19.0, 19.0, 0.75, 0.28, [True, False], rate=0.10)
    np.testing.assert_allclose(prices, 1.7011, rtol=0, atol=0.5001e-4)
    deltas = black76.delta(105.0, 100.0, 0.5, 0.36, [True, False], rate=0.10)
    np.testing.assert_allclose(deltas, [0.5946, -0.3566], rtol=0, atol=0.5001e-4)


def quantlib_grid() -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Inputs and QuantLib's results, from a minute to 30 days and volatility 0.2 to 5."""
    seconds = [60.0, 600.0, 3600.0, 23400.0, 86400.0, 7 * 86400.0, 30 * 86400.0]
    sigmas = [0.2, 0.35, 0.6, 1.0, 2.0, 5.0]
    strikes = np.append(np.arange(6230.0, 7431.0, 60.0), 6830.75)
    axes = ([6830.75], strikes, seconds, sigmas, [True, False], [0.0, 0.05])
    rows, results = list(itertools.product(*axes)), []
    for forward, strike, alive, sigma, is_call, rate in rows:
        years = alive / YEAR_S
        right = QuantLib.Option.Call if is_call else QuantLib.Option.Put
        payoff = QuantLib.PlainVanillaPayoff(right, float(strike))
        deviation, discount = sigma * math.sqrt(years), math.exp(-rate * years)
        option = QuantLib.BlackCalculator(payoff, forward, deviation, discount)
        results.append(
            (
                option.value(),
                option.deltaForward(),
                option.gammaForward(),
                option.vega(years),
                option.theta(forward, years),
            )
        )
    names = ("forward", "strike", "years", "sigma", "is_call", "rate")
    inputs = dict(zip(names, np.array(rows, np.float64).T, strict=True))
    inputs["years"] /= YEAR_S
    expected = zip(("price", "delta", "gamma", "vega", "theta"), np.array(results).T, strict=True)
    return inputs, dict(expected)


# QuantLib subtracts Black's two terms, so that far out of the money an error of some 1e-12 points
# stays in its price, 1e-16 in its delta and 1e-8 points per year in its theta: hence the atol.
# Where the side out of the money is worth less than 1e-12 points nothing is compared. The
# forty-digit arithmetic below needs no atol, and goes on to prices of 1e-300.
@pytest.mark.parametrize(
    ("greek", "atol"),
    [("price", 2e-12), ("delta", 1e-15), ("gamma", 0.0), ("vega", 0.0), ("theta", 1e-8)],
)
def test_values_and_greeks_are_quantlibs_to_1e10(greek: str, atol: float) -> None:
    inputs, expected = quantlib_grid()
    compared = time_value(*(inputs[x] for x in ("forward", "strike", "years", "sigma"))) > 1e-12
    assert compared.sum() > 2000
    ours = getattr(black76, greek)(**inputs | {"is_call": inputs["is_call"] == 1.0})
    np.testing.assert_allclose(ours[compared], expected[greek][compared], rtol=1e-10, atol=atol)


def test_the_volatility_of_quantlibs_prices_is_found_to_1e8() -> None:
    inputs, expected = quantlib_grid()
    for is_call in (True, False):
        side = (inputs["rate"] == 0.0) & (inputs["is_call"] == is_call)
        f, k, t, sigma = (inputs[x][side] for x in ("forward", "strike", "years", "sigma"))
        quoted = expected["price"][side]
        found = implied_volatility_from_price(f, k, t, quoted, is_call, sigma_max=6.0)
        compared = time_value(f, k, t, sigma) > TICK
        assert compared.sum() > 400
        assert (found.status[compared] == SolveStatus.SOLVED).all()
        np.testing.assert_allclose(found.sigma[compared], sigma[compared], rtol=0, atol=1e-8)


EXTREMES = list(
    itertools.product(
        [6830.75],
        [6830.75, 6831.0, 6835.0, 6800.0, 6900.0, 6500.0, 7400.0, 4000.0, 40000.0],
        [1.0, 60.0, 23400.0, 90 * 86400.0],
        [1e-4, 0.05, 0.2, 1.0, 5.0],
        [0.0, 0.05],
    )
)


def test_prices_are_right_to_1e13_from_a_second_to_months_and_far_out() -> None:
    with mpmath.workdps(40):
        for forward, strike, seconds, sigma, rate in EXTREMES:
            market = (forward, strike, seconds / YEAR_S, sigma)
            exact = float(exact_price(*market, rate, strike >= forward))
            ours = black76.price(*market, strike >= forward, rate=rate)
            rtol = 1e-13 if exact > 1e-12 else 1e-12
            # A double has fewer digits below 1e-308.
            np.testing.assert_allclose(ours, exact, rtol=rtol, atol=1e-310)


def exact_greeks(
    f: float, k: float, t: float, v: float, rate: float, is_call: bool
) -> dict[str, object]:
    """Numerical derivatives of the exact price, good to half the working precision or better."""
    exact = partial(exact_price, strike=k, rate=rate, is_call=is_call)
    return {
        "delta": mpmath.diff(lambda x: exact(x, years=t, sigma=v), f),
        "gamma": mpmath.diff(lambda x: exact(x, years=t, sigma=v), f, 2),
        "vega": mpmath.diff(lambda x: exact(f, years=t, sigma=x), v),
        "theta": -mpmath.diff(lambda x: exact(f, years=x, sigma=v), t),
    }


@pytest.mark.parametrize("is_call", [True, False])
def test_greeks_are_the_derivatives_of_the_exact_price(is_call: bool) -> None:
    compared = 0
    with mpmath.workdps(60):
        for forward, strike, seconds, sigma, rate in EXTREMES:
            market = (forward, strike, seconds / YEAR_S, sigma)
            if time_value(*market) < 1e-12:
                continue
            compared += 1
            for name, exact in exact_greeks(*market, rate, is_call).items():
                ours = getattr(black76, name)(*market, is_call, rate=rate)
                np.testing.assert_allclose(ours, float(exact), rtol=1e-12, err_msg=name)
    assert compared > 150


@pytest.mark.parametrize("greek", GREEKS)
@pytest.mark.parametrize("is_call", [True, False])
def test_a_second_before_expiry_everything_is_finite(
    greek: Callable[..., Floats], is_call: bool
) -> None:
    strikes = np.append(np.arange(6000.0, 7700.0, 5.0), 6830.75)
    for sigma in (1e-4, 0.05, 0.2, 5.0):
        assert np.isfinite(greek(6830.75, strikes, 1.0 / YEAR_S, sigma, is_call, rate=0.05)).all()


@pytest.mark.parametrize(("years", "sigma"), [(0.0, 0.2), (0.5, 0.0), (0.0, 0.0)])
def test_without_time_or_volatility_only_intrinsic_value_is_left(
    years: float, sigma: float
) -> None:
    strike, is_call = np.array([95.0, 100.0, 105.0] * 2), np.repeat([True, False], 3)
    discount = math.exp(-0.1 * years)
    results = [greek(100.0, strike, years, sigma, is_call, rate=0.1) for greek in GREEKS]
    price, delta, gamma, vega, theta = results
    intrinsic = discount * np.array([5.0, 0.0, 0.0, 0.0, 0.0, 5.0])
    np.testing.assert_array_equal(price, intrinsic)
    np.testing.assert_array_equal(delta, discount * np.array([1, 0.5, 0, 0, -0.5, -1]))
    np.testing.assert_array_equal(gamma, [0, np.inf, 0, 0, np.inf, 0])
    at_the_money = discount * 100.0 * math.sqrt(years / (2 * math.pi))
    np.testing.assert_allclose(vega, np.tile([0, at_the_money, 0], 2), rtol=1e-15)
    decay = -np.inf if sigma > 0 else 0.0
    np.testing.assert_array_equal(theta, 0.1 * intrinsic + np.tile([0, decay, 0], 2))


@given(PRICES, PRICES, YEARS, SIGMAS, st.floats(-0.05, 0.2))
def test_call_less_put_is_the_discounted_distance_to_the_strike(
    forward: float, strike: float, years: float, sigma: float, rate: float
) -> None:
    market = (forward, strike, years, sigma)
    call, put = (black76.price(*market, is_call, rate=rate) for is_call in (True, False))
    expected = math.exp(-rate * years) * (forward - strike)
    np.testing.assert_allclose(call - put, expected, rtol=0, atol=1e-15 * max(forward, strike))
    deltas = [black76.delta(*market, is_call, rate=rate) for is_call in (True, False)]
    np.testing.assert_allclose(deltas[0] - deltas[1], math.exp(-rate * years), rtol=2e-15)
    for greek in (black76.gamma, black76.vega):
        assert greek(*market, True, rate=rate) == greek(*market, False, rate=rate)


@given(PRICES, PRICES, YEARS, SIGMAS, st.floats(1e-6, 1.0))
def test_more_volatility_is_never_worth_less(
    forward: float, strike: float, years: float, sigma: float, more: float
) -> None:
    low, high = time_value(forward, strike, years, np.array([sigma, sigma * (1 + more)]))
    assert high > low or low <= high < 1e-300


@given(PRICES, PRICES, YEARS, SIGMAS, st.integers(1, 1000))
def test_price_scales_with_forward_and_strike(
    forward: float, strike: float, years: float, sigma: float, factor: int
) -> None:
    once = time_value(forward, strike, years, sigma)
    many = time_value(factor * forward, factor * strike, years, sigma)
    np.testing.assert_allclose(many, factor * once, rtol=1e-14, atol=1e-305)


@given(PRICES, PRICES, YEARS, SIGMAS, st.booleans())
def test_a_call_is_a_put_with_forward_and_strike_exchanged(
    forward: float, strike: float, years: float, sigma: float, is_call: bool
) -> None:
    straight = black76.price(forward, strike, years, sigma, is_call)
    assert straight == black76.price(strike, forward, years, sigma, not is_call)


@given(PRICES, PRICES, YEARS, st.floats(1e-4, 4.99))
def test_volatility_comes_back_from_the_time_value(
    forward: float, strike: float, years: float, sigma: float
) -> None:
    value = time_value(forward, strike, years, sigma)
    assume(value > 1e-300)
    found = implied_volatility(forward, strike, years, value)
    assert found.status == SolveStatus.SOLVED
    again = time_value(forward, strike, years, found.sigma)
    np.testing.assert_allclose(again, value, rtol=2e-10)
    if value > TICK:
        np.testing.assert_allclose(found.sigma, sigma, rtol=0, atol=1e-8)


def test_same_day_volatilities_come_back_to_1e12() -> None:
    forward, strike, years, sigma = same_day_options(20_000)
    value = time_value(forward, strike, years, sigma)
    found = implied_volatility(forward, strike, years, value)
    quoted = value > TICK
    assert quoted.sum() > 8000
    np.testing.assert_allclose(found.sigma[quoted], sigma[quoted], rtol=0, atol=1e-12)
    solved = found.status == SolveStatus.SOLVED
    np.testing.assert_array_equal(solved, value > 0)
    again = time_value(forward, strike, years, found.sigma)
    # The further out, the more a volatility's last digits move the value.
    np.testing.assert_allclose(again[solved], value[solved], rtol=2e-10, atol=1e-300)
    near = value > 1e-12
    np.testing.assert_allclose(again[near], value[near], rtol=1e-11)


def test_a_root_does_not_depend_on_the_other_options() -> None:
    forward, strike, years, sigma = same_day_options(3_000)
    value = time_value(forward, strike, years, sigma)
    whole = implied_volatility(forward, strike, years, value).sigma
    order = np.random.default_rng(1).permutation(whole.size)
    shuffled = implied_volatility(forward[order], strike[order], years[order], value[order]).sigma
    assert shuffled.tobytes() == whole[order].tobytes()
    every_third = implied_volatility(forward[::3], strike[::3], years[::3], value[::3]).sigma
    assert every_third.tobytes() == whole[::3].tobytes()
    for i in range(0, whole.size, 60):
        alone = implied_volatility(forward[i], strike[i], years[i], value[i]).sigma
        assert alone.tobytes() == whole[i].tobytes()


@pytest.mark.parametrize("greek", GREEKS)
def test_a_price_does_not_depend_on_the_other_options(greek: Callable[..., Floats]) -> None:
    options = np.array(same_day_options(1_000))
    whole = greek(*options, True)
    assert greek(*options[:, ::-3], True).tobytes() == whole[::-3].tobytes()
    alone = [greek(*options[:, i], True) for i in range(0, whole.size, 50)]
    assert np.array(alone).tobytes() == whole[::50].tobytes()


@pytest.mark.parametrize(("forward", "strike"), [(6830.0, 6830.0), (6830.0, 6850.0), (100.0, 60.0)])
@pytest.mark.parametrize(("low", "high"), [(1e-4, 5.0), (0.1, 0.3)])
def test_the_bounds_are_solved_and_what_lies_beyond_says_so(
    forward: float, strike: float, low: float, high: float
) -> None:
    bounds = time_value(forward, strike, 20 / 365, np.array([low, high]))
    solve = partial(implied_volatility, forward, strike, 20 / 365, sigma_min=low, sigma_max=high)
    at = solve(bounds)
    if bounds[0] > 0:
        assert at.status.tolist() == [SolveStatus.SOLVED, SolveStatus.SOLVED]
        np.testing.assert_allclose(at.sigma, [low, high], rtol=1e-12)
        below = solve(np.nextafter(bounds[0], 0.0))
        assert below.status == SolveStatus.BELOW
        assert np.isnan(below.sigma)
    else:
        assert at.status.tolist() == [SolveStatus.INVALID, SolveStatus.SOLVED]
    above = solve(np.nextafter(bounds[1], np.inf))
    assert above.status == SolveStatus.ABOVE
    assert np.isnan(above.sigma)
    assert solve([forward, 1e9]).status.tolist() == [SolveStatus.ABOVE, SolveStatus.ABOVE]


@pytest.mark.parametrize(("years", "highest"), [(100.0, 2.0), (300.0, 5.0)])
def test_a_time_value_at_its_ceiling_is_solved_within_the_bounds(
    years: float, highest: float
) -> None:
    # So much volatility makes the option worth all of the forward or strike, and the time value
    # has no digit left to tell one sigma from another.
    strike, sigma = np.arange(50.0, 150.0).reshape(-1, 1), highest * np.array([0.8, 0.9, 1.0])
    value = time_value(100.0, strike, years, sigma)
    ceiling = np.broadcast_to(np.minimum(strike, 100.0), value.shape)
    np.testing.assert_allclose(value, ceiling, rtol=1e-12)
    found = implied_volatility(100.0, strike, years, value, sigma_max=highest)
    solved = found.status == SolveStatus.SOLVED
    assert solved.sum() > 50
    assert ((found.sigma[solved] >= 1e-4) & (found.sigma[solved] <= highest)).all()
    again = time_value(100.0, strike, years, found.sigma)
    np.testing.assert_allclose(again[solved], value[solved], rtol=1e-12)


def test_a_discounted_price_of_either_right_gives_the_volatility() -> None:
    strike, is_call = np.array([6700.0, 6830.0, 6900.0]), np.array([[True], [False]])
    price = black76.price(6830.0, strike, 0.05, 0.25, is_call, rate=0.04)
    found = implied_volatility_from_price(6830.0, strike, 0.05, price, is_call, rate=0.04)
    np.testing.assert_allclose(found.sigma, np.full((2, 3), 0.25), rtol=0, atol=1e-12)
    at_intrinsic = implied_volatility_from_price(6830.0, 6800.0, 0.05, 30.0, True)
    assert at_intrinsic.status == SolveStatus.INVALID


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("position", range(4))
def test_bad_market_data_is_marked_and_spoils_no_neighbour(position: int, bad: float) -> None:
    market = np.array([[6830.0, 6830.0], [6850.0, 6850.0], [0.001, 0.001], [0.25, 0.25]])
    market[position, 1] = bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for greek in GREEKS:
            good, spoilt = greek(*market, [True, True])
            assert np.isfinite(good)
            assert np.isnan(spoilt)
        found = implied_volatility(*market)
        assert found.status.tolist() == [SolveStatus.SOLVED, SolveStatus.INVALID]
        assert np.isnan(found.sigma).tolist() == [False, True]
        from_price = implied_volatility_from_price(*market, [True, True])
        assert from_price.status.tolist() == [SolveStatus.SOLVED, SolveStatus.INVALID]


@pytest.mark.parametrize(("years", "value"), [(0.0, 1.0), (0.001, 0.0)])
def test_an_expired_option_or_no_time_value_is_invalid(years: float, value: float) -> None:
    assert implied_volatility(6830.0, 6850.0, years, value).status == SolveStatus.INVALID


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_unknown_rate_makes_the_price_unknown(bad: float) -> None:
    assert np.isnan(black76.price(6830.0, 6850.0, 0.001, 0.25, True, rate=bad))
    found = implied_volatility_from_price(6830.0, 6850.0, 0.001, 5.0, True, rate=bad)
    assert found.status == SolveStatus.INVALID


def test_shapes_are_those_of_broadcasting_and_may_be_empty() -> None:
    strikes, years = np.full((3, 1), 6850.0), np.full(4, 0.001)
    for greek in GREEKS:
        assert greek(6830.0, strikes, years, 0.25, True).shape == (3, 4)
        assert greek(6830.0, 6850.0, 0.001, 0.25, np.ones((2, 3), bool)).shape == (2, 3)
        assert greek(6830.0, [], 0.001, 0.25, True).shape == (0,)
    found = implied_volatility(6830.0, strikes, years, 1.0)
    assert found.sigma.shape == found.status.shape == (3, 4)
    assert found.status.dtype == np.uint8
    assert implied_volatility(6830.0, [], 0.001, 1.0).sigma.shape == (0,)


@pytest.mark.parametrize(("low", "high"), [(0.0, 5.0), (1.0, 1.0), (0.1, math.inf)])
def test_senseless_bounds_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="volatility bounds"):
        implied_volatility(6830.0, 6850.0, 0.001, 1.0, sigma_min=low, sigma_max=high)
