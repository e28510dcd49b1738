import csv
import json
import math

import numpy as np
import pytest

from narraframe.errors import OutputError, TableError
from narraframe.io.themes import (
    Suggestion,
    ThemesFolder,
    check_themes_folder,
    read_themes_folder,
    read_themes_state,
    write_themes_folder,
)
from narraframe.records import Post, Themes, ThemeSummary

POSTS = [Post(post_id=i, text=i) for i in ("a", "b", "c", "d")]
SUMMARIES = (
    ThemeSummary(
        theme=0,
        name="мир · война",
        keywords=(("мир", 0.5), ("=война", 0.123456789)),
        n_posts=2,
        n_groups=1,
        representative_post_ids=("a",),
        confidence=0.75,
        stability=0.5,
        months=(("2024-01", 1), ("2024-03", 1)),
        channels=(("Порт", 2),),
    ),
    ThemeSummary(4, "=port", (("port, old", 1.0),), 1, 1, ("c",), 0.5, 1.0),
)
STATE = {"theme": np.array([0, 0, 4], np.int32), "words": np.array(["мир", "порт"])}


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
        changes=("T4 is new (1 post)",),
        suggestions=(Suggestion("=d", 4, 0.625),),
    )


@pytest.fixture
def folder(tmp_path):
    write_themes_folder(tmp_path / "themes", content(), state=STATE, force=False)
    return tmp_path / "themes"


def test_a_folder_comes_back_as_it_was(folder):
    back = read_themes_folder(folder, posts=POSTS)
    assert back.themes.post_ids == ("a", "b", "c")
    np.testing.assert_array_equal(back.themes.theme, [0, 0, 1])
    assert back.summaries == SUMMARIES
    assert back.warnings == ("few posts",)
    assert back.changes == ("T4 is new (1 post)",)
    assert back.suggestions == (Suggestion("=d", 4, 0.625),)


def test_arrays_come_back_as_they_were_without_pickle(folder):
    arrays = read_themes_state(folder)
    assert set(arrays) == set(STATE)
    for name, array in STATE.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_an_array_of_objects_is_refused_and_leaves_no_folder(tmp_path):
    bad = {"texts": np.array([{"a": 1}], dtype=object)}
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_themes_folder(tmp_path / "themes", content(), state=bad, force=False)
    assert not any(tmp_path.iterdir())


def test_a_folder_without_a_state_says_to_find_themes_first(tmp_path):
    with pytest.raises(TableError, match="holds no themes"):
        read_themes_state(tmp_path)


def test_a_state_that_is_cut_off_is_told(folder):
    whole = (folder / "state.npz").read_bytes()
    (folder / "state.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read"):
        read_themes_state(folder)


def test_the_list_of_themes_is_a_table_that_spreadsheets_do_not_run(folder):
    with (folder / "themes.csv").open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert rows[0]["first_month"] == "2024-01"
    assert rows[0]["last_month"] == "2024-03"
    assert [row["name"] for row in rows] == ["мир · война", "'=port"]


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
            ["4", "1", "port, old", "1"],
        ]


def test_the_same_themes_are_the_same_bytes(folder, tmp_path):
    write_themes_folder(tmp_path / "again", content(), state=STATE, force=False)
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
        write_themes_folder(folder, content(), state=STATE, force=False)
    (folder / "terms.csv").write_text("old")
    write_themes_folder(folder, content(), state=STATE, force=True)
    assert (folder / "terms.csv").read_text("utf-8").startswith("theme,rank")
    assert len(list(folder.parent.iterdir())) == 1


def test_a_folder_with_other_files_is_never_replaced(folder):
    (folder / "notes.md").write_text("mine")
    with pytest.raises(OutputError, match=r"holds more than themes.*got 'notes\.md'"):
        check_themes_folder(folder, force=True)
    with pytest.raises(OutputError, match="holds more than themes"):
        write_themes_folder(folder, content(), state=STATE, force=True)
    assert (folder / "notes.md").read_text() == "mine"


def test_a_folder_that_holds_a_file_of_one_of_the_names_is_not_taken_for_themes(tmp_path):
    # The curation log, too, is called themes.csv.
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/themes.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"holds more than themes.*got 'themes\.csv'"):
        write_themes_folder(tmp_path / "labels", content(), state=STATE, force=True)
    assert (tmp_path / "labels/themes.csv").read_text() == "mine"


def test_an_empty_folder_is_replaced_on_request(tmp_path):
    (tmp_path / "themes").mkdir()
    write_themes_folder(tmp_path / "themes", content(), state=STATE, force=True)
    assert read_themes_folder(tmp_path / "themes").summaries == SUMMARIES


def test_a_figure_that_is_infinite_is_refused_and_leaves_no_folder(tmp_path):
    bad = ThemesFolder(
        themes=content().themes, summaries=(), figures={"validity": math.inf}, warnings=()
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_themes_folder(tmp_path / "themes", bad, state=STATE, force=False)
    assert list(tmp_path.iterdir()) == []


def test_summaries_are_readable_json(folder):
    (first, _) = json.loads((folder / "themes.json").read_text("utf-8"))
    assert first["name"] == "мир · война"
    assert first["keywords"][0] == ["мир", 0.5]
