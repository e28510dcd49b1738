r"""A JSON text read value by value as it arrives, so that a large export needs little memory.

Why no general streaming parser: those stop for good at the first fault. Here a value that is
complete but invalid (Telegram Desktop writes control characters as ``\xNN``, and at times bare
words) is mended or given up alone, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

MAX_VALUE_CHARS = 64 * 1024 * 1024

_decode = json.JSONDecoder(strict=False).raw_decode
_BLANK = re.compile(r"[ \t\r\n]*+")
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]"]', re.DOTALL)
_BARE = re.compile(r'[^ \t\r\n,:{}\[\]"]*+')
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)
_UNDECODED = re.compile("[\udc80-\udcff]")


class JsonFaultError(Exception):
    """A value that is complete but invalid: reading can go on behind it."""


class JsonBrokenError(Exception):
    """The text breaks off or its structure is lost: nothing more can be read."""


def decode_json(text: str) -> object:
    r"""Return the value of a complete JSON text, reading ``\xNN`` as ``\u00NN``.

    Raises
    ------
    JsonFaultError
        If it is invalid otherwise.
    """
    try:
        return _whole(text)
    except (ValueError, RecursionError) as error:
        mended = _ESCAPE.sub(_mend, text)
        if mended == text:
            raise JsonFaultError(_fault(error)) from error
    try:
        return _whole(mended)
    except (ValueError, RecursionError) as error:
        raise JsonFaultError(_fault(error)) from error


def _whole(text: str) -> object:
    value, end = _decode(text, _blank_end(text, 0))
    if (more := _blank_end(text, end)) < len(text):
        raise ValueError(f"more text follows the value at character {more + 1}")
    return value


def _blank_end(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _mend(escape: re.Match[str]) -> str:
    return f"\\u00{escape[1]}" if escape[1] else escape[0]


def _fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "invalid JSON: nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"invalid JSON: {error.msg} at character {error.pos + 1}"
    return f"invalid JSON: {error}"


class JsonCursor:
    """A place in a JSON text; it moves forward only. Sequences must be read to their end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        self._bytes = 0
        self._ended = False
        self._undecoded = False

    @property
    def offset(self) -> int:
        """The place in bytes from the start of the (unpacked) input."""
        ahead = self._text[self._at :].encode("utf-8", "surrogateescape")
        return self._bytes - len(ahead) - len(self._decoder.getstate()[0])

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end."""
        while True:
            self._at = _blank_end(self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def value(self) -> object:
        """Return the next value and step behind it.

        Raises
        ------
        JsonFaultError
            If it is invalid; the cursor is behind it all the same.
        JsonBrokenError
            If the text ends within it, or it is larger than MAX_VALUE_CHARS.
        """
        opening = self.peek()
        if opening in ("", ",", ":", "}", "]"):
            self._break("a value is missing")
        try:
            value, end = _decode(self._text, self._at)
        except (ValueError, RecursionError):
            end = -1
        # A number may go on behind the text at hand: 12 as 12.5.
        if end < 0 or self._undecoded or opening not in '"{[':
            return decode_json(self._raw())
        self._at = end
        return value

    def keys(self) -> Iterator[str]:
        """Step through an object: after each key that is yielded, read its value."""
        self._expect("{")
        if self._take("}"):
            return
        while True:
            try:
                key = self.value()
            except JsonFaultError:
                key = ""  # its value is passed over like that of any unknown key
            if not isinstance(key, str):
                self._break("a key is no text")
            self._expect(":")
            yield key
            if not self._take(","):
                self._expect("}")
                return

    def elements(self) -> Iterator[None]:
        """Step through an array: after each yield, read one element."""
        self._expect("[")
        if self._take("]"):
            return
        while True:
            yield None
            if not self._take(","):
                self._expect("]")
                return

    def _take(self, char: str) -> bool:
        if self.peek() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        if not self._take(char):
            self._break(f"{char!r} is missing" if self.peek() else "the text ends")

    def _raw(self) -> str:
        length = self._length()
        raw = self._text[self._at : self._at + length]
        self._at += length
        if self._undecoded and _UNDECODED.search(raw):
            raise JsonFaultError("not valid UTF-8")
        return raw

    def _length(self) -> int:
        """Return the length of the value at the cursor, reading on until all of it is there."""
        if self._text[self._at] not in '"{[':
            return self._bare_length()
        depth = length = 0
        while True:
            token = _TOKEN.search(self._text, self._at + length)
            if token is None or token[0] == '"':  # a string without its end
                length = (token.start() if token else len(self._text)) - self._at
                if not self._fill():
                    self._break("the text ends within the value that starts")
                continue
            length = token.end() - self._at
            depth += (token[0] in "{[") - (token[0] in "}]")
            if depth == 0:
                return length

    def _bare_length(self) -> int:
        while True:
            match = _BARE.match(self._text, self._at)
            end = match.end() if match else self._at
            if end < len(self._text) or not self._fill():
                return end - self._at

    def _fill(self) -> bool:
        """Read on, at least as much again as is held: so that the work stays linear."""
        held = self._text[self._at :]
        if len(held) > MAX_VALUE_CHARS:
            self._break(f"a value is larger than {MAX_VALUE_CHARS:,} characters")
        pieces = [held]
        more = 0
        while more <= len(held) and not self._ended:
            chunk = next(self._chunks, b"")
            piece = self._decoder.decode(chunk, final=not chunk)
            if self._bytes == 0:
                piece = piece.removeprefix("\ufeff")
            self._bytes += len(chunk)
            self._ended = not chunk
            self._undecoded = self._undecoded or _UNDECODED.search(piece) is not None
            pieces.append(piece)
            more += len(piece)
        self._text, self._at = "".join(pieces), 0
        return more > 0

    def _break(self, what: str) -> NoReturn:
        raise JsonBrokenError(f"{what} at byte {self.offset:,}")
