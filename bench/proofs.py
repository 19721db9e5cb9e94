"""`python -m bench.proofs`: what research finds on made markets, which is what was put into them.

Each market is committed Silver whose outcomes come from ticks. Gold is built of it, models are
fitted on its folds and scored, by the commands that do so on any market. Prints every score, and
ends with 1 and a line for each that is not as it has to be.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from bench.command import finish, new_console, number_table
from bench.measure import run
from bench.session import PROJECT
from es_physics.console import whole_number
from es_physics.silver.commit import committed_files

_SCORES = ("skill", "skill_t", "gain_move", "move_t", "gain_side", "side_t", "deflated", "edge_t")
_TREES, _PATCHES = "lightgbm_null", "patchtst"


class Claim(NamedTuple):
    """A score of a model lies above or below a number. One without a size, which is NULL, is 0."""

    model: str
    score: str
    low: float
    high: float


def _nothing(model: str) -> tuple[Claim, ...]:
    return (
        Claim(model, "skill", -0.005, math.inf),
        Claim(model, "skill_t", -math.inf, 3),
        Claim(model, "side_t", -math.inf, 3),
        Claim(model, "deflated", -math.inf, 0.95),
        Claim(model, "edge_t", -math.inf, 3),
    )


def _only(model: str, score: str, other: str | None = None) -> tuple[Claim, ...]:
    found = (Claim(model, score, 3, math.inf),)
    return (*found, Claim(model, other, -math.inf, 3)) if other else found


@dataclass(frozen=True)
class Proof:
    """What has to come out on a market, and of which models and folds."""

    claims: tuple[Claim, ...]
    models: tuple[str, ...] = (_TREES,)
    folds: Mapping[str, int] | None = None


PROOFS = {
    "driftless": Proof(_nothing(_TREES)),
    "planted": Proof((*_only(_TREES, "side_t"), Claim(_TREES, "deflated", 0.95, math.inf))),
    "feature removed": Proof(_nothing(_TREES)),
    "volatility": Proof(_only(_TREES, "move_t", "side_t")),
    "estimated": Proof((Claim(_TREES, "side_t", -math.inf, 3),)),
    # It takes longest to fit, so it is fitted less often.
    "sequence": Proof(
        (*_only(_PATCHES, "side_t"), *_nothing(_TREES)),
        (_TREES, _PATCHES),
        {"min_train": 90, "test_sessions": 60},
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, build, fit and score; the exit code."""
    given = argparse.ArgumentParser(
        prog="python -m bench.proofs",
        description="Show what models find on made markets, and that it is what is in them.",
    )
    given.add_argument(
        "--markets",
        nargs="+",
        choices=PROOFS,
        default=list(PROOFS),
        metavar="NAME",
        help=f"(default: all of {', '.join(map(repr, PROOFS))})",
    )
    for name, value in (("--sessions", 300), ("--events", 36)):
        given.add_argument(
            name, type=whole_number(1), default=value, metavar="N", help="(default: %(default)s)"
        )
    given.add_argument(
        "--seeds",
        nargs="+",
        type=whole_number(0),
        default=[1, 2, 3],
        metavar="N",
        help="(default: 1 2 3)",
    )
    given.add_argument(
        "--folder",
        type=Path,
        default=Path("data/bench/proofs"),
        metavar="DIR",
        help="where markets are made and removed again (default: %(default)s)",
    )
    options = given.parse_args(arguments)
    return finish(lambda: _prove(options))


def _prove(options: argparse.Namespace) -> int:
    console = new_console()
    table = number_table(
        f"{options.sessions} sessions of {options.events} events, target scaled",
        *("market, seed, model", "events", "sessions", *_SCORES),
    )
    wrong: list[str] = []
    for market in options.markets:
        for seed in options.seeds:
            begun = time.perf_counter()
            folder = options.folder.resolve() / f"{market.replace(' ', '_')}_{seed}"
            found = scores_of(folder, market, options.sessions, options.events, seed)
            shutil.rmtree(folder)
            console.print(f"{market}, seed {seed}: {time.perf_counter() - begun:.0f} s")
            for row in found.values():
                counts = (f"{row[name]:,}" for name in ("events", "sessions"))
                table.add_row(
                    f"{market}, {seed}, {row['model']}",
                    *counts,
                    *(_shown(row[name]) for name in _SCORES),
                )
            wrong += [f"{market}, seed {seed}: {line}" for line in broken(market, found)]
    console.print(table)
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


def scores_of(
    folder: Path, market: str, sessions: int, events: int, seed: int
) -> dict[str, dict[str, Any]]:
    """The scores of a market's models by name, with the t of their edge as `edge_t`."""
    # The markets are those of the tests, which are no package of the project.
    sys.path.insert(0, str(PROJECT / "tests" / "python"))
    from gold.made_market import MARKETS, make_market

    shutil.rmtree(folder, ignore_errors=True)
    days = make_market(folder / "silver", MARKETS[market], sessions, events, seed)
    for command in _commands(folder, PROOFS[market], days):
        run(command, folder=PROJECT, environment=_environment(folder))
    files = committed_files(folder / "gold", "scores")
    edge = dict(pl.read_parquet(files["edge"], glob=False).select("model", "t").iter_rows())
    scores = pl.read_parquet(files["scores"], glob=False).filter(
        pl.col("stratum_kind") == "all", pl.col("model").is_in(PROOFS[market].models)
    )
    return {row["model"]: row | {"edge_t": edge[row["model"]]} for row in scores.to_dicts()}


def _commands(folder: Path, proof: Proof, days: Sequence[date]) -> Iterator[list[str | Path]]:
    """What makes gold of committed Silver, fits models on it, and scores them."""
    bin_folder = Path(sys.executable).parent
    dbt: list[str | Path] = [
        bin_folder / "dbt",
        "--no-use-colors",
        "build",
        "--exclude-resource-type",
        "unit_test",
    ]
    places: list[str | Path] = ["--target-path", folder / "target", "--log-path", folder / "logs"]
    given = {"gold_start": str(days[0]), "gold_end": str(days[-1])} | dict(proof.folds or {})
    yield [*dbt, "--target", "gold", "--select", "gold", "--vars", json.dumps(given), *places]
    yield [bin_folder / "es-physics", "research", "--models", *proof.models]
    yield [*dbt, "--target", "evaluation", "--select", "gold.evaluation", *places]


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "ES_SILVER_ROOT": str(folder / "silver"),
        "ES_GOLD_ROOT": str(folder / "gold"),
        "ES_GOLD_DUCKDB_PATH": str(folder / "gold.duckdb"),
        "ES_TEMP_DIRECTORY": str(folder / "duckdb_tmp"),
        "ES_SILVER_CACHE": str(folder / "cache"),
    }


def broken(market: str, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What of a market's claims does not hold, in words."""
    lines = []
    for model, score, low, high in PROOFS[market].claims:
        value = found[model][score] or 0.0
        if not low < value < high:
            bound = f"above {low}" if value <= low else f"below {high}"
            lines.append(f"{score} of {model} is {value:.4f} and has to be {bound}")
    return lines


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
