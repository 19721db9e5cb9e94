"""How partitions get into the Bronze root: built aside, then swapped in whole.

A partition is built in a folder below `{bronze_root}/_staging`, on the same file system and outside
every folder that readers glob, and put in place by two renames: the old partition into the staging
folder, the new one out of it. Whoever looks in the instant between the two finds no partition. A
process killed there leaves the old one in its staging folder; the next `Staging` on that root puts
it back, as does this one when it is left by an exception.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path
from types import TracebackType

from es_physics.bronze.feeds import Feed
from es_physics.files import fsync
from ingest.errors import InputError

_STAGING = "_staging"


class Staging:
    """The place where one run builds partitions, and the only way into the Bronze root.

    A context manager. Entering it locks the root against other writers (InputError if one is at
    work), restores partitions that a killed run had taken out, and clears what it left behind;
    leaving it removes everything that was not committed.
    """

    def __init__(self, bronze_root: Path) -> None:
        self.root = Path(bronze_root)
        self._folders, self._files = count(1), count(1)  # Asked for by several threads.

    def __enter__(self) -> Staging:
        self.root.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise InputError(
                f"{self.root}: another import writes here; wait until it is done"
            ) from error
        above = self.root / _STAGING
        above.mkdir(exist_ok=True)
        self._clear(above.iterdir())
        self._run = Path(tempfile.mkdtemp(dir=above))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._clear([self._run])
            with suppress(OSError):
                (self.root / _STAGING).rmdir()
        finally:
            os.close(self._lock)

    def folder(self) -> Path:
        """A new empty folder on the root's file system."""
        folder = self._run / str(next(self._folders))
        folder.mkdir()
        return folder

    def file(self) -> Path:
        """The path for a new file on the root's file system."""
        return self._run / f"{next(self._files)}.parquet"

    def commit(self, feed: Feed, trade_date: date, folder: Path) -> None:
        """Make `folder`, complete with its manifest, the partition of that feed and date."""
        target = feed.partition_dir(self.root, trade_date)
        retired = self._retired(self._run) / target.relative_to(self.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            retired.parent.mkdir(parents=True, exist_ok=True)
            os.rename(target, retired)
        os.rename(folder, target)
        fsync(target.parent)
        shutil.rmtree(retired, ignore_errors=True)

    @staticmethod
    def _retired(run: Path) -> Path:
        return run / "retired"

    def _clear(self, runs: Iterable[Path]) -> None:
        for run in runs:
            for old in sorted(self._retired(run).rglob("date=*")):
                target = self.root / old.relative_to(self._retired(run))
                if not target.exists():
                    os.rename(old, target)
            shutil.rmtree(run, ignore_errors=True)
