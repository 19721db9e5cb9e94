"""What an import says: a line for each step as it goes, the outcome, a bar per file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from es_physics.errors import Error
from ingest.finding import Input


@dataclass
class ImportResult:
    """What a run did, in numbers and in lines for people, one per file or partition.

    errors:   what could be of use and could not be landed, and why.
    warnings: what was landed and should be known.
    left_out: what no model uses, or what there is better records for.
    """

    written: int = 0
    up_to_date: int = 0
    failed: int = 0
    rows: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if everything that is of use was landed, else 1."""
        return 1 if self.errors else 0

    def summary(self) -> str:
        """The closing line."""
        return (
            f"{self.written} partitions written ({self.rows:,} rows), {self.up_to_date} up to date,"
            f" {self.failed} failed; {len(self.errors)} errors; {self.seconds:.1f} s"
        )


def printable(text: str) -> str:
    """The text with every character that a terminal would not show spelled out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


class Reporter:
    """Collects a run's outcome in `result` and says the lines of progress as they come.

    report: takes these lines; a rich Console on a terminal shows a bar per file as well. What a
    name of a file or a symbol may hold that is no text, a line feed or an escape, is spelled out.
    """

    def __init__(self, report: Callable[[str], None] | Console) -> None:
        self.result = ImportResult()
        self._say = report.out if isinstance(report, Console) else report
        self._console = report if isinstance(report, Console) else None

    def say(self, line: str) -> None:
        """A line of progress."""
        self._say(printable(line))

    def error(self, where: str, what: str) -> None:
        """A line of what could not be landed, and why."""
        self.result.errors.append(printable(f"{where}: {what}"))

    def warn(self, where: str, what: str) -> None:
        """A line of what was landed and should be known."""
        self.result.warnings.append(printable(f"{where}: {what}"))

    def leave_out(self, where: str, what: str) -> None:
        """A line of what no model uses."""
        self.result.left_out.append(printable(f"{where}: {what}"))

    @contextmanager
    def bars(self) -> Iterator[Bars]:
        """A bar for each file that is being read, on a terminal."""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not (self._console and self._console.is_terminal),
        ) as progress:
            yield Bars(progress)


class StoppedError(Error):
    """The run has ended before the file."""


class Bars:
    """Bars of files that several threads read, and the way to stop these."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stopped = False

    @contextmanager
    def bar(self, given: Input) -> Iterator[Callable[[int], None]]:
        """A function that takes how many bytes of the file were read.

        It raises StoppedError if nothing more is wanted.
        """
        task = self._progress.add_task(printable(given.name), total=given.bytes)
        try:
            yield partial(self._advance, task)
        finally:
            self._progress.remove_task(task)

    def stop(self) -> None:
        """Let no file go on."""
        self._stopped = True

    def _advance(self, task: TaskID, done: int) -> None:
        if self._stopped:
            raise StoppedError
        self._progress.update(task, completed=done)
