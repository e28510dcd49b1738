"""Which runtime runs an encoder: OpenVINO on x86 processors, torch elsewhere and on a GPU."""

from __future__ import annotations

import ctypes
import sys

from narraframe.embeddings.converted import NotConvertibleError
from narraframe.embeddings.encoder import INT8
from narraframe.embeddings.openvino_backend import OpenVinoBackend, load_openvino_backend
from narraframe.embeddings.runtime import has_openvino
from narraframe.embeddings.torch_backend import TorchBackend, load_torch_backend
from narraframe.embeddings.weights import EncoderInfo
from narraframe.errors import EncoderError, PrecisionError


def open_backend(
    info: EncoderInfo, *, device: str | None, backend: str, precision: str
) -> OpenVinoBackend | TorchBackend:
    """Load the network of `info`; parameters and errors as `load_encoder`."""
    asked = backend == "openvino"
    if asked and not has_openvino():
        raise EncoderError(
            "OpenVINO is not on this machine",
            remedy='Write backend = "auto" under [encoder] in narraframe.toml.',
        )
    if asked and device not in (None, "cpu"):
        raise EncoderError(
            "OpenVINO runs encoders on the CPU only",
            got=device,
            remedy='Write backend = "torch" under [encoder] in narraframe.toml, or no device.',
        )
    # int8 is OpenVINO's: asked for, it goes before a GPU
    on_cpu = device == "cpu" or (device is None and (precision == INT8 or not has_gpu()))
    if asked or (backend == "auto" and has_openvino() and on_cpu):
        try:
            return load_openvino_backend(info, precision=precision)
        except NotConvertibleError as refusal:
            if asked or precision == INT8:
                raise EncoderError(
                    f"OpenVINO cannot run this encoder: {refusal}",
                    where=info.path,
                    remedy='Write backend = "auto" and precision = "auto" under [encoder].',
                ) from refusal
    if precision == INT8:
        raise PrecisionError(
            "int8 is for OpenVINO on an x86 processor",
            got=device,
            remedy='Write precision = "auto" under [encoder] in narraframe.toml.',
        )
    return load_torch_backend(info, device=device, precision=precision)


def has_gpu() -> bool:
    """Tell whether there is a GPU for torch to choose, without importing torch to see none."""
    if not _has_nvidia():
        return False
    import torch

    return bool(torch.cuda.is_available())


def _has_nvidia() -> bool:
    """Ask the driver itself, as torch takes seconds to say that there is none."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return (
            driver.cuInit(0) == 0
            and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
            and (count.value > 0)
        )
    except (OSError, AttributeError):
        return False
