"""All tables of one session date, from records in memory or from Bronze."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from reference.bars import (
    Bar,
    RangeHistory,
    bars_1m_table,
    is_rth,
    make_bars,
    minute_bars,
    range_states,
)
from reference.book import contract_book
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
from reference.levels import levels_table, session_levels
from reference.options import make_chain
from reference.trades import contract_trades
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


def build_session(
    clock: SessionClock,
    trades: pl.DataFrame | None,
    definitions: pl.DataFrame | None,
    warm_up: Sequence[tuple[SessionClock, pl.DataFrame | None]] = (),
    constants: Constants = DEFAULTS,
    book: pl.DataFrame | pl.LazyFrame | None = None,
    spx: pl.DataFrame | None = None,
    option_definitions: pl.DataFrame | None = None,
    option_quotes: pl.DataFrame | None = None,
    option_trades: pl.DataFrame | None = None,
    option_statistics: pl.DataFrame | None = None,
) -> SessionTables:
    """Every table of a session.

    Args:
        clock: the session's clock.
        trades: the session's futures trades by `TRADES_SCHEMA`, None where never asked for.
        definitions: the session's futures definitions, Bronze columns, None where never asked for.
        warm_up: clock and trades of the trade dates before it, oldest first.
        constants: the constants of the definitions.
        book: the session's MBP-10 records by `BOOK_SCHEMA`, None where never asked for.
        spx: the session's SPX prices by `SPX_SCHEMA`, None where never asked for.
        option_definitions: the options definitions, Bronze columns, None where never asked for.
        option_quotes: the nbbo records by `QUOTES_SCHEMA`, None where never asked for.
        option_trades: the option trades by `TRADES_SCHEMA`, None where never asked for.
        option_statistics: statistics by `STATISTICS_SCHEMA`, None where never asked for.

    Raises:
        ValueError: a trade of the front month, or of a future that an option delivers, without a
            price.
    """
    sessions = session_row(clock, trades, definitions, constants)
    contract = sessions["front_month"].item()
    tape = contract_trades(trades, clock, contract)

    # The same contract by its symbol on the days before: no splice across a roll.
    bars_2m: list[Bar] = []
    for day_clock, day_trades in [*warm_up, (clock, trades)]:
        bars_2m += make_bars(contract_trades(day_trades, day_clock, contract), minutes=2)

    bars_1m = minute_bars(tape, clock)
    rth_bars = [bar for bar in bars_1m if is_rth(bar, clock)]
    states = range_states(rth_bars, constants)
    levels = session_levels(clock, tape, bars_2m, constants)
    events = zone_entries(clock, contract, tape, levels, RangeHistory(rth_bars, states), constants)

    chain = make_chain(clock, option_definitions, option_quotes, option_trades, option_statistics)
    underlyings = {
        symbol: PriceHistory(contract_trades(trades, clock, symbol))
        for symbol in {option.underlying for option in chain.options}
    }
    grid = gamma_by_strike(clock, chain, PriceHistory(tape), underlyings, constants)
    return SessionTables(
        sessions=sessions,
        bars_1m=bars_1m_table(bars_1m, states, clock),
        levels=levels_table(clock, levels),
        level_events=events,
        level_event_features=level_event_features(
            clock,
            events,
            tape,
            bars_1m,
            levels,
            contract_book(book, clock, contract),
            spx,
            chain,
            grid,
            constants,
        ),
        level_event_labels=level_event_labels(events, tape, constants),
        gamma_by_strike=grid,
    )


def read_session(
    bronze_root: Path,
    calendar_csv: Path,
    session_date: date,
    constants: Constants = DEFAULTS,
) -> SessionTables:
    """Every table of a session date, from its Bronze partitions and those of its warm-up.

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
    return build_session(
        clock,
        read_trades(bronze_root, session_date),
        read_definitions(bronze_root, session_date),
        warm_up,
        constants,
        read_book(bronze_root, session_date),
        read_spx(bronze_root, session_date),
        read_option_definitions(bronze_root, session_date),
        read_option_quotes(bronze_root, session_date),
        read_option_trades(bronze_root, session_date),
        read_option_statistics(bronze_root, session_date),
    )
