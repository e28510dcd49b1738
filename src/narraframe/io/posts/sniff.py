"""Recognise the format of posts by the first bytes, never by the name of the file."""

from __future__ import annotations

import re

from narraframe.errors import InputError
from narraframe.io.posts.columns import USUAL, Columns
from narraframe.io.posts.delimited import find_delimiter
from narraframe.io.posts.json_stream import JsonBrokenError, JsonCursor, JsonFaultError

_UTF8_MARK = b"\xef\xbb\xbf"
_UNPACK = "Unpack it first."
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "Unpack it, or save the sheet as CSV."),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", _UNPACK),
    b"\xfd7zXZ\x00": ("xz-compressed", _UNPACK),
    b"BZh": ("bzip2-compressed", _UNPACK),
    b"%PDF-": ("a PDF", "Export the posts as JSON or CSV."),
    b"SQLite format 3\x00": ("an SQLite database", "Export the posts as CSV."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8."),
}
_HTML = re.compile(rb"<(!doctype|html|head|body|\?xml)", re.IGNORECASE)
_UNTEXTLIKE = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\udc80-\udcff]")
_MOST_UNTEXTLIKE = 0.1


def sniff(head: bytes, *, whole: bool, where: str, columns: Columns = USUAL) -> str:
    """Return the format of the input that begins with `head`.

    Parameters
    ----------
    head : bytes
        The beginning, unpacked; 64 KiB or more where there is as much.
    whole : bool
        Whether `head` is all there is.
    where : str
        The input, for messages.
    columns : Columns
        The columns that the user named: they help to recognise a table.

    Returns
    -------
    {"telegram", "jsonl", "csv", "parquet", "page"}

    Raises
    ------
    InputError
        If it is empty, or none of these.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    for mark, (kind, remedy) in _FOREIGN.items():
        if head.startswith(mark):
            raise InputError(f"is {kind}, which is not read", where=where, remedy=remedy)
    text = head.removeprefix(_UTF8_MARK).lstrip()
    if not text:
        raise InputError("is empty", where=where, remedy="Check the export that should fill it.")
    _require_text(head, where=where)
    if _HTML.match(text):
        raise InputError(
            "is an HTML or XML page, which is not read",
            where=where,
            remedy='Export as JSON (in Telegram Desktop: "Machine-readable JSON").',
        )
    if text.startswith(b"{"):
        return "telegram" if is_telegram_export(text) else "jsonl"
    if re.match(rb"\[\s*([{\]]|$)", text):
        return "jsonl"
    return "csv" if find_delimiter(head, whole=whole, columns=columns) else "page"


def is_telegram_export(head: bytes) -> bool:
    """Tell whether a JSON object begins as a chat, or a list of chats, of Telegram Desktop."""
    cursor = JsonCursor([head])
    try:
        for key in cursor.keys():  # noqa: SIM118 - no mapping: it moves the cursor
            opening = cursor.peek()
            if (key, opening) in {("messages", "["), ("chats", "{"), ("left_chats", "{")}:
                return not _is_repeated(head)
            cursor.value()
    except (JsonBrokenError, JsonFaultError):
        # Only a full export has so much before its chats.
        return b'"personal_information"' in head or b'"frequent_contacts"' in head
    return False


def _is_repeated(head: bytes) -> bool:
    """Tell whether a second object follows on the second line: then each line is a record."""
    first, _, rest = head.partition(b"\n")
    cursor = JsonCursor([first])
    try:
        cursor.value()
    except (JsonBrokenError, JsonFaultError):
        return False
    return rest.lstrip().startswith(b"{")


def _require_text(head: bytes, *, where: str) -> None:
    text = head.decode("utf-8", "surrogateescape")
    if len(_UNTEXTLIKE.findall(text)) > _MOST_UNTEXTLIKE * len(text):
        raise InputError(
            "is neither UTF-8 text nor a format that is read",
            where=where,
            got=head[:16],
            remedy="If it is text in another encoding, convert it: iconv -f CP1251 -t UTF-8.",
        )
