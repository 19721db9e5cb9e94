"""A small simulated market and dbt builds of it, each made once and shared by the tests."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

PROJECT = Path(__file__).resolve().parents[2]
SILVER_TABLES = (
    "sessions",
    "bars_1m",
    "levels",
    "gamma_by_strike",
    "level_events",
    "level_event_features",
    "level_event_labels",
    "level_interactions",
    "bronze_quality",
    "qa_gate_results",
)

# Each session with the three trade dates before it, which its moving averages reach back to.
MARKET_DATES = (
    ("2025-10-28", "2025-11-03"),
    ("2025-11-24", "2025-11-28"),
    ("2025-12-05", "2025-12-16"),
)


@dataclass(frozen=True)
class Build:
    """One finished dbt command and where it published."""

    returncode: int
    output: str
    silver: Path

    def table(self, name: str, session_date: str) -> pl.DataFrame:
        return pl.read_parquet(self.silver / name / f"session_date={session_date}" / "data.parquet")

    def digests(self) -> dict[str, str]:
        """sha256 of every published Parquet file, by its path below the Silver root."""
        return {
            str(path.relative_to(self.silver)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.silver.rglob("*.parquet"))
        }


def run_module(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`python -m ...` from the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def run_dbt(
    *arguments: str,
    bronze: Path,
    work: Path,
    session_date: str,
    threads: int = 1,
    project: Path = PROJECT,
) -> Build:
    """A dbt command with a database, a target folder and a Silver root of its own below `work`."""
    work.mkdir(parents=True, exist_ok=True)
    silver = work / "silver"
    environment = os.environ | {
        "ES_BRONZE_ROOT": str(bronze),
        "ES_SILVER_ROOT": str(silver),
        "ES_DUCKDB_PATH": str(work / "build.duckdb"),
        "ES_TEMP_DIRECTORY": str(work / "duckdb_tmp"),
        "ES_THREADS": str(threads),
    }
    command = [
        *(str(Path(sys.executable).with_name("dbt")), "--no-use-colors"),
        *arguments,
        *("--vars", f"{{session_date: {session_date}}}"),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        *("--log-level-file", "none"),
    ]
    finished = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return Build(finished.returncode, finished.stdout + finished.stderr, silver)


@pytest.fixture(scope="session")
def bronze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bronze of a tiny simulated market on `MARKET_DATES`."""
    root = tmp_path_factory.mktemp("market")
    for start, end in MARKET_DATES:
        finished = run_module(
            *("ingest", "simulate", "--scale", "tiny", "--start", start, "--end", end),
            *("--bronze-root", root / "bronze", "--dbn-dir", root / "dbn"),
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
    return root / "bronze"


@pytest.fixture(scope="session")
def dbn(bronze: Path) -> Path:
    """The DBN files that `bronze` was imported from."""
    return bronze.parent / "dbn"


class Builds:
    """dbt builds of the shared market, two at a time, each started once."""

    def __init__(self, bronze: Path, work: Path) -> None:
        self._bronze = bronze
        self._work = work
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._started: dict[str, Future[Build]] = {}

    def start(self, session_date: str) -> Future[Build]:
        if session_date not in self._started:
            self._started[session_date] = self._pool.submit(
                run_dbt,
                "build",
                bronze=self._bronze,
                work=self._work / session_date,
                session_date=session_date,
            )
        return self._started[session_date]

    def __getitem__(self, session_date: str) -> Build:
        build = self.start(session_date).result()
        assert build.returncode == 0, build.output
        return build


@pytest.fixture(scope="session")
def builds(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Finished builds of the shared market by session date."""
    return Builds(bronze, tmp_path_factory.mktemp("builds"))
