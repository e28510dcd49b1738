"""How values are written for a reader: texts made inert, numbers, shares, dates, months."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from markupsafe import Markup

from narraframe.records import Estimate

NOT_KNOWN = "not known"
DASH = "–"

# Embeddings, overrides and isolates can make a text read otherwise than it is stored: they are
# shown by name. Marks only nudge the punctuation beside them: dropping them loses nothing visible.
_BIDI_SHOWN = {
    0x202A: "⟦LRE⟧",
    0x202B: "⟦RLE⟧",
    0x202C: "⟦PDF⟧",
    0x202D: "⟦LRO⟧",
    0x202E: "⟦RLO⟧",
    0x2066: "⟦LRI⟧",
    0x2067: "⟦RLI⟧",
    0x2068: "⟦FSI⟧",
    0x2069: "⟦PDI⟧",
}
_BIDI_DROPPED = {0x200E: "", 0x200F: "", 0x061C: ""}
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_HIGH_CONTROLS = dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
_INERT = _BIDI_SHOWN | _BIDI_DROPPED | _HIGH_CONTROLS | _CONTROLS | {0x7F: "␡", 0x85: "\n"}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_RETURN = re.compile(r"\r\n?")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def inert(text: str) -> str:
    """Return `text` without characters that act instead of being read.

    Bidirectional controls become visible names (Unicode UAX #9; "Trojan Source",
    arXiv:2111.00169), other control characters become control pictures, and lone surrogates, which
    no file can hold, become U+FFFD. Markup is not touched: escaping is the template's work.
    """
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _RETURN.sub("\n", text)).translate(
        _INERT
    )


def finalize(value: object) -> object:
    """Make every text inert that a template writes; Markup of our own passes."""
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def number(value: float) -> str:
    """Write a count with thousands separators."""
    return f"{value:,.0f}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: ``plural(1, "post")`` is "1 post"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def some_of(n: int, total: int, one: str, is_: str = "is", are: str = "are") -> str:
    """Write how many of how many, and the verb that fits: "1 of 6 posts is"."""
    return f"{n:,} of {plural(total, one)} {is_ if n == 1 else are}"


def sentence(text: str) -> str:
    """Write a remark as a sentence: with a capital, and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def figure(value: float) -> str:
    """Write a measure with two decimals, "not known" where it is nan."""
    return NOT_KNOWN if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def share(value: float) -> str:
    """Write a fraction in per cent, "not known" where it is nan."""
    if math.isnan(value):
        return NOT_KNOWN
    return "under 1 %" if 0 < value < 0.01 else f"{value:.0%}".replace("%", " %")


def percent(value: float) -> str:
    """Write a fraction in per cent with one decimal, "not known" where it is nan."""
    return NOT_KNOWN if math.isnan(value) else f"{100 * value:.1f} %"


def interval(estimate: Estimate) -> str:
    """Write a share with its interval: "12.0 % (8.1 to 17.0 %)"."""
    if math.isnan(estimate.value) or math.isnan(estimate.low + estimate.high):
        return percent(estimate.value)
    return f"{percent(estimate.value)} ({100 * estimate.low:.1f} to {percent(estimate.high)})"


def day(moment: datetime) -> str:
    """Write the day of `moment`, in UTC."""
    moment = _utc(moment)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def minute(moment: datetime) -> str:
    """Write `moment` to the minute, in UTC."""
    return f"{day(moment)}, {_utc(moment):%H:%M} UTC"


def month_key(moment: datetime) -> str:
    """Return "2024-03" for any moment of March 2024, in UTC."""
    moment = _utc(moment)
    return f"{moment.year:04d}-{moment.month:02d}"


def month(key: str) -> str:
    """Write a month key, or a run of them ("2021-03/2022-01"), for a reader."""
    first, _, last = key.partition("/")
    return f"{_month(first)} to {_month(last)}" if last else _month(first)


def period(key: str) -> str:
    """Write a period of trends: a day or week "2024-03-05", "2024-03", "2024-Q1" or "2024"."""
    year, _, rest = key.partition("-")
    if not rest:
        return year
    if rest.startswith("Q"):
        return f"{rest} {year}"
    return month(key) if len(rest) == 2 else day(datetime.fromisoformat(key))


def excerpt(text: str, limit: int) -> str:
    """Return the first `limit` characters of `text`, with an ellipsis where it was cut."""
    text = inert(text).strip()
    return text if len(text) <= limit else text[:limit].rstrip() + "…"


def _month(key: str) -> str:
    year, number_ = key.split("-")
    return f"{_MONTHS[int(number_) - 1]} {int(year)}"


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
