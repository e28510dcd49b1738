import random

import numpy as np
import pytest

from narraframe.posts.duplicates import near_duplicates
from narraframe.workflows.seen import is_seen, signatures

TREATY = "Ministers of all nine states met in the harbour town on Monday to sign the new treaty."
RAIN = "Heavy rain is expected in the valleys tonight, so leave your cars on the higher ground."
KNOWN = (TREATY, "thanks", "🔥🔥")
WORDS = ("port", "ship", "sail", "rope", "mast", "crew", "tide", "deck", "hull", "wind", "bell")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (TREATY, True),
        (TREATY.upper().replace(",", " —") + " 🎉", True),
        (TREATY.replace("Monday", "Tuesday"), True),
        (TREATY + " More at eight.", True),
        (RAIN, False),
        (f"{RAIN} {TREATY} {RAIN[::-1]} {RAIN.upper()[::-1]}", False),
        ("Thanks!", True),
        ("thanks a lot", False),
        ("🔥🔥", True),
        ("🔥", False),
        ("", False),
    ],
)
def test_a_text_is_seen_if_its_words_or_nearly_all_of_them_were(text, seen):
    assert is_seen([text], signatures(KNOWN)).tolist() == [seen]


def test_nothing_is_seen_by_a_model_without_memory_and_no_text_was_seen():
    assert is_seen([TREATY], signatures([])).tolist() == [False]
    assert is_seen([], signatures(KNOWN)).shape == (0,)


def test_a_text_is_remembered_alike_in_any_company():
    many = [f"{word} {RAIN} {word * 2}" for word in WORDS * 40]
    whole = signatures(many)
    np.testing.assert_array_equal(whole[555:557], signatures(many[555:557]))


def test_bands_in_common_must_be_those_of_one_text():
    ones = signatures([TREATY])
    strange = np.bitwise_not(ones)
    one_band, other_band, both = (strange.copy() for _ in range(3))
    one_band[0, 1], other_band[0, 2] = ones[0, 1], ones[0, 2]
    both[0, 1:3] = ones[0, 1:3]
    assert is_seen([TREATY], np.vstack([one_band, other_band])).tolist() == [False]
    assert is_seen([TREATY], np.vstack([one_band, both])).tolist() == [True]


def test_near_duplicates_of_remembered_texts_are_hardly_ever_missed():
    """The slow oracle: the same texts compared with each other."""
    rng = random.Random(0)
    known = [" ".join(rng.choices(WORDS, k=40)) for _ in range(150)]
    asked = []
    for text in known:
        words = text.split()
        for _ in range(rng.randrange(8)):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        asked.append(" ".join(words))
    found = near_duplicates([f"{i}" for i in range(300)], known + asked)[150:]
    near = np.array([first is not None and int(first) < 150 for first in found])
    assert 50 < near.sum() < 150
    seen = is_seen(asked, signatures(known))
    assert seen[near].mean() > 0.97
