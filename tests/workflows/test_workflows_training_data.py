from functools import partial

import numpy as np
import pytest
from sklearn.metrics import f1_score

from narraframe.annotations.splits import group_splits, grouped_folds
from narraframe.classifiers.crossfit import cross_fit
from narraframe.classifiers.settings import HeadSettings
from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import TrainingError
from narraframe.posts.duplicates import near_duplicates
from narraframe.records import Annotation, Codebook, Facet, Label, Post
from narraframe.workflows.training_data import assemble, group_numbers, languages
from narraframe.workflows.watch import Silent

BOOK = Codebook(
    "1.0.0",
    "Test",
    (Facet("topic", "Topic"),),
    (Label("rain", "topic", "Rain"), Label("port", "topic", "Port")),
)
POSTS = tuple(
    Post(post_id=post_id, text=text, model_text=text, lang="en", duplicate_of=first)
    for post_id, text, first in [
        ("d", "rain again in the valleys", None),
        ("a", "a ship in the port", None),
        ("e", "", None),
        ("b", "a ship in the port!", "a"),
        ("c", "nothing of note", None),
    ]
)


def says(annotator: str, post_id: str, label_id: str, value: int = 1) -> Annotation:
    return Annotation(post_id=post_id, annotator=annotator, label_id=label_id, value=value)


def assembled(annotations, tmp_path, *, posts=POSTS, consensus="majority"):
    return assemble(
        posts,
        annotations,
        BOOK,
        consensus=consensus,
        features=("embedding", "words"),
        encoder=HashingEncoder(),
        workspace=Workspace(tmp_path, Config(), is_set_up=False),
        watch=Silent(),
    )


def test_posts_targets_and_vectors_meet_by_post_id_in_the_posts_order(tmp_path):
    rows = [says("x", "a", "port"), says("x", "d", "rain"), says("x", "c", "topic", 0)]
    data = assembled(rows, tmp_path)
    assert [post.post_id for post in data.posts] == ["d", "a", "c"]
    assert data.targets.post_ids == ("d", "a", "c")
    np.testing.assert_array_equal(data.targets.y, [[1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(data.targets.mask, [[1, 0], [0, 1], [1, 1]])
    expected = HashingEncoder().encode([post.model_text for post in data.posts])
    np.testing.assert_array_equal(data.vectors["embedding"], expected)
    assert data.texts == ["rain again in the valleys", "a ship in the port", "nothing of note"]
    assert data.notes == ()


def test_near_copies_are_one_group_whichever_of_them_are_annotated(tmp_path):
    data = assembled([says("x", i, "port") for i in "abcd"], tmp_path)
    assert [post.post_id for post in data.posts] == ["d", "a", "b", "c"]
    assert data.groups.tolist() == [0, 1, 1, 2]
    assert data.n_groups == 3


def test_a_group_holds_together_without_its_first_post():
    posts = [
        Post(post_id="2", text="", duplicate_of="1"),
        Post(post_id="9", text=""),
        Post(post_id="3", text="", duplicate_of="1"),
    ]
    assert group_numbers(posts).tolist() == [0, 1, 0]
    assert group_numbers([]).tolist() == []


def test_copies_of_copies_are_one_group_though_their_marks_differ():
    first = "the first convoy of grain has passed through the strait after a week of waiting there"
    second = f"{first} says Kyiv"
    texts = [first, second, f"{second} this noon and at last"]
    marks = near_duplicates(list("abc"), texts)
    assert marks == [None, "a", None]
    rows = zip("abc", texts, marks, strict=True)
    posts = [Post(post_id=i, text=t, model_text=t, duplicate_of=mark) for i, t, mark in rows]
    assert group_numbers(posts).tolist() == [0, 0, 0]


@pytest.mark.parametrize("added", [(6, 6), (10, 10)])
def test_labels_of_pure_noise_are_not_learnt_from_other_versions_of_a_message(added):
    """Three versions of each message, the label drawn once for all: no model can know better."""
    rng = np.random.default_rng(0)
    vocabulary = ["".join(rng.choice(list("abcdefghijklmnoprstuvz"), 7)) for _ in range(3000)]
    texts, noise = [], []
    for _ in range(120):
        words = list(rng.choice(vocabulary, 28))
        noise += [int(rng.random() < 0.3)] * 3
        for n in (0, *added):
            words += list(rng.choice(vocabulary, n))
            texts.append(" ".join(words))
    marks = near_duplicates([str(i) for i in range(360)], texts)
    groups = group_numbers(
        [
            Post(post_id=str(i), text="", model_text=texts[i], duplicate_of=marks[i])
            for i in range(360)
        ]
    )
    y = np.array(noise, dtype=np.int8)[:, None]
    mask = np.ones(y.shape, dtype=bool)
    out = cross_fit(
        {"embedding": HashingEncoder().encode(texts)},
        texts,
        y,
        mask,
        ["noise"],
        groups=groups,
        splits=group_splits(y, mask, groups, n_folds=5, seed=0),
        make_folds=partial(grouped_folds, n_folds=4),
        candidates=[HeadSettings(features=("embedding", "words", "characters"))],
        parents={},
        single_choice=[],
    )
    everything_positive = 2 * y.mean() / (1 + y.mean())
    assert f1_score(y, out.candidates[0].decision) < everything_positive + 0.05


def test_annotated_posts_that_are_absent_or_without_text_are_noted(tmp_path):
    rows = [says("x", i, "port") for i in ("a", "e", "gone", "lost")]
    data = assembled(rows, tmp_path)
    assert [post.post_id for post in data.posts] == ["a"]
    assert data.notes == (
        "2 annotated posts are not among the posts",
        "1 annotated posts have no text",
    )


def test_cells_on_which_annotators_disagree_are_unknown_and_counted(tmp_path):
    rows = [says("x", "a", "port"), says("y", "a", "port", 0), says("x", "d", "rain")]
    data = assembled(rows, tmp_path)
    np.testing.assert_array_equal(data.targets.mask, [[1, 0], [0, 0]])
    (note,) = data.notes
    assert note.startswith("1 cells stay unknown")


def test_disagreement_on_posts_that_take_no_part_is_not_counted(tmp_path):
    rows = [says("x", "gone", "port"), says("y", "gone", "port", 0), says("x", "d", "rain")]
    assert assembled(rows, tmp_path).notes == ("1 annotated posts are not among the posts",)


def test_the_consensus_asked_for_is_taken(tmp_path):
    rows = [says("x", "a", "port"), says("y", "a", "port", 0)]
    assert assembled(rows, tmp_path, consensus="any").targets.y[0, 1] == 1


def test_annotations_of_other_posts_are_an_error_that_counts_both(tmp_path):
    with pytest.raises(TrainingError, match=r"1 annotated, 5 posts.*They meet by post_id"):
        assembled([says("x", "gone", "port")], tmp_path)


def test_annotated_posts_that_all_lack_text_are_an_error(tmp_path):
    with pytest.raises(TrainingError, match=r"no annotated post has text.*1 annotated posts"):
        assembled([says("x", "e", "port")], tmp_path)


def posts_in(**counts: int) -> list[Post]:
    return [
        Post(post_id=f"{lang}{i}", text="x", lang=None if lang == "unsure" else lang)
        for lang, n in counts.items()
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("counts", "taught"),
    [
        ({"en": 50, "uk": 10, "fr": 9}, ("en", "uk")),
        ({"en": 5000, "uk": 101, "fr": 99}, ("en",)),
        ({"en": 5000, "uk": 105, "fr": 10}, ("en", "uk")),
        ({"en": 4, "uk": 3}, ("en",)),
        ({"en": 4, "uk": 4}, ("en", "uk")),
        ({"unsure": 40, "en": 12}, ("en",)),
        ({"unsure": 40}, ()),
        ({}, ()),
    ],
)
def test_a_language_is_taught_by_ten_posts_and_a_fiftieth_or_by_most(counts, taught):
    assert languages(posts_in(**counts)) == taught
