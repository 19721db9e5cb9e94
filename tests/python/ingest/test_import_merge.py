"""Merging files, sorted or not, equals sorting all their rows at once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
from dbn_files import new_york, partition, trades, write
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.importer import import_paths

T0 = new_york("2025-12-16 09:30")

files_of_offsets = st.lists(
    st.lists(st.integers(0, 12), min_size=1, max_size=25), min_size=1, max_size=4
)


@given(files_of_offsets, st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_merging_is_a_stable_sort_by_time_file_and_row(files, group_rows, batch_rows) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("ingest.partition_writer.ROW_GROUP_ROWS", group_rows),
        mock.patch("ingest.merge._BATCH_ROWS", batch_rows),
        mock.patch("ingest.dbn._CHUNK_BYTES", 48 * 4),
    ):
        paths = []
        for number, offsets in enumerate(files):
            rows = trades(T0 + np.array(offsets), sequence=1000 * number + np.arange(len(offsets)))
            paths.append(write(Path(folder) / f"{number}.dbn", "trades", rows))
        result = import_paths(paths, Path(folder) / "b", report=lambda _: None)
        assert result.errors == []
        merged = partition(Path(folder) / "b", "futures/trades", "2025-12-16")

    found = merged.select(["ts_recv", "sequence"]).to_pylist()
    # Which of two files with the same first and last time comes first is up to their sha256.
    file_order = sorted(range(len(files)), key=lambda n: (min(files[n]), max(files[n])))
    ends = {(min(offsets), max(offsets)) for offsets in files}
    if len(ends) == len(files):
        in_order = [
            (T0 + offset, 1000 * number + row)
            for number in file_order
            for row, offset in enumerate(files[number])
        ]
        expected = sorted(in_order, key=lambda row: row[0])
        assert [(row["ts_recv"], row["sequence"]) for row in found] == expected
    else:
        times = [row["ts_recv"] for row in found]
        assert times == sorted(T0 + offset for offsets in files for offset in offsets)
    assert merged["row_nr"].to_pylist() == list(range(sum(map(len, files))))
