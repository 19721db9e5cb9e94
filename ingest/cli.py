"""The command line: `python -m ingest download|import|simulate|verify|status`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from es_physics.console import (
    EXIT_CODES,
    bronze_root_argument,
    console,
    json_argument,
    print_json,
    run_command,
    whole_number,
)
from es_physics.files import RootError, absolute, require_root


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest", description="Fill and check Bronze.", epilog=EXIT_CODES
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    importing = commands.add_parser(
        "import",
        help="land files of market data in Bronze",
        description="Land what the models can use of DBN files (versions 1 to 3, raw or zstd), of"
        " the vendor's CSV and Parquet of the same records, and of SPX prices in Parquet or CSV"
        " (columns ts_recv, price), by themselves, in folders at any depth, or in zips. What is"
        " left out is listed, and no error.",
    )
    importing.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    importing.add_argument(
        "--force", action="store_true", help="replace partitions that came from other files too"
    )
    importing.add_argument(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="files to read at a time (default: by cores and memory)",
    )
    importing.set_defaults(run=_import)

    verifying = commands.add_parser("verify", help="check every partition against its manifest")
    verifying.set_defaults(run=_verify)

    showing = commands.add_parser("status", help="show what there is, by trade date and feed")
    showing.set_defaults(run=_status)

    for command in (importing, verifying, showing):
        bronze_root_argument(command)
    for command in (verifying, showing):
        json_argument(command)

    simulating = commands.add_parser("simulate", help="make up a market and land it in Bronze")
    downloading = commands.add_parser("download", help="buy data from Databento and land it")
    # These two need their own, slower, imports to parse, so only where they are asked for.
    if "simulate" in arguments:
        import ingest.simulate.cli as simulate_cli

        simulate_cli.add_arguments(simulating)
        simulating.set_defaults(run=simulate_cli.run)
    if "download" in arguments:
        import ingest.download.cli as download_cli

        download_cli.add_arguments(downloading)
        downloading.set_defaults(run=download_cli.run)
    for command in commands.choices.values():
        command.epilog = EXIT_CODES
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parsed = _parser(given).parse_args(given)
    return run_command(parsed.run, parsed, "no partition was left half-written")


def _import(args: argparse.Namespace) -> int:
    from ingest.importer import import_paths

    terminal = console(soft_wrap=True)
    result = import_paths(
        args.paths, args.bronze_root, force=args.force, report=terminal, workers=args.workers
    )
    for left_out in result.left_out:
        terminal.out(f"left out: {left_out}")
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for error in result.errors:
        print(f"error: {error}", file=sys.stderr)
    terminal.out(result.summary())
    return result.exit_code


def _verify(args: argparse.Namespace) -> int:
    from es_physics.bronze.partitions import partitions, verify_partition

    _require_partitions(args.bronze_root)
    found = []
    for feed, trade_date in partitions(args.bronze_root):
        check = verify_partition(args.bronze_root, feed, trade_date)
        problem = None if check.status == "ok" else check.problem or "is an empty folder"
        found.append({"feed": feed.path, "trade_date": trade_date, "problem": problem})
        if problem and not args.json:
            print(f"error: {feed.path} {trade_date}: {problem}; import it again", file=sys.stderr)
    bad = sum(one["problem"] is not None for one in found)
    if args.json:
        print_json(found)
    else:
        print(f"{len(found)} partitions in {args.bronze_root}: {len(found) - bad} good, {bad} bad")
    return 1 if bad else 0


def _require_partitions(bronze_root: Path) -> None:
    """Nothing to look at is no good Bronze, but the wrong folder, or one that is not filled yet."""
    from es_physics.bronze.partitions import partitions

    require_root(bronze_root, "Bronze")
    if not any(True for _ in partitions(bronze_root)):
        raise RootError(
            f"no partition lies below {absolute(bronze_root)}: import data, or set ES_BRONZE_ROOT"
        )


def _status(args: argparse.Namespace) -> int:
    from ingest.status import ROUNDED_WIDTH, status_rows, status_table

    _require_partitions(args.bronze_root)
    if args.json:
        print_json(status_rows(args.bronze_root))
    else:
        terminal = console(least_width=ROUNDED_WIDTH)
        terminal.print(status_table(args.bronze_root, terminal.width))
    return 0
