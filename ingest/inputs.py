"""The formats of files that an import takes, and how a file of each is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import zstandard

from ingest.dbn import DBN_MAGIC, ZSTD_MAGIC
from ingest.definitions import Definitions
from ingest.errors import InputError, UnreadableError, UnusedError
from ingest.mbo import open_dbn
from ingest.reader import Reader
from ingest.spx import PARQUET_MAGIC, SpxFile
from ingest.vendor_table import VendorTable, is_vendor_table

MAGICS = (DBN_MAGIC, ZSTD_MAGIC, PARQUET_MAGIC)
"""What files of known formats begin with, and compressed ones."""

SUFFIXES = (".dbn", ".zst", ".parquet", ".csv")
"""What their names end with, in lower case, where they begin with nothing of the kind."""

_HEAD_BYTES = 1 << 10


@dataclass(frozen=True)
class _Format:
    """A format: whether a file is of it, by how its content begins and its path; how to open it."""

    is_it: Callable[[bytes, Path], bool]
    open: Callable[[Path, Definitions], Reader]


FORMATS = (
    _Format(is_vendor_table, VendorTable),
    # What is compressed and begins with nothing is cut off: DBN, as a rule.
    _Format(lambda head, path: head.startswith((DBN_MAGIC, ZSTD_MAGIC)), open_dbn),
    _Format(
        lambda head, path: head.startswith(PARQUET_MAGIC) or path.suffix.lower() == ".csv", SpxFile
    ),
)
"""In the order in which they are tried; the first that takes a file opens it."""


def open_input(path: Path, definitions: Definitions) -> Reader:
    """Open a file by what it begins with, not by its name (but CSV, which has no mark).

    definitions: those at hand, for records that their file gives no raw symbol. Raises
    UnreadableError if it is nothing known or its header is damaged, UnusedError if no model uses
    what it holds, InputError if it cannot be landed for another reason.
    """
    head = content_head(path)
    for known in FORMATS:
        if known.is_it(head, path):
            return known.open(path, definitions)
    with path.open("rb") as file:
        is_zstd = file.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC
    if is_zstd and ".dbn" in path.name.lower():
        raise InputError("is not DBN but something else in zstd; download it again")
    if is_zstd:
        raise UnusedError("is something else than DBN in zstd")
    raise UnreadableError("is neither DBN (raw or zstd) nor Parquet nor .csv; leave it out")


def content_head(path: Path) -> bytes:
    """The first bytes of a file's content, decompressed if it is in zstd and not cut off there."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if not head.startswith(ZSTD_MAGIC):
            return head
        file.seek(0)
        with suppress(zstandard.ZstdError):
            content = zstandard.ZstdDecompressor().stream_reader(file).read(_HEAD_BYTES)
            return content or head
    return head
