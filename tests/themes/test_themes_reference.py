from __future__ import annotations

import io

import numpy as np
import pytest

from narraframe.errors import InputError, TableError
from narraframe.themes.assign import assign
from narraframe.themes.reference import from_arrays, reference, to_arrays


def same(one, other) -> bool:
    first, second = to_arrays(one), to_arrays(other)
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_small_fit_is_kept_whole(make_corpus):
    corpus = make_corpus(60, 40)
    kept = reference(corpus.vectors, corpus.truth.astype(np.int32))
    assert kept.vectors.dtype == np.float32
    np.testing.assert_array_equal(kept.theme, corpus.truth)
    np.testing.assert_allclose(kept.vectors, corpus.vectors, atol=1 / 8000 + 1e-6)


def test_themes_keep_their_numbers_and_all_noise_becomes_minus_one(make_corpus):
    corpus = make_corpus(30, 20, 10)
    theme = np.array([12, 3, -5], np.int32)[corpus.truth]
    kept = reference(corpus.vectors, theme)
    assert kept.themes.tolist() == [3, 12]
    assert np.bincount(kept.theme + 1, minlength=14)[[0, 4, 13]].tolist() == [10, 20, 30]


def test_a_capped_sample_holds_thirty_of_each_theme_or_all_it_has(make_corpus):
    corpus = make_corpus(3000, 400, 60, 12)
    kept = reference(corpus.vectors, corpus.truth.astype(np.int32) - 1, cap=600)
    noise, large, small, tiny = np.bincount(kept.theme + 1)
    assert len(kept.theme) <= 600
    assert (small, tiny) == (30, 12)
    assert noise / large == pytest.approx(3000 / 400, rel=0.03)


def test_a_cap_below_thirty_a_theme_is_kept(make_corpus):
    corpus = make_corpus(100, 90, 80, 70)
    kept = reference(corpus.vectors, corpus.truth.astype(np.int32), cap=40)
    assert len(kept.theme) <= 40
    assert set(kept.theme) == {0, 1, 2, 3}


def test_centroids_are_those_of_all_posts_not_of_the_sample(make_corpus):
    corpus = make_corpus(500, 300, spread=0.2)
    theme = corpus.truth.astype(np.int32)
    mean = np.stack([corpus.vectors[theme == t].mean(axis=0) for t in (0, 1)])
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    kept = reference(corpus.vectors, theme, cap=100)
    np.testing.assert_allclose(kept.centroids, expected, atol=5e-4)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_sample(make_corpus):
    corpus = make_corpus(500, 300, 100, spread=0.2)
    theme = corpus.truth.astype(np.int32)
    kept = reference(corpus.vectors, theme, cap=200, seed=3)
    assert same(kept, reference(corpus.vectors, theme, cap=200, seed=3))
    assert not same(kept, reference(corpus.vectors, theme, cap=200, seed=4))


def test_a_reference_that_was_saved_and_loaded_gives_the_same_answers(make_corpus):
    corpus, later = (
        make_corpus(300, 200, 100, spread=0.2),
        make_corpus(40, 40, 40, seed=1, spread=0.2),
    )
    theme = corpus.truth.astype(np.int32) - 1
    kept = reference(corpus.vectors, theme, refits=[theme])
    file = io.BytesIO()
    np.savez(file, other=np.arange(3), **to_arrays(kept))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        loaded = from_arrays(arrays)
    assert same(kept, loaded)
    before, after = assign(kept, later.vectors), assign(loaded, later.vectors)
    for name in vars(before):
        assert getattr(before, name).tobytes() == getattr(after, name).tobytes()


def test_a_state_that_lacks_an_array_is_refused(make_corpus):
    corpus = make_corpus(30, 20)
    arrays = to_arrays(reference(corpus.vectors, corpus.truth.astype(np.int32)))
    del arrays["nearness"]
    with pytest.raises(TableError, match=r"lacks arrays \(got \['nearness'\]\)"):
        from_arrays(arrays)


def test_a_state_whose_arrays_do_not_fit_is_refused(make_corpus):
    corpus = make_corpus(30, 20)
    arrays = to_arrays(reference(corpus.vectors, corpus.truth.astype(np.int32)))
    arrays["centroids"] = arrays["centroids"][:1]
    with pytest.raises(TableError, match=r"do not fit each other .*'centroids'"):
        from_arrays(arrays)


def test_columns_of_different_length_are_refused(make_corpus):
    corpus = make_corpus(30, 20)
    theme = corpus.truth.astype(np.int32)
    with pytest.raises(TableError, match=r"differ in length \(got \[49, 50\]\)"):
        reference(corpus.vectors, theme[:-1])
    with pytest.raises(TableError, match=r"differ in length \(got \[49, 50\]\)"):
        reference(corpus.vectors, theme, refits=[theme, theme[:-1]])


def test_a_fit_without_posts_is_refused():
    with pytest.raises(InputError, match="no posts"):
        reference(np.zeros((0, 8), np.float32), np.zeros(0, np.int32))


@pytest.mark.parametrize("theme", [[0], [-1], [0, 0], [4, 7], [-1, -1], [-1, 3]])
def test_the_smallest_fits_can_be_kept(theme):
    vectors = np.eye(4, dtype=np.float32)[: len(theme)]
    kept = reference(vectors, np.array(theme, np.int32))
    found = assign(kept, np.eye(4, dtype=np.float32))
    assert set(found.suggested.tolist()) <= {-1, *theme}
    assert np.isfinite(found.probability).all()
