"""From the vendor's instrument ids to raw symbols, and from symbols to futures or options."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
from databento_dbn import Metadata, SType
from numpy.typing import NDArray

from es_physics.bronze.feeds import ROOT_SYMBOL
from es_physics.calendar import DAY_NS

Kind = Literal["futures", "options", "other"]

_OPTION = re.compile(r"^UD:| [CP]-?\d|\.OPT$")
_FUTURE = re.compile(rf"^{ROOT_SYMBOL}([FGHJKMNQUVXZ]\d|\.)")
# Parents (ES.FUT) and continuous contracts (ES.c.0) name a rule, not an instrument.
_NOT_RAW = re.compile(r"\.(FUT|OPT|[a-z]\.\d+)$")


def _epoch_day(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def kind_of(symbol: str) -> Kind:
    """Whether a raw or parent symbol names ES futures (spreads too), options, or something else.

    An option's symbol has a space, C or P, and a strike ("E3AZ5 C6800"), or starts with "UD:"
    (user-defined); a future's starts with ES and a month code ("ESZ5", "ESZ5-ESH6").
    """
    if _OPTION.search(symbol):
        return "options"
    return "futures" if _FUTURE.match(symbol) else "other"


def requested_kinds(metadata: Metadata, mapped: Iterable[str] = ()) -> set[Kind]:
    """The kinds of instrument a file was asked for, by its requested and its mapped symbols.

    Requests by instrument id, or for everything, say nothing by themselves.
    """
    requested = (s for s in metadata.symbols if not s.isdigit() and s != "ALL_SYMBOLS")
    return {kind_of(symbol) for symbol in (*requested, *mapped)}


class SymbolMap:
    """Which raw symbol an instrument id stands for on a UTC date, by a DBN file's metadata.

    `symbols` holds one entry per mapping interval; `is_option` and `is_other` are flags in step
    with it. Both directions are understood: symbol to id, as requests by raw symbol or parent
    give, and id to raw symbol.
    """

    def __init__(self, metadata: Metadata) -> None:
        ids_to_symbols = metadata.stype_out == SType.RAW_SYMBOL
        rows: list[tuple[int, int, int, str]] = []
        not_raw: dict[int, str] = {}
        for key, intervals in metadata.mappings.items():
            for interval in intervals:
                value = interval["symbol"]
                symbol, instrument = (value, key) if ids_to_symbols else (key, value)
                if not symbol or not instrument.isdigit():
                    continue
                if symbol.isdigit() or _NOT_RAW.search(symbol):
                    not_raw[int(instrument)] = symbol
                    continue
                first, end = interval["start_date"], interval["end_date"]
                rows.append((int(instrument), _epoch_day(first), _epoch_day(end), symbol))
        rows.sort()
        names = [row[3] for row in rows]
        bounds = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
        self._keys = bounds[:, 0] << 32 | bounds[:, 1]
        self._ids, self._end_days = bounds[:, 0], bounds[:, 2]
        self._not_raw = not_raw
        self.symbols = pa.array(names, pa.string())
        self.is_option = np.array([kind_of(name) == "options" for name in names], bool)
        self.is_other = np.array([kind_of(name) == "other" for name in names], bool)

    def lookup(
        self, instrument_id: NDArray[np.uint32], ts_recv: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The index into `symbols` for each record, -1 where the id has no symbol on that date."""
        if not self._keys.size:
            return np.full(instrument_id.shape, -1, np.int64)
        ids, days = instrument_id.astype(np.int64), ts_recv // DAY_NS
        found = np.searchsorted(self._keys, ids << 32 | days, side="right") - 1
        known = (found >= 0) & (self._ids[found] == ids) & (days < self._end_days[found])
        return np.where(known, found, -1)

    def explain_missing(self, instrument_id: int) -> str:
        """What the metadata has instead of a raw symbol for that id, as a clause for an error."""
        if instrument_id in self._not_raw:
            return f"the file maps it to {self._not_raw[instrument_id]!r}, which is no raw symbol"
        return "the file's symbol mappings do not have it on that date"
