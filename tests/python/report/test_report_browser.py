"""The pages in a real browser: they work by mouse and keyboard, silently and without a network."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
import report_gold
import report_silver
from report_browser import WIDTHS, Open, require_room, require_theme, root_attribute, text, wait
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from es_physics.report.palette import PALETTE
from es_physics.report.write import write_index, write_range, write_session

pytest_plugins = ("report_chrome",)

DAYS = (date(2025, 12, 10), date(2025, 12, 11))
VALUE = "return title.text_color.value ?? title.text_color"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of two published sessions, of both together, and the index."""
    root = tmp_path_factory.mktemp("report")
    for shift, day in enumerate(DAYS):
        report_silver.publish(root / "silver", day, shift=40.0 * shift)
        write_session(root / "silver", root, day)
    report_gold.publish_gold(root / "gold")
    write_range(root / "silver", root, *DAYS, root / "bronze", root / "gold")
    write_index(root / "silver", root, root / "bronze")
    bare = root / "bare"
    report_silver.publish(bare, DAYS[0], events=False, gamma=False, book=False)
    write_session(bare, bare, DAYS[0]).rename(root / "bare.html")
    return root


def chosen(chrome: webdriver.Chrome) -> list[str]:
    rows = chrome.find_elements(By.CSS_SELECTOR, "#events tr[aria-selected=true]")
    return [row.get_attribute("data-event") or "" for row in rows]


def shown_rows(chrome: webdriver.Chrome) -> list[str]:
    rows = chrome.find_elements(By.CSS_SELECTOR, "#events tbody tr")
    return [row.get_attribute("data-event") or "" for row in rows if row.is_displayed()]


def move_to_marker(chrome: webdriver.Chrome, event: int) -> ActionChains:
    """Move the mouse onto an event's marker in the price chart."""
    chrome.execute_script("byId('session-chart').scrollIntoView()")
    x, y = chrome.execute_script(
        """
        const [view] = Bokeh.index.query((one) => one.model === price);
        const box = view.el.getBoundingClientRect();
        return [box.left + view.frame.x_scale.compute(source.data.x[arguments[0]]),
                box.top + view.frame.y_scale.compute(source.data.y[arguments[0]])];
        """,
        event,
    )
    actions = ActionChains(chrome)
    actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    return actions


def test_a_click_on_a_marker_chooses_its_event(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    assert chosen(chrome) == ["0"]
    actions = move_to_marker(chrome, 3)
    actions.w3c_actions.pointer_action.click()
    actions.perform()
    wait(chrome, lambda: chosen(chrome) == ["3"])
    assert text(chrome, "#card h2") == "11:00:00 SMA 200 ▼ DOWN"
    assert "BREAK" in text(chrome, "#card")
    assert "WALL" in text(chrome, "#card")
    assert "30 %" in text(chrome, "#card .odds")
    assert "310 contracts" not in text(chrome, "#facts")
    assert "330 contracts" in text(chrome, "#facts")
    # The mark is drawn at the event in every chart, the level in the gamma chart.
    mark, level, at_level = chrome.execute_script(
        "return [chartModel('selected').data, data.events[3].level,"
        " chartModel('gamma') && [...Bokeh.documents.at(-1).all_models]"
        ".find((model) => model.name === 'at_level').location]"
    )
    assert mark["y"] == [6003.0]
    assert mark["depth_in_zone"] == [330.0]
    assert level == at_level == 6001.5
    assert text(chrome, "#gamma-note").startswith("As of 10:30")


def test_the_mouse_over_a_marker_shows_its_key_features(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    move_to_marker(chrome, 1).perform()
    find = """
        const texts = [];
        const walk = (node) => {
          for (const child of node.querySelectorAll("*")) {
            if (child.shadowRoot) walk(child.shadowRoot);
            else if (node !== document && child.matches("dl")) {
              texts.push(child.parentElement.innerText);
            }
          }
        };
        walk(document);
        return texts.join(" ");
    """
    wait(chrome, lambda: "PM low DOWN → BOUNCE" in chrome.execute_script(find))
    tip = chrome.execute_script(find)
    assert "−12.5 contracts/pt" in tip
    assert "−0.25" in tip


def test_the_book_and_gammas_marks_follow_the_chosen_entry(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    lines = """
        const names = ["at_flip", "at_call_wall", "at_put_wall"];
        return Object.fromEntries([...Bokeh.documents.at(-1).all_models]
          .filter((line) => names.includes(line.name))
          .map((line) => [line.name, line.visible ? line.location : null]));
    """
    chrome.execute_script("choose(1)")
    assert chrome.execute_script(lines) == {
        "at_flip": 5995.5,
        "at_call_wall": 6020.5,
        "at_put_wall": 5980.5,
    }
    assert text(chrome, "#book-note").startswith("The zone is out of sight")
    assert "out of sight" in text(chrome, "#facts")
    chrome.execute_script("choose(3)")
    assert chrome.execute_script(lines)["at_flip"] is None
    assert text(chrome, "#book-note") == "75 % of the zone's live prices are in sight."
    depth, flow, reach = chrome.execute_script(
        "return [chartModel('depth').data, chartModel('replenishment').data,"
        " chartModel('flow_reach').start]"
    )
    assert depth["defending"] == [40, 90, 150, 210]
    assert depth["bin"] == ["best", "1–2", "3–5", "6–9"]
    assert flow["seconds"] == [20 * place - 230 for place in range(12)]
    assert flow["down"][1:] == [-5 * bucket for bucket in range(2, 13)]
    assert reach == pytest.approx(-1.08 * 60)
    # A session's chart shows them in a panel of their own, by time.
    marks = chrome.execute_script("return [...chartModel('gamma_marks').data.call_wall]")
    assert marks == [6020.5, 6020.5]


def test_gamma_before_its_first_mark_is_unknown(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    assert text(chrome, "#gamma-note") == "Unknown at this entry: the first minute mark is 09:31."
    assert not chrome.find_element(By.ID, "gamma-chart").is_displayed()


def test_filters_hide_events_in_the_chart_and_in_the_table(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    assert text(chrome, "#count") == "5 of 5 entries shown"
    for value, left in (
        ("PM_HIGH", ["1", "2", "3"]),
        ("DOWN", ["2"]),
        ("CHOP", []),
    ):
        chrome.find_element(By.CSS_SELECTOR, f"[data-filter] input[value={value}]").click()
        assert shown_rows(chrome) == left
        booleans = chrome.execute_script("return chartModel('shown').booleans")
        assert [str(place) for place, shown in enumerate(booleans) if shown] == left
    visible = "return chartModel(arguments[0]).visible"
    assert not chrome.execute_script(visible, "level:PM_HIGH")
    assert not chrome.execute_script(visible, "zone:PM_HIGH")
    assert chrome.execute_script(visible, "level:PM_LOW")
    assert text(chrome, "#count") == "0 of 5 entries shown"
    assert chosen(chrome) == []
    chrome.find_element(By.ID, "reset").click()
    assert len(shown_rows(chrome)) == 5


def test_the_theme_changes_page_and_charts_and_is_remembered(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    colour = f"const {{ title }} = price; {VALUE}"
    page = "return getComputedStyle(document.body).backgroundColor"
    light_page = chrome.execute_script(page)
    assert chrome.execute_script(colour) == PALETTE["ink"].light
    chrome.find_element(By.ID, "theme").click()
    assert root_attribute(chrome, "theme") == "dark"
    assert text(chrome, "#theme") == "Light theme"
    assert chrome.execute_script(colour) == PALETTE["ink"].dark
    assert chrome.execute_script(page) != light_page
    require_theme(chrome, "dark")
    chrome.refresh()
    wait(chrome, lambda: root_attribute(chrome, "ready") == "true")
    assert root_attribute(chrome, "theme") == "dark"
    chrome.find_element(By.ID, "theme").click()
    assert text(chrome, "#theme") == "Dark theme"
    assert chrome.execute_script(colour) == PALETTE["ink"].light


def test_events_can_be_walked_and_zoomed_by_keyboard(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    chrome.find_element(By.CSS_SELECTOR, "#events tr[tabindex='0']").send_keys(Keys.ARROW_DOWN)
    assert chosen(chrome) == ["1"]
    assert chrome.switch_to.active_element.get_attribute("data-event") == "1"
    chrome.switch_to.active_element.send_keys(Keys.END)
    assert chosen(chrome) == ["4"]
    chart = chrome.find_element(By.ID, "session-chart")
    chart.send_keys(Keys.ARROW_RIGHT)
    assert chosen(chrome) == ["0"]
    width = "return clock.end - clock.start"
    chart.send_keys("0")
    assert chrome.execute_script(width) == 12 * 3600e3
    chart.send_keys("+")
    assert chrome.execute_script(width) == pytest.approx(8 * 3600e3)


def test_the_table_sorts_with_the_unknown_last(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    heading = chrome.find_element(
        By.XPATH, "//table[@id='events']//th[.//button[text()='Tape imbalance']]"
    )
    heading.find_element(By.TAG_NAME, "button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown_rows(chrome) == ["1", "3", "4", "0", "2"]
    heading.find_element(By.TAG_NAME, "button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert shown_rows(chrome) == ["0", "1", "3", "4", "2"]


def test_the_price_axis_and_the_level_names_follow_the_view(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    chrome.find_element(By.CSS_SELECTOR, "[data-range=event]").click()
    start, end = chrome.execute_script("return [price.y_range.start, price.y_range.end]")
    chrome.find_element(By.CSS_SELECTOR, "[data-range=all]").click()
    wide_start, wide_end = chrome.execute_script("return [price.y_range.start, price.y_range.end]")
    assert wide_end - wide_start > end - start
    # PM high and OR high are two points apart, less than their names are high.
    tags = chrome.execute_script(TAGS)
    assert [(tag["name"], tag["price"]) for tag in tags] == [
        ("last", "6,012.80"),
        ("PM high", "6,010.00"),
        ("OR high", "6,008.00"),
        ("SMA 200", "6,001.50"),
        ("VWAP", "6,000.72"),
        ("PM low", "5,990.00"),
    ]
    gaps = [low["middle"] - high["middle"] for high, low in pairwise(tags)]
    assert min(gaps) >= 14.9
    # They stand on the axis, right of every candle.
    assert all(tag["left"] > tag["frame"] for tag in tags)


TAGS = """
    const view = Bokeh.index.query((one) => one.model === price).next().value;
    const frame = view.el.getBoundingClientRect().left + view.frame.bbox.right;
    return [...document.querySelectorAll("#tags .tag")].map((tag) => {
      const { left, top, bottom } = tag.getBoundingClientRect();
      return { name: tag.firstChild.innerText, price: tag.lastChild.data.trim(), left, frame,
               middle: (top + bottom) / 2 };
    });
"""


def test_no_candle_outside_the_view_is_drawn_at_its_edge(opened: Open) -> None:
    """As Bokeh does with bars of some glyphs: a line over all heights of what lies beyond."""
    chrome = opened(f"{DAYS[0]}.html")
    painted = chrome.execute_script(
        """
        const [view] = Bokeh.index.query((one) => one.model === price);
        const { right, top, height } = view.frame.bbox;
        const scale = view.canvas_view.pixel_ratio;
        const { data } = view.canvas_view.primary.ctx.getImageData(
          right * scale, top * scale, 1, height * scale);
        // Dark is the candles' colour, not that of grid and frame.
        let dark = 0;
        for (let at = 0; at < data.length; at += 4) dark += data[at] < 150 && data[at + 3] > 100;
        return dark / (data.length / 4);
        """
    )
    assert painted < 0.25


@pytest.mark.parametrize("name", [f"{DAYS[0]}.html", f"{DAYS[0]}_to_{DAYS[1]}.html", "index.html"])
def test_a_page_fits_every_width_in_both_themes_and_no_chart_covers_another(
    opened: Open, name: str, window: Callable[[int], None]
) -> None:
    chrome = opened(name)
    for theme in ("light", "dark"):
        chrome.execute_script("setTheme(arguments[0])", theme)
        require_theme(chrome, theme)
        require_room(chrome, window)
    for width in WIDTHS:
        window(width)
        # What a gate said is in sight without scrolling.
        for gate in chrome.find_elements(By.CSS_SELECTOR, "td.status")[:3]:
            assert gate.rect["x"] + min(gate.rect["width"], 60) <= width


def test_a_link_to_an_event_opens_with_it(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    identity = chrome.execute_script("return data.events[2].id")
    chrome = opened(f"{DAYS[0]}.html#{identity}")
    assert chosen(chrome) == ["2"]


def test_the_range_page_shows_other_directions_and_themes(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}_to_{DAYS[1]}.html")
    # Of the entries with a null model, BREAK of the three kinds and both directions: 2 of 8.
    title = "return chartModel('incidence-title:ALL').title.text"
    last = "return [...chartModel('incidence:ALL').data.BREAK].at(-1)"
    assert chrome.execute_script(title) == "All entries (8)"
    assert chrome.execute_script(last) == pytest.approx(0.25)
    chrome.find_element(By.CSS_SELECTOR, "#direction option[value=UP]").click()
    assert chrome.execute_script(title) == "All entries ▲ (2)"
    assert chrome.execute_script(last) == 0
    chrome.find_element(By.ID, "theme").click()
    colour = chrome.execute_script("return chartModel('incidence-title:ALL').title.text_color")
    assert PALETTE["ink"].dark in (
        colour,
        (colour or {}).get("value") if colour is dict else colour,
    )
    chrome.find_element(By.CSS_SELECTOR, f"a[href='{DAYS[1]}.html']").click()
    wait(chrome, lambda: chrome.title == f"ES session {DAYS[1]}")


def test_the_range_page_shows_gold_of_other_entries_and_barriers(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}_to_{DAYS[1]}.html")
    last = "return [...chartModel('gold:incidence:fixed').data.BREAK].at(-1)"
    title = "return chartModel('gold-title:move').title.text"
    assert chrome.execute_script(last) == pytest.approx(0.08)
    chrome.find_element(By.CSS_SELECTOR, "#gold-stratum option[value=PM_HIGH_UP]").click()
    assert chrome.execute_script(last) == pytest.approx(0.04)
    assert "real 8 entries, 3 sessions" in chrome.execute_script(title)
    charts = [
        chrome.find_element(By.ID, f"gold-outcomes-{name}") for name in ("scaled_100", "fixed")
    ]
    assert [chart.is_displayed() for chart in charts] == [True, False]
    chrome.find_element(By.CSS_SELECTOR, "#gold-target option[value=fixed]").click()
    assert [chart.is_displayed() for chart in charts] == [False, True]
    assert charts[1].size["width"] > 600


def test_the_index_leads_to_the_pages(opened: Open) -> None:
    chrome = opened("index.html")
    links = [link.get_attribute("href") or "" for link in chrome.find_elements(By.TAG_NAME, "a")]
    names = {link.rsplit("/", 1)[-1] for link in links}
    assert {f"{DAYS[0]}.html", f"{DAYS[1]}.html", f"{DAYS[0]}_to_{DAYS[1]}.html"} <= names


def test_the_archive_says_what_a_gate_measured(opened: Open) -> None:
    chrome = opened("index.html")
    cell = chrome.find_element(By.CSS_SELECTOR, ".matrix tbody tr:nth-child(2) td")
    ActionChains(chrome).move_to_element(cell).perform()
    said = f"{DAYS[0]} · 1_purity · 55%, to be at least 60%"
    wait(chrome, lambda: text(chrome, "#cell") == said)
    assert cell.get_attribute("title") == said
    # By keyboard: the newest session takes part in the tab order, arrows move from there.
    start = chrome.find_element(By.CSS_SELECTOR, ".matrix td[tabindex='0']")
    start.send_keys(Keys.ARROW_DOWN)
    assert text(chrome, "#cell").startswith(f"{DAYS[1]} · 2_clock · 55%")
    chrome.switch_to.active_element.send_keys(Keys.HOME)
    assert text(chrome, "#cell").startswith(f"{DAYS[0]} · 2_clock")
    chrome.switch_to.active_element.send_keys(Keys.ENTER)
    wait(chrome, lambda: chrome.title == f"ES session {DAYS[0]}")


def test_the_day_is_shown_with_its_flow(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    # The view opens on all of the time in which entries count.
    assert chrome.execute_script(
        "return clock.start <= clock.tags[2] && clock.end >= clock.tags[3]"
    )
    sums, vwap, ofi = chrome.execute_script(
        "return ['flow:sum', 'vwap_source', 'flow:ofi_best']"
        ".map((name) => Object.values(chartModel(name).data).at(-1)).map((one) => [...one])"
    )
    assert sums[:4] == [-6, -2, 2, -4]
    assert len(vwap) == 390
    assert [ofi[place] for place in (0, 1, 9)] == [-400, -300, 500]
    # The lowest panel that is shown has the clock, and a line that is not shown has no tag.
    clocks = (
        "return [...document.querySelectorAll('[data-panel^=\"panel:\"]')]"
        ".map((box) => chartModel(box.dataset.panel)).filter((plot) => plot.below[0].visible)"
        ".map((plot) => plot.name)"
    )
    assert chrome.execute_script(clocks) == ["panel:gamma"]
    for panel in ("panel:gamma", "panel:delta", "vwap"):
        chrome.find_element(By.CSS_SELECTOR, f"[data-panel='{panel}']").click()
    assert chrome.execute_script(clocks) == ["panel:at-depth_in_zone"]
    assert not chrome.execute_script("return chartModel('panel:delta').visible")
    assert "VWAP" not in [tag["name"] for tag in chrome.execute_script(TAGS)]


SAVED = """
    const done = arguments[arguments.length - 1];
    window.save = (name, blob) => blob.arrayBuffer().then((bytes) =>
      done([name, blob.type, [...new Uint8Array(bytes)]]));
    byId(arguments[0]).click();
"""


def test_entries_and_the_chart_can_be_taken_along(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    chrome.execute_script("data.columns.barrier_state[1] = '=1+\"1\"'")
    # By the value of a feature: unknown values are left out with the rest.
    Select(chrome.find_element(By.ID, "feature")).select_by_visible_text("tape_imbalance")
    assert text(chrome, "#range-note") == "from -0.25 to 0.25, 1 unknown"
    chrome.find_element(By.ID, "most").send_keys("0.1")
    assert shown_rows(chrome) == ["1", "3", "4"]
    name, kind, content = chrome.execute_async_script(SAVED, "save-csv")
    assert (name, kind) == (f"{DAYS[0]}_entries.csv", "text/csv")
    rows = list(csv.DictReader(StringIO(bytes(content).decode(), newline="")))
    assert [row["level_kind"] for row in rows] == ["PM_LOW", "SMA_200", "PM_HIGH"]
    assert rows[0]["event_ts_ns"] == str(report_silver.ns(DAYS[0], 9, 50))
    assert rows[0]["depth_in_zone"] == "310"
    assert rows[0]["barrier_state"] == '\'=1+"1"'
    assert rows[1]["barrier_state"] == "WALL"
    assert rows[2]["time_to_threshold_2"] == ""
    chrome.find_element(By.ID, "reset").click()
    assert len(shown_rows(chrome)) == 5
    name, kind, content = chrome.execute_async_script(SAVED, "save-png")
    assert (name, kind) == (f"{DAYS[0]}.png", "image/png")
    width, height = chrome.execute_script(
        "const { width, height } = byId('session-chart').getBoundingClientRect();"
        "return [width, height]"
    )
    assert bytes(content[:8]) == b"\x89PNG\r\n\x1a\n"
    found = [int.from_bytes(bytes(content[at : at + 4])) for at in (16, 20)]
    assert found == [pytest.approx(width, abs=2), pytest.approx(height, abs=2)]


def test_two_entries_are_shown_side_by_side(opened: Open) -> None:
    chrome = opened(f"{DAYS[0]}.html")
    chrome.find_element(By.ID, "session-chart").send_keys("c")
    assert text(chrome, "#keep") == "End comparison"
    chrome.execute_script("choose(3)")
    assert [card.text for card in chrome.find_elements(By.CSS_SELECTOR, "#card h2")] == [
        *("09:35:00 PM high ▲ UP", "11:00:00 SMA 200 ▼ DOWN"),
    ]
    depth = chrome.find_element(By.XPATH, "//dt[text()='Depth in the zone']")
    sides = depth.find_elements(By.XPATH, "following-sibling::dd[position()<=2]")
    assert [side.text for side in sides] == ["300 contracts", "330 contracts"]
    assert chrome.execute_script("return chartModel('selected').data.y") == [6008.5, 6003.0]
    chrome.find_element(By.ID, "keep").click()
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#card h2")) == 1
    assert chosen(chrome) == ["3"]


def test_a_session_without_entries_or_options_is_shown_without_an_error(opened: Open) -> None:
    chrome = opened("bare.html")
    assert chrome.execute_script("return data.events.length") == 0
    assert "There is no entry to show." in text(chrome, "#card")
    chrome.find_element(By.CSS_SELECTOR, "[data-panel='panel:volume']").click()
    chrome.find_element(By.CSS_SELECTOR, "[data-range=all]").click()
    assert chrome.execute_script("return clock.end - clock.start") == 12 * 3600e3
    assert [tag["name"] for tag in chrome.execute_script(TAGS)] == [
        *("last", "PM high", "OR high", "SMA 200", "PM low"),
    ]
