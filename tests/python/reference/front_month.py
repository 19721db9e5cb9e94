"""Which contract a session is about (definitions, section 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from reference.clock import SessionClock
from reference.constants import DEFAULTS, Constants

SESSIONS_SCHEMA = {
    "session_date": pl.Date,
    "has_rth": pl.Boolean,
    "front_month": pl.String,
    "dominance_ratio": pl.Float64,
    "runner_up_symbol": pl.String,
    "runner_up_ratio": pl.Float64,
    "contract_count": pl.Int64,
    "is_roll_contaminated": pl.Boolean,
    "causal_front_month": pl.String,
}

_MONTH_CODES = "FGHJKMNQUVXZ"
_OUTRIGHT_SYMBOL = re.compile(rf"ES([{_MONTH_CODES}])(\d{{1,2}})")
_NEVER = 2**63 - 1


def session_row(
    clock: SessionClock,
    trades: pl.DataFrame | None,
    definitions: pl.DataFrame | None,
    constants: Constants = DEFAULTS,
) -> pl.DataFrame:
    """The one row of `sessions`, by `SESSIONS_SCHEMA`.

    `trades` follow `TRADES_SCHEMA`, `definitions` have the Bronze columns; either is None where
    its partition is missing.
    """
    row: dict[str, object] = dict.fromkeys(SESSIONS_SCHEMA)
    row |= {"session_date": clock.session_date, "has_rth": clock.has_rth}
    # Never asked is unknown: without a trades partition even the count of contracts is NULL.
    if trades is not None:
        # The window of the volume is closed at both ends.
        volumes = _outright_volumes(
            trades, definitions, clock, clock.rth_start_ns, clock.event_end_ns
        )
        row["contract_count"] = len(volumes)
        if volumes:
            total = sum(volumes.values())
            ranking = list(volumes)
            dominance = volumes[ranking[0]] / total
            row["front_month"] = ranking[0]
            row["dominance_ratio"] = dominance
            row["is_roll_contaminated"] = dominance < constants.dominance_threshold
            if len(ranking) > 1:
                row["runner_up_symbol"] = ranking[1]
                row["runner_up_ratio"] = volumes[ranking[1]] / total
        # What could be known at the open: from the evening before up to, not including, 09:30.
        overnight = _outright_volumes(
            trades, definitions, clock, clock.session_start_ns, clock.rth_start_ns - 1
        )
        row["causal_front_month"] = next(iter(overnight), None)
    return pl.DataFrame([row], schema=SESSIONS_SCHEMA)


def _outright_volumes(
    trades: pl.DataFrame,
    definitions: pl.DataFrame | None,
    clock: SessionClock,
    first_ns: int,
    last_ns: int,
) -> dict[str, int]:
    """Contracts traded per outright symbol in [first_ns, last_ns], the front month first."""
    defined = None if definitions is None else _defined_outrights(definitions)
    volumes: dict[str, int] = {}
    expirations: dict[str, int] = {}
    for ts_ns, instrument_id, symbol, size in trades.select(
        "ts_ns", "instrument_id", "symbol", "size"
    ).iter_rows():
        if not first_ns <= ts_ns <= last_ns:
            continue
        expiration = _expiration(defined, instrument_id, symbol, clock)
        if expiration is None:
            continue
        volumes[symbol] = volumes.get(symbol, 0) + size
        expirations[symbol] = expiration
    # Largest volume first, an equal one by the earlier expiration.
    ranking = sorted(volumes, key=lambda name: (-volumes[name], expirations[name], name))
    return {name: volumes[name] for name in ranking if volumes[name] > 0}


def _expiration(
    defined: Mapping[int, int] | None, instrument_id: int, symbol: str, clock: SessionClock
) -> int | None:
    """Something that orders outrights by expiration; None for what is no outright."""
    if defined is not None:
        return defined.get(instrument_id)
    # Only where nobody asked for definitions does the text of the symbol decide.
    match = _OUTRIGHT_SYMBOL.fullmatch(symbol)
    if match is None:
        return None
    month, year_digits = _MONTH_CODES.index(match[1]), match[2]
    # The listed year: the first one from the session's on that ends in these digits.
    year = clock.session_date.year
    while not str(year).endswith(year_digits):
        year += 1
    return year * 12 + month


def _defined_outrights(definitions: pl.DataFrame) -> dict[int, int]:
    """Expiration (ns) per instrument id, of those whose latest definition is an outright."""
    latest: dict[int, tuple[str | None, str | None, int | None]] = {}
    for instrument_id, *definition in (
        definitions.sort("ts_recv", "row_nr")
        .select("instrument_id", "instrument_class", "user_defined_instrument", "expiration")
        .iter_rows()
    ):
        latest[instrument_id] = (definition[0], definition[1], definition[2])
    return {
        instrument_id: _NEVER if expiration is None else expiration
        for instrument_id, (kind, user_defined, expiration) in latest.items()
        if kind == "F" and user_defined != "Y"
    }
