"""A session's bars, levels, events, features and labels in Polars, from Bronze alone.

Writes one Parquet file per table under the names of Silver, all columns but those from options.

    python -m bench.polars_session BRONZE SESSION_DATE OUTPUT
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from bench.event_labels import event_labels
from bench.polars_features import bronze_feed, event_features, front_trades, quotient
from bench.session_clock import MINUTE, PROJECT, VARS, bar_dates, new_york_ns, session_clock

KINDS = {declared["kind"]: declared for declared in VARS["level_kinds"]}


def tables(bronze: Path, session_date: str) -> dict[str, pl.DataFrame]:
    """The tables by name."""
    session: dict[str, Any] = dict(session_clock(session_date))
    session["front_month"] = front_month(bronze, session_date, session)
    trades = front_trades(bronze, session_date, session).sort("ts_recv", "row_nr").collect()
    bars = bars_1m(trades, session)
    levels = pl.concat(
        [
            range_levels(trades, session_date, session),
            *sma_levels(bars_2m(bronze, session_date, session), session),
        ]
    )
    minutes = level_minutes(bars, levels, session)
    events = zone_entries(trades, minutes, session_date, session)
    features = event_features(bronze, session_date, session, events)
    for group in (
        approach(events, bars),
        level_distances(events, minutes),
        spx_basis(bronze, session_date, events),
    ):
        features = features.join(group, on="event_id", how="left")
    schema = {"rth_volatility": pl.Float64, "future_price": pl.Float64}
    labels = event_labels(
        events.to_dicts(), trades["ts_recv"].to_numpy(), trades["price"].to_numpy()
    )
    session_column = pl.lit(date.fromisoformat(session_date)).alias("session_date")
    return {
        "bars_1m": bars.with_columns(session_column, contract=pl.lit(session["front_month"])),
        "levels": levels.with_columns(session_column, valid_from_et=_new_york("valid_from_ns")),
        "level_events": events,
        "level_event_features": features.with_columns(
            session_column, barrier_state=barrier_state()
        ),
        "level_event_labels": pl.DataFrame(
            labels, infer_schema_length=None, schema_overrides=schema if labels else None
        ),
    }


def _new_york(column: str) -> pl.Expr:
    """Wall clock of nanoseconds."""
    return (
        pl.from_epoch(pl.col(column) // 1000, time_unit="us")
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone("America/New_York")
        .dt.replace_time_zone(None)
    )


def _bar_start(minutes: int) -> pl.Expr:
    return pl.col("ts_recv") // (minutes * MINUTE) * (minutes * MINUTE)


# --- session and bars ----------------------------------------------------------------------------


def front_month(bronze: Path, session_date: str, session: dict[str, Any]) -> str:
    """The outright with the largest volume from the open to the last anchor."""
    outrights = (
        bronze_feed(bronze, "futures/definition", session_date)
        .sort("ts_recv", "row_nr")
        .group_by("instrument_id")
        .last()
        .filter(
            pl.col("instrument_class") == "F", pl.col("user_defined_instrument").ne_missing("Y")
        )
        .select("instrument_id", "symbol", "expiration")
    )
    return (
        bronze_feed(bronze, "futures/trades", session_date)
        .filter(pl.col("ts_recv").is_between(session["rth_start_ns"], session["event_end_ns"]))
        .select("instrument_id", "size")
        .join(outrights, on="instrument_id")
        .group_by("symbol")
        .agg(pl.col("size").cast(pl.Int64).sum(), pl.col("expiration").min())
        .sort("size", "expiration", "symbol", descending=[True, False, False])
        .collect()["symbol"]
        .item(0)
    )


def bars_1m(trades: pl.DataFrame, session: dict[str, Any]) -> pl.DataFrame:
    """Minute bars with the volatility known at their end."""
    bars = (
        trades.lazy()
        .filter(
            pl.col("ts_recv").is_between(
                session["premarket_start_ns"], session["rth_end_ns"], closed="left"
            )
        )
        .group_by(bar_start_ns=_bar_start(1), maintain_order=True)
        .agg(
            open=pl.col("price").first(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            close=pl.col("price").last(),
            volume=pl.col("size").sum(),
            vwap=(pl.col("price") * pl.col("size")).sum() / pl.col("size").sum(),
            trade_count=pl.len().cast(pl.Int64),
            buy_volume=pl.col("size").filter(pl.col("side") == "B").sum(),
            sell_volume=pl.col("size").filter(pl.col("side") == "A").sum(),
        )
        .with_columns(
            bar_end_ns=pl.col("bar_start_ns") + MINUTE,
            bar_start_et=_new_york("bar_start_ns"),
            is_rth=pl.col("bar_start_ns") >= session["rth_start_ns"],
        )
        .collect()
    )
    high, low, before = pl.col("high"), pl.col("low"), pl.col("close").shift(1)
    volatility = (
        bars.filter("is_rth")
        .with_columns(
            true_range=pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs()),
            change=pl.col("close").diff(),
        )
        .select(
            "bar_start_ns",
            "true_range",
            atr=pl.col("true_range").rolling_mean(VARS["atr_bars"], min_samples=1),
            rth_volatility=pl.col("change").rolling_std(VARS["volatility_bars"], min_samples=2),
        )
    )
    return bars.join(volatility, on="bar_start_ns", how="left").sort("bar_start_ns")


def bars_2m(bronze: Path, session_date: str, session: dict[str, Any]) -> pl.DataFrame:
    """Closes of the two-minute bars of the session's contract, warm-up dates included."""
    return (
        pl.concat(
            bronze_feed(bronze, "futures/trades", day)
            .filter(pl.col("symbol") == session["front_month"])
            .select("ts_recv", "row_nr", "price")
            .sort("ts_recv", "row_nr")
            for day in bar_dates(session_date)
        )
        .group_by(bar_start_ns=_bar_start(2), maintain_order=True)
        .agg(close=pl.col("price").last() / 1e9)
        .collect()
    )


# --- levels and events ---------------------------------------------------------------------------


def range_levels(trades: pl.DataFrame, session_date: str, session: dict[str, Any]) -> pl.DataFrame:
    """Highs and lows of ranges of the clock."""

    def at(clock: str) -> int:
        return session.get(f"{clock}_ns") or new_york_ns(session_date, clock)

    rows = []
    for kind, declared in KINDS.items():
        if clocks := declared.get("high_of", declared.get("low_of")):
            begin, end = map(at, clocks)
            prices = trades.filter(pl.col("ts_recv").is_between(begin, end, closed="left"))["price"]
            extreme = prices.max() if "high_of" in declared else prices.min()
            valid_from = at(declared.get("valid_from", clocks[1]))
            rows.append((kind, extreme, valid_from, session["trade_date_end_ns"]))
    columns = {"level_kind": pl.String, "level_price": pl.Float64}
    columns |= dict.fromkeys(("valid_from_ns", "valid_to_ns"), pl.Int64)
    return pl.DataFrame(rows, schema=columns, orient="row").drop_nulls()


def sma_levels(bars: pl.DataFrame, session: dict[str, Any]) -> list[pl.DataFrame]:
    """Moving averages of the two-minute closes, each from one bar's end to the next."""
    ends = pl.col("bar_start_ns") + 2 * MINUTE
    return [
        bars.select(
            level_kind=pl.lit(kind),
            level_price=pl.col("close").rolling_mean(declared["mean_of_bars"]),
            valid_from_ns=ends,
            valid_to_ns=ends.shift(-1, fill_value=session["trade_date_end_ns"]),
        ).filter(
            pl.col("level_price").is_not_null(),
            pl.col("valid_to_ns") > session["trade_date_start_ns"],
            pl.col("valid_to_ns") > pl.col("valid_from_ns"),
        )
        for kind, declared in KINDS.items()
        if "mean_of_bars" in declared
    ]


def level_minutes(
    bars: pl.DataFrame, levels: pl.DataFrame, session: dict[str, Any]
) -> pl.DataFrame:
    """Every kind's price and zone at every minute; levels and bars change on whole minutes only."""
    volatility = bars.filter("is_rth").select("bar_end_ns", "atr", "rth_volatility")
    return (
        pl.DataFrame()
        .select(
            minute_ns=pl.int_range(session["rth_start_ns"], session["event_end_ns"] + 1, MINUTE)
        )
        .join_asof(volatility, left_on="minute_ns", right_on="bar_end_ns")
        .join(pl.DataFrame({"level_kind": list(KINDS)}), how="cross")
        .sort("minute_ns")
        .join_asof(
            levels.sort("valid_from_ns"),
            left_on="minute_ns",
            right_on="valid_from_ns",
            by="level_kind",
            check_sortedness=False,
        )
        .filter(pl.col("minute_ns") < pl.col("valid_to_ns"))
        .select(
            "minute_ns",
            *("level_kind", "level_price", "atr", "rth_volatility"),
            zone_width=pl.max_horizontal(
                VARS["zone_min_width"], VARS["zone_atr_multiple"] * pl.col("atr")
            ),
        )
    )


def zone_entries(
    trades: pl.DataFrame, minutes: pl.DataFrame, session_date: str, session: dict[str, Any]
) -> pl.DataFrame:
    """The table `level_events`."""
    distance = (pl.col("price") - pl.col("level_price")).abs()
    # Neither in nor out leaves the state as it was; a level that is not valid forgets it.
    state = (
        pl.when(pl.col("level_price").is_null())
        .then(pl.lit("unknown"))
        .when(distance <= pl.col("zone_width"))
        .then(pl.lit("in"))
        .when(distance > VARS["zone_rearm_multiple"] * pl.col("zone_width"))
        .then(pl.lit("out"))
    )
    window = (
        trades.lazy()
        .filter(pl.col("ts_recv").is_between(session["rth_start_ns"], session["event_end_ns"]))
        .select("ts_recv", "price", previous=pl.col("price").shift(1), minute_ns=_bar_start(1))
    )
    entries = pl.concat(
        window.join(
            minutes.lazy().filter(pl.col("level_kind") == kind),
            on="minute_ns",
            how="left",
            maintain_order="left",
        )
        .with_columns(state=state)
        .filter(pl.col("state").is_not_null())
        .filter(pl.col("state") == "in", pl.col("state").shift(1) == "out")
        for kind in KINDS
    )
    is_up = pl.col("previous") < pl.col("level_price")
    since_open = (pl.col("event_ts_ns") - session["rth_start_ns"]) / 60e9
    phases = pl.read_csv(PROJECT / "seeds" / "session_phases.csv").select(
        "session_phase", pl.col("from_minutes").cast(pl.Float64)
    )
    return (
        entries.select(
            pl.lit(date.fromisoformat(session_date)).alias("session_date"),
            event_ts_ns="ts_recv",
            event_ts_et=_new_york("ts_recv"),
            contract=pl.lit(session["front_month"]),
            level_kind="level_kind",
            level_price="level_price",
            direction=pl.when(is_up).then(pl.lit("UP")).otherwise(pl.lit("DOWN")),
            dir_sign=pl.when(is_up).then(1).otherwise(-1),
            spot="price",
            zone_width="zone_width",
            atr="atr",
            rth_volatility="rth_volatility",
        )
        .with_columns(
            event_id=pl.format(
                "{}_{}_{}_{}_{}",
                pl.lit(session_date.replace("-", "")),
                "level_kind",
                (pl.col("level_price") * 100 + 0.5).floor().cast(pl.Int64),
                "event_ts_ns",
                "direction",
            ),
            minutes_since_open=since_open,
            bars_since_open=since_open.floor().cast(pl.Int32),
        )
        .sort("minutes_since_open")
        .join_asof(phases.lazy(), left_on="minutes_since_open", right_on="from_minutes")
        .drop("from_minutes")
        .with_columns(is_first_15m=pl.col("session_phase") == 1)
        .sort("event_ts_ns", "event_id")
        .collect()
    )


# --- features that need no book ------------------------------------------------------------------


def approach(events: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """How price came to the level, by the bars completed before."""
    lookback = VARS["approach_lookback_minutes"] * MINUTE
    toward = pl.col("dir_sign") * pl.col("close").diff()
    # Bars of the run: those with no step away after or at them.
    steps = (toward > 0).fill_null(False).reverse().cast(pl.Int64).cum_prod().sum()
    first, last = pl.col("close").first(), pl.col("close").last()
    minutes = (pl.col("bar_end_ns").last() - pl.col("bar_end_ns").first()) / 60e9
    approaches = (
        events.with_columns(start=pl.col("event_ts_ns") - lookback)
        .join_where(
            bars.select("bar_end_ns", "close"),
            pl.col("bar_end_ns") > pl.col("start"),
            pl.col("bar_end_ns") <= pl.col("event_ts_ns"),
        )
        .sort("bar_end_ns")
        .group_by("event_id")
        .agg(
            approach_velocity=quotient(pl.col("dir_sign").first() * (last - first), minutes),
            approach_bars=steps,
            approach_distance=(last - first).abs(),
            bar_source_ts_ns=pl.col("bar_end_ns").last(),
        )
    )
    touches = pl.col("event_ts_ns").rank("min").over("level_kind").cast(pl.Int64) - 1
    return (
        events.select("event_id", prior_touches=touches)
        .join(approaches, on="event_id", how="left")
        .with_columns(pl.col("approach_bars").fill_null(0))
    )


def level_distances(events: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """Signed distances to every valid level, and how many others lie near."""
    kind = pl.col("level_kind_right")
    others = kind != pl.col("level_kind")
    apart = (pl.col("level_price_right") - pl.col("level_price")).abs()
    columns: dict[str, pl.Expr] = {}
    for name in KINDS:
        distance = (pl.col("spot") - pl.col("level_price_right")).filter(kind == name).first()
        columns[f"dist_to_{name.lower()}"] = distance
        columns[f"dist_to_{name.lower()}_atr"] = quotient(distance, pl.col("atr").first())
    for reach in (2, 5, 10):
        columns[f"level_stacking_{reach}pt"] = (others & (apart <= reach)).sum().cast(pl.Int64)
    return (
        events.with_columns(minute_ns=pl.col("event_ts_ns") // MINUTE * MINUTE)
        .join(minutes.select("minute_ns", "level_kind", "level_price"), on="minute_ns")
        .group_by("event_id")
        .agg(**columns)
    )


def spx_basis(bronze: Path, session_date: str, events: pl.DataFrame) -> pl.DataFrame:
    """Spot less the last SPX price."""
    spx = (
        pl.scan_parquet(bronze / "index" / "spx" / f"date={session_date}" / "*.parquet")
        .sort("ts_recv", "row_nr")
        .select("ts_recv", spx=pl.col("price") / 1e9)
        .collect()
    )
    return (
        events.sort("event_ts_ns")
        .join_asof(spx, left_on="event_ts_ns", right_on="ts_recv")
        .select("event_id", es_spx_basis=pl.col("spot") - pl.col("spx"))
    )


def barrier_state() -> pl.Expr:
    """The barrier in one word, from its amounts; the first that fits."""
    change, added, removed = (
        pl.col(f"barrier_{name}") for name in ("delta_liq", "added", "removed")
    )
    replenished = pl.when(removed > 0).then(added / removed).when(added > 0).then(float("inf"))
    large = VARS["barrier_delta_large"]
    return (
        pl.when(change.is_null())
        .then(None)
        .when(pl.col("barrier_visible_share") < VARS["barrier_min_visible_share"])
        .then(None)
        .when((replenished < VARS["barrier_vacuum_ratio"]) & (change < -large))
        .then(pl.lit("VACUUM"))
        .when((replenished > VARS["barrier_wall_ratio"]) & (change > large))
        .then(pl.lit("WALL"))
        .when((change < -large) & (pl.col("barrier_filled") > pl.col("barrier_pulled")))
        .then(pl.lit("CONSUMED"))
        .when((change > 0) & (replenished > VARS["barrier_absorption_ratio"]))
        .then(pl.lit("ABSORPTION"))
        .when(pl.col("depth_in_zone") < VARS["barrier_weak_depth"])
        .then(pl.lit("WEAK"))
        .when(
            (change.abs() < VARS["barrier_delta_small"])
            & (pl.col("barrier_churn") > VARS["barrier_churn_active"])
        )
        .then(pl.lit("ABSORPTION"))
        .otherwise(pl.lit("NEUTRAL"))
    )


if __name__ == "__main__":
    bronze_root, date_given, output = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    for table, rows in tables(Path(bronze_root), date_given).items():
        rows.write_parquet(Path(output) / f"{table}.parquet")
