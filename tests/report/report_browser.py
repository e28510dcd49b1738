"""A browser for the tests of the page, and how they look at it."""

import contextlib
import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDS_CHROMIUM = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
)
AXE = importlib.util.find_spec("axe_core_python")
NEEDS_AXE = pytest.mark.skipif(
    AXE is None, reason="axe-core-python, which carries axe, is not installed"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-prefers-reduced-motion",
)  # fmt: skip


def start(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


@contextlib.contextmanager
def clean(driver, path):
    """Open `path`; afterwards there must be no fault, no request, and no script of a post."""
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    open_page(driver, path)
    yield
    assert driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [params["request"]["url"] for params in sent]
    assert path.as_uri() in asked
    assert [url for url in asked if not url.startswith((path.as_uri(), "data:"))] == []
    assert driver.execute_script("return window.pwned") is None


def open_page(driver, path):
    """Open `path` and wait until its posts are unpacked."""
    driver.get(path.as_uri())
    wait(driver, lambda d: css(d, "html[data-unpacked]"))


def resize(driver, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait(driver, condition):
    WebDriverWait(driver, 30, ignored_exceptions=(StaleElementReferenceException,)).until(condition)


def css(driver, selector):
    return driver.find_elements(By.CSS_SELECTOR, selector)


def scroll_to(driver, element):
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)


def point(driver, row):
    """Where post `row` lies on the map, from the middle of the map, in pixels."""
    return driver.execute_script(
        """const {element, pixel} = narraframe.map, [left, top] = pixel(arguments[0]);
        return [left - element.clientWidth / 2, top - element.clientHeight / 2];""",
        row,
    )


def legend(driver):
    """Name and count of every entry of the map's legend."""
    names, counts = (css(driver, f"#legend button {tag}") for tag in ("span", "b"))
    return {name.text: count.text for name, count in zip(names, counts, strict=True)}


def drawn_colours(driver):
    """The opaque colours on the map, read from a copy so that the map stays as it is."""
    return driver.execute_script(
        """const canvas = document.querySelector('#map-chart canvas');
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
        copy.drawImage(canvas, 0, 0);
        const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4)
            if (data[i + 3] > 250) seen.add((data[i] << 16) + (data[i + 1] << 8) + data[i + 2]);
        return [...seen];"""
    )


def windows(driver):
    """The shares of the map that are seen, in per cent: across and up."""
    return driver.execute_script("return narraframe.map.windows()")


def layers(driver):
    """What is painted on the map, by id: how many posts, how large and how opaque."""
    return {one["id"]: one for one in driver.execute_script("return narraframe.map.layers()")}


def serious_faults(driver, scheme):
    """What axe finds serious on the page as it is in a scheme, all drawn and all unfolded."""
    button = driver.find_element(By.ID, "scheme")
    if (button.get_attribute("aria-pressed") == "true") != (scheme == "dark"):
        button.click()
    for fold in css(driver, "details"):
        driver.execute_script("arguments[0].open = true", fold)
    for chart in css(driver, "[data-chart]"):
        scroll_to(driver, chart)
    source = Path(AXE.submodule_search_locations[0], "axe.min.js").read_text(encoding="utf-8")
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
    found = driver.execute_async_script(
        """axe.run(document, {resultTypes: ['violations']}).then((result) => arguments[0](
            result.violations.map(({id, impact, nodes}) =>
                [id, impact, nodes.slice(0, 3).map((one) => one.html.slice(0, 200))])));"""
    )
    return [one for one in found if one[1] in {"serious", "critical"}]


def downloaded(driver, folder, label):
    """Press the button that is called `label` and return the file that comes."""
    button = next(b for b in css(driver, "button.save") if b.get_attribute("aria-label") == label)
    scroll_to(driver, button)
    button.click()

    def whole_files():
        return [f for f in folder.iterdir() if f.suffix in {".csv", ".png"} and f.stat().st_size]

    wait(driver, lambda _: whole_files())
    (found,) = whole_files()
    return found
