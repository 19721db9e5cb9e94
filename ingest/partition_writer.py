"""One Parquet file of a partition, written batch by batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA_NAME = "data.parquet"
ROW_GROUP_ROWS = 250_000

# Nearly always rising by little: deltas are smaller and faster than a dictionary that overflows.
_DELTA_COLUMNS = ("ts_recv", "ts_event", "ts_ref", "row_nr", "sequence", "ts_in_delta")


def _open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer with the encodings that suit market data.

    Measured on 2 million mbp-10 rows against DuckDB's COPY (zstd, v2, 250000-row groups): the same
    size (38.1 against 38.0 MB) and scan time (0.28 against 0.31 s for 41 columns in DuckDB), at
    half the CPU (0.85 against 0.45 million rows/s), and it can be fed several files side by side.
    The gain over pyarrow's defaults (67.6 MB, 0.65 s) is from deltas and one page per column chunk.
    """
    delta = [name for name in _DELTA_COLUMNS if name in schema.names]
    return pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        use_dictionary=[name for name in schema.names if name not in delta],
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        data_page_size=8 << 20,
        max_rows_per_page=ROW_GROUP_ROWS,
    )


class PartitionWriter:
    """Writes batches without `row_nr` to one Parquet file and numbers the rows from 0.

    Keeps count of `rows`, of the smallest and largest `ts_recv` (None without rows), and of
    whether the rows came sorted by it; if not, at least each row group is sorted, stably.
    `is_final`: sorted, and in row groups of full size.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self.first_ts_recv: int | None = None
        self.last_ts_recv: int | None = None
        self.is_sorted = True
        self._schema = schema
        self._position = schema.get_field_index("row_nr")
        self._writer = _open_writer(path, schema)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._row_groups = 0
        self._newest = -1

    @property
    def is_final(self) -> bool:
        return self.is_sorted and self._row_groups == -(-self.rows // ROW_GROUP_ROWS)

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
        while self._waiting_rows >= ROW_GROUP_ROWS:
            self._write_row_group(ROW_GROUP_ROWS)

    def _write_row_group(self, rows: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        group, self._waiting = table.slice(0, rows), table.slice(rows).to_batches()
        if not self.is_sorted:
            group = group.take(pa.array(np.argsort(group["ts_recv"].to_numpy(), kind="stable")))
        self._writer.write_table(group, row_group_size=rows)
        self._waiting_rows -= rows
        self._row_groups += 1

    def flush(self) -> None:
        """Write what is waiting as a row group of its own, to free its memory."""
        if self._waiting_rows:
            self._write_row_group(self._waiting_rows)

    def close(self) -> None:
        self.flush()
        self._writer.close()
