"""Write seeds/session_calendar.csv: one row per trade date of the CME equity-index futures.

Two calendars of pandas_market_calendars are laid over each other: "CME Globex Equity" says on
which dates the futures trade (US holidays with an early halt are trade dates), "NYSE" says whether
the cash market has a session and when it ends. Where the library is wrong or has no name for a
day, session_calendar_overrides.csv corrects it, row by row, with the source of each correction.

    python seeds/build_session_calendar.py

The result depends on nothing but the library's version and the overrides, so running it again
changes no byte.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas_market_calendars as market_calendars

FIRST_DATE = "2010-01-01"
LAST_DATE = "2027-12-31"
CALENDAR_CSV = Path(__file__).with_name("session_calendar.csv")
OVERRIDES_CSV = Path(__file__).with_name("session_calendar_overrides.csv")
COLUMNS = ("trade_date", "has_rth", "rth_end_et", "reason")

_RTH_START = "09:30:00"
_FULL_DAY_END = "16:00:00"
_HALF_DAY_END = "13:00:00"
_HALF_DAY_BY_MONTH = {
    "07": "day before Independence Day",
    "11": "day after Thanksgiving",
    "12": "Christmas Eve",
}
# Where the library's name of a holiday carries more than the name.
_HOLIDAY_BY_RULE = {
    "Dr. Martin Luther King Jr. Day": "Martin Luther King Jr. Day",
    "July 4th": "Independence Day",
    "Good Friday 1908+": "Good Friday",
    "Juneteenth Starting at 2022": "Juneteenth",
}

Row = dict[str, str]


def library_rows() -> dict[str, Row]:
    """The rows by trade date (YYYY-MM-DD) as the two library calendars have them.

    Raises ValueError if the cash market has hours this project does not know: such a day needs a
    decision, not a guess.
    """
    nyse = market_calendars.get_calendar("NYSE")
    cme = market_calendars.get_calendar("CME Globex Equity")
    hours = nyse.schedule(FIRST_DATE, LAST_DATE, tz="America/New_York")
    cash_hours = {
        day.date().isoformat(): (f"{opens:%H:%M:%S}", f"{closes:%H:%M:%S}")
        for day, opens, closes in hours[["market_open", "market_close"]].itertuples()
    }
    holidays = nyse.regular_holidays.holidays(FIRST_DATE, LAST_DATE, return_name=True)
    holiday_names = {day.date().isoformat(): name for day, name in holidays.items()}

    rows: dict[str, Row] = {}
    for timestamp in cme.schedule(FIRST_DATE, LAST_DATE).index:
        day = timestamp.date().isoformat()
        hours_of_day = cash_hours.get(day)
        if hours_of_day is None:
            rule = holiday_names.get(day, "unscheduled")
            row = _row(day, "false", "", f"{_HOLIDAY_BY_RULE.get(rule, rule)}: cash market closed")
        elif hours_of_day == (_RTH_START, _FULL_DAY_END):
            row = _row(day, "true", _FULL_DAY_END, "")
        elif hours_of_day == (_RTH_START, _HALF_DAY_END) and day[5:7] in _HALF_DAY_BY_MONTH:
            eve = _HALF_DAY_BY_MONTH[day[5:7]]
            row = _row(day, "true", _HALF_DAY_END, f"{eve}: early close")
        else:
            raise ValueError(
                f"NYSE has the hours {hours_of_day} on {day}, which is neither an ordinary day nor "
                "a known half day: decide what it is, and allow for it here"
            )
        rows[day] = row
    return rows


def apply_overrides(rows: dict[str, Row], overrides: list[Row]) -> dict[str, Row]:
    """The rows with each override applied: `add` a date, `replace` its row, or `remove` it.

    Raises ValueError for an unknown action, and for an override that the library has caught up
    with (an `add` of a date that is there, a `remove` or `replace` of one that is not).
    """
    corrected = dict(rows)
    for override in overrides:
        day, action = override["trade_date"], override["action"]
        if action not in ("add", "replace", "remove"):
            raise ValueError(
                f"{OVERRIDES_CSV.name}: action '{action}' on {day}; use add, replace or remove"
            )
        if (day in corrected) == (action == "add"):
            state = "already" if action == "add" else "not"
            raise ValueError(
                f"{OVERRIDES_CSV.name}: cannot {action} {day}, it is {state} a trade date; "
                "delete the override or correct its action"
            )
        if action == "remove":
            del corrected[day]
        else:
            corrected[day] = {column: override[column] for column in COLUMNS}
    return corrected


def calendar_csv() -> str:
    """The whole text of session_calendar.csv."""
    with OVERRIDES_CSV.open(encoding="utf-8", newline="") as file:
        overrides = list(csv.DictReader(file))
    rows = apply_overrides(library_rows(), overrides)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[day] for day in sorted(rows))
    return text.getvalue()


def _row(trade_date: str, has_rth: str, rth_end_et: str, reason: str) -> Row:
    return dict(zip(COLUMNS, (trade_date, has_rth, rth_end_et, reason), strict=True))


if __name__ == "__main__":
    CALENDAR_CSV.write_text(calendar_csv(), encoding="utf-8", newline="")
