"""CSV (raw or zstd) and Parquet files as one kind of table: column names, a head, typed batches."""

from __future__ import annotations

import csv
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import zstandard

from es_physics.errors import first_line
from ingest.errors import InputError, UnreadableError
from ingest.vendor_columns import DECIMAL, TIMES, is_fixed_point

PARQUET_MAGIC, ZSTD_MAGIC = b"PAR1", b"\x28\xb5\x2f\xfd"

_BATCH_ROWS = 16_384
_HEADER_BYTES, _PIECE_BYTES = 1 << 16, 1 << 10


class TableFile(Protocol):
    """An opened table. `names`: of its columns, in order."""

    names: list[str]

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""

    def head(self, name: str) -> pa.Array:
        """A column's values in the first rows, as text where the format has no types."""

    def batches(self, wanted: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """The wanted columns, some ten thousand rows at a time.

        Fields are those of Bronze; the types are what `vendor_columns.bronze_column` takes for
        them. Raises InputError where the file is damaged.
        """

    def close(self) -> None:
        """Close the file."""


def column_names(path: Path) -> list[str]:
    """The columns of a table: of a Parquet file, by its first bytes, or of CSV, by its first line.

    Raises UnreadableError if there are none to be found.
    """
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        try:
            if magic == PARQUET_MAGIC:
                return list(pq.read_schema(file).names)
            plain = (
                zstandard.ZstdDecompressor().stream_reader(file) if magic == ZSTD_MAGIC else file
            )
            head = b""
            # Little by little: damage further on is for those to find who read on.
            while b"\n" not in head and len(head) < _HEADER_BYTES:
                if not (piece := plain.read(_PIECE_BYTES)):
                    break
                head += piece
            return next(csv.reader([head.partition(b"\n")[0].decode()]), [])
        except (pa.ArrowException, zstandard.ZstdError, csv.Error, ValueError) as error:
            raise UnreadableError(f"is no table ({first_line(error)})") from error


def open_table(path: Path) -> TableFile:
    """Open a Parquet file, by its first bytes, or else a CSV file.

    Raises UnreadableError if it is neither, InputError if its first rows are damaged.
    """
    with path.open("rb") as file:
        is_parquet = file.read(4) == PARQUET_MAGIC
    return ParquetFile(path) if is_parquet else CsvFile(path)


class ParquetFile:
    """A Parquet file as a `TableFile`."""

    def __init__(self, path: Path) -> None:
        self._file = pa.OSFile(os.fsencode(path))
        try:
            self._parquet = pq.ParquetFile(self._file, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            self._file.close()
            raise UnreadableError(f"is no Parquet ({first_line(error)})") from error
        self.names: list[str] = self._parquet.schema_arrow.names

    @property
    def position(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()

    def head(self, name: str) -> pa.Array:
        for batch in self._parquet.iter_batches(_BATCH_ROWS, columns=[name]):
            return batch.column(0)
        return pa.nulls(0)

    def batches(self, wanted: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        extremes = _Extremes(self._parquet)
        try:
            for batch in self._parquet.iter_batches(_BATCH_ROWS, columns=[f.name for f in wanted]):
                extremes.add(batch)
                yield batch
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"is corrupt ({first_line(error)}); export it again") from error
        extremes.check()


class _Extremes:
    """The smallest and the largest value of each column of whole numbers or times.

    A Parquet file's footer may say what they are; else nothing there vouches for the values.
    """

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self._seen: dict[str, tuple[int, int]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        for field, column in zip(batch.schema, batch.columns, strict=True):
            is_number = pa.types.is_integer(field.type)
            if is_number or pa.types.is_timestamp(field.type):
                numbers = column if is_number else column.cast(pa.int64())
                low, high = (part.as_py() for part in pc.min_max(numbers).values())
                if low is not None:
                    lowest, highest = self._seen.get(field.name, (low, high))
                    self._seen[field.name] = min(low, lowest), max(high, highest)

    def check(self) -> None:
        """Raise InputError where the footer says otherwise."""
        about = self._file.metadata
        for at in range(about.num_columns if about.num_row_groups else 0):
            groups = [about.row_group(group).column(at) for group in range(about.num_row_groups)]
            name = groups[0].path_in_schema
            told = [group.statistics for group in groups]
            if name in self._seen and all(one is not None and one.has_min_max for one in told):
                raw = isinstance(told[0].min, datetime)  # In the column's own unit.
                low = min(one.min_raw if raw else one.min for one in told)
                high = max(one.max_raw if raw else one.max for one in told)
                extremes = low, high
                if extremes != self._seen[name]:
                    raise InputError(
                        f"is corrupt: column {name} is not what the file's footer says it is;"
                        " export it again"
                    )


class CsvFile:
    """A CSV file, raw or in a zstd frame, as a `TableFile`.

    What the first rows look like decides for the whole file whether fixed-point fields are
    decimals and times ISO 8601, and read as such, exactly, or integers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with pa.OSFile(os.fsencode(path)) as file:
            self._is_zstd = file.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC
            # A zstd frame has an end; raw text has none but that of its last line.
            file.seek(max(file.size() - 1, 0))
            if not self._is_zstd and file.read(1) != b"\n":
                raise UnreadableError("is truncated within its last line; download it again")
        self.names = column_names(path)
        with closing(self._rows(dict.fromkeys(self.names, pa.string()))) as rows:
            self._head = next(rows, None)

    def _rows(self, types: dict[str, pa.DataType]) -> Generator[pa.RecordBatch]:
        """Columns by name as these types, in batches."""
        # A new file each time, as a decompressor closes the one that it reads.
        self._file = pa.OSFile(os.fsencode(self._path))
        stream = pa.CompressedInputStream(self._file, "zstd") if self._is_zstd else self._file
        # Only an empty field is nothing: a symbol or a side may well be NA or N.
        options = pa_csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
        )
        try:
            with pa_csv.open_csv(stream, convert_options=options) as reader:
                yield from reader
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"is corrupt ({first_line(error)}); export it again") from error

    @property
    def position(self) -> int:
        return 0 if self._file.closed else int(self._file.tell())

    def close(self) -> None:
        self._file.close()

    def head(self, name: str) -> pa.Array:
        return pa.nulls(0, pa.string()) if self._head is None else self._head.column(name)

    def batches(self, wanted: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        times = [field.name for field in wanted if field.name in TIMES]
        prices = [field.name for field in wanted if is_fixed_point(field)]
        time = pa.timestamp("ns", "UTC") if self._has(times, "-") else pa.uint64()
        # Where all are empty they are decimals: an integer would be the format's "undefined".
        price = DECIMAL if self._has(prices, ".") or not self._has(prices, "") else pa.int64()
        types = {field.name: field.type for field in wanted}
        types |= dict.fromkeys(times, time) | dict.fromkeys(prices, price)
        yield from self._rows(types)

    def _has(self, names: list[str], mark: str) -> bool:
        """Whether the text occurs in these columns' first values."""
        return any(pc.any(pc.match_substring(self.head(name), mark)).as_py() for name in names)
