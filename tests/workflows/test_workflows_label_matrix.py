from dataclasses import replace

import numpy as np
import pytest

from narraframe.errors import CodebookError
from narraframe.records import Codebook, Facet, Label, Post
from narraframe.workflows.evaluate import asked_labels, label_matrix

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


def labelled(*labels: tuple[str, ...] | None) -> list[Post]:
    return [Post(post_id=str(i), text="", labels=given) for i, given in enumerate(labels)]


def test_labels_are_taken_by_name_and_by_id():
    y = label_matrix(labelled(("Morality",), ("moral",), ("World", "moral")), BOOK)
    np.testing.assert_array_equal(y, [[0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]])
    assert y.dtype == np.int8


def test_a_label_makes_all_its_parents_apply():
    y = label_matrix(labelled(("War at sea",), ("world.war",), ()), BOOK)
    np.testing.assert_array_equal(y, [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_an_id_goes_before_a_name_that_reads_the_same():
    book = replace(BOOK, labels=(Label("a", "topic", "b"), Label("b", "topic", "a")))
    np.testing.assert_array_equal(label_matrix(labelled(("a",), ("b",)), book), [[1, 0], [0, 1]])


def test_unknown_labels_are_counted_and_the_nearest_known_ones_named():
    with pytest.raises(
        CodebookError, match=r"2 labels .*'Moralty' \(did you mean 'Morality'\?\), "
    ):
        label_matrix(labelled(("Moralty",), ("qqq", "moral"), None), BOOK)


@pytest.mark.parametrize(
    ("labels", "asked"),
    [
        ([("War",), ()], [1, 1, 1, 0]),
        ([("War",), ("moral",)], [1, 1, 1, 1]),
        ([(), ()], [1, 1, 1, 1]),
    ],
)
def test_labels_of_a_facet_that_no_post_uses_are_unknown_not_absent(labels, asked):
    y = label_matrix(labelled(*labels), BOOK)
    assert asked_labels(y, BOOK).tolist() == [bool(a) for a in asked]
