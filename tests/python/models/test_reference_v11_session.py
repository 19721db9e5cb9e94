"""Hand-worked cases for the reference's session tables; each number is derived in a comment.

Times are seconds before or after 10:00 and the level is 6850 unless a case says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import polars as pl
import pytest
from handmade_records import (
    CLOCK,
    CONTRACT,
    NO_BOOK,
    T0,
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
from reference.approach import approach
from reference.bars import RangeHistory, RangeState
from reference.book import contract_book
from reference.book_state import book_state
from reference.clock import session_clock
from reference.constants import Constants
from reference.event_paths import OFFSETS_S, PATHS_SCHEMA, event_paths
from reference.force_mass import force_and_mass
from reference.kinematics import PriceHistory, kinematics
from reference.level_distances import level_distances
from reference.level_states import level_states, states_schema
from reference.levels import Level
from reference.order_flow import ofi_features, ofi_level_features, order_flow, voi_features
from reference.session_tables import (
    COUNTS_SCHEMA,
    GRID_SCHEMA,
    MOMENTS_SCHEMA,
    book_of_step,
    microprice_counts,
    ofi_moments,
    realized_variance,
    session_grid,
)
from reference.trades import Trade
from reference.zone_entries import EVENTS_SCHEMA

NO_BARS = RangeHistory([], [])
PM_HIGH = Level("PM_HIGH", 6850.0, CLOCK.rth_start_ns, CLOCK.session_end_ns)
OPEN = -1800.0
"""09:30, seconds from T0."""


def prints(*rows: tuple[float, float]) -> list[Trade]:
    return trades(*((after, price, 1, "B") for after, price in rows))


# --- level states ------------------------------------------------------------------------------


def states(
    tape: list[Trade],
    levels: tuple[Level, ...] = (PM_HIGH,),
    book: Any = NO_BOOK,
    ranges: RangeHistory = NO_BARS,
    clock: Any = CLOCK,
) -> pl.DataFrame:
    return level_states(clock, tape, (), ranges, levels, book, order_flow(book))


def test_states_are_every_thirty_seconds_up_to_the_last_anchor() -> None:
    table = states(prints((OPEN, 6849.0)))
    # From 09:30:30 to 13:30:00, both included.
    assert table["tau_ns"].to_list() == [CLOCK.rth_start_ns + 30 * k * S for k in range(1, 481)]
    assert table.schema == pl.Schema(states_schema())
    # On a half day to 13:00.
    half = session_clock(date(2025, 11, 28), True, time(13, 0))
    level = Level("PM_HIGH", 6850.0, half.rth_start_ns, half.session_end_ns)
    day = states([Trade(half.rth_start_ns, 6849.0, 1, "B")], (level,), clock=half)
    assert day["tau_ns"].max() == half.rth_end_ns
    assert day.height == 420


def test_no_state_without_a_price_or_a_level() -> None:
    # The first price comes one nanosecond after 10:00.
    table = states([Trade(T0 + 1, 6849.0, 1, "B")])
    assert table["tau_ns"].min() == T0 + 30 * S
    assert states([]).is_empty()
    assert states(prints((OPEN, 6849.0)), ()).is_empty()
    # A level holds from its first instant and not at its last.
    short = Level("SMA_200", 6850.0, T0, T0 + 60 * S)
    kept = states(prints((OPEN, 6849.0)), (short,))
    assert kept["tau_ns"].to_list() == [T0, T0 + 30 * S]


@pytest.mark.parametrize(
    ("spot", "sign", "distance"), [(6849.0, 1, 1.0), (6850.0, -1, 0.0), (6851.5, -1, 1.5)]
)
def test_a_state_looks_at_the_level_from_where_the_price_is(
    spot: float, sign: int, distance: float
) -> None:
    first = states(prints((OPEN, spot))).row(0, named=True)
    assert (first["spot"], first["level_price"], first["level_kind"]) == (spot, 6850.0, "PM_HIGH")
    assert (first["dir_sign"], first["distance"], first["position"]) == (sign, distance, -distance)


def test_a_state_has_the_numbers_of_an_event_at_its_time() -> None:
    levels = (
        PM_HIGH,
        Level("OR_LOW", 6848.5, CLOCK.opening_range_end_ns, CLOCK.session_end_ns),
        Level("SMA_400", 6853.25, T0 - 100 * S, T0 + 20 * S),
    )
    tape = prints(
        *((-600 + 10 * k, 6840 + 0.25 * (k % 7) + 0.125 * k) for k in range(60)), (-4, 6848.0)
    )
    rows = [
        row(
            -250 + 5 * k,
            [(6847.75 - 0.25 * m, 10 + (k * m) % 5 + k) for m in range(10)],
            [(6848.0 + 0.25 * m, 12 + (k + m) % 4) for m in range(10)],
        )
        for k in range(50)
    ]
    book = a_book(*rows)
    flow = order_flow(book)
    minutes = bars((-3, 6841.0), (-2, 6843.0), (-1, 6844.0), (0, 6848.0))
    ranges = RangeHistory([minutes[1]], [RangeState(3.0, 3.0, 1.25)])
    table = level_states(CLOCK, tape, minutes, ranges, levels, book, flow)
    at_ten = table.filter(tau_ns=T0)
    assert at_ten["level_kind"].to_list() == ["PM_HIGH", "OR_LOW", "SMA_400"]
    assert set(table.filter(tau_ns=T0 + 30 * S)["level_kind"]) == {"PM_HIGH", "OR_LOW"}
    prices = PriceHistory(tape)
    for state in at_ten.rows(named=True):
        event = an_event(
            state["dir_sign"],
            level_kind=state["level_kind"],
            level_price=state["level_price"],
            spot=6848.0,
            atr=3.0,
        )
        expected = {
            **kinematics(event, prices),
            **approach(event, (), minutes),
            **level_distances(event, levels),
            **ofi_features(event, book, flow),
            **voi_features(event, book),
            **ofi_level_features(event, book, flow),
            **book_state(event, book),
        }
        del expected["prior_touches"]
        for window in (60, 240):
            del expected[f"ofi_near_level_{window}s"]
        force, mass = force_and_mass(book, flow, T0)
        assert force is not None
        expected |= {
            "force": state["dir_sign"] * force,
            "mass": mass,
            "atr": 3.0,
            "rth_volatility": 1.25,
            "trade_source_ts_ns": seconds(-4),
            "book_source_ts_ns": seconds(-5),
            "bar_source_ts_ns": T0,
        }
        assert {name: state[name] for name in expected} == expected
        assert set(state) == {
            *expected, "tau_ns", "level_kind", "level_price", "dir_sign", "spot", "distance"
        }  # fmt: skip


def test_a_state_without_book_bars_or_range() -> None:
    first = states(prints((OPEN, 6849.0))).row(0, named=True)
    for name in ("ofi_best_60s", "voi_best_240s", "ofi_level_10_60s", "book_imbalance", "force",
                 "mass", "atr", "rth_volatility", "approach_velocity", "dist_to_pm_high_atr",
                 "book_source_ts_ns", "bar_source_ts_ns"):  # fmt: skip
        assert first[name] is None
    assert (first["dist_to_pm_high"], first["approach_bars"]) == (-1.0, 0)
    # However old the last trade is.
    last = states(prints((OPEN, 6849.0))).row(-1, named=True)
    assert last["trade_source_ts_ns"] == CLOCK.rth_start_ns


# --- event paths -------------------------------------------------------------------------------


def event_table(sign: int, name: str = "e", t0: int = T0) -> pl.DataFrame:
    event = an_event(sign, event_id=name, event_ts_ns=t0)
    return pl.DataFrame([event]).cast({"dir_sign": pl.Int64})


NO_EVENTS = pl.DataFrame(schema=EVENTS_SCHEMA)


def paths(sign: int, tape: list[Trade]) -> dict[int, tuple[float | None, int | None]]:
    """(move, signed volume) by offset."""
    table = event_paths(event_table(sign), NO_EVENTS, tape)
    return {
        offset: (move, volume)
        for offset, move, volume in table.select("offset_s", "move", "signed_volume").iter_rows()
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_paths_look_both_ways_from_the_anchor(sign: int) -> None:
    tape = trades(
        (-700, 6840.0, 1, "B"),
        (-20, 6845.0, 2, "B"),
        (-10, 6847.0, 4, "A"),
        (0, 6849.0, 8, "B"),
        (0, 6849.5, 16, "N"),
        (10, 6851.0, 32, "A"),
        (10.001, 6852.0, 64, "B"),
        (480, 6848.0, 128, "B"),
    )
    got = paths(sign, tape)
    assert list(got) == list(OFFSETS_S) == list(range(-600, 481, 10))

    def expected(move: float, volume: int) -> tuple[float, int]:
        return sign * move, sign * volume

    # The price at the anchor is 6849.5, that of its last trade.
    assert got[0] == (0.0, 0)
    # (-10, 0] holds the 8 bought at the anchor, (-20, 0] the 4 sold too, (-30, 0] the 2 bought.
    assert got[-10] == expected(-2.5, 8)
    assert got[-20] == expected(-4.5, 4)
    assert got[-30] == expected(-9.5, 6)
    assert got[-600] == expected(-9.5, 6)
    # (0, 10] holds the 32 sold, (0, 20] the 64 bought too, (0, 480] all.
    assert got[10] == expected(1.5, -32)
    assert got[20] == expected(2.5, 32)
    assert got[470] == expected(2.5, 32)
    assert got[480] == expected(-1.5, 160)


def test_paths_end_with_the_trade_date_and_begin_with_its_first_price() -> None:
    tape = trades((-5, 6849.0, 1, "B"), (0, 6850.0, 2, "B"), (29.999, 6851.0, 4, "B"))
    got = paths(1, tape)
    assert got[20] == (0.0, 0)
    # Nothing is known after the last trade, the price no more than the volume.
    assert got[30] == got[480] == (None, None)
    # Before the first trade there is no price, but it is known that nothing was traded.
    assert got[-10] == (None, 3)
    assert got[-600] == (None, 3)
    on_time = paths(1, [*tape[:2], Trade(seconds(30), 6851.0, 4, "B")])
    assert on_time[30] == (1.0, 4)


def test_paths_of_placebos_are_marked_and_carry_what_they_read() -> None:
    tape = trades((-15, 6849.0, 1, "B"), (0, 6850.0, 2, "B"), (12, 6851.0, 4, "B"))
    table = event_paths(event_table(1), event_table(-1, "p", T0 + 5 * S), tape)
    assert table.schema == pl.Schema(PATHS_SCHEMA)
    assert table.height == 2 * 109
    marked = table.select("event_id", "is_placebo").unique().sort("event_id")
    assert marked.rows() == [("e", False), ("p", True)]

    def source(name: str, offset: int) -> int:
        ts_ns = table.filter(event_id=name, offset_s=offset)["path_source_ts_ns"].item()
        return (ts_ns - T0) // S

    # The newest trade up to the later of the anchor and the offset.
    assert [source("e", u) for u in (-600, 0, 10, 20, 480)] == [0, 0, 0, 12, 12]
    assert [source("p", u) for u in (-600, 0, 10)] == [0, 0, 12]
    assert event_paths(NO_EVENTS, NO_EVENTS, []).schema == table.schema


# --- session grid ------------------------------------------------------------------------------


def grid(
    tape: list[Trade],
    book: Any = NO_BOOK,
    has_trades: bool = True,
    has_book: bool = True,
    clock: Any = CLOCK,
) -> pl.DataFrame:
    return session_grid(clock, tape, book, order_flow(book), has_trades, has_book)


def step(table: pl.DataFrame, end_after: float) -> dict[str, Any]:
    """The step that ends so many seconds after T0."""
    return table.filter(grid_end_ns=seconds(end_after)).row(0, named=True)


def test_grid_covers_nine_to_the_close() -> None:
    table = grid([])
    assert table.schema == pl.Schema(GRID_SCHEMA)
    assert table.height == 7 * 120
    assert table["grid_start_ns"].to_list() == [T0 - 3600 * S + 30 * k * S for k in range(840)]
    assert (table["grid_end_ns"] - table["grid_start_ns"]).unique().to_list() == [30 * S]
    assert table["grid_end_ns"].max() == CLOCK.rth_end_ns
    half = session_clock(date(2025, 11, 28), True, time(13, 0))
    assert grid([], clock=half)["grid_end_ns"].max() == half.rth_end_ns
    assert grid([], clock=half).height == 480


def test_grid_of_trades() -> None:
    tape = trades(
        (-30, 6849.0, 1, "B"),  # the step before
        (-29.999, 6849.5, 2, "B"),
        (-10, 6850.0, 4, "A"),
        (0, 6851.0, 8, "B"),
        (0, 6850.5, 16, "N"),
        (0.001, 6852.0, 32, "B"),
    )
    table = grid(tape)
    got = step(table, 0)
    assert (got["close"], got["volume"], got["trade_count"]) == (6850.5, 30, 4)
    assert got["signed_volume"] == 2 - 4 + 8
    # A step without trades keeps the price; before the first there is none.
    quiet = step(table, 60)
    assert (quiet["close"], quiet["volume"], quiet["trade_count"]) == (6852.0, 0, 0)
    assert (quiet["signed_volume"], quiet["realized_variance"]) == (0, 0.0)
    early = step(table, -60)
    assert (early["close"], early["volume"], early["realized_variance"]) == (None, 0, None)


def test_realized_variance_is_of_whole_seconds() -> None:
    # By the second: 6850 at 0; up to 6851 at 1; back and forth between seconds is not seen; 6849 at
    # 29 and 6850 at 30: 1 + 4 + 1.
    prices = PriceHistory(
        prints(
            (0, 6850.0), (0.5, 6851.0), (1.2, 6899.0), (1.8, 6851.0), (28.5, 6849.0), (30, 6850.0)
        )
    )
    assert realized_variance(prices, T0, T0 + 30 * S) == 6.0
    # Without a price at its start it is unknown; with one at the very start it is not.
    assert realized_variance(PriceHistory(prints((0.001, 6850.0))), T0, T0 + 30 * S) is None
    assert realized_variance(PriceHistory(prints((0, 6850.0))), T0, T0 + 30 * S) == 0.0


def test_grid_of_the_book() -> None:
    book = a_book(
        row(-31, [(6849.0, 10)], [(6850.0, 10)]),
        row(-30, [(6849.0, 12)], [(6850.0, 10)]),  # the step before
        row(-20, [(6849.0, 16)], [(6849.5, 10)]),
        row(-10, [(6849.0, 20)], []),
        row(-5, [(6849.5, 30)], [(6849.5, 10)]),  # locked
        row(0, [(6849.25, 40)], [(6849.5, 2)]),
        row(0.001, [(6849.25, 400)], [(6849.5, 2)]),
    )
    got = step(grid([], book), 0)
    assert got["book_rows"] == 4
    # Size per level 13, 20, 20 and 21.
    assert got["mean_depth"] == pytest.approx(74 / 4, rel=1e-15)
    # Two ticks and one, where the prices are apart.
    assert got["mean_spread_ticks"] == 1.5
    # 12 to 16, and an ask that falls: 4 - 10; 16 to 20, no ask; a bid that rises: +30, the ask new;
    # the bid falls: -30, the ask 10 to 2: +8.
    assert got["ofi_best"] == (4 - 10) + 4 + 30 + (-30 + 8)
    nothing = step(grid([], book), 30 * 5)
    assert (nothing["book_rows"], nothing["mean_depth"], nothing["ofi_best"]) == (0, None, None)
    assert nothing["mean_spread_ticks"] is None


def test_a_step_whose_rows_show_no_price_or_no_spread() -> None:
    book = a_book(row(-20, action="R"), row(-10, [(6849.0, 5)], []))
    flow = order_flow(book)
    assert book_of_step(book, flow, slice(0, 1)) == {
        "book_rows": 1,
        "mean_depth": None,
        "mean_spread_ticks": None,
        "ofi_best": 0,
    }
    assert book_of_step(book, flow, slice(0, 2))["mean_depth"] == 5.0


def test_grid_without_feeds_and_after_the_last_anchor() -> None:
    # 13:30 is three and a half hours after 10:00.
    last = 3.5 * 3600
    book = a_book(
        row(last - 10, [(6849.0, 5)], [(6850.0, 5)]), row(last + 10, [(6849.0, 5)], [(6850.0, 5)])
    )
    table = grid(prints((0, 6850.0)), book)
    names = ("book_rows", "mean_depth", "mean_spread_ticks", "ofi_best")
    assert [step(table, last)[name] for name in names] == [1, 5.0, 4.0, 0]
    assert {step(table, last + 30)[name] for name in names} == {None}
    assert step(table, last + 30)["volume"] == 0
    without = grid([], has_trades=False, has_book=False)
    values = set(without.drop("grid_start_ns", "grid_end_ns").row(0))
    assert values == {None}
    assert without.height == 840


# --- moments of order flow ---------------------------------------------------------------------


def moments(*rows: Any) -> dict[tuple[int, int], float | None]:
    book = a_book(*rows)
    table = ofi_moments(CLOCK, book, order_flow(book))
    assert table.schema == pl.Schema(MOMENTS_SCHEMA)
    assert table.height == 111
    return {(m, n): total for m, n, total in table.iter_rows()}


def test_moments_of_flow_in_units_of_mass() -> None:
    # Before 10:00 level 1 of the bid grows by 6 and level 2 falls by 3: sizes 10 and 10, then 16
    # and 7: mass (10 + 11.5) / 2 = 10.75. Before 10:01 the other way, from masses 11.5 and 10.
    got = moments(
        row(-50, [(6849.0, 10), (6848.0, 10)]),
        row(-10, [(6849.0, 16), (6848.0, 7)]),
        row(10, [(6849.0, 16), (6848.0, 7)]),
        row(20, [(6849.0, 10), (6848.0, 10)]),
    )
    o1, o2 = 6 / 10.75, -3 / 10.75
    assert got[0, 0] == 2.0
    assert got[1, 0] == pytest.approx(0, abs=1e-15)
    assert got[1, 1] == pytest.approx(2 * o1 * o1, rel=1e-14)
    assert got[1, 2] == got[2, 1] == pytest.approx(2 * o1 * o2, rel=1e-14)
    assert got[2, 2] == pytest.approx(2 * o2 * o2, rel=1e-14)
    assert got[10, 10] == got[3, 0] == 0.0


def test_moments_count_the_marks_with_a_mass() -> None:
    # One row is no flow but a mass; a clear has none, and neither has a row of size 0.
    assert moments(row(-10, [(6849.0, 10)]))[0, 0] == 1.0
    for rows in ((), (row(-10, action="R"),), (row(-10, [(6849.0, 0)]),)):
        got = moments(*rows)
        assert got[0, 0] == 0.0
        assert {total for key, total in got.items() if key != (0, 0)} == {None}
    # A row is in the minute that ends with it; 09:31 is the first mark and 13:30 the last.
    rows = [row(after, [(6849.0, 10)]) for after in (OPEN, 0, 3.5 * 3600, 3.5 * 3600 + 0.001)]
    assert moments(*rows)[0, 0] == 2.0
    assert moments(row(OPEN + 0.001, [(6849.0, 10)]))[0, 0] == 1.0


# --- microprice counts -------------------------------------------------------------------------

HALF: tuple[Slot, Slot] = ((6849.75, 10), (6850.0, 10))
"""Bucket 5, one tick."""
HEAVY: tuple[Slot, Slot] = ((6849.75, 30), (6850.0, 10))
"""Bucket 8, one tick."""
WIDE: tuple[Slot, Slot] = ((6849.5, 10), (6850.0, 10))
"""Bucket 5, two ticks; its mid is half a tick lower."""
HIGHER: tuple[Slot, Slot] = ((6850.0, 10), (6850.25, 10))
"""Bucket 5, one tick, a whole tick higher."""


def counts(*rows: tuple[Any, ...]) -> list[tuple[int, ...]]:
    """Transitions of (bid, ask[, changes]) one second apart from 10:00 on."""
    full = [(*states, {})[:3] for states in rows]
    book = a_book(*(row(k, [bid], [ask], **how) for k, (bid, ask, how) in enumerate(full)))
    table = microprice_counts(CLOCK, book)
    assert table.schema == pl.Schema(COUNTS_SCHEMA)
    return table.rows()


def test_transitions_of_the_best_level() -> None:
    # (bucket, spread, change of the mid in half ticks, bucket, spread, count).
    assert counts(HALF, HEAVY, HALF, HEAVY, WIDE, HIGHER) == [
        (5, 1, 0, 8, 1, 2),
        (5, 2, 3, 5, 1, 1),
        (8, 1, -1, 5, 2, 1),
        (8, 1, 0, 5, 1, 1),
    ]
    # The same state again is no transition, however often; other sizes of one bucket neither.
    other = (6849.75, 11), (6850.0, 11)
    assert counts(HALF, HALF, other, HEAVY) == [(5, 1, 0, 8, 1, 1)]
    # A mid that moves in the same bucket and spread is one.
    assert counts(HALF, HIGHER) == [(5, 1, 2, 5, 1, 1)]
    assert counts(HALF) == counts() == []


@pytest.mark.parametrize(
    "skipped",
    [
        ((6849.25, 10), (6850.0, 10)),  # three ticks
        ((6850.0, 10), (6850.0, 10)),  # locked
        ((6850.25, 10), (6850.0, 10)),  # crossed
        ((6849.75, 0), (6850.0, 10)),
        ((6849.75, 10), (6850.0, 0)),
        (None, (6850.0, 10)),
        ((6849.75, 10), None),
    ],
)
def test_rows_that_do_not_qualify_are_skipped(skipped: tuple[Slot, Slot]) -> None:
    assert counts(HALF, skipped, HEAVY) == [(5, 1, 0, 8, 1, 1)]
    # And do not interrupt a state.
    assert counts(HALF, skipped, HALF) == []


@pytest.mark.parametrize("how", [{"action": "R"}, {"flags": 32}], ids=["clear", "snapshot"])
def test_a_row_that_sets_the_book_breaks_the_chain(how: dict[str, Any]) -> None:
    # Neither into it nor out of it, whatever it shows, and not across it.
    assert counts(HALF, (*HEAVY, how), HIGHER) == []
    assert counts(HALF, (None, None, how), HEAVY) == []
    assert counts(HALF, (*HEAVY, how), HALF, HEAVY) == [(5, 1, 0, 8, 1, 1)]


def test_counts_are_of_the_session() -> None:
    close = 3.5 * 3600
    times = (OPEN - 0.001, OPEN, close, close + 0.001)
    shown = (HALF, HEAVY, HIGHER, HALF)
    book = a_book(*(row(t, [bid], [ask]) for t, (bid, ask) in zip(times, shown, strict=True)))
    assert microprice_counts(CLOCK, book).rows() == [(8, 1, 2, 5, 1, 1)]
    assert microprice_counts(CLOCK, NO_BOOK).schema == pl.Schema(COUNTS_SCHEMA)


def test_bad_rows_and_trades_are_no_book_rows() -> None:
    frame = book_frame(
        row(0, [HALF[0]], [HALF[1]]),
        row(1, [HEAVY[0]], [HEAVY[1]], action="T"),
        row(2, [HIGHER[0]], [HIGHER[1]], flags=4),
        row(3, [HALF[0]], [HALF[1]]),
    )
    assert microprice_counts(CLOCK, contract_book(frame, CLOCK, CONTRACT)).is_empty()


def test_other_cadence_gives_other_steps() -> None:
    constants = replace(Constants(), state_cadence_s=60)
    table = session_grid(CLOCK, [], NO_BOOK, order_flow(NO_BOOK), True, True, constants)
    assert table.height == 420
    tape = prints((OPEN, 6849.0))
    every = level_states(
        CLOCK, tape, (), NO_BARS, (PM_HIGH,), NO_BOOK, order_flow(NO_BOOK), constants
    )
    assert every["tau_ns"].to_list() == list(CLOCK.minute_marks_ns)
