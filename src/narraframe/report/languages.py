"""Language codes (ISO 639-1) in words, for the languages that language detection knows."""

from __future__ import annotations

import re

UNKNOWN = "not known"

_NAMES = """
    af:Afrikaans ar:Arabic az:Azerbaijani be:Belarusian bg:Bulgarian bn:Bengali bs:Bosnian
    ca:Catalan cs:Czech cy:Welsh da:Danish de:German el:Greek en:English eo:Esperanto es:Spanish
    et:Estonian eu:Basque fa:Persian fi:Finnish fr:French ga:Irish gu:Gujarati he:Hebrew
    hi:Hindi hr:Croatian hu:Hungarian hy:Armenian id:Indonesian is:Icelandic it:Italian
    ja:Japanese ka:Georgian kk:Kazakh ko:Korean la:Latin lg:Ganda lt:Lithuanian lv:Latvian
    mi:Maori mk:Macedonian mn:Mongolian mr:Marathi ms:Malay nb:Norwegian_Bokmål nl:Dutch
    nn:Norwegian_Nynorsk no:Norwegian pa:Punjabi pl:Polish pt:Portuguese ro:Romanian ru:Russian
    sk:Slovak sl:Slovene sn:Shona so:Somali sq:Albanian sr:Serbian st:Sotho sv:Swedish
    sw:Swahili ta:Tamil te:Telugu th:Thai tl:Tagalog tn:Tswana tr:Turkish ts:Tsonga uk:Ukrainian
    ur:Urdu vi:Vietnamese xh:Xhosa yo:Yoruba zh:Chinese zu:Zulu
"""
_BY_CODE = {
    code: name.replace("_", " ") for code, name in (pair.split(":") for pair in _NAMES.split())
}

_QUOTED_CODE = re.compile("'([a-z]{2})'")


def language(code: str | None) -> str:
    """Return the English name of a language, its code where the name is not at hand."""
    return _BY_CODE.get(code, code) if code else UNKNOWN


def with_language_names(reason: str) -> str:
    """Return a sentence about languages with their names in place of quoted codes, such as 'ru'."""
    if "language" not in reason:
        return reason
    return _QUOTED_CODE.sub(lambda found: language(found[1]), reason)
