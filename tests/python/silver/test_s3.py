"""Bronze and Silver in a bucket, on an S3 server that this test starts."""

from __future__ import annotations

import io
import logging
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, Build, Builds, es_physics_command
from gold.gold_builds import run_gold
from gold.made_runs import make_gold as make_scored_gold
from gold.made_runs import make_run
from gold.made_silver import make_silver
from moto.server import ThreadedMotoServer
from research.made_gold import make_gold

import es_physics.cli
import es_physics.silver.store
from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import check_partition, fetch_partition
from es_physics.files import root_path
from es_physics.gold.runs import (
    evaluation_inputs,
    gold_table_select,
    inputs_of,
    runs_select,
    trials_select,
)
from es_physics.silver.catalog import write_catalog
from es_physics.silver.commit import commit_path, committed_files, publish_session, read_commit
from es_physics.silver.verify import collect_garbage, problems

SESSION = "2025-11-28"
WARMUP = ("2025-11-25", "2025-11-26", "2025-11-27")
TRADES = FEED_BY_PATH["futures/trades"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """The root of an empty bucket, reached as any user's would be: by the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        root: Any = root_path("s3://market")
        root.fs.mkdir("market")
        yield root
    server.stop()


@pytest.fixture(scope="module")
def s3_bronze(bucket: Any, bronze: Path) -> Any:
    """The half day and the trade dates before it, copied up as a user would."""
    folders = [*bronze.glob(f"**/date={SESSION}")]
    folders += [TRADES.partition_dir(bronze, date.fromisoformat(day)) for day in WARMUP]
    for folder in folders:
        target = f"market/bronze/{folder.relative_to(bronze)}"
        bucket.fs.put(str(folder), target, recursive=True)
    return bucket / "bronze"


@pytest.fixture
def silver(bucket: Any, tmp_path: Path) -> Any:
    return bucket / tmp_path.name


def run(*arguments: str, bronze: Any, silver: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        es_physics_command(*arguments),
        cwd=PROJECT,
        env=os.environ | {"ES_BRONZE_ROOT": str(bronze), "ES_SILVER_ROOT": str(silver)},
        capture_output=True,
        text=True,
        check=False,
    )


def publish_generation(root: Any, generation: int) -> None:
    """A session of one small table whose rows name the generation."""
    publish_session(
        date(2025, 12, 16),
        {"bars": pa.table({"generation": [generation] * 10})},
        bronze_json="[]",
        vars_json="{}",
        run_started_at="2025-12-17T00:00:00+00:00",
        root=root,
    )


def generations(root: Any) -> set[int]:
    files = committed_files(root, date(2025, 12, 16))
    return {pl.read_parquet(file.read_bytes())["generation"][0] for file in files.values()}


def test_a_session_from_and_to_a_bucket_has_the_same_bytes(
    s3_bronze: Any, silver: Any, builds: Builds, tmp_path: Path
) -> None:
    request = ("build", "--start", SESSION, "--end", SESSION)
    finished = run(*request, bronze=s3_bronze, silver=silver)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"{SESSION}  built in " in finished.stdout

    copy = tmp_path / "copy"
    silver.fs.get(silver.path, str(copy), recursive=True)
    assert Build(0, "", copy).digests() == builds[SESSION].digests()
    record = read_commit(silver, date.fromisoformat(SESSION))
    alone = read_commit(builds[SESSION].silver, date.fromisoformat(SESSION))
    assert record is not None
    assert alone is not None
    assert record["fingerprint"] == alone["fingerprint"]

    again = run(*request, bronze=s3_bronze, silver=silver)
    assert again.returncode == 0
    assert "up to date" in again.stdout
    verified = run("verify", bronze=s3_bronze, silver=silver)
    assert verified.returncode == 0, verified.stderr
    shown = run("show", SESSION, bronze=s3_bronze, silver=silver)
    assert f"{SESSION}, ESZ5: " in shown.stdout
    globbed = pl.read_parquet(copy / "level_events")
    assert globbed.height == builds[SESSION].table("level_events", SESSION).height


def test_catalog_of_a_bucket_reads_what_is_committed(
    bucket: Any, silver: Any, tmp_path: Path
) -> None:
    publish_generation(silver, 1)
    write_catalog(silver, tmp_path / "catalog.duckdb")
    publish_generation(silver, 2)
    with duckdb.connect(tmp_path / "catalog.duckdb") as connection:
        connection.register_filesystem(bucket.fs)
        assert connection.sql("select max(generation) from bars").fetchall() == [(1,)]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def test_an_interrupted_publication_leaves_one_whole_version(
    silver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before and after each object is written, without any rename or conditional PUT."""
    points: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(es_physics.silver.store, "fault_point", points.append)
        publish_generation(silver, 1)
    assert len(points) == 6
    committed = next(i for i, name in enumerate(points) if name.startswith("placed:_commits"))
    for number in range(len(points)):
        publish_generation(silver, 1)
        passed: list[str] = []

        def stop(name: str, number: int = number, passed: list[str] = passed) -> None:
            passed.append(name)
            if len(passed) > number:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(es_physics.silver.store, "fault_point", stop)
            with pytest.raises(Killed):
                publish_generation(silver, 2)
        assert generations(silver) == ({1} if number < committed else {2})
    publish_generation(silver, 2)
    assert list(problems(silver)) == []
    collect_garbage(silver, timedelta(0))
    assert list(problems(silver)) == []
    files = silver.fs.find(silver.path)
    assert len(files) == 3


def test_files_are_fetched_once_and_a_damaged_one_is_named(
    s3_bronze: Any, bucket: Any, tmp_path: Path
) -> None:
    day = date.fromisoformat(WARMUP[0])
    fetched = fetch_partition(s3_bronze, TRADES, day, tmp_path)
    assert fetched.status == "ok"
    (file,) = fetched.files
    assert file.is_relative_to(tmp_path)
    written = file.stat().st_mtime_ns
    assert fetch_partition(s3_bronze, TRADES, day, tmp_path).files == [file]
    assert file.stat().st_mtime_ns == written

    damaged = bucket / "damaged"
    remote = TRADES.partition_dir(s3_bronze, day)
    target: Any = TRADES.partition_dir(damaged, day)
    bucket.fs.cp(remote.path, target.path, recursive=True)
    content = bytearray((target / file.name).read_bytes())
    content[len(content) // 2] ^= 1
    (target / file.name).write_bytes(bytes(content))
    check = fetch_partition(damaged, TRADES, day, tmp_path / "other")
    assert check.problem == "data.parquet does not match its sha256"
    (target / file.name).unlink()
    assert check_partition(damaged, TRADES, day).problem == "data.parquet is missing"
    (target / "_manifest.json").unlink()
    assert check_partition(damaged, TRADES, day).status == "missing"


def test_a_store_that_cannot_be_reached_stops_with_one_line(
    s3_bronze: Any, silver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not look like Bronze that was never asked for."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    request = ("build", "--start", SESSION, "--end", SESSION)
    finished = run(*request, bronze=s3_bronze, silver=silver)
    assert finished.returncode == 1
    assert "error: " in finished.stderr
    assert "127.0.0.1:9" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_bucket_that_is_not_there_is_named(bucket: Any, silver: Any) -> None:
    request = ("build", "--start", SESSION, "--end", SESSION)
    finished = run(*request, bronze="s3://no-such-bucket/bronze", silver=silver)
    assert finished.returncode == 1
    assert "s3://no-such-bucket/bronze" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not commit_path(silver, date.fromisoformat(SESSION)).exists()


def test_gold_from_and_to_a_bucket_has_the_same_bytes(bucket: Any, tmp_path: Path) -> None:
    made = tmp_path / "made"
    make_silver(made, sessions=6, events=1, placebos_per_event=1)
    bucket.fs.put(str(made), "market/made", recursive=True)
    gold = bucket / "gold"
    alone = run_gold(silver=made, work=tmp_path / "work")
    assert alone.returncode == 0, alone.output
    built = run_gold(silver=str(bucket / "made"), gold=str(gold), work=tmp_path / "work")
    assert built.returncode == 0, built.output

    gold.fs.get(gold.path, str(tmp_path / "copy"), recursive=True)
    copy = replace(built, root=tmp_path / "copy")
    assert copy.digests() == alone.digests()
    assert copy.record()["fingerprint"] == alone.record()["fingerprint"]
    assert copy.table("event_matrix").height
    assert list(problems(gold)) == []


def test_models_are_fitted_on_gold_in_a_bucket(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = bucket / "fitted"
    make_gold(root)
    monkeypatch.setenv("ES_GOLD_ROOT", str(root))
    assert es_physics.cli.main(["research", "--models", "knn"]) == 0
    assert es_physics.cli.main(["research", "--models", "knn"]) == 0
    assert "is not done again" in capsys.readouterr().out
    (run,) = (root / "runs").iterdir()
    for file in (root / "trials.parquet", run / "neighbours.parquet"):
        assert pq.read_table(io.BytesIO(file.read_bytes())).num_rows > 0


def test_runs_in_a_bucket_are_read_to_be_scored(bucket: Any, tmp_path: Path) -> None:
    made, cache = tmp_path / "made", tmp_path / "cache"
    gold = make_scored_gold(made, sessions=4, events=2)
    make_run(made, "aaa", models=("knn",), feature_sets=("full",), gold_fingerprint=gold)
    bucket.fs.put(str(made), "market/scored", recursive=True)
    alone, there = evaluation_inputs(made), evaluation_inputs(bucket / "scored")
    assert inputs_of(there) == inputs_of(alone)
    for read in (
        lambda inputs: gold_table_select(inputs, "folds", cache),
        lambda inputs: runs_select(inputs, "predictions", cache),
        lambda inputs: trials_select(inputs.root, cache),
    ):
        rows = duckdb.sql(read(there)).fetchall()
        assert rows
        assert rows == duckdb.sql(read(alone)).fetchall()
