"""One Parquet file of a partition, written batch by batch."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA_NAME = "data.parquet"
ROW_GROUP_ROWS = 250_000

# Nearly always rising by little: deltas are smaller and faster than a dictionary that overflows.
_DELTA_COLUMNS = ("ts_recv", "ts_event", "ts_ref", "row_nr", "sequence", "ts_in_delta")

# What readers look for in a row group, and so what may spare them the rest of it: its times, and
# whether a record lacks a key.
_SOUGHT_COLUMNS = ("ts_recv", "row_nr", "instrument_id", "symbol")


def _open_writer(sink: Any, schema: pa.Schema, compression: str) -> pq.ParquetWriter:
    """A Parquet writer with the encodings that suit market data.

    Times and numbers as deltas, the rest, prices and sizes above all, by dictionary; one page per
    column chunk. DuckDB 1.5 reads all of it as well as 2.0. DECISIONS.md has the figures.
    """
    delta = [name for name in _DELTA_COLUMNS if name in schema.names]
    return pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        data_page_version="2.0",
        compression=compression,
        use_dictionary=[name for name in schema.names if name not in delta],
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        write_statistics=[name for name in _SOUGHT_COLUMNS if name in schema.names],
        data_page_size=8 << 20,
        max_rows_per_page=ROW_GROUP_ROWS,
    )


class _HashedFile:
    """A new file for pyarrow to write to, whose sha256 is known once it is written."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        self.closed = True


class PartitionWriter:
    """Writes batches without `row_nr` to one Parquet file and numbers the rows from 0.

    A full row group is encoded, hashed and written by a thread while the caller brings the next;
    what that raises comes out of a later call, at the latest of `close`.

    Keeps count of `rows`, of the smallest and largest `ts_recv` (None without rows), and of
    whether the rows came sorted by it; if not, at least each row group is sorted, stably.
    row_group_rows: what a full row group is, ROW_GROUP_ROWS by default; compression: of its pages.
    `is_final`: sorted, and in row groups of full size. Once closed, `sha256` is the file's, in hex,
    and `symbol_ids` are its pairs of symbol and instrument id.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        *,
        row_group_rows: int | None = None,
        compression: str = "zstd",
    ) -> None:
        self.path = path
        self._full = row_group_rows or ROW_GROUP_ROWS
        self.rows = 0
        self.first_ts_recv: int | None = None
        self.last_ts_recv: int | None = None
        self.is_sorted = True
        self.symbol_ids: set[tuple[str, int]] = set()
        self._schema = schema
        self._position = schema.get_field_index("row_nr")
        self._file = _HashedFile(path)
        self._writer = _open_writer(self._file, schema, compression)
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing: Future[None] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._row_groups = 0
        self._newest = -1

    @property
    def is_final(self) -> bool:
        return self.is_sorted and self._row_groups == -(-self.rows // self._full)

    @property
    def sha256(self) -> str:
        return self._file.sha256.hexdigest()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the batch; its columns are the schema's without `row_nr`."""
        if not batch.num_rows:
            return
        times = batch.column("ts_recv").to_numpy()
        low, high = int(times.min()), int(times.max())
        if self.is_sorted:
            self.is_sorted = int(times[0]) >= self._newest and bool((times[1:] >= times[:-1]).all())
        self._newest = int(times[-1])
        self.first_ts_recv = low if self.first_ts_recv is None else min(low, self.first_ts_recv)
        self.last_ts_recv = high if self.last_ts_recv is None else max(high, self.last_ts_recv)
        numbers = pa.array(np.arange(self.rows, self.rows + batch.num_rows))
        self._waiting.append(
            batch.add_column(self._position, self._schema.field(self._position), numbers)
        )
        self.rows += batch.num_rows
        self._waiting_rows += batch.num_rows
        if 2 * self._waiting_rows >= self._full:
            self._wait()  # Not for more than half a row group beside one that is being written.
        while self._waiting_rows >= self._full:
            self._hand_over(self._full)

    def _hand_over(self, rows: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        group, self._waiting = table.slice(0, rows), table.slice(rows).to_batches()
        self._wait()
        self._writing = self._thread.submit(self._write_row_group, group, self.is_sorted)
        self._waiting_rows -= rows
        self._row_groups += 1

    def _write_row_group(self, group: pa.Table, is_sorted: bool) -> None:
        if not is_sorted:
            group = group.take(pa.array(np.argsort(group["ts_recv"].to_numpy(), kind="stable")))
        self._writer.write_table(group, row_group_size=len(group))
        if "symbol" in group.column_names:
            pairs = group.group_by(["symbol", "instrument_id"]).aggregate([])
            self.symbol_ids.update(zip(*(column.to_pylist() for column in pairs), strict=True))
        pa.default_memory_pool().release_unused()  # Pieces that were freed would add up.

    def _wait(self) -> None:
        if self._writing:
            self._writing.result()
            self._writing = None

    def flush(self) -> None:
        """Write what is waiting as a row group of its own, to free its memory."""
        if self._waiting_rows:
            self._hand_over(self._waiting_rows)
        self._wait()

    def close(self) -> None:
        """Complete the file."""
        try:
            self.flush()
            self._writer.close()
        finally:
            self._thread.shutdown()
            self._file.close()
