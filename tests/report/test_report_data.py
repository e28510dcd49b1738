import json
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from report_cases import HOSTILE, codebook, posts, scores, summaries, themes

from narraframe.records import Post
from narraframe.report import tables
from narraframe.report.data import MAP_STEPS, NO_ROW, NOISE, blob, page_data
from narraframe.report.shown import inert

any_text = st.text(st.characters(codec=None, categories=None))


def data_of(given_posts=None, **changes):
    known = tables.corpus(given_posts or posts())
    parts = {
        "themes": themes(),
        "summaries": summaries(),
        "scores": scores(),
        "codebook": codebook(),
        "charts": {},
    }
    return json.loads(blob(page_data(known, **(parts | changes))))


@given(any_text)
def test_no_text_can_end_the_script_element_and_all_of_it_comes_back(text):
    written = blob({"text": [text]})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"text": [inert(text)]}


def test_a_hostile_post_survives_as_text():
    text = data_of([Post(post_id="p1", text=HOSTILE)])["posts"]["text"][0]
    assert text.startswith("<script>window.pwned=1</script></script><img src=x onerror=")
    assert "\u202e" not in text


def test_numbers_that_json_lacks_become_null():
    assert blob([float("nan"), float("inf"), np.float64("nan"), 1.5]) == "[null,null,null,1.5]"


def test_posts_are_columns_that_point_into_short_lists():
    data = data_of()
    columns = data["posts"]
    assert columns["id"] == ["p1", "p2", "p3", "p4", "p5", "p6"]
    assert columns["month"] == [0, 1, 1, 3, -1, 3]
    assert data["months"] == ["Feb 2024", "Mar 2024", "Apr 2024", "May 2024"]
    assert columns["copies"] == [2, 2, 1, 1, 1, 1]
    assert columns["forwarded_from"] == {"values": ["North"], "index": [-1, 0, -1, -1, -1, -1]}
    assert columns["time"][0] == 1706918400
    assert columns["time"][4] is None


def test_themes_meet_posts_by_id_and_noise_differs_from_no_row():
    assert data_of()["posts"]["theme"] == [0, 0, 0, NOISE, NO_ROW, NOISE]


def test_the_map_keeps_its_proportions_and_leaves_out_what_has_no_place():
    columns = data_of()["posts"]
    assert columns["x"] == [2000, 1000, 0, MAP_STEPS, None, None]
    assert columns["y"] == [0, 1000, 0, 5000, None, None]


def test_a_map_of_one_point_has_a_place():
    one = replace(
        themes(),
        post_ids=("p1",),
        theme=np.array([4], dtype=np.int32),
        membership=np.ones(1, dtype=np.float32),
        xy=np.array([[3, 3]], dtype=np.float32),
    )
    assert data_of(themes=one)["posts"]["x"] == [0, None, None, None, None, None]


def test_labels_hold_the_posts_that_carry_them_with_probabilities():
    ports = data_of()["labels"][1]
    assert ports == {"name": "Ports", "facet": "Topic", "posts": [0, 1, 2], "percent": [90, 90, 90]}


def test_posts_without_a_score_hold_their_reason():
    columns = data_of()["posts"]
    assert columns["scored"] == [1, 1, 1, 1, 0, 0]
    assert columns["reason"] == {"values": ["no text"], "index": [-1, -1, -1, -1, -1, 0]}


def test_only_web_addresses_become_links():
    urls = [
        "https://example.org/1",
        "javascript:alert(1)",
        "data:text/html,x",
        "HTTP://example.org",
    ]
    hostile = [Post(post_id=str(i), text="", url=url) for i, url in enumerate(urls)]
    column = data_of(hostile, themes=None, scores=None)["posts"]["url"]
    assert column["values"] == ["https://example.org/1", "HTTP://example.org"]
    assert column["index"] == [0, -1, -1, 1]


def test_without_themes_and_scores_the_columns_say_so():
    data = data_of(themes=None, summaries=(), scores=None, codebook=None)
    assert data["posts"]["theme"] == [NO_ROW] * 6
    assert data["posts"]["x"] == [None] * 6
    assert "scored" not in data["posts"]
    assert data["labels"] == []
