"""The reference's errors, intervals and outcomes, on cases worked by hand."""

from __future__ import annotations

import math

import pytest
from gold.handmade_silver import days, event, label, silver
from reference_gold.inference import (
    benjamini_hochberg,
    clustered_error,
    mean_and_t,
    spearman,
    two_sided_p,
    wilson,
)
from reference_gold.outcomes import level_outcomes
from reference_gold.silver import Row
from scipy import stats

DAY = days(1)[0]


def test_wilsons_interval() -> None:
    # z^2 = 3.841459: centre (0.5 + z^2/20)/(1 + z^2/10) is 0.5 whatever n.
    low, high = wilson(0.5, 10)
    assert (low, high) == (pytest.approx(0.236593, abs=1e-6), pytest.approx(0.763407, abs=1e-6))
    low, high = wilson(0.0, 10)
    assert low == pytest.approx(0, abs=1e-15)
    assert high == pytest.approx(3.841459 / 13.841459, abs=1e-6)


def test_a_clustered_error_adds_residuals_within_sessions_first() -> None:
    # sqrt(2/1 * (3^2 + 4^2)) / 10
    assert clustered_error([3.0, -4.0], 10) == pytest.approx(math.sqrt(50) / 10)
    assert clustered_error([3.0], 10) is None


def test_two_sided_p_is_students() -> None:
    assert two_sided_p(2.262157, 9) == pytest.approx(0.05, abs=1e-6)
    assert two_sided_p(-1.3, 17) == pytest.approx(2 * stats.t.sf(1.3, 17))


def test_q_is_the_least_share_of_false_findings() -> None:
    q = benjamini_hochberg([0.01, None, 0.04, 0.03, 0.5])
    # By rank: .01*4/1, .03*4/2, .04*4/3, .5*4/4; the second is no more than the third.
    assert q == [pytest.approx(0.04), None, *map(pytest.approx, (0.16 / 3, 0.16 / 3, 0.5))]
    assert benjamini_hochberg([0.02, 0.02]) == [pytest.approx(0.02)] * 2
    known = [0.2, 0.001, 0.8, 0.05, 0.05]
    assert benjamini_hochberg(known) == pytest.approx(stats.false_discovery_control(known))


def test_ranks_are_shared_by_ties() -> None:
    x, y = [1.0, 2.0, 2.0, 3.0, 9.0], [5.0, 4.0, 7.0, 7.0, 7.0]
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert spearman(x, x) == 1.0
    assert spearman(x, [1.0] * 5) is None


def test_a_mean_has_no_t_where_nothing_varies() -> None:
    assert mean_and_t([]) == (None, None)
    assert mean_and_t([0.5]) == (0.5, None)
    assert mean_and_t([0.5, 0.5]) == (0.5, None)
    assert mean_and_t([1.0, 3.0]) == (2.0, pytest.approx(2 / (math.sqrt(2) / math.sqrt(2))))


def outcome_rows(count: int, **tables: list[Row]) -> dict[tuple, Row]:
    found = level_outcomes(silver(days(count), **tables)).rows(named=True)
    strata = ("level_kind", "direction", "session_phase")
    return {
        (row["is_placebo"], row["target"], *(row[name] for name in strata)): row for row in found
    }


def test_shares_are_weighted_and_compared_with_the_null() -> None:
    dates = days(10)
    events = [event(day, n) for day in dates for n in (0, 1)]
    labels = [label(day, n, uniqueness=0.5 + 0.5 * n) for day in dates for n in (0, 1)]
    for number in (0, 2, 3):
        labels[number]["outcome"] = "BREAK"
    rows = outcome_rows(10, level_events=events, level_event_labels=labels)
    every = rows[False, "fixed", None, None, None]
    assert (every["events"], every["sessions"], every["left_out_share"]) == (20, 10, 0)
    assert every["effective_n"] == pytest.approx(15)
    # Weights .5, .5 and 1 of 15.
    assert every["share_break"] == pytest.approx(2 / 15)
    assert every["share_low_break"] == pytest.approx(wilson(2 / 15, 15)[0])
    excess = 2 / 15 - 1 / 3
    assert every["null_p_break"] == pytest.approx(1 / 3)
    assert every["excess_break"] == pytest.approx(excess)
    sums = [2 / 15 * -1.5 + share for share in (0.5, 1.5, *[0.0] * 8)]
    clustered = math.sqrt(10 / 9 * sum(e * e for e in sums)) / 15
    binomial = math.sqrt(10 * (0.25 + 1) * 2 / 9) / 15
    assert every["se_break"] == pytest.approx(max(clustered, binomial))
    assert every["t_break"] == pytest.approx(excess / every["se_break"])
    # Where an outcome never occurs the clustered error is 0, and the binomial one holds.
    assert every["share_bounce"] == 0
    assert every["se_bounce"] == pytest.approx(binomial)
    # Eight sets of strata, each here of one stratum, for three targets.
    assert len(rows) == 24
    assert every["q_break"] is None
    finest = rows[False, "fixed", "PM_HIGH", "UP", 1]
    assert finest["q_break"] == pytest.approx(two_sided_p(finest["t_break"], 9))


def test_below_ten_sessions_there_is_a_share_and_no_error() -> None:
    dates = days(9)
    rows = outcome_rows(
        9,
        level_events=[event(day) for day in dates],
        level_event_labels=[label(day) for day in dates],
    )
    found = rows[False, "fixed", "PM_HIGH", "UP", 1]
    assert found["share_chop"] == 1.0
    assert [found[name] for name in ("se_chop", "t_chop", "q_chop")] == [None] * 3


def test_q_is_of_the_finest_real_strata_of_a_target() -> None:
    dates = days(10)
    events = [event(day, n, session_phase=n) for day in dates for n in range(3)]
    labels = [label(day, n) for day in dates for n in range(3)]
    for number, row in enumerate(labels):
        if row["event_id"].endswith("_0") and number < 24:
            row["outcome"] = "BREAK"
    rows = outcome_rows(10, level_events=events, level_event_labels=labels)
    finest = [rows[False, "fixed", "PM_HIGH", "UP", phase] for phase in range(3)]
    p = [two_sided_p(row["t_break"], 9) for row in finest]
    assert [row["q_break"] for row in finest] == pytest.approx(benjamini_hochberg(p))
    with_q = [key for key, row in rows.items() if row["q_break"] is not None]
    assert len(with_q) == 9
    assert all(None not in key for key in with_q)


def test_unscored_events_and_placebos_near_a_level_are_left_out() -> None:
    events = [event(DAY, n) for n in range(4)]
    labels = [label(DAY, n) for n in range(4)]
    labels[0] |= {"outcome": "UNDEFINED"}
    placebos = [event(DAY, f"P{n}", placebo_nr=1, near_real_level=n == 0) for n in range(2)]
    rows = outcome_rows(
        1,
        level_events=events,
        level_event_labels=labels,
        placebo_events=placebos,
        placebo_labels=[label(DAY, f"P{n}") for n in range(2)],
    )
    real = rows[False, "fixed", None, None, None]
    assert (real["events"], real["left_out_share"]) == (3, 0.25)
    assert rows[False, "scaled_100", None, None, None]["left_out_share"] == 0
    assert rows[True, "fixed", None, None, None]["left_out_share"] == 0.5


def test_a_stratum_without_a_scored_event_keeps_its_row() -> None:
    cut = label(DAY, outcome="UNDEFINED")
    rows = outcome_rows(1, level_events=[event(DAY)], level_event_labels=[cut])
    row = rows[False, "fixed", None, None, None]
    assert (row["events"], row["effective_n"], row["left_out_share"]) == (0, 0.0, 1.0)
    assert row["share_break"] is None


def test_placebos_are_compared_over_the_sessions_that_have_both() -> None:
    dates = days(11)
    labels = [label(day) for day in dates]
    # The session without placebos would make the excess of the real ones another.
    labels[10] |= {"outcome": "BREAK"}
    labels[0] |= {"outcome": "BREAK"}
    rows = outcome_rows(
        11,
        level_events=[event(day) for day in dates],
        level_event_labels=labels,
        placebo_events=[event(d, "P", placebo_nr=1, near_real_level=False) for d in dates[:10]],
        placebo_labels=[label(day, "P") for day in dates[:10]],
    )
    real = rows[False, "fixed", None, None, None]
    assert real["paired_sessions"] == 10
    assert real["placebo_difference_break"] == pytest.approx(0.1)
    clustered = math.sqrt(10 / 9 * (0.9**2 + 9 * 0.1**2)) / 10
    binomial = math.sqrt(2 * 10 * 2 / 9) / 10
    assert real["placebo_difference_se_break"] == pytest.approx(max(clustered, binomial))
    assert rows[True, "fixed", None, None, None]["placebo_difference_break"] is None
