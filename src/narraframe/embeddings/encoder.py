"""What every encoder offers to the rest of the house: its identity, and one method."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FP32, BF16, INT8 = "fp32", "bf16", "int8"
# Cosine distance of bf16 to fp32 is some 1e-5, and decisions stay; int8 changes one in 200.
_ALIKE = frozenset({FP32, BF16})


class VectorCache(Protocol):
    """Vectors by text key, for one encoder."""

    def get(self, keys: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """Return the vectors, each of shape (d,), of those `keys` that are stored."""

    def put(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store `vectors`, shape (n, d), under `keys`."""


class Encoder(Protocol):
    """Turns texts into unit vectors.

    A text of any length is encoded whole: cutting it into chunks of at most `max_tokens` and
    pooling their vectors is the encoder's own affair, so that callers need nothing but `encode`.
    """

    @property
    def name(self) -> str:
        """Identity as "name@revision", or "name@revision+precision" where that is not fp32."""

    @property
    def dimension(self) -> int:
        """Length d of a vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens that are read in one piece, special tokens counted."""

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes that the encoder was made for; None = any, or unknown."""

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return the vectors of `texts`.

        Parameters
        ----------
        texts : sequence of str of length n
            May repeat; the order is free.
        progress : callable, default=None
            Called with the number of texts just finished.

        Returns
        -------
        float32 array of shape (n, d)
            Rows of length 1 (L2), in the order of `texts`.
        """


@runtime_checkable
class ChunkingEncoder(Encoder, Protocol):
    """An encoder that can take the chunks of long texts from a cache, and store them there."""

    def encode_with(
        self,
        texts: Sequence[str],
        chunks: VectorCache,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Return what `encode` returns, to the bit."""


def text_key(text: str) -> str:
    """Return the key of a text: the sha256 of its UTF-8 form, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def precision_of(name: str) -> str:
    """Return the precision in the identity `name` of an encoder."""
    _, _, precision = name.rpartition("@")[2].partition("+")
    return precision or FP32


def stands_in(name: str, wanted: str) -> bool:
    """Tell whether vectors of the encoder `name` may be used where those of `wanted` were.

    They may if the encoder is the same, and the precision is, or is another of fp32 and bf16.
    """
    if name == wanted:
        return True
    precisions = {precision_of(name), precision_of(wanted)}
    return _plain(name) == _plain(wanted) and precisions <= _ALIKE


def _plain(name: str) -> str:
    return name.removesuffix(f"+{precision_of(name)}")
