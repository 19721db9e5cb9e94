"""Read DBN files of versions 1, 2 and 3, raw or zstd, in bounded memory, as Bronze batches."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import zstandard
from numpy.typing import NDArray

from es_physics.bronze.feeds import FEEDS, ROOT_SYMBOL, Feed
from es_physics.calendar import EARLIEST, LATEST, utc_midnight_ns
from es_physics.errors import first_line
from ingest.columns import Records, column, to_batch
from ingest.errors import InputError, UnreadableError
from ingest.symbology import Kind, SymbolMap, kind_of, requested_kinds

DBN_MAGIC, ZSTD_MAGIC = b"DBN", b"\x28\xb5\x2f\xfd"

_CHUNK_BYTES = 8 << 20  # 23 thousand mbp-10 records: more would take memory and save little time.
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
    "mbp-1": _Layout(1, "MBP1Msg"),
    "mbp-10": _Layout(10, "MBP10Msg"),
    "bbo-1s": _Layout(195, "BBOMsg"),
    "definition": _Layout(19, "InstrumentDefMsg"),
    "statistics": _Layout(24, "StatMsg"),
}


def record_dtype(schema: str, version: int) -> np.dtype[Any]:
    """The layout of a DBN schema's records in that DBN version."""
    return _LAYOUTS[schema].dtype(version)


def feeds_of_schema(schema: str) -> dict[Kind, Feed]:
    """The feeds a DBN schema can fill, by the kind of instrument; empty if Bronze has no place."""
    feeds = [feed for feed in FEEDS if schema in feed.dbn_schemas]
    return {"options" if feed.path.startswith("options/") else "futures": feed for feed in feeds}


def claims_by_name(name: str) -> tuple[list[Feed], tuple[int, int] | None]:
    """The feeds and [start, end) ns that the vendor's file naming gives, for an unreadable file.

    `glbx-mdp3-20251216.mbp-10.dbn.zst` or `glbx-mdp3-20251201-20251215.trades.dbn.zst`; dates are
    UTC and inclusive. No feeds and None if the name says nothing.
    """
    match = re.search(r"(\d{8})(?:-(\d{8}))?\.([a-z]+(?:-\d+s?)?)\.", name)
    with suppress(ValueError):
        if match and (feeds := [*feeds_of_schema(match[3]).values()]):
            first, last = (date.fromisoformat(text) for text in (match[1], match[2] or match[1]))
            return feeds, (utc_midnight_ns(first), utc_midnight_ns(last + timedelta(days=1)))
    return [], None


class DbnFile:
    """One DBN file whose header has been read and whose schema and symbols Bronze has a place for.

    feeds:    the feeds it was asked for, hence those that have zero rows where it has no records.
    window:   the request's [start, end) in ns; None if the metadata does not say when it ends.
    claim:    the window, or from its start on without end.
    complete: its window can be trusted to hold all there was (the request had no record limit).

    Raises UnreadableError if the header is damaged, InputError if the content has no place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.remarks: list[str] = []
        self._file = pa.OSFile(str(path))
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
        self._targets = feeds_of_schema(self.schema)
        if not self._targets:
            raise InputError(
                f"wrong schema: Bronze has no place for {self.schema!r}; leave this file out"
            )
        if metadata.ts_out:
            raise InputError("is a live capture (ts_out); download it as historical data instead")
        self._symbols = SymbolMap(metadata)
        kinds = requested_kinds(metadata, self._symbols.symbols.to_pylist()) or {
            next(iter(self._targets))
        }
        if kinds == {"other"}:
            raise InputError(_other_product(next(iter(metadata.symbols), "")))
        self.feeds = [feed for kind, feed in self._targets.items() if kind in kinds]
        if not self.feeds:
            raise InputError(
                f"wrong schema: Bronze has no place for {self.schema!r} of"
                f" {' and '.join(sorted(kinds))}; leave this file out"
            )
        self.window = None if metadata.end is None else (metadata.start, metadata.end)
        self.claim = self.window or (metadata.start, utc_midnight_ns(LATEST))
        self.complete = metadata.limit is None

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
            "symbols": list(metadata.symbols),
            "start": metadata.start,
            "end": metadata.end,
        }

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        """The records in file order, feed by feed: Bronze columns without `row_nr`.

        Every batch holds at most a few MB; one chunk of a file with futures and options gives one
        batch for each. Raises InputError at the first record that is damaged, cut off, of another
        product, or without a raw symbol on its UTC date.
        """
        done = 0
        for original, records in self._chunks():
            ts_recv = np.ascontiguousarray(records["ts_recv"]).view(np.int64)
            self._check_times(ts_recv, done)
            try:
                symbols, is_option = self._symbols_of(records, ts_recv)
                batch = to_batch(records, next(iter(self._targets.values())).schema, symbols)
            except pa.ArrowInvalid as error:
                raise InputError(f"is corrupt: text is not UTF-8 ({first_line(error)})") from error
            if records is not original:
                batch = _keep_reference_price(batch, original)
            done += len(records)
            yield from self._route(batch, symbols, is_option)

    def _chunks(self) -> Iterator[tuple[Records, Records]]:
        """Pairs of record arrays: as stored, and upgraded to version 3 (the same if no upgrade).

        They are overwritten once the next pair is asked for.
        """
        layout, version = _LAYOUTS[self.schema], self.metadata.version
        stored, newest = layout.dtype(version), layout.dtype(3)
        size = stored.itemsize
        done = 0
        self._read_into(memoryview(bytearray(self._header_bytes)))
        for raw in self._read_ahead(_CHUNK_BYTES // size * size):
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
                    f" {records['length'][at] * 4}, {self.schema} has {layout.rtype} and {size};"
                    " download it again"
                )
            done += len(records)
            # Only definitions and statistics ever changed layout; the rest need no transcoding.
            yield records, records if stored == newest else _upgrade(raw, version, newest)

    def _read_ahead(self, count: int) -> Iterator[memoryview]:
        """The rest of the stream in pieces of `count` bytes, decompressed by a thread of its own.

        The thread is one piece ahead; what it raises comes out in the turn of its piece. A piece is
        overwritten once the next is asked for.
        """
        piece, spare = memoryview(bytearray(count)), memoryview(bytearray(count))
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

    def _symbols_of(
        self, records: Records, ts_recv: NDArray[np.int64]
    ) -> tuple[pa.Array, NDArray[np.bool_]]:
        """Each record's raw symbol, and whether it is an option."""
        ids = records["instrument_id"]
        if self.schema == "definition":
            symbols = column(records, "raw_symbol", pa.string())
            if symbols.null_count:
                at = symbols.is_null().to_numpy(zero_copy_only=False).argmax()
                raise InputError(f"unmapped symbol: definition of id {ids[at]} has no raw_symbol")
            is_option = ~np.isin(records["instrument_class"], [b"F", b"S"])
            futures = symbols.filter(pa.array(~is_option)).unique().to_pylist()
            others = [symbol for symbol in futures if kind_of(symbol) != "futures"]
            if others:
                raise InputError(_other_product(others[0]))
            return symbols, is_option
        codes = self._symbols.lookup(ids, ts_recv)
        if (codes < 0).any():
            at = int((codes < 0).argmax())
            raise InputError(
                f"unmapped symbol: instrument {ids[at]} on"
                f" {np.datetime64(int(ts_recv[at]), 'ns').astype('datetime64[D]')}:"
                f" {self._symbols.explain_missing(int(ids[at]))};"
                " request it by raw symbol or parent"
            )
        if self._symbols.is_other[codes].any():
            at = codes[self._symbols.is_other[codes]][0]
            raise InputError(_other_product(self._symbols.symbols[at].as_py()))
        return self._symbols.symbols.take(pa.array(codes)), self._symbols.is_option[codes]

    def _route(
        self, batch: pa.RecordBatch, symbols: pa.Array, is_option: NDArray[np.bool_]
    ) -> Iterator[tuple[Feed, pa.RecordBatch]]:
        if "options" not in self._targets and is_option.any():
            raise InputError(
                f"wrong schema: Bronze has no place for {self.schema!r} of options such as"
                f" {symbols[int(is_option.argmax())].as_py()!r}; download futures only"
            )
        if len(self._targets) == 1:
            yield next(iter(self._targets.values())), batch
        elif is_option.all() or not is_option.any():
            yield self._targets["options" if is_option[0] else "futures"], batch
        else:
            yield self._targets["futures"], batch.filter(pa.array(~is_option))
            yield self._targets["options"], batch.filter(pa.array(is_option))


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


def _other_product(symbol: str) -> str:
    return f"symbol {symbol!r} is not an {ROOT_SYMBOL} instrument; leave this product out"
