import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import HOSTILE, codebook, posts, scores, summaries, themes, unpack

from narraframe.records import Post
from narraframe.report import tables
from narraframe.report.data import blob, packed_posts, page_data
from narraframe.report.held_texts import EXTRACT
from narraframe.report.pack import pack
from narraframe.report.post_columns import MAP_STEPS, NO_PERCENT, NO_ROW, NO_TIME, NOISE
from narraframe.report.shown import inert

any_text = st.text(st.characters(codec=None, categories=None))


def data_of(given_posts=None, **changes):
    known = tables.corpus(given_posts or posts())
    parts = {"summaries": summaries(), "scores": scores(), "codebook": codebook()}
    parts |= {name: part for name, part in changes.items() if name in parts}
    return json.loads(blob(page_data(known, charts={}, **parts)))


def columns_of(given_posts=None, *, room=10**6, first=(), **changes):
    known = tables.corpus(given_posts or posts())
    parts = {"themes": themes(), "summaries": summaries(), "scores": scores()} | changes
    return unpack(packed_posts(known, first=first, room=room, **parts))


@given(any_text)
def test_no_text_can_end_the_script_element_and_all_of_it_comes_back(text):
    written = blob({"text": [text]})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"text": [inert(text)]}


def test_a_hostile_post_survives_as_text():
    text = columns_of([Post(post_id="p1", text=HOSTILE)])["text"][0]
    assert text.startswith("<script>window.pwned=1</script></script><img src=x onerror=")
    assert "\u202e" not in text


def test_numbers_that_json_lacks_become_null():
    assert blob([float("nan"), float("inf"), np.float64("nan"), 1.5]) == "[null,null,null,1.5]"


def test_posts_are_columns_that_point_into_short_lists():
    columns = columns_of()
    assert columns["id"] == ["p1", "p2", "p3", "p4", "p5", "p6"]
    assert columns["month"] == [0, 1, 1, 3, -1, 3]
    assert data_of()["months"] == ["Feb 2024", "Mar 2024", "Apr 2024", "May 2024"]
    assert columns["copies"] == [2, 2, 1, 1, 1, 1]
    assert columns["forwarded.values"] == ["North"]
    assert columns["forwarded"] == [-1, 0, -1, -1, -1, -1]
    assert columns["time"][0] == 1706918400 // 60
    assert columns["time"][4] == NO_TIME


def test_themes_meet_posts_by_id_and_noise_differs_from_no_row():
    assert columns_of()["theme"] == [0, 0, 0, NOISE, NO_ROW, NOISE]


def test_the_map_keeps_its_proportions_and_leaves_out_what_has_no_place():
    columns = columns_of()
    assert columns["x"] == [2000, 1000, 0, MAP_STEPS, -1, -1]
    assert columns["y"] == [0, 1000, 0, 5000, -1, -1]


def test_a_map_of_one_point_has_a_place():
    one = replace(
        themes(),
        post_ids=("p1",),
        theme=np.array([4], dtype=np.int32),
        membership=np.ones(1, dtype=np.float32),
        xy=np.array([[3, 3]], dtype=np.float32),
    )
    assert columns_of(themes=one)["x"] == [0, -1, -1, -1, -1, -1]


def test_labels_hold_the_posts_that_carry_them_with_probabilities():
    columns = columns_of()
    assert data_of()["labels"][1] == {"name": "Ports", "facet": "Topic"}
    assert columns["label.count"] == [3, 3, 0, 3]
    assert np.cumsum(columns["label.step"][3:6]).tolist() == [0, 1, 2]
    assert columns["label.percent"] == [90] * 9


def test_a_probability_that_is_not_there_is_told_from_every_other():
    lost = scores().probability.copy()
    lost[4, 0] = np.nan
    assert columns_of(scores=replace(scores(), probability=lost))["label.percent"][0] == NO_PERCENT


def test_posts_without_a_score_hold_their_reason():
    columns = columns_of()
    assert columns["scored"] == [1, 1, 1, 1, 0, 0]
    assert columns["reason.values"] == ["no text"]
    assert columns["reason"] == [-1, -1, -1, -1, -1, 0]


def test_only_web_addresses_become_links():
    urls = [
        "https://example.org/1",
        "javascript:alert(1)",
        "data:text/html,x",
        "HTTP://example.org",
    ]
    hostile = [Post(post_id=str(i), text="", url=url) for i, url in enumerate(urls)]
    column = columns_of(hostile, themes=None, scores=None)["url"]
    assert column == ["https://example.org/1", None, None, "HTTP://example.org"]


def test_without_themes_and_scores_the_columns_say_so():
    parts = {"themes": None, "summaries": (), "scores": None}
    columns = columns_of(**parts)
    assert columns["theme"] == [NO_ROW] * 6
    assert columns["x"] == [-1] * 6
    assert "scored" not in columns
    assert data_of(summaries=(), scores=None, codebook=None)["labels"] == []


def many(n=3000, length=700):
    """Posts of letters drawn at random, which compress badly."""
    rng = np.random.default_rng(0)
    letters = rng.integers(97, 123, size=(n, length), dtype=np.uint8)
    return [Post(post_id=f"p{i}", text=bytes(row).decode()) for i, row in enumerate(letters)]


def test_texts_take_the_room_that_is_left_and_those_that_the_page_speaks_of_come_first():
    parts = {"themes": None, "summaries": (), "scores": None, "first": (7, 2999)}
    posts = many()
    columns = columns_of(posts, room=800_000, **parts)
    held = [i for i, text in enumerate(columns["text"]) if text is not None]
    assert {7, 2999} <= set(held)
    assert columns["held"] == [len(held), len(held)]
    assert 500 < len(held) < 2500
    assert all(columns["text"][i] == posts[i].text[:EXTRACT] + "…" for i in held)
    known = tables.corpus(posts)
    packed = packed_posts(known, themes=None, summaries=(), scores=None, first=(), room=800_000)
    assert 700_000 < len(packed) < 830_000


def test_where_all_texts_fit_they_are_whole_and_nothing_is_said_to_be_missing():
    columns = columns_of(many(n=100, length=5000))
    assert columns["text"] == [post.text for post in many(n=100, length=5000)]
    assert columns["held"] == [100, 0]


@given(st.lists(st.one_of(st.none(), any_text), max_size=8))
def test_every_text_comes_back_from_the_pack_inert(texts):
    back = unpack(pack({"text": texts}))["text"]
    assert back == [None if text is None else inert(text) for text in texts]


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=8))
def test_every_number_comes_back_from_the_pack(numbers):
    assert unpack(pack({"n": np.array(numbers, dtype=np.int64)}))["n"] == numbers


def test_a_number_of_more_than_32_bits_is_refused():
    with pytest.raises(OverflowError, match="does not fit into 32 bits"):
        pack({"n": np.array([2**31])})
