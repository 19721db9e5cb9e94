"""A made market has in it what it says, and nothing else."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from gold.made_market import (
    MARKETS,
    Ticks,
    last_steps,
    market_days,
    market_grid,
    market_tables,
    shape_of,
)
from gold.made_session import MadeSession, made_grid

SESSIONS = 20


@cache
def market(name: str) -> pl.DataFrame:
    """The events of twenty sessions with features, labels, and steps before them as lists."""
    parts = []
    for number, day in enumerate(market_days(SESSIONS)):
        tables = market_tables(MARKETS[name], day, number, 36, 7)
        events = tables["level_events"]
        features = tables["level_event_features"].drop("session_date")
        labels = tables["level_event_labels"].drop("session_date")
        steps = last_steps(events, tables["session_grid"])
        lists = pl.DataFrame({f"last_{name}": list(values) for name, values in steps.items()})
        events = events.hstack(lists).filter(pl.col("rth_volatility") > 0)
        parts.append(events.join(features, on="event_id").join(labels, on="event_id"))
    return pl.concat(parts)


def shares(events: pl.DataFrame) -> np.ndarray:
    outcome = events["scaled_outcome_100"]
    return np.array([(outcome == name).mean() for name in ("BREAK", "BOUNCE", "CHOP")])


def correlation(events: pl.DataFrame, told: np.ndarray) -> float:
    """With the move to the end of the window in the direction of approach."""
    move = events["dir_sign"] * (events["future_price"] - events["spot"])
    return float(np.corrcoef(told, move)[0, 1])


def test_without_drift_ticks_do_what_the_random_walk_says() -> None:
    events = market("driftless")
    p = events.select(pl.col(r"^scaled_null_p_\w+_100$").mean()).row(0)
    # Three standard errors of a share of 700 events.
    assert shares(events) == pytest.approx(p, abs=0.06)
    fair = events.select((pl.col("future_price") - pl.col("spot")).mean()).item()
    assert abs(fair) < 4 * 6 / np.sqrt(events.height)


def test_the_sign_of_one_feature_tells_the_side() -> None:
    events = market("planted")
    told = events["dir_sign"] * events["voi_integrated_240s"]
    ahead, behind = shares(events.filter(told > 0)), shares(events.filter(told < 0))
    assert ahead[0] == pytest.approx(0.28, abs=0.05)
    assert behind[0] == pytest.approx(0.14, abs=0.05)
    without = market("feature removed")
    assert without["scaled_outcome_100"].equals(events["scaled_outcome_100"])
    told = (without["dir_sign"] * without["voi_integrated_240s"]).fill_null(0).to_numpy()
    assert abs(correlation(without, told)) < 0.15


def test_a_feature_tells_volatility_that_the_random_walk_does_not_know() -> None:
    events = market("volatility").sort("kinetic_energy_180s", nulls_last=True)
    third = events.height // 3
    calm, lively = shares(events.head(third)), shares(events[third * 2 :])
    assert calm[2] - lively[2] > 0.2
    estimated = market("estimated")
    assert estimated["rth_volatility"].n_unique() > SESSIONS
    assert market("driftless")["rth_volatility"].n_unique() <= SESSIONS


def test_only_the_order_of_signed_volume_tells_the_side() -> None:
    found: dict[str, list[np.ndarray]] = {"volume": [], "path": [], "side": []}
    for number, day in enumerate(market_days(60)):
        rng = np.random.default_rng([7, number])
        session = MadeSession.of(day, number, True, rng)
        ticks = Ticks.of(MARKETS["sequence"], session, rng)
        grid = market_grid(MARKETS["sequence"], made_grid(session, rng), ticks, rng)
        # Twenty minutes a row; what they tell is the side of the next.
        cycles = grid["signed_volume"].to_numpy().reshape(-1, 40)
        found["volume"].append(cycles)
        found["path"].append(grid["close"].to_numpy().reshape(-1, 40) - session.price)
        found["side"].append(ticks.sides[1 : len(cycles) + 1])
    volume, path, side = (np.concatenate(rows) for rows in found.values())

    def correlation_with_side(told: np.ndarray) -> float:
        return float(np.corrcoef(told, side)[0, 1])

    sell_after_buy = (volume[:, :-1] - volume[:, 1:]).clip(60).sum(axis=1)
    buy_after_sell = (volume[:, 1:] - volume[:, :-1]).clip(60).sum(axis=1)
    assert correlation_with_side(sell_after_buy - buy_after_sell) > 0.8
    summaries = [volume.sum(axis=1), (volume**3).sum(axis=1), path[:, -1] - path[:, 0]]
    for told in (*summaries, *shape_of(volume).T, *shape_of(path).T):
        # Three and a half standard errors of 1,260 cycles.
        assert abs(correlation_with_side(told)) < 0.1
    events = market("sequence")
    steps = np.array(events["last_signed_volume"].to_list())
    in_order = (steps[:, :-1] - steps[:, 1:]).clip(60) - (steps[:, 1:] - steps[:, :-1]).clip(60)
    assert correlation(events, in_order.sum(axis=1)) > 0.4


def test_a_seed_is_one_market() -> None:
    day = market_days(1)[0]
    first, same, other = (
        market_tables(MARKETS["planted"], day, 0, 36, seed)["level_event_labels"]
        for seed in (7, 7, 8)
    )
    assert first.equals(same)
    assert not first.equals(other)
