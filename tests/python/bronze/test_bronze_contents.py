"""Files that match their manifest and are not what their feed must hold are named, not used."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from conftest import run_dbt
from planted_faults import (
    FRONT,
    MINUTE_NS,
    NEEDED_DATES,
    NOW,
    NUMBER,
    OPEN_NS,
    SESSION,
    changed,
    copy_bronze,
    put,
)

from es_physics.bronze.feeds import FEED_BY_PATH, FEEDS, Feed
from es_physics.bronze.partitions import fetch_partition

DAY = date.fromisoformat(SESSION)
DAY_NS = 86_400 * 10**9
MUTATIONS = 200

Mutation = Callable[[pl.DataFrame, random.Random], pl.DataFrame]


def _retyped(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    name = rng.choice(rows.columns)
    other = pl.Float64 if rows.schema[name] != pl.String else pl.Categorical
    column = pl.col(name).cast(other) if other == pl.Float64 else pl.lit(1.5).alias(name)
    return rows.with_columns(column)


def _without_a_column(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    return rows.drop(rng.choice(rows.columns))


def _with_a_column_renamed(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    name = rng.choice(rows.columns)
    return rows.rename({name: name.upper()})


def _without_a_key(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    keys = [
        name for name in ("ts_recv", "row_nr", "symbol", "instrument_id") if name in rows.columns
    ]
    here = pl.int_range(pl.len()) == rng.randrange(rows.height)
    name = rng.choice(keys)
    return rows.with_columns(pl.when(here).then(None).otherwise(pl.col(name)).alias(name))


def _reversed(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    turned = rows.reverse()
    if rng.random() < 0.5:
        turned = turned.with_columns(row_nr=rows["row_nr"])
    return turned


def _of_another_date(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    return rows.with_columns(pl.col("ts_recv") + rng.choice([-1, 1, 7, -365]) * DAY_NS)


def _in_microseconds(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    return rows.with_columns(pl.col("ts_recv") // 1000)


def _without_a_row(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    here = rng.randrange(rows.height - 1)
    return pl.concat([rows[:here], rows[here + 1 :]])


def _with_rows_twice(rows: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    return pl.concat([rows, rows]).sort("ts_recv", maintain_order=True)


# What is said of each, as one of these.
MUTANTS: dict[str, tuple[Mutation, tuple[str, ...]]] = {
    "retyped": (_retyped, ("must be",)),
    "dropped": (_without_a_column, ("has no column",)),
    "renamed": (_with_a_column_renamed, ("has no column",)),
    "NULLed": (_without_a_key, ("has a record without",)),
    "reversed": (_reversed, ("row_nr does not count", "not sorted by ts_recv")),
    "foreign date": (_of_another_date, ("holds records of trade date",)),
    "microseconds": (_in_microseconds, ("no time of a market",)),
    "a row less": (_without_a_row, ("row_nr does not count",)),
    "doubled": (_with_rows_twice, ("row_nr does not count",)),
}

TWICE = {feed.path: 1.0 for feed in FEEDS} | {
    "futures/trades": 0.02,
    "options/nbbo": 0.6,
    "index/spx": 0.5,
}
"""By feed, the share of its records to be taken in twice: near the least that is told."""


def _taken_in_twice(rows: pl.DataFrame, share: float) -> pl.DataFrame:
    """Numbered anew: no hole, no order and no key tells of them."""
    again = rows.head(math.ceil(share * rows.height))
    twice = pl.concat([rows, again]).sort("ts_recv", maintain_order=True)
    return twice.with_columns(row_nr=pl.int_range(pl.len(), dtype=pl.Int64))


def _with_unknown_actions(rows: pl.DataFrame) -> pl.DataFrame:
    """Two states of the front month's book, before and after the open, and the day's first one."""
    states = rows.filter(FRONT, pl.col("action").is_in(["A", "C", "M"]), pl.col("flags") & 4 == 0)
    near = states.filter(NOW.is_between(OPEN_NS - 5 * MINUTE_NS, OPEN_NS + 5 * MINUTE_NS))
    chosen = [table["row_nr"][at] for table, at in ((states, 0), (near, 0), (near, -1))]
    return changed(NUMBER.is_in(chosen), action=pl.lit("X"))(rows)


@pytest.fixture(scope="module")
def own_bronze(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("contents") / "bronze"
    copy_bronze(bronze, root)
    return root


@pytest.fixture(scope="module")
def good(own_bronze: Path) -> dict[str, pl.DataFrame]:
    """The session's records by feed, as they were."""
    return {
        feed.path: pl.read_parquet(
            feed.partition_dir(own_bronze, DAY) / "data.parquet", hive_partitioning=False
        )
        for feed in FEEDS
    }


def fetch(root: Path, feed: Feed, rows: pl.DataFrame, cache: Path) -> tuple[str, str]:
    put(feed.partition_dir(root, DAY), rows)
    check = fetch_partition(root, feed, DAY, cache)
    return check.status, check.problem or ""


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_what_another_writer_wrote_right_is_used(
    feed: Feed, own_bronze: Path, good: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    """Columns in another order, one more, and no rows at all are no fault."""
    rows = good[feed.path]
    for same in (rows, rows.select(rows.columns[::-1]), rows.with_columns(more=1), rows.clear()):
        assert fetch(own_bronze, feed, same, tmp_path) == ("ok", "")


def test_no_mutation_is_accepted(
    own_bronze: Path, good: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    """Each kind on every feed and more at random, each in words of its own."""
    rng = random.Random(15)
    cases = [(feed, name) for feed in FEEDS for name in MUTANTS]
    cases += [(rng.choice(FEEDS), rng.choice([*MUTANTS])) for _ in range(MUTATIONS - len(cases))]
    outcomes: Counter[str] = Counter()
    for feed, name in cases:
        mutate, said = MUTANTS[name]
        rows = good[feed.path]
        status, problem = fetch(own_bronze, feed, mutate(rows.head(20_000), rng), tmp_path)
        assert status == "invalid", (feed.path, name)
        assert any(words in problem for words in said), (feed.path, name, problem)
        assert "\n" not in problem
        outcomes[name] += 1
    assert outcomes.keys() == MUTANTS.keys()
    assert min(outcomes.values()) >= len(FEEDS)
    assert outcomes.total() == MUTATIONS


def test_what_the_files_cannot_tell_the_gates_do(
    bronze: Path, good: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    """In one session: each feed with records taken in twice, beside mutants of the dates before it.

    A definition that is repeated says nothing new, and counts once. Of unknown actions those count
    that are read.
    """
    root, rng = tmp_path / "bronze", random.Random(15)
    copy_bronze(bronze, root)
    for feed in FEEDS:
        doubled = _taken_in_twice(good[feed.path], TWICE[feed.path])
        if feed.path == "futures/mbp10":
            doubled = _with_unknown_actions(doubled)
        assert fetch(root, feed, doubled, tmp_path) == ("ok", ""), feed.path
    trades = FEED_BY_PATH["futures/trades"]
    for day, mutate in zip(NEEDED_DATES, (_retyped, _without_a_key, _reversed), strict=False):
        put(
            folder := trades.partition_dir(root, date.fromisoformat(day)),
            mutate(pl.read_parquet(folder / "data.parquet", hive_partitioning=False), rng),
        )

    selection = ("--select", "+int_gate_quality", "+int_gate_inputs")
    build = run_dbt(
        *("build", *selection, "--exclude-resource-type", "test"),
        bronze=root,
        work=tmp_path,
        session_date=SESSION,
    )
    assert build.returncode == 0, build.output
    with duckdb.connect(tmp_path / "build.duckdb", read_only=True) as connection:
        counted = dict(
            connection.execute(
                "select feed, duplicate_count from intermediate.int_bronze_quality"
            ).fetchall()
        )
        unknown = connection.execute(
            "select sum(unknown_action_count) from intermediate.int_feed_checks"
        ).fetchone()
        measured = dict(
            connection.execute(
                "select gate, measured from intermediate.int_gate_quality"
                " union all select gate, measured from intermediate.int_gate_inputs"
            ).fetchall()
        )
    assert {feed for feed, count in counted.items() if not count} == {
        "futures/definition",
        "options/definition",
    }
    assert unknown == (2,)
    assert measured["every_record_is_there_once"] == max(counted.values())
    assert measured["bronze_is_whole"] == 3
