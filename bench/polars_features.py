"""The book, tape, motion and force features in Polars, as one would write them there.

From Bronze Parquet and the session's events, one row per event under the names of
`level_event_features`. Lazy, on the streaming engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import yaml

SECOND = 1_000_000_000
LEVELS = [f"{level:02d}" for level in range(10)]
LADDER = [f"{name}_{m}" for m in LEVELS for name in ("bid_px", "ask_px", "bid_sz", "ask_sz")]
PROJECT = Path(__file__).resolve().parents[1]
VARS: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
SPECS = pl.read_csv(PROJECT / "seeds" / "contract_specs.csv")
TICK = SPECS.filter(root="ES")["tick_size_points"].item()
REACH = VARS["barrier_zone_ticks"] * TICK
FORCE_WINDOW = 60


def event_features(
    bronze: Path, session_date: str, session: dict[str, Any], event_rows: pl.DataFrame
) -> pl.DataFrame:
    """One row per row of `level_events`, by `event_id`; `session`: the clock and front month."""
    events = (
        event_rows.lazy()
        .select("event_id", "event_ts_ns", "level_price", "dir_sign", "spot")
        .sort("event_ts_ns")
    )
    marks = pl.LazyFrame().select(
        mark_ns=pl.int_range(
            session["rth_start_ns"] + 60 * SECOND, session["event_end_ns"] + 1, 60 * SECOND
        )
    )
    trades = front_trades(bronze, session_date, session)
    rows = book_rows(bronze, session_date, session)
    pairs = book_pairs(rows)

    motions, tape, sweeps, passive, minutes, windows, flows, last_rows = pl.collect_all(
        [
            kinematics(events, trades),
            tape_flow(events, trades),
            tape_sweeps(events, trades),
            passive_volume(events, trades),
            minute_motions(marks, trades),
            book_windows(events, marks, pairs),
            event_flows(events, pairs),
            last_book(events, rows),
        ],
        engine="streaming",
    )
    joined = events
    for group in (motions, tape, sweeps, passive, flows, last_rows):
        joined = joined.join(group.lazy(), on="event_id", how="left")
    result = (
        joined.pipe(with_order_flow, windows.lazy())
        .pipe(with_barrier, windows.lazy())
        .pipe(with_force, windows.lazy(), minutes.lazy())
    )
    inputs = ("event_ts_ns", "level_price", "dir_sign", "spot")
    return result.drop(inputs).sort("event_id").collect()


def bronze_feed(bronze: Path, feed: str, session_date: str) -> pl.LazyFrame:
    return pl.scan_parquet(bronze / feed / "root=ES" / f"date={session_date}" / "*.parquet")


def quotient(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Their ratio; NULL where the denominator is 0."""
    return pl.when(denominator != 0).then(numerator / denominator)


# --- trades --------------------------------------------------------------------------------------


def front_trades(bronze: Path, session_date: str, session: dict[str, Any]) -> pl.LazyFrame:
    """The front month's trades of the trade date, in order."""
    return (
        bronze_feed(bronze, "futures/trades", session_date)
        .filter(
            pl.col("symbol") == session["front_month"],
            pl.col("ts_recv").is_between(
                session["trade_date_start_ns"], session["trade_date_end_ns"], closed="left"
            ),
        )
        .select(
            "ts_recv",
            "row_nr",
            "side",
            price=pl.col("price") / 1e9,
            size=pl.col("size").cast(pl.Int64),
        )
    )


def _prices_back(
    anchors: pl.LazyFrame, on: str, trades: pl.LazyFrame, lags: list[int]
) -> pl.LazyFrame:
    """`anchors` with the last price each lag (seconds) before the time `on`, as `price_{lag}`."""
    for lag in lags:
        anchors = (
            anchors.with_columns(at=pl.col(on) - lag * SECOND)
            .sort("at")
            .join_asof(
                trades.select("ts_recv", pl.col("price").alias(f"price_{lag}")),
                left_on="at",
                right_on="ts_recv",
            )
            .drop("at", "ts_recv")
        )
    return anchors


def kinematics(events: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """Position in the level's frame and its differences."""
    steps = VARS["kinematics_windows_s"]
    lags = sorted({k * h for k in range(4) for h in steps})
    prices = _prices_back(events, "event_ts_ns", trades, lags)

    def position(lag: int) -> pl.Expr:
        return pl.col("dir_sign") * (pl.col(f"price_{lag}") - pl.col("level_price"))

    columns = {"position": position(0)}
    for h in steps:
        p0, p1, p2, p3 = (position(k * h) for k in range(4))
        velocity, acceleration = (p0 - p1) / h, (p0 - 2 * p1 + p2) / h**2
        columns |= {
            f"velocity_{h}s": velocity,
            f"acceleration_{h}s": acceleration,
            f"jerk_{h}s": (p0 - 3 * p1 + 3 * p2 - p3) / h**3,
            f"kinetic_energy_{h}s": velocity**2,
            f"is_decelerating_{h}s": pl.when(acceleration.is_not_null()).then(
                (velocity > 0) & (acceleration < 0)
            ),
        }
    return prices.select("event_id", **columns)


def minute_motions(marks: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """Up-positive velocity and acceleration at every minute mark."""
    h = FORCE_WINDOW
    p0, p1, p2 = (pl.col(f"price_{k * h}") for k in range(3))
    return _prices_back(marks, "mark_ns", trades, [0, h, 2 * h]).select(
        "mark_ns", velocity=(p0 - p1) / h, acceleration=(p0 - 2 * p1 + p2) / h**2
    )


def _window_trades(events: pl.LazyFrame, trades: pl.LazyFrame, seconds: int) -> pl.LazyFrame:
    """Every event with each of its trades in (t0 - seconds, t0]."""
    return events.with_columns(window_start=pl.col("event_ts_ns") - seconds * SECOND).join_where(
        trades,
        pl.col("ts_recv") > pl.col("window_start"),
        pl.col("ts_recv") <= pl.col("event_ts_ns"),
    )


def _is_near(reach: float) -> pl.Expr:
    return (pl.col("price") - pl.col("level_price")).abs() <= reach


def tape_flow(events: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """Volume near the level by aggressor, and the slope of the price."""
    near = _is_near(VARS["tape_band"])
    seconds = (pl.col("ts_recv") - pl.col("event_ts_ns")) / SECOND
    points = pl.col("price") - pl.col("spot")
    bought, sold = pl.col("tape_buy_volume"), pl.col("tape_sell_volume")
    return (
        _window_trades(events, trades, VARS["tape_window_s"])
        .group_by("event_id")
        .agg(
            tape_buy_volume=pl.col("size").filter(near, pl.col("side") == "B").sum(),
            tape_sell_volume=pl.col("size").filter(near, pl.col("side") == "A").sum(),
            tape_velocity=quotient(pl.cov(seconds, points), seconds.var()),
            trade_source_ts_ns=pl.col("ts_recv").max(),
        )
        .with_columns(tape_imbalance=quotient(bought - sold, bought + sold))
    )


def tape_sweeps(events: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """Runs of one aggressor side through the near prices."""
    pause = pl.col("ts_recv").diff() > VARS["sweep_max_gap_ms"] * 1_000_000
    other_side = pl.col("side") != pl.col("side").shift(1)
    return (
        _window_trades(events, trades, VARS["tape_window_s"])
        .filter(_is_near(VARS["tape_band"]))
        .sort("event_id", "ts_recv", "row_nr")
        .with_columns(run=(pause | other_side).fill_null(True).cum_sum().over("event_id"))
        .filter(pl.col("side").is_in(["A", "B"]))
        .group_by("event_id", "run")
        .agg(
            size=pl.col("size").sum(),
            side=pl.col("side").first(),
            prices=pl.col("price").n_unique(),
        )
        .filter(pl.col("size") >= VARS["sweep_min_size"], pl.col("prices") >= 2)
        .group_by("event_id")
        .agg(
            sweep_count=pl.len().cast(pl.Int64),
            sweep_net_size=pl.when(pl.col("side") == "B")
            .then(pl.col("size"))
            .otherwise(-pl.col("size"))
            .sum(),
        )
    )


def passive_volume(events: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """What attacking aggressors traded in the barrier's zone."""
    attacker = pl.when(pl.col("dir_sign") == 1).then(pl.lit("B")).otherwise(pl.lit("A"))
    return (
        _window_trades(events, trades, VARS["barrier_window_s"])
        .filter(_is_near(REACH), pl.col("side") == attacker)
        .group_by("event_id")
        .agg(passive_volume=pl.col("size").sum())
    )


# --- book ----------------------------------------------------------------------------------------


def book_rows(bronze: Path, session_date: str, session: dict[str, Any]) -> pl.LazyFrame:
    """The front month's book rows, from the last one before any window to the last anchor."""
    rows = bronze_feed(bronze, "futures/mbp10", session_date).filter(
        pl.col("symbol") == session["front_month"],
        ~pl.col("action").is_in(["T", "N"]),
        pl.col("flags") & 4 == 0,
    )
    warmed_up = session["rth_start_ns"] - VARS["wall_baseline_s"] * SECOND
    start = (
        rows.filter(pl.col("ts_recv") <= warmed_up)
        .select(pl.col("ts_recv").max().fill_null(0))
        .collect(engine="streaming")
        .item()
    )
    return rows.filter(pl.col("ts_recv").is_between(start, session["event_end_ns"])).select(
        "ts_recv",
        is_reset=(pl.col("action") == "R") | (pl.col("flags") & 32 != 0),
        **{name: pl.col(name) / 1e9 for name in LADDER if "_px_" in name},
        **{name: pl.col(name).cast(pl.Int64) for name in LADDER if "_sz_" in name},
    )


def book_pairs(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every row beside the one before it, whose columns are called `earlier_`."""
    return rows.with_columns(
        pl.col(LADDER).shift(1).name.prefix("earlier_"),
        is_pair=~(pl.col("is_reset") | pl.col("is_reset").shift(1)).fill_null(True),
    )


def _ofi_side(side: str, level: str) -> pl.Expr:
    price, size = f"{side}_px_{level}", f"{side}_sz_{level}"
    now, before = pl.col(price), pl.col(f"earlier_{price}")
    gained, lost = (
        (now >= before, now <= before) if side == "bid" else (now <= before, now >= before)
    )
    return pl.when("is_pair", gained).then(size).otherwise(0) - pl.when("is_pair", lost).then(
        f"earlier_{size}"
    ).otherwise(0)


def _size_per_level(*sides: str) -> pl.Expr:
    """Mean displayed size over the levels that have a price; NULL without any."""
    prices = [pl.col(f"{side}_px_{m}").is_not_null() for side in sides for m in LEVELS]
    sizes = [pl.col(f"{side}_sz_{m}") for side in sides for m in LEVELS]
    shown = [pl.when(price).then(size) for price, size in zip(prices, sizes, strict=True)]
    return quotient(pl.sum_horizontal(shown), pl.sum_horizontal(prices))


def _size_between(side: str, low: pl.Expr, high: pl.Expr, earlier: str = "") -> pl.Expr:
    return pl.sum_horizontal(
        pl.when(pl.col(f"{earlier}{side}_px_{m}").is_between(low, high)).then(
            f"{earlier}{side}_sz_{m}"
        )
        for m in LEVELS
    )


def _with_cells(frame: pl.LazyFrame, boundaries: pl.LazyFrame) -> pl.LazyFrame:
    """`frame` with the first boundary at or after each row as `boundary_ns`, the key of its cell.

    A window whose two ends are boundaries is a whole number of cells.
    """
    return frame.join_asof(
        boundaries.sort("boundary_ns"),
        left_on="ts_recv",
        right_on="boundary_ns",
        strategy="forward",
    ).filter(pl.col("boundary_ns").is_not_null())


def _boundaries(windows: pl.LazyFrame) -> pl.LazyFrame:
    """Both ends of every window."""
    ends = ("anchor_ns", "start_ns")
    return pl.concat(windows.select(boundary_ns=end) for end in ends).unique()


def _windows(anchors: pl.LazyFrame, on: str, seconds: list[int]) -> pl.LazyFrame:
    """One row per anchor and window (start_ns, anchor_ns]."""
    return (
        anchors.select(anchor_ns=on)
        .unique()
        .with_columns(window_s=seconds)
        .explode("window_s")
        .with_columns(start_ns=pl.col("anchor_ns") - pl.col("window_s") * SECOND)
    )


def book_windows(events: pl.LazyFrame, marks: pl.LazyFrame, pairs: pl.LazyFrame) -> pl.LazyFrame:
    """Sums and means over every window that ends at an event or a minute mark."""
    windows = pl.concat(
        [
            _windows(events, "event_ts_ns", [*VARS["ofi_windows_s"], VARS["wall_baseline_s"]]),
            _windows(marks, "mark_ns", [FORCE_WINDOW]),
        ]
    ).unique()
    sums = [f"ofi_{m}" for m in LEVELS]
    sizes = {"bid": ["bid"], "ask": ["ask"], "both": ["bid", "ask"]}
    cells = (
        pairs.select(
            "ts_recv",
            **{f"ofi_{m}": _ofi_side("bid", m) - _ofi_side("ask", m) for m in LEVELS},
            **{name: _size_per_level(*sides) for name, sides in sizes.items()},
        )
        .pipe(_with_cells, _boundaries(windows))
        .group_by("boundary_ns")
        .agg(
            pl.col(sums).sum(),
            pl.col(*sizes).sum(),
            pl.col(*sizes).count().name.suffix("_count"),
        )
    )
    weights = [math.exp(-VARS["ofi_level_decay"] * m) for m in range(len(LEVELS))]
    return (
        windows.join_where(
            cells,
            pl.col("boundary_ns") > pl.col("start_ns"),
            pl.col("boundary_ns") <= pl.col("anchor_ns"),
        )
        .group_by("anchor_ns", "window_s")
        .agg(pl.exclude("start_ns", "boundary_ns").sum())
        .select(
            "anchor_ns",
            "window_s",
            ofi_best="ofi_00",
            ofi_integrated=pl.sum_horizontal(
                pl.col(name) * weight for name, weight in zip(sums, weights, strict=True)
            )
            / sum(weights),
            **{f"{name}_size": quotient(pl.col(name), pl.col(f"{name}_count")) for name in sizes},
        )
    )


def event_flows(events: pl.LazyFrame, pairs: pl.LazyFrame) -> pl.LazyFrame:
    """What depends on an event's own level: flow near it, depth added to and removed from it."""
    lengths = sorted({*VARS["ofi_windows_s"], VARS["barrier_window_s"]})
    boundaries = _boundaries(_windows(events, "event_ts_ns", lengths))
    event_cells = events.with_columns(
        start_ns=pl.col("event_ts_ns") - lengths[-1] * SECOND
    ).join_where(
        boundaries,
        pl.col("boundary_ns") > pl.col("start_ns"),
        pl.col("boundary_ns") <= pl.col("event_ts_ns"),
    )

    def nearness(side: str, level: str) -> pl.Expr:
        distance = (pl.col(f"{side}_px_{level}") - pl.col("level_price")).abs()
        return (-distance / VARS["ofi_near_level_scale"]).exp()

    low, high = pl.col("level_price") - REACH, pl.col("level_price") + REACH
    # Only prices that both rows show can have changed: a ladder of ten levels ends at its tenth.
    ask_end = pl.min_horizontal(high, "ask_px_09", "earlier_ask_px_09")
    bid_end = pl.max_horizontal(low, "bid_px_09", "earlier_bid_px_09")
    change = (
        pl.when(~pl.col("is_pair"))
        .then(0)
        .when(pl.col("dir_sign") == 1)
        .then(_size_between("ask", low, ask_end) - _size_between("ask", low, ask_end, "earlier_"))
        .otherwise(
            _size_between("bid", bid_end, high) - _size_between("bid", bid_end, high, "earlier_")
        )
    )

    shows_zone = pl.col("is_pair") & (
        pl.when(pl.col("dir_sign") == 1)
        .then((low / TICK).ceil() <= (ask_end / TICK).floor())
        .otherwise((bid_end / TICK).ceil() <= (high / TICK).floor())
    )

    def within(seconds: int) -> pl.Expr:
        return pl.col("boundary_ns") > pl.col("event_ts_ns") - seconds * SECOND

    in_barrier = within(VARS["barrier_window_s"])
    gained = pl.col("change").clip(lower_bound=0)
    lost = (-pl.col("change")).clip(lower_bound=0)
    return (
        pairs.pipe(_with_cells, boundaries)
        .join(event_cells, on="boundary_ns")
        .select(
            "event_id",
            "event_ts_ns",
            "boundary_ns",
            near=pl.sum_horizontal(
                nearness(side, m) * _ofi_side(side, m) * sign
                for side, sign in (("bid", 1), ("ask", -1))
                for m in LEVELS
            ),
            change=change,
            shows_zone=shows_zone,
        )
        .group_by("event_id")
        .agg(
            **{
                f"ofi_near_level_{w}s": _known_sum(pl.col("near").filter(within(w)))
                for w in VARS["ofi_windows_s"]
            },
            barrier_added=gained.filter(in_barrier).sum(),
            barrier_removed=lost.filter(in_barrier).sum(),
            is_shown=(pl.col("shows_zone") & in_barrier).any(),
        )
        # Where no pair shows any of the zone, nothing of it is known.
        .with_columns(
            pl.when("is_shown").then(pl.col(f"barrier_{name}")).alias(f"barrier_{name}")
            for name in ("added", "removed")
        )
        .drop("is_shown")
    )


def _known_sum(values: pl.Expr) -> pl.Expr:
    """Their sum; NULL, not 0, of none."""
    return pl.when(values.count() > 0).then(values.sum())


def last_book(events: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Defending size in the zone of the last book row at or before each event."""
    low, high = pl.col("level_price") - REACH, pl.col("level_price") + REACH

    def defending(columns: Callable[[str], pl.Expr]) -> pl.Expr:
        return pl.when(pl.col("dir_sign") == 1).then(columns("ask")).otherwise(columns("bid"))

    # In ticks, signed by the direction, so that the best price is the lowest.
    sign = pl.col("dir_sign")
    first = pl.when(sign == 1).then((low / TICK).ceil()).otherwise(-(high / TICK).floor())
    last = pl.when(sign == 1).then((high / TICK).floor()).otherwise(-(low / TICK).ceil())
    best = sign * (defending(lambda side: pl.col(f"{side}_px_{LEVELS[0]}")) / TICK).round()
    tenth = sign * (defending(lambda side: pl.col(f"{side}_px_{LEVELS[-1]}")) / TICK).round()
    begin = pl.max_horizontal(first, best)
    live = (last - begin + 1).clip(lower_bound=0)
    shown = (pl.min_horizontal(last, tenth) - begin + 1).clip(lower_bound=0)
    visible = pl.when(best.is_not_null()).then(quotient(shown, live))
    return (
        events.join_asof(rows, left_on="event_ts_ns", right_on="ts_recv")
        .filter(pl.col("ts_recv").is_not_null())
        .select(
            "event_id",
            book_source_ts_ns="ts_recv",
            depth_in_zone=defending(lambda side: _size_between(side, low, high)),
            levels_in_zone=defending(
                lambda side: pl.sum_horizontal(
                    pl.col(f"{side}_px_{m}").is_between(low, high) for m in LEVELS
                )
            ),
            barrier_visible_share=visible,
        )
        .with_columns(pl.when(pl.col("barrier_visible_share").ne_missing(0)).then("depth_in_zone"))
    )


# --- features ------------------------------------------------------------------------------------


def with_order_flow(events: pl.LazyFrame, windows: pl.LazyFrame) -> pl.LazyFrame:
    """Adds the columns `ofi_*`, but `ofi_near_level_*`."""
    for w in VARS["ofi_windows_s"]:
        ofi = pl.col("ofi_integrated")
        events = events.join(
            windows.filter(pl.col("window_s") == w).select(
                pl.col("anchor_ns").alias("event_ts_ns"),
                pl.col("ofi_best").alias(f"ofi_best_{w}s"),
                ofi.alias(f"ofi_integrated_{w}s"),
                quotient(ofi, pl.col("both_size")).alias(f"ofi_normalized_{w}s"),
                (ofi.sign() * ofi.abs().log1p()).alias(f"ofi_imbalance_{w}s"),
            ),
            on="event_ts_ns",
            how="left",
        )
    return events


def with_barrier(events: pl.LazyFrame, windows: pl.LazyFrame) -> pl.LazyFrame:
    """Adds the barrier's amounts to what was added and removed, and the wall's ratio."""
    added, removed = pl.col("barrier_added"), pl.col("barrier_removed")
    filled = pl.when(removed.is_not_null()).then(pl.min_horizontal(removed, "passive_volume"))
    baseline = pl.when(pl.col("dir_sign") == 1).then("ask_size").otherwise("bid_size")
    return (
        events.join(
            windows.filter(pl.col("window_s") == VARS["wall_baseline_s"]).select(
                pl.col("anchor_ns").alias("event_ts_ns"), "ask_size", "bid_size"
            ),
            on="event_ts_ns",
            how="left",
        )
        .with_columns(pl.col("passive_volume", "sweep_count", "sweep_net_size").fill_null(0))
        .with_columns(
            sweep_detected=pl.col("sweep_count") > 0,
            barrier_filled=filled,
            barrier_pulled=removed - filled,
            barrier_delta_liq=added - removed,
            barrier_replenishment_ratio=quotient(added, removed),
            barrier_churn=added + removed,
            wall_ratio=quotient(
                quotient(pl.col("depth_in_zone"), pl.col("levels_in_zone")), baseline
            ),
        )
        .drop("ask_size", "bid_size", "levels_in_zone")
    )


def with_force(events: pl.LazyFrame, windows: pl.LazyFrame, minutes: pl.LazyFrame) -> pl.LazyFrame:
    """Adds force, mass and what the fits over the minute marks so far make of them."""
    forces = windows.filter(pl.col("window_s") == FORCE_WINDOW).select(
        "anchor_ns", ofi=pl.col("ofi_integrated") / FORCE_WINDOW, mass="both_size"
    )
    ratio = quotient(pl.col("ofi"), pl.col("mass"))
    fits = (
        minutes.join(forces, left_on="mark_ns", right_on="anchor_ns", how="left")
        .sort("mark_ns")
        .select(
            "mark_ns",
            **_fit(ratio, pl.col("acceleration"), ""),
            **_fit(ratio, pl.col("velocity"), "velocity_"),
        )
    )
    force_mass_ratio, k = pl.col("force_mass_ratio"), pl.col("force_mass_k")
    return (
        events.join(forces, left_on="event_ts_ns", right_on="anchor_ns", how="left")
        .sort("event_ts_ns")
        .join_asof(fits, left_on="event_ts_ns", right_on="mark_ns")
        .with_columns(
            force=pl.col("dir_sign") * pl.col("ofi"),
            force_mass_ratio=pl.col("dir_sign") * ratio,
            force_mass_k=k.fill_null(VARS["force_mass_scale"]),
        )
        .with_columns(
            predicted_accel=k * force_mass_ratio,
            predicted_velocity=pl.col("force_mass_velocity_k") * force_mass_ratio,
        )
        .with_columns(
            accel_residual=pl.col("acceleration_60s") - pl.col("predicted_accel"),
            velocity_residual=pl.col("velocity_60s") - pl.col("predicted_velocity"),
        )
        .drop("ofi", "mark_ns")
    )


def _fit(x: pl.Expr, y: pl.Expr, name: str) -> dict[str, pl.Expr]:
    """Least squares through the origin over the rows so far: k and r2, NULL below enough rows."""
    known = x.is_not_null() & y.is_not_null()
    x, y = pl.when(known).then(x).otherwise(0.0), pl.when(known).then(y).otherwise(0.0)
    xx, xy, yy = ((a * b).cum_sum() for a, b in ((x, x), (x, y), (y, y)))
    enough = (known.cum_sum() >= VARS["force_mass_min_marks"]) & (xx > 0)
    return {
        f"force_mass_{name}k": pl.when(enough).then(xy / xx),
        f"force_mass_{name}r2": pl.when(enough).then(1 - quotient(yy - xy**2 / xx, yy)),
    }
