"""Reading single values of a record: names, runs of text, labels, reactions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

import regex

_EMOJI = (
    r"(?:(?![\u00a9\u00ae\u2122])\p{Extended_Pictographic}"
    r"(?:\p{EMod}|\ufe0f|\u200d\p{Extended_Pictographic})*|\p{RI}{2})"
)
_REPEATED = regex.compile(rf"(?:{_EMOJI})+")
_ONE = regex.compile(_EMOJI)
_PAIR = regex.compile(rf"({_EMOJI})\s*([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?)([KM]?)\s*")
_PAIRS = regex.compile(rf"\s*(?:{_PAIR.pattern})+")
_TIMES = {"": 1, "K": 1_000, "M": 1_000_000}


def is_missing(value: object) -> bool:
    """Tell whether a cell says nothing: null, empty, or the not-a-number of data frames."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def as_name(value: object) -> str | None:
    """Return a value as one name or id; of an object, its title, name or id; None if it has none.

    Whole floats lose their ``.0``: data frames turn a column of ids with a gap into floats.
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        names = (as_name(value.get(key)) for key in ("title", "name", "username", "id"))
        return next((name for name in names if name), None)
    return None


def joined_text(value: object) -> str | None:
    """Return a text given whole, or as a list of strings and ``{type, text}`` runs; else None."""
    if is_missing(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return as_name(value)
    if isinstance(value, Mapping):
        return joined_text(value["text"]) if "text" in value else None
    if isinstance(value, list):
        parts = [joined_text(part) for part in value]
        return None if None in parts else "".join(part for part in parts if part)
    return None


def parse_names(value: object) -> tuple[str, ...] | None:
    """Return labels or hashtags: None where nothing is said, () where it is said that none applies.

    Parameters
    ----------
    value : object
        A list of strings or numbers, the same as JSON text, or names parted by ``;`` or ``|``.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if is_missing(value):
        return None
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            return parse_names(json.loads(value))
        value = value.replace("|", ";").split(";")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list | tuple):
        raise ValueError("not a list of names")
    names = [as_name(part) for part in value]
    if any(name is None and part != "" for name, part in zip(names, value, strict=True)):
        raise ValueError("a name in the list is no text")
    return tuple(dict.fromkeys(name for name in names if name))


def parse_reactions(value: object) -> dict[str, int] | None:
    """Return how often each reaction was given; None where nothing is said.

    Parameters
    ----------
    value : object
        A mapping from emoji to count, a list of ``{emoji, count}`` objects as Telegram, Telethon
        or Pyrogram write them, (emoji, count) pairs, any of these as JSON text, emoji with numbers
        ("👍8❤3"), or the emoji repeated (4CAT). Custom emoji become "custom:<id>", stars "paid".

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        return parse_reactions(json.loads(text)) if text[:1] in ("{", "[") else _from_text(text)
    if isinstance(value, Mapping):
        for key in ("results", "reactions"):
            if isinstance(value.get(key), list):
                return parse_reactions(value[key])
        return _counted(value.items())
    if isinstance(value, list):
        return _counted(_pair(one) for one in value)
    raise ValueError("not reactions")


def reaction_pairs(line: str) -> dict[str, int] | None:
    """Return the reactions of a line that holds nothing but (emoji, number) pairs, else None."""
    if _PAIRS.fullmatch(line) is None:
        return None
    return _counted(
        (emoji, round(float(number) * _TIMES[unit])) for emoji, number, unit in _PAIR.findall(line)
    )


def _from_text(text: str) -> dict[str, int]:
    pairs = reaction_pairs(text)
    if pairs is not None:
        return pairs
    if _REPEATED.fullmatch(text) is None:
        raise ValueError("not emoji")
    return _counted((emoji, 1) for emoji in _ONE.findall(text))


def _pair(one: object) -> tuple[object, object]:
    if isinstance(one, tuple | list) and len(one) == 2:
        return one[0], one[1]
    if not isinstance(one, Mapping):
        raise ValueError("not a reaction")
    inner = one.get("reaction")
    kind = inner if isinstance(inner, Mapping) else one
    name = kind.get("emoji") or kind.get("emoticon") or inner
    number = kind.get("document_id") or kind.get("custom_emoji_id")
    if number:
        name = f"custom:{number}"
    elif "paid" in f"{kind.get('type')} {kind.get('_')}".lower():
        name = "paid"
    return name, one.get("count", 1)


def _counted(pairs: Iterable[tuple[object, object]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, count in pairs:
        number = int(count) if isinstance(count, int | float | str) else -1
        if not isinstance(name, str) or number < 0:
            raise ValueError("not a reaction with a count")
        counts[name] = counts.get(name, 0) + number
    return counts
