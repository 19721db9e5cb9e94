"""Hand-worked cases for what the reference makes of the book; each number is derived in a comment.

The level is 6850 and the zone [6848, 6852], which has 17 prices.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from handmade_records import (
    CLOCK,
    CONTRACT,
    NO_BOOK,
    Row,
    Slot,
    a_book,
    an_event,
    book_frame,
    row,
    trades,
)
from reference.book import Book, contract_book
from reference.book_state import (
    STATE_COLUMNS,
    book_state,
    depth_of_level,
    depth_profile,
    imbalance_bucket,
)
from reference.event_book import event_book
from reference.order_flow import ofi_features, ofi_level_features, order_flow, voi_features
from reference.shown_zone import (
    barrier_visible_share,
    replenishment,
    replenishment_rates,
    shown_barrier,
)

CLEAR = {"action": "R", "flags": 8}
SNAPSHOT = {"flags": 32 + 8}


def ladder(best: float, sign: int, levels: int = 10, size: int = 1) -> list[Slot]:
    """Prices one tick apart from the best of the side that defends: asks for +1, bids for -1."""
    return [(best + sign * 0.25 * m, size) for m in range(levels)]


def defended(after: float, sign: int, mine: list[Slot], **changes: Any) -> Row:
    """A row with `mine` on the side that defends and one order far away on the other."""
    others: list[Slot] = [(6850.0 - sign * 20, 7)]
    bids, asks = (others, mine) if sign > 0 else (mine, others)
    return row(after, bids, asks, **changes)


def off(sign: int, points: float, level: float = 6850.0) -> float:
    """A price so many points beyond the level, or short of it where negative."""
    return level + sign * points


BOTH = pytest.mark.parametrize("sign", [1, -1], ids=["UP", "DOWN"])


# --- what is shown -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("best", "levels", "share"),
    [
        # Ten levels reach 2.25 points: from -1 to +1.25. Live are -1 ... +2, 13 prices.
        (-1.0, 10, 10 / 13),
        # Before the zone all 17 are live; -3 ... -0.75 shows -2 ... -0.75, six of them.
        (-3.0, 10, 6 / 17),
        # -4.25 ... -2 shows the zone's first price; a tick further away, none.
        (-4.25, 10, 1 / 17),
        (-4.5, 10, 0.0),
        # Nine levels are all there is, however far away the zone.
        (-12.0, 9, 1.0),
        # The zone's last price is live; past it nothing is.
        (2.0, 10, 1.0),
        (2.25, 10, None),
        (-1.0, 0, None),
    ],
)
def test_visible_share_counts_live_ticks(
    sign: int, best: float, levels: int, share: float | None
) -> None:
    book = a_book(defended(-1, sign, ladder(off(sign, best), sign, levels)))
    assert barrier_visible_share(an_event(sign), book) == share


def test_visible_share_of_a_level_between_ticks() -> None:
    # [6848.1, 6852.1] has the prices 6848.25 ... 6852, 16 of them; shown are those to 6849.25.
    book = a_book(defended(-1, 1, ladder(6847.0, 1)))
    assert barrier_visible_share(an_event(level_price=6850.1), book) == 5 / 16


def test_visible_share_is_that_of_the_last_row() -> None:
    rows = (
        defended(-100, 1, ladder(6848.0, 1)),
        defended(-90, 1, ladder(6845.0, 1)),
        defended(0.001, 1, ladder(6849.0, 1)),
    )
    assert barrier_visible_share(an_event(), a_book(*rows)) == 0.0
    assert barrier_visible_share(an_event(), a_book(*rows[2:])) is None
    assert barrier_visible_share(an_event(), NO_BOOK) is None
    # A tenth level that is missing in the middle of others bounds nothing.
    gap = [*ladder(6845.0, 1, 9), None]
    assert barrier_visible_share(an_event(), a_book(defended(-1, 1, gap))) == 1.0


@BOTH
def test_barrier_out_of_sight_is_unknown(sign: int) -> None:
    # The zone is out of sight in both rows: nothing was seen to change, and no depth to stand.
    book = a_book(
        defended(-2, sign, ladder(off(sign, -5), sign)),
        defended(-1, sign, ladder(off(sign, -5), sign, size=2)),
    )
    attacker = "B" if sign > 0 else "A"
    got = shown_barrier(an_event(sign), book, trades((-1, 6850.0, 3, attacker)))
    unknown = {name: value for name, value in got.items() if value is None}
    assert set(unknown) == {
        "barrier_added",
        "barrier_removed",
        "barrier_filled",
        "barrier_pulled",
        "barrier_delta_liq",
        "barrier_replenishment_ratio",
        "barrier_churn",
        "barrier_state",
        "depth_in_zone",
        "wall_ratio",
    }
    # Trades are complete, whatever the book shows.
    assert (got["passive_volume"], got["barrier_visible_share"]) == (3, 0.0)


@BOTH
def test_a_sliver_has_depth_but_no_state(sign: int) -> None:
    # -4.25 ... -2: one price in 17, with 40 contracts after 30.
    book = a_book(
        defended(-2, sign, ladder(off(sign, -4.25), sign, size=30)),
        defended(-1, sign, ladder(off(sign, -4.25), sign, size=40)),
    )
    got = shown_barrier(an_event(sign), book, [])
    assert (got["barrier_added"], got["barrier_removed"], got["depth_in_zone"]) == (10, 0, 40)
    # 40 a level against the mean of 30 and 40.
    assert got["wall_ratio"] == pytest.approx(40 / 35, rel=1e-15)
    assert got["barrier_state"] is None


def test_state_from_half_of_the_zone_on() -> None:
    # Short of the zone by one price: from -2.25 on ten levels show nine of 17, from -2.5 eight.
    for best, expected in ((6847.75, "ABSORPTION"), (6847.5, None)):
        book = a_book(
            defended(-2, 1, ladder(best, 1)),
            defended(-1, 1, ladder(best, 1, size=2)),
        )
        got = shown_barrier(an_event(), book, [])
        assert got["barrier_added"] == (9 if expected else 8)
        assert got["barrier_state"] == expected
    # A level between two prices has 16 in its zone, here 6847.25 ... 6851. Ten levels from 6846.75
    # end at 6849 and show eight of them: half is enough.
    event = an_event(level_price=6849.125)
    book = a_book(defended(-2, 1, ladder(6846.75, 1)), defended(-1, 1, ladder(6846.75, 1, size=2)))
    assert barrier_visible_share(event, book) == 0.5
    assert shown_barrier(event, book, [])["barrier_state"] == "ABSORPTION"


@BOTH
def test_without_a_live_tick_everything_stays_as_it_was(sign: int) -> None:
    # The price has passed the zone: its last order was taken, and what stands there is nothing.
    passed = a_book(
        defended(-2, sign, [(off(sign, 2.0), 8)]), defended(-1, sign, [(off(sign, 3.0), 8)])
    )
    # A clear leaves an empty side, which shows everything; the pair before it was seen.
    cleared = a_book(
        defended(-3, sign, [(off(sign, 2.0), 16)]),
        defended(-2, sign, [(off(sign, 2.0), 8)]),
        row(-1, **CLEAR),
    )
    for book in (passed, cleared):
        got = shown_barrier(an_event(sign), book, [])
        assert got["barrier_visible_share"] is None
        assert (got["barrier_removed"], got["depth_in_zone"]) == (8, 0)
        assert got["wall_ratio"] is None
        # Removed 8, added none: no large change and little depth.
        assert got["barrier_state"] == "WEAK"


def test_sums_need_one_pair_that_shows_the_zone() -> None:
    far, near = ladder(6845.0, 1), ladder(6848.0, 1)
    # Neither of the first two pairs shows the zone in both rows; the third does.
    rows = [
        defended(-4, 1, far),
        defended(-3, 1, near),
        defended(-2, 1, far),
        defended(-1, 1, near),
    ]
    hidden = shown_barrier(an_event(), a_book(*rows), [])
    assert hidden["barrier_added"] is hidden["barrier_churn"] is hidden["barrier_state"] is None
    # What stands there now is seen: 6848 ... 6850.25, ten of 17 prices.
    assert (hidden["barrier_visible_share"], hidden["depth_in_zone"]) == (10 / 17, 10)
    seen = shown_barrier(an_event(), a_book(*rows, defended(-0.5, 1, near)), [])
    assert (seen["barrier_added"], seen["barrier_removed"], seen["barrier_churn"]) == (0, 0, 0)
    # A known nothing has no ratio but a state.
    assert (seen["barrier_replenishment_ratio"], seen["barrier_state"]) == (None, "WEAK")


def test_a_dead_tick_that_is_shown_counts_for_a_pair() -> None:
    # Past the zone no tick is live, but all of its prices are seen to be empty.
    book = a_book(defended(-2, 1, ladder(6853.0, 1)), defended(-1, 1, ladder(6853.0, 1)))
    got = shown_barrier(an_event(), book, [])
    assert (got["barrier_visible_share"], got["barrier_added"], got["depth_in_zone"]) == (
        None,
        0,
        0,
    )


@pytest.mark.parametrize("changes", [CLEAR, SNAPSHOT], ids=["clear", "snapshot"])
def test_without_a_pair_in_the_window_the_sums_are_unknown(changes: dict[str, Any]) -> None:
    near = ladder(6849.0, 1)
    # The first row is no pair, a clear or snapshot is none, and neither is the row after it.
    rows = [defended(-3, 1, near), defended(-2, 1, near, **changes), defended(-1, 1, near)]
    got = shown_barrier(an_event(), a_book(*rows), [])
    assert got["barrier_added"] is got["barrier_state"] is None
    assert (got["depth_in_zone"], got["barrier_visible_share"]) == (10, 10 / 13)
    # The pair of an earlier window is none of this one.
    got = shown_barrier(an_event(), a_book(*(defended(t, 1, near) for t in (-241, -240))), [])
    assert (got["barrier_added"], got["depth_in_zone"]) == (None, 10)
    # Half a millisecond into the window it is.
    got = shown_barrier(an_event(), a_book(*(defended(t, 1, near) for t in (-241, -239.999))), [])
    assert got["barrier_added"] == 0


# --- state of the book -------------------------------------------------------------------------


def state(bids: list[Slot], asks: list[Slot], sign: int = 1) -> tuple[float | None, ...]:
    got = book_state(an_event(sign), a_book(row(-900, bids, asks)))
    return tuple(got[name] for name in STATE_COLUMNS)


def test_book_state_of_a_bid_three_times_the_ask() -> None:
    bids: list[Slot] = [(6849.75, 30), (6849.5, 10)]
    asks: list[Slot] = [(6850.0, 10), (6850.25, 30), (6850.5, 20)]
    # I = 30 / 40; all levels 40 against 60; the weighted mid is 6849.9375 and the mid 6849.875.
    assert state(bids, asks) == (1.0, 0.5, -0.2, 0.0625)
    assert state(bids, asks, -1) == (1.0, -0.5, 0.2, -0.0625)
    assert imbalance_bucket(an_event(), a_book(row(-1, bids, asks))) == {"imbalance_bucket": 8}


def test_book_state_of_a_wide_spread_and_of_one_empty_queue() -> None:
    assert state([(6849.0, 5)], [(6850.0, 5)]) == (4.0, 0.0, 0.0, 0.0)
    # With nothing on the bid the weighted mid is the bid itself.
    assert state([(6849.75, 0)], [(6850.0, 5)]) == (1.0, -1.0, -1.0, -0.125)


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([], [(6850.0, 5)]),
        ([(6849.75, 5)], []),
        ([None, (6849.5, 5)], [(6850.0, 5)]),
        ([(6849.75, 0)], [(6850.0, 0)]),
        ([(6850.0, 5)], [(6850.0, 5)]),
        ([(6850.25, 5)], [(6850.0, 5)]),
    ],
    ids=["no bid", "no ask", "no best bid", "no size", "locked", "crossed"],
)
def test_book_state_is_unknown_without_two_best_prices_apart(
    bids: list[Slot], asks: list[Slot]
) -> None:
    assert state(bids, asks) == (None,) * 4
    book = a_book(row(-1, bids, asks))
    assert imbalance_bucket(an_event(), book) == {"imbalance_bucket": None}


def test_book_state_needs_both_sizes_and_a_row() -> None:
    frame = book_frame(row(-1, [(6849.75, 5)], [(6850.0, 5)]))
    frame = frame.with_columns(ask_sz_00=pl.lit(None, pl.Int64))
    assert book_state(an_event(), contract_book(frame, CLOCK, CONTRACT))["spread_ticks"] is None
    for book in (NO_BOOK, a_book(row(0.001, [(6849.75, 5)], [(6850.0, 5)]))):
        assert set(book_state(an_event(), book).values()) == {None}
        assert imbalance_bucket(an_event(), book) == {"imbalance_bucket": None}


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "bucket"),
    [
        (1, 1, 5),  # exactly a half belongs to the fifth tenth
        (11, 9, 6),
        (1, 9, 1),  # exactly a tenth
        (11, 89, 2),
        (9, 1, 9),
        (91, 9, 10),
        (1, 10**6, 1),
        (10**6, 1, 10),
        (0, 7, None),
        (7, 0, None),
    ],
)
def test_imbalance_bucket_is_closed_above(bid_size: int, ask_size: int, bucket: int | None) -> None:
    # Whatever the spread, and not aligned.
    book = a_book(row(-1, [(6840.0, bid_size)], [(6850.0, ask_size)]))
    for sign in (1, -1):
        assert imbalance_bucket(an_event(sign), book) == {"imbalance_bucket": bucket}


# --- volume order imbalance and levels ---------------------------------------------------------


def flows(book: Book) -> tuple[int, int]:
    """(OFI, VOI) of the best level over a minute."""
    event = an_event()
    ofi = ofi_features(event, book, order_flow(book))["ofi_best_60s"]
    return ofi, voi_features(event, book)["voi_best_60s"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # Bid 10 to 15 and ask 8 to 6 at unchanged prices: 5 + 2, for both.
        (((100.0, 10), (100.25, 8)), ((100.0, 15), (100.25, 6)), (7, 7)),
        # The bid falls: OFI -10, VOI 0. The ask falls: both -5.
        (((100.0, 10), (100.25, 8)), ((99.75, 20), (100.0, 5)), (-15, -5)),
        # The bid rises: both +20. The ask rises: OFI +8, VOI 0.
        (((100.0, 10), (100.25, 8)), ((100.25, 20), (100.5, 5)), (28, 20)),
    ],
)
def test_volume_imbalance_against_order_flow_imbalance(
    before: tuple[Slot, Slot], after: tuple[Slot, Slot], expected: tuple[int, int]
) -> None:
    rows = [row(t, [bid], [ask]) for t, (bid, ask) in ((-2, before), (-1, after))]
    assert flows(a_book(*rows)) == expected


def test_volume_imbalance_is_zero_where_a_price_is_missing() -> None:
    # The bid goes and comes back; the ask's 8 to 6 to 9 stays: +2, -3.
    book = a_book(
        row(-3, [(6849.0, 10)], [(6851.0, 8)]),
        row(-2, [], [(6851.0, 6)]),
        row(-1, [(6849.0, 50)], [(6851.0, 9)]),
    )
    assert flows(book) == (-1, -1)


@pytest.mark.parametrize("changes", [CLEAR, SNAPSHOT], ids=["clear", "snapshot"])
def test_volume_imbalance_has_the_pairs_of_order_flow_imbalance(changes: dict[str, Any]) -> None:
    sizes = ((-5, 10, {}), (-4, 11, {}), (-3, 50, changes), (-2, 70, {}), (-1, 77, {}))
    book = a_book(*(row(t, [(6849.0, size)], **kind) for t, size, kind in sizes))
    # 10 to 11 and 70 to 77 are changes, what lies between is set.
    assert flows(book) == (8, 8)


def test_volume_imbalance_windows_and_weights() -> None:
    # Level 1 +4 at -100 s; level 2 +3 at -60 s, which is outside the minute, and +1 at -59.999.
    book = a_book(
        row(-200, [(6849.0, 10), (6848.0, 10)]),
        row(-100, [(6849.0, 14), (6848.0, 10)]),
        row(-60, [(6849.0, 14), (6848.0, 13)]),
        row(-59.999, [(6849.0, 14), (6848.0, 14)]),
    )
    got = voi_features(an_event(), book)
    weights = [math.exp(-0.5 * m) for m in range(10)]
    assert (got["voi_best_60s"], got["voi_best_240s"]) == (0, 4)
    assert got["voi_integrated_60s"] == pytest.approx(weights[1] / sum(weights), rel=1e-14)
    assert got["voi_integrated_240s"] == pytest.approx(
        (4 + 4 * weights[1]) / sum(weights), rel=1e-14
    )
    # Up-positive whatever the direction.
    assert voi_features(an_event(-1), book) == got


def test_flow_without_a_row_is_unknown_and_without_a_pair_is_zero() -> None:
    names = {f"voi_{kind}_{w}s" for kind in ("best", "integrated") for w in (60, 240)}
    assert voi_features(an_event(), NO_BOOK) == dict.fromkeys(names)
    old = a_book(row(-240, [(6849.0, 10)]))
    assert voi_features(an_event(), old) == dict.fromkeys(names)
    lone = a_book(row(-1, [(6849.0, 10)]))
    assert voi_features(an_event(), lone) == dict.fromkeys(names, 0)
    levels = [f"ofi_level_{m:02}_60s" for m in range(1, 11)]
    assert ofi_level_features(an_event(), old, order_flow(old)) == dict.fromkeys(levels)
    assert ofi_level_features(an_event(), lone, order_flow(lone)) == dict.fromkeys(levels, 0)


def test_order_flow_of_each_level() -> None:
    # Level m of the bid grows by m, level m of the ask by 2 on the third level only.
    def bids(grown: int) -> list[Slot]:
        return [(6849.0 - m, 10 + grown * m) for m in range(1, 11)]

    book = a_book(
        row(-2, bids(0), [(6851.0, 5), (6852.0, 5), (6853.0, 5)]),
        row(-1, bids(1), [(6851.0, 5), (6852.0, 5), (6853.0, 7)]),
    )
    got = ofi_level_features(an_event(), book, order_flow(book))
    assert got["ofi_level_01_60s"] == 1
    assert got["ofi_level_03_60s"] == 3 - 2
    assert got["ofi_level_10_60s"] == 10
    weights = [math.exp(-0.5 * m) for m in range(10)]
    integrated = ofi_features(an_event(), book, order_flow(book))["ofi_integrated_60s"]
    assert integrated == pytest.approx(
        sum(w * ofi for w, ofi in zip(weights, got.values(), strict=True)) / sum(weights),
        rel=1e-14,
    )


# --- depth profile -----------------------------------------------------------------------------


def test_depth_profile_counts_whole_ticks_from_each_best() -> None:
    # Size 1, 2, 4, ... on consecutive ticks of the ask: 1 | 2 + 4 | 8 + 16 + 32 | 64 ... 512.
    asks: list[Slot] = [(6850.0 + 0.25 * m, 2**m) for m in range(10)]
    # The bid has gaps: at 0, 2, 3, 6, 9 and 10 ticks from its best, of which the last is too far.
    bids: list[Slot] = [(6849.0 - 0.25 * m, 100 + m) for m in (0, 2, 3, 6, 9, 10)]
    book = a_book(row(-1, bids, asks))
    up = depth_profile(an_event(), book)
    assert list(up) == [
        f"depth_{side}_{band}"
        for side in ("defending", "attacking")
        for band in ("0", "1_2", "3_5", "6_9")
    ]
    assert list(up.values()) == [1, 6, 56, 960, 100, 102, 103, 106 + 109]
    down = depth_profile(an_event(-1), book)
    assert list(down.values()) == [100, 102, 103, 215, 1, 6, 56, 960]


def test_depth_profile_of_one_side_and_of_none() -> None:
    one = depth_profile(an_event(), a_book(row(-1, [(6849.0, 5)], [])))
    assert list(one.values()) == [None] * 4 + [5, 0, 0, 0]
    for book in (NO_BOOK, a_book(row(-1, **CLEAR)), a_book(row(0.001, [(6849.0, 5)], []))):
        assert set(depth_profile(an_event(), book).values()) == {None}


def level_depth(sign: int, mine: list[Slot], **changes: Any) -> tuple[int | None, int | None]:
    got = depth_of_level(an_event(sign, **changes), a_book(defended(-1, sign, mine)))
    return got["depth_to_level"], got["depth_at_level"]


@BOTH
def test_depth_to_and_at_the_level(sign: int) -> None:
    # Four better prices with 1 each, then the level with 9 and two beyond it.
    mine: list[Slot] = [(off(sign, 0.25 * m), 9 if m == 0 else 1) for m in range(-4, 3)]
    assert level_depth(sign, mine) == (4, 9)
    # Ten levels that end a tick before the level do not show it; those that end there do.
    assert level_depth(sign, ladder(off(sign, -2.5), sign)) == (None, None)
    assert level_depth(sign, ladder(off(sign, -2.25), sign)) == (9, 1)
    # Nine levels show everything, an empty side too.
    assert level_depth(sign, ladder(off(sign, -2.5), sign, 9)) == (9, 0)
    assert level_depth(sign, []) == (0, 0)
    # The price has passed the level: what stands there is nothing.
    assert level_depth(sign, ladder(off(sign, 1.0), sign)) == (0, 0)


@BOTH
def test_depth_at_a_level_between_ticks(sign: int) -> None:
    mine: list[Slot] = [(off(sign, 0.25 * m), 10 ** (m + 2)) for m in range(-2, 3)]
    # A tenth of a point beyond 6850 that price is the nearest; 0.15 beyond, the next one is.
    assert level_depth(sign, mine, level_price=off(sign, 0.1)) == (11, 100)
    assert level_depth(sign, mine, level_price=off(sign, 0.15)) == (111, 1000)
    # Half way both are within half a tick; the first of them is enough to be seen.
    assert level_depth(sign, mine, level_price=off(sign, 0.125)) == (11, 1100)
    tenth_at_level = ladder(off(sign, -2.25), sign)
    assert level_depth(sign, tenth_at_level, level_price=off(sign, 0.125)) == (9, 1)
    assert level_depth(sign, tenth_at_level, level_price=off(sign, 0.15)) == (None, None)


def test_depth_of_the_level_needs_a_row() -> None:
    unknown = {"depth_to_level": None, "depth_at_level": None}
    assert depth_of_level(an_event(), NO_BOOK) == unknown
    assert depth_of_level(an_event(), a_book(row(-1, **CLEAR))) == dict.fromkeys(unknown, 0)


# --- replenishment -----------------------------------------------------------------------------


def growing(*added: int) -> Book:
    """Adds so much at the level in the middle of each bucket, after a row before the first."""
    size, rows = 1000, [defended(-250, 1, [(6850.0, 1000)])]
    for number, contracts in enumerate(added, 13 - len(added)):
        size += contracts
        rows.append(defended(-240 + 20 * number - 10, 1, [(6850.0, size)]))
    return a_book(*rows)


def test_replenishment_that_speeds_up_evenly() -> None:
    # added_j = 20 j: in the last bucket 240 in 20 s, and one contract a second more every 20 s.
    book = growing(*(20 * j for j in range(1, 13)))
    table = replenishment(an_event(), book, [])
    assert [entry["added"] for entry in table] == [20 * j for j in range(1, 13)]
    assert [entry["bucket"] for entry in table] == list(range(1, 13))
    assert {entry["removed"] for entry in table} == {0}
    got = replenishment_rates(table)
    assert got == {"replenishment_rate": 12.0, "replenishment_velocity": 0.05, "pull_rate": 0.0}
    barrier = shown_barrier(an_event(), book, [])
    assert barrier["barrier_added"] == sum(entry["added"] for entry in table) == 20 * 78


def test_buckets_are_open_at_the_old_end_and_closed_at_the_new() -> None:
    sizes = [(-240, 100), (-220, 101), (-219.999, 103), (-20, 107), (0, 115), (0.001, 131)]
    book = a_book(
        defended(-241, 1, [(6850.0, 99)]), *(defended(t, 1, [(6850.0, n)]) for t, n in sizes)
    )
    table = replenishment(
        an_event(),
        book,
        trades(
            (-240, 6850.0, 1, "B"),  # where the first bucket begins
            (-220, 6850.0, 2, "B"),
            (-219.999, 6848.0, 4, "B"),
            (-10, 6852.0, 8, "B"),
            (-10, 6852.25, 16, "B"),  # outside the zone
            (-10, 6850.0, 32, "A"),  # no attacker
            (0, 6850.0, 64, "B"),
            (0.001, 6850.0, 128, "B"),
        ),
    )
    added = {entry["bucket"]: entry["added"] for entry in table if entry["added"] is not None}
    assert added == {1: 1, 2: 2, 11: 4, 12: 8}
    passive = {e["bucket"]: e["passive_volume"] for e in table if e["passive_volume"]}
    assert passive == {1: 2, 2: 4, 12: 8 + 64}


def test_pull_rate_is_what_was_removed_and_not_traded() -> None:
    sizes = ((-250, 100), (-15, 60), (-10, 70), (-5, 40))
    book = a_book(*(defended(t, 1, [(6850.0, n)]) for t, n in sizes))
    for bought, rate in ((10, 3.0), (70, 0.0), (99, 0.0)):
        table = replenishment(an_event(), book, trades((-5, 6850.0, bought, "B")))
        # 40 and 30 removed, 10 added.
        assert (table[-1]["added"], table[-1]["removed"]) == (10, 70)
        got = replenishment_rates(table)
        assert (got["replenishment_rate"], got["pull_rate"]) == (0.5, rate)
        # One bucket is known.
        assert got["replenishment_velocity"] is None


def test_velocity_needs_three_buckets_and_skips_those_unknown() -> None:
    # Added 20, 40 and 120 in the buckets 1, 2 and 4: rates 1, 2, 6 at 20, 40, 80 s. Their means are
    # 3 and 140 / 3; the slope is (80/3 * 2 + 20/3 * 1 + 100/3 * 3) / (800 * 7 / 3) = 3 / 35.
    sizes = ((-250, 0), (-230, 20), (-210, 60), (-170, 180))
    book = a_book(*(defended(t, 1, [(6850.0, 100 + n)]) for t, n in sizes))
    table = replenishment(an_event(), book, [])
    got = replenishment_rates(table)
    assert got["replenishment_velocity"] == pytest.approx(3 / 35, rel=1e-15)
    # The last bucket is unknown, and with it the rates.
    assert got["replenishment_rate"] is got["pull_rate"] is None
    fewer = a_book(*(defended(t, 1, [(6850.0, 100 + n)]) for t, n in sizes[:3]))
    assert (
        replenishment_rates(replenishment(an_event(), fewer, []))["replenishment_velocity"] is None
    )


def test_a_bucket_whose_pairs_do_not_show_the_zone_is_unknown() -> None:
    far, near = ladder(6845.0, 1), ladder(6848.0, 1)
    book = a_book(
        defended(-50, 1, near),
        defended(-45, 1, near),  # bucket 10: seen
        defended(-30, 1, far),  # bucket 11: seen in one of the two rows
        defended(-15, 1, far),  # bucket 12: in none
    )
    table = replenishment(an_event(), book, trades((-1, 6850.0, 5, "B")))
    assert [entry["added"] for entry in table[9:]] == [0, None, None]
    assert [entry["removed"] for entry in table[9:]] == [0, None, None]
    assert table[11]["passive_volume"] == 5
    for entry in replenishment(an_event(), NO_BOOK, []):
        assert (entry["added"], entry["removed"], entry["passive_volume"]) == (None, None, 0)
        assert entry["event_id"] == "e"


@BOTH
def test_replenishment_of_both_directions_sums_to_the_barrier(sign: int) -> None:
    book = a_book(
        defended(-239, sign, [(off(sign, 1.0), 10)]),
        defended(-120, sign, [(off(sign, 1.0), 4), (off(sign, 1.5), 7)]),
        defended(-60, sign, [(off(sign, 1.5), 2)]),
        defended(0, sign, [(off(sign, 1.5), 12)]),
    )
    tape = trades((-60, off(sign, 1.0), 4, "B" if sign > 0 else "A"))
    table = replenishment(an_event(sign), book, tape)
    # One change each: +1 (10 to 11), -9, +10.
    known = {e["bucket"]: (e["added"], e["removed"]) for e in table if e["added"] is not None}
    assert known == {6: (1, 0), 9: (0, 9), 12: (10, 0)}
    barrier = shown_barrier(an_event(sign), book, tape)
    assert (barrier["barrier_added"], barrier["barrier_removed"]) == (11, 9)
    assert barrier["passive_volume"] == sum(entry["passive_volume"] for entry in table) == 4


def test_the_book_around_an_event_is_the_newest_row_at_each_step() -> None:
    # 6845 to 6855, 41 prices. At -10 s bids at 6849.75 and 6849.25, nothing between and nothing
    # below: they are all there is. Ten asks from 6852.75 reach to 6855, so that all is shown.
    # A millisecond after -5 s the asks move up a point: 6853.75 to 6856.
    bids: list[Slot] = [(6849.75, 5), (6849.25, 3)]
    book = a_book(
        row(-10, bids, ladder(6852.75, 1)),
        row(-4.999, bids, ladder(6853.75, 1)),
        row(10, [], [(6850.0 - 0.25 * 30, 1)]),
    )
    steps = event_book(pl.DataFrame([an_event()]), CLOCK, book)
    assert steps["offset_s"].to_list() == list(range(-600, 481, 5))
    by_offset = {step["offset_s"]: step for step in steps.iter_rows(named=True)}
    assert by_offset[-15]["bid_sizes"] is by_offset[-15]["book_source_ts_ns"] is None
    assert {step["lowest_price"] for step in by_offset.values()} == {6845.0}
    bid = [0] * 41
    bid[17], bid[19] = 3, 5
    assert by_offset[-10]["bid_sizes"] == by_offset[0]["bid_sizes"] == bid
    assert by_offset[-5]["ask_sizes"] == [0] * 31 + [1] * 10
    assert by_offset[0]["ask_sizes"] == [0] * 35 + [1] * 6
    # Nobody bids; the one ask lies below all that is looked at.
    assert by_offset[480]["bid_sizes"] == by_offset[480]["ask_sizes"] == [0] * 41


def test_beyond_the_tenth_price_and_after_the_last_anchor_the_book_is_not_known() -> None:
    book = a_book(row(-10, ladder(6850.0, -1), ladder(6850.25, 1)))
    last = an_event() | {"event_ts_ns": CLOCK.event_end_ns}
    steps = event_book(pl.DataFrame([last]), CLOCK, book)
    at, after = (steps.filter(offset_s=offset).row(0, named=True) for offset in (0, 5))
    assert at["bid_sizes"] == [None] * 11 + [1] * 10 + [0] * 20
    assert at["ask_sizes"] == [0] * 21 + [1] * 10 + [None] * 10
    assert after["bid_sizes"] is after["ask_sizes"] is after["book_source_ts_ns"] is None
