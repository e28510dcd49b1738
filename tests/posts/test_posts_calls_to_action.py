import pytest

from narraframe.posts.calls_to_action import is_call_to_action


@pytest.mark.parametrize(
    "line",
    [
        "Read in full",
        "READ IN FULL",
        "📖 Read in full",
        "🎥 Watch",
        "👉 Learn more...",
        "Read the full statement here",
        "Watch the full video on YouTube",
        "Subscribe",
        "Subscribe to our channel!",
        "Follow us on X",
        "Подробнее",
        "➡️ Читать полностью",
        "Смотреть видео",
        "Подписывайтесь на наш канал",
        "Прислать новость",
        "Детальніше",
        "Читати далі",
        "Підписатись",
        "Lire la suite",
        "En savoir plus",
        "Abonnez-vous à notre chaîne",
        "Leer más",
        "Más información",
        "Suscríbete",
        "Saiba mais",
        "Weiterlesen",
        "Continua a leggere",
        "Czytaj więcej",
        "Devamını oku",
        "اقرأ المزيد",
        "阅读全文",
    ],
)
def test_calls_are_recognised_in_many_languages(line):
    assert is_call_to_action(line)


@pytest.mark.parametrize(
    "line", ["City news | Subscribe", "Новини | Підпишись", "Telegram | YouTube | X", "Facebook"]
)
def test_footers_of_parts_are_calls(line):
    assert is_call_to_action(line)


@pytest.mark.parametrize(
    "line",
    [
        "Read the treaty before you sign it",
        "Watch: the president arrives in the capital",
        "Learn more languages",
        "Share of exports | Share of imports",
        "Подробнее о переговорах рассказал министр",
        "Читать вредно, считают депутаты",
        "We follow the rules | You do not",
        "Ministry on Telegram channels",
        "The house on the hill",
        "X",
        "",
    ],
)
def test_lines_with_content_are_not_calls(line):
    assert not is_call_to_action(line)


def test_a_long_line_is_content_however_it_begins():
    assert not is_call_to_action("Subscribe to " + "a very long explanation of the matter " * 2)
