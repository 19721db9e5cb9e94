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
from typing import cast

from es_physics.errors import Error


def root_path(name: str | Path) -> Path:
    """`name` as a path: a `pathlib.Path`, or for a URL an object that acts as one (`UPath`).

    Object stores are reached through fsspec with the environment's credentials; listings are never
    kept, because other processes write there. Raises Error without the packages that this takes.
    """
    text = str(name)
    if "://" not in text:
        return Path(text)
    try:
        from upath import UPath  # only where it is needed: the import is slow
    except ImportError as error:
        raise Error(
            f"{text} is on an object store, which takes the extra s3: pip install 'es-physics[s3]'"
        ) from error
    return cast(Path, UPath(text, use_listings_cache=False))


def bronze_root() -> Path:
    """Where Bronze lies: `ES_BRONZE_ROOT`, or `data/bronze`."""
    return root_path(os.environ.get("ES_BRONZE_ROOT") or "data/bronze")


def silver_root() -> Path:
    """Where the published tables lie: `ES_SILVER_ROOT`, or `data/silver`."""
    return root_path(os.environ.get("ES_SILVER_ROOT") or "data/silver")


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
    literals = (re.sub(r"([*?\[])", r"[\1]", str(file)).replace("'", "''") for file in files)
    listed = ", ".join(f"'{literal}'" for literal in literals)
    return f"read_parquet([{listed}], hive_partitioning = false{options})"


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
