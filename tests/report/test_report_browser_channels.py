"""Labels over time and by channel in a real browser: bursts are marked, numbers come out."""

import csv
import io
from dataclasses import replace

import pytest
from channel_cases import CHANNELS, report
from report_cases import HOSTILE, codebook

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
    path = tmp_path_factory.mktemp("channels") / "report.html"
    path.write_text(render(report()), encoding="utf-8")
    return path


@pytest.fixture
def card(page):
    """The card of trade, opened."""
    found = page.find_element(By.ID, "label-trade")
    scroll_to(page, found)
    found.find_element(By.TAG_NAME, "summary").click()
    return found


def chart(page, name):
    """The chart of that name, drawn."""
    place = page.find_element(By.CSS_SELECTOR, f"[data-chart='{name}']")
    scroll_to(page, place)
    wait(page, lambda _: place.find_elements(By.CSS_SELECTOR, "svg path"))
    return place


SHADED = """
const asIs = (text) => text.replace(/\\s/g, ''), raised = asIs(narraframe.colour('note-rule'));
const paths = [...arguments[0].querySelectorAll('path')]
    .filter((one) => asIs(getComputedStyle(one).fill) === raised);
"""


def shaded(page, place, xs):
    """Whether a chart is shaded at each of `xs`, pixels from its left end, 40 from its top."""
    return page.execute_script(
        SHADED
        + """return arguments[1].map((x) => paths.some((path) => {
            const point = path.ownerSVGElement.createSVGPoint();
            [point.x, point.y] = [x, 40];
            return path.isPointInFill(point);
        }));""",
        place,
        xs,
    )


def at_months(page, place, months):
    """Where the middles of months lie, in pixels from the left end of a chart."""
    return page.execute_script(
        """const chart = echarts.getInstanceByDom(arguments[0]);
        return arguments[1].map((at) => chart.convertToPixel({xAxisIndex: 0}, at));""",
        place,
        months,
    )


def test_a_burst_is_shaded_in_the_time_line_and_said_in_words(page, card):
    place = chart(page, "time-trade")
    may_to_august = at_months(page, place, [4, 5, 6, 7])
    assert shaded(page, place, may_to_august) == [False, True, True, False]
    assert "2.5 × usual" in place.text
    said = card.find_element(By.CSS_SELECTOR, ".rises").text
    assert said.startswith("Raised Jun 2024 to Jul 2024: 22 of 72 distinct posts (31 %)")


def test_the_time_line_tells_of_the_burst_when_pointed_at(page, card):
    place = chart(page, "time-trade")
    (x,) = at_months(page, place, [5])
    middle = page.execute_script("return arguments[0].clientWidth / 2", place)
    ActionChains(page).move_to_element_with_offset(place, int(x - middle), 0).perform()
    wait(page, lambda d: "raised: 2.5 times" in "".join(t.text for t in css(d, ".tip")))
    assert "11 of 36 distinct posts" in "".join(t.text for t in css(page, ".tip"))


def test_a_burst_of_a_theme_is_shaded_on_its_card(page):
    place = chart(page, "theme-0")
    may_to_august = at_months(page, place, [4, 5, 6, 7])
    assert shaded(page, place, may_to_august) == [False, True, True, False]
    assert "Raised Jun 2024 to Jul 2024" in page.find_element(By.ID, "T0").text


def test_what_rose_leads_to_the_card_and_opens_it(page):
    link = page.find_element(By.CSS_SELECTOR, "#overview .rises a[href='#label-trade']")
    scroll_to(page, link)
    link.click()
    wait(page, lambda d: d.find_element(By.ID, "label-trade").get_attribute("open"))


@pytest.mark.parametrize("width", [390, 1280])
def test_every_channel_has_a_small_chart_that_fits(page, card, width):
    resize(page, width, 900)
    place = chart(page, "channel-times-trade")
    wait(page, lambda _: all(name in place.text for name in CHANNELS))
    outside = page.execute_script(
        """const own = arguments[0].getBoundingClientRect();
        return [...arguments[0].querySelectorAll('text, path')]
            .map((one) => one.getBoundingClientRect())
            .filter(({width, left, right, top, bottom}) => width && (left < own.left - 1
                || right > own.right + 1 || top < own.top - 1
                || bottom > own.bottom + 1)).length;""",
        place,
    )
    assert outside == 0
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_shares_by_design_are_filled_and_counts_hollow(page, card):
    place = chart(page, "channels-trade")
    fills = page.execute_script(
        """const chart = echarts.getInstanceByDom(arguments[0]), option = chart.getOption();
        return option.series.filter(({type}) => type === 'scatter')
            .map(({id, data, itemStyle}) => [id, data.length, itemStyle?.color]);""",
        place,
    )
    drawn = {one: (n, colour) for one, n, colour in fills}
    card_colour = page.execute_script("return narraframe.colour('card')")
    assert drawn["points"][0] == 1
    assert drawn["points"][1] != card_colour
    assert drawn["count-points"] == (3, card_colour)
    assert "%" in place.text


def test_the_numbers_of_the_small_charts_can_be_taken_out(page, card, folder):
    label = page.execute_script("return narraframe.data.charts['channel-times-trade'].label")
    found = downloaded(page, folder, f"Save the numbers: {label}")
    header, *rows = csv.reader(io.StringIO(found.read_text("utf-8-sig")))
    assert header == ["channel", "period", "n", "of", "low_percent", "percent", "high_percent"]
    assert len(rows) == len(CHANNELS) * 12
    assert ["North", "Jun 2024", "9", "12", "46.8", "75", "91.1"] in rows


@pytest.mark.parametrize("name", ["time-trade", "channels-trade", "channel-times-trade"])
def test_the_new_charts_download_as_pictures(page, card, folder, name):
    label = page.execute_script("return narraframe.data.charts[arguments[0]].label", name)
    found = downloaded(page, folder, f"Save as PNG: {label}")
    assert found.read_bytes().startswith(b"\x89PNG")
    assert found.stat().st_size > 5000


def test_the_table_of_channels_downloads_what_it_shows(page, card, folder):
    caption = "Trade in each channel. Decisions: the classifier's, on distinct posts"
    header, *rows = csv.reader(
        io.StringIO(downloaded(page, folder, f"Save as CSV: {caption}").read_text("utf-8-sig"))
    )
    table = card.find_element(By.TAG_NAME, "table")
    shown = [row.text for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert [row[0] for row in rows] == ["East", "North", "South"]
    for row, text in zip(rows, shown, strict=True):
        assert all(cell in text for cell in row)
    assert header[-3:] == ["Answered", "More to label for ±5 points", "To be known"]


def test_the_keyboard_alone_opens_a_card_and_reaches_its_files(page):
    summary = page.find_element(By.CSS_SELECTOR, "#label-trade > summary")
    page.execute_script("arguments[0].focus()", summary)
    ActionChains(page).send_keys(Keys.ENTER).perform()
    wait(page, lambda d: d.find_element(By.ID, "label-trade").get_attribute("open"))
    reached = []
    for _ in range(12):
        ActionChains(page).send_keys(Keys.TAB).perform()
        focus = page.switch_to.active_element
        reached.append(focus.get_attribute("aria-label") or focus.text)
        ring = page.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focus)
        assert ring == "solid"
    assert any(name.startswith("Save the numbers: Share of distinct posts") for name in reached)
    assert any(
        name.startswith("Save as PNG: Dot chart: share of posts with Trade") for name in reached
    )
    assert "Open the post" in reached


def test_hostile_names_of_channels_and_labels_do_nothing(driver, tmp_path):
    made = report()
    first, *others = made.by_channel.over_time
    sly = replace(
        made,
        codebook=replace(
            codebook(),
            labels=tuple(replace(one, name=HOSTILE) for one in codebook().labels),
        ),
        by_channel=replace(made.by_channel, over_time=(replace(first, channel=HOSTILE), *others)),
    )
    path = tmp_path / "sly.html"
    path.write_text(render(sly), encoding="utf-8")
    driver.get_log("browser")
    open_page(driver, path)
    driver.execute_script("document.getElementById('label-trade').open = true")
    place = chart(driver, "channel-times-trade")
    assert "<script>window" in place.text
    assert css(driver, "img") == []
    assert driver.execute_script("return window.pwned") is None
    assert driver.get_log("browser") == []


@NEEDS_AXE
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_no_serious_fault_in_what_is_shown_by_channel(page, scheme, width):
    resize(page, width, 900)
    assert serious_faults(page, scheme) == []
