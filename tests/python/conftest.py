"""A small simulated market and dbt builds of it, each made once and shared by the tests."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import FileLock
from hypothesis import settings
from warm_dbt import WarmDbt

import es_physics.cli

PROJECT = Path(__file__).resolve().parents[2]
DATABASE = "build.duckdb"
SESSION_DBT = WarmDbt("dev", PROJECT, DATABASE)
SILVER_TABLES = (
    "sessions",
    "bars_1m",
    "levels",
    "gamma_by_strike",
    "gamma_by_minute",
    "level_events",
    "level_event_features",
    "level_event_labels",
    "level_interactions",
    "session_grid",
    "ofi_moments",
    "microprice_counts",
    "lead_lag",
    "event_replenishment",
    "event_book",
    "event_paths",
    "placebo_events",
    "placebo_labels",
    "level_states",
    "bronze_quality",
    "qa_gate_results",
)

FROM_OPTIONS = "gex|gamma|fuel|option|calendar_basis|dealer|_wall$|atm_iv|skew_25d|premium"
"""Matches the names of the columns of events that come from options."""

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
        file = self.silver / name / f"session_date={session_date}" / "data.parquet"
        return pl.read_parquet(file, glob=False)

    def copy_database(self, work: Path) -> Path:
        """A copy of its database for a command that works in `work`; others read the original."""
        work.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(self.silver.parent / DATABASE, work))

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


def es_physics_command(*arguments: str | Path) -> list[str]:
    """The command `es-physics` of this environment."""
    return [str(Path(sys.executable).with_name("es-physics")), *map(str, arguments)]


def run_es_physics(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`es-physics ...` from the project's folder, within this process, which is faster."""
    given = [str(argument) for argument in arguments]
    out, err = StringIO(), StringIO()
    with chdir(PROJECT), redirect_stdout(out), redirect_stderr(err):
        try:
            code = es_physics.cli.main(given)
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())


def dbt_environment(
    *, bronze: Path, work: Path, threads: int = 1, database: str = DATABASE
) -> dict[str, str]:
    """The environment of a dbt command with a database and a Silver root of its own in `work`."""
    return os.environ | {
        "ES_BRONZE_ROOT": str(bronze),
        "ES_SILVER_ROOT": str(work / "silver"),
        "ES_DUCKDB_PATH": str(work / database),
        "ES_TEMP_DIRECTORY": str(work / "duckdb_tmp"),
        "ES_THREADS": str(threads),
    }


def run_dbt(
    *arguments: str,
    bronze: Path,
    work: Path,
    session_date: str,
    threads: int = 1,
    project: Path = PROJECT,
    other_vars: Mapping[str, Any] | None = None,
    database: str = DATABASE,
    writes_manifest: bool = False,
) -> Build:
    """A dbt command with a database, a target folder and a Silver root of its own below `work`."""
    work.mkdir(parents=True, exist_ok=True)
    variables = [f"session_date: {session_date}"]
    variables += [f"{name}: {json.dumps(value)}" for name, value in (other_vars or {}).items()]
    given = [
        *arguments,
        *("--no-use-colors", "--vars", f"{{{', '.join(variables)}}}"),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        *("--log-level-file", "none"),
    ]
    environment = dbt_environment(bronze=bronze, work=work, threads=threads, database=database)
    is_parsed = project == PROJECT and not other_vars and database == DATABASE
    is_parsed &= "--target" not in arguments and arguments[0] in {"build", "run", "test"}
    unparsed = None if is_parsed else project
    code, output = SESSION_DBT.run(given, environment, unparsed, writes_manifest)
    return Build(code, output, work / "silver")


# What takes a simulated market, a dbt build, a browser, an object store or a virtual environment.
SLOW_FIXTURES = {"bronze", "builds", "chrome", "tiny", "bucket", "wheel"}

# A test that is slow because others use the machine says nothing about the project.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs one of those; `make check` runs the others."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("market")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same for all of its processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def bronze(shared: Path) -> Path:
    """Bronze of a tiny simulated market on `MARKET_DATES`."""
    root = shared / "market"
    with FileLock(shared / "market.lock"):
        if not root.exists():
            _simulate(root)
    return root / "bronze"


def _simulate(root: Path) -> None:
    making = root.with_name("making_market")
    for start, end in MARKET_DATES:
        finished = run_module(
            *("ingest", "simulate", "--scale", "tiny", "--start", start, "--end", end),
            *("--bronze-root", making / "bronze", "--dbn-dir", making / "dbn"),
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
    making.rename(root)


@pytest.fixture(scope="session")
def dbn(bronze: Path) -> Path:
    """The DBN files that `bronze` was imported from."""
    return bronze.parent / "dbn"


@pytest.fixture(scope="session")
def manifest(shared: Path) -> dict[str, Any]:
    """dbt's manifest of the parsed project: models, tests, macros, exposures, with their YAML."""
    work = shared / "parse"
    with FileLock(shared / "parse.lock"):
        if not (work / "target" / "manifest.json").exists():
            parsed = run_dbt("parse", bronze=work, work=work, session_date="2025-12-10")
            assert parsed.returncode == 0, parsed.output
    return json.loads((work / "target" / "manifest.json").read_text())  # type: ignore[no-any-return]


class Builds:
    """dbt builds of the shared market, two at a time, each made once for all test processes."""

    def __init__(self, bronze: Path, work: Path) -> None:
        self._bronze = bronze
        self._work = work
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._started: dict[str, Future[Build]] = {}

    def start(self, session_date: str) -> Future[Build]:
        if session_date not in self._started:
            self._started[session_date] = self._pool.submit(self._build, session_date)
        return self._started[session_date]

    def _build(self, session_date: str) -> Build:
        work = self._work / session_date
        work.mkdir(parents=True, exist_ok=True)
        done = work / "done.pickle"
        with FileLock(work / "lock"):
            if done.exists():
                build: Build = pickle.loads(done.read_bytes())
            else:
                build = run_dbt(
                    "build",
                    bronze=self._bronze,
                    work=work,
                    session_date=session_date,
                    writes_manifest=True,
                )
                done.write_bytes(pickle.dumps(build))
        return build

    def __getitem__(self, session_date: str) -> Build:
        build = self.start(session_date).result()
        assert build.returncode == 0, build.output
        return build


@pytest.fixture(scope="session")
def builds(bronze: Path, shared: Path) -> Builds:
    """Finished builds of the shared market by session date."""
    return Builds(bronze, shared / "builds")
