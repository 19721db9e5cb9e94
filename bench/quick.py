"""`python -m bench.quick`: whether a session costs what it cost, in under three minutes.

Times the models' SQL, the Polars script and a `dbt build` on a small session beside a bare scan,
and prints the ratios of CPU time beside those of `quick_ratios.csv`, kept with the code. For
people: it judges nothing and ends with 0, since a busy machine moves a ratio by a tenth. With
`--keep` it writes the table anew; commit it with the change that moved it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bench.command import finish, in_turns, median_cpu_s, new_console, number_table, parser, prepare
from bench.compare import BUILD, POLARS, SCAN, SQL, candidates

QUICK_BOOK_ROWS = 2_500_000
RATIOS = Path(__file__).with_name("quick_ratios.csv")
NOTEWORTHY = 0.15
"""A change of a ratio by this share is pointed at: runs on a busy machine differ by a tenth."""


def read_ratios(path: Path) -> dict[str, float]:
    """CPU time as a multiple of the scan's, by candidate, as it was kept."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["candidate"]: float(row["x_scan"]) for row in csv.DictReader(file)}


def keep_ratios(path: Path, ratios: Mapping[str, float]) -> None:
    """Write them over those that were kept."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("candidate", "x_scan"))
        writer.writerows((name, f"{ratio:.2f}") for name, ratio in ratios.items())


def ratio_table(cpu_s: Mapping[str, float], kept: Mapping[str, float]) -> Table:
    """CPU seconds by candidate and their ratio to the scan's, now and as kept."""
    table = number_table(
        "CPU time beside a bare scan",
        *("", "CPU s", "x scan", "kept", "change"),
        caption=f"marked from {NOTEWORTHY:.0%} on; a machine that is busy moves it by a tenth",
    )
    for name, seconds in cpu_s.items():
        ratio = seconds / cpu_s[SCAN]
        row = [name, f"{seconds:.2f}", f"{ratio:.2f}", "", ""]
        if name in kept:
            change = ratio / kept[name] - 1
            mark = " slower" if change >= NOTEWORTHY else " faster" if change <= -NOTEWORTHY else ""
            row[3:] = [f"{kept[name]:.2f}", f"{change:+.0%}{mark}"]
        table.add_row(*row)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 unless something could not be run."""
    given = parser("bench.quick", "Compare a small session's cost with the kept ratios.", 3)
    given.add_argument(
        "--book-rows", type=int, default=QUICK_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    given.add_argument("--keep", action="store_true", help=f"write {RATIOS.name} anew")
    args = given.parse_args(arguments)
    return finish(lambda: _quick(args))


def _quick(args: argparse.Namespace) -> int:
    console = new_console()
    session, built = prepare(console, args.cache, args.book_rows)
    commands = {
        name: command
        for name, command in candidates(session).items()
        if name in (SCAN, SQL, POLARS)
    }
    costs = in_turns(console, commands, session.environment, args.repeat)
    cpu_s = {name: median_cpu_s(runs) for name, runs in costs.items()} | {BUILD: built.cpu_s}
    console.print(ratio_table(cpu_s, read_ratios(RATIOS)))
    if args.keep:
        keep_ratios(RATIOS, {name: seconds / cpu_s[SCAN] for name, seconds in cpu_s.items()})
        console.print(f"kept in {RATIOS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
