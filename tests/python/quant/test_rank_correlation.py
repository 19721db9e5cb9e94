"""Rank correlations against scipy, and against cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from es_physics.quant.rank_correlation import mean_over_sessions, rank_correlations

# Few different values, so that ties are many; NaN is unknown.
TIED = st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.0, 3.0, math.nan])


@given(arrays(np.float64, (12, 4), elements=TIED), arrays(np.float64, 12, elements=TIED))
def test_each_column_is_what_scipy_says_of_its_known_pairs(x: np.ndarray, y: np.ndarray) -> None:
    found = rank_correlations(x, y, min_pairs=3)
    for column, value in zip(x.T, found, strict=True):
        known = ~(np.isnan(column) | np.isnan(y))
        a, b = column[known], y[known]
        if known.sum() < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_value_without_a_partner_shares_no_rank() -> None:
    # The second 9 has no y: the first one is the largest of four, not tied with it.
    x = np.array([[1.0], [2.0], [3.0], [9.0], [9.0]])
    found = rank_correlations(x, np.array([1.0, 3.0, 2.0, 4.0, math.nan]), min_pairs=4)
    assert found[0] == pytest.approx(1 - 6 * 2 / (4 * 15), abs=1e-15)


def test_monotone_columns_correlate_by_exactly_one() -> None:
    y = np.random.default_rng(7).normal(size=1001)
    found = rank_correlations(np.column_stack([np.exp(y), -y]), y, min_pairs=10)
    assert found.tolist() == [1.0, -1.0]


def test_nine_pairs_are_too_few_for_ten() -> None:
    x = np.arange(10.0)[:, None]
    y = np.arange(10.0)
    assert rank_correlations(x, y, min_pairs=10)[0] == 1.0
    y[3] = math.nan
    assert math.isnan(rank_correlations(x, y, min_pairs=10)[0])


def test_mean_and_t_over_the_sessions_that_know_it() -> None:
    found = mean_over_sessions([[0.1, 0.2], [0.3, math.nan], [math.nan, math.nan], [0.5, math.nan]])
    assert found.sessions.tolist() == [3, 1]
    np.testing.assert_allclose(found.mean, [0.3, 0.2], rtol=0, atol=1e-15)
    # Standard deviation .2 over three sessions.
    assert found.t[0] == pytest.approx(0.3 / (0.2 / math.sqrt(3)), abs=1e-12)
    assert math.isnan(found.t[1])


def test_correlation_that_never_varies_has_no_t() -> None:
    found = mean_over_sessions(np.full((7, 1), 0.1))
    assert found.mean[0] == pytest.approx(0.1, abs=1e-15)
    assert math.isnan(found.t[0])


def test_no_session_at_all_is_unknown() -> None:
    found = mean_over_sessions(np.empty((0, 2)))
    assert found.sessions.tolist() == [0, 0]
    assert np.isnan(found.mean).all()
    assert np.isnan(found.t).all()
