"""The reference's incidence, curves and single features, on cases worked by hand."""

from __future__ import annotations

import math

import polars as pl
import pytest
from gold.handmade_silver import OPEN_NS, SECOND_NS, days, event, label, silver
from reference.first_passage import first_passage_probability
from reference_gold.curves import event_curves
from reference_gold.incidence import Ending, aalen_johansen, cumulative_incidence, ending_of
from reference_gold.inference import two_sided_p
from reference_gold.null_incidence import null_incidence
from reference_gold.univariate import explains_the_past, univariate

DAY = days(1)[0]


def test_incidence_with_a_window_that_ends_early() -> None:
    endings = [Ending(1, "A"), Ending(2, None), Ending(3, "B"), Ending(4, "A")]
    steps = aalen_johansen(endings, "AB")
    assert [values["A"] for _, values in steps] == pytest.approx([0.25, 0.25, 0.25, 0.625])
    assert [values["B"] for _, values in steps] == pytest.approx([0, 0, 0.375, 0.375])


def test_at_one_time_events_come_before_censorings() -> None:
    steps = aalen_johansen([Ending(5, "A"), Ending(5, None), Ending(6, "B")], "AB")
    assert steps == [
        (5, {"A": pytest.approx(1 / 3), "B": 0.0}),
        (6, {"A": pytest.approx(1 / 3), "B": pytest.approx(2 / 3)}),
    ]


def test_windows_end_at_a_touch_at_the_vertical_or_at_the_last_trade() -> None:
    at, quiet = event(DAY), label(DAY)
    assert ending_of(at, quiet, "fixed") == Ending(480.0, None)
    broken = quiet | {"outcome": "BREAK", "time_to_break_2": 12.5}
    assert ending_of(at, broken, "fixed") == Ending(12.5, "BREAK")
    bounced = quiet | {"scaled_outcome_100": "BOUNCE", "scaled_time_100": 7.0}
    assert ending_of(at, bounced, "scaled_100") == Ending(7.0, "BOUNCE")
    cut = quiet | {"outcome": "UNDEFINED"}
    last = {"label_last_source_ts_ns": at["event_ts_ns"] + 90 * SECOND_NS}
    assert ending_of(at, cut | last, "fixed") == Ending(90.0, None)
    assert ending_of(at, cut | {"label_last_source_ts_ns": None}, "fixed") == Ending(0.0, None)
    passed = {"null_p_break": 0.0, "null_p_bounce": 1.0, "null_p_chop": 0.0}
    assert ending_of(at, quiet | passed, "fixed") is None
    assert ending_of(at, quiet | {"null_p_break": None}, "fixed") is None


def test_many_nulls_at_once_are_those_of_one_at_a_time() -> None:
    walks = [(15.0, 15.0, 2.0), (1.25, 16.75, 0.4), (28.0, 2.0, 9.0), (0.25, 29.75, 2.5)]
    minutes = [1 / 6, 1.0, 8.0]
    found = null_incidence(*zip(*walks, strict=True), minutes)
    expected = [[first_passage_probability(*walk, time) for time in minutes] for walk in walks]
    assert found == pytest.approx(pl.DataFrame(expected, orient="row").to_numpy(), abs=1e-13)


def test_incidence_stands_beside_that_of_the_null() -> None:
    windows = [
        {"outcome": "BREAK", "time_to_break_2": 100.5},
        {"outcome": "BOUNCE", "time_to_bounce_2": 200.0},
        {"outcome": "UNDEFINED", "label_last_source_ts_ns": OPEN_NS + 450 * SECOND_NS},
        {},
    ]
    events = [event(DAY, n) for n in range(4)]
    events[1] |= {"direction": "DOWN", "dir_sign": -1}
    labels = [label(DAY, n) | window for n, window in enumerate(windows)]
    table = cumulative_incidence(silver([DAY], level_events=events, level_event_labels=labels))
    fixed = table.filter(target="fixed", stratum="ALL")
    at = {(row["second"], row["cause"]): row for row in fixed.rows(named=True)}
    assert len(at) == 2 * 481
    assert at[100, "BREAK"]["incidence"] == 0
    assert at[101, "BREAK"]["incidence"] == at[480, "BREAK"]["incidence"] == 0.25
    # The window that ended at 150 s is no longer at risk: .75 * 1/2.
    assert at[199, "BOUNCE"]["incidence"] == 0
    assert at[200, "BOUNCE"]["incidence"] == pytest.approx(0.375)
    assert at[0, "BREAK"]["null_incidence"] == 0
    assert at[101, "BREAK"]["null_incidence"] is None
    eight = first_passage_probability(15.0, 15.0, 2.0, 8.0)
    assert at[480, "BOUNCE"]["null_incidence"] == pytest.approx(eight, abs=1e-13)
    strata = table.filter(second=0, cause="BREAK", target="fixed").select("stratum", "events")
    assert strata.rows() == [("ALL", 4), ("PM_HIGH_DOWN", 1), ("PM_HIGH_UP", 3)]


def test_curves_are_means_of_what_is_known() -> None:
    dates = days(2)
    events = [event(dates[0], 0), event(dates[0], 1), event(dates[1], 0)]
    moves = {0: (1.0, 4), 1: (None, 2), 2: (3.0, None)}
    paths = [
        {
            "event_id": events[n]["event_id"],
            "session_date": events[n]["session_date"],
            "offset_s": 10,
            "is_placebo": False,
            "move": move,
            "signed_volume": volume,
        }
        for n, (move, volume) in moves.items()
    ]
    table = event_curves(silver(dates, level_events=events, event_paths=paths))
    assert table["stratum"].to_list() == ["ALL", "PM_HIGH_UP"]
    row = table.row(0, named=True)
    assert (row["move"], row["move_events"]) == (2.0, 2)
    assert row["move_se"] == pytest.approx(math.sqrt(2 * (1 + 1)) / 2)
    # Both known volumes are of one session.
    assert (row["signed_volume"], row["signed_volume_se"]) == (3.0, None)


def test_a_feature_that_says_what_the_velocity_said_explains_the_past() -> None:
    dates = days(12)
    events = [event(day, n) for day in dates for n in range(10)]
    keys = [{"event_id": e["event_id"], "session_date": e["session_date"]} for e in events]
    velocity = [(n * 7 + n // 10) % 10 / 60 for n in range(120)]
    labels = [label(e["session_date"]) | key for e, key in zip(events, keys, strict=True)]
    for n, row in enumerate(labels):
        row["future_price"] = 6000.0 + (n * 3 + n // 20) % 10
    features = [key | {"velocity_60s": v} for key, v in zip(keys, velocity, strict=True)]
    matrix = pl.DataFrame(
        [
            key | {"velocity_60s": v, "constant": 1.0, "late": v if n >= 91 else None}
            for n, (key, v) in enumerate(zip(keys, velocity, strict=True))
        ],
        infer_schema_length=None,
    )
    known = silver(
        dates, level_events=events, level_event_labels=labels, level_event_features=features
    )
    rows = {row["feature"]: row for row in univariate(known, matrix).rows(named=True)}
    same = rows["velocity_60s"]
    assert (same["sessions"], same["past_ic"], same["past_t"]) == (12, 1.0, None)
    assert same["explains_the_past"]
    assert same["q"] == pytest.approx(two_sided_p(same["t"], 11))
    # Never varies within a session; known in ten events of the last two sessions only.
    assert (rows["constant"]["sessions"], rows["constant"]["ic"]) == (0, None)
    assert (rows["late"]["sessions"], rows["late"]["q"]) == (2, None)


@pytest.mark.parametrize(
    ("ic", "past", "past_ic", "past_t", "is_marked"),
    [
        (0.1, [0.3, 0.4], 0.35, 3.1, True),
        (0.1, [0.3, 0.4], 0.35, 3.0, False),
        (-0.1, [-0.3, -0.4], -0.35, -3.1, True),
        (0.2, [0.3, 0.5], 0.4, 9.0, False),
        (0.1, [1.0, 1.0], 1.0, None, True),
        (0.1, [1.0], 1.0, None, False),
        (0.1, [], None, None, False),
    ],
)
def test_what_explains_the_past(
    ic: float, past: list[float], past_ic: float | None, past_t: float | None, is_marked: bool
) -> None:
    assert explains_the_past(ic, past, past_ic, past_t) is is_marked
