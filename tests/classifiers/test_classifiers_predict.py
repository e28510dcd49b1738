import numpy as np
import pytest
from classifiers_problem import fit, make_problem, score, vectors_of

from narraframe.classifiers.predict import predict
from narraframe.errors import ModelError

FEATURES = ("embedding", "sentences", "words", "characters", "definitions")


@pytest.fixture(scope="module")
def problem():
    return make_problem(n=80)


@pytest.fixture(scope="module", params=["ridge", "svc"])
def classifier(request, problem):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    about[1] = np.nan
    return fit(problem, *FEATURES, head=request.param, abstain=0.2, definitions=about)


def rows(problem, index):
    vectors = {view: part[index] for view, part in vectors_of(problem).items()}
    return vectors, [problem.texts[i] for i in index]


def same(first, second):
    return (
        first.probability.tobytes() == second.probability.tobytes()
        and first.decision.tobytes() == second.decision.tobytes()
        and first.abstained.tobytes() == second.abstained.tobytes()
    )


def test_a_post_has_the_same_result_in_any_batch_and_order(problem, classifier):
    together = score(classifier, problem)
    order = np.random.default_rng(0).permutation(80)
    shuffled = predict(classifier, *rows(problem, order))
    assert shuffled.probability.tobytes() == together.probability[order].tobytes()
    assert (shuffled.decision == together.decision[order]).all()
    for i in range(20):
        alone = predict(classifier, *rows(problem, [i]))
        assert alone.probability.tobytes() == together.probability[[i]].tobytes()
        assert (alone.decision == together.decision[[i]]).all()
        assert (alone.abstained == together.abstained[[i]]).all()


def test_copies_of_a_post_have_the_same_result(problem, classifier):
    found = predict(classifier, *rows(problem, [5] * 9 + [6] * 2))
    assert (found.probability[:9] == found.probability[0]).all()
    assert (found.probability[9:] == found.probability[9]).all()


def test_blocks_of_posts_leave_no_trace(problem, classifier, monkeypatch):
    together = score(classifier, problem)
    monkeypatch.setattr("narraframe.classifiers.predict._BLOCK", 7)
    done = []
    parted = predict(classifier, vectors_of(problem), problem.texts, progress=done.append)
    assert same(parted, together)
    assert sum(done) == 80


def test_words_that_were_not_in_training_change_nothing_but_their_own_weight(problem, classifier):
    [vectors, _] = rows(problem, [0, 0, 0])
    found = predict(classifier, vectors, ["", "!!!", "ЪЪЪ"])
    assert np.isfinite(found.probability).all()
    assert (found.probability == found.probability[0]).all()


def test_no_posts_give_no_rows(problem, classifier):
    found = predict(classifier, *rows(problem, []))
    assert found.probability.shape == found.decision.shape == found.abstained.shape == (0, 4)


def test_a_vector_of_zeros_has_a_result(problem, classifier):
    vectors = {view: 0 * part[:1] for view, part in vectors_of(problem).items()}
    assert np.isfinite(predict(classifier, vectors, [""]).probability).all()


def test_embeddings_of_another_width_are_refused(problem, classifier):
    wrong = vectors_of(problem) | {"embedding": np.zeros((80, 5), np.float32)}
    with pytest.raises(ModelError, match="12 dimensions"):
        predict(classifier, wrong, problem.texts)
    wrong = vectors_of(problem) | {"sentences": np.zeros((80, 12), np.float32)}
    with pytest.raises(ModelError, match="24 dimensions"):
        predict(classifier, wrong, problem.texts)


@pytest.mark.parametrize("view", ["embedding", "sentences"])
def test_embeddings_that_are_not_finite_are_refused(problem, classifier, view):
    bad = {name: part.copy() for name, part in vectors_of(problem).items()}
    bad[view][3, 0] = np.inf
    with pytest.raises(ModelError, match=r"nan or infinite values \(got 1\)"):
        predict(classifier, bad, problem.texts)


def test_vectors_of_other_posts_are_refused(problem, classifier):
    with pytest.raises(ValueError, match="80 vectors for 79 texts"):
        predict(classifier, vectors_of(problem), problem.texts[:-1])


def test_terms_alone_need_no_vectors(problem):
    found = predict(fit(problem, "words", vectors={}), {}, problem.texts)
    assert np.isfinite(found.probability).any(axis=0).all()
