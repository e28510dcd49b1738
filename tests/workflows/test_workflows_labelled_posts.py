"""Which posts carry labels, and what is said of those that carry none."""

import json

import pytest

from narraframe.errors import InputError
from narraframe.workflows.labelled_posts import labelled_posts
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Silent

WORDS = ("harbour", "rain", "goal", "budget", "comet", "valley", "striker", "treaty")


def read(path):
    watch = Silent()
    reading = read_ready([str(path)], options=ReadOptions(), watch=watch)
    return labelled_posts(reading, watch=watch), watch.warnings


def written(tmp_path, *labels):
    rows = [{"id": str(i), "text": WORDS[i], "labels": given} for i, given in enumerate(labels)]
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_of_posts_that_all_have_labels_nothing_is_said(tmp_path):
    found, warnings = read(written(tmp_path, ["a"], [], "a; b"))
    assert [post.labels for post in found.posts] == [("a",), (), ("a", "b")]
    assert (found.notes, warnings) == ((), [])


@pytest.mark.parametrize(
    ("fault", "shown"), [({"a": 1}, "{'a': 1}"), ([["a"], None, ""], "[['a'], None, '']")]
)
def test_labels_of_a_wrong_kind_are_told_with_their_place_and_posts_counted(tmp_path, fault, shown):
    found, warnings = read(written(tmp_path, ["a"], fault, [], fault, None))
    assert [post.post_id for post in found.posts] == ["0", "2"]
    assert warnings == [
        "posts.jsonl: line 2: the first of 2 posts whose labels could not be read "
        f"(got {shown}). Write a list of names, as in "
        '["a", "b"], or names parted by ";".'
    ]
    assert found.notes == (
        "2 of 5 posts are left out, as their labels could not be read",
        "1 of 5 posts are left out, as they are not labelled (`labels` is missing, null or an "
        "empty cell); where none applies, write []",
    )


def test_an_empty_cell_is_not_taken_as_none_and_a_pair_of_brackets_is(tmp_path):
    path = tmp_path / "sheet.csv"
    rows = [f"{i},{WORDS[i]},{given}" for i, given in enumerate(("a", "", "[]"))]
    path.write_text("\n".join(["id,text,labels", *rows]) + "\n", "utf-8")
    found, warnings = read(path)
    assert [(post.post_id, post.labels) for post in found.posts] == [("0", ("a",)), ("2", ())]
    assert [note.partition(",")[0] for note in found.notes] == ["1 of 3 posts are left out"]
    assert warnings == []


def test_where_no_labels_at_all_can_be_read_the_error_says_what_they_are(tmp_path):
    with pytest.raises(
        InputError,
        match=r"posts\.jsonl: line 1: the first of 2 posts whose labels could not be read "
        r"\(got \{'a': 1\}\)\. Write a list of names",
    ):
        read(written(tmp_path, {"a": 1}, {"b": 1}, None))


def test_where_nothing_is_labelled_there_are_no_posts_and_their_number_is_told(tmp_path):
    found, _ = read(written(tmp_path, None, None))
    assert found.posts == ()
    assert found.notes[0].startswith("2 of 2 posts are left out, as they are not labelled")
