"""The network of an encoder as OpenVINO reads it, converted once and kept on this machine.

The folder of a converted encoder holds the network, the tokenizer as transformers had set it up,
and their sha256: with it an encoder runs without torch. It is written beside its place and
renamed, so it is there whole or not at all; one that is damaged is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

from narraframe.embeddings.calibration import quantised
from narraframe.embeddings.encoder import FP32, INT8
from narraframe.embeddings.runtime import core, openvino
from narraframe.embeddings.weights import EncoderInfo

# Where converted encoders are kept, instead of the user's cache folder.
CACHE_VARIABLE = "NARRAFRAME_CACHE"
# To be raised when what is kept comes to be made in another way.
_FORMATS = {FP32: 1, INT8: 2}
_ABOUT, _NETWORK, _WEIGHTS, _TOKENIZER = (
    "about.json",
    "network.xml",
    "network.bin",
    "tokenizer.json",
)


class NotConvertibleError(Exception):
    """OpenVINO cannot take the place of torch for this encoder."""


@dataclass(frozen=True)
class Converted:
    """A converted encoder: the `network` of OpenVINO and the `tokenizer` as JSON.

    `padding` is the id that fills a row; `inputs` are the names of what the network reads.
    """

    network: Any
    tokenizer: str
    prompt: str
    padding: int


def cache_folder() -> Path:
    """Return the folder of converted encoders, by the habits of the platform."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("narraframe")


def converted(info: EncoderInfo, precision: str) -> Converted:
    """Return the network of `info` for OpenVINO, from the cache or converted now.

    Parameters
    ----------
    info : EncoderInfo
    precision : str
        "int8" for quantised weights; bf16 and fp32 share a network.

    Raises
    ------
    NotConvertibleError
        If the encoder does more than OpenVINO can be shown to do as well.
    EncoderError
        If the weights cannot be loaded.
    """
    kind = INT8 if precision == INT8 else FP32
    version = metadata.version("openvino")
    folder = cache_folder() / "encoders" / f"{info.revision}-{kind}-{version}-{_FORMATS[kind]}"
    found = _read(folder)
    if found is None:
        make = _convert if kind == FP32 else _quantise
        _keep(folder, lambda place: make(info, place))
        found = _read(folder)
    if found is None:
        raise NotConvertibleError("what was converted cannot be read again")
    return found


def _read(folder: Path) -> Converted | None:
    """Read a converted encoder; None if there is none, or it is not what was written."""
    try:
        about = json.loads((folder / _ABOUT).read_text("utf-8"))
        if "refused" in about:
            raise NotConvertibleError(about["refused"])
        for name, digest in about["sha256"].items():
            if _digest(folder / name) != digest:
                return None
        return Converted(
            network=core().read_model(folder / _NETWORK),
            tokenizer=(folder / _TOKENIZER).read_text("utf-8"),
            prompt=about["prompt"],
            padding=about["padding"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return None


def _keep(folder: Path, make: Callable[[Path], None]) -> None:
    """Let `make` fill a folder beside `folder`, and put it there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        make(place)
        for _ in range(2):
            try:
                place.rename(folder)
                break
            except OSError:  # a damaged one is in the way, or another process was faster
                with contextlib.suppress(NotConvertibleError):
                    if _read(folder) is not None:
                        break
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _convert(info: EncoderInfo, place: Path) -> None:
    """Trace the whole encoder, pooling and all, and hold it against the original."""
    from narraframe.embeddings.traced import trace

    try:
        traced = trace(info)
    except NotConvertibleError as refusal:
        (place / _ABOUT).write_text(json.dumps({"refused": str(refusal)}), "utf-8")
        return
    (place / _TOKENIZER).write_text(traced.tokenizer, "utf-8")
    _write(place, traced.network, prompt=traced.prompt, padding=traced.padding)


def _quantise(info: EncoderInfo, place: Path) -> None:
    whole = converted(info, FP32)
    (place / _TOKENIZER).write_text(whole.tokenizer, "utf-8")
    _write(place, quantised(whole, info.max_tokens), prompt=whole.prompt, padding=whole.padding)


def _write(place: Path, network: Any, *, prompt: str, padding: int) -> None:
    openvino().save_model(network, place / _NETWORK, compress_to_fp16=False)
    digests = {name: _digest(place / name) for name in (_NETWORK, _WEIGHTS, _TOKENIZER)}
    about = {"prompt": prompt, "padding": padding, "sha256": digests}
    (place / _ABOUT).write_text(json.dumps(about), "utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
