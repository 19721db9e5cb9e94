"""What a file from the vendor holds, as far as it can be read, and how to keep its good part.

Counting records proves nothing of what they are: that, too, is compared with what was asked.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import zstandard
from numpy.typing import NDArray

from es_physics.errors import first_line
from es_physics.files import fsync
from ingest.dbn import read_metadata, record_dtype
from ingest.download.plan import DATASET, Unit, iso
from ingest.errors import InputError
from ingest.record_hash import FACTOR, HALF
from ingest.symbology import Kind, SymbolMap, kind_of, kind_of_request

# No more than 64 MiB can be unpacked from so little.
_INPUT_BYTES = 1 << 11
_RECORDS_PER_READ = 8192
_REPEATED_SHARE = 0.25
"""So many records may equal others of their moment; of what was sent twice it is half."""
# Where a DBN header of any version has its end time: after prefix, dataset, schema, start.
_END_AT = slice(34, 42)


@dataclass(frozen=True)
class Received:
    """The content of a zstd-compressed DBN file.

    records:     whole ones.
    ended:       the zstd frame ended and the body is a whole number of records.
    damage:      what is wrong with the bytes there are, None if nothing is.
    foreign:     how it is not what was asked for, None if it is.
    last:        the largest ts_recv, None without records.
    before_last: the records with a smaller one.
    """

    records: int = 0
    ended: bool = False
    damage: str | None = None
    foreign: str | None = None
    last: int | None = None
    before_last: int = 0


class _Frames(io.RawIOBase):
    """The decompressed bytes of a zstd file, up to where it is cut off or damaged.

    most_bytes: to be more is a damage.
    """

    def __init__(self, file: BinaryIO, most_bytes: int | None = None) -> None:
        self._file, self._input, self._output = file, b"", b""
        self._left = most_bytes
        self._frame: Any = None
        self.damage: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the last frame is complete, with nothing after it."""
        return self._frame is not None and self._frame.eof and not self._input

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            self._input = self._input or self._file.read(_INPUT_BYTES)
            if not self._input or self.damage:
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                self._output = self._frame.decompress(self._input)
            except zstandard.ZstdError as error:
                self.damage = first_line(error)
                return 0
            self._input = self._frame.unused_data if self._frame.eof else b""
            if self._left is not None:
                self._left -= len(self._output)
                if self._left < 0:
                    self.damage, self._output = "it unpacks to more than was quoted", b""
                    return 0
        size = min(len(buffer), len(self._output))
        buffer[:size], self._output = self._output[:size], self._output[size:]
        return size


def examine(path: Path, asked: Unit, most_bytes: int) -> Received:
    """Read the file to its end, or to where it stops making sense.

    most_bytes: that it may unpack to.
    """
    with path.open("rb") as file:
        frames = _Frames(file, most_bytes)
        stream = io.BufferedReader(frames, 1 << 20)
        try:
            metadata, _ = read_metadata(stream)
        except InputError as error:
            return Received(damage=frames.damage or (str(error) if frames.ended else None))
        if foreign := _foreign_request(metadata, asked):
            return Received(foreign=foreign)
        dtype = record_dtype(asked.schema, metadata.version)
        content = _Content(asked, SymbolMap(metadata))
        records = before_last = 0
        last: int | None = None
        for raw in iter(lambda: stream.read(_RECORDS_PER_READ * dtype.itemsize), b""):
            whole = len(raw) // dtype.itemsize
            chunk = np.frombuffer(raw, dtype, whole)
            wrong = chunk["length"].astype(np.int64) * 4 != dtype.itemsize
            if wrong.any():
                return Received(records, damage=f"record {records + int(wrong.argmax())} is broken")
            if len(raw) > whole * dtype.itemsize and frames.ended:
                return Received(records + whole, damage="its last record is cut off")
            if whole:
                content.add(chunk)
                times = chunk["ts_recv"].astype(np.int64)
                highest = int(times.max())
                if last is None or highest > last:
                    before_last, last = records, highest
                before_last += int((times < last).sum())
            records += whole
        foreign = content.foreign()
        return Received(records, frames.ended, frames.damage, foreign, last, before_last)


def _moment(ns: int) -> str:
    """A time that a file claims, which a changed bit may have made none of this era."""
    return iso(ns) if ns < 2**63 else f"{ns} ns"


def _foreign_request(metadata: dbn.Metadata, asked: Unit) -> str | None:
    """How a file was made for another request, by its own metadata."""
    said: dict[str, tuple[object, object]] = {
        "dataset": (metadata.dataset, DATASET),
        "schema": (str(metadata.schema), asked.schema),
        "kind of symbols": (str(metadata.stype_in), asked.stype_in),
        "start": (_moment(metadata.start), iso(asked.start)),
        "end": (None if metadata.end is None else _moment(metadata.end), iso(asked.end)),
        "limit of records": (metadata.limit, None),
    }
    for what, (found, wanted) in said.items():
        if found != wanted:
            return f"its {what} is {found} instead of {wanted}"
    if other := {*metadata.symbols} ^ {*asked.symbols}:
        return f"it is not of the same symbols ({_few(other)})"
    return None


class _Content:
    """Compares records with what was asked for: their time, their instruments, and each once."""

    def __init__(self, asked: Unit, symbols: SymbolMap) -> None:
        self._asked, self._symbols = asked, symbols
        self._parents = [(one.rpartition(".")[0], kind_of_request(one)) for one in asked.symbols]
        self._hashes: list[NDArray[np.uint64]] = []
        self._late: list[NDArray[np.uint64]] = []
        self._outside = 0
        self._unasked: set[str] = set()
        self._latest = 0

    def add(self, chunk: NDArray[Any]) -> None:
        """Take in some whole records, in their order."""
        times = chunk["ts_recv"].astype(np.int64)
        self._outside += int(((times < self._asked.start) | (times >= self._asked.end)).sum())
        self._unasked.update(name for name in self._names(chunk, times) if not self._is_asked(name))
        hashes = _record_hashes(chunk)
        latest = np.maximum.accumulate(np.maximum(times, self._latest))
        self._latest = int(latest[-1])
        self._hashes.append(hashes)
        self._late.append(hashes[times < latest])

    def _names(self, chunk: NDArray[Any], times: NDArray[np.int64]) -> set[str]:
        if self._asked.schema == "definition":
            return {raw.decode(errors="replace") for raw in np.unique(chunk["raw_symbol"])}
        codes = np.unique(self._symbols.lookup(chunk["instrument_id"], times))
        names = self._symbols.symbols.take(pa.array(codes)).to_pylist()
        return {name or "instruments that it does not name" for name in names}

    def _is_asked(self, name: str) -> bool:
        if self._asked.stype_in == "raw_symbol":
            return name in self._asked.symbols
        kind = kind_of(name)
        return kind is Kind.USER_DEFINED or any(
            name.startswith(root) and kind is asked for root, asked in self._parents
        )

    def foreign(self) -> str | None:
        """How the records are not what was asked for."""
        if self._outside:
            return f"{self._outside:,} of its records lie outside the time that was asked for"
        if self._unasked:
            return f"it has records of {_few(self._unasked)}"
        if not self._hashes:
            return None
        hashes = np.sort(np.concatenate(self._hashes))
        late = np.concatenate(self._late)
        copies = np.searchsorted(hashes, late, "right") - np.searchsorted(hashes, late, "left")
        again, repeated = int((copies > 1).sum()), int((hashes[1:] == hashes[:-1]).sum())
        if again or repeated > 1 + _REPEATED_SHARE * len(hashes):
            return f"{again or repeated:,} of its {len(hashes):,} records repeat others"
        return None


def _record_hashes(records: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each record by all of its bytes, mixed as in `ingest.record_hash`."""
    words = np.ascontiguousarray(records).view(np.uint64).reshape(len(records), -1)
    hashes = np.zeros(len(records), np.uint64)
    for word in words.T:
        hashes = (hashes ^ word) * FACTOR
        hashes ^= hashes >> HALF
    return hashes


def _few(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3:,} more" if len(listed) > 3 else "")


def keep_before(path: Path, end: int, target: Path) -> int:
    """Write the records of a broken file with ts_recv below `end` as a complete DBN file.

    Its metadata says that it was asked for up to `end`, which is what it then holds. `target`
    appears whole or not at all. Returns the number of records.
    """
    partial = target.with_name(f"{target.name}.tmp")
    count = 0
    with path.open("rb") as file, partial.open("wb") as kept:
        stream = io.BufferedReader(_Frames(file), 1 << 20)
        metadata, size = read_metadata(stream)
        dtype = record_dtype(str(metadata.schema), metadata.version)
        with zstandard.ZstdCompressor(write_checksum=True).stream_writer(
            kept, closefd=False
        ) as out:
            out.write(_header_until(path, size, end))
            for chunk in _chunks(stream, dtype):
                good = chunk[chunk["ts_recv"].astype(np.int64) < end]
                out.write(good.tobytes())
                count += len(good)
    fsync(partial)
    partial.replace(target)
    fsync(target.parent)
    return count


def _header_until(path: Path, size: int, end: int) -> bytes:
    with path.open("rb") as file:
        header = bytearray(io.BufferedReader(_Frames(file)).read(size))
    header[_END_AT] = end.to_bytes(8, "little")
    assert dbn.Metadata.decode(bytes(header)).end == end
    return bytes(header)


def _chunks(stream: BinaryIO, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    for raw in iter(lambda: stream.read(_RECORDS_PER_READ * dtype.itemsize), b""):
        yield np.frombuffer(raw, dtype, len(raw) // dtype.itemsize)
