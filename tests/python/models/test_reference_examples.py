"""Hand-worked cases for the reference implementation; each number is derived in a comment.

Prices are mostly 6850 plus something small, so that the sums can be done in one's head. Trades
before 09:31 meet a zone of the minimal width, 1 point to enter and 2 to leave.
"""

from __future__ import annotations

import math
import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference import build_session, compare, read_session
from reference.bars import Bar, RangeHistory
from reference.clock import NEW_YORK, SessionClock, session_clock
from reference.constants import Constants
from reference.labels import null_model, uniqueness
from reference.levels import Level, moving_average_levels
from reference.trades import TRADES_SCHEMA, Trade, contract_trades
from reference.zone_entries import event_id, zone_entries

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME

DAY = date(2025, 12, 16)
CLOCK = session_clock(DAY)
IDS = {"ESZ5": 1, "ESH6": 2, "ESM6": 3, "ESZ5-ESH6": 4}


def at(clock_time: str, day: date = DAY) -> int:
    """UTC nanoseconds of a New York time such as 09:30:00 or 09:30:00.000000001."""
    whole, _, fraction = clock_time.partition(".")
    moment = datetime.combine(day, time.fromisoformat(whole), NEW_YORK)
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def tape(*rows: tuple, day: date = DAY) -> pl.DataFrame:
    """Trades from (time, price[, size[, side[, symbol]]]), numbered as given."""
    defaults = (None, None, 1, "B", "ESH6")
    full = [(*row, *defaults[len(row) :]) for row in rows]
    return pl.DataFrame(
        [
            (at(when, day), number, IDS[symbol], symbol, price, size, side)
            for number, (when, price, size, side, symbol) in enumerate(full)
        ],
        schema=TRADES_SCHEMA,
        orient="row",
    )


def definitions(*rows: tuple) -> pl.DataFrame:
    """Definitions from (ts, instrument_id, class, user defined, expiration)."""
    return pl.DataFrame(
        [(ts, number, *rest) for number, (ts, *rest) in enumerate(rows)],
        schema=[
            "ts_recv",
            "row_nr",
            "instrument_id",
            "instrument_class",
            "user_defined_instrument",
            "expiration",
        ],
        orient="row",
    )


def entries(*rows: tuple, clock: SessionClock = CLOCK, kind: str = "PM_HIGH") -> list[tuple]:
    """(time of day in ns after 09:30, direction) of one kind's events on a session of `rows`."""
    events = build_session(clock, tape(*rows, day=clock.session_date), None).level_events
    return [
        (ts - clock.rth_start_ns, direction)
        for ts, direction in events.filter(level_kind=kind)
        .select("event_ts_ns", "direction")
        .iter_rows()
    ]


PREMARKET = (("05:00:00", 6850.0), ("06:00:00", 6800.0))
"""PM_HIGH is 6850 and PM_LOW 6800, far enough apart never to be met together."""

S = 10**9


# --- clock -------------------------------------------------------------------------------------


def test_clock_follows_daylight_saving_and_starts_the_evening_before() -> None:
    # Clocks went back on Sunday 2025-11-02 at 02:00, so that its evening is in EST already.
    monday = session_clock(date(2025, 11, 3))
    assert (
        monday.session_start_ns == int(datetime.fromisoformat("2025-11-02T23:00Z").timestamp()) * S
    )
    assert monday.rth_start_ns == int(datetime.fromisoformat("2025-11-03T14:30Z").timestamp()) * S
    # The Friday before was in EDT: 09:30 is 13:30 UTC.
    friday = session_clock(date(2025, 10, 31))
    assert friday.rth_start_ns == int(datetime.fromisoformat("2025-10-31T13:30Z").timestamp()) * S


# --- front month -------------------------------------------------------------------------------


def test_front_month_by_volume_with_both_window_ends_and_without_spreads() -> None:
    sessions = build_session(
        CLOCK,
        tape(
            ("09:29:59.999999999", 6830.0, 30, "B", "ESZ5"),  # before the window
            ("09:30:00", 6850.0, 40, "B", "ESH6"),  # its first instant
            ("13:30:00", 6850.0, 30, "A", "ESH6"),  # its last
            ("13:30:00.000000001", 6830.0, 900, "B", "ESZ5"),  # after it
            ("10:00:00", 6830.0, 20, "N", "ESZ5"),
            ("10:00:01", 6900.0, 10, "B", "ESM6"),
            ("10:00:02", 60.0, 500, "B", "ESZ5-ESH6"),  # a spread is no candidate
        ),
        None,
    ).sessions
    # 70 of 100, then 20 of 100, over three contracts. Before 09:30 only ESZ5 traded, 30; the 40
    # of ESH6 at 09:30 came too late for the causal choice.
    assert sessions.row(0) == (DAY, True, "ESH6", 0.7, "ESZ5", 0.2, 3, False, "ESZ5")


def test_front_month_tie_goes_to_the_earlier_expiration() -> None:
    rows = (("10:00:00", 6850.0, 5, "B", "ESH6"), ("10:00:01", 6830.0, 5, "B", "ESZ5"))
    by_symbol = build_session(CLOCK, tape(*rows), None).sessions.row(0, named=True)
    assert by_symbol["front_month"] == "ESZ5"  # December 2025 before March 2026
    # Half of all volume is below 0.60; nothing traded overnight.
    assert by_symbol["dominance_ratio"] == 0.5
    assert by_symbol["is_roll_contaminated"] is True
    assert by_symbol["causal_front_month"] is None
    # With definitions their expirations decide, even against the symbols.
    defined = definitions((1, IDS["ESZ5"], "F", "N", 900), (1, IDS["ESH6"], "F", "N", 800))
    assert build_session(CLOCK, tape(*rows), defined).sessions["front_month"].item() == "ESH6"


def test_dominance_at_its_threshold_is_not_contaminated() -> None:
    rows = (("10:00:00", 6850.0, 6, "B", "ESH6"), ("10:00:01", 6830.0, 4, "B", "ESZ5"))
    sessions = build_session(CLOCK, tape(*rows), None).sessions
    assert sessions.select("dominance_ratio", "is_roll_contaminated").row(0) == (0.6, False)


def test_only_the_latest_definition_makes_an_outright() -> None:
    rows = (
        ("10:00:00", 6850.0, 1, "B", "ESH6"),
        ("10:00:01", 6830.0, 5, "B", "ESZ5"),
        ("10:00:02", 6900.0, 9, "B", "ESM6"),
        ("10:00:03", 60.0, 9, "B", "ESZ5-ESH6"),
    )
    # ESZ5 was redefined as a spread, ESM6 has no definition, the fourth is user-defined.
    defined = definitions(
        (2, IDS["ESZ5"], "S", "N", 100),
        (1, IDS["ESZ5"], "F", "N", 100),
        (1, IDS["ESH6"], "F", "N", 200),
        (1, IDS["ESZ5-ESH6"], "F", "Y", 100),
    )
    sessions = build_session(CLOCK, tape(*rows), defined).sessions
    assert sessions.row(0) == (DAY, True, "ESH6", 1.0, None, None, 1, False, None)
    # Asked for, and nothing was defined: no candidate at all.
    none_defined = build_session(CLOCK, tape(*rows), definitions()).sessions
    assert none_defined.row(0) == (DAY, True, None, None, None, None, 0, None, None)


def test_missing_trades_are_unknown_and_zero_trades_are_nothing() -> None:
    missing = build_session(CLOCK, None, None)
    assert missing.sessions.row(0) == (DAY, True, None, None, None, None, None, None, None)
    empty = build_session(CLOCK, tape(), None)
    assert empty.sessions.row(0) == (DAY, True, None, None, None, None, 0, None, None)
    for tables in (missing, empty):
        assert tables.bars_1m.height == tables.levels.height == 0
        assert tables.level_events.height == tables.level_event_labels.height == 0


# --- bars --------------------------------------------------------------------------------------


def test_bars_hold_their_start_and_not_their_end_and_skip_quiet_minutes() -> None:
    bars = build_session(
        CLOCK,
        tape(
            ("03:59:59.999999999", 6800.0),  # before the premarket
            ("09:30:00", 6850.0, 2, "B"),
            ("09:30:10", 6852.0, 1, "N"),
            ("09:30:59.999999999", 6849.0, 1, "A"),
            ("09:31:00", 6851.0, 3, "A"),
            ("09:33:00", 6851.0),
            ("16:00:00", 6800.0),  # after the close
        ),
        None,
    ).bars_1m
    assert [(start - CLOCK.rth_start_ns) // (60 * S) for start in bars["bar_start_ns"]] == [0, 1, 3]
    first = bars.row(0, named=True)
    assert first["bar_end_ns"] == at("09:31:00")
    assert [first[name] for name in ("open", "high", "low", "close")] == [6850, 6852, 6849, 6849]
    # (2 * 6850 + 6852 + 6849) / 4 = 27401 / 4
    assert (first["volume"], first["vwap"], first["trade_count"]) == (4, 6850.25, 3)
    assert (first["buy_volume"], first["sell_volume"]) == (2, 1)


def test_trades_of_one_instant_keep_their_row_order_in_a_bar() -> None:
    trades = tape(("10:00:00", 6852.0), ("10:00:00", 6850.0), ("10:00:00", 6851.0))
    bar = build_session(CLOCK, trades.reverse(), None).bars_1m.row(0, named=True)
    assert (bar["open"], bar["close"]) == (6852.0, 6851.0)


def test_trades_outside_the_trade_date_are_not_its_own() -> None:
    rows = (
        (CLOCK.session_start_ns - 1, 6849.0),
        (CLOCK.session_start_ns, 6850.0),
        (CLOCK.session_end_ns - 1, 6851.0),
        (CLOCK.session_end_ns, 6852.0),
    )
    trades = tape(*(("10:00:00", price) for _, price in rows)).with_columns(
        ts_ns=pl.Series([ts for ts, _ in rows])
    )
    kept = contract_trades(trades, CLOCK, "ESH6")
    assert [trade.price for trade in kept] == [6850.0, 6851.0]


def test_true_range_knows_the_previous_rth_close_only() -> None:
    bars = build_session(
        CLOCK,
        tape(
            ("09:29:00", 6800.0),
            ("09:30:00", 6850.0),
            ("09:30:01", 6852.0),  # 2, and not 52 from the premarket's close
            ("09:31:00", 6858.0),
            ("09:31:01", 6857.0),  # high 6858 against the close 6852: 6
            ("09:35:00", 6852.0),
            ("09:35:01", 6850.0),  # low 6850 against the close 6857: 7
        ),
        None,
    ).bars_1m
    assert bars["is_rth"].to_list() == [False, True, True, True]
    assert bars["true_range"].to_list() == [None, 2.0, 6.0, 7.0]
    assert bars["atr"].to_list() == [None, 2.0, 4.0, 5.0]
    # Changes 6852, 6857, 6850: +5, -7; about their mean -1 they are 6 and -6: sqrt(72 / 1).
    assert bars["rth_volatility"].to_list() == [None, None, None, math.sqrt(72)]


def test_atr_forgets_the_fifteenth_bar_and_volatility_the_twenty_first_change() -> None:
    # Bar k opens and closes at 6850 and reaches 6850 + k, the first opens at 6750 and closes there.
    rows: list[tuple] = [("09:30:00", 6750.0)]
    for k in range(1, 23):
        rows += [(f"09:{30 + k}:00", p) for p in (6850.0, 6850.0 + k, 6850.0)]
    bars = build_session(CLOCK, tape(*rows), None).bars_1m
    # True ranges 0, 101 (from 6750 to 6851), 2, 3, ..., 22. Fourteen bars: 0 + 101 + (2 + .. + 13).
    assert bars["atr"][13] == (101 + 90) / 14
    # Bars 1 to 14 (the 0 is forgotten), bars 2 to 15 (the 101 too): 2 + .. + 15 = 119 over 14.
    assert bars["atr"][14] == (101 + 90 + 14) / 14
    assert bars["atr"][15] == 8.5
    # Changes: +100, then zeros. 20 of them: mean 5, (95^2 + 19 * 25) / 19 = 9500 / 19 = 500.
    assert bars["rth_volatility"][20] == pytest.approx(math.sqrt(500), rel=1e-15)
    assert bars["rth_volatility"][21] == 0.0


# --- levels ------------------------------------------------------------------------------------


def test_premarket_and_opening_range_end_before_their_last_instant() -> None:
    levels = build_session(
        CLOCK,
        tape(
            ("03:59:59", 7000.0),
            ("04:00:00", 6850.0),
            ("09:29:59.999999999", 6840.0),
            ("09:30:00", 6860.0),
            ("09:44:59.999999999", 6855.0),
            ("09:45:00", 7000.0),
        ),
        None,
    ).levels.filter(pl.col("level_kind").str.contains("^(PM|OR)_"))
    assert levels.select("level_kind", "level_price", "valid_from_ns", "valid_to_ns").rows() == [
        ("PM_HIGH", 6850.0, at("09:30:00"), at("17:00:00")),
        ("PM_LOW", 6840.0, at("09:30:00"), at("17:00:00")),
        ("OR_HIGH", 6860.0, at("09:45:00"), at("17:00:00")),
        ("OR_LOW", 6855.0, at("09:45:00"), at("17:00:00")),
    ]


def test_range_of_the_night_begins_the_evening_before_and_is_valid_when_its_kind_says() -> None:
    night = {"family": "overnight", "valid_from": "rth_start"}
    kinds = (
        night | {"kind": "ON_HIGH", "high_of": ["18:00", "04:00"]},
        night | {"kind": "ON_LOW", "low_of": ["trade_date_start", "premarket_start"]},
        {"kind": "AM_LOW", "family": "morning", "low_of": ["09:30", "10:15"]},
        {"kind": "NO_LOW", "family": "quiet", "low_of": ["11:00", "12:00"]},
        {"kind": "SMA_9", "family": "sma", "mean_of_bars": 9},
    )
    monday = DAY - timedelta(days=1)
    rows = pl.concat(
        [
            tape(("17:59:59", 7000.0), ("18:00:00", 6850.0), ("23:00:00", 6840.0), day=monday),
            tape(("03:59:59", 6845.0), ("04:00:00", 6000.0), ("10:14:59", 6847.0)),
            tape(("10:15:00", 6000.0)),
        ]
    ).with_columns(row_nr=pl.int_range(pl.len(), dtype=pl.Int64))
    tables = build_session(CLOCK, rows, None, constants=Constants(level_kinds=kinds))
    levels = tables.levels.select("level_kind", "level_price", "valid_from_ns", "valid_to_ns")
    assert levels.rows() == [
        ("ON_HIGH", 6850.0, at("09:30:00"), at("17:00:00")),
        ("ON_LOW", 6840.0, at("09:30:00"), at("17:00:00")),
        ("AM_LOW", 6847.0, at("10:15:00"), at("17:00:00")),
    ]
    names = [name for name in tables.level_event_features.columns if name.startswith("dist_to_")]
    assert names[0::2] == [f"dist_to_{kind['kind'].lower()}" for kind in kinds]


def test_moving_average_intervals_run_from_bar_end_to_bar_end() -> None:
    def bar(end: str, close: float, day: date = DAY) -> Bar:
        end_ns = at(end, day)
        return Bar(end_ns - 120 * S, end_ns, (Trade(end_ns - S, close, 1, "B"),))

    monday = DAY - timedelta(days=1)
    bars = [
        bar("16:56:00", 1.0, monday),
        bar("16:58:00", 2.0, monday),  # mean 1.5 until 17:00: over before the session begins
        bar("17:00:00", 4.0, monday),  # mean 3 until 10:02, through the start of the session
        bar("10:02:00", 10.0),  # mean 7, across the quiet minutes
        bar("10:08:00", 3.0),  # mean 6.5, until the end of the trade date
    ]
    levels = moving_average_levels(CLOCK, bars, "SMA_2", 2)
    assert levels == [
        Level("SMA_2", 3.0, at("17:00:00", monday), at("10:02:00")),
        Level("SMA_2", 7.0, at("10:02:00"), at("10:08:00")),
        Level("SMA_2", 6.5, at("10:08:00"), at("17:00:00")),
    ]
    # A bar that ends with the trade date leaves its mean no time to hold.
    closing = moving_average_levels(CLOCK, [*bars, bar("17:00:00", 9.0)], "SMA_2", 2)
    assert closing == levels


def two_minute_trades(count: int, price: float) -> list[tuple]:
    """One trade in each of `count` successive 2-minute bars from 04:00."""
    return [(f"{4 + k // 30:02}:{k % 30 * 2:02}:00", price) for k in range(count)]


def test_moving_averages_reach_back_to_the_warm_up_by_symbol() -> None:
    monday = DAY - timedelta(days=1)
    other = ("12:00:00", 9999.0, 1, "B", "ESZ5")
    before = tape(*two_minute_trades(199, 6800.0), other, day=monday)
    tables = build_session(
        CLOCK, tape(("10:00:00", 7000.0)), None, [(session_clock(monday), before)]
    )
    levels = tables.levels.filter(level_kind="SMA_200")
    # 199 bars at 6800 and one at 7000, the other contract left out: 6800 + 200 / 200.
    assert levels.row(0)[2:] == (6801.0, at("10:02:00"), at("17:00:00"))
    assert levels.height == 1
    assert tables.levels.filter(level_kind="SMA_400").height == 0


# --- zone entries ------------------------------------------------------------------------------


def test_zone_entry_and_hysteresis() -> None:
    assert entries(
        *PREMARKET,
        ("09:30:01", 6847.0),  # 3 away: out
        ("09:30:02", 6849.0),  # 1 away, the border is inside: an entry from below
        ("09:30:03", 6848.0),  # 2 away is not beyond 2: still in
        ("09:30:04", 6849.5),  # never left
        ("09:30:05", 6847.75),  # 2.25 away: out
        ("09:30:06", 6848.5),  # 1.5 away: still out
        ("09:30:07", 6849.25),  # an entry
    ) == [(2 * S, "UP"), (7 * S, "UP")]


def test_gap_across_is_no_entry_and_the_way_back_is_down() -> None:
    assert entries(
        *PREMARKET,
        ("09:30:01", 6847.0),
        ("09:30:02", 6853.0),  # out to out, over the zone
        ("09:30:03", 6849.5),  # into the zone below the level, but from above it
    ) == [(3 * S, "DOWN")]


def test_direction_is_the_previous_trades_side_not_that_of_the_last_trade_outside() -> None:
    assert entries(
        *PREMARKET,
        ("09:30:01", 6847.0),  # out, below
        ("09:30:02", 6851.5),  # 1.5 away, above: still out
        ("09:30:03", 6851.0),  # in
    ) == [(3 * S, "DOWN")]


def test_born_inside_is_no_entry_and_the_premarket_does_not_count() -> None:
    inside = ("09:30:00", 6850.5)
    assert entries(*PREMARKET, ("09:29:59", 6840.0), inside, ("09:30:01", 6850.0)) == []
    # Between in and out nothing is known yet, so that the zone is met from nowhere.
    assert entries(*PREMARKET, ("09:30:00", 6851.5), ("09:30:01", 6850.5)) == []
    # An earlier trade outside, at the very first instant, makes it an entry.
    assert entries(*PREMARKET, ("09:30:00", 6852.25), ("09:30:00.000000001", 6850.5)) == [
        (1, "DOWN")
    ]


def test_trades_of_one_instant_enter_in_row_order() -> None:
    out, inside = ("09:30:05", 6847.0), ("09:30:05", 6849.5)
    assert entries(*PREMARKET, out, inside) == [(5 * S, "UP")]
    assert entries(*PREMARKET, inside, out) == []


def test_opening_range_is_born_at_its_end() -> None:
    # The range is 6840 to 6860. Its high is met at 09:44:58, not yet a level, and at 09:45:00 the
    # price is inside already. Every bar's true range is small: 09:30 has 20, 09:44 has 19.5, mean
    # 19.75, so that the zone at 09:45 is 9.875 wide and left beyond 19.75.
    assert entries(
        ("09:30:00", 6860.0),
        ("09:30:01", 6840.0),
        ("09:44:58", 6859.5),
        ("09:45:00", 6855.0),  # 5 away: born inside
        ("09:45:01", 6840.0),  # 20 away: out
        ("09:45:02", 6850.0),  # 10 away: still out
        ("09:45:03", 6850.25),  # 9.75 away: an entry
        kind="OR_HIGH",
    ) == [(903 * S, "UP")]


def overnight(price: float) -> list[tuple]:
    """200 two-minute bars at one price, from 18:00, over at 00:40: an SMA_200 and no premarket."""
    evening = DAY - timedelta(days=1)
    begin = at("18:00:00", evening)
    assert begin == CLOCK.session_start_ns
    return [(begin + k * 120 * S, price) for k in range(200)]


def test_the_level_can_come_to_the_price() -> None:
    history = pl.DataFrame(
        [(ts, -200 + k, 2, "ESH6", price, 1, "B") for k, (ts, price) in enumerate(overnight(6850))],
        schema=TRADES_SCHEMA,
        orient="row",
    )
    # The bar of 09:30 closes at 6950: from 09:32 the mean is 6850 + 100 / 200 = 6850.5. The trade
    # at 09:32 replaces nothing until 09:34. True ranges: 97 in the first bar (6853 to 6950), then
    # 09:32 has not ended; atr 97, w = 48.5. So the width moves too, and is what brings 6900 in:
    # at 09:30 it is 50 away of a zone of 1, at 09:32 49.5 away of 48.5 and still out (the band),
    # at 09:32:01 6899 is 48.5 away: an entry from above.
    trades = pl.concat(
        [
            history,
            tape(
                ("09:30:00", 6853.0),
                ("09:30:01", 6950.0),
                ("09:32:00", 6900.0),
                ("09:32:01", 6899.0),
            ),
        ]
    )
    events = build_session(CLOCK, trades, None).level_events
    assert events.select("event_id", "level_price", "zone_width", "atr", "spot").rows() == [
        (f"20251216_SMA_200_685050_{at('09:32:01')}_DOWN", 6850.5, 48.5, 97.0, 6899.0)
    ]
    assert events["rth_volatility"].to_list() == [None]  # one close only


def test_a_moving_average_keeps_its_state_and_takes_direction_from_its_new_price() -> None:
    # Out at 6847, three below 6850; the level then jumps to 6845 and the price is two above it,
    # in the band: still out. At 6845.75 it enters, from above as the level is now.
    levels = [
        Level("SMA_200", 6850.0, at("09:00:00"), at("09:30:10")),
        Level("SMA_200", 6845.0, at("09:30:10"), at("17:00:00")),
    ]
    trades = [
        Trade(at("09:30:09"), 6847.0, 1, "B"),
        Trade(at("09:30:10"), 6847.0, 1, "B"),
        Trade(at("09:30:11"), 6845.75, 1, "B"),
    ]
    events = zone_entries(CLOCK, "ESH6", trades, levels, RangeHistory([], []))
    assert events.select("event_ts_ns", "level_price", "direction").rows() == [
        (at("09:30:11"), 6845.0, "DOWN")
    ]


def test_a_trade_before_the_open_sets_no_state_even_where_a_level_holds() -> None:
    levels = [Level("SMA_200", 6850.0, at("09:00:00"), at("17:00:00"))]
    inside = Trade(at("09:30:01"), 6850.0, 1, "B")
    for first, count in (("09:29:59.999999999", 0), ("09:30:00", 1)):
        trades = [Trade(at(first), 6847.0, 1, "B"), inside]
        events = zone_entries(CLOCK, "ESH6", trades, levels, RangeHistory([], []))
        assert events.height == count


def test_a_trade_without_a_valid_level_forgets_the_state() -> None:
    levels = [
        Level("SMA_200", 6850.0, at("09:00:00"), at("09:30:10")),
        Level("SMA_200", 6850.0, at("09:30:20"), at("17:00:00")),
    ]
    out, inside = Trade(at("09:30:09"), 6847.0, 1, "B"), Trade(at("09:30:20"), 6850.0, 1, "B")
    between = Trade(at("09:30:10"), 6847.0, 1, "B")
    none_known = RangeHistory([], [])
    assert zone_entries(CLOCK, "ESH6", [out, inside], levels, none_known).height == 1
    assert zone_entries(CLOCK, "ESH6", [out, between, inside], levels, none_known).height == 0


def test_atr_is_known_at_the_end_of_its_bar_and_not_before() -> None:
    # The first RTH bar ranges over 10 points: w is 1 in it and 5 from its end. 6846 is 4 away.
    first_bar = (*PREMARKET, ("09:30:00", 6845.0), ("09:30:01", 6835.0))
    assert entries(*first_bar, ("09:30:59.999999999", 6846.0)) == []
    # Before, 6835 was 15 away and out; now 6846 is inside 5.
    assert entries(*first_bar, ("09:31:00", 6846.0)) == [(60 * S, "UP")]


def test_half_day_ends_the_anchors_and_the_bars_at_the_close() -> None:
    half_day = session_clock(date(2025, 12, 24), rth_end=time(13, 0))
    rows = (*PREMARKET, ("12:59:59", 6840.0))
    three_and_a_half_hours = 12600 * S
    # The one bar that has ended, that of 12:58 or before, does not exist: w is 1.
    assert entries(*rows, ("13:00:00", 6849.5), clock=half_day) == [(three_and_a_half_hours, "UP")]
    assert entries(*rows, ("13:00:00.000000001", 6849.5), clock=half_day) == []
    bars = build_session(
        half_day, tape(*rows, ("13:00:00", 6849.5), day=half_day.session_date), None
    )
    assert bars.bars_1m["is_rth"].to_list() == [False, False, True]


def test_a_date_without_cash_session_has_bars_and_nothing_else() -> None:
    shut = session_clock(date(2025, 11, 27), has_rth=False)
    trades = tape(*PREMARKET, ("10:00:00", 6840.0), ("10:00:01", 6850.0), day=shut.session_date)
    tables = build_session(shut, trades, None)
    assert tables.sessions.select("has_rth", "front_month").row(0) == (False, "ESH6")
    assert tables.bars_1m["is_rth"].to_list() == [False, False, False]
    assert tables.bars_1m["atr"].null_count() == 3
    assert tables.levels.height == tables.level_events.height == 0


def test_event_id_rounds_half_a_cent_up() -> None:
    # 6850.125 * 100 + 0.5 = 685013 exactly, and 6850.12375 stays below.
    assert event_id(CLOCK, "SMA_200", 6850.125, 7, "UP") == "20251216_SMA_200_685013_7_UP"
    assert event_id(CLOCK, "SMA_200", 6850.12375, 7, "UP") == "20251216_SMA_200_685012_7_UP"


def test_event_row_in_full() -> None:
    events = build_session(
        CLOCK,
        tape(
            *PREMARKET,
            ("09:30:00", 6840.0),
            ("09:30:30", 6841.0),
            ("09:31:00", 6838.0),
            ("09:32:00", 6843.0),
            ("09:45:30", 6848.0),
        ),
        None,
    ).level_events.filter(level_kind="PM_HIGH")
    # True ranges 1, 3 (6838 against 6841), 5 (6843 against 6838): atr 3, w 1.5, left beyond 3.
    # Changes -3 and +5: mean 1, sqrt(16 + 16) over 1. 6848 is 2 away of 1.5, so it is no entry.
    assert events.height == 0
    events = build_session(
        CLOCK,
        tape(
            *PREMARKET,
            ("09:30:00", 6840.0),
            ("09:30:30", 6841.0),
            ("09:31:00", 6838.0),
            ("09:32:00", 6843.0),
            ("09:45:30", 6848.5),
        ),
        None,
    ).level_events.filter(level_kind="PM_HIGH")
    event = events.row(0, named=True)
    assert event.pop("rth_volatility") == pytest.approx(math.sqrt(32), rel=1e-15)
    assert event == {
        "event_id": f"20251216_PM_HIGH_685000_{at('09:45:30')}_UP",
        "session_date": DAY,
        "event_ts_ns": at("09:45:30"),
        "contract": "ESH6",
        "level_kind": "PM_HIGH",
        "level_price": 6850.0,
        "direction": "UP",
        "dir_sign": 1,
        "spot": 6848.5,
        "zone_width": 1.5,
        "atr": 3.0,
        "minutes_since_open": 15.5,
        "bars_since_open": 15,
        "session_phase": 2,  # the second quarter hour
        "is_first_15m": False,
    }


# --- labels ------------------------------------------------------------------------------------

ENTRY = (*PREMARKET, ("09:30:00", 6847.0), ("09:30:10", 6849.0))
"""An UP event at 6849 on PM_HIGH 6850, ten seconds into the session; the vertical is 09:38:10."""


def label(*after: tuple, entry: tuple = ENTRY) -> dict:
    """The label of the first PM_HIGH event of a session that goes on with `after`."""
    tables = build_session(CLOCK, tape(*entry, *after), None)
    first = tables.level_events.filter(level_kind="PM_HIGH")["event_id"][0]
    return tables.level_event_labels.filter(event_id=first).row(0, named=True)


def test_break_with_its_times_and_excursions() -> None:
    got = label(
        ("09:30:10", 6840.0),  # at the anchor's own instant: not in the window
        ("09:30:12", 6845.0),  # 5 below: bounce threshold 1 after 2 s
        ("09:30:15", 6855.0),  # 5 above: break threshold 1 after 5 s
        ("09:30:20.5", 6866.0),  # 16 above: break threshold 2 after 10.5 s
        ("09:33:10", 6830.0),  # 20 below: bounce threshold 2 after 180 s, too late for the outcome
        ("09:38:10", 6852.0),  # at the vertical: in the window
        ("09:38:10.000000001", 6900.0),  # past it
    )
    assert got["outcome"] == "BREAK"
    assert (got["time_to_break_1"], got["time_to_break_2"]) == (5.0, 10.5)
    assert (got["time_to_bounce_1"], got["time_to_bounce_2"]) == (2.0, 180.0)
    assert (got["time_to_threshold_1"], got["time_to_threshold_2"]) == (2.0, 10.5)
    assert (got["excursion_max"], got["excursion_min"]) == (16.0, 20.0)
    assert (got["strength_signed"], got["strength_abs"]) == (-4.0, 20.0)
    assert (got["tradeable_1"], got["tradeable_2"]) == (True, True)
    assert got["future_price"] == 6852.0
    assert got["label_first_source_ts_ns"] == at("09:30:12")
    assert got["label_last_source_ts_ns"] == at("09:38:10")
    assert got["label_end_ts_ns"] == at("09:30:20.5")


def test_down_event_mirrors() -> None:
    entry = (*PREMARKET, ("09:30:00", 6853.0), ("09:30:10", 6851.0))
    got = label(("09:30:11", 6865.0), ("09:30:12", 6834.0), entry=entry)
    # From above the break lies below: 6835; 6865 is the bounce, touched exactly, and first.
    assert got["outcome"] == "BOUNCE"
    assert (got["time_to_bounce_2"], got["time_to_break_2"]) == (1.0, 2.0)
    assert (got["excursion_max"], got["excursion_min"]) == (16.0, 15.0)


def test_touches_of_one_instant_are_decided_by_row_order() -> None:
    up, down = ("09:31:00", 6865.0), ("09:31:00", 6835.0)
    assert label(up, down)["outcome"] == "BREAK"
    assert label(down, up)["outcome"] == "BOUNCE"


def test_chop_needs_the_date_to_reach_the_vertical() -> None:
    quiet = ("09:31:00", 6852.0)
    chop = label(quiet, ("09:38:10", 6851.0))
    assert (chop["outcome"], chop["future_price"]) == ("CHOP", 6851.0)
    cut = label(quiet, ("09:38:09.999999999", 6851.0))
    assert cut["outcome"] == "UNDEFINED"
    for got in (chop, cut):
        assert got["label_end_ts_ns"] == at("09:38:10")
        assert (got["excursion_max"], got["excursion_min"]) == (2.0, 0.0)
        assert (got["tradeable_1"], got["time_to_threshold_1"]) == (False, None)


def test_excursions_are_never_negative() -> None:
    # The whole window lies below the level of an UP event.
    got = label(("09:31:00", 6848.0))
    assert (got["excursion_max"], got["excursion_min"]) == (0.0, 2.0)
    assert (got["strength_signed"], got["strength_abs"]) == (-2.0, 2.0)


def test_an_empty_window_is_unknown() -> None:
    got = label(("09:40:00", 6870.0))
    assert got["outcome"] == "CHOP"  # the date went on, the window was silent
    assert (got["tradeable_1"], got["tradeable_2"]) == (False, False)
    for name in ("excursion_max", "excursion_min", "strength_signed", "strength_abs"):
        assert got[name] is None
    for name in ("future_price", "label_first_source_ts_ns", "label_last_source_ts_ns"):
        assert got[name] is None
    # Below two RTH changes there is no volatility either.
    assert (got["null_p_break"], got["null_p_bounce"], got["null_p_chop"]) == (None, None, None)


def test_uniqueness_of_overlapping_labels() -> None:
    assert uniqueness([(0, 10)]) == [1.0]
    # (0, 5] alone, (5, 10] shared: (5 + 5/2) / 10.
    assert uniqueness([(0, 10), (5, 15)]) == [0.75, 0.75]
    # One ends where the other begins: never alive together.
    assert uniqueness([(0, 10), (10, 20)]) == [1.0, 1.0]
    # (0, 3] one, (3, 6] two, (6, 9] three: first 3 + 1.5 + 1 of 9, second 1.5 + 1 of 6, third 1/3.
    assert uniqueness([(0, 9), (3, 9), (6, 9)]) == [5.5 / 9, 2.5 / 6, 1 / 3]
    # (0, 1] two, (1, 2] one: 1/2, and (1/2 + 1) / 2.
    assert uniqueness([(0, 1), (0, 2)]) == [0.5, 0.75]
    # A gap in which nothing lives, and a label inside another.
    assert uniqueness([(0, 8), (2, 4), (20, 21)]) == [7 / 8, 0.5, 1.0]


def test_uniqueness_counts_every_outcome_and_kind() -> None:
    # PM_HIGH is 6850 and PM_LOW 6849.5, so that 6849 enters both at once; nothing follows but a
    # trade at the vertical. Both labels last eight minutes together.
    rows = (("05:00:00", 6850.0), ("06:00:00", 6849.5), ("09:30:00", 6847.0), ("09:30:10", 6849.0))
    labels = build_session(CLOCK, tape(*rows, ("09:38:10", 6849.0)), None).level_event_labels
    assert labels["uniqueness"].to_list() == [0.5, 0.5]


# --- null model --------------------------------------------------------------------------------


def normal_tail(x: float) -> float:
    """P(Z > x) of a standard normal."""
    return math.erfc(x / math.sqrt(2)) / 2


def test_null_model_by_reflection() -> None:
    # From the level both barriers are 15 away. Choose the volatility so that 15 is two standard
    # deviations of eight minutes. One barrier alone is reached with 2 * tail(2) = 0.0455; the paths
    # that met the other one first are those of tail(6), 10^-9, and so on in alternation:
    # p = 2 * (tail(2) - tail(6) + tail(10) - ...).
    volatility = 7.5 / math.sqrt(8)
    got = null_model(6850.0, 6850.0, 1, volatility)
    expected = 2 * (normal_tail(2) - normal_tail(6) + normal_tail(10))
    assert expected == pytest.approx(0.0455002639 - 1.97e-9, abs=1e-10)
    assert got["null_p_break"] == pytest.approx(expected, abs=1e-14)
    assert got["null_p_bounce"] == pytest.approx(expected, abs=1e-14)
    assert got["null_p_chop"] == pytest.approx(1 - 2 * expected, abs=1e-14)


def test_null_model_is_the_gamblers_ruin_when_time_does_not_matter() -> None:
    # One point before the level, UP: 16 to the break, 14 to the bounce; 30 in all.
    got = null_model(6849.0, 6850.0, 1, 1000.0)
    assert got["null_p_break"] == pytest.approx(14 / 30, abs=1e-13)
    assert got["null_p_bounce"] == pytest.approx(16 / 30, abs=1e-13)
    assert got["null_p_chop"] == pytest.approx(0.0, abs=1e-13)
    # The same spot approached from above is one point past the level: 14 to the break.
    assert null_model(6849.0, 6850.0, -1, 1000.0)["null_p_break"] == pytest.approx(16 / 30)


@pytest.mark.parametrize(
    ("spot", "sign", "volatility", "expected"),
    [
        (6849.0, 1, None, (None, None, None)),
        (6849.0, 1, 0.0, (0.0, 0.0, 1.0)),
        (6865.0, 1, 2.0, (1.0, 0.0, 0.0)),  # at the break barrier already
        (6870.0, -1, 2.0, (0.0, 1.0, 0.0)),  # past the bounce barrier of a DOWN event
        (6870.0, -1, 0.0, (0.0, 1.0, 0.0)),  # which needs no volatility
    ],
)
def test_null_model_edges(
    spot: float, sign: int, volatility: float | None, expected: tuple[float | None, ...]
) -> None:
    assert tuple(null_model(spot, 6850.0, sign, volatility).values()) == expected


# --- Bronze ------------------------------------------------------------------------------------


def write_partition(root: Path, feed_path: str, day: date, files: list[pa.Table]) -> Path:
    folder = FEED_BY_PATH[feed_path].partition_dir(root, day)
    folder.mkdir(parents=True)
    for number, table in enumerate(files):
        pq.write_table(table, folder / f"part-{number}.parquet")
    (folder / MANIFEST_NAME).write_text("{}")
    return folder


def bronze_trades(trades: pl.DataFrame) -> pa.Table:
    """Trades as Bronze holds them: fixed-point prices, unsigned sizes, every column of the feed."""
    schema = FEED_BY_PATH["futures/trades"].schema
    rows = [
        dict.fromkeys(schema.names)
        | {
            "ts_recv": row["ts_ns"],
            "row_nr": row["row_nr"],
            "instrument_id": row["instrument_id"],
            "symbol": row["symbol"],
            "price": round(row["price"] * 1e9),
            "size": row["size"],
            "side": row["side"],
        }
        for row in trades.iter_rows(named=True)
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def test_bronze_gives_what_memory_gives(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text(
        "trade_date,has_rth,rth_end_et,reason\n"
        + "".join(f"2025-12-{day:02},true,16:00:00,\n" for day in (10, 11, 12, 15, 16, 17))
        + "2025-12-25,false,,Christmas\n"
    )
    # Three trade dates back from the 16th: the 11th, the 12th, which Bronze does not hold, and the
    # 15th. The 10th is too far. 100 bars, 100 bars and those of the day make an SMA_200, and with
    # the 200 of the 10th there would be an SMA_400 too.
    bars_held = {10: (200, 7000.0), 11: (100, 6840.0), 15: (100, 6850.0)}
    before = {
        date(2025, 12, day): tape(*two_minute_trades(*bars), day=date(2025, 12, day))
        for day, bars in bars_held.items()
    }
    for day, trades in before.items():
        write_partition(tmp_path, "futures/trades", day, [bronze_trades(trades)])
    today = tape(*ENTRY, ("09:38:10", 6852.0))
    # Two files in the wrong order: (`ts_recv`, `row_nr`) puts them right.
    halves = [bronze_trades(today[3:]), bronze_trades(today[:3])]
    folder = write_partition(tmp_path, "futures/trades", DAY, halves)

    from_bronze = read_session(tmp_path, calendar, DAY)
    warm_up = [
        (session_clock(day), before.get(day))
        for day in (date(2025, 12, 11), date(2025, 12, 12), date(2025, 12, 15))
    ]
    in_memory = build_session(CLOCK, today, None, warm_up)
    kinds = set(from_bronze.levels["level_kind"])
    assert kinds == {"PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW", "SMA_200"}
    # 200 bars before the day, then 05:00, 06:00, 09:30 and 09:38: five means, the first of them
    # (100 * 6840 + 100 * 6850) / 200 = 6845.
    averages = from_bronze.levels.filter(level_kind="SMA_200")["level_price"]
    assert (averages.len(), averages[0]) == (5, 6845.0)
    for name in ("sessions", "bars_1m", "levels", "level_events", "level_event_labels"):
        assert getattr(from_bronze, name).equals(getattr(in_memory, name)), name

    # Definitions of the contract change nothing; asked for and empty, they leave no candidate.
    schema = FEED_BY_PATH["futures/definition"].schema
    outright = {"instrument_id": IDS["ESH6"], "instrument_class": "F"}
    for defined, contract in (([dict.fromkeys(schema.names) | outright], "ESH6"), ([], None)):
        table = pa.Table.from_pylist(defined, schema=schema)
        definition_folder = write_partition(tmp_path, "futures/definition", DAY, [table])
        sessions = read_session(tmp_path, calendar, DAY).sessions
        assert sessions["front_month"].item() == contract
        shutil.rmtree(definition_folder)

    # A partition without a manifest does not exist; neither does a date the calendar lacks.
    (folder / MANIFEST_NAME).unlink()
    assert read_session(tmp_path, calendar, DAY).sessions["contract_count"].item() is None
    with pytest.raises(ValueError, match="no row for the trade date 2025-12-20"):
        read_session(tmp_path, calendar, date(2025, 12, 20))


def test_a_trade_without_a_price_is_named() -> None:
    trades = tape(("10:00:00", None), ("10:00:01", 6850.0))
    with pytest.raises(ValueError, match="1 trades of ESH6 on 2025-12-16 have no price"):
        contract_trades(trades, CLOCK, "ESH6")


# --- comparison --------------------------------------------------------------------------------


def test_compare_finds_each_kind_of_difference() -> None:
    expected = pl.DataFrame(
        {"key": [1, 2, 3], "value": [1.0, None, 3.0], "name": ["a", "b", "c"], "lost": [0, 0, 0]}
    )
    assert compare(expected, expected[::-1], ["key"]) == []
    # Within 1e-9 of 3, beyond it at 1; an extra column of actual is nobody's concern.
    actual = pl.DataFrame(
        {
            "key": [4, 2, 1],
            "value": [3.0, 0.0, 1.0 + 2e-9],
            "name": ["c", "b", None],
            "more": [0] * 3,
        }
    )
    assert compare(expected, actual, ["key"]) == [
        "columns missing in actual: lost",
        "1 keys missing in actual: (3,)",
        "1 keys missing in expected: (4,)",
        "value: 2 of 2 cells differ: (1,): expected 1.0, actual 1.000000002;"
        " (2,): expected NULL, actual 0.0",
        "name: 1 of 2 cells differ: (1,): expected 'a', actual NULL",
    ]


def test_compare_is_exact_for_integers_and_tolerant_for_floats() -> None:
    ns = 1_765_895_400_000_000_000
    expected = pl.DataFrame({"key": [1], "ts": [ns], "price": [6850.0], "flag": [True]})
    close = pl.DataFrame({"key": [1], "ts": [ns], "price": [6850.0 + 1e-6], "flag": [True]})
    assert compare(expected, close, ["key"]) == []
    assert len(compare(expected, close, ["key"], rtol=1e-12)) == 1
    late = close.with_columns(ts=pl.col("ts") + 1)
    assert len(compare(expected, late, ["key"])) == 1
    number = close.with_columns(flag=pl.lit(1))
    assert len(compare(expected, number, ["key"])) == 1
    nan = close.with_columns(price=pl.lit(math.nan))
    assert len(compare(expected, nan, ["key"])) == 1
    assert compare(nan, nan, ["key"]) == []
    assert compare(expected, pl.concat([close, close]), ["key"]) == [
        "row count: expected 1, actual 2",
        "1 keys repeated in actual: (1,)",
    ]
