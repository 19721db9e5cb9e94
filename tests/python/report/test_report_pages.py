"""The pages as text: what they say, that they need no network, and that their bytes are fixed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import report_gold
import report_silver
from conftest import PROJECT, Builds, es_physics_command

from es_physics.cli import main
from es_physics.report.palette import FAMILIES, PALETTE, SPARE_FAMILIES

DAY = date(2025, 12, 10)
LIMIT_BYTES = 2_500_000


Report = Callable[..., tuple[int, str]]


@pytest.fixture
def run_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    """`es-physics report` within this process; its exit code and all it printed."""

    def run(silver: Path, output: Path, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("ES_SILVER_ROOT", str(silver))
        monkeypatch.setenv("ES_GOLD_ROOT", str(silver / "gold"))
        try:
            code = main(["report", *arguments, "--output", str(output)])
        except SystemExit as usage:
            code = int(usage.code or 0)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def page(folder: Path, name: str = f"{DAY}.html") -> str:
    return (folder / name).read_text(encoding="utf-8")


def body(html: str) -> str:
    """The page's visible text, about: no styles, scripts or tags."""
    html = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def script_json(html: str, identity: str) -> Any:
    """What a page hands to its own script."""
    found = re.search(rf'<script type="application/json" id="{identity}">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def test_a_built_session_has_a_page_below_the_limit(
    builds: Builds, tmp_path: Path, run_report: Report
) -> None:
    code, output = run_report(builds["2025-12-10"].silver, tmp_path, "2025-12-10")
    assert code == 0, output
    html, entries = page(tmp_path), page(tmp_path, "2025-12-10-entries.html")
    assert max(len(html.encode()), len(entries.encode())) < LIMIT_BYTES
    assert "No event_" not in entries
    events = builds["2025-12-10"].table("level_events", "2025-12-10").height
    assert html.count("<tr data-event=") == entries.count("<option ") == events > 0
    assert re.search(r"Published build [0-9a-f]{64}", body(html))


@pytest.mark.market
def test_pages_have_the_same_bytes_in_every_process(tmp_path: Path, run_report: Report) -> None:
    silver = tmp_path / "silver"
    report_silver.publish(silver, DAY)
    report_silver.publish(silver, date(2025, 12, 11), shift=40.0)
    report_gold.publish_gold(silver / "gold")
    arguments = (str(DAY), "--start", "2025-12-10", "--end", "2025-12-11")
    finished = subprocess.run(
        es_physics_command("report", *arguments, "--output", tmp_path / "1"),
        cwd=PROJECT,
        env=os.environ
        | {
            "ES_SILVER_ROOT": str(silver),
            "ES_GOLD_ROOT": str(silver / "gold"),
            "PYTHONHASHSEED": "1",
        },
        check=False,
    )
    assert finished.returncode == 0
    # This process writes another page first, so that Bokeh's model numbers differ as well.
    assert run_report(silver, tmp_path / "2", "2025-12-11", *arguments)[0] == 0
    for name in (f"{DAY}.html", "2025-12-10_to_2025-12-11.html", "index.html"):
        assert page(tmp_path / "1", name) == page(tmp_path / "2", name)


def test_nothing_in_a_page_can_reach_a_network(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    code, output = run_report(tmp_path, tmp_path / "out", str(DAY))
    assert code == 0, output
    for name in (f"{DAY}.html", "index.html"):
        html = page(tmp_path / "out", name)
        assert "Content-Security-Policy\" content=\"default-src 'none'" in html
        markup = re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(|@import", markup)


def test_page_without_options_says_so(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY, gamma=False)
    assert run_report(tmp_path, tmp_path / "out", str(DAY))[0] == 0
    text = body(page(tmp_path / "out"))
    assert "No gamma by strike was published with this session" in text
    assert "missing: options/nbbo" in text


def test_page_without_events_says_so(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY, events=False)
    assert run_report(tmp_path, tmp_path / "out", str(DAY))[0] == 0
    html = page(tmp_path / "out")
    assert "No entry: the price never came to a level from outside its zone." in body(html)
    assert 'id="events"' not in html
    assert 'data-chart="session-chart"' in html


@pytest.mark.parametrize(
    ("severity", "verdict", "result"),
    [("error", "✕ failed", "✕ failed"), ("warn", "! warned", "! warned")],
)
def test_page_with_a_failed_gate_says_so(
    severity: str, verdict: str, result: str, tmp_path: Path, run_report: Report
) -> None:
    report_silver.publish(tmp_path, DAY, failed_gate=severity)
    assert run_report(tmp_path, tmp_path / "out", str(DAY))[0] == 0
    text = body(page(tmp_path / "out"))
    assert "One contract has the volume: 55%, expected at least 60%. Leave the date out." in text
    assert verdict in text
    assert result in text


def test_date_without_a_cash_session_has_a_page(
    builds: Builds, tmp_path: Path, run_report: Report
) -> None:
    code, output = run_report(builds["2025-11-27"].silver, tmp_path, "2025-11-27")
    assert code == 0, output
    assert "No cash session: Thanksgiving" in body(page(tmp_path, "2025-11-27.html"))


def test_text_from_the_data_cannot_become_markup(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY, note="</script><b>odd</b>")
    assert run_report(tmp_path, tmp_path / "out", str(DAY))[0] == 0
    for name in (f"{DAY}.html", "index.html"):
        html = page(tmp_path / "out", name)
        assert "<b>odd</b>" not in html
        assert "&lt;b&gt;odd&lt;/b&gt;" in html


def test_text_of_a_tooltip_cannot_become_markup(tmp_path: Path, run_report: Report) -> None:
    """Of a kind that a hand-made level may have."""
    report_silver.publish(tmp_path, DAY, renamed={"SMA_200": "<b>VWAP</b>", "CHOP": "<i>"})
    assert run_report(tmp_path, tmp_path / "out", str(DAY))[0] == 0
    html = page(tmp_path / "out")
    assert "&lt;b&gt;VWAP&lt;/b&gt; DOWN" in html
    assert r"\u2192 &lt;i&gt;" in html
    assert "<b>VWAP" not in re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)


def test_range_page_counts_and_compares(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    report_silver.publish(tmp_path, date(2025, 12, 11), shift=40.0, failed_gate="warn")
    code, output = run_report(tmp_path, tmp_path, "--start", "2025-12-08", "--end", "2025-12-12")
    assert code == 0, output
    html = page(tmp_path, "2025-12-08_to_2025-12-12.html")
    assert len(html.encode()) < LIMIT_BYTES
    text = body(html)
    # Ten entries; the two UNDEFINED and the two without a null model are left out.
    assert "4 of 10 entries are left out: no volatility yet, or UNDEFINED (2)" in text
    # BREAK 2 of 6 by Wilson at 95 %, the null model expecting 30 %.
    assert "All entries 6 6.0 2 33.3 9.7 to 70.0 30.0" in text
    # Of placebos, two of each entry are counted, none of which broke; the third, which did, is near
    # a real level.
    assert "All entries, placebo 20 10.0 2 0.0 0.0 to 16.1 25.0 * 50.0" in text
    assert '"All entries\\n6 (worth 6.0)\\nplacebo 20 (10.0)"' in html
    assert "✓ passed 5 entries 3 of 3 feeds" in text
    assert "! warned 5 entries" in text
    assert "ofi_integrated_60s" in html


def test_page_shows_the_book_at_each_entry(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    assert run_report(tmp_path, tmp_path, str(DAY))[0] == 0
    data = script_json(page(tmp_path), "data")
    headings = [group["heading"] for group in data["facts"]]
    book, zone = headings.index("Book at the entry"), headings.index("Barrier, 240 s")
    first, second = data["events"][:2]
    assert first["facts"][book] == [
        *("1 ticks", "+0.25", "−0.031 pt", "120 contracts", "55 contracts"),
    ]
    assert first["facts"][zone][0] == "75 %"
    assert first["book_note"] == "75 % of the zone's live prices are in sight."
    assert second["facts"][zone][0] == "out of sight"
    assert second["book_note"].startswith("The zone is out of sight")
    assert first["depth"] == {"defending": [40, 90, 150, 210], "attacking": [30, 70, 110, None]}
    assert first["replenishment"] == {
        "seconds": [20.0 * place - 230 for place in range(12)],
        "added": [None, *range(20, 130, 10)],
        "removed": [None, *range(10, 65, 5)],
        "traded": list(range(1, 13)),
    }


def test_page_shows_flip_and_walls_in_front_month_points(
    tmp_path: Path, run_report: Report
) -> None:
    report_silver.publish(tmp_path, DAY)
    assert run_report(tmp_path, tmp_path, str(DAY))[0] == 0
    html = page(tmp_path)
    marks = [event["gamma_marks"] for event in script_json(html, "data")["events"]]
    unknown = {"flip": None, "call_wall": None, "put_wall": None}
    walls = {"call_wall": 6020.5, "put_wall": 5980.5}
    assert (
        marks
        == [unknown, {"flip": 5995.5, **walls}]
        + [{"flip": 5995.5, **walls}]
        + [{"flip": None, **walls}] * 2
    )
    for name in ("flip", "call_wall", "put_wall"):
        assert f'"gamma:{name}"' in html
        assert f'"level:{name}"' not in html
    assert "They are features, not levels" in body(html)


def test_page_of_a_session_without_the_later_tables(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY, book=False, placebo=False, gamma=False)
    arguments = (str(DAY), "--start", str(DAY), "--end", str(DAY))
    code, output = run_report(tmp_path, tmp_path, *arguments)
    assert code == 0, output
    assert "Book" not in body(page(tmp_path))
    assert "gamma:flip" not in page(tmp_path)
    assert "placebo" not in body(page(tmp_path, f"{DAY}_to_{DAY}.html"))


RANGE = ("--start", "2025-12-10", "--end", "2025-12-10")
RANGE_FILE = "2025-12-10_to_2025-12-10.html"


def test_range_page_without_gold_says_how_to_make_it(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    assert run_report(tmp_path, tmp_path, *RANGE)[0] == 0
    text = body(page(tmp_path, RANGE_FILE))
    assert "No gold is published. make gold START=2025-12-10 END=2025-12-10 makes it" in text


def test_range_page_reads_gold(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    report_gold.publish_gold(tmp_path / "gold")
    code, output = run_report(tmp_path, tmp_path, *RANGE)
    assert code == 0, output
    html = page(tmp_path, RANGE_FILE)
    assert len(html.encode()) < LIMIT_BYTES
    text = body(html)
    assert "Gold of 3 sessions from 2025-11-03 to 2025-11-05" in text
    assert (
        "Real levels: 6 entries, 3 sessions, effective n 4.5. "
        "Placebos: 24 entries, 3 sessions, effective n 12.5."
    ) in text
    # The phase's stratum is another and left out; errors below ten sessions are unknown.
    row = "6 4.5 3 25.0 50.0 +2.0 ± – −3.1 ± 1.2 30.0"
    assert f"All entries {row}" in text
    assert text.count(f"PM high ▲ {row}") == 3
    # Newest drift: the last two events against the two before, three quarters of an event each.
    assert (
        "Up to 2025-11-05: 2 entries, 1 session, effective n 1.5 against "
        "2 entries, 1 session, effective n 1.5 before them"
    ) in text
    assert "1 of 2 features are beyond that" in text
    assert "<b>odd</b></" not in re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
    assert "<\\/script><b>odd" in html


def test_gold_of_a_stratum_is_that_of_its_tables(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    report_gold.publish_gold(tmp_path / "gold")
    assert run_report(tmp_path, tmp_path, *RANGE)[0] == 0
    gold = script_json(page(tmp_path, RANGE_FILE), "data")["gold"]
    assert list(gold) == ["ALL", "PM_HIGH_UP"]
    one = gold["PM_HIGH_UP"]
    incidence = one["sources"]["incidence:fixed"]
    assert incidence["BREAK"] == [0.005 * place for place in range(9)]
    assert incidence["null_BREAK"][:3] == [0.0, None, 0.0083]
    assert one["titles"]["incidence:fixed"].endswith("7 entries, 3 sessions, effective n 4.5")
    move = one["sources"]["move:placebo"]
    assert (move["minutes"][0], move["mean"][0]) == (-0.6667, -0.4)
    assert (move["low"][0], move["high"][0]) == (-1.38, 0.58)
    assert one["sources"]["signed_volume"]["mean"][-2:] == [60.0, None]
    assert one["titles"]["move"].splitlines()[1:] == [
        "real 8 entries, 3 sessions, effective n 4.5",
        "placebo 8 entries, 3 sessions, effective n 12.5",
    ]


def test_gold_that_was_not_committed_is_refused(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    report_gold.publish_gold(tmp_path / "gold", without="event_curves")
    code, output = run_report(tmp_path, tmp_path, *RANGE)
    assert code == 1
    assert "has no table event_curves; make it again with make gold\n" in output
    report_gold.publish_gold(tmp_path / "gold")
    for file in tmp_path.glob("gold/_versions/*/*/level_outcomes"):
        file.write_bytes(file.read_bytes()[:-1])
    code, output = run_report(tmp_path, tmp_path, *RANGE)
    assert code == 1
    assert "gold: " in output
    assert "is not the file that was committed" in output


def test_a_day_without_a_session_says_why(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path / "silver", DAY)
    for place in ("silver/_audits/session_date=2025-12-11", "bronze/futures/trades/root=ES"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "silver/_audits/session_date=2025-12-11/failures.parquet").touch()
    for day in ("2025-12-11", "2025-12-12"):
        (tmp_path / f"bronze/futures/trades/root=ES/date={day}").mkdir()
    code, output = run_report(
        *(tmp_path / "silver", tmp_path, "--start", "2025-12-10", "--end", "2025-12-25"),
        *("--bronze-root", str(tmp_path / "bronze")),
    )
    assert code == 0, output
    text = body(page(tmp_path, "2025-12-10_to_2025-12-25.html"))
    assert "11 failed build 12 not built 15 no Bronze" in text
    assert "24 no Bronze 25 holiday" in text


def test_a_session_with_nothing_to_judge_has_not_passed(tmp_path: Path, run_report: Report) -> None:
    """Of a date without Bronze, where the calendar's clock and no partition are as they should."""
    report_silver.publish(tmp_path, DAY, gate_family="clock")
    code, output = run_report(tmp_path, tmp_path, str(DAY), "--start", str(DAY), "--end", str(DAY))
    assert code == 0, output
    for name in (f"{DAY}.html", f"{DAY}_to_{DAY}.html", "index.html"):
        text = body(page(tmp_path, name))
        assert "○ nothing" in text, name
        assert "✓ all gates passed" not in text.replace("✓ all gates passed, !", "")
        assert "2 of 2 gates passed" not in text


def test_a_kind_and_an_outcome_that_nothing_declares_are_shown(
    tmp_path: Path, run_report: Report
) -> None:
    """A level of a hand-made SELECT, an outcome of a later version, a record without the kinds."""
    odd = {"SMA_200": "VWAP", "CHOP": "STOPPED"}
    report_silver.publish(tmp_path, DAY, renamed=odd)
    older = {name: value for name, value in report_silver.VARS.items() if name != "level_kinds"}
    report_silver.publish(tmp_path, date(2025, 12, 11), build_vars=older)
    arguments = (str(DAY), "2025-12-11", "--start", "2025-12-10", "--end", "2025-12-11")
    code, output = run_report(tmp_path, tmp_path, *arguments)
    assert code == 0, output

    html = page(tmp_path)
    for kind in ("PM_HIGH", "PM_LOW", "OR_HIGH", "VWAP"):
        assert f'<input type="checkbox" value="{kind}" checked>' in html
        for part in ("zone", "level"):
            assert f'"{part}:{kind}"' in html
    assert '<input type="checkbox" value="STOPPED" checked>' in html
    text = body(html)
    assert "11:00:00 VWAP ▼ DOWN" in text
    assert "2 BREAK, 1 BOUNCE, 1 UNDEFINED, 1 STOPPED" in text
    assert '"level:SMA_200"' in page(tmp_path, "2025-12-11.html")

    text = body(page(tmp_path, "2025-12-10_to_2025-12-11.html"))
    assert "or UNDEFINED (2), STOPPED (1)." in text
    assert "VWAP ▼ 1 1.0 1 100.0" in text
    assert "BREAK BOUNCE CHOP UNDEFINED STOPPED Feeds" in text
    assert "STOPPED" in body(page(tmp_path, "index.html"))


def test_a_page_shows_the_kinds_in_the_order_of_their_declaration(
    tmp_path: Path, run_report: Report
) -> None:
    """A kind without an event too."""
    kinds = report_silver.VARS["level_kinds"]
    lunch = {"kind": "LUNCH_LOW", "family": "lunch", "low_of": ["12:00", "13:00"]}
    report_silver.publish(
        tmp_path, DAY, build_vars=report_silver.VARS | {"level_kinds": [lunch, *kinds[::-1]]}
    )
    assert run_report(tmp_path, tmp_path, str(DAY))[0] == 0
    labels = re.search(r">Level</legend>(.*?)</fieldset>", page(tmp_path), re.DOTALL)
    assert labels
    assert body(labels[1]).split() == [
        *("LUNCH", "low", "0", "SMA", "200", "1", "OR", "high", "1"),
        *("PM", "low", "1", "PM", "high", "2"),
    ]


def test_range_of_sessions_with_different_rules_is_refused(
    tmp_path: Path, run_report: Report
) -> None:
    report_silver.publish(tmp_path, DAY)
    other = report_silver.VARS | {"outcome_threshold": 10.0}
    report_silver.publish(tmp_path, date(2025, 12, 11), build_vars=other)
    code, output = run_report(tmp_path, tmp_path, "--start", "2025-12-10", "--end", "2025-12-11")
    assert code == 1
    assert "different outcome_threshold: 10 (2025-12-11), 15 (2025-12-10)" in output
    assert "Traceback" not in output


def test_index_lists_every_session_and_links_written_pages_only(
    tmp_path: Path, run_report: Report
) -> None:
    report_silver.publish(tmp_path, DAY)
    report_silver.publish(tmp_path, date(2025, 12, 11))
    assert run_report(tmp_path, tmp_path, str(DAY))[0] == 0
    html = page(tmp_path, "index.html")
    assert 'href="2025-12-10.html"' in html
    assert "2025-12-11" in html
    assert 'href="2025-12-11.html"' not in html


def test_a_range_writes_the_pages_of_its_sessions(tmp_path: Path, run_report: Report) -> None:
    for day in (9, 10, 11, 12):
        report_silver.publish(tmp_path, date(2025, 12, day))
    code, output = run_report(
        tmp_path, tmp_path / "out", "--start", "2025-12-10", "--end", "2025-12-11"
    )
    assert code == 0, output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("2025-12-10.html", "2025-12-11.html", "2025-12-10_to_2025-12-11.html", "index.html"),
        *("2025-12-10-entries.html", "2025-12-11-entries.html"),
    }
    links = re.findall(r'href="([^"#]+\.html)"', page(tmp_path / "out", "2025-12-10.html"))
    assert links == ["2025-12-11.html", "index.html", "2025-12-10-entries.html"]


def test_only_pages_that_changed_are_written_again(tmp_path: Path, run_report: Report) -> None:
    silver, out = tmp_path / "silver", tmp_path / "out"
    report_silver.publish(silver, DAY)
    report_silver.publish(silver, date(2025, 12, 12))
    everything = ("--all", "--start", "2025-12-10", "--end", "2025-12-12")
    code, output = run_report(silver, out, *everything)
    assert code == 0, output
    assert len(output.splitlines()) == 6
    assert run_report(silver, out, *everything) == (0, "6 pages are up to date\n")

    def written(*arguments: str) -> list[str]:
        """Pages written, but for the index: it shows how long builds took."""
        found = re.findall(
            r"([^/\n]+\.html)$", run_report(silver, out, *arguments)[1], re.MULTILINE
        )
        return [name for name in found if name != "index.html"]

    # The same content, published again: other times, the same pages.
    report_silver.publish(silver, DAY)
    assert written(*everything) == []
    report_silver.publish(silver, DAY, shift=1.0)
    assert written(*everything) == [
        *("2025-12-10.html", "2025-12-10-entries.html", "2025-12-10_to_2025-12-12.html"),
    ]
    # A session between the two: both link it now.
    report_silver.publish(silver, date(2025, 12, 11))
    assert written("2025-12-11") == [
        *(f"2025-12-{day}.html" for day in (10, 11, 12)),
        "2025-12-11-entries.html",
    ]
    assert 'href="2025-12-11.html" rel="next"' in page(out)
    # A page that does not say what it was made from is of an earlier version.
    (out / "2025-12-11.html").write_text("<html></html>")
    assert written("--all") == ["2025-12-11.html"]


@pytest.mark.market
def test_processes_together_write_the_same_bytes(
    tmp_path: Path, run_report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("es_physics.report.write._PAGES_PER_WORKER", 1)
    report_silver.publish(tmp_path / "silver", DAY)
    report_silver.publish(tmp_path / "silver", date(2025, 12, 11), shift=40.0)
    for workers in ("1", "2"):
        arguments = ("--all", "--workers", workers)
        code, output = run_report(tmp_path / "silver", tmp_path / workers, *arguments)
        assert code == 0, output
    for name in (f"{DAY}.html", "2025-12-11.html", "index.html"):
        assert page(tmp_path / "1", name) == page(tmp_path / "2", name)


def test_session_that_is_not_published_is_named(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, date(2025, 12, 11))
    code, output = run_report(tmp_path, tmp_path, "2025-12-10")
    assert code == 1
    assert "session 2025-12-10 is not published below" in output
    assert "dbt build --vars '{session_date: 2025-12-10}'" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["16.12.2025"], "'16.12.2025' is no date, expected YYYY-MM-DD"),
        (["--start", "2025-12-10"], "--start and --end come together"),
        (["--start", "2025-12-10", "--end", "2025-12-01"], "--start 2025-12-10 is after --end"),
    ],
)
def test_wrong_usage_says_so(
    arguments: list[str], line: str, tmp_path: Path, run_report: Report
) -> None:
    code, output = run_report(tmp_path, tmp_path, *arguments)
    assert code == 2
    assert line in output


def test_file_that_was_not_committed_is_refused(tmp_path: Path, run_report: Report) -> None:
    report_silver.publish(tmp_path, DAY)
    file = next(tmp_path.glob("_versions/*/*/bars_1m"))
    file.write_bytes(file.read_bytes()[:-1])
    code, output = run_report(tmp_path, tmp_path / "out", str(DAY))
    assert code == 1
    assert "is not the file that was committed" in output
    assert not (tmp_path / "out" / f"{DAY}.html").exists()
    file.unlink()
    assert "was committed and is missing" in run_report(tmp_path, tmp_path / "out", str(DAY))[1]


def test_every_role_has_a_colour_of_its_own_in_both_themes() -> None:
    """A theme is switched by exchanging colours: two roles with one colour would merge."""
    for theme in ("light", "dark"):
        colours = [getattr(shade, theme) for shade in PALETTE.values()]
        assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast(theme: str) -> None:
    """4.5 to 1, WCAG 2.2 level AA."""

    def luminance(role: str) -> float:
        colour = getattr(PALETTE[role], theme)
        channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        red, green, blue = (
            channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
            for channel in channels
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    inks = ("ink", "muted", "break", "bounce", "chop", "bad", "good", *FAMILIES, *SPARE_FAMILIES)
    for text in inks:
        for ground in ("surface", "page", "shade") if text in ("ink", "muted") else ("surface",):
            low, high = sorted((luminance(text), luminance(ground)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"
