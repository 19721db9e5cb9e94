"""First-passage probabilities against closed forms, each other's series, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_physics.quant.first_passage import (
    _by_eigenfunctions,
    _by_images,
    first_passage_probabilities,
)

POINTS = st.floats(0.01, 100.0)
VOLATILITY = st.floats(0.01, 50.0)
MINUTES = st.floats(0.01, 60.0)


def long_image_series(near: float, far: float, deviation: float) -> float:
    """The image series to 60 terms a side, added exactly: right at any horizon used here."""
    width, unit = near + far, math.sqrt(2.0) * deviation
    return math.fsum(
        sign * math.erfc((2 * k * width + distance) / unit)
        for k in range(60)
        for sign, distance in ((1, near), (-1, 2 * width - near))
    )


@pytest.mark.parametrize("variance", [1e-3, 0.05, 0.2, 0.2499, 0.2501, 0.3, 1.0, 5.0])
def test_both_probabilities_are_right_to_1e13(variance: float) -> None:
    near = np.linspace(0.005, 0.995, 199)
    result = first_passage_probabilities(near, 1.0 - near, math.sqrt(variance), 1.0)
    up = [long_image_series(x, 1.0 - x, math.sqrt(variance)) for x in near]
    down = [long_image_series(1.0 - x, x, math.sqrt(variance)) for x in near]
    np.testing.assert_allclose(result.up, up, rtol=0, atol=1e-13)
    np.testing.assert_allclose(result.down, down, rtol=0, atol=1e-13)
    np.testing.assert_allclose(result.neither, 1.0 - np.add(up, down), rtol=0, atol=1e-13)


@pytest.mark.parametrize("variance", [0.17, 0.2, 0.25, 0.28])
def test_the_two_series_agree_where_both_converge(variance: float) -> None:
    near = np.linspace(0.001, 0.999, 999)
    deviation = np.full_like(near, math.sqrt(variance))
    images = _by_images(near, 1.0 - near, deviation)
    eigenfunctions = _by_eigenfunctions(near, 1.0 - near, deviation)
    np.testing.assert_allclose(images, eigenfunctions, rtol=0, atol=1e-13)


def test_symmetric_barriers_have_the_known_survival_probability() -> None:
    # P(|W| < 1 on [0, 1]) = (4/pi) * (e^(-pi^2/8) - e^(-9 pi^2/8)/3 + e^(-25 pi^2/8)/5 - ...)
    survival = (4 / math.pi) * sum(
        (-1) ** k / (2 * k + 1) * math.exp(-((2 * k + 1) ** 2) * math.pi**2 / 8) for k in range(6)
    )
    assert survival == pytest.approx(0.370777, abs=1e-6)
    result = first_passage_probabilities(1.0, 1.0, 1.0, 1.0)
    assert result.neither == pytest.approx(survival, abs=1e-14)
    assert result.up == result.down == pytest.approx((1.0 - survival) / 2, abs=1e-14)


def test_a_far_second_barrier_leaves_the_reflection_principle() -> None:
    # P(max of W over [0, T] >= a) = 2 P(W_T >= a) = erfc(a / (sigma sqrt(2 T)))
    distance = np.array([0.1, 1.0, 5.0, 15.0, 40.0])
    single = [math.erfc(a / (2.5 * math.sqrt(2 * 8.0))) for a in distance]
    for far in (1e3, 1e9, np.inf):
        result = first_passage_probabilities(distance, far, 2.5, 8.0)
        np.testing.assert_allclose(result.up, single, rtol=1e-14, atol=0)
        assert (result.down == 0).all()
        np.testing.assert_allclose(result.neither, 1.0 - np.array(single), rtol=0, atol=1e-15)


def test_a_long_horizon_is_gamblers_ruin() -> None:
    up, down = np.array([1.0, 10.0, 15.0]), np.array([9.0, 10.0, 2.5])
    result = first_passage_probabilities(up, down, 3.0, 1e6)
    np.testing.assert_allclose(result.up, down / (up + down), rtol=1e-15)
    np.testing.assert_allclose(result.down, up / (up + down), rtol=1e-15)
    assert (result.neither <= 1e-15).all()


def test_where_nothing_moves_nothing_is_touched() -> None:
    for volatility, horizon in ((0.0, 8.0), (2.0, 0.0), (0.0, 0.0)):
        assert first_passage_probabilities(0.25, 15.0, volatility, horizon) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("volatility", [0.0, 1.5])
@pytest.mark.parametrize("passed", [0.0, -0.25])
def test_a_passed_barrier_is_certain(volatility: float, passed: float) -> None:
    assert first_passage_probabilities(passed, 30.0, volatility, 8.0) == (1.0, 0.0, 0.0)
    assert first_passage_probabilities(30.0, passed, volatility, 8.0) == (0.0, 1.0, 0.0)


def test_unknown_inputs_give_unknown_probabilities() -> None:
    one_unknown = np.where(np.eye(4, dtype=bool), np.nan, 1.0)
    # A barrier already passed does not make an unknown volatility known.
    passed = np.array([[-1.0, 5.0, np.nan, 1.0], [5.0, 0.0, np.nan, 1.0]])
    inputs = np.vstack([one_unknown, passed]).T
    assert np.isnan(np.array(first_passage_probabilities(*inputs))).all()


def test_inputs_broadcast_and_elements_do_not_mix() -> None:
    volatility = np.array([[0.0], [np.nan], [2.0]])
    distance = np.array([-1.0, 3.0])
    result = first_passage_probabilities(distance, 20.0, volatility, 8.0)
    for i, j in np.ndindex(3, 2):
        alone = first_passage_probabilities(distance[j], 20.0, volatility[i, 0], 8.0)
        np.testing.assert_array_equal([p[i, j] for p in result], alone)
    assert first_passage_probabilities([], [], [], 8.0).neither.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([3.0, -1.0], [3.0, 0.0], 1.0, 8.0), r"distance_up -1\.0, distance_down 0\.0.*\(1,\)"),
        ((1.0, 1.0, -0.5, 8.0), r"negative volatility -0\.5"),
        ((1.0, 1.0, 0.5, -8.0), r"negative horizon -8\.0"),
    ],
)
def test_impossible_inputs_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        first_passage_probabilities(*arguments)


@given(POINTS, POINTS, VOLATILITY, MINUTES)
def test_the_three_are_probabilities_that_sum_to_one(
    up: float, down: float, volatility: float, horizon: float
) -> None:
    result = np.array(first_passage_probabilities(up, down, volatility, horizon))
    assert ((result >= 0) & (result <= 1)).all()
    assert result.sum() == pytest.approx(1.0, abs=1e-15)


@given(POINTS, POINTS, VOLATILITY, MINUTES)
def test_mirrored_barriers_swap_the_probabilities(
    up: float, down: float, volatility: float, horizon: float
) -> None:
    there = first_passage_probabilities(up, down, volatility, horizon)
    back = first_passage_probabilities(down, up, volatility, horizon)
    assert (there.up, there.down) == (back.down, back.up)
    assert there.neither == pytest.approx(back.neither, abs=1e-15)


@given(POINTS, POINTS, VOLATILITY, MINUTES, MINUTES)
def test_touching_only_becomes_likelier_with_time(
    up: float, down: float, volatility: float, first: float, second: float
) -> None:
    earlier, later = sorted((first, second))
    result = first_passage_probabilities(up, down, volatility, [earlier, later])
    assert result.up[1] >= result.up[0] - 1e-14
    assert result.down[1] >= result.down[0] - 1e-14
    assert result.neither[1] <= result.neither[0] + 1e-14


@given(POINTS, POINTS, VOLATILITY, MINUTES, st.floats(0.1, 10.0))
def test_only_distance_over_deviation_matters(
    up: float, down: float, volatility: float, horizon: float, factor: float
) -> None:
    plain = np.array(first_passage_probabilities(up, down, volatility, horizon))
    scaled = first_passage_probabilities(
        up * factor, down * factor, volatility * factor * 2, horizon / 4
    )
    np.testing.assert_allclose(np.array(scaled), plain, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("up", "down", "volatility"), [(15.0, 15.0, 4.0), (14.0, 16.0, 6.0), (8.0, 22.0, 3.0)]
)
def test_simulated_paths_agree_within_binomial_error(
    up: float, down: float, volatility: float
) -> None:
    paths, steps, horizon = 20_000, 120, 8.0
    rng = np.random.default_rng(20251216)
    variance = volatility**2 * horizon / steps
    position = np.zeros(paths)
    outcome = np.zeros(paths, dtype=int)
    for _ in range(steps):
        after = position + rng.normal(0.0, math.sqrt(variance), paths)
        for sign, barrier in ((1, up), (-1, down)):
            gap_before, gap_after = barrier - sign * position, barrier - sign * after
            # A Brownian bridge between the two ends crosses with this probability.
            crossing = np.exp(-2.0 * np.maximum(gap_before * gap_after, 0.0) / variance)
            crossing[gap_after <= 0] = 1.0
            outcome[(outcome == 0) & (rng.random(paths) < crossing)] = sign
        position = after
    expected = first_passage_probabilities(up, down, volatility, horizon)
    for sign, probability in zip((1, -1, 0), expected, strict=True):
        error = math.sqrt(probability * (1 - probability) / paths)
        assert abs(np.mean(outcome == sign) - probability) < 4 * error
