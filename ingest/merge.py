"""Several files' rows of one partition as one stream in (`ts_recv`, file, row) order, each once.

A record that several files hold counts as often as it occurs in the one that has it most often: a
file may hold two equal records, which are two, and another file the same two. What is the same is
told by every column but `row_nr`. Equal records have equal times, so they meet wherever the rows
are put in order; files without an instrument in common, or a moment, are not compared.

Memory is bounded: small runs of sorted rows are put together in memory, larger ones merged batch by
batch, a few at a time, and to files of their own where they are many: each row is written once,
twice or, of very many runs, three times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest import partition_writer
from ingest.partition_writer import PartitionWriter
from ingest.parts import Part
from ingest.record_hash import record_hashes

_BATCH_ROWS = 131_072
"""Rows of the widest feed held in memory, over all runs together; of narrow feeds some more."""

_WIDE = 20
"""Columns of a wide feed."""

_RUNS = 64
"""Runs merged at a time, each an open file."""

_READING_BYTES = 128 << 20
"""Memory for reading all runs that are merged at a time."""

# What reading takes for each column: a decompressor, and a page of the row group, unpacked whole.
_DECOMPRESSOR_BYTES = 200 << 10
_BYTES_PER_VALUE = 2

_STAGED_GROUP_ROWS = 4_096
"""Rows of a row group of what is merged on the way, which is not compressed."""


def in_file_order(parts: Iterable[Part]) -> list[Part]:
    """The parts by what is in them, never by name: first `ts_recv`, last `ts_recv`, rows."""
    ordered = sorted(parts, key=lambda part: (part.first, part.last))
    result: list[Part] = []
    for _, tied in groupby(ordered, key=lambda part: (part.first, part.last)):
        same = list(tied)
        result += same if len(same) == 1 else sorted(same, key=_fingerprint)
    return result


def _fingerprint(part: Part) -> str:
    """A hash of the part's records in their order, however they lie in files and row groups."""
    digest = sha256()
    for file in part.files:
        with pq.ParquetFile(file) as parquet:
            columns = _columns(parquet.schema_arrow)
            for batch in parquet.iter_batches(_BATCH_ROWS):
                digest.update(record_hashes(pa.Table.from_batches([batch]), columns).tobytes())
    return digest.hexdigest()


def _columns(schema: pa.Schema) -> list[str]:
    return [name for name in schema.names if name != "row_nr"]


@dataclass(frozen=True)
class _Sorted:
    """Rows in order of time: row groups of files, one after the other.

    instruments: those in it, empty if it has none (SPX). memory: bytes that reading takes.
    """

    pieces: tuple[tuple[Path, tuple[int, ...]], ...]
    instruments: frozenset[tuple[str, int]]
    rows: int
    memory: int

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        for path, row_groups in self.pieces:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(rows, row_groups=row_groups):
                    yield batch.drop_columns(["row_nr"])


class Merger:
    """Merges the parts of one partition.

    schema: of its feed; new_file: gives paths for what is merged on the way.
    repeated: how many rows were left out so far because another file holds them too.
    """

    def __init__(self, schema: pa.Schema, new_file: Callable[[], Path]) -> None:
        self._schema, self._new_file = schema, new_file
        self._batch_rows = _BATCH_ROWS * max(1, _WIDE // len(schema))
        self._made: list[Path] = []
        self.repeated = 0

    def close(self) -> None:
        """Remove what was merged on the way."""
        for path in self._made:
            path.unlink(missing_ok=True)

    def rows(self, parts: Sequence[Part]) -> Iterator[pa.RecordBatch]:
        """The rows of `parts`, given in file order, as sorted batches without `row_nr`."""
        for together in _overlapping(parts):
            if len(together) == 1:
                runs = self._few(_runs_of(together[0]), is_one_file=True)
                yield from self._merged(runs, is_one_file=True)
            else:
                runs = []
                for part in together:
                    runs += self._one(self._few(_runs_of(part), is_one_file=True), is_one_file=True)
                yield from self._merged(self._few(runs, is_one_file=False), is_one_file=False)

    def _few(self, runs: list[_Sorted], *, is_one_file: bool) -> list[_Sorted]:
        """The same rows in no more runs than can be merged at a time."""
        for groups_of in (self._small_groups, _groups):
            while len(groups := groups_of(runs)) > 1 and len(groups) < len(runs):
                runs = [
                    run for group in groups for run in self._one(group, is_one_file=is_one_file)
                ]
        return runs

    def _small_groups(self, runs: list[_Sorted]) -> list[list[_Sorted]]:
        """Runs in their order, in groups that can be put together in memory."""
        groups: list[list[_Sorted]] = []
        rows = 0
        for run in runs:
            rows += run.rows
            if not groups or rows > self._batch_rows:
                groups.append([])
                rows = run.rows
            groups[-1].append(run)
        return groups

    def _one(self, runs: list[_Sorted], *, is_one_file: bool) -> list[_Sorted]:
        """The same rows in one run."""
        if len(runs) == 1:
            return runs
        self._made.append(self._new_file())
        writer = PartitionWriter(
            self._made[-1], self._schema, row_group_rows=_STAGED_GROUP_ROWS, compression="none"
        )
        try:
            for batch in self._merged(runs, is_one_file=is_one_file):
                writer.write(batch)
        finally:
            writer.close()
        pa.default_memory_pool().release_unused()
        return [
            _Sorted(
                ((writer.path, tuple(range(-(-writer.rows // _STAGED_GROUP_ROWS)))),),
                frozenset[tuple[str, int]]().union(*(run.instruments for run in runs)),
                writer.rows,
                _STAGED_GROUP_ROWS * _BYTES_PER_VALUE * len(self._schema),
            )
        ]

    def _merged(self, runs: list[_Sorted], *, is_one_file: bool) -> Iterator[pa.RecordBatch]:
        """The rows of the runs by (`ts_recv`, run, row), in memory for a batch of each run."""
        if len(runs) == 1:
            yield from runs[0].batches(self._batch_rows)
            return
        compares = not is_one_file and _share_instruments(runs)
        if sum(run.rows for run in runs) <= self._batch_rows:
            stretches = iter([_whole(runs)])
        else:
            size = -(-self._batch_rows // (2 * len(runs)))
            stretches = _interleaved([_Run(run.batches(size)) for run in runs], size)
        for table, run_of_row in stretches:
            order = np.argsort(table["ts_recv"].to_numpy(), kind="stable")
            if compares:
                once = _once(table, run_of_row)
                self.repeated += int((~once).sum())
                order = order[once[order]]
            yield from table.take(pa.array(order)).to_batches()


def _whole(runs: list[_Sorted]) -> tuple[pa.Table, NDArray[np.intp]]:
    """All rows of the runs, run by run, and their run's number."""
    tables = [pa.Table.from_batches(run.batches(run.rows)) for run in runs]
    numbers = np.repeat(np.arange(len(runs)), [len(table) for table in tables])
    return pa.concat_tables(tables).combine_chunks(), numbers


def _overlapping(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts in groups of those that overlap in time, one after the other."""
    group: list[Part] = []
    for part in parts:
        if group and part.first > max(other.last for other in group):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _runs_of(part: Part) -> list[_Sorted]:
    """The part as sorted runs, in the order of its rows: one, or its row groups."""
    pieces: list[tuple[Path, tuple[int, ...]]] = []
    for path in part.files:
        pieces.append((path, tuple(range(pq.read_metadata(path).num_row_groups))))
    group_rows = min(part.rows, partition_writer.ROW_GROUP_ROWS)
    columns = pq.read_metadata(part.files[0]).num_columns
    memory = columns * (_DECOMPRESSOR_BYTES + group_rows * _BYTES_PER_VALUE)
    if part.is_sorted:
        return [_Sorted(tuple(pieces), part.symbol_ids, part.rows, memory)]
    return [
        _Sorted(((path, (group,)),), part.symbol_ids, group_rows, memory)
        for path, groups in pieces
        for group in groups
    ]


def _groups(runs: list[_Sorted]) -> list[list[_Sorted]]:
    """Runs in their order, in groups that can be merged at a time: each at least two."""
    groups: list[list[_Sorted]] = [[]]
    memory = 0
    for run in runs:
        memory += run.memory
        if len(groups[-1]) > 1 and (len(groups[-1]) >= _RUNS or memory > _READING_BYTES):
            groups.append([])
            memory = run.memory
        groups[-1].append(run)
    return groups


def _share_instruments(runs: list[_Sorted]) -> bool:
    """Whether two of the runs can hold the same record."""
    if not all(run.instruments for run in runs):
        return True
    different = frozenset[tuple[str, int]]().union(*(run.instruments for run in runs))
    return len(different) < sum(len(run.instruments) for run in runs)


class _Run:
    """Sorted rows that are read batch by batch: those held, and whether there are more."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        first = next(batches)
        self._held = pa.Table.from_batches([first])
        self.last = first.column("ts_recv")[-1].as_py()
        self.is_read = False

    @property
    def rows(self) -> int:
        """How many are held."""
        return len(self._held)

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


def _interleaved(runs: list[_Run], size: int) -> Iterator[tuple[pa.Table, NDArray[np.intp]]]:
    """Stretches of time, one after the other: all runs' rows of each, and their run's number.

    size: the rows of a batch; one to two batches of each run are held.
    """
    while True:
        for run in runs:
            if not run.is_read and run.rows < size:
                run.read_on()
        unread = [run for run in runs if not run.is_read]
        # Any run may go on with the time it last held, so only rows before that are settled.
        horizon = min((run.last for run in unread), default=None)
        released = [run.release(horizon) for run in runs]
        table = pa.concat_tables(released).combine_chunks()
        if len(table):
            yield table, np.repeat(np.arange(len(runs)), [len(part) for part in released])
        elif not unread:
            return
        else:
            for run in unread:
                if run.last == horizon:
                    run.read_on()


def _once(table: pa.Table, run_of_row: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows to keep so that each record is there as often as in the run that has it most.

    The rows lie run by run; of equal records those of the first run are kept.
    """
    keep = np.ones(len(table), bool)
    # By time, and by instrument and sequence where there are, which nearly all records differ in.
    columns = _columns(table.schema)
    few = [name for name in ("ts_recv", "instrument_id", "sequence") if name in columns]
    rows = _repeated(record_hashes(table, few))
    if not rows.size:
        return keep
    hashes = record_hashes(table.take(pa.array(rows)), columns)
    # The how-manieth of its run each record is, of those that are equal to it.
    order = np.lexsort((rows, hashes))
    same = _starts(hashes[order], run_of_row[rows[order]])
    nth = np.arange(len(rows)) - np.maximum.accumulate(np.where(same, np.arange(len(rows)), 0))
    # Of those with the same hash and the same number, the first run's is kept.
    by_number = np.lexsort((rows[order], nth, hashes[order]))
    is_first = _starts(hashes[order][by_number], nth[by_number])
    keep[rows[order][by_number]] = is_first
    return keep


def _repeated(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The positions of values that are there more than once, ascending."""
    order = np.argsort(hashes, kind="stable")
    equal = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    return np.unique(order[np.concatenate([equal, equal + 1])]) if equal.size else equal


def _starts(*keys: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a new group of equal keys begins."""
    differs = np.zeros(len(keys[0]), bool)
    differs[:1] = True
    for key in keys:
        differs[1:] |= key[1:] != key[:-1]
    return differs
