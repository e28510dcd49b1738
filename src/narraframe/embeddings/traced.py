"""From a sentence-transformers encoder to OpenVINO's network, held against the original."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.converted import Converted, NotConvertibleError
from narraframe.embeddings.pool import normalise
from narraframe.embeddings.quiet import quiet
from narraframe.embeddings.runtime import core, openvino
from narraframe.embeddings.torch_backend import load_torch_backend
from narraframe.embeddings.weights import EncoderInfo

_FARTHEST = 1e-5  # cosine distance of the converted encoder's vectors, in fp32
_TEXTS = (
    "Ships wait.",
    "The Ministers agreed to trade in their own currencies, and said so.",
    "  Нет пути назад: министры договорились о торговле в национальных валютах.  ",
    "ALL CAPITALS, 2 numbers, 1 émigré & a flag 🇧🇷",
    "word " * 40,
)


def trace(info: EncoderInfo) -> Converted:
    """Convert an encoder with all its modules.

    Raises
    ------
    NotConvertibleError
        If it cannot be traced, or the traced network gives other vectors than the original.
    EncoderError
        If the weights cannot be loaded.
    """
    openvino()
    backend = load_torch_backend(info, device="cpu", precision="fp32")
    if not backend.takes_ids:
        raise NotConvertibleError("it reads more than the tokens of a text")
    with (
        quiet(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        try:
            network = _network(backend.model)
        except Exception as error:  # a tracer fails in every way there is
            raise NotConvertibleError(f"it cannot be traced: {error}"[:500]) from error
        expected = normalise(backend.model.encode(list(_TEXTS), show_progress_bar=False))
    found = _vectors(network, backend.tokenise(_TEXTS), backend.padding)
    distance = 1 - float((normalise(found) * expected).sum(axis=1).min())
    if not distance < _FARTHEST:
        raise NotConvertibleError(f"its vectors come out {distance:.2g} away")
    return Converted(network, backend.tokenizer.to_str(), backend.prompt, backend.padding)


def _network(model: Any) -> Any:
    import torch

    class Whole(torch.nn.Module):  # type: ignore[misc]
        """All modules, from tokens to the vector of a text."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return self.model(features)["sentence_embedding"]

    # ones of each length, since what never varies in the example is taken for a constant
    ids = torch.ones((2, 16), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0
    with torch.inference_mode():
        return openvino().convert_model(
            Whole().eval(), example_input={"input_ids": ids, "attention_mask": mask}
        )


def _vectors(network: Any, ids: list[list[int]], padding: int) -> NDArray[np.float32]:
    compiled = core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    length = max(map(len, ids))
    tokens = np.full((len(ids), length), padding, dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, known in enumerate(ids):
        tokens[row, : len(known)], mask[row, : len(known)] = known, 1
    vectors: NDArray[np.float32] = compiled([tokens, mask])[0]
    return vectors
