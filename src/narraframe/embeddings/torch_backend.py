"""Run an encoder's network with sentence-transformers and torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.encoder import BF16, FP32
from narraframe.embeddings.pool import normalise
from narraframe.embeddings.quiet import quiet
from narraframe.embeddings.tokens import filled, plain_tokenizer, token_ids
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import EncoderError, PrecisionError

_BATCH_TOKENS = {"cpu": 2_048}
_BATCH_TOKENS_ELSEWHERE = 65_536
_ALIKE = 1e-3  # cosine distance that no arithmetic explains
# What damaged files (first four) and absent devices (last two) raise, besides SafetensorError.
_LOAD_FAULTS = (OSError, ValueError, KeyError, TypeError, RuntimeError, AssertionError)


class TorchBackend:
    """A loaded network; see `narraframe.embeddings.encoding.Backend`.

    `takes_ids` is False for an encoder that makes more of a text than its tokens: then each text
    goes through sentence-transformers by itself.
    """

    fixed_rows = True

    def __init__(self, info: EncoderInfo, model: Any, precision: str) -> None:
        self.model = model
        self.model.max_seq_length = info.max_tokens
        self.precision = precision
        self.prompt = model.prompts.get(model.default_prompt_name) or ""
        self.tokenizer = _uncut_tokenizer(info, model)
        self.padding = int(model.tokenizer.pad_token_id or 0)
        self.batch_tokens = _BATCH_TOKENS.get(model.device.type, _BATCH_TOKENS_ELSEWHERE)
        self.takes_ids = self._takes_ids()

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, uncut, with special tokens and the encoder's own prompt."""
        return token_ids(self.tokenizer, self.prompt, texts)

    def forward(
        self, ids: Sequence[Sequence[int]], length: int, texts: Sequence[str]
    ) -> NDArray[np.float32]:
        """Return the vectors of one batch, float32 of shape (b, d)."""
        if not self.takes_ids:
            return np.concatenate([self._encode([text]) for text in texts])
        return self._forward(ids, length)

    def _forward(self, ids: Sequence[Sequence[int]], length: int) -> NDArray[np.float32]:
        import torch

        tokens, mask = (torch.from_numpy(part) for part in filled(ids, length, self.padding))
        features = {"input_ids": tokens, "attention_mask": mask}
        if "token_type_ids" in self.model.tokenizer.model_input_names:
            features["token_type_ids"] = torch.zeros_like(tokens)
        with torch.inference_mode():
            on_device = {name: part.to(self.model.device) for name, part in features.items()}
            found = self.model(on_device)["sentence_embedding"]
        vectors: NDArray[np.float32] = found.float().cpu().numpy()
        return vectors

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = self.model.encode(texts, show_progress_bar=False, convert_to_tensor=True)
        found: NDArray[np.float32] = vectors.float().cpu().numpy()
        return found

    def _takes_ids(self) -> bool:
        """Hold vectors made from the ids alone against sentence-transformers' own."""
        texts = ["Ships WAIT.", "  Нет пути назад, said the émigré.  "]
        ids = self.tokenise(texts)
        try:
            found = self._forward(ids, max(map(len, ids)))
        except Exception:  # noqa: BLE001 - whatever the encoder misses
            return False
        cosine = (normalise(found) * normalise(self._encode(texts))).sum(axis=1)
        return bool((cosine > 1 - _ALIKE).all())


def load_torch_backend(
    info: EncoderInfo, *, device: str | None = None, precision: str = "auto"
) -> TorchBackend:
    """Load the weights that `info` points to.

    Parameters
    ----------
    info : EncoderInfo
    device : str, default=None
        "cpu", "cuda" and so on; None takes the best there is.
    precision : str, default="auto"
        "fp32", "bf16", or "auto": bf16 where the device has it.

    Raises
    ------
    EncoderError
        If the files cannot be loaded, do not fit what `info` says, or the device is not there.
    PrecisionError
        If the device does not have the precision.
    """
    import sentence_transformers
    import torch
    from safetensors import SafetensorError

    with quiet():
        try:
            model = sentence_transformers.SentenceTransformer(
                str(info.path),
                device=device,
                local_files_only=True,
                model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            )
        except _LOAD_FAULTS as error:
            raise _unloadable(info, error) from error
        except SafetensorError as error:
            raise _unloadable(info, error) from error
        if model.get_embedding_dimension() != info.dimension:
            raise _unloadable(info, f"{model.get_embedding_dimension()} dimensions")
        able = has_bf16(model.device.type)
        chosen = (BF16 if able else FP32) if precision == "auto" else precision
        if chosen not in (FP32, BF16) or (chosen == BF16 and not able):
            raise PrecisionError(
                f"torch has no {chosen} for encoders on this machine's {model.device.type}",
                remedy='Write precision = "auto" under [encoder] in narraframe.toml.',
            )
        if chosen == BF16:
            model = model.to(torch.bfloat16)
        return TorchBackend(info, model, chosen)


def has_bf16(device: str) -> bool:
    """Tell whether the device itself computes in bf16; elsewhere it is slower than fp32."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def _uncut_tokenizer(info: EncoderInfo, model: Any) -> Any:
    """A copy of the encoder's tokenizer that neither cuts nor pads."""
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise _unloadable(info, "no fast tokenizer")
    tokenizer = plain_tokenizer(fast.to_str())
    if tokenizer.get_vocab_size() <= len(tokenizer.get_added_tokens_decoder()):
        # transformers makes an empty one where the files are missing, and every text looks alike
        raise _unloadable(info, "its tokenizer knows no words")
    return tokenizer


def _unloadable(info: EncoderInfo, reason: object) -> EncoderError:
    return EncoderError(
        "the encoder cannot be loaded",
        where=info.path,
        got=str(reason),
        remedy="Copy or install it again; if a device was asked for, try the CPU.",
    )
