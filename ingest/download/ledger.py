"""What was asked of the vendor for money, and what became of it: one JSON line per event.

A line is on the disk before the request it announces is sent, so that no paid request can be
missing from it. Nothing in it is ever changed; a run reads all of it first.
"""

from __future__ import annotations

import fcntl
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from es_physics.files import fsync
from ingest.download.errors import DownloadError, UsageError
from ingest.download.plan import Unit

LEDGER_NAME = "ledger.jsonl"


@dataclass
class Standing:
    """What the ledger knows of a unit.

    done:      the event of its completion, with its files; None if it is not complete.
    job:       the batch job that was bought for it.
    spent_jobs: jobs that are not to be used any more.
    by_batch:  a stream of it arrived damaged, so that it is to be bought as a batch job.
    why_again: why it is bought although it was before.
    """

    done: dict[str, Any] | None = None
    job: str | None = None
    spent_jobs: set[str] = field(default_factory=set)
    by_batch: bool = False
    why_again: str | None = None


class Ledger:
    """The ledger of a folder of raw files, and the lock that keeps a second download out of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER_NAME
        self._units: dict[str, Standing] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Ledger:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise UsageError(
                f"another download works in {self.path.parent}; wait until it is done"
            ) from error
        self._file.seek(0)
        content = self._file.read()
        # A killed run may have left its last line unfinished, before it sent what that announces.
        whole = content.rpartition(b"\n")[0]
        self._file.truncate(len(whole) + (b"\n" in content))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                self._apply(json.loads(line))
            except ValueError:
                self._file.close()
                raise UsageError(
                    f"{self.path} line {number} cannot be read, so it is not known what was paid;"
                    " restore the file from a backup or repair that line"
                ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def standing(self, unit: Unit) -> Standing:
        """What is known of the unit."""
        return self._units.get(unit.key) or Standing()

    def record(self, event: str, unit: Unit, **details: Any) -> None:
        """Write an event to the disk; DownloadError if it cannot be.

        request:   is about to be sent (mode, usd; since: from where on, after an interruption).
        kept:      the beginning of a broken stream was kept, up to `until`.
        failed:    a request gave nothing complete, why.
        job:       a batch job was accepted, job.
        done:      complete: files (name, sha256), records, usd, warnings, condition.
        unusable:  what was complete or under way cannot be used any more, why; `job`: which job,
                   `by_batch`: to be bought as a job next time.
        """
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "key": unit.key,
            "feed": unit.feed,
            "date": str(unit.day),
            **({"request": unit.described()} if event == "request" else {}),
            **details,
        }
        with self._lock:
            try:
                self._file.write(json.dumps(entry).encode() + b"\n")
                self._file.flush()
                fsync(self.path)
            except OSError as error:
                raise DownloadError(
                    f"{self.path} cannot be written ({error.strerror}), and nothing is bought"
                    " without it; make room and run again"
                ) from error
            self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        unit = self._units.setdefault(entry["key"], Standing())
        if entry["event"] == "done":
            unit.done = entry
        elif entry["event"] == "job":
            unit.job = entry["job"]
        elif entry["event"] == "unusable":
            unit.done, unit.why_again = None, entry["why"]
            unit.by_batch = unit.by_batch or entry.get("by_batch", False)
            if job := entry.get("job"):
                unit.spent_jobs.add(job)
                unit.job = None
