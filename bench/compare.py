"""`python -m bench.compare`: the Silver tables beside a Polars script.

On simulated sessions of one or more sizes, in fresh processes that take turns: a bare scan of every
column needed (the floor), the tables of `bench.agreement` by `dbt run` and by their SQL alone, the
same tables from `bench.polars_session`, and the whole `dbt build`, which makes more (options,
quality, gates, tests) and publishes. Prints medians, and with several sizes how they grow; exits 1
if what the script makes is not what was published, never for a timing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bench.agreement import KEYS
from bench.code_lines import code_lines
from bench.command import (
    FULL_BOOK_ROWS,
    cost_table,
    finish,
    in_turns,
    median_cpu_s,
    new_console,
    number_table,
    parser,
    prepare,
)
from bench.measure import Cost
from bench.model_sql import models_of
from bench.session import PROJECT, SESSION_DATE, Session
from bench.session_clock import bar_dates

BUILD, MODELS, SQL, SCAN = "dbt build, everything", "models, dbt run", "models, SQL", "scan, DuckDB"
POLARS = "Polars script"

MODEL_PATHS = (
    *(
        f"models/intermediate/{folder}"
        for folder in ("session", "bars", "levels", "events", "book", "features")
    ),
    *(f"python_models/{name}.py" for name in ("int_book_cells", "int_event_labels")),
    *(f"models/silver/{table}.sql" for table in KEYS),
)
"""What makes the compared tables. The columns from options are there from the build before."""

SCRIPT = ("polars_session.py", "polars_features.py", "event_labels.py")
QUANT = Path("es_physics", "quant")
NUMERICS = ("book_cells.py", "triple_barrier.py", "uniqueness.py")
"""The numerics that the Python models call and the script does not."""


def candidates(session: Session) -> dict[str, list[str | Path]]:
    """The commands to time, by what they are called in the table."""
    module = [sys.executable, "-m"]
    trades = (
        session.bronze / "futures" / "trades" / "root=ES" / f"date={day}"
        for day in bar_dates(SESSION_DATE)
    )
    feeds = [session.book, *trades]
    return {
        SCAN: [*module, "bench.scan", "duckdb", *feeds],
        "scan, Polars": [*module, "bench.scan", "polars", *feeds],
        MODELS: session.dbt("run", "--select", *(f"path:{path}" for path in MODEL_PATHS)),
        SQL: [*module, "bench.model_sql", session.database, session.target, *MODEL_PATHS],
        POLARS: [*module, "bench.polars_session", session.bronze, SESSION_DATE, _output(session)],
        # The last, so that what is compared in the end is what it published.
        BUILD: session.dbt("build"),
    }


def _output(session: Session) -> Path:
    return session.folder / "polars_session"


def growth_table(costs: Mapping[int, Mapping[str, Sequence[Cost]]]) -> Table:
    """CPU time by candidate and book rows, and per million rows more from first to last."""
    sizes = sorted(costs)
    table = number_table(
        "CPU seconds by book rows, medians",
        *("", *(f"{size:,}" for size in sizes), "per million more"),
        caption="per million more: from the first size measured to the last",
    )
    for name in costs[sizes[0]]:
        measured = [median_cpu_s(costs[size][name]) for size in sizes]
        slope = (measured[-1] - measured[0]) / (sizes[-1] - sizes[0]) * 1e6
        table.add_row(name, *(f"{seconds:.1f}" for seconds in measured), f"{slope:.2f}")
    return table


def lines_table(session: Session) -> Table:
    """Lines of code by candidate, comments and docstrings not counted."""
    models = models_of(session.target, MODEL_PATHS).values()
    known = json.loads((session.target / "manifest.json").read_text())["macros"]
    macros = {
        known[name]["original_file_path"]
        for model in models
        for name in model.macros
        if known[name]["package_name"] == "es_physics"
    }
    table = number_table("lines of code", "", "lines")
    paths = [*(model.path for model in models), *macros, *(QUANT / name for name in NUMERICS)]
    table.add_row("models, macros, numerics", str(code_lines(PROJECT / path for path in paths)))
    table.add_row(POLARS, str(code_lines(PROJECT / "bench" / module for module in SCRIPT)))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; 0 if the tables agree."""
    given = parser("bench.compare", "Time the Silver tables beside a Polars script.", 5)
    given.add_argument(
        "--book-rows",
        type=int,
        nargs="+",
        default=[FULL_BOOK_ROWS],
        metavar="N",
        help=f"one or more sizes (default: {FULL_BOOK_ROWS})",
    )
    args = given.parse_args(arguments)
    return finish(lambda: _compare(args))


def _compare(args: argparse.Namespace) -> int:
    console = new_console()
    costs: dict[int, dict[str, list[Cost]]] = {}
    failed = False
    for book_rows in sorted(set(args.book_rows)):
        session, _ = prepare(console, args.cache, book_rows)
        costs[book_rows] = in_turns(console, candidates(session), session.environment, args.repeat)
        console.print(cost_table(costs[book_rows], {"x scan": SCAN, "x Polars": POLARS}))
        verdict = subprocess.run(
            [
                *(sys.executable, "-m", "bench.agreement"),
                *(session.silver, SESSION_DATE, _output(session)),
            ],
            cwd=PROJECT,
            check=False,
        )
        failed = failed or verdict.returncode != 0
    if len(costs) > 1:
        console.print(growth_table(costs))
    console.print(lines_table(session))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
