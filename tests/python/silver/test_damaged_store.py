"""One damaged or foreign thing below the Silver root spoils nothing else, and is named."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import run_es_physics

import es_physics.silver.store
from es_physics.silver.commit import commit_path, committed_files, publish_session
from es_physics.silver.verify import collect_garbage

GOOD, DAMAGED = date(2025, 12, 15), date(2025, 12, 16)
EVERYTHING = timedelta(0)


def publish(root: Path, day: date, generation: int) -> None:
    publish_session(
        day,
        {"bars": pa.table({"generation": [generation]})},
        bronze_json="[]",
        vars_json="{}",
        run_started_at="2025-12-17T00:00:00+00:00",
        root=root,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sessions published twice each; the record of one is damaged."""
    for day in (GOOD, DAMAGED):
        for generation in (1, 2):
            publish(tmp_path, day, generation)
    commit_path(tmp_path, DAMAGED).write_text('{"outputs": ')
    return tmp_path


def versions(root: Path, day: date) -> list[Path]:
    return sorted((root / "_versions" / str(day)).iterdir())


def test_gc_leaves_a_damaged_session_alone_and_goes_on(root: Path) -> None:
    said: list[str] = []
    assert collect_garbage(root, EVERYTHING, said.append)[0] == 1
    assert len(versions(root, GOOD)) == 1
    assert len(versions(root, DAMAGED)) == 2
    (line,) = said
    assert f"{DAMAGED}.json" in line


@pytest.mark.parametrize(
    "name", ["notes", "2025-13-45", "2025-12-15/latest", "2025-12-15/.DS_Store"]
)
def test_gc_names_what_no_publication_made_and_keeps_it(root: Path, name: str) -> None:
    stray = root / "_versions" / name
    stray.mkdir()
    said: list[str] = []
    collect_garbage(root, EVERYTHING, said.append)
    assert stray.is_dir()
    assert any(str(stray) in line for line in said)
    assert len(versions(root, GOOD)) == 1 + ("/" in name)


def test_commands_go_on_and_end_with_1(root: Path) -> None:
    for command in ("gc", "catalog", "verify"):
        finished = run_es_physics(command, "--silver-root", root)
        assert finished.returncode == 1, command
        assert str(DAMAGED) in finished.stderr
        assert "Traceback" not in finished.stderr
    with duckdb.connect(root / "catalog.duckdb", read_only=True) as connection:
        assert connection.sql("select generation from bars").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": {"bars": {"path": "bars", "file": 5, "bytes": 1, "sha256": "a"}}},
        {"outputs": {"bars": {"path": "b", "file": "../../x", "bytes": 1, "sha256": "a"}}},
        {"outputs": {"bars": {"path": "/b", "file": "x", "bytes": 1, "sha256": "a"}}},
        {"outputs": {"bars": {"path": "b", "file": "x", "bytes": "1", "sha256": []}}},
        {"outputs": []},
        {"inputs": []},
        {"inputs": {"bronze": [{"feed": "x", "trade_date": "soon", "status": "ok"}]}},
        {"committed_at": "yesterday"},
        {"committed_at": "2025-12-17T00:00:00"},
        {"version": None},
    ],
    ids=str,
)
def test_a_record_that_someone_edited_is_a_line_of_each_command(
    root: Path, change: dict[str, object], tmp_path: Path
) -> None:
    path = commit_path(root, GOOD)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (bronze := tmp_path / "bronze" / "futures").mkdir(parents=True)
    day = str(GOOD)
    dates = ("--start", day, "--end", day)
    for command in (
        ("verify",),
        ("gc",),
        ("show", day),
        ("validate", *dates, "--bronze-root", bronze.parent),
        ("report", day, "--output", tmp_path / "pages"),
    ):
        finished = run_es_physics(*command, "--silver-root", root)
        assert finished.returncode == 1, command
        assert f"{path} is no commit record of this version (" in finished.stderr + finished.stdout


@pytest.mark.parametrize("command", ["verify", "gc", "catalog"])
def test_a_root_that_is_not_there_is_named(tmp_path: Path, command: str) -> None:
    finished = run_es_physics(command, "--silver-root", tmp_path / "nowhere")
    assert finished.returncode != 0
    assert "nowhere" in finished.stderr


def test_gc_takes_ages_from_the_store_and_not_from_names_or_records(root: Path) -> None:
    """A publisher whose clock is a day off, either way, wrote these names a moment ago."""
    for off in ("20200101T000000-00000000", "20990101T000000-00000000"):
        stray = root / "_versions" / str(GOOD) / off
        stray.mkdir()
        (stray / "bars").touch()
    assert collect_garbage(root, timedelta(hours=1)) == (0, 0)
    old = versions(root, GOOD)
    for path in (*old, *(file for one in old for file in one.iterdir())):
        os.utime(path, (1.6e9, 1.6e9))
    os.utime(commit_path(root, GOOD), (1.6e9, 1.6e9))
    assert collect_garbage(root, timedelta(hours=1))[0] == 3
    (kept,) = versions(root, GOOD)
    assert committed_files(root, GOOD)["bars"].parent == kept


def test_gc_beside_a_publication_takes_nothing_that_it_will_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every point of a publication, with any age: the record then names files that are there."""
    passed: list[str] = []

    def collect(point: str) -> None:
        passed.append(point)
        worker = threading.Thread(target=collect_garbage, args=(tmp_path, EVERYTHING))
        worker.start()
        worker.join()

    monkeypatch.setattr(es_physics.silver.store, "fault_point", collect)
    for generation in (1, 2, 3):
        publish(tmp_path, GOOD, generation)
        assert all(file.is_file() for file in committed_files(tmp_path, GOOD).values())
    assert len(passed) > 12


def test_a_publication_whose_files_are_gone_makes_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, GOOD, 1)
    before = commit_path(tmp_path, GOOD).read_bytes()

    def remove(root: Path) -> Callable[[str], None]:
        def at(point: str) -> None:
            if point.startswith("placed:_versions"):
                (root / point.removeprefix("placed:")).unlink()

        return at

    monkeypatch.setattr(es_physics.silver.store, "fault_point", remove(tmp_path))
    with pytest.raises(Exception, match="bars"):
        publish(tmp_path, GOOD, 2)
    assert commit_path(tmp_path, GOOD).read_bytes() == before
