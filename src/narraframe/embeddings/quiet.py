"""Keep the model libraries off the terminal while they are at work."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator

_LIBRARIES = ("huggingface_hub", "sentence_transformers", "transformers")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and progress bars of the model libraries; restore them at the end.

    Import those libraries before: they set their own log levels when they are imported.
    """
    loggers = [logging.getLogger(library) for library in _LIBRARIES]
    levels = [logger.level for logger in loggers]
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_without_bars())
        for logger, level in zip(loggers, levels, strict=True):
            stack.callback(logger.setLevel, level)
            logger.setLevel(logging.ERROR)
        yield


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    with contextlib.ExitStack() as stack:
        if not are_progress_bars_disabled():
            stack.callback(enable_progress_bars)
            disable_progress_bars()
        if "transformers" in sys.modules:  # its bars have a switch of their own
            from transformers.utils import logging as bars

            if bars.is_progress_bar_enabled():
                stack.callback(bars.enable_progress_bar)
                bars.disable_progress_bar()
        yield
