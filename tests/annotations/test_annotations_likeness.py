"""Ticks without a model: by the likeness of a post to what the codebook says of its labels."""

from importlib.resources import files

import numpy as np
import pytest

from narraframe.annotations.likeness import (
    BAR,
    descriptions,
    fit_likeness,
    score_likeness,
)
from narraframe.annotations.targets import build_targets
from narraframe.embeddings.sentence import load_encoder
from narraframe.io.annotations import read_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.posts import read_posts
from narraframe.posts.prepare import prepare
from narraframe.records import Codebook, Facet, Label, Post

SAMPLE = files("narraframe.sample")


def described(n_labels=12, d=8, seed=0):
    """Two unit vectors a label, near one another and far from those of other labels."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_labels, d))
    vectors = np.repeat(centres, 2, axis=0) + rng.normal(scale=0.05, size=(2 * n_labels, d))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [f"l{i // 2}" for i in range(2 * n_labels)], vectors.astype(np.float32)


def test_a_leaf_is_described_by_definition_use_and_examples_but_not_by_what_it_is_not():
    labels = (
        Label("a", "f", "A", "Group"),
        Label("a.x", "f", "X", "About x.", "a", "Use for x.", "Not for y.", ("x!", "xx!")),
        Label("b", "f", "B"),
    )
    book = Codebook("1", "", (Facet("f", "F"),), labels)
    assert descriptions(book) == (
        ("a.x", "About x."),
        ("a.x", "Use for x."),
        ("a.x", "x!"),
        ("a.x", "xx!"),
    )


def test_a_post_like_one_label_is_ticked_with_it_alone():
    label_ids, vectors = described()
    likeness = fit_likeness(label_ids, vectors)
    alike = score_likeness(likeness, vectors[4:5])
    assert [likeness.label_ids[j] for j in np.flatnonzero(alike.decision[0])] == ["l2"]


def test_the_bar_is_two_deviations_above_the_likeness_to_descriptions_of_others():
    label_ids, vectors = described()
    likeness = fit_likeness(label_ids, vectors)
    alike = score_likeness(likeness, vectors)
    for j, label_id in enumerate(likeness.label_ids):
        own = np.array([other == label_id for other in label_ids])
        mean = vectors[own].mean(axis=0)
        cosine = vectors @ mean / np.linalg.norm(mean)
        bar = cosine[~own].mean() + BAR * cosine[~own].std()
        np.testing.assert_array_equal(alike.decision[:, j], cosine >= bar)
        np.testing.assert_array_equal(alike.p[:, j] >= 0.5, cosine >= bar)


def test_a_post_has_the_same_bits_whatever_comes_with_it():
    label_ids, vectors = described()
    likeness = fit_likeness(label_ids, vectors)
    together = score_likeness(likeness, vectors).p
    alone = [score_likeness(likeness, row[None]).p[0] for row in vectors]
    np.testing.assert_array_equal(together, np.array(alone))


@pytest.mark.parametrize("n_labels", [0, 1, 5])
def test_too_few_descriptions_to_compare_with_tick_nothing(n_labels):
    label_ids, vectors = described(max(n_labels, 1))
    n = 2 * n_labels
    likeness = fit_likeness(label_ids[:n], vectors[:n])
    assert likeness.label_ids == ()
    assert score_likeness(likeness, vectors[:3]).decision.shape == (len(vectors[:3]), 0)


def test_descriptions_that_are_all_alike_tick_nothing():
    label_ids, vectors = described()
    same = np.repeat(vectors[:1], len(vectors), axis=0)
    assert not score_likeness(fit_likeness(label_ids, same), same).decision.any()


@pytest.mark.slow
def test_on_the_sample_ticks_are_right_more_often_than_not():
    """The figures that the docstring of `score_likeness` states."""
    with_figures = {"narrative": (0.85, 0.46), "frame": (0.76, 0.12)}
    book = read_codebook(SAMPLE / "codebook.toml")
    rows = read_annotations(SAMPLE / "annotations", book)
    targets = build_targets([row for row in rows if row.annotator == "ann-01"], book).targets
    posts = [
        post
        for post in prepare(
            p for p in read_posts(str(SAMPLE / "result.json")) if isinstance(p, Post)
        )
        if post.model_text and post.lang in ("en", None)
    ]
    encoder = load_encoder("all-MiniLM-L6-v2")
    texts = descriptions(book)
    likeness = fit_likeness([i for i, _ in texts], encoder.encode([text for _, text in texts]))
    alike = score_likeness(likeness, encoder.encode([post.model_text for post in posts]))
    place = {post_id: i for i, post_id in enumerate(targets.post_ids)}
    y = targets.y[[place[post.post_id] for post in posts]] == 1
    for facet_id, figures in with_figures.items():
        ids = [i for i in book.leaf_ids if book.by_id[i].facet_id == facet_id]
        truth = y[:, [book.label_ids.index(i) for i in ids]]
        ticked = alike.decision[:, [likeness.label_ids.index(i) for i in ids]]
        right = (truth & ticked).sum()
        assert (right / ticked.sum(), right / truth.sum()) == pytest.approx(figures, abs=0.02)
    stances = [j for j, i in enumerate(likeness.label_ids) if i.startswith("stance.")]
    assert not alike.decision[:, stances].any()
