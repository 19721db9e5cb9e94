"""The same tables in pandas, as a research script has them: whole columns, then event by event.

Writes one Parquet file per table under the names of Silver, all columns but those from options.

    python -m bench.pandas_session BRONZE SESSION_DATE OUTPUT
"""

from __future__ import annotations

import math
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.event_labels import event_labels
from bench.session_clock import MINUTE, PROJECT, VARS, bar_dates, session_clock

SECOND = 1_000_000_000
KINDS = ["PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW", "SMA_200", "SMA_400"]
LEVELS = [f"{level:02d}" for level in range(10)]
SPECS = pd.read_csv(PROJECT / "seeds" / "contract_specs.csv", index_col="root")
TICK = float(SPECS.loc["ES", "tick_size_points"])
REACH = VARS["barrier_zone_ticks"] * TICK
FORCE_WINDOW = 60
Row = dict[str, Any]


def tables(bronze: Path, session_date: str) -> dict[str, pd.DataFrame]:
    """The tables by name."""
    session: dict[str, Any] = dict(session_clock(session_date))
    all_trades = read_trades(bronze, session_date)
    session["front_month"] = front_month(bronze, session_date, all_trades, session)
    trades = all_trades[all_trades["symbol"] == session["front_month"]].reset_index(drop=True)
    bars = bars_1m(trades, session)
    closes = bars_2m(bronze, session_date, session["front_month"])
    levels = pd.concat([range_levels(trades, session), sma_levels(closes, session)])
    minutes = level_minutes(bars, levels, session)
    events = zone_entries(trades, minutes, session_date, session)
    book = Book(bronze, session_date, session)
    features = event_features(bronze, session_date, session, events, trades, bars, minutes, book)
    labels = event_labels(
        events.to_dict("records"), trades["ts_recv"].to_numpy(), trades["price"].to_numpy()
    )
    day = date.fromisoformat(session_date)
    return {
        "bars_1m": bars.assign(session_date=day, contract=session["front_month"]),
        "levels": levels.assign(session_date=day, valid_from_et=new_york(levels["valid_from_ns"])),
        "level_events": events,
        "level_event_features": features.assign(session_date=day),
        "level_event_labels": frame_of(labels),
    }


def frame_of(rows: list[Row]) -> pd.DataFrame:
    """A frame of rows; times stay whole numbers beside unknown ones, which a float cannot hold."""
    frame = pd.DataFrame(rows)
    for name in frame.columns:
        if name.endswith("_source_ts_ns"):
            frame[name] = pd.array([row.get(name) for row in rows], dtype="Int64")
    return frame


def read_bronze(
    bronze: Path, feed: str, session_date: str, columns: list[str] | None = None
) -> pd.DataFrame:
    """Whole columns of a partition, all of them without `columns`."""
    folder = bronze / feed / "root=ES" / f"date={session_date}"
    return pd.concat(
        [pd.read_parquet(path, columns=columns) for path in sorted(folder.glob("*.parquet"))]
    )


def read_trades(bronze: Path, session_date: str) -> pd.DataFrame:
    """Trades of every instrument in order, prices in points."""
    columns = ["ts_recv", "row_nr", "instrument_id", "symbol", "side", "price", "size"]
    trades = read_bronze(bronze, "futures/trades", session_date, columns)
    trades["price"] = trades["price"] / 1e9
    trades["size"] = trades["size"].astype("int64")
    return trades.sort_values(["ts_recv", "row_nr"])


def new_york(ns: pd.Series) -> pd.Series:
    """Wall clock of nanoseconds."""
    utc = pd.to_datetime(ns // 1000, unit="us", utc=True)
    return utc.dt.tz_convert("America/New_York").dt.tz_localize(None)


# --- session and bars ----------------------------------------------------------------------------


def front_month(
    bronze: Path, session_date: str, trades: pd.DataFrame, session: dict[str, Any]
) -> str:
    """The outright with the largest volume from the open to the last anchor."""
    definitions = read_bronze(bronze, "futures/definition", session_date)
    latest = definitions.sort_values(["ts_recv", "row_nr"]).drop_duplicates(
        "instrument_id", keep="last"
    )
    outrights = latest[
        (latest["instrument_class"] == "F") & (latest["user_defined_instrument"] != "Y")
    ][["instrument_id", "expiration"]]
    window = trades[trades["ts_recv"].between(session["rth_start_ns"], session["event_end_ns"])]
    volumes = (
        window.merge(outrights, on="instrument_id")
        .groupby("symbol")
        .agg(volume=("size", "sum"), expiration=("expiration", "min"))
        .reset_index()
        .sort_values(["volume", "expiration", "symbol"], ascending=[False, True, True])
    )
    return str(volumes["symbol"].iloc[0])


def bars_1m(trades: pd.DataFrame, session: dict[str, Any]) -> pd.DataFrame:
    """Minute bars with the volatility known at their end."""
    inside = (trades["ts_recv"] >= session["premarket_start_ns"]) & (
        trades["ts_recv"] < session["rth_end_ns"]
    )
    window = trades[inside]
    window = window.assign(
        bar_start_ns=window["ts_recv"] // MINUTE * MINUTE,
        amount=window["price"] * window["size"],
        bought=window["size"].where(window["side"] == "B", 0),
        sold=window["size"].where(window["side"] == "A", 0),
    )
    bars = (
        window.groupby("bar_start_ns")
        .agg(
            open=("price", "first"),
            high=("price", "max"),
            low=("price", "min"),
            close=("price", "last"),
            volume=("size", "sum"),
            amount=("amount", "sum"),
            trade_count=("price", "size"),
            buy_volume=("bought", "sum"),
            sell_volume=("sold", "sum"),
        )
        .reset_index()
    )
    bars["vwap"] = bars.pop("amount") / bars["volume"]
    bars["bar_end_ns"] = bars["bar_start_ns"] + MINUTE
    bars["bar_start_et"] = new_york(bars["bar_start_ns"])
    bars["is_rth"] = bars["bar_start_ns"] >= session["rth_start_ns"]
    rth = bars[bars["is_rth"]]
    before = rth["close"].shift(1)
    ranges = [rth["high"] - rth["low"], (rth["high"] - before).abs(), (rth["low"] - before).abs()]
    # Assigned by index, so that the bars before the open stay unknown.
    bars["true_range"] = pd.concat(ranges, axis=1).max(axis=1)
    bars["atr"] = bars.loc[rth.index, "true_range"].rolling(VARS["atr_bars"], min_periods=1).mean()
    bars["rth_volatility"] = (
        rth["close"].diff().rolling(VARS["volatility_bars"], min_periods=2).std()
    )
    return bars


def bars_2m(bronze: Path, session_date: str, contract: str) -> pd.DataFrame:
    """Closes of the two-minute bars of a contract, warm-up dates included."""
    trades = pd.concat([read_trades(bronze, day) for day in bar_dates(session_date)])
    trades = trades[trades["symbol"] == contract]
    starts = trades["ts_recv"] // (2 * MINUTE) * (2 * MINUTE)
    closes = trades.groupby(starts)["price"].last()
    return pd.DataFrame({"bar_end_ns": closes.index + 2 * MINUTE, "close": closes.to_numpy()})


# --- levels and events ---------------------------------------------------------------------------


def range_levels(trades: pd.DataFrame, session: dict[str, Any]) -> pd.DataFrame:
    """Highs and lows of the premarket and of the opening range."""
    rows = []
    for name, begin, end in (
        ("PM", session["premarket_start_ns"], session["rth_start_ns"]),
        ("OR", session["rth_start_ns"], session["opening_range_end_ns"]),
    ):
        prices = trades["price"][(trades["ts_recv"] >= begin) & (trades["ts_recv"] < end)]
        if len(prices):
            for side, price in (("HIGH", prices.max()), ("LOW", prices.min())):
                rows.append((f"{name}_{side}", price, end, session["trade_date_end_ns"]))
    return pd.DataFrame(rows, columns=["level_kind", "level_price", "valid_from_ns", "valid_to_ns"])


def sma_levels(bars: pd.DataFrame, session: dict[str, Any]) -> pd.DataFrame:
    """Moving averages of the two-minute closes, each from one bar's end to the next."""
    frames = []
    for length in (200, 400):
        frame = pd.DataFrame(
            {
                "level_kind": f"SMA_{length}",
                "level_price": bars["close"].rolling(length).mean(),
                "valid_from_ns": bars["bar_end_ns"],
                "valid_to_ns": bars["bar_end_ns"].shift(
                    -1, fill_value=session["trade_date_end_ns"]
                ),
            }
        ).dropna(subset="level_price")
        frames.append(
            frame[
                (frame["valid_to_ns"] > session["trade_date_start_ns"])
                & (frame["valid_to_ns"] > frame["valid_from_ns"])
            ]
        )
    return pd.concat(frames)


def level_minutes(
    bars: pd.DataFrame, levels: pd.DataFrame, session: dict[str, Any]
) -> pd.DataFrame:
    """Every kind's price and zone at every minute; levels and bars change on whole minutes only."""
    minutes = pd.merge_asof(
        pd.DataFrame(
            {"minute_ns": np.arange(session["rth_start_ns"], session["event_end_ns"] + 1, MINUTE)}
        ),
        bars.loc[bars["is_rth"], ["bar_end_ns", "atr", "rth_volatility"]],
        left_on="minute_ns",
        right_on="bar_end_ns",
    )
    grid = minutes.merge(pd.DataFrame({"level_kind": KINDS}), how="cross")
    grid = pd.merge_asof(
        grid,
        levels.sort_values("valid_from_ns"),
        left_on="minute_ns",
        right_on="valid_from_ns",
        by="level_kind",
    )
    grid = grid[grid["minute_ns"] < grid["valid_to_ns"]]
    width = (VARS["zone_atr_multiple"] * grid["atr"]).clip(lower=VARS["zone_min_width"])
    return grid.assign(zone_width=width.fillna(VARS["zone_min_width"]))[
        ["minute_ns", "level_kind", "level_price", "zone_width", "atr", "rth_volatility"]
    ]


def zone_entries(
    trades: pd.DataFrame, minutes: pd.DataFrame, session_date: str, session: dict[str, Any]
) -> pd.DataFrame:
    """The table `level_events`."""
    inside = trades["ts_recv"].between(session["rth_start_ns"], session["event_end_ns"])
    window = trades.loc[inside, ["ts_recv", "price"]]
    window["previous"] = window["price"].shift(1)
    window["minute_ns"] = window["ts_recv"] // MINUTE * MINUTE
    found = []
    for kind in KINDS:
        frame = window.merge(minutes[minutes["level_kind"] == kind], on="minute_ns", how="left")
        distance = (frame["price"] - frame["level_price"]).abs()
        state = pd.Series(np.nan, index=frame.index)
        state[distance <= frame["zone_width"]] = 1.0
        state[distance > VARS["zone_rearm_multiple"] * frame["zone_width"]] = 0.0
        # Neither in nor out leaves the state as it was; a level that is not valid forgets it.
        state[frame["level_price"].isna()] = -1.0
        state = state.ffill()
        found.append(frame[(state == 1.0) & (state.shift(1) == 0.0)])
    events = pd.concat(found)
    up = events["previous"] < events["level_price"]
    events = events.assign(
        session_date=date.fromisoformat(session_date),
        event_ts_ns=events["ts_recv"],
        event_ts_et=new_york(events["ts_recv"]),
        contract=session["front_month"],
        direction=np.where(up, "UP", "DOWN"),
        dir_sign=np.where(up, 1, -1),
        spot=events["price"],
    ).drop(columns=["ts_recv", "price", "previous", "minute_ns"])
    day = session_date.replace("-", "")
    cents = np.floor(events["level_price"] * 100 + 0.5).astype("int64")
    events["event_id"] = [
        f"{day}_{row.level_kind}_{price}_{row.event_ts_ns}_{row.direction}"
        for row, price in zip(events.itertuples(), cents, strict=True)
    ]
    events["minutes_since_open"] = (events["event_ts_ns"] - session["rth_start_ns"]) / 60e9
    events["bars_since_open"] = np.floor(events["minutes_since_open"]).astype("int32")
    phases = pd.read_csv(PROJECT / "seeds" / "session_phases.csv").astype({"from_minutes": float})
    events = pd.merge_asof(
        events.sort_values("minutes_since_open"),
        phases[["session_phase", "from_minutes"]],
        left_on="minutes_since_open",
        right_on="from_minutes",
    ).drop(columns="from_minutes")
    events["is_first_15m"] = events["session_phase"] == 1
    return events.sort_values(["event_ts_ns", "event_id"]).reset_index(drop=True)


# --- book ----------------------------------------------------------------------------------------


class Book:
    """The front month's book rows as arrays [row, level], each with its change to the row before.

    Prices in points (NaN where there is none), sizes in contracts.
    """

    def __init__(self, bronze: Path, session_date: str, session: dict[str, Any]) -> None:
        ladder = [
            f"{side}_{what}_{m}" for side in ("bid", "ask") for what in ("px", "sz") for m in LEVELS
        ]
        columns = ["ts_recv", "symbol", "action", "flags", *ladder]
        book = read_bronze(bronze, "futures/mbp10", session_date, columns)
        book = book[
            (book["symbol"] == session["front_month"])
            & ~book["action"].isin(["T", "N"])
            & (book["flags"] & 4 == 0)
            & (book["ts_recv"] <= session["event_end_ns"])
        ]
        warmed_up = session["rth_start_ns"] - VARS["wall_baseline_s"] * SECOND
        before = book["ts_recv"][book["ts_recv"] <= warmed_up]
        if len(before):
            book = book[book["ts_recv"] >= before.max()]
        self.ts = book["ts_recv"].to_numpy()
        reset = (book["action"] == "R") | (book["flags"] & 32 != 0)
        is_pair = ~(reset | reset.shift(1, fill_value=True))
        self.is_pair = is_pair.to_numpy()
        self.price, self.size, self.flow = {}, {}, {}
        for side in ("bid", "ask"):
            self.price[side] = (book[[f"{side}_px_{m}" for m in LEVELS]] / 1e9).to_numpy()
            self.size[side] = book[[f"{side}_sz_{m}" for m in LEVELS]].to_numpy(dtype="float64")
            flows = []
            for m in LEVELS:
                price, size = book[f"{side}_px_{m}"], book[f"{side}_sz_{m}"].astype("float64")
                earlier = price.shift(1)
                gained, lost = (
                    (price >= earlier, price <= earlier)
                    if side == "bid"
                    else (price <= earlier, price >= earlier)
                )
                flow = size.where(gained, 0.0) - size.shift(1).where(lost, 0.0)
                flows.append(flow.where(is_pair, 0.0).to_numpy())
            self.flow[side] = np.column_stack(flows)
        self.shown = {
            "bid": _size_per_level(self.price["bid"], self.size["bid"]),
            "ask": _size_per_level(self.price["ask"], self.size["ask"]),
            "both": _size_per_level(
                np.hstack([self.price["bid"], self.price["ask"]]),
                np.hstack([self.size["bid"], self.size["ask"]]),
            ),
        }

    def window(self, t0: int, seconds: int) -> slice:
        """The rows in (t0 - seconds, t0]."""
        begin, end = np.searchsorted(self.ts, [t0 - seconds * SECOND, t0], side="right")
        return slice(int(begin), int(end))

    def mean_shown(self, side: str, rows: slice) -> float:
        """Mean displayed size per level over rows; NaN without any."""
        shown = self.shown[side][rows]
        return float(np.nanmean(shown)) if (~np.isnan(shown)).any() else np.nan


def _size_per_level(price: np.ndarray, size: np.ndarray) -> np.ndarray:
    known = ~np.isnan(price)
    return over(np.where(known, size, 0.0).sum(axis=1), known.sum(axis=1))


def over(numerator: Any, denominator: Any) -> Any:
    """Their ratio; NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator != 0, np.divide(numerator, denominator), np.nan)[()]


def order_flow(event: Row, book: Book) -> Row:
    """The columns `ofi_*`."""
    weights = np.exp(-VARS["ofi_level_decay"] * np.arange(len(LEVELS)))
    row: Row = {}
    for w in VARS["ofi_windows_s"]:
        rows = book.window(event["event_ts_ns"], w)
        names = ("best", "integrated", "near_level", "normalized", "imbalance")
        row |= {f"ofi_{name}_{w}s": np.nan for name in names}
        if rows.start == rows.stop:
            continue
        bid, ask = book.flow["bid"][rows], book.flow["ask"][rows]
        ofi = (bid - ask).sum(axis=0)
        integrated = float((ofi * weights).sum() / weights.sum())
        near = 0.0
        for side, flow, sign in (("bid", bid, 1), ("ask", ask, -1)):
            distance = np.abs(book.price[side][rows] - event["level_price"])
            near += sign * np.nansum(np.exp(-distance / VARS["ofi_near_level_scale"]) * flow)
        row[f"ofi_best_{w}s"] = ofi[0]
        row[f"ofi_integrated_{w}s"] = integrated
        row[f"ofi_near_level_{w}s"] = near
        row[f"ofi_normalized_{w}s"] = over(integrated, book.mean_shown("both", rows))
        row[f"ofi_imbalance_{w}s"] = np.sign(integrated) * np.log1p(abs(integrated))
    return row


def barrier(event: Row, book: Book, trades: pd.DataFrame) -> Row:
    """The columns `barrier_*`, `passive_volume`, `depth_in_zone` and `wall_ratio`."""
    t0, level = event["event_ts_ns"], event["level_price"]
    side, attacker = ("ask", "B") if event["dir_sign"] == 1 else ("bid", "A")
    price, size = book.price[side], book.size[side]
    low, high = level - REACH, level + REACH

    last = book.window(t0, VARS["barrier_window_s"]).stop - 1
    in_zone = (price[last] >= low) & (price[last] <= high)
    depth = size[last][in_zone].sum()
    baseline = book.mean_shown(side, book.window(t0, VARS["wall_baseline_s"]))
    window = window_trades(trades, t0, VARS["barrier_window_s"])
    attacks = (window["side"] == attacker) & window["price"].between(low, high)
    passive = window["size"][attacks].sum()
    row: Row = {
        "depth_in_zone": depth,
        "wall_ratio": over(over(depth, in_zone.sum()), baseline),
        "passive_volume": passive,
        "book_source_ts_ns": int(book.ts[last]),
    }

    rows = book.window(t0, VARS["barrier_window_s"])
    names = ("added", "removed", "filled", "pulled", "delta_liq", "replenishment_ratio", "churn")
    if rows.start == rows.stop:
        return row | {f"barrier_{name}": np.nan for name in names} | {"barrier_state": None}
    # The row before the first is never a pair's later one, so that what wraps around is dropped.
    before = np.arange(rows.start - 1, rows.stop - 1)
    limits = (price[rows][:, -1], price[before][:, -1])
    bottom, top = np.full(before.size, low), np.full(before.size, high)
    # Only prices that both rows show can have changed: a ladder of ten levels ends at its tenth.
    for limit in limits:
        if side == "ask":
            top = np.fmin(top, limit)
        else:
            bottom = np.fmax(bottom, limit)

    def depths(which: Any) -> np.ndarray:
        inside = (price[which] >= bottom[:, None]) & (price[which] <= top[:, None])
        return np.where(inside, size[which], 0.0).sum(axis=1)

    change = np.where(book.is_pair[rows], depths(rows) - depths(before), 0.0)
    added, removed = change.clip(min=0).sum(), (-change).clip(min=0).sum()
    row |= {
        "barrier_added": added,
        "barrier_removed": removed,
        "barrier_filled": min(removed, passive),
        "barrier_pulled": removed - min(removed, passive),
        "barrier_delta_liq": added - removed,
        "barrier_replenishment_ratio": over(added, removed),
        "barrier_churn": added + removed,
    }
    return row | {"barrier_state": barrier_state(row)}


def barrier_state(row: Row) -> str:
    """The barrier in one word, from its amounts; the first that fits."""
    change, removed, large = (
        row["barrier_delta_liq"],
        row["barrier_removed"],
        VARS["barrier_delta_large"],
    )
    ratio = row["barrier_replenishment_ratio"]
    if removed == 0 and row["barrier_added"] > 0:
        ratio = math.inf
    if ratio < VARS["barrier_vacuum_ratio"] and change < -large:
        return "VACUUM"
    if ratio > VARS["barrier_wall_ratio"] and change > large:
        return "WALL"
    if change < -large and row["barrier_filled"] > row["barrier_pulled"]:
        return "CONSUMED"
    if change > 0 and ratio > VARS["barrier_absorption_ratio"]:
        return "ABSORPTION"
    if row["depth_in_zone"] < VARS["barrier_weak_depth"]:
        return "WEAK"
    if (
        abs(change) < VARS["barrier_delta_small"]
        and row["barrier_churn"] > VARS["barrier_churn_active"]
    ):
        return "ABSORPTION"
    return "NEUTRAL"


def force_mass_fits(prices: Prices, book: Book, session: dict[str, Any]) -> pd.DataFrame:
    """k and r2 of the fits through the origin over the minute marks so far."""
    h = FORCE_WINDOW
    marks = []
    for mark in range(session["rth_start_ns"] + MINUTE, session["event_end_ns"] + 1, MINUTE):
        force, mass = force_and_mass(book, mark)
        p0, p1, p2 = (prices.at(mark - k * h * SECOND) for k in range(3))
        x = over(force, mass)
        marks.append((mark, x, (p0 - 2 * p1 + p2) / h**2, (p0 - p1) / h))
    frame = pd.DataFrame(marks, columns=["mark_ns", "x", "acceleration", "velocity"])
    fits = frame[["mark_ns"]].copy()
    for name, of in (("force_mass", "acceleration"), ("force_mass_velocity", "velocity")):
        known = frame["x"].notna() & frame[of].notna()
        x, y = frame["x"].where(known, 0.0), frame[of].where(known, 0.0)
        xx, xy, yy = (x * x).cumsum(), (x * y).cumsum(), (y * y).cumsum()
        enough = (known.cumsum() >= VARS["force_mass_min_marks"]) & (xx > 0)
        fits[f"{name}_k"] = over(xy, xx)
        fits[f"{name}_r2"] = 1 - over(yy - fits[f"{name}_k"] * xy, yy)
        fits.loc[~enough, [f"{name}_k", f"{name}_r2"]] = np.nan
    return fits


def force_and_mass(book: Book, t0: int) -> tuple[float, float]:
    """Up-positive force and mass of the window that ends at a time; NaN without rows."""
    rows = book.window(t0, FORCE_WINDOW)
    if rows.start == rows.stop:
        return np.nan, np.nan
    weights = np.exp(-VARS["ofi_level_decay"] * np.arange(len(LEVELS)))
    ofi = (book.flow["bid"][rows] - book.flow["ask"][rows]).sum(axis=0)
    return float((ofi * weights).sum() / weights.sum()) / FORCE_WINDOW, book.mean_shown(
        "both", rows
    )


# --- features that need no book ------------------------------------------------------------------


class Prices:
    """The last trade price at or before a time."""

    def __init__(self, trades: pd.DataFrame) -> None:
        self.ts, self.price = trades["ts_recv"].to_numpy(), trades["price"].to_numpy()

    def at(self, t0: int) -> float:
        """NaN before the first trade."""
        place = np.searchsorted(self.ts, t0, side="right") - 1
        return float(self.price[place]) if place >= 0 else np.nan


def window_trades(trades: pd.DataFrame, t0: int, seconds: int) -> pd.DataFrame:
    """The trades in (t0 - seconds, t0]."""
    begin, end = np.searchsorted(
        trades["ts_recv"].to_numpy(), [t0 - seconds * SECOND, t0], side="right"
    )
    return trades.iloc[begin:end]


def kinematics(event: Row, prices: Prices) -> Row:
    """Position in the level's frame and its differences."""
    row: Row = {}
    for h in VARS["kinematics_windows_s"]:
        p0, p1, p2, p3 = (
            event["dir_sign"]
            * (prices.at(event["event_ts_ns"] - k * h * SECOND) - event["level_price"])
            for k in range(4)
        )
        velocity, acceleration = (p0 - p1) / h, (p0 - 2 * p1 + p2) / h**2
        row |= {
            "position": p0,
            f"velocity_{h}s": velocity,
            f"acceleration_{h}s": acceleration,
            f"jerk_{h}s": (p0 - 3 * p1 + 3 * p2 - p3) / h**3,
            f"kinetic_energy_{h}s": velocity**2,
            f"is_decelerating_{h}s": None
            if math.isnan(acceleration)
            else velocity > 0 and acceleration < 0,
        }
    return row


def tape(event: Row, trades: pd.DataFrame) -> Row:
    """Volume near the level by aggressor, the slope of the price, and sweeps."""
    window = window_trades(trades, event["event_ts_ns"], VARS["tape_window_s"])
    near = window[(window["price"] - event["level_price"]).abs() <= VARS["tape_band"]]
    bought = near["size"][near["side"] == "B"].sum()
    sold = near["size"][near["side"] == "A"].sum()
    seconds = (window["ts_recv"] - event["event_ts_ns"]) / SECOND
    x, y = seconds - seconds.mean(), window["price"] - window["price"].mean()
    pause = near["ts_recv"].diff() > VARS["sweep_max_gap_ms"] * 1_000_000
    run = (pause | (near["side"] != near["side"].shift(1))).cumsum()
    runs = near.groupby(run).agg(
        size=("size", "sum"), side=("side", "first"), prices=("price", "nunique")
    )
    sweeps = runs[
        runs["side"].isin(["A", "B"])
        & (runs["size"] >= VARS["sweep_min_size"])
        & (runs["prices"] >= 2)
    ]
    return {
        "tape_buy_volume": bought,
        "tape_sell_volume": sold,
        "tape_imbalance": over(bought - sold, bought + sold),
        "tape_velocity": over((x * y).sum(), (x * x).sum()),
        "sweep_count": len(sweeps),
        "sweep_net_size": sweeps["size"].where(sweeps["side"] == "B", -sweeps["size"]).sum(),
        "sweep_detected": len(sweeps) > 0,
        "trade_source_ts_ns": window["ts_recv"].max(),
    }


def approach(event: Row, bars: pd.DataFrame) -> Row:
    """How price came to the level, by the bars completed before."""
    t0, lookback = event["event_ts_ns"], VARS["approach_lookback_minutes"] * MINUTE
    recent = bars[(bars["bar_end_ns"] > t0 - lookback) & (bars["bar_end_ns"] <= t0)]
    closes, ends = recent["close"].to_numpy(), recent["bar_end_ns"].to_numpy()
    if not closes.size:
        return {"approach_velocity": np.nan, "approach_bars": 0, "approach_distance": np.nan}
    run = 0
    for change in np.diff(closes)[::-1]:
        if event["dir_sign"] * change <= 0:
            break
        run += 1
    moved = closes[-1] - closes[0]
    return {
        "approach_velocity": over(event["dir_sign"] * moved, (ends[-1] - ends[0]) / 60e9),
        "approach_bars": run,
        "approach_distance": abs(moved),
        "bar_source_ts_ns": ends[-1],
    }


def level_distances(event: Row, minutes: pd.DataFrame) -> Row:
    """Signed distances to every valid level, and how many others lie near."""
    now = minutes[minutes["minute_ns"] == event["event_ts_ns"] // MINUTE * MINUTE]
    prices = dict(zip(now["level_kind"], now["level_price"], strict=True))
    row: Row = {}
    for kind in KINDS:
        distance = event["spot"] - prices.get(kind, np.nan)
        row[f"dist_to_{kind.lower()}"] = distance
        row[f"dist_to_{kind.lower()}_atr"] = over(distance, event["atr"])
    for reach in (2, 5, 10):
        row[f"level_stacking_{reach}pt"] = sum(
            kind != event["level_kind"] and abs(price - event["level_price"]) <= reach
            for kind, price in prices.items()
        )
    return row


# --- all features --------------------------------------------------------------------------------


def event_features(
    bronze: Path,
    session_date: str,
    session: dict[str, Any],
    events: pd.DataFrame,
    trades: pd.DataFrame,
    bars: pd.DataFrame,
    minutes: pd.DataFrame,
    book: Book,
) -> pd.DataFrame:
    """The table `level_event_features` without what comes from options."""
    prices = Prices(trades)
    rows = []
    for event in events.to_dict("records"):
        force, mass = force_and_mass(book, event["event_ts_ns"])
        force *= event["dir_sign"]
        rows.append(
            {
                "event_id": event["event_id"],
                **kinematics(event, prices),
                **approach(event, bars),
                **level_distances(event, minutes),
                **order_flow(event, book),
                **tape(event, trades),
                **barrier(event, book, trades),
                "force": force,
                "mass": mass,
                "force_mass_ratio": over(force, mass),
            }
        )
    features = frame_of(rows)
    features["prior_touches"] = (
        events.groupby("level_kind")["event_ts_ns"].rank("min").astype("int64") - 1
    )
    anchors = events[["event_ts_ns"]]
    fits = force_mass_fits(prices, book, session)
    fits = pd.merge_asof(anchors, fits, left_on="event_ts_ns", right_on="mark_ns")
    for column in fits.columns.drop(["event_ts_ns", "mark_ns"]):
        features[column] = fits[column]
    features["force_mass_k"] = features["force_mass_k"].fillna(VARS["force_mass_scale"])
    ratio = features["force_mass_ratio"]
    features["predicted_accel"] = features["force_mass_k"] * ratio
    features["predicted_velocity"] = features["force_mass_velocity_k"] * ratio
    features["accel_residual"] = features["acceleration_60s"] - features["predicted_accel"]
    features["velocity_residual"] = features["velocity_60s"] - features["predicted_velocity"]
    spx = pd.read_parquet(bronze / "index" / "spx" / f"date={session_date}").sort_values(
        ["ts_recv", "row_nr"]
    )
    last_spx = pd.merge_asof(anchors, spx, left_on="event_ts_ns", right_on="ts_recv")
    features["es_spx_basis"] = events["spot"] - last_spx["price"] / 1e9
    return features


if __name__ == "__main__":
    bronze_root, date_given, output = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    for table, frame in tables(Path(bronze_root), date_given).items():
        frame.to_parquet(Path(output) / f"{table}.parquet", index=False)
