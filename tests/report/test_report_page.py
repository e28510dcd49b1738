import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from report_cases import (
    HOSTILE,
    bare,
    codebook,
    left_open,
    posts,
    scores,
    summaries,
    themes,
    unpack,
    whole,
)

from narraframe.errors import TableError
from narraframe.records import Facet, Label, Post, ThemeSummary
from narraframe.report.page import render

VOID = {"meta", "link", "input", "br", "img", "rect"}


class Page(HTMLParser):
    """Elements with attributes in order, script texts, visible text, and unclosed elements."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.raw, self.words = [], [], {"script": [], "style": []}, []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
        elif data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def full():
    return Page(render(whole()))


@pytest.fixture(scope="module")
def empty():
    return Page(render(bare()))


@pytest.mark.parametrize("name", ["full", "empty"])
def test_elements_are_closed_in_order(name, request):
    assert request.getfixturevalue(name).open == []


def policy(page):
    content = next(a["content"] for _, a in page.elements if a.get("http-equiv"))
    return {rule.split(" ", 1)[0]: rule.split(" ", 1)[1].split(" ") for rule in content.split("; ")}


def sha256(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page_and_no_request(full):
    rules = policy(full)
    assert rules["default-src"] == ["'none'"]
    assert rules["img-src"] == ["data:"]
    assert rules["script-src"] == [sha256(text) for text in full.raw["script"][2:]]
    assert rules["style-src"] == [sha256(text) for text in full.raw["style"]]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]


def test_the_policy_stands_before_everything_it_governs(full):
    tags = [tag for tag, _ in full.elements]
    place = next(i for i, (_, a) in enumerate(full.elements) if a.get("http-equiv"))
    assert not {"script", "style", "link", "title"} & set(tags[:place])


@pytest.mark.parametrize("name", ["full", "empty"])
def test_nothing_is_loaded_from_anywhere(name, request):
    for tag, attrs in request.getfixturevalue(name).elements:
        assert tag not in {"img", "iframe", "object", "embed", "base"}
        assert "src" not in attrs
        assert attrs.get("href", "#").startswith(("#", "data:,"))


def test_headings_go_down_one_step_at_a_time(full, empty):
    for page in (full, empty):
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_head_cell_says_what_it_heads_and_every_table_has_a_caption(full):
    cells = [attrs for tag, attrs in full.elements if tag == "th"]
    assert cells
    assert all(attrs.get("scope") in {"col", "row"} for attrs in cells)
    tags = [tag for tag, _ in full.elements]
    assert tags.count("table") == tags.count("caption")


def test_ids_are_unique_and_every_inner_link_has_a_target(full):
    ids = [attrs["id"] for _, attrs in full.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for tag, a in full.elements if tag == "a" and a["href"] != "data:,"]
    assert set(links) <= set(ids)
    named = {a["aria-labelledby"] for _, a in full.elements if "aria-labelledby" in a}
    assert named <= set(ids)


def test_every_chart_of_the_page_has_its_data_and_the_other_way_round(full):
    places = {attrs["data-chart"] for _, attrs in full.elements if "data-chart" in attrs}
    assert places == set(json.loads(full.raw["script"][0])["charts"])


def test_the_overview_counts_exactly(full):
    text = full.text
    assert "Posts 6 Distinct posts 4 with text, near-identical copies once Channels 2" in text
    assert "Period 3 Feb 2024 – 9 May 2024" in text
    assert "English 67 %" in text
    assert "Six posts are few." in text
    assert "1 of 6 posts is without a date" in text
    assert "2 of 6 posts are without a score" in text
    assert "1 label is never decided" in text


def test_one_post_is_spoken_of_in_the_singular():
    one = replace(themes(), theme=np.array([4, 4, 4, -1, 4], dtype=np.int32))
    text = Page(render(replace(whole(), posts=posts()[:4], themes=one))).text
    assert "1 of 4 posts belongs to no theme" in text
    text = Page(render(replace(whole(), themes=one))).text
    assert "1 of 6 posts is not on the map (no theme was computed)." in text


def test_the_counts_are_called_what_they_are(full):
    assert "These are counts of classifier decisions, not prevalence." in full.text
    assert "No audit bears them out: intervals below cover chance alone" in full.text


def test_posts_without_a_score_are_shown_with_their_reasons(full):
    assert "4 of 6 posts were scored." in full.text
    assert "no text 1 0" in full.text
    assert "not among the scores: score these posts too 1 1" in full.text


def test_a_language_is_named_and_not_coded_where_a_post_has_no_score():
    reasons = ("", "language 'ru' is not one that the model learnt", "", "", "")
    html = render(replace(whole(), scores=replace(scores(), reasons=reasons)))
    assert "language Russian is not one that the model learnt 1 0" in Page(html).text
    assert "'ru'" not in html


def test_labels_without_counts_say_why(full):
    assert "Loans never decided: the model gives no probability for it" in full.text
    assert "Cold not scored by this model" in full.text


def test_undefined_quality_is_named_and_not_hidden(full):
    assert "Too few examples were annotated to measure everything of: Loans." in full.text
    assert "Loans 40 0 none of its own undefined undefined undefined undefined" in full.text
    assert "Trade 40 1,234 0.50 0.80 0.70–0.85 0.80 0.70–0.85 0.75 0.65–0.80" in full.text
    assert "0.50 no interval" in full.text


def test_unknown_figures_are_a_dash_and_strange_ones_still_shown(full):
    assert "Posts in no theme 40 %" in full.text
    assert "Stability over random starts –" in full.text
    assert "mean size 3" in full.text


def test_what_was_read_and_dropped_is_told_with_thousands_separators(full):
    assert "Read 1,009 Kept 6 Dropped: service message 1,003" in full.text


def test_definitions_come_from_the_codebook(full):
    assert "Ports trade.ports Harbours." in full.text
    assert "version 1.2.0" in full.text


def test_representative_posts_are_found_by_id_and_absent_ones_left_out(full):
    opened = next(i for i, (_, attrs) in enumerate(full.elements) if "data-post" in attrs)
    assert full.elements[opened][1]["data-post"] == "2"
    card = next(i for i, (_, attrs) in enumerate(full.elements) if attrs.get("id") == "T4")
    nearer = [a for _, a in full.elements[card:] if "data-post" in a or a.get("id") == "narratives"]
    assert [a.get("data-post") for a in nearer[:2]] == ["2", None]
    assert "North · 31 Mar 2024" in full.text


def test_every_missing_part_names_the_command_that_makes_it(empty):
    text = empty.text
    for command in (
        "narraframe ingest IN... -o posts.parquet",
        "narraframe themes posts.parquet -o themes/",
        "narraframe score posts.parquet -o scores.parquet --model models:/NAME@champion",
        "narraframe evaluate --model models:/NAME@champion --labelled posts.jsonl",
        "narraframe train --experiment experiments/NAME.toml",
        "narraframe init",
    ):
        assert command in text


def test_every_section_is_there_even_without_data(empty):
    ids = {attrs.get("id") for tag, attrs in empty.elements if tag == "section"}
    assert ids == {"overview", "map", "themes", "narratives", "quality", "data"}


@pytest.mark.parametrize(
    "part", ["themes", "codebook", "scores", "quality", "summaries", "model", "reading"]
)
def test_any_single_part_may_be_missing(part):
    empty = None if part in {"themes", "codebook", "scores", "quality"} else {}
    report = replace(whole(), **{part: () if part == "summaries" else empty})
    assert Page(render(report)).open == []


def test_posts_without_any_date_say_so_instead_of_drawing_an_empty_chart():
    undated = [replace(post, created_at=None) for post in posts()]
    page = Page(render(replace(whole(), posts=undated)))
    assert "No post has a date: nothing can be shown over time." in page.text
    charts = {attrs["data-chart"] for _, attrs in page.elements if "data-chart" in attrs}
    assert charts == {"facet-0-channels", "facet-1-channels", "quality"}


def test_scores_without_a_measurement_carry_a_warning():
    page = Page(render(replace(whole(), quality=None)))
    assert "Nothing here says how often the classifier is right." in page.text


def test_rows_of_posts_outside_the_report_are_told():
    page = Page(render(replace(whole(), posts=posts()[:3])))
    assert "The scores hold 2 posts that this report leaves out." in page.text
    assert "The themes hold 2 posts that this report leaves out." in page.text


def test_a_theme_is_shown_by_its_number_with_confidence_and_stability_in_words():
    theme = replace(summaries()[0], confidence=0.825, stability=0.91)
    text = Page(render(replace(whole(), summaries=(theme,)))).text
    assert "T4 Ports 3 posts, 2 distinct (50 % of all posts)" in text
    assert "Confidence 0.82 Stability 0.91 stable: most of it was found again" in text
    assert "T4 Ports 3 2 50 % 0.82 0.91" in text
    assert "Do not build" not in text


def test_what_is_not_known_of_a_theme_is_a_dash(full):
    assert "Confidence – Stability – Keywords" in full.text
    assert "T4 Ports 3 2 50 % – –" in full.text


def test_an_unstable_theme_carries_a_warning_and_so_does_the_page():
    theme = replace(summaries()[0], stability=0.38)
    text = Page(render(replace(whole(), summaries=(theme,)))).text
    assert "1 of 1 theme is not stable: nothing should be built on such themes." in text
    assert "Stability 0.38 not stable: most of it was not found again" in text
    assert "Do not build on this theme: 38 % of it was found again" in text
    assert "T4 Ports 3 2 50 % – 0.38 not stable" in text


def test_the_first_twelve_cards_are_open_and_the_others_behind_a_control():
    def of(n):
        many = tuple(replace(summaries()[0], theme=k) for k in range(n))
        return Page(render(replace(whole(), summaries=many)))

    assert not [tag for tag, attrs in of(12).elements if attrs.get("class") == "more"]
    page = of(13)
    places = [
        i for i, (tag, a) in enumerate(page.elements) if tag == "article" and a["class"] == "card"
    ]
    fold = next(i for i, (_, attrs) in enumerate(page.elements) if attrs.get("class") == "more")
    assert [place < fold for place in places] == [True] * 12 + [False]
    assert page.elements[fold][0] == "details"
    assert "Show all 13 themes" in page.text


def test_a_theme_without_a_summary_is_not_taken_for_noise():
    page = Page(render(replace(whole(), summaries=())))
    assert "T4 3 posts, 2 distinct" in page.text
    assert unpack(page.raw["script"][1])["theme"][:3] == [0, 0, 0]


def hostile_report():
    """Every text that comes from outside is hostile."""
    sly = [replace(p, text=HOSTILE, channel=HOSTILE, author=HOSTILE, forwarded_from=HOSTILE,
                   lang=HOSTILE, url="javascript:window.pwned=1") for p in posts()]  # fmt: skip
    book = replace(
        codebook(),
        title=HOSTILE,
        version=HOSTILE,
        facets=(Facet("topic", HOSTILE, question=HOSTILE),),
        labels=tuple(
            Label(label_id, "topic", HOSTILE, HOSTILE, None, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE)
            for label_id in scores().label_ids
        ),
    )
    theme = summaries()[0]
    sly_theme = replace(theme, name=HOSTILE, keywords=((HOSTILE, 1.0),))
    return replace(
        whole(), title=HOSTILE, posts=sly, codebook=book, summaries=(sly_theme,),
        theme_figures={HOSTILE: 1.0}, theme_warnings=(HOSTILE,), model={HOSTILE: HOSTILE},
        reading={HOSTILE: 1}, source_note=HOSTILE,
        scores=replace(scores(), model=HOSTILE, reasons=("", HOSTILE, "", "", "")),
        quality=replace(whole().quality, how=HOSTILE, undefined=(HOSTILE,)),
    )  # fmt: skip


def test_hostile_texts_add_no_element_no_attribute_and_no_script():
    html = render(hostile_report())
    page, harmless = Page(html), Page(render(whole()))
    assert page.open == []
    assert len(page.raw["script"]) == len(harmless.raw["script"])
    assert page.raw["script"][2:] == harmless.raw["script"][2:]
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in harmless.elements}
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
    assert policy(page)["script-src"] == policy(harmless)["script-src"]
    assert "49" not in page.text.split()


def test_hostile_characters_are_inert_everywhere():
    html = render(hostile_report())
    html.encode("utf-8")
    ours = html[: html.index("<script>")]
    assert not set(ours) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b")
    assert "⟦RLO⟧gpj.exe⟦PDF⟧" in ours


def test_a_post_of_a_megabyte_is_kept_whole_once():
    huge = "word <b> " * 120_000
    known = [Post(post_id="p1", text=huge), *posts()[1:]]
    theme = ThemeSummary(4, "Ports", (), 3, 2, ("p1",))
    small = len(render(whole()))
    html = render(replace(whole(), posts=known, summaries=(theme,)))
    assert unpack(Page(html).raw["script"][1])["text"][0] == huge
    assert len(html) < small + len(huge)


def test_the_page_is_little_more_than_its_chart_library():
    assert len(render(whole()).encode()) < 870_000


def test_the_same_report_gives_the_same_bytes():
    assert render(whole()) == render(whole())


def test_the_moment_is_the_one_that_was_given(full):
    assert "Made 21 Nov 2026, 18:40 UTC · two invented channels" in full.text


def test_parts_of_other_posts_are_refused():
    alien = replace(themes(), post_ids=("a", "b", "c", "d", "e"))
    with pytest.raises(TableError, match="themes share no post with the report"):
        render(replace(whole(), themes=alien))


def test_the_page_says_how_many_decisions_were_left_open(full):
    page = Page(render(replace(whole(), scores=left_open())))
    assert "Left open: 3 decisions on 2 posts, as too close to call." in page.text
    assert "On 2 posts the classifier left a label open, as too close to call" in page.text
    assert "Label All posts Distinct Left open" in page.text
    assert "Ports 2 2 1 – 2 2 – 0 0" in page.text
    titles = [a["title"] for tag, a in page.elements if tag == "td" and "title" in a]
    assert "all left open, as too close to call" in titles
    assert "no scored posts" in titles
    assert "eft open" not in full.text
