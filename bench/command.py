"""What the benchmark commands share: arguments, errors in words, tables of costs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.measure import CommandError, Cost, run
from bench.session import PROJECT, SESSION_DATE, Session, build, simulate
from es_physics.console import console, whole_number

FULL_BOOK_ROWS = 10_000_000


def parser(prog: str, description: str, repeat: int | None = None) -> argparse.ArgumentParser:
    """Arguments of every benchmark: size, cache and, with a default for it, the number of runs."""
    given = argparse.ArgumentParser(prog=f"python -m {prog}", description=description)
    given.add_argument(
        "--cache",
        type=Path,
        default=Path("data/bench"),
        metavar="DIR",
        help="where simulated sessions stay, a folder per size; delete it for new ones"
        " (default: %(default)s)",
    )
    if repeat:
        given.add_argument(
            "--repeat",
            type=whole_number(1),
            default=repeat,
            metavar="N",
            help="runs of each (default: %(default)s)",
        )
    return given


def finish(benchmark: Callable[[], int]) -> int:
    """Its exit code; 1 and words for what went wrong."""
    try:
        return benchmark()
    except (CommandError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run it again, a finished simulation is kept", file=sys.stderr)
        return 130


def new_console() -> Console:
    """Plain output that wraps no line of text."""
    return console(soft_wrap=True)


def prepare(console: Console, cache: Path, book_rows: int) -> tuple[Session, Cost]:
    """A session of this many rows, simulated unless it is there, and what its `dbt build` cost."""
    session = Session((cache / str(book_rows)).resolve())
    console.print(f"session of {SESSION_DATE}, {book_rows:,} book rows, in {session.folder}")
    simulated = simulate(session, book_rows)
    built = build(session)
    for what, cost in (("simulate", simulated), ("dbt build", built)):
        if cost:
            console.print(
                f"{what}: {cost.wall_s:.1f} s, CPU {cost.cpu_s:.1f} s,"
                f" peak {cost.peak_bytes / 1e9:.2f} GB"
            )
    console.print(machine(session.environment))
    return session, built


def machine(environment: Mapping[str, str]) -> str:
    """What the numbers were measured on."""
    names = ("duckdb", "dbt-core", "polars", "databento")
    versions = (f"{name} {version(name)}" for name in names)
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, ES_THREADS={environment['ES_THREADS']}, "
        f"load {os.getloadavg()[0]:.1f} before the runs; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def in_turns(
    console: Console,
    commands: Mapping[str, Sequence[str | Path]],
    environment: Mapping[str, str],
    repeat: int,
) -> dict[str, list[Cost]]:
    """What each command cost in every run; a busy spell of the machine meets all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for name in track(list(commands) * repeat, "timing", console=console, transient=True):
        costs[name].append(run(commands[name], folder=PROJECT, environment=environment))
    return costs


def number_table(title: str, first: str, *headings: str, caption: str | None = None) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(title=title, box=SIMPLE_HEAD, caption=caption)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def median_cpu_s(runs: Sequence[Cost]) -> float:
    return median(cost.cpu_s for cost in runs)


def cost_table(costs: Mapping[str, Sequence[Cost]], bases: Mapping[str, str]) -> Table:
    """Medians by candidate, and their ratios to others; `bases` is heading to candidate."""
    medians = {
        name: (median(cost.wall_s for cost in runs), median_cpu_s(runs))
        for name, runs in costs.items()
    }
    table = number_table(
        "whole processes, medians; x = ratio of wall / of CPU time",
        *("", "wall s", "min-max", "CPU s", *bases, "peak GB"),
        caption="Wall time is the first to suffer from other load: see its min-max.",
    )
    for name, (wall, cpu) in medians.items():
        walls = [cost.wall_s for cost in costs[name]]
        peak = median(cost.peak_bytes for cost in costs[name]) / 1e9
        table.add_row(
            *(name, f"{wall:.1f}", f"{min(walls):.1f}-{max(walls):.1f}", f"{cpu:.1f}"),
            *(
                f"{wall / medians[base][0]:.1f} / {cpu / medians[base][1]:.1f}"
                for base in bases.values()
            ),
            f"{peak:.2f}",
        )
    return table
