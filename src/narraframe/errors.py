"""The errors a user can cause: each says what is wrong, where, what was got, and the remedy."""

from __future__ import annotations


class NarraframeError(Exception):
    """A fault that the user, or the user's data, can mend; shown as one line, never as a traceback.

    Parameters
    ----------
    what : str
        What is wrong, as a clause without a final stop.
    where : str, default=None
        File (and line or record), option or object at fault.
    got : object, default=None
        The offending value; shown by its ``repr``, cut at 80 characters.
    remedy : str, default=None
        What to do about it, as a sentence.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, where: object = None, got: object = None, remedy: str | None = None
    ) -> None:
        self.what, self.where, self.got, self.remedy = what, where, got, remedy
        shown = repr(got)
        message = f"{where}: {what}" if where is not None else what
        if got is not None:
            message += f" (got {shown if len(shown) <= 80 else shown[:77] + '...'})"
        stop = "" if message.endswith((".", "?", "!")) else "."
        super().__init__(f"{message}{stop} {remedy}" if remedy else message)


class UsageError(NarraframeError):
    """The command line itself is wrong: an option, or a path that cannot be used so."""

    exit_code = 2


class InputError(NarraframeError):
    """An input cannot be read as posts, or holds none that can be used."""


class OutputError(NarraframeError):
    """An output cannot be written: it exists already, the folder is read-only, the disk is full."""


class TableError(NarraframeError):
    """A stored table lacks a column, has the wrong type, or does not fit another table."""


class ConfigError(NarraframeError):
    """A configuration or experiment file has unknown keys or values; all faults are listed."""


class CodebookError(NarraframeError):
    """A codebook contradicts itself, or annotations contradict the codebook."""


class EncoderError(NarraframeError):
    """The encoder is not to be found, damaged, or not the one that is needed."""


class PrecisionError(EncoderError):
    """The arithmetic that was asked for is not there, on this machine or for this encoder."""


class ServerError(NarraframeError):
    """Label Studio is down, refuses the token, or lost what it held; or a cluster is not there."""


class ModelError(NarraframeError):
    """A trained model is missing, damaged, or does not fit the encoder or codebook at hand."""


class TrainingError(NarraframeError):
    """The data at hand do not carry a model: too few posts, no positives, one group only."""


class TooFewError(TrainingError):
    """The labelled posts are too few, or too one-sided, for a label to be learnt or measured."""
