"""Made-up events of a session, real and placebo, with labels, features and paths."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from gold.made_features import made_features
from gold.made_labels import SECONDS, Ints, Walks, made_labels
from gold.made_session import STEP_NS, MadeSession
from reference.clock import MINUTE_NS, SECOND_NS

KINDS = np.array(["PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW", "SMA_200", "SMA_400"])
PHASE_STARTS = np.array([0, 15, 30, 60, 120, 240])
OFFSETS_S = np.arange(-600, 481, 10)


def made_events(
    session: MadeSession, count: int, placebos_per_event: int, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """The tables of events and of placebos, each ordered by its key's time."""
    real = entries(session, count, rng)
    placebos = entries(session, count * placebos_per_event, rng)
    return tables_of(session, real, placebos, placebos_per_event, rng)


def tables_of(
    session: MadeSession,
    real_entries: tuple[pl.DataFrame, Walks],
    placebo_entries: tuple[pl.DataFrame, Walks],
    placebos_per_event: int,
    rng: np.random.Generator,
) -> dict[str, pl.DataFrame]:
    (real, real_walks), (placebos, placebo_walks) = real_entries, placebo_entries
    number = np.arange(placebos.height) % max(placebos_per_event, 1) + 1
    placebos = placebos.with_columns(
        placebo_nr=pl.Series(number, dtype=pl.Int64),
        near_real_level=pl.Series(rng.random(placebos.height) < 0.15, dtype=pl.Boolean),
    ).with_columns(
        event_id=pl.concat_str(
            pl.col("event_id").str.slice(0, 9),
            pl.lit("PLACEBO"),
            pl.col("placebo_nr"),
            pl.lit("_"),
            pl.col("event_id").str.slice(9),
        )
    )
    return {
        "level_events": real,
        "placebo_events": placebos,
        "level_event_labels": made_labels(real, real_walks, rng),
        "placebo_labels": made_labels(placebos, placebo_walks, rng),
        "level_event_features": made_features(session, real, rng),
        "event_paths": pl.concat(
            [
                made_paths(session, real, real_walks, False, rng),
                made_paths(session, placebos, placebo_walks, True, rng),
            ]
        ),
    }


def entries(
    session: MadeSession, count: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, Walks]:
    """Entries at times of their own, a fifth of them where a step of the grid ends."""
    clock = session.clock
    span = clock.event_end_ns - clock.rth_start_ns
    since = rng.integers(0, span + 1, count)
    since = np.where(rng.random(count) < 0.2, since // STEP_NS * STEP_NS, since)
    since = np.unique(since)
    n = len(since)
    minutes = since / MINUTE_NS
    kind = KINDS[np.where(minutes < 15, rng.choice([0, 1, 4, 5], n), rng.integers(0, 6, n))]
    # A fixed level has one price a session, an average one of its own each time.
    fixed = dict(zip(KINDS, session.price + rng.integers(-80, 81, 6) / 4, strict=True))
    level = np.array([fixed[name] for name in kind])
    is_mean = np.char.startswith(kind.astype(str), "SMA")
    level = np.where(is_mean, level + rng.integers(-2000, 2001, n) / 400, level)
    sign = rng.choice([-1, 1], n)
    volatility = np.exp(rng.normal(math.log(2.5), 0.4, n))
    volatility = np.where(rng.random(n) < 0.02, 0.0, volatility)
    atr = np.round(np.exp(rng.normal(math.log(3.0), 0.4, n)) * 28) / 28
    width = np.maximum(1.0, 0.5 * np.where(minutes < 1, 0.0, atr))
    away = rng.integers(0, 2 + (4 * width).astype(int), n) / 4
    spot = np.round(4 * (level - sign * away)) / 4
    spot = np.where(np.abs(spot - level) <= width, spot, np.round(4 * level) / 4)
    events = event_rows(
        session,
        since,
        level_kind=kind,
        level_price=level,
        dir_sign=sign,
        spot=spot,
        zone_width=width,
        atr=atr,
        rth_volatility=volatility,
    )
    return events, Walks.of(events, session.last_trade_ns, rng)


def event_rows(session: MadeSession, since: Ints, **columns: np.ndarray) -> pl.DataFrame:
    """Events so many ns after the open; what bars tell is unknown before they are there."""
    minutes = since / MINUTE_NS
    events = pl.DataFrame(
        {
            "event_ts_ns": session.clock.rth_start_ns + since,
            **columns,
            "contract": ["ESH4"] * len(since),
            "direction": np.where(columns["dir_sign"] > 0, "UP", "DOWN"),
            "minutes_since_open": minutes,
            "bars_since_open": np.floor(minutes).astype(np.int64),
            "session_phase": np.searchsorted(PHASE_STARTS, minutes, side="right"),
            "is_first_15m": minutes < 15,
        },
        schema_overrides={"contract": pl.String, "level_kind": pl.String, "direction": pl.String},
    )
    return events.with_columns(
        pl.when(pl.col("minutes_since_open") >= 1).then(pl.col("atr")),
        pl.when(pl.col("minutes_since_open") >= 3).then(pl.col("rth_volatility")),
        event_id=pl.concat_str(
            pl.lit(f"{session.clock.session_date:%Y%m%d}"),
            "level_kind",
            (pl.col("level_price") * 100 + 0.5).floor().cast(pl.Int64),
            "event_ts_ns",
            "direction",
            separator="_",
        ),
    )


def made_paths(
    session: MadeSession,
    events: pl.DataFrame,
    walks: Walks,
    is_placebo: bool,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Price and flow around every event; a fifth of the sessions begin within their first path."""
    n, m = events.height, len(OFFSETS_S)
    t0, sign = events["event_ts_ns"].to_numpy()[:, None], events["dir_sign"].to_numpy()[:, None]
    spot = events["spot"].to_numpy()[:, None]
    before = np.cumsum(rng.integers(-4, 5, (n, 60)), axis=1)[:, ::-1] / 4
    after = walks.prices[:, 9:SECONDS:10] - spot
    move = sign * np.concatenate([before, np.zeros((n, 1)), after], axis=1)
    volume = np.concatenate(
        [
            np.cumsum(rng.integers(-9, 10, (n, 60)), axis=1)[:, ::-1],
            np.zeros((n, 1), dtype=np.int64),
            np.cumsum(rng.integers(-9, 10, (n, 48)), axis=1),
        ],
        axis=1,
    )
    then = t0 + OFFSETS_S * SECOND_NS
    first_price = session.clock.rth_start_ns - int(rng.integers(0, 5)) * 120 * SECOND_NS
    source = np.minimum(t0 + np.maximum(OFFSETS_S, 0) * SECOND_NS, session.last_trade_ns)
    return pl.DataFrame(
        {
            "event_id": np.repeat(events["event_id"].to_numpy(), m),
            "offset_s": np.tile(OFFSETS_S, n),
            "is_placebo": np.full(n * m, is_placebo),
            "move": move.ravel(),
            "signed_volume": volume.ravel(),
            "path_source_ts_ns": source.ravel(),
            "is_known": (then <= session.last_trade_ns).ravel(),
            "has_price": (then >= first_price).ravel(),
        },
        schema_overrides={"event_id": pl.String},
    ).select(
        "event_id",
        "offset_s",
        "is_placebo",
        pl.when("is_known", "has_price").then("move").alias("move"),
        pl.when("is_known").then("signed_volume").alias("signed_volume"),
        "path_source_ts_ns",
    )
