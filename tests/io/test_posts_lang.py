import json

import pytest

from narraframe.io.posts import Note, read_posts
from narraframe.io.posts.lang import parse_lang


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *(("en", "en"), ("EN", "en"), (" en ", "en"), ("en-US", "en"), ("en_GB.UTF-8", "en")),
        *(("pt_BR", "pt"), ("zh-Hans-CN", "zh"), ("eng", "en"), ("deu", "de"), ("ger", "de")),
        *(("English", "en"), ("ukrainian", "uk"), ("Chinese (Simplified)", "zh")),
        *(("iw", "he"), ("nb", "no"), ("fil", "tl"), ("la", "la")),
        *((None, None), ("", None), ("  ", None), (float("nan"), None)),
    ],
)
def test_a_language_is_folded_to_its_code(given, code):
    assert parse_lang(given) == code


@pytest.mark.parametrize(
    "given", ["und", "zxx", "NA", "n/a", "xx", "unknown", "no idea", "-", True, ["en"], 3]
)
def test_what_names_no_language_is_refused(given):
    with pytest.raises(ValueError, match="not a language"):
        parse_lang(given)


MESSAGE = {"type": "message", "date_unixtime": "1712664000", "text_entities": []}


@pytest.mark.parametrize("extra", [{}, MESSAGE], ids=["record", "telegram"])
def test_posts_are_read_with_the_code_and_without_an_unusable_one(tmp_path, extra):
    path = tmp_path / "posts.jsonl"
    rows = [{"id": i, "text": "tide", "lang": at} | extra for i, at in enumerate(["en-US", "und"])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one, other, note = read_posts(str(path))
    assert (one.lang, other.lang) == ("en", None)
    assert note == Note("posts.jsonl: line 2", "the lang could not be read", "und")
