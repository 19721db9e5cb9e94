"""`python -m bench.orders`: messages a second, from single orders (MBO) to the rows of their books.

Simulates a session's orders and reads their DBN file on one core: the books alone, from records in
memory, and all that the import does of them before it writes. Prints medians of processor time.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median

from databento import DBNStore

from bench.command import finish, machine, new_console, number_table, parser
from bench.measure import CommandError
from bench.session import SESSION_DATE
from es_physics.calendar import default_calendar
from ingest.definitions import Definitions
from ingest.inputs import open_input

_BOOK_ROWS = 1_000_000
_AT_ONCE = 37_000
"""Messages that the import gives to the books at once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 unless something fails, never for a timing."""
    given = parser("bench.orders", "Time the building of books from single orders.", 5)
    given.add_argument(
        "--book-rows",
        type=int,
        default=_BOOK_ROWS,
        metavar="N",
        help="of the session without orders; with them it has about three times as many"
        " (default: %(default)s)",
    )
    args = given.parse_args(arguments)
    return finish(lambda: _benchmark(args))


def _benchmark(args: argparse.Namespace) -> int:
    try:
        from ingest.order_book import OrderBooks
    except ImportError as error:
        raise CommandError("books of orders take the extra mbo: pip install numba") from error
    console = new_console()
    definitions = Definitions(args.cache / "no_bronze", default_calendar())
    source = _simulated(args.cache / f"orders_{args.book_rows}", args.book_rows)
    orders = DBNStore.from_file(source).to_ndarray()
    console.print(f"{source}: {len(orders):,} messages")
    console.print(machine(os.environ | {"ES_THREADS": "1"}))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])

    def books() -> None:
        made = OrderBooks()
        for start in range(0, len(orders), _AT_ONCE):
            made.rows(orders[start : start + _AT_ONCE])

    def file_to_arrow() -> None:
        with closing(open_input(source, definitions)) as file, closing(file.batches()) as batches:
            for _ in batches:
                pass

    table = number_table(
        f"processor time on one core, medians of {args.repeat}", "", "s", "million messages/s"
    )
    for name, work in (("books alone", books), ("file to Arrow batches", file_to_arrow)):
        seconds = median(_cpu_s(work) for _ in range(args.repeat))
        table.add_row(name, f"{seconds:.2f}", f"{len(orders) / seconds / 1e6:.2f}")
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    console.print(f"peak {peak:.2f} GB, of which {orders.nbytes / 1e9:.2f} GB are the messages")
    return 0


def _cpu_s(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _simulated(folder: Path, book_rows: int) -> Path:
    """The session's MBO file, simulated unless it is there."""
    from ingest.simulate.market import Market

    source = folder / f"ES.FUT.mbo.{SESSION_DATE}.dbn.zst"
    if not source.is_file():
        market = Market(7, book_rows, default_calendar().days, orders=True)
        market.write(date.fromisoformat(SESSION_DATE), folder)
    return source


if __name__ == "__main__":
    sys.exit(main())
