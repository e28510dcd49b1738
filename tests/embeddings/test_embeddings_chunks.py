"""Chunks: nothing is lost, nothing is beyond the limit, sentences stay whole where they can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.embeddings.chunks import chunk, split_sentences


def count_words(texts):
    return [len(text.split()) + 2 for text in texts]


def count_characters(texts):
    return [len(text) + 2 for text in texts]


def count_words_and_joints(texts):
    """Not additive: joined pieces hold more tokens than the pieces, as in some tokenizers."""
    return [len(text.split()) + len(text) // 7 + 2 for text in texts]


def visible(text):
    return "".join(text.split())


texts = st.text(
    st.sampled_from("ab .!?…。\n\t«»\"'ЖжéÉ我们们٣؟🇷👍\u0301\u200d\x1c"), max_size=300
) | st.text(max_size=120)


@given(
    text=texts,
    max_tokens=st.integers(3, 40),
    count=st.sampled_from([count_words, count_characters, count_words_and_joints]),
)
def test_chunks_hold_every_visible_character_in_order(text, max_tokens, count):
    chunks = chunk(text, max_tokens=max_tokens, count_tokens=count)
    assert visible("".join(chunks)) == visible(text)


@given(
    text=texts,
    max_tokens=st.integers(3, 40),
    count=st.sampled_from([count_words, count_characters, count_words_and_joints]),
)
def test_only_a_single_character_can_be_beyond_the_limit(text, max_tokens, count):
    chunks = chunk(text, max_tokens=max_tokens, count_tokens=count)
    if visible(text):
        assert all(
            n <= max_tokens or len(c) == 1 for c, n in zip(chunks, count(chunks), strict=True)
        )


@given(text=texts, max_tokens=st.integers(3, 40))
def test_chunking_a_chunk_again_returns_it_unchanged(text, max_tokens):
    for piece in chunk(text, max_tokens=max_tokens, count_tokens=count_characters):
        if visible(piece):
            again = chunk(piece, max_tokens=max_tokens, count_tokens=count_characters)
            assert again == [piece]


def test_a_text_that_fits_is_returned_as_it_is():
    assert chunk("  One. Two. ", max_tokens=4, count_tokens=count_words) == ["  One. Two. "]


def test_an_empty_text_is_one_empty_chunk():
    assert chunk("", max_tokens=4, count_tokens=count_words) == [""]


def test_sentences_are_packed_greedily_up_to_the_limit():
    text = "One two. Three four. Five six. Seven."
    chunks = chunk(text, max_tokens=6, count_tokens=count_words)
    assert chunks == ["One two. Three four.", "Five six. Seven."]


def test_a_sentence_beyond_the_limit_is_halved_at_a_space_near_its_middle():
    text = "Short. Aaa bbb ccc ddd eee fff"
    chunks = chunk(text, max_tokens=5, count_tokens=count_words)
    assert chunks == ["Short.", "Aaa bbb ccc", "ddd eee fff"]


def test_a_word_beyond_the_limit_is_cut_within():
    assert chunk("abcdefgh", max_tokens=6, count_tokens=count_characters) == ["abcd", "efgh"]


@pytest.mark.parametrize(
    "sentences",
    [
        ["He left. ", "She stayed! ", "Why? ", "Nobody knows."],
        ["It rose by 3.5 per cent, e.g. in May. ", 'The U.S. envoy: "No!" ', "He left."],
        ["В 2024 г. в г. Новом прошла встреча. ", "«Мы готовы!» ", "Что дальше?"],
        ["А. Б. Иванов приехал. ", "Его ждали… ", "Долго."],
        ["У 2024 р. відбулася зустріч. ", "«Ми готові!» ", "Що далі?"],
        ["M. Durand est venu. ", "Le reste viendra. ", "Quand ? ", "Bientôt."],
        ["我们准备好了。", "他说:“不\uff01”", "然后呢\uff1f", "没有人知道。"],
        ["First line\n", "second line\n\n", "third"],
        ["see https://example.org/a?b=c!d and 1:2.5"],
        [],
    ],
)
def test_sentences_end_where_a_reader_of_the_language_expects(sentences):
    assert split_sentences("".join(sentences)) == sentences


@given(text=texts)
def test_sentences_joined_are_the_text(text):
    assert "".join(split_sentences(text)) == text


def test_no_room_beside_the_special_tokens_is_an_error():
    with pytest.raises(ValueError, match="max_tokens=2 leaves no room beside 2 special tokens"):
        chunk("text", max_tokens=2, count_tokens=count_words)
