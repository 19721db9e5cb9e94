"""Read the vendor's CSV and Parquet: `to_csv`, `to_parquet` and batch files of `encoding=csv`.

Columns are known by name, in any order; more than are needed do no harm. Fixed-point fields may be
integers, decimals or doubles, times integers or ISO 8601. The schema is that of the record type
(column `rtype`), or, without it, the one that has such columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from es_physics.bronze.feeds import Feed
from es_physics.calendar import EARLIEST, LATEST, utc_midnight_ns
from es_physics.errors import first_line
from ingest.columns import UNDEFINED
from ingest.dbn import DBN_MAGIC
from ingest.definitions import Definitions
from ingest.errors import InputError, UnreadableError
from ingest.oddities import odd_texts, odd_times, remarks
from ingest.reader import Window
from ingest.routing import Router, refuse_unused, widest_schema
from ingest.symbology import kinds_of, kinds_of_definitions
from ingest.table_file import column_names, open_table
from ingest.vendor_columns import TIMES, WHOLE, bronze_column, is_fixed_point

_SCHEMAS = {0: "trades", 1: "mbp-1", 10: "mbp-10", 19: "definition", 24: "statistics", 160: "mbo"}
"""By record type, where its name is not the schema's. Those of `tbbo` are of `mbp-1`."""

_MARKS = {
    "bid_px_01": "mbp-10",
    "bid_px_00": "mbp-1",
    "stat_type": "statistics",
    "raw_symbol": "definition",
    "order_id": "mbo",
    "price": "trades",
}
"""The schema of a table without a record type: of the first of these columns that it has."""

_NOT_NEEDED = ("row_nr", "symbol", "trading_reference_price")
"""Assigned; looked up where it is not there; dropped from DBN version 3."""
_NOT_IN_BBO = ("action", "depth", "ts_in_delta")

_RTYPE = pa.field("rtype", pa.uint8())
_RAW_SYMBOL = pa.field("raw_symbol", pa.string())
_IF_THERE = (
    _RTYPE,
    pa.field("symbol", pa.string()),
    pa.field("trading_reference_price", pa.int64()),
)


def is_vendor_table(head: bytes, path: Path) -> bool:
    """Whether a file, which begins with these bytes, is a table of the vendor's market data."""
    if head.startswith(DBN_MAGIC):
        return False
    try:
        names = column_names(path)
    except UnreadableError:
        return False
    return "rtype" in names or "instrument_id" in names


class VendorTable:
    """One CSV or Parquet file of the vendor's: an `ingest.reader.Reader`.

    It does not say what was asked for, so it has no window and never means "there was nothing".
    Opening it raises UnreadableError if it is no table, UnusedError if no model uses what it holds,
    InputError if columns that are needed are missing.
    """

    window: Window | None = None
    claim: Window | None = None
    complete = False

    def __init__(self, path: Path, definitions: Definitions) -> None:
        self.path = path
        self.remarks: list[str] = []
        self._table = open_table(path)
        try:
            self._open(definitions)
        except BaseException:
            self._table.close()
            raise

    def _open(self, definitions: Definitions) -> None:
        self.schema = self._tell_schema()
        refuse_unused(self.schema)
        if self.schema == "mbo":
            raise InputError(
                "is mbo as a table, and books are built from DBN only; download it as DBN"
            )
        wanted = [field for field in widest_schema(self.schema) if field.name not in _NOT_NEEDED]
        if self.schema == "bbo-1s":
            wanted = [field for field in wanted if field.name not in _NOT_IN_BBO]
        if self.schema == "definition":
            wanted.append(_RAW_SYMBOL)
        names = self._table.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"has the columns {', '.join(twice)} more than once; export it again")
        if missing := [field.name for field in wanted if field.name not in names]:
            raise InputError(
                f"is {self.schema} without the columns {', '.join(missing)};"
                " export it with all its columns"
            )
        self._wanted = [*wanted, *(field for field in _IF_THERE if field.name in names)]
        self._router = Router(self.schema, definitions)
        self.feeds = self._router.feeds

    def _tell_schema(self) -> str:
        names = self._table.names
        schema = next((schema for name, schema in _MARKS.items() if name in names), "unknown")
        if "rtype" in names and len(types := self._table.head("rtype")):
            if (first := types[0].as_py()) in (None, ""):
                raise InputError("is corrupt: record 0 has no rtype; export it again")
            self._rtype = int(first)
            schema = _SCHEMAS.get(self._rtype) or _name_of(self._rtype)
        if schema == "mbp-1" and "action" in names:
            actions = self._table.head("action").unique().to_pylist()
            # Quotes that come with trades only, each from before its trade.
            schema = "tbbo" if actions == ["T"] else schema
        return schema

    @property
    def left_out(self) -> list[str]:
        """What was left out of the records read so far, and why."""
        return self._router.left_out

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._table.position

    def close(self) -> None:
        self._table.close()

    def describe(self) -> dict[str, Any]:
        """What a manifest records of this source beside its name, hash and rows."""
        unknown = ("dbn_version", "dataset", "stype_in", "start", "end")
        return {**dict.fromkeys(unknown), "schema": self.schema, "symbols": []}

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        """The records in file order, feed by feed: Bronze columns without `row_nr`.

        Raises InputError at the first batch with a value that its column cannot have.
        """
        done = 0
        odd: Counter[str] = Counter()
        for raw in self._table.batches(self._wanted):
            columns = {field.name: _converted(raw, field, done) for field in self._wanted}
            self._check(columns, done)
            odd.update(odd_texts(columns))
            times = (columns[name].fill_null(-1).to_numpy() for name in ("ts_event", "ts_recv"))
            odd.update(odd_times(*times))
            done += len(raw)
            batch, kinds = self._named(columns)
            yield from self._router.route(batch, kinds)
        self.remarks += remarks(odd, done)

    def _check(self, columns: dict[str, pa.Array], done: int) -> None:
        times = columns["ts_recv"].to_numpy()
        bad = (times < utc_midnight_ns(EARLIEST)) | (times >= utc_midnight_ns(LATEST))
        _refuse(bad, done, lambda at: f"has ts_recv {times[at]}, outside {EARLIEST} to {LATEST}")
        if "rtype" in columns:
            types = columns["rtype"].to_numpy()
            _refuse(
                types != self._rtype, done, lambda at: f"has type {types[at]}, the first another"
            )
        if self.schema == "tbbo":
            quotes = pc.not_equal(columns["action"], "T").to_numpy(zero_copy_only=False)
            _refuse(quotes, done, lambda _: "is no trade, and many before it are")

    def _named(self, columns: dict[str, pa.Array]) -> tuple[pa.RecordBatch, NDArray[np.uint8]]:
        """The batch in Bronze's columns, and the kind of each record's instrument."""
        count = len(columns["ts_recv"])
        fields = [field for field in widest_schema(self.schema) if field.name != "row_nr"]
        symbols = columns.get("symbol", pa.nulls(count, pa.string()))
        kinds = None
        if self.schema == "definition":
            symbols = columns["raw_symbol"]
        else:
            symbols, kinds = self._router.name(
                symbols,
                kinds_of(symbols),
                columns["instrument_id"].to_numpy(),
                columns["ts_recv"].to_numpy(),
            )
        columns = columns | {"symbol": symbols}
        batch = pa.RecordBatch.from_arrays(
            [columns.get(field.name, pa.nulls(count, field.type)) for field in fields],
            schema=pa.schema(fields),
        )
        return batch, kinds_of_definitions(batch) if kinds is None else kinds


def _name_of(rtype: int) -> str:
    try:
        return str(dbn.RType.from_int(rtype))
    except (ValueError, dbn.DBNError):
        return f"of record type {rtype}"


def _converted(raw: pa.RecordBatch, field: pa.Field, done: int) -> pa.Array:
    """The Bronze column of a field; without gaps where the format has no "undefined"."""
    try:
        values = bronze_column(raw.column(field.name), field)
    except (InputError, pa.ArrowException) as error:
        raise InputError(f"column {field.name} {first_line(error)}") from error
    if values.null_count and not _may_be_undefined(field):
        missing = values.is_null().to_numpy(zero_copy_only=False)
        _refuse(missing, done, lambda _: f"has no {field.name}")
    return values


def _may_be_undefined(field: pa.Field) -> bool:
    if field.name in TIMES:
        return field.name != "ts_recv"
    return field.type == pa.string() or is_fixed_point(field) or field.name in (*WHOLE, *UNDEFINED)


def _refuse(bad: NDArray[np.bool_], done: int, what: Callable[[int], str]) -> None:
    """Raise InputError for the first record that is bad. `what`: says so, given its index."""
    if bad.any():
        at = int(bad.argmax())
        raise InputError(f"is corrupt: record {done + at} {what(at)}; export it again")
