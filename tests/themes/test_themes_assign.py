from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from narraframe.errors import ConfigError, TableError
from narraframe.themes.assign import assign, suggest
from narraframe.themes.reference import reference


@pytest.fixture(scope="module")
def clear(make_corpus):
    """A fit of three clear subjects, numbered 4, 8 and 15, and later posts of the same."""
    corpus, later = make_corpus(300, 200, 100), make_corpus(30, 20, 10, seed=1)
    centres = np.stack([corpus.vectors[corpus.truth == t].mean(axis=0) for t in range(3)])
    later_centres = np.stack([later.vectors[later.truth == t].mean(axis=0) for t in range(3)])
    turn = np.linalg.lstsq(later_centres, centres, rcond=None)[0]
    vectors = later.vectors @ turn + 0.02 * np.random.default_rng(2).normal(size=(60, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    numbers = np.array([4, 8, 15], np.int32)
    return reference(corpus.vectors, numbers[corpus.truth]), vectors, numbers[later.truth]


@pytest.fixture(scope="module")
def blurred():
    """A fit of five subjects that overlap, a fifth of it noise, and later posts of the same."""
    rng = np.random.default_rng(0)
    truth = rng.integers(5, size=6000)
    vectors = np.eye(5, 48)[truth] + 0.25 * rng.normal(size=(6000, 48))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    near_own = vectors[np.arange(6000), truth]
    theme = np.where(near_own < np.quantile(near_own, 0.2), -1, truth).astype(np.int32)
    kept = reference(vectors[:2000], theme[:2000], refits=[theme[:2000]])
    return kept, vectors[2000:], theme[2000:], vectors[:2000], theme[:2000]


def test_posts_of_a_subject_get_its_theme_by_the_fits_own_number(clear):
    kept, vectors, expected = clear
    found = assign(kept, vectors, novel_share=0.0)
    np.testing.assert_array_equal(found.suggested, expected)
    np.testing.assert_array_equal(found.theme[found.known], expected[found.known])
    assert found.probability.min() > 0.9


def test_a_post_far_from_all_themes_is_none_of_these(clear):
    kept, _, _ = clear
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(20, 32))
    noise -= noise @ kept.centroids.T @ np.linalg.pinv(kept.centroids.T)
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    found = assign(kept, vectors)
    assert not found.known.any()
    assert set(found.theme.tolist()) == {-1}
    assert set(found.suggested.tolist()) <= {4, 8, 15}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_does_not_depend_on_the_batch(blurred, size):
    kept, vectors = blurred[0], blurred[1][:1000]
    at_once = assign(kept, vectors)
    rows = range(0, 1000 if size > 1 else 150, size)
    parts = [assign(kept, vectors[start : start + size]) for start in rows]
    for name in vars(at_once):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tobytes() == getattr(at_once, name)[: len(joined)].tobytes()


def test_an_answer_does_not_depend_on_the_order_of_the_batch(blurred):
    kept, vectors, *_ = blurred
    order = np.random.default_rng(3).permutation(len(vectors))
    straight, mixed = assign(kept, vectors), assign(kept, vectors[order])
    for name in vars(straight):
        assert getattr(straight, name)[order].tobytes() == getattr(mixed, name).tobytes()


def test_an_answer_does_not_depend_on_the_number_of_threads(blurred):
    _, later, _, vectors, theme = blurred
    answers = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            answers.append(assign(reference(vectors, theme, refits=[theme]), later))
    for name in vars(answers[0]):
        assert getattr(answers[0], name).tobytes() == getattr(answers[1], name).tobytes()


def test_the_probability_is_the_share_of_posts_that_the_fit_would_have_put_there(blurred):
    kept, vectors, theme, *_ = blurred
    found = assign(kept, vectors)
    right = found.suggested == theme
    assert found.probability.mean() == pytest.approx(right.mean(), abs=0.03)
    for low, high in ((0.0, 0.5), (0.5, 0.9), (0.9, 1.0)):
        rows = (found.probability >= low) & (found.probability < high)
        assert found.probability[rows].mean() == pytest.approx(right[rows].mean(), abs=0.1)


def test_about_as_many_later_posts_lie_between_themes_as_in_the_fit(blurred):
    kept, vectors, theme, *_ = blurred
    found = assign(kept, vectors, novel_share=0.0)
    assert np.mean(found.theme < 0) == pytest.approx(np.mean(theme < 0), abs=0.05)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_stated_share_of_ordinary_posts_is_taken_for_new(blurred, share):
    kept, vectors, theme, *_ = blurred
    found = assign(kept, vectors[theme >= 0], novel_share=share)
    assert np.mean(~found.known) == pytest.approx(share, abs=0.03)


def test_a_larger_least_probability_leaves_more_posts_without_a_theme(blurred):
    kept, vectors, *_ = blurred
    lax = assign(kept, vectors, least_probability=0.0)
    strict = assign(kept, vectors, least_probability=0.9)
    np.testing.assert_array_equal(lax.theme < 0, ~lax.known)
    np.testing.assert_array_equal(
        strict.theme < 0, ~strict.known | (strict.probability < np.float32(0.9))
    )


def test_no_post_of_the_fit_votes_on_itself_when_themes_are_suggested(blurred):
    kept, _, _, vectors, theme = blurred
    rows = np.flatnonzero(theme < 0)
    found = suggest(kept, vectors[rows])
    others = np.setdiff1d(np.arange(len(theme)), rows[:1])
    without = reference(vectors[others], theme[others])
    assert found.theme[0] == assign(without, vectors[rows[:1]]).suggested[0]
    # The post itself is a vote for noise, which a new post just like it has to take.
    assert assign(kept, vectors[rows]).probability.mean() < found.probability.mean()


def test_a_suggestion_is_as_likely_as_refits_that_give_the_post_a_theme_make_it():
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=1500)
    vectors = np.eye(3, 24)[truth] + 0.2 * rng.normal(size=(1500, 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    theme = np.where(rng.random(1500) < 0.2, -1, truth).astype(np.int32)
    elsewhere = rng.random(1500) < 0.4
    refit = np.where((theme < 0) & elsewhere, (truth + 1) % 3, truth).astype(np.int32)
    refit[rng.random(1500) < 0.3] = -1
    kept = reference(vectors, theme, refits=[refit])
    found = suggest(kept, vectors[theme < 0])
    assert found.probability.mean() == pytest.approx(0.6, abs=0.08)


def test_a_fit_without_themes_knows_no_post(make_corpus):
    corpus = make_corpus(40, 30)
    kept = reference(corpus.vectors, np.full(70, -1, np.int32))
    found = assign(kept, corpus.vectors)
    assert set(found.theme.tolist()) == set(found.suggested.tolist()) == {-1}
    assert not found.known.any()
    assert not found.probability.any()
    assert set(suggest(kept, corpus.vectors).theme.tolist()) == {-1}


def test_no_posts_give_no_answers(clear):
    kept, vectors, _ = clear
    found = assign(kept, vectors[:0])
    assert {len(value) for value in vars(found).values()} == {0}


def test_vectors_of_another_encoder_are_refused(clear):
    kept, vectors, _ = clear
    with pytest.raises(TableError, match="Vectors of width 32 are needed"):
        assign(kept, vectors[:, :16])


def test_vectors_that_are_not_normalised_are_refused(clear):
    kept, vectors, _ = clear
    with pytest.raises(TableError, match="not of length 1"):
        suggest(kept, 2 * vectors)


@pytest.mark.parametrize("option", ["novel_share", "least_probability"])
def test_an_option_that_is_no_share_is_refused(clear, option):
    kept, vectors, _ = clear
    with pytest.raises(ConfigError, match=rf"{option} must lie between 0 and 1 \(got 1.5\)"):
        assign(kept, vectors, **{option: 1.5})
