"""Words that say nothing of a text's subject, by language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

# scikit-learn's English list (the Glasgow Information Retrieval Group's), copied since importing it
# takes a second; without its content words (bill, cry, detail, fill, fire, interest, mill,
# system, top), and with function words that it lacks.
_ENGLISH = frozenset(
    """
a about above across after afterwards again against all almost alone along already also although
always am among amongst amoungst amount an and another any anyhow anyone anything anyway anywhere
are around as at back be became because become becomes becoming been before beforehand behind
being below beside besides between beyond both bottom but by call can cannot cant co con could
couldnt de describe did didn do does doesn doing don done down due during each eg eight either
eleven else elsewhere empty enough etc even ever every everyone everything everywhere except few
fifteen fifty find first five for former formerly forty found four from front full further get
give go going got had has hasnt have having he hence her here hereafter hereby herein hereupon
hers herself him himself his how however hundred i ie if in inc indeed into is isn it its itself
just keep last latter latterly least less let like ll ltd made make makes many may me meanwhile
might mine more moreover most mostly move much must my myself name namely neither never
nevertheless next nine no nobody none noone nor not nothing now nowhere of off often on once one
only onto or other others otherwise our ours ourselves out over own part per perhaps please put
rather re really said same say saying says see seem seemed seeming seems serious several shall she
should show side since sincere six sixty so some somehow someone something sometime sometimes
somewhere still such take ten than thanks that the their them themselves then thence there
thereafter thereby therefore therein thereupon these they thick thin think third this those though
three through throughout thru thus to together too toward towards twelve twenty two un under until
up upon us use used uses using ve very via want was wasn we well were what whatever when whence
whenever where whereafter whereas whereby wherein whereupon wherever whether which while whither
who whoever whole whom whose why will with within without won would wouldn yes yet you your yours
yourself yourselves
""".split()  # noqa: SIM905
)

# What the stop-words package's lists lack: pronouns and conjunctions in all their forms, and the
# verbs by which news reports speech, as "said" is in the English list.
_MORE = {
    "ru": frozenset(
        """
всей всему всех всею всё-таки заявил заявила заявили заявляет из-за из-под итак которого которое
которой котором которому которую которые которым которыми лет млн млрд нами например ними однако
отметил отметила отметили пишет пишут поэтому ранее рассказал рассказала рассказали словам
сообщает сообщается сообщают сообщил сообщила сообщили среди также таким такими такого такой таком
такому такую тыс чьего чьей чьи чьих чья эта этими этих эту
""".split()  # noqa: SIM905
    ),
    "uk": frozenset(
        """
бо був будуть була були було всі всіма годі з-за зокрема йому каже кажуть котра котрий котрих
котрі крім мають має млн млрд мільйони наприклад нашим нашими наших нашому нашою нашої нашу однак
отже перед передає пише пишуть повідомив повідомила повідомили повідомляють повідомляє понад проте
після раніше розповів розповіла розповіли свої серед та таким такими таких такого такої таку те
тис тобто тощо цьому цю цією щодо яким якими якого якою яку якій із її
""".split()  # noqa: SIM905
    ),
}
# What is left in texts of addresses and of HTML's escapes, in any language.
_MARKUP = frozenset(
    "amp apos gt http https lt mdash nbsp ndash quot utm www".split()  # noqa: SIM905
)


def stop_words(langs: Sequence[str | None]) -> dict[str | None, frozenset[str]]:
    """Return the stop words of each language that occurs.

    A text of unknown language (None) gets those of all the others, or of English if there are none.

    Parameters
    ----------
    langs : sequence of str or None
        ISO 639-1 codes, one per text; a region ("en-US") is ignored.
    """
    stop: dict[str | None, frozenset[str]] = {
        lang: _stop_words(lang.split("-")[0].lower()) for lang in set(langs) if lang
    }
    stop[None] = frozenset().union(*stop.values()) if stop else _stop_words("en")
    return stop


@cache
def _stop_words(lang: str) -> frozenset[str]:
    from stop_words import safe_get_stop_words

    listed = frozenset(safe_get_stop_words(lang))
    if lang == "en":
        # The package's English list holds many content words: only its contractions are taken.
        listed = _ENGLISH | frozenset(word for word in listed if "'" in word)
    return listed | _MORE.get(lang, frozenset()) | _MARKUP
