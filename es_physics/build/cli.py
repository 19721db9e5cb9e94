"""The command `es-physics build`."""

from __future__ import annotations

import argparse
from typing import Any

import yaml

from es_physics.console import (
    bronze_root_argument,
    console,
    day,
    range_arguments,
    silver_root_argument,
)
from es_physics.errors import UsageError


def add_commands(commands: Any) -> None:
    """Add the room's command to those of `es-physics`."""
    build = commands.add_parser(
        "build",
        help="build every session of a range that is not published from the same inputs",
        description="Build a date, or the trade dates from --start to --end, whose inputs (Bronze,"
        " code, vars) are not those of their commit record. Interrupt it at any moment: the same"
        " command goes on.",
    )
    build.add_argument("--date", type=day, metavar="DATE", help="one trade date")
    range_arguments(build, required=False)
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
    bronze_root_argument(build)
    silver_root_argument(build)
    build.set_defaults(run=_build)


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
    from es_physics.build.backfill import backfill

    start, end = options.start or options.date, options.end or options.date
    if start is None or end is None or (options.date and (options.start or options.end)):
        raise UsageError("give --date, or --start and --end")
    if start > end:
        raise UsageError(f"--start {start} is after --end {end}: swap them")
    return backfill(
        start,
        end,
        bronze_root=options.bronze_root,
        silver_root=options.silver_root,
        overrides=options.vars,
        console=console(),
        workers=options.workers,
        threads=options.threads,
        memory_mb=options.memory,
        retries=options.retries,
        force=options.force,
        dry_run=options.dry_run,
        ray_address=options.ray,
    )
