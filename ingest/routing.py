"""Which feed each record of a file goes to: by what its instrument is, never by the file's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from es_physics.bronze.feeds import DATASET, FEEDS, ROOT_SYMBOL, Feed
from es_physics.calendar import utc_date
from ingest.definitions import Definitions
from ingest.errors import InputError, UnusedError
from ingest.symbology import Kind, kind_of, kind_of_request

_KINDS = {"futures": Kind.FUTURES, "options": Kind.OPTIONS}
_NAMED = 3
"""So many symbols are named where records are left out."""

_TRADE = "T"


def kind_of_feed(feed: Feed) -> Kind:
    """Whether a feed of the vendor's is of futures or of options."""
    return _KINDS[feed.path.split("/")[0]]


def feeds_of_schema(schema: str) -> dict[Kind, Feed]:
    """The feeds whose records are a DBN schema's, by the kind of instrument."""
    return {kind_of_feed(feed): feed for feed in FEEDS if schema in feed.dbn_schemas}


def trades_of_schema(schema: str) -> dict[Kind, Feed]:
    """The feeds that a DBN schema's trades are good for where there is nothing better."""
    return {kind_of_feed(feed): feed for feed in FEEDS if schema in feed.trades_of}


def widest_schema(schema: str) -> pa.Schema:
    """The columns of every feed that a DBN schema can fill."""
    feeds = (*feeds_of_schema(schema).values(), *trades_of_schema(schema).values())
    return max((feed.schema for feed in feeds), key=len)


def refuse_unused(schema: str, dataset: str | None = None) -> None:
    """Raise UnusedError for a schema or dataset (None: not known) that the models do not use."""
    if dataset not in (None, DATASET):
        raise UnusedError(f"{dataset}, and the models use {DATASET} only")
    if not feeds_of_schema(schema) and not trades_of_schema(schema):
        raise UnusedError(f"schema {schema}, which the models do not use")


class Router:
    """Sends the records of one file to their feeds, and keeps count of those that have none.

    schema:    the DBN schema of the records.
    requested: the symbols that the file was asked for; None if it does not say.
    mapped:    all raw symbols of its mappings, if it has any.

    feeds: those that the request is about. Raises UnusedError if it is about none.
    """

    def __init__(
        self,
        schema: str,
        definitions: Definitions,
        requested: Iterable[str] | None = None,
        mapped: Iterable[str] = (),
    ) -> None:
        self._schema, self._definitions = schema, definitions
        self._records, self._trades = feeds_of_schema(schema), trades_of_schema(schema)
        asked_for = list(requested or ())
        # Of everything, or of all that there is: nobody has the definitions of other products.
        self._is_everything = requested is not None and asked_for in ([], ["ALL_SYMBOLS"])
        kinds_asked = set(map(kind_of_request, asked_for))
        kinds = (kinds_asked | set(map(kind_of, mapped))) - {Kind.UNNAMED}
        # What traders made up is of the products that were asked for, or that are in the file.
        self._made_up_are_es = requested is None or (
            bool(asked_for) and kinds_asked <= {Kind.FUTURES, Kind.OPTIONS}
        )
        self._has_taken_made_up_for_es = False
        self._says_request = requested is not None
        self._left_out: dict[str, tuple[int, set[str]]] = {}
        self.feeds = [feed for kind, feed in self._records.items() if kind in kinds]
        if kinds and not kinds & {Kind.USER_DEFINED, *self._records, *self._trades}:
            if kinds == {Kind.OTHER}:
                named = sorted(mapped) if self._is_everything else asked_for
                raise UnusedError(f"{_names(named)}, not {ROOT_SYMBOL}")
            ours = " and ".join(kind.name.lower() for kind in sorted(kinds - {Kind.OTHER}))
            raise UnusedError(f"{schema} of {ours}, which no model uses")

    def name(
        self,
        symbols: pa.Array,
        kinds: NDArray[np.uint8],
        instrument_id: NDArray[np.uint32],
        ts_recv: NDArray[np.int64],
    ) -> tuple[pa.Array, NDArray[np.uint8]]:
        """Each record's raw symbol and kind, by definitions where the file does not say.

        symbols, kinds: what the file calls the instruments, and `kinds_of` these. Raises
        InputError for a record that stays without a name and might be one of ours.
        """
        rows = np.flatnonzero(kinds >= Kind.USER_DEFINED)
        if not rows.size:
            return symbols, kinds
        kinds = kinds.copy()
        names = np.array(symbols.take(pa.array(rows)).to_pylist(), object)
        defined, kinds_defined = self._definitions.lookup(instrument_id[rows], ts_recv[rows])
        is_made_up, is_defined = kinds[rows] == Kind.USER_DEFINED, kinds_defined != Kind.UNNAMED
        kinds[rows[is_defined]] = kinds_defined[is_defined]
        renamed = is_defined & ~is_made_up
        names[renamed] = np.array(defined.to_pylist(), object)[renamed]
        if (unknown := rows[is_made_up & ~is_defined]).size and self._made_up_are_es:
            self._has_taken_made_up_for_es = True
            kinds[unknown] = Kind.OPTIONS
        is_nameless = ~is_made_up & ~is_defined
        if (nameless := rows[is_nameless]).size:
            if not (self._is_everything and self._definitions.are_at_hand(ts_recv[nameless])):
                at = nameless[0]
                called = names[is_nameless][0]
                raise InputError(_unnamed(instrument_id[at], int(ts_recv[at]), called))
            names[is_nameless] = [f"instrument {number}" for number in instrument_id[nameless]]
        is_asked = np.zeros(len(symbols), bool)
        is_asked[rows] = True
        named = pc.replace_with_mask(symbols, pa.array(is_asked), pa.array(names, pa.string()))
        return named, kinds

    def route(
        self, batch: pa.RecordBatch, kinds: NDArray[np.uint8]
    ) -> Iterator[tuple[Feed, pa.RecordBatch]]:
        """The batch's records by feed; at least one record each.

        batch: all columns of every feed that the schema can fill, but `row_nr`. kinds: as `name`
        settles them. Raises InputError where a file that does not say what it was asked for has
        both other products and made-up instruments without a definition.
        """
        for kind in map(Kind, np.unique(kinds)):
            here = kinds == kind
            of_kind = batch if here.all() else batch.filter(pa.array(here))
            records, trades = self._records.get(kind), self._trades.get(kind)
            if records:
                columns = _columns(of_kind, records)
                yield records, _as_trades(columns) if self._schema == "tbbo" else columns
            if trades:
                is_trade = pc.equal(of_kind.column("action"), _TRADE).fill_null(False)
                prints = _columns(of_kind, trades).filter(is_trade)
                if prints.num_rows:
                    yield trades, _as_trades(prints)
                if not records and prints.num_rows < of_kind.num_rows:
                    self._leave_out(kind, of_kind.filter(pc.invert(is_trade)).column("symbol"))
            elif not records:
                self._leave_out(kind, of_kind.column("symbol"))

    def _leave_out(self, kind: Kind, symbols: pa.Array) -> None:
        if kind is Kind.OTHER and self._has_taken_made_up_for_es and not self._says_request:
            raise InputError(
                f"holds {symbols[0].as_py()!r} beside user-defined instruments that may be of"
                " either product; import it together with the definitions of its dates"
            )
        self._made_up_are_es &= kind is not Kind.OTHER or self._says_request
        count, names = self._left_out.get(why := self._why(kind), (0, set()))
        names.update(symbols.unique().to_pylist())
        self._left_out[why] = count + len(symbols), names

    def _why(self, kind: Kind) -> str:
        match kind:
            case Kind.OTHER:
                return f"that are not {ROOT_SYMBOL}"
            case Kind.USER_DEFINED | Kind.UNNAMED:
                return f"of instruments that no definition at hand knows as {ROOT_SYMBOL}"
            case _ if kind in self._trades:
                return f"of {kind.name.lower()} that are no trades: no model uses {self._schema}"
        return f"of {kind.name.lower()}: no model uses {self._schema}"

    @property
    def left_out(self) -> list[str]:
        """A clause for each reason why records were left out, with their number and symbols."""
        return [
            f"{count:,} records {why} ({_names(sorted(names))})"
            for why, (count, names) in self._left_out.items()
        ]


def _columns(batch: pa.RecordBatch, feed: Feed) -> pa.RecordBatch:
    names = [name for name in feed.schema.names if name != "row_nr"]
    return batch if batch.schema.names == names else batch.select(names)


def _as_trades(prints: pa.RecordBatch) -> pa.RecordBatch:
    """Trade records of a schema with a book as those of the trades schema, whose depth is 0."""
    position = prints.schema.get_field_index("depth")
    field = prints.schema.field(position)
    return prints.set_column(position, field, pa.array(np.zeros(len(prints)), field.type))


def _names(symbols: list[str]) -> str:
    named = ", ".join(map(repr, symbols[:_NAMED]))
    more = len(symbols) - _NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _unnamed(instrument_id: int, ts_recv: int, called: str | None) -> str:
    day = utc_date(ts_recv)
    name = "the file does not say what it is"
    if called:
        name = f"the file maps it to {called!r}, which is no raw symbol"
    return (
        f"unmapped symbol: instrument {instrument_id} on {day}: {name}, and no definition of that"
        f" date is at hand; get schema definition of {ROOT_SYMBOL}.FUT (of options: of their"
        " parents) for that date and import both together"
    )
