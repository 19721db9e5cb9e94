"""The course of a download: see what is wanted, price it, ask, fetch and land it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from es_physics.calendar import default_calendar
from es_physics.errors import first_line
from ingest.download.answers import Job
from ingest.download.chain import expiring_chain
from ingest.download.errors import DownloadError, RefusedError, UsageError
from ingest.download.fetch import Fetcher, Quote
from ingest.download.land import land, land_unlisted
from ingest.download.ledger import Ledger
from ingest.download.pace import Pace
from ingest.download.plan import (
    FUTURES_PARENT,
    OPTION_DEFINITIONS,
    Target,
    Wish,
    conditions_within,
    survey,
)
from ingest.download.progress import DownloadProgress
from ingest.download.quote_table import bound, due_usd, quote_table
from ingest.download.roots import candidate_parents
from ingest.download.vendor import Vendor

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Options:
    """How to go about it.

    raw:              the folder of raw files and of the ledger.
    keep_raw:         keep the raw files of what has landed.
    dry_run:          stop after the prices.
    max_usd:          buy nothing if more than this is due.
    confirm:          asked, with the price in words, before anything is bought.
    connections:      requests at a time.
    batch_from_bytes: billed size from which a unit is bought as a batch job.
    """

    bronze_root: Path
    raw: Path
    keep_raw: bool
    dry_run: bool
    max_usd: float | None
    confirm: Callable[[str], bool]
    connections: int
    batch_from_bytes: int


@dataclass
class Outcome:
    """What a run did: partitions landed and already there, USD bought for, errors as lines."""

    landed: int = 0
    rows: int = 0
    present: int = 0
    bought_usd: float = 0.0
    errors: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """The closing line."""
        return (
            f"{self.landed} partitions landed ({self.rows:,} rows), {self.present} were there,"
            f" {len(self.errors)} failed; bought for {self.bought_usd:,.2f} USD"
        )


@dataclass
class _Order:
    """A target and the quotes of its units; without any there is nothing to ask for."""

    target: Target
    quotes: list[Quote]

    @property
    def is_exact(self) -> bool:
        return not any(quote.at_most for quote in self.quotes)


class Download:
    """One run.

    Raises UsageError if nothing is bought for a reason of the caller's, RefusedError if the vendor
    turns the account away, DownloadError if not even the plan can be made. What fails for single
    partitions is a line in `outcome.errors`.
    """

    def __init__(
        self,
        wish: Wish,
        options: Options,
        vendor: Vendor,
        ledger: Ledger,
        pace: Pace,
        console: Console,
    ) -> None:
        self.outcome = Outcome()
        self._wish, self._options = wish, options
        self._vendor, self._ledger, self._console = vendor, ledger, console
        wanted = wish.partitions(default_calendar())
        if not wanted:
            raise UsageError(f"there is no trade date from {wish.start} to {wish.end}")
        days = [target.day for target in wanted]
        self._conditions = vendor.conditions(min(days) - timedelta(days=1), max(days))
        self._fetcher = Fetcher(
            vendor, ledger, options.raw, pace, self._conditions, options.batch_from_bytes
        )
        self._survey = survey(
            wanted, options.bronze_root, self._conditions, time.time_ns(), refetch=wish.refetch
        )

    def run(self) -> None:
        """Do what is to be done; see `outcome`."""
        self.outcome.present = self._survey.present
        for line in self._survey.offers:
            self._console.out(f"{line}: --refetch buys it again")
        self.outcome.errors += self._survey.unavailable
        for target in self._survey.targets:
            for day in conditions_within(target.window, self._conditions):
                if day["condition"] != "available":
                    self._console.out(f"warning: {target} is {day['condition']} ({day['date']})")
        if not self._survey.targets:
            return
        orders = self._orders(self._survey.targets, "What is to be downloaded")
        if self._options.dry_run:
            return
        agreed = self._agree(orders)
        # Which options expire on a date, and what they cost, is known from their definitions.
        guesses = [order.target for order in orders if not order.is_exact]
        known = [order for order in orders if order.is_exact]
        if guesses:
            first = [order for order in known if order.target.feed == OPTION_DEFINITIONS]
            self._execute(first)
            known = [order for order in known if order not in first]
            for order in self._orders(guesses, "The options that expire on their date"):
                if order.is_exact:
                    known.append(order)
                else:
                    self._fail(
                        order.target,
                        DownloadError(
                            f"is not asked for without {OPTION_DEFINITIONS} of that date, which"
                            " say what expires; see above, or add it to --feeds"
                        ),
                    )
            due = due_usd(quote for order in known for quote in order.quotes)
            if due + self.outcome.bought_usd > agreed + 0.005:
                raise DownloadError(
                    f"{due:,.2f} USD are due for the rest, more than was agreed on; run again to"
                    " see and accept the new price"
                )
        self._execute(known)

    # --- prices ------------------------------------------------------------------------------

    def _orders(self, targets: Sequence[Target], title: str) -> list[_Order]:
        """Quote the targets and show the prices; those without a price become errors."""
        jobs = self._vendor.jobs()
        orders: list[_Order] = []
        for target, order in self._in_parallel(lambda one: self._order(one, jobs), targets):
            if isinstance(order, DownloadError):
                self._fail(target, order)
            else:
                orders.append(order)
        orders.sort(key=lambda order: targets.index(order.target))
        self._console.print(
            quote_table([quote for order in orders for quote in order.quotes], title)
        )
        return orders

    def _order(self, target: Target, jobs: Sequence[Job]) -> _Order:
        is_option = target.feed.startswith("options/")
        if not is_option:
            units = target.units("parent", [FUTURES_PARENT])
        elif target.feed != OPTION_DEFINITIONS and (
            (chain := expiring_chain(self._options.bronze_root, target.day)) is not None
        ):
            units = target.units("raw_symbol", chain)
        else:
            parents = candidate_parents(target.day, default_calendar().has_session)
            # One by one, as a dormant one would fail a request for all of them.
            listed = [one for one in parents if self._vendor.is_listed(one, target.day)]
            units = target.units("parent", listed)
            if target.feed != OPTION_DEFINITIONS:
                prices = [replace(self._fetcher.price(unit), at_most=True) for unit in units]
                return _Order(target, prices)
        quotes = [self._fetcher.quote(unit, jobs, renew=target.replace) for unit in units]
        return _Order(target, quotes)

    def _agree(self, orders: Sequence[_Order]) -> float:
        """The USD that may be spent. Raises UsageError if that is not as the caller wants."""
        quotes = [quote for order in orders for quote in order.quotes]
        due, limit = due_usd(quotes), self._options.max_usd
        text = f"{bound(quotes)}{due:,.2f} USD"
        if limit is not None and due > limit:
            raise UsageError(
                f"{text} are due, more than --max-usd {limit:,.2f}; nothing was bought. Ask for"
                " less, or raise the limit"
                + ("; --feeds options/definition alone makes the price exact" * bool(bound(quotes)))
            )
        if due and not self._options.confirm(f"Buy for {text}?"):
            raise UsageError(f"{text} were not agreed on; nothing was bought")
        return due

    # --- fetching and landing ----------------------------------------------------------------

    def _execute(self, orders: Sequence[_Order]) -> None:
        """Fetch the orders' units, several at a time, and land each partition once it is whole."""
        by_unit = {quote.unit.key: order for order in orders for quote in order.quotes}
        quotes = [quote for order in orders for quote in order.quotes]
        missing = {str(order.target): len(order.quotes) for order in orders}
        failed: set[str] = set()
        for order in orders:
            if not order.quotes:
                self._conclude(order)
        with DownloadProgress(self._console, self._fetcher, quotes) as progress:

            def fetch(quote: Quote) -> None:
                with progress.showing(quote):
                    self._fetcher.fetch(quote)

            for quote, problem in self._in_parallel(fetch, quotes):
                order = by_unit[quote.unit.key]
                name = str(order.target)
                missing[name] -= 1
                if problem is None:
                    self.outcome.bought_usd += quote.due_usd
                elif name not in failed:
                    failed.add(name)
                    self._fail(order.target, problem)
                if not missing[name] and name not in failed:
                    self._conclude(order)

    def _conclude(self, order: _Order) -> None:
        target, root = order.target, self._options.bronze_root
        units = [quote.unit for quote in order.quotes]
        try:
            if units:
                done = [self._ledger.standing(unit).done or {} for unit in units]
                files = [file for unit in units for file in self._fetcher.files(unit)]
                rows = land(target, root, units, done, files)
            else:
                why = "no option that expires on this date was listed"
                land_unlisted(target, root, self._conditions, why)
                self._console.out(f"warning: {target}: {why}")
                rows = 0
        except DownloadError as error:
            self._fail(target, error)
            return
        self.outcome.landed += 1
        self.outcome.rows += rows
        self._console.out(f"{target}: {rows:,} rows landed")
        if not self._options.keep_raw:
            for unit in units:
                self._fetcher.remove(unit)

    def _fail(self, target: Target, error: DownloadError) -> None:
        self.outcome.errors.append(f"{target}: {error}")

    def _in_parallel(
        self, function: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> Iterator[tuple[_Item, _Result | DownloadError]]:
        """Each item with the function's result, or the error, as they come.

        Once the vendor has turned the account away nothing more is begun, and RefusedError is
        raised when what was under way has ended.
        """
        refused: list[RefusedError] = []

        def guarded(item: _Item) -> _Result | DownloadError:
            if refused:
                return refused[0]
            try:
                return function(item)
            except RefusedError as error:
                refused.append(error)
                return error
            except DownloadError as error:
                return error
            except OSError as error:
                return DownloadError(
                    f"the disk does not take what arrived ({first_line(error)}); make room and run"
                    " again, it goes on from here"
                )

        pool = ThreadPoolExecutor(self._options.connections)
        try:
            futures = {pool.submit(guarded, item): item for item in items}
            for future in as_completed(futures):
                if not isinstance(result := future.result(), RefusedError):
                    yield futures[future], result
        finally:
            # What is under way cannot be stopped; after Ctrl-C nobody waits for it.
            pool.shutdown(wait=False, cancel_futures=True)
        if refused:
            raise refused[0]
