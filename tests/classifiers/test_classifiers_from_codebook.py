"""Labels that cannot be trained are scored by the codebook, exactly as before the first label."""

from dataclasses import replace

import numpy as np
import pytest
import skops.io
from classifiers_problem import cross, fit, make_problem, score, splits_of, whole_groups

from narraframe.classifiers.classifier import from_parts
from narraframe.classifiers.from_codebook import Background
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.unlabelled import fit_unlabelled
from narraframe.errors import TooFewError

RATES = (0.4, 0.3, 0.06, 0.05, 0.06)
TRAINED, FALLEN = [0, 1], [2, 3, 4]
FEW = {"min_positive": 25}
VIEWS = ("embedding", "words", "definitions")


@pytest.fixture(scope="module")
def problem():
    return make_problem(n=96, rates=RATES)


@pytest.fixture(scope="module")
def about():
    return np.random.default_rng(1).normal(size=(len(RATES), 12)).astype(np.float32)


def background_of(problem, *, n_others=60, described=None):
    """All labelled posts, and others among them."""
    others = make_problem(n=n_others, rates=RATES, seed=5).vectors
    order = np.random.default_rng(3).permutation(problem.n + n_others)
    row = np.append(np.arange(problem.n), np.full(n_others, -1))
    described = np.ones(len(RATES), dtype=bool) if described is None else described
    return Background(np.vstack([problem.vectors, others])[order], row[order], described)


def cold(problem, about, background, **structure):
    classifier = fit_unlabelled(
        background.vectors,
        problem.label_ids,
        definitions=about,
        **{"parents": {}, "single_choice": ()} | structure,
    )
    return predict(classifier, {"embedding": problem.vectors}, problem.texts)


@pytest.mark.parametrize("views", [VIEWS, ("embedding", "words"), ("words",)])
@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_a_label_that_cannot_be_trained_has_the_score_that_it_had_before_any(
    problem, about, views, head
):
    background = background_of(problem)
    shared = {"definitions": about, "head": head, **FEW}
    mixed = fit(problem, *views, background=background, **shared)
    alone = fit(problem, *views, **shared)
    assert [j for j, why in enumerate(mixed.reasons) if why] == FALLEN
    assert np.flatnonzero(mixed.from_codebook).tolist() == FALLEN
    found, before = score(mixed, problem), cold(problem, about, background)
    np.testing.assert_array_equal(found.probability[:, FALLEN], before.probability[:, FALLEN])
    np.testing.assert_array_equal(found.decision[:, FALLEN], before.decision[:, FALLEN])
    assert found.decision[:, FALLEN].any()
    assert mixed.thresholds[FALLEN].tolist() == [0.5] * 3
    # nothing changes for the others
    trained = score(alone, problem)
    np.testing.assert_array_equal(found.probability[:, TRAINED], trained.probability[:, TRAINED])
    np.testing.assert_array_equal(found.decision[:, TRAINED], trained.decision[:, TRAINED])
    assert np.isnan(trained.probability[:, FALLEN]).all()


def test_what_a_hundred_posts_hardly_show_is_rare_and_not_counted_by_likeness(problem, about):
    """Not of labels that were asked of fewer of these posts."""
    many = make_problem(n=120, rates=RATES)
    mask = many.mask.copy()
    mask[:30, 4] = False
    shared = {"definitions": about, "background": background_of(many), **FEW}
    found = fit(replace(many, mask=mask), *VIEWS, **shared)
    assert [j for j, why in enumerate(found.reasons) if why] == FALLEN
    assert np.flatnonzero(found.from_codebook).tolist() == [4]
    assert np.isnan(found.thresholds[[2, 3]]).all()


def test_where_all_labels_are_trained_a_background_changes_nothing(problem, about):
    background = background_of(problem)
    with_it = fit(problem, "embedding", "words", definitions=about, background=background)
    without = fit(problem, "embedding", "words")
    assert with_it.settings == without.settings
    assert with_it.n_dimensions == without.n_dimensions
    assert not with_it.from_codebook.any()
    first, second = score(with_it, problem), score(without, problem)
    assert first.probability.tobytes() == second.probability.tobytes()


def test_a_label_of_which_only_the_name_is_known_stays_without_a_score(problem, about):
    described = np.array([True, True, True, False, True])
    background = background_of(problem, described=described)
    mixed = fit(problem, *VIEWS, definitions=about, background=background, **FEW)
    assert np.flatnonzero(mixed.from_codebook).tolist() == [2, 4]
    found = score(mixed, problem)
    assert np.isnan(found.probability[:, 3]).all()
    assert np.isnan(mixed.thresholds[3])
    before = cold(problem, about, background).probability
    np.testing.assert_array_equal(found.probability[:, [2, 4]], before[:, [2, 4]])


def test_without_any_label_to_train_there_is_no_classifier(problem, about):
    background = background_of(problem)
    with pytest.raises(TooFewError, match="none of 5 labels can be trained"):
        fit(problem, *VIEWS, definitions=about, background=background, min_positive=149)


@pytest.mark.parametrize("views", [VIEWS, ("words",)])
def test_stored_parts_give_the_same_scores(problem, about, views):
    mixed = fit(
        problem,
        *views,
        definitions=about,
        background=background_of(problem),
        parents={"label.2": "label.0"},
        single_choice=[("label.1", "label.3", "label.4")],
        **FEW,
    )
    stored = skops.io.dumps(mixed.to_parts())
    again = from_parts(skops.io.loads(stored, trusted=[]))
    first, second = score(mixed, problem), score(again, problem)
    assert first.probability.tobytes() == second.probability.tobytes()
    assert (first.decision == second.decision).all()
    assert (again.from_codebook == mixed.from_codebook).all()


def test_a_parent_is_never_below_a_child_that_the_codebook_scores(problem, about):
    background = background_of(problem)
    parents = {"label.2": "label.0", "label.4": "label.3"}
    mixed = fit(problem, *VIEWS, definitions=about, background=background, parents=parents, **FEW)
    found = score(mixed, problem)
    for child, parent in ((2, 0), (4, 3)):
        assert (found.probability[:, parent] >= found.probability[:, child]).all()
        assert (found.decision[:, parent] >= found.decision[:, child]).all()
    # the child, and a parent that is not trained either, are as they were before any label
    before = cold(problem, about, background, parents=parents)
    np.testing.assert_array_equal(found.probability[:, FALLEN], before.probability[:, FALLEN])


def of_one_facet(problem, about, background, *labels):
    """Train with `labels` as the answers of a single-choice facet, and score."""
    mixed = fit(
        problem, *VIEWS, definitions=about, background=background, single_choice=[labels], **FEW
    )
    return mixed, score(mixed, problem)


def test_of_a_single_choice_facet_at_most_one_label_is_decided(problem, about):
    mixed, found = of_one_facet(
        problem, about, background_of(problem), "label.1", "label.2", "label.3"
    )
    assert (found.probability[:, 1:4].sum(axis=1) <= 1 + 1e-5).all()
    assert (found.decision[:, 1:4].sum(axis=1) <= 1).all()
    assert found.decision[:, 1].any()
    assert found.decision[:, [2, 3]].any()
    best = found.probability[:, 1:4].argmax(axis=1)
    assert all(found.decision[i, 1 + j] for i, j in enumerate(best) if found.decision[i, 1:4].any())
    # three labels and "none": the least probability that a most probable one can have
    assert mixed.thresholds[1:4].tolist() == [0.25] * 3


def test_a_single_choice_facet_of_which_nothing_is_trained_is_as_it_was(problem, about):
    background = background_of(problem)
    facet = ("label.2", "label.3", "label.4")
    _, found = of_one_facet(problem, about, background, *facet)
    before = cold(problem, about, background, single_choice=[facet])
    np.testing.assert_array_equal(found.probability[:, FALLEN], before.probability[:, FALLEN])
    np.testing.assert_array_equal(found.decision[:, FALLEN], before.decision[:, FALLEN])


def test_a_trained_parent_of_a_single_choice_facet_gives_way_to_children_that_are_scored(
    problem, about
):
    mixed = fit(
        problem,
        *VIEWS,
        definitions=about,
        background=background_of(problem),
        parents={"label.2": "label.1", "label.3": "label.1"},
        single_choice=[("label.1", "label.2", "label.3", "label.4")],
        **FEW,
    )
    found = score(mixed, problem)
    both = found.probability[:, [2, 3]].sum(axis=1)
    np.testing.assert_allclose(found.probability[:, 1], both, atol=2e-6)
    assert (found.decision[:, [2, 3, 4]].sum(axis=1) <= 1).all()
    assert (found.decision[:, 1] == found.decision[:, [2, 3]].any(axis=1)).all()


SPLITS = 3


@pytest.fixture(scope="module")
def splits(problem):
    return splits_of(whole_groups(problem.y, problem.mask, problem.groups, seed=0))


@pytest.mark.parametrize("views", [VIEWS, ("words",)])
def test_each_fold_falls_back_on_what_its_training_side_leaves(problem, about, splits, views):
    """The oracle knows the training side, and the posts that are not labelled, alone."""
    background = background_of(problem)
    settings = HeadSettings(features=views, min_positive=20)
    crossed = cross(problem, splits, settings, definitions=about, background=background)
    found = crossed.candidates[0]
    for split in splits:
        mine = ~np.isin(background.row, split.test)
        before = cold(problem, about, replace(background, vectors=background.vectors[mine]))
        np.testing.assert_array_equal(
            found.probability[np.ix_(split.test, FALLEN)],
            before.probability[np.ix_(split.test, FALLEN)],
        )


def test_labels_of_a_fold_s_test_posts_do_not_reach_their_scores(problem, about, splits):
    background = background_of(problem)
    settings = HeadSettings(features=VIEWS, min_positive=20)
    shared = {"definitions": about, "background": background, "parents": {"label.2": "label.0"}}
    found = cross(problem, splits, settings, **shared).candidates[0]
    for split in splits:
        y = problem.y.copy()
        y[split.test] = 1 - y[split.test]
        flipped = cross(replace(problem, y=y), [split], settings, **shared).candidates[0]
        first, second = (x.probability[split.test] for x in (found, flipped))
        assert np.isfinite(first).all()
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(found.decision[split.test], flipped.decision[split.test])


def test_a_post_that_is_set_aside_leaves_the_background(problem):
    background = background_of(problem)
    kept = np.arange(problem.n) % 3 > 0
    left = background.only(kept)
    others = background.row < 0
    assert (left.row < 0).sum() == others.sum()
    of_kept = left.row[left.row >= 0]
    assert sorted(of_kept.tolist()) == list(range(int(kept.sum())))
    np.testing.assert_array_equal(left.vectors[left.row >= 0], problem.vectors[kept][of_kept])
