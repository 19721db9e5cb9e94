"""Hand-made records for the tests of the reference: trades, books, quotes, options.

The anchor T0 is 10:00 on an ordinary day, the level 6850; times of trades and books are given in
seconds before or after the anchor, those of options in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from reference.bars import Bar
from reference.book import BOOK_LEVELS, BOOK_SCHEMA, Book, contract_book
from reference.clock import MINUTE_NS, session_clock
from reference.kinematics import PriceHistory
from reference.options import NANO, QUOTES_SCHEMA, STATISTICS_SCHEMA
from reference.trades import TRADES_SCHEMA, Trade

DAY = date(2025, 12, 16)
CLOCK = session_clock(DAY)
S = 10**9
T0 = CLOCK.rth_start_ns + 30 * MINUTE_NS
CONTRACT = "ESH6"

Slot = tuple[float, int] | None
Row = tuple[int, str, int, Sequence[Slot], Sequence[Slot]]


def seconds(after_t0: float) -> int:
    """UTC nanoseconds of a time given in seconds from T0, which is exact to the millisecond."""
    return T0 + round(after_t0 * 1000) * (S // 1000)


def an_event(sign: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": "e",
        "event_ts_ns": T0,
        "level_kind": "PM_HIGH",
        "level_price": 6850.0,
        "dir_sign": sign,
        "spot": 6850.0,
        "atr": 2.0,
    } | changes


def trades(*rows: tuple[float, float, int, str]) -> list[Trade]:
    """Trades from (seconds after T0, price, size, side)."""
    return [Trade(seconds(after), price, size, side) for after, price, size, side in rows]


def row(
    after: float,
    bids: Sequence[Slot] = (),
    asks: Sequence[Slot] = (),
    action: str = "A",
    flags: int = 128,
) -> Row:
    """A book record with its levels as (price, size), None for a level without a price."""
    return seconds(after), action, flags, bids, asks


def book_frame(*rows: Row) -> pl.DataFrame:
    """Records in the order of their row numbers."""
    records = []
    for number, (ts_ns, action, flags, bids, asks) in enumerate(rows):
        record = {
            "ts_ns": ts_ns,
            "row_nr": number,
            "symbol": CONTRACT,
            "action": action,
            "flags": flags,
        }
        for side, slots in (("bid", bids), ("ask", asks)):
            for level in range(BOOK_LEVELS):
                slot = slots[level] if level < len(slots) else None
                # The vendor shows a level without a price with size 0.
                price, size = (None, 0) if slot is None else slot
                record |= {f"{side}_px_{level:02}": price, f"{side}_sz_{level:02}": size}
        records.append(record)
    return pl.DataFrame(records, schema=BOOK_SCHEMA)


def a_book(*rows: Row) -> Book:
    return contract_book(book_frame(*rows), CLOCK, CONTRACT)


NO_BOOK = contract_book(None, CLOCK, CONTRACT)


def bars(*rows: tuple[int, float]) -> list[Bar]:
    """One-minute bars from (end in minutes after T0, close)."""
    return [
        Bar(
            T0 + (end - 1) * MINUTE_NS,
            T0 + end * MINUTE_NS,
            (Trade(T0 + (end - 1) * MINUTE_NS, close, 1, "B"),),
        )
        for end, close in rows
    ]


# --- options -----------------------------------------------------------------------------------

EVENING = CLOCK.session_start_ns
OPEN = CLOCK.rth_start_ns
TAU = T0
"""The mark of 10:00."""
CLOSE = CLOCK.rth_end_ns
YEARS = 6 * 3600 / (365 * 86_400)
"""From 10:00 to 16:00."""


def option(number: int, strike: float, right: str, **changes: Any) -> dict[str, Any]:
    """A definition in Bronze columns."""
    return {
        "ts_recv": EVENING,
        "row_nr": number,
        "instrument_id": number,
        "symbol": f"O{number}",
        "instrument_class": right,
        "strike_price": round(strike * NANO),
        "expiration": CLOSE,
        "underlying": "ESH6",
        "unit_of_measure_qty": 50 * NANO,
        "user_defined_instrument": "N",
    } | changes


def definitions(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)


def quotes(*rows: tuple[int, int, float | None, float | None]) -> pl.DataFrame:
    """Quotes from (time, instrument, bid, ask), numbered as given."""

    def nano(price: float | None) -> int | None:
        return None if price is None else round(price * NANO)

    return pl.DataFrame(
        [(ts, row_nr, number, nano(b), nano(a)) for row_nr, (ts, number, b, a) in enumerate(rows)],
        schema=QUOTES_SCHEMA,
        orient="row",
    )


def option_trades(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Option trades from (time, instrument, size, side[, price]), numbered as given."""
    full = [(*row, 10.0)[:5] for row in rows]
    return pl.DataFrame(
        [
            (ts, row_nr, number, f"O{number}", price, size, side)
            for row_nr, (ts, number, size, side, price) in enumerate(full)
        ],
        schema=TRADES_SCHEMA,
        orient="row",
    )


def statistics(*rows: tuple[int, int, int | None], stat_type: int = 9) -> pl.DataFrame:
    """Statistics from (time, instrument, quantity), numbered as given."""
    return pl.DataFrame(
        [(ts, row_nr, number, stat_type, held) for row_nr, (ts, number, held) in enumerate(rows)],
        schema=STATISTICS_SCHEMA,
        orient="row",
    )


def prices(*rows: tuple[int, float]) -> PriceHistory:
    return PriceHistory([Trade(ts, price, 1, "B") for ts, price in rows])
