"""The page in a real browser, opened from disk, with every text in it hostile or plain."""

import base64
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from report_cases import HOSTILE, moment, scores, summaries, themes, whole

from narraframe.records import Post
from narraframe.report.page import render

pytest.importorskip("selenium", reason="selenium is not installed")

from report_browser import (
    NEEDS_CHROMIUM,
    css,
    drawn_colours,
    legend,
    open_page,
    point,
    resize,
    scroll_to,
    wait,
    windows,
)
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
N = 60


def report():
    """Sixty posts in two themes and noise; the first is hostile, the ninth alone says walrus."""
    texts = [f"Port news {i}" for i in range(N)]
    texts[0], texts[8] = HOSTILE, "A walrus in the harbour"
    start = moment("2024-01-05")
    made = [
        Post(
            post_id=f"p{i}",
            text=text,
            channel=HOSTILE if i == 0 else f"Channel {i % 3}",
            created_at=start + timedelta(days=4 * i),
            url=f"https://example.org/{i}",
            lang="en",
        )
        for i, text in enumerate(texts)
    ]
    ids = tuple(post.post_id for post in made)
    at = np.arange(N)
    theme = np.where(at % 5 == 4, -1, at % 2).astype(np.int32)
    xy = np.stack([at % 10, at // 10], axis=1).astype(np.float32)
    ports, other = summaries()[0], summaries()[0]
    return replace(
        whole(),
        posts=made,
        themes=replace(themes(), post_ids=ids, theme=theme, membership=np.ones(N), xy=xy),
        summaries=(
            replace(ports, theme=0, n_posts=24, n_groups=24, representative_post_ids=("p0", "p2")),
            replace(other, theme=1, name=HOSTILE, n_posts=24, n_groups=24),
        ),
        scores=replace(
            scores(),
            post_ids=ids,
            probability=np.full((N, 4), 0.7, dtype=np.float32),
            decision=np.stack([at % 2 == 0, at % 2 == 0, at < 0, at % 3 == 0], axis=1),
            abstained=np.zeros((N, 4), dtype=bool),
            reasons=("",) * N,
        ),
    )


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(report()), encoding="utf-8")
    return path


def test_every_chart_is_drawn_when_it_comes_near(page):
    for chart in css(page, "[data-chart]"):
        scroll_to(page, chart)
        wait(page, lambda _, chart=chart: len(chart.find_elements(By.CSS_SELECTOR, "svg path")) > 3)
    assert len(css(page, "[data-chart]")) == 9


def test_the_map_is_drawn_in_the_colours_of_its_themes(page):
    assert len(drawn_colours(page)) > 3
    assert legend(page)["T0 Ports"] == "24"
    assert legend(page)["no theme"] == "12"


def test_colouring_by_something_else_changes_marks_and_legend(page):
    before = set(drawn_colours(page))
    Select(page.find_element(By.ID, "colour-by")).select_by_value("channel")
    assert {legend(page)[f"Channel {i}"] for i in range(3)} == {"19", "20"}
    assert set(drawn_colours(page)) != before
    Select(page.find_element(By.ID, "colour-by")).select_by_value("month")
    assert legend(page)["Jan 2024"] == "7"
    Select(page.find_element(By.ID, "colour-by")).select_by_visible_text("Ports")
    assert legend(page) == {"Ports": "30", "not decided": "30"}


def test_search_finds_posts_and_dims_the_others(page):
    before = set(drawn_colours(page))
    page.find_element(By.ID, "search").send_keys("HARBOUR walrus")
    wait(page, lambda d: d.find_element(By.ID, "matches").text == "1 of 60 posts matches")
    (found,) = css(page, "#match-list button")
    assert "A walrus in the harbour" in found.text
    assert set(drawn_colours(page)) != before
    scroll_to(page, found)
    found.click()
    assert page.find_element(By.ID, "post-text").text == "A walrus in the harbour"
    assert page.switch_to.active_element.get_attribute("id") == "post"


def test_a_search_without_a_match_says_so(page):
    page.find_element(By.ID, "search").send_keys("zebra")
    wait(page, lambda d: d.find_element(By.ID, "matches").text == "0 of 60 posts match")
    assert css(page, "#match-list button") == []


def test_a_click_on_a_mark_shows_its_post(page):
    chart = page.find_element(By.ID, "map-chart")
    scroll_to(page, chart)
    assert not page.find_element(By.ID, "post").is_displayed()
    ActionChains(page).move_to_element_with_offset(chart, *point(page, 13)).click().perform()
    wait(page, lambda d: d.find_element(By.ID, "post").is_displayed())
    assert page.find_element(By.ID, "post-text").text == "Port news 13"
    facts = page.find_element(By.ID, "post-facts").text
    assert "Channel 1" in facts
    assert "26 Feb 2024" in facts
    assert "none" in facts


def test_a_hostile_post_is_shown_as_text_in_tooltip_and_panel(page):
    chart = page.find_element(By.ID, "map-chart")
    scroll_to(page, chart)
    ActionChains(page).move_to_element_with_offset(chart, *point(page, 0)).perform()
    wait(page, lambda d: "<script>window.pwned=1" in "".join(t.text for t in css(d, ".tip")))
    ActionChains(page).click().perform()
    text = page.find_element(By.ID, "post-text")
    wait(page, lambda _: "</script><img src=x onerror=window.pwned=1>" in text.text)
    assert css(page, "img, #post-text *") == []
    assert "⟦RLO⟧gpj.exe⟦PDF⟧" in text.text


def test_a_legend_entry_picks_out_its_posts_and_lets_them_go_again(page):
    def entry():
        return next(b for b in css(page, "#legend button") if b.text.startswith("T0 Ports"))

    before = set(drawn_colours(page))
    scroll_to(page, entry())
    entry().click()
    assert entry().get_attribute("aria-pressed") == "true"
    assert set(drawn_colours(page)) != before
    entry().click()
    assert entry().get_attribute("aria-pressed") == "false"


def test_the_map_obeys_the_keyboard(page):
    chart = page.find_element(By.ID, "map-chart")
    chart.send_keys("+")
    (start, end), _ = windows(page)
    assert (start, end) == pytest.approx((15, 85))
    chart.send_keys("\ue014")  # arrow right
    assert windows(page)[0][0] > 15
    chart.send_keys("0")
    assert windows(page) == [[0, 100], [0, 100]]


def test_the_zoom_stays_when_the_colours_change(page):
    page.find_element(By.CSS_SELECTOR, "[data-zoom='in']").click()
    before = windows(page)
    Select(page.find_element(By.ID, "colour-by")).select_by_value("channel")
    assert windows(page) == before


def test_ticking_a_label_draws_it_and_names_it(page):
    box = page.find_element(By.CSS_SELECTOR, "input[data-group='facet-0'][value='trade']")
    scroll_to(page, box)
    key = page.find_element(By.CSS_SELECTOR, "[data-key-of='facet-0']")
    assert key.text == "Ports"
    box.click()
    assert key.text.split("\n") == ["Ports", "Trade"]
    box.click()
    assert key.text == "Ports"


def test_counting_distinct_posts_changes_table_and_charts_together(page):
    switch = page.find_element(By.CSS_SELECTOR, "input[name='facet-0-count'][value='distinct']")
    panel = page.find_element(By.CSS_SELECTOR, "[data-panel='facet-0']")
    scroll_to(page, switch)
    assert css(panel, ".of-posts")[0].is_displayed()
    switch.click()
    assert not css(panel, ".of-posts")[0].is_displayed()
    assert css(panel, ".of-distinct")[0].is_displayed()
    assert page.execute_script("return narraframe.groups.get('facet-0').variant") == "distinct"


def test_the_quality_chart_shows_the_chosen_metric(page):
    chart = page.find_element(By.CSS_SELECTOR, "[data-chart='quality']")
    scroll_to(page, chart)
    wait(page, lambda _: "undefined" in chart.text)
    before = chart.get_attribute("innerHTML")
    page.find_element(By.CSS_SELECTOR, "input[value='precision']").click()
    assert chart.get_attribute("innerHTML") != before


def test_a_representative_post_opens_whole(page):
    button = page.find_element(By.CSS_SELECTOR, "[data-post='2']")
    scroll_to(page, button)
    button.click()
    assert page.find_element(By.ID, "post-text").text == "Port news 2"


def test_dark_and_light_change_places(page):
    def ground():
        return page.find_element(By.TAG_NAME, "body").value_of_css_property("color")

    light, button = ground(), page.find_element(By.ID, "scheme")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert ground() != light
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert ground() == light


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_fits_its_window(page, width):
    resize(page, width, 844)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_printing_draws_every_chart(page):
    printed = page.execute_cdp_cmd("Page.printToPDF", {})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    assert page.execute_script(
        "return [...document.querySelectorAll('[data-chart]')].every((e) => e.querySelector('svg'))"
    )


def test_an_empty_report_opens_without_a_fault(driver, tmp_path):
    path = tmp_path / "bare.html"
    path.write_text(render(replace(whole(), posts=(), themes=None, scores=None)), encoding="utf-8")
    driver.get_log("browser")
    open_page(driver, path)
    assert driver.find_element(By.TAG_NAME, "h1").text == "Small report"
    assert driver.get_log("browser") == []


def test_the_policy_stops_scripts_and_requests_that_slipped_in(driver, page_path):
    open_page(driver, page_path)
    stopped = driver.execute_async_script(
        """const done = arguments[0], stopped = [];
        addEventListener('securitypolicyviolation', (event) => {
            stopped.push(event.effectiveDirective);
            if (stopped.length === 4) done(stopped.sort());
        });
        document.body.insertAdjacentHTML('beforeend',
            '<img src="http://127.0.0.1:9/x"><p style="color:red"><b onclick="window.pwned=1">');
        document.querySelector('b[onclick]').click();
        fetch('http://127.0.0.1:9/').catch(() => {});"""
    )
    assert stopped == ["connect-src", "img-src", "script-src-attr", "style-src-attr"]
    assert driver.execute_script("return window.pwned") is None
