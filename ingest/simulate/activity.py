"""How busy the simulated market is over a trade date."""

from __future__ import annotations

import numpy as np

from ingest.simulate.hours import Session

# Book updates a second, relative, by minutes from 09:30 ET; inside the cash session by the share
# of it that has passed.
_NIGHT_MINUTES = (-930.0, -925.0, -450.0, -380.0, -60.0, 0.0)
_NIGHT_RATE = (0.25, 0.13, 0.13, 0.22, 0.30, 0.45)
_RTH_PASSED = (0.0, 0.08, 0.3, 0.6, 0.85, 1.0)
_RTH_RATE = (1.8, 1.2, 0.85, 0.8, 1.0, 1.7)
_AFTERNOON_RATE = 0.2
_HOLIDAY_RATE = 0.15

_ORDINARY_SESSION_RATE = 35_440.0
"""Sum of the rates over the seconds of an ordinary trade date, within 1 %."""


def activity(session: Session) -> np.ndarray:
    """float64 (n,): share of an ordinary trade date's book rows in each open second.

    The sum is about 1 on an ordinary date and less on a half day or a holiday.
    """
    minutes = session.minutes_since_open
    rate = np.interp(minutes, _NIGHT_MINUTES, _NIGHT_RATE)
    if session.rth_end_ns is None:
        rate = np.where(minutes < 0, rate, _HOLIDAY_RATE)
    else:
        passed = minutes / session.rth_minutes
        cash = np.interp(passed, _RTH_PASSED, _RTH_RATE)
        rate = np.select([minutes < 0, passed < 1], [rate, cash], _AFTERNOON_RATE)
    return rate / _ORDINARY_SESSION_RATE
