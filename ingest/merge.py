"""Several files' rows of one partition as one stream in (`ts_recv`, file, row) order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.errors import first_line
from ingest.errors import InputError
from ingest.parts import Part

_BATCH_ROWS = 131_072
"""Rows held in memory, over all runs together."""

_MEMORY = "1GB"


def in_file_order(parts: Iterable[Part]) -> list[Part]:
    """The parts by what is in them, never by name: first `ts_recv`, last `ts_recv`, sha256."""
    return sorted(parts, key=lambda part: (part.first, part.last, part.sha256))


def merged(parts: Sequence[Part]) -> Iterator[pa.RecordBatch]:
    """The rows of `parts`, given in file order, as sorted batches without `row_nr`."""
    row_groups = [[*range(pq.read_metadata(part.path).num_row_groups)] for part in parts]
    sorted_runs = [
        (part, run)
        for part, groups in zip(parts, row_groups, strict=True)
        for run in ([groups] if part.is_sorted else [[group] for group in groups])
    ]
    in_turn = all(part.is_sorted for part in parts)
    if in_turn and all(a.last <= b.first for a, b in pairwise(parts)):
        for part, run in sorted_runs:
            yield from _read(part, run, _BATCH_ROWS)
    else:
        size = -(-_BATCH_ROWS // len(sorted_runs))
        yield from _interleaved([_Run(_read(part, run, size)) for part, run in sorted_runs])


def _read(part: Part, row_groups: list[int], batch_rows: int) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(part.path) as file:
        for batch in file.iter_batches(batch_rows, row_groups=row_groups):
            yield batch.drop_columns(["row_nr"])


class _Run:
    """Sorted rows that are read batch by batch: those held, and whether there are more."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        first = next(batches)
        self._held = pa.Table.from_batches([first])
        self.last = first.column("ts_recv")[-1].as_py()
        self.is_read = False

    def read_on(self) -> None:
        """Hold one batch more, if there is one."""
        batch = next(self._batches, None)
        if batch is None:
            self.is_read = True
        else:
            self._held = pa.concat_tables([self._held, pa.Table.from_batches([batch])])
            self.last = batch.column("ts_recv")[-1].as_py()

    def release(self, before: int | None) -> pa.Table:
        """Give away the held rows with `ts_recv` < `before`; all of them if None."""
        count = len(self._held)
        if before is not None:
            count = int(np.searchsorted(self._held["ts_recv"].to_numpy(), before, side="left"))
        released, self._held = self._held.slice(0, count), self._held.slice(count)
        return released


def _interleaved(runs: list[_Run]) -> Iterator[pa.RecordBatch]:
    """The rows of all runs by (`ts_recv`, run, row), in memory for a batch of each run."""
    while True:
        unread = [run for run in runs if not run.is_read]
        # Any run may go on with the time it last held, so only rows before that are settled.
        horizon = min((run.last for run in unread), default=None)
        table = pa.concat_tables([run.release(horizon) for run in runs]).combine_chunks()
        if len(table):
            order = np.argsort(table["ts_recv"].to_numpy(), kind="stable")
            yield from table.take(pa.array(order)).to_batches()
        if not unread:
            return
        for run in unread:
            if run.last == horizon:
                run.read_on()


def refuse_repeats(parts: Sequence[Part], schema: pa.Schema, folder: Path) -> None:
    """Raise InputError if two parts hold mostly the same records where they overlap in time.

    Mostly: more than half of the smaller side, by every column but `row_nr`, each record counted
    as often as it occurs in both. Temporary files, if memory is short, go to `folder`.
    """
    for a, b in combinations(parts, 2):
        if max(a.first, b.first) > min(a.last, b.last):
            continue
        smaller, repeated = _overlap(a, b, schema, folder)
        if repeated and 2 * repeated > smaller:
            raise InputError(
                f"{b.name} repeats {repeated} records of {a.name}, whose volume would count twice;"
                " leave one of them out"
            )


def _overlap(a: Part, b: Part, schema: pa.Schema, folder: Path) -> tuple[int, int | None]:
    """Where two parts overlap in time: records of the smaller side, and those in both."""
    import duckdb  # Only where it is needed: a partition from one file does without.

    low, high = max(a.first, b.first), min(a.last, b.last)
    columns = ", ".join(f'"{name}"' for name in schema.names if name != "row_nr")
    config: dict[str, Any] = {"memory_limit": _MEMORY, "temp_directory": str(folder / "spill")}
    try:
        with duckdb.connect(config=config) as connection:
            for name, part in (("side_a", a), ("side_b", b)):
                with pq.ParquetFile(part.path) as file:
                    # Read here, not by DuckDB, which takes [ and * in a path for a pattern.
                    reader = pa.RecordBatchReader.from_batches(
                        schema, file.iter_batches(_BATCH_ROWS)
                    )
                    connection.register("part", reader)
                    connection.sql(
                        f"create temp table {name} as select hash({columns}) as record,"
                        f" count(*) as times from part where ts_recv between {low} and {high}"
                        " group by record"
                    )
            smaller, repeated = connection.sql(
                "select least((select sum(times) from side_a), (select sum(times) from side_b)),"
                " (select sum(least(side_a.times, side_b.times))"
                " from side_a join side_b using (record))"
            ).fetchall()[0]
            return smaller, repeated
    except duckdb.Error as error:
        raise InputError(first_line(error)) from error
