"""The one reader of the calendar seed: warm-up dates, closes, and what lies beyond the seed."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path

import pytest
from conftest import PROJECT

from es_physics.calendar import Calendar, default_calendar
from es_physics.errors import Error
from es_physics.project import project_vars


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2025-12-16", 3, ["2025-12-11", "2025-12-12", "2025-12-15"]),
        ("2025-11-28", 2, ["2025-11-26", "2025-11-27"]),  # Thanksgiving is a trade date
        ("2025-12-26", 2, ["2025-12-23", "2025-12-24"]),  # Christmas is none
        ("2028-01-04", 2, ["2027-12-31", "2028-01-03"]),  # beyond the seed every weekday is one
        ("2025-12-16", 0, []),
    ],
)
def test_warm_up_dates_lie_before(day: str, count: int, expected: list[str]) -> None:
    found = default_calendar().warm_up(date.fromisoformat(day), count)
    assert [str(one) for one in found] == expected


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2025-12-16", time(16)),
        ("2025-11-28", time(13)),
        ("2025-11-27", None),
        ("2025-12-25", None),
        ("2028-01-04", time(16)),
        ("2028-01-01", None),
    ],
)
def test_the_cash_market_closes(day: str, close: time | None) -> None:
    calendar = default_calendar()
    assert calendar.close(date.fromisoformat(day)) == close
    assert calendar.has_session(date.fromisoformat(day)) == (close is not None)


@pytest.mark.parametrize(
    "text", ["trade_date,rth_end_et\n2025-12-16,16:00:00\n", "trade_date,rth_end_et,reason\nx,,\n"]
)
def test_a_seed_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    seed = tmp_path / "calendar.csv"
    seed.write_text(text)
    with pytest.raises(Error, match=re.escape(str(seed))):
        Calendar.from_csv(seed)
    with pytest.raises(Error, match="cannot be read"):
        Calendar.from_csv(tmp_path / "nowhere.csv")


def test_nothing_else_reads_the_seed() -> None:
    files = [
        path
        for folder in ("es_physics", "ingest", "bench", "macros", "models", "python_models")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in {".py", ".sql"}
    ]
    readers = [path.name for path in files if "session_calendar.csv" in path.read_text()]
    assert readers == ["calendar.py"]


def test_vars_of_the_project_are_those_of_its_file() -> None:
    values = project_vars({"zone_min_width": 2.0})
    assert values["zone_min_width"] == 2.0
    assert values["event_end"] == "13:30"
    assert "session_date" not in values
    with pytest.raises(Error, match="there is no var 'outcome_treshold'"):
        project_vars({"outcome_treshold": 3})
