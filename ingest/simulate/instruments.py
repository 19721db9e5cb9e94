"""The ES futures the simulated market lists, how their prices differ, and when volume rolls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property

import numpy as np

from es_physics.calendar import DAY_NS
from ingest.simulate.hours import Days, new_york_ns

PRICE_SCALE = 1_000_000_000
"""Fixed-point units per index point, as in DBN."""

OUTRIGHT_TICK = 250_000_000
SPREAD_TICK = 50_000_000
_EXPIRES_ET = time(9, 30)
_MONTH_CODES = {3: "H", 6: "M", 9: "U", 12: "Z"}
_OUTRIGHT_IDS_FROM = 100_000
_SPREAD_IDS_FROM = 200_000

# Volume share of the expiring contract by trade dates left to its expiry, as in December 2025:
# five before it the next contract starts to take over, four before neither dominates.
_EXPIRING_SHARE = (0.01, 0.03, 0.06, 0.12, 0.46, 0.80)
_ORDINARY_SHARE = 0.98
_SPREAD_SHARE = 0.003

ANCHOR_DATE = date(2025, 12, 12)
_ANCHOR_SETTLES = (6830.75, 6890.50)
_ANCHOR_EXPIRIES = (date(2025, 12, 19), date(2026, 3, 20))


@dataclass(frozen=True)
class Outright:
    """A quarterly ES future."""

    year: int
    month: int
    expiry: date

    @property
    def symbol(self) -> str:
        """The vendor's raw symbol, with a one-digit year."""
        return f"ES{_MONTH_CODES[self.month]}{self.year % 10}"

    @property
    def instrument_id(self) -> int:
        """The same on every date."""
        return _OUTRIGHT_IDS_FROM + 12 * self.year + self.month - 1

    @cached_property
    def expiration_ns(self) -> int:
        """Last moment of trading, UTC epoch nanoseconds: 09:30 New York on the expiry date."""
        return new_york_ns(self.expiry, _EXPIRES_ET)

    @property
    def activation_ns(self) -> int:
        """First listing, UTC epoch nanoseconds: five quarters before expiry."""
        return new_york_ns(self.expiry - timedelta(days=455), _EXPIRES_ET)

    def price(self, index: np.ndarray, at_ns: np.ndarray | int) -> np.ndarray:
        """Futures price in points: index price plus simple carry to expiry."""
        return index * carry_factor(self.expiration_ns, at_ns)


@dataclass(frozen=True)
class CalendarSpread:
    """An exchange-listed calendar spread, priced as the later contract minus the earlier."""

    near: Outright
    far: Outright

    @property
    def symbol(self) -> str:
        """The vendor's raw symbol, near leg first."""
        return f"{self.near.symbol}-{self.far.symbol}"

    @property
    def instrument_id(self) -> int:
        """The same on every date."""
        return self.near.instrument_id - _OUTRIGHT_IDS_FROM + _SPREAD_IDS_FROM

    @property
    def expiration_ns(self) -> int:
        """The near leg's."""
        return self.near.expiration_ns

    @property
    def activation_ns(self) -> int:
        """The far leg's."""
        return self.far.activation_ns

    def price(self, index: np.ndarray, at_ns: np.ndarray | int) -> np.ndarray:
        """Spread price in points."""
        return self.far.price(index, at_ns) - self.near.price(index, at_ns)


Instrument = Outright | CalendarSpread


@dataclass(frozen=True)
class Listing:
    """One listed instrument on one trade date, with its share of the session's volume."""

    instrument: Instrument
    tick: int
    volume_share: float

    @property
    def is_outright(self) -> bool:
        """Whether this is a future rather than a spread of two."""
        return isinstance(self.instrument, Outright)

    @property
    def book_share(self) -> float:
        """Share of the book rows: a contract that hardly trades is still quoted."""
        if not self.is_outright:
            return self.volume_share
        return 0.08 + 0.84 * self.volume_share - _SPREAD_SHARE / 2


def carry_factor(expiration_ns: int, at_ns: np.ndarray | int) -> np.ndarray:
    """Futures over index price: 1 + carry a day times the days left."""
    return 1 + CARRY_PER_DAY * np.asarray(expiration_ns - at_ns) / DAY_NS


def _anchor() -> tuple[float, float]:
    """Carry a day and index price that give both settlements of the anchor date."""
    settled = new_york_ns(ANCHOR_DATE, time(16))
    near_days, far_days = (
        (new_york_ns(expiry, _EXPIRES_ET) - settled) / DAY_NS for expiry in _ANCHOR_EXPIRIES
    )
    ratio = _ANCHOR_SETTLES[1] / _ANCHOR_SETTLES[0]
    carry = (ratio - 1) / (far_days - ratio * near_days)
    return carry, _ANCHOR_SETTLES[0] / (1 + carry * near_days)


CARRY_PER_DAY, ANCHOR_INDEX = _anchor()


def expiry_date(year: int, month: int, calendar: Days) -> date:
    """Third Friday of the month, or the last day before it with a cash market."""
    first = date(year, month, 1)
    day = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    while day in calendar and not calendar[day].has_rth:
        day -= timedelta(days=1)
    return day


def listings(trade_date: date, calendar: Days) -> list[Listing]:
    """The two nearest quarterlies that have not expired, and the spread between them."""
    quarters = (
        Outright(year, month, expiry_date(year, month, calendar))
        for year in (trade_date.year, trade_date.year + 1)
        for month in _MONTH_CODES
    )
    near, far = [outright for outright in quarters if outright.expiry >= trade_date][:2]
    dates_left = sum(trade_date < day <= near.expiry for day in calendar)
    near_share = (*_EXPIRING_SHARE, _ORDINARY_SHARE)[min(dates_left, len(_EXPIRING_SHARE))]
    return [
        Listing(near, OUTRIGHT_TICK, near_share),
        Listing(far, OUTRIGHT_TICK, 1 - near_share),
        Listing(CalendarSpread(near, far), SPREAD_TICK, _SPREAD_SHARE),
    ]
