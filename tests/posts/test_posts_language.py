import gzip
import json
import os
from pathlib import Path

import pytest

from narraframe.posts.language import LANGUAGES, detect

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))

SENTENCES = {
    "en": "The government announced new economic measures on Tuesday",
    "ru": "Правительство объявило во вторник о новых экономических мерах",
    "uk": "Уряд оголосив у вівторок про нові економічні заходи",
    "be": "Урад абвясціў у аўторак новыя эканамічныя меры",
    "fr": "Le gouvernement a annoncé mardi de nouvelles mesures économiques",
    "de": "Die Bundesregierung hat am Dienstag neue Maßnahmen beschlossen",
    "es": "El gobierno anunció nuevas medidas económicas este martes",
    "pt": "O governo anunciou novas medidas económicas nesta terça-feira",
    "it": "Il governo ha annunciato martedì nuove misure economiche",
    "pl": "Rząd ogłosił we wtorek nowe środki gospodarcze",
    "tr": "Hükümet salı günü yeni ekonomik önlemler açıkladı",
    "kk": "Үкімет сейсенбіде жаңа экономикалық шараларды жариялады",
    "ar": "أعلنت الحكومة اليوم عن إجراءات اقتصادية جديدة",
    "fa": "دولت روز سه‌شنبه اقدامات اقتصادی جدیدی اعلام کرد",
    "zh": "政府星期二宣布了新的经济措施",
    "ja": "政府は新しい経済対策を発表した",
    "ko": "정부는 새로운 경제 대책을 발표했다",
    "hi": "सरकार ने मंगलवार को नए आर्थिक उपायों की घोषणा की",
}


def test_languages_are_told_apart():
    assert detect(list(SENTENCES.values())) == list(SENTENCES)


def test_capitals_do_not_mislead():
    assert detect([SENTENCES["en"].upper(), SENTENCES["en"].title()]) == ["en", "en"]


@pytest.mark.parametrize("text", ["", "🔥 2024 !!!", "OK", "UN", "Киев", "@ministry @embassy"])
def test_too_little_text_has_no_language(text):
    assert detect([text]) == [None]


def test_a_mixture_has_no_language():
    assert detect(["hello привет bonjour мир как дела my friend"]) == [None]


def test_handles_numbers_and_emoji_do_not_count():
    assert detect(["@RussianMission 🔥 2024: " + SENTENCES["fr"]]) == ["fr"]


def test_each_text_is_judged_by_itself():
    texts = [*SENTENCES.values(), "", "OK"]
    assert detect(texts) == [detect([text])[0] for text in texts]


def test_every_code_is_of_two_letters_and_known_to_the_model():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    codes = LANGUAGES.split()
    assert all(len(code) == 2 for code in codes)
    assert set(codes) <= set(LanguageIdentifier.from_model_file(MODEL_FILE).labels)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "least"),
    [("unlp2025_telegram", 0.99), ("ccf_climate_frames", 0.99), ("ira_tweets", 0.99)],
)
def test_real_posts_are_recognised(name, least):
    path = DATA / name / "data.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no data set at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line, _ in zip(lines, range(1000), strict=False)]
    languages = detect([record["text"] for record in records])
    decided = [
        language == record["lang"]
        for record, language in zip(records, languages, strict=True)
        if language is not None
    ]
    assert len(decided) > 0.9 * len(records)
    assert sum(decided) / len(decided) >= least
