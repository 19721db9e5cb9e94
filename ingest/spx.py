"""Read SPX prices from Parquet or CSV files, for the optional feed `index/spx`.

Two columns count:

- `ts_recv`: INT64 epoch nanoseconds, or a timestamp with a time zone;
- `price`: integers are fixed-point units of 1e-9 index points, as in every Bronze feed; decimals
  and floats are index points and are rounded to the nearest 1e-9. NULL (or NaN) is no price.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

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


class SpxFile:
    """One Parquet or CSV file of SPX prices: an `ingest.reader.Reader`."""

    schema: str | None = None
    feeds: tuple[Feed, ...] = (_FEED,)
    window: tuple[int, int] | None = None
    claim: tuple[int, int] | None = None
    complete = False
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __init__(self, path: Path, definitions: Definitions | None = None) -> None:
        self.path = path
        self._file = pa.OSFile(str(path))
        try:
            self._is_parquet = self._file.read(4) == PARQUET_MAGIC
            self._file.seek(0)
            names = self._open_parquet() if self._is_parquet else self._open_csv()
            if missing := [name for name in _COLUMNS if name not in names]:
                raise UnreadableError(
                    f"has no column {' and '.join(map(repr, missing))}; SPX files need ts_recv"
                    " and price"
                )
        except (pa.ArrowException, OSError) as error:
            self._file.close()
            raise UnreadableError(f"is neither Parquet nor CSV ({first_line(error)})") from error
        except UnreadableError:
            self._file.close()
            raise

    def _open_parquet(self) -> list[str]:
        self._parquet = pq.ParquetFile(self._file)
        return self._parquet.schema_arrow.names

    def _open_csv(self) -> list[str]:
        with pa_csv.open_csv(str(self.path)) as reader:
            sample = reader.schema
        # What the first block looks like decides the types of the whole file, at full precision.
        self._csv_types = {
            name: pa.timestamp("ns", "UTC") if pa.types.is_timestamp(sample.field(name).type) else t
            for name, t in (("ts_recv", pa.int64()), ("price", pa.float64()))
            if name in sample.names
        }
        if "price" in sample.names and pa.types.is_integer(sample.field("price").type):
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
        try:
            for raw in self._raw_batches():
                columns = [_nanoseconds(raw.column("ts_recv")), _fixed_point(raw.column("price"))]
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
    elif kind != pa.int64():
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


def _fixed_point(prices: pa.Array) -> pa.Array:
    """Prices in units of 1e-9, from such integers or from index points."""
    kind = prices.type
    if pa.types.is_integer(kind):
        prices = prices.cast(pa.int64())
        largest = pc.max(prices).as_py()
        if largest is not None and largest < _FIXED_POINT:
            raise InputError(
                f"price is a whole number and never above {largest}: integers are units of 1e-9;"
                " write index points with a decimal point"
            )
        return prices
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InputError(f"price is {kind}; make it INT64 units of 1e-9, DECIMAL or DOUBLE")
    # DOUBLE tells 1e-9 apart below 9 million index points.
    points = prices.cast(pa.float64()).to_numpy(zero_copy_only=False)
    no_price = np.isnan(points)
    return pa.array(np.rint(np.where(no_price, 0, points) * 1e9).astype(np.int64), mask=no_price)
