"""The options the simulated market lists on a trade date: series, strikes, names, ids.

Which root expires when follows the exchange: a product per weekday and week of the month, the last
cash session of a month (EW) and the quarterly third Friday (EYC after the close, ES at the open)
in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cached_property

import numpy as np

from es_physics.calendar import USUAL_CLOSE
from ingest.simulate.hours import Days, Session, new_york_ns
from ingest.simulate.instruments import Listing, Outright

STRIKE_STEP = 5
"""Points between strikes near the money."""

_WIDE_STEP = 25
_WIDE_SHARE = 10
"""One in so many strikes, the outermost ones, lies wider apart."""
# Strikes on each side of the middle one by the book rows of an ordinary trade date.
_BOOK_ROWS = (30_000, 300_000, 10_000_000)
_STRIKES_PER_SIDE = (12, 30, 200)

_WEEKDAY_LETTERS = "ABCD"
_MONTH_CODES = "FGHJKMNQUVXZ"
_AM_ROOT, _QUARTERLY_PM_ROOT, _MONTH_END_ROOT = "ES", "EYC", "EW"
_SETTLES_AM = time(9, 30)

# An option keeps its id for life: by expiry date, series and strike.
_OPTION_IDS_FROM = 10_000_000
_IDS_PER_EXPIRY = 100_000
_AM_IDS_FROM = 50_000
_USER_DEFINED_IDS_FROM = 5_000_000
_USER_DEFINED_PER_DATE = 100


@dataclass(frozen=True)
class Option:
    """A call or put; `strike` in whole points."""

    symbol: str
    instrument_id: int
    strike: int
    is_call: bool


@dataclass(frozen=True)
class Series:
    """Calls and puts of one root that expire together.

    `strikes` (n,) are whole points, ascending; option 2k is the call and 2k + 1 the put of strike
    k. `rows_share` is its part of the quotes, `key` tells the series of a date apart.
    `first_number` is that of the first user-defined instrument, None for what the exchange lists.
    """

    key: int
    root: str
    expiry: date
    expiration_ns: int
    underlying: Outright
    strikes: np.ndarray
    rows_share: float
    first_number: int | None = None

    @property
    def parent(self) -> str:
        """The vendor's symbol for all options of the root."""
        return f"{self.root}.OPT"

    @property
    def is_user_defined(self) -> bool:
        """Whether these are user-defined copies of listed options."""
        return self.first_number is not None

    @property
    def is_am_settled(self) -> bool:
        """Whether this is the quarterly series that expires at the open."""
        return self.root == _AM_ROOT

    @cached_property
    def options(self) -> list[Option]:
        """Its instruments, in the order of their numbers."""
        return [
            self._option(number, int(strike), is_call)
            for number, (strike, is_call) in enumerate(
                (strike, is_call) for strike in self.strikes for is_call in (True, False)
            )
        ]

    def _option(self, number: int, strike: int, is_call: bool) -> Option:
        right = "C" if is_call else "P"
        if self.first_number is not None:
            number += self.first_number
            return Option(f"UD:1V: {right}{strike} {number}", number, strike, is_call)
        month = _MONTH_CODES[self.expiry.month - 1]
        symbol = f"{self.root}{month}{self.expiry.year % 10} {right}{strike}"
        ids_from = _OPTION_IDS_FROM + _IDS_PER_EXPIRY * (self.expiry.toordinal() % 10_000)
        of_series = _AM_IDS_FROM if self.is_am_settled else 0
        nth = 2 * (strike // STRIKE_STEP) + (not is_call)
        return Option(symbol, ids_from + of_series + nth, strike, is_call)


@dataclass(frozen=True)
class UserDefinedSpread:
    """A vertical spread of two calls of a series, listed on a member's request."""

    series: Series
    legs: tuple[Option, Option]
    instrument_id: int

    @property
    def symbol(self) -> str:
        """The vendor's raw symbol."""
        return f"UD:1V: VT {self.instrument_id}"


def option_series(
    session: Session,
    calendar: Days,
    listed: list[Listing],
    middle: Callable[[Outright], float],
    book_rows: int,
) -> list[Series]:
    """The series of a trade date with a cash session, the one that expires with it first.

    Beside it: what expires on the next cash session, user-defined copies of some options, and on a
    quarterly expiry the series that settles at the open; all with the strikes of the first. Each
    delivers the nearest future that does not expire before it.

    listed: the futures of the date; middle: the price in points that the strikes shall lie
    around, given the future that is delivered.
    """
    assert session.rth_end_ns is not None
    futures = [item.instrument for item in listed if isinstance(item.instrument, Outright)]
    today = session.trade_date
    underlying = _delivered(futures, session.rth_end_ns)
    strikes = _strikes(middle(underlying), book_rows)
    main = Series(
        key=0,
        root=_pm_root(today, futures, calendar),
        expiry=today,
        expiration_ns=session.rth_end_ns,
        underlying=underlying,
        strikes=strikes,
        rows_share=0.78,
    )
    following, close = next_cash_session(today, calendar)
    later_ns = new_york_ns(following, close)
    later = replace(
        main,
        key=1,
        root=_pm_root(following, futures, calendar),
        expiry=following,
        expiration_ns=later_ns,
        underlying=_delivered(futures, later_ns),
        rows_share=0.19,
    )
    middle_strike = len(strikes) // 2
    user_defined = replace(
        main,
        key=2,
        strikes=strikes[middle_strike - 1 : middle_strike + 2],
        rows_share=0.03,
        first_number=_USER_DEFINED_IDS_FROM + _USER_DEFINED_PER_DATE * (today.toordinal() % 10_000),
    )
    found = [main, later, user_defined]
    if main.root == _QUARTERLY_PM_ROOT:
        am_ns = new_york_ns(today, _SETTLES_AM)
        found.append(
            replace(
                main,
                key=3,
                root=_AM_ROOT,
                expiration_ns=am_ns,
                underlying=_delivered(futures, am_ns),
                rows_share=0.15,
            )
        )
    return found


def user_defined_spread(series: Series) -> UserDefinedSpread:
    """A vertical spread of the two calls in the middle of a series."""
    middle = len(series.options) // 2 // 2 * 2
    number = _USER_DEFINED_IDS_FROM + _USER_DEFINED_PER_DATE * (series.expiry.toordinal() % 10_000)
    legs = (series.options[middle], series.options[middle + 2])
    return UserDefinedSpread(series, legs, number + _USER_DEFINED_PER_DATE - 1)


def next_cash_session(day: date, calendar: Days) -> tuple[date, time]:
    """The next date with a cash session and its New York close; any weekday past the calendar."""
    while True:
        day += timedelta(days=1)
        hours = calendar.get(day)
        if hours is not None and hours.rth_end is not None:
            return day, hours.rth_end
        if day > max(calendar) and day.weekday() < 5:
            return day, USUAL_CLOSE


def _pm_root(expiry: date, futures: list[Outright], calendar: Days) -> str:
    """Root of the options that expire at the end of a cash session."""
    if any(future.expiry == expiry for future in futures):
        return _QUARTERLY_PM_ROOT
    if next_cash_session(expiry, calendar)[0].month != expiry.month:
        return _MONTH_END_ROOT
    week = (expiry.day - 1) // 7 + 1
    if expiry.weekday() < len(_WEEKDAY_LETTERS):
        return f"E{week}{_WEEKDAY_LETTERS[expiry.weekday()]}"
    return f"EW{week}"


def _delivered(futures: list[Outright], expiration_ns: int) -> Outright:
    """The nearest future that an option which expires then can be exercised into."""
    return next(future for future in futures if future.expiration_ns >= expiration_ns)


def _strikes(middle: float, book_rows: int) -> np.ndarray:
    """int64: whole points, ascending, every 5 near the middle and wider apart far from it."""
    per_side = round(np.interp(np.log(book_rows), np.log(_BOOK_ROWS), _STRIKES_PER_SIDE))
    wide = -(-per_side // _WIDE_SHARE)
    above = np.cumsum(np.repeat([STRIKE_STEP, _WIDE_STEP], [per_side - wide, wide]))
    centre = STRIKE_STEP * round(middle / STRIKE_STEP)
    return centre + np.concatenate([-above[::-1], [0], above])
