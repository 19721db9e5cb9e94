"""The folders that a user names, on this machine or on an object store, and what is safe in them.

Both kinds are handled as paths. What reads them needs to ask `is_local` only where the file systems
really differ: an object store has no rename, and its files are fetched before they are queried.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

from es_physics.errors import Error


class RootError(Error):
    """A folder that a command must read or fill, and cannot. The message names it."""


def root_path(name: str | Path) -> Path:
    """`name` as a path: a `pathlib.Path`, or for a URL an object that acts as one (`UPath`).

    A leading `~` is the user's home folder, which a shell expands in few places only. Object stores
    are reached through fsspec with the environment's credentials; listings are never kept, because
    other processes write there. Raises Error without the packages that this takes, or for a user
    without a home folder.
    """
    text = str(name)
    if "://" not in text:
        try:
            return Path(text).expanduser()
        except RuntimeError as error:
            raise RootError(
                f"{text}: no such user has a home folder; give the whole path"
            ) from error
    try:
        from upath import UPath  # only where it is needed: the import is slow
    except ImportError as error:
        raise Error(
            f"{text} is on an object store, which takes the extra s3: pip install 'es-physics[s3]'"
        ) from error
    return cast(Path, UPath(text, use_listings_cache=False))


def setting(variable: str, default: str) -> str:
    """An environment variable's value; one that is empty, or blank, counts as unset."""
    return os.environ.get(variable, "").strip() or default


def bronze_root() -> Path:
    """Where Bronze lies: `ES_BRONZE_ROOT`, or `data/bronze`."""
    return root_path(setting("ES_BRONZE_ROOT", "data/bronze"))


def silver_root() -> Path:
    """Where the published tables lie: `ES_SILVER_ROOT`, or `data/silver`."""
    return root_path(setting("ES_SILVER_ROOT", "data/silver"))


def gold_root() -> Path:
    """Where the tables of many sessions lie: `ES_GOLD_ROOT`, or `data/gold`."""
    return root_path(setting("ES_GOLD_ROOT", "data/gold"))


def require_root(
    root: Path, kind: Literal["Bronze", "Silver"], *, may_be_empty: bool = False
) -> None:
    """Raise RootError, naming the folder and what to set, unless there is something to read."""
    if root.is_dir():
        if may_be_empty or any(root.iterdir()):
            return
        what = "is empty"
    else:
        what = "is no folder" if root.exists() else "is not there"
    raise RootError(
        f"{kind} root {absolute(root)} {what}: stand in the project's folder, or set"
        f" ES_{kind.upper()}_ROOT"
    )


def require_writable_root(root: Path, kind: Literal["Silver", "Gold"] = "Silver") -> None:
    """Raise RootError unless a root on this machine is a folder, or can be made one."""
    if not is_local(root):
        return
    folders = (root.absolute(), *root.absolute().parents)
    there = next(folder for folder in folders if folder.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise RootError(
            f"{kind} root {absolute(root)}: {there} is no folder that can be written to; set"
            f" ES_{kind.upper()}_ROOT"
        )


def is_local(path: Path) -> bool:
    """Whether the path is of this machine's file system."""
    return isinstance(path, Path)


def absolute(root: Path) -> str:
    """The root's name for a process that works in another folder."""
    return str(root.absolute()) if is_local(root) else str(root)


def read_parquet_sql(files: Iterable[str | Path], options: str = "") -> str:
    """DuckDB's table function over just these files, whose paths are never taken for data.

    It would take *, ? and [ in a name for a pattern, and folders named like key=value for columns.
    """
    return f"read_parquet({parquet_list_sql(files)}, hive_partitioning = false{options})"


def parquet_list_sql(files: Iterable[str | Path]) -> str:
    """SQL of a list of just these files, for a table function that would take patterns."""
    literals = (re.sub(r"([*?\[])", r"[\1]", str(file)).replace("'", "''") for file in files)
    listed = ", ".join(f"'{literal}'" for literal in literals)
    return f"[{listed}]"


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
