"""The trade date of a record: [18:00 the day before, 17:00) New York, holidays rolled over."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from dbn_files import new_york, partition, partition_names, trades, write

from es_physics.calendar import Calendar, CalendarDay, default_calendar, trade_date_interval
from ingest.importer import import_paths


def trade_date_of(text: str, nanoseconds: int = 0) -> str:
    return str(default_calendar().assign(np.array([new_york(text) + nanoseconds]))[0])


@pytest.mark.parametrize(
    ("moment", "nanoseconds", "expected"),
    [
        ("2025-12-15 18:00", -1, "2025-12-16"),  # the daily break belongs to what comes next
        ("2025-12-15 17:00", 0, "2025-12-16"),
        ("2025-12-15 17:00", -1, "2025-12-15"),
        ("2025-12-15 18:00", 0, "2025-12-16"),
        ("2025-07-15 17:00", -1, "2025-07-15"),  # summer: an hour earlier in UTC
        ("2025-07-15 18:00", 0, "2025-07-16"),
        ("2025-12-14 18:00", 0, "2025-12-15"),  # Sunday evening is Monday
        ("2025-12-12 19:00", 0, "2025-12-15"),  # Friday evening and Saturday too
        ("2025-12-13 12:00", 0, "2025-12-15"),
        ("2025-03-09 18:00", 0, "2025-03-10"),  # the clocks went forward that Sunday
        ("2025-03-07 16:59", 0, "2025-03-07"),
        ("2025-11-02 17:30", 0, "2025-11-03"),  # and back
        ("2025-12-25 20:00", 0, "2025-12-26"),  # Christmas has no trade date
        ("2025-12-24 18:00", 0, "2025-12-26"),
        ("2025-11-27 10:00", 0, "2025-11-27"),  # Thanksgiving has one, without a cash session
        ("2035-06-03 18:00", 0, "2035-06-04"),  # beyond the calendar every weekday is one
        ("2005-06-04 12:00", 0, "2005-06-06"),
    ],
)
def test_trade_date_of_a_moment(moment: str, nanoseconds: int, expected: str) -> None:
    assert trade_date_of(moment, nanoseconds) == expected


def test_every_moment_lands_in_the_first_trade_date_that_has_not_ended() -> None:
    calendar = default_calendar()
    rng = np.random.default_rng(7)
    moments = rng.integers(new_york("2024-12-20 00:00"), new_york("2025-12-31 00:00"), 2000)
    for moment, day in zip(moments, calendar.assign(moments).astype(object), strict=True):
        start, end = trade_date_interval(day)
        assert moment < end
        assert calendar.is_trade_date(day)
        earlier = calendar.between(date.fromordinal(day.toordinal() - 7), day)[:-1]
        assert moment >= trade_date_interval(earlier[-1])[1]
        assert end - start == 23 * 3600 * 10**9 or date(2025, 3, 9) == day or day.month == 11


def test_windows_touch_and_cover_trade_dates() -> None:
    calendar = default_calendar()
    start, end = new_york("2025-12-12 00:00"), new_york("2025-12-16 17:00")
    friday, monday, tuesday = (date(2025, 12, day) for day in (12, 15, 16))
    assert calendar.touched(start, end) == [friday, monday, tuesday]
    assert calendar.covered(start, end) == [monday, tuesday]
    assert calendar.covered(start, end - 1) == [monday]
    assert calendar.touched(new_york("2025-12-13 09:00"), new_york("2025-12-13 10:00")) == []


def test_a_calendar_of_its_own_decides() -> None:
    calendar = Calendar(CalendarDay(date(2025, 12, day)) for day in (15, 17))
    assert str(calendar.assign(np.array([new_york("2025-12-16 10:00")]))[0]) == "2025-12-17"


@pytest.mark.parametrize("day", ["2025-12-16", "2025-07-15"])
def test_a_file_is_split_at_six_in_the_evening(tmp_path, day: str) -> None:
    five, six = new_york(f"{day} 17:00"), new_york(f"{day} 18:00")
    path = write(tmp_path / "in.dbn", "trades", trades([five - 1, five, six - 1, six]))
    assert import_paths([path], tmp_path / "b", report=lambda _: None).exit_code == 0
    following = date.fromordinal(date.fromisoformat(day).toordinal() + 1)
    assert partition(tmp_path / "b", "futures/trades", day)["ts_recv"].to_pylist() == [five - 1]
    later = partition(tmp_path / "b", "futures/trades", str(following))
    assert later["ts_recv"].to_pylist() == [five, six - 1, six]
    assert later["row_nr"].to_pylist() == [0, 1, 2]


def test_sunday_and_monday_are_one_partition_across_a_clock_change(tmp_path) -> None:
    moments = [new_york("2025-03-09 18:00"), new_york("2025-03-10 09:30")]
    path = write(tmp_path / "in.dbn", "trades", trades(moments))
    import_paths([path], tmp_path / "b", report=lambda _: None)
    assert partition_names(tmp_path / "b") == ["futures/trades 2025-03-10"]
