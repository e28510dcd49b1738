"""Posts to `Embeddings`: each distinct text once, and only those that the cache does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.encoder import ChunkingEncoder, Encoder, VectorCache, text_key
from narraframe.embeddings.pool import distinct
from narraframe.errors import EncoderError, InputError
from narraframe.records import Embeddings

__all__ = ["WINDOW", "VectorCache", "embed_posts", "text_key"]

# Texts embedded between two stores: what a killed run loses at most.
WINDOW = 2_000
_LOOKUP = 20_000
_REMEMBERED = 50_000  # chunks in memory: some 80 MB of 384 dimensions


class _Memory:
    """The chunks of long texts, where there is no other cache; of the first so many."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def get(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return {key: self._vectors[key] for key in keys if key in self._vectors}

    def put(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        room = max(0, _REMEMBERED - len(self._vectors))
        self._vectors.update(zip(keys[:room], vectors[:room], strict=True))


def embed_posts(
    post_ids: Sequence[str],
    texts: Sequence[str],
    encoder: Encoder,
    *,
    cache: VectorCache | None = None,
    progress: Callable[[int], None] | None = None,
) -> Embeddings:
    """Embed the texts of posts.

    Equal texts are embedded once, and equal chunks of long ones too, where the encoder knows of
    chunks. New vectors are stored every 2,000 texts, so that a run that was killed goes on from
    there. A vector is the same with and without a cache.

    Parameters
    ----------
    post_ids : sequence of str of length n
    texts : sequence of str of length n
        What the encoder reads of each post (`Post.model_text`).
    encoder : Encoder
    cache : VectorCache, default=None
        Vectors of this very encoder; None embeds everything.
    progress : callable, default=None
        Called with the number of posts just finished; the numbers add up to n.

    Returns
    -------
    Embeddings
        Rows in the order of `post_ids`, `vectors` of shape (n, d).

    Raises
    ------
    InputError
        If a text is empty or only space: the first such post_id is named.
    EncoderError
        If the encoder or the cache returns vectors of a wrong shape or not finite.
    """
    _check_texts(post_ids, texts)
    unique = distinct(texts)
    keys = [text_key(text) for text in unique.values]
    posts_per_text = np.bincount(unique.index, minlength=len(keys))
    vectors = np.zeros((len(keys), encoder.dimension), dtype=np.float32)
    missing: NDArray[np.bool_] = np.ones(len(keys), dtype=bool)
    if cache is not None:
        missing = _look_up(keys, cache, vectors)
        _report(progress, int(posts_per_text[~missing].sum()))
    chunks = _Memory() if cache is None else cache
    for window in _windows(np.flatnonzero(missing), WINDOW):
        part = [unique.values[i] for i in window]
        if isinstance(encoder, ChunkingEncoder):
            found = encoder.encode_with(part, chunks, progress=progress)
        else:
            found = encoder.encode(part, progress=progress)
        vectors[window] = _checked(found, len(part), encoder)
        if cache is not None:
            cache.put([keys[i] for i in window], vectors[window])
        _report(progress, int((posts_per_text[window] - 1).sum()))
    rows = vectors if len(keys) == len(texts) else vectors[unique.index]
    return Embeddings(post_ids=tuple(post_ids), vectors=rows, encoder=encoder.name)


def _check_texts(post_ids: Sequence[str], texts: Sequence[str]) -> None:
    if len(post_ids) != len(texts):
        raise ValueError(f"{len(post_ids)} post_ids but {len(texts)} texts")
    empty = [post_id for post_id, text in zip(post_ids, texts, strict=True) if not text.strip()]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(texts)} posts have no text to embed",
            got=empty[0],
            remedy="Leave posts without text out: they get a reason instead of a score.",
        )


def _look_up(
    keys: Sequence[str], cache: VectorCache, vectors: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Fill the rows of `vectors` that the cache holds; return which rows it does not."""
    missing = np.ones(len(keys), dtype=bool)
    for window in _windows(np.arange(len(keys)), _LOOKUP):
        found = cache.get([keys[i] for i in window])
        for i in window:
            vector = found.get(keys[i])
            if vector is None:
                continue
            if vector.shape != vectors.shape[1:]:
                raise EncoderError(
                    f"the cached vectors do not have {vectors.shape[1]} dimensions",
                    got=vector.shape,
                    remedy="They come from another encoder: use another cache folder.",
                )
            vectors[i] = vector
            missing[i] = False
    return missing


def _checked(vectors: NDArray[np.float32], n_texts: int, encoder: Encoder) -> NDArray[np.float32]:
    """Refuse what would spoil the cache for good."""
    if vectors.shape != (n_texts, encoder.dimension) or not np.isfinite(vectors).all():
        raise EncoderError(
            f"the vectors of {n_texts} texts have a wrong shape or are not finite",
            where=encoder.name,
            got=vectors.shape,
            remedy="The weights or the device are faulty: try the encoder again on the CPU.",
        )
    return vectors


def _windows(rows: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    return (rows[i : i + size] for i in range(0, len(rows), size))


def _report(progress: Callable[[int], None] | None, n_posts: int) -> None:
    if progress is not None and n_posts:
        progress(n_posts)
