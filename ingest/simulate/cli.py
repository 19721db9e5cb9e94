"""`python -m ingest simulate`: make a market up, as genuine DBN files, and land it in Bronze."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from es_physics.calendar import default_calendar
from es_physics.console import bronze_root_argument, console, date_range, range_arguments
from ingest.importer import import_paths
from ingest.simulate.errors import SimulationError
from ingest.simulate.market import Market
from ingest.simulate.planted_effect import BREAK_SHARE_AGAINST, BREAK_SHARE_WITH

SCALES = {"tiny": 30_000, "demo": 300_000, "full": 10_000_000}
"""Book rows of an ordinary trade date."""

_FEWEST_BOOK_ROWS = 10_000
_SPX_LAG_MS = (5, 60_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    scales = ", ".join(f"{name} {rows:,}" for name, rows in SCALES.items())
    parser.description = (
        "Write the DBN files of a made-up market of ES futures and options, a set per trade date,"
        " and import them. The same seed, date and scale always give the same bytes."
    )
    range_arguments(parser, default=(date(2025, 12, 10), date(2025, 12, 16)))
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="demo",
        help=f"book rows of an ordinary date: {scales} (default: demo)",
    )
    parser.add_argument("--book-rows", type=int, metavar="N", help="any other size")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--mbo",
        action="store_true",
        help="write the single orders too, and a book row for each of their records; the import"
        " then has two sources of one book, of which it takes MBP-10",
    )
    parser.add_argument(
        "--spx-lag-ms",
        type=int,
        metavar="MS",
        help="let SPX echo every change of the front month's mid so long after"
        " (default: a price a second of the index that both follow)",
    )
    parser.add_argument(
        "--planted-effect",
        action="store_true",
        help="give research something to find: for half an hour at a time the book leans to the"
        f" side to which price then drifts, so that about {BREAK_SHARE_WITH} of the entries with"
        f" the book behind them break their level by 15 points within 8 minutes, and"
        f" {BREAK_SHARE_AGAINST} of those against it; not at scale tiny, whose books follow price"
        " only every quarter of an hour (default: no effect)",
    )
    parser.add_argument(
        "--dbn-dir",
        type=Path,
        default=Path("data/dbn/simulated"),
        metavar="DIR",
        help="where the DBN files go (default: %(default)s)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace what Bronze holds of these dates from other files",
    )
    bronze_root_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Write and import the dates; 0 if all is well, 1 if an import failed."""
    terminal = console(soft_wrap=True)
    date_range(args)
    try:
        written = write_range(
            args.start,
            args.end,
            args.dbn_dir,
            seed=args.seed,
            book_rows=SCALES[args.scale] if args.book_rows is None else args.book_rows,
            orders=args.mbo,
            spx_lag_ms=args.spx_lag_ms,
            planted_effect=args.planted_effect,
            terminal=terminal,
        )
    except OSError as error:
        print(
            f"error: the files cannot be written to {args.dbn_dir} ({error})."
            " Give a folder with room in --dbn-dir.",
            file=sys.stderr,
        )
        return 1
    result = import_paths(written, args.bronze_root, force=args.force, report=terminal)
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for problem in result.errors:
        print(f"error: {problem}", file=sys.stderr)
    terminal.out(result.summary())
    return result.exit_code


def write_range(
    start: date,
    end: date,
    folder: Path,
    *,
    seed: int,
    book_rows: int,
    terminal: Console,
    orders: bool = False,
    spx_lag_ms: int | None = None,
    planted_effect: bool = False,
) -> list[Path]:
    """Write the files of every trade date from `start` to `end`, both included; their paths.

    Raises SimulationError if a value makes no sense or the range holds no trade date.
    """
    if seed < 0:
        raise SimulationError(f"--seed {seed} is negative. Give 0 or more.")
    if book_rows < _FEWEST_BOOK_ROWS:
        raise SimulationError(
            f"--book-rows {book_rows} is too few for a market. Give {_FEWEST_BOOK_ROWS} or more."
        )
    shortest, longest = _SPX_LAG_MS
    if spx_lag_ms is not None and not shortest <= spx_lag_ms <= longest:
        raise SimulationError(
            f"--spx-lag-ms {spx_lag_ms} is out of reach. Give {shortest} to {longest}."
        )
    calendar = default_calendar().days
    market = Market(
        seed,
        book_rows,
        calendar,
        orders=orders,
        spx_lag_ms=spx_lag_ms,
        planted_effect=planted_effect,
    )
    written: list[Path] = []
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        if day not in calendar:
            terminal.out(f"{day} is no trade date: skipped")
            continue
        began = time.monotonic()
        files = market.write(day, folder)
        written += files.paths
        options = ""
        if files.options:
            written += files.options.paths
            options = f", {files.options.quotes:,} option quotes"
        terminal.out(
            f"{day} {files.book_rows:,} book rows, {files.trades:,} trades{options}"
            f" in {time.monotonic() - began:.1f} s"
        )
    if not written:
        first, last = min(calendar), max(calendar)
        raise SimulationError(
            f"No trade date from {start} to {end}. The calendar holds {first} to {last}:"
            " give a range with an open day in it."
        )
    return written
