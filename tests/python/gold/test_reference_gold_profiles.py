"""The reference's profiles of earlier sessions, on cases worked by hand."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from gold.handmade_silver import OPEN_NS, SECOND_NS, days, silver
from reference_gold import GoldConstants
from reference_gold.drift import bins_of, feature_drift, psi_of
from reference_gold.inference import quantile_disc
from reference_gold.microprice import adjustments, microprice_offset, mirrored, series
from reference_gold.ofi_weights import LEVELS, ofi_pca_60s, ofi_weights, weights_of
from reference_gold.silver import Row, days_with_prior, prior
from reference_gold.time_of_day import profile_of, tod_columns, tod_profiles


def step(day: date, since_open_s: int, **columns: Any) -> Row:
    start = OPEN_NS + since_open_s * SECOND_NS
    metrics = ("volume", "mean_depth", "mean_spread_ticks", "realized_variance", "ofi_best")
    return {
        "session_date": day,
        "grid_start_ns": start,
        "grid_end_ns": start + 30 * SECOND_NS,
        **dict.fromkeys(metrics),
    } | columns


def test_prior_is_the_latest_sessions_with_a_cash_session_before_a_date() -> None:
    dates = days(8)
    known = silver(dates, without_rth=[dates[2]])
    assert prior(known.rth_dates, dates[4], 3) == [dates[0], dates[1], dates[3]]
    assert prior(known.rth_dates, dates[4], 2) == [dates[1], dates[3]]
    # The fifth session with a cash session comes before the seventh date, so that is the first.
    found = dict(days_with_prior(known))
    assert list(found) == dates[6:]
    assert found[dates[6]] == [dates[n] for n in (0, 1, 3, 4, 5)]
    assert max(found[dates[7]]) < dates[7]


def test_prior_holds_no_more_sessions_than_asked_for() -> None:
    dates = days(30)
    found = dict(days_with_prior(silver(dates)))
    assert found[dates[25]] == dates[5:25]


def test_a_profile_is_the_median_and_mad_of_known_values_by_five_minutes() -> None:
    dates = days(6)
    rows = [step(day, 0, volume=10 * n) for n, day in enumerate(dates[:5])]
    rows += [step(day, 299, volume=100) for day in dates[:1]]
    rows += [step(dates[0], -30, volume=7), step(dates[1], 300, volume=8, ofi_best=-3)]
    # What happens on the day itself is not known yet.
    rows += [step(dates[5], 0, volume=10**6)]
    profiles = tod_profiles(silver(dates, session_grid=rows))
    assert profiles.rows() == [
        # 0, 10, 20, 30, 40, 100: deviations from 25 are 25, 15, 5, 5, 15, 75.
        (dates[5], 0, "volume", 25.0, 15.0, 6),
        (dates[5], 1, "ofi_best", -3.0, 0.0, 1),
        (dates[5], 1, "volume", 8.0, 0.0, 1),
    ]


def test_a_profile_needs_prior_min_sessions() -> None:
    dates = days(6)
    grid = [step(day, 0, volume=1) for day in dates]
    assert set(tod_profiles(silver(dates, session_grid=grid))["session_date"]) == {dates[5]}
    four = tod_profiles(silver(dates, session_grid=grid), GoldConstants(prior_min=4))
    assert set(four["session_date"]) == {dates[4], dates[5]}


def test_columns_of_an_event_compare_its_last_step_with_that_steps_bucket() -> None:
    day = days(1)[0]
    usual = {"volume": (50, 9), "mean_depth": (0, 1), "realized_variance": (2, 1)}
    usual |= {"ofi_best": (10, 20), "mean_spread_ticks": (1, 1)}
    profile = {(day, 1, name): values for name, values in usual.items()}
    now = step(day, 300, volume=100, mean_depth=5, realized_variance=8, ofi_best=-20)
    assert tod_columns(now, OPEN_NS, profile) == {
        "volume_tod": 2.0,
        # A median of 0 divides nothing, and an unknown value compares with nothing.
        "depth_tod": None,
        "spread_tod": None,
        "volatility_tod": 2.0,
        "ofi_tod": pytest.approx(-30 / (1.4826 * 20)),
    }
    flat = profile | {(day, 1, "ofi_best"): (10, 0)}
    assert tod_columns(now, OPEN_NS, flat)["ofi_tod"] is None
    nothing = dict.fromkeys(tod_columns(now, OPEN_NS, profile))
    for other in (step(day, 270, volume=1), step(day, -30, volume=1), None):
        assert tod_columns(other, OPEN_NS, profile) == nothing
    assert profile_of(pl.DataFrame()) == {}


def test_weights_of_levels_that_move_as_one_are_equal() -> None:
    # Of two marks with o_m = 0 and 2 every covariance is 1.
    totals = {(0, 0): 2.0, **{(m, 0): 2.0 for m in LEVELS}}
    totals |= {(m, n): 4.0 for m in LEVELS for n in LEVELS}
    weights, explained = weights_of(totals)
    np.testing.assert_allclose(weights, [0.1] * 10, rtol=1e-12)
    assert explained == pytest.approx(1, abs=1e-12)


def test_weights_are_of_what_varies_about_its_mean() -> None:
    # Of two marks the first level has 0 and 2, every other one 5 and 5.
    mean = [1.0] + [5.0] * 9
    totals = {(0, 0): 2.0, **{(m, 0): 2 * mean[m - 1] for m in LEVELS}}
    totals |= {(m, n): 2 * mean[m - 1] * mean[n - 1] for m in LEVELS for n in LEVELS}
    totals[1, 1] = 4.0
    weights, explained = weights_of(totals)
    np.testing.assert_allclose(weights, [1.0] + [0.0] * 9, atol=1e-12)
    assert explained == pytest.approx(1)


def test_weights_add_up_to_more_than_nothing_whatever_sign_an_eigenvector_comes_with() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        flow = rng.normal(size=(30, 10))
        products = flow.T @ flow
        totals = {(0, 0): 30.0, **{(m, 0): 0.0 for m in LEVELS}}
        totals |= {(m, n): products[m - 1, n - 1] for m in LEVELS for n in LEVELS}
        weights, explained = weights_of(totals)
        assert sum(weights) > 0
        assert sum(map(abs, weights)) == pytest.approx(1)
        np.testing.assert_allclose(
            products @ weights, explained * np.trace(products) * np.array(weights), atol=1e-9
        )


def test_weights_need_marks_and_something_that_varies() -> None:
    still = {(0, 0): 1.0, **{(m, n): 0.0 for m in LEVELS for n in (0, *LEVELS)}}
    assert weights_of(still) is None
    assert weights_of({**still, (0, 0): 0.0}) is None
    assert weights_of({}) is None


def test_weights_are_negative_where_a_level_moves_against_the_others() -> None:
    loading = [1.0] * 9 + [-2.0]
    totals = {(0, 0): 1.0, **{(m, 0): 0.0 for m in LEVELS}}
    totals |= {(m, n): loading[m - 1] * loading[n - 1] for m in LEVELS for n in LEVELS}
    weights, _ = weights_of(totals)
    np.testing.assert_allclose(weights, [1 / 11] * 9 + [-2 / 11], rtol=1e-12)


def test_moments_of_sessions_without_a_mark_add_nothing() -> None:
    dates = days(6)

    def moments(day: date, count: int, total: float | None) -> list[Row]:
        keys = [(m, n) for m in LEVELS for n in (0, *LEVELS)]
        first = [{"session_date": day, "m": 0, "n": 0, "total": float(count)}]
        return first + [{"session_date": day, "m": m, "n": n, "total": total} for m, n in keys]

    rows = moments(dates[0], 2, 2.0) + moments(dates[1], 0, None)
    rows = [row | {"total": 4.0} if row["m"] * row["n"] and row["total"] else row for row in rows]
    found = ofi_weights(silver(dates, ofi_moments=rows))
    assert found["session_date"].to_list() == [dates[5]] * 10
    np.testing.assert_allclose(found["weight"], [0.1] * 10, rtol=1e-12)


def test_a_weighted_flow_needs_every_level_and_a_mass() -> None:
    event = {f"ofi_level_{m:02}_60s": 10 * m for m in LEVELS} | {"mass": 5.0}
    weights = dict.fromkeys(LEVELS, 0.1)
    assert ofi_pca_60s(event, weights) == pytest.approx(11.0)
    assert ofi_pca_60s(event | {"ofi_level_07_60s": None}, weights) is None
    assert ofi_pca_60s(event | {"mass": 0.0}, weights) is None
    assert ofi_pca_60s(event | {"mass": None}, weights) is None
    assert ofi_pca_60s(event, {}) is None


def test_the_microprice_of_two_states() -> None:
    stays = np.array([[0.5, 0.2], [0.2, 0.5]])
    moves = np.array([[0.2, 0.1], [0.1, 0.2]])
    drift = np.array([0.25 * -0.5 + 0.05 * 0.5, 0.05 * -0.5 + 0.25 * 0.5])
    np.testing.assert_allclose(np.linalg.solve(np.eye(2) - stays, drift), [-1 / 7, 1 / 7])
    found = series(stays, moves, drift, [(1, 1), (10, 1)])
    assert found[1, 1] == pytest.approx(-1 / 6, abs=1e-9)
    assert found[10, 1] == pytest.approx(1 / 6, abs=1e-9)


def count(
    i_from: int, dh: int, i_to: int, n: int = 1, spread_from: int = 1, spread_to: int = 1
) -> Row:
    return {
        "i_from": i_from,
        "spread_from": spread_from,
        "dh": dh,
        "i_to": i_to,
        "spread_to": spread_to,
        "n": n,
    }


def test_counts_are_mirrored_and_jumps_left_out_of_the_total_too() -> None:
    found = mirrored([count(10, 2, 5, 3), count(10, 5, 5, 100), count(2, 0, 9, 2)])
    assert dict(found) == {
        ((10, 1), 2, (5, 1)): 3,
        ((1, 1), -2, (6, 1)): 3,
        ((2, 1), 0, (9, 1)): 2,
        ((9, 1), 0, (2, 1)): 2,
    }


def test_a_state_that_never_comes_to_a_move_has_no_row_but_counts() -> None:
    # From 10 the mid moves up one tick in 3 of 4 steps, and once the state 9 is reached, where the
    # record ends; 5 is of the same kind.
    found = adjustments(mirrored([count(10, 2, 5, 3), count(10, 0, 9, 1)]))
    assert found == {(1, 1): pytest.approx(-0.75), (10, 1): pytest.approx(0.75)}
    assert adjustments(mirrored([count(3, 0, 4)])) == {}


def test_adjustments_of_a_mirrored_market_are_opposite() -> None:
    rows = [count(8, 2, 3, 5), count(8, -2, 8, 2), count(3, 0, 8, 4), count(8, 1, 6, 3, 1, 2)]
    rows += [count(6, -1, 8, 2, 2, 1)]
    found = adjustments(mirrored(rows))
    assert sorted(found) == [(3, 1), (5, 2), (6, 2), (8, 1)]
    for (i, spread), g in found.items():
        assert found[11 - i, spread] == pytest.approx(-g, abs=1e-12)


def test_a_market_that_never_settles_has_no_adjustment() -> None:
    # Every move up leads to a move up: the terms never get smaller.
    assert series(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1), [(1, 1)]) is None


def test_the_offset_of_an_event_is_aligned_and_in_points() -> None:
    event = {"imbalance_bucket": 9, "spread_ticks": 1.0, "dir_sign": -1}
    assert microprice_offset(event, {(9, 1): 0.4}) == pytest.approx(-0.1)
    for unknown in ({"imbalance_bucket": None}, {"spread_ticks": 3.0}, {"spread_ticks": None}):
        assert microprice_offset(event | unknown, {(9, 1): 0.4}) is None


def test_psi_of_halves_against_quarters() -> None:
    assert psi_of([(50, 25), (50, 75)]) == pytest.approx(0.274653, abs=5e-7)
    # An empty bin counts as half an event.
    expected = (0.1 / 2 - 0.5) * math.log((0.5 / 10) / 0.5) + (1 - 0.5) * math.log(1 / 0.5)
    assert psi_of([(5, 0), (5, 10)]) == pytest.approx(expected)


def test_bins_are_the_references_tenths_and_one_for_the_unknown() -> None:
    assert [quantile_disc(range(1, 11), k) for k in (1, 5, 9)] == [1, 5, 9]
    assert [quantile_disc([1, 2, 3], k) for k in (3, 4, 6, 7)] == [1, 2, 2, 3]
    reference = [*map(float, range(1, 11)), None]
    # An edge belongs to the bin below it.
    assert bins_of(reference, [1.0, 1.5, 99.0, None]) == [
        (1, 1),
        (1, 1),
        *[(1, 0)] * 7,
        (1, 1),
        (1, 1),
    ]
    assert bins_of([2.0, 2.0], [2.0]) == [(2, 1)]
    assert bins_of([None, None], [3.0]) == [(0, 1), (2, 0)]


def test_drift_compares_the_last_five_sessions_with_twenty_before() -> None:
    dates = days(26)
    rows = [{"event_id": str(n), "session_date": day, "x": float(n)} for n, day in enumerate(dates)]
    found = feature_drift(silver(dates), pl.DataFrame(rows)).to_dicts()
    assert [row["session_date"] for row in found] == dates[24:]
    assert (found[0]["n_reference"], found[0]["n_current"], found[0]["bins"]) == (20, 5, 10)
    assert found[0]["expected"] == pytest.approx(9 * (1 / 5 + 1 / 20))
    assert found[0]["expected_slow"] == pytest.approx(9 * 0.25)
    # Two of the reference in each of ten bins, all of the current in the last.
    expected = 9 * (0.1 - 0.1) * math.log(1) + (1 - 0.1) * math.log(1 / 0.1)
    assert found[0]["psi"] == pytest.approx(expected)


def test_a_side_without_events_has_no_drift() -> None:
    dates = days(25)
    rows = [{"event_id": "a", "session_date": dates[3], "x": 1.0}]
    assert feature_drift(silver(dates), pl.DataFrame(rows)).is_empty()
