"""Read DBN files of versions 1, 2 and 3, raw or zstd, in bounded memory, as Bronze batches."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import zstandard
from numpy.typing import NDArray

from es_physics.bronze.feeds import Feed
from es_physics.calendar import DAY_NS, EARLIEST, LATEST, utc_midnight_ns
from es_physics.errors import first_line
from ingest.columns import Records, column, to_batch
from ingest.definitions import Definitions
from ingest.errors import InputError, UnreadableError
from ingest.oddities import odd_letters, odd_times, remarks
from ingest.routing import (
    Router,
    kind_of_feed,
    refuse_unused,
    widest_schema,
)
from ingest.symbology import Kind, SymbolMap, is_rule, kinds_of_definitions

DBN_MAGIC, ZSTD_MAGIC = b"DBN", b"\x28\xb5\x2f\xfd"

_CHUNK_BYTES = 8 << 20  # 23 thousand mbp-10 records: more would take memory and save little time.
_SYMBOLS_TOLD = 100
"""So many of the requested symbols a manifest holds: there is one for each feed and date."""

_DATASET = re.compile(r"[A-Z]{4}\.[A-Z0-9]+")
_MAX_METADATA_BYTES = 256 << 20

_VERSIONS = {1: dbn.v1, 2: dbn.v2, 3: dbn.v3}


@dataclass(frozen=True)
class _Layout:
    """A schema's record: its type byte and the name of its class in each version's module."""

    rtype: int
    record: str

    def dtype(self, version: int) -> np.dtype[Any]:
        return np.dtype(getattr(_VERSIONS[version], self.record)._dtypes)


_LAYOUTS = {
    "trades": _Layout(0, "TradeMsg"),
    "tbbo": _Layout(1, "MBP1Msg"),
    "mbp-1": _Layout(1, "MBP1Msg"),
    "mbp-10": _Layout(10, "MBP10Msg"),
    "mbo": _Layout(160, "MBOMsg"),
    "bbo-1s": _Layout(195, "BBOMsg"),
    "definition": _Layout(19, "InstrumentDefMsg"),
    "statistics": _Layout(24, "StatMsg"),
}


def record_dtype(schema: str, version: int) -> np.dtype[Any]:
    """The layout of a DBN schema's records in that DBN version."""
    return _LAYOUTS[schema].dtype(version)


class DbnFile:
    """One DBN file that holds what models use: an `ingest.reader.Reader`.

    Raises UnreadableError if the header is damaged, UnusedError if no model uses what it holds,
    InputError if it cannot be landed for another reason.
    """

    _chunk_bytes = _CHUNK_BYTES

    def __init__(self, path: Path, definitions: Definitions) -> None:
        self.path = path
        self.remarks: list[str] = []
        self._definitions = definitions
        self._file = pa.OSFile(os.fsencode(path))  # a name need not be UTF-8
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        is_zstd = self._file.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC
        self._file.seek(0)
        self._stream = pa.CompressedInputStream(self._file, "zstd") if is_zstd else self._file
        # The header is read apart, as this reader stops at the first byte it cannot give, while
        # the stream, which insists on a frame's end and checksum, fails ahead of the damage.
        with self.path.open("rb") as file:
            metadata, self._header_bytes = read_metadata(
                zstandard.ZstdDecompressor().stream_reader(file) if is_zstd else file
            )
        self.metadata = metadata
        self.schema = str(metadata.schema)
        if not _DATASET.fullmatch(metadata.dataset):
            raise UnreadableError(
                f"is corrupt: {metadata.dataset!r} is no dataset of the vendor's; download it again"
            )
        refuse_unused(self.schema, metadata.dataset)
        if metadata.ts_out:
            raise InputError("is a live capture (ts_out); download it as historical data instead")
        self._symbols = SymbolMap(metadata)
        if self._symbols.contradiction:
            raise InputError(f"is corrupt: {self._symbols.contradiction}; download it again")
        raw = {name for name in self._symbols.symbols.to_pylist() if name and not is_rule(name)}
        self._router = Router(self.schema, self._definitions, metadata.symbols, raw)
        self.feeds = self._router.feeds
        self.window = (
            None if metadata.end is None else self._trusted_window(metadata.start, metadata.end)
        )
        self.claim = (metadata.start, metadata.end or utc_midnight_ns(LATEST))
        self.complete = metadata.limit is None

    def _trusted_window(self, start: int, end: int) -> tuple[int, int]:
        """The window of the request, as far as the symbols asked for are mapped.

        Those of futures are mapped on all of its dates, so that a window which reaches further is
        a damaged one; those of options on the dates on which they are listed.
        """
        if end < start:
            raise InputError(f"is corrupt: its window ends {_iso(end)}, before it begins")
        if not self._symbols.days:
            return start, end
        first, last = (day * DAY_NS for day in self._symbols.days)
        trusted = min(max(start, first), end), max(min(end, last), start)
        if trusted != (start, end) and any(
            kind_of_feed(feed) is Kind.FUTURES for feed in self.feeds
        ):
            self.remarks.append(
                f"its window is {_iso(start)} to {_iso(end)}, its symbols are mapped from"
                f" {_iso(first)} to {_iso(last)}; no more than that is taken to be covered"
            )
        return trusted

    @property
    def left_out(self) -> list[str]:
        """What was left out of the records read so far, and why."""
        return self._router.left_out

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def describe(self) -> dict[str, Any]:
        """What a manifest records of this source beside its name, hash and rows."""
        metadata = self.metadata
        return {
            "dbn_version": metadata.version,
            "dataset": metadata.dataset,
            "schema": self.schema,
            "stype_in": None if metadata.stype_in is None else str(metadata.stype_in),
            "symbols": metadata.symbols[:_SYMBOLS_TOLD],
            "symbol_count": len(metadata.symbols),
            "start": metadata.start,
            "end": metadata.end,
        }

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        """The records in file order, feed by feed: Bronze columns without `row_nr`.

        Every batch holds at most a few MB; one chunk of a file gives a batch for each feed that it
        has records for. Raises InputError at the first record that is damaged or cut off, or that
        has no raw symbol on its date.
        """
        done = outside = 0
        odd: Counter[str] = Counter()
        start, end = self.claim
        for original, records in self._chunks():
            ts_recv = np.ascontiguousarray(records["ts_recv"]).view(np.int64)
            self._check_times(ts_recv, done)
            done += len(records)
            outside += int(((ts_recv < start) | (ts_recv >= end)).sum())
            odd.update(odd_letters(records))
            odd.update(odd_times(np.ascontiguousarray(records["ts_event"]).view(np.int64), ts_recv))
            yield from self._routed(original, records, ts_recv)
        if outside:
            self.remarks.append(
                f"{outside:,} of its {done:,} records lie outside the window it was asked for,"
                f" {_iso(start)} to {_iso(end)}; they have been landed"
            )
        self.remarks += remarks(odd, done)

    def _routed(
        self, original: Records, records: Records, ts_recv: NDArray[np.int64]
    ) -> Iterator[tuple[Feed, pa.RecordBatch]]:
        """A chunk's records, as stored and upgraded, feed by feed."""
        schema = widest_schema(self.schema)
        try:
            if self.schema == "definition":
                batch = to_batch(records, schema, column(records, "raw_symbol", pa.string()))
                kinds = kinds_of_definitions(batch)
            else:
                symbols, kinds = self._names(records, ts_recv)
                batch = to_batch(records, schema, symbols)
        except pa.ArrowInvalid as error:
            raise InputError(f"is corrupt: text is not UTF-8 ({first_line(error)})") from error
        if records is not original:
            batch = _keep_reference_price(batch, original)
        yield from self._router.route(batch, kinds)

    def _names(
        self, records: Records, ts_recv: NDArray[np.int64]
    ) -> tuple[pa.Array, NDArray[np.uint8]]:
        """Each record's raw symbol, and the kind of its instrument."""
        ids = records["instrument_id"]
        codes = self._symbols.lookup(ids, ts_recv)
        return self._router.name(
            self._symbols.symbols.take(pa.array(codes)), self._symbols.kinds[codes], ids, ts_recv
        )

    def _chunks(self) -> Iterator[tuple[Records, Records]]:
        """Pairs of record arrays: as stored, and upgraded to version 3 (the same if no upgrade).

        They are overwritten once the next pair is asked for.
        """
        layout, version = _LAYOUTS[self.schema], self.metadata.version
        stored, newest = layout.dtype(version), layout.dtype(3)
        size = stored.itemsize
        done = 0
        self._read_into(memoryview(bytearray(self._header_bytes)))
        for raw in self._read_ahead(self._chunk_bytes // size * size):
            if extra := len(raw) % size:
                raise InputError(
                    f"is truncated: {extra} bytes of a {size}-byte {self.schema} record after"
                    f" {done + len(raw) // size} whole ones; download it again"
                )
            records = np.frombuffer(raw, stored)
            bad = (records["length"] != size // 4) | (records["rtype"] != layout.rtype)
            if bad.any():
                at = int(bad.argmax())
                raise InputError(
                    f"is corrupt: record {done + at} has type {records['rtype'][at]} and length"
                    f" {int(records['length'][at]) * 4}, {self.schema} has {layout.rtype} and"
                    f" {size}; download it again"
                )
            done += len(records)
            # Only definitions and statistics ever changed layout; the rest need no transcoding.
            yield records, records if stored == newest else _upgrade(raw, version, newest)

    def _read_ahead(self, count: int) -> Iterator[memoryview]:
        """The rest of the stream in pieces of `count` bytes, decompressed by a thread of its own.

        The thread is one piece ahead; what it raises comes out in the turn of its piece. A piece is
        overwritten once the next is asked for.
        """
        # Not zeroed: a small file touches little of them.
        piece, spare = (np.empty(count, np.uint8).data for _ in range(2))
        with ThreadPoolExecutor(max_workers=1) as thread:
            ahead = thread.submit(self._read_into, piece)
            while size := ahead.result():
                ahead = thread.submit(self._read_into, spare)
                yield piece[:size]
                piece, spare = spare, piece

    def _read_into(self, piece: memoryview) -> int:
        """Fill the piece from the stream; how far, if the stream ends in it."""
        try:
            return int(self._stream.readinto(piece))
        except OSError as error:
            text = first_line(error)
            if "truncated" in text.lower():
                text = "is truncated: its zstd frame does not end"
            else:
                text = f"is corrupt ({text})"
            raise InputError(f"{text}; download it again") from error

    def _check_times(self, ts_recv: NDArray[np.int64], done: int) -> None:
        low, high = utc_midnight_ns(EARLIEST), utc_midnight_ns(LATEST)
        bad = (ts_recv < low) | (ts_recv >= high)
        if bad.any():
            at = int(bad.argmax())
            raise InputError(
                f"is corrupt: record {done + at} has ts_recv {ts_recv[at]}, outside"
                f" {EARLIEST} to {LATEST}; download it again"
            )


def _iso(ts_ns: int) -> str:
    return f"{np.datetime64(ts_ns, 'ns').astype('datetime64[s]')}Z"


def read_metadata(stream: BinaryIO) -> tuple[dbn.Metadata, int]:
    """The metadata that the uncompressed stream begins with, and how many bytes it takes.

    Raises UnreadableError if it is damaged or no DBN, InputError if it is of no single schema.
    """
    try:
        prefix = stream.read(8)
        if prefix[:3] != DBN_MAGIC[: len(prefix)]:
            raise UnreadableError("is not DBN; pass DBN files (raw or zstd), Parquet or CSV")
        if len(prefix) == 8 and prefix[3] not in _VERSIONS:
            raise UnreadableError(
                f"is DBN version {prefix[3]}, known are 1 to 3; update the databento packages"
            )
        length = int.from_bytes(prefix[4:], "little")
        if length > _MAX_METADATA_BYTES:
            raise UnreadableError(f"is corrupt: metadata of {length} bytes; download it again")
        body = stream.read(length)
        if len(prefix) < 8 or len(body) < length:
            raise UnreadableError("is truncated within its metadata; download it again")
        metadata = dbn.Metadata.decode(prefix + body, upgrade_policy=dbn.VersionUpgradePolicy.AS_IS)
    except (zstandard.ZstdError, dbn.DBNError, ValueError) as error:
        raise UnreadableError(
            f"is corrupt: metadata unreadable ({first_line(error)}); download it again"
        ) from error
    if metadata.schema is None:
        raise InputError("holds no single schema (a live capture?); split it by schema first")
    return metadata, len(prefix) + length


def _upgrade(raw: memoryview, version: int, newest: np.dtype[Any]) -> Records:
    """Whole records of an older version as records of version 3, in the same order."""
    upgraded = io.BytesIO()
    transcoder = dbn.Transcoder(
        upgraded,
        encoding=dbn.Encoding.DBN,
        compression=dbn.Compression.NONE,
        has_metadata=False,
        input_version=version,
        upgrade_policy=dbn.VersionUpgradePolicy.UPGRADE_TO_V3,
    )
    transcoder.write(bytes(raw))
    transcoder.flush()
    return np.frombuffer(upgraded.getvalue(), newest)


def _keep_reference_price(batch: pa.RecordBatch, original: Records) -> pa.RecordBatch:
    """Put back `trading_reference_price`, which version 3 dropped, from the records as stored."""
    name = "trading_reference_price"
    if name not in batch.schema.names:
        return batch
    field = batch.schema.field(name)
    return batch.set_column(
        batch.schema.get_field_index(name), field, column(original, name, field.type)
    )
