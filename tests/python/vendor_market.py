"""What the loopback vendor has to sell: a few simulated ES dates and a small 0DTE option chain."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import databento_dbn as dbn
import numpy as np
import zstandard
from dbn_files import UNDEF_PRICE, definitions, dtype, new_york, records

from es_physics.calendar import default_calendar
from ingest.simulate.market import Market

FIRST, DAY = date(2025, 12, 11), date(2025, 12, 16)
TRADE_DATES = [date(2025, 12, day) for day in (11, 12, 15, 16)]
PARENT = "E3B.OPT"
"""Under which the third Tuesday's options lie."""

STRIKES = [6780 + 5 * step for step in range(10)]
CHAIN = [f"E3BZ5 {right}{strike}" for strike in STRIKES for right in "CP"]
OTHERS = ["E3BF6 C6800", "UD:1V: VT 2558973"]
"""Under the same parent: one that expires later, and a user-defined spread."""

_SECOND = 10**9


@dataclass(frozen=True)
class Instrument:
    """What the vendor lists: a raw symbol, and the parent it lies under."""

    symbol: str
    parent: str


@dataclass
class Stock:
    """Records by DBN schema, sorted by ts_recv, and the instruments by id."""

    instruments: dict[int, Instrument]
    records: dict[str, Any]


def make_stock(folder: Path) -> Stock:
    """Futures of `TRADE_DATES`, and the options of `DAY`."""
    market = Market(7, 10_000, default_calendar().days)
    instruments: dict[int, Instrument] = {}
    parts: dict[str, list[Any]] = {}
    for day in TRADE_DATES:
        for path in market.write(day, folder).paths:
            if path.suffix == ".zst":
                schema, rows = _read(path, instruments)
                parts.setdefault(schema, []).append(rows)
    for schema, rows in _options(instruments).items():
        parts.setdefault(schema, []).append(rows)
    return Stock(instruments, {schema: _in_order(parts[schema]) for schema in parts})


def _in_order(parts: list[Any]) -> Any:
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["ts_recv"], kind="stable")]


def _read(path: Path, instruments: dict[int, Instrument]) -> tuple[str, Any]:
    with path.open("rb") as file:
        raw = zstandard.ZstdDecompressor().stream_reader(file).read()
    stream = io.BytesIO(raw)
    metadata = dbn.Metadata.decode(raw)
    stream.seek(8 + int.from_bytes(raw[4:8], "little"))
    for symbol, intervals in metadata.mappings.items():
        for interval in intervals:
            instruments[int(interval["symbol"])] = Instrument(symbol, "ES.FUT")
    schema = str(metadata.schema)
    return schema, np.frombuffer(stream.read(), dtype(schema))


def _options(instruments: dict[int, Instrument]) -> dict[str, Any]:
    """Definitions, trades, quotes and open interest of the chain and its neighbours."""
    symbols = [*CHAIN, *OTHERS]
    ids = np.arange(42_000, 42_000 + len(symbols))
    instruments |= {
        int(number): Instrument(symbol, PARENT) for number, symbol in zip(ids, symbols, strict=True)
    }
    evening = new_york(f"{DAY - timedelta(days=1)} 18:00")
    opening = new_york(f"{DAY} 09:30")
    definition = definitions(
        evening + 3600 * _SECOND + 1000 * np.arange(len(symbols)),
        instrument_id=ids,
        raw_symbol=[symbol.encode() for symbol in symbols],
        instrument_class=[
            symbol.split()[1][:1].encode() if symbol[0] == "E" else b"T" for symbol in symbols
        ],
        group=b"EW",
        underlying=b"ESZ5",
        strike_price=[
            int(symbol.split()[1][1:]) * 10**9 if symbol[0] == "E" else UNDEF_PRICE
            for symbol in symbols
        ],
        expiration=[
            new_york(f"{DAY} 16:00" if symbol in CHAIN else "2026-01-20 16:00")
            for symbol in symbols
        ],
        user_defined_instrument=[b"Y" if symbol[0] == "U" else b"N" for symbol in symbols],
    )
    rng = np.random.default_rng(1)
    trades = records(
        "trades",
        np.sort(rng.choice(np.arange(evening, opening + 7200 * _SECOND, _SECOND), 400)),
        instrument_id=rng.choice(ids, 400),
        price=rng.integers(4, 200, 400) * 250_000_000,
        size=rng.integers(1, 20, 400),
        action=b"T",
        side=rng.choice([b"A", b"B"], 400),
        sequence=np.arange(400),
    )
    bids = rng.integers(4, 200, 2000) * 250_000_000
    quotes = records(
        "mbp-1",
        np.sort(rng.choice(np.arange(evening, opening + 20_000 * _SECOND, _SECOND), 2000)),
        instrument_id=rng.choice(ids, 2000),
        action=b"A",
        side=b"B",
        bid_px_00=bids,
        ask_px_00=bids + 250_000_000,
        bid_sz_00=5,
        ask_sz_00=7,
        sequence=np.arange(2000),
    )
    interest = records(
        "statistics",
        evening + 7200 * _SECOND + 1000 * np.arange(len(ids)),
        instrument_id=ids,
        stat_type=9,
        quantity=100 + np.arange(len(ids)),
        price=UNDEF_PRICE,
        ts_ref=evening,
        update_action=1,
    )
    return {"definition": definition, "trades": trades, "mbp-1": quotes, "statistics": interest}
