"""`python -m bench.ingest`: a day's book from DBN to Bronze, beside the vendor's own Parquet.

Imports the simulated session's MBP-10 file and converts it with `DBNStore.to_parquet`, in fresh
processes that take turns. Prints medians; exits 1 if the two do not hold the same records, never
for a timing. The import also checks the file, hashes what it writes and adds a manifest.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.dataset import dataset

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

OURS, VENDOR = "ingest import", "DBNStore.to_parquet"


def different_columns(bronze: Path, vendor: Path) -> list[str]:
    """Columns of the vendor's file, other than the record type, that Bronze holds differently.

    Row by row in file order, prices as multiples of 1e-9, times as nanoseconds, undefined as NULL.
    """
    # Not the publisher, which is one and the same for all of a feed.
    names = set(pq.read_schema(vendor).names) - {"rtype", "publisher_id", "__index_level_0__"}
    return [
        name for name in sorted(names) if not _column(bronze, name).equals(_column(vendor, name))
    ]


def _column(path: Path, name: str) -> pa.ChunkedArray:
    records = dataset(path, format="parquet")
    if name not in records.schema.names:
        return pa.chunked_array([[]], type=pa.null())
    column = records.to_table(columns=[name]).column(name)
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        values = pc.fill_null(column, np.nan).to_numpy()
        rounded = np.round(np.nan_to_num(values) * 1e9).astype("int64")
        return pa.chunked_array([pa.array(rounded, mask=np.isnan(values))])
    return column.cast(pa.int64() if pa.types.is_integer(column.type) else pa.string())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if both hold the same records."""
    given = parser("bench.ingest", "Time the import of a day's book beside the vendor's client.", 5)
    given.add_argument(
        "--book-rows", type=int, default=FULL_BOOK_ROWS, metavar="N", help="default: %(default)s"
    )
    args = given.parse_args(arguments)
    return finish(lambda: _benchmark(args))


def _benchmark(args: argparse.Namespace) -> int:
    console = new_console()
    session = Session((args.cache / str(args.book_rows)).resolve())
    simulate(session, args.book_rows)
    source = session.dbn / f"ES.FUT.mbp-10.{SESSION_DATE}.dbn.zst"
    if not source.is_file():
        raise CommandError(f"{source} is not there. Delete {session.folder} and run it again.")
    console.print(f"{source}, {source.stat().st_size / 1e6:.1f} MB")
    console.print(machine(session.environment))
    scratch = session.folder / "ingest"
    bronze, vendor = scratch / "bronze", scratch / "vendor.parquet"
    module = [sys.executable, "-m"]
    commands: dict[str, list[str | Path]] = {
        OURS: [*module, "ingest", "import", "--bronze-root", bronze, source],
        VENDOR: [*module, "bench.vendor_parquet", source, vendor],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(args.repeat):
        # An import of what is there already would do nothing.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for name, command in commands.items():
            costs[name].append(run(command, folder=PROJECT, environment=session.environment))
    console.print(cost_table(costs, {"x vendor": VENDOR}))

    partition = bronze / "futures" / "mbp10" / "root=ES" / f"date={SESSION_DATE}"
    rows = pq.read_metadata(vendor).num_rows
    sizes = {
        OURS: sum(path.stat().st_size for path in partition.glob("*.parquet")),
        VENDOR: vendor.stat().st_size,
    }
    table = number_table("medians per million rows", "", "wall s", "CPU s", "MB written")
    for name, runs in costs.items():
        seconds = (median(cost.wall_s for cost in runs), median_cpu_s(runs))
        table.add_row(
            name, *(f"{s / rows * 1e6:.2f}" for s in seconds), f"{sizes[name] / rows:.1f}"
        )
    console.print(table)
    wrong = different_columns(partition, vendor)
    shutil.rmtree(scratch)
    if wrong:
        print(f"error: not the same records: {', '.join(wrong)} differ", file=sys.stderr)
        return 1
    console.print(f"the same {rows:,} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
