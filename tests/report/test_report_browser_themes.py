"""Themes in a real browser: the map's names, what is picked out, and a page of many themes."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from report_cases import moment, summaries, themes, whole

from narraframe.records import Post
from narraframe.report.page import CARDS_SHOWN, render

pytest.importorskip("selenium", reason="selenium is not installed")

from report_browser import (
    NEEDS_CHROMIUM,
    css,
    layers,
    legend,
    point,
    resize,
    scroll_to,
    wait,
    windows,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
N_THEMES, SIZE = 15, 8


def report():
    """Fifteen themes of eight posts, each a compact cluster, and four posts of noise."""
    number = np.append(np.repeat(np.arange(N_THEMES), SIZE), [-1] * 4)
    at = np.random.default_rng(0).normal(scale=0.05, size=(len(number), 2))
    at += np.stack([number % 4, number // 4], axis=1) * 2
    made = [
        Post(post_id=f"p{i}", text=f"Post {i}", channel="North", created_at=moment("2024-02-03"))
        for i in range(len(number))
    ]
    theme = np.where(number < 0, -1, number + 100).astype(np.int32)
    return replace(
        whole(),
        posts=made,
        themes=replace(
            themes(),
            post_ids=tuple(post.post_id for post in made),
            theme=theme,
            membership=np.ones(len(made), dtype=np.float32),
            xy=at.astype(np.float32),
        ),
        summaries=tuple(
            replace(summaries()[0], theme=100 + k, name=f"ports · harbour · ship {k}")
            for k in range(N_THEMES)
        ),
        scores=None,
        quality=None,
    )


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("themes") / "report.html"
    path.write_text(render(report()), encoding="utf-8")
    return path


def names(driver):
    return driver.execute_script("return narraframe.map.names()")


def place_names(driver, titles, points, width, height):
    """Ask the page's script where names would stand."""
    return driver.execute_script(
        """const [titles, points, width, height] = arguments;
        const themes = titles.map((title, k) => ({tag: `T${k}`, title, points: () => points[k]}));
        return narraframe.placeNames(themes, points.flat(), {width, height, radius: 2});""",
        titles,
        points,
        width,
        height,
    )


def test_names_never_overlap_and_never_leave_the_map(page):
    rng = np.random.default_rng(1)
    for n, spread in [(5, 200), (40, 60), (120, 5)]:
        middles = rng.uniform(0, [900, 600], size=(n, 1, 2))
        points = (middles + rng.normal(scale=spread, size=(n, 30, 2))).tolist()
        titles = [f"T{k} harbour · ports · ship" for k in range(n)]
        boxes = place_names(page, titles, points, 900, 600)
        assert 3 <= len(boxes) <= n
        for box in boxes:
            assert box["w"] / 2 <= box["x"] <= 900 - box["w"] / 2
            assert box["h"] / 2 <= box["y"] <= 600 - box["h"] / 2
        for a, b in combinations(boxes, 2):
            assert (
                abs(a["x"] - b["x"]) >= (a["w"] + b["w"]) / 2
                or abs(a["y"] - b["y"]) >= (a["h"] + b["h"]) / 2
            )


def test_a_name_stands_beside_a_small_cluster_and_on_a_wide_one(page):
    small = [[450, 300], [452, 301], [449, 303]]
    (beside,) = place_names(page, ["T0 ports"], [small], 900, 600)
    assert 10 < abs(beside["y"] - 301) < 40
    wide = [[x, y] for x in range(10, 890, 8) for y in range(10, 590, 8)]
    (on,) = place_names(page, ["T0 ports"], [wide], 900, 600)
    assert abs(on["x"] - 450) < 450 - on["w"] / 2


def test_the_larger_theme_is_named_where_there_is_no_room_for_two(page):
    same = [[150, 100], [152, 101]]
    boxes = place_names(page, [f"T{k} ports" for k in range(60)], [same] * 60, 300, 200)
    assert boxes[0]["text"] == "T0"
    assert len(boxes) < 60


def test_every_theme_of_this_map_is_named_with_its_number(page):
    assert [name.split()[0] for name in names(page)] == [f"T{100 + k}" for k in range(N_THEMES)]
    assert names(page)[0].replace("\n", " ").replace("\xa0", " ") == "T100 ports · harbour · ship 0"


def test_a_narrow_map_is_named_by_numbers_alone(page):
    resize(page, 390, 844)
    wait(page, lambda d: names(d)[0] == "T100")


def test_posts_in_no_theme_are_paler_and_smaller_than_the_others(page):
    drawn = layers(page)
    noise, theme = drawn["bright-0"], drawn["bright-1"]
    assert noise["opacity"] < theme["opacity"]
    assert noise["size"] < theme["size"]
    assert next(iter(drawn)) == "bright-0"  # painted first, so under the others


def test_the_tooltip_shows_theme_and_post(page):
    chart = page.find_element(By.ID, "map-chart")
    scroll_to(page, chart)
    ActionChains(page).move_to_element_with_offset(chart, *point(page, 17)).perform()
    wait(page, lambda d: "Post " in "".join(tip.text for tip in css(d, ".tip")))
    shown = "".join(tip.text for tip in css(page, ".tip"))
    assert shown.startswith("T102 ports · harbour · ship 2")
    assert "North · 3 Feb 2024" in shown


def test_a_card_picks_out_its_theme_on_the_map_and_the_legend_lets_it_go(page):
    button = page.find_element(By.CSS_SELECTOR, "#T103 [data-theme]")
    scroll_to(page, button)
    button.click()
    pressed = page.switch_to.active_element
    assert pressed.get_attribute("aria-pressed") == "true"
    assert pressed.text.startswith("T103 ")
    assert layers(page)["bright-4"]["n"] == SIZE
    assert layers(page)["bright-1"]["n"] == 0
    assert [name.split()[0] for name in names(page)] == ["T103"]
    pressed.click()
    assert layers(page)["bright-1"]["n"] == SIZE


def test_an_entry_beside_the_map_picks_out_its_theme(page):
    entry = next(b for b in css(page, "#legend button") if b.text.startswith("T101 "))
    scroll_to(page, entry)
    entry.click()
    drawn = layers(page)
    assert drawn["bright-2"]["n"] == SIZE
    assert drawn["rest-1"]["n"] == SIZE
    assert drawn["rest-1"]["opacity"] < 0.5 < drawn["bright-2"]["opacity"]


def test_marks_grow_and_names_follow_when_the_reader_comes_nearer(page):
    before = layers(page)["bright-1"]["size"]
    for _ in range(2):
        page.find_element(By.CSS_SELECTOR, "[data-zoom='in']").click()
    wait(page, lambda d: 0 < len(names(d)) < N_THEMES)
    assert layers(page)["bright-1"]["size"] > before


def test_dragging_moves_the_map_and_a_redrawing_leaves_it_there(page):
    page.find_element(By.CSS_SELECTOR, "[data-zoom='in']").click()
    chart = page.find_element(By.ID, "map-chart")
    scroll_to(page, chart)
    start = windows(page)
    drag = ActionChains(page).move_to_element_with_offset(chart, 30, 200).click_and_hold()
    drag.move_by_offset(60, 0).release().perform()
    wait(page, lambda d: windows(d)[0][0] < start[0][0])
    moved = windows(page)
    page.execute_script("narraframe.map.draw()")
    assert windows(page) == moved


def folded(driver):
    return [card.get_attribute("id") for card in css(driver, ".card") if not card.is_displayed()]


def test_the_first_cards_are_shown_and_the_others_on_demand(page):
    assert folded(page) == ["T112", "T113", "T114"]
    assert CARDS_SHOWN == 12
    summary = page.find_element(By.CSS_SELECTOR, ".more summary")
    assert summary.text == "Show all 15 themes"
    scroll_to(page, summary)
    summary.send_keys(Keys.ENTER)
    assert folded(page) == []
    assert summary.text == "Show only the first 12"
    chart = page.find_element(By.CSS_SELECTOR, "#T114 [data-chart]")
    scroll_to(page, chart)
    wait(page, lambda _: chart.find_elements(By.CSS_SELECTOR, "svg path"))


def test_a_link_to_a_folded_card_opens_the_fold(page):
    link = page.find_element(By.CSS_SELECTOR, "a[href='#T113']")
    scroll_to(page, link)
    link.click()
    wait(page, lambda d: d.find_element(By.ID, "T113").is_displayed())


def test_the_whole_page_is_printed_and_folded_again_afterwards(page):
    page.execute_script(
        """addEventListener('beforeprint', () => {
            const all = (selector) => [...document.querySelectorAll(selector)];
            window.printed = all('.card').map((card) => card.offsetHeight);
            window.charts = all('.card .chart svg').filter((svg) => svg.clientWidth);
        });"""
    )
    page.execute_cdp_cmd("Page.printToPDF", {})
    assert page.execute_script("return window.printed.length") == N_THEMES
    assert min(page.execute_script("return window.printed")) > 0
    assert page.execute_script("return window.charts.length") == N_THEMES
    wait(page, lambda d: len(folded(d)) == N_THEMES - CARDS_SHOWN)


def test_the_theme_of_an_opened_post_leads_to_its_card(page):
    page.execute_script("narraframe.map.select(20)")
    link = page.find_element(By.CSS_SELECTOR, "#post-facts a[href='#T102']")
    assert link.text == "T102 ports · harbour · ship 2"


def test_the_legend_counts_posts_on_the_map(page):
    counts = legend(page)
    assert counts["no theme"] == "4"
    assert set(counts.values()) == {str(SIZE), "4"}


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_of_many_themes_fits_its_window(page, width):
    resize(page, width, 844)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
