"""The folders that a user names: on this machine, or on an object store, as in s3://bucket/bronze.

Both kinds are handled as paths. What reads them needs to ask `is_local` only where the file systems
really differ: an object store has no rename, and its files are fetched before they are queried.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast


def root_path(name: str | Path) -> Path:
    """`name` as a path: a `pathlib.Path`, or for a URL an object that acts as one (`UPath`).

    Object stores are reached through fsspec with the environment's credentials; listings are never
    kept, because other processes write there.
    """
    text = str(name)
    if "://" not in text:
        return Path(text)
    from upath import UPath  # only where it is needed: the import is slow

    return cast(Path, UPath(text, use_listings_cache=False))


def is_local(path: Path) -> bool:
    """Whether the path is of this machine's file system."""
    return isinstance(path, Path)
