"""Read DBN files of single orders (MBO): what they land are their books as MBP-10, and trades."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from es_physics.bronze.feeds import FEED_BY_PATH, Feed
from ingest.columns import Records, to_batch
from ingest.dbn import DbnFile
from ingest.definitions import Definitions
from ingest.errors import InputError
from ingest.routing import widest_schema
from ingest.symbology import Kind

if TYPE_CHECKING:
    from ingest.order_book import OrderBooks

_ROW = np.dtype(dbn.MBP10Msg._dtypes)
_TRADES = FEED_BY_PATH["futures/trades"]
_ACTIONS = np.isin(np.arange(256), list(b"ACMRTFN"))


def open_dbn(path: Path, definitions: Definitions) -> DbnFile:
    """Open a DBN file by its schema. Raises what `DbnFile` and `MboFile` raise."""
    file = DbnFile(path, definitions)
    if file.schema != MboFile.SCHEMA:
        return file
    file.close()
    return MboFile(path, definitions)


class MboFile(DbnFile):
    """One DBN file of schema mbo: a `DbnFile` whose records are those of the books it builds.

    A file's books begin empty, whatever other files hold. What makes them doubtful is counted in
    the manifest's `book_faults`. Raises InputError where numba is missing.
    """

    SCHEMA = "mbo"
    # A record of 56 bytes becomes a row of 368.
    _chunk_bytes = 1 << 20

    def __init__(self, path: Path, definitions: Definitions) -> None:
        self._books = _order_books()
        super().__init__(path, definitions)

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"book_faults": self._books.faults}

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        yield from super().batches()
        faults = [
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in self._books.faults.items()
            if count
        ]
        if faults:
            self.remarks.append(
                f"its orders do not add up ({', '.join(faults)}); the books' rows have flag"
                " F_MAYBE_BAD_BOOK from there to the next clear"
            )

    def _routed(
        self, original: Records, records: Records, ts_recv: NDArray[np.int64]
    ) -> Iterator[tuple[Feed, pa.RecordBatch]]:
        actions = np.ascontiguousarray(records["action"]).view(np.uint8)
        if not _ACTIONS[actions].all():
            unknown = bytes(actions[~_ACTIONS[actions]][:1]).decode("latin-1")
            raise InputError(f"is corrupt: a record has action {unknown!r}; download it again")
        schema = widest_schema(self.schema)
        symbols, kinds = self._names(records, ts_recv)
        ours = kinds == Kind.FUTURES
        if not ours.all():
            others = to_batch(records[~ours], schema, symbols.filter(pa.array(~ours)))
            yield from self._router.route(others, kinds[~ours])
            records, symbols = records[ours], symbols.filter(pa.array(ours))
        rows, which = self._books.rows(records)
        batch = to_batch(rows.view(_ROW), schema, symbols.take(pa.array(which)))
        for feed, part in self._router.route(batch, np.full(len(rows), Kind.FUTURES, np.uint8)):
            if feed == _TRADES:
                # A trade is as certain as it is printed, whatever the book.
                flags = records["flags"][which[rows["action"] == b"T"]]
                position = part.schema.get_field_index("flags")
                part = part.set_column(position, part.schema.field(position), pa.array(flags))
            yield feed, part


def _order_books() -> OrderBooks:
    try:
        from ingest.order_book import OrderBooks
    except ImportError as error:
        raise InputError(
            "is mbo, whose books take the extra mbo: pip install 'es-physics[mbo]'"
        ) from error
    return OrderBooks()
