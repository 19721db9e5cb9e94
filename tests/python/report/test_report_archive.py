"""The archive's page: every day has its state, every gate, feed and build its colour and words."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import report_silver

from es_physics.report.archive_view import STEPS, ArchiveView, colours
from es_physics.report.write import write_index, write_session

WEDNESDAY = date(2025, 12, 10)
STATUS = {"status": "failed", "kind": "test", "description": "", "failures": 1, "message": ""}


def leave_evidence(root: Path, day: date, started: datetime, *names: str) -> None:
    """What a failed build leaves, its gates failing at the one named last."""
    folder = root / "_audits" / f"session_date={day}"
    folder.mkdir(parents=True)
    failures = [STATUS | {"name": name, "run_started_at": started} for name in names]
    pq.write_table(pa.Table.from_pylist(failures), folder / "failures.parquet")
    gate = {
        "gate": names[-1],
        "family": "prices",
        "severity": "error",
        "status": "failed",
        "measured": 0.75,
        "comparison": "<=",
        "threshold": 0.5,
        "unit": "share of rows",
        "detail": None,
        "claim": "",
        "advice": "",
        "run_started_at": started,
    }
    pq.write_table(pa.Table.from_pylist([gate]), folder / "gates.parquet")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Silver of the days from Wednesday the 10th to Friday the 26th of December, and a page.

    The 10th passed without options, the 11th warned, the 12th failed, of the 15th there is Bronze
    only, the 26th has nothing to judge; of the 11th a later build failed.
    """
    silver = tmp_path_factory.mktemp("archive") / "silver"
    report_silver.publish(silver, WEDNESDAY, gamma=False)
    report_silver.publish(silver, date(2025, 12, 11), failed_gate="warn", note="</script><b>odd")
    report_silver.publish(silver, date(2025, 12, 26), gate_family="clock")
    later = datetime.now(UTC) + timedelta(hours=1)
    leave_evidence(silver, date(2025, 12, 11), later, "1_purity")
    leave_evidence(silver, date(2025, 12, 12), later, "bars_are_whole", "3_prices")
    (silver.parent / "bronze/futures/trades/root=ES/date=2025-12-15").mkdir(parents=True)
    write_session(silver, silver.parent, WEDNESDAY)
    write_index(silver, silver.parent, silver.parent / "bronze")
    return silver


@pytest.fixture(scope="module")
def html(root: Path) -> str:
    return (root.parent / "index.html").read_text(encoding="utf-8")


def test_every_day_says_its_state(html: str) -> None:
    titles = dict(re.findall(r'class="day [^"]*" title="([\d-]{10}) · ([^"]*)"', html))
    assert titles == {
        "2025-12-10": "passed · 5 entries · options/nbbo missing",
        "2025-12-11": "a gate warned · 5 entries · 1_purity · &lt;/script&gt;&lt;b&gt;odd"
        " · a later build failed",
        "2025-12-12": "failed build · bars_are_whole · 3_prices",
        "2025-12-15": "Bronze, not built",
        **{f"2025-12-{day}": "no Bronze" for day in (16, 17, 18, 19, 22, 23, 24)},
        "2025-12-25": "holiday",
        "2025-12-26": "nothing to judge · 5 entries",
    }
    # Each state has a class and a sign of its own.
    drawn = re.findall(
        r'<td class="day (\w+)(?: partial)?"[^>]*>(?:<a [^>]*>)?\d+<b[^>]*>(.)', html
    )
    assert set(drawn) == {
        *(("passed", "✓"), ("warned", "!"), ("broken", "✕"), ("open", "□")),
        *(("empty", "–"), ("holiday", "h"), ("nothing", "○")),
    }
    assert len(re.findall('<td class="day passed partial"', html)) == 1
    assert html.count('<a href="2025-12-10.html"') == 2  # here and in the table of sessions


def test_what_is_missing_is_named_with_its_days(html: str) -> None:
    table = re.search(r'<table id="missing".*?</table>', html, re.DOTALL)
    assert table
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table[0].split("<tr>")[2:]]
    assert rows == [
        ["no Bronze", "day", "7", "2025-12-16 to 2025-12-24"],
        ["1_purity", "gate", "1", "2025-12-11"],
        ["a later build failed", "build", "1", "2025-12-11"],
        ["failed build: bars_are_whole, 3_prices", "day", "1", "2025-12-12"],
        ["not built", "day", "1", "2025-12-15"],
        ["options/nbbo: missing", "feed", "1", "2025-12-10"],
    ]


def matrix(html: str) -> tuple[list[str], dict[str, dict[str, Any]]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert found
    data = json.loads(found[1])
    return data["days"], {row["name"]: row for row in data["rows"]}


def test_the_matrix_holds_what_was_measured(html: str) -> None:
    days, rows = matrix(html)
    assert days == ["2025-12-10", "2025-12-11", "2025-12-12", "2025-12-26"]
    purity = "55%, to be at least 60%"
    assert rows["1_purity"]["shown"] == [purity, purity, "", purity]
    assert rows["1_purity"]["mark"] == ["", "!", "", ""]
    # Of a failed build too.
    assert rows["3_prices"]["shown"] == ["", "", "75% of rows, to be at most 50%", ""]
    assert rows["3_prices"]["mark"] == ["", "", "✕", ""]
    assert rows["options/nbbo"]["shown"] == ["missing", "ok", "", "ok"]
    assert rows["options/nbbo"]["mark"] == ["✕", "", "", ""]
    assert rows["entries"]["shown"] == ["5 entries", "5 entries", "", "5 entries"]
    assert rows["size"]["shown"][0].endswith(" MB")
    assert re.fullmatch(r"\d+ s", rows["build time"]["shown"][0])


def test_colours_say_how_far_a_number_is_from_the_middle() -> None:
    """The deviation of 1 to 5 is 1.4826 * 1; a step is half of it."""
    assert colours([1.0, 2.0, 3.0, 4.0, 5.0, None]) == [-3, -1, 0, 1, 3, None]
    assert colours([3.0, 2.0, 4.0, 1.0, 5.0, 1e9])[-1] == STEPS
    # What never moves has no colour, and noise far from the threshold hardly one.
    assert colours([0.0, 0.0, 0.0]) == [0, 0, 0]
    assert colours([0.0, 0.0, 0.0, 1e-5], [0.01]) == [0, 0, 0, 0]
    assert colours([0.0, 0.0, 0.0, 0.004], [0.01]) == [0, 0, 0, STEPS]
    assert colours([None, None]) == [None, None]
    assert colours([0.0, 0.0, 0.0, -1.0]) == [0, 0, 0, -STEPS]


def test_an_archive_without_a_session_says_so(tmp_path: Path) -> None:
    page = write_index(tmp_path, tmp_path, tmp_path / "bronze")
    assert "No session is published yet, and no build has failed." in page.path.read_text()


def test_a_damaged_session_is_named_and_the_rest_shown(tmp_path: Path) -> None:
    for day in (10, 11):
        report_silver.publish(tmp_path, date(2025, 12, day))
    next(tmp_path.glob("_versions/2025-12-11/*/sessions")).unlink()
    view = ArchiveView.read(tmp_path, tmp_path / "bronze")
    assert list(view.sessions) == [WEDNESDAY]
    assert "sessions was committed and is missing" in view.problems[0]
    html = write_index(tmp_path, tmp_path, tmp_path / "bronze").path.read_text()
    assert "was committed and is missing" in html
