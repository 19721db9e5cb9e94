"""Run builds on a Ray cluster: one task a session, tried again elsewhere if its node is lost."""

from __future__ import annotations

import logging
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from es_physics.build.build_date import Job, Outcome, build_date
from es_physics.build.machine import PYTHON_MB
from es_physics.errors import Error


class RayUnavailable(Error):
    """Ray is not installed, or there is no cluster at the address; the message says what to do."""


def run_on_ray(jobs: Sequence[Job], address: str, console: Console) -> Iterator[Outcome]:
    """Submit every job to the cluster at `address`; yields outcomes as sessions end.

    The cluster gets this project's files, and each task the cores and memory of its job. A session
    whose node or worker process is lost is built on another one; one that was published before the
    loss is found published. Raises RayUnavailable.
    """
    try:
        import ray
    except ImportError as error:
        raise RayUnavailable(
            "Ray is not installed: pip install --constraint requirements.txt 'ray[default]'"
        ) from error
    _check_address(address)
    try:
        context = ray.init(
            address=address,
            runtime_env={"working_dir": str(Path.cwd()), "excludes": ["/.git", "/.ci"]},
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RayUnavailable(f"no Ray cluster at {address}: {error}") from error
    try:
        where = f", dashboard http://{context.dashboard_url}" if context.dashboard_url else ""
        console.print(
            f"{len(jobs)} to build on {len([n for n in ray.nodes() if n['Alive']])} nodes with"
            f" {ray.cluster_resources().get('CPU', 0):.0f} cores{where}",
            highlight=False,
        )
        task = ray.remote(_build_on_worker)
        pending = {
            task.options(
                name=f"session {job.session_date}",
                num_cpus=job.threads,
                memory=(job.memory_mb + PYTHON_MB) * 1_000_000,
                max_retries=job.retries,
            ).remote(job): job
            for job in jobs
        }
        while pending:
            (ready, *_), _rest = ray.wait(list(pending), num_returns=1)
            job = pending.pop(ready)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[0]
                yield Outcome(
                    job.session_date, "died", f"lost more than {job.retries} times: {reason}"
                )
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise RayUnavailable(f"no Ray cluster at {address}: {error}") from error


def _build_on_worker(job: Job) -> Outcome:
    """The task. Scratch databases go to the node's own temporary folder."""
    return build_date(replace(job, scratch=f"{tempfile.gettempdir()}/es_physics"))
