"""`python -m bench.research`: what it costs to fit models, and to ask for neighbours.

Publishes a gold of 500 sessions with 36 events and every feature of the seed, its numbers drawn at
random, and fits on its 45 folds the trees that start at the random walk, and then every model,
each in a fresh process. Neighbours are asked for among ten and fifty thousand remembered events, as
many of each family and direction. Prints processor time; no timing is an error.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from threadpoolctl import threadpool_limits

from bench.command import cost_table, finish, new_console, number_table
from bench.measure import Cost, run
from bench.session import PROJECT
from es_physics.console import whole_number
from es_physics.project import declared_vars
from es_physics.research.models import ABLATED
from es_physics.research.neighbours import Memory
from es_physics.research.rows import Feature, Rows
from es_physics.research.targets import BARRIER_CLASSES
from es_physics.silver.commit import GOLD, publish

FIRST_DAY = date(2020, 1, 1)
FAMILIES = ("OR", "PM", "SMA_200", "SMA_400")
ALONE, ALL = f"{ABLATED} on full", "every model"
_UNKNOWN = 0.05
_SEED = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    given = argparse.ArgumentParser(
        prog="python -m bench.research", description="Time the fitting of models."
    )
    for name, value in (("--sessions", 500), ("--events", 36)):
        given.add_argument(
            name, type=whole_number(1), default=value, metavar="N", help="(default: %(default)s)"
        )
    given.add_argument(
        "--remembered",
        type=whole_number(1),
        nargs="+",
        default=[10_000, 50_000],
        metavar="N",
        help="events to look for neighbours among (default: 10000 50000)",
    )
    options = given.parse_args(arguments)
    return finish(lambda: _benchmark(options))


def _benchmark(options: argparse.Namespace) -> int:
    console = new_console()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        folds = publish_random(root, options.sessions, options.events)
        console.print(f"{options.sessions} sessions of {options.events} events, {folds} folds")
        costs = {
            name: [_fit(root, *more)] for name, more in ((ALONE, ("--models", ABLATED)), (ALL, ()))
        }
    console.print(cost_table(costs, {}))
    table = number_table(
        "neighbours, 50 of those of the same family and direction", "remembered", "ms a query"
    )
    for remembered in options.remembered:
        table.add_row(f"{remembered:,}", f"{1000 * query_s(remembered):.3f}")
    console.print(table)
    return 0


def _fit(root: Path, *more: str) -> Cost:
    command: list[str | Path] = [Path(sys.executable).with_name("es-physics"), "research", *more]
    return run(command, folder=PROJECT, environment=os.environ | {"ES_GOLD_ROOT": str(root)})


def query_s(remembered: int, queries: int = 512) -> float:
    """Processor seconds that a query takes among so many events."""
    rng = np.random.default_rng(_SEED)
    memory = Memory.of(_rows(rng, remembered))
    asked = _rows(rng, queries)
    # As research asks; several threads would count their waiting for each other.
    with threadpool_limits(1):
        began = time.process_time()
        memory.nearest(asked)
        return (time.process_time() - began) / queries


def _rows(rng: np.random.Generator, count: int) -> Rows:
    columns = tuple(
        Feature(row["feature"], row["feature_group"], row["kind"] == "flag")
        for row in _feature_sets().to_pylist()
    )
    return Rows(
        target="scaled",
        classes=BARRIER_CLASSES,
        index=np.arange(count),
        event_ids=np.arange(count).astype(str).astype(object),
        session=np.zeros(count, int),
        y=rng.integers(0, 3, count),
        weight=np.ones(count),
        p_null=np.full((count, 3), 1 / 3),
        minutes_since_open=np.zeros(count),
        is_up=np.arange(count) % 2 == 0,
        family=np.array(FAMILIES, object)[np.arange(count) // 2 % 4],
        features=rng.normal(size=(count, len(columns))),
        columns=columns,
    )


def publish_random(root: Path, sessions: int, events: int) -> int:
    """Publish what research reads of such a gold below `root`; how many folds it has."""
    rng = np.random.default_rng(_SEED)
    days = [FIRST_DAY + timedelta(days=number) for number in range(sessions)]
    count = sessions * events
    ids = [f"{days[number // events]:%Y%m%d}_{number:06d}" for number in range(count)]
    described = _feature_sets()
    p_null = rng.dirichlet([4.0, 4.0, 8.0], count)
    drawn = (rng.random(count)[:, None] > p_null.cumsum(axis=1)).sum(axis=1).clip(max=2)
    folds = pa.Table.from_pylist(list(_folds(days)), _FOLDS)
    dates = pa.array(np.repeat(np.array(days, "datetime64[D]"), events))
    known = rng.random((count, described.num_rows)) >= _UNKNOWN
    values = np.where(known, rng.normal(size=known.shape), np.nan)
    tables = {
        "feature_sets": described,
        "folds": folds,
        "event_matrix": pa.table(
            {"event_id": ids, "session_date": dates}
            | {
                name: pa.array(values[:, place], from_pandas=True)
                for place, name in enumerate(described["feature"].to_pylist())
            }
        ),
        "event_targets": pa.table(
            {
                "event_id": ids,
                "target": pa.repeat("scaled", count),
                "class": np.array(BARRIER_CLASSES)[drawn],
                "weight": rng.uniform(0.2, 1, count),
                **{
                    f"p_null_{name.lower()}": p_null[:, place]
                    for place, name in enumerate(BARRIER_CLASSES)
                },
                "is_scored": np.ones(count, bool),
            }
        ),
        "event_outcomes": pa.table(
            {
                "event_id": ids,
                "session_date": dates,
                "level_family": np.array(FAMILIES)[rng.integers(0, 4, count)],
                "minutes_since_open": rng.uniform(0, 240, count),
                "dir_sign": rng.choice([-1, 1], count),
                **{
                    name: rng.exponential(size=count)
                    for name in ("mfe_atr", "mae_atr", "scaled_time")
                },
            }
        ),
    }
    inputs = {"sessions": [], "vars": {}, "made_of": [sessions, events, _SEED]}
    publish(root, GOLD, tables, inputs, run_started_at="2020-01-01T00:00:00+00:00")
    return len(set(folds["fold"].to_pylist()))


_FOLDS = pa.schema({"fold": pa.int64(), "session_date": pa.date32(), "role": pa.string()})


def _folds(days: Sequence[date]) -> Iterator[dict[str, object]]:
    """As the model folds has them, with the project's vars."""
    lengths = [
        int(declared_vars()[name].default)
        for name in ("min_train", "calibration_sessions", "embargo_sessions", "test_sessions")
    ]
    ends = np.cumsum(lengths)
    for fold, start in enumerate(range(0, len(days) - int(ends[2]), lengths[3])):
        for number, day in enumerate(days[: start + int(ends[3])]):
            place = int(np.searchsorted(ends, number - start, side="right"))
            role = ("train", "calibration", "embargo", "test")[place]
            yield {"fold": fold, "session_date": day, "role": role}


def _feature_sets() -> pa.Table:
    seed = pa.csv.read_csv(PROJECT / "seeds" / "gold" / "feature_sets.csv")
    return seed.rename_columns({"group": "feature_group"})


if __name__ == "__main__":
    sys.exit(main())
