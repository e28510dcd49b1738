"""Recognise lines that ask the reader to do something (read on, watch, subscribe) and say no more.

Such lines recur in every post of a channel, so an encoder would take them for a common theme.
"""

from __future__ import annotations

import re

import regex

LONGEST = 60
"""Characters of the longest line that can be a call to action; longer lines carry content."""

_NOT_WORDS = regex.compile(r"[^[\p{L}\p{M}\p{N}'’|—–]--[\ufe00-\ufe0f]]+", regex.V1)

_EN_TEXT = (
    "(?:text|article|statement|story|interview|transcript|remarks|speech|report|version|post)"
)
_EN_PLACE = (
    "(?: (?:here|now|live|online|below|at the link|via the link|on (?:our|the) (?:web ?site|site|"
    "channel|page)|on (?:youtube|telegram|rutube|facebook|x|vk)))?"
)
# One entry a language: phrases that are a call to action when they are the whole line.
_PHRASES = (
    rf"(?:(?:continue |keep )?read(?:ing)?(?: (?:it|on|more|further|also|in full|full {_EN_TEXT}"
    rf"|the (?:full |whole |original |complete )?{_EN_TEXT}))*|full {_EN_TEXT}"
    r"|(?:learn|find out|see|know) more|more(?: details| information| info)?|details"
    r"|watch(?: (?:and read|in full|the|full|video|broadcast|stream|recording|interview))*"
    rf"|listen|click|tap|share|register|sign up|view in telegram){_EN_PLACE}",
    r"(?:читат[ьи]|читайте|смотреть|смотрите|слушать|слушайте)(?: (?:полностью|целиком|далее|дальше"
    r"|больше|подробнее|также|(?:полный )?текст|(?:полную |всю )?(?:статью|версию)|видео|интервью"
    r"|онлайн|прямой эфир|трансляцию|запись|здесь|тут|на сайте|по ссылке))*"
    r"|подробне[ей](?: (?:здесь|тут|на сайте|по ссылке|в материале))?|подробности(?: (?:здесь|тут"
    r"|на сайте|по ссылке))?|узнать (?:больше|подробнее)|полный текст|полностью",
    r"(?:читати|читайте|дивитис[яь]|дивитися|дивіться|слухати|слухайте)(?: (?:повністю|далі|більше"
    r"|детальніше|також|(?:повний )?текст|(?:повну )?(?:статтю|версію)|відео|інтерв[’']?ю|онлайн"
    r"|тут|на сайті|за посиланням))*|детальніше(?: (?:тут|на сайті|за посиланням))?"
    r"|докладніше|дізнатис[яь] (?:більше|детальніше)|повний текст",
    r"(?:lire|lisez|voir|regarder|regardez|écouter|écoutez)(?: (?:la suite|plus|ici|en direct"
    r"|en intégralité|(?:l['’])?(?:article|interview|intégralité)|(?:le |la )?(?:texte|déclaration"
    r"|vidéo)|complet|complète|intégral|intégrale))*|(?:en savoir|savoir) plus|texte (?:intégral"
    r"|complet)|plus (?:de détails|d['’]informations)",
    r"(?:leer|lea|seguir leyendo|vea|escuchar|escucha)(?: (?:más|completo|completa"
    r"|íntegro|aquí|en vivo|en directo|el|la|texto|artículo|declaración|entrevista|vídeo|video))*"
    r"|más (?:información|detalles)|(?:conozca|saber|sepa) más|texto (?:completo|íntegro)",
    r"(?:leia|assista|veja|ouça)(?: (?:mais|na íntegra|aqui|o|a|texto|artigo|vídeo|completo"
    r"|completa))*|(?:saiba|saber) mais|mais informações|texto (?:completo|na íntegra)",
    r"weiterlesen|(?:jetzt )?(?:ansehen|anhören|lesen)|mehr (?:lesen|erfahren|dazu|infos?"
    r"|informationen)|zum (?:artikel|video|volltext)|vollständiger text|hier (?:lesen|klicken)",
    r"(?:leggi|continua a leggere|guarda|ascolta)(?: (?:tutto|di più|anche|qui|il|la|l['’]articolo"
    r"|testo|video|intervista|completo))*|per saperne di più|scopri di più|testo completo",
    r"(?:czytaj|przeczytaj|zobacz|obejrzyj)(?: (?:więcej|dalej|całość|też|także|cały|tekst|wideo"
    r"|artykuł))*|dowiedz się więcej|pełny tekst",
    r"devamını oku|devamı(?: için tıklayın)?|tamamını oku|(?:daha fazla|ayrıntılı) bilgi"
    r"|ayrıntılar|(?:videoyu )?izle(?:yin)?|tıklayın",
    r"اقر[أا] المزيد|للمزيد|المزيد|لقراءة المزيد|النص الكامل|شاهدوا?(?: الفيديو)?|لمشاهدة الفيديو",
    r"(?:点击)?(?:阅读|閱讀|查看)(?:全文|原文|更多|详情)|了解更多|更多(?:信息|资讯)|点击(?:观看|这里)|全文|観る|続きを読む",
)
_PLATFORM = (
    r"(?:facebook|fb|(?:x ex )?twitter|tw|x|youtube|yt|instagram|inst|ig|telegram|tg|tiktok|viber"
    r"|whatsapp|vk|вк|rutube|threads|linkedin|дзен|фейсбук|ютуб|телеграм|вайбер|сайт|web ?site)"
)
# Unmistakable wherever they stand in a line of parts, such as "Channel name | Subscribe".
_SUBSCRIBE = (
    r"subscribe(?: (?:now|here|to .{1,40}))?|(?:join|follow)(?: (?:us|our|the|channel|group|chat))+"
    rf"(?: (?:on|in) {_PLATFORM})?"
    r"|подпи(?:саться|шись|шитесь|сывайтесь|сывайся)(?: на .{1,40})?"
    r"|(?:прислать|предложить) новость|поделиться"
    r"|підпи(?:сатис[яь]|шись|шіться|суйтес[яь]|суйся)(?: на .{1,40})?"
    r"|(?:надіслати|запропонувати) новину|поділитися"
    r"|s['’]abonner|abonnez vous(?: à .{1,40})?|suivez nous(?: sur .{1,40})?"
    r"|suscr[ií]bete(?: a .{1,40})?|suscribirse|s[ií]guenos(?: en .{1,40})?"
    r"|inscreva se|siga nos|(?:jetzt )?abonnieren|iscriviti|seguici(?: su .{1,40})?"
    r"|subskrybuj|abone ol|للاشتراك|اشترك(?:وا)?|تابعونا|订阅|关注我们"
)

_CALL = re.compile("|".join((*_PHRASES, _SUBSCRIBE)))
_SUBSCRIBE_ONLY = re.compile(_SUBSCRIBE)
_PLATFORMS_ONLY = re.compile(rf"{_PLATFORM}(?: {_PLATFORM})*")


def is_call_to_action(line: str) -> bool:
    """Say whether a line does nothing but call the reader to act or list the author's accounts.

    Emoji, punctuation and letter case do not count. A line of parts ("Channel | Subscribe") is a
    call when its first or last part asks to subscribe, or when every part is a call.

    Parameters
    ----------
    line : str
        One line, links already removed.

    Returns
    -------
    bool
    """
    if len(line) > LONGEST:
        return False
    words = _NOT_WORDS.sub(" ", line.casefold())
    parts = [" ".join(part.split()) for part in re.split(r"[|—–]", words)]
    parts = [part for part in parts if part]
    if not parts or parts == ["x"]:  # a lone X is as likely a letter
        return False
    return (
        _SUBSCRIBE_ONLY.fullmatch(parts[0]) is not None
        or _SUBSCRIBE_ONLY.fullmatch(parts[-1]) is not None
        or all(_CALL.fullmatch(part) or _PLATFORMS_ONLY.fullmatch(part) for part in parts)
    )
