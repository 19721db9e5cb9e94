"""Weekdays by month and week, as calendars are laid out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


class Month(NamedTuple):
    """A month's name and its weeks of five days, None where a day is outside."""

    name: str
    weeks: list[list[date | None]]


def weekdays(start: date, end: date) -> list[date]:
    """The weekdays from `start` to `end`."""
    days = (start + timedelta(days=place) for place in range((end - start).days + 1))
    return [day for day in days if day.weekday() < 5]


def months(start: date, end: date) -> list[Month]:
    """The months that the weekdays from `start` to `end` lie in."""
    found = []
    for _, in_month in groupby(weekdays(start, end), key=lambda day: (day.year, day.month)):
        days = list(in_month)
        weeks = [
            {day.weekday(): day for day in week}
            for _, week in groupby(days, key=lambda day: day.isocalendar()[:2])
        ]
        filled = [[week.get(weekday) for weekday in range(5)] for week in weeks]
        found.append(Month(f"{days[0]:%B %Y}", filled))
    return found
