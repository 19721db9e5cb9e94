"""Build every session of a range that needs it, on this machine's cores or a Ray cluster."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from multiprocessing.connection import wait
from pathlib import Path
from statistics import median
from typing import Any, cast

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from es_physics.build import machine
from es_physics.build.build_date import GOOD, RETRIED, Attempt, Job, Outcome
from es_physics.build.plan import PlannedSession, plan_session, plan_table
from es_physics.build.session_inputs import TRADES, SessionInputs
from es_physics.calendar import default_calendar
from es_physics.errors import Error
from es_physics.files import absolute

WORK = Path("target/backfill")
_STYLES = {"built": "green", "finished": "green", "skipped": "dim"}


class NoBronze(Error):
    """No session of the range could be built; the message says why."""


@dataclass(frozen=True)
class Backfill:
    """What was planned for a range, and how the sessions that were built ended."""

    planned: Sequence[PlannedSession] = ()
    outcomes: Sequence[Outcome] = ()

    @property
    def exit_code(self) -> int:
        """0 if every session with Bronze is published, as far as it was to be built; else 1."""
        return 0 if all(outcome.status in GOOD for outcome in self.outcomes) else 1

    def rows(self) -> list[dict[str, Any]]:
        """A row per trade date: what was planned and why, and its outcome, None without a build."""
        outcomes = {outcome.session_date: asdict(outcome) for outcome in self.outcomes}
        return [
            {
                "session_date": one.session_date,
                "plan": one.state,
                "why": one.reason,
                "outcome": outcomes.get(one.session_date),
            }
            for one in self.planned
        ]


def backfill(
    start: date,
    end: date,
    *,
    bronze_root: Path,
    silver_root: Path,
    overrides: Mapping[str, Any],
    console: Console,
    workers: int | None = None,
    threads: int | None = None,
    memory_mb: int | None = None,
    retries: int = 2,
    force: bool = False,
    dry_run: bool = False,
    ray_address: str | None = None,
    patience_s: float = machine.PATIENCE_S,
) -> Backfill:
    """Plan the range, print the plan, build what needs it, print how each session ended.

    With the project's folder as the current one. Raises NoBronze if no session has any, and
    UsageError for an unknown var.
    """
    inputs = SessionInputs(bronze_root, overrides)
    calendar = default_calendar()
    days = [day for day in calendar.days if start <= day <= end]
    if not days:
        console.print(
            f"no CME trade date from {start} to {end}; the calendar goes from {calendar.first} to"
            f" {calendar.last}"
        )
        return Backfill()  # a scheduler that asks for every day finds nothing wrong with a Sunday
    planned = _plan(days, inputs, silver_root, force)
    if all(one.state == "no Bronze" for one in planned):
        raise NoBronze(
            f"no Bronze {TRADES} below {bronze_root} for any of the {len(days)} trade dates"
            f" from {start} to {end}; see python -m ingest status"
        )
    console.print(plan_table(planned))
    to_do = [one.session_date for one in planned if one.state in {"build", "finish"}]
    if dry_run or not to_do:
        return Backfill(planned)
    workers = min(workers or machine.default_workers(), len(to_do))
    # Nothing is known here of a cluster's nodes; there is room for one thread on each core.
    fair = (1, machine.WORKER_MB) if ray_address else machine.share(workers)
    threads, memory_mb = threads or fair[0], memory_mb or fair[1]
    with _scratch() as scratch:
        jobs = [
            Job(
                session_date=day,
                bronze_root=absolute(bronze_root),
                silver_root=absolute(silver_root),
                vars=json.dumps(dict(overrides), sort_keys=True, default=str),
                threads=threads,
                memory_mb=memory_mb,
                retries=retries,
                force=force,
                code=inputs.code_version,
                scratch=str(scratch),
                patience_s=patience_s,
            )
            for day in to_do
        ]
        if ray_address is None:
            console.print(
                f"{len(jobs)} to build; {workers} at a time, each with"
                f" {'1 thread' if threads == 1 else f'{threads} threads'} and {memory_mb} MB"
            )
            ended = (outcome for _, outcome in run_here(jobs, workers))
            outcomes = _report(ended, len(jobs), console)
        else:
            from es_physics.build.on_ray import run_on_ray

            outcomes = _report(run_on_ray(jobs, ray_address, console), len(jobs), console)
    _summarise(outcomes, console)
    return Backfill(planned, outcomes)


def _plan(
    days: Sequence[date], inputs: SessionInputs, silver_root: Path, force: bool
) -> list[PlannedSession]:
    # Threads, because an object store answers each question slowly and many at once.
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda day: plan_session(day, inputs, silver_root, force=force), days))


def run_here(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Run the jobs on this machine, `workers` at a time; yields each and its outcome as it ends.

    One that died or ended in an error is tried again after all others, when it has more room.
    """
    waiting = deque((job, 1) for job in jobs)
    running: dict[int, Attempt] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                attempt = Attempt(*waiting.popleft())
                running[attempt.sentinel] = attempt
            ended = wait(
                list(running),
                timeout=max(0.1, min(attempt.patience_left() for attempt in running.values())),
            )
            stalled = [number for number, one in running.items() if one.patience_left() <= 0]
            for sentinel in {*cast(list[int], ended), *stalled}:
                attempt = running.pop(sentinel)
                outcome = attempt.outcome()
                if outcome.status in RETRIED and attempt.number <= attempt.job.retries:
                    waiting.append((attempt.job, attempt.number + 1))
                else:
                    yield attempt.job, outcome
    finally:
        for attempt in running.values():
            attempt.kill()


def _report(outcomes: Iterator[Outcome], count: int, console: Console) -> list[Outcome]:
    """One line for each session as it ends, below a bar; logs of bad ones go to a file."""
    done = []
    with Progress(
        TextColumn("{task.completed} of {task.total} sessions"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=count)
        for outcome in outcomes:
            done.append(outcome)
            if outcome.status not in GOOD:
                path = WORK / f"{outcome.session_date}.log"
                path.write_text(f"{outcome.message}\n\n{outcome.log}\n", encoding="utf-8")
            tries = f" at attempt {outcome.attempts}" if outcome.attempts > 1 else ""
            message = f"  {outcome.message}" if outcome.message else ""
            console.print(
                f"{outcome.session_date}  {outcome.status} in {outcome.seconds:.1f} s"
                f"{tries}{message}",
                style=_STYLES.get(outcome.status, "red"),
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            for note in outcome.notes:
                console.print(f"  {note}", highlight=False, markup=False, soft_wrap=True)
            progress.advance(task)
    return done


def _summarise(outcomes: Sequence[Outcome], console: Console) -> None:
    counts = Counter(outcome.status for outcome in outcomes)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("sessions")
    table.add_column("count", justify="right")
    table.add_column("median s", justify="right")
    table.add_column("median CPU s", justify="right")
    for status, count in counts.most_common():
        of_status = [one for one in outcomes if one.status == status]
        seconds = median(one.seconds for one in of_status)
        cpu_seconds = median(one.cpu_seconds for one in of_status)
        table.add_row(status, str(count), f"{seconds:.1f}", f"{cpu_seconds:.1f}")
    console.print(table)
    bad = sorted(one.session_date for one in outcomes if one.status not in GOOD)
    for day in bad:
        log = WORK.absolute() / f"{day}.log"
        console.print(f"{day}: see {log}", style="red", highlight=False, soft_wrap=True)
    if bad:
        console.print("The same command builds only what is missing.")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this run for scratch folders; those of runs that were killed are removed."""
    WORK.mkdir(parents=True, exist_ok=True)
    for folder in WORK.glob("run-*"):
        with suppress(OSError):
            # A younger one may be about to be locked.
            if time.time() - folder.stat().st_mtime > 60:
                with _locked(folder):
                    shutil.rmtree(folder)
    folder = WORK.absolute() / f"run-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir()
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; OSError if another process does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
