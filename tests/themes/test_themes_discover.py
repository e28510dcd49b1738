from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from narraframe.errors import ConfigError, InputError, TableError
from narraframe.themes.discover import STAGES, ThemeSettings, discover

FRESH_PROCESS = """
import hashlib, sys
import numpy as np
from narraframe.themes.discover import discover

data = np.load(sys.argv[1])
ids, texts = data["ids"].tolist(), data["texts"].tolist()
found = discover(ids, data["vectors"], texts, ["en"] * len(ids), ids)
themes = found.themes
bytes_ = themes.theme.tobytes() + themes.membership.tobytes() + themes.xy.tobytes()
print(hashlib.sha256(bytes_ + repr((found.summaries, found.quality)).encode()).hexdigest())
"""


def run(corpus, groups=None, **options):
    groups = corpus.post_ids if groups is None else groups
    return discover(corpus.post_ids, corpus.vectors, corpus.texts, corpus.langs, groups, **options)


def digest(found) -> str:
    themes = found.themes
    arrays = themes.theme.tobytes() + themes.membership.tobytes() + themes.xy.tobytes()
    return hashlib.sha256(arrays + repr((found.summaries, found.quality)).encode()).hexdigest()


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(50, 40, 30)


@pytest.fixture(scope="module")
def found(corpus):
    return run(corpus)


def test_the_subjects_of_a_corpus_are_found_and_named(corpus, found):
    assert adjusted_rand_score(corpus.truth, found.themes.theme) > 0.95
    assert [summary.theme for summary in found.summaries] == [0, 1, 2]
    assert {"harvest", "grain", "wheat"} & {t for t, _ in found.summaries[0].keywords}
    assert found.summaries[1].name.count(" · ") == 2
    assert found.quality.warnings == ()
    assert found.quality.stability > 0.9


def test_every_post_has_its_row(corpus, found):
    themes = found.themes
    assert themes.post_ids == tuple(corpus.post_ids)
    assert themes.theme.shape == themes.membership.shape == (120,)
    assert themes.xy.shape == (120, 2)
    assert [a.dtype.name for a in (themes.theme, themes.membership, themes.xy)] == [
        "int32", "float32", "float32",
    ]  # fmt: skip


def test_representatives_belong_to_their_theme(found):
    theme_of = dict(zip(found.themes.post_ids, found.themes.theme.tolist(), strict=True))
    for summary in found.summaries:
        assert {theme_of[p] for p in summary.representative_post_ids} == {summary.theme}
        assert len(summary.representative_post_ids) == 5


def test_the_same_input_gives_the_same_bytes_in_a_fresh_process(corpus, found, tmp_path):
    path = tmp_path / "corpus.npz"
    np.savez(path, ids=corpus.post_ids, texts=corpus.texts, vectors=corpus.vectors)
    command = [sys.executable, "-c", FRESH_PROCESS, str(path)]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == digest(found)


def test_copies_take_the_theme_of_their_group_and_change_no_theme(corpus, found):
    # Forty copies of one post would make a theme of their own.
    rows = [*range(120), *[7] * 40, 50]
    copies = replace(
        corpus,
        post_ids=[*corpus.post_ids, *(f"copy{i}" for i in range(41))],
        vectors=corpus.vectors[rows],
        texts=[corpus.texts[i] for i in rows],
        langs=["en"] * len(rows),
    )
    with_copies = run(copies, groups=[corpus.post_ids[i] for i in rows])
    np.testing.assert_array_equal(with_copies.themes.theme, found.themes.theme[rows])
    np.testing.assert_array_equal(with_copies.themes.xy, found.themes.xy[rows])
    assert with_copies.quality == replace(found.quality, n_posts=161)
    for before, after in zip(found.summaries, with_copies.summaries, strict=True):
        members = [p for p, row in zip(copies.post_ids, rows, strict=True)
                   if found.themes.theme[row] == before.theme]  # fmt: skip
        assert after == replace(before, n_posts=len(members))


def test_a_copy_that_comes_before_its_group_s_first_post_does_not_stand_for_it(make_corpus):
    corpus = make_corpus(20, 15)
    late = replace(
        corpus,
        post_ids=["copy", *corpus.post_ids],
        vectors=np.vstack([-corpus.vectors[:1], corpus.vectors]),
        texts=["", *corpus.texts],
        langs=["en", *corpus.langs],
    )
    settings = ThemeSettings(n_reruns=0)
    plain = run(corpus, settings=settings)
    copied = run(late, groups=["p000", *corpus.post_ids], settings=settings)
    np.testing.assert_array_equal(copied.themes.theme[1:], plain.themes.theme)
    assert copied.themes.theme[0] == plain.themes.theme[0]


@pytest.mark.parametrize("n", [1, 2, 5, 14])
def test_very_few_posts_have_no_theme_and_a_warning_says_so(make_corpus, n):
    found = run(make_corpus(n))
    assert (found.themes.theme == -1).all()
    assert found.summaries == ()
    assert np.isfinite(found.themes.xy).all()
    assert found.quality.outlier_share == 1.0
    assert found.quality.warnings[0].startswith(f"Only {n} distinct posts")


def test_a_small_corpus_has_a_few_themes_and_a_warning(make_corpus):
    corpus = make_corpus(20, 16, 12, 9)
    found = run(corpus)
    assert adjusted_rand_score(corpus.truth, found.themes.theme) > 0.9
    assert "first look" in found.quality.warnings[0]


def test_identical_posts_have_no_theme_and_raise_no_warning_of_a_library(make_corpus):
    corpus = make_corpus(30)
    alike = replace(corpus, vectors=np.repeat(corpus.vectors[:1], 30, axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(alike)
    assert (found.themes.theme == -1).all()
    assert any("No themes" in warning for warning in found.quality.warnings)


def test_posts_without_a_word_still_have_themes_with_a_number_for_a_name(make_corpus):
    corpus = make_corpus(30, 20)
    silent = replace(corpus, texts=["👍"] * 50)
    found = run(silent, settings=ThemeSettings(n_reruns=0))
    assert [summary.name for summary in found.summaries] == ["theme 0", "theme 1"]
    assert np.isnan(found.quality.npmi)


def test_without_reruns_stability_is_undefined(make_corpus):
    found = run(make_corpus(30, 20), settings=ThemeSettings(n_reruns=0))
    assert np.isnan(found.quality.stability)


def test_the_stages_are_told_as_they_begin(make_corpus):
    told: list[str] = []
    run(make_corpus(3), on_stage=told.append)
    assert tuple(told) == STAGES


def test_no_posts_are_refused():
    with pytest.raises(InputError, match="no posts"):
        discover([], np.zeros((0, 4), np.float32), [], [], [])


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_posts_without_a_usable_vector_are_refused_by_name(make_corpus, bad):
    corpus = make_corpus(20)
    corpus.vectors[3] = bad
    with pytest.raises(TableError, match=r"1 posts have no usable vector.*p003"):
        run(corpus)


def test_columns_of_different_length_are_refused(make_corpus):
    corpus = make_corpus(20)
    with pytest.raises(TableError, match="differ in length"):
        run(replace(corpus, texts=corpus.texts[1:]))


def test_a_post_given_twice_is_refused(make_corpus):
    corpus = make_corpus(20)
    with pytest.raises(TableError, match=r"given twice.*p001"):
        run(replace(corpus, post_ids=["p001", *corpus.post_ids[1:]]))


def test_settings_that_make_no_sense_are_all_named():
    with pytest.raises(ConfigError, match="n_neighbors must be 2 or more, min_cluster_size must"):
        ThemeSettings(n_neighbors=1, min_cluster_size=1)
