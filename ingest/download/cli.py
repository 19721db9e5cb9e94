"""`python -m ingest download`: buy what the models need from the vendor, and land it in Bronze."""

from __future__ import annotations

import argparse
import math
import os
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from es_physics.console import bronze_root_argument, console, date_range, range_arguments
from es_physics.project import project_vars
from ingest.download.credentials import api_key
from ingest.download.errors import UsageError
from ingest.download.ledger import Ledger
from ingest.download.pace import Pace
from ingest.download.plan import SCHEMAS, Wish
from ingest.download.run import Download, Options
from ingest.download.vendor import Vendor
from ingest.download.windows import default_windows, parse_windows

_MOST_CONNECTIONS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    windows = ", ".join(f"{feed}={span}" for feed, span in default_windows().items())
    parser.description = (
        "Download the feeds of ES futures and of the options that expire on each trade date."
        " Shows the price, and asks before anything is bought. What is there is not bought again;"
        " after an interruption the same command goes on."
    )
    range_arguments(parser)
    parser.add_argument(
        "--feeds",
        nargs="+",
        choices=SCHEMAS,
        default=[*SCHEMAS],
        metavar="FEED",
        help=f"of {', '.join(SCHEMAS)} (default: all)",
    )
    parser.add_argument(
        "--nbbo",
        choices=("mbp-1", "bbo-1s"),
        default="mbp-1",
        help="schema of the option quotes: every update, or cheaper, one a second"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--window",
        action="append",
        default=(os.environ.get("ES_DOWNLOAD_WINDOWS") or "").split(),
        metavar="FEED=HH:MM-HH:MM",
        help="part of the trade date to ask for, New York time, or FEED=all; may be repeated"
        f" (default: $ES_DOWNLOAD_WINDOWS, else {windows}, all for the others)",
    )
    parser.add_argument(
        "--no-warmup",
        action="store_true",
        help=f"leave out the futures trades of the {_warmup_days()} trade dates before --start,"
        " which moving averages reach back to",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the price and stop")
    parser.add_argument("--yes", action="store_true", help="buy without asking")
    parser.add_argument(
        "--max-usd", type=_amount, metavar="USD", help="buy nothing if more than this is due"
    )
    parser.add_argument(
        "--refetch",
        action="store_true",
        help="buy again what the vendor has repaired since, and what covers a part of its window",
    )
    parser.add_argument(
        "--raw-dir",
        type=Path,
        default=Path("data/dbn/databento"),
        metavar="DIR",
        help="where raw files and the ledger of purchases go (default: %(default)s)",
    )
    parser.add_argument(
        "--no-raw", action="store_true", help="remove raw files once they are in Bronze"
    )
    parser.add_argument(
        "--connections", type=int, default=4, metavar="N", help="at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--batch-from-mb",
        type=_amount,
        default=100.0,
        metavar="MB",
        help="billed size from which a batch job is bought instead of a stream"
        " (default: %(default)s)",
    )
    bronze_root_argument(parser)


def _amount(text: str) -> float:
    """A finite number of at least 0."""
    with suppress(ValueError):
        if 0 <= (amount := float(text)) < math.inf:
            return amount
    raise argparse.ArgumentTypeError(f"'{text}' is no number of at least 0")


def _warmup_days() -> int:
    return int(project_vars()["sma_warmup_days"])


def run(args: argparse.Namespace, pace: Pace | None = None) -> int:
    """Download; 0 if all is there, 1 if something is not (yet). `pace`: the waiting times."""
    terminal = console(soft_wrap=True)
    try:
        return _download(args, pace or Pace(), terminal)
    except OSError as error:
        print(f"error: {error}; give folders with room that can be written", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        # The interpreter would wait for requests in other threads, which nothing can stop. All
        # that counts is on the disk already, as it has to be for a killed process.
        os._exit(130)


def _download(args: argparse.Namespace, pace: Pace, terminal: Console) -> int:
    date_range(args)
    if not 1 <= args.connections <= _MOST_CONNECTIONS:
        raise UsageError(f"--connections {args.connections} is not from 1 to {_MOST_CONNECTIONS}")
    windows = parse_windows(args.window)
    if unknown := sorted(windows.keys() - SCHEMAS):
        raise UsageError(f"there is no feed {unknown[0]}; --window is for {', '.join(SCHEMAS)}")
    wish = Wish(
        start=args.start,
        end=args.end,
        schemas={feed: schema for feed, schema in SCHEMAS.items() if feed in args.feeds}
        | ({"options/nbbo": args.nbbo} if "options/nbbo" in args.feeds else {}),
        windows=windows,
        warmup_days=0 if args.no_warmup else _warmup_days(),
        refetch=args.refetch,
    )
    options = Options(
        bronze_root=args.bronze_root,
        raw=args.raw_dir,
        keep_raw=not args.no_raw,
        dry_run=args.dry_run,
        max_usd=args.max_usd,
        confirm=_agreed if args.yes else _ask,
        connections=args.connections,
        batch_from_bytes=int(args.batch_from_mb * 1e6),
    )
    # Another address for the API serves tests, and networks with a proxy of their own.
    vendor = Vendor(api_key(), pace, os.environ.get("ES_DATABENTO_URL"))
    with Ledger(args.raw_dir) as ledger:
        download = Download(wish, options, vendor, ledger, pace, terminal)
        try:
            download.run()
        finally:
            outcome = download.outcome
            for line in outcome.errors:
                print(f"error: {line}", file=sys.stderr)
    terminal.out(outcome.summary())
    return 1 if outcome.errors else 0


def _agreed(question: str) -> bool:
    return True


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; --yes buys without asking")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
