"""The codebook's TOML."""

import pytest

from narraframe.errors import CodebookError
from narraframe.io.codebook import codebook_sha256, codebook_toml, parse_codebook, read_codebook
from narraframe.records import Facet, Label, Retired

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


CHANGED = """
[[labels]]
id = "order.poly"
facet = "narrative"
name = "Poly"
since = "1.0.0"
[[retired]]
id = "order.hegemony"
facet = "narrative"
into = ["order.multi", "order.poly"]
[[retired]]
id = "order.empire"
facet = "narrative"
into = ["order.hegemony"]
[[retired]]
id = "tone"
facet = "tone"
"""


def test_what_is_new_and_what_is_gone_is_read_and_written():
    book = parse_codebook(BOOK + CHANGED, where="x")
    assert book.by_id["order.poly"].since == "1.0.0"
    assert book.retired == (
        Retired("order.hegemony", "narrative", ("order.multi", "order.poly")),
        Retired("order.empire", "narrative", ("order.hegemony",)),
        Retired("tone", "tone"),
    )
    assert parse_codebook(codebook_toml(book), where="x") == book


def test_the_fingerprint_of_a_codebook_that_never_changed_is_what_it_was():
    fingerprint = codebook_sha256(parse_codebook(BOOK, where="x"))
    assert fingerprint == "a2ff46c913f3db435d2d8b133ff8f12d590553cad1c9b21cd512d557f9ac8bce"


def test_a_label_of_a_renamed_facet_may_go_into_a_label_of_the_new_one():
    text = BOOK + (
        '[[retired]]\nid = "story"\nfacet = "story"\ninto = ["narrative"]\n'
        '[[retired]]\nid = "old"\nfacet = "story"\ninto = ["order.multi"]\n'
    )
    assert len(parse_codebook(text, where="x").retired) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('since = "1.0.0"', 'since = "1.0.1"', "since 1.0.1 is later than the codebook's version"),
        ('since = "1.0.0"', 'since = "new"', "since must be dotted numbers"),
        ('since = "1.0.0"', "since = 1", "label 'order.poly': since must be a string"),
        ('id = "order.empire"', 'id = "order"', "retired 'order': it is still in the codebook"),
        ('id = "order.empire"', 'id = "order.hegemony"', "'order.hegemony': the id is used twice"),
        ('id = "order.empire"\n', "", "retired 2: id is missing"),
        ('["order.hegemony"]', '["order.hegemonic"]', "no label, did you mean 'order.hegemony'"),
        ('["order.hegemony"]', '["stance.for"]', "into names 'stance.for', a label of another f"),
        ('["order.hegemony"]', '["narrative"]', "one is a facet, the other a label"),
        ('["order.hegemony"]', '"order.hegemony"', "into must be a list of different ids"),
        ('"order.multi", "order.poly"', '"order.multi", "order.multi"', "list of different ids"),
        ('"order.multi", "order.poly"', '"order.empire"', "'order.empire': into leads back to it"),
        ('id = "tone"\nfacet = "tone"', 'id = "tone"\nfacet = "tome"', "there is no facet 'tome'"),
        ('facet = "tone"', 'facet = "tone"\ninto = ["stance", "narrative"]', "one facet at most"),
        (
            'facet = "tone"',
            'facet = "tone"\nin_to = []',
            "unknown key 'in_to', did you mean 'into'",
        ),
    ],
)
def test_each_fault_of_a_change_is_named(old, new, message):
    assert old in BOOK + CHANGED
    with pytest.raises(CodebookError, match=message):
        parse_codebook((BOOK + CHANGED).replace(old, new), where="book.toml")


def test_versions_compare_as_numbers():
    with pytest.raises(CodebookError, match=r"since 1\.10 is later"):
        parse_codebook(
            (BOOK + CHANGED)
            .replace('since = "1.0.0"', 'since = "1.10"')
            .replace('version = "1.0.0"', 'version = "1.9.2"'),
            where="x",
        )
