"""Posts to embeddings: rows follow the posts, whatever repeats and whatever the cache holds."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.embeddings.embed import WINDOW, embed_posts, text_key
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import EncoderError, InputError


@dataclass
class MemoryCache:
    vectors: dict = field(default_factory=dict)
    puts: list = field(default_factory=list)

    def get(self, keys):
        return {key: self.vectors[key] for key in keys if key in self.vectors}

    def put(self, keys, vectors):
        self.puts.append(len(keys))
        self.vectors.update(zip(keys, vectors, strict=True))


@dataclass(frozen=True)
class CountingEncoder(HashingEncoder):
    dimension: int = 16
    seen: list = field(default_factory=list)

    def encode(self, texts, *, progress=None):
        self.seen.extend(texts)
        return super().encode(texts, progress=progress)


def ids(texts):
    return [f"p{i}" for i in range(len(texts))]


words = st.text(st.sampled_from("abc "), min_size=1, max_size=6).filter(str.strip)


@given(texts=st.lists(words, max_size=12), data=st.data())
def test_permuting_the_posts_permutes_the_rows(texts, data):
    order = data.draw(st.permutations(range(len(texts))))
    encoder = HashingEncoder(dimension=16)
    one = embed_posts(ids(texts), texts, encoder)
    other = embed_posts([f"p{i}" for i in order], [texts[i] for i in order], encoder)
    assert other.post_ids == tuple(f"p{i}" for i in order)
    assert (other.vectors == one.vectors[order]).all()


@given(texts=st.lists(words, max_size=12), data=st.data())
def test_a_warm_a_cold_and_a_half_warm_cache_give_the_same(texts, data):
    encoder = HashingEncoder(dimension=16)
    cold = embed_posts(ids(texts), texts, encoder, cache=MemoryCache())
    half = MemoryCache()
    known = data.draw(st.sets(st.sampled_from(texts))) if texts else set()
    embed_posts(ids(known), sorted(known), encoder, cache=half)
    half_warm = embed_posts(ids(texts), texts, encoder, cache=half)
    warm = embed_posts(ids(texts), texts, encoder, cache=half)
    without = embed_posts(ids(texts), texts, encoder)
    for other in (half_warm, warm, without):
        assert other.post_ids == cold.post_ids
        assert other.vectors == pytest.approx(cold.vectors, abs=1e-6)


def test_equal_texts_are_embedded_once_and_share_a_vector():
    encoder = CountingEncoder()
    embeddings = embed_posts(["a", "b", "c"], ["same", "other", "same"], encoder)
    assert encoder.seen == ["same", "other"]
    assert (embeddings.vectors[0] == embeddings.vectors[2]).all()


def test_only_what_the_cache_lacks_is_embedded():
    cache, encoder = MemoryCache(), CountingEncoder()
    embed_posts(["a", "b"], ["one", "two"], encoder, cache=cache)
    encoder.seen.clear()
    embed_posts(["x", "y", "z"], ["two", "three", "one"], encoder, cache=cache)
    assert encoder.seen == ["three"]


def test_the_result_names_the_encoder_and_is_float32():
    embeddings = embed_posts(["a"], ["text"], HashingEncoder(dimension=16))
    assert embeddings.encoder == "hashing-16@1"
    assert embeddings.vectors.dtype == np.float32


def test_no_posts_give_no_rows():
    embeddings = embed_posts([], [], HashingEncoder(dimension=16), cache=MemoryCache())
    assert embeddings.post_ids == ()
    assert embeddings.vectors.shape == (0, 16)


def test_a_killed_run_loses_one_window_at_most():
    class Dying(CountingEncoder):
        def encode(self, texts, *, progress=None):
            if len(self.seen) >= 2 * WINDOW:
                raise KeyboardInterrupt("killed")
            return super().encode(texts, progress=progress)

    texts = [f"text {i}" for i in range(2 * WINDOW + 500)]
    cache = MemoryCache()
    with pytest.raises(KeyboardInterrupt, match="killed"):
        embed_posts(ids(texts), texts, Dying(), cache=cache)
    assert cache.puts == [WINDOW, WINDOW]
    encoder = CountingEncoder()
    embed_posts(ids(texts), texts, encoder, cache=cache)
    assert len(encoder.seen) == 500


@pytest.mark.parametrize("warm", [False, True])
def test_progress_adds_up_to_the_posts(warm):
    texts = [f"text {i % 2_300}" for i in range(5_000)]
    cache = MemoryCache()
    if warm:
        embed_posts(ids(texts[:100]), texts[:100], CountingEncoder(), cache=cache)
    steps = []
    embed_posts(ids(texts), texts, CountingEncoder(), cache=cache, progress=steps.append)
    assert sum(steps) == 5_000
    assert min(steps) > 0


@pytest.mark.parametrize("empty", ["", " \n\t"])
def test_a_post_without_text_is_named(empty):
    with pytest.raises(InputError, match=r"2 of 3 posts have no text to embed \(got 'b'\)"):
        embed_posts(["a", "b", "c"], ["text", empty, empty], HashingEncoder())


def test_post_ids_and_texts_must_be_as_many():
    with pytest.raises(ValueError, match="2 post_ids but 1 texts"):
        embed_posts(["a", "b"], ["text"], HashingEncoder())


def test_cached_vectors_of_another_dimension_are_refused():
    cache = MemoryCache({text_key("text"): np.zeros(3, dtype=np.float32)})
    with pytest.raises(EncoderError, match=r"do not have 256 dimensions.*another cache folder"):
        embed_posts(["a"], ["text"], HashingEncoder(), cache=cache)


@pytest.mark.parametrize(
    "bad", [np.full((1, 16), np.nan, dtype=np.float32), np.zeros((2, 16), dtype=np.float32)]
)
def test_vectors_that_would_spoil_the_cache_are_refused(bad):
    class Faulty(CountingEncoder):
        def encode(self, texts, *, progress=None):
            return bad

    cache = MemoryCache()
    with pytest.raises(EncoderError, match="wrong shape or are not finite"):
        embed_posts(["a"], ["text"], Faulty(), cache=cache)
    assert cache.puts == []


def test_the_key_of_a_text_is_its_sha256():
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert text_key("abc") == expected
