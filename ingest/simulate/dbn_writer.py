"""DBN version 3 files, written in pieces and put in place whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

import databento_dbn as dbn
import zstandard
from databento_dbn.metadata import MappingInterval

from es_physics.calendar import utc_date

DATASET = "GLBX.MDP3"
PUBLISHER_ID = 1
"""The vendor's number of that dataset's venue."""

_COMPRESSION_LEVEL = 1


class Named(Protocol):
    """What a file's mappings need to know of an instrument."""

    @property
    def symbol(self) -> str:
        """Raw symbol."""

    @property
    def instrument_id(self) -> int:
        """The vendor's number."""


@dataclass
class _Interval:
    """Dates [start_date, end_date) on which a symbol is an instrument id."""

    start_date: date
    end_date: date
    symbol: str


@dataclass
class _Mapping:
    """The instrument ids of one raw symbol."""

    raw_symbol: str
    intervals: Sequence[MappingInterval]


def metadata(
    schema: dbn.Schema,
    parents: list[str],
    instruments: Sequence[Named],
    start_ns: int,
    end_ns: int,
) -> dbn.Metadata:
    """What the vendor writes before the records of a request of parent symbols.

    The times are UTC nanoseconds, [start_ns, end_ns); mappings cover every UTC date they touch.
    """
    first = utc_date(start_ns)
    after = utc_date(end_ns - 1) + timedelta(days=1)
    return dbn.Metadata(
        dataset=DATASET,
        schema=schema,
        start=start_ns,
        end=end_ns,
        stype_in=dbn.SType.PARENT,
        stype_out=dbn.SType.INSTRUMENT_ID,
        symbols=parents,
        partial=[],
        not_found=[],
        mappings=[
            _Mapping(item.symbol, [_Interval(first, after, str(item.instrument_id))])
            for item in instruments
        ],
    )


@contextmanager
def dbn_file(path: Path, header: dbn.Metadata) -> Iterator[BinaryIO]:
    """A zstd-compressed DBN file to write encoded records to.

    The file appears under its name when the block ends, not before and not if the block fails.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        # One thread: the compressed bytes are then the same on every machine.
        compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        with compressor.stream_writer(file, closefd=False) as stream:
            stream.write(bytes(header))
            yield stream


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to that takes the name `path` if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
