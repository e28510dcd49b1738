"""From texts to token ids with the Rust tokenizers, and from ids to the rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def plain_tokenizer(description: str) -> Any:
    """Return the tokenizer of a tokenizer.json, set neither to cut nor to pad."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(description)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_ids(tokenizer: Any, prompt: str, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of each text behind `prompt`, special tokens in.

    What is no valid Unicode, such as half of a surrogate pair, is read as an unknown character.
    """
    said = [(prompt + text).encode("utf-8", "replace").decode("utf-8") for text in texts]
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(said)]


def filled(
    ids: Sequence[Sequence[int]], length: int, padding: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids as rows of `length`, filled with `padding`, and the mask of what is real."""
    tokens = np.full((len(ids), length), padding, dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, known in enumerate(ids):
        tokens[row, : len(known)] = known
        mask[row, : len(known)] = 1
    return tokens, mask
