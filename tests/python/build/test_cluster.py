"""A backfill on a Ray cluster, one node of which is killed at work."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PROJECT, Build, Builds, es_physics_command
from ray.cluster_utils import Cluster

SESSIONS = ("2025-11-27", "2025-11-28")
NODE = {"object_store_memory": 80_000_000, "include_dashboard": False}


@pytest.fixture
def nodes_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the nodes put their sockets and scratch folders; sockets need a short name."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def cluster(nodes_folder: Path) -> Iterator[Cluster]:
    """A head that takes no work; all nodes end with the test."""
    cluster = Cluster(initialize_head=True, head_node_args=NODE | {"num_cpus": 0})
    try:
        yield cluster
    finally:
        cluster.shutdown()


def until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)


def test_sessions_of_a_lost_node_are_built_on_another_and_no_other_again(
    cluster: Cluster, nodes_folder: Path, bronze: Path, builds: Builds, tmp_path: Path
) -> None:
    silver = tmp_path / "silver"
    commits = silver / "_commits"
    lost = cluster.add_node(num_cpus=1, **NODE)
    run = subprocess.Popen(
        [
            *es_physics_command("build", "--ray", cluster.address),
            *("--start", SESSIONS[0], "--end", SESSIONS[1]),
        ],
        cwd=PROJECT,
        env=os.environ | {"ES_BRONZE_ROOT": str(bronze), "ES_SILVER_ROOT": str(silver)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: any(commits.glob("*.json")), run)
    (first,) = commits.glob("*.json")
    (other,) = set(SESSIONS) - {first.stem}
    until(lambda: any(nodes_folder.glob(f"es_physics/{other}-*")), run)
    assert len(list(commits.iterdir())) == 1
    before = first.read_bytes()

    cluster.remove_node(lost, allow_graceful=False)
    cluster.add_node(num_cpus=1, **NODE)
    output, _ = run.communicate()
    assert run.returncode == 0, output
    assert f"{other}  built in " in output
    assert first.read_bytes() == before
    digests = Build(0, "", silver).digests()
    alone = {
        name: digest for session in SESSIONS for name, digest in builds[session].digests().items()
    }
    assert digests == alone


def test_no_cluster_at_the_address_says_so(bronze: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        [
            *es_physics_command("build", "--ray", "127.0.0.1:9"),
            *("--start", SESSIONS[0], "--end", SESSIONS[1]),
        ],
        cwd=PROJECT,
        env=os.environ
        | {"ES_BRONZE_ROOT": str(bronze), "ES_SILVER_ROOT": str(tmp_path / "silver")}
        | {
            "RAY_gcs_rpc_server_connect_timeout_s": "1",
            "RAY_gcs_server_request_timeout_seconds": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert "error: no Ray cluster at 127.0.0.1:9" in finished.stderr
