"""The population stability index on cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_physics.quant.population_stability import population_stability

NAN = math.nan


def test_halves_against_a_quarter_and_three() -> None:
    found = population_stability([[1.0, 1.0, 2.0, 2.0]], [[1.0, 2.0, 2.0, 2.0]])
    assert found.psi[0] == pytest.approx(0.274653, abs=5e-7)
    assert found.bins.tolist() == [2]


def test_same_sides_do_not_drift() -> None:
    side = np.random.default_rng(7).normal(size=(3, 50))
    found = population_stability(side, side)
    assert found.psi.tolist() == [0.0, 0.0, 0.0]
    assert found.bins.tolist() == [10, 10, 10]


def test_edges_belong_to_the_bin_below() -> None:
    # The tenths of 1..10 are 1..9: every value is a bin, and 9.5 is in that of 10.
    found = population_stability([np.arange(1.0, 11.0)], [[9.0, 9.5]])
    shares = [(0.25, 0.1)] * 8 + [(0.5, 0.1)] * 2
    expected = math.fsum((p - q) * math.log(p / q) for p, q in shares)
    assert found.psi[0] == pytest.approx(expected, abs=1e-14)


def test_unknown_values_are_a_bin_and_count_in_the_shares() -> None:
    found = population_stability([[1.0, 1.0, NAN, NAN]], [[1.0, NAN, NAN, NAN]])
    assert found.psi[0] == pytest.approx(
        2 * 0.25 * math.log(2) / 2 + 0.25 * math.log(1.5), abs=1e-14
    )
    assert found.bins.tolist() == [2]


def test_feature_that_was_never_known_is_new_where_it_is() -> None:
    found = population_stability([[NAN, NAN]], [[NAN, 5.0]])
    # Known: half a row of two against one of two; unknown: all against half.
    assert found.psi[0] == pytest.approx(0.25 * math.log(2) + 0.5 * math.log(2), abs=1e-14)
    assert found.bins.tolist() == [2]


def test_side_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows against 0"):
        population_stability(np.zeros((1, 2)), np.zeros((1, 0)))


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0, NAN]), min_size=1, max_size=40),
    st.lists(st.sampled_from([-1.0, 0.0, 1.5, 7.0, 9.0, NAN]), min_size=1, max_size=20),
)
def test_index_is_that_of_rows_put_into_bins_one_by_one(
    before: list[float], now: list[float]
) -> None:
    known = sorted(value for value in before if not math.isnan(value))
    edges = {known[math.ceil(k * len(known) / 10) - 1] for k in range(1, 10)} if known else set()

    def bin_of(value: float) -> int:
        return -1 if math.isnan(value) else sum(edge < value for edge in edges)

    bins = sorted({bin_of(value) for value in before + now})
    expected = 0.0
    for one in bins:
        q, p = (
            max(sum(bin_of(value) == one for value in side), 0.5) / len(side)
            for side in (before, now)
        )
        expected += (p - q) * math.log(p / q)
    found = population_stability([before], [now])
    assert found.bins.tolist() == [len(bins)]
    assert found.psi[0] == pytest.approx(expected, abs=1e-12)
