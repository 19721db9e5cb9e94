"""Hand-worked cases for the reference's features; each number is derived in a comment.

The anchor T0 is 10:00 and the level 6850 unless a case says otherwise; times are given in seconds
before or after the anchor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from handmade_records import (
    CLOCK,
    CONTRACT,
    DAY,
    NO_BOOK,
    T0,
    Row,
    S,
    Slot,
    a_book,
    an_event,
    bars,
    book_frame,
    row,
    seconds,
    trades,
)
from reference import build_session, read_session
from reference.approach import approach
from reference.barrier import barrier, barrier_state
from reference.basis import SPX_SCHEMA, basis
from reference.book import Book, contract_book
from reference.clock import MINUTE_NS
from reference.features import sources
from reference.force_mass import (
    MinuteMark,
    fit_through_origin,
    force_mass,
    minute_marks,
)
from reference.kinematics import PriceHistory, kinematics
from reference.level_distances import level_distances
from reference.levels import Level
from reference.order_flow import ofi_features, order_flow
from reference.tape import tape
from reference.trades import TRADES_SCHEMA, Trade

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME


def ofi(book: Book, **changes: Any) -> dict[str, Any]:
    return ofi_features(an_event(**changes), book, order_flow(book))


# --- kinematics --------------------------------------------------------------------------------

HALVING = trades(
    (-30, 6842.0, 1, "B"), (-20, 6846.0, 1, "B"), (-10, 6848.0, 1, "B"), (0, 6849.0, 1, "B")
)
"""Ten seconds apart and below 6850 by 8, 4, 2, 1."""


def test_kinematics_are_backward_differences_in_the_level_frame() -> None:
    up = kinematics(an_event(), PriceHistory(HALVING))
    # p = -1, -2, -4, -8: (-1 + 2) / 10; (-1 + 4 - 4) / 100; (-1 + 6 - 12 + 8) / 1000.
    assert up["position"] == -1.0
    assert (up["velocity_10s"], up["acceleration_10s"], up["jerk_10s"]) == (0.1, -0.01, 0.001)
    assert up["kinetic_energy_10s"] == 0.1**2
    assert up["is_decelerating_10s"] is True
    # For a DOWN event p = 1, 2, 4, 8: it moves away from the level, ever more slowly.
    down = kinematics(an_event(-1), PriceHistory(HALVING))
    assert down["position"] == 1.0
    assert (down["velocity_10s"], down["acceleration_10s"], down["jerk_10s"]) == (
        -0.1,
        0.01,
        -0.001,
    )
    assert down["kinetic_energy_10s"] == 0.1**2
    assert down["is_decelerating_10s"] is False


@pytest.mark.parametrize(
    ("prices", "sign", "expected"),
    [
        ((6846.0, 6848.0, 6849.0), 1, True),  # +2, +1
        ((6846.0, 6847.0, 6849.0), 1, False),  # +1, +2: it speeds up
        ((6849.0, 6848.0, 6846.0), 1, False),  # -1, -2: it speeds up, away
        ((6846.0, 6847.0, 6848.0), 1, False),  # +1, +1
        ((6854.0, 6852.0, 6851.0), -1, True),
    ],
)
def test_decelerating_is_towards_the_level_and_ever_slower(
    prices: tuple[float, float, float], sign: int, expected: bool
) -> None:
    history = trades(*((-20 + 10 * k, price, 1, "B") for k, price in enumerate(prices)))
    got = kinematics(an_event(sign), PriceHistory(history))
    assert got["is_decelerating_10s"] is expected


def test_kinematics_need_a_price_at_each_time() -> None:
    # One nanosecond late, the first trade is no price 30 s ago.
    late = [HALVING[0]._replace(ts_ns=HALVING[0].ts_ns + 1), *HALVING[1:]]
    got = kinematics(an_event(), PriceHistory(late))
    assert (got["acceleration_10s"], got["jerk_10s"]) == (-0.01, None)
    # Without a price 20 s ago there is a velocity but no acceleration, and the flag is unknown
    # even where the velocity alone would deny it.
    for sign in (1, -1):
        got = kinematics(an_event(sign), PriceHistory(HALVING[2:]))
        assert got["velocity_10s"] == sign * 0.1
        assert got["acceleration_10s"] is got["jerk_10s"] is got["is_decelerating_10s"] is None
    got = kinematics(an_event(), PriceHistory(HALVING[3:]))
    assert got["position"] == -1.0
    assert got["velocity_10s"] is got["kinetic_energy_10s"] is got["is_decelerating_10s"] is None


def test_position_is_that_of_the_last_trade_of_the_anchors_timestamp() -> None:
    later = Trade(T0, 6849.5, 1, "B"), Trade(T0 + 1, 6860.0, 1, "B")
    assert kinematics(an_event(), PriceHistory([*HALVING, *later]))["position"] == -0.5


# --- approach ----------------------------------------------------------------------------------


def test_approach_reads_the_bars_that_end_in_its_window() -> None:
    session = bars(
        (-10, 6000.0),  # ends where the window begins
        (-9, 6840.0),
        (-8, 6842.0),
        (-6, 6841.0),
        (-1, 6841.5),
        (0, 6844.5),  # ends at the anchor
        (1, 7000.0),  # has not ended
    )
    # 6840 to 6844.5 in 9 minutes; changes +2, -1, +0.5, +3.
    up = approach(an_event(), [], session)
    assert (up["approach_velocity"], up["approach_bars"], up["approach_distance"]) == (0.5, 2, 4.5)
    down = approach(an_event(-1), [], session)
    assert (down["approach_velocity"], down["approach_bars"]) == (-0.5, 0)
    assert down["approach_distance"] == 4.5


def test_an_unchanged_close_ends_the_approach() -> None:
    session = bars((-4, 6853.0), (-3, 6852.0), (-2, 6852.0), (-1, 6851.0), (0, 6850.0))
    assert approach(an_event(-1), [], session)["approach_bars"] == 2


def test_approach_with_few_bars() -> None:
    one = approach(an_event(), [], bars((-3, 6840.0)))
    assert (one["approach_velocity"], one["approach_bars"], one["approach_distance"]) == (
        None,
        0,
        0.0,
    )
    none = approach(an_event(), [], bars((-10, 6840.0), (1, 6841.0)))
    assert (none["approach_velocity"], none["approach_bars"], none["approach_distance"]) == (
        None,
        0,
        None,
    )


def test_prior_touches_count_earlier_events_of_the_kind() -> None:
    earlier = [an_event(level_kind=kind) for kind in ("PM_HIGH", "OR_LOW", "PM_HIGH")]
    assert approach(an_event(), earlier, [])["prior_touches"] == 2
    assert approach(an_event(level_kind="SMA_200"), earlier, [])["prior_touches"] == 0


# --- level distances ---------------------------------------------------------------------------


def test_distances_to_valid_levels_and_how_many_are_near() -> None:
    evening = CLOCK.session_end_ns
    levels = [
        Level("PM_HIGH", 6850.0, CLOCK.rth_start_ns, evening),
        Level("PM_LOW", 6840.0, CLOCK.rth_start_ns, evening),  # 10 away
        Level("OR_HIGH", 6855.25, T0, evening),  # 5.25 away, valid from the anchor on
        Level("OR_LOW", 6848.0, T0 + 1, evening),  # not yet
        Level("SMA_200", 6800.0, T0 - 120 * S, T0),  # no longer
        Level("SMA_200", 6852.0, T0, T0 + 120 * S),  # 2 away
    ]
    got = level_distances(an_event(spot=6849.0), levels)
    expected = {
        "pm_high": -1.0,
        "pm_low": 9.0,
        "or_high": -6.25,
        "or_low": None,
        "sma_200": -3.0,
        "sma_400": None,
    }
    assert {kind: got[f"dist_to_{kind}"] for kind in expected} == expected
    # In units of an ATR of 2.
    assert [got[f"dist_to_{kind}_atr"] for kind in expected] == [
        -0.5,
        4.5,
        -3.125,
        None,
        -1.5,
        None,
    ]
    # The event's own kind does not count; distance is from the level, not from the price.
    assert [got[f"level_stacking_{points}pt"] for points in (2, 5, 10)] == [1, 1, 3]


@pytest.mark.parametrize("atr", [None, 0.0])
def test_distance_in_atrs_needs_an_atr(atr: float | None) -> None:
    levels = [Level("PM_HIGH", 6850.0, CLOCK.rth_start_ns, CLOCK.session_end_ns)]
    got = level_distances(an_event(atr=atr), levels)
    assert (got["dist_to_pm_high"], got["dist_to_pm_high_atr"]) == (0.0, None)
    assert got["level_stacking_10pt"] == 0


# --- order flow imbalance ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "as_bid", "as_ask"),
    [
        # A higher bid counts in full; a higher ask takes back all that was offered.
        ((6850.0, 10), (6850.25, 7), 7, -10),
        # A lower bid takes back all there was; a lower ask counts in full.
        ((6850.0, 10), (6849.75, 7), -10, 7),
        ((6850.0, 10), (6850.0, 7), -3, -3),
        ((6850.0, 10), (6850.0, 10), 0, 0),
        (None, (6850.0, 7), 0, 0),
        ((6850.0, 10), None, 0, 0),
        (None, None, 0, 0),
    ],
)
def test_each_branch_of_the_indicators(before: Slot, after: Slot, as_bid: int, as_ask: int) -> None:
    # On one side with the other empty: e = bid - ask. Level 1 and, beside a level that does not
    # change, level 2.
    still: Slot = (6850.0, 5)
    for slots, level in (((before,), (after,)), 0), (((still, before), (still, after)), 1):
        bids = order_flow(a_book(row(-2, slots[0]), row(-1, slots[1])))
        asks = order_flow(a_book(row(-2, (), slots[0]), row(-1, (), slots[1])))
        assert bids.bid[1, level] == as_bid
        assert asks.ask[1, level] == as_ask
        assert bids.bid.sum() == as_bid
        assert asks.ask.sum() == as_ask
        assert bids.ask.sum() == asks.bid.sum() == 0


def test_best_level_is_bid_less_ask() -> None:
    book = a_book(
        row(-3, [(6849.75, 10)], [(6850.0, 20)]),
        row(-2, [(6849.75, 14)], [(6850.0, 15)]),  # +4 and -(-5): 9
        row(-1, [(6850.0, 6)], [(6850.25, 30)]),  # +6 and -(-15): 21
    )
    got = ofi(book)
    assert (got["ofi_best_60s"], got["ofi_best_240s"]) == (30, 30)


def test_integrated_weighs_levels_by_depth() -> None:
    # Level 1 gains 8 bids, level 2 gains 4 bids; level 3 is empty on both sides before.
    book = a_book(
        row(-2, [(6849.0, 10), (6848.0, 10)]),
        row(-1, [(6849.0, 18), (6848.0, 14), (6847.0, 99)]),
    )
    # Ten weights exp(-m/2), m = 0 .. 9: a geometric series, (1 - e^-5) / (1 - e^-0.5).
    total = (1 - math.exp(-5)) / (1 - math.exp(-0.5))
    x = (8 + 4 * math.exp(-0.5)) / total
    got = ofi(book)
    assert got["ofi_integrated_60s"] == pytest.approx(x, rel=1e-14)
    assert got["ofi_imbalance_60s"] == pytest.approx(math.log(1 + x), rel=1e-14)
    # Displayed size per level: (10 + 10) / 2 and (18 + 14 + 99) / 3; the mean of the rows' means.
    assert got["ofi_normalized_60s"] == pytest.approx(x / ((10 + 131 / 3) / 2), rel=1e-14)
    # The same as asks: all signs turn.
    asks = ofi(
        a_book(
            row(-2, (), [(6851.0, 10), (6852.0, 10)]),
            row(-1, (), [(6851.0, 18), (6852.0, 14), (6853.0, 99)]),
        )
    )
    assert asks["ofi_integrated_60s"] == pytest.approx(-x, rel=1e-14)
    assert asks["ofi_imbalance_60s"] == pytest.approx(-math.log(1 + x), rel=1e-14)


def test_near_level_weighs_by_the_later_price() -> None:
    book = a_book(
        row(-3, [(6847.5, 10)], [(6852.5, 20)]),
        # Both 2.5 from the level: (+8 - 4) / e.
        row(-2, [(6847.5, 18)], [(6852.5, 24)]),
        # The ask retreats to 5 points: -(-24) * e^-2. The bid jumps onto the level: +3 * e^0.
        row(-1, [(6850.0, 3)], [(6855.0, 1)]),
        # The bid is gone and the ask unchanged: nothing.
        row(-0.5, [None], [(6855.0, 1)]),
    )
    expected = 4 / math.e + 24 * math.exp(-2) + 3
    for sign in (1, -1):
        assert ofi(book, sign=sign)["ofi_near_level_60s"] == pytest.approx(expected, rel=1e-14)
    # Seen from 6852.5 the bids of 6847.5 and 6850 are 5 and 2.5 away, the asks 0 and 2.5.
    shifted = 8 * math.exp(-2) - 4 + 3 / math.e + 24 / math.e
    got = ofi(book, level_price=6852.5)["ofi_near_level_60s"]
    assert got == pytest.approx(shifted, rel=1e-13)


def bid_steps(*rows: tuple[float, int]) -> list[Row]:
    """Rows of one bid at 6849, from (seconds after T0, size)."""
    return [row(after, [(6849.0, size)]) for after, size in rows]


def test_a_change_belongs_to_its_later_row_and_ties_at_the_anchor_count() -> None:
    book = a_book(
        *bid_steps((-100, 1), (-60, 2), (-59.999, 4), (0, 8), (0, 16), (0.001, 32), (300, 64))
    )
    got = ofi(book)
    # (-60, 0]: 4 - 2, whose earlier row lies at the open end, then 8 - 4 and 16 - 8 at the anchor.
    assert got["ofi_best_60s"] == 14
    assert got["ofi_best_240s"] == 15
    # Rows of the window: 4, 8, 16.
    share = got["ofi_integrated_60s"] / got["ofi_normalized_60s"]
    assert share == pytest.approx(28 / 3, rel=1e-14)


def test_rows_that_set_the_book_make_no_pair_and_neither_does_the_row_after() -> None:
    bid = [(6849.0, 1)], [(6849.0, 10)], [(6849.0, 100)], [(6849.0, 1000)]
    for action, flags in (("R", 128), ("A", 32), ("A", 32 | 128)):
        book = a_book(
            row(-5, bid[0]),
            row(-4, bid[1]),  # +9
            row(-3, bid[2], action=action, flags=flags),
            row(-2, bid[3]),  # the first change of something set
            row(-1, [(6849.0, 1005)]),  # +5
        )
        assert book.makes_pair.tolist() == [False, True, False, False, True]
        assert ofi(book)["ofi_best_60s"] == 14


def test_unread_rows_are_removed_before_pairs_are_made() -> None:
    seen = bid_steps((-5, 10), (-1, 13))
    for action, flags in (("T", 128), ("N", 128), ("A", 4), ("M", 4 | 128), ("R", 4), ("T", 32)):
        # Between the two rows, and last: neither the pair nor the last row is touched.
        unread = [row(when, [(6849.0, 500)], action=action, flags=flags) for when in (-3, -0.5)]
        book = a_book(seen[0], unread[0], seen[1], unread[1])
        assert book.ts_ns.tolist() == [seconds(-5), seconds(-1)]
        assert ofi(book)["ofi_best_60s"] == 3


def test_book_rows_are_those_of_the_contract_and_trade_date_in_order() -> None:
    rows = bid_steps((-5, 10), (-5, 13), (-4, 20))
    frame = book_frame(*rows)
    other = book_frame(*bid_steps((-4.5, 999))).with_columns(symbol=pl.lit("ESZ5"))
    outside = book_frame(*bid_steps((0, 1), (0, 1))).with_columns(
        ts_ns=pl.Series([CLOCK.session_start_ns - 1, CLOCK.session_end_ns])
    )
    book = contract_book(pl.concat([frame[::-1], other, outside]), CLOCK, CONTRACT)
    assert book.bid.size[:, 0].tolist() == [10, 13, 20]
    assert contract_book(frame, CLOCK, None).ts_ns.tolist() == []


def test_no_row_is_unknown_and_no_pair_is_nothing() -> None:
    names = ("best", "integrated", "near_level", "normalized", "imbalance")
    quiet = a_book(*bid_steps((-300, 5), (-60, 10), (0.001, 20)))
    for book in (NO_BOOK, quiet):
        got = ofi(book)
        assert [got[f"ofi_{name}_60s"] for name in names] == [None] * 5
    # The row at -60 is in the longer window and makes a pair with the one outside it.
    assert ofi(quiet)["ofi_best_240s"] == 5
    # One row, which makes no pair.
    got = ofi(a_book(*bid_steps((-1, 10))))
    assert [got[f"ofi_{name}_60s"] for name in names] == [0] * 5
    # A clear shows no size that one could divide by.
    got = ofi(a_book(row(-1, action="R")))
    assert [got[f"ofi_{name}_60s"] for name in names] == [0, 0, 0, None, 0]


def test_rows_without_a_price_do_not_enter_the_mean_size() -> None:
    rows = [
        row(-4, [(6849.0, 10), (6848.0, 20)], [(6851.0, 60)]),  # 90 / 3
        row(-3, action="R"),
        row(-2, [None], [(6851.0, 12)]),  # 12 / 1
        row(-1, [(6849.0, 3)], [(6851.0, 15)]),  # 18 / 2
    ]
    # Means 30, 12, 9: 17 a row. Last pair: the bid comes from nowhere, the ask grows by 3.
    got = ofi(a_book(*rows))
    assert got["ofi_best_60s"] == -3
    assert got["ofi_integrated_60s"] / got["ofi_normalized_60s"] == pytest.approx(17, rel=1e-14)


# --- tape --------------------------------------------------------------------------------------


def test_tape_volume_is_near_and_in_the_window() -> None:
    window = trades(
        (-60, 6850.0, 1000, "B"),  # at the open end
        (-59.999, 6850.0, 1, "B"),
        (-30, 6855.0, 2, "B"),  # 5 away is near
        (-20, 6855.25, 1000, "B"),
        (-10, 6845.0, 4, "A"),
        (-5, 6844.75, 1000, "A"),
        (-4, 6850.0, 1000, "N"),
        (0, 6850.0, 8, "A"),
        (0, 6850.0, 16, "B"),
        (0.001, 6850.0, 1000, "B"),
    )
    got = tape(an_event(), window)
    # 1 + 2 + 16 and 4 + 8: (19 - 12) / 31.
    assert (got["tape_buy_volume"], got["tape_sell_volume"]) == (19, 12)
    assert got["tape_imbalance"] == 7 / 31
    nothing_near = tape(an_event(level_price=6900.0), window)
    assert nothing_near["tape_buy_volume"] == nothing_near["tape_sell_volume"] == 0
    assert nothing_near["tape_imbalance"] is None
    assert nothing_near["tape_velocity"] is not None


def test_tape_velocity_is_a_slope_over_all_trades() -> None:
    # Times -2, -1, 0 about their mean -1; prices 6850, 6951, 6849, near or not, N too:
    # (-1 * 6850 + 1 * 6849) / 2.
    window = trades((-2, 6850.0, 1, "N"), (-1, 6951.0, 900, "B"), (0, 6849.0, 1, "A"))
    for sign in (1, -1):
        assert tape(an_event(sign), window)["tape_velocity"] == -0.5
    # Two prices of one instant say nothing about speed.
    at_once = trades((0, 6850.0, 1, "B"), (0, 6851.0, 1, "B"))
    assert tape(an_event(), at_once)["tape_velocity"] is None
    # Three trades on two times: at -1 the mean is 6850, at 0 it is 6852.
    two_times = trades((-1, 6849.0, 1, "B"), (-1, 6851.0, 1, "B"), (0, 6852.0, 1, "B"))
    assert tape(an_event(), two_times)["tape_velocity"] == 2.0
    # One nanosecond apart: a quarter point times 10^9.
    close = [Trade(T0 - 1, 6850.0, 1, "B"), Trade(T0, 6850.25, 1, "B")]
    assert tape(an_event(), close)["tape_velocity"] == 0.25e9


def sweeps(*rows: tuple[float, float, int, str]) -> tuple[int, int, bool]:
    """Count, net size and flag of the sweeps in (milliseconds before T0, price, size, side)."""
    got = tape(an_event(), trades(*((-ms / 1000, *rest) for ms, *rest in rows)))  # type: ignore[arg-type]
    return got["sweep_count"], got["sweep_net_size"], got["sweep_detected"]


def test_a_sweep_is_large_one_sided_quick_and_moves() -> None:
    assert sweeps((900, 6850.0, 20, "B"), (800, 6850.25, 30, "B")) == (1, 50, True)
    assert sweeps((900, 6850.0, 20, "A"), (900, 6849.75, 31, "A")) == (1, -51, True)
    # One contract short; one price only; a millisecond too slow.
    assert sweeps((900, 6850.0, 20, "B"), (800, 6850.25, 29, "B")) == (0, 0, False)
    assert sweeps((900, 6850.0, 20, "B"), (800, 6850.0, 30, "B")) == (0, 0, False)
    assert sweeps((901, 6850.0, 20, "B"), (800, 6850.25, 30, "B")) == (0, 0, False)
    assert sweeps() == (0, 0, False)


def test_gaps_are_between_neighbours() -> None:
    # 100 ms three times is one run over 300 ms.
    assert sweeps(
        (900, 6850.0, 20, "B"),
        (800, 6850.0, 20, "B"),
        (700, 6850.0, 20, "B"),
        (600, 6851.0, 1, "B"),
    ) == (1, 61, True)


def test_the_other_side_or_an_unknown_one_ends_a_run() -> None:
    first, last = (900, 6850.0, 30, "B"), (880, 6850.25, 30, "B")
    assert sweeps(first, last) == (1, 60, True)
    for side in ("A", "N"):
        assert sweeps(first, (890, 6850.0, 1, side), last) == (0, 0, False)
    # Trades of unknown side are no sweep of their own.
    assert sweeps((900, 6850.0, 50, "N"), (890, 6850.25, 50, "N")) == (0, 0, False)
    # A trade that is not near is not looked at.
    assert sweeps(first, (890, 6856.0, 1, "A"), last) == (1, 60, True)
    # An N in between does not join, and its pause does not count either way.
    assert sweeps(
        (900, 6850.0, 50, "B"),
        (890, 6850.25, 50, "B"),
        (885, 6850.0, 900, "N"),
        (880, 6851.0, 9, "B"),
    ) == (1, 100, True)


def test_sweeps_of_both_sides_net_out() -> None:
    assert sweeps(
        (900, 6850.0, 40, "B"),
        (890, 6850.25, 40, "B"),
        (885, 6850.0, 30, "A"),
        (880, 6849.75, 30, "A"),
        (700, 6850.0, 49, "A"),
    ) == (2, 20, True)


# --- barrier -----------------------------------------------------------------------------------

MIRROR = pytest.mark.parametrize("sign", [1, -1], ids=["UP", "DOWN"])


def defended(after: float, sign: int, *slots: tuple[float, int], **changes: Any) -> Row:
    """A row of the defending side from (points from the level towards it, size), nearest first.

    The other side holds large orders right in the zone, which nobody may count.
    """
    mine = [(6850.0 + sign * distance, size) for distance, size in slots]
    others: list[Slot] = [(6850.0 - sign * 1.75, 10_000 + round(after))]
    bids, asks = (others, mine) if sign > 0 else (mine, others)
    return row(after, bids, asks, **changes)


@MIRROR
def test_barrier_sums_the_net_change_of_each_pair(sign: int) -> None:
    book = a_book(
        defended(-300, sign, (-2.0, 10), (0.0, 10), (2.0, 10), (2.25, 10)),
        # In the window by its later row: +5 at the near border, -2 inside: +3.
        defended(-200, sign, (-2.0, 15), (0.0, 8), (2.0, 10), (2.25, 10)),
        # -4 at the far border; what lies beyond it does not count.
        defended(-100, sign, (-2.0, 15), (0.0, 8), (2.0, 6), (2.25, 900)),
        # Out of the zone, on the near side: -15.
        defended(-50, sign, (-2.25, 15), (0.0, 8), (2.0, 6)),
        # Two rows at the anchor: +1, -2.
        defended(0, sign, (0.0, 9), (2.0, 6)),
        defended(0, sign, (0.0, 9), (2.0, 4)),
        defended(0.001, sign, (0.0, 900)),
    )
    attacker, passive = ("B", "A") if sign > 0 else ("A", "B")
    tape_rows = trades(
        (-240, 6850.0, 1000, attacker),  # at the open end
        (-200, 6850.0 + sign * 2, 3, attacker),
        (-150, 6850.0 + sign * 2.25, 1000, attacker),
        (-100, 6850.0 - sign * 2, 4, attacker),
        (-50, 6850.0, 1000, passive),
        (-50, 6850.0, 1000, "N"),
        (0, 6850.0, 5, attacker),
    )
    got = barrier(an_event(sign), book, tape_rows)
    assert got["barrier_added"] == 4  # 3 + 1
    assert got["barrier_removed"] == 21  # 4 + 15 + 2
    assert got["passive_volume"] == 12
    assert (got["barrier_filled"], got["barrier_pulled"]) == (12, 9)
    assert (got["barrier_delta_liq"], got["barrier_churn"]) == (-17, 25)
    assert got["barrier_replenishment_ratio"] == 4 / 21
    assert got["depth_in_zone"] == 13
    # No more is filled than was removed.
    more = barrier(an_event(sign), book, [*tape_rows, *trades((0, 6850.0, 100, attacker))])
    assert (more["barrier_filled"], more["barrier_pulled"]) == (21, 0)


@MIRROR
@pytest.mark.parametrize(("levels", "change"), [(10, -7), (9, 33)])
def test_a_price_that_comes_into_view_is_no_new_depth(sign: int, levels: int, change: int) -> None:
    # From 1.75 before the level on, a tick apart; with ten levels the last is 0.5 beyond it. Then
    # the first one (7) is taken, all move up and a new one of 40 shows at the end. Ten levels could
    # not have shown it before; nine could, so that it is new.
    distances = [-1.75 + 0.25 * k for k in range(levels + 1)]
    sizes = [7, *range(11, 11 + levels - 1), 40]
    slots = list(zip(distances, sizes, strict=True))
    book = a_book(defended(-2, sign, *slots[:-1]), defended(-1, sign, *slots[1:]))
    got = barrier(an_event(sign), book, [])
    assert got["barrier_delta_liq"] == change
    # And the way back: the far one goes out of view, or is really gone.
    book = a_book(defended(-2, sign, *slots[1:]), defended(-1, sign, *slots[:-1]))
    assert barrier(an_event(sign), book, [])["barrier_delta_liq"] == -change


@MIRROR
def test_one_full_row_bounds_a_pair(sign: int) -> None:
    # Ten levels up to 0.5 beyond the level, then three, the last of them 1 beyond. Up to 0.5 there
    # were 100 and are 20; the 30 at 1 could not be seen before.
    full = [(-1.75 + 0.25 * k, 10) for k in range(10)]
    book = a_book(
        defended(-3, sign, *full),
        defended(-2, sign, (0.0, 5), (0.5, 15), (1.0, 30)),
        # Both with fewer than ten: -5 and +70 count in full.
        defended(-1, sign, (0.5, 15), (1.0, 100)),
    )
    got = barrier(an_event(sign), book, [])
    assert (got["barrier_added"], got["barrier_removed"]) == (65, 80)


@MIRROR
def test_a_zone_out_of_view_is_empty_and_its_return_is_no_change(sign: int) -> None:
    # Ten levels that end 2.25 before the level, and ten that end in the zone, 1.75 before it.
    away = [(-4.5 + 0.25 * k, 10) for k in range(10)]
    back = [(-4.0 + 0.25 * k, 10) for k in range(10)]
    got = barrier(an_event(sign), a_book(defended(-1, sign, *away)), [])
    assert (got["depth_in_zone"], got["wall_ratio"]) == (0, None)
    got = barrier(an_event(sign), a_book(defended(-2, sign, *away), defended(-1, sign, *back)), [])
    assert (got["barrier_added"], got["barrier_removed"], got["depth_in_zone"]) == (0, 0, 20)
    assert got["barrier_replenishment_ratio"] is None
    # r is unknown, the zone weak.
    assert got["barrier_state"] == "WEAK"


def test_barrier_makes_no_pair_with_a_clear_or_a_snapshot() -> None:
    for action, flags in (("R", 128), ("A", 32)):
        book = a_book(
            defended(-4, 1, (0.0, 10)),
            defended(-3, 1, (0.0, 500), action=action, flags=flags),
            defended(-2, 1, (0.0, 60)),
            defended(-1, 1, (0.0, 63)),
        )
        got = barrier(an_event(), book, [])
        assert (got["barrier_added"], got["barrier_removed"]) == (3, 0)
        assert got["barrier_replenishment_ratio"] is None


def test_depth_is_that_of_the_last_row_however_old() -> None:
    old = defended(-5000, 1, (0.0, 10), (1.0, 30))
    got = barrier(an_event(), a_book(old), trades((-1, 6850.0, 6, "B")))
    # No row in four minutes: no sum, and no state. None in half an hour: nothing to compare with.
    assert got == {
        "passive_volume": 6,
        "barrier_added": None,
        "barrier_removed": None,
        "barrier_filled": None,
        "barrier_pulled": None,
        "barrier_delta_liq": None,
        "barrier_replenishment_ratio": None,
        "barrier_churn": None,
        "depth_in_zone": 40,
        "wall_ratio": None,
        "barrier_state": None,
    }
    # A book that is not known at all.
    none = barrier(an_event(), NO_BOOK, [])
    assert none.pop("passive_volume") == 0
    assert set(none.values()) == {None}
    # Cleared: known to be empty.
    got = barrier(an_event(), a_book(old, row(-4000, action="R")), [])
    assert (got["depth_in_zone"], got["barrier_state"]) == (0, None)


@MIRROR
def test_wall_is_the_zones_size_per_level_against_half_an_hour(sign: int) -> None:
    book = a_book(
        defended(-1800, sign, (0.0, 999)),  # at the open end
        defended(-1799, sign, (0.0, 10), (5.0, 30)),  # 20 a level, in the zone or not
        row(-1000, action="R"),  # skipped
        defended(-10, sign, (0.0, 30), (1.0, 50), (2.25, 10)),  # 30 a level; 40 in the zone
    )
    got = barrier(an_event(sign), book, [])
    assert got["wall_ratio"] == pytest.approx(40 / 25, rel=1e-15)
    # Its own side only: the other side's orders are ten thousand.
    assert got["depth_in_zone"] == 80


@pytest.mark.parametrize(
    ("added", "removed", "filled", "depth", "state"),
    [
        (20, 121, 0, 10, "VACUUM"),  # r 0.17, delta -101
        (20, 120, 60, 50, "NEUTRAL"),  # delta -100 is not beyond it
        (60, 200, 0, 50, "NEUTRAL"),  # r 0.3 is not below it, and all was pulled
        (60, 200, 101, 50, "CONSUMED"),
        (60, 200, 100, 50, "NEUTRAL"),  # as much pulled as filled
        (60, 200, 100, 49, "WEAK"),
        (60, 200, 101, 10, "CONSUMED"),  # before weakness
        (300, 100, 0, 10, "WALL"),  # r 3, delta 200
        (101, 0, 0, 10, "WALL"),  # r infinite
        (100, 0, 0, 10, "ABSORPTION"),  # delta 100 is not beyond it
        (303, 202, 0, 10, "ABSORPTION"),  # r 1.5 is not beyond it
        (404, 303, 0, 10, "ABSORPTION"),  # r 1.33, delta 101
        (1, 0, 0, 10, "ABSORPTION"),  # the smallest gain
        (30, 30, 30, 49, "WEAK"),
        (51, 51, 0, 50, "ABSORPTION"),  # no change by a churn of 102
        (26, 75, 75, 50, "ABSORPTION"),  # -49, 101
        (26, 76, 0, 50, "NEUTRAL"),  # -50
        (50, 50, 0, 50, "NEUTRAL"),  # a churn of 100
        (0, 0, 0, 50, "NEUTRAL"),  # nothing happened
        (0, 0, 0, 0, "WEAK"),
    ],
)
def test_each_barrier_state(added: int, removed: int, filled: int, depth: int, state: str) -> None:
    features = {
        "barrier_added": added,
        "barrier_removed": removed,
        "barrier_filled": filled,
        "barrier_pulled": removed - filled,
        "barrier_delta_liq": added - removed,
        "barrier_replenishment_ratio": added / removed if removed else None,
        "barrier_churn": added + removed,
        "depth_in_zone": depth,
    }
    assert barrier_state(features) == state


# --- force and mass ----------------------------------------------------------------------------


def marks(count: int, until: int = T0) -> list[MinuteMark]:
    """Marks up to `until` with x = 1, 2, 1, 2, ..., acceleration 3x + 1 and velocity 5x."""
    xs = [1.0 + k % 2 for k in range(count)]
    return [
        MinuteMark(until - (count - 1 - k) * MINUTE_NS, x, 3 * x + 1, 5 * x)
        for k, x in enumerate(xs)
    ]


FLOW = a_book(*bid_steps((-50, 10), (-40, 40), (0, 30), (0.001, 900)))
"""Bids grow by 20 in the last minute, on level 1, with 80 / 3 shown per level."""

FIRST_WEIGHT = (1 - math.exp(-0.5)) / (1 - math.exp(-5))


def physics(
    known: Sequence[MinuteMark],
    sign: int = 1,
    book: Book = FLOW,
    acceleration: float | None = 2.0,
    velocity: float | None = 7.0,
) -> dict[str, Any]:
    motion = {"acceleration_60s": acceleration, "velocity_60s": velocity}
    return force_mass(an_event(sign), motion, book, order_flow(book), known)


@MIRROR
def test_force_and_mass_with_the_fallback(sign: int) -> None:
    got = physics(marks(9), sign)
    force, mass = sign * 20 * FIRST_WEIGHT / 60, 80 / 3
    assert got["force"] == pytest.approx(force, rel=1e-14)
    assert got["mass"] == pytest.approx(mass, rel=1e-14)
    assert got["force_mass_ratio"] == pytest.approx(force / mass, rel=1e-14)
    assert (got["force_mass_k"], got["force_mass_r2"]) == (0.01, None)
    assert got["predicted_accel"] == pytest.approx(0.01 * force / mass, rel=1e-14)
    assert got["accel_residual"] == pytest.approx(2 - 0.01 * force / mass, rel=1e-14)
    assert got["predicted_velocity"] is got["velocity_residual"] is None
    assert got["force_mass_velocity_k"] is got["force_mass_velocity_r2"] is None


@MIRROR
def test_force_and_mass_with_a_fit(sign: int) -> None:
    # Ten marks, x = 1 and 2 five times each, y = 4 and 7: k = (5 * 4 + 5 * 14) / (5 + 20) = 3.6.
    # Residuals 0.4 and -0.2: SSR 5 * 0.2 = 1; sum y^2 = 5 * (16 + 49) = 325.
    got = physics(marks(10), sign)
    x = sign * 20 * FIRST_WEIGHT / 60 / (80 / 3)
    assert got["force_mass_k"] == pytest.approx(3.6, rel=1e-15)
    assert got["force_mass_r2"] == pytest.approx(1 - 1 / 325, rel=1e-14)
    assert got["predicted_accel"] == pytest.approx(3.6 * x, rel=1e-14)
    assert got["accel_residual"] == pytest.approx(2 - 3.6 * x, rel=1e-14)
    assert (got["force_mass_velocity_k"], got["force_mass_velocity_r2"]) == (5.0, 1.0)
    assert got["predicted_velocity"] == pytest.approx(5 * x, rel=1e-14)
    assert got["velocity_residual"] == pytest.approx(7 - 5 * x, rel=1e-14)


def test_only_marks_up_to_the_anchor_are_fitted() -> None:
    # The tenth mark lies at the anchor, or a nanosecond after it.
    assert physics(marks(10, until=T0))["force_mass_k"] == pytest.approx(3.6)
    assert physics(marks(10, until=T0 + 1))["force_mass_k"] == 0.01
    # Later marks change nothing.
    later = MinuteMark(T0 + 1, 1.0, 1000.0, 1000.0)
    assert physics([*marks(10), later]) == physics(marks(10))


def test_a_fit_takes_ten_known_pairs_that_say_something() -> None:
    ten = [(2.0, 6.0)] * 10
    assert fit_through_origin(ten[:9]) is None
    assert fit_through_origin([*ten[:9], (None, 6.0), (2.0, None)]) is None
    fit = fit_through_origin([*ten, (None, 900.0)])
    assert fit is not None
    assert (fit.slope, fit.r2) == (3.0, 1.0)
    # No force at all, and a force that moves nothing.
    assert fit_through_origin([(0.0, 6.0)] * 10) is None
    still = fit_through_origin([(2.0, 0.0)] * 10)
    assert still is not None
    assert (still.slope, still.r2) == (0.0, None)


def test_the_two_fits_count_their_own_marks() -> None:
    # The first of ten marks has a velocity but no acceleration yet.
    first, *rest = marks(10)
    got = physics([MinuteMark(first.ts_ns, first.force_per_mass, None, first.velocity), *rest])
    assert got["force_mass_k"] == 0.01
    assert got["force_mass_velocity_k"] == 5.0


def test_force_and_mass_without_a_book_or_a_size() -> None:
    got = physics(marks(10), book=NO_BOOK)
    for name in ("force", "mass", "force_mass_ratio", "predicted_accel", "accel_residual"):
        assert got[name] is None
    assert got["predicted_velocity"] is got["velocity_residual"] is None
    assert got["force_mass_k"] == pytest.approx(3.6)
    # Cleared in the window: no flow, and no mass to divide by.
    got = physics(marks(10), book=a_book(row(-1, action="R")))
    assert (got["force"], got["mass"], got["force_mass_ratio"]) == (0.0, None, None)
    # Orders of size 0 weigh nothing.
    got = physics(marks(10), book=a_book(*bid_steps((-1, 0))))
    assert (got["mass"], got["force_mass_ratio"]) == (0.0, None)
    # A residual needs the motion too.
    got = physics(marks(10), acceleration=None, velocity=None)
    assert got["predicted_accel"] is not None
    assert got["accel_residual"] is got["velocity_residual"] is None


def test_minute_marks_are_up_positive_and_begin_a_minute_after_the_open() -> None:
    open_ns = CLOCK.rth_start_ns
    # 6850 a minute before the open, 6851 a second after it, 6854 at 09:31, 6854.5 at 09:31:30.
    prices = PriceHistory(
        [
            Trade(open_ns - 60 * S, 6850.0, 1, "B"),
            Trade(open_ns + S, 6851.0, 1, "B"),
            Trade(open_ns + 60 * S, 6854.0, 1, "B"),
            Trade(open_ns + 90 * S, 6854.5, 1, "A"),
        ]
    )
    # In 09:30 to 09:31 the bids lose 12, at 4 and 16 a level; in the next minute nothing is heard.
    begin = (open_ns - T0) / S
    book = a_book(*bid_steps((begin + 10, 16), (begin + 60, 4)))
    got = minute_marks(CLOCK, prices, book, order_flow(book))
    assert [mark.ts_ns for mark in got] == [open_ns + k * MINUTE_NS for k in range(1, 241)]
    # S at 09:31, 09:30, 09:29: 6854, 6850, 6850. Velocity 4 / 60, acceleration 4 / 3600.
    assert (got[0].velocity, got[0].acceleration) == (4 / 60, 4 / 3600)
    assert got[0].force_per_mass == pytest.approx(-12 * FIRST_WEIGHT / 60 / 10, rel=1e-14)
    # At 09:32: 6854.5, 6854, 6850.
    assert (got[1].velocity, got[1].acceleration) == (0.5 / 60, -3.5 / 3600)
    assert got[1].force_per_mass is None
    # Without a price at 09:29 the first mark has a velocity only if 09:30 has one.
    late = PriceHistory([Trade(open_ns + S, 6851.0, 1, "B")])
    first, second, third = minute_marks(CLOCK, late, book, order_flow(book))[:3]
    assert (first.velocity, first.acceleration) == (None, None)
    assert (second.velocity, second.acceleration) == (0.0, None)
    assert (third.velocity, third.acceleration) == (0.0, 0.0)


# --- basis and sources -------------------------------------------------------------------------


def spx(*rows: tuple[int, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(ts_ns, number, price) for number, (ts_ns, price) in enumerate(rows)],
        schema=SPX_SCHEMA,
        orient="row",
    )


def test_basis_is_the_spot_less_the_last_index_price() -> None:
    prices = spx((T0 - S, 6800.0), (T0, 6843.5), (T0, 6844.25), (T0 + 1, 7000.0))
    assert basis(an_event(spot=6849.5), prices[::-1]) == {"es_spx_basis": 5.25}
    assert basis(an_event(), spx((T0 - S, 6844.0), (T0, None))) == {"es_spx_basis": 6.0}
    for nothing in (None, spx(), spx((T0 + 1, 6844.0))):
        assert basis(an_event(), nothing) == {"es_spx_basis": None}


def test_sources_are_the_newest_records_read() -> None:
    tape_rows = trades((-5, 6850.0, 1, "B"), (0, 6850.0, 1, "B"), (1, 6850.0, 1, "B"))
    book = a_book(
        *bid_steps((-4000, 10)), row(-1, action="N"), row(-0.5, flags=4), *bid_steps((0.001, 9))
    )
    got = sources(an_event(), tape_rows, bars((-9, 6850.0), (-2, 6850.0), (1, 6850.0)), book)
    assert got == {
        "trade_source_ts_ns": T0,
        "book_source_ts_ns": seconds(-4000),
        "bar_source_ts_ns": T0 - 2 * MINUTE_NS,
    }
    got = sources(an_event(), tape_rows, bars((-10, 6850.0), (1, 6850.0)), NO_BOOK)
    assert (got["book_source_ts_ns"], got["bar_source_ts_ns"]) == (None, None)


# --- whole sessions ----------------------------------------------------------------------------


def session_trades() -> pl.DataFrame:
    """An UP event on the premarket high 6850 at T0, a second one twenty seconds later."""
    rows = [
        (CLOCK.premarket_start_ns, 6850.0),
        (CLOCK.premarket_start_ns + S, 6800.0),
        (seconds(-200), 6840.0),
        (seconds(-60), 6842.0),
        (T0, 6849.0),
        (seconds(10), 6840.0),
        (seconds(20), 6849.5),
    ]
    return pl.DataFrame(
        [(ts_ns, number, 2, CONTRACT, price, 5, "B") for number, (ts_ns, price) in enumerate(rows)],
        schema=TRADES_SCHEMA,
        orient="row",
    )


SESSION_BOOK = book_frame(
    row(-100, [(6849.0, 10)], [(6849.25, 20), (6852.25, 40)]),
    row(-30, [(6849.0, 12)], [(6849.25, 26), (6852.25, 40)]),
    row(-20, [(6849.0, 99)], [(6849.25, 1)], action="T"),
    row(15, [(6849.0, 12)], [(6849.25, 1), (6852.25, 40)]),
)
SESSION_SPX = spx((seconds(-3), 6843.0), (seconds(18), 6845.0))


def test_a_whole_session_in_memory() -> None:
    tables = build_session(CLOCK, session_trades(), None, book=SESSION_BOOK, spx=SESSION_SPX)
    events, features = tables.level_events, tables.level_event_features
    # OR_HIGH and OR_LOW do not exist: nothing was traded from 09:30 to 09:45.
    assert events.select("event_ts_ns", "direction").rows() == [(T0, "UP"), (seconds(20), "UP")]
    assert features["event_id"].to_list() == events["event_id"].to_list()
    first, second = features.rows(named=True)
    expected = {
        "position": -1.0,
        "velocity_60s": 7 / 60,  # 6842 to 6849
        "acceleration_60s": 5 / 3600,  # 6849, 6842, 6840
        "prior_touches": 0,
        "dist_to_pm_high": -1.0,
        "dist_to_pm_low": 49.0,
        "dist_to_or_high": None,
        "ofi_best_60s": -4,  # +2 bids, +6 asks
        "tape_buy_volume": 5,
        "tape_velocity": None,  # 6842 lies at the open end of the window
        "barrier_added": 6,
        "barrier_removed": 0,
        "passive_volume": 5,
        "barrier_filled": 0,
        "depth_in_zone": 26,
        # 26 against the mean of (20 + 40) / 2 and (26 + 40) / 2.
        "wall_ratio": 26 / 31.5,
        "barrier_state": "ABSORPTION",
        "force_mass_k": 0.01,
        "es_spx_basis": 6.0,
        "trade_source_ts_ns": T0,
        "book_source_ts_ns": seconds(-30),
        # The trade at 09:59:00 makes a bar that ends at the anchor.
        "bar_source_ts_ns": T0,
    }
    assert {name: first[name] for name in expected} == expected
    assert (second["prior_touches"], second["es_spx_basis"]) == (1, 4.5)
    # Until then 26 - 1 asks are gone, for which 5 + 5 were bought in the zone.
    assert (second["barrier_removed"], second["barrier_filled"]) == (25, 10)
    assert second["book_source_ts_ns"] == seconds(15)


def test_without_book_and_index_the_rest_is_known() -> None:
    known = build_session(CLOCK, session_trades(), None, book=SESSION_BOOK, spx=SESSION_SPX)
    alone = build_session(CLOCK, session_trades(), None).level_event_features
    empty = build_session(
        CLOCK, session_trades(), None, book=SESSION_BOOK[:0], spx=SESSION_SPX[:0]
    ).level_event_features
    # States are unknown either way.
    assert alone.equals(empty)
    both = known.level_event_features
    unknown = [name for name in alone.columns if not alone[name].equals(both[name])]
    prefixes = ("ofi_", "barrier_", "depth_", "wall_", "force", "mass", "predicted_", "accel_")
    assert unknown
    assert all(name.startswith((*prefixes, "es_spx", "book_")) for name in unknown)
    assert all(alone[name].null_count() == 2 for name in unknown)


def test_a_session_without_events_has_the_columns() -> None:
    nothing = build_session(CLOCK, None, None).level_event_features
    full = build_session(CLOCK, session_trades(), None).level_event_features
    assert nothing.height == 0
    assert nothing.schema == full.schema


def write_partition(root: Path, feed_path: str, rows: list[dict[str, Any]]) -> None:
    feed = FEED_BY_PATH[feed_path]
    folder = feed.partition_dir(root, DAY)
    folder.mkdir(parents=True)
    full = [dict.fromkeys(feed.schema.names) | record for record in rows]
    pq.write_table(pa.Table.from_pylist(full, schema=feed.schema), folder / "part-0.parquet")
    (folder / MANIFEST_NAME).write_text("{}")


def bronze_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows under the vendor's names, prices as fixed-point integers."""
    return [
        {
            ("ts_recv" if name == "ts_ns" else name): round(value * 10**9)
            if value is not None and ("_px_" in name or name == "price")
            else value
            for name, value in record.items()
        }
        for record in frame.iter_rows(named=True)
    ]


def test_bronze_gives_what_memory_gives(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("trade_date,has_rth,rth_end_et,reason\n2025-12-16,true,16:00:00,\n")
    write_partition(tmp_path, "futures/trades", bronze_rows(session_trades()))
    without = build_session(CLOCK, session_trades(), None).level_event_features
    assert read_session(tmp_path, calendar, DAY).level_event_features.equals(without)

    write_partition(tmp_path, "futures/mbp10", bronze_rows(SESSION_BOOK))
    write_partition(tmp_path, "index/spx", bronze_rows(SESSION_SPX))
    tables = build_session(CLOCK, session_trades(), None, book=SESSION_BOOK, spx=SESSION_SPX)
    from_bronze = read_session(tmp_path, calendar, DAY).level_event_features
    assert from_bronze.equals(tables.level_event_features)
    assert not from_bronze.equals(without)
