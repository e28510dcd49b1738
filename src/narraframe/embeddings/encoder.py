"""What every encoder offers to the rest of the house: its identity, and one method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Turns texts into unit vectors.

    A text of any length is encoded whole: cutting it into chunks of at most `max_tokens` and
    pooling their vectors is the encoder's own affair, so that callers need nothing but `encode`.
    """

    @property
    def name(self) -> str:
        """Identity as "name@revision"; differs wherever the vectors differ."""

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
