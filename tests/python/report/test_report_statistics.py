"""The report's statistics against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from es_physics.report.statistics import Drift, cumulative_incidence, drift, wilson_interval


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipys(counts: tuple[int, int]) -> None:
    count, total = counts
    expected = stats.binomtest(count, total).proportion_ci(method="wilson")
    found = wilson_interval(count, total)
    assert found.share == count / total
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_of_nothing_is_unknown_and_bad_counts_are_refused() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()
    with pytest.raises(ValueError, match="count 3 of 2"):
        wilson_interval(3, 2)


def test_incidence_is_the_plain_share_while_all_are_watched() -> None:
    times, causes = [10, 20, 20, 480, 480], [1, 2, 1, 0, 0]
    grid = [0, 10, 19, 20, 480]
    np.testing.assert_allclose(
        cumulative_incidence(times, causes, 1, grid), [0, 0.2, 0.2, 0.4, 0.4], atol=1e-15
    )
    np.testing.assert_allclose(
        cumulative_incidence(times, causes, 2, grid), [0, 0, 0, 0.2, 0.2], atol=1e-15
    )


def test_incidence_by_hand_where_a_watch_ends_early() -> None:
    # Four watched; one cause-1 of four at 1; one watch ends at 2; one cause-2 of two at 3, with
    # 3/4 still free of any cause; one cause-1 of one at 4, with 3/8 free.
    times, causes, grid = [1, 2, 3, 4], [1, 0, 2, 1], [1, 2, 3, 4]
    np.testing.assert_allclose(
        cumulative_incidence(times, causes, 1, grid), [0.25, 0.25, 0.25, 0.625]
    )
    np.testing.assert_allclose(cumulative_incidence(times, causes, 2, grid), [0, 0, 0.375, 0.375])


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=40))
def test_incidence_of_one_cause_is_one_minus_kaplan_meier(watches: list[tuple[int, bool]]) -> None:
    happened = [float(time) for time, met in watches if met]
    ended = [float(time) for time, met in watches if not met]
    grid = np.arange(0.0, 22.0)
    if not happened:
        expected = np.zeros(len(grid))
    else:
        data = stats.CensoredData(uncensored=happened, right=ended)
        expected = stats.ecdf(data).cdf.evaluate(grid)
    found = cumulative_incidence(
        [time for time, _ in watches], [int(met) for _, met in watches], 1, grid
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def drift_of(a: list[float], b: list[float]) -> Drift:
    """Of the first sample against the second."""
    return drift([*a, *b], [0] * len(a) + [1] * len(b), 2)[0]


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
)
def test_ks_distance_equals_scipys(a: list[float], b: list[float]) -> None:
    found = drift_of(a, b)
    assert found.ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    per_root = float(stats.kstwobign.isf(0.01))
    n, m = len(a), len(b)
    assert found.ks_critical == pytest.approx(per_root * np.sqrt((n + m) / (n * m)), rel=1e-4)


def test_drift_leaves_the_unknown_out_and_has_a_sign() -> None:
    found = drift_of([1.0, 3.0, np.nan], [0.0, 0.0, np.nan, np.nan])
    assert found.shift == pytest.approx(2 / np.std([1, 3, 0, 0]))
    assert found.ks == 1.0
    assert np.isnan(drift_of([], [1.0])).all()
    assert np.isnan(drift_of([2.0], [2.0]).shift)


def test_drift_of_a_group_is_against_all_others() -> None:
    values, group = [1.0, 5.0, 2.0, 4.0, 9.0, 3.0], [0, 1, 0, 2, 2, 1]
    for place, found in enumerate(drift(values, group, 3)):
        mine = [value for value, of in zip(values, group, strict=True) if of == place]
        others = [value for value, of in zip(values, group, strict=True) if of != place]
        assert found == pytest.approx(drift_of(mine, others))
