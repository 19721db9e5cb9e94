"""What all commands have in common: help, roots, exit codes, one line for wrong usage, JSON."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import report_silver
from conftest import PROJECT
from dbn_files import new_york, trades, write

import es_physics.audit.cli
import es_physics.build.backfill
import es_physics.cli
import ingest.cli
from es_physics import console
from es_physics.audit.causality import Difference, Proof
from es_physics.build.build_date import Outcome
from es_physics.silver.commit import publish_session

MAIN = {"es-physics": es_physics.cli.main, "ingest": ingest.cli.main}
NEEDS = {
    "es-physics build": {"bronze", "silver", "project", "json"},
    "es-physics verify": {"silver", "json"},
    "es-physics gc": {"silver"},
    "es-physics catalog": {"silver"},
    "es-physics show": {"silver", "json"},
    "es-physics prove-causality": {"bronze", "project", "json"},
    "es-physics validate": {"bronze", "silver", "json"},
    "es-physics report": {"bronze", "silver"},
    "es-physics research": {"json"},
    "es-physics neighbours": {"json"},
    "ingest import": {"bronze"},
    "ingest verify": {"bronze", "json"},
    "ingest status": {"bronze", "json"},
    "ingest simulate": {"bronze"},
    "ingest download": {"bronze"},
}
"""What each command reads or writes, and whether a script would read what it prints."""

OPTIONS = {
    "bronze": "--bronze-root DIR",
    "silver": "--silver-root DIR",
    "project": "--project-dir DIR",
    "json": "--json",
}
DAY = date(2025, 12, 16)


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command with its arguments as one text, within this process."""

    def run(command: str, *more: str | Path) -> Finished:
        program, *arguments = command.split()
        capsys.readouterr()
        try:
            code = MAIN[program]([*arguments, *map(str, more)])
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return Finished(code, printed.out, printed.err)

    return run


@pytest.mark.parametrize("program", MAIN)
def test_the_table_above_holds_every_command(program: str, run: Run) -> None:
    finished = run(program, "--help")
    assert finished.code == 0
    assert " ".join(finished.out.split()).endswith(console.EXIT_CODES)
    listed = finished.out.split("COMMAND\n")[1].split("\noptions:")[0]
    names = set(re.findall(r"^    (\S+)", listed, re.MULTILINE))
    assert names == {name.split()[1] for name in NEEDS if name.startswith(program)}


@pytest.mark.parametrize("command", NEEDS)
def test_help_says_what_the_exit_codes_are_and_how_roots_are_named(command: str, run: Run) -> None:
    finished = run(command, "--help")
    assert (finished.code, finished.err) == (0, "")
    text = " ".join(finished.out.split())
    assert text.endswith(console.EXIT_CODES)
    assert text.lower().count("exit code") == 1
    for need, option in OPTIONS.items():
        assert (f" {option} " in text) == (need in NEEDS[command]), option


WRONG = {
    "es-physics": "COMMAND",
    "es-physics buidl": "'buidl'",
    "es-physics build": "give --date, or --start and --end",
    "es-physics build --date 2025-13-45": "'2025-13-45' is no date",
    "es-physics build --start 2025-12-16": "--start and --end come together",
    "es-physics build --start 2025-12-16 --end 2025-12-15": "--start 2025-12-16 is after",
    "es-physics build --date 2025-12-16 --start 2025-12-15 --end 2025-12-16": "give --date, or",
    "es-physics build --date 2025-12-16 --workers 0": "'0' is no whole number of at least 1",
    "es-physics build --date 2025-12-16 --threads two": "'two' is no whole number of at least 1",
    "es-physics build --date 2025-12-16 --memory 1.5": "'1.5' is no whole number of at least 1",
    "es-physics build --date 2025-12-16 --retries -1": "'-1' is no whole number of at least 0",
    "es-physics build --date 2025-12-16 --vars [": "argument --vars: not YAML",
    "es-physics build --date 2025-12-16 --vars 3": "expected names and values",
    "es-physics build --date 2025-12-16 --vars {outcome_treshold:3}": "outcome_treshold",
    "es-physics build --date 2025-12-16 --project-dir /": "/ is no checkout of es_physics",
    "es-physics verify 2025-12-16": "unrecognized arguments: 2025-12-16",
    "es-physics gc --older-than -1": "'-1' is no number of hours",
    "es-physics gc --older-than nan": "'nan' is no number of hours",
    "es-physics gc --older-than soon": "'soon' is no number of hours",
    "es-physics catalog --output": "expected one argument",
    "es-physics show": "DATE",
    "es-physics show yesterday": "'yesterday' is no date",
    "es-physics show 2025-12-16 --limit 0": "'0' is no whole number of at least 1",
    "es-physics prove-causality": "DATE",
    "es-physics prove-causality 2025-12-13": "2025-12-13 is no CME trade date",
    "es-physics prove-causality 2025-12-16 --cuts 1": "'1' is no whole number of at least 2",
    "es-physics prove-causality 2025-12-16 --project-dir /": "/ is no checkout of es_physics",
    "es-physics validate": "--start, --end",
    "es-physics validate --start 2025-12-16 --end 2025-12-15": "--start 2025-12-16 is after",
    "es-physics validate --start 2025-12-13 --end 2025-12-14": "no CME trade date from",
    "es-physics report --start 2025-12-15": "--start and --end come together",
    "es-physics report --start 2025-12-16 --end 2025-12-15": "--start 2025-12-16 is after",
    "es-physics research --target scald": "there is no target 'scald'; is scaled meant?",
    "es-physics research --models lightgmb": "there is no model 'lightgmb'; is lightgbm meant?",
    "es-physics report 16.12.2025": "'16.12.2025' is no date",
    "ingest": "COMMAND",
    "ingest imprt": "'imprt'",
    "ingest import": "PATH",
    "ingest verify extra": "unrecognized arguments: extra",
    "ingest status --csv": "unrecognized arguments: --csv",
    "ingest simulate --start 2025-12-16 --end 2025-12-15": "--start 2025-12-16 is after",
    "ingest simulate --start soon": "'soon' is no date",
    "ingest simulate --scale huge": "huge",
    "ingest simulate --seed -1": "--seed -1 is negative",
    "ingest download": "--start, --end",
    "ingest download --start 2025-12-16 --end 2025-12-15": "--start 2025-12-16 is after",
    "ingest download --start 2025-12-15 --end soon": "'soon' is no date",
    "ingest download --start 2025-12-15 --end 2025-12-16 --connections 0": "--connections 0",
    "ingest download --start 2025-12-15 --end 2025-12-16 --window x": "x",
}


@pytest.mark.parametrize("command", WRONG)
def test_wrong_usage_is_one_line_and_does_nothing(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finished = run(command)
    assert (finished.code, finished.out) == (2, "")
    *usage, last = finished.err.splitlines()
    assert not usage or usage[0].startswith("usage: ")
    assert "error: " in last
    assert WRONG[command] in last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (command, option.split()[0])
        for command, needs in NEEDS.items()
        for need, option in OPTIONS.items()
        if need in needs & {"bronze", "silver"}
    ],
)
def test_a_root_without_a_name_is_refused(command: str, option: str, run: Run) -> None:
    """A script's variable that is not set must not become the current folder."""
    finished = run(command, option, "")
    assert finished.code == 2
    assert f"argument {option}: the name is empty" in finished.err


BARE = (
    "ingest status",
    "ingest verify",
    "es-physics verify",
    "es-physics catalog",
    "es-physics gc",
    f"es-physics show {DAY}",
    f"es-physics report {DAY}",
    f"es-physics validate --start {DAY} --end {DAY}",
    f"es-physics build --date {DAY}",
    f"es-physics prove-causality {DAY}",
)
"""What reads a root, as typed where there is none."""


@pytest.mark.parametrize(
    ("command", "roots"),
    [
        (command, roots)
        for command in BARE
        for roots in ("gone", "", "empty", "file", "other")
        if (command, roots) != ("es-physics gc", "other")  # what a killed publication may leave
    ],
)
def test_a_root_with_nothing_in_it_is_named_in_one_line(
    command: str, roots: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not there, unset where no project is, an empty folder, a file, a folder of other things."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "other" / "things").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for name in ("ES_BRONZE_ROOT", "ES_SILVER_ROOT"):
        monkeypatch.setenv(name, roots)
    before = sorted(tmp_path.rglob("*"))
    name = " ".join(command.split()[:2])
    finished = run(command, *(["--json"] if "json" in NEEDS[name] else []))
    # The root is one, and the date is wrong.
    asks_for_a_date = name in ("es-physics validate", "es-physics prove-causality")
    assert finished.code == (2 if roots == "other" and asks_for_a_date else 1)
    assert finished.out == "" or json.loads(finished.out) == {str(DAY): None}
    (line,) = finished.err.splitlines()
    assert line.startswith("error: ")
    named = {"": tmp_path / "data", "other": "other"}.get(roots, tmp_path / roots)
    assert str(named) in line
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("validate", "usage: make validate START=2025-12-12 END=2025-12-16"),
        ("validate START=2025-12-16", "usage: make validate START=2025-12-12 END=2025-12-16"),
        ("validate START=2025-12-16 END=2025-12-15", "error: --start 2025-12-16 is after --end"),
        ("prove-causality", "usage: make prove-causality SESSION=2025-12-16"),
        ("prove-causality SESSION=2025-12-13", "error: 2025-12-13 is no CME trade date"),
        ("research", "usage: make research TARGET=scaled [ARGS='--models lightgbm_null']"),
        ("research TARGET=scald", "error: there is no target 'scald'; is scaled meant?"),
        ("backfill END=2025-12-16", "usage: make backfill START=2025-12-12 END=2025-12-16"),
    ],
)
def test_a_target_that_lacks_its_dates_says_how_to_call_it(typed: str, line: str) -> None:
    bin_folder = Path(sys.executable).parent
    finished = subprocess.run(
        [
            "make",
            "--silent",
            "--old-file=setup",
            "--old-file=.venv/.installed-research",
            f"BIN={bin_folder}",
            *typed.split(),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    said = [
        row for row in finished.stderr.splitlines() if not re.match(r"make(\[\d+\])?: \*\*\*", row)
    ]
    assert len(said) == 1
    assert line in said[0]


@pytest.fixture
def bronze(tmp_path: Path, run: Run) -> Path:
    """One good partition of trades and a damaged one."""
    root = tmp_path / "bronze"
    start, end = new_york("2025-12-14 18:00"), new_york("2025-12-16 17:00")
    times = new_york("2025-12-16 09:30") + np.arange(10)
    file = write(tmp_path / "a.dbn", "trades", trades(times), start=start, end=end)
    assert run("ingest import", file, "--bronze-root", root).code == 0
    (root / "futures/trades/root=ES/date=2025-12-15/data.parquet").write_bytes(b"?")
    return root


@pytest.fixture
def silver(tmp_path: Path) -> Path:
    """Two sessions, one of them damaged."""
    root = tmp_path / "silver"
    for day in (DAY, date(2025, 12, 15)):
        report_silver.publish(root, day)
    [bars] = root.glob("_versions/2025-12-15/*/bars_1m")
    bars.write_bytes(b"?")
    return root


def document(finished: Finished) -> Any:
    """What was printed, which is one JSON document and nothing else."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(finished.out, parse_constant=refuse)


def test_json_of_what_lies_in_bronze(bronze: Path, run: Run) -> None:
    status = document(run("ingest status --json --bronze-root", bronze))
    found = {(row["trade_date"], row["feed"]): row["status"] for row in status}
    assert found["2025-12-16", "futures/trades"] == "ok"
    assert found["2025-12-15", "futures/trades"] == "invalid"

    finished = run("ingest verify --json --bronze-root", bronze)
    assert finished.code == 1
    assert {row["trade_date"]: row["problem"] is None for row in document(finished)} == {
        "2025-12-15": False,
        "2025-12-16": True,
    }


def test_json_of_what_is_published(silver: Path, bronze: Path, run: Run) -> None:
    finished = run("es-physics verify --json --silver-root", silver)
    assert finished.code == 1
    verified = document(finished)
    assert verified["sessions"] == ["2025-12-15", "2025-12-16"]
    assert {row["session_date"] for row in verified["problems"]} == {"2025-12-15"}

    finished = run("es-physics show 2025-12-16 2025-12-17 --json --silver-root", silver)
    assert finished.code == 1
    shown = document(finished)
    assert len(shown["2025-12-16"]) == len(report_silver.EVENTS)
    assert shown["2025-12-17"] is None

    dates = ("--start", "2025-12-15", "--end", "2025-12-17")
    finished = run(
        "es-physics validate --json", *dates, "--silver-root", silver, "--bronze-root", bronze
    )
    assert finished.code == 1
    assert [row["session_date"] for row in document(finished)] == [
        "2025-12-15",
        "2025-12-16",
        "2025-12-17",
    ]


def test_json_of_what_is_no_number_is_null(tmp_path: Path, run: Run) -> None:
    table = pa.table({"event_id": ["a", "b"], "x": [math.nan, 1.0], "y": [[math.inf], [2.0]]})
    publish_session(
        DAY,
        {"level_interactions": table},
        bronze_json="[]",
        vars_json="{}",
        run_started_at="2025-12-16T00:00:00+00:00",
        root=tmp_path,
    )
    assert document(run(f"es-physics show {DAY} --json --silver-root", tmp_path)) == {
        str(DAY): [
            {"event_id": "a", "x": None, "y": [None]},
            {"event_id": "b", "x": 1.0, "y": [2.0]},
        ]
    }


def test_json_of_a_build(
    bronze: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan alone, and how the builds ended, with their progress on the other stream."""
    shutil.rmtree(bronze / "futures/trades/root=ES/date=2025-12-15")
    command = "es-physics build --json --start 2025-12-13 --end 2025-12-16"
    roots = ("--bronze-root", bronze, "--silver-root", tmp_path / "silver")
    planned = document(run(command, "--dry-run", *roots))
    assert planned == [
        {
            "session_date": "2025-12-15",
            "plan": "no Bronze",
            "why": "no futures/trades of the date",
            "outcome": None,
        },
        {
            "session_date": "2025-12-16",
            "plan": "build",
            "why": "not published yet",
            "outcome": None,
        },
    ]

    monkeypatch.setattr(
        es_physics.build.backfill,
        "run_here",
        lambda jobs, workers: iter(
            [(jobs[0], Outcome(DAY, "gate failed", "trades_are_there", seconds=2.5))]
        ),
    )
    finished = run(command, *roots)
    assert finished.code == 1
    assert document(finished)[1]["outcome"] == {
        "session_date": "2025-12-16",
        "status": "gate failed",
        "message": "trades_are_there",
        "log": "",
        "notes": [],
        "seconds": 2.5,
        "cpu_seconds": 0.0,
        "attempts": 1,
    }
    assert "2025-12-16  gate failed in 2.5 s  trades_are_there" in finished.err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT is heard, which a shell lets what it starts in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_in_a_query_is_one_as_any_other(
    run: Run, interruptible: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB makes an error of its own of it."""

    def prove(*_: object, **__: object) -> None:
        with duckdb.connect() as connection:
            threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
            connection.execute("select count(*) from range(2_000_000_000) where random() > 2")

    monkeypatch.setattr(es_physics.audit.cli, "prove", prove)
    finished = run("es-physics prove-causality 2025-12-16")
    assert finished.code == 130
    assert finished.err.startswith("interrupted: ")


def test_json_of_a_proof(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = [
        Proof(1765895400000000000, {"level_events": 1}, []),
        Proof(None, {"bars_1m": 2}, [Difference("bars_1m", (7,), "atr", 1.5, math.nan)]),
    ]

    def prove(*_: object, say: Callable[[str], object], **__: object) -> list[Proof]:
        say("built it whole")
        return proofs

    monkeypatch.setattr(es_physics.audit.cli, "prove", prove)
    finished = run("es-physics prove-causality 2025-12-16 --json")
    assert finished.code == 1
    assert finished.err == "built it whole\n"
    first, second = document(finished)
    assert (first["proof"], first["differences"]) == ("cut at 09:30:00.000000000 ET", [])
    assert second["differences"] == [
        {"table": "bars_1m", "key": [7], "column": "atr", "whole": 1.5, "cut": None}
    ]
