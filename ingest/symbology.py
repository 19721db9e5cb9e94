"""From the vendor's instrument ids to raw symbols, and from symbols to the kind of instrument."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
from databento_dbn import Metadata, SType
from numpy.typing import NDArray

from es_physics.bronze.feeds import ROOT_SYMBOL
from es_physics.calendar import DAY_NS
from ingest.errors import InputError


class Kind(IntEnum):
    """What a symbol, or an instrument, is to the models."""

    OTHER = 0
    """Of another product."""
    FUTURES = 1
    """ES futures and their spreads."""
    OPTIONS = 2
    """Options on ES futures."""
    USER_DEFINED = 3
    """A strategy that a trader made up (`UD:1V: VT 2558973`): its symbol does not say of what."""
    UNNAMED = 4
    """No raw symbol: none at all, an id, or a rule such as `ES.v.0`."""


_EXPIRY = r"[FGHJKMNQUVXZ]\d{1,2}"
_FUTURE = rf"{ROOT_SYMBOL}{_EXPIRY}"

# A spread names its legs (ESZ5-ESH6), or the kind of it and what it is of (ES:BF Z5-H6-M6).
_FUTURES = re.compile(rf"{_FUTURE}(-{_FUTURE})*|{ROOT_SYMBOL}:[A-Z0-9]{{2}} [A-Z0-9 -]+")

# The exchange lists options on the future under a root per week of the month and weekday (E3A the
# third Monday, EW3 the third Friday), month's end (EW) and quarter (ES at the open, EYC after the
# close). No other product of the dataset has these roots.
_OPTION_ROOT = rf"(?:{ROOT_SYMBOL}|EYC|EW[1-5]?|E[1-5][A-E])"
_OPTIONS = re.compile(rf"{_OPTION_ROOT}{_EXPIRY} [CP]-?\d+(\.\d+)?")
_OPTION_ROOTS = re.compile(_OPTION_ROOT)

# Parents (ES.FUT) and continuous contracts (ES.c.0) name a rule, not an instrument.
_RULE = re.compile(r"(?P<root>.*)\.(?P<what>FUT|OPT|[a-z]\.\d+)")


@lru_cache(maxsize=1 << 16)
def kind_of(symbol: str) -> Kind:
    """The kind of instrument that a raw symbol names."""
    if _FUTURES.fullmatch(symbol):
        return Kind.FUTURES
    if _OPTIONS.fullmatch(symbol):
        return Kind.OPTIONS
    if symbol.startswith("UD:"):
        return Kind.USER_DEFINED
    return Kind.UNNAMED if not symbol or is_rule(symbol) else Kind.OTHER


def is_rule(symbol: str) -> bool:
    """Whether it is what a request may name in place of a raw symbol: an id, ES.FUT, ES.v.0."""
    return symbol.isdigit() or _RULE.fullmatch(symbol) is not None


def kind_of_request(symbol: str) -> Kind:
    """The kind of instrument that a requested symbol asks for; UNNAMED if it does not say."""
    if symbol == "ALL_SYMBOLS":
        return Kind.UNNAMED
    if not (rule := _RULE.fullmatch(symbol)):
        return kind_of(symbol)
    if rule["what"] == "OPT":
        return Kind.OPTIONS if is_option_root(rule["root"]) else Kind.OTHER
    return Kind.FUTURES if rule["root"] == ROOT_SYMBOL else Kind.OTHER


def is_option_root(text: str) -> bool:
    """Whether it is a root under which options on ES futures are listed."""
    return _OPTION_ROOTS.fullmatch(text) is not None


def kinds_of(symbols: pa.Array) -> NDArray[np.uint8]:
    """The kind of each raw symbol, NULL being UNNAMED."""
    codes = symbols.dictionary_encode(null_encoding="encode")
    kinds = [kind_of(symbol or "") for symbol in codes.dictionary.to_pylist()]
    return np.array(kinds, np.uint8)[codes.indices.to_numpy()]


def kinds_of_definitions(batch: pa.RecordBatch) -> NDArray[np.uint8]:
    """The kind of each instrument that a batch of definitions, in Bronze's columns, defines.

    By its raw symbol, where that agrees with its class and underlying; what a trader made up by
    its underlying, asset or group. Raises InputError for a definition without a raw symbol.
    """
    symbols = batch.column("symbol")
    if symbols.null_count:
        at = symbols.is_null().to_numpy(zero_copy_only=False).argmax()
        instrument_id = batch.column("instrument_id")[int(at)]
        raise InputError(f"unmapped symbol: definition of id {instrument_id} has no raw_symbol")
    kinds = kinds_of(symbols)
    is_future = _where(batch, "instrument_class", lambda text: text in ("F", "S"))
    is_on_future = _where(batch, "underlying", lambda text: kind_of(text) is Kind.FUTURES)
    is_ours = is_on_future | _where(batch, "asset", is_option_root)
    is_ours |= _where(batch, "group", is_option_root)
    has_underlying = _where(batch, "underlying", bool)
    kinds = np.where(
        kinds == Kind.USER_DEFINED, np.where(is_ours, Kind.OPTIONS, Kind.OTHER), kinds
    ).astype(np.uint8)
    is_option = ~is_future & (kinds == Kind.OPTIONS) & (is_on_future | ~has_underlying)
    kinds[~is_option & ~(is_future & (kinds == Kind.FUTURES))] = Kind.OTHER
    return kinds


def _where(batch: pa.RecordBatch, name: str, is_it: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Where a text column, NULL being empty, is so; asked once for each text that occurs."""
    codes = batch.column(name).dictionary_encode(null_encoding="encode")
    answers = np.array([is_it(text or "") for text in codes.dictionary.to_pylist()], bool)
    return answers[codes.indices.to_numpy()]


def _epoch_day(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


class SymbolMap:
    """What an instrument id is called on a UTC date, by a DBN file's metadata.

    `symbols` holds one entry per mapping interval and `kinds` its kind, UNNAMED where it is mapped
    to no raw symbol; both end with an entry for what is not mapped at all, NULL. `days` are the
    first UTC date that has a mapping and the day after the last; None without any. Both directions
    are understood: symbol to id, as requests by raw symbol or parent give, and id to raw symbol.
    `contradiction`: that an instrument has two raw symbols on a date, in words; None if none has.
    """

    def __init__(self, metadata: Metadata) -> None:
        ids_to_symbols = metadata.stype_out == SType.RAW_SYMBOL
        rows: list[tuple[int, int, int, str]] = []
        for key, intervals in metadata.mappings.items():
            for interval in intervals:
                value = interval["symbol"]
                symbol, instrument = (value, key) if ids_to_symbols else (key, value)
                if symbol and instrument.isdigit():
                    first, end = interval["start_date"], interval["end_date"]
                    rows.append((int(instrument), _epoch_day(first), _epoch_day(end), symbol))
        # Of two names of an id on a date the raw one counts, and comes last.
        rows.sort(key=lambda row: (row[0], row[1], not is_rule(row[3]), row))
        names = [row[3] for row in rows]
        self.contradiction = _contradiction(rows)
        bounds = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
        self._keys = bounds[:, 0] << 32 | bounds[:, 1]
        self._ids, self._end_days = bounds[:, 0], bounds[:, 2]
        self.symbols = pa.array([*names, None], pa.string())
        self.kinds = np.array([*map(kind_of, names), Kind.UNNAMED], np.uint8)
        self.days = (int(bounds[:, 1].min()), int(bounds[:, 2].max())) if rows else None

    def lookup(
        self, instrument_id: NDArray[np.uint32], ts_recv: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The index into `symbols` for each record; its last where the id has none on that date."""
        unmapped = len(self._keys)
        if not unmapped:
            return np.zeros(instrument_id.shape, np.int64)
        ids, days = instrument_id.astype(np.int64), ts_recv // DAY_NS
        found = np.searchsorted(self._keys, ids << 32 | days, side="right") - 1
        known = (found >= 0) & (self._ids[found] == ids) & (days < self._end_days[found])
        return np.where(known, found, unmapped)


def _contradiction(rows: list[tuple[int, int, int, str]]) -> str | None:
    """Of (instrument, first day, day after the last, symbol) in order: two that cannot both be."""
    raw = [row for row in rows if not is_rule(row[3])]
    for one, other in pairwise(raw):
        if one[0] == other[0] and other[1] < one[2] and one[3] != other[3]:
            return f"it calls instrument {one[0]} both {one[3]!r} and {other[3]!r} on one date"
    return None
