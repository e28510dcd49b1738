"""Networks in int8: their ranges are taken from the posts of the bundled sample."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from narraframe.embeddings.runtime import openvino
from narraframe.errors import PrecisionError

if TYPE_CHECKING:
    from narraframe.embeddings.converted import Converted

_POSTS = 64  # spread over all channels of the sample
_TOKENS = 128  # of each; more of either takes longer and brings vectors no nearer to fp32


def quantised(whole: Converted, max_tokens: int) -> Any:
    """Return the network of `whole` in int8; the same one for the same network.

    Raises
    ------
    PrecisionError
        If nncf, which does it, is not installed.
    """
    openvino()
    try:
        import nncf
    except ImportError as error:
        raise PrecisionError(
            "int8 needs nncf, which is not installed",
            remedy="Install it by: pip install 'narraframe[int8]'.",
        ) from error
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(whole.tokenizer)
    tokenizer.enable_truncation(min(max_tokens, _TOKENS))
    nncf.set_log_level("ERROR")
    texts = list(sample_texts())
    chosen = texts[:: -(-len(texts) // _POSTS)]
    rows = [tokenizer.encode(whole.prompt + text).ids for text in chosen]
    items = [[np.array([row]), np.ones((1, len(row)), dtype=np.int64)] for row in rows]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return nncf.quantize(
            whole.network,
            nncf.Dataset(items),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(items),
        )


def sample_texts() -> Iterator[str]:
    """Yield the texts of the bundled sample's posts, in its order."""
    source = resources.files("narraframe.sample").joinpath("result.json")
    for chat in json.loads(source.read_text("utf-8"))["chats"]["list"]:
        for message in chat["messages"]:
            parts = message.get("text", "")
            pieces = [parts] if isinstance(parts, str) else parts
            text = "".join(p if isinstance(p, str) else p["text"] for p in pieces)
            if text.strip():
                yield text
