"""What the commands share: how they name roots and dates, print, fail, and end.

Exit codes: 0 success; 1 something is wrong with the data, or a part of the work failed; 2 wrong
usage, nothing was done; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from es_physics import files
from es_physics.errors import Error, UsageError, is_of_object_store

EXIT_CODES = (
    "Exit codes: 0 success; 1 something is wrong with the data, or a part of the work failed;"
    " 2 wrong usage, nothing was done; 130 interrupted."
)

_PIPE_WIDTH = 180
"""Columns of a table that goes to a pipe, which would be taken to have 80: too few for a table
with a column per feed."""


def console(*, least_width: int = 0, soft_wrap: bool = False, stderr: bool = False) -> Console:
    """The terminal, or a pipe that is wide enough for every table.

    `least_width`: columns that a table needs whatever the terminal has, as cut cells help nobody.
    `stderr`: leave standard output to the one JSON document.
    """
    made = Console(highlight=False, soft_wrap=soft_wrap, stderr=stderr)
    made.width = max(made.width if made.is_terminal else _PIPE_WIDTH, least_width)
    return made


def print_json(value: Any) -> None:
    """One JSON document for a script: dates and paths as text, what is no number as null."""
    print(json.dumps(_plain(value), indent=2, default=str, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def bronze_root_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--bronze-root`, by default `ES_BRONZE_ROOT` or else `data/bronze`."""
    parser.add_argument(
        "--bronze-root",
        type=_root,
        metavar="DIR",
        help="where Bronze lies (default: $ES_BRONZE_ROOT, else data/bronze)",
    )


def silver_root_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--silver-root`, by default `ES_SILVER_ROOT` or else `data/silver`."""
    parser.add_argument(
        "--silver-root",
        type=_root,
        metavar="DIR",
        help="where published tables lie (default: $ES_SILVER_ROOT, else data/silver)",
    )


def _root(text: str) -> Path:
    """An empty name is a shell's variable that is not set, and not the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return files.root_path(text)


def project_dir_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--project-dir`, as dbt has it."""
    parser.add_argument(
        "--project-dir",
        type=Path,
        metavar="DIR",
        help="the checkout to build with (default: the current folder, else the installed one)",
    )


def json_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def range_arguments(
    parser: argparse.ArgumentParser,
    *,
    required: bool = True,
    default: tuple[date, date] | None = None,
) -> None:
    """Add `--start` and `--end`; `date_range` checks what was given."""
    first, last = default or (None, None)
    for name, which, value in (("--start", "first", first), ("--end", "last", last)):
        parser.add_argument(
            name,
            type=day,
            required=required and default is None,
            default=value,
            metavar="DATE",
            help=f"{which} trade date" + (f" (default: {value})" if value else ""),
        )


def date_range(options: argparse.Namespace) -> tuple[date, date] | None:
    """`--start` and `--end`, None if neither was given. Raises UsageError if they make no range."""
    start, end = options.start, options.end
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise UsageError("--start and --end come together")
    if start > end:
        raise UsageError(f"--start {start} is after --end {end}; swap them")
    return start, end


def day(text: str) -> date:
    """A date as commands take it, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date, expected YYYY-MM-DD") from None


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number of at least `least`."""

    def read(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number of at least {least}")
        return int(text)

    return read


class Problems:
    """Lines of what is wrong with a part of the work, while the rest goes on."""

    def __init__(self) -> None:
        self.exit_code = 0

    def report(self, problem: str) -> None:
        """Print one, and let the command end with 1."""
        print(f"error: {problem}", file=sys.stderr)
        self.exit_code = 1


def run_command(
    run: Callable[[argparse.Namespace], int], options: argparse.Namespace, interrupted: str
) -> int:
    """Carry out a parsed command; its exit code. An error that is worded for people is one line.

    Roots that were not given are those of the environment. `interrupted` is what to say then.
    """
    try:
        if getattr(options, "bronze_root", "") is None:
            options.bronze_root = files.bronze_root()
        if getattr(options, "silver_root", "") is None:
            options.silver_root = files.silver_root()
        return int(run(options))
    except KeyboardInterrupt:
        print(f"interrupted: {interrupted}", file=sys.stderr)
        return 130
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of a KeyboardInterrupt
            print(f"interrupted: {interrupted}", file=sys.stderr)
            return 130
        # An object store's client has errors of its own for a server that cannot be reached.
        if not (isinstance(error, OSError | ValueError) or is_of_object_store(error)):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
