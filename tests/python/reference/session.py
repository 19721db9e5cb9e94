"""All tables of one session date, from records in memory or from Bronze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from reference.bars import (
    Bar,
    RangeHistory,
    RangeState,
    bars_1m_table,
    is_rth,
    make_bars,
    minute_bars,
    range_states,
)
from reference.book import Book, contract_book
from reference.bronze import (
    read_book,
    read_definitions,
    read_option_definitions,
    read_option_quotes,
    read_option_statistics,
    read_option_trades,
    read_spx,
    read_trades,
)
from reference.clock import SessionClock, read_clocks
from reference.constants import DEFAULTS, Constants
from reference.features import level_event_features
from reference.front_month import session_row
from reference.gamma_by_strike import gamma_by_strike
from reference.kinematics import PriceHistory
from reference.labels import level_event_labels
from reference.levels import Level, levels_table, session_levels
from reference.options import Chain, make_chain
from reference.trades import Trade, contract_trades
from reference.zone_entries import zone_entries


@dataclass(frozen=True)
class SessionTables:
    """The Silver tables of one session date, each under its published name."""

    sessions: pl.DataFrame
    bars_1m: pl.DataFrame
    levels: pl.DataFrame
    level_events: pl.DataFrame
    level_event_features: pl.DataFrame
    level_event_labels: pl.DataFrame
    gamma_by_strike: pl.DataFrame


@dataclass(frozen=True)
class Records:
    """What Bronze holds for a session date; a frame is None where its feed was never asked for.

    Attributes:
        clock: the session's clock.
        trades: the session's futures trades by `TRADES_SCHEMA`.
        definitions: the session's futures definitions, Bronze columns.
        warm_up: clock and trades of the trade dates before it, oldest first.
        book: the session's MBP-10 records by `BOOK_SCHEMA`.
        spx: the session's SPX prices by `SPX_SCHEMA`.
        option_definitions: the options definitions, Bronze columns.
        option_quotes: the nbbo records by `QUOTES_SCHEMA`.
        option_trades: the option trades by `TRADES_SCHEMA`.
        option_statistics: statistics by `STATISTICS_SCHEMA`.
    """

    clock: SessionClock
    trades: pl.DataFrame | None
    definitions: pl.DataFrame | None
    warm_up: Sequence[tuple[SessionClock, pl.DataFrame | None]] = ()
    book: pl.DataFrame | pl.LazyFrame | None = None
    spx: pl.DataFrame | None = None
    option_definitions: pl.DataFrame | None = None
    option_quotes: pl.DataFrame | None = None
    option_trades: pl.DataFrame | None = None
    option_statistics: pl.DataFrame | None = None


@dataclass(frozen=True)
class KnownSession:
    """What the tables are made of: the front month's records, its bars, levels and events, and the
    chain."""

    clock: SessionClock
    contract: str | None
    sessions: pl.DataFrame
    trades: Sequence[Trade]
    bars_1m: Sequence[Bar]
    range_states: Sequence[RangeState]
    ranges: RangeHistory
    levels: Sequence[Level]
    events: pl.DataFrame
    book: Book
    spx: pl.DataFrame | None
    chain: Chain
    underlyings: Mapping[str | None, PriceHistory]
    grid: pl.DataFrame


def prepare(records: Records, constants: Constants = DEFAULTS) -> KnownSession:
    """What a session's records say before any feature or label.

    Raises:
        ValueError: a trade of the front month, or of a future that an option delivers, without a
            price.
    """
    clock, trades = records.clock, records.trades
    sessions = session_row(clock, trades, records.definitions, constants)
    contract = sessions["front_month"].item()
    tape = contract_trades(trades, clock, contract)

    # The same contract by its symbol on the days before: no splice across a roll.
    bars_2m: list[Bar] = []
    for day_clock, day_trades in [*records.warm_up, (clock, trades)]:
        bars_2m += make_bars(contract_trades(day_trades, day_clock, contract), minutes=2)

    bars_1m = minute_bars(tape, clock)
    rth_bars = [bar for bar in bars_1m if is_rth(bar, clock)]
    states = range_states(rth_bars, constants)
    ranges = RangeHistory(rth_bars, states)
    levels = session_levels(clock, tape, bars_2m, constants)

    chain = make_chain(
        clock,
        records.option_definitions,
        records.option_quotes,
        records.option_trades,
        records.option_statistics,
    )
    underlyings = {
        symbol: PriceHistory(contract_trades(trades, clock, symbol))
        for symbol in {option.underlying for option in chain.options}
    }
    return KnownSession(
        clock=clock,
        contract=contract,
        sessions=sessions,
        trades=tape,
        bars_1m=bars_1m,
        range_states=states,
        ranges=ranges,
        levels=levels,
        events=zone_entries(clock, contract, tape, levels, ranges, constants),
        book=contract_book(records.book, clock, contract),
        spx=records.spx,
        chain=chain,
        underlyings=underlyings,
        grid=gamma_by_strike(clock, chain, PriceHistory(tape), underlyings, constants),
    )


def tables_of(known: KnownSession, constants: Constants = DEFAULTS) -> SessionTables:
    """The tables of sections 1 to 8."""
    return SessionTables(
        sessions=known.sessions,
        bars_1m=bars_1m_table(known.bars_1m, known.range_states, known.clock),
        levels=levels_table(known.clock, known.levels),
        level_events=known.events,
        level_event_features=level_event_features(
            known.clock,
            known.events,
            known.trades,
            known.bars_1m,
            known.levels,
            known.book,
            known.spx,
            known.chain,
            known.grid,
            constants,
        ),
        level_event_labels=level_event_labels(known.events, known.trades, constants),
        gamma_by_strike=known.grid,
    )


def build_session(
    clock: SessionClock,
    trades: pl.DataFrame | None,
    definitions: pl.DataFrame | None,
    warm_up: Sequence[tuple[SessionClock, pl.DataFrame | None]] = (),
    constants: Constants = DEFAULTS,
    **other_records: pl.DataFrame | None,
) -> SessionTables:
    """Every table of a session, from frames as `Records` names them.

    Raises:
        ValueError: a trade of the front month, or of a future that an option delivers, without a
            price.
    """
    records = Records(clock, trades, definitions, warm_up, **other_records)
    return tables_of(prepare(records, constants), constants)


def read_records(
    bronze_root: Path,
    calendar_csv: Path,
    session_date: date,
    constants: Constants = DEFAULTS,
) -> Records:
    """The records of a session date, from its Bronze partitions and those of its warm-up.

    Raises:
        ValueError: the calendar does not hold the date, or cannot be read.
    """
    clocks = read_clocks(calendar_csv, constants)
    clock = next((known for known in clocks if known.session_date == session_date), None)
    if clock is None:
        raise ValueError(
            f"{calendar_csv} has no row for the trade date {session_date}:"
            " extend the calendar or ask for a CME trade date"
        )
    # The trade dates before it as the calendar counts them, whether or not Bronze holds them.
    earlier = [known for known in clocks if known.session_date < session_date]
    warm_up = [
        (known, read_trades(bronze_root, known.session_date))
        for known in (earlier[-constants.sma_warmup_days :] if constants.sma_warmup_days else [])
    ]
    return Records(
        clock=clock,
        trades=read_trades(bronze_root, session_date),
        definitions=read_definitions(bronze_root, session_date),
        warm_up=warm_up,
        book=read_book(bronze_root, session_date),
        spx=read_spx(bronze_root, session_date),
        option_definitions=read_option_definitions(bronze_root, session_date),
        option_quotes=read_option_quotes(bronze_root, session_date),
        option_trades=read_option_trades(bronze_root, session_date),
        option_statistics=read_option_statistics(bronze_root, session_date),
    )


def read_session(
    bronze_root: Path,
    calendar_csv: Path,
    session_date: date,
    constants: Constants = DEFAULTS,
) -> SessionTables:
    """Every table of a session date, from Bronze.

    Raises:
        ValueError: the calendar does not hold the date, or cannot be read.
    """
    records = read_records(bronze_root, calendar_csv, session_date, constants)
    return tables_of(prepare(records, constants), constants)
