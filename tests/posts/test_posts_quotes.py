import pytest

from narraframe.posts.quotes import quoted

POST = "The sanctions hurt those who impose them, said the minister on Monday. Nobody asked why."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sanctions hurt those who impose them", True),
        ("the SANCTIONS hurt: those who impose them -- said a friend", True),
        (POST, True),
        (
            f"Before it. {POST} And much more that was said after that, at length and elsewhere",
            True,
        ),
        ("Sanctions are said to harm the countries that impose them", False),
        ("sanctions hurt", False),
        ("", False),
    ],
)
def test_a_text_is_quoted_if_half_of_its_runs_of_three_words_are_in_a_source(text, expected):
    assert quoted([text, "of something else entirely"], [POST, "Rain."]).tolist() == [
        expected,
        False,
    ]


def test_a_text_of_two_words_is_quoted_only_by_a_source_of_the_same_two():
    assert quoted(["Hostile neighbours", "neighbours"], ["hostile neighbours!"]).tolist() == [
        True,
        False,
    ]


def test_nothing_is_quoted_from_nothing():
    assert quoted(["some words here"], []).tolist() == [False]
    assert quoted([], ["some words here"]).tolist() == []
