"""Read SPX prices from Parquet or CSV files, for the optional feed `index/spx`.

A file has exactly two columns, in any order:

- `ts_recv`: integer epoch nanoseconds, or a timestamp with a time zone;
- `price`: integers are fixed-point units of 1e-9 index points, as in every Bronze feed; decimals
  and floats are index points and are rounded to the nearest 1e-9. NULL, NaN and the vendor's
  "undefined" (2^63 - 1 units) are no price; what else cannot be one is refused.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from databento_dbn import UNDEF_PRICE

from es_physics.bronze.feeds import FEED_BY_PATH, Feed
from es_physics.calendar import EARLIEST, LATEST, utc_midnight_ns
from es_physics.errors import first_line
from ingest.definitions import Definitions
from ingest.errors import InputError, UnreadableError

PARQUET_MAGIC = b"PAR1"

_FEED = FEED_BY_PATH["index/spx"]
_COLUMNS = ["ts_recv", "price"]
_BATCH_ROWS = 65_536
_FIXED_POINT = 10**9
_HIGHEST = 10**6
"""Index points. Beyond it, and below one point, is no price of the index but another unit."""


class SpxFile:
    """One Parquet or CSV file of SPX prices: an `ingest.reader.Reader`."""

    schema: str | None = None
    feeds: tuple[Feed, ...] = (_FEED,)
    window: tuple[int, int] | None = None
    claim: tuple[int, int] | None = None
    complete = False
    left_out: tuple[str, ...] = ()

    def __init__(self, path: Path, definitions: Definitions | None = None) -> None:
        self.path = path
        self.remarks: list[str] = []
        self._file = pa.OSFile(os.fsencode(path))  # a name need not be UTF-8
        try:
            self._is_parquet = self._file.read(4) == PARQUET_MAGIC
            self._file.seek(0)
            names = self._open_parquet() if self._is_parquet else self._open_csv()
            if sorted(names) != sorted(_COLUMNS):
                raise InputError(
                    f"is a table of {', '.join(names)}, which is nothing known; one of SPX has the"
                    f" columns {' and '.join(_COLUMNS)} and no other"
                )
        except (pa.ArrowException, OSError) as error:
            self._file.close()
            raise UnreadableError(f"is neither Parquet nor CSV ({first_line(error)})") from error
        except InputError:
            self._file.close()
            raise

    def _open_parquet(self) -> list[str]:
        self._parquet = pq.ParquetFile(self._file)
        return self._parquet.schema_arrow.names

    def _open_csv(self) -> list[str]:
        size = self._file.size()
        self._file.seek(max(size - 1, 0))
        if self._file.read(1) != b"\n":
            self.remarks.append("does not end with a line feed: it may have been cut off")
        with pa.OSFile(os.fsencode(self.path)) as file, pa_csv.open_csv(file) as reader:
            sample = reader.schema
        self._file.seek(0)
        # What the first block looks like decides the types of the whole file, at full precision.
        self._csv_types = {
            name: pa.timestamp("ns", "UTC") if pa.types.is_timestamp(sample.field(name).type) else t
            for name, t in (("ts_recv", pa.int64()), ("price", pa.float64()))
            if sample.names.count(name) == 1
        }
        if "price" in self._csv_types and pa.types.is_integer(sample.field("price").type):
            self._csv_types["price"] = pa.int64()
        return sample.names

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def describe(self) -> dict[str, Any]:
        """What a manifest records of this source beside its name, hash and rows."""
        unknown = ("dbn_version", "dataset", "schema", "stype_in", "start", "end")
        return {**dict.fromkeys(unknown), "symbols": []}

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        """The prices in file order, without `row_nr`. InputError at the first unusable batch."""
        schema = pa.schema([_FEED.schema.field(name) for name in _COLUMNS])
        done = 0
        try:
            for raw in self._raw_batches():
                columns = [
                    _nanoseconds(raw.column("ts_recv")),
                    _fixed_point(raw.column("price"), done),
                ]
                done += len(raw)
                yield _FEED, pa.RecordBatch.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"is corrupt ({first_line(error)})") from error

    def _raw_batches(self) -> Iterator[pa.RecordBatch]:
        if self._is_parquet:
            return iter(self._parquet.iter_batches(_BATCH_ROWS, columns=_COLUMNS))
        options = pa_csv.ConvertOptions(include_columns=_COLUMNS, column_types=self._csv_types)
        return iter(pa_csv.open_csv(self._file, convert_options=options))


def _nanoseconds(times: pa.Array) -> pa.Array:
    """Epoch nanoseconds, from integers that are so already or timestamps that know their zone."""
    kind = times.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise InputError("ts_recv is a timestamp without a time zone; write it in UTC")
        times = times.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    elif pa.types.is_integer(kind):
        times = times.cast(pa.int64())
    else:
        raise InputError(f"ts_recv is {kind}; make it INT64 nanoseconds or a timestamp with zone")
    if times.null_count:
        raise InputError("has rows without ts_recv; remove them")
    low, high = utc_midnight_ns(EARLIEST), utc_midnight_ns(LATEST)
    extremes = pc.min_max(times).as_py()
    if times and (extremes["min"] < low or extremes["max"] >= high):
        raise InputError(
            f"ts_recv {extremes['min']} to {extremes['max']} is outside {EARLIEST} to {LATEST};"
            " it must be in nanoseconds since the epoch"
        )
    return times


def _fixed_point(prices: pa.Array, done: int) -> pa.Array:
    """Prices in units of 1e-9, from such integers or from index points; `done`: rows before them.

    Raises InputError for the first that is no price.
    """
    kind = prices.type
    is_units = pa.types.is_integer(kind)
    if not (is_units or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InputError(f"price is {kind}; make it INT64 units of 1e-9, DECIMAL or DOUBLE")
    missing = prices.is_null().to_numpy(zero_copy_only=False)
    # DOUBLE tells 1e-9 apart below 9 million index points.
    given = prices.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    points = given / _FIXED_POINT if is_units else given
    # Undefined in units, or in points, or in units that a NaN beside them has made DOUBLE.
    if is_units:
        undefined = pc.equal(prices, UNDEF_PRICE).fill_null(True).to_numpy(zero_copy_only=False)
    else:
        undefined = (given == float(UNDEF_PRICE)) | (given == float(UNDEF_PRICE) / _FIXED_POINT)
    no_price = missing | np.isnan(given) | undefined
    bad = ~no_price & ~((points >= 1) & (points <= _HIGHEST))
    if bad.any():
        at = int(bad.argmax())
        unit = "integers are units of 1e-9" if is_units else "decimals are index points"
        raise InputError(f"has no price but {prices[at]} in row {done + at + 1}; {unit}")
    if is_units:
        units = prices.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    else:
        units = np.rint(np.where(no_price, 0, points) * 1e9).astype(np.int64)
    return pa.array(units, mask=no_price)
