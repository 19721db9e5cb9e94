"""The command `es-physics report`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from es_physics.build.machine import cores
from es_physics.console import (
    Problems,
    bronze_root_argument,
    date_range,
    day,
    range_arguments,
    silver_root_argument,
    whole_number,
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
        " and one for the range from --start to --end with those of its sessions, and their index."
        " Pages that are up to date with what is published are left as they are.",
    )
    report.add_argument(
        "sessions", nargs="*", type=day, metavar="SESSION", help="a page each, YYYY-MM-DD"
    )
    report.add_argument("--all", action="store_true", help="a page of every published session")
    range_arguments(report, required=False)
    report.add_argument(
        "--workers",
        type=whole_number(1),
        default=cores(),
        metavar="N",
        help=f"write so many sessions at once (default: {cores()})",
    )
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
    from es_physics.report import write  # slow to import

    root, folder = options.silver_root, options.output
    require_root(root, "Silver")
    published = committed_sessions(root)
    if not published:
        raise ReportError(f"nothing is published below {root}")
    in_range = [day for day in published if dates and dates[0] <= day <= dates[1]]
    sessions = {*options.sessions, *in_range, *(published if options.all else ())}

    def pages() -> Iterator[write.Page]:
        yield from write.write_sessions(root, folder, sessions, options.workers)
        if dates:
            yield write.write_range(root, folder, *dates, options.bronze_root, gold_root())
        yield write.write_index(root, folder, options.bronze_root)

    problems, up_to_date = Problems(), 0
    for page in pages():
        if page.problem:
            problems.report(page.problem)
        elif page.is_new:
            print(page.path, flush=True)
        else:
            up_to_date += 1
    if up_to_date:
        print(f"{up_to_date} page{'s are' if up_to_date > 1 else ' is'} up to date")
    return problems.exit_code
