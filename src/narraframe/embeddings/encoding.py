"""One call of a sentence encoder: chunks wait for others of their length, and go in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.batches import Queues, padded_length, powers, rows_of
from narraframe.embeddings.encoder import VectorCache, text_key
from narraframe.embeddings.pool import normalise, pool
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import EncoderError


class Backend(Protocol):
    """A network with its tokenizer, on some runtime: all that a new runtime must supply."""

    @property
    def batch_tokens(self) -> int:
        """Tokens, padding counted, that make a batch of good size here."""

    @property
    def fixed_rows(self) -> bool:
        """Whether a vector depends on how many rows its batch has, so that all must have as many.

        It must depend on nothing else but its own tokens and the length they are padded to.
        """

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, uncut, special tokens in."""

    def forward(
        self, ids: Sequence[Sequence[int]], length: int, texts: Sequence[str]
    ) -> NDArray[np.float32]:
        """Return the vectors of one batch, shape (b, d): of `ids`, padded to `length`.

        `texts` are what the ids were made from.
        """


@dataclass(frozen=True)
class Chunk:
    """A piece of a text that is read at once, with its token ids."""

    text: str
    ids: Sequence[int]


class Encoding:
    """One call of `encode_with`: which chunks are known, wait, or are still missing."""

    def __init__(
        self,
        info: EncoderInfo,
        backend: Backend,
        cache: VectorCache,
        copies: NDArray[np.integer],
    ) -> None:
        self._info, self._backend, self._cache, self._copies = info, backend, cache, copies
        self._queues: Queues[int] = Queues(backend.batch_tokens)
        self._row_of: dict[str, int] = {}  # of each chunk
        self._ids: dict[int, Chunk] = {}  # of those that wait
        self._vectors: list[NDArray[np.float32] | None] = []
        self._tokens: list[int] = []
        self._texts: list[list[int]] = []  # the rows of each text
        self._missing: list[int] = []  # how many of them each text waits for
        self._waiting: dict[int, list[int]] = {}  # the texts that wait for a row
        self._new: dict[str, int] = {}  # chunks of long texts that the cache does not hold

    def take(self, texts: Sequence[Sequence[Chunk]]) -> list[int]:
        """Take some texts in, run what batches they fill; return how many texts that finished."""
        known = self._look_up(texts)
        finished = []
        for parts in texts:
            rows = []
            for part in parts:
                row = self._row_of.get(part.text)
                if row is None:
                    row = self._add(part, known.get(part.text), lasting=len(parts) > 1)
                    length = self._length(part)
                    batch = self._queues.add(row, length) if row in self._ids else []
                    if batch:
                        finished.append(self._run(batch, length))
                elif len(parts) > 1 and row in self._ids:
                    self._new.setdefault(part.text, row)
                rows.append(row)
            finished.append(self._expect(rows))
        return finished

    def finish(self) -> list[int]:
        """Run what is left, and store the new chunks; return how many texts each batch finished."""
        # a backend whose batches must all have as many rows fills each of them up
        cut = _whole if self._backend.fixed_rows else powers
        finished = [
            self._run(rows, length)
            for length, waiting in self._queues.rest()
            for rows in cut(waiting)
        ]
        if self._new:
            keys = [text_key(text) for text in self._new]
            self._cache.put(keys, self._stacked(list(self._new.values())))
        return finished

    def vectors(self) -> NDArray[np.float32]:
        """Return the vectors of the texts: of one chunk, its own; of more, their mean."""
        single = self._stacked([rows[0] for rows in self._texts])
        long = [i for i, rows in enumerate(self._texts) if len(rows) > 1]
        if long:
            rows = [row for i in long for row in self._texts[i]]
            sizes = np.array([len(self._texts[i]) for i in long], dtype=np.intp)
            weights = np.array([self._tokens[row] for row in rows], dtype=np.intp)
            single[long] = pool(self._stacked(rows), weights, np.cumsum(sizes) - sizes)
        return single

    def _look_up(self, texts: Sequence[Sequence[Chunk]]) -> Mapping[str, NDArray[np.float32]]:
        """Ask the cache for the chunks of long texts, by their text."""
        wanted = {
            text_key(part.text): part.text
            for parts in texts
            if len(parts) > 1
            for part in parts
            if part.text not in self._row_of
        }
        if not wanted:
            return {}
        found = self._cache.get(list(wanted))
        return {wanted[key]: vector for key, vector in found.items()}

    def _add(self, part: Chunk, vector: NDArray[np.float32] | None, *, lasting: bool) -> int:
        row = self._row_of[part.text] = len(self._vectors)
        self._vectors.append(vector)
        self._tokens.append(len(part.ids))
        if vector is None:
            self._ids[row] = part
            if lasting:
                self._new[part.text] = row
        return row

    def _expect(self, rows: list[int]) -> int:
        """Note that a text is made of `rows`; return its copies if they are all there."""
        text = len(self._texts)
        self._texts.append(rows)
        missing = {row for row in rows if self._vectors[row] is None}
        self._missing.append(len(missing))
        for row in missing:
            self._waiting.setdefault(row, []).append(text)
        return 0 if missing else int(self._copies[text])

    def _run(self, rows: Sequence[int], length: int) -> int:
        """Embed a batch; return how many texts, copies counted, that finishes."""
        backend = self._backend
        batch = [self._ids.pop(row) for row in rows]
        limit = self._info.max_tokens
        ids = [_fitting(part.ids, limit) for part in batch]
        texts = [part.text for part in batch]
        if backend.fixed_rows:
            spare = rows_of(length, backend.batch_tokens) - len(rows)
            ids, texts = ids + ids[:1] * spare, texts + texts[:1] * spare
        found = backend.forward(ids, length, texts)
        if found.shape != (len(ids), self._info.dimension):
            raise EncoderError(
                "the network gives vectors of a wrong shape",
                where=self._info.identity,
                got=found.shape,
                remedy="Copy or install the encoder again.",
            )
        finished = 0
        for row, vector in zip(rows, normalise(found), strict=False):
            self._vectors[row] = vector
            for text in self._waiting.pop(row, ()):
                self._missing[text] -= 1
                if not self._missing[text]:
                    finished += int(self._copies[text])
        return finished

    def _length(self, part: Chunk) -> int:
        return padded_length(len(part.ids), self._info.max_tokens)

    def _stacked(self, rows: Sequence[int]) -> NDArray[np.float32]:
        stacked = np.empty((len(rows), self._info.dimension), dtype=np.float32)
        for place, row in zip(stacked, rows, strict=True):
            place[:] = self._vectors[row]
        return stacked


def _whole(rows: Sequence[int]) -> list[Sequence[int]]:
    return [rows]


def _fitting(ids: Sequence[int], limit: int) -> Sequence[int]:
    """Cut what cannot be chunked, a single character of many tokens; its last token stays."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
