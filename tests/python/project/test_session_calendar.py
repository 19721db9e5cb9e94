"""The committed session calendar: what the script writes, and the days whose truth is known."""

from __future__ import annotations

import csv
import importlib.util
from datetime import date
from types import ModuleType

import pytest
from conftest import PROJECT

SEEDS = PROJECT / "seeds"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_session_calendar", SEEDS / "build_session_calendar.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def calendar() -> dict[str, dict[str, str]]:
    with (SEEDS / "session_calendar.csv").open(newline="") as file:
        return {row["trade_date"]: row for row in csv.DictReader(file)}


def test_script_reproduces_the_committed_file(builder: ModuleType) -> None:
    committed = (SEEDS / "session_calendar.csv").read_bytes()
    assert builder.calendar_csv().encode() == committed


def test_each_correction_is_of_a_date_of_its_own_and_explained(builder: ModuleType) -> None:
    with builder.OVERRIDES_CSV.open(newline="") as file:
        corrections = list(csv.DictReader(file))
    days = [row["trade_date"] for row in corrections]
    assert days == sorted(set(days))
    assert all(row["reason"] and row["source"] for row in corrections)


def test_rows_are_well_formed(calendar: dict[str, dict[str, str]]) -> None:
    days = list(calendar)
    assert days == sorted(days)
    assert (days[0], days[-1]) == ("2010-01-04", "2027-12-31")
    for day, row in calendar.items():
        assert date.fromisoformat(day).weekday() < 5
        kind = (row["has_rth"], row["rth_end_et"], row["reason"] != "")
        assert kind in {
            ("true", "16:00:00", False),
            ("true", "13:00:00", True),
            ("false", "", True),
        }, row


def test_every_year_has_a_plausible_number_of_days(calendar: dict[str, dict[str, str]]) -> None:
    for year in range(2010, 2028):
        rows = [row for day, row in calendar.items() if day.startswith(str(year))]
        # 260 to 262 weekdays, of which New Year's Day, Good Friday and Christmas fall away.
        assert 257 <= len(rows) <= 260
        assert 249 <= sum(row["has_rth"] == "true" for row in rows) <= 253
        assert 1 <= sum(row["rth_end_et"] == "13:00:00" for row in rows) <= 3


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        ("2025-11-27", "Thanksgiving"),
        ("2025-01-20", "Martin Luther King Jr. Day"),
        ("2025-02-17", "Presidents Day"),
        ("2025-05-26", "Memorial Day"),
        ("2025-06-19", "Juneteenth"),
        ("2022-06-20", "Juneteenth"),
        ("2025-07-04", "Independence Day"),
        ("2026-07-03", "Independence Day"),
        ("2025-09-01", "Labor Day"),
        ("2012-10-29", "Hurricane Sandy"),
        ("2012-10-30", "Hurricane Sandy"),
        ("2018-12-05", "day of mourning for President Bush"),
        ("2025-01-09", "day of mourning for President Carter"),
        # Good Fridays with a jobs report: the futures trade until 09:15 ET.
        ("2010-04-02", "Good Friday"),
        ("2012-04-06", "Good Friday"),
        ("2015-04-03", "Good Friday"),
        ("2021-04-02", "Good Friday"),
        ("2023-04-07", "Good Friday"),
        ("2026-04-03", "Good Friday"),
    ],
)
def test_futures_trade_while_the_cash_market_is_closed(
    calendar: dict[str, dict[str, str]], day: str, holiday: str
) -> None:
    assert calendar[day] == {
        "trade_date": day,
        "has_rth": "false",
        "rth_end_et": "",
        "reason": f"{holiday}: cash market closed",
    }


@pytest.mark.parametrize("day", ["2025-11-28", "2025-12-24", "2025-07-03", "2012-07-03"])
def test_half_days_of_the_cash_market(calendar: dict[str, dict[str, str]], day: str) -> None:
    assert calendar[day]["rth_end_et"] == "13:00:00"


@pytest.mark.parametrize("day", ["2025-12-16", "2021-06-18", "2021-12-31", "2026-07-02"])
def test_full_days_that_look_like_holidays(calendar: dict[str, dict[str, str]], day: str) -> None:
    assert calendar[day]["rth_end_et"] == "16:00:00"


@pytest.mark.parametrize(
    "day",
    [
        "2010-12-24",
        "2011-12-26",
        "2021-12-24",
        "2022-12-26",
        "2025-12-25",
        "2023-01-02",
        "2026-01-01",
        "2022-04-15",
        "2024-03-29",
        "2025-04-18",
        "2027-03-26",
    ],
)
def test_days_on_which_the_futures_do_not_trade(
    calendar: dict[str, dict[str, str]], day: str
) -> None:
    assert day not in calendar


def _override(action: str, day: str) -> dict[str, str]:
    return {
        "trade_date": day,
        "action": action,
        "has_rth": "false",
        "rth_end_et": "",
        "reason": "why",
        "source": "who says so",
    }


def test_overrides_add_replace_and_remove(builder: ModuleType) -> None:
    row = {"trade_date": "", "has_rth": "true", "rth_end_et": "16:00:00", "reason": ""}
    rows = {day: {**row, "trade_date": day} for day in ("2020-01-02", "2020-01-03")}
    corrected = builder.apply_overrides(
        rows,
        [
            _override("add", "2020-01-06"),
            _override("replace", "2020-01-02"),
            _override("remove", "2020-01-03"),
        ],
    )
    assert set(corrected) == {"2020-01-02", "2020-01-06"}
    assert {row["has_rth"] for row in corrected.values()} == {"false"}
    assert set(rows) == {"2020-01-02", "2020-01-03"}


@pytest.mark.parametrize(
    ("action", "day"),
    [("add", "2020-01-02"), ("replace", "2020-01-03"), ("remove", "2020-01-03")],
)
def test_an_override_that_no_longer_applies_is_an_error(
    builder: ModuleType, action: str, day: str
) -> None:
    with pytest.raises(ValueError, match=f"cannot {action} {day}"):
        builder.apply_overrides({"2020-01-02": {}}, [_override(action, day)])


def test_an_unknown_override_action_is_an_error(builder: ModuleType) -> None:
    with pytest.raises(ValueError, match="action 'drop' on 2020-01-02"):
        builder.apply_overrides({"2020-01-02": {}}, [_override("drop", "2020-01-02")])
