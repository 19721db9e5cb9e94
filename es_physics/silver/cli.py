"""The commands of `es-physics` that look after published sessions: verify, gc, catalog, show."""

from __future__ import annotations

import argparse
import math
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from es_physics.checkout import NoCheckout, project_folder
from es_physics.console import (
    Problems,
    day,
    json_argument,
    print_json,
    silver_root_argument,
    whole_number,
)
from es_physics.files import gold_root, is_local, require_root
from es_physics.silver.commit import OF_MANY
from es_physics.silver.errors import RecordError


def add_commands(commands: Any) -> None:
    """Add the room's commands to those of `es-physics`."""
    verify = commands.add_parser("verify", help="hash every published file; find half a session")
    json_argument(verify)
    verify.set_defaults(run=_verify)

    gc = commands.add_parser("gc", help="remove versions that were replaced or never committed")
    gc.add_argument(
        "--older-than",
        type=_hours,
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
    show.add_argument("sessions", nargs="+", type=day, metavar="DATE")
    show.add_argument(
        "--limit",
        type=whole_number(1),
        default=12,
        metavar="N",
        help="rows per session (default 12)",
    )
    json_argument(show)
    show.set_defaults(run=_show)

    for command in (verify, gc, catalog, show):
        silver_root_argument(command)


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 <= hours < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of hours")
    return hours


def _verify(options: argparse.Namespace) -> int:
    from es_physics.silver.verify import committed_of_many, committed_sessions, problems

    root = options.silver_root
    require_root(root, "Silver")
    found = list(problems(root))
    sessions = committed_sessions(root)
    if not sessions and not found:
        raise RecordError(f"nothing is published below {root}")
    gold = gold_root()
    if committed_of_many(gold):
        found += problems(gold)
    bad = {session for session, _ in found}
    if options.json:
        print_json(
            {
                "silver_root": root,
                "sessions": sessions,
                "problems": [
                    {"session_date": session, "problem": problem} for session, problem in found
                ],
            }
        )
        return 1 if bad else 0
    # A plan compares hashes of its own accord only where that costs no transfer.
    force = "" if is_local(root) else " --force"
    for session, problem in found:
        cure = OF_MANY.get(str(session), f"es-physics build --date {session}{force}")
        print(f"error: {session} {problem}: {cure}", file=sys.stderr)
    print(f"{len(sessions)} sessions published below {root}: {len(bad)} with problems")
    return 1 if bad else 0


def _collect(options: argparse.Namespace) -> int:
    from es_physics.silver.verify import collect_garbage

    require_root(options.silver_root, "Silver")
    problems = Problems()
    count = size = 0
    for root in (options.silver_root, gold_root()):
        if root.is_dir():
            files, length = collect_garbage(
                root, timedelta(hours=options.older_than), problems.report
            )
            count, size = count + files, size + length
    print(f"{count} files removed, {size / 1e6:.1f} MB")
    return problems.exit_code


def _catalog(options: argparse.Namespace) -> int:
    from es_physics.silver.catalog import write_catalog
    from es_physics.silver.descriptions import read_descriptions

    root = options.silver_root
    require_root(root, "Silver")
    problems = Problems()
    target = options.output or (root if is_local(root) else Path("data")) / "catalog.duckdb"
    try:
        descriptions = read_descriptions(project_folder())
    except NoCheckout:  # Views without comments are of use all the same.
        descriptions = {}
    for table, sessions in write_catalog(root, target, problems.report, descriptions).items():
        print(f"{table}: {sessions} sessions")
    print(f"written to {target}")
    return problems.exit_code


def _show(options: argparse.Namespace) -> int:
    from es_physics.silver.show import show, show_json

    require_root(options.silver_root, "Silver")
    if options.json:
        return show_json(options.silver_root, options.sessions)
    return show(options.silver_root, options.sessions, options.limit)
