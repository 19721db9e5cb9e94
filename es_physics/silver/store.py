"""Put files below the Silver root whole or not at all, on a file system or an object store.

On a file system content is staged in `_staging`, flushed to disk and renamed. An object store has
no rename and needs none: an object appears when the last of its bytes has arrived.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from es_physics.files import fsync, is_local
from es_physics.silver.fault import fault_point

STAGING = "_staging"

# What file systems without hard links answer.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def place(root: Path, name: str, content: bytes | memoryview) -> None:
    """Make `content` the file `name` below `root`, over one that may be there."""
    if is_local(root):
        with _staged(root, name) as staged, staged.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    else:
        fault_point(f"staged:{name}")
        (root / name).write_bytes(content)
    fault_point(f"placed:{name}")


def place_copy(root: Path, name: str, source: str) -> None:
    """Make `name` below `root` the same as the file `source` there: a hard link, else a copy."""
    if is_local(root):
        with _staged(root, name) as staged:
            try:
                os.link(root / source, staged)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                shutil.copyfile(root / source, staged)
                fsync(staged)
    else:
        fault_point(f"staged:{name}")
        (root / name).fs.cp_file((root / source).path, (root / name).path)  # type: ignore[attr-defined]
    fault_point(f"placed:{name}")


@contextmanager
def held(root: Path, name: str) -> Iterator[None]:
    """Keep the folder `name` below `root` from being collected until the block ends.

    It is made if it is not there. A lock of the file system, which an object store has none of.
    """
    if not is_local(root):
        yield
        return
    folder = root / name
    while True:
        _make_folder(folder)
        # A collection that came first may have taken it away, before or after it is opened.
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                break
        os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unheld(folder: Path) -> Iterator[bool]:
    """Whether nobody holds the folder; nobody can before the block ends."""
    if not is_local(folder):
        yield True
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        is_free = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        yield is_free
    finally:
        os.close(descriptor)


def clock(root: Path) -> float:
    """What time it is for the store, in seconds since the epoch.

    It dates the files; the clock of a machine that reads or writes them may be off.
    """
    probe = root / STAGING / f"clock-{uuid.uuid4().hex}"
    if is_local(root):
        _make_folder(probe.parent)
    probe.write_bytes(b"")
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


@contextmanager
def _staged(root: Path, name: str) -> Iterator[Path]:
    """A path in `_staging` that is renamed to `name` when the block ends well."""
    staged = root / STAGING / uuid.uuid4().hex
    _make_folder(staged.parent)
    try:
        yield staged
        fault_point(f"staged:{name}")
        target = root / name
        _make_folder(target.parent)
        staged.replace(target)
        fsync(target.parent)
    finally:
        # Also after success: renaming a link to what it links to leaves it where it was.
        staged.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Create the folder with those above it so that a power cut does not take them away."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        fsync(path.parent)
