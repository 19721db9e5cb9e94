"""`python -m bench.features`: what the book and feature models cost, beside Polars and a scan.

On one simulated session, in fresh processes that take turns: a bare scan of the book's columns in
DuckDB and in Polars (the floor), the models' SQL alone, the models by `dbt run`, and the same
features in Polars, whose numbers must be equal. Prints medians; exits 1 if the numbers differ,
never for a timing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.command import (
    FULL_BOOK_ROWS,
    cost_table,
    finish,
    in_turns,
    new_console,
    parser,
    prepare,
)
from bench.session import FOLDERS, PROJECT, SESSION_DATE, Session

SCAN, POLARS = "scan, DuckDB", "features, Polars"
"""The candidates that the others are compared with."""


def candidates(session: Session, polars_output: Path) -> dict[str, list[str | Path]]:
    """The commands to time, by what they are called in the table."""
    module = [sys.executable, "-m"]
    return {
        SCAN: [*module, "bench.scan", "duckdb", session.book],
        "scan, Polars": [*module, "bench.scan", "polars", session.book],
        "models, dbt run": session.dbt("run", "--select", *(f"path:{path}" for path in FOLDERS)),
        # After dbt's, so that the tables that are compared in the end are the ones it wrote.
        "models, SQL alone": [*module, "bench.model_sql", session.database, session.target],
        POLARS: [
            *(*module, "bench.polars_features"),
            *(session.bronze, session.silver, SESSION_DATE, polars_output),
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if the numbers agree."""
    given = parser(
        "bench.features", "Time the book and feature models beside Polars and a bare scan.", 3
    )
    given.add_argument(
        "--book-rows", type=int, default=FULL_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    args = given.parse_args(arguments)
    return finish(lambda: _benchmark(args))


def _benchmark(args: argparse.Namespace) -> int:
    console = new_console()
    session, _ = prepare(console, args.cache, args.book_rows)
    polars_output = session.folder / "polars_features.parquet"
    commands = candidates(session, polars_output)
    costs = in_turns(console, commands, session.environment, args.repeat)
    console.print(cost_table(costs, {"x scan": SCAN, "x Polars": POLARS}))
    return subprocess.run(
        [sys.executable, "-m", "bench.agreement", session.database, polars_output],
        cwd=PROJECT,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
