"""A real browser for the tests of pages: a plugin of pytest, which their modules name.

A module that uses `opened` has a fixture `pages`, the folder of its pages.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from report_browser import Open, drain, root_attribute, wait
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

NO_BROWSER = (
    "the tests of the report in a browser need chromium and chromedriver on the path: "
    "apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    """A headless Chromium. Needed where CI is set; elsewhere its absence is said."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def opened(chrome: webdriver.Chrome, pages: Path) -> Iterator[Open]:
    """Opens a page in the light theme; afterwards nothing may have failed or been fetched."""

    def open_page(name: str) -> webdriver.Chrome:
        chrome.get("about:blank")
        drain(chrome)
        chrome.get(f"{pages.as_uri()}/{name}")
        wait(chrome, lambda: root_attribute(chrome, "ready") == "true")
        chrome.execute_script("setTheme('light')")
        return chrome

    yield open_page
    messages, requests = drain(chrome)
    assert messages == []
    assert requests
    assert [url for url in requests if not url.startswith(("file:", "data:", "about:"))] == []


@pytest.fixture
def window(chrome: webdriver.Chrome) -> Iterator[Callable[[int], None]]:
    """Makes the page so many pixels wide, until the test ends."""

    def resize(width: int) -> None:
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield resize
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
