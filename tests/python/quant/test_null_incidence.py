"""The null's incidence over time against first passage at the horizon, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from es_physics.quant.first_passage import first_passage_probabilities
from es_physics.quant.null_incidence import null_incidence

SECONDS = np.arange(0, 481, 10)


def test_each_column_is_first_passage_by_that_time() -> None:
    up, down, sigma = np.array([15.0, 3.0]), np.array([12.0, 9.0]), np.array([2.0, 3.0])
    found = null_incidence(up, down, sigma, SECONDS)
    assert found.up.shape == found.down.shape == (2, 49)
    for column in (1, 24, 48):
        at = first_passage_probabilities(up, down, sigma, SECONDS[column] / 60)
        np.testing.assert_allclose(found.up[:, column], at.up, rtol=0, atol=0)
        np.testing.assert_allclose(found.down[:, column], at.down, rtol=0, atol=0)


def test_incidence_begins_at_nothing_and_only_rises() -> None:
    found = null_incidence([1.0, 15.0], [30.0, 15.0], [4.0, 0.5], SECONDS)
    for curve in found:
        assert not curve[:, 0].any()
        assert (np.diff(curve, axis=1) >= -1e-13).all()


def test_far_barrier_leaves_the_reflection_principle() -> None:
    found = null_incidence([5.0], [math.inf], [2.0], [120.0])
    assert found.up[0, 0] == pytest.approx(math.erfc(5 / (2 * math.sqrt(2 * 2))), abs=1e-13)
    assert found.down[0, 0] == 0


def test_simulated_walks_are_where_the_curve_says() -> None:
    rng = np.random.default_rng(7)
    # Steps of a point either way, 64 a minute, from halfway between lattice barriers: the discrete
    # walk meets them exactly, so that only the noise of 20,000 walks is left to tolerate.
    paths = np.cumsum(rng.choice([-1, 1], size=(20_000, 256)), axis=1)
    found = null_incidence([12.0], [20.0], [8.0], [60.0, 240.0])
    for column, steps in enumerate((64, 256)):
        up = np.where((paths >= 12).any(axis=1), (paths >= 12).argmax(axis=1), 999)
        down = np.where((paths <= -20).any(axis=1), (paths <= -20).argmax(axis=1), 999)
        assert found.up[0, column] == pytest.approx(((up < down) & (up < steps)).mean(), abs=0.02)
        assert found.down[0, column] == pytest.approx(
            ((down < up) & (down < steps)).mean(), abs=0.02
        )
