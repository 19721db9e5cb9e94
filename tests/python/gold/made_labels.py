"""Made-up labels: what a simulated price does in the minutes after each event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from reference.clock import SECOND_NS

SECONDS = 480
TERMS = np.arange(1, 80)
NEVER = SECONDS + 1

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Walks:
    """A price a second after each event, and how many of those seconds the trade date still has.

    `highs` and `lows` are of the seconds that end there: a path may touch a barrier in between.
    """

    prices: Doubles
    seconds: Ints
    highs: Doubles
    lows: Doubles

    @classmethod
    def of(cls, events: pl.DataFrame, last_trade_ns: int, rng: np.random.Generator) -> Walks:
        n = events.height
        sigma = events["rth_volatility"].fill_null(2.0).to_numpy()[:, None]
        path = np.cumsum(rng.normal(size=(n, SECONDS)) * sigma / np.sqrt(60), axis=1)
        prices = events["spot"].to_numpy()[:, None] + np.round(4 * path) / 4
        left = (last_trade_ns - events["event_ts_ns"].to_numpy()) // SECOND_NS
        return cls(prices, np.clip(left, 0, SECONDS), prices, prices)


def null_of(to_break: Doubles, to_bounce: Doubles, volatility: Doubles) -> dict[str, Doubles]:
    """First passage of a driftless walk within eight minutes, by its eigenfunctions."""
    passed = np.where(to_break <= 0, 1, np.where(to_bounce <= 0, -1, 0))
    a, b = np.maximum(to_break, 0.25), np.maximum(to_bounce, 0.25)
    width = (a + b)[:, None]
    decay = np.exp(-((TERMS * np.pi * volatility[:, None] / width) ** 2) * SECONDS / 120)

    def reached(place: Doubles) -> Doubles:
        waves = (-1.0) ** TERMS / TERMS * np.sin(TERMS * np.pi * place[:, None] / width)
        total = place / width[:, 0] + 2 / np.pi * (waves * decay).sum(axis=1)
        return np.where(volatility > 0, np.clip(total, 0, 1), 0.0)

    p_break = np.where(passed == 0, reached(b), passed == 1)
    p_bounce = np.where(passed == 0, reached(a), passed == -1)
    return {"break": p_break, "bounce": p_bounce, "chop": np.maximum(0, 1 - p_break - p_bounce)}


def first_touch(favour: Doubles, seconds: Ints, barrier: Doubles | float) -> Ints:
    """The second at which a move reaches the barrier, `NEVER` where it does not."""
    touched = favour >= np.broadcast_to(np.asarray(barrier), favour.shape[:1])[:, None]
    touched &= np.arange(1, SECONDS + 1) <= seconds[:, None]
    return np.where(touched.any(axis=1), touched.argmax(axis=1) + 1, NEVER)


def made_labels(events: pl.DataFrame, walks: Walks, rng: np.random.Generator) -> pl.DataFrame:
    n = events.height
    sign, spot = events["dir_sign"].to_numpy(), events["spot"].to_numpy()
    level, t0 = events["level_price"].to_numpy(), events["event_ts_ns"].to_numpy()
    sigma = events["rth_volatility"]
    volatility = sigma.fill_null(0.0).to_numpy()
    above, below = walks.highs - level[:, None], walks.lows - level[:, None]
    favour = np.where(sign[:, None] > 0, above, -below)
    against = np.where(sign[:, None] > 0, -below, above)
    position = sign * (spot - level)
    ends = walks.seconds == SECONDS
    columns: dict[str, pl.Series] = {
        "event_id": events["event_id"],
        "uniqueness": pl.Series(rng.uniform(0.15, 1.0, n)),
    }

    def put(name: str, values: np.ndarray, known: np.ndarray) -> None:
        columns[name] = pl.Series(name, values).set(pl.Series(~known, dtype=pl.Boolean), None)

    def outcome(broke: Ints, bounced: Ints) -> np.ndarray:
        untouched = np.where(ends, "CHOP", "UNDEFINED")
        touched = np.where(broke < bounced, "BREAK", "BOUNCE")
        return np.where(np.minimum(broke, bounced) < NEVER, touched, untouched)

    for number, threshold in ((1, 5.0), (2, 15.0)):
        broke = first_touch(favour, walks.seconds, threshold)
        bounced = first_touch(against, walks.seconds, threshold)
        either = np.minimum(broke, bounced)
        for name, at in (("break", broke), ("bounce", bounced), ("threshold", either)):
            put(f"time_to_{name}_{number}", at.astype(float), at < NEVER)
        columns[f"tradeable_{number}"] = pl.Series(either < NEVER)
    columns["outcome"] = pl.Series(outcome(broke, bounced), dtype=pl.String)
    put("label_end_ts_ns", t0 + np.minimum(either, SECONDS) * SECOND_NS, np.full(n, True))

    traded = walks.seconds > 0
    last = np.maximum(walks.seconds, 1) - 1
    inside = np.arange(SECONDS) <= last[:, None]
    most = np.maximum(0, np.where(inside, favour, -np.inf).max(axis=1, initial=-np.inf))
    least = np.maximum(0, np.where(inside, against, -np.inf).max(axis=1, initial=-np.inf))
    put("future_price", walks.prices[np.arange(n), last], traded)
    put("excursion_max", most, traded)
    put("excursion_min", least, traded)
    put("strength_signed", most - least, traded)
    put("strength_abs", np.maximum(most, least), traded)
    put("label_first_source_ts_ns", t0 + SECOND_NS, traded)
    put("label_last_source_ts_ns", t0 + walks.seconds * SECOND_NS, traded)
    atr = events["atr"].fill_null(1.0).to_numpy()
    has_atr = events["atr"].is_not_null().to_numpy() & traded
    put("mfe_atr", most / atr, has_atr)
    put("mae_atr", least / atr, has_atr)

    is_known = sigma.is_not_null().to_numpy()
    for name, p in null_of(15 - position, 15 + position, volatility).items():
        put(f"null_p_{name}", p, is_known)
    strong = null_of(5 - position, 5 + position, volatility)
    put("null_p_tradeable_1", 1 - strong["chop"], is_known)
    for suffix, multiple in (("050", 0.5), ("100", 1.0)):
        known = is_known & (volatility > 0)
        barrier = np.maximum(1.0, np.ceil(4 * multiple * volatility * np.sqrt(8)) / 4)
        broke = first_touch(favour, walks.seconds, barrier)
        bounced = first_touch(against, walks.seconds, barrier)
        at = np.minimum(broke, bounced)
        put(f"scaled_barrier_{suffix}", barrier, known)
        put(f"scaled_outcome_{suffix}", outcome(broke, bounced), known)
        put(f"scaled_time_{suffix}", at.astype(float), known & (at < NEVER))
        for name, p in null_of(barrier - position, barrier + position, volatility).items():
            put(f"scaled_null_p_{name}_{suffix}", p, known)
    return pl.DataFrame(columns)
