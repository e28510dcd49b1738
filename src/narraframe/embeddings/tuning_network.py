"""A transformer in two parts: its lower layers, which stay as they are, and its last ones."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.encoder import FP32, Encoder
from narraframe.embeddings.pool import normalise
from narraframe.embeddings.sentence import SentenceEncoder
from narraframe.embeddings.tokens import filled
from narraframe.embeddings.torch_backend import TorchBackend, has_bf16, load_torch_backend
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import EncoderError, ModelError

MOST_TOKENS = 128
"""Tokens of a post that are read: what frames it mostly stands in front, and twice takes twice."""
_ALIKE = 1e-3  # cosine distance that no arithmetic explains
_FAULTS = (AttributeError, TypeError, ValueError, RuntimeError, IndexError, KeyError)


class Network:
    """An encoder of `n_layers` layers, the last `n_upper` of which are in copies, as `upper` makes.

    Layers compute in bf16 where the device has it, else in fp32; pooling is in fp32.
    """

    def __init__(self, info: EncoderInfo, backend: TorchBackend, n_upper: int) -> None:
        import torch

        self.info = replace(info, max_tokens=min(info.max_tokens, MOST_TOKENS))
        self.tokens = backend
        body, *self._after = list(backend.model)
        transformer = body.auto_model
        layers = transformer.encoder.layer
        if not 1 <= n_upper <= len(layers):
            raise EncoderError(
                f"the encoder has {len(layers)} layers",
                where=info.name,
                got=n_upper,
                remedy="Write fewer tune_layers under [heads].",
            )
        self.n_layers, self.n_upper = len(layers), n_upper
        self.device = backend.model.device
        self.dtype = torch.bfloat16 if has_bf16(self.device.type) else torch.float32
        self._base = copy.deepcopy(layers[self.n_layers - n_upper :]).requires_grad_(False)
        self._embed = copy.deepcopy(transformer.embeddings).to(self.dtype)
        self._lower = copy.deepcopy(layers[: self.n_layers - n_upper]).to(self.dtype)

    def lower(self, ids: Sequence[Sequence[int]], length: int) -> Any:
        """Return what the lower layers make of one batch, a tensor of shape (b, length, d)."""
        import torch

        tokens, mask = (torch.from_numpy(part) for part in filled(ids, length, self.tokens.padding))
        with torch.no_grad():
            hidden = self._embed(input_ids=tokens.to(self.device))
            return _through(self._lower, hidden, mask.to(self.device))

    def upper(self, weights: Mapping[str, NDArray[np.float16]] | None = None) -> Any:
        """Return the last layers, with `weights` for their own, ready to encode.

        Raises
        ------
        ModelError
            If the weights are not those of such layers.
        """
        import torch

        layers = copy.deepcopy(self._base)
        if weights is not None:
            said = {name: torch.from_numpy(np.array(part)) for name, part in weights.items()}
            try:
                layers.load_state_dict(said)
            except RuntimeError as error:
                raise ModelError(
                    "the tuned layers do not fit the encoder",
                    got=str(error).splitlines()[0],
                    remedy="Train the model again.",
                ) from error
        return layers.to(self.device)

    def vectors(self, layers: Any, hidden: Any, lengths: Sequence[int]) -> Any:
        """Return the unit vectors, a float32 tensor (b, d), of what `lower` returned."""
        import torch

        n = torch.as_tensor(lengths, device=hidden.device)
        mask = (torch.arange(hidden.shape[1], device=hidden.device)[None, :] < n[:, None]).long()
        found = {
            "token_embeddings": _through(layers, hidden, mask).float(),
            "attention_mask": mask,
        }
        for module in self._after:
            found = module(found)
        return torch.nn.functional.normalize(found["sentence_embedding"].float(), dim=1)

    def check(self) -> None:
        """Hold vectors made by the two parts against those of the whole.

        Raises
        ------
        ValueError
            If they differ: the encoder is not built of such layers alone.
        """
        import torch

        ids = self.tokens.tokenise(["Ships WAIT.", "Нет пути назад, said the émigré."])
        length = max(map(len, ids))
        layers = self.upper().to(self.dtype)
        with torch.no_grad():
            found = self.vectors(layers, self.lower(ids, length), [len(one) for one in ids])
        whole = normalise(self.tokens.forward(ids, length, ["", ""]))
        if ((found.cpu().numpy() * whole).sum(axis=1) < 1 - _ALIKE).any():
            raise ValueError("its vectors are not those of its layers")


def open_network(encoder: Encoder, *, n_upper: int, device: str | None = None) -> Network:
    """Open the network behind an encoder, to tune its last `n_upper` layers.

    Raises
    ------
    EncoderError
        If it has no layers that torch can open, or not so many.
    """
    if not isinstance(encoder, SentenceEncoder):
        raise _untunable(encoder, "no transformer")
    backend = load_torch_backend(encoder.info, device=device, precision=FP32)
    try:
        network = Network(encoder.info, backend, n_upper)
        network.check()
    except _FAULTS as error:
        raise _untunable(encoder, str(error)) from error
    return network


def _through(layers: Any, hidden: Any, mask: Any) -> Any:
    read = mask.bool()[:, None, None, :]
    for layer in layers:
        found = layer(hidden, read)
        hidden = found[0] if isinstance(found, tuple) else found
    return hidden


def _untunable(encoder: Encoder, reason: str) -> EncoderError:
    return EncoderError(
        "the encoder cannot be tuned: it is not built of BERT's layers",
        where=encoder.name,
        got=reason,
        remedy='Leave "tuned" out of the features under [heads], or name another encoder in '
        "narraframe.toml.",
    )
