"""Whole sessions through the reference: which tables there are, with and without each feed."""

from __future__ import annotations

from dataclasses import replace
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
    EVENING,
    NANO,
    T0,
    Row,
    S,
    book_frame,
    definitions,
    option,
    option_trades,
    quotes,
    row,
    seconds,
    statistics,
)
from reference import KEYS, build_session, expected_tables_v11
from reference.basis import SPX_SCHEMA
from reference.clock import session_clock
from reference.features import features_schema
from reference.features_v11 import more_features_schema
from reference.session import Records
from reference.session_v11 import build_tables_v11
from reference.trades import TRADES_SCHEMA

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME

TRADES = {**TRADES_SCHEMA, "ts_event": pl.Int64}


def tape() -> pl.DataFrame:
    """Premarket from 6800 to 6850; a price at the open, and from 10:00 to 10:00:10 a rise into the
    zone of 6850 by an order through two prices; then some of everything until 14:00."""
    moves: list[tuple[float, float, int, str]] = [
        (-6 * 3600, 6850.0, 5, "B"),
        (-6 * 3600 + 1, 6800.0, 5, "A"),
        (-1800, 6830.0, 5, "A"),
        (-1500, 6831.0, 5, "B"),
        (0, 6847.5, 5, "B"),
        (10, 6848.75, 3, "B"),
        (10, 6849.0, 4, "B"),
    ]
    moves += [(20 + 30 * k, 6840 + 5 * ((7 * k) % 11), 1 + k % 3, "BAN"[k % 3]) for k in range(480)]
    return pl.DataFrame(
        [
            (seconds(after), n, 2, CONTRACT, price, size, side, seconds(after))
            for n, (after, price, size, side) in enumerate(moves)
        ],
        schema=TRADES,
        orient="row",
    )


def books() -> pl.DataFrame:
    def at(after: float, bid: float, size: int) -> Row:
        return row(
            after,
            [(bid - 0.25 * m, size + m) for m in range(10)],
            [(bid + 0.25 + 0.25 * m, size + 2) for m in range(10)],
        )

    return book_frame(
        *(at(-1700 + 10 * k, 6830 + 0.25 * (k % 5), 10 + k % 7) for k in range(160)),
        *(at(1 + k, 6848.0 + 0.25 * (k % 2), 20 + k % 3) for k in range(9)),
        *(at(100 + 25 * k, 6840 + 0.25 * (k % 9), 10 + k % 7) for k in range(400)),
    )


SPX = pl.DataFrame(
    [(seconds(k), k, 6800.0 + (k * k) % 7) for k in range(400)], schema=SPX_SCHEMA, orient="row"
)
# Strikes ten points apart, quoted every half second from 10:00 for a minute and a half.
OPTIONS = [
    option(2 * n + 1 + is_put, 6820 + 10 * n, "CP"[is_put]) for n in range(7) for is_put in (0, 1)
]
QUOTES = quotes(
    *(
        (seconds(0.5 * k), 2 * n + 1 + is_put, 20 - 2 * n + 4 * n * is_put, 22 + k % 2 + 2 * n)
        for k in range(180)
        for n in range(7)
        for is_put in (0, 1)
    )
)
RECORDS = Records(
    clock=CLOCK,
    trades=tape(),
    definitions=None,
    book=books(),
    spx=SPX,
    option_definitions=definitions(*OPTIONS),
    option_quotes=QUOTES,
    option_trades=option_trades((EVENING, 5, 10, "A", 12.0), (seconds(5), 7, 3, "B", 8.0)),
    option_statistics=statistics((EVENING, 1, 100), (EVENING, 14, 200)),
)


# Whole sessions of the reference, which takes its time.
pytestmark = pytest.mark.market


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return build_tables_v11(RECORDS)


def entry(tables: dict[str, pl.DataFrame], name: str = "level_event_features") -> dict[str, Any]:
    """The first event's row: PM_HIGH at 10:00:10, upwards."""
    event = tables["level_events"].row(0, named=True)
    assert (event["level_kind"], event["event_ts_ns"] - T0) == ("PM_HIGH", 10 * S)
    assert (event["direction"], event["spot"]) == ("UP", 6849.0)
    return tables[name].filter(event_id=event["event_id"]).row(0, named=True)


def test_every_table_has_rows_that_its_keys_tell_apart(tables: dict[str, pl.DataFrame]) -> None:
    assert list(tables) == list(KEYS)
    for name, keys in KEYS.items():
        assert tables[name].height > 0, name
        assert tables[name].select(keys).is_duplicated().sum() == 0, name
    events, placebos = tables["level_events"].height, tables["placebo_events"].height
    assert tables["event_replenishment"].height == 12 * events
    assert tables["level_event_features"].height == tables["level_event_labels"].height == events
    assert tables["placebo_labels"].height == placebos
    assert tables["event_paths"].height == 109 * (events + placebos)
    assert tables["event_book"].height == 217 * events


def test_the_event_knows_what_each_part_says(tables: dict[str, pl.DataFrame]) -> None:
    got = entry(tables)
    assert list(got) == [*features_schema(), *more_features_schema()]
    # The last row of the book, at 10:00:09: bids from 6848 with 22 at best, asks from 6848.25 to
    # 6850.5 with 24: of the 16 live prices 6848.25 ... 6852 ten are shown.
    assert got["barrier_visible_share"] == 10 / 16
    assert (got["spread_ticks"], got["imbalance_bucket"]) == (1.0, 5)
    assert (got["depth_to_level"], got["depth_at_level"]) == (7 * 24, 24)
    # 3 + 4 at one event time and two prices, now.
    assert (got["sweep_order_net_size"], got["seconds_since_sweep"]) == (7, 0.0)
    # 3 calls of 6850 at 8 points, five seconds ago.
    assert (got["call_premium_flow_60s"], got["put_premium_flow_240s"]) == (1200.0, 0.0)
    # Newer than what the grid of 10:00 read, and up to the event.
    assert got["option_source_ts_ns"] == seconds(5)
    # Where no premium is in the windows the newest record is that of the grid: the last quote.
    late = tables["level_events"].filter(pl.col("event_ts_ns") > seconds(600))["event_id"]
    sources = tables["level_event_features"].filter(pl.col("event_id").is_in(late.implode()))
    assert sources["option_source_ts_ns"].unique().to_list() == [seconds(89.5)]
    minute = tables["gamma_by_minute"].filter(tau_ns=T0).row(0, named=True)
    assert got["atm_iv"] == minute["atm_iv"]
    assert got["dist_to_call_wall"] == 6849.0 - 6820.0


def test_everything_of_sections_one_to_eight_is_there_unchanged(
    tables: dict[str, pl.DataFrame],
) -> None:
    before = build_session(
        CLOCK,
        RECORDS.trades,
        None,
        book=books(),
        spx=SPX,
        option_definitions=RECORDS.option_definitions,
        option_quotes=QUOTES,
        option_trades=RECORDS.option_trades,
        option_statistics=RECORDS.option_statistics,
    )
    corrected = pl.selectors.starts_with("barrier_") | pl.selectors.by_name(
        "depth_in_zone", "wall_ratio", "option_source_ts_ns"
    )
    for name in ("sessions", "bars_1m", "levels", "level_events", "level_event_labels",
                 "gamma_by_strike", "level_event_features"):  # fmt: skip
        old = getattr(before, name)
        if name == "level_event_features":
            old = old.select(~corrected)
        assert tables[name].select(old.columns).equals(old), name


def test_states_share_the_numbers_of_events() -> None:
    # From 10:00:20 on trades come every 30 s; ten seconds later each falls on a state's time.
    moved = pl.when(pl.col("ts_ns") > T0 + 15 * S).then(pl.col("ts_ns") + 10 * S).otherwise("ts_ns")
    tables = build_tables_v11(replace(RECORDS, trades=tape().with_columns(ts_ns=moved)))
    features, states = tables["level_event_features"], tables["level_states"]
    shared = [name for name in states.columns if name in features.columns]
    assert len(shared) > 50
    both = (
        tables["level_events"]
        .join(features, on="event_id")
        .join(
            states,
            left_on=["event_ts_ns", "level_kind", "dir_sign", "spot"],
            right_on=["tau_ns", "level_kind", "dir_sign", "spot"],
            suffix="_of_state",
        )
    )
    assert both.height > 10
    for name in [*shared, "level_price", "atr", "rth_volatility"]:
        assert both[name].equals(both[f"{name}_of_state"].alias(name), null_equal=True), name


def test_without_any_feed_there_are_the_rows_of_the_clock(
    tables: dict[str, pl.DataFrame],
) -> None:
    nothing = build_tables_v11(Records(CLOCK, None, None))
    assert list(nothing) == list(KEYS)
    rows = {name: table.height for name, table in nothing.items() if table.height}
    assert rows == {"sessions": 1, "session_grid": 840, "ofi_moments": 111, "lead_lag": 162}
    session = nothing["sessions"].row(0, named=True)
    for pair in ("spx", "implied"):
        assert session[f"lead_ms_{pair}"] is session[f"lead_llr_{pair}"] is None
    for name, table in nothing.items():
        assert table.schema == tables[name].schema, name


def test_without_a_book_what_it_would_say_is_unknown() -> None:
    tables = build_tables_v11(replace(RECORDS, book=None))
    got = entry(tables)
    of_book = (
        "barrier_visible_share", "barrier_added", "barrier_state", "depth_in_zone", "spread_ticks",
        "book_imbalance_10", "imbalance_bucket", "voi_best_60s", "ofi_level_01_60s",
        "depth_attacking_0", "depth_to_level", "replenishment_rate", "pull_rate",
        "replenishment_velocity",
    )  # fmt: skip
    assert {got[name] for name in of_book} == {None}
    assert (got["sweep_order_count"], got["passive_volume"]) == (1, 7)
    assert tables["microprice_counts"].is_empty()
    assert tables["session_grid"]["book_rows"].null_count() == 840
    # The index is still known to move, the future is not.
    spx = tables["lead_lag"].filter(pair="spx")
    assert spx["y_changes"].unique().item() > 0
    assert spx["rho"].null_count() == 81


def test_without_options_there_is_no_chain() -> None:
    tables = build_tables_v11(
        replace(
            RECORDS,
            option_definitions=None,
            option_quotes=None,
            option_trades=None,
            option_statistics=None,
        )
    )
    assert tables["gamma_by_minute"].is_empty()
    got = entry(tables)
    for name in ("dealer_charm", "dist_to_zero_gamma", "skew_25d", "call_premium_flow_240s",
                 "option_source_ts_ns"):  # fmt: skip
        assert got[name] is None
    assert tables["lead_lag"].filter(pair="implied")["y_changes"].null_count() == 81
    # Definitions alone make a chain, of which nothing is known but that it was not traded.
    tables = build_tables_v11(replace(RECORDS, option_quotes=None, option_statistics=None))
    assert tables["gamma_by_minute"].height == 240
    assert tables["gamma_by_minute"]["oi_gex_total"].null_count() == 240
    assert entry(tables)["call_premium_flow_60s"] == 1200.0
    assert tables["lead_lag"].filter(pair="implied")["y_changes"].null_count() == 81


def test_on_a_date_without_a_cash_session_the_clock_goes_on() -> None:
    closed = session_clock(DAY, has_rth=False)
    tables = build_tables_v11(replace(RECORDS, clock=closed))
    for name in ("levels", "level_events", "placebo_events", "level_states", "event_paths",
                 "event_book"):  # fmt: skip
        assert tables[name].is_empty(), name
    grid = tables["session_grid"]
    assert grid.height == 840
    assert grid["volume"].sum() > 0


def write_partition(root: Path, feed_path: str, frame: pl.DataFrame) -> None:
    names = {"ts_ns": "ts_recv", "bid_nano": "bid_px_00", "ask_nano": "ask_px_00"}
    bronze = frame.rename(names, strict=False).with_columns(
        (pl.col(name) * NANO).cast(pl.Int64)
        for name in frame.columns
        if name == "price" or ("_px_" in name and frame[name].dtype == pl.Float64)
    )
    feed = FEED_BY_PATH[feed_path]
    folder = feed.partition_dir(root, DAY)
    folder.mkdir(parents=True)
    full = [dict.fromkeys(feed.schema.names) | record for record in bronze.to_dicts()]
    pq.write_table(pa.Table.from_pylist(full, schema=feed.schema), folder / "part-0.parquet")
    (folder / MANIFEST_NAME).write_text("{}")


def test_bronze_gives_what_memory_gives(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("trade_date,has_rth,rth_end_et,reason\n2025-12-16,true,16:00:00,\n")
    for feed_path, frame in {
        "futures/trades": RECORDS.trades,
        "futures/mbp10": RECORDS.book,
        "index/spx": RECORDS.spx,
        "options/definition": RECORDS.option_definitions,
        "options/nbbo": RECORDS.option_quotes,
        "options/trades": RECORDS.option_trades,
        "options/statistics": RECORDS.option_statistics,
    }.items():
        assert isinstance(frame, pl.DataFrame)
        write_partition(tmp_path, feed_path, frame)
    got = expected_tables_v11(tmp_path, calendar, DAY)
    assert list(got) == list(tables)
    for name, table in tables.items():
        assert got[name].equals(table), name
