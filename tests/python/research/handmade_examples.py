"""Small gold by hand: events of which a test says only what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from reference_gold.constants import CLASSES, GoldConstants
from reference_gold.folds import folds
from reference_research.inputs import Examples, Gold

FIRST = date(2025, 1, 6)
FAMILIES = ("PM", "OR", "SMA_200", "SMA_400")
SMALL_FOLDS = GoldConstants(min_train=6, calibration_sessions=2, test_sessions=3)


def day(number: int) -> date:
    return FIRST + timedelta(days=int(number))


def hand(
    y: Sequence[int],
    features: Mapping[str, Sequence[float]] | None = None,
    classes: int = 3,
    **given: Any,
) -> Examples:
    """Events of one session, of weight 1, at PM from below, each class as likely as any."""
    n = len(y)
    columns: dict[str, Any] = {
        "event_id": [f"e{i:03d}" for i in range(n)],
        "session": [day(0)] * n,
        "weight": [1.0] * n,
        "p_null": [[1 / classes] * classes] * n,
        "minutes": [10.0] * n,
        "family": ["PM"] * n,
        "direction": ["UP"] * n,
    } | given
    return Examples(
        event_id=np.array(columns["event_id"], dtype=np.str_),
        session=np.array(columns["session"], dtype=object),
        y=np.array(y, dtype=np.int64),
        weight=np.array(columns["weight"], dtype=np.float64),
        p_null=np.array(columns["p_null"], dtype=np.float64).reshape(n, classes),
        minutes=np.array(columns["minutes"], dtype=np.float64),
        family=np.array(columns["family"], dtype=np.str_),
        direction=np.array(columns["direction"], dtype=np.str_),
        features={name: np.array(values, float) for name, values in (features or {}).items()},
    )


def made_gold(sessions: int = 14, events: int = 12, planted: float = 1.5, seed: int = 3) -> Gold:
    """Events whose side follows `with_side` by `planted`, beside two features that say nothing.

    `half_known` is NULL for half of them. Every tenth event is not scored.
    """
    rng = np.random.default_rng(seed)
    n = sessions * events
    session = np.repeat(np.arange(sessions), events)
    event_id = [f"{day(s):%Y%m%d}_{i % events:03d}" for i, s in enumerate(session)]
    walk = rng.dirichlet((4.0, 4.0, 2.0), size=n)
    with_side = rng.normal(size=n)
    odds = walk * np.exp(np.outer(with_side * planted, (0.5, -0.5, 0.0)))
    p = odds / odds.sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)
    u = rng.uniform(0.2, 1.0, n)
    dates = [day(s) for s in session]
    position = rng.normal(0, 1, n).round(2)
    sign = rng.choice([-1, 1], n)
    spot = (6000 + rng.integers(-40, 40, n) / 4).astype(float)
    classes = [CLASSES[k] for k in y]
    is_scored = rng.random(n) > 0.1
    yes = walk[:, :2].sum(axis=1)
    matrix = pl.DataFrame(
        {
            "event_id": event_id,
            "session_date": dates,
            "with_side": with_side,
            "half_known": np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
            "is_odd": rng.integers(0, 2, n).astype(float),
        }
    ).with_columns(pl.col("half_known").fill_nan(None))
    scaled = pl.DataFrame(
        {
            "event_id": event_id,
            "target": "scaled",
            "class": classes,
            "weight": u,
            **{f"p_null_{c.lower()}": walk[:, k] for k, c in enumerate(CLASSES)},
            "is_scored": is_scored,
        }
    )
    head = pl.DataFrame(
        {
            "event_id": event_id,
            "target": "tradeable_1",
            "class": np.where(y < 2, "YES", "NO"),
            "weight": u,
            "p_null_yes": yes,
            "p_null_no": 1 - yes,
            "is_scored": is_scored,
        }
    )
    outcomes = pl.DataFrame(
        {
            "event_id": event_id,
            "session_date": dates,
            "level_kind": rng.choice(["PM_HIGH", "SMA_200"], n),
            "level_family": "PM",
            "direction": np.where(sign > 0, "UP", "DOWN"),
            "session_phase": rng.integers(0, 3, n),
            "minutes_since_open": rng.integers(0, 90, n),
            "dir_sign": sign,
            "spot": spot,
            "position_points": position,
            "future_price": spot + rng.integers(-8, 9, n) / 4,
            "barrier_points_scaled": 6.0,
            "barrier_points_scaled_050": 3.0,
            "barrier_points_fixed": 15.0,
            "uniqueness": u,
            "mfe_atr": rng.random(n),
            "mae_atr": rng.random(n),
            "scaled_time": np.where(y < 2, rng.integers(1, 480, n).astype(float), np.nan),
        }
    ).with_columns(
        pl.col("scaled_time").fill_nan(None),
        level_family=pl.when(pl.col("level_kind") == "SMA_200")
        .then(pl.lit("SMA_200"))
        .otherwise(pl.lit("PM")),
    )
    feature_sets = pl.DataFrame(
        {
            "feature": ["with_side", "half_known", "is_odd"],
            "feature_group": ["ofi", "voi", "voi"],
            "kind": ["num", "num", "flag"],
            "full": [True, True, True],
            "ta": [False, True, True],
        }
    )
    return Gold(
        event_matrix=matrix,
        event_targets=pl.concat([scaled, head], how="diagonal"),
        event_outcomes=outcomes,
        feature_sets=feature_sets,
        folds=folds([day(number) for number in range(sessions)], SMALL_FOLDS),
    )
