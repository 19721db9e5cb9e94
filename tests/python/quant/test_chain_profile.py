"""At-the-money volatility, skew and flip of one chain, by hand and by brute force."""

from __future__ import annotations

import math
from time import process_time

import numpy as np
import pytest

from es_physics.quant.black76 import charm_per_minute, delta, gamma, vanna_per_vol_percent
from es_physics.quant.chain_profile import (
    at_the_money,
    chain_profiles,
    skew_25_delta,
    zero_gamma,
)

YEARS = 6.5 / 24 / 365


def test_greeks_of_a_worked_call() -> None:
    option = (5740.0, 5750.0, YEARS, 0.12)
    assert delta(*option, True) == pytest.approx(0.29775400, abs=5e-9)
    assert charm_per_minute(*option) == pytest.approx(-2.3728660e-4, abs=5e-12)
    assert vanna_per_vol_percent(*option) == pytest.approx(1.8508355e-3, abs=5e-11)


def test_charm_and_vanna_are_differences_of_delta() -> None:
    strike = np.arange(5700.0, 5800.0, 5.0)
    step = 1e-4
    sooner, later = (
        delta(5740.0, strike, YEARS + sign * step / (365 * 24 * 60), 0.12, True) for sign in (1, -1)
    )
    np.testing.assert_allclose(
        (later - sooner) / (2 * step), charm_per_minute(5740.0, strike, YEARS, 0.12), atol=1e-8
    )
    lower, higher = (
        delta(5740.0, strike, YEARS, 0.12 * (1 + sign * 1e-6), True) for sign in (-1, 1)
    )
    np.testing.assert_allclose(
        (higher - lower) / 2e-4, vanna_per_vol_percent(5740.0, strike, YEARS, 0.12), atol=1e-8
    )


def test_at_the_money_is_linear_between_strikes_and_unknown_outside() -> None:
    assert at_the_money([5700, 5710], [0.2, 0.1], 5707.5) == pytest.approx(0.125)
    assert at_the_money([5700, 5710], [0.2, 0.1], 5710) == 0.1
    assert math.isnan(at_the_money([5700, 5710], [0.2, 0.1], 5710.25))
    assert math.isnan(at_the_money([], [], 5710))


def test_skew_is_linear_in_delta_between_the_first_strikes_around_it() -> None:
    strike = np.arange(5600.0, 5800.0, 5.0)
    iv = 0.12 + (5700.0 - strike) * 1e-4
    total = iv * math.sqrt(YEARS)
    call = delta(5702.0, strike, YEARS, iv, True)
    puts = strike < 5702.0
    expected = np.interp(-0.25, (call - 1)[puts][::-1], iv[puts][::-1]) - np.interp(
        0.25, call[~puts][::-1], iv[~puts][::-1]
    )
    assert skew_25_delta(strike, iv, total, 5702.0) == pytest.approx(expected, rel=1e-12)


def test_skew_without_a_strike_far_enough_is_unknown() -> None:
    iv = np.full(2, 0.12)
    assert math.isnan(skew_25_delta([5700.0, 5705.0], iv, iv * math.sqrt(YEARS), 5702.0))


def test_skew_takes_the_nearer_strike_where_deltas_are_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flat = {5690.0: 0.75, 5685.0: 0.75, 5705.0: 0.25, 5710.0: 0.25}
    strikes = np.array(sorted(flat))
    monkeypatch.setattr(
        "es_physics.quant.chain_profile.ndtr", lambda d1: np.array([flat[k] for k in strikes])
    )
    iv = np.array([0.4, 0.3, 0.1, 0.2])
    assert skew_25_delta(strikes, iv, iv, 5700.0) == pytest.approx(0.3 - 0.1)


def test_the_flip_is_where_the_summed_gamma_is_nothing() -> None:
    strike, sigma, net = np.array([5690.0, 5720.0]), 0.12, np.array([-900.0, 1000.0])
    total = np.full(2, sigma * math.sqrt(YEARS))
    flip = zero_gamma(strike, total, net, 5701.0)
    prices = np.array([math.floor(flip), math.floor(flip) + 1.0])
    sums = [float(net @ gamma(price, strike, YEARS, sigma, True)) for price in prices]
    assert sums[0] < 0 < sums[1]
    assert flip == pytest.approx(prices[0] + sums[0] / (sums[0] - sums[1]), abs=1e-9)


def test_the_nearest_of_several_flips_counts_and_none_is_unknown() -> None:
    strike = np.array([5640.0, 5700.0, 5740.0])
    total = np.full(3, 0.001)
    flip = zero_gamma(strike, total, np.array([1.0, -1.0, 1.0]), 5715.0)
    assert 5715 < flip < 5725
    assert math.isnan(zero_gamma(strike, total, np.array([1.0, 2.0, 0.0]), 5715.0))
    assert math.isnan(zero_gamma(strike, total, np.zeros(3), 5715.0))


def test_profiles_of_moments_are_those_of_each_alone() -> None:
    """Smile and skew go by quoted strikes only, the flip by all; nothing passes between moments."""
    strike = np.arange(5680.0, 5721.0, 5.0)
    iv = np.concatenate([0.12 + (5700.0 - strike) * 1e-4, 0.1 + (5700.0 - strike) * 2e-4])
    total = iv * math.sqrt(YEARS)
    quoted = np.ones(18, bool)
    quoted[[4, 13]] = False
    net = np.concatenate([strike - 5700, 5702 - strike])
    forward = np.repeat([5701.0, 5699.0], 9)
    found = chain_profiles(
        np.repeat([60, 120], 9), np.tile(strike, 2), iv, total, quoted, net, forward
    )
    assert found.mark_ns.tolist() == [60, 120]
    for number, rows in enumerate((slice(0, 9), slice(9, 18))):
        seen, price = quoted[rows], forward[rows][0]
        here, vol, w = strike[seen], iv[rows][seen], total[rows][seen]
        assert found.atm_iv[number] == at_the_money(here, vol, price)
        assert found.skew_25_delta[number] == skew_25_delta(here, vol, w, price)
        assert found.zero_gamma[number] == zero_gamma(strike, total[rows], net[rows], price)
    assert not np.isnan(found[1:]).any()


def test_profiles_of_no_moment() -> None:
    assert [one.size for one in chain_profiles(*([[]] * 7))] == [0, 0, 0, 0]


def test_a_sessions_profiles_take_less_than_half_a_second() -> None:
    """240 marks, 61 strikes, 201 prices, in CPU time."""
    strike = np.tile(np.arange(5550.0, 5851.0, 5.0), 240)
    iv = np.full(strike.size, 0.12)
    started = process_time()
    chain_profiles(
        np.repeat(np.arange(240), 61),
        strike,
        iv,
        iv * math.sqrt(YEARS),
        np.ones(strike.size, bool),
        strike - 5700,
        np.full(strike.size, 5701.0),
    )
    assert process_time() - started < 0.5
