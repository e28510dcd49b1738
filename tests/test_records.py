"""align joins rooms by post_id."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import NarraframeError, TableError
from narraframe.records import (
    Codebook,
    Embeddings,
    Estimate,
    Facet,
    Label,
    LabelQuality,
    Scores,
    Targets,
    align,
)


def embeddings(*post_ids: str) -> Embeddings:
    vectors = np.arange(2 * len(post_ids), dtype=np.float32).reshape(-1, 2)
    return Embeddings(post_ids, vectors, "test@0")


def test_align_returns_the_wanted_rows_in_the_wanted_order():
    got = align(["c", "a"], embeddings("a", "b", "c"))
    assert got.post_ids == ("c", "a")
    assert got.vectors.tolist() == [[4, 5], [0, 1]]
    assert got.encoder == "test@0"


def test_align_moves_every_row_field_and_leaves_label_fields_alone():
    scores = Scores(
        post_ids=("a", "b"),
        label_ids=("x", "y"),
        probability=np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32),
        decision=np.array([[True, False], [False, True]]),
        abstained=np.zeros((2, 2), dtype=bool),
        thresholds=np.array([0.5, 0.6]),
        reasons=("", "no text"),
        model="m/1",
    )
    got = align(["b", "a"], scores)
    assert got.reasons == ("no text", "")
    assert got.decision.tolist() == [[False, True], [True, False]]
    assert got.thresholds.tolist() == [0.5, 0.6]
    assert got.label_ids == ("x", "y")


def test_a_wanted_post_without_a_row_is_an_error_that_names_it():
    with pytest.raises(TableError, match=r"no row for 1 of 2 posts \(got 'z'\)"):
        align(["a", "z"], embeddings("a", "b"))


def test_a_post_id_that_repeats_in_the_rows_is_an_error():
    with pytest.raises(TableError, match=r"Embeddings hold a post_id twice \(got 'a'\)"):
        align(["a"], embeddings("a", "b", "a"))


def test_a_post_id_that_is_asked_for_twice_is_an_error():
    with pytest.raises(TableError, match=r"asked for twice \(got 'a'\)"):
        align(["a", "a"], embeddings("a", "b"))


@given(st.lists(st.text(max_size=5), unique=True, max_size=30), st.randoms())
def test_each_aligned_row_is_the_row_of_its_post(post_ids, random):
    n = len(post_ids)
    y = np.arange(n, dtype=np.int8).reshape(n, 1)
    targets = Targets(tuple(post_ids), ("x",), y, np.ones((n, 1), dtype=bool))
    wanted = random.sample(post_ids, random.randint(0, n))
    got = align(wanted, targets)
    assert [post_ids[i] for i in got.y[:, 0]] == wanted
    assert align(got.post_ids, got).y.tolist() == got.y.tolist()


def test_leaves_are_the_labels_without_children_in_codebook_order():
    book = Codebook(
        "1",
        "",
        (Facet("n", "N"),),
        (Label("p", "n", "P"), Label("p.a", "n", "A", parent="p"), Label("q", "n", "Q")),
    )
    assert book.label_ids == ("p", "p.a", "q")
    assert book.leaf_ids == ("p.a", "q")
    assert book.children("p") == ("p.a",)


def test_an_error_says_what_where_got_and_remedy():
    error = NarraframeError("is wrong", where="file.csv line 3", got="x" * 100, remedy="Mend it.")
    assert str(error) == f"file.csv line 3: is wrong (got '{'x' * 76}...). Mend it."


@pytest.mark.parametrize(
    ("n_positive", "f1_low", "ap_low", "beats"),
    [
        (80, 0.87, 0.78, False),  # always yes has F1 .89 and average precision .80
        (80, 0.90, 0.78, True),
        (80, 0.87, 0.81, True),
        (20, 0.30, 0.25, True),
        (20, 0.30, float("nan"), False),
    ],
)
def test_a_label_beats_chance_only_where_an_interval_lies_above_always_yes(
    n_positive, f1_low, ap_low, beats
):
    f1, ap = Estimate(0.9, f1_low, 0.95, 100), Estimate(0.9, ap_low, 0.95, 100)
    row = LabelQuality("x", 100, n_positive, 0.5, f1, f1, f1, ap)
    assert row.share == n_positive / 100
    assert row.beats_chance is beats


def test_an_estimate_is_written_with_its_interval_and_without_what_is_undefined():
    nan = float("nan")
    assert str(Estimate(0.714, 0.64, 0.78, 9)) == "0.71 [0.64, 0.78]"
    assert str(Estimate(1.0, nan, nan, 1)) == "1.00"
    assert str(Estimate(nan, nan, nan, 0)) == "-"
    assert f"{Estimate(0.7144, 0.64, 0.78, 9):.3f}" == "0.714 [0.640, 0.780]"
    assert f"{Estimate(0.0525, nan, nan, 1):.3f}" == "0.052"
