import re
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from narraframe.annotations.splits import grouped_folds
from narraframe.classifiers.evidence import MOST, EvidenceSentence, find_evidence
from narraframe.classifiers.evidence_overlap import count_words, overlap_of, overlap_with_spans
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings

VALUES = {"war": (3.0, 0.0), "guns": (1.5, 0.0), "peace": (0.0, 4.0), "calm": (-1.0, 1.0)}
BIAS = np.array([-1.0, -2.0])


def additive(texts):
    """A model whose logit is a bias and the sum of what its words are worth."""
    return np.array(
        [BIAS + sum((np.array(VALUES.get(w, (0, 0))) for w in words(t)), 0 * BIAS) for t in texts]
    )


def words(text):
    return re.findall(r"\w+", text)


def spans_of(text):
    return [m.span() for m in re.finditer(r"[^.\s][^.]*\.", text)]


class Counting:
    """A measure, with the texts of every call."""

    def __init__(self, measure=additive):
        self.measure, self.calls = measure, []

    def __call__(self, texts):
        self.calls.append(list(texts))
        return self.measure(texts)


def find(texts, *, cuts=(0.0, 0.0), model=None, decision=None, **options):
    def measure(asked):
        return additive(asked) - np.array(cuts)

    margins = measure(texts)
    decision = margins >= 0 if decision is None else decision
    sentences = [spans_of(text) for text in texts]
    return find_evidence(texts, sentences, margins, decision, model or measure, **options)


def quoted(text, evidence):
    return [text[s.start : s.end] for s in evidence.sentences]


def test_evidence_is_the_sentence_that_speaks_loudest_and_those_decided_on_alone():
    text = "Some calm here. The war goes on. All quiet. More guns came."
    [found] = find([text], decision=np.array([[True, False]]))
    assert quoted(text, found) == ["The war goes on.", "More guns came."]
    assert [s.weight for s in found.sentences] == [2.0, 0.5]
    assert np.isnan(found.left)


def test_a_sentence_not_decided_on_alone_is_evidence_only_if_none_is_stronger():
    text = "The guns came. Their guns fired. All quiet."
    [found] = find([text], cuts=(1.0, 9.0))
    assert quoted(text, found) == ["The guns came."]
    assert found.sentences[0].weight == -0.5


def test_checked_evidence_is_the_fewest_sentences_without_which_it_is_not_decided():
    text = "The guns came. Then war. Other guns came. All quiet."
    [found] = find([text], check=True)
    assert quoted(text, found) == ["Then war.", "The guns came.", "Other guns came."]
    assert found.left == -1.0
    [found] = find([text], check=True, cuts=(2.5, 9.0))
    assert quoted(text, found) == ["Then war."]
    assert found.left == 2.0 - 2.5


def test_a_post_that_says_it_all_over_keeps_its_decision_and_says_so():
    text = " ".join(f"Still war {letter}." for letter in "abcdef")
    [found] = find([text], check=True)
    assert len(found.sentences) == MOST
    assert found.left == 8.0


def test_a_post_of_one_sentence_is_its_own_evidence_and_costs_nothing():
    model = Counting()
    found = find(["The war goes on."], model=model, check=True)
    assert [one.sentences for one in found] == [(EvidenceSentence(0, 16, 2.0),)]
    assert np.isnan(found[0].left)
    assert model.calls == []


def test_where_nothing_is_left_to_be_scored_what_is_left_is_unknown():
    text = "The war. Other war."
    [found] = find([text], check=True)
    assert quoted(text, found) == ["The war.", "Other war."]
    assert np.isnan(found.left)


def test_each_decision_has_its_own_evidence_and_the_others_have_none():
    texts = ["The war. Now peace.", "All quiet. Nothing.", "Now peace. All quiet."]
    found = find(texts)
    assert [(one.row, one.column) for one in found] == [(0, 0), (0, 1), (2, 1)]
    assert [quoted(texts[one.row], one) for one in found] == [
        ["The war."],
        ["Now peace."],
        ["Now peace."],
    ]


def test_a_text_is_asked_once_and_whole_or_undecided_posts_never():
    texts = ["The war. Now peace.", "All quiet. Nothing.", "The war. More war. All quiet."]
    model = Counting()
    find(texts, model=model, check=True)
    asked = [text for call in model.calls for text in call]
    assert len(asked) == len(set(asked))
    assert len(model.calls) <= 1 + MOST
    assert not {*texts, "Nothing."} & set(asked)
    # The rest of a post of two sentences is the other one: known already.
    assert model.calls[0] == ["The war.", "Now peace.", "More war.", "All quiet."]


def test_an_unscored_post_lends_its_margins_to_no_sentence():
    texts = ["The war. All quiet.", "The war."]
    margins = np.array([[2.0, -2.0], [np.nan, np.nan]])
    sentences = [spans_of(text) for text in texts]
    [found] = find_evidence(texts, sentences, margins, margins > 0, additive)
    assert found.sentences[0].weight == 2.0


def test_without_a_decision_nothing_is_asked():
    model = Counting()
    assert find(["All quiet. Nothing."], model=model, check=True) == ()
    assert model.calls == []


def test_a_parent_has_the_evidence_of_its_strongest_decided_child():
    text = "The war. Now peace and calm."
    values = np.array([[1.0, 3.0, 3.0, 3.0]])

    def model(texts):
        two = additive(texts)
        return np.column_stack([two, two.max(axis=1), two.max(axis=1)])

    def found_by(decision):
        found = find_evidence(
            [text],
            [spans_of(text)],
            values,
            np.array([decision]),
            model,
            links=((0, 2), (1, 2), (2, 3)),
        )
        return {one.column: quoted(text, one) for one in found}

    peace, war = ["Now peace and calm."], ["The war."]
    assert found_by([True, True, True, True])[3] == peace
    assert found_by([True, False, True, True]) == {0: war, 2: war, 3: war}
    assert found_by([False, False, True, False])[2][0] == "Now peace and calm."


def test_arguments_that_do_not_fit_are_refused():
    one = np.ones((1, 2))
    with pytest.raises(ValueError, match="do not fit together"):
        find_evidence(["a", "b"], [[(0, 1)]] * 2, one, one > 0, additive)
    with pytest.raises(ValueError, match="1 decided posts have no sentence, the first at row 0"):
        find_evidence(["a"], [[]], one, one > 0, additive)


@given(st.lists(st.sampled_from([*sorted(VALUES), "quiet", "hill"]), min_size=2, max_size=6))
def test_for_an_additive_model_no_smaller_set_undoes_the_decision(chosen):
    text = " ".join(f"{word} {n}." for n, word in enumerate(chosen))
    scores, spans = additive([text]), spans_of(text)
    for one in find([text], check=True):
        taken = [(s.start, s.end) for s in one.sentences]
        fewer = [
            left_without(text, gone)[one.column] for gone in combinations(spans, len(taken) - 1)
        ]
        assert all(left >= 0 for left in fewer)
        if not np.isnan(one.left):
            assert one.left == pytest.approx(left_without(text, taken)[one.column])
            # Faithful: no other set of as many sentences is missed more.
            others = combinations(spans, len(taken))
            assert one.left <= min(left_without(text, o)[one.column] for o in others) + 1e-9
            assert one.left < scores[0, one.column] + 1e-9


def left_without(text, gone):
    for start, end in sorted(gone, reverse=True):
        text = text[:start] + text[end:]
    return additive([text])[0]


def test_a_fitted_classifier_misses_its_evidence_more_than_other_sentences():
    rng = np.random.default_rng(0)
    told = ("sanctions", "harvest", "treaty")

    def sentence(word):
        return " ".join([*(f"filler{n}" for n in rng.integers(0, 40, size=5)), word]).strip() + "."

    y = (rng.random((240, 3)) < 0.4).astype(np.int8)
    texts = [
        " ".join(rng.permutation([sentence(w) for w in [*np.array(told)[row == 1], "", ""]]))
        for row in y
    ]
    classifier = fit_classifier(
        {},
        texts[:160],
        y[:160],
        np.ones((160, 3), dtype=bool),
        told,
        groups=np.arange(160),
        settings=HeadSettings(features=("words",)),
        make_folds=partial(grouped_folds, n_folds=4),
        parents={},
        single_choice=(),
    )

    def margins(asked):
        p = predict(classifier, {}, asked).probability.astype(np.float64)
        return logit(p) - logit(classifier.thresholds)

    new = texts[160:]
    found = find_evidence(new, [spans_of(t) for t in new], margins(new), margins(new) >= 0, margins)
    named, drops, other_drops = [], [], []
    for one in found:
        text, best = new[one.row], one.sentences[0]
        if told[one.column] not in text:
            continue  # decided wrongly: no sentence says it
        named.append(told[one.column] in text[best.start : best.end])
        for start, end in spans_of(text):
            left = margins([text[:start] + text[end:]])[0, one.column]
            drop = margins([text])[0, one.column] - left
            (drops if start == best.start else other_drops).append(drop)
    assert len(named) > 60
    assert np.mean(named) > 0.9
    assert np.mean(drops) > 10 * max(np.mean(other_drops), 0)


def test_overlap_counts_words_once_and_compares_with_chance():
    text = "one two three four five six seven eight"
    evidence = [(0, 13), (4, 18)]  # one two three four
    spans = [(8, 23)]  # three four five
    found = overlap_with_spans([text], [evidence], [spans])
    assert (found.precision, found.recall) == (2 / 4, 2 / 3)
    assert found.f1 == 4 / 7
    assert (found.chance_precision, found.chance_recall) == (3 / 8, 4 / 8)
    assert found.chance_f1 == pytest.approx(3 / 7)


def test_evidence_of_everything_is_as_good_as_chance():
    text = "one two three four"
    found = overlap_with_spans([text], [[(0, len(text))]], [[(0, 3)]])
    assert (found.precision, found.recall) == (found.chance_precision, found.chance_recall)


@pytest.mark.parametrize(("evidence", "spans"), [([], [(0, 3)]), ([(0, 3)], []), ([], [])])
def test_overlap_without_evidence_or_without_marks_is_undefined(evidence, spans):
    found = overlap_with_spans(["one two"], [evidence], [spans])
    assert np.isnan([found.precision, found.recall, found.f1, found.chance_f1]).all()


def test_chance_keeps_to_each_post():
    texts = ["one two", "three four"]
    counts = count_words(texts, [[(0, 3)], []], [[(0, 7)], [(0, 10)]])
    assert counts.tolist() == [[1, 2, 1, 1], [0, 2, 0, 0]]
    assert overlap_of(counts.sum(axis=0)).chance_precision == 1.0
