"""The page of research in a browser: what is chosen is shown, at all widths, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import report_research
from report_browser import Open, require_room, root_attribute, text
from selenium import webdriver
from selenium.webdriver.common.by import By

from es_physics.report.palette import PALETTE
from es_physics.report.write import write_research

pytest_plugins = ("report_chrome",)

TARGETS = ("scaled", "break_1_60s")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two targets, of three and of two classes, and one of nothing."""
    root = tmp_path_factory.mktemp("research")
    report_research.publish_research(root / "gold", targets=TARGETS)
    write_research(root / "gold", root)
    write_research(root / "nothing", root / "empty")
    return root


def choose(chrome: webdriver.Chrome, select: str, words: str) -> None:
    chrome.find_element(By.XPATH, f"//select[@id='{select}']/option[.='{words}']").click()


def column(chrome: webdriver.Chrome, source: str, name: str) -> list[Any]:
    found: list[Any] = chrome.execute_script(
        "return [...chartModel(arguments[0]).data[arguments[1]]]", source, name
    )
    return found


def title(chrome: webdriver.Chrome, figure: str) -> str:
    return str(chrome.execute_script("return chartModel(arguments[0]).title.text", figure))


def cells(chrome: webdriver.Chrome, table: str) -> list[list[str]]:
    return [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in chrome.find_elements(By.CSS_SELECTOR, f"{table} tbody tr")
    ]


def test_the_page_opens_with_the_best_candidate(opened: Open) -> None:
    chrome = opened("research.html")
    assert "found, in the side" in text(chrome, ".verdicts dl")
    assert text(chrome, "#model-counts").startswith(
        "lightgbm_null on full: 1,234 entries, effective n 567.8, 40 sessions. Calibration a over 2"
    )
    assert title(chrome, "reliability-title:0") == "BREAK\n1,245 entries, effective n 555.0"
    assert column(chrome, "reliability:0", "p")[:2] == [0.05, 0.11]
    assert column(chrome, "reliability:0:reference", "share")[0] == 0.04
    assert column(chrome, "gains:sum", "sum") == [0, 0.02, 0.06, 0.12]
    assert title(chrome, "gains-title:session") == "Each session, per entry\n4 sessions, 8 entries"
    assert cells(chrome, "#strata")[0][:3] == ["level", "PM high ▲", "+3.10 %"]
    assert cells(chrome, "#importances")[0][:2] == ["wall_ratio", "54.9 %"]
    assert title(chrome, "dependence-title:1") == "atr"
    assert not chrome.find_element(By.ID, "dependence-2").is_displayed()
    assert chrome.execute_script("return chartModel('gains-title:sum:y').end") > 0.12


def test_another_model_target_and_entry_are_shown_when_chosen(opened: Open) -> None:
    chrome = opened("research.html")
    choose(chrome, "model", "knn on full")
    assert text(chrome, "#model-counts").startswith("knn on full: ")
    assert text(chrome, "#importances-note") == "knn on full says nothing of what it leans on."
    assert not chrome.find_element(By.ID, "dependence-0").is_displayed()
    choose(chrome, "answer", "2025-11-07 10:04:31 PM high UP")
    assert text(chrome, "#answer-note").startswith(
        "2025-11-07 10:04:31 PM high UP came to CHOP. Shown are the newest 8 of 8 entries"
    )
    assert report_research.event_ids()[8] in text(chrome, "#answer-note code")
    assert cells(chrome, "#odds")[:2] == [
        ["neighbours, by weight", "54.5 %", "27.3 %", "18.2 %", "3 neighbours, effective n 1.2"],
        ["base_rate: shares of the training sessions", "20.0 %", "30.0 %", "50.0 %", ""],
    ]
    assert len(cells(chrome, "#nearest")) == 3
    choose(chrome, "study", "break_1_60s")
    # The best candidate of the other target, and its two classes.
    assert text(chrome, "#model-counts").startswith("lightgbm_null on full: ")
    assert title(chrome, "reliability-title:1").startswith("NO\n")
    shown = [chrome.find_element(By.ID, f"reliability-{slot}").is_displayed() for slot in range(3)]
    assert shown == [True, True, False]
    headings = [one.text for one in chrome.find_elements(By.CSS_SELECTOR, "#odds thead th")]
    assert headings == ["Who is asked", "YES", "NO", "Of"]
    assert "break_1_60s has no price to act on." in text(chrome, "#content")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_every_width_in_both_themes(
    opened: Open, theme: str, window: Callable[[int], None]
) -> None:
    chrome = opened("research.html")
    chrome.execute_script("setTheme(arguments[0])", theme)
    require_room(chrome, window)
    other = "light" if theme == "dark" else "dark"
    left = chrome.execute_script(
        """
        const other = new Set(PALETTE.map((shade) => shade[arguments[0]]));
        return Bokeh.documents.flatMap((chart) => [...chart.all_models]).flatMap((model) =>
          Object.entries(model.attributes).filter(([, value]) =>
            other.has(value) || other.has(value?.value)).map(([name]) => model.type + "." + name));
        """,
        other,
    )
    assert left == []
    fill = "return getComputedStyle(document.querySelector('.forest circle')).fill"
    shade = getattr(PALETTE["chop"], theme)
    rgb = ", ".join(str(int(shade[place : place + 2], 16)) for place in (1, 3, 5))
    assert chrome.execute_script(fill) == f"rgb({rgb})"


def test_a_page_of_nothing_opens_too(opened: Open) -> None:
    chrome = opened("empty/research.html")
    assert root_attribute(chrome, "ready") == "true"
    assert "No gold is published." in text(chrome, "#content")
    assert "Nothing was tried yet." in text(chrome, "#trials")
