"""The command `es-physics build`."""

from __future__ import annotations

import argparse
from contextlib import chdir
from typing import Any

import yaml

from es_physics.build.machine import PATIENCE_S
from es_physics.checkout import project_folder
from es_physics.console import (
    bronze_root_argument,
    console,
    date_range,
    day,
    json_argument,
    print_json,
    project_dir_argument,
    range_arguments,
    silver_root_argument,
    whole_number,
)
from es_physics.errors import UsageError
from es_physics.files import absolute, root_path


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
    build.add_argument(
        "--workers", type=whole_number(1), metavar="N", help="builds at a time (default: by cores)"
    )
    build.add_argument(
        "--threads",
        type=whole_number(1),
        metavar="N",
        help="of each build (default: cores shared; on Ray 1)",
    )
    build.add_argument(
        "--memory",
        type=whole_number(1),
        metavar="MB",
        help="DuckDB's in each build (default: memory shared; on Ray 1500)",
    )
    build.add_argument(
        "--force",
        action="store_true",
        help="build published sessions too, and publish one that has lost all its events",
    )
    build.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    build.add_argument(
        "--retries",
        type=whole_number(0),
        default=2,
        metavar="N",
        help="more attempts for a build that died (default 2)",
    )
    build.add_argument(
        "--patience",
        type=whole_number(1),
        default=PATIENCE_S,
        metavar="SECONDS",
        help="end a build that shows no progress for so long (default %(default)s)",
    )
    build.add_argument(
        "--vars", type=_mapping, default={}, metavar="YAML", help="as in dbt, without session_date"
    )
    build.add_argument(
        "--ray", metavar="ADDRESS", help="build on the Ray cluster at this address, or `auto`"
    )
    bronze_root_argument(build)
    silver_root_argument(build)
    project_dir_argument(build)
    json_argument(build)
    build.set_defaults(run=_build)


def _mapping(text: str) -> dict[str, object]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", error)  # the rest shows where, on lines of its own
        raise argparse.ArgumentTypeError(f"not YAML: {problem}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("expected names and values, as in '{zone_min_width: 2}'")
    return value


def _build(options: argparse.Namespace) -> int:
    from es_physics.build.backfill import backfill

    dates = date_range(options)
    if (options.date is None) == (dates is None):
        raise UsageError("give --date, or --start and --end")
    start, end = dates or (options.date, options.date)
    # Relative to where the user stands, as in every other command.
    bronze_root, silver_root = (
        root_path(absolute(root)) for root in (options.bronze_root, options.silver_root)
    )
    with chdir(project_folder(options.project_dir)):
        result = backfill(
            start,
            end,
            bronze_root=bronze_root,
            silver_root=silver_root,
            overrides=options.vars,
            console=console(stderr=options.json),
            workers=options.workers,
            threads=options.threads,
            memory_mb=options.memory,
            retries=options.retries,
            force=options.force,
            dry_run=options.dry_run,
            ray_address=options.ray,
            patience_s=options.patience,
        )
    if options.json:
        print_json(result.rows())
    return result.exit_code
