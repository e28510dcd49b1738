"""The labelling page as a file."""

import pytest

from narraframe.errors import CodebookError, OutputError, UsageError
from narraframe.workflows.codebook_page import drift, write_page
from narraframe.workflows.init import init


@pytest.fixture
def labels(tmp_path):
    init(tmp_path)
    return tmp_path / "labels"


def test_a_new_workspace_starts_with_the_page_of_its_codebook(labels):
    assert drift(labels / "codebook.toml", page=labels / "label_studio.xml") == ()


def test_the_page_follows_the_codebook(labels):
    book, page = labels / "codebook.toml", labels / "label_studio.xml"
    book.write_text(book.read_text("utf-8").replace("frame.other", "frame.rest"), "utf-8")
    assert drift(book, page=page) == (
        "frame: label frame.rest is missing there",
        "frame: label frame.other is there, but not in the codebook",
    )
    write_page(book, output=page, force=True)
    assert drift(book, page=page) == ()


def test_other_words_are_drift_too(labels):
    book, page = labels / "codebook.toml", labels / "label_studio.xml"
    book.write_text(book.read_text("utf-8").replace('"Russophobia"', '"Hatred"'), "utf-8")
    assert drift(book, page=page) == ("names, hints or layout differ",)


def test_a_page_that_is_there_is_kept_unless_told_otherwise(labels):
    with pytest.raises(OutputError, match="exists already"):
        write_page(labels / "codebook.toml", output=labels / "label_studio.xml", force=False)
    with pytest.raises(UsageError, match="the ending names no format"):
        write_page(labels / "codebook.toml", output=labels / "page.html", force=False)


def test_a_missing_page_says_how_to_write_it(labels):
    with pytest.raises(CodebookError, match=r"there is no labelling page.*codebook config"):
        drift(labels / "codebook.toml", page=labels / "none.xml")
