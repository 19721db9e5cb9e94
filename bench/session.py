"""A simulated session to measure on: its Bronze, kept between runs, and a dbt build of it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Cost, run

PROJECT = Path(__file__).resolve().parents[1]
SESSION_DATE = "2025-12-16"
WARM_UP = ("2025-12-11", "2025-12-15")
"""First and last of the trade dates before it that its moving averages reach back to."""

_WARM_UP_BOOK_ROWS = 300_000
"""Of the dates before the session only the trades are read: they need no full book."""


@dataclass(frozen=True)
class Session:
    """Where a session's files lie: all of them below `folder`, which belongs to one size."""

    folder: Path

    @property
    def bronze(self) -> Path:
        return self.folder / "bronze"

    @property
    def dbn(self) -> Path:
        """The simulated vendor files that Bronze was imported from."""
        return self.folder / "dbn"

    @property
    def silver(self) -> Path:
        return self.folder / "silver"

    @property
    def database(self) -> Path:
        return self.folder / "build.duckdb"

    @property
    def target(self) -> Path:
        return self.folder / "target"

    @property
    def book(self) -> Path:
        """The folder of the session's book in Bronze."""
        return self.bronze / "futures" / "mbp10" / "root=ES" / f"date={SESSION_DATE}"

    @property
    def environment(self) -> dict[str, str]:
        """For dbt and for DuckDB without it: this session's paths, and as many threads as cores."""
        given = {"ES_THREADS": str(os.cpu_count()), "ES_MEMORY_LIMIT": "4GB"} | os.environ
        return given | {
            "ES_BRONZE_ROOT": str(self.bronze),
            "ES_SILVER_ROOT": str(self.silver),
            "ES_DUCKDB_PATH": str(self.database),
            "ES_TEMP_DIRECTORY": str(self.folder / "duckdb_tmp"),
        }

    def dbt(self, *arguments: str) -> list[str | Path]:
        """A dbt command on this session."""
        return [
            Path(sys.executable).with_name("dbt"),
            *("--no-use-colors", *arguments),
            *("--vars", f"{{session_date: {SESSION_DATE}}}"),
            *("--target-path", self.target),
            *("--log-path", self.folder / "logs"),
            *("--log-level-file", "none"),
        ]


def simulate(session: Session, book_rows: int) -> Cost | None:
    """Simulate the session's Bronze unless it is there; what it cost, None if it was there."""
    if session.bronze.is_dir():
        return None
    # Made beside its place and renamed, so that what was interrupted is never taken for whole.
    unfinished = session.folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    costs = [
        run(
            [
                *(sys.executable, "-m", "ingest", "simulate", "--start", start, "--end", end),
                *("--book-rows", str(rows)),
                *("--dbn-dir", unfinished / "dbn", "--bronze-root", unfinished / "bronze"),
            ],
            folder=PROJECT,
            environment=os.environ,
        )
        for start, end, rows in (
            (*WARM_UP, min(book_rows, _WARM_UP_BOOK_ROWS)),
            (SESSION_DATE, SESSION_DATE, book_rows),
        )
    ]
    shutil.rmtree(session.dbn, ignore_errors=True)
    (unfinished / "dbn").rename(session.dbn)
    (unfinished / "bronze").rename(session.bronze)
    shutil.rmtree(unfinished)
    return Cost(
        sum(cost.wall_s for cost in costs),
        sum(cost.cpu_s for cost in costs),
        max(cost.peak_bytes for cost in costs),
    )


def build(session: Session) -> Cost:
    """`dbt build` of the session into a new database; what it cost."""
    session.database.unlink(missing_ok=True)
    return run(session.dbt("build"), folder=PROJECT, environment=session.environment)
