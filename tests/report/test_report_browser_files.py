"""What a reader takes out of the page, reads by keyboard, and whether everybody can use it."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from report_cases import HOSTILE, posts, summaries
from test_report_parts import everything

from narraframe.report.page import render

pytest.importorskip("selenium", reason="selenium is not installed")

from report_browser import (
    NEEDS_AXE,
    NEEDS_CHROMIUM,
    css,
    downloaded,
    open_page,
    resize,
    scroll_to,
    serious_faults,
    wait,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "report.html"
    theme = replace(summaries()[0], name='=cmd|" /C calc"!A1, and a comma')
    path.write_text(render(replace(everything(), summaries=(theme,))), encoding="utf-8")
    return path


def test_a_table_downloads_as_csv_with_bare_numbers_and_no_formula(page, folder):
    name = "Posts without a score are in none of the counts below"
    found = downloaded(page, folder, f"Save as CSV: {name}")
    assert found.name == "posts-without-a-score-are-in-none-of-the-counts-below.csv"
    assert list(csv.reader(io.StringIO(found.read_text("utf-8-sig")))) == [
        ["Why", "Posts", "Distinct"],
        ["not among the scores: score these posts too", "1", "1"],
        ["no text", "1", "0"],
    ]


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(page):
    table = next(t for t in css(page, "#themes table") if "All themes" in t.text)
    written = page.execute_script("return narraframe.tableAsCsv(arguments[0])", table)
    header, first = list(csv.reader(io.StringIO(written)))
    assert header[:3] == ["Theme", "Posts", "Distinct"]
    assert first[0].startswith("T4 =cmd|")
    cells = page.execute_script(
        """const table = document.createElement('table');
        for (const text of ['=1+1', '-5', '−0.25', '1,234', '@x', "'=y", 'a "b", c'])
            table.insertRow().insertCell().textContent = text;
        return narraframe.tableAsCsv(table);"""
    )
    rows = [row[0] for row in csv.reader(io.StringIO(cells))]
    assert rows == ["'=1+1", "-5", "-0.25", "1234", "'@x", "''=y", 'a "b", c']


def test_a_chart_downloads_as_a_picture(page, folder):
    found = downloaded(page, folder, "Save as PNG: Bar chart: posts and distinct posts per month")
    assert found.read_bytes().startswith(b"\x89PNG")
    assert found.stat().st_size > 3000


def test_the_map_downloads_as_a_picture(page, folder):
    assert downloaded(page, folder, "Save as PNG: Theme map").read_bytes().startswith(b"\x89PNG")


def test_every_table_and_every_chart_offers_a_file(page):
    names = [button.get_attribute("aria-label") for button in css(page, "button.save")]
    assert sum(name.startswith("Save as CSV") for name in names) == len(css(page, "table"))
    assert sum(name.startswith("Save as PNG") for name in names) == len(css(page, ".chart"))
    assert [name for name in names if names.count(name) > 1] == []


def test_every_button_for_a_file_gives_one_that_holds_what_is_shown(page, folder):
    page.execute_script("for (const fold of document.querySelectorAll('details')) fold.open = true")
    for button in css(page, "button.save"):
        before = set(folder.iterdir())
        page.execute_script("arguments[0].click()", button)

        def new(_, before=before):
            return [f for f in set(folder.iterdir()) - before if f.suffix in {".csv", ".png"}]

        wait(page, new)
        (found,) = new(page)
        wait(page, lambda _, found=found: found.stat().st_size)
        if found.suffix == ".png":
            assert found.read_bytes().startswith(b"\x89PNG")
        elif button.get_attribute("aria-label").startswith("Save as CSV"):
            rows = page.execute_script(
                """const place = arguments[0].closest('.saves').previousElementSibling;
                const table = place.matches('table') ? place : place.querySelector('table');
                return [...table.rows].map((row) => row.cells[0].innerText.trim());""",
                button,
            )
            held = list(csv.reader(io.StringIO(found.read_text("utf-8-sig"))))
            assert [" ".join(row.split()) for row in rows] == [row[0].lstrip("'") for row in held]


def test_the_keyboard_reads_the_post_nearest_to_the_middle(page):
    chart = page.find_element(By.ID, "map-chart")
    chart.send_keys("0")
    said = page.find_element(By.ID, "map-said")
    wait(page, lambda _: "North" in said.get_attribute("textContent"))
    heard = said.get_attribute("textContent")
    chart.send_keys(Keys.ENTER)
    wait(page, lambda d: d.find_element(By.ID, "post").is_displayed())
    assert page.find_element(By.ID, "post-text").text in heard


def test_the_reliability_of_the_chosen_shares_is_drawn(page):
    chart = page.find_element(By.CSS_SELECTOR, "[data-chart='facet-0-shares']")
    scroll_to(page, chart)
    wait(page, lambda _: "Trade" in chart.text)
    before = chart.get_attribute("innerHTML")
    page.find_element(By.CSS_SELECTOR, "input[value='naive']").click()
    assert chart.get_attribute("innerHTML") != before


def test_a_hostile_post_of_a_megabyte_opens_and_does_nothing(driver, page_path, tmp_path):
    huge = HOSTILE + " <b onmouseover=window.pwned=1>" * 32_000
    assert len(huge) > 900_000
    path = Path(tmp_path) / "huge.html"
    known = [replace(posts()[0], text=huge), *posts()[1:]]
    path.write_text(render(replace(everything(), posts=known)), encoding="utf-8")
    driver.get_log("browser")
    open_page(driver, path)
    driver.execute_script("narraframe.map.select(0)")
    text = driver.find_element(By.ID, "post-text")
    assert driver.execute_script("return arguments[0].textContent.length", text) > 900_000
    assert css(driver, "img, #post-text *") == []
    assert driver.execute_script("return window.pwned") is None
    assert driver.get_log("browser") == []


@NEEDS_AXE
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(page, width, scheme):
    resize(page, width, 900)
    page.execute_script("narraframe.map.select(0)")
    assert serious_faults(page, scheme) == []


def test_the_tab_key_reaches_every_control_and_shows_where_it_is(page):
    wanted = page.execute_script(
        """for (const fold of document.querySelectorAll('details')) fold.open = true;
        const seen = new Set(), all = document.querySelectorAll(
            'a[href], button, input, select, summary, [tabindex="0"]');
        return [...all].filter((one) => {
            if (!one.checkVisibility({visibilityProperty: true}) || one.disabled) return false;
            // of radio buttons the chosen one is reached, the arrows do the rest
            return one.type !== 'radio' || one.checked;
        }).map((one, i) => (one.dataset.control = i));"""
    )
    reached, bare = set(), []
    for _ in range(len(wanted) + 20):
        ActionChains(page).send_keys(Keys.TAB).perform()
        focus, ring = page.execute_script(
            """const one = document.activeElement, {outlineStyle} = getComputedStyle(one);
            return [one.dataset.control ?? null, outlineStyle];"""
        )
        reached.add(focus)
        if focus is not None and ring == "none":
            bare.append(focus)
        if set(map(str, wanted)) <= reached:
            break
    assert set(map(str, wanted)) - reached == set()
    assert bare == []


def test_filters_work_by_keyboard(page):
    switch = page.find_element(By.CSS_SELECTOR, "input[name='themes-count'][value='posts']")
    scroll_to(page, switch)
    switch.send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script("return narraframe.groups.get('themes').variant") == "distinct"
    box = page.find_element(By.CSS_SELECTOR, "input[data-group='facet-0'][value='trade']")
    box.send_keys(Keys.SPACE)
    assert page.execute_script("return narraframe.groups.get('facet-0').slots.has('trade')")
    entry = page.find_element(By.CSS_SELECTOR, "#legend button")
    entry.send_keys(Keys.ENTER)
    pressed = page.find_element(By.CSS_SELECTOR, "#legend button").get_attribute("aria-pressed")
    assert pressed == "true"
