"""An encoder without weights: hashed words and letter trigrams. For tests and self-checks."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.pool import normalise

_TRIGRAM_WEIGHT = 0.3


@dataclass(frozen=True)
class HashingEncoder:
    """Bag of words and trigrams by signed feature hashing: texts that share words lie close.

    The same text has the same vector in every process and on every machine.

    Parameters
    ----------
    dimension : int, default=256
        Length of a vector.

    References
    ----------
    Weinberger et al. (2009), Feature hashing for large scale multitask learning, arXiv:0902.2206.
    """

    dimension: int = 256

    @property
    def name(self) -> str:
        """Identity as "name@revision"; the revision is that of the method here."""
        return f"hashing-{self.dimension}@1"

    @property
    def max_tokens(self) -> int:
        """A text is never cut, whatever its length."""
        return sys.maxsize

    @property
    def languages(self) -> None:
        """Any language: words are only counted."""

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return the vectors of `texts`, float32 of shape (n, d); see `Encoder.encode`."""
        sums = np.zeros((len(texts), self.dimension))
        for row, text in zip(sums, texts, strict=True):
            for feature, weight in _features(text):
                code = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
                # Lowest bit for the sign, the others for the place: both must not be the same bits.
                row[(code >> 1) % self.dimension] += weight if code & 1 else -weight
            if not row.any():
                row[0] = 1.0
            if progress is not None:
                progress(1)
        return normalise(sums)


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = text.casefold().split()
    yield from ((word, 1.0) for word in words)
    for word in words:
        padded = f" {word} "
        yield from ((padded[i : i + 3], _TRIGRAM_WEIGHT) for i in range(len(padded) - 2))
