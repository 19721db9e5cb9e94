"""`python -m bench.features`: what the book and feature models cost, beside Polars and a scan.

On one simulated session, in fresh processes that take turns: a bare scan of the book's columns in
DuckDB and in Polars (the floor), the models' SQL alone, the models by `dbt run`, and the same
features in Polars, whose numbers must be equal. Prints medians; exits 1 if the numbers differ,
never for a timing.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.measure import CommandError, Cost, run
from bench.session import FOLDERS, PROJECT, SESSION_DATE, Session, build, simulate

SCAN, POLARS = "scan, DuckDB", "features, Polars"
"""The candidates that the others are compared with."""

FULL_BOOK_ROWS = 10_000_000
PIPE_WIDTH = 100
"""Without a terminal rich takes it to be 80 wide: too few for the table."""


def candidates(session: Session, polars_output: Path) -> dict[str, list[str | Path]]:
    """The commands to time, by what they are called in the table."""
    module = [sys.executable, "-m"]
    return {
        SCAN: [*module, "bench.scan", "duckdb", session.book],
        "scan, Polars": [*module, "bench.scan", "polars", session.book],
        "models, dbt run": session.dbt("run", "--select", *(f"path:{path}" for path in FOLDERS)),
        # After dbt's, so that the tables that are compared in the end are the ones it wrote.
        "models, SQL alone": [*module, "bench.model_sql", session.database, session.target],
        POLARS: [
            *(*module, "bench.polars_features"),
            *(session.bronze, session.silver, SESSION_DATE, polars_output),
        ],
    }


def result_table(costs: dict[str, list[Cost]]) -> Table:
    """Medians by candidate, and their ratios to the scan and to Polars."""
    medians = {
        name: (
            median(cost.wall_s for cost in runs),
            median(cost.cpu_s for cost in runs),
            median(cost.peak_bytes for cost in runs) / 1e9,
        )
        for name, runs in costs.items()
    }
    table = Table(
        title="whole processes, medians; x = ratio of wall / of CPU time",
        box=SIMPLE_HEAD,
        caption="Wall time is the first to suffer from other load: see its min-max.",
    )
    table.add_column("", no_wrap=True)
    for heading in ("wall s", "min-max", "CPU s", "x scan", "x Polars", "peak GB"):
        table.add_column(heading, justify="right")
    for name, (wall, cpu, peak) in medians.items():
        walls = [cost.wall_s for cost in costs[name]]
        ratios = (
            f"{wall / medians[base][0]:.1f} / {cpu / medians[base][1]:.1f}"
            for base in (SCAN, POLARS)
        )
        spread = f"{min(walls):.1f}-{max(walls):.1f}"
        table.add_row(name, f"{wall:.1f}", spread, f"{cpu:.1f}", *ratios, f"{peak:.2f}")
    return table


def machine(environment: dict[str, str]) -> str:
    """What the numbers were measured on."""
    versions = (f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "polars"))
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, ES_THREADS={environment['ES_THREADS']}, "
        f"load {os.getloadavg()[0]:.1f} before the runs; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if the numbers agree."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.features",
        description="Time the book and feature models beside Polars and a bare scan.",
    )
    parser.add_argument(
        "--book-rows", type=int, default=FULL_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--repeat", type=int, default=3, metavar="N", help="runs of each (default: %(default)s)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("data/bench"),
        metavar="DIR",
        help="where simulated sessions stay, a folder per size; delete it for new ones"
        " (default: %(default)s)",
    )
    args = parser.parse_args(arguments)
    if args.repeat < 1:
        parser.error(f"--repeat {args.repeat} measures nothing. Give 1 or more.")
    try:
        return _benchmark(Session((args.cache / str(args.book_rows)).resolve()), args)
    except (CommandError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run it again, a finished simulation is kept", file=sys.stderr)
        return 130


def _benchmark(session: Session, args: argparse.Namespace) -> int:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(highlight=False, soft_wrap=True, width=PIPE_WIDTH)
    console.print(f"session of {SESSION_DATE}, {args.book_rows:,} book rows, in {session.folder}")
    simulated = simulate(session, args.book_rows)
    for what, cost in (("simulate", simulated), ("dbt build", build(session))):
        if cost:
            console.print(
                f"{what}: {cost.wall_s:.1f} s, CPU {cost.cpu_s:.1f} s,"
                f" peak {cost.peak_bytes / 1e9:.2f} GB"
            )
    console.print(machine(session.environment))

    polars_output = session.folder / "polars_features.parquet"
    commands = candidates(session, polars_output)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    # In turns, so that a busy spell of the machine meets all of them.
    for name in track(list(commands) * args.repeat, "timing", console=console, transient=True):
        costs[name].append(run(commands[name], folder=PROJECT, environment=session.environment))
    console.print(result_table(costs))
    return subprocess.run(
        [sys.executable, "-m", "bench.agreement", session.database, polars_output],
        cwd=PROJECT,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
