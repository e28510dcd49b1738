"""The sentence encoder: chunk long texts, embed each distinct chunk once, pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.chunks import chunk
from narraframe.embeddings.pool import distinct, normalise, pool
from narraframe.embeddings.weights import EncoderInfo, find_encoder

__all__ = ["Backend", "EncoderInfo", "SentenceEncoder", "find_encoder", "load_encoder"]


class Backend(Protocol):
    """A network with its tokenizer, on some runtime: all that a new runtime must supply."""

    @property
    def batch_tokens(self) -> int:
        """Tokens, padding counted, that make a batch of good size here."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, uncut, special tokens counted."""

    def forward(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of one batch, shape (b, d); each text fits into the network."""


@dataclass(frozen=True)
class _Plan:
    """Distinct `chunks` with their `tokens`; text i owns ``parts[starts[i]:starts[i + 1]]``."""

    chunks: tuple[str, ...]
    tokens: NDArray[np.intp]
    parts: NDArray[np.intp]
    starts: NDArray[np.intp]


@dataclass(frozen=True)
class SentenceEncoder:
    """An `Encoder` of a sentence-transformers model.

    A text beyond `max_tokens` is the mean of its chunks' vectors, weighted by their tokens. Equal
    texts and equal chunks are embedded once.
    """

    info: EncoderInfo
    backend: Backend

    @property
    def name(self) -> str:
        """Identity as "name@revision"."""
        return self.info.identity

    @property
    def dimension(self) -> int:
        """Length d of a vector."""
        return self.info.dimension

    @property
    def max_tokens(self) -> int:
        """Tokens that are read in one piece, special tokens counted."""
        return self.info.max_tokens

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes that the encoder was made for; None = any, or unknown."""
        return self.info.languages

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return the vectors of `texts`, float32 of shape (n, d); see `Encoder.encode`."""
        unique = distinct(texts)
        plan = self._plan(unique.values)
        order = np.argsort(-plan.tokens, kind="stable")
        finished_at = np.sort(_last_rank(plan, order)[unique.index])
        vectors = np.zeros((len(plan.chunks), self.dimension), dtype=np.float32)
        finished = 0
        for start, stop in _batches(plan.tokens[order], self.backend.batch_tokens):
            rows = order[start:stop]
            vectors[rows] = normalise(self.backend.forward([plan.chunks[i] for i in rows]))
            before, finished = finished, int(np.searchsorted(finished_at, stop))
            if progress is not None and finished > before:
                progress(finished - before)
        pooled = pool(vectors[plan.parts], plan.tokens[plan.parts], plan.starts)
        return pooled[unique.index]

    def _plan(self, texts: Sequence[str]) -> _Plan:
        count = self.backend.count_tokens
        parts = [
            [text]
            if n_tokens <= self.max_tokens
            else chunk(text, max_tokens=self.max_tokens, count_tokens=count)
            for text, n_tokens in zip(texts, count(texts), strict=True)
        ]
        chunks = distinct([part for of_text in parts for part in of_text])
        lengths = np.array([len(of_text) for of_text in parts], dtype=np.intp)
        return _Plan(
            chunks=chunks.values,
            tokens=np.array(count(chunks.values), dtype=np.intp),
            parts=chunks.index,
            starts=np.cumsum(lengths) - lengths,
        )


def load_encoder(name: str, *, device: str | None = None) -> SentenceEncoder:
    """Load an encoder by name, fetching it from the hub if it is not on this machine.

    Parameters
    ----------
    name : str
        A folder, or a sentence-transformers name; see `find_encoder` for where it is looked for.
    device : str, default=None
        "cpu", "cuda" and so on; None takes the best there is.

    Returns
    -------
    SentenceEncoder

    Raises
    ------
    EncoderError
        If it is not to be found, damaged, or cannot run on `device`.
    """
    from narraframe.embeddings.torch_backend import load_torch_backend

    info = find_encoder(name, download=True)
    return SentenceEncoder(info=info, backend=load_torch_backend(info, device=device))


def _batches(tokens: NDArray[np.intp], budget: int) -> Iterator[tuple[int, int]]:
    """Cut texts, longest first, into runs that hold `budget` tokens when padded to the longest."""
    start = 0
    while start < len(tokens):
        stop = start + max(1, budget // max(1, int(tokens[start])))
        yield start, min(stop, len(tokens))
        start = stop


def _last_rank(plan: _Plan, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each text, the place in `order` of the chunk that is embedded last."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    if not len(plan.starts):
        return rank
    last: NDArray[np.intp] = np.maximum.reduceat(rank[plan.parts], plan.starts)
    return last
