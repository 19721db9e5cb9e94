"""The page of research and the nearest earlier events, as text: what they say, and of what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import report_research
from report_research import ODD, RUN, event_ids

from es_physics.cli import main
from es_physics.report import research_page
from es_physics.report.research_text import verdict

LIMIT_BYTES = 2_500_000

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`es-physics` within this process, its gold and its pages below `tmp_path`; no Silver.

    Returns the exit code, what it printed, and what it complained of.
    """
    monkeypatch.setenv("ES_SILVER_ROOT", str(tmp_path / "silver"))
    monkeypatch.setenv("ES_GOLD_ROOT", str(tmp_path / "gold"))

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main([*arguments, "--output", str(tmp_path / "pages")])
        except SystemExit as usage:
            code = int(usage.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def page(tmp_path: Path, command: Command) -> Callable[[], str]:
    """Writes the page and returns its HTML."""

    def write() -> str:
        code, _, errors = command("report", "--research")
        assert (code, errors) == (0, "")
        return (tmp_path / "pages" / "research.html").read_text(encoding="utf-8")

    return write


def body(html: str) -> str:
    """The page's visible text, about: no styles, scripts or tags."""
    html = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def data(html: str) -> Any:
    """What the page hands to its own script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def score(**values: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": "lightgbm_null",
        "skill": 0.02,
        "skill_low": 0.01,
        "skill_high": 0.03,
        "detectable": 0.008,
        "deflated": 0.99,
        "trials": 12,
        "gain_side": 0.01,
        "side_t": 4.0,
    }
    return found | values


@pytest.mark.parametrize(
    ("values", "css", "words"),
    [
        ({}, "good", "found, in the side"),
        ({"side_t": 2.9}, "good", "found, in the move alone: volatility, not an edge"),
        ({"side_t": None}, "good", "found, in the move alone: volatility, not an edge"),
        ({"gain_side": None, "side_t": None}, "good", "found"),
        ({"deflated": 0.94}, "none", "not more than the best of 12 tried may show by chance"),
        ({"skill_low": -0.001}, "none", "nothing found; an effect of 0.80 % would have been"),
        ({"skill": 5e-5, "skill_low": 1e-5}, "none", "nothing found; an effect of 0.80 %"),
        # What was calibrated away has no error to tell by how much it could have been found.
        ({"skill": 0.0, "skill_low": 0.0, "detectable": 1e-15}, "none", "nothing found: calib"),
        (
            {"skill_low": -0.1, "detectable": None},
            "none",
            "nothing found; what would have been is unknown",
        ),
        (
            {"skill": -0.02, "skill_low": -0.03, "skill_high": -0.01},
            "bad",
            "worse than the calibrated random walk",
        ),
        ({"skill": None}, "none", "too few entries to say"),
        ({"skill_low": None}, "none", "too few sessions for an interval"),
        ({"model": "null_calibrated"}, "none", "what the others have to beat"),
        # What is no candidate has nothing to be found: it is not counted among what was tried.
        ({"model": "tod_rate"}, "good", "better than the calibrated random walk"),
        ({"deflated": None}, "good", "better than the calibrated random walk"),
    ],
)
def test_a_score_in_words(values: dict[str, Any], css: str, words: str) -> None:
    said = verdict(score(**values))
    assert said.css == css
    assert said.words.replace("\N{NO-BREAK SPACE}", " ").startswith(words)


def test_the_glance_shows_skill_beside_the_walks_and_what_was_tried(
    tmp_path: Path, page: Callable[[], str]
) -> None:
    report_research.publish_research(tmp_path / "gold")
    html = page()
    assert len(html.encode()) < LIMIT_BYTES
    assert "Content-Security-Policy\" content=\"default-src 'none'" in html
    text = body(html)
    assert (
        "found, in the side Best of 10 candidates tried: lightgbm_null on full, skill +3.10 %"
        " (+1.90 to +4.30 %, 95 %), deflated 0.997; 1,234 entries, effective n 567.8, 40 sessions."
    ) in text
    # Skill, interval, verdict, gains, deflated, trials, detectable, log losses, n.
    assert (
        "knn on full nearest neighbours +2.10 % +1.00 to +3.20 % found, in the move alone:"
        " volatility, not an edge +12.6 t +2.0 +8.4 t +0.4 0.970 10 0.90 % 0.9986"
        " 1.0200, 1.0400, 1.2000 1,234 567.8, 40"
    ) in text
    assert "base_rate shares of the training sessions −21.00 %" in text
    assert "A gain in move is volatility, not an edge:" in text
    assert "1 run of another gold left out" in text
    assert "logit on full, fold 3: a class never occurs" in text
    # Sets of features have a table of their own.
    glance = text[text.index("Skill against") : text.index("One model")]
    assert "on ta" not in glance
    assert "lightgbm_null on ta +2.10 % +3.10 % −1.00 % −2.00 to +0.10 % 1,234 entries" in text
    assert "Here the nearest are worse" not in text
    assert "1 (nearest) full +2.00 % 308 entries, effective n 141.9, 40 sessions" in text
    assert "lightgbm_null on full −0.065 −1.5 210 1,234 40" in text
    assert "patchtst on full 1 1" in text
    assert "the extra sequences is not installed" in text


def test_nothing_found_says_what_would_have_been(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold", found=False)
    text = body(page())
    assert "nothing found; an effect of 0.90 % would have been Best of 10" in text
    assert "found, in" not in text


def test_the_script_gets_every_figure_with_its_n(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold")
    (study,) = data(page())["studies"]
    model = study["models"][study["chosen"]]
    assert model["name"] == "lightgbm_null on full"
    assert model["counts"] == "1,234 entries, effective n 567.8, 40 sessions"
    assert model["calibration"].startswith("Calibration a over 2 folds: 0.25 to 0.75, mean 0.50")
    # Said, came, its Wilson interval at an effective n of 55.5, entries, effective n.
    first = model["reliability"][0][0]
    assert first[:2] == [0.05, 0.04]
    assert first[2:4] == pytest.approx([0.011704, 0.127852], abs=1e-4)
    assert first[4:] == [120, 55.5]
    # Gain of a session over the calibrated walk in nats, and in thousandths per entry.
    assert study["days"] == ["2025-11-07", "2025-11-10", "2025-11-11", "2025-11-12"]
    assert study["events"] == [2, 2, 2, 2]
    assert model["gains"] == [[0.0, 0.0], [0.02, 20.0], [0.04, 40.0], [0.06, 60.0]]
    assert model["strata"][0] == [
        *("level_kind_direction", "PM high ▲", "+3.10 %", "+1.90 to +4.30 %"),
        *("+12.4 (t +5.3)", "700", "320.0", "40"),
    ]
    # Below 50 effective entries only the counts.
    assert model["strata"][1][2:] == ["–", "–", "– (t –)", "61", "33.3", "9"]
    # Shares .5 of .9, and .52 of .96.
    assert model["importances"][0] == ["wall_ratio", 0.5486, 0.5417, 0.5556, 2]
    assert [one["feature"] for one in model["dependence"]] == ["wall_ratio", "atr"]
    assert len(model["dependence"][0]["p"]) == 3


def test_the_newest_entries_have_their_neighbours(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "2025-11-03.html").touch()
    found = data(page())
    (study,) = found["studies"]
    assert study["answerable"] == len(study["answers"]) == 8
    newest = study["answers"][0]
    assert found["entries"][newest["event"]][1] == event_ids()[-1]
    # Weights .5, .25, .167 of BREAK, BOUNCE, CHOP, all of uniqueness .5.
    assert newest["shares"] == ["54.5 %", "27.3 %", "18.2 %"]
    assert (newest["count"], newest["effective_n"]) == (3, "1.2")
    assert newest["odds"] == [
        ["base_rate", "20.0 %", "30.0 %", "50.0 %"],
        ["null", "25.0 %", "25.0 %", "50.0 %"],
        ["null_calibrated", "25.0 %", "25.0 %", "50.0 %"],
        ["knn", "37.5 %", "25.0 %", "37.5 %"],
    ]
    place, *cells = newest["neighbours"][0]
    assert cells == ["0.250", "0.500", "BREAK", "1.25", "0.50", "120"]
    # Only a session whose page is there is linked.
    assert found["entries"][place] == [
        *("2025-11-03 10:04:31 PM high UP", event_ids()[0]),
        "2025-11-03.html",
    ]
    assert found["entries"][newest["event"]][2] == ""


def test_targets_come_in_their_order_and_runs_by_name(
    tmp_path: Path, page: Callable[[], str]
) -> None:
    report_research.publish_research(
        tmp_path / "gold", targets=("break_1_60s", "fixed", "scaled"), runs=(RUN, "a" * 12)
    )
    html = page()
    assert len(html.encode()) < LIMIT_BYTES
    names = re.findall(r'<option value="\d+">(.*?)</option>', html)
    assert names == [
        f"{target}, run {run}"
        for target in ("scaled", "fixed", "break_1_60s")
        for run in (RUN, "a" * 12)
    ]
    # A tile for each target, of the best of its runs.
    assert body(html).count("Best of 10 candidates tried") == 3
    assert f"lightgbm_null on full of run {RUN}, skill +3.10 %" in body(html)
    head = data(html)["studies"][-1]
    assert head["classes"] == ["YES", "NO"]
    assert "break_1_60s has no price to act on." in body(html)


def test_the_page_has_the_same_bytes_again(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold", targets=("scaled", "fixed"))
    assert page() == page()


def test_text_from_tables_cannot_become_markup(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold", odd=ODD)
    html = page()
    assert "<b>odd</b>" not in html.replace("<\\/script><b>odd<\\/b>", "")
    assert "&lt;/script&gt;&lt;b&gt;odd&lt;/b&gt;" in html
    model = data(html)["studies"][0]["models"][6]
    assert model["importances"][0][0] == ODD


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("nothing", "No gold is published."),
        ("gold", "Nothing is scored yet: no finished runs of this gold. make research TARGET="),
        ("run", "Nothing is scored yet: 1 finished run of this gold. make evaluate scores them"),
        ("no runs", "No run of this gold is scored."),
        ("another run", "1 finished run not scored yet."),
        ("no knn", "models that have to beat a random walk; 8 sessions from 2025-11-03"),
        ("another gold", "Gold was made again after these scores:"),
    ],
)
def test_what_is_not_there_is_said(
    made: str, said: str, tmp_path: Path, page: Callable[[], str]
) -> None:
    root = tmp_path / "gold"
    if made == "gold":
        report_research.publish_gold(root)
    elif made == "run":
        report_research.publish_research(root, scored=False)
    elif made == "no runs":
        report_research.publish_gold(root)
        report_research.publish_scores(root, (), ())
    elif made != "nothing":
        report_research.publish_research(root, knn=made != "no knn")
    if made == "another run":
        report_research.write_run(root, "a" * 12, ("scaled",))
    if made == "another gold":
        report_research.publish_gold(root, note="another")
    html = page()
    assert said in body(html)
    if made in ("no knn", "another gold"):
        assert data(html)["studies"][0]["answers"] == []
    if made in ("nothing", "gold", "no runs"):
        assert data(html)["studies"] == []
        assert len(html) < 60_000


def test_a_damaged_file_stops_the_page_in_one_line(tmp_path: Path, command: Command) -> None:
    report_research.publish_research(tmp_path / "gold")
    folder = tmp_path / "gold" / "runs" / RUN
    (folder / "importances.parquet").write_bytes(b"other")
    code, _, errors = command("report", "--research")
    assert code == 1
    assert errors.startswith(f"error: run {RUN}: ")
    assert errors.count("\n") == 1
    (folder / "run.json").write_text("{}", encoding="utf-8")
    code, _, errors = command("report", "--research")
    assert code == 1
    assert (
        "is no record of a run (KeyError('status')); remove its folder and make research" in errors
    )
    assert errors.count("\n") == 1


def test_neighbours_of_an_event_and_of_a_time_are_the_same(
    tmp_path: Path, command: Command
) -> None:
    report_research.publish_research(tmp_path / "gold")
    code, printed, errors = command("neighbours", event_ids()[-1])
    assert (code, errors) == (0, "")
    assert f"2025-11-12 11:04:31 PM high UP, {event_ids()[-1]}" in printed
    assert "neighbours, by weight" in printed
    assert re.search(r"base_rate: shares of the training sessions +20\.0 +30\.0 +50\.0", printed)
    assert re.search(r"3 +2025-11-04 +10:04:31 +PM_HIGH +UP +0\.750 .* CHOP .* –", printed)
    by_time = command("neighbours", "--session", "2025-11-12", "--time", "11:04")
    assert by_time == (0, printed, "")


def test_neighbours_as_json_link_to_the_pages_that_are_there(
    tmp_path: Path, command: Command
) -> None:
    report_research.publish_research(tmp_path / "gold", runs=(RUN,), targets=("break_1_60s",))
    (tmp_path / "pages").mkdir()
    there = tmp_path / "pages" / "2025-11-03.html"
    there.touch()
    arguments = ("--target", "break_1_60s", "--json", "--limit", "2")
    code, printed, errors = command("neighbours", event_ids()[-1], *arguments)
    assert (code, errors) == (0, "")
    found = json.loads(printed)
    assert found["run_id"] == RUN
    assert found["event"]["outcome"] == "NO"
    assert found["event"]["page"] is None
    assert found["odds"]["null"] == {"YES": 0.25, "NO": 0.75}
    assert found["neighbours_share"] == pytest.approx({"YES": 8 / 11, "NO": 3 / 11})
    assert found["effective_n"] == pytest.approx(0.5 * (11 / 12) ** 2 / (49 / 144))
    assert found["neighbours_count"] == 3
    assert [one["event_id"] for one in found["neighbours"]] == event_ids()[:2]
    assert found["neighbours"][0]["page"] == f"{there}#{event_ids()[0]}"
    # A page of the session's entries is a closer look.
    closer = tmp_path / "pages" / "2025-11-03-entries.html"
    closer.touch()
    _, printed, _ = command("neighbours", event_ids()[-1], *arguments)
    assert json.loads(printed)["neighbours"][0]["page"] == f"{closer}#{event_ids()[0]}"


def test_the_latest_run_answers_unless_one_is_named(tmp_path: Path, command: Command) -> None:
    import os

    report_research.publish_research(tmp_path / "gold", runs=("b" * 12, "a" * 12))
    for place, run in enumerate(("b" * 12, "a" * 12)):
        os.utime(tmp_path / "gold" / "runs" / run / "run.json", (1000 + place, 1000 + place))
    _, printed, _ = command("neighbours", event_ids()[-1], "--json")
    assert json.loads(printed)["run_id"] == "a" * 12
    _, printed, _ = command("neighbours", event_ids()[-1], "--json", "--run", "bbbb")
    assert json.loads(printed)["run_id"] == "b" * 12


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("xyz",), 1, "has no event xyz: it has 16 events from 2025-11-03 to 2025-11-12"),
        ((event_ids()[0],), 1, "lies in no test session of run 0123456789ab"),
        ((event_ids()[-1], "--target", "fixed"), 1, "(scaled on full); make research TARGET=fixed"),
        ((event_ids()[-1], "--run", "zz"), 1, "no finished run zz of the gold below"),
        (("--session", "2025-11-12", "--time", "11:05"), 1, "that session has 10:04:31, 11:04:31"),
        (("--session", "2025-11-13", "--time", "11:05"), 1, "gold has no event on 2025-11-13"),
        (("--session", "2025-11-12"), 2, "give an EVENT_ID, or --session and --time together"),
        ((), 2, "give an EVENT_ID, or --session and --time together"),
        ((event_ids()[-1], "--time", "11:04"), 2, "give an EVENT_ID, or --session and --time"),
        (("--session", "2025-11-12", "--time", "11"), 2, "'11' is no time, expected HH:MM"),
    ],
)
def test_neighbours_that_cannot_be_given_are_refused_in_a_line(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path, command: Command
) -> None:
    report_research.publish_research(tmp_path / "gold")
    ended, printed, errors = command("neighbours", *arguments)
    assert (ended, printed) == (code, "")
    assert said in errors
    assert len([line for line in errors.splitlines() if "error" in line]) == 1
    assert "Traceback" not in errors


def test_neighbours_without_gold_are_refused(tmp_path: Path, command: Command) -> None:
    code, _, errors = command("neighbours", "xyz")
    assert code == 1
    assert errors.startswith("error: no gold is published below ")


def test_the_page_stays_below_its_limit_whatever_is_asked(
    tmp_path: Path, page: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report_research.publish_research(tmp_path / "gold", targets=("scaled", "fixed"))
    whole = len(page())
    details = [len(json.dumps(study)) for study in data(page())["studies"]]
    monkeypatch.setattr(research_page, "_MOST_DETAILS", details[0] + 1000)
    monkeypatch.setattr(research_page, "_STUDY_BYTES", 0)
    first, second = data(page())["studies"]
    assert first["models"][0]["strata"]
    assert all(model["leftOut"] and not model["strata"] for model in second["models"])
    assert len(page()) < whole - 1000


def test_the_page_says_if_likeness_says_nothing(tmp_path: Path, page: Callable[[], str]) -> None:
    report_research.publish_research(tmp_path / "gold", nearer_is_better=False)
    assert "Here the nearest are worse." in body(page())
