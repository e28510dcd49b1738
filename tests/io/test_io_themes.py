import csv
import json
import math

import numpy as np
import pytest

from narraframe.errors import OutputError, TableError
from narraframe.io.themes import (
    ThemesFolder,
    check_themes_folder,
    read_themes_folder,
    write_themes_folder,
)
from narraframe.records import Post, Themes, ThemeSummary

POSTS = [Post(post_id=i, text=i) for i in ("a", "b", "c", "d")]
SUMMARIES = (
    ThemeSummary(0, "мир · война", (("мир", 0.5), ("=война", 0.123456789)), 2, 1, ("a",)),
    ThemeSummary(1, "port", (("port, old", 1.0),), 1, 1, ("c",)),
)


def content() -> ThemesFolder:
    return ThemesFolder(
        themes=Themes(
            ("a", "b", "c"),
            np.array([0, 0, 1], np.int32),
            np.array([1, 0.5, 1], np.float32),
            np.zeros((3, 2), np.float32),
        ),
        summaries=SUMMARIES,
        figures={"validity": 0.25, "stability": math.nan},
        warnings=("few posts",),
    )


@pytest.fixture
def folder(tmp_path):
    write_themes_folder(tmp_path / "themes", content(), force=False)
    return tmp_path / "themes"


def test_a_folder_comes_back_as_it_was(folder):
    back = read_themes_folder(folder, posts=POSTS)
    assert back.themes.post_ids == ("a", "b", "c")
    np.testing.assert_array_equal(back.themes.theme, [0, 0, 1])
    assert back.summaries == SUMMARIES
    assert back.warnings == ("few posts",)


def test_an_unknown_figure_is_null_in_the_file_and_nan_in_the_record(folder):
    assert '"stability": null' in (folder / "quality.json").read_text("utf-8")
    back = read_themes_folder(folder, posts=POSTS)
    assert back.figures["validity"] == 0.25
    assert math.isnan(back.figures["stability"])


def test_terms_are_ranked_and_no_cell_is_a_formula(folder):
    with (folder / "terms.csv").open(newline="", encoding="utf-8") as text:
        assert list(csv.reader(text)) == [
            ["theme", "rank", "term", "weight"],
            ["0", "1", "мир", "0.5"],
            ["0", "2", "'=война", "0.123457"],
            ["1", "1", "port, old", "1"],
        ]


def test_the_same_themes_are_the_same_bytes(folder, tmp_path):
    write_themes_folder(tmp_path / "again", content(), force=False)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_themes_of_other_posts_are_refused(folder):
    with pytest.raises(TableError, match=r"2 posts of these themes are not among.*got 'b'.*again"):
        read_themes_folder(folder, posts=[POSTS[0], POSTS[3]])


@pytest.mark.parametrize("name", ["themes.parquet", "themes.json", "quality.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(TableError, match=name):
        read_themes_folder(folder, posts=POSTS)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"theme": 1}]', '{"figures": []}'])
@pytest.mark.parametrize("name", ["themes.json", "quality.json"])
def test_a_damaged_file_says_to_run_themes_again(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(TableError, match=r"themes: cannot be read.*Run narraframe themes again"):
        read_themes_folder(folder, posts=POSTS)


def test_a_folder_that_is_there_is_kept_unless_forced_and_then_replaced_whole(folder):
    with pytest.raises(OutputError, match="exists already"):
        write_themes_folder(folder, content(), force=False)
    (folder / "terms.csv").write_text("old")
    write_themes_folder(folder, content(), force=True)
    assert (folder / "terms.csv").read_text("utf-8").startswith("theme,rank")
    assert len(list(folder.parent.iterdir())) == 1


def test_a_folder_with_other_files_is_never_replaced(folder):
    (folder / "notes.md").write_text("mine")
    with pytest.raises(OutputError, match=r"holds more than themes.*got 'notes\.md'"):
        check_themes_folder(folder, force=True)
    with pytest.raises(OutputError, match="holds more than themes"):
        write_themes_folder(folder, content(), force=True)
    assert (folder / "notes.md").read_text() == "mine"


def test_a_figure_that_is_infinite_is_refused_and_leaves_no_folder(tmp_path):
    bad = ThemesFolder(
        themes=content().themes, summaries=(), figures={"validity": math.inf}, warnings=()
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_themes_folder(tmp_path / "themes", bad, force=False)
    assert list(tmp_path.iterdir()) == []


def test_summaries_are_readable_json(folder):
    (first, _) = json.loads((folder / "themes.json").read_text("utf-8"))
    assert first["name"] == "мир · война"
    assert first["keywords"][0] == ["мир", 0.5]
