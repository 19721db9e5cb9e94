"""The command `es-physics report`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from es_physics.console import (
    bronze_root_argument,
    date_range,
    day,
    range_arguments,
    silver_root_argument,
)
from es_physics.files import gold_root, require_root, root_path, setting
from es_physics.report.errors import ReportError
from es_physics.silver.verify import committed_sessions


def add_commands(commands: Any) -> None:
    """Add the room's command to those of `es-physics`."""
    report = commands.add_parser(
        "report",
        help="write pages of published sessions",
        description="Write self-contained HTML pages of published sessions, one for each SESSION"
        " and one for the range from --start to --end, and their index.",
    )
    report.add_argument(
        "sessions", nargs="*", type=day, metavar="SESSION", help="a page each, YYYY-MM-DD"
    )
    range_arguments(report, required=False)
    report.add_argument(
        "--output",
        type=root_path,
        default=root_path(setting("ES_REPORT_ROOT", "reports")),
        metavar="DIR",
        help="where the pages go (default: $ES_REPORT_ROOT, else reports)",
    )
    bronze_root_argument(report)
    silver_root_argument(report)
    report.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    dates = date_range(options)
    from es_physics.report.write import write_index, write_range, write_session  # slow to import

    root, folder = options.silver_root, options.output
    require_root(root, "Silver")
    if not committed_sessions(root):
        raise ReportError(f"nothing is published below {root}")
    pages = [partial(write_session, root, folder, session) for session in options.sessions]
    if dates:
        pages.append(partial(write_range, root, folder, *dates, options.bronze_root, gold_root()))
    pages.append(partial(write_index, root, folder))
    failures = 0
    for write in pages:
        try:
            print(write())
        except ReportError as error:
            print(f"error: {error}", file=sys.stderr)
            failures += 1
    return 1 if failures else 0
