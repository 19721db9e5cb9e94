"""Build one session in a process of its own, which may die without taking anything along.

The process is a fork of a server that has imported dbt and parsed the project
(`es_physics.build.warm`). It has its own scratch folder with its own database, target and log
folders, and ends with the process that asked for it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from es_physics.bronze.partitions import fetch_partition
from es_physics.build.plan import plan_session
from es_physics.build.session_inputs import SessionInputs
from es_physics.files import root_path
from es_physics.silver.commit import expose
from es_physics.silver.fingerprint import code_version

Status = Literal["built", "finished", "skipped", "gate failed", "bad Bronze", "error", "died"]

GOOD: frozenset[Status] = frozenset({"built", "finished", "skipped"})
RETRIED: frozenset[Status] = frozenset({"error", "died"})
"""What may end otherwise next time; a failed gate or damaged Bronze will not."""

_MAX_LOG = 20_000


@dataclass(frozen=True)
class Job:
    """One session to build.

    bronze_root, silver_root: absolute, or URLs. vars: as JSON. threads, memory_mb: of the build.
    retries: further attempts after one that died or ended in an error. code: the version that the
    project must have where it is built. scratch: the folder for scratch databases.
    """

    session_date: date
    bronze_root: str
    silver_root: str
    vars: str
    threads: int
    memory_mb: int
    retries: int
    force: bool
    code: str
    scratch: str


@dataclass(frozen=True)
class Outcome:
    """How it ended: `message` in one line, `log` as what dbt warned of or failed with.

    seconds: from start to end. cpu_seconds: of its process; 0 if it died.
    """

    session_date: date
    status: Status
    message: str = ""
    log: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    attempts: int = 1


class Attempt:
    """A running build; `sentinel` becomes ready when its process ends."""

    def __init__(self, job: Job, number: int = 1) -> None:
        self.job = job
        self.number = number
        self._started = time.monotonic()
        Path(job.scratch).mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.mkdtemp(prefix=f"{job.session_date}-", dir=job.scratch)
        os.environ["ES_WARM_VARS"] = job.vars
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["es_physics.build.warm"])
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_build_here, args=(job, self._scratch, sender), daemon=True
        )
        self._process.start()
        sender.close()
        self.sentinel = self._process.sentinel

    def outcome(self) -> Outcome:
        """Wait for the end and clear the scratch folder."""
        try:
            outcome: Outcome = self._receiver.recv()
        except EOFError:
            outcome = Outcome(self.job.session_date, "died")
        self._process.join()
        if outcome.status == "died":
            outcome = replace(outcome, message=_cause_of_death(self._process.exitcode or 0))
        self._receiver.close()
        self._process.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return replace(outcome, seconds=time.monotonic() - self._started, attempts=self.number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.outcome()


def build_date(job: Job) -> Outcome:
    """Build the session, again if it died or ended in an error, at most `job.retries` times."""
    for number in range(1, job.retries + 2):
        outcome = Attempt(job, number).outcome()
        if outcome.status not in RETRIED:
            break
    return outcome


def _cause_of_death(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "its process was killed (SIGKILL), as the system does when memory runs out"
    if exit_code < 0:
        return f"its process died of {signal.Signals(-exit_code).name}"
    return f"its process ended with exit code {exit_code}"


def _build_here(job: Job, scratch: str, sender: Connection) -> None:
    """The process's whole life."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    log = os.open(Path(scratch, "output.log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from es_physics.build.warm import DATABASE  # imported before the fork, and slow elsewhere

    os.environ |= {
        "ES_BRONZE_ROOT": job.bronze_root,
        "ES_BRONZE_CACHE": f"{scratch}/bronze",
        "ES_SILVER_ROOT": job.silver_root,
        "ES_DUCKDB_PATH": f"{scratch}/{DATABASE}",
        "ES_TEMP_DIRECTORY": f"{scratch}/spill",
        "ES_THREADS": str(job.threads),
        "ES_MEMORY_LIMIT": f"{job.memory_mb}MB",
    }
    try:
        outcome = _checked_build(job, scratch)
    except Exception as error:
        outcome = Outcome(job.session_date, "error", f"{type(error).__name__}: {error}")
    # Kept under what a pipe takes at once: the reader may be busy with another build.
    sender.send(
        replace(
            outcome,
            message=outcome.message[:2000],
            log=outcome.log[-_MAX_LOG:],
            cpu_seconds=time.process_time(),
        )
    )


def _checked_build(job: Job, scratch: str) -> Outcome:
    day = job.session_date
    if (code := code_version()) != job.code:
        return Outcome(
            day,
            "error",
            f"the project in {Path.cwd()} is not the one this run was started with"
            f" (version {code[:12]}, not {job.code[:12]}); start it again",
        )
    inputs = SessionInputs(root_path(job.bronze_root), json.loads(job.vars))
    silver = root_path(job.silver_root)
    planned = plan_session(day, inputs, silver, force=job.force)
    if planned.state == "skip":
        return Outcome(day, "skipped", "published meanwhile from the same inputs")
    if planned.state == "no Bronze":
        return Outcome(day, "error", f"{planned.reason} any more")
    if planned.state == "finish":
        expose(silver, day)
        return Outcome(day, "finished", planned.reason)
    # A damaged partition would be left out with a warning, and a session of less published.
    for feed, trade_date in inputs.partitions(day):
        check = fetch_partition(
            root_path(job.bronze_root), feed, trade_date, Path(scratch, "bronze")
        )
        if check.status == "invalid":
            message = f"Bronze {feed.path} of {trade_date}: {check.problem}; import it again"
            return Outcome(day, "bad Bronze", message)
    return _dbt_build(job, scratch)


def _dbt_build(job: Job, scratch: str) -> Outcome:
    from dbt.cli.main import dbtRunner

    from es_physics.build.warm import DBT_FLAGS, ParseError, parsed_project

    try:
        manifest, code = parsed_project(job.vars)
    except ParseError as error:
        return Outcome(job.session_date, "error", _one_line(str(error)), str(error))
    if code != job.code:
        return Outcome(
            job.session_date, "error", "the project changed while it was parsed; start again"
        )
    said: list[str] = []
    variables = json.loads(job.vars) | {"session_date": job.session_date.isoformat()}
    result = dbtRunner(manifest, callbacks=[lambda event: _keep(said, event)]).invoke(
        [
            *("build", *DBT_FLAGS, "--vars", json.dumps(variables)),
            *("--target-path", f"{scratch}/target", "--log-path", f"{scratch}/logs"),
        ]
    )
    log = "\n".join(said)
    if result.success:
        return Outcome(job.session_date, "built", log=log)
    nodes = getattr(result.result, "results", None) or []
    errors = [node for node in nodes if node.status == "error"]
    failed = [node for node in nodes if node.status == "fail"]
    if errors or not failed:
        cause = str(errors[0].message if errors else result.exception)
        name = f"{errors[0].node.name}: " if errors else ""
        return Outcome(job.session_date, "error", name + _one_line(cause), log)
    names = ", ".join(sorted(node.node.name for node in failed))
    return Outcome(job.session_date, "gate failed", names, log)


def _keep(said: list[str], event: Any) -> None:
    if event.info.level in {"warn", "error"}:
        said.append(event.info.msg)


def _one_line(text: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _die_with_parent() -> None:
    """Nobody waits for this build any more: leave nothing behind but what is committed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
