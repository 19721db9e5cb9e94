"""The page of a session's entries: what it holds of each, and how it is used in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import report_research
import report_silver
from report_browser import Open, root_attribute, text, wait
from selenium import webdriver
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from es_physics.report.alike import Alike, alike, latest_run
from es_physics.report.event_page import event_page
from es_physics.report.event_view import EventView, events_file
from es_physics.report.session_view import SessionView
from es_physics.report.silver import committed
from es_physics.report.write import write_session

pytest_plugins = ("report_chrome",)

DAY, BARE, CALM = date(2025, 12, 10), date(2025, 12, 11), date(2025, 12, 12)
ODD = "</script><img src=x onerror=alert(1)>"
WIDTHS = (390, 800, 1440)


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session, one as older builds published it, and one without entries."""
    root = tmp_path_factory.mktemp("events") / "silver"
    report_silver.publish(root, DAY)
    report_silver.publish(root, BARE, gamma=False, book=False)
    report_silver.publish(root, CALM, events=False)
    return root


def view_of(silver: Path, day: date = DAY) -> EventView:
    return EventView.read(SessionView.read(committed(day, silver)))


@pytest.fixture(scope="module")
def pages(silver: Path) -> Path:
    """Their pages, and one whose first entry has neighbours."""
    folder = silver.parent
    for day in (DAY, BARE, CALM):
        write_session(silver, folder, day)
    view = view_of(silver)
    row = {"words": ODD, "distance": 1.5, "weight": 0.2, "outcome": "BREAK"}
    nearest = {view.session.events[0]["event_id"]: [row | {"mfe_atr": 1.25, "mae_atr": None}]}
    (folder / "alike.html").write_text(event_page(view, "x.html", Alike("0123456789ab", nearest)))
    return folder


def test_the_book_is_what_was_published_step_by_step(silver: Path) -> None:
    view = view_of(silver)
    event = view.session.events[0]
    book = view.books[event["event_id"]]
    assert (book.lowest_price, book.ticks) == (event["level_price"] - 5, 41)
    assert book.offset_s == list(range(-600, 481, 5))
    # From the lowest bid that is known to the best, and from the best ask to the highest known.
    assert book.bids[120] == [10, *[10] * 7, 80, 10, 10]
    assert book.asks[120] == [30, *[20] * 10]
    last = view.books[view.session.events[-1]["event_id"]]
    assert last.bids[131:133] == [[10, *[10] * 7, 80, 10, 10], None]


def test_paths_are_prices_and_one_curve_of_delta(silver: Path) -> None:
    view = view_of(silver)
    up, down = view.session.events[:2]
    path = view.paths[up["event_id"]]
    entry = path.offset_s.index(0)
    assert path.price[entry - 1 : entry + 2] == [up["spot"] + 0.5, up["spot"], up["spot"] + 0.5]
    assert path.delta[entry - 1 : entry + 2] == [-10, 0, 10]
    assert view.paths[down["event_id"]].delta[entry - 1 : entry + 2] == [10, 0, -10]
    assert view.paths[view.session.events[-1]["event_id"]].price[-1] is None


def test_order_flow_is_cumulated_from_the_entry_as_far_as_it_is_known(silver: Path) -> None:
    view = view_of(silver)
    # At 09:35; the step that ended three minutes before is not known, and none is after it.
    assert view.order_flow(view.session.events[0]) == {
        "s": [-150, -120, -90, -60, -30, 0],
        "total": [-1500, -1400, -1200, -900, -500, 0],
    }
    assert view.order_flow(view.session.events[-1]) == {"s": [], "total": []}


def test_barriers_are_fixed_and_scaled_with_what_came_of_them(silver: Path) -> None:
    view = view_of(silver)
    first, second = (view.barriers(event) for event in view.session.events[:2])
    assert [barrier["name"] for barrier in first] == ["fixed"]
    assert first[0]["odds"] is None
    assert second == [
        {"name": "fixed", "distance": 15.0, "outcome": "BOUNCE", "touched_s": 250.0,
         "odds": [0.3, 0.5, 0.2]},
        {"name": "1 σ", "distance": 9.0, "outcome": "BOUNCE", "touched_s": 60.0,
         "odds": [0.25, 0.45, 0.3]},
    ]  # fmt: skip


def test_neighbours_are_those_of_the_latest_run_of_the_gold(tmp_path: Path) -> None:
    report_research.publish_research(tmp_path, scored=False)
    run = latest_run(tmp_path)
    assert run is not None
    day = report_research.DAYS[-1]
    found = alike(run, [day])
    assert list(found) == [day]
    assert found[day].run_id == report_research.RUN
    [rows, _] = found[day].nearest.values()
    assert rows[0]["words"] == "2025-11-03 10:04:31 PM high UP"
    assert (rows[0]["mfe_atr"], rows[0]["mae_atr"]) == (1.25, 0.5)
    assert latest_run(tmp_path / "nothing") is latest_run(None) is None


def test_the_page_is_the_same_for_the_same_commit_and_small(silver: Path) -> None:
    html = event_page(view_of(silver), "x.html")
    assert html == event_page(view_of(silver), "x.html")
    # A busy day has sixty entries.
    assert len(html) / len(report_silver.EVENTS) * 60 < 2.5e6


def readout(chrome: webdriver.Chrome) -> str:
    return text(chrome, "#readout")


def shapes(chrome: webdriver.Chrome, selector: str) -> int:
    return len(chrome.find_elements(By.CSS_SELECTOR, f"#figure {selector}"))


def painted(chrome: webdriver.Chrome) -> Any:
    """The colours of the book's picture."""
    return chrome.execute_script(
        """
        const canvas = document.querySelector("#figure canvas");
        const { data: points } = canvas.getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let at = 0; at < points.length; at += 4) {
          if (points[at + 3]) colours.add(`${points[at]},${points[at + 1]},${points[at + 2]}`);
        }
        return [...colours].sort();
        """
    )


def test_an_entry_of_the_session_leads_to_its_seconds(opened: Open) -> None:
    chrome = opened(f"{DAY}.html")
    chrome.find_element(By.CSS_SELECTOR, "#events tr[data-event='2']").click()
    chrome.find_element(By.ID, "closer").click()
    wait(chrome, lambda: events_file(DAY) in chrome.current_url)
    wait(chrome, lambda: root_attribute(chrome, "ready") == "true")
    assert text(chrome, "#title") == "10:10:00 OR high ▲ UP → CHOP"


def test_the_figure_shows_book_price_and_barriers(opened: Open) -> None:
    chrome = opened(events_file(DAY))
    chrome.execute_script("choose(1)")
    assert "0 s, 09:50:00 · price 5,991.50 · delta 0" in readout(chrome)
    assert "bid 5,989.75 × 10 · ask 5,990.25 × 20" in readout(chrome)
    assert "zone +120 −60, traded 12" in readout(chrome)
    assert shapes(chrome, ".trade") > 50
    assert shapes(chrome, ".fill-unseen") == 1
    assert len(painted(chrome)) > 3
    assert shapes(chrome, ".barrier") < 4
    chrome.find_element(By.CSS_SELECTOR, "[data-view=barriers]").click()
    assert shapes(chrome, ".barrier") == 4
    assert shapes(chrome, ".touch") == 2
    assert [row.text for row in chrome.find_elements(By.CSS_SELECTOR, ".outcomes tbody tr")] == [
        "fixed ±15.00 30 % 50 % 20 % BOUNCE",
        "1 σ ±9.00 25 % 45 % 30 % BOUNCE",
    ]
    assert shapes(chrome, "rect.fill-added") == 11
    assert chrome.find_elements(By.CSS_SELECTOR, "#gamma .fill-call")


def test_keys_move_in_time_and_between_entries(opened: Open) -> None:
    chrome = opened(events_file(DAY))
    figure = chrome.find_element(By.ID, "figure")
    figure.send_keys(Keys.ARROW_LEFT)
    assert readout(chrome).startswith("−5 s, 09:34:55")
    figure.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 25)
    assert readout(chrome).startswith("+125 s, 09:37:05")
    # The book has gone up by a point.
    assert "ask 6,011.25 × 20" in readout(chrome)
    figure.send_keys(Keys.PAGE_DOWN)
    assert text(chrome, "#title") == "09:50:00 PM low ▼ DOWN → BOUNCE"
    figure.send_keys(Keys.PAGE_UP, Keys.PAGE_UP)
    assert text(chrome, "#title") == "11:30:00 PM high ▼ DOWN → UNDEFINED"
    figure.send_keys(*[Keys.ARROW_RIGHT] * 13)
    assert "bid not in view · ask not in view" in readout(chrome)
    assert root_attribute(chrome, "ready") == "true"


def test_the_picture_follows_the_theme_and_the_page_fits(
    opened: Open, window: Callable[[int], None]
) -> None:
    chrome = opened(events_file(DAY))
    light = painted(chrome)
    chrome.find_element(By.ID, "theme").click()
    assert set(painted(chrome)).isdisjoint(light)
    for theme in ("dark", "light"):
        for width in WIDTHS:
            window(width)
            chrome.execute_script(f"setTheme('{theme}')")
            wait(chrome, lambda: chrome.execute_script(
                "return document.documentElement.scrollWidth <= innerWidth"
                " && Number(document.querySelector('#figure svg').getAttribute('width'))"
                " === byId('figure').clientWidth"
            ))  # fmt: skip
            labels = chrome.execute_script(
                "return [...document.querySelectorAll('#figure svg > text')]"
                ".map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right])"
            )
            assert labels
            assert all(left >= 0 and right <= width for left, right in labels)


def test_neighbours_are_shown_as_text(opened: Open) -> None:
    chrome = opened("alike.html")
    assert text(chrome, ".alike tbody") == f"{ODD} 1.50 BREAK 1.3 / –"
    assert "Of run 0123456789ab" in text(chrome, "#neighbours")
    chrome.find_element(By.ID, "next").click()
    assert "Run 0123456789ab has none for this entry." in text(chrome, "#neighbours")


def test_what_was_not_published_is_said(opened: Open) -> None:
    chrome = opened(events_file(BARE))
    notes = [note.text for note in chrome.find_elements(By.CSS_SELECTOR, ".notice")]
    assert [note.split()[1] for note in notes] == [
        *("event_paths", "event_book", "session_grid", "event_replenishment", "gamma_by_strike"),
    ]
    assert "Unknown at this entry." in text(chrome, "#gamma")
    assert readout(chrome) == "0 s, 09:35:00"
    chrome = opened(events_file(CALM))
    assert "No entry" in text(chrome, ".notice")
