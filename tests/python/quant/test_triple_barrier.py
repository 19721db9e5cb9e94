"""Triple-barrier labels: hand-worked cases, a naive loop, and a random walk with known odds.

In the hand-worked cases the anchor is T0, the horizon 480 s, the barriers 5 and 15 points, and a
trade is (nanoseconds after T0, price).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_physics.quant.first_passage import first_passage_probabilities
from es_physics.quant.triple_barrier import TripleBarrierLabels, triple_barrier_labels

S = 1_000_000_000
T0 = 1_765_900_800_123_456_789
HORIZON = 480 * S
UP, DOWN = 1, -1
COLUMNS = [field.name for field in fields(TripleBarrierLabels)]

Trades = list[tuple[int, float]]
Row = dict[str, object]


def labels_of(events: list[tuple[int, float, int]], trades: Trades) -> TripleBarrierLabels:
    """Labels of events (time, level, sign) by trades (time, price), both relative to T0."""
    return triple_barrier_labels(
        np.array([T0 + t for t, _, _ in events], dtype=np.int64),
        np.array([level for _, level, _ in events], dtype=float),
        np.array([sign for _, _, sign in events], dtype=np.int8),
        np.array([T0 + t for t, _ in trades], dtype=np.int64),
        np.array([price for _, price in trades], dtype=float),
        horizon_ns=HORIZON,
        outcome_threshold=15.0,
        strength_threshold=5.0,
    )


def as_rows(labels: TripleBarrierLabels) -> list[Row]:
    """The labels as a table's rows: NULL is None, and times are relative to T0."""
    columns = {name: pa.array(getattr(labels, name), from_pandas=True) for name in COLUMNS}
    return [
        {
            name: value - T0 if name.endswith("_ts_ns") and value is not None else value
            for name, value in row.items()
        }
        for row in pa.table(columns).to_pylist()
    ]


def label(trades: Trades, level: float = 6800.0, sign: int = UP) -> Row:
    return as_rows(labels_of([(0, level, sign)], trades))[0]


def naive_label(t0: int, level: float, sign: int, trades: Trades) -> Row:
    """One label as the definition reads, one trade after another."""
    window = [(t, p) for t, p in trades if t0 < t <= t0 + HORIZON]

    def first(touches: Callable[[float], bool]) -> int | None:
        return next((t for t, p in window if touches(p)), None)

    def seconds(*times: int | None) -> float | None:
        return min(((t - t0) / 1e9 for t in times if t is not None), default=None)

    def beyond(distance: float) -> Callable[[float], bool]:
        barrier = level + sign * distance
        upper = sign * distance > 0
        return lambda price: price >= barrier if upper else price <= barrier

    ends = {
        (side, number): first(beyond(factor * threshold))
        for side, factor in (("break", 1), ("bounce", -1))
        for number, threshold in ((1, 5.0), (2, 15.0))
    }
    outcome, end = "CHOP", t0 + HORIZON
    if not trades or trades[-1][0] < end:
        outcome = "UNDEFINED"
    for t, price in window:
        side = next((s for s, f in (("BREAK", 15.0), ("BOUNCE", -15.0)) if beyond(f)(price)), None)
        if side is not None:
            outcome, end = side, t
            break
    ahead = max([0.0, *(sign * (p - level) for _, p in window)])
    behind = max([0.0, *(-sign * (p - level) for _, p in window)])
    return {
        "outcome": outcome,
        "excursion_max": ahead if window else None,
        "excursion_min": behind if window else None,
        "strength_signed": ahead - behind if window else None,
        "strength_abs": max(ahead, behind) if window else None,
        **{f"time_to_{side}_{n}": seconds(t) for (side, n), t in ends.items()},
        **{f"time_to_threshold_{n}": seconds(ends["break", n], ends["bounce", n]) for n in (1, 2)},
        **{
            f"tradeable_{n}": ends["break", n] is not None or ends["bounce", n] is not None
            for n in (1, 2)
        },
        "future_price": window[-1][1] if window else None,
        "label_end_ts_ns": end,
        "label_first_source_ts_ns": window[0][0] if window else None,
        "label_last_source_ts_ns": window[-1][0] if window else None,
    }


def test_a_break_with_every_column_worked_out() -> None:
    trades = [
        (-3, 6700.0),  # before the anchor: not looked at
        (1 * S, 6799.0),
        (2 * S, 6805.0),  # 5 up: break at threshold 1
        (3 * S, 6794.5),  # 5.5 down: bounce at threshold 1
        (4 * S + 7, 6815.0),  # 15 up: the outcome
        (5 * S, 6820.25),  # still counts for the excursion
        (6 * S, 6785.0),  # 15 down, too late for the outcome
        (HORIZON, 6801.5),
        (HORIZON + 1, 6900.0),  # after the horizon: not looked at
    ]
    assert label(trades) == {
        "outcome": "BREAK",
        "excursion_max": 20.25,
        "excursion_min": 15.0,
        "strength_signed": 5.25,
        "strength_abs": 20.25,
        "time_to_break_1": 2.0,
        "time_to_break_2": 4.000000007,
        "time_to_bounce_1": 3.0,
        "time_to_bounce_2": 6.0,
        "time_to_threshold_1": 2.0,
        "time_to_threshold_2": 4.000000007,
        "tradeable_1": True,
        "tradeable_2": True,
        "future_price": 6801.5,
        "label_end_ts_ns": 4 * S + 7,
        "label_first_source_ts_ns": 1 * S,
        "label_last_source_ts_ns": HORIZON,
    }


def test_down_is_the_mirror_image() -> None:
    trades = [(1 * S, 6801.0), (2 * S, 6793.0), (3 * S, 6785.0), (4 * S, 6815.5)]
    mirrored = [(t, 2 * 6800.0 - price) for t, price in trades]
    down, up = label(trades, sign=DOWN), label(mirrored, sign=UP)
    assert down.pop("future_price") == 6815.5
    assert up.pop("future_price") == 6784.5
    assert down == up
    assert (down["outcome"], down["time_to_break_1"], down["time_to_break_2"]) == ("BREAK", 2, 3)
    assert (down["excursion_max"], down["excursion_min"], down["strength_signed"]) == (
        15,
        15.5,
        -0.5,
    )


def test_the_side_approached_from_is_the_bounce() -> None:
    rise, fall = [(1 * S, 6815.0)], [(1 * S, 6785.0)]
    assert label(rise, sign=UP)["outcome"] == label(fall, sign=DOWN)["outcome"] == "BREAK"
    assert label(fall, sign=UP)["outcome"] == label(rise, sign=DOWN)["outcome"] == "BOUNCE"
    assert label(fall, sign=UP)["time_to_bounce_2"] == 1.0
    assert label(fall, sign=UP)["time_to_break_1"] is None


@pytest.mark.parametrize(("price", "touched"), [(6815.0, True), (6814.75, False)])
def test_a_trade_exactly_at_the_barrier_touches_it(price: float, touched: bool) -> None:
    row = label([(1 * S, price), (HORIZON, 6800.0)])
    assert row["outcome"] == ("BREAK" if touched else "CHOP")
    assert row["tradeable_2"] is touched
    assert row["tradeable_1"] is True


@pytest.mark.parametrize(("price", "touched"), [(6805.0, True), (6804.75, False)])
def test_threshold_one_is_tradeable_but_no_outcome(price: float, touched: bool) -> None:
    row = label([(1 * S, price), (2 * S, 6795.25), (HORIZON, 6800.0)])
    assert row["outcome"] == "CHOP"
    assert (row["tradeable_1"], row["tradeable_2"]) == (touched, False)
    assert row["time_to_threshold_1"] == (1.0 if touched else None)
    assert row["time_to_threshold_2"] is None
    assert row["label_end_ts_ns"] == HORIZON


@pytest.mark.parametrize(
    ("prices", "outcome"), [((6815.0, 6785.0), "BREAK"), ((6785.0, 6815.0), "BOUNCE")]
)
def test_at_one_timestamp_the_earlier_row_wins(prices: tuple[float, float], outcome: str) -> None:
    row = label([(1 * S, price) for price in prices])
    assert row["outcome"] == outcome
    assert row["time_to_break_2"] == row["time_to_bounce_2"] == 1.0


def test_a_trade_at_the_anchor_is_not_the_future() -> None:
    row = label([(0, 6830.0), (0, 6770.0), (1, 6800.25), (HORIZON, 6800.0)])
    assert row["outcome"] == "CHOP"
    assert (row["excursion_max"], row["excursion_min"]) == (0.25, 0.0)
    assert row["label_first_source_ts_ns"] == 1


def test_the_horizon_belongs_to_the_window() -> None:
    at_the_end = label([(1 * S, 6800.0), (HORIZON, 6815.0)])
    assert at_the_end["outcome"] == "BREAK"
    assert at_the_end["time_to_break_2"] == 480.0
    assert at_the_end["label_end_ts_ns"] == HORIZON
    too_late = label([(1 * S, 6800.0), (HORIZON + 1, 6815.0)])
    assert too_late["outcome"] == "CHOP"
    assert too_late["label_last_source_ts_ns"] == 1 * S


@pytest.mark.parametrize(
    ("trades", "outcome"),
    [
        ([(-1, 6800.0), (HORIZON + 1, 6800.0)], "CHOP"),
        ([(-1, 6800.0), (0, 6830.0)], "UNDEFINED"),
        ([], "UNDEFINED"),
    ],
)
def test_without_a_trade_in_the_window_everything_is_unknown(trades: Trades, outcome: str) -> None:
    row = label(trades)
    assert row.pop("outcome") == outcome
    assert row.pop("label_end_ts_ns") == HORIZON
    assert row.pop("tradeable_1") is row.pop("tradeable_2") is False
    assert set(row.values()) == {None}


@pytest.mark.parametrize(("last_trade", "outcome"), [(HORIZON, "CHOP"), (HORIZON - 1, "UNDEFINED")])
def test_chop_needs_a_trade_at_the_horizon_or_later(last_trade: int, outcome: str) -> None:
    row = label([(1 * S, 6806.0), (last_trade, 6801.0)])
    assert row["outcome"] == outcome
    assert row["label_end_ts_ns"] == HORIZON
    assert row["strength_signed"] == 6.0
    assert row["tradeable_1"] is True


def test_a_touch_is_an_outcome_even_if_the_trades_end_early() -> None:
    assert label([(1 * S, 6785.0)])["outcome"] == "BOUNCE"


def test_a_barrier_passed_at_the_anchor_waits_for_the_next_trade() -> None:
    still_beyond = label([(0, 6816.0), (5, 6815.5), (6, 6780.0)])
    assert (still_beyond["outcome"], still_beyond["label_end_ts_ns"]) == ("BREAK", 5)
    come_back = label([(0, 6816.0), (5, 6814.0), (6, 6780.0)])
    assert (come_back["outcome"], come_back["label_end_ts_ns"]) == ("BOUNCE", 6)


def test_a_level_between_ticks_is_not_rounded() -> None:
    level = 6800.00375  # a mean of 400 closes: its barriers are 6815.00375 and 6785.00375
    row = label([(1 * S, 6815.0), (2 * S, 6785.0)], level=level)
    assert row["outcome"] == "BOUNCE"
    assert row["time_to_break_2"] is None
    assert row["excursion_max"] == 6815.0 - level


def test_the_barrier_is_the_level_plus_the_threshold_in_double_arithmetic() -> None:
    # Above 8192 doubles lie twice as far apart as below, so that 15 more than this level rounds
    # to 8205, although 8205 less the level stays under 15.
    level = math.nextafter(8190.0, math.inf)
    assert level + 15.0 == 8205.0
    assert 8205.0 - level < 15.0
    row = label([(1, 8200.0), (2, 8205.0)], level=level)
    assert (row["outcome"], row["label_end_ts_ns"]) == ("BREAK", 2)


def test_events_do_not_mix_and_may_come_in_any_order() -> None:
    trades = [(i * 20 * S, 6800.0 + 12 * math.sin(i / 5)) for i in range(120)]
    events = [(i * 97 * S, 6794.0 + i / 4, UP if i % 2 else DOWN) for i in range(25)]
    rows = as_rows(labels_of(events, trades))
    assert as_rows(labels_of(events[::-1], trades))[::-1] == rows
    assert [as_rows(labels_of([event], trades))[0] for event in events] == rows
    assert len({row["outcome"] for row in rows}) == 4


def test_no_events_give_empty_columns() -> None:
    labels = labels_of([], [(1, 6800.0)])
    assert {getattr(labels, name).shape for name in COLUMNS} == {(0,)}


PRICES = st.integers(-80, 80).map(lambda ticks: 6800.0 + ticks / 4)
TRADES = st.lists(st.tuples(st.integers(-5, 90), PRICES), max_size=40)
EVENTS = st.lists(
    st.tuples(
        st.integers(-8, 80),
        st.one_of(PRICES, st.floats(6795.0, 6805.0)),
        st.sampled_from([UP, DOWN]),
    ),
    max_size=6,
)


@given(EVENTS, TRADES, st.sampled_from([S, 6 * S, 10 * S]))
def test_agrees_with_the_naive_loop(
    events: list[tuple[int, float, int]], trades: Trades, unit: int
) -> None:
    # Coarse times, so that trades share timestamps and sit on anchors and horizons.
    trades = [(t * unit, price) for t, price in sorted(trades, key=lambda trade: trade[0])]
    events = [(t * unit, level, sign) for t, level, sign in events]
    expected = [naive_label(*event, trades) for event in events]
    assert as_rows(labels_of(events, trades)) == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dir_sign": [1, 0]}, "dir_sign 0 is neither"),
        ({"level": [6800.0]}, r"level has shape \(1,\)"),
        ({"level": [6800.0, np.nan]}, "level nan is not a finite price"),
        ({"event_ts_ns": [1.0, 2.0]}, "event_ts_ns has type float64"),
        ({"trade_ts_ns": [3, 2, 4]}, "trade_ts_ns 2 is earlier than the trade before it"),
        ({"trade_price": [[1.0, 2.0, 3.0]]}, r"trade_price has shape \(1, 3\)"),
        ({"trade_price": [1.0, np.inf, 2.0]}, "trade_price inf is not a finite price"),
        ({"horizon_ns": 0}, "horizon_ns is 0"),
        ({"outcome_threshold": math.nan}, "outcome_threshold nan is not positive"),
        ({"strength_threshold": -5.0}, r"strength_threshold is -5\.0"),
    ],
)
def test_impossible_inputs_are_refused(changed: dict, message: str) -> None:
    arguments: dict = {
        "event_ts_ns": [1, 2],
        "level": [6800.0, 6801.0],
        "dir_sign": [1, -1],
        "trade_ts_ns": [1, 2, 3],
        "trade_price": [6800.0, 6800.25, 6800.5],
        "horizon_ns": HORIZON,
        "outcome_threshold": 15.0,
        "strength_threshold": 5.0,
    }
    with pytest.raises(ValueError, match=message):
        triple_barrier_labels(**arguments | changed)


@pytest.mark.parametrize("sign", [UP, DOWN])
def test_a_random_walk_has_the_outcomes_of_first_passage(sign: int) -> None:
    # Steps of 1/16 point on barriers 48 and 32 steps away: no overshoot, exact sums, and the
    # lattice differs from Brownian motion by some (1/32)^2, far inside the sampling error.
    paths, steps, step = 6000, 1024, 1 / 16
    rng = np.random.default_rng(20251216)
    moves = rng.choice(np.array([-step, step]), size=(paths, steps))
    spot = 6799.5
    prices = spot + np.cumsum(moves, axis=1)
    t0 = T0 + np.arange(paths) * (steps + 1)
    level = np.full(paths, 6800.0)
    labels = triple_barrier_labels(
        t0,
        level,
        np.full(paths, sign),
        (t0[:, None] + np.arange(1, steps + 1)).ravel(),
        prices.ravel(),
        horizon_ns=steps,
        outcome_threshold=2.5,
        strength_threshold=1.0,
    )
    up, down, neither = first_passage_probabilities(3.0, 2.0, step, steps)
    break_, bounce = (up, down) if sign == UP else (down, up)
    for outcome, probability in (("BREAK", break_), ("BOUNCE", bounce), ("CHOP", neither)):
        error = math.sqrt(probability * (1 - probability) / paths)
        assert abs(np.mean(labels.outcome == outcome) - probability) < 4 * error


def test_a_busy_session_takes_well_under_half_a_second() -> None:
    rng = np.random.default_rng(1)
    trades, events = 650_000, 500
    trade_ts = T0 + np.sort(rng.integers(0, 8 * 3600 * S, trades))
    price = 6800.0 + np.cumsum(rng.integers(-1, 2, trades)) / 4
    at = np.sort(rng.integers(0, trades // 2, events))
    begin = time.process_time()
    labels = triple_barrier_labels(
        trade_ts[at],
        price[at] + 1.0,
        np.resize([UP, DOWN], events),
        trade_ts,
        price,
        horizon_ns=HORIZON,
        outcome_threshold=15.0,
        strength_threshold=5.0,
    )
    assert time.process_time() - begin < 0.5
    assert set(np.unique(labels.outcome)) == {"BREAK", "BOUNCE", "CHOP"}
