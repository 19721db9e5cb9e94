"""p and q against tables, definitions and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_physics.quant.significance import benjamini_hochberg, two_sided_p


@pytest.mark.parametrize(
    ("t", "degrees", "p"), [(12.706205, 1, 0.05), (2.262157, 9, 0.05), (-2.976843, 14, 0.01)]
)
def test_p_is_that_of_the_printed_tables(t: float, degrees: int, p: float) -> None:
    assert two_sided_p(t, degrees) == pytest.approx(p, abs=2e-6)


def test_p_is_unknown_where_t_is_and_1_at_0() -> None:
    assert np.array_equal(two_sided_p([math.nan, 0.0], [5, 5]), [math.nan, 1.0], equal_nan=True)


def test_t_without_degrees_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="0 degrees of freedom: a t takes two sessions"):
        two_sided_p([1.0, 2.0], [3, 0])


def test_q_of_a_family_worked_by_hand() -> None:
    # 4 * .01 / 1 = .04, 4 * .02 / 2 = .04, 4 * .03 / 3 = .04 and 4 * .9 / 4 = .9.
    q = benjamini_hochberg([0.9, 0.02, 0.01, 0.03])
    np.testing.assert_allclose(q, [0.9, 0.04, 0.04, 0.04], rtol=0, atol=1e-15)


def test_unknown_p_is_none_of_the_family() -> None:
    q = benjamini_hochberg([0.02, math.nan, 0.5])
    np.testing.assert_allclose(q, [0.04, math.nan, 0.5], rtol=0, atol=1e-15)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.99))
def test_q_below_a_rate_are_what_the_step_up_procedure_rejects(p: list[float], rate: float) -> None:
    ranked = sorted(p)
    # With a little room on both sides, because the quotient rounds.
    for room, claim in ((1e-9, set.issuperset), (-1e-9, set.issubset)):
        passing = [
            value
            for rank, value in enumerate(ranked, 1)
            if value * len(p) / rank <= rate * (1 - room)
        ]
        limit = max(passing, default=-1.0)
        rejected = {i for i, value in enumerate(p) if value <= limit}
        found = {int(i) for i in np.flatnonzero(benjamini_hochberg(p) <= rate)}
        assert claim(found, rejected)
