"""The command line: `python -m report [SESSION ...] [--start DATE --end DATE]`.

Exit codes: 0 success, 1 a page could not be written, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from publish.commit import silver_root
from report.errors import ReportError

DEFAULT_REPORT_ROOT = "reports"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages that were asked for, and the index; the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m report",
        description="Write self-contained HTML pages of published sessions, and their index.",
    )
    parser.add_argument(
        "sessions", nargs="*", type=_date, metavar="SESSION", help="a page each, YYYY-MM-DD"
    )
    parser.add_argument(
        "--start", type=_date, metavar="DATE", help="first session of a range's page"
    )
    parser.add_argument("--end", type=_date, metavar="DATE", help="last session of it")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(os.environ.get("ES_REPORT_ROOT") or DEFAULT_REPORT_ROOT),
        metavar="DIR",
        help="where the pages go (default: $ES_REPORT_ROOT, else reports)",
    )
    options = parser.parse_args(arguments)
    if (options.start is None) != (options.end is None):
        parser.error("--start and --end come together")
    if options.start and options.start > options.end:
        parser.error(f"--start {options.start} is after --end {options.end}")
    from report.write import write_index, write_range, write_session  # slow to import

    root, folder = silver_root(), options.output
    pages = [partial(write_session, root, folder, session) for session in options.sessions]
    if options.start:
        pages.append(partial(write_range, root, folder, options.start, options.end))
    pages.append(partial(write_index, root, folder))
    failures = 0
    for write in pages:
        try:
            print(write())
        except ReportError as error:
            print(f"error: {error}", file=sys.stderr)
            failures += 1
    return 1 if failures else 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date, expected YYYY-MM-DD") from None
