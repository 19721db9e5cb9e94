"""Which files an import is about: found by path, also in folders and zips, known by content.

In a folder a file is taken by what it begins with, or by its suffix where it has no mark. The files
that the vendor puts beside its data are known by name: they are no data, `condition.json` says how
good the data of each date is, and `manifest.json` which bytes the vendor has sent.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

from es_physics.errors import first_line
from ingest.errors import UnreadableError
from ingest.inputs import MAGICS, SUFFIXES

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
# Of a damaged or encrypted archive; RuntimeError and its kin come from zipfile itself.
_ZIP_ERRORS = (zipfile.BadZipFile, RuntimeError, zlib.error, EOFError)
_HEAD_BYTES = 4
# What gzip, bzip2, xz, lz4, 7z and rar files begin with.
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zX", b"\x04\x22\x4d\x18", b"7z\xbc\xaf", b"Rar!")
_VENDOR = "glbx"
"""In the name of the vendor's jobs of the dataset."""
_PIECE_BYTES = 1 << 20

_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp")
_CONDITIONS, _LISTING = "condition.json", "manifest.json"
_SUPPORT = {_CONDITIONS, _LISTING, "metadata.json", "symbology.json", "symbology.csv"}
_SUPPORT_BYTES = 64 << 20
"""More than any that the vendor writes; read whole."""

_T = TypeVar("_T")

Conditions = dict[date, dict[str, Any]]
"""The vendor's word on the data of each UTC date."""


@dataclass(frozen=True)
class Input:
    """A file to import: a file on the disk, or the member of a zip there.

    conditions: what the vendor's file beside it says of each UTC date.
    """

    path: Path
    member: str | None
    sha256: str
    bytes: int
    conditions: Conditions = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    @property
    def label(self) -> str:
        """What to call it in a line for people."""
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"

    @contextmanager
    def on_disk(self, new_folder: Callable[[], Path]) -> Iterator[Path]:
        """The path of the file, unpacked to a new folder for as long as it is needed."""
        if self.member is None:
            yield self.path
            return
        unpacked = new_folder() / self.name
        try:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(self.member) as member,
                unpacked.open("wb") as file,
            ):
                shutil.copyfileobj(member, file, _PIECE_BYTES)
        except _ZIP_ERRORS as error:
            unpacked.unlink(missing_ok=True)
            raise UnreadableError(f"cannot be unpacked ({first_line(error)})") from error
        try:
            yield unpacked
        finally:
            unpacked.unlink(missing_ok=True)


@dataclass
class FoundInputs:
    """What there is at the paths given.

    distinct:   the files by sha256, of several names of one content the first.
    repeated:   the labels of those that repeat one, with it.
    unreadable: what ought to be data and cannot be read, with the error.
    left_out:   what is no data, and why: lines for people, as (where, what).
    remarks:    what looks wrong and is taken nevertheless, alike.
    """

    distinct: dict[str, Input] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, Exception]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A file on the disk or in a zip, of which nothing but its name is known."""

    path: Path
    member: str | None = None

    @property
    def label(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"

    @property
    def folder(self) -> str:
        return self.label.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.label.rpartition("/")[2]

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
                yield member


def find_inputs(paths: Iterable[str | Path]) -> FoundInputs:
    """Look through files, folders at any depth, and zips. Links are followed, each place once."""
    return _Search().run(paths)


class _Search:
    def __init__(self) -> None:
        self.found = FoundInputs()
        self.candidates: dict[object, _File] = {}
        self.support: dict[str, list[_File]] = {_CONDITIONS: [], _LISTING: []}
        self.folders: set[tuple[int, int]] = set()

    def run(self, paths: Iterable[str | Path]) -> FoundInputs:
        for path in map(Path, paths):
            before = len(self.candidates)
            try:
                if path.is_dir():
                    self._folder(path, path)
                    if len(self.candidates) == before:
                        problem = "holds no market data; pass the files themselves"
                        self.found.unreadable.append((str(path), UnreadableError(problem)))
                else:
                    self._file(_File(path), None)
            except (OSError, ValueError) as error:  # ValueError: no path at all
                self._unreadable(_File(path), error)
        self._identify()
        return self.found

    # --- walking -----------------------------------------------------------------------------

    def _folder(self, folder: Path, top: Path) -> None:
        """Every file below the folder; `top` is the one that was given."""
        about = folder.stat()
        if (about.st_dev, about.st_ino) in self.folders:
            return
        self.folders.add((about.st_dev, about.st_ino))
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._unreadable(_File(folder), error)
            return
        for entry in entries:
            if entry.is_dir():
                self._folder(entry, top)
            else:
                self._file(_File(entry), str(top))

    def _file(self, file: _File, top: str | None) -> None:
        """A file that was given, or one that was found below `top`."""
        why = None
        name = file.name.lower()
        try:
            mode = file.path.stat().st_mode
            if not stat.S_ISREG(mode):
                why = "no regular file"
            elif name in _SUPPORT:
                if name in self.support:
                    self.support[name].append(file)
                return
            elif name.endswith(_UNFINISHED):
                why = "an unfinished download"
            else:
                with file.opened() as opened:
                    head = opened.read(_HEAD_BYTES)
                if head in _ZIP_MAGICS and file.member is None:
                    self._zip(file, top or file.label)
                    return
                if head in _ZIP_MAGICS:
                    why = "a zip within a zip; unpack it"
                elif head.startswith(_PACKED):
                    problem = "is packed, and only zip and zstd are read; unpack it"
                    if not top or any(suffix in name for suffix in SUFFIXES) or _VENDOR in name:
                        self._unreadable(file, UnreadableError(problem))
                        return
                    why = problem
                elif top and not name.endswith(SUFFIXES) and not head.startswith(MAGICS):
                    why = "not a kind of file that holds market data"
        except FileNotFoundError:
            if top and file.path.is_symlink():
                why = "a link to nothing"
            else:
                self._unreadable(file, UnreadableError("does not exist; check the path"))
                return
        except (OSError, *_ZIP_ERRORS) as error:
            if not (top and isinstance(error, OSError) and error.errno == errno.ELOOP):
                self._unreadable(file, error)
                return
            why = "a link to itself"
        if why:
            self.found.left_out.append((file.label, why))
        else:
            place = file.path.resolve() if file.member is None else (file.path, file.member)
            self.candidates.setdefault(place, file)

    def _zip(self, file: _File, top: str) -> None:
        try:
            with zipfile.ZipFile(file.path) as archive:
                members = [one.filename for one in archive.infolist() if not one.is_dir()]
        except (OSError, *_ZIP_ERRORS, ValueError) as error:
            problem = f"is a damaged zip ({first_line(error)}); download it again"
            self._unreadable(file, UnreadableError(problem))
            return
        counts = Counter(members)
        for member, count in counts.items():
            if count == 1:
                self._file(_File(file.path, member), top)
            else:
                problem = f"is there {count} times in the zip; unpack them under names of their own"
                self._unreadable(_File(file.path, member), UnreadableError(problem))

    # --- knowing by content ------------------------------------------------------------------

    def _identify(self) -> None:
        conditions = self._conditions()
        listed = self._listed_hashes()
        ordered = sorted(self.candidates.values(), key=lambda file: (file.name, file.label))
        for file in ordered:
            try:
                sha256, size = _digest(file)
                if not size:
                    raise UnreadableError("is an empty file (0 bytes); download it again")
            except (OSError, UnreadableError, *_ZIP_ERRORS) as error:
                self._unreadable(file, error)
                continue
            if first := self.found.distinct.get(sha256):
                self.found.repeated.append((file.label, first.label))
                known = {**conditions.get(file.folder, {}), **first.conditions}
                self.found.distinct[sha256] = replace(first, conditions=known)
                continue
            if listed.get(file.label, sha256) != sha256:
                problem = f"is not the file that the vendor lists in {_LISTING}: its sha256 differs"
                self.found.remarks.append((file.label, problem))
            self.found.distinct[sha256] = Input(
                file.path, file.member, sha256, size, conditions.get(file.folder, {})
            )

    def _conditions(self) -> dict[str, Conditions]:
        """By folder, from the vendor's files that say so."""
        return {
            file.folder: conditions
            for file in self.support[_CONDITIONS]
            if (conditions := self._understood(file, _conditions_of))
        }

    def _listed_hashes(self) -> dict[str, str]:
        """The sha256 of each file that the vendor has sent, by label."""
        return {
            f"{file.folder}/{name}": sha256
            for file in self.support[_LISTING]
            for name, sha256 in (self._understood(file, _hashes_of) or {}).items()
        }

    def _understood(self, file: _File, parse: Callable[[Any], _T]) -> _T | None:
        """What a JSON file says; what is wrong with it is a remark and no more."""
        try:
            with file.opened() as opened:
                return parse(json.loads(opened.read(_SUPPORT_BYTES)))
        except (OSError, *_ZIP_ERRORS, ValueError, TypeError, LookupError, AttributeError):
            self.found.remarks.append((file.label, "is not understood, and left out of account"))
            return None

    def _unreadable(self, file: _File, error: Exception) -> None:
        self.found.unreadable.append((file.label, error))


def _conditions_of(days: Any) -> Conditions:
    return {
        date.fromisoformat(day["date"]): {
            name: str(value) for name, value in day.items() if name != "date"
        }
        for day in days
    }


def _hashes_of(listing: Any) -> dict[str, str]:
    hashes = {str(one["filename"]): str(one["hash"]) for one in listing["files"]}
    return {
        name: text.removeprefix("sha256:")
        for name, text in hashes.items()
        if text.startswith("sha256:")
    }


def _digest(file: _File) -> tuple[str, int]:
    """The file's sha256 in hex, and its size."""
    digest, size = hashlib.sha256(), 0
    with file.opened() as opened:
        if file.member is None:
            hashed = hashlib.file_digest(opened, "sha256")  # type: ignore[arg-type]
            return hashed.hexdigest(), opened.tell()
        while piece := opened.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size
