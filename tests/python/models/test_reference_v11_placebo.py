"""Hand-worked cases for the reference's placebo levels and scaled labels; each number is derived in
a comment.

The premarket high is 6850; its first placebo on 2025-12-16 lies at 6863.75. Without a bar yet a
zone is 1 point wide and left at 2.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from handmade_records import CLOCK, CONTRACT, DAY, T0, S, an_event, seconds, trades
from reference.bars import Bar, RangeHistory, RangeState
from reference.clock import session_clock
from reference.constants import Constants
from reference.labels import level_event_labels, null_model
from reference.levels import Level
from reference.placebo import (
    PLACEBO_SCHEMA,
    placebo_events,
    placebo_labels,
    placebo_levels,
    placebo_offset,
)
from reference.scaled_labels import (
    all_labels,
    in_atr,
    scaled_barrier,
    scaled_label,
    scaled_schema,
    tradeable_null,
)
from reference.trades import Trade
from reference.zone_entries import EVENTS_SCHEMA, zone_entries

NO_BARS = RangeHistory([], [])
PM_HIGH = Level("PM_HIGH", 6850.0, CLOCK.rth_start_ns, CLOCK.session_end_ns)


def prints(*rows: tuple[float, float]) -> list[Trade]:
    """Trades of one contract from (seconds after T0, price)."""
    return trades(*((after, price, 1, "B") for after, price in rows))


def entries(
    *rows: tuple[float, float],
    levels: tuple[Level, ...] = (PM_HIGH,),
    ranges: RangeHistory = NO_BARS,
) -> list[dict[str, Any]]:
    return placebo_events(CLOCK, CONTRACT, prints(*rows), levels, ranges).to_dicts()


# --- where placebos lie ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "kind", "number", "offset"),
    [
        # md5 begins 5444b21a = 1413788186, even: 24 + 96 h / 2^32 = 55.6, so 55 quarters up.
        (date(2025, 12, 16), "PM_HIGH", 1, 13.75),
        # cc9a66a8, even: 100.7 quarters. 961ab573, odd: 80.3. c5861f32, even: 98.07.
        (date(2025, 12, 16), "PM_HIGH", 2, 25.0),
        (date(2025, 12, 16), "PM_HIGH", 3, -20.0),
        (date(2025, 12, 16), "PM_HIGH", 4, 24.5),
        # aa33072c, even: 87.8. 0971d79a, even: 27.5. f29f3157, odd: 114.98.
        (date(2025, 12, 16), "PM_LOW", 1, 21.75),
        (date(2025, 12, 16), "OR_LOW", 1, 6.75),
        (date(2025, 12, 16), "SMA_400", 4, -28.5),
        # Another day is another draw: 26991325, odd: 38.5.
        (date(2025, 12, 17), "PM_HIGH", 1, -9.5),
    ],
)
def test_offset_is_drawn_from_the_text_of_date_kind_and_number(
    day: date, kind: str, number: int, offset: float
) -> None:
    assert placebo_offset(session_clock(day), kind, number) == offset


def test_offsets_reach_from_six_to_thirty_points_on_either_side() -> None:
    offsets = [
        placebo_offset(session_clock(date(2025, month, day)), kind, number)
        for month in range(1, 13)
        for day in range(1, 29)
        for kind in ("PM_HIGH", "SMA_200")
        for number in (1, 2, 3, 4)
    ]
    assert min(map(abs, offsets)) == 6.0
    assert max(map(abs, offsets)) == 29.75
    # 2,688 fair coins: three deviations are 78.
    assert abs(sum(math.copysign(1, offset) for offset in offsets)) < 3 * math.sqrt(2688)
    other = Constants(placebo_min_offset=1.0, placebo_offset_range=2.0)
    # 4 + 8 * 0.329 = 6.6 quarters.
    assert placebo_offset(CLOCK, "PM_HIGH", 1, other) == 1.5


def test_a_placebo_has_the_validity_of_its_kind() -> None:
    levels = [PM_HIGH, Level("SMA_400", 6840.125, T0, T0 + S), Level("SMA_400", 6841.5, T0 + S, 9)]
    assert placebo_levels(CLOCK, levels, 4) == [
        PM_HIGH._replace(level_price=6874.5),
        Level("SMA_400", 6811.625, T0, T0 + S),
        Level("SMA_400", 6813.0, T0 + S, 9),
    ]


# --- entries -----------------------------------------------------------------------------------


def test_entry_into_the_zone_of_a_placebo() -> None:
    # The zone of the first is [6862.75, 6864.75], left beyond 6861.75.
    (event,) = entries((-2, 6860.0), (-1, 6862.0), (0, 6862.75))
    assert event == {
        "event_id": f"20251216_PLACEBO1_PM_HIGH_686375_{T0}_UP",
        "session_date": DAY,
        "event_ts_ns": T0,
        "contract": CONTRACT,
        "level_kind": "PM_HIGH",
        "level_price": 6863.75,
        "direction": "UP",
        "dir_sign": 1,
        "spot": 6862.75,
        "zone_width": 1.0,
        "atr": None,
        "rth_volatility": None,
        "minutes_since_open": 30.0,
        "bars_since_open": 30,
        "session_phase": 3,
        "is_first_15m": False,
        "placebo_nr": 1,
        "near_real_level": False,
    }


def test_each_placebo_has_a_state_of_its_own() -> None:
    # 6874.5 (the fourth) and 6875 (the second) share a zone from 6874 to 6875.5: two entries at one
    # trade. Then down through 6863.75, the first, and 6830, the third.
    rows = [(-9, 6870.0), (-8, 6874.25), (-7, 6870.0), (-6, 6864.0), (-5, 6840.0), (-4, 6830.5)]
    found = [
        (event["placebo_nr"], (event["event_ts_ns"] - T0) // S, event["direction"])
        for event in entries(*rows)
    ]
    assert sorted(found) == [(1, -6, "DOWN"), (2, -8, "UP"), (3, -4, "DOWN"), (4, -8, "UP")]
    # The real level was passed without an entry, and would have one in its own table only.
    ids = {event["event_id"] for event in entries(*rows)}
    assert len(ids) == 4
    assert all(f"_PLACEBO{number}_PM_HIGH_" in " ".join(ids) for number in (1, 2, 3, 4))


def test_no_placebo_without_its_kind_and_none_before_it() -> None:
    rows = ((-2, 6860.0), (0, 6862.75))
    assert entries(*rows, levels=()) == []
    later = PM_HIGH._replace(valid_from_ns=T0)
    # Unknown until then, it is born inside.
    assert entries(*rows, levels=(later,)) == []
    empty = placebo_events(CLOCK, None, [], [], NO_BARS)
    assert empty.is_empty()
    assert empty.schema == pl.Schema(PLACEBO_SCHEMA)


def test_without_an_offset_a_placebo_is_the_level_itself() -> None:
    # The machinery is the real one: entries, widths and clocks are those of `zone_entries`.
    constants = Constants(placebo_min_offset=0.0, placebo_offset_range=0.0, placebo_count=2)
    bar = Bar(T0 - 61 * S, T0 - S, tuple(prints((-60, 6840.0))))
    ranges = RangeHistory([bar], [RangeState(true_range=6.0, atr=6.0, rth_volatility=1.5)])
    tape = prints((-3, 6845.0), (-2, 6849.5), (-0.5, 6860.0), (0, 6852.0), (5, 6840.0), (9, 6849.0))
    real = zone_entries(CLOCK, CONTRACT, tape, [PM_HIGH], ranges, constants)
    assert real["zone_width"].to_list() == [1.0, 3.0, 3.0]
    placebos = placebo_events(CLOCK, CONTRACT, tape, [PM_HIGH], ranges, constants)
    for number in (1, 2):
        same = placebos.filter(placebo_nr=number).with_columns(
            pl.col("event_id").str.replace(f"PLACEBO{number}_", "")
        )
        assert same.select(EVENTS_SCHEMA.keys()).equals(real)


@pytest.mark.parametrize(
    ("price", "valid_from", "near"),
    [
        # From 6863.75 exactly a zone's width away, above or below; a hundredth more is not near.
        (6862.75, CLOCK.rth_start_ns, True),
        (6864.75, CLOCK.rth_start_ns, True),
        (6862.74, CLOCK.rth_start_ns, False),
        (6864.76, CLOCK.rth_start_ns, False),
        # A level that is not valid at the anchor is none.
        (6863.75, T0, True),
        (6863.75, T0 + 1, False),
    ],
)
def test_near_a_real_level_of_any_kind(price: float, valid_from: int, near: bool) -> None:
    other = Level("OR_LOW", price, valid_from, CLOCK.session_end_ns)
    found = entries((-2, 6860.0), (0, 6862.75), levels=(PM_HIGH, other))
    assert [e["near_real_level"] for e in found if e["level_kind"] == "PM_HIGH"] == [near]


def test_near_its_own_level_if_the_zone_is_wide() -> None:
    # An ATR of 27.5 makes a zone of 13.75 points, the very offset; of 27 one of 13.5.
    bar = Bar(T0 - 61 * S, T0 - 3 * S, tuple(prints((-60, 6840.0))))
    for atr, near in ((27.5, True), (27.0, False)):
        ranges = RangeHistory([bar], [RangeState(atr, atr, None)])
        found = entries((-2, 6830.0), (0, 6850.25), ranges=ranges)
        assert [e["near_real_level"] for e in found if e["placebo_nr"] == 1] == [near]


# --- labels of placebos ------------------------------------------------------------------------


def test_placebo_labels_are_labels_and_unique_among_one_number() -> None:
    tape = prints(
        (-9, 6870.0), (-8, 6874.25), (-7, 6870.0), (-6, 6864.0), (400, 6864.0), (1000, 6864.0)
    )
    events = placebo_events(CLOCK, CONTRACT, tape, [PM_HIGH], NO_BARS)
    assert sorted(events["placebo_nr"]) == [1, 2, 4]
    labels = placebo_labels(events, tape)
    assert labels.schema == pl.Schema(scaled_schema())
    # Three labels overlap, each alone with its number: none of them shares its time.
    assert labels["uniqueness"].to_list() == [1.0, 1.0, 1.0]
    real = level_event_labels(events, tape)
    assert max(real["uniqueness"]) < 1
    alike = [name for name in real.columns if name != "uniqueness"]
    assert labels.select(alike).sort("event_id").equals(real.select(alike).sort("event_id"))
    # Two of one number share theirs: the second begins half way through the first, of 8 minutes.
    both = events.head(1).with_columns(event_ts_ns=pl.col("event_ts_ns") + 240 * S)
    pair = pl.concat([events.head(1), both])
    assert placebo_labels(pair, tape)["uniqueness"].to_list() == [0.75, 0.75]
    assert placebo_labels(events.clear(), tape).schema == labels.schema


# --- scaled barriers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("multiple", "volatility", "barrier"),
    [
        # sqrt(8) = 2.828427: 4 * 2.828427 = 11.31, so twelve quarters; half: 5.66, so six.
        (1.0, 1.0, 3.0),
        (0.5, 1.0, 1.5),
        # Never below a point: 4 * 0.3 * 2.828 = 3.4 quarters.
        (1.0, 0.3, 1.0),
        (0.5, 0.1, 1.0),
        # 4 * 0.36 * 2.828 = 4.07, just above it.
        (1.0, 0.36, 1.25),
        (1.0, 0.0, None),
        (1.0, None, None),
        # 4 * sqrt(8) * sqrt(8) is 32 quarters by the formula, whatever its roots are rounded to;
        # 4 * sqrt(1.125) * sqrt(8) = 12 and half as much at half.
        (1.0, math.sqrt(8), 8.0),
        (1.0, math.sqrt(1.125), 3.0),
        (0.5, math.sqrt(1.125), 1.5),
        (0.5, math.sqrt(0.78125), 1.25),
        # A hair more is the next tick.
        (1.0, math.sqrt(8) * (1 + 1e-9), 8.25),
    ],
)
def test_scaled_barrier(multiple: float, volatility: float | None, barrier: float | None) -> None:
    assert scaled_barrier(multiple, volatility) == barrier


def test_scaled_barrier_of_every_perfect_square() -> None:
    # Where variance * 32 is k squared the barrier is k / 4 exactly.
    for k in range(4, 400):
        assert scaled_barrier(1.0, math.sqrt(k * k / 128)) == k / 4


@pytest.mark.parametrize(("multiple", "chop"), [(0.5, 0.009157), (1.0, 0.370777)])
def test_chance_of_no_touch_at_so_many_deviations(multiple: float, chop: float) -> None:
    got = null_model(6850.0, 6850.0, 1, 1.7, threshold=multiple * 1.7 * math.sqrt(8))
    assert got["null_p_chop"] == pytest.approx(chop, abs=1e-6)
    assert got["null_p_break"] == pytest.approx((1 - chop) / 2, abs=1e-6)


def scaled(*rows: tuple[float, float], sign: int = 1, **changes: Any) -> dict[str, Any]:
    event = an_event(sign, **({"rth_volatility": 1.0} | changes))
    return scaled_label(event, prints(*rows))


@pytest.mark.parametrize("sign", [1, -1])
def test_scaled_outcomes_have_barriers_of_their_own(sign: int) -> None:
    # Barriers of 1.5 and 3 points. The first is met by a bounce after 2 s, the second by a break
    # after 8.5 s, both touched exactly.
    moves = ((0, 9.0), (1, -1.25), (2, -1.5), (3, -2.75), (8, 2.75), (8.5, 3.0), (500, 0.0))
    got = scaled(*((after, 6850 + sign * move) for after, move in moves), sign=sign)
    assert [got[f"scaled_barrier_{x}"] for x in ("050", "100")] == [1.5, 3.0]
    assert [got[f"scaled_outcome_{x}"] for x in ("050", "100")] == ["BOUNCE", "BREAK"]
    assert [got[f"scaled_time_{x}"] for x in ("050", "100")] == [2.0, 8.5]


def test_scaled_window_is_that_of_the_label() -> None:
    # A trade at the anchor's timestamp is none of it, the vertical's is.
    at_vertical = scaled((0, 6860.0), (480, 6851.5), (481, 6860.0))
    assert (at_vertical["scaled_outcome_050"], at_vertical["scaled_time_050"]) == ("BREAK", 480.0)
    assert (at_vertical["scaled_outcome_100"], at_vertical["scaled_time_100"]) == ("CHOP", None)
    # The trade date ends before the vertical: nobody knows. A touch before that is known.
    cut = scaled((0, 6850.0), (479.999, 6851.5))
    assert (cut["scaled_outcome_050"], cut["scaled_time_050"]) == ("BREAK", 479.999)
    assert (cut["scaled_outcome_100"], cut["scaled_time_100"]) == ("UNDEFINED", None)
    # The null is what was known at the anchor, whatever came of it.
    assert cut["scaled_null_p_chop_100"] == at_vertical["scaled_null_p_chop_100"]


def test_scaled_null_starts_at_the_spot() -> None:
    got = scaled((500, 6850.0), spot=6849.5)
    for x, barrier in (("050", 1.5), ("100", 3.0)):
        expected = null_model(6849.5, 6850.0, 1, 1.0, threshold=barrier)
        assert got[f"scaled_null_p_break_{x}"] == expected["null_p_break"]
        assert got[f"scaled_null_p_bounce_{x}"] == expected["null_p_bounce"]
        assert got[f"scaled_null_p_chop_{x}"] == expected["null_p_chop"]
        assert sum(expected.values()) == pytest.approx(1, abs=1e-12)
        assert expected["null_p_bounce"] > expected["null_p_break"]


def test_a_barrier_passed_at_the_anchor_is_certain() -> None:
    # The zone is wider than the nearer barrier: two points short of the level is a bounce already.
    got = scaled((1, 6848.0), spot=6848.0)
    assert got["scaled_null_p_bounce_050"] == 1.0
    assert got["scaled_null_p_break_050"] == got["scaled_null_p_chop_050"] == 0.0
    assert (got["scaled_outcome_050"], got["scaled_time_050"]) == ("BOUNCE", 1.0)
    assert 0 < got["scaled_null_p_bounce_100"] < 1
    # Exactly at the barrier counts as passed.
    assert scaled((1, 6848.5), spot=6848.5)["scaled_null_p_bounce_050"] == 1.0


@pytest.mark.parametrize("volatility", [None, 0.0])
def test_without_a_volatility_nothing_is_scaled(volatility: float | None) -> None:
    got = scaled((1, 6900.0), (500, 6850.0), rth_volatility=volatility, spot=6800.0)
    assert len(got) == 12
    assert set(got.values()) == {None}


def test_other_multiples_give_other_columns() -> None:
    constants = replace(Constants(), scaled_barriers=(0.25, 2.0))
    got = scaled_label(an_event(rth_volatility=1.0), prints((500, 6850.0)), constants)
    # 2.83 and 22.6 quarters, the first raised to a point.
    assert (got["scaled_barrier_025"], got["scaled_barrier_200"]) == (1.0, 5.75)
    names = [name for name in scaled_schema(constants) if name.startswith("scaled_")]
    assert list(got) == names


@pytest.mark.parametrize(
    ("spot", "volatility", "expected"),
    [
        # Five points on either side: a deviation of 8 minutes is 2.83, so that the images beyond
        # the first do not count: 2 * erfc(5 / (sqrt(8) * sqrt(2))).
        (6850.0, 1.0, 2 * math.erfc(5 / 4)),
        (6850.0, 0.0, 0.0),
        (6845.0, 0.0, 1.0),
        (6845.0, 1.0, 1.0),
        (6844.0, 1.0, 1.0),
        (6844.0, None, None),
    ],
)
def test_null_of_the_first_threshold(
    spot: float, volatility: float | None, expected: float | None
) -> None:
    got = tradeable_null(an_event(spot=spot, rth_volatility=volatility))["null_p_tradeable_1"]
    assert got == (None if expected is None else pytest.approx(expected, rel=1e-5, abs=1e-12))


def test_excursions_in_atr() -> None:
    label = {"excursion_max": 6.0, "excursion_min": 0.5}
    assert in_atr(an_event(atr=2.0), label) == {"mfe_atr": 3.0, "mae_atr": 0.25}
    nothing = {"mfe_atr": None, "mae_atr": None}
    for atr in (None, 0.0):
        assert in_atr(an_event(atr=atr), label) == nothing
    assert in_atr(an_event(atr=2.0), {"excursion_max": None, "excursion_min": None}) == nothing


def test_all_labels_add_to_those_that_were() -> None:
    tape = prints((-2, 6845.0), (0, 6849.5), (3, 6853.0), (500, 6851.5))
    bar = Bar(T0 - 61 * S, T0 - 3 * S, tuple(prints((-60, 6840.0))))
    ranges = RangeHistory([bar], [RangeState(2.0, 2.0, 1.0)])
    events = zone_entries(CLOCK, CONTRACT, tape, [PM_HIGH], ranges)
    assert events["event_ts_ns"].to_list() == [seconds(0)]
    labels = all_labels(events, tape)
    before = level_event_labels(events, tape)
    assert labels.select(before.columns).equals(before)
    row = labels.row(0, named=True)
    # Three points above the level, half a point (the anchor's own, which does not count) below.
    assert (row["mfe_atr"], row["mae_atr"], row["scaled_outcome_100"]) == (1.5, 0.0, "BREAK")
    assert (row["scaled_time_050"], row["outcome"]) == (3.0, "CHOP")
    assert 0 < row["null_p_tradeable_1"] < 1
