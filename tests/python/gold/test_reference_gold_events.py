"""The reference's features, targets and folds, on cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from gold.handmade_silver import days, event, label, silver
from reference_gold.event_matrix import event_matrix, feature_value, is_outward, null_logit
from reference_gold.folds import folds
from reference_gold.silver import Row
from reference_gold.targets import (
    by_class,
    event_targets,
    heads,
    is_scored,
    of_head,
    one_barrier_null,
)
from sklearn.model_selection import TimeSeriesSplit

DAY = days(1)[0]
UP = {"dir_sign": 1, "level_kind": "PM_HIGH", "direction": "UP"}
DOWN = {"dir_sign": -1, "level_kind": "PM_LOW", "direction": "DOWN"}
SEED = [
    {"feature": "force", "orientation": "aligned", "source": "force"},
    {"feature": "sweep_detected", "orientation": "none", "source": "sweep_detected"},
    {"feature": "ofi_best_60s", "orientation": "up", "source": "ofi_best_60s"},
    {"feature": "gex_ahead", "orientation": "side", "source": "gex_above|gex_below"},
    {"feature": "dist_to_pm_ahead", "orientation": "mirror", "source": "to_high|to_low"},
    {"feature": "barrier_state_wall", "orientation": "none", "source": "barrier_state"},
    {"feature": "fuel_effect_dampen", "orientation": "none", "source": "fuel_effect"},
    {"feature": "level_family_pm", "orientation": "none", "source": "level_kind"},
    {"feature": "level_is_outward", "orientation": "none", "source": "level_kind"},
    {"feature": "dir_sign", "orientation": "none", "source": "dir_sign"},
]


@pytest.mark.parametrize(
    ("orientation", "source", "of_up", "of_down"),
    [
        ("none", "x", 3.0, 3.0),
        ("aligned", "x", 3.0, 3.0),
        ("up", "x", 3.0, -3.0),
        ("side", "x|y", 3.0, 4.0),
        ("mirror", "x|y", 3.0, -4.0),
    ],
)
def test_direction_is_taken_out(
    orientation: str, source: str, of_up: float, of_down: float
) -> None:
    known = {"x": 3, "y": 4}
    assert feature_value(UP | known, "f", orientation, source) == of_up
    assert feature_value(DOWN | known, "f", orientation, source) == of_down
    unknown = {"x": None, "y": None}
    assert feature_value(DOWN | unknown, "f", orientation, source) is None


def test_an_orientation_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="f: no orientation sideways"):
        feature_value(UP | {"x": 1}, "f", "sideways", "x")


def test_a_mirrored_market_gives_the_same_row_but_for_its_direction() -> None:
    same = {"force": 1.5, "sweep_detected": True, "barrier_state": "WALL", "fuel_effect": None}
    one = UP | same | {"ofi_best_60s": 7, "gex_above": 1.0, "gex_below": 2.0}
    other = DOWN | same | {"ofi_best_60s": -7, "gex_above": 2.0, "gex_below": 1.0}
    one |= {"to_high": -0.5, "to_low": 9.0}
    other |= {"to_high": -9.0, "to_low": 0.5}
    keys = {"event_id": "e", "session_date": DAY}
    matrix = event_matrix([one | keys, other | keys], SEED)
    first, second = matrix.drop("event_id", "session_date", "dir_sign").rows()
    assert first == second == (1.5, 1.0, 7.0, 1.0, -0.5, 1.0, None, 1.0, 1.0)
    assert matrix["dir_sign"].to_list() == [1.0, -1.0]
    assert set(map(str, matrix.dtypes[2:])) == {"Float64"}


def test_a_level_is_outward_where_the_range_would_be_left() -> None:
    assert is_outward("OR_HIGH", "UP")
    assert is_outward("PM_LOW", "DOWN")
    assert is_outward("PM_HIGH", "DOWN") is False
    assert is_outward("SMA_200", "UP") is None


def test_logits_of_certain_nulls_are_finite() -> None:
    assert null_logit(0.75) == pytest.approx(math.log(3))
    assert null_logit(1.0) == pytest.approx(math.log(999_999))
    assert null_logit(0.0) == pytest.approx(-math.log(999_999))
    assert null_logit(None) is None


def targets_of(
    event_columns: Row | None = None, label_columns: Row | None = None
) -> dict[str, Row]:
    table = event_targets(
        silver(
            [DAY],
            level_events=[event(DAY) | (event_columns or {})],
            level_event_labels=[label(DAY) | (label_columns or {})],
        )
    )
    return {row["target"]: row for row in table.to_dicts()}


def test_an_event_has_three_targets_and_eighteen_heads() -> None:
    found = targets_of()
    assert list(found) == ["scaled", "scaled_050", "fixed", *heads()]
    assert len(found) == 21
    assert found["break_2_300s"]["class"] == "NO"
    assert found["fixed"]["p_null_yes"] is None


def test_the_primary_target_is_the_wider_scaled_barrier() -> None:
    found = targets_of(
        label_columns={"scaled_outcome_100": "BREAK", "scaled_null_p_break_100": 0.2}
    )
    assert (found["scaled"]["class"], found["scaled"]["p_null_break"]) == ("BREAK", 0.2)
    assert found["scaled_050"]["class"] == "CHOP"


def test_what_is_scored_has_an_outcome_and_an_open_null() -> None:
    open_null = {"YES": 0.5, "NO": 0.5}
    assert is_scored("YES", open_null)
    assert not is_scored(None, open_null)
    assert not is_scored("UNDEFINED", open_null)
    assert not is_scored("YES", {"YES": None, "NO": None})
    assert not is_scored("YES", {"YES": 1.0, "NO": 0.0})
    assert not is_scored("YES", {"YES": 1 - 1e-12, "NO": 1e-12})
    assert is_scored("YES", {"YES": 1 - 2e-12, "NO": 2e-12})


def test_heads_ask_whether_the_barrier_was_reached_by_then() -> None:
    times = {"time_to_break_1": 60.0, "time_to_break_2": 180.5, "outcome": "BREAK"}
    found = targets_of(label_columns=times)
    told = {name: row["class"] for name, row in found.items() if name.startswith("break")}
    assert told == {
        **{f"break_1_{seconds}s": "YES" for seconds in (60, 120, 180, 300)},
        **{f"break_2_{seconds}s": "NO" for seconds in (60, 120, 180)},
        "break_2_300s": "YES",
    }


def test_nulls_of_heads_start_at_the_price() -> None:
    # Two points below the level: seven to a break of five, three to the bounce.
    at = event(DAY, spot=5998.0)
    _, up = of_head(at, label(DAY), "break_1_120s")
    _, down = of_head(at, label(DAY), "bounce_1_120s")
    assert up["YES"] == pytest.approx(math.erfc(7 / (2 * math.sqrt(4))))
    assert down["YES"] == pytest.approx(math.erfc(3 / (2 * math.sqrt(4))))
    assert up["NO"] == 1 - up["YES"]
    _, mirrored = of_head(at | {"dir_sign": -1, "spot": 6002.0}, label(DAY), "break_1_120s")
    assert mirrored == up


def test_a_head_whose_barrier_is_passed_or_whose_window_is_cut_is_not_scored() -> None:
    assert one_barrier_null(0.0, 2.0, 1) == 1.0
    assert one_barrier_null(5.0, 0.0, 1) == 0.0
    assert one_barrier_null(-1.0, None, 1) is None
    passed = targets_of({"spot": 5995.0})
    assert passed["bounce_1_60s"]["p_null_yes"] == 1.0
    assert not passed["bounce_1_60s"]["is_scored"]
    assert passed["bounce_2_60s"]["is_scored"]
    cut = targets_of(label_columns={"outcome": "UNDEFINED", "tradeable_1": True})
    assert cut["tradeable_1"]["class"] == "UNDEFINED"
    assert not any(row["is_scored"] for name, row in cut.items() if not name.startswith("scaled"))
    assert not any(
        row["is_scored"]
        for row in targets_of({"rth_volatility": None}).values()
        if row["target"].startswith(("break", "bounce"))
    )


def test_nulls_of_being_tradeable_are_those_of_either_barrier() -> None:
    found = targets_of(label_columns={"tradeable_1": True, "null_p_chop": 0.9})
    assert (found["tradeable_1"]["class"], found["tradeable_1"]["p_null_yes"]) == ("YES", 0.5)
    assert found["tradeable_2"]["p_null_yes"] == pytest.approx(0.1)


def test_targets_by_class_keep_the_order_of_classes() -> None:
    table = event_targets(silver([DAY], level_events=[event(DAY)], level_event_labels=[label(DAY)]))
    rows = by_class(table).filter(target="fixed").rows(named=True)
    assert [row["class"] for row in rows] == ["BREAK", "BOUNCE", "CHOP"]
    assert {row["outcome"] for row in rows} == {"CHOP"}
    assert by_class(table).filter(target="tradeable_1")["class"].to_list() == ["YES", "NO"]


def test_folds_move_by_a_test_and_the_last_may_be_shorter() -> None:
    dates = days(75)
    found = folds(dates)
    roles: dict[tuple[int, str], list[int]] = {}
    for row in found.rows(named=True):
        roles.setdefault((row["fold"], row["role"]), []).append(
            dates.index(row["session_date"]) + 1
        )
    assert roles[0, "train"] == [*range(1, 41)]
    assert roles[0, "calibration"] == [*range(41, 51)]
    assert roles[0, "embargo"] == [51]
    assert roles[0, "test"] == [*range(52, 62)]
    assert roles[1, "train"] == [*range(1, 51)]
    assert roles[1, "test"] == [*range(62, 72)]
    assert roles[2, "test"] == [72, 73, 74, 75]
    assert found["fold"].max() == 2
    assert folds(dates[:51]).is_empty()
    assert folds(dates[:52]).filter(role="test").height == 1


@pytest.mark.parametrize("count", [71, 91, 501])
def test_folds_are_scikit_learns_walk_forward_split(count: int) -> None:
    dates = days(count)
    of = folds(dates).partition_by("fold", as_dict=True)
    splitter = TimeSeriesSplit(n_splits=(count - 51) // 10, test_size=10, gap=1)
    splits = list(splitter.split(np.zeros((count, 1))))
    assert len(splits) == len(of)
    for fold, (before, test) in enumerate(splits):
        rows = of[(fold,)]
        fitted = rows.filter(pl.col("role").is_in(["train", "calibration"]))
        assert fitted["session_date"].to_list() == [dates[i] for i in before]
        assert rows.filter(role="test")["session_date"].to_list() == [dates[i] for i in test]
