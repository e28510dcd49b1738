"""The encoder that something was made with, in the precision that it was made in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from narraframe.config import EncoderSettings
from narraframe.embeddings.encoder import BF16, FP32, INT8, Encoder, precision_of
from narraframe.errors import PrecisionError


@dataclass(frozen=True)
class Opened:
    """An encoder, and what is to be said of its precision ("" = nothing)."""

    encoder: Encoder
    warning: str = ""


def open_precisely(
    load: Callable[..., Encoder], source: str, wanted: str, *, settings: EncoderSettings
) -> Opened:
    """Let `load` load the encoder `source`, in the precision of the identity `wanted`.

    A precision that the settings name goes first where it may stand in for that of `wanted`; where
    the hardware has no bf16, fp32 does.

    Raises
    ------
    EncoderError
        If the encoder is not to be found, or is wanted in int8 and cannot run so here.
    """
    device, backend = settings.device or None, settings.backend
    precision = precision_of(wanted)
    if settings.precision != "auto" and INT8 not in (precision, settings.precision):
        precision = settings.precision
    try:
        found = load(source, device=device, backend=backend, precision=precision)
    except PrecisionError as error:
        if precision != BF16:
            raise
        found = load(source, device=device, backend=backend, precision=FP32)
        return Opened(found, f"{error.what}: vectors are made in fp32, which takes longer")
    return Opened(found)
