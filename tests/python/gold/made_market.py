"""Committed sessions whose outcomes come from ticks: what is in them to find is known.

A session has one price path, in steps of a quarter of a second of a tick up, down or neither; its
events, their labels and its grid are read off that path, so events that overlap share their
outcome's causes as real ones do. Without drift, the random walk of Silver is exactly what happens.
Everything else, but what a market is said to tell, is drawn independently of the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from gold.made_events import KINDS, event_rows, tables_of
from gold.made_labels import SECONDS, Doubles, Ints, Walks
from gold.made_session import STEP_NS, MadeSession, made_session_tables, made_sessions_row
from gold.made_silver import FIRST_DAY, write_session
from gold.silver_columns import shaped
from reference.clock import MINUTE_NS, SECOND_NS

from es_physics.project import project_vars

TICK = 0.25
TICKS_A_SECOND = 4
TICK_NS = SECOND_NS // TICKS_A_SECOND
HALF_HOUR_NS = 30 * MINUTE_NS
CYCLE_NS = 20 * MINUTE_NS
DRIFT_NS = 9 * MINUTE_NS
STEPS, COEFFICIENTS = 40, 8
VOLUME, PAIR_VOLUME = 20, 60
"""Contracts: deviation of a step's signed volume, and what either step of a pair has besides."""
PAIR_STEPS = 4
"""Steps of the grid with one pair among them."""


@dataclass(frozen=True)
class Market:
    """What is in a market to find.

    `drift` is per minute, in standard deviations of a minute. Its side is drawn every half hour,
    and the sign of `voi_integrated_240s` tells it (`is_told`). Where it `is_in_order`, it is drawn
    every twenty minutes: in the first nine of them price drifts to the side that the order of
    signed volume showed in the twenty before, a buy before a sell of one size or after it. Sums,
    spread and path tell nothing there, and events come where the drift begins.

    The random walk knows the volatility of the session's ticks, unless it `is_estimated` from the
    last 20 minutes, as in Silver. `volatility_spread` is the deviation of its logarithm from half
    hour to half hour, which `kinetic_energy_180s` tells and the random walk does not know.
    """

    drift: float = 0.0
    is_told: bool = True
    is_in_order: bool = False
    volatility_spread: float = 0.0
    is_estimated: bool = False


MARKETS = {
    "driftless": Market(),
    "planted": Market(drift=0.13),
    "feature removed": Market(drift=0.13, is_told=False),
    "volatility": Market(volatility_spread=0.3),
    "estimated": Market(is_estimated=True),
    "sequence": Market(drift=0.3, is_told=False, is_in_order=True),
}


def make_market(
    root: Path, market: Market, sessions: int = 60, events: int = 36, seed: int = 7
) -> list[date]:
    """Commit so many full sessions of about so many events below `root`; their dates."""
    variables = project_vars()
    days = market_days(sessions)
    for number, day in enumerate(days):
        tables = market_tables(market, day, number, events, seed)
        write_session(root, day, tables, build_vars=variables)
    return days


def market_days(sessions: int) -> list[date]:
    """So many weekdays from `FIRST_DAY`, a Tuesday."""
    return [FIRST_DAY + timedelta(days=n + 2 * ((n + 1) // 5)) for n in range(sessions)]


def market_tables(
    market: Market, day: date, number: int, events: int, seed: int
) -> dict[str, pl.DataFrame]:
    """Every table that gold reads of one session."""
    rng = np.random.default_rng([seed, number])
    session = MadeSession.of(day, number, True, rng)
    ticks = Ticks.of(market, session, rng)
    entries = market_entries(market, session, ticks, events, rng)
    placebos = market_entries(market, session, ticks, events // 6, rng)
    tables = tables_of(session, entries, placebos, 1, rng)
    tables |= made_session_tables(session, rng)
    tables["session_grid"] = market_grid(market, tables["session_grid"], ticks, rng)
    tables["level_event_features"] = told(
        market,
        ticks,
        tables["level_events"],
        tables["level_event_features"],
        tables["session_grid"],
        rng,
    )
    tables["sessions"] = made_sessions_row(session, tables["lead_lag"])
    return {name: shaped(name, table, day) for name, table in tables.items()}


@dataclass(frozen=True)
class Ticks:
    """A price at every quarter of a second, and what moves it by half hours or cycles."""

    begin_ns: int
    prices: Doubles
    volatility: float
    """Of the session, points per square-root minute."""
    livelier: Doubles
    """ln of a half hour's volatility over the session's."""
    sides: Ints
    """Of the drift by half hour, or by cycle."""

    @classmethod
    def of(cls, market: Market, session: MadeSession, rng: np.random.Generator) -> Ticks:
        # The grid begins half an hour before the open.
        begin_ns = session.clock.rth_start_ns - HALF_HOUR_NS
        count = (session.clock.rth_end_ns - begin_ns) // TICK_NS
        then = np.arange(count) * TICK_NS
        volatility = float(np.clip(np.exp(rng.normal(np.log(2.0), 0.2)), 1.2, 2.8))
        livelier = market.volatility_spread * np.clip(rng.normal(size=14), -2, 2)
        sides = rng.choice([-1, 1], 22)
        of_half_hour = then // HALF_HOUR_NS
        if market.is_in_order:
            side = np.where(then % CYCLE_NS < DRIFT_NS, sides[then // CYCLE_NS], 0)
        else:
            side = sides[of_half_hour]
        sigma = np.minimum(volatility * np.exp(livelier[of_half_hour]), 3.8)
        a_minute = 60 * TICKS_A_SECOND
        variance = sigma**2 / a_minute / TICK**2
        mean = market.drift * sigma * side / a_minute / TICK
        draw = rng.random(count)
        moves = (draw < (variance + mean) / 2).astype(np.int64) - (draw > 1 - (variance - mean) / 2)
        prices = session.price + TICK * np.concatenate([[0], np.cumsum(moves)])
        return cls(begin_ns, prices, volatility, livelier, sides)

    def at(self, ts_ns: Ints) -> Ints:
        """The place of the last price at a time."""
        return (ts_ns - self.begin_ns) // TICK_NS

    def estimated(self, ts_ns: Ints) -> Doubles:
        """Sample standard deviation of the last 20 changes by the minute since the open."""
        open_at = HALF_HOUR_NS // TICK_NS
        changes = np.diff(self.prices[open_at :: 60 * TICKS_A_SECOND])
        ended = (self.at(ts_ns) - open_at) // (60 * TICKS_A_SECOND)
        return np.array(
            [np.std(changes[max(n - 20, 0) : n], ddof=1) if n >= 2 else np.nan for n in ended]
        )


def market_entries(
    market: Market, session: MadeSession, ticks: Ticks, count: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, Walks]:
    """Entries from either side at levels one and a half points ahead on average."""
    clock = session.clock
    if market.is_in_order:
        # The open is half a cycle after one begins.
        begins = rng.integers(1, 13, count) * CYCLE_NS - CYCLE_NS // 2
        since = begins + rng.integers(0, STEP_NS // TICK_NS, count) * TICK_NS
    else:
        since = (
            rng.integers(0, (clock.event_end_ns - clock.rth_start_ns) // TICK_NS, count) * TICK_NS
        )
    since = np.unique(since)
    n = len(since)
    t0 = clock.rth_start_ns + since
    place = ticks.at(t0)
    spot = ticks.prices[place]
    sign = rng.choice([-1, 1], n)
    atr = np.round(1.5 * ticks.volatility * np.exp(rng.normal(0, 0.15, n)) * 28) / 28
    level = spot + sign * TICK * rng.integers(2, 9, n)
    volatility = ticks.estimated(t0) if market.is_estimated else np.full(n, ticks.volatility)
    events = event_rows(
        session,
        since,
        level_kind=rng.choice(KINDS, n),
        level_price=level,
        dir_sign=sign,
        spot=spot,
        zone_width=np.maximum(2.25, 0.5 * atr),
        atr=atr,
        rth_volatility=volatility,
    )
    after = place[:, None] + np.arange(1, SECONDS * TICKS_A_SECOND + 1)
    path = ticks.prices[after].reshape(n, SECONDS, TICKS_A_SECOND)
    whole = np.full(n, SECONDS)
    return events, Walks(path[:, :, -1], whole, path.max(axis=2), path.min(axis=2))


def market_grid(
    market: Market, grid: pl.DataFrame, ticks: Ticks, rng: np.random.Generator
) -> pl.DataFrame:
    """The made grid with the closes of the path and, where it tells, the order of signed volume."""
    ends = grid["grid_end_ns"].to_numpy()
    volume = rng.normal(0, VOLUME, len(ends))
    if market.is_in_order:
        steps = CYCLE_NS // STEP_NS
        step = (ends - STEP_NS - ticks.begin_ns) // STEP_NS
        # Where a pair stands is another in every cycle, and the last may end where the cycle
        # begins: over cycles no step is bought more than sold, whatever the side.
        first = rng.integers(0, PAIR_STEPS, len(ticks.sides))[step // steps]
        place = (step % steps - first) % PAIR_STEPS
        pair = np.where(place == 0, 1, np.where(place == 1, -1, 0))
        volume = volume + PAIR_VOLUME * pair * ticks.sides[step // steps + 1]
    return grid.with_columns(
        close=pl.Series(ticks.prices[ticks.at(ends)]),
        signed_volume=pl.Series(np.round(volume).astype(np.int64)),
    )


def told(
    market: Market,
    ticks: Ticks,
    events: pl.DataFrame,
    features: pl.DataFrame,
    grid: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """The made features with those of which the market says that they know something."""
    n = events.height
    t0 = events["event_ts_ns"].to_numpy()
    half_hour = (t0 - ticks.begin_ns) // HALF_HOUR_NS
    columns: dict[str, Doubles] = {}
    if market.drift and market.is_told:
        size = np.abs(rng.normal(size=n))
        columns["voi_integrated_240s"] = ticks.sides[half_hour] * size
    if market.volatility_spread:
        noise = rng.normal(0, 0.1, n)
        columns["kinetic_energy_180s"] = np.exp(2 * ticks.livelier[half_hour] + noise)
    if market.is_in_order:
        columns |= shapes(events, grid)
    return features.with_columns(pl.Series(name, values) for name, values in columns.items())


def shapes(events: pl.DataFrame, grid: pl.DataFrame) -> dict[str, Doubles]:
    """`path_dct_*` and `flow_dct_*` of the last forty steps of the grid."""
    steps = last_steps(events, grid)
    return {
        f"{name}_dct_{number}": values
        for name, column in (("path", "path"), ("flow", "signed_volume"))
        for number, values in enumerate(shape_of(steps[column]).T)
    }


def shape_of(values: Doubles) -> Doubles:
    """The first eight coefficients of the orthonormal DCT-II of rows of forty."""
    k = np.arange(COEFFICIENTS)
    waves = np.cos(np.pi * (np.arange(STEPS)[:, None] + 0.5) * k / STEPS)
    return values @ (waves * np.sqrt(np.where(k == 0, 1, 2) / STEPS))


def last_steps(events: pl.DataFrame, grid: pl.DataFrame) -> dict[str, Doubles]:
    """The columns of `event_sequences`, float64[n, 40], of events after forty steps of the grid."""
    ended = grid["grid_end_ns"].to_numpy()
    last = np.searchsorted(ended, events["event_ts_ns"].to_numpy(), side="right")
    steps = last[:, None] + np.arange(-STEPS, 0)
    sign = events["dir_sign"].to_numpy()[:, None]

    def column(name: str) -> Doubles:
        return grid[name].cast(pl.Float64).to_numpy()[steps]

    return {
        "path": sign * (column("close") - events["level_price"].to_numpy()[:, None]),
        "signed_volume": sign * column("signed_volume"),
        "ofi": sign * column("ofi_best"),
        "depth": column("mean_depth"),
    }
