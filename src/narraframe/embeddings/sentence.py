"""The sentence encoder: chunk long texts, embed each distinct chunk once, pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.batches import ahead, slices
from narraframe.embeddings.chunks import chunk
from narraframe.embeddings.encoder import VectorCache
from narraframe.embeddings.encoding import Backend, Chunk, Encoding
from narraframe.embeddings.pool import distinct
from narraframe.embeddings.weights import EncoderInfo, find_encoder

__all__ = ["EncoderInfo", "SentenceEncoder", "find_encoder", "load_encoder"]

BACKENDS = ("auto", "openvino", "torch")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
_TOKENISED = 256  # texts that are tokenised at a time


class _Nothing:
    """A cache that holds nothing."""

    def get(self, keys: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        del keys
        return {}

    def put(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        del keys, vectors


@dataclass(frozen=True)
class SentenceEncoder:
    """An `Encoder` of a sentence-transformers model.

    A text beyond `max_tokens` is the mean of its chunks' vectors, weighted by their tokens. Equal
    texts and equal chunks are embedded once. The vector of a text is the same to the bit whatever
    it is embedded with, as batches are of texts that are padded to the same length.
    """

    info: EncoderInfo
    backend: Backend

    @property
    def name(self) -> str:
        """Identity as "name@revision", with "+bf16" or "+int8" unless it computes in fp32."""
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
        return self.encode_with(texts, _Nothing(), progress=progress)

    def encode_with(
        self,
        texts: Sequence[str],
        chunks: VectorCache,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Return the vectors of `texts`, chunks of long ones by way of a cache."""
        unique = distinct(texts)
        copies = np.bincount(unique.index, minlength=len(unique.values))
        work = Encoding(self.info, self.backend, chunks, copies)
        for parts in ahead(self.cut, slices(unique.values, _TOKENISED)):
            for finished in work.take(parts):
                _report(progress, finished)
        for finished in work.finish():
            _report(progress, finished)
        return work.vectors()[unique.index]

    def cut(self, texts: Sequence[str]) -> list[list[Chunk]]:
        """Tokenise texts and cut those that are too long; a text that fits is its own chunk."""
        whole = self.backend.tokenise(texts)
        found: list[list[Chunk]] = []
        for text, ids in zip(texts, whole, strict=True):
            if len(ids) <= self.max_tokens:
                found.append([Chunk(text, ids)])
                continue
            parts = chunk(text, max_tokens=self.max_tokens, count_tokens=self._count)
            of_parts = self.backend.tokenise(parts)
            found.append([Chunk(*pair) for pair in zip(parts, of_parts, strict=True)])
        return found

    def _count(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self.backend.tokenise(texts)]


def load_encoder(
    name: str, *, device: str | None = None, backend: str = "auto", precision: str = "auto"
) -> SentenceEncoder:
    """Load an encoder by name, fetching it from the hub if it is not on this machine.

    Parameters
    ----------
    name : str
        A folder, or a sentence-transformers name; see `find_encoder` for where it is looked for.
    device : str, default=None
        "cpu", "cuda" and so on; None takes the best there is.
    backend : str, default="auto"
        "openvino", "torch", or "auto": OpenVINO on x86 processors, torch elsewhere.
    precision : str, default="auto"
        "fp32", "bf16", "int8" (OpenVINO only), or "auto": bf16 where the hardware has it.

    Returns
    -------
    SentenceEncoder

    Raises
    ------
    EncoderError
        If it is not to be found, damaged, or cannot run on `device` or by `backend`.
    PrecisionError
        If the hardware, or the backend, does not have `precision`.
    """
    from narraframe.embeddings.backends import open_backend

    info = find_encoder(name, download=True)
    opened = open_backend(info, device=device, backend=backend, precision=precision)
    return SentenceEncoder(info=replace(info, precision=opened.precision), backend=opened)


def _report(progress: Callable[[int], None] | None, finished: int) -> None:
    if progress is not None and finished:
        progress(finished)
