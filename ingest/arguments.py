"""What several commands of `python -m ingest` share."""

from __future__ import annotations

import argparse
import os

from ingest.root_path import root_path

DEFAULT_BRONZE_ROOT = "data/bronze"

PIPE_WIDTH = 180
"""Columns of a table that goes to a pipe, which would be taken to have 80: too few for a table
with a column per feed."""


def bronze_root_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--bronze-root`, by default `ES_BRONZE_ROOT` or else `data/bronze`."""
    parser.add_argument(
        "--bronze-root",
        type=root_path,
        default=root_path(os.environ.get("ES_BRONZE_ROOT") or DEFAULT_BRONZE_ROOT),
        metavar="DIR",
        help="where Bronze lies (default: $ES_BRONZE_ROOT, else data/bronze)",
    )
