"""Lead and lag: against the sum over all pairs of intervals, and against a lag that is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from es_physics.quant.hayashi_yoshida import best_lag, lead_lag

path = st.lists(st.tuples(st.integers(1, 40), st.integers(-5, 5)), min_size=0, max_size=30).map(
    lambda steps: [list(np.cumsum(column)) for column in zip(*steps, strict=True)] or [[], []]
)


@settings(max_examples=200, deadline=None)
@given(x=path, y=path, theta=st.integers(-60, 60), gap=st.integers(1, 40))
def test_it_is_the_sum_over_all_overlapping_intervals(
    x: list[list[int]], y: list[list[int]], theta: int, gap: int
) -> None:
    found = lead_lag(x[0], x[1], y[0], y[1], [theta], y_max_gap_ns=gap)
    pairs = [
        (xv2 - xv1, yv2 - yv1)
        for xt1, xt2, xv1, xv2 in zip(x[0], x[0][1:], x[1], x[1][1:], strict=False)
        for yt1, yt2, yv1, yv2 in zip(y[0], y[0][1:], y[1], y[1][1:], strict=False)
        if yt2 - yt1 <= gap and max(xt1, yt1 - theta) < min(xt2, yt2 - theta)
    ]
    short = [
        (b - a) ** 2
        for c, d, a, b in zip(y[0], y[0][1:], y[1], y[1][1:], strict=False)
        if d - c <= gap
    ]
    squares = sum((b - a) ** 2 for a, b in zip(x[1], x[1][1:], strict=False)) * sum(short)
    products = sum(a * b for a, b in pairs)
    if squares == 0:
        assert np.isnan(found.rho[0])
    else:
        assert found.rho[0] == pytest.approx(products / squares**0.5, rel=1e-12, abs=1e-15)
    # The covariance is in the largest units that fit, so of the same sign and in proportion.
    assert (found.covariance[0] > 0) == (products > 0)
    assert (found.covariance[0] < 0) == (products < 0)


def test_the_lag_of_a_follower_is_found() -> None:
    rng = np.random.default_rng(7)
    ts = np.cumsum(rng.integers(1, 200, 4000)) * 1_000_000
    value = np.cumsum(rng.choice([-1, 1], 4000))
    thetas = np.arange(-2000, 2001, 50) * 1_000_000
    found = lead_lag(
        ts, value * 250_000_000, ts + 350_000_000, value, thetas, y_max_gap_ns=5 * 10**9
    )
    assert best_lag(found.covariance, thetas) == 350_000_000
    assert found.rho[np.flatnonzero(thetas == 350_000_000)[0]] == pytest.approx(1.0, abs=1e-12)


def test_ties_go_to_the_smaller_shift_and_then_to_the_future() -> None:
    assert best_lag([5, 3, -5], [-50, 0, 100]) == -50
    assert best_lag([5, 3, -5], [-50, 0, 50]) == 50
    assert best_lag([0, 0, 0], [-50, 50, 100]) == 50


def test_sums_are_exact_beyond_the_largest_integer_of_a_machine() -> None:
    ts = np.arange(5)
    value = np.array([0, 3_000_000_019, 0, 3_000_000_019, 1])
    found = lead_lag(ts, value, ts, value, [0], y_max_gap_ns=5)
    exact = sum(Fraction(int(step)) ** 2 for step in np.diff(value))
    assert found.covariance[0] == exact
