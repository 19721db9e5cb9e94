"""The commands of `python -m publish`.

Exit codes: 0 success; 1 a session failed, is damaged or not there; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import yaml
from rich.console import Console

from ingest.arguments import DEFAULT_BRONZE_ROOT, PIPE_WIDTH
from ingest.root_path import is_local, root_path
from publish.commit import silver_root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("interrupted: what is published is whole; the same command goes on", file=sys.stderr)
        return 130
    except Exception as error:
        # An object store's client has errors of its own for a server that cannot be reached.
        if not isinstance(error, OSError | ValueError) and "botocore" not in type(error).__module__:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m publish", description="Build, check and show published sessions."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser(
        "build",
        help="build every session of a range that is not published from the same inputs",
        description="Build the trade dates from --start to --end whose inputs (Bronze, code, vars)"
        " are not those of their commit record. Interrupt it at any moment: the same command goes"
        " on.",
    )
    build.add_argument("--start", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    build.add_argument("--end", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    build.add_argument("--workers", type=_positive, help="builds at a time (default: by cores)")
    build.add_argument(
        "--threads", type=_positive, help="of each build (default: cores shared; on Ray 1)"
    )
    build.add_argument(
        "--memory",
        type=_positive,
        metavar="MB",
        help="DuckDB's in each build (default: memory shared; on Ray 1500)",
    )
    build.add_argument("--force", action="store_true", help="build published sessions too")
    build.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    build.add_argument(
        "--retries", type=int, default=2, help="more attempts for a build that died (default 2)"
    )
    build.add_argument(
        "--vars", type=_mapping, default={}, metavar="YAML", help="as in dbt, without session_date"
    )
    build.add_argument(
        "--ray", metavar="ADDRESS", help="build on the Ray cluster at this address, or `auto`"
    )
    build.set_defaults(run=_build)

    verify = commands.add_parser("verify", help="hash every published file; find half a session")
    verify.set_defaults(run=_verify)

    gc = commands.add_parser("gc", help="remove versions that were replaced or never committed")
    gc.add_argument(
        "--older-than",
        type=float,
        default=24.0,
        metavar="HOURS",
        help="keep younger ones: someone may write or read them (default 24)",
    )
    gc.set_defaults(run=_collect)

    catalog = commands.add_parser("catalog", help="write a DuckDB file of views over all sessions")
    catalog.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="default: catalog.duckdb in the Silver root, or in data if that is a URL",
    )
    catalog.set_defaults(run=_catalog)

    show = commands.add_parser("show", help="print the labelled level events of sessions")
    show.add_argument("sessions", nargs="+", type=date.fromisoformat, metavar="YYYY-MM-DD")
    show.add_argument("--limit", type=int, default=12, help="rows per session (default 12)")
    show.set_defaults(run=_show)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def _mapping(text: str) -> dict[str, object]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise argparse.ArgumentTypeError(f"not YAML: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("expected names and values, as in '{zone_min_width: 2}'")
    return value


def _build(options: argparse.Namespace) -> int:

    from publish.backfill import NoBronze, backfill
    from publish.on_ray import RayUnavailable

    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    try:
        return backfill(
            options.start,
            options.end,
            bronze_root=root_path(os.environ.get("ES_BRONZE_ROOT") or DEFAULT_BRONZE_ROOT),
            silver_root=silver_root(),
            overrides=options.vars,
            console=console,
            workers=options.workers,
            threads=options.threads,
            memory_mb=options.memory,
            retries=options.retries,
            force=options.force,
            dry_run=options.dry_run,
            ray_address=options.ray,
        )
    except (NoBronze, RayUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _verify(options: argparse.Namespace) -> int:
    from publish.verify import committed_sessions, problems

    root = silver_root()
    # A plan compares hashes of its own accord only where that costs no transfer.
    force = "" if is_local(root) else " --force"
    bad = set()
    for day, problem in problems(root):
        bad.add(day)
        cure = f"python -m publish build --start {day} --end {day}{force}"
        print(f"error: {day} {problem}: {cure}", file=sys.stderr)
    count = len(committed_sessions(root))
    print(f"{count} sessions published below {root}: {len(bad)} with problems")
    return 1 if bad else 0


def _collect(options: argparse.Namespace) -> int:
    from publish.verify import collect_garbage

    count, size = collect_garbage(silver_root(), timedelta(hours=options.older_than))
    print(f"{count} files removed, {size / 1e6:.1f} MB")
    return 0


def _catalog(options: argparse.Namespace) -> int:
    from publish.catalog import write_catalog

    root = silver_root()
    target = options.output or (root if is_local(root) else Path("data")) / "catalog.duckdb"
    for table, sessions in write_catalog(root, target).items():
        print(f"{table}: {sessions} sessions")
    print(f"written to {target}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from publish.show import show

    return show(options.sessions, options.limit)
