"""The command `es-physics`: build, check, show and study sessions. Each room adds its commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import es_physics.audit.cli
import es_physics.build.cli
import es_physics.report.cli
import es_physics.research.cli
import es_physics.silver.cli
from es_physics.console import EXIT_CODES, run_command

_ROOMS = (
    es_physics.build.cli,
    es_physics.silver.cli,
    es_physics.audit.cli,
    es_physics.report.cli,
    es_physics.research.cli,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="es-physics",
        description="Build, check, show and study sessions of level events.",
        epilog=EXIT_CODES,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for room in _ROOMS:
        room.add_commands(commands)
    for command in commands.choices.values():
        command.epilog = EXIT_CODES
    options = parser.parse_args(arguments)
    return run_command(options.run, options, "what is published is whole; the same command goes on")
