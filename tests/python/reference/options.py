"""The options that expire on the session date and what is known of each (section 7)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from reference.clock import NEW_YORK, SECOND_NS, SessionClock

QUOTES_SCHEMA = pl.Schema(
    {
        "ts_ns": pl.Int64,
        "row_nr": pl.Int64,
        "instrument_id": pl.Int64,
        "bid_nano": pl.Int64,
        "ask_nano": pl.Int64,
    }
)
"""A quotes frame, one row per nbbo record: prices as integers of 1e-9 points; rows in any order."""

STATISTICS_SCHEMA = pl.Schema(
    {
        "ts_ns": pl.Int64,
        "row_nr": pl.Int64,
        "instrument_id": pl.Int64,
        "stat_type": pl.Int64,
        "quantity": pl.Int64,
    }
)
"""A statistics frame, one row per record; rows in any order."""

OPEN_INTEREST = 9
"""The vendor's `stat_type` of open interest."""

NANO = 10**9

T = TypeVar("T")


class Option(NamedTuple):
    """One instrument of the chain: strike in 1e-9 points, expiration in UTC nanoseconds.

    `right` is C or P, `multiplier` USD per point.
    """

    instrument_id: int
    symbol: str
    underlying: str | None
    expiration: int
    strike_nano: int
    right: str
    multiplier: float | None


class Quote(NamedTuple):
    """A best bid and offer, integers of 1e-9 points."""

    bid_nano: int | None
    ask_nano: int | None


class LastKnown(Generic[T]):
    """What was last said at or before a time, of values in order."""

    def __init__(self, values: Sequence[tuple[int, T]]) -> None:
        self._values = values

    @property
    def first_ns(self) -> int | None:
        """When something was first said; None for never."""
        return self._values[0][0] if self._values else None

    def at(self, ts_ns: int) -> tuple[int, T] | None:
        """The time and the value itself; None where nothing has been said yet."""
        said = bisect_right(self._values, ts_ns, key=lambda value: value[0])
        return self._values[said - 1] if said else None


class QuoteHistory:
    """The quotes of one instrument as arrays, in order: millions of them in a session.

    `doubled_mid_nano` (bid plus ask, 1e-9 points) counts where `is_two_sided`: both sides are
    known and the bid is above 0.
    """

    def __init__(self, quotes: pl.DataFrame) -> None:
        self.ts_ns = quotes["ts_ns"].to_numpy()
        self._sides = quotes.select("bid_nano", "ask_nano")
        bid, ask = quotes["bid_nano"], quotes["ask_nano"]
        self.is_two_sided = ((bid.fill_null(0) > 0) & ask.is_not_null()).to_numpy()
        self.doubled_mid_nano = (bid.fill_null(0) + ask.fill_null(0)).to_numpy()

    def at(self, ts_ns: int) -> tuple[int, Quote] | None:
        """The time and the quote last given at or before a time; None where there is none yet."""
        given = int(np.searchsorted(self.ts_ns, ts_ns, side="right"))
        if given == 0:
            return None
        return int(self.ts_ns[given - 1]), Quote(*self._sides.row(given - 1))


@dataclass(frozen=True)
class Chain:
    """The session's options and, by instrument id, what is known of each as time goes by.

    `customer_net` is what customers bought less what they sold since the trade date began,
    contracts; None where the option trades were never asked for.
    """

    options: Sequence[Option]
    quotes: Mapping[int, QuoteHistory]
    open_interest: Mapping[int, LastKnown[int]]
    customer_net: Mapping[int, LastKnown[int]] | None

    def is_open_interest_known(self, ts_ns: int) -> bool:
        """Whether that of any option has been reported, so that none means 0 for the others."""
        return self._first_report_ns is not None and self._first_report_ns <= ts_ns

    @cached_property
    def _first_report_ns(self) -> int | None:
        firsts = (history.first_ns for history in self.open_interest.values())
        return min((first for first in firsts if first is not None), default=None)

    def newest_source(self, ts_ns: int) -> int | None:
        """Time of the newest record of any option at or before `ts_ns`; None where there is none.

        Statistics other than a known open interest do not count.
        """
        feeds: tuple[Mapping[int, QuoteHistory | LastKnown[int]], ...] = (
            self.quotes,
            self.open_interest,
            self.customer_net or {},
        )
        known = (history.at(ts_ns) for feed in feeds for history in feed.values())
        return max((record[0] for record in known if record is not None), default=None)


def make_chain(
    clock: SessionClock,
    definitions: pl.DataFrame | None,
    quotes: pl.DataFrame | None = None,
    trades: pl.DataFrame | None = None,
    statistics: pl.DataFrame | None = None,
) -> Chain:
    """The chain, from frames that are None where their partition is missing.

    Args:
        clock: the session's clock.
        definitions: options definitions, Bronze columns.
        quotes: by `QUOTES_SCHEMA`; the partition's first row counts already.
        trades: by `TRADES_SCHEMA`; they count from the trade date's start on.
        statistics: by `STATISTICS_SCHEMA`; the partition's first row counts already.
    """
    options = [] if definitions is None else expiring_options(definitions, clock)

    quoted = (
        {}
        if quotes is None
        else quotes.sort("ts_ns", "row_nr").partition_by(
            "instrument_id", as_dict=True, include_key=False
        )
    )
    no_quotes = pl.DataFrame(schema=QUOTES_SCHEMA)

    open_interest = []
    if statistics is not None:
        open_interest = (
            statistics.filter(
                pl.col("stat_type") == OPEN_INTEREST, pl.col("quantity").is_not_null()
            )
            .sort("ts_ns", "row_nr")
            .select("instrument_id", "ts_ns", "quantity")
            .rows()
        )

    customer_net = None
    if trades is not None:
        net: dict[int, int] = {}
        running = []
        of_trade_date = trades.filter(pl.col("ts_ns") >= clock.session_start_ns)
        for number, ts_ns, size, side in (
            of_trade_date.sort("ts_ns", "row_nr")
            .select("instrument_id", "ts_ns", "size", "side")
            .iter_rows()
        ):
            # A trade whose aggressor is unknown moves nothing.
            signed = {"B": size, "A": -size}.get(side, 0)
            net[number] = net.get(number, 0) + signed
            running.append((number, ts_ns, net[number]))
        customer_net = _histories(options, running)

    return Chain(
        options,
        {
            option.instrument_id: QuoteHistory(quoted.get((option.instrument_id,), no_quotes))
            for option in options
        },
        _histories(options, open_interest),
        customer_net,
    )


def expiring_options(definitions: pl.DataFrame, clock: SessionClock) -> list[Option]:
    """Calls and puts whose latest definition expires on the session date, New York, by id.

    The session date decides, not a time of the day: the AM series are among them.
    """
    latest: dict[int, dict[str, Any]] = {}
    for row in definitions.sort("ts_recv", "row_nr").iter_rows(named=True):
        latest[row["instrument_id"]] = row
    return [
        Option(
            instrument_id=number,
            symbol=row["symbol"],
            underlying=row["underlying"],
            expiration=row["expiration"],
            strike_nano=row["strike_price"],
            right=row["instrument_class"],
            multiplier=None
            if row["unit_of_measure_qty"] is None
            else row["unit_of_measure_qty"] / NANO,
        )
        for number, row in sorted(latest.items())
        if row["instrument_class"] in ("C", "P")
        and row["user_defined_instrument"] == "N"
        and row["strike_price"] is not None
        and row["expiration"] is not None
        and _new_york_date(row["expiration"]) == clock.session_date
    ]


def _new_york_date(ts_ns: int) -> date:
    # Whole seconds, so that no rounding can carry an instant into the next day.
    return datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).astimezone(NEW_YORK).date()


def _histories(
    options: Iterable[Option], records: Iterable[tuple[int, int, T]]
) -> dict[int, LastKnown[T]]:
    """The ordered (instrument id, time, value) of each option; other instruments are left out."""
    values: dict[int, list[tuple[int, T]]] = {option.instrument_id: [] for option in options}
    for number, ts_ns, value in records:
        if number in values:
            values[number].append((ts_ns, value))
    return {number: LastKnown(said) for number, said in values.items()}
