"""What the tests of pages in a browser share: to wait, to read, and to see that a page fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

Open = Callable[[str], webdriver.Chrome]


def drain(chrome: webdriver.Chrome) -> tuple[list[str], list[str]]:
    """Warnings and errors of the console, and every address asked for, since the last call."""
    messages = [entry["message"] for entry in chrome.get_log("browser") if entry["level"] != "INFO"]
    events = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    requests = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return messages, requests


def wait(chrome: webdriver.Chrome, condition: Callable[[], Any]) -> None:
    WebDriverWait(chrome, 60, poll_frequency=0.1).until(lambda _: condition())


def root_attribute(chrome: webdriver.Chrome, name: str) -> str:
    return str(chrome.execute_script(f"return document.documentElement.dataset.{name} ?? ''"))


def text(chrome: webdriver.Chrome, selector: str) -> str:
    return chrome.find_element(By.CSS_SELECTOR, selector).text


CHARTS = """
    const found = [];
    const walk = (node) => {
      for (const child of node.children) {
        const { left, right, top, bottom } = child.getBoundingClientRect();
        if (!child.matches(".bk-Figure")) walk(child.shadowRoot ?? child);
        else if (right > left) found.push({ left, right, top, bottom });
      }
    };
    document.querySelectorAll(".chart").forEach(walk);
    return found;
"""
WIDTHS = (390, 800, 1440)


def require_room(chrome: webdriver.Chrome, window: Callable[[int], None]) -> None:
    """Fail unless the page fits every width, and no chart covers another or is too narrow."""
    for width in WIDTHS:
        window(width)
        wait(chrome, lambda: chrome.execute_script(
            "return document.documentElement.scrollWidth <= innerWidth"
        ))  # fmt: skip
        wait(chrome, lambda: all(
            not _overlap(*pair) for pair in combinations(chrome.execute_script(CHARTS), 2)
        ))  # fmt: skip
        for box in chrome.execute_script(CHARTS):
            assert box["right"] - box["left"] >= 200
            assert box["right"] <= width


def require_theme(chrome: webdriver.Chrome, theme: str) -> None:
    """Fail if the page is not painted in the theme, or a chart has a colour of the other."""
    other = {"light": "dark", "dark": "light"}[theme]
    left = chrome.execute_script(
        """
        const [theme, other] = arguments;
        const shade = PALETTE[0][theme];
        const parts = [1, 3, 5].map((at) => parseInt(shade.slice(at, at + 2), 16));
        const page = getComputedStyle(document.body).backgroundColor;
        const found = page === `rgb(${parts.join(", ")})` ? [] : [`page ${page}`];
        const wrong = new Set(PALETTE.map((shade) => shade[other]));
        for (const chart of window.Bokeh?.documents ?? []) {
          for (const { type, attributes } of chart.all_models) {
            for (const [name, value] of Object.entries(attributes)) {
              if (wrong.has(value) || wrong.has(value?.value)) found.push(`${type}.${name}`);
            }
          }
        }
        return found;
        """,
        theme,
        other,
    )
    assert left == []


def _overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > 1
