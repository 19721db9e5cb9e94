"""One trade date of the simulated market, from its price path to its files.

The path comes first and is the same at every scale; instruments follow it, and feeds show them.
A further feed takes the same path and listings and writes its own files beside these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import databento_dbn as dbn
import numpy as np

from ingest.simulate.activity import activity
from ingest.simulate.book_events import book_events, knots_of
from ingest.simulate.book_rows import F_MAYBE_BAD_BOOK, Book
from ingest.simulate.dbn_writer import dbn_file, metadata
from ingest.simulate.definitions import definition_records
from ingest.simulate.errors import SimulationError
from ingest.simulate.feed_order import FeedOrder, trades_of
from ingest.simulate.hours import SECOND_NS, Days, Session, session_of
from ingest.simulate.instruments import PRICE_SCALE, Listing, Outright, listings
from ingest.simulate.options import Forward, OptionFiles, OptionMarket
from ingest.simulate.order_rows import OrderBook, mbo_of, rows_of
from ingest.simulate.planted_effect import HiddenSides, hidden_sides
from ingest.simulate.price_path import IndexPath, daily_closes, index_path
from ingest.simulate.randomness import Stream, generator
from ingest.simulate.spx import Echo, spx_prices, write_spx

PARENT_SYMBOL = "ES.FUT"

_TRADE_SHARE = 0.065
# A small session still prints in most of its two-minute bars.
_FEWEST_TRADES = 5_000
_SWEEPS_PER_BUSY_HOUR = 6.0
_BATCH_EVENTS = 16_384
# The feed loses packets once, at about this part of the session's rows, and starts over.
_GAP_AT = 0.6
_BAD_ROWS_BEFORE_GAP = 12


@dataclass(frozen=True)
class SessionFiles:
    """What one trade date came to; no options expire on a date without a cash session."""

    trade_date: date
    paths: tuple[Path, ...]
    book_rows: int
    trades: int
    options: OptionFiles | None


@dataclass(frozen=True)
class _Trace:
    """An instrument's way through a trade date while it is listed.

    `ticks`, `at_ns`: (n + 1,) price and UTC nanoseconds at the edges of n open seconds; `rates`:
    (n,) share of an ordinary date's rows in each; `rows`: events of its book on such a date.
    """

    ticks: np.ndarray
    at_ns: np.ndarray
    rates: np.ndarray
    rows: float


class Market:
    """The simulated market of one seed; `book_rows` is the size of an ordinary trade date.

    A trade date's data depend on the seed, the date and the size only, and on whether its books
    are of single `orders`: then there is an MBO file too, and more rows in the book that agrees
    with it, as every record of an order gives one. With `spx_lag_ms` the cash index is an echo of
    the busiest future, so long after it. A `planted_effect` makes its books lean to where price
    then drifts. Raises SimulationError for both `orders` and `planted_effect`.
    """

    def __init__(
        self,
        seed: int,
        book_rows: int,
        calendar: Days,
        *,
        orders: bool = False,
        spx_lag_ms: int | None = None,
        planted_effect: bool = False,
    ) -> None:
        if orders and planted_effect:
            raise SimulationError(
                "--planted-effect changes sizes below the ten best levels, which orders of --mbo"
                " would have to explain: leave one of the two out."
            )
        self._seed = seed
        self._book_rows = book_rows
        self._trades = max(_TRADE_SHARE * book_rows, _FEWEST_TRADES)
        self._calendar = calendar
        self._closes = daily_closes(seed, calendar)
        self._dates = list(calendar)
        self._orders = orders
        self._spx_lag_ms = spx_lag_ms
        self._planted_effect = planted_effect

    def write(self, trade_date: date, folder: Path) -> SessionFiles:
        """Write the trade date's DBN files and SPX prices below a folder, replacing older ones.

        Options and the cash index have files only if the cash market opens. Raises
        SimulationError if the date is no trade date.
        """
        session, listed, path = self.setting(trade_date)
        day = trade_date.isoformat()
        names = {
            schema: folder / f"{PARENT_SYMBOL}.{schema}.{day}.dbn.zst"
            for schema in ("definition", "mbp-10", "trades", *(["mbo"] if self._orders else []))
        }
        headers = {
            schema: metadata(
                dbn.Schema.from_str(schema),
                [PARENT_SYMBOL],
                [listing.instrument for listing in listed],
                session.open_ns,
                session.close_ns,
            )
            for schema in names
        }
        echo = self._echo(listed)
        book_rows = trades = 0
        with (
            dbn_file(names["mbp-10"], headers["mbp-10"]) as book_file,
            dbn_file(names["trades"], headers["trades"]) as trades_file,
            dbn_file(names["mbo"], headers["mbo"])
            if self._orders
            else nullcontext() as orders_file,
        ):
            for rows in self._feed(session, listed, path):
                if orders_file:
                    orders_file.write(mbo_of(rows).data)
                    rows = rows_of(rows)
                traded = trades_of(rows)
                book_file.write(rows.data)
                trades_file.write(traded.data)
                if echo:
                    echo.hear(rows)
                book_rows += len(rows)
                trades += len(traded)
        with dbn_file(names["definition"], headers["definition"]) as file:
            rng = self._generator(session, Stream.DEFINITIONS)
            file.write(definition_records(rng, session, listed))
        paths, options = list(names.values()), None
        if session.rth_end_ns is not None:
            paths.append(folder / f"SPX.{day}.parquet")
            rng = self._generator(session, Stream.SPX)
            write_spx(
                paths[-1],
                echo.prices(rng, session, path) if echo else spx_prices(rng, session, path),
            )
            options = self._options(session, listed, path).write(folder)
        return SessionFiles(trade_date, tuple(paths), book_rows, trades, options)

    def setting(self, trade_date: date) -> tuple[Session, list[Listing], IndexPath]:
        """What every feed of a trade date starts from: hours, instruments, index path."""
        if trade_date not in self._closes:
            raise SimulationError(f"{trade_date} is no trade date of the session calendar.")
        session = session_of(trade_date, self._calendar[trade_date])
        before = self._dates[max(self._dates.index(trade_date) - 1, 0)]
        path = index_path(
            self._seed,
            session,
            self._closes[before],
            self._closes[trade_date],
            self._sides(session),
        )
        return session, listings(trade_date, self._calendar), path

    def _sides(self, session: Session) -> HiddenSides | None:
        return hidden_sides(self._seed, session) if self._planted_effect else None

    def _options(self, session: Session, listed: list[Listing], path: IndexPath) -> OptionMarket:
        """The options on futures as their books show them, which is not at every second."""
        forwards = {
            listing.instrument: self._followed(session, listing, path)
            for listing in listed
            if isinstance(listing.instrument, Outright)
        }
        return OptionMarket(
            session,
            self._calendar,
            listed,
            forwards,
            self._book_rows,
            partial(self._generator, session),
        )

    def _echo(self, listed: list[Listing]) -> Echo | None:
        if self._spx_lag_ms is None:
            return None
        busiest = max(listed, key=lambda listing: listing.volume_share)
        return Echo(busiest.instrument.instrument_id, self._spx_lag_ms * (SECOND_NS // 1000))

    def _followed(self, session: Session, listing: Listing, path: IndexPath) -> Forward:
        """Times and prices in points at them between which an instrument's book goes straight."""
        trace = self._trace(session, listing, path)
        knots = knots_of(trace.ticks, trace.rows * float(trace.rates.sum()))
        return trace.at_ns[knots], trace.ticks[knots] * (listing.tick / PRICE_SCALE)

    def _trace(self, session: Session, listing: Listing, path: IndexPath) -> _Trace:
        instrument = listing.instrument
        alive = session.seconds_ns < instrument.expiration_ns
        edges = np.append(alive, False) | np.append(False, alive)
        price = instrument.price(path.price, path.at_ns) * PRICE_SCALE / listing.tick
        # Each trade shows as one row more than its event.
        rows = self._book_rows * listing.book_share - self._trades * listing.volume_share
        return _Trace(price[edges], path.at_ns[edges], activity(session)[alive], rows)

    def _generator(self, session: Session, stream: Stream, key: int = 0) -> np.random.Generator:
        return generator(self._seed, session.trade_date, stream, key)

    def _feed(
        self, session: Session, listed: list[Listing], path: IndexPath
    ) -> Iterator[np.ndarray]:
        """The book rows of all instruments, in order, in batches."""
        feed = FeedOrder(self._generator(session, Stream.FEED_LATENCY))
        sides = self._sides(session)
        books, times = [], []
        for listing in listed:
            key = listing.instrument.instrument_id
            trace = self._trace(session, listing, path)
            events = book_events(
                self._generator(session, Stream.INSTRUMENT_EVENTS, key),
                trace.ticks,
                trace.at_ns,
                trace.rates,
                trace.rows,
                _SWEEPS_PER_BUSY_HOUR * listing.volume_share,
            )
            rng = self._generator(session, Stream.INSTRUMENT_SIZES, key)
            trades = self._trades * listing.volume_share * float(trace.rates.sum())
            books.append(
                OrderBook(rng, listing, events, trades)
                if self._orders
                else Book(rng, listing, events, trades, sides)
            )
            times.append(events.ts_ns)

        yield feed.merged([book.opening(session.open_ns) for book in books])
        busiest = max(times, key=len)
        gap_ns = int(busiest[int(_GAP_AT * (len(busiest) - 1))])
        edges_ns = np.unique(np.append(busiest[_BATCH_EVENTS::_BATCH_EVENTS], gap_ns))
        if sides:
            edges_ns = np.union1d(edges_ns, sides.starts_ns)
        done = [0] * len(books)
        for edge_ns in [*edges_ns.tolist(), session.close_ns + SECOND_NS]:
            ends = [int(np.searchsorted(ts, edge_ns)) for ts in times]
            rows = feed.merged(
                [book.rows(*span) for book, *span in zip(books, done, ends, strict=True)]
            )
            done = ends
            if edge_ns == gap_ns:
                rows["flags"][-_BAD_ROWS_BEFORE_GAP:] |= F_MAYBE_BAD_BOOK
            yield rows
            if edge_ns == gap_ns:
                trading = [
                    book for book, n, ts in zip(books, done, times, strict=True) if n < len(ts)
                ]
                yield feed.merged([book.clear_and_snapshot(gap_ns) for book in trading])
