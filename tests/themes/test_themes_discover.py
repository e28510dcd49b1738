from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from narraframe.errors import InputError, TableError
from narraframe.themes.discover import Discovery, discover
from narraframe.themes.settings import ENGINES, ThemeSettings

engines = pytest.mark.parametrize("engine", ENGINES)


def run(corpus, groups=None, **options) -> Discovery:
    groups = corpus.post_ids if groups is None else groups
    return discover(corpus.post_ids, corpus.vectors, corpus.texts, corpus.langs, groups, **options)


def as_bytes(found: Discovery) -> list[bytes]:
    themes = found.themes
    arrays = (themes.theme, themes.membership, themes.xy, found.terms.counts.data)
    return [a.tobytes() for a in arrays] + [repr((found.summaries, found.quality)).encode()]


def terms_of(found: Discovery) -> list[list[str]]:
    return [[term for term, _ in summary.keywords] for summary in found.summaries]


@pytest.fixture(scope="module")
def corpus(make_corpus):
    return make_corpus(50, 40, 30)


@pytest.fixture(scope="module", params=ENGINES)
def found(corpus, request) -> Discovery:
    return run(corpus, settings=ThemeSettings(engine=request.param))


def test_the_subjects_of_a_corpus_are_found_and_named(corpus, found):
    assert found.themes.theme.tolist() == corpus.truth.tolist()
    assert [summary.theme for summary in found.summaries] == [0, 1, 2]
    assert {"harvest", "grain", "wheat"} & {*terms_of(found)[0]}
    assert found.summaries[1].name.count(" · ") == 2
    assert [(s.n_posts, s.n_groups) for s in found.summaries] == [(50, 50), (40, 40), (30, 30)]


def test_good_themes_have_good_figures_and_no_warning(found):
    quality = found.quality
    assert (quality.n_posts, quality.n_groups, quality.n_themes) == (120, 120, 3)
    assert quality.outlier_share == 0.0
    assert quality.confidence > 0.99
    assert quality.stability == quality.stability_resampled == 1.0
    assert quality.warnings == ()
    for summary in found.summaries:
        assert summary.confidence > 0.99
        assert summary.stability == 1.0


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
        assert len(set(summary.representative_post_ids)) == 5


@engines
def test_the_order_of_the_posts_changes_neither_themes_nor_keywords(make_corpus, engine):
    corpus, settings = make_corpus(50, 40, 30, 25), ThemeSettings(engine=engine, n_reruns=0)
    order = np.random.default_rng(1).permutation(145)
    shuffled = replace(
        corpus,
        post_ids=[corpus.post_ids[i] for i in order],
        vectors=corpus.vectors[order],
        texts=[corpus.texts[i] for i in order],
    )
    before, after = run(corpus, settings=settings), run(shuffled, settings=settings)
    assert adjusted_rand_score(before.themes.theme[order], after.themes.theme) == 1.0
    assert terms_of(before) == terms_of(after)


@engines
def test_copies_take_the_theme_of_their_group_and_change_no_theme(corpus, engine):
    settings = ThemeSettings(engine=engine)
    found = run(corpus, settings=settings)
    # Forty copies of one post would make a theme of their own.
    rows = [*range(120), *[7] * 40, 50]
    copies = replace(
        corpus,
        post_ids=[*corpus.post_ids, *(f"copy{i}" for i in range(41))],
        vectors=corpus.vectors[rows],
        texts=[corpus.texts[i] for i in rows],
        langs=["en"] * len(rows),
    )
    with_copies = run(copies, groups=[corpus.post_ids[i] for i in rows], settings=settings)
    for name in ("theme", "membership", "xy"):
        before, after = (getattr(x.themes, name) for x in (found, with_copies))
        assert after.tobytes() == before[rows].tobytes()
    assert repr(with_copies.quality) == repr(replace(found.quality, n_posts=161))
    n_posts = np.bincount(with_copies.themes.theme).tolist()
    assert with_copies.summaries == tuple(
        replace(s, n_posts=n_posts[s.theme]) for s in found.summaries
    )
    assert with_copies.distinct.tolist() == list(range(120))
    assert with_copies.row_of_post.tolist() == rows


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


def test_a_group_whose_first_post_is_not_there_is_stood_for_by_another(make_corpus):
    corpus = make_corpus(20, 15)
    groups = ["gone", "gone", *corpus.post_ids[2:]]
    found = run(corpus, groups=groups, settings=ThemeSettings(n_reruns=0))
    assert found.distinct.tolist() == [0, *range(2, 35)]
    assert found.themes.theme[0] == found.themes.theme[1]


@pytest.mark.parametrize("n", [1, 2, 14])
def test_very_few_posts_have_no_theme_and_a_warning_says_so(make_corpus, n):
    found = run(make_corpus(n))
    assert (found.themes.theme == -1).all()
    assert found.summaries == ()
    assert np.isfinite(found.themes.xy).all()
    assert found.quality.outlier_share == 1.0
    assert found.quality.warnings[0].startswith(f"Only {n} distinct posts")


@engines
def test_a_small_corpus_has_a_few_themes_and_a_warning(make_corpus, engine):
    corpus = make_corpus(25, 18, 14)
    found = run(corpus, settings=ThemeSettings(engine=engine))
    assert adjusted_rand_score(corpus.truth, found.themes.theme) > 0.9
    assert "first look" in found.quality.warnings[0]


@engines
def test_identical_posts_have_no_theme_and_raise_no_warning_of_a_library(make_corpus, engine):
    corpus = make_corpus(30)
    alike = replace(corpus, vectors=np.repeat(corpus.vectors[:1], 30, axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(alike, settings=ThemeSettings(engine=engine))
    assert (found.themes.theme == -1).all()
    assert (found.themes.membership == 0).all()
    assert any("No themes" in warning for warning in found.quality.warnings)


@engines
@pytest.mark.parametrize("kind", ["at random", "one blob"])
@pytest.mark.parametrize("n", [150, 600])
def test_posts_without_themes_come_with_a_warning_in_words(make_corpus, engine, kind, n):
    corpus = make_corpus(n)
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(n, 64)) * (0.1 if kind == "one blob" else 1.0)
    vectors[:, 0] += kind == "one blob"
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    even = replace(corpus, vectors=vectors.astype(np.float32))
    said = run(even, settings=ThemeSettings(engine=engine)).quality.warnings
    assert any("No themes" in w or "different" in w for w in said)


def test_one_theme_of_most_of_the_posts_comes_with_a_warning(make_corpus):
    found = run(make_corpus(90, 40, 20), settings=ThemeSettings(n_reruns=0))
    assert [w[:36] for w in found.quality.warnings] == ["One theme holds 60% of the posts: th"]


def test_posts_astray_are_noise_without_membership_unless_all_are_to_be_assigned(make_corpus):
    corpus = make_corpus(80, 60, 40)
    loose = np.random.default_rng(0).normal(size=(30, 32)).astype(np.float32)
    loose /= np.linalg.norm(loose, axis=1, keepdims=True)
    astray = replace(corpus, vectors=np.vstack([corpus.vectors[:-30], loose]))
    found = run(astray, settings=ThemeSettings(n_reruns=0))
    noise = found.themes.theme == -1
    assert noise.any()
    assert not noise[:-30].any()
    assert (found.themes.membership[noise] == 0).all()
    assert found.quality.outlier_share == pytest.approx(noise.mean())
    assigned = run(astray, settings=ThemeSettings(n_reruns=0, assign_all=True))
    assert (assigned.themes.theme >= 0).all()
    assert (assigned.themes.membership > 0).all()
    assert assigned.quality.outlier_share == 0.0


def test_posts_without_a_word_still_have_themes_with_a_number_for_a_name(make_corpus):
    corpus = make_corpus(30, 20)
    silent = replace(corpus, texts=["👍"] * 50)
    found = run(silent, settings=ThemeSettings(n_reruns=0))
    assert [summary.name for summary in found.summaries] == ["theme 0", "theme 1"]
    assert np.isnan(found.quality.npmi)


def test_as_many_keywords_and_representatives_are_given_as_asked_for(make_corpus):
    found = run(make_corpus(30, 20), settings=ThemeSettings(n_keywords=2, n_representatives=7))
    assert [len(summary.keywords) for summary in found.summaries] == [2, 2]
    assert [len(summary.representative_post_ids) for summary in found.summaries] == [7, 7]


def test_a_graph_that_is_given_gives_the_same_bytes(corpus, found):
    settings = ThemeSettings(engine="hdbscan" if found.quality.relative_validity > 0 else "graph")
    again = run(corpus, settings=settings, graph=found.found.graph)
    assert as_bytes(again) == as_bytes(found)


@engines
@pytest.mark.parametrize("sizes", [(3,), (30, 20)])
def test_every_stage_is_opened_and_its_steps_add_up_to_its_total(make_corpus, engine, sizes):
    totals: dict[str, int | None] = {}
    done: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def stage(name: str, *, total: int | None = None, unit: str = "posts") -> Iterator:
        totals[name] = total
        yield lambda n: done.__setitem__(name, done[name] + n)

    run(make_corpus(*sizes), settings=ThemeSettings(engine=engine), stage=stage)
    assert list(totals) == ["neighbours", "themes", "map", "keywords"]
    assert done == totals


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
