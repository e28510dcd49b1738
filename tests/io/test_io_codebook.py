"""The codebook's TOML."""

import pytest

from narraframe.errors import CodebookError
from narraframe.io.codebook import codebook_sha256, codebook_toml, parse_codebook, read_codebook
from narraframe.records import Facet, Label

BOOK = """
version = "1.0.0"
title = "Test"
[[facets]]
id = "narrative"
name = "Narrative"
[[facets]]
id = "stance"
name = "Stance"
choice = "single"
required = true
[[labels]]
id = "order"
facet = "narrative"
name = "Order"
[[labels]]
id = "order.multi"
facet = "narrative"
parent = "order"
name = "Multi"
definition = "Several centres."
examples = ["One.", "Two."]
[[labels]]
id = "stance.for"
facet = "stance"
name = "For"
"""


def test_a_codebook_is_read_whole():
    book = parse_codebook(BOOK, where="x")
    assert book.version == "1.0.0"
    assert book.facets[1] == Facet("stance", "Stance", choice="single", required=True)
    assert book.labels[1] == Label(
        "order.multi",
        "narrative",
        "Multi",
        definition="Several centres.",
        parent="order",
        examples=("One.", "Two."),
    )


def test_a_written_codebook_reads_back_equal():
    book = parse_codebook(BOOK, where="x")
    assert parse_codebook(codebook_toml(book), where="x") == book


def test_the_fingerprint_ignores_comments_and_sees_meaning():
    book = parse_codebook(BOOK, where="x")
    same = parse_codebook("# a comment\n" + BOOK, where="x")
    other = parse_codebook(BOOK.replace("Several", "Many"), where="x")
    assert codebook_sha256(book) == codebook_sha256(same) != codebook_sha256(other)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "1.0.0"', "", "version is missing"),
        ('parent = "order"', 'parent = "ordre"', "parent 'ordre' must stand before it, did you"),
        ('facet = "stance"', 'facet = "stanse"', "no facet 'stanse', did you mean 'stance'"),
        ('id = "stance.for"', 'id = "order"', "the id is used twice"),
        ('id = "stance.for"', 'id = "Für"', "an id is lower-case letters"),
        ('id = "stance.for"', 'id = "stance"', "a facet has the same id"),
        ('choice = "single"', 'choice = "one"', 'choice must be "multiple" or "single"'),
        ('definition = "', 'defintion = "', "unknown key 'defintion', did you mean 'definition'"),
        ('examples = ["One.", "Two."]', 'examples = "One."', "examples must be a list of strings"),
        ('name = "For"', "", "label 'stance.for': name is missing"),
        ('title = "Test"', "title = 3", "title must be a string"),
        ("[[labels]]", "[[label]]", r"\[\[labels\]\] is missing"),
    ],
)
def test_each_fault_is_named(old, new, message):
    with pytest.raises(CodebookError, match=message):
        parse_codebook(BOOK.replace(old, new), where="book.toml")


def test_all_faults_come_in_one_message():
    text = BOOK.replace('version = "1.0.0"', "").replace('"single"', '"one"')
    with pytest.raises(CodebookError, match=r"version is missing.*; facet 'stance': choice must"):
        parse_codebook(text, where="book.toml")


def test_a_missing_codebook_says_how_to_get_one(tmp_path):
    with pytest.raises(CodebookError, match=r"there is no codebook.*from-labels"):
        read_codebook(tmp_path / "none.toml")
