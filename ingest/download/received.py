"""What a file from the vendor holds, as far as it can be read, and how to keep its good part."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import databento_dbn as dbn
import numpy as np
import zstandard
from numpy.typing import NDArray

from es_physics.errors import first_line
from es_physics.files import fsync
from ingest.dbn import read_metadata, record_dtype
from ingest.errors import InputError

_INPUT_BYTES = 1 << 16
_RECORDS_PER_READ = 8192
# Where a DBN header of any version has its end time: after prefix, dataset, schema, start.
_END_AT = slice(34, 42)


@dataclass(frozen=True)
class Received:
    """The content of a zstd-compressed DBN file.

    records:     whole ones.
    ended:       the zstd frame ended and the body is a whole number of records.
    damage:      what is wrong with the bytes there are, None if nothing is.
    last:        the largest ts_recv, None without records.
    before_last: the records with a smaller one.
    """

    records: int = 0
    ended: bool = False
    damage: str | None = None
    last: int | None = None
    before_last: int = 0


class _Frames(io.RawIOBase):
    """The decompressed bytes of a zstd file, up to where it is cut off or damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._input, self._output = file, b"", b""
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
        size = min(len(buffer), len(self._output))
        buffer[:size], self._output = self._output[:size], self._output[size:]
        return size


def examine(path: Path) -> Received:
    """Read the file to its end, or to where it stops making sense."""
    with path.open("rb") as file:
        frames = _Frames(file)
        stream = io.BufferedReader(frames, 1 << 20)
        try:
            metadata, _ = read_metadata(stream)
        except InputError as error:
            return Received(damage=frames.damage or (str(error) if frames.ended else None))
        dtype = record_dtype(str(metadata.schema), metadata.version)
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
                times = chunk["ts_recv"].astype(np.int64)
                highest = int(times.max())
                if last is None or highest > last:
                    before_last, last = records, highest
                before_last += int((times < last).sum())
            records += whole
        return Received(records, frames.ended, frames.damage, last, before_last)


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
