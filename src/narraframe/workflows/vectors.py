"""The vectors that a classifier's views are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.likeness import descriptions
from narraframe.embeddings.chunks import split_sentences
from narraframe.embeddings.embed import VectorCache, embed_posts
from narraframe.embeddings.encoder import Encoder
from narraframe.embeddings.pool import normalise
from narraframe.posts.quotes import quoted
from narraframe.records import Codebook


def view_vectors(
    post_ids: Sequence[str],
    texts: Sequence[str],
    features: Sequence[str],
    encoder: Encoder,
    *,
    cache: VectorCache | None = None,
    tuned: Encoder | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Return what the views `features` need of an encoder: "embedding" (n, d), "sentences" (n, 2d).

    "tuned" is by the encoder `tuned`; without one, as in training, it is left to who tunes.

    "sentences" is the mean of a post's sentence vectors, scaled to length 1, beside their greatest
    value in each dimension, scaled as well.
    """
    vectors = {}
    if {"embedding", "definitions"} & set(features):
        found = embed_posts(post_ids, texts, encoder, cache=cache, progress=progress)
        vectors["embedding"] = found.vectors
    if "sentences" in features:
        step = _counted(progress) if vectors else progress
        vectors["sentences"] = _sentence_vectors(texts, encoder, cache=cache, progress=step)
    if "tuned" in features and tuned is not None:
        step = _counted(progress) if vectors else progress
        vectors["tuned"] = tuned.encode(texts, progress=step)
    return vectors


def _counted(progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    """Return what tells `progress` that there is some, of posts that were counted before."""
    return progress and (lambda _: progress(0))


def label_vectors(
    codebook: Codebook, encoder: Encoder, *, labelled: Sequence[str] = ()
) -> NDArray[np.float32]:
    """Return the mean vector of what the codebook says of each label, its name included.

    What is quoted from one of the `labelled` texts, as examples often are, is left out: it would
    give the answer away for a post that a model is to be measured on.

    Returns
    -------
    float32 array of shape (k, d)
        Rows of length 1.
    """
    said: dict[str, list[str]] = {
        label.label_id: [label.name.replace("_", " ")] for label in codebook.labels
    }
    told = descriptions(codebook)
    given_away = quoted([text for _, text in told], labelled)
    for (label_id, text), away in zip(told, given_away, strict=True):
        if not away:
            said[label_id].append(text)
    flat = [text for texts in said.values() for text in texts]
    vectors = encoder.encode(flat).astype(np.float64)
    starts = np.cumsum([0, *(len(texts) for texts in said.values())])[:-1]
    means = np.add.reduceat(vectors, starts, axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def needs_encoder(features: Sequence[str]) -> bool:
    """Tell whether any view is made of vectors."""
    return not set(features) <= {"words", "characters"}


def _sentence_vectors(
    texts: Sequence[str],
    encoder: Encoder,
    *,
    cache: VectorCache | None,
    progress: Callable[[int], None] | None,
) -> NDArray[np.float32]:
    cut = [[s.strip() for s in split_sentences(text) if s.strip()] or [text] for text in texts]
    flat = [sentence for sentences in cut for sentence in sentences]
    ids = [str(i) for i in range(len(flat))]
    vectors = embed_posts(ids, flat, encoder, cache=cache).vectors
    if progress is not None:
        progress(len(texts))
    sizes = np.array([len(sentences) for sentences in cut], dtype=np.intp)
    starts = np.cumsum([0, *sizes])[:-1]
    if not len(starts):
        return np.zeros((0, 2 * encoder.dimension), dtype=np.float32)
    mean = np.add.reduceat(vectors, starts, axis=0) / sizes[:, None]
    greatest = np.maximum.reduceat(vectors, starts, axis=0)
    return np.hstack([normalise(mean), normalise(greatest)])
