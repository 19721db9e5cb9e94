"""The option side of a simulated trade date: definitions, quotes, trades and statistics as DBN.

The files are what a request of the parent symbols of all its series gives: the chain that expires
with the session and what a reader has to tell from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import databento_dbn as dbn
import numpy as np

from ingest.simulate.activity import activity
from ingest.simulate.dbn_writer import Named, dbn_file, metadata
from ingest.simulate.feed_order import FeedOrder, trades_of
from ingest.simulate.hours import SECOND_NS, Days, Session
from ingest.simulate.instruments import Listing, Outright
from ingest.simulate.option_definitions import option_definition_records
from ingest.simulate.option_prices import volatility_path
from ingest.simulate.option_quotes import SeriesQuotes, Setting
from ingest.simulate.option_series import Series, option_series, user_defined_spread
from ingest.simulate.option_statistics import statistics_records
from ingest.simulate.randomness import Stream

_QUOTES_PER_BOOK_ROW = 0.5
_FEWEST_QUOTES = 30_000
_TRADES_PER_BOOK_ROW = 0.015
_FEWEST_TRADES = 1_500
_BATCH_EVENTS = 65_536

Generator = Callable[[Stream, int], np.random.Generator]
"""The trade date's random generator of a stream and key."""

Forward = tuple[np.ndarray, np.ndarray]
"""Times in UTC nanoseconds, ascending, and a future's price in points at them."""


@dataclass(frozen=True)
class OptionFiles:
    """What the option side of one trade date came to."""

    paths: tuple[Path, ...]
    quotes: int
    trades: int


class OptionMarket:
    """The options of one trade date that has a cash session; on others none expires.

    forwards: the price that each future's book follows; book_rows: that of an ordinary date.
    """

    def __init__(
        self,
        session: Session,
        calendar: Days,
        listed: list[Listing],
        forwards: dict[Outright, Forward],
        book_rows: int,
        generator: Generator,
    ) -> None:
        self._session = session
        self._generator = generator
        self._quote_rows = max(_QUOTES_PER_BOOK_ROW * book_rows, _FEWEST_QUOTES)
        self._trades = max(_TRADES_PER_BOOK_ROW * book_rows, _FEWEST_TRADES)

        def middle(future: Outright) -> float:
            at_ns, price = forwards[future]
            cash = price[(at_ns >= session.rth_start_ns) & (at_ns < (session.rth_end_ns or 0))]
            return float(cash.min() + cash.max()) / 2

        self.series = option_series(session, calendar, listed, middle, book_rows)
        volatility = volatility_path(generator(Stream.OPTION_VOLATILITY, 0), session)
        self.settings = {
            series.key: Setting(session, *forwards[series.underlying], volatility)
            for series in self.series
        }

    def write(self, folder: Path) -> OptionFiles:
        """Write the four DBN files below a folder, replacing older ones."""
        day = self._session.trade_date.isoformat()
        spread = user_defined_spread(self.series[0])
        instruments: list[Named] = [
            *(item for series in self.series for item in series.options),
            spread,
        ]
        parents = list(dict.fromkeys(series.parent for series in self.series))
        schemas = ("definition", "mbp-1", "trades", "statistics")
        paths = {schema: folder / f"ES-options.{schema}.{day}.dbn.zst" for schema in schemas}
        headers = {
            schema: metadata(
                dbn.Schema.from_str(schema),
                parents,
                instruments,
                self._session.open_ns,
                self._session.close_ns,
            )
            for schema in schemas
        }
        quotes = trades = 0
        with (
            dbn_file(paths["mbp-1"], headers["mbp-1"]) as quotes_file,
            dbn_file(paths["trades"], headers["trades"]) as trades_file,
        ):
            for rows in self._feed():
                traded = trades_of(rows)
                quotes_file.write(rows.data)
                trades_file.write(traded.data)
                quotes += len(rows)
                trades += len(traded)
        with dbn_file(paths["definition"], headers["definition"]) as file:
            rng = self._generator(Stream.OPTION_DEFINITIONS, 0)
            file.write(option_definition_records(rng, self._session, self.series, spread))
        with dbn_file(paths["statistics"], headers["statistics"]) as file:
            file.write(self._statistics().data)
        return OptionFiles(tuple(paths.values()), quotes, trades)

    def _feed(self) -> Iterator[np.ndarray]:
        """The quote rows of all series, in order, in batches."""
        rates = activity(self._session)
        feed = FeedOrder(self._generator(Stream.OPTION_LATENCY, 0))
        quoted = [
            SeriesQuotes(
                self._generator(Stream.OPTION_QUOTES, series.key),
                series,
                self.settings[series.key],
                rates,
                self._quote_rows,
                self._trades,
            )
            for series in self.series
        ]
        edges_ns = np.unique(quoted[0].ts_ns[_BATCH_EVENTS::_BATCH_EVENTS])
        done = [0] * len(quoted)
        for edge_ns in [*edges_ns.tolist(), self._session.close_ns + SECOND_NS]:
            ends = [int(np.searchsorted(quotes.ts_ns, edge_ns)) for quotes in quoted]
            yield feed.merged(
                [quotes.rows(*span) for quotes, *span in zip(quoted, done, ends, strict=True)]
            )
            done = ends

    def _statistics(self) -> np.ndarray:
        """The records of all series, by time."""
        records = np.concatenate(
            [
                statistics_records(
                    self._generator(Stream.OPTION_STATISTICS, series.key),
                    self._session,
                    series,
                    self._settlements(series),
                )
                for series in self.series
            ]
        )
        return records[np.argsort(records["ts_recv"], kind="stable")]

    def _settlements(self, series: Series) -> np.ndarray:
        """What each option of a series was worth as the session opened, points."""
        strike = np.array([option.strike for option in series.options])
        is_call = np.array([option.is_call for option in series.options])
        opened = np.full(len(strike), self._session.open_ns)
        return self.settings[series.key].price(series, strike, is_call, opened)
