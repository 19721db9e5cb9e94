"""Resamples of sessions, on draws that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from es_physics.quant.session_resampling import interval, resampled_sums, times_drawn

NUMBERS = [[0, 4, 5], [2, 2, 2]]


def test_a_number_modulo_the_sessions_is_a_session() -> None:
    assert times_drawn(NUMBERS, 3).tolist() == [[1, 1, 1], [0, 0, 3]]


def test_fewer_sessions_take_the_first_places() -> None:
    assert times_drawn(NUMBERS, 2).tolist() == [[2, 0], [2, 0]]


def test_more_sessions_than_places_are_refused() -> None:
    with pytest.raises(ValueError, match="4 sessions are to be drawn from 3 numbers"):
        times_drawn(NUMBERS, 4)


def test_sums_count_a_session_as_often_as_it_is_drawn() -> None:
    sums = resampled_sums(times_drawn(NUMBERS, 3), [1.0, 10.0, 100.0])
    assert sums.tolist() == [111, 300]


def test_an_interval_lies_between_two_values() -> None:
    assert interval(np.arange(101) / 100) == pytest.approx((0.025, 0.975))
