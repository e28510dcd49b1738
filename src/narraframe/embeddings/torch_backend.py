"""Run an encoder's network with sentence-transformers and torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.quiet import quiet
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import EncoderError

_BATCH_TOKENS = {"cpu": 4_096}
_BATCH_TOKENS_ELSEWHERE = 65_536
# What damaged files (first four) and absent devices (last two) raise, besides SafetensorError.
_LOAD_FAULTS = (OSError, ValueError, KeyError, TypeError, RuntimeError, AssertionError)


class TorchBackend:
    """A loaded network, in float32; see `narraframe.embeddings.sentence.Backend`."""

    def __init__(self, info: EncoderInfo, model: Any) -> None:
        self._model = model
        self._model.max_seq_length = info.max_tokens
        self._prompt = model.prompts.get(model.default_prompt_name) or ""
        self._tokenizer = _uncut_tokenizer(info, model)
        self.batch_tokens = _BATCH_TOKENS.get(model.device.type, _BATCH_TOKENS_ELSEWHERE)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special tokens and the encoder's own prompt counted."""
        encodings = self._tokenizer.encode_batch_fast([self._prompt + text for text in texts])
        return [len(encoding.ids) for encoding in encodings]

    def forward(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of one batch, float32 of shape (b, d)."""
        vectors: NDArray[np.float32] = self._model.encode(
            list(texts), batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True
        )
        return vectors


def load_torch_backend(info: EncoderInfo, *, device: str | None = None) -> TorchBackend:
    """Load the weights that `info` points to.

    Parameters
    ----------
    info : EncoderInfo
    device : str, default=None
        "cpu", "cuda" and so on; None takes the best there is.

    Raises
    ------
    EncoderError
        If the files cannot be loaded, do not fit what `info` says, or the device is not there.
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
        return TorchBackend(info, model)


def _uncut_tokenizer(info: EncoderInfo, model: Any) -> Any:
    """A copy of the encoder's tokenizer that neither cuts nor pads, for counting."""
    from tokenizers import Tokenizer

    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise _unloadable(info, "no fast tokenizer")
    tokenizer = Tokenizer.from_str(fast.to_str())
    if tokenizer.get_vocab_size() <= len(tokenizer.get_added_tokens_decoder()):
        # transformers makes an empty one where the files are missing, and every text looks alike
        raise _unloadable(info, "its tokenizer knows no words")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unloadable(info: EncoderInfo, reason: object) -> EncoderError:
    return EncoderError(
        "the encoder cannot be loaded",
        where=info.path,
        got=str(reason),
        remedy="Copy or install it again; if a device was asked for, try the CPU.",
    )
