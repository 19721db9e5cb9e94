"""`python -m bench.folder`: a day's option quotes in one file, beside a file for each instrument.

Splits the simulated session's quotes as the vendor's batch jobs do on request, and imports the one
file, the folder, and a folder of every second instrument, in fresh processes that take turns.
Prints medians; exits 1 if the folder does not give the rows of the file, never for a timing.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import databento_dbn as dbn
import numpy as np
import pyarrow.parquet as pq
import zstandard

from bench.command import (
    FULL_BOOK_ROWS,
    cost_table,
    finish,
    machine,
    median_cpu_s,
    new_console,
    number_table,
    parser,
)
from bench.measure import CommandError, Cost, run
from bench.session import PROJECT, SESSION_DATE, Session, simulate
from ingest.dbn import read_metadata, record_dtype

WHOLE, SPLIT, HALF = "one file", "a file per instrument", "every second of these"


@dataclass
class _Interval:
    start_date: date
    end_date: date
    symbol: str


@dataclass
class _Mapping:
    raw_symbol: str
    intervals: Sequence[Any]


def split(source: Path, folder: Path) -> int:
    """Write each instrument's records to a DBN file of its own; the number of files."""
    data = zstandard.ZstdDecompressor().stream_reader(source.read_bytes()).read()
    metadata, header = read_metadata(io.BytesIO(data))
    rows = np.frombuffer(data, record_dtype(str(metadata.schema), metadata.version), offset=header)
    names = {
        int(interval["symbol"]): _Mapping(symbol, [_Interval(**interval)])
        for symbol, intervals in metadata.mappings.items()
        for interval in intervals
    }
    folder.mkdir(parents=True)
    order = np.argsort(rows["instrument_id"], kind="stable")
    instruments, starts = np.unique(rows["instrument_id"][order], return_index=True)
    for number, (instrument, part) in enumerate(
        zip(instruments, np.split(order, starts[1:]), strict=True)
    ):
        mapping = names[int(instrument)]
        about = dbn.Metadata(
            dataset=metadata.dataset,
            start=metadata.start,
            end=metadata.end,
            stype_in=dbn.SType.RAW_SYMBOL,
            stype_out=dbn.SType.INSTRUMENT_ID,
            schema=dbn.Schema.from_str(str(metadata.schema)),
            symbols=[mapping.raw_symbol],
            mappings=[mapping],
            version=metadata.version,
        )
        body = about.encode() + rows[part].tobytes()
        path = folder / f"glbx-mdp3-{SESSION_DATE.replace('-', '')}.mbp-1.{number:05}.dbn.zst"
        path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(body))
    return len(instruments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if file and folder give the same number of rows."""
    given = parser("bench.folder", "Time the import of a folder of many small files.", 3)
    given.add_argument(
        "--book-rows", type=int, default=FULL_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    args = given.parse_args(arguments)
    return finish(lambda: _benchmark(args))


def _benchmark(args: argparse.Namespace) -> int:
    console = new_console()
    session = Session((args.cache / str(args.book_rows)).resolve())
    simulate(session, args.book_rows)
    source = session.dbn / f"ES-options.mbp-1.{SESSION_DATE}.dbn.zst"
    # They say whose the options are that traders made up.
    definitions = session.dbn / f"ES-options.definition.{SESSION_DATE}.dbn.zst"
    if not source.is_file():
        raise CommandError(f"{source} is not there. Delete {session.folder} and run it again.")
    scratch = session.folder / "folder"
    shutil.rmtree(scratch, ignore_errors=True)
    # In a process of its own, as no child's peak of memory is told below that of its parent.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        files = process.submit(split, source, scratch / "split").result()
    (scratch / "half").mkdir()
    for path in sorted((scratch / "split").iterdir())[::2]:
        (scratch / "half" / path.name).hardlink_to(path)
    console.print(f"{source}, and {files:,} files of the same quotes")
    console.print(machine(session.environment))
    sources = {WHOLE: source, SPLIT: scratch / "split", HALF: scratch / "half"}
    costs: dict[str, list[Cost]] = {name: [] for name in sources}
    rows: dict[str, int] = {}
    for _ in range(args.repeat):
        for name, path in sources.items():
            bronze = scratch / "bronze"
            shutil.rmtree(bronze, ignore_errors=True)
            costs[name].append(
                run(
                    [
                        *(sys.executable, "-m", "ingest", "import", path, definitions),
                        *("--bronze-root", bronze),
                    ],
                    folder=PROJECT,
                    environment=session.environment,
                )
            )
            rows[name] = sum(
                pq.read_metadata(data).num_rows
                for data in bronze.glob("options/[nt]*/*/*/*.parquet")
            )
    console.print(cost_table(costs, {"x one file": WHOLE}))
    table = number_table("medians per million rows", "", "rows", "wall s", "CPU s")
    for name, runs in costs.items():
        seconds = (median(cost.wall_s for cost in runs), median_cpu_s(runs))
        each = (f"{s / max(rows[name], 1) * 1e6:.2f}" for s in seconds)
        table.add_row(name, f"{rows[name]:,}", *each)
    console.print(table)
    shutil.rmtree(scratch)
    if rows[SPLIT] != rows[WHOLE]:
        print(f"error: {rows[SPLIT]:,} rows from the folder", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
