"""A language as inputs state it becomes the code that language detection would give."""

from __future__ import annotations

import re

from narraframe.io.posts.values import as_name, is_missing

# ISO 639-1 code, ISO 639-2 and 639-3 codes, English names of the languages that posts are in most.
_COMMON = """
    af afr afrikaans | am amh amharic | ar ara arb arabic | az aze azerbaijani | be bel belarusian
    bg bul bulgarian | bn ben bengali bangla | bs bos bosnian | ca cat catalan | cs ces cze czech
    cy cym wel welsh | da dan danish | de deu ger german | el ell gre greek | en eng english
    es spa spanish castilian | et est estonian | eu eus baq basque | fa fas per pes persian farsi
    fi fin finnish | fr fra fre french | ga gle irish | gl glg galician | gu guj gujarati
    he heb hebrew | hi hin hindi | hr hrv croatian | hu hun hungarian | hy hye arm armenian
    id ind indonesian | is isl ice icelandic | it ita italian | ja jpn japanese
    ka kat geo georgian | kk kaz kazakh | km khm khmer | ko kor korean | ky kir kyrgyz | lo lao
    lt lit lithuanian | lv lav lvs latvian | mk mkd mac macedonian | mn mon mongolian
    mr mar marathi | ms msa may malay | mt mlt maltese | my mya bur burmese | ne nep nepali
    nl nld dut dutch | no nor nob norwegian | pa pan punjabi | pl pol polish | ps pus pashto
    pt por portuguese | ro ron rum romanian moldovan | ru rus russian | si sin sinhala
    sk slk slo slovak | sl slv slovene slovenian | so som somali | sq sqi alb albanian
    sr srp serbian | sv swe swedish | sw swa swahili | ta tam tamil | te tel telugu
    tg tgk tajik | th tha thai | tk tuk turkmen | tl tgl fil tagalog filipino | tr tur turkish
    uk ukr ukrainian | ur urd urdu | uz uzb uzbek | vi vie vietnamese | yi yid yiddish
    zh zho chi cmn chinese mandarin | zu zul zulu
"""
# The rest of ISO 639-1 but "na" (Nauruan), which in tables means "not available".
_RARE = """
    aa ab ae ak an as av ay ba bh bi bm bo br ce ch co cr cu cv dv dz ee eo ff fj fo fy gd gn gv ha
    ho ht hz ia ie ig ii ik io iu jv kg ki kj kl kn kr ks ku kv kw la lb lg li ln lu mg mh mi ml nd
    ng nn nr nv ny oc oj om or os pi qu rm rn rw sa sc sd se sg sm sn ss st su tn to ts tt tw ty ug
    ve vo wa wo xh yo za
"""
# Codes since replaced, and Bokmål, which detection calls Norwegian.
_REPLACED = {"iw": "he", "in": "id", "ji": "yi", "nb": "no"}
_GROUPS = [group.split() for group in re.split(r"[|\n]", _COMMON) if group.strip()]
_CODES = (
    {word: group[0] for group in _GROUPS for word in group}
    | {code: code for code in _RARE.split()}
    | _REPLACED
)
_TAIL = re.compile(r"[-_.@(,;/].*", re.DOTALL)  # region, script, encoding, or a remark


def parse_lang(value: object) -> str | None:
    """Return the ISO 639-1 code of a language, None where nothing is said.

    Parameters
    ----------
    value : object
        A code of ISO 639-1, -2 or -3 in any case, with or without script and region ("EN",
        "pt_BR", "zh-Hans-CN"), or the English name of one of the commonest languages.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    code = _CODES.get(_TAIL.sub("", (as_name(value) or "").lower()).strip())
    if code is None:
        raise ValueError("not a language")
    return code
