"""A codebook made of labels in the records."""

import pytest

from narraframe.annotations.from_labels import from_labels
from narraframe.errors import CodebookError
from narraframe.records import Post


def post(post_id, *labels, known=True):
    return Post(post_id=post_id, text="t", labels=labels if known else None)


def made(*posts, **options):
    return from_labels(posts, title="T", annotator="imported", **options)


def test_labels_stand_by_frequency_then_name_with_ids_made_of_names():
    got = made(post("1", "B b", "A"), post("2", "B b"), post("3", "C"))
    assert [(x.label_id, x.name) for x in got.codebook.labels] == [
        ("b_b", "B b"),
        ("a", "A"),
        ("c", "C"),
    ]
    assert got.counts == {"b_b": 2, "a": 1, "c": 1}


def test_a_post_labelled_with_none_is_a_known_none_and_an_unlabelled_one_is_unknown():
    got = made(post("1", "A"), post("2"), post("3", known=False))
    rows = [(a.post_id, a.label_id, a.value) for a in got.annotations]
    assert rows == [("1", "label", 1), ("1", "a", 1), ("2", "label", 0)]


def test_names_that_would_share_an_id_are_kept_apart():
    got = made(post("1", "A b", "a-B", "!", "label"))
    assert sorted(x.label_id for x in got.codebook.labels) == ["a_b", "a_b_2", "label_1", "label_2"]


def test_ids_of_names_in_other_scripts_can_be_read():
    got = made(post("1", "Війна", "Санкції проти РФ", "Économie", "战争"))
    assert {x.name: x.label_id for x in got.codebook.labels} == {
        "Війна": "viyna",
        "Санкції проти РФ": "sanktsii_proti_rf",
        "Économie": "economie",
        "战争": "zhanzheng",
    }


def test_rare_labels_are_left_out_and_their_posts_stay():
    got = made(post("1", "A"), post("2", "A", "B"), post("3", "B"), post("4", "C"), minimum=2)
    assert got.codebook.label_ids == ("a", "b")
    assert ("4", "label", 0) in [(a.post_id, a.label_id, a.value) for a in got.annotations]


def test_most_keeps_the_most_frequent():
    got = made(post("1", "A", "B"), post("2", "B"), most=1)
    assert got.codebook.label_ids == ("b",)


def test_posts_without_any_label_are_an_error():
    with pytest.raises(CodebookError, match=r"no post carries a label .*1 posts with a `labels`"):
        made(post("1"), post("2", known=False))


def test_labels_that_rule_each_other_out_make_a_single_choice_facet():
    got = made(post("1", "A"), post("2", "B"), post("3"), one_label=True)
    assert [facet.choice for facet in got.codebook.facets] == ["single"]
    assert made(post("1", "A")).codebook.facets[0].choice == "multiple"


def test_a_post_with_several_labels_of_which_one_is_kept_carries_one():
    posts = [post("1", "A", "B"), post("2", "A")]
    assert made(*posts, most=1, one_label=True).codebook.label_ids == ("a",)
    with pytest.raises(CodebookError, match=r"several labels.*1 of 2, the first: 1.*one_label"):
        made(*posts, one_label=True)


def test_long_names_are_cut_to_ids_that_stay_apart():
    first, second = "x" * 300 + " one", "x" * 300 + " two"
    got = made(post("1", first), post("2", first, second))
    assert [(x.label_id, x.name) for x in got.codebook.labels] == [
        ("x" * 200, first),
        ("x" * 200 + "_2", second),
    ]
