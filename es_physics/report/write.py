"""Pages on disk: read what is published, write what was asked for and has changed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from es_physics.report.alike import Alike, alike, latest_run
from es_physics.report.archive_page import ARCHIVE_FILE, archive_page
from es_physics.report.archive_view import ArchiveView
from es_physics.report.errors import ReportError
from es_physics.report.event_page import event_page
from es_physics.report.event_view import EventView, events_file
from es_physics.report.gold_view import GoldView
from es_physics.report.made_from import commit_sha256, is_made_from, made_from, of_record
from es_physics.report.months import weekdays
from es_physics.report.page import write
from es_physics.report.range_page import range_file, range_page
from es_physics.report.range_view import RangeView
from es_physics.report.research_page import RESEARCH_FILE, research_page
from es_physics.report.research_view import ResearchView
from es_physics.report.session_page import ALONE, Neighbours, session_file, session_page
from es_physics.report.session_view import SessionView
from es_physics.report.silver import Commit, committed
from es_physics.silver.commit import GOLD, read_commit
from es_physics.silver.verify import committed_sessions, why_there_is_no_session

_PAGES_PER_WORKER = 6
"""Fewer are written sooner here than by a process that has to import everything first."""


class Page(NamedTuple):
    """A page that was asked for."""

    path: Path
    problem: str = ""
    """Why it could not be written; empty if it is there."""
    is_new: bool = True
    """Whether it was written, and not found to be up to date."""


class _Job(NamedTuple):
    path: Path
    sha256: str
    html: Callable[[], str]


def write_sessions(
    root: Path,
    folder: Path,
    sessions: Iterable[date],
    workers: int = 1,
    gold_root: Path | None = None,
) -> Iterator[Page]:
    """Write the pages of sessions from the Silver below `root`, and say of each how it went.

    Each session has one page, and one of its entries, with the neighbours that a run of models of
    the gold below `gold_root` found if there is one. The first is linked with those of the sessions
    before and after that have one; those beside it whose links change are written again. At most
    `workers` processes share the work.
    """
    wanted = set(sessions)
    with_page = sorted(
        day
        for day in committed_sessions(root)
        if day in wanted or (folder / session_file(day)).is_file()
    )
    beside = {
        day: Neighbours(
            with_page[place - 1] if place else None,
            with_page[place + 1] if place + 1 < len(with_page) else None,
        )
        for place, day in enumerate(with_page)
    }
    around = {day for one in wanted & beside.keys() for day in beside[one] if day}
    jobs, readable = [], []
    for day in sorted(wanted | around):
        path = folder / session_file(day)
        try:
            jobs.append(_session_job(root, path, day, beside.get(day, ALONE)))
            readable += [day] if day in wanted else []
        except ReportError as error:
            yield Page(path, str(error))
    jobs += _event_jobs(root, folder, readable, gold_root)
    stale = [job for job in jobs if not is_made_from(job.path, job.sha256)]
    yield from (Page(job.path, is_new=False) for job in jobs if job not in stale)
    yield from _make_all(stale, workers)


def write_session(root: Path, folder: Path, session_date: date) -> Path:
    """Write one session's page; returns its path. Raises ReportError if it cannot be written."""
    path = folder / session_file(session_date)
    for page in write_sessions(root, folder, [session_date]):
        if page.path == path and page.problem:
            raise ReportError(page.problem)
    return path


def write_range(
    root: Path, folder: Path, start: date, end: date, bronze_root: Path, gold_root: Path
) -> Page:
    """Write the page of all sessions published from `start` to `end`, if it is not up to date.

    Days without one say why, by the calendar, Bronze, and what failed builds left. What many
    sessions say is of the gold below `gold_root`, if there is any.
    """
    path = folder / range_file(start, end)
    dates = [day for day in committed_sessions(root) if start <= day <= end]
    if not dates:
        return Page(
            path,
            f"no session from {start} to {end} is published below {root}; build some, such as "
            f"dbt build --vars '{{session_date: {end}}}'",
        )
    why_blank = {
        day: why_there_is_no_session(root, bronze_root, day)
        for day in weekdays(start, end)
        if day not in dates
    }
    linked = {day for day in dates if (folder / session_file(day)).is_file()}
    try:
        commits = [committed(day, root) for day in dates]
        sha256 = made_from(
            "range",
            dates=[start, end],
            sessions=[commit_sha256(commit) for commit in commits],
            gold=_gold_record(gold_root),
            why_blank={str(day): why for day, why in why_blank.items()},
            linked=sorted(linked),
        )
        html = partial(_range_html, commits, gold_root, start, end, linked, why_blank, sha256)
        return _make_if_stale(_Job(path, sha256, html))
    except ReportError as error:
        return Page(path, str(error))


def write_research(gold_root: Path, folder: Path) -> Page:
    """Write the page of the scores published below `gold_root`, if it is not up to date.

    Where nothing is scored yet it says what to do.
    """
    path = folder / RESEARCH_FILE
    try:
        return _write_if_new(path, research_page(ResearchView.read(gold_root), folder))
    except ReportError as error:
        return Page(path, str(error))


def write_index(root: Path, folder: Path, bronze_root: Path) -> Page:
    """Write the page of the archive, which is the index of all pages, unless it is the same.

    It reads every session each time: one that has been damaged since is named on it.
    """
    pages = {page.name for page in folder.glob("*.html")}
    html = archive_page(ArchiveView.read(root, bronze_root), pages)
    return _write_if_new(folder / ARCHIVE_FILE, html)


def _write_if_new(path: Path, html: str) -> Page:
    if path.is_file() and path.read_text(encoding="utf-8") == html:
        return Page(path, is_new=False)
    write(path, html)
    return Page(path)


def _session_job(root: Path, path: Path, day: date, beside: Neighbours) -> _Job:
    sha256 = made_from("session", commit=commit_sha256(committed(day, root)), beside=beside)
    return _Job(path, sha256, partial(_session_html, root, day, beside, sha256))


def _session_html(root: Path, day: date, beside: Neighbours, sha256: str) -> str:
    return session_page(SessionView.read(committed(day, root)), beside, sha256)


def _event_jobs(
    root: Path, folder: Path, days: Sequence[date], gold_root: Path | None
) -> list[_Job]:
    """The pages of entries. A session that cannot be read has been told of."""
    run = latest_run(gold_root)
    hashes = {
        day: made_from(
            "entries", commit=commit_sha256(committed(day, root)), run=run and run.run_id
        )
        for day in days
    }
    paths = {day: folder / events_file(day) for day in days}
    stale = [day for day in days if not is_made_from(paths[day], hashes[day])]
    nearest = alike(run, stale) if run and stale else {}
    return [
        _Job(
            paths[day],
            hashes[day],
            partial(_event_html, root, day, nearest.get(day), hashes[day]),
        )
        for day in days
    ]


def _event_html(root: Path, day: date, nearest: Alike | None, sha256: str) -> str:
    view = EventView.read(SessionView.read(committed(day, root)))
    return event_page(view, session_file(day), nearest, sha256)


def _range_html(
    commits: Sequence[Commit],
    gold_root: Path,
    start: date,
    end: date,
    linked: set[date],
    why_blank: dict[date, str],
    sha256: str,
) -> str:
    gold = GoldView.read(gold_root)
    return range_page(RangeView(commits), gold, start, end, linked, why_blank, sha256)


def _gold_record(gold_root: Path) -> dict[str, object] | None:
    try:
        record = read_commit(gold_root, GOLD)
    except ValueError as error:
        raise ReportError(str(error)) from None
    return record and of_record(record["fingerprint"], record["outputs"])


def _make_all(jobs: Sequence[_Job], workers: int) -> Iterator[Page]:
    processes = min(workers, len(jobs) // _PAGES_PER_WORKER)
    if processes < 2:
        yield from map(_make, jobs)
        return
    # Threads of Arrow do not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, spawn)
    try:
        yield from pool.map(_make, jobs)
    except BrokenProcessPool as error:
        raise ReportError(
            "a process that wrote pages was ended from outside, for want of memory most likely; "
            "the pages that are there are whole: go on with --workers 1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _make_if_stale(job: _Job) -> Page:
    return Page(job.path, is_new=False) if is_made_from(job.path, job.sha256) else _make(job)


def _make(job: _Job) -> Page:
    try:
        write(job.path, job.html())
    except ReportError as error:
        return Page(job.path, str(error))
    return Page(job.path)
