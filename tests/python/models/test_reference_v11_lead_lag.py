"""Hand-worked cases for which price the reference says leads; each number is derived in a comment.

Times are seconds before or after 10:00, or nanoseconds where a case needs them.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from handmade_records import (
    CLOCK,
    CLOSE,
    EVENING,
    NANO,
    NO_BOOK,
    T0,
    S,
    Slot,
    a_book,
    definitions,
    option,
    prices,
    quotes,
    row,
    seconds,
)
from reference.basis import SPX_SCHEMA
from reference.constants import Constants
from reference.lead_lag import (
    LEAD_LAG_SCHEMA,
    THETAS_MS,
    Correlation,
    Path,
    correlation,
    future_path,
    implied_path,
    lead_columns,
    lead_lag,
    nearest_strikes,
    spx_path,
)
from reference.options import Chain, make_chain

MS = S // 1000
CLOSE_OF_EVENTS = 3.5 * 3600


def a_path(*steps: tuple[float, int]) -> Path:
    """A price from (seconds after T0, value)."""
    return Path(
        np.array([seconds(after) for after, _ in steps], dtype=np.int64),
        np.array([value for _, value in steps], dtype=np.int64),
    )


def changes(path: Path) -> list[tuple[float, int]]:
    return [
        ((int(ts) - T0) / S, int(value)) for ts, value in zip(path.ts_ns, path.value, strict=True)
    ]


# --- the sums ----------------------------------------------------------------------------------


def brute_force(x: Path, y: Path, theta_ms: int) -> int:
    """Every pair of intervals, as the definition writes it."""
    total = 0
    for a, b, dx in zip(x.ts_ns[:-1], x.ts_ns[1:], np.diff(x.value), strict=True):
        for c, d, dy in zip(y.ts_ns[:-1], y.ts_ns[1:], np.diff(y.value), strict=True):
            moved = theta_ms * MS
            if d - c <= 5 * S and max(a, c - moved) < min(b, d - moved):
                total += int(dx) * int(dy)
    return total


def test_sums_are_those_of_every_pair_of_overlapping_intervals() -> None:
    generator = random.Random(7)

    def walk(count: int, mean_gap: float) -> Path:
        ts_ns, value, steps = T0, 0, []
        for _ in range(count):
            # Multiples of 50 ms, so that ends meet at many a theta; at times a long pause.
            ts_ns += 50 * MS * generator.randint(1, round(40 * mean_gap))
            ts_ns += 6 * S if generator.random() < 0.1 else 0
            value += generator.choice((-3, -2, -1, 1, 2, 3))
            steps.append((ts_ns, value))
        return Path(*(np.array(column, dtype=np.int64) for column in zip(*steps, strict=True)))

    x, y = walk(60, 0.5), walk(40, 1.0)
    got = correlation(x, y)
    for theta in (-2000, -750, -50, 0, 50, 100, 1300, 2000):
        assert got.sums[theta] == brute_force(x, y, theta)
    assert any(got.sums.values())
    assert list(got.sums) == list(range(-2000, 2001, 50))


def test_a_price_that_repeats_another_half_a_second_later() -> None:
    # x moves at 1, 2 and 4 s by 2, -1 and 3, y by the same at 1.5, 2.5 and 4.5 s. Moved back by
    # 500 ms the intervals are the same ones: 4 + 1 + 9 of sqrt(14 * 14).
    x = a_path((0, 0), (1, 2), (2, 1), (4, 4))
    y = a_path((0.5, 0), (1.5, 2), (2.5, 1), (4.5, 4))
    got = correlation(x, y)
    assert got.sums[500] == 14
    assert got.rho[500] == 1.0
    # Unmoved: (0.5, 1.5] meets the first two of x, (1.5, 2.5] the last two, (2.5, 4.5] the last:
    # 2 * 1 - 1 * 2 + 3 * 3.
    assert got.sums[0] == 9
    assert got.rho[0] == 9 / 14
    columns = lead_columns("spx", got)
    assert columns["lead_ms_spx"] == 500
    ratio = sum(got.rho[t] ** 2 for t in THETAS_MS if t > 0) / sum(
        got.rho[t] ** 2 for t in THETAS_MS if t < 0
    )
    assert columns["lead_llr_spx"] == pytest.approx(ratio, rel=1e-14)
    # The other way round it follows.
    assert lead_columns("spx", correlation(y, x))["lead_ms_spx"] == -500


def test_intervals_that_only_touch_do_not_overlap() -> None:
    x, y = a_path((0, 0), (1, 5)), a_path((1, 0), (2, 7))
    sums = correlation(x, y).sums
    # (1, 2] moved back by more than nothing begins before 1; by two seconds it ends at 0.
    assert (sums[0], sums[50], sums[1950], sums[2000]) == (0, 35, 35, 0)
    # Before and after all of x nothing is met.
    assert {sums[theta] for theta in THETAS_MS if theta <= 0} == {0}


def test_intervals_of_y_longer_than_five_seconds_are_left_out_of_both_sums() -> None:
    x = a_path((0, 0), (20, 3))
    y = a_path((0, 0), (5, 2), (10.001, 9), (11, 8))
    got = correlation(x, y)
    # 2 and -1 are left: 3 * 2 - 3 * 1 of sqrt(9 * 5).
    assert got.sums[0] == 3
    assert got.rho[0] == pytest.approx(3 / math.sqrt(45), rel=1e-15)
    longer = correlation(x, y, Constants(lead_lag_max_gap_s=5.001))
    assert longer.sums[0] == 24
    # Those of x may be as long as they are.
    assert got.rho[2000] is not None


def test_correlation_is_not_bounded_by_one() -> None:
    # Three changes of y within one of x.
    got = correlation(a_path((0, 0), (4, 2)), a_path((0, 0), (1, 1), (2, 2), (3, 3)))
    assert got.rho[0] == pytest.approx(6 / math.sqrt(4 * 3), rel=1e-15)


def test_correlation_is_unknown_where_one_price_stands_still() -> None:
    moving, still, nothing = a_path((0, 0), (1, 1)), a_path((0, 5)), a_path()
    for x, y in ((moving, still), (still, moving), (moving, nothing), (nothing, moving)):
        got = correlation(x, y)
        assert set(got.rho.values()) == {None}
        assert lead_columns("spx", got) == {"lead_ms_spx": None, "lead_llr_spx": None}
    # All of y's intervals are too long.
    assert correlation(moving, a_path((0, 0), (6, 1))).rho[0] is None


def test_lead_of_equal_sums_is_the_smallest_then_the_positive() -> None:
    def lead(sums: dict[int, int]) -> dict[str, Any]:
        full = dict.fromkeys(THETAS_MS, 0) | sums
        return lead_columns("spx", Correlation(full, {t: s / 10 for t, s in full.items()}))

    assert lead({100: 5, -100: -5, 500: -5})["lead_ms_spx"] == 100
    assert lead({-50: -5, 100: 5})["lead_ms_spx"] == -50
    assert lead({-50: -6, 100: 5, 0: 3})["lead_ms_spx"] == -50
    # Nothing on one side has no ratio; nothing at all leads by nothing.
    assert lead({100: 5})["lead_llr_spx"] is None
    assert lead({-100: 5})["lead_llr_spx"] == 0.0
    assert lead({100: 4, 50: 2, -50: 5})["lead_llr_spx"] == pytest.approx(0.2 / 0.25)
    assert lead({}) == {"lead_ms_spx": 0, "lead_llr_spx": None}


# --- the future and the index ------------------------------------------------------------------


def best(after: float, bid: float | None, ask: float | None, **how: Any) -> Any:
    bids: list[Slot] = [None if bid is None else (bid, 5)]
    asks: list[Slot] = [None if ask is None else (ask, 5)]
    return row(after, bids, asks, **how)


def test_the_future_is_its_mid_where_that_changes() -> None:
    book = a_book(
        best(0, 6849.75, 6850.0),
        best(1, 6849.75, 6850.0),  # the same
        best(2, 6849.75, 6850.25),
        best(3, 6849.5, 6850.5),  # another book, the same mid
        best(4, None, 6850.5),
        best(5, 6850.5, 6850.5),
        best(6, 6850.75, 6850.5),
        best(7, 6849.75, 6850.25),  # still the mid that was kept
        best(8, 6850.0, 6850.25),
    )
    assert [(after, value / NANO) for after, value in changes(future_path(CLOCK, book))] == [
        (0, 13699.75),
        (2, 13700.0),
        (8, 13700.25),
    ]


def test_of_rows_at_one_time_the_last_one_counts() -> None:
    book = a_book(
        best(0, 6849.75, 6850.0),
        best(1, 6840.0, 6841.0),
        best(1, 6849.75, 6850.25),
        best(2, 6849.75, 6850.5),
        best(2, 6849.75, None),  # does not qualify: nothing is known of this time
        best(3, 6849.75, 6850.5),
        best(3, 6849.75, 6851.5, action="T"),  # no book row
    )
    assert [after for after, _ in changes(future_path(CLOCK, book))] == [0, 1, 3]


def test_prices_are_those_from_the_open_to_the_last_anchor() -> None:
    times = (-1800.001, -1800, CLOSE_OF_EVENTS, CLOSE_OF_EVENTS + 0.001)
    book = a_book(*(best(t, 6849.0 - k, 6850.0) for k, t in enumerate(times)))
    assert [after for after, _ in changes(future_path(CLOCK, book))] == [-1800, CLOSE_OF_EVENTS]
    index = spx((times[0], 1.0), (times[1], 2.0), (times[2], 3.0), (times[3], 4.0))
    assert [after for after, _ in changes(spx_path(CLOCK, index))] == [-1800, CLOSE_OF_EVENTS]


def spx(*rows: tuple[float, float | None]) -> pl.DataFrame:
    """Prices from (seconds after T0, price), numbered as given."""
    return pl.DataFrame(
        [(seconds(after), number, price) for number, (after, price) in enumerate(rows)],
        schema=SPX_SCHEMA,
        orient="row",
    )


def test_the_index_is_its_last_price_of_each_time() -> None:
    index = spx((0, 6800.01), (1, 6800.01), (2, 6800.02), (2, 6800.03), (3, None), (4, 6800.03),
                (5, 6800.01), (5, None))  # fmt: skip
    # At 5 s the last row has no price.
    expected = [(0, 6800_010_000_000), (2, 6800_030_000_000)]
    assert changes(spx_path(CLOCK, index)) == expected
    assert changes(spx_path(CLOCK, index[::-1])) == expected
    assert changes(spx_path(CLOCK, spx())) == []


# --- the price that options imply --------------------------------------------------------------

FUTURE = {"ESH6": prices((EVENING, 6851.0))}


def chain(*strikes: float, expiration: int = CLOSE, given: tuple[Any, ...] = ()) -> Chain:
    """A call (odd) and a put (even) at each strike, and quotes of (seconds after T0, instrument,
    bid, ask)."""
    listed = [
        option(2 * n + 1 + is_put, strike, "CP"[is_put], expiration=expiration)
        for n, strike in enumerate(strikes)
        for is_put in (0, 1)
    ]
    return make_chain(
        CLOCK,
        definitions(*listed),
        quotes(*((seconds(after), number, bid, ask) for after, number, bid, ask in given)),
    )


def test_the_two_strikes_nearest_the_underlying() -> None:
    def near(of_chain: Chain, forward: float = 6851.0, tau: int = T0) -> list[float]:
        found = nearest_strikes(of_chain, tau, {"ESH6": prices((EVENING, forward))})
        return [call.strike_nano / NANO for call, _ in found]

    ladder = chain(6840.0, 6845.0, 6850.0, 6855.0)
    assert near(ladder) == [6850.0, 6855.0]
    # Of two as far the lower: 6847.5 lies half way, and so does 6850 from its neighbours.
    assert near(ladder, 6847.5) == [6845.0, 6850.0]
    assert near(ladder, 6850.0) == [6850.0, 6845.0]
    # A strike must list both rights; fewer strikes are fewer.
    lone = make_chain(
        CLOCK, definitions(option(1, 6850, "C"), option(2, 6845, "C"), option(3, 6845, "P"))
    )
    assert near(lone) == [6845.0]
    assert near(make_chain(CLOCK, None)) == []
    assert nearest_strikes(ladder, T0, {"ESH6": prices((T0 + 1, 6851.0))}) == []
    # The nearest expiration that is still to come, alone; at its own instant it has expired.
    both = make_chain(
        CLOCK,
        definitions(
            *(option(n, 6850, "CP"[n % 2], expiration=T0 + 1) for n in (1, 2)),
            *(option(n, 6855, "CP"[n % 2]) for n in (3, 4)),
        ),
    )
    assert near(both) == [6850.0]
    assert near(both, tau=T0 + 1) == [6855.0]


def quote(after: float, mids: tuple[float, float, float, float]) -> list[tuple[Any, ...]]:
    """Quotes of all four instruments at one time, a quarter on either side of these mids."""
    return [(after, n, mid - 0.25, mid + 0.25) for n, mid in enumerate(mids, 1)]


def implied(*given: tuple[Any, ...], strikes: tuple[float, ...] = (6850.0, 6855.0)) -> Any:
    path = implied_path(CLOCK, chain(*strikes, given=given), FUTURE)
    # The path is four times the price.
    return [(after, value / (4 * NANO)) for after, value in changes(path)]


FIRST = quote(10, (8.0, 7.0, 5.0, 9.0))
"""6850 + 1 and 6855 - 4: 6851 by both."""


def test_the_implied_price_is_the_mean_of_two_parities() -> None:
    assert implied(*FIRST) == [(10, 6851.0)]
    # The second call rises by 1: its parity by 1, the mean by a half.
    assert implied(*FIRST, (10.5, 3, 5.75, 6.25)) == [(10, 6851.0), (10.5, 6851.5)]
    # A put that rises lowers it; a change that cancels is none.
    moved = [(10.4, 2, 7.75, 8.25), (10.4, 1, 8.75, 9.25), (10.5, 2, 8.75, 9.25)]
    assert implied(*FIRST, *moved) == [(10, 6851.0), (10.5, 6850.5)]


def test_all_four_must_be_two_sided_and_fresh() -> None:
    # Until the fourth is quoted there is no price.
    assert implied(*FIRST[:3], (10.2, 4, 8.75, 9.25)) == [(10.2, 6851.0)]
    # At 11 s the others are exactly a second old; a millisecond later they are too old.
    late = (11, 3, 5.75, 6.25)
    assert implied(*FIRST, late) == [(10, 6851.0), (11, 6851.5)]
    assert implied(*FIRST, (11.001, *late[1:])) == [(10, 6851.0)]
    # A side that goes, or a bid of nothing, takes the price away until it is back.
    for bid, ask in ((None, 6.25), (5.75, None), (0.0, 6.25), (None, None)):
        gone = (10.3, 3, bid, ask)
        assert implied(*FIRST, gone) == [(10, 6851.0)]
        assert implied(*FIRST, gone, (10.6, 3, 5.75, 6.25)) == [(10, 6851.0), (10.6, 6851.5)]
    # A crossed quote has a mid.
    assert implied(*FIRST, (10.5, 3, 6.25, 5.75)) == [(10, 6851.0), (10.5, 6851.5)]
    # Of several at one time the last one counts.
    assert implied(*FIRST, (10.5, 3, 1.0, 2.0), (10.5, 3, 5.75, 6.25)) == [
        (10, 6851.0),
        (10.5, 6851.5),
    ]
    # Another instrument's quote is no observation.
    strikes = (6850.0, 6855.0, 6900.0)
    assert implied(*FIRST, (10.5, 5, 1.0, 2.0), strikes=strikes) == [(10, 6851.0)]


def test_strikes_are_chosen_by_the_minute_and_quotes_are_carried_over() -> None:
    # From 10:00 on the future stands at 6856, from 10:01 on the strikes are 6855 and 6860.
    path = {"ESH6": prices((EVENING, 6851.0), (T0 + 30 * S, 6856.0))}
    given = [
        *quote(59.5, (8.0, 7.0, 5.0, 9.0)),
        (59.6, 5, 2.75, 3.25),  # 6860: a call of 3 and a put of 5
        (59.6, 6, 4.75, 5.25),
        (60, 1, 8.75, 9.25),  # the last instant of the old strikes: (6852 + 6851) / 2
        (60.1, 3, 5.75, 6.25),  # the first of the new ones: (6852 + 6858) / 2
    ]
    strikes = (6850.0, 6855.0, 6860.0)
    got = changes(implied_path(CLOCK, chain(*strikes, given=tuple(given)), path))
    assert [(after, value / (4 * NANO)) for after, value in got] == [
        (59.5, 6851.0),
        (60, 6851.5),
        (60.1, 6855.0),
    ]


def test_the_implied_price_is_that_of_the_session() -> None:
    # Each minute is open at its start: a quote at 09:30 itself is none of (09:30, 09:31].
    at_open = quote(-1800, (8.0, 7.0, 5.0, 9.0))
    assert implied(*at_open) == []
    assert implied(*at_open, (-1799.999, 3, 5.75, 6.25)) == [(-1799.999, 6851.5)]
    last = quote(CLOSE_OF_EVENTS, (8.0, 7.0, 5.0, 9.0))
    assert implied(*last, (CLOSE_OF_EVENTS + 0.001, 3, 5.75, 6.25)) == [(CLOSE_OF_EVENTS, 6851.0)]
    assert implied() == []
    # One strike makes no pair of strikes.
    assert implied(*FIRST[:2], strikes=(6850.0,)) == []


# --- the table ---------------------------------------------------------------------------------


def test_the_table_has_81_rows_a_pair_whatever_is_known() -> None:
    x = a_path((0, 0), (1, 2), (2, 1))
    y = a_path((0, 0), (1.1, 2), (2.1, 1), (9, 7))
    got = lead_lag(x, {"spx": y, "implied": None})
    assert got.table.schema == pl.Schema(LEAD_LAG_SCHEMA)
    assert got.table["theta_ms"].to_list() == 2 * list(range(-2000, 2001, 50))
    of_spx, of_implied = got.table.filter(pair="spx"), got.table.filter(pair="implied")
    # Three changes, of which one has too long an interval to count in the sums.
    assert of_spx["y_changes"].unique().to_list() == [3]
    assert of_spx["rho"].to_list() == list(correlation(x, y).rho.values())
    assert set(of_implied["rho"]) == set(of_implied["y_changes"]) == {None}
    assert got.session_columns["lead_ms_spx"] == 100
    assert got.session_columns["lead_ms_implied"] is None
    assert list(got.session_columns) == [
        "lead_ms_spx", "lead_llr_spx", "lead_ms_implied", "lead_llr_implied"
    ]  # fmt: skip
    # Asked for, and nothing was there: no change. Without a future the changes are known.
    empty = lead_lag(x, {"spx": a_path(), "implied": a_path((0, 5))}).table
    assert set(empty["y_changes"]) == {0}
    assert set(empty["rho"]) == {None}
    without = lead_lag(future_path(CLOCK, NO_BOOK), {"spx": y, "implied": None}).table
    assert without.filter(pair="spx")["y_changes"].unique().to_list() == [3]
    assert set(without["rho"]) == {None}
