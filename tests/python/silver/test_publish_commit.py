"""What a reader finds when publishing is killed, runs twice at once, or meets a full disk."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import resource
import signal
import time
from datetime import date, timedelta
from fnmatch import fnmatch
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from conftest import run_es_physics

import es_physics.silver.store
from es_physics.silver.catalog import write_catalog
from es_physics.silver.commit import committed_files, publish_session, read_commit
from es_physics.silver.verify import collect_garbage, committed_sessions, problems

DAY = date(2025, 12, 16)
TABLES = ("bars", "events", "labels")
NOW = timedelta(0)

# Every point at which publishing can be killed, in order; `*` stands for the version's name.
FILES = (
    *(f"_versions/{DAY}/*/{table}" for table in TABLES),
    f"_commits/{DAY}.json",
    *(f"{table}/session_date={DAY}/data.parquet" for table in TABLES),
)
POINTS = [f"{moment}:{file}" for file in FILES for moment in ("staged", "placed")]
COMMITTED = POINTS.index(f"placed:_commits/{DAY}.json")


def publish_generation(root: Path, generation: int, rows: int = 1000) -> None:
    """Publish three tables whose every row names the generation it is of."""
    column = pa.array([generation] * rows, pa.int64())
    noise = pa.array([(generation * 7919 + row) ** 2 % 1_000_003 for row in range(rows)])
    publish_session(
        DAY,
        {name: pa.table({"generation": column, "noise": noise}) for name in TABLES},
        bronze_json="[]",
        vars_json="{}",
        run_started_at="2025-12-17T00:00:00+00:00",
        root=root,
    )


def generations(files: dict[str, Path]) -> set[int]:
    """The generations that the tables show; each file must be of one.

    A file is read at once: Polars opens a path more than once, and may meet two files there.
    """
    found = set()
    for path in files.values():
        (generation,) = pl.read_parquet(path.read_bytes())["generation"].unique()
        found.add(generation)
    return found


def exposed(root: Path) -> dict[str, Path]:
    """What a plain glob finds."""
    return {path.parts[-3]: path for path in root.glob("*/session_date=*/*.parquet")}


def contents(root: Path) -> dict[str, str]:
    """sha256 of every file by its path, with versions called the same and commits left out."""
    files = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith("_commits/"):
            if name.startswith("_versions/"):
                name = f"_versions/{path.name}"
            files[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


def run(target: object, *arguments: object) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["duckdb", "pandas", "polars", "es_physics.silver.commit", "pytest"]
    )
    process = context.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


def _killed(root: Path, generation: int, point: str) -> None:
    os.environ["ES_FAULT"] = point
    publish_generation(root, generation)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("undisturbed")
    publish_generation(root, 2)
    return contents(root)


def test_the_points_are_all_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[str] = []
    monkeypatch.setattr(es_physics.silver.store, "fault_point", passed.append)
    publish_generation(tmp_path, 1)
    assert len(passed) == len(POINTS)
    assert all(fnmatch(name, point) for name, point in zip(passed, POINTS, strict=True))


@pytest.mark.market
@pytest.mark.parametrize("before", [0, 1], ids=["first", "again"])
@pytest.mark.parametrize("number", range(len(POINTS)), ids=POINTS)
def test_killed_at_any_point_leaves_one_whole_version(
    number: int, before: int, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    if before:
        publish_generation(tmp_path, before)
    process = run(_killed, tmp_path, 2, POINTS[number])
    process.join()
    assert process.exitcode == -signal.SIGKILL

    # Whoever follows the commit record sees the version before, or the new one, whole.
    old = {before} if before else set()
    assert generations(committed_files(tmp_path, DAY)) == (old if number < COMMITTED else {2})
    # A plain glob sees nothing that is not committed, and no file in halves.
    allowed = old if number < COMMITTED else old | {2}
    assert generations(exposed(tmp_path)) <= allowed
    is_whole = number < COMMITTED or number == len(POINTS) - 1
    assert bool(list(problems(tmp_path))) != is_whole

    # Publishing again makes it what an undisturbed run leaves, and gc takes the remains away.
    publish_generation(tmp_path, 2)
    assert list(problems(tmp_path)) == []
    collect_garbage(tmp_path, NOW)
    assert contents(tmp_path) == undisturbed


KILLS = int(os.environ.get("ES_TEST_KILLS", "10"))
"""How many kills at moments by chance the suite tries; give the variable for more."""


@pytest.mark.market
def test_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """One publisher after the other is killed at random, a gc beside them: what the record names is
    there and of one version, as new as the last or newer, and ends as an undisturbed run leaves."""
    rng = random.Random(150)
    publish_generation(tmp_path, 0, rows=20_000)
    newest = interrupted = 0
    for kill in range(KILLS):
        started = 1000 * (kill + 1)
        publisher = run(_publish_many, tmp_path, range(started, started + 1000))
        while publisher.is_alive() and max(generations(committed_files(tmp_path, DAY))) < started:
            time.sleep(0.002)
        if kill % 3 == 0:
            collect_garbage(tmp_path, NOW)
        time.sleep(rng.uniform(0, 0.1))
        publisher.kill()
        publisher.join()
        assert publisher.exitcode == -signal.SIGKILL
        (found,) = generations(committed_files(tmp_path, DAY))
        assert newest < started <= found
        assert set(exposed(tmp_path)) == set(TABLES)
        assert max(generations(exposed(tmp_path))) <= found
        interrupted += bool(list(problems(tmp_path)))
        newest = found
    print(f"{KILLS} kills, {interrupted} between the commit and the last plain file")
    publish_generation(tmp_path, 2)
    assert list(problems(tmp_path)) == []
    collect_garbage(tmp_path, NOW)
    assert len(list(tmp_path.glob("_versions/*/*"))) == 1


def _publish_many(root: Path, numbers: range) -> None:
    for generation in numbers:
        publish_generation(root, generation, rows=20_000)


@pytest.mark.market
def test_a_reader_during_two_publishers_never_sees_a_mixture(tmp_path: Path) -> None:
    publish_generation(tmp_path, 0, rows=20_000)
    writers = [
        run(_publish_many, tmp_path, range(1, 40, 2)),
        run(_publish_many, tmp_path, range(2, 41, 2)),
    ]
    seen = set()
    while any(writer.is_alive() for writer in writers):
        (generation,) = generations(committed_files(tmp_path, DAY))
        seen.add(generation)
        # By glob each table is there, is whole and is of some generation.
        assert set(exposed(tmp_path)) == set(TABLES)
        generations(exposed(tmp_path))
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(seen) > 3
    # Whoever came last: plain files and record agree in the end.
    assert list(problems(tmp_path)) == []
    assert generations(committed_files(tmp_path, DAY)) == generations(exposed(tmp_path))


def _with_little_room(root: Path, size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        publish_generation(root, 2, rows=50_000)
    except OSError as error:
        raise SystemExit(f"{type(error).__name__}") from None


@pytest.mark.parametrize("size", [0, 4096, 70_000])
def test_a_full_disk_stops_before_the_commit(size: int, tmp_path: Path) -> None:
    """The system cuts a write at `size` bytes and then refuses it, as on a full disk."""
    publish_generation(tmp_path, 1)
    process = run(_with_little_room, tmp_path, size)
    process.join()
    assert process.exitcode == 1
    assert generations(committed_files(tmp_path, DAY)) == {1}
    assert generations(exposed(tmp_path)) == {1}
    assert list(problems(tmp_path)) == []
    assert list((tmp_path / "_staging").iterdir()) == []
    assert len(list((tmp_path / f"_versions/{DAY}").iterdir())) == 1


def test_a_file_system_without_links_gets_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    publish_generation(tmp_path, 1)
    publish_generation(tmp_path, 2)
    assert list(problems(tmp_path)) == []
    assert generations(exposed(tmp_path)) == {2}
    assert all(path.stat().st_nlink == 1 for path in exposed(tmp_path).values())


def test_verify_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_SILVER_ROOT", str(tmp_path))
    publish_generation(tmp_path, 1)
    assert run_es_physics("verify").stdout == (
        f"1 sessions published below {tmp_path}: 0 with problems\n"
    )
    files = committed_files(tmp_path, DAY)
    content = bytearray(files["events"].read_bytes())
    content[100] ^= 1
    files["events"].write_bytes(content)
    exposed(tmp_path)["labels"].unlink()
    stray = tmp_path / "bars/session_date=2025-12-15/data.parquet"
    stray.parent.mkdir()
    stray.write_bytes(b"")
    finished = run_es_physics("verify")
    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert len(lines) == 3
    assert "events does not match its sha256; build it again" in lines[0]
    assert lines[0].endswith(": es-physics build --date 2025-12-16")
    assert "labels/session_date=2025-12-16/data.parquet is missing" in lines[1]
    assert "2025-12-15 bars: session_date=2025-12-15 is there without a commit record" in lines[2]


def test_a_record_of_another_format_is_named(tmp_path: Path) -> None:
    publish_generation(tmp_path, 1)
    record = tmp_path / f"_commits/{DAY}.json"
    record.write_text(json.dumps({"session_date": str(DAY)}))
    ((day, problem),) = problems(tmp_path)
    assert day == DAY
    assert f"{record} is no commit record of this version" in problem


def test_gc_keeps_what_someone_may_use(tmp_path: Path) -> None:
    publish_generation(tmp_path, 1)
    replaced = committed_files(tmp_path, DAY)
    publish_generation(tmp_path, 2)
    process = run(_killed, tmp_path, 3, POINTS[1])
    process.join()
    assert collect_garbage(tmp_path, timedelta(hours=1)) == (0, 0)
    assert generations(replaced) == {1}
    size = sum(path.stat().st_size for path in replaced.values())
    count, removed = collect_garbage(tmp_path, NOW)
    assert count == len(TABLES) + 1  # the replaced version, and one table that was never committed
    assert removed > size
    assert generations(committed_files(tmp_path, DAY)) == {2}
    assert list(problems(tmp_path)) == []


def test_catalog_reads_committed_sessions_and_stays_as_it_was(tmp_path: Path) -> None:
    """Of two sessions, one was killed before its commit."""
    publish_generation(tmp_path, 1)
    run(_killed, tmp_path / "killed", 1, POINTS[3]).join()
    assert committed_sessions(tmp_path / "killed") == []
    (tmp_path / "killed/_versions" / str(DAY)).rename(tmp_path / "_versions/2025-12-15")
    catalog = tmp_path / "catalog.duckdb"
    query = "select distinct generation, count(*) over () from events"

    write_catalog(tmp_path, catalog)
    with duckdb.connect(catalog, read_only=True) as connection:
        assert connection.sql(query).fetchall() == [(1, 1000)]
        assert connection.sql("select session_date from commits").fetchall() == [(DAY,)]
        publish_generation(tmp_path, 2)
        assert connection.sql(query).fetchall() == [(1, 1000)]

    write_catalog(tmp_path, catalog)
    with duckdb.connect(catalog, read_only=True) as connection:
        assert connection.sql(query).fetchall() == [(2, 1000)]


def test_catalog_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing is published below"):
        write_catalog(tmp_path, tmp_path / "catalog.duckdb")
    assert not (tmp_path / "catalog.duckdb").exists()


def test_versions_sort_by_time(tmp_path: Path) -> None:
    """Two publications never share one, and people read when each began."""
    names = []
    for generation in range(2):
        publish_generation(tmp_path, generation)
        record = read_commit(tmp_path, DAY)
        assert record is not None
        names.append(record["version"])
        made = time.strptime(record["version"][:15], "%Y%m%dT%H%M%S")
        assert abs(time.mktime(made) - time.mktime(time.gmtime())) < 3600
    assert len(set(names)) == 2
