"""Build one session in a process of its own, which may die without taking anything along.

The process is a fork of a server that has imported dbt and parsed the project
(`es_physics.build.warm`). It has a scratch folder of its own and its database in memory, unless
that is to be read afterwards, and ends with the process that asked for it.
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
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from es_physics.build.machine import PATIENCE_S
from es_physics.build.plan import plan_session
from es_physics.build.session_inputs import SessionInputs
from es_physics.errors import Error
from es_physics.files import root_path
from es_physics.silver.commit import expose

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

Status = Literal[
    "built",
    "finished",
    "skipped",
    "gate failed",
    "bad Bronze",
    "refused",
    "stalled",
    "error",
    "died",
]

GOOD: frozenset[Status] = frozenset({"built", "finished", "skipped"})
RETRIED: frozenset[Status] = frozenset({"error", "died"})
"""What may end otherwise next time; a failed gate or damaged Bronze will not, and what stalled once
has taken long enough."""

_MAX_LOG = 20_000

_LEAST_START_S = 120.0
"""Seconds that the fork server has to import and parse, whatever the patience with a build."""

_KEPT_DATABASE = "memory.duckdb"
"""A file that DuckDB calls what it calls a database in memory, for which the project is parsed."""

# In the scratch folder: what the process printed; what it did last, touched at each sign of life.
_OUTPUT = "output.log"
_PROGRESS = "progress"
_PROGRESS_BYTES = 500


@dataclass(frozen=True)
class Job:
    """One session to build.

    bronze_root, silver_root: absolute, or URLs. vars: as JSON. threads, memory_mb: of the build.
    retries: further attempts after one that died or ended in an error. code: the version that the
    project must have where it is built. scratch: where scratch folders are made. patience_s: how
    long it may show no progress.

    tables: if any, these and what they are made of are built as `dbt build` would, without tests,
    and stay in `kept_database`. Nothing is planned or published then, and damaged Bronze is
    left out.
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
    patience_s: float = PATIENCE_S
    tables: tuple[str, ...] = ()

    @property
    def kept_database(self) -> Path:
        """The file in which `tables` stay."""
        return Path(self.scratch, _KEPT_DATABASE)


@dataclass(frozen=True)
class Outcome:
    """How it ended: `message` in one line, `log` as what dbt warned of or failed with.

    notes: lines to show with it, one for each failed gate. seconds: from start to end. cpu_seconds:
    of its process; 0 if it died.
    """

    session_date: date
    status: Status
    message: str = ""
    log: str = ""
    notes: tuple[str, ...] = ()
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
        self._progress = Path(self._scratch, _PROGRESS)
        self._progress.write_text("starting", encoding="utf-8")
        os.environ["ES_WARM_VARS"] = job.vars
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["es_physics.build.before_warm", "es_physics.build.warm"])
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_build_here, args=(job, self._scratch, sender), daemon=True
        )
        # The fork server answers once it has imported and parsed, or never.
        starting = threading.Thread(target=self._process.start, daemon=True)
        starting.start()
        starting.join(patience_s := max(job.patience_s, _LEAST_START_S))
        if starting.is_alive():
            raise Error(
                f"no build could be started for {patience_s:g} s: the process that they are"
                " forked from hangs; nothing was built, start again"
            )
        self._progress.touch()
        sender.close()
        self.sentinel = self._process.sentinel

    def patience_left(self) -> float:
        """Seconds until it has shown no progress for too long."""
        return self.job.patience_s - (time.time() - self._progress.stat().st_mtime)

    def outcome(self) -> Outcome:
        """Wait for the end, or put one to a process that stalls, and clear the scratch folder."""
        stalled = False
        while not wait([self.sentinel], timeout=max(self.patience_left(), 0.1)):
            if self.patience_left() <= 0:
                stalled = True
                self._process.kill()
        self._process.join()
        outcome = Outcome(self.job.session_date, "died")
        with suppress(EOFError):  # it died without a word
            if self._receiver.poll():
                outcome = self._receiver.recv()
        if outcome.status == "died":
            last = self._progress.read_text(errors="replace").strip()
            outcome = replace(
                outcome,
                status="stalled" if stalled else "died",
                message=(
                    f"no progress for {self.job.patience_s:g} s, so it was ended; last: {last}"
                    if stalled
                    else _cause_of_death(self._process.exitcode or 0)
                ),
                log=f"last: {last}\n\n{self._output()}",
            )
        self._receiver.close()
        self._process.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return replace(outcome, seconds=time.monotonic() - self._started, attempts=self.number)

    def _output(self) -> str:
        with suppress(OSError):
            return Path(self._scratch, _OUTPUT).read_text(errors="replace")[-_MAX_LOG:]
        return ""

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
    if not Path(scratch).is_dir():
        return  # interrupted while this started
    log = os.open(Path(scratch, _OUTPUT), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from es_physics.build.warm import DATABASE  # imported before the fork, and slow elsewhere

    os.environ |= {
        "ES_BRONZE_ROOT": job.bronze_root,
        "ES_BRONZE_CACHE": f"{scratch}/bronze",
        "ES_SILVER_ROOT": job.silver_root,
        "ES_DUCKDB_PATH": str(job.kept_database) if job.tables else DATABASE,
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
    from es_physics.bronze.dbt_plugin import prove_partition  # imported before the fork as well

    day = job.session_date
    inputs = SessionInputs(root_path(job.bronze_root), json.loads(job.vars))
    if (code := inputs.code_version) != job.code:
        return Outcome(
            day,
            "error",
            f"the project in {Path.cwd()} is not the one this run was started with"
            f" (version {code[:12]}, not {job.code[:12]}); start it again",
        )
    if job.tables:
        return _dbt_build(job, scratch)
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
        _show_progress(scratch, f"Bronze {feed.path} of {trade_date}")
        check = prove_partition(feed, trade_date, keep=True)
        if check.status == "invalid":
            message = f"Bronze {feed.path} of {trade_date}: {check.problem}; import it again"
            return Outcome(day, "bad Bronze", message)
    return _dbt_build(job, scratch)


def _dbt_build(job: Job, scratch: str) -> Outcome:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from es_physics.build.lean_dbt import leave_out
    from es_physics.build.warm import DBT_FLAGS, ParseError, parsed_project

    try:
        manifest, code = parsed_project(job.vars)
    except ParseError as error:
        return Outcome(job.session_date, "error", _one_line(str(error)), str(error))
    if code != job.code:
        return Outcome(
            job.session_date, "error", "the project changed while it was parsed; start again"
        )
    _show_progress(scratch, "dbt build")
    said: list[str] = []
    printed: list[str] = []
    variables = json.loads(job.vars) | {
        "session_date": job.session_date.isoformat(),
        "publish_empty": job.force,
    }

    def listen(event: Any) -> None:
        if event.info.name == "PrintEvent":
            printed.append(event.info.msg)
        if event.info.level in {"warn", "error"}:
            said.append(event.info.msg)
        _show_progress(scratch, event.info.msg)

    selected = ("--select", *(f"+{name}" for name in job.tables))
    leave_out(partial(_show_progress, scratch))
    result = dbtRunner(manifest, callbacks=[listen]).invoke(
        [
            *("build", *DBT_FLAGS, "--vars", json.dumps(variables)),
            *("--target-path", f"{scratch}/target", "--log-path", f"{scratch}/logs"),
            *((*selected, "--exclude-resource-type", "test") if job.tables else ()),
        ]
    )
    if job.tables:  # which others read, and a fork ends without closing their database
        DuckDBConnectionManager.close_all_connections()
    outcome = _outcome_of(job.session_date, result)
    return replace(
        outcome,
        log="\n".join([*printed, *said]),
        notes=tuple(line for line in printed if line.startswith("gate ")),
    )


def _outcome_of(day: date, result: dbtRunnerResult) -> Outcome:
    if result.success:
        return Outcome(day, "built")
    nodes = getattr(result.result, "results", None) or []
    errors = [node for node in nodes if node.status == "error"]
    failed = [node for node in nodes if node.status == "fail"]
    if errors or not failed:
        cause = _one_line(str(errors[0].message if errors else result.exception))
        if "is not published: " in cause:
            return Outcome(day, "refused", cause.partition("is not published: ")[2])
        return Outcome(day, "error", (f"{errors[0].node.name}: " if errors else "") + cause)
    return Outcome(day, "gate failed", ", ".join(sorted(node.node.name for node in failed)))


def _show_progress(scratch: str, doing: str | None) -> None:
    """Tell the process that waits for this one that it is alive, and what it does."""
    path = Path(scratch, _PROGRESS)
    with suppress(OSError):
        if doing is None:
            os.utime(path)
        else:
            # In place and of one length: a file that was made empty is flushed when it is closed.
            with path.open("r+b") as file:
                file.write(_one_line(doing).encode()[:_PROGRESS_BYTES].ljust(_PROGRESS_BYTES))


def _one_line(text: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line.strip() for line in text.splitlines()]
    # dbt appends the macros that an error came through.
    lines = [line for line in lines if line and not line.startswith("> ")]
    return lines[-1] if lines else "no message"


def _die_with_parent() -> None:
    """Nobody waits for this build any more: leave nothing behind but what is committed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
