"""Which files an import is about: found by path, known by content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from es_physics.files import file_sha256
from ingest.dbn import DBN_MAGIC, ZSTD_MAGIC
from ingest.definitions import Definitions
from ingest.errors import UnreadableError
from ingest.mbo import open_dbn
from ingest.reader import Reader
from ingest.spx import PARQUET_MAGIC, SpxFile
from ingest.vendor_table import VendorTable, is_vendor_table

PATTERNS = ("*.dbn", "*.zst", "*.parquet", "*.csv")
"""What is looked for in a folder, at any depth."""


@dataclass(frozen=True)
class Input:
    """A file to import."""

    path: Path
    sha256: str
    bytes: int


@dataclass
class FoundInputs:
    """The distinct files by sha256, those that repeat one (with it), and what cannot be read."""

    distinct: dict[str, Input] = field(default_factory=dict)
    repeated: list[tuple[Path, Path]] = field(default_factory=list)
    unreadable: list[tuple[Path, OSError | UnreadableError]] = field(default_factory=list)


def find_inputs(paths: Iterable[str | Path]) -> FoundInputs:
    """Look through files and folders; of several names for one content the first by name counts."""
    found = FoundInputs()
    files: dict[Path, Path] = {}
    for given in map(Path, paths):
        below = [given]
        if given.is_dir():
            below = [file for pattern in PATTERNS for file in given.rglob(pattern)]
            if not below:
                problem = f"holds no {', '.join(PATTERNS)}; pass the files themselves"
                found.unreadable.append((given, UnreadableError(problem)))
        files |= {file.resolve(): file for file in below if not file.is_dir()}
    for path in sorted(files.values(), key=lambda path: (path.name, str(path))):
        try:
            size = path.stat().st_size
            if not size:
                raise UnreadableError("is an empty file (0 bytes); download it again")
            sha256 = file_sha256(path)
        except FileNotFoundError:
            found.unreadable.append((path, UnreadableError("does not exist; check the path")))
        except (OSError, UnreadableError) as error:
            found.unreadable.append((path, error))
        else:
            if sha256 in found.distinct:
                found.repeated.append((path, found.distinct[sha256].path))
            else:
                found.distinct[sha256] = Input(path, sha256, size)
    return found


@dataclass(frozen=True)
class _Format:
    """A format, and how a file of it is told: by its first bytes and its path."""

    is_it: Callable[[bytes, Path], bool]
    open: Callable[[Path, Definitions], Reader]


FORMATS = (
    _Format(is_vendor_table, VendorTable),
    _Format(lambda head, path: head.startswith((ZSTD_MAGIC, DBN_MAGIC)), open_dbn),
    _Format(lambda head, path: head.startswith(PARQUET_MAGIC) or path.suffix == ".csv", SpxFile),
)
"""In the order in which they are tried; the first that takes a file opens it."""

_HEAD_BYTES = 4


def open_input(path: Path, definitions: Definitions) -> Reader:
    """Open a file by what it begins with, not by its name (but CSV, which has no mark).

    definitions: those at hand, for records that their file gives no raw symbol. Raises
    UnreadableError if it is nothing known or its header is damaged, UnusedError if no model uses
    what it holds, InputError if it cannot be landed for another reason.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for known in FORMATS:
        if known.is_it(head, path):
            return known.open(path, definitions)
    raise UnreadableError("is neither DBN (raw or zstd) nor Parquet nor .csv; leave it out")
