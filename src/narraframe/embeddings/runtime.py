"""OpenVINO as this project uses it: silent, and told nothing to anybody."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import sys
from typing import Any

from narraframe.embeddings.encoder import BF16, FP32

_X86 = {"x86_64", "amd64"}


def openvino() -> Any:
    """Import OpenVINO without its telemetry, which is on by default.

    It asks for the package openvino_telemetry by name, and goes on where there is none.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    sender = sys.modules.get("openvino_telemetry.utils.sender")
    if sender is not None:  # somebody imported it before
        sender.TelemetrySender.send = lambda *_args, **_kwargs: None
    return openvino


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed, on a processor that it was made for."""
    return platform.machine().lower() in _X86 and importlib.util.find_spec("openvino") is not None


@functools.cache
def core() -> Any:
    """Return the one runtime of this process."""
    return openvino().Core()


def best_precision() -> str:
    """Return bf16 where this processor has it, else fp32."""
    return BF16 if "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else FP32


def threads() -> dict[str, int]:
    """Return the setting that keeps OpenVINO to OMP_NUM_THREADS, which it does not read itself.

    Engines that run one worker a core set it for each of them.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return {"INFERENCE_NUM_THREADS": int(asked)} if asked.isdecimal() and int(asked) else {}
