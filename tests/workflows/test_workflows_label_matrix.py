from dataclasses import replace

import numpy as np
import pytest

from narraframe.errors import CodebookError, UsageError
from narraframe.records import Codebook, Facet, Label, Post
from narraframe.workflows.label_matrix import asked_cells, known_labels, label_matrix, strange_note

BOOK = Codebook(
    "1.0.0",
    "Test",
    (Facet("topic", "Topic"), Facet("frame", "Frame")),
    (
        Label("world", "topic", "World"),
        Label("world.war", "topic", "War", parent="world"),
        Label("world.war.sea", "topic", "War at sea", parent="world.war"),
        Label("moral", "frame", "Morality"),
    ),
)

STANCES = Codebook(
    "1.0.0",
    "Stances",
    (Facet("stance", "Stance", choice="single"),),
    (
        Label("pro", "stance", "Pro"),
        Label("pro.warm", "stance", "Warmly", parent="pro"),
        Label("contra", "stance", "Contra"),
    ),
)


def labelled(*labels: tuple[str, ...] | None) -> list[Post]:
    return [Post(post_id=str(i), text="", labels=given) for i, given in enumerate(labels)]


def test_labels_are_taken_by_name_and_by_id():
    y = label_matrix(labelled(("Morality",), ("moral",), ("World", "moral")), BOOK)
    np.testing.assert_array_equal(y, [[0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]])
    assert y.dtype == np.int8


def test_a_label_makes_all_its_parents_apply():
    y = label_matrix(labelled(("War at sea",), ("world.war",), ()), BOOK)
    np.testing.assert_array_equal(y, [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_a_name_goes_before_an_id_that_reads_the_same():
    book = replace(BOOK, labels=(Label("a", "topic", "b"), Label("b", "topic", "a")))
    np.testing.assert_array_equal(label_matrix(labelled(("a",), ("b",)), book), [[0, 1], [1, 0]])


def test_labels_that_differ_in_case_only_keep_their_own_column():
    book = replace(BOOK, labels=(Label("war", "topic", "War"), Label("war_2", "topic", "war")))
    y = label_matrix(labelled(("War",), ("war",), ("war_2",)), book)
    np.testing.assert_array_equal(y, [[1, 0], [0, 1], [0, 1]])


def test_a_name_of_several_labels_is_refused_and_their_ids_listed():
    other = (Label("topic.other", "topic", "Other"), Label("frame.other", "frame", "Other"))
    book = replace(BOOK, labels=other)
    with pytest.raises(CodebookError, match=r"'Other' \(topic.other, frame.other\). Use the ids"):
        label_matrix(labelled(("Other",)), book)
    y = label_matrix(labelled(("frame.other",)), book)
    np.testing.assert_array_equal(y, [[0, 1]])


def test_two_labels_of_a_single_choice_facet_are_refused_and_the_post_named():
    with pytest.raises(CodebookError, match=r"1 posts .*'stance', .* post '1' \(got 'pro, contra'"):
        label_matrix(labelled(("Pro",), ("Pro", "Contra")), STANCES)


def test_a_label_and_its_parent_are_one_choice():
    y = label_matrix(labelled(("Pro", "Warmly")), STANCES)
    np.testing.assert_array_equal(y, [[1, 1, 0]])


def test_unknown_labels_are_counted_and_the_nearest_known_ones_named():
    with pytest.raises(
        CodebookError, match=r"2 labels .*'Moralty' \(did you mean 'Morality'\?\), "
    ):
        label_matrix(labelled(("Moralty",), ("qqq", "moral"), None), BOOK)


@pytest.mark.parametrize(
    ("facets", "asked"),
    [
        ((), [[1, 1, 1, 0], [0, 0, 0, 0]]),
        (["topic"], [[1, 1, 1, 0], [1, 1, 1, 0]]),
        (["frame"], [[1, 1, 1, 1], [0, 0, 0, 1]]),
        (["frame", "topic"], [[1, 1, 1, 1], [1, 1, 1, 1]]),
    ],
)
def test_a_facet_was_asked_where_a_post_uses_it_or_the_user_says_so(facets, asked):
    y = label_matrix(labelled(("War",), ()), BOOK)
    np.testing.assert_array_equal(asked_cells(y, BOOK, facets=facets), np.array(asked, bool))


def test_the_only_facet_of_a_codebook_was_asked_of_every_post():
    book = replace(BOOK, facets=BOOK.facets[:1], labels=BOOK.labels[:1])
    assert asked_cells(label_matrix(labelled(("World",), ()), book), book).all()


def test_a_facet_that_the_codebook_lacks_is_refused():
    y = label_matrix(labelled(("War",)), BOOK)
    with pytest.raises(UsageError, match=r"--facet: .*'tone'.* Its facets are: topic, frame"):
        asked_cells(y, BOOK, facets=["tone"])


def test_what_a_codebook_lacks_is_taken_off_the_posts_and_counted():
    found = known_labels(labelled(("War", "x"), ("x", "y"), (), ("moral",), ("z", "x")), BOOK)
    assert [post.labels for post in found.posts] == [("War",), (), (), ("moral",), ()]
    assert (list(found.left_out.items()), found.n_posts) == ([("x", 3), ("y", 1), ("z", 1)], 3)


def test_posts_that_carry_nothing_but_unknown_labels_are_refused():
    with pytest.raises(CodebookError, match=r"none of the 2 labels of the posts is in .*'x', 'y'"):
        known_labels(labelled(("x",), ("x", "y"), ()), BOOK)


def test_many_labels_that_are_left_out_are_listed_from_the_most_frequent():
    names = [f"{i:03}" for i in range(8)]
    posts = labelled(("War", *names), ("War", "007"))
    note = strange_note(known_labels(posts, BOOK), BOOK)
    assert note.startswith("8 labels on 2 of 2 posts are not among")
    assert "taught: '007', '000', '001', '002', '003' and 3 more. They" in note
