"""The index price that every instrument of the simulated market follows.

Daily closes are a walk that depends on the seed alone. Within a trade date the price is a bridge
from the last close to this one, on a grid of one second and the same at every scale: a straight
line in the clock of variance, plus an excursion that is pulled back to it, so that price comes
back to its levels, driven by order-flow pressure that lasts some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.signal import lfilter

from ingest.simulate.hours import SECOND_NS, Days, Session
from ingest.simulate.instruments import ANCHOR_DATE, ANCHOR_INDEX
from ingest.simulate.planted_effect import DRIFT, VOLATILITY_FACTOR, HiddenSides
from ingest.simulate.randomness import Stream, generator

_PATH_VERSION = 2
"""Another number gives other paths to the same closes: this one's default dates are eventful."""
_WALK_FROM = date(2010, 1, 1)
_DAILY_RETURN_SD = 0.006
_VOLATILITY_FACTOR_SD = 0.12
_PULL_BACK_SECONDS = 4_800.0
_FREE_SHARE = 0.5
"""Standard deviation of the part that is not pulled back, over that of the part that is."""

# Standard deviation of one-minute changes in points, by minutes from 09:30 ET; inside the cash
# session by the share of it that has passed.
_NIGHT_MINUTES = (-930.0, -450.0, -390.0, -60.0, 0.0)
_NIGHT_SD = (1.3, 1.3, 1.8, 2.3, 2.6)
_RTH_PASSED = (0.0, 0.05, 0.25, 0.6, 0.9, 1.0)
_RTH_SD = (6.6, 5.3, 4.5, 4.2, 4.9, 5.7)
_HOLIDAY_SD = 1.4
_AFTERNOON_SD = 1.0


@dataclass(frozen=True)
class IndexPath:
    """Index price in points at the start of each open second and at the end of the last.

    `at_ns` and `price` have one entry more than the session has open seconds.
    """

    at_ns: np.ndarray
    price: np.ndarray


def daily_closes(seed: int, calendar: Days) -> dict[date, float]:
    """Index price in points at the end of each trade date: a walk through the anchor date.

    A date's close depends on the seed and the calendar only, so dates can be made one at a time.
    """
    dates = np.array([day.toordinal() for day in calendar])
    draws = generator(seed, _WALK_FROM, Stream.DAILY_CLOSES).standard_normal(
        max(dates[-1], ANCHOR_DATE.toordinal()) - _WALK_FROM.toordinal() + 1
    )
    walk = np.cumsum(_DAILY_RETURN_SD * draws[dates - _WALK_FROM.toordinal()])
    anchored = walk - walk[np.searchsorted(dates, ANCHOR_DATE.toordinal())]
    return dict(zip(calendar, ANCHOR_INDEX * np.exp(anchored), strict=True))


def volatility(session: Session) -> np.ndarray:
    """float64 (n,): standard deviation of one-minute changes, points, by open second."""
    minutes = session.minutes_since_open
    night = np.interp(minutes, _NIGHT_MINUTES, _NIGHT_SD)
    if session.rth_end_ns is None:
        return np.where(minutes < 0, night, _HOLIDAY_SD)
    passed = minutes / session.rth_minutes
    cash = np.interp(passed, _RTH_PASSED, _RTH_SD)
    return np.select([minutes < 0, passed < 1], [night, cash], _AFTERNOON_SD)


def index_path(
    seed: int,
    session: Session,
    last_close: float,
    close: float,
    sides: HiddenSides | None = None,
) -> IndexPath:
    """The index from `last_close` at the open to `close` at the end of the cash session.

    From there to the end of trading it moves a little and comes back to `close`. With `sides` it
    drifts to them, and is more volatile.
    """
    rng = generator(seed, session.trade_date, Stream.INDEX_PATH, _PATH_VERSION)
    day_factor = np.exp(_VOLATILITY_FACTOR_SD * np.clip(rng.standard_normal(), -1.5, 1.5))
    sd = day_factor * volatility(session) / np.sqrt(60.0)
    if sides:
        sd *= VOLATILITY_FACTOR
    pressed = sd * _pressure(rng, len(sd))
    free = _FREE_SHARE * sd * rng.standard_normal(len(sd))
    if sides:
        free += DRIFT * sd * sides.at(session.seconds_ns)
    stay = np.exp(-1 / _PULL_BACK_SECONDS)
    excursion = np.append(0.0, lfilter([1.0], [1.0, -stay], pressed) + np.cumsum(free))
    variance = np.append(0.0, np.cumsum(sd**2))

    pins, values = [0, len(sd)], [last_close, close]
    if session.rth_end_ns is not None:
        rth_end = int(np.searchsorted(session.seconds_ns, session.rth_end_ns))
        pins, values = [0, rth_end, len(sd)], [last_close, close, close]
    bridge = np.interp(variance, variance[pins], np.array(values) - excursion[pins])
    at_ns = np.append(session.seconds_ns, session.seconds_ns[-1] + SECOND_NS)
    return IndexPath(at_ns, bridge + excursion)


def _pressure(rng: np.random.Generator, count: int) -> np.ndarray:
    """Autocorrelated shocks whose sum over a minute has about the variance of white noise."""
    mix = ((0.7, np.exp(-1 / 2.0)), (0.3, np.exp(-1 / 20.0)))
    return np.sum(
        [
            np.sqrt(share) * lfilter([1 - stay], [1.0, -stay], rng.standard_normal(count))
            for share, stay in mix
        ],
        axis=0,
    )
