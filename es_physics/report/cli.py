"""The commands `es-physics report` and `es-physics neighbours`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from es_physics.build.machine import cores
from es_physics.console import (
    Problems,
    bronze_root_argument,
    date_range,
    day,
    json_argument,
    print_json,
    range_arguments,
    silver_root_argument,
    whole_number,
)
from es_physics.errors import UsageError
from es_physics.files import gold_root, require_root, root_path, setting
from es_physics.report.errors import ReportError
from es_physics.silver.verify import committed_sessions


def add_commands(commands: Any) -> None:
    """Add the room's commands to those of `es-physics`."""
    report = commands.add_parser(
        "report",
        help="write pages of published sessions",
        description="Write self-contained HTML pages of published sessions, one for each SESSION"
        " and one for the range from --start to --end with those of its sessions, with --research"
        " one of the scores of models, and their index. Pages that are up to date with what is"
        " published are left as they are.",
    )
    report.add_argument(
        "sessions", nargs="*", type=day, metavar="SESSION", help="a page each, YYYY-MM-DD"
    )
    report.add_argument("--all", action="store_true", help="a page of every published session")
    range_arguments(report, required=False)
    report.add_argument(
        "--research", action="store_true", help="the page of models and their scores"
    )
    report.add_argument(
        "--workers",
        type=whole_number(1),
        default=cores(),
        metavar="N",
        help=f"write so many sessions at once (default: {cores()})",
    )
    _output_argument(report, "where the pages go")
    bronze_root_argument(report)
    silver_root_argument(report)
    report.set_defaults(run=_report)

    neighbours = commands.add_parser(
        "neighbours",
        help="print what followed the earlier events that were most like one",
        description="Print the earlier events nearest to EVENT_ID, or to the event of --session at"
        " --time, with what followed them, beside the base rate and the random walk: of the latest"
        " finished run of the current gold.",
    )
    neighbours.add_argument("event_id", nargs="?", metavar="EVENT_ID")
    neighbours.add_argument("--session", type=day, metavar="DATE", help="its trade date")
    neighbours.add_argument(
        "--time", type=_clock, metavar="TIME", help="when, in New York: 10:04:31, or 10:04"
    )
    neighbours.add_argument("--target", default="scaled", help="of outcomes (default scaled)")
    neighbours.add_argument(
        "--feature-set", default="full", metavar="SET", help="what is alike (default full)"
    )
    neighbours.add_argument(
        "--run", dest="run_id", metavar="RUN_ID", help="of this run (default: the latest)"
    )
    neighbours.add_argument(
        "--limit", type=whole_number(1), default=10, metavar="N", help="rows (default 10)"
    )
    _output_argument(neighbours, "where pages lie, for links")
    json_argument(neighbours)
    neighbours.set_defaults(run=_neighbours)


def _output_argument(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--output",
        type=root_path,
        default=root_path(setting("ES_REPORT_ROOT", "reports")),
        metavar="DIR",
        help=f"{what} (default: $ES_REPORT_ROOT, else reports)",
    )


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no time, expected HH:MM or HH:MM:SS")
    return text


def _report(options: argparse.Namespace) -> int:
    dates = date_range(options)
    from es_physics.report import write  # slow to import

    root, folder = options.silver_root, options.output
    published = committed_sessions(root)
    if options.sessions or dates or options.all or not options.research:
        require_root(root, "Silver")
        if not published:
            raise ReportError(f"nothing is published below {root}")
    in_range = [day for day in published if dates and dates[0] <= day <= dates[1]]
    sessions = {*options.sessions, *in_range, *(published if options.all else ())}

    def pages() -> Iterator[write.Page]:
        yield from write.write_sessions(root, folder, sessions, options.workers, gold_root())
        if dates:
            yield write.write_range(root, folder, *dates, options.bronze_root, gold_root())
        if options.research:
            yield write.write_research(gold_root(), folder)
        if published:
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


def _neighbours(options: argparse.Namespace) -> int:
    by_time = (options.session is not None, options.time is not None)
    if any(by_time) == bool(options.event_id) or any(by_time) != all(by_time):
        raise UsageError("give an EVENT_ID, or --session and --time together")
    from es_physics.report.neighbours import answer_for, find_event
    from es_physics.report.neighbours_text import as_json, show

    root = gold_root()
    event_id = options.event_id or find_event(root, options.session, options.time)
    answer = answer_for(root, event_id, options.target, options.feature_set, options.run_id)
    if options.json:
        print_json(as_json(answer, options.limit, options.output))
    else:
        show(answer, options.limit, options.output)
    return 0
