import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import ConfigError
from narraframe.posts import copies
from narraframe.posts.copies import CONTAINED, LONG, copy_groups, join_groups
from narraframe.posts.duplicates import SHORTEST, near_duplicates
from narraframe.posts.shingles import LENGTH, normalise

A = (
    "the minister said on tuesday that grain shipments through the corridor would resume within "
    "days after inspectors had cleared the first convoy of vessels waiting near the strait"
)
B = f"{A} analysts called it a relief"
C = f"{B} for hungry markets everywhere"
OTHER = "Heavy rain is expected over the northern valleys until the end of the week"


def shingles(text):
    words = normalise(text)
    return {words[i : i + LENGTH] for i in range(len(words) - LENGTH + 1)}


def alike(one, other, threshold):
    """Slow: on strings, by definition."""
    if normalise(one) == normalise(other):
        return bool(normalise(one))
    if min(len(normalise(text).split()) for text in (one, other)) < SHORTEST:
        return False
    a, b = shingles(one), shingles(other)
    least, common = min(len(a), len(b)), len(a & b)
    return common / len(a | b) >= threshold or (least >= LONG and common / least >= CONTAINED)


def oracle(texts, threshold):
    """Slow: compare all pairs, and repaint whole groups until none is left to join."""
    groups = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if groups[i] != groups[j] and alike(texts[i], texts[j], threshold):
                groups = [groups[j] if g == groups[i] else g for g in groups]
    numbers = {}
    return [numbers.setdefault(group, len(numbers)) for group in groups]


def versions(seed, n):
    """Return new texts, and earlier ones changed, cut, or with a comment at either end."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghij", k=rng.randint(3, 9))) for _ in range(400)]
    texts = [rng.choices(vocabulary, k=25)]
    while len(texts) < n:
        words = list(rng.choice(texts)) if rng.random() < 0.6 else rng.choices(vocabulary, k=25)
        for _ in range(rng.choice((0, 1, 2, 4, 6))):
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        comment = rng.choices(vocabulary, k=rng.choice((0, 0, 3, 8)))
        words = rng.choice((words + comment, comment + words, words[: rng.choice((8, 20, 60))]))
        texts.append(words)
    return [" ".join(words) for words in texts]


def partition(groups, order):
    found = {}
    for group, i in zip(groups.tolist(), order, strict=True):
        found.setdefault(group, set()).add(i)
    return {frozenset(group) for group in found.values()}


@pytest.mark.parametrize("texts", [(A, B, C), (B, A, C), (C, A, B)])
def test_a_chain_of_copies_is_one_group_in_any_order(texts):
    assert copy_groups([OTHER, *texts]).tolist() == [0, 1, 1, 1]


def test_a_pair_that_is_alike_is_together_though_each_has_its_own_first():
    assert near_duplicates(list("abc"), [A, C, B], threshold=0.8) == [None, None, "a"]
    assert copy_groups([A, C, B], threshold=0.8).tolist() == [0, 0, 0]


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.9])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_groups_are_the_components_of_comparing_all_pairs(seed, threshold):
    texts = ["", "Peace now", *versions(seed, 150), "peace NOW!", ""]
    assert copy_groups(texts, threshold=threshold).tolist() == oracle(texts, threshold)


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_posts_does_not_change_who_belongs_together(seed, rng):
    texts = versions(seed, 30)
    texts += [*texts[:3], "Peace now", "peace now!", ""]
    order = rng.sample(range(len(texts)), len(texts))
    shuffled = copy_groups([texts[i] for i in order])
    assert partition(shuffled, order) == partition(copy_groups(texts), range(len(texts)))


def test_the_order_does_not_matter_in_crowded_buckets(monkeypatch):
    monkeypatch.setattr(copies, "_WINDOW", 1)
    texts = versions(8, 120)
    order = random.Random(0).sample(range(120), 120)
    shuffled = copy_groups([texts[i] for i in order])
    assert partition(shuffled, order) == partition(copy_groups(texts), range(120))


def test_a_message_inside_a_longer_one_is_a_copy():
    comment = "My own view is that nobody should trust such promises before a ship has sailed"
    assert copy_groups([A, f"{comment}. {A}", f"{A}. {comment}!"]).tolist() == [0, 0, 0]


def test_a_short_text_inside_a_longer_one_is_no_copy():
    assert copy_groups([A, "the minister said on tuesday that grain shipments"]).tolist() == [0, 1]


def test_texts_under_five_words_must_be_equal():
    texts = ["Extraordinarily uncomplicated administration announced"]
    texts += [texts[0].replace("announced", "announces"), texts[0].upper()]
    assert copy_groups(texts).tolist() == [0, 1, 0]


def test_texts_without_words_are_alone():
    assert copy_groups(["", "🔥", "", "a", "🔥"]).tolist() == [0, 1, 2, 3, 4]


def test_no_texts_have_no_groups():
    assert copy_groups([]).tolist() == []


def test_posts_that_share_much_boilerplate_are_not_compared_all_with_all():
    rng = random.Random(0)
    common = " ".join(f"common{i}" for i in range(30))
    texts = [f"{common} {' '.join(str(rng.random()) for _ in range(20))}" for _ in range(400)]
    assert copy_groups([*texts, texts[7] + " x"]).tolist() == [*range(400), 7]


@pytest.mark.parametrize("batch", [1, 7])
def test_the_batch_of_pairs_does_not_change_the_groups(monkeypatch, batch):
    texts = versions(5, 60)
    expected = copy_groups(texts).tolist()
    monkeypatch.setattr(copies, "_BATCH", batch)
    assert copy_groups(texts).tolist() == expected


def test_progress_counts_every_text_once():
    counts = []
    copy_groups(["a"] * 1_100, progress=counts.append)
    assert sum(counts) == 1_100


@pytest.mark.parametrize("threshold", [0.0, 1.01, float("nan")])
def test_a_threshold_outside_the_unit_interval_is_refused(threshold):
    with pytest.raises(ConfigError, match="Jaccard similarity"):
        copy_groups(["a"], threshold=threshold)


def test_joined_groups_split_none_of_either():
    one, other = np.array([5, 5, 2, 3, 4]), np.array([1, 0, 0, 2, 3])
    assert join_groups(one, other).tolist() == [0, 0, 0, 1, 2]
