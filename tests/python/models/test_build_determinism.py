"""Same Bronze, same vars: the same bytes in Silver, however the rows arrived and were computed."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import databento_dbn
import dbn_files
import numpy as np
import pyarrow.parquet as pq
import zstandard
from conftest import SILVER_TABLES, Builds, run_dbt, run_module

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.manifest import write_manifest
from es_physics.bronze.partitions import check_partition
from ingest.staging import Staging

SESSION = "2025-12-10"
DATES = ("2025-12-05", "2025-12-08", "2025-12-09", "2025-12-10")


def test_one_thread_and_four_give_the_same_bytes(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """And so do a bare and a quoted session date, which dbt hands over as a date and as text."""
    four = run_dbt("build", bronze=bronze, work=tmp_path, session_date=f"'{SESSION}'", threads=4)
    assert four.returncode == 0, four.output
    assert len(four.digests()) == len(SILVER_TABLES)
    assert four.digests() == builds[SESSION].digests()


def test_files_cut_and_shuffled_in_a_used_database_give_the_same_bytes(
    builds: Builds, dbn: Path, tmp_path: Path
) -> None:
    """DBN files cut in three, renamed and imported in another order; Bronze partitions of three
    files instead of one; and a database file that holds another session's tables."""
    pieces = []
    for source in sorted(dbn.rglob("*")):
        if source.is_file() and any(day in source.name for day in DATES):
            pieces += _cut(source, tmp_path / "dbn", 3)
    random.Random(1).shuffle(pieces)
    bronze = tmp_path / "bronze"
    imported = run_module("ingest", "import", *pieces, "--bronze-root", bronze)
    assert imported.returncode == 0, imported.stdout + imported.stderr
    for feed in ("futures/trades", "futures/mbp10", "options/nbbo"):
        _split_partition(bronze, feed, SESSION, 3)

    other = run_dbt("build", bronze=bronze, work=tmp_path, session_date="2025-12-09")
    build = run_dbt("build", bronze=bronze, work=tmp_path, session_date=SESSION)
    assert other.returncode == build.returncode == 0, other.output + build.output
    of_session = {name: digest for name, digest in build.digests().items() if SESSION in name}
    assert of_session == builds[SESSION].digests()
    assert len(build.digests()) == 2 * len(SILVER_TABLES)


def _cut(source: Path, folder: Path, count: int) -> list[Path]:
    """Cut a file into `count` files of the same kind whose names say nothing of their order."""
    folder.mkdir(exist_ok=True)
    if source.suffix == ".parquet":
        table = pq.read_table(source)
        size = -(-table.num_rows // count)
        paths = []
        for number in range(count):
            paths.append(folder / f"{count - number}_{source.name}")
            pq.write_table(table.slice(number * size, size), paths[-1])
        return paths
    raw = zstandard.ZstdDecompressor().stream_reader(source.read_bytes()).readall()
    metadata = databento_dbn.Metadata.decode(raw)
    rows = np.frombuffer(raw[len(metadata.encode()) :], dbn_files.dtype(str(metadata.schema)))
    paths = []
    for number, part in enumerate(np.array_split(rows, count)):
        paths.append(folder / f"{count - number}_{source.name}")
        paths[-1].write_bytes(
            zstandard.ZstdCompressor().compress(metadata.encode() + part.tobytes())
        )
    return paths


def _split_partition(bronze: Path, feed_path: str, day: str, count: int) -> None:
    """Replace the partition's file by `count` files with the same rows in the same order."""
    feed = FEED_BY_PATH[feed_path]
    check = check_partition(bronze, feed, date.fromisoformat(day))
    table = pq.ParquetFile(check.files[0]).read()
    size = -(-table.num_rows // count)
    with Staging(bronze) as staging:
        folder = staging.folder()
        row_counts = {}
        for number in range(count):
            part = table.slice(number * size, size)
            name = f"part-{count - number}.parquet"  # the names run against the order of the rows
            pq.write_table(part, folder / name)
            row_counts[name] = part.num_rows
        about = {key: check.manifest[key] for key in check.manifest if key != "files"}
        write_manifest(folder, about, row_counts)
        staging.commit(feed, date.fromisoformat(day), folder)
