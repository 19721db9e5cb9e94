"""Under which parent symbols the options may lie that expire on a date.

The exchange lists same-day expiries of ES under a product per weekday and week of the month, not
under `ES.OPT`, which holds the quarterly options. A candidate may be dormant, and what it holds
may expire on other dates: the definitions decide, this only says where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

_WEEKDAY_LETTERS = "ABCD"
_FRIDAY = 4
_QUARTERS = (3, 6, 9, 12)
_ONE_DAY = timedelta(days=1)


def candidate_parents(day: date, has_cash_session: Callable[[date], bool]) -> list[str]:
    """The parents to look under, most specific first, without repeats.

    An expiry that falls on weekdays without a cash session is moved to the session before, so
    the parents of such days count for the last session ahead of them too.
    """
    nominal = [day]
    while not has_cash_session(following := nominal[-1] + _ONE_DAY):
        nominal.append(following)
    parents = [parent for one in nominal if one.weekday() < 5 for parent in _nominal(one)]
    if following.month != day.month:
        parents.append("EW.OPT")  # The month's last session has the end-of-month options.
    return [*dict.fromkeys(parents)]


def _nominal(day: date) -> list[str]:
    """What would expire on that weekday if every weekday had a session."""
    week = (day.day - 1) // 7 + 1
    if day.weekday() < _FRIDAY:
        return [f"E{week}{_WEEKDAY_LETTERS[day.weekday()]}.OPT"]
    parents = [f"EW{week}.OPT"]
    if week == 3 and day.month in _QUARTERS:
        parents += ["ES.OPT", "EYC.OPT"]
    return parents
