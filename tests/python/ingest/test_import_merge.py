"""Merging files, sorted or not, equals sorting all their rows at once."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from dbn_files import IDS, new_york, partition, trades, tree, write
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


@pytest.mark.parametrize(
    ("runs", "batch_rows", "reading_bytes", "staged_rows"),
    [(64, 131_072, 128 << 20, 4096), (2, 7, 1, 3), (3, 50, 1, 1000), (64, 300, 128 << 20, 5)],
)
def test_a_file_split_by_instrument_and_time_gives_the_bytes_of_the_whole(
    tmp_path, monkeypatch, runs, batch_rows, reading_bytes, staged_rows
) -> None:
    """Whatever the names and the order of the files, and however little is merged at a time."""
    monkeypatch.setattr("ingest.merge._RUNS", runs)
    monkeypatch.setattr("ingest.merge._BATCH_ROWS", batch_rows)
    monkeypatch.setattr("ingest.merge._READING_BYTES", reading_bytes)
    monkeypatch.setattr("ingest.merge._STAGED_GROUP_ROWS", staged_rows)
    rng = np.random.default_rng(5)
    times = T0 + np.sort(rng.choice(10**9, 900, replace=False))
    rows = trades(times, instrument_id=rng.choice([*IDS], 900))
    window = {"start": T0, "end": T0 + 10**9}
    whole = write(tmp_path / "whole.dbn", "trades", rows, **window)
    assert import_paths([whole], tmp_path / "b", report=lambda _: None).errors == []
    expected = data_of(tmp_path / "b")

    pieces = [
        rows[(rows["instrument_id"] == number) & (np.arange(900) // 75 == part)]
        for number in IDS
        for part in range(12)
    ]
    for order in range(2):
        folder = tmp_path / str(order)
        random.Random(order).shuffle(pieces)
        for at, piece in enumerate(pieces):
            write(folder / f"{at}.dbn", "trades", piece, **window)
        result = import_paths([folder], tmp_path / f"b{order}", report=lambda _: None)
        assert (result.errors, result.rows) == ([], 900)
        assert data_of(tmp_path / f"b{order}") == expected


def data_of(bronze: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(bronze).items() if "manifest" not in name}
