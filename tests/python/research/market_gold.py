"""Gold of a made market without SQL: what research reads, from the same tables, in seconds.

Features are those of Silver, direction taken out as the seed says, and two logits of the null. What
gold adds up from earlier sessions is NULL, and so are words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from conftest import PROJECT
from gold.made_market import Market, market_days, market_tables
from reference_gold.folds import folds
from reference_research.inputs import Gold

from es_physics.silver.commit import GOLD, publish

SEED = PROJECT / "seeds" / "gold" / "feature_sets.csv"
SIGN = pl.col("dir_sign")


def market_gold(market: Market, sessions: int, events: int, seed: int = 7) -> Gold:
    """The target `scaled` of so many sessions of about so many events."""
    days = market_days(sessions)
    made = [market_tables(market, day, n, events, seed) for n, day in enumerate(days)]
    entries, features, labels = (
        pl.concat([tables[name] for tables in made])
        for name in ("level_events", "level_event_features", "level_event_labels")
    )
    known = (
        entries.join(features.drop("session_date"), on="event_id")
        .join(labels.drop("session_date"), on="event_id")
        .sort("event_id")
        .with_columns(
            pl.col("level_kind").str.replace("_(HIGH|LOW)$", "").alias("level_family"),
            *(null_logit(side) for side in ("break", "bounce")),
        )
    )
    seed_rows = pl.read_csv(SEED).rename({"group": "feature_group"})
    return Gold(
        event_matrix=known.select(
            "event_id",
            "session_date",
            *(oriented(row, known.schema) for row in seed_rows.iter_rows(named=True)),
        ),
        event_targets=known.select(
            "event_id",
            pl.lit("scaled").alias("target"),
            pl.col("scaled_outcome_100").alias("class"),
            pl.col("uniqueness").alias("weight"),
            pl.col(r"^scaled_null_p_\w+_100$").name.map(lambda name: f"p_null_{name[14:-4]}"),
            pl.col("scaled_null_p_chop_100").is_not_null().alias("is_scored"),
        ),
        event_outcomes=known.select(
            *("event_id", "session_date", "level_kind", "level_family", "direction"),
            *("session_phase", "minutes_since_open", "dir_sign", "spot", "future_price"),
            (SIGN * (pl.col("spot") - pl.col("level_price"))).alias("position_points"),
            pl.col("scaled_barrier_100").alias("barrier_points_scaled"),
        ),
        feature_sets=seed_rows,
        folds=folds(days),
    )


def null_logit(side: str) -> pl.Expr:
    p = pl.col(f"scaled_null_p_{side}_100").clip(1e-6, 1 - 1e-6)
    return (p / (1 - p)).log().alias(f"null_logit_{side}_100")


def oriented(row: dict[str, Any], known: pl.Schema) -> pl.Expr:
    """A feature of the seed, NULL if Silver has not what it is made of."""
    above, _, below = row["source"].partition("|")
    if above not in known or known[above] == pl.String:
        return pl.lit(None, pl.Float64).alias(row["feature"])
    value, other = (pl.col(name).cast(pl.Float64) for name in (above, below or above))
    if row["orientation"] == "up":
        value = SIGN * value
    elif row["orientation"] in ("side", "mirror"):
        behind = -other if row["orientation"] == "mirror" else other
        value = pl.when(SIGN > 0).then(value).otherwise(behind)
    return value.alias(row["feature"])


def publish_gold(root: Path, gold: Gold) -> None:
    tables = {name: table.to_arrow() for name, table in vars(gold).items()}
    publish(root, GOLD, tables, {"made": "market"}, run_started_at="2024-01-02T00:00:00+00:00")
