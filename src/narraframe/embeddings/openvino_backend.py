"""Run an encoder's network with OpenVINO, without torch and transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.converted import Converted, converted
from narraframe.embeddings.encoder import BF16
from narraframe.embeddings.runtime import best_precision, core, threads
from narraframe.embeddings.tokens import filled, plain_tokenizer, token_ids
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import PrecisionError

_BATCH_TOKENS = 2_048


class OpenVinoBackend:
    """A compiled network; see `narraframe.embeddings.encoding.Backend`."""

    batch_tokens = _BATCH_TOKENS
    fixed_rows = False

    def __init__(self, found: Converted, compiled: Any, precision: str) -> None:
        self.precision = precision
        self._prompt, self._padding = found.prompt, found.padding
        self._tokenizer = plain_tokenizer(found.tokenizer)
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()  # a request serves one thread at a time

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, uncut, with special tokens and the encoder's own prompt."""
        return token_ids(self._tokenizer, self._prompt, texts)

    def forward(
        self, ids: Sequence[Sequence[int]], length: int, texts: Sequence[str]
    ) -> NDArray[np.float32]:
        """Return the vectors of one batch, float32 of shape (b, d)."""
        del texts
        inputs = list(filled(ids, length, self._padding))
        with self._turn:
            found = self._request.infer(inputs, share_inputs=True)
            return np.array(found[0], dtype=np.float32)


def load_openvino_backend(info: EncoderInfo, *, precision: str = "auto") -> OpenVinoBackend:
    """Compile the network that `info` points to, converting it the first time.

    Raises
    ------
    NotConvertibleError
        If only torch can run this encoder.
    EncoderError
        If the weights cannot be loaded.
    PrecisionError
        If this processor has no bf16, or nncf is missing for int8.
    """
    best = best_precision()
    chosen = best if precision == "auto" else precision
    if chosen == BF16 and best != BF16:
        raise PrecisionError(
            "this processor has no bf16",
            remedy='Write precision = "auto" under [encoder] in narraframe.toml.',
        )
    found = converted(info, chosen)
    # What int8 does not quantise stays in fp32: in bf16, some padded texts come out 0.2 away (by
    # OpenVINO 2026.4), and machines without bf16 would give other vectors.
    hint = "bf16" if chosen == BF16 else "f32"
    settings = {"INFERENCE_PRECISION_HINT": hint} | threads()
    compiled = core().compile_model(found.network, "CPU", settings)
    return OpenVinoBackend(found, compiled, chosen)
