import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import ConfigError
from narraframe.posts import duplicates
from narraframe.posts.duplicates import near_duplicates
from narraframe.posts.minhash import MISSED, PERMUTATIONS, band_keys, rows_per_band
from narraframe.posts.shingles import LENGTH, normalise, shingle_hashes

WORDS = ["talks", "trade", "peace", "summit", "minister", "treaty", "border", "energy"]
SENTENCE = "The ministers of the two states met in the capital and agreed on a treaty on trade"


def ids(texts):
    return [f"p{i}" for i in range(len(texts))]


def found(texts, **options):
    return near_duplicates(ids(texts), texts, **options)


def jaccard(one, other):
    """Slow: on strings, by definition."""
    a, b = (
        {text[i : i + LENGTH] for i in range(len(text) - LENGTH + 1)}
        for text in (normalise(one), normalise(other))
    )
    return len(a & b) / len(a | b)


def oracle(texts, threshold):
    """Slow: compare each text with every earlier first of a group."""
    firsts, expected = [], []
    for i, text in enumerate(texts):
        first = next((j for j in firsts if jaccard(text, texts[j]) >= threshold), None)
        expected.append(None if first is None else f"p{first}")
        if first is None:
            firsts.append(i)
    return expected


def variants(seed, n):
    """Return texts of 25 words, each a copy of an earlier one with a few words changed, or new."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghij", k=rng.randint(3, 9))) for _ in range(400)]
    texts = [rng.choices(vocabulary, k=25)]
    while len(texts) < n:
        words = list(rng.choice(texts)) if rng.random() < 0.7 else rng.choices(vocabulary, k=25)
        for _ in range(rng.choice((0, 1, 1, 2, 6))):
            words[rng.randrange(25)] = rng.choice(vocabulary)
        texts.append(words)
    return [" ".join(words) for words in texts]


def test_the_first_in_input_order_is_the_original():
    texts = [SENTENCE, "Quite another message about the weather today", f"{SENTENCE}!", SENTENCE]
    assert found(texts) == [None, None, "p0", "p0"]


def test_case_punctuation_emoji_and_line_breaks_do_not_count():
    texts = ["Peace, now!", "🕊 peace\nNOW", "ＰＥＡＣＥ — now…", "peace later"]
    assert found(texts) == [None, "p0", "p0", None]


def test_a_post_without_words_is_no_duplicate():
    assert found(["", "", "🔥🔥", "🔥🔥", "...", " \n"]) == [None] * 6


def test_a_changed_word_makes_a_near_duplicate():
    changed = SENTENCE.replace("capital", "capitol")
    assert jaccard(SENTENCE, changed) >= 0.8
    assert found([SENTENCE, changed]) == [None, "p0"]


def test_a_forward_with_a_greeting_added_is_a_near_duplicate():
    long = f"{SENTENCE}. They will sign it in May, when both parliaments will have discussed it"
    assert found([long, f"Good morning! {long}"]) == [None, "p0"]


def test_a_short_text_is_not_swallowed_by_a_long_one_that_contains_it():
    assert found([f"{SENTENCE}. And more is to come.", "The ministers of the two states met"]) == [
        None,
        None,
    ]


def test_texts_under_five_words_must_be_equal():
    texts = ["Extraordinarily uncomplicated administration announced", "", ""]
    texts[1] = texts[0].replace("announced", "announces")
    texts[2] = texts[0].upper()
    assert jaccard(texts[0], texts[1]) > 0.8
    assert found(texts) == [None, None, "p0"]


def test_scripts_without_spaces_are_compared_too():
    text = "外交部发言人在例行记者会上表示双方将继续加强在贸易和能源领域的合作并就地区局势保持沟通"
    texts = [
        text,
        text.replace("沟通", "联系"),
        "今天北京天气晴朗气温将升至三十度请市民注意防暑降温",
    ]
    assert found(texts) == [None, "p0", None]


def test_a_chain_of_small_steps_does_not_join_texts_far_apart():
    words = [f"word{i:02d}" for i in range(40)]
    steps = [" ".join([*(f"other{j:02d}" for j in range(i)), *words[i:]]) for i in range(0, 40, 2)]
    originals = found(steps)
    assert originals[1] == "p0"
    assert len(set(originals)) > 3
    for step, original in zip(steps, originals, strict=True):
        assert original is None or jaccard(step, steps[int(original[1:])]) >= 0.8


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.95])
def test_groups_are_those_of_comparing_all_pairs(threshold):
    texts = variants(seed=7, n=200)
    assert found(texts, threshold=threshold) == oracle(texts, threshold)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=25))
def test_an_original_is_earlier_itself_original_and_similar_enough(texts):
    originals = found(texts)
    for i, original in enumerate(originals):
        if original is None:
            continue
        first = int(original[1:])
        assert first < i
        assert originals[first] is None
        assert normalise(texts[i]) == normalise(texts[first]) or (
            jaccard(texts[i], texts[first]) >= 0.8
        )


@given(st.lists(st.sampled_from([SENTENCE, "Peace now", "peace NOW!", "", "Other"]), max_size=12))
def test_equal_texts_share_a_group_and_only_the_first_is_an_original(texts):
    originals = found(texts)
    first = {}
    for i, text in enumerate(texts):
        key = normalise(text)
        expected = f"p{first[key]}" if key in first else None
        assert originals[i] == expected
        if key:
            first.setdefault(key, i)


@given(st.randoms(use_true_random=False), st.integers(2, 60))
def test_the_order_of_input_does_not_change_which_copies_belong_together(rng, n):
    texts = [f"{rng.choice(WORDS)} {rng.choice(WORDS)}" for _ in range(n)]
    shuffled = rng.sample(range(n), n)

    def partition(order):
        originals = near_duplicates(
            [str(i) for i in order], [texts[i] for i in order], threshold=1.0
        )
        groups = {}
        for i, original in zip(order, originals, strict=True):
            groups.setdefault(original or str(i), set()).add(i)
        return {frozenset(group) for group in groups.values()}

    assert partition(range(n)) == partition(shuffled)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_batch_does_not_change_the_result(monkeypatch, batch):
    texts = ["", *variants(seed=3, n=120), "Peace now", "peace now"]
    expected = found(texts)
    monkeypatch.setattr(duplicates, "_BATCH", batch)
    assert found(texts) == expected


def test_a_small_cache_does_not_change_the_result(monkeypatch):
    texts = variants(seed=4, n=120)
    expected = found(texts)
    monkeypatch.setattr(duplicates, "_CACHED", 1)
    assert found(texts) == expected


def test_the_result_does_not_depend_on_the_hash_seed_of_the_process():
    code = (
        "from narraframe.posts.duplicates import near_duplicates as f\n"
        f"t = {variants(seed=5, n=60)!r}\n"
        "print(f([str(i) for i in range(len(t))], t))"
    )
    source = str(Path(duplicates.__file__).parents[2])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": source},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_boilerplate_shared_by_all_posts_does_not_make_them_duplicates():
    rng = random.Random(0)
    boilerplate = " ".join(f"common{i}" for i in range(30))
    texts = [f"{boilerplate} {' '.join(str(rng.random()) for _ in range(8))}" for _ in range(150)]
    assert found([*texts, texts[77] + " x"]) == [None] * 150 + ["p77"]


def test_progress_counts_every_post_once(monkeypatch):
    monkeypatch.setattr(duplicates, "_BATCH", 4)
    counts = []
    found(["a", "", "b"] * 3, progress=counts.append)
    assert counts == [4, 4, 1]


def test_no_posts_give_no_duplicates():
    assert near_duplicates([], []) == []


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_a_threshold_outside_the_unit_interval_is_refused(threshold):
    with pytest.raises(ConfigError, match="Jaccard similarity"):
        found(["a"], threshold=threshold)


def test_post_ids_and_texts_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1 post_ids for 2 texts"):
        near_duplicates(["1"], ["a", "b"])


def test_shingle_hashes_agree_with_shingles_as_strings():
    texts = ["abcde", "abcdefabcde", "мир труд май", "xx abcde"]
    shingles = shingle_hashes(texts)
    bounds = [*shingles.starts.tolist(), len(shingles.hashes)]
    by_hash = {}
    for text, start, end in zip(texts, bounds, bounds[1:], strict=False):
        strings = [text[i : i + LENGTH] for i in range(len(text) - LENGTH + 1)]
        for string, value in zip(strings, shingles.hashes[start:end].tolist(), strict=True):
            assert by_hash.setdefault(value, string) == string
    assert len(set(by_hash.values())) == len(by_hash)


def test_bands_are_shared_as_often_as_theory_says():
    rng = np.random.default_rng(0)
    texts, rows = [], 4
    for _ in range(300):
        letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=120)
        texts += ["".join(letters), "".join([*letters[:100], *rng.choice(list("0123456"), 20)])]
    similarity = np.array([jaccard(a, b) for a, b in zip(texts[::2], texts[1::2], strict=True)])
    keys = band_keys(shingle_hashes(texts), rows=rows, seed=0)
    shared = (keys[::2] == keys[1::2]).mean()
    assert keys.shape == (600, PERMUTATIONS // rows)
    assert shared == pytest.approx((similarity**rows).mean(), abs=0.02)


@given(st.floats(0.05, 1.0))
@settings(max_examples=50)
def test_bands_miss_few_pairs_at_the_threshold(threshold):
    rows = rows_per_band(threshold)
    missed = (1 - threshold**rows) ** (PERMUTATIONS // rows)
    assert missed <= MISSED or rows == 1


def test_words_of_scripts_without_spaces_are_their_characters():
    assert normalise("Мир, PEACE! 和平です 2024_a") == "мир peace 和 平 で す 2024 a"
