"""Several annotators joined: gold, and Dawid and Skene against the majority."""

import numpy as np
import pytest

from narraframe.annotations.targets import build_targets
from narraframe.records import Annotation, Codebook, Facet, Label

BOOK = Codebook(
    "1.0.0",
    "",
    (Facet("frame", "Frame"), Facet("stance", "Stance", "single")),
    (
        Label("up", "frame", "Up"),
        Label("a", "frame", "A", parent="up"),
        Label("b", "frame", "B", parent="up"),
        Label("for", "stance", "For"),
        Label("neutral", "stance", "Neutral"),
        Label("against", "stance", "Against"),
    ),
)
SKILLS = {
    "expert": (0.95, 0.03),
    "good": (0.9, 0.05),
    "poor": (0.5, 0.25),
    "bad": (0.45, 0.3),
    "new": (0.55, 0.2),
}
"""How often each annotator finds the label where it is, and where it is not."""


def said(post, who, ids, facet="frame", *, gold=False):
    rows = [(facet, int(bool(ids))), *((i, 1) for i in ids)]
    return [
        Annotation(post_id=post, annotator=who, label_id=i, value=v, gold=gold) for i, v in rows
    ]


def simulated(n, *, seed=0, who=tuple(SKILLS), share=0.3):
    """Answers of annotators of unequal skill on whether "a" applies, and the truth by post."""
    random = np.random.default_rng(seed)
    truth = {f"p{i:04}": bool(random.random() < share) for i in range(n)}
    rows = []
    for post, applies in truth.items():
        for name in who:
            found = random.random() < SKILLS[name][0 if applies else 1]
            rows += said(post, name, ["a"] if found else [])
    return rows, truth


def column(report, label_id):
    j = report.targets.label_ids.index(label_id)
    return report.targets.y[:, j] == 1, report.targets.mask[:, j]


def n_wrong(report, truth):
    y, mask = column(report, "a")
    return int((mask & (y != np.array([truth[p] for p in report.targets.post_ids]))).sum())


def test_dawid_and_skene_beat_the_majority_where_annotators_differ_in_skill():
    wrong = []
    for seed in range(3):
        rows, truth = simulated(200, seed=seed)
        weighed = build_targets(rows, BOOK, consensus="dawid-skene")
        counted = build_targets(rows, BOOK, consensus="majority")
        assert weighed.by_majority == ()
        assert column(counted, "a")[1].all()
        assert column(weighed, "a")[1].mean() > 0.85
        wrong.append((n_wrong(weighed, truth), n_wrong(counted, truth)))
        assert wrong[-1][0] < wrong[-1][1]
    few, many = np.sum(wrong, axis=0)
    assert few < many / 3


@pytest.mark.parametrize("who", [("poor",), ("expert",)])
def test_the_answers_of_one_annotator_come_out_unchanged(who):
    rows, _ = simulated(200, who=who)
    one = build_targets(rows, BOOK, consensus="dawid-skene")
    other = build_targets(rows, BOOK)
    assert one.by_majority == ()
    np.testing.assert_array_equal(one.targets.y, other.targets.y)
    np.testing.assert_array_equal(one.targets.mask, other.targets.mask)


def test_what_one_annotator_alone_answered_stands_beside_what_many_did():
    rows, _ = simulated(200)
    alone = [*said("q1", "bad", ["a"]), *said("q2", "bad", [])]
    report = build_targets([*rows, *alone], BOOK, consensus="dawid-skene")
    y, mask = column(report, "a")
    assert y[-2:].tolist() == [True, False]
    assert mask[-2:].all()


def test_two_annotators_do_not_identify_the_model_and_are_left_to_the_majority():
    rows, _ = simulated(200, who=("expert", "poor"))
    report = build_targets(rows, BOOK, consensus="dawid-skene")
    counted = build_targets(rows, BOOK)
    assert report.by_majority == ("up", "a")
    np.testing.assert_array_equal(report.targets.mask, counted.targets.mask)
    np.testing.assert_array_equal(report.targets.y, counted.targets.y)


def test_gold_makes_up_for_a_third_annotator_and_teaches_who_errs():
    rows, truth = simulated(200, who=("expert", "bad"))
    settled = list(truth)[:100]
    gold = [r for p in settled for r in said(p, "judge", ["a"] if truth[p] else [], gold=True)]
    report = build_targets([*rows, *gold], BOOK, consensus="dawid-skene")
    y, mask = column(report, "a")
    expected = np.array([truth[p] for p in report.targets.post_ids])
    assert report.by_majority == ()
    np.testing.assert_array_equal(y[:100], expected[:100])
    assert mask[:100].all()
    decided = mask[100:]
    assert decided.mean() > 0.7
    assert (y[100:] == expected[100:])[decided].mean() > 0.9


def test_what_the_model_is_not_sure_of_is_unknown():
    rows, _ = simulated(120, who=("poor", "bad", "good"))
    report = build_targets(rows, BOOK, consensus="dawid-skene")
    assert 0 < report.undecided[BOOK.label_ids.index("a")] < 120


def test_what_nobody_answered_stays_unknown():
    rows, _ = simulated(100)
    report = build_targets(rows, BOOK, consensus="dawid-skene")
    assert not report.targets.mask[:, 3:].any()


def test_a_parent_never_contradicts_its_children():
    random = np.random.default_rng(0)
    rows = []
    for i in range(150):
        truth = random.choice(["a", "b", ""])
        for name in SKILLS:
            pick = truth if random.random() < 0.6 else random.choice(["a", "b", ""])
            rows += said(f"p{i:03}", name, [pick] if pick else [])
    targets = build_targets(rows, BOOK, consensus="dawid-skene").targets
    up, below = targets.y[:, 0] == 1, (targets.y[:, 1:3] == 1)
    assert up[below.any(axis=1)].all()
    no = targets.mask[:, 0] & ~up
    assert no.any()
    assert targets.mask[no, 1:3].all()


def test_a_single_choice_is_one_question():
    random = np.random.default_rng(0)
    choices, rows, truth = ("for", "neutral", "against"), [], {}
    skill = {"expert": 0.95, "good": 0.85, "poor": 0.45, "bad": 0.4, "new": 0.4}
    for i in range(300):
        truth[f"p{i:03}"] = random.choice(choices)
        for name, right in skill.items():
            pick = truth[f"p{i:03}"] if random.random() < right else random.choice(choices)
            rows += said(f"p{i:03}", name, [pick], "stance")
    weighed = build_targets(rows, BOOK, consensus="dawid-skene").targets
    counted = build_targets(rows, BOOK).targets
    assert ((weighed.y[:, 3:] * weighed.mask[:, 3:]).sum(axis=1) <= 1).all()
    right = [
        sum(int(t.y[i, 3 + choices.index(truth[p])]) for i, p in enumerate(t.post_ids))
        for t in (weighed, counted)
    ]
    assert right[0] > right[1]


def test_gold_settles_the_facets_that_it_touches_and_no_others():
    rows = [
        *said("p", "x", ["a"]), *said("p", "y", ["a"]), *said("p", "x", ["for"], "stance"),
        *said("p", "judge", ["b"], gold=True),
    ]  # fmt: skip
    for consensus in ("majority", "any", "dawid-skene"):
        report = build_targets(rows, BOOK, consensus=consensus)
        assert report.targets.y.tolist() == [[1, 0, 1, 1, 0, 0]]
        assert report.targets.mask.all()
        assert report.n_annotators.tolist() == [[1] * 6]


def test_what_gold_leaves_open_in_its_facet_is_unknown():
    rows = said("p", "x", ["a"])
    gold = Annotation(post_id="p", annotator="judge", label_id="b", value=0, gold=True)
    assert build_targets([*rows, gold], BOOK).targets.mask.tolist() == [
        [False, False, True, False, False, False]
    ]


def test_of_several_gold_answers_the_majority_counts_even_where_one_is_enough():
    gold = [
        *said("p", "j1", ["a"], gold=True),
        *said("p", "j2", [], gold=True),
        *said("p", "j3", [], gold=True),
    ]
    report = build_targets([*said("p", "x", ["a"]), *gold], BOOK, consensus="any")
    assert report.targets.y[0, :3].tolist() == [0, 0, 0]
    assert report.targets.mask[0, :3].all()
    assert report.n_annotators[0, 1] == 3


def test_who_settles_may_have_annotated_before():
    rows = [*said("p", "x", ["a"]), *said("p", "y", ["b"]), *said("p", "x", ["b"], gold=True)]
    assert build_targets(rows, BOOK).targets.y[0, :3].tolist() == [1, 0, 1]
