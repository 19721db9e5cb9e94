"""Whole runs of `es-physics build`: two at once, killed, resumed, on damaged Bronze."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from conftest import PROJECT, SILVER_TABLES, Build, Builds, es_physics_command
from planted_faults import copy_project, rewrite

# Trade dates with a gap of four without Bronze, a date without a cash session and a half day.
START, END = "2025-11-27", "2025-12-10"
NO_BRONZE = ("2025-12-01", "2025-12-02", "2025-12-03", "2025-12-04")
DAMAGED = "2025-12-08"
PUBLISHED = ("2025-11-27", "2025-11-28", "2025-12-05", "2025-12-09", "2025-12-10")
FRESH = ("2025-11-27", "2025-11-28", "2025-12-10")
"""Those that another test has built by a `dbt build` of their own."""


def start(
    bronze: Path,
    silver: Path,
    first: str,
    last: str,
    *arguments: str,
    fault: str = "",
    project: Path = PROJECT,
) -> subprocess.Popen[str]:
    environment = os.environ | {
        "ES_BRONZE_ROOT": str(bronze),
        "ES_SILVER_ROOT": str(silver),
        "ES_DUCKDB_PATH": "elsewhere.duckdb",  # a run has databases of its own
    }
    return subprocess.Popen(
        [
            *es_physics_command("build"),
            *("--start", first, "--end", last, *arguments),
        ],
        cwd=project,
        env=environment | ({"ES_FAULT": fault} if fault else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was printed with columns one space apart."""
    output, _ = process.communicate()
    return process.returncode, re.sub(" +", " ", output)


def records(silver: Path) -> dict[str, dict[str, object]]:
    return {
        path.stem: json.loads(path.read_text()) for path in sorted(silver.glob("_commits/*.json"))
    }


def verify(silver: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        es_physics_command("verify"),
        cwd=PROJECT,
        env=os.environ | {"ES_SILVER_ROOT": str(silver)},
        capture_output=True,
        text=True,
        check=False,
    )


def session_files(silver: Path, session_date: str) -> dict[str, str]:
    digests = Build(0, "", silver).digests()
    return {name: digest for name, digest in digests.items() if session_date in name}


@pytest.fixture(scope="module")
def own_bronze(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the market with one flipped byte in the book of one session."""
    root = tmp_path_factory.mktemp("own") / "bronze"
    shutil.copytree(bronze, root)
    flip_a_byte(root / f"futures/mbp10/root=ES/date={DAMAGED}/data.parquet")
    return root


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def silver(own_bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two runs of the same range leave, started at the same time."""
    root = tmp_path_factory.mktemp("published") / "silver"
    both = [start(own_bronze, root, START, END, "--workers", "1") for _ in range(2)]
    for code, output in map(finish, both):
        assert code == 1, output
        assert "no futures/trades of the date" in output
        assert f"{DAMAGED} bad Bronze in " in output
        reason = f"Bronze futures/mbp10 of {DAMAGED}: data.parquet does not match its sha256"
        assert reason in output
        assert "Traceback" not in output
    return root


def test_a_damaged_partition_stops_its_session_and_no_other(silver: Path) -> None:
    assert tuple(records(silver)) == PUBLISHED
    finished = verify(silver)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith("5 sessions published below " + f"{silver}: 0 with problems\n")


@pytest.mark.parametrize("session_date", FRESH)
def test_a_session_of_many_has_the_bytes_of_one_built_alone(
    session_date: str, silver: Path, builds: Builds
) -> None:
    """Though it comes from a process that was forked with dbt imported and the project parsed."""
    alone = session_files(builds[session_date].silver, session_date)
    assert session_files(silver, session_date) == alone
    assert len(alone) > 5
    inputs = records(silver)[session_date]["inputs"]
    assert inputs == records(builds[session_date].silver)[session_date]["inputs"]


def test_the_next_run_builds_what_is_missing_and_keeps_what_is_good(
    silver: Path, own_bronze: Path, tmp_path: Path
) -> None:
    """The damage repaired, and the trades of another session changed so that a gate must fail."""
    root = tmp_path / "silver"
    shutil.copytree(silver, root, copy_function=os.link)
    repaired = tmp_path / "bronze"
    shutil.copytree(own_bronze, repaired)
    flip_a_byte(repaired / f"futures/mbp10/root=ES/date={DAMAGED}/data.parquet")
    trades = repaired / "futures/trades/root=ES/date=2025-12-10"
    rewrite(trades, lambda rows: pl.concat([rows, rows]))

    code, output = finish(start(repaired, root, START, END))
    assert code == 1, output
    assert f"{DAMAGED} built in " in output
    assert "Bronze futures/trades of 2025-12-10 changed" in output
    assert "2025-12-10 gate failed in " in output
    assert "gate_every_record_is_there_once" in output
    log = (PROJECT / "target/backfill/2025-12-10.log").read_text()
    assert "Got 1 result" in log
    before = records(silver)
    after = records(root)
    assert {day: after[day] for day in before} == before
    assert set(after) == {*before, DAMAGED}
    assert verify(root).returncode == 0


def test_a_killed_run_goes_on_and_a_killed_build_is_finished(
    silver: Path, bronze: Path, tmp_path: Path
) -> None:
    root = tmp_path / "silver"
    arguments = (bronze, root, "2025-11-27", "2025-11-28", "--workers", "1")
    killed = start(*arguments)
    while len(list(root.glob("*/session_date=2025-11-27/data.parquet"))) < len(SILVER_TABLES):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    while not builds_running(root):
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    deadline = time.monotonic() + 30
    while builds_running(root):
        assert time.monotonic() < deadline, "builds outlived their run"
        time.sleep(0.05)
    first = records(root)
    assert set(first) == {"2025-11-27"}

    # The second session's build dies after its commit: the next attempt only exposes its files.
    code, output = finish(start(*arguments, fault="placed:_commits/2025-11-28.json"))
    assert code == 0, output
    assert "2025-11-27 1 skip up to date" in output
    assert "2025-11-28 finished in " in output
    assert records(root)["2025-11-27"] == first["2025-11-27"]
    for day in ("2025-11-27", "2025-11-28"):
        assert session_files(root, day) == session_files(silver, day)
    assert verify(root).returncode == 0

    code, output = finish(start(*arguments))
    assert code == 0
    assert "2025-11-27 to 2025-11-28 2 skip up to date" in output
    assert "built" not in output


def test_a_build_that_shows_no_progress_is_an_error_of_its_date(
    bronze: Path, tmp_path: Path
) -> None:
    """A process that is stopped can neither finish nor fail."""
    root = tmp_path / "silver"
    running = start(bronze, root, "2025-11-27", "2025-11-27", "--patience", "20")
    # Others are what builds are forked from, and what that may run while it parses.
    while not (building := [one for one in builds_running(root) if writes_its_log(one)]):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.kill(building[0], signal.SIGSTOP)
    code, output = finish(running)
    assert code == 1, output
    assert re.search(r"2025-11-27 stalled in [\d.]+ s no progress for 20 s, so it was end", output)
    log = PROJECT / "target/backfill/2025-11-27.log"
    assert f"2025-11-27: see {log}" in output
    assert "last: " in log.read_text()
    assert "Traceback" not in output
    assert records(root) == {}
    assert builds_running(root) == []


def writes_its_log(process: int) -> bool:
    with suppress(OSError):
        return os.readlink(f"/proc/{process}/fd/1").endswith("/output.log")
    return False


def builds_running(silver: Path) -> list[int]:
    """The processes that build into this Silver root."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"ES_SILVER_ROOT={silver}".encode() in environment and b"forkserver" in command:
            found.append(int(process.name))
    return found


def test_a_project_that_dbt_cannot_parse_is_an_error_that_says_why(
    bronze: Path, tmp_path: Path
) -> None:
    """It is found out after SQL was parsed, in the process that builds are forked from."""
    copy_project(project := tmp_path / "project")
    model = project / "python_models/publish.py"
    model.write_text(model.read_text() + "\n\ndef model(dbt, session):\n    return None\n")
    day, silver = "2025-11-27", tmp_path / "silver"
    code, output = finish(start(bronze, silver, day, day, "--patience", "60", project=project))
    assert code == 1, output
    assert re.search(r"2025-11-27 error in .* dbt allows exactly one model defined", output)
    assert "Traceback" not in output
    assert records(silver) == {}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("2025-12-01", "2025-12-04"), "for any of the 4 trade dates from 2025-12-01"),
        (
            ("2025-12-10", "2025-12-10", "--vars", "{nonsense: 1}"),
            "error: there is no var 'nonsense' in",
        ),
        (("2025-12-10", "2025-12-10", "--vars", "nonsense"), "expected names and values"),
        (
            ("2025-12-10", "2025-12-10", "--vars", "{session_date: 2025-12-10}"),
            "error: session_date is no var of a range: use --date, or --start and --end",
        ),
    ],
)
def test_wrong_requests_say_so_in_one_line(
    arguments: tuple[str, ...], line: str, bronze: Path, tmp_path: Path
) -> None:
    code, output = finish(start(bronze, tmp_path / "silver", *arguments))
    assert code != 0
    assert line in output
    assert "Traceback" not in output
    assert not (tmp_path / "silver").exists()


def test_a_weekend_is_nothing_wrong(bronze: Path, tmp_path: Path) -> None:
    code, output = finish(start(bronze, tmp_path / "silver", "2025-12-13", "2025-12-14"))
    assert code == 0
    assert output.startswith("no CME trade date from 2025-12-13 to 2025-12-14; the calendar goes")


def test_the_plan_names_what_changed(silver: Path, own_bronze: Path) -> None:
    request = (own_bronze, silver, "2025-12-09", "2025-12-10", "--dry-run")
    code, output = finish(start(*request, "--vars", "{outcome_threshold: 10}"))
    assert code == 0
    assert "2 build var outcome_threshold changed" in output
    code, output = finish(start(*request))
    assert "2 skip up to date" in output
    code, output = finish(start(*request, "--force"))
    assert "2 build forced" in output
