"""Files are written whole or not at all."""

import errno
from pathlib import Path

import pytest

from narraframe.errors import OutputError
from narraframe.io.cells import guard, unguard
from narraframe.io.files import replacing, write_text


def test_a_failed_block_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replacing(path, force=True) as temporary:
            temporary.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_existing_output_is_kept_without_force(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"exists already\. Pass --force"):
        write_text(path, "new", force=False)
    assert path.read_text() == "old"


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "stale").touch()
    with replacing(folder, force=True) as temporary:
        temporary.mkdir()
        (temporary / "fresh").touch()
    assert [p.name for p in folder.iterdir()] == ["fresh"]


def test_a_full_disk_is_one_clear_error_and_nothing_is_left(tmp_path):
    path = tmp_path / "a.txt"

    def fill():
        with replacing(path, force=False) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot be written: No space left on device\. Free"):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "'=1", "''-", "\tx", "plain", "it's", ""]
)
def test_a_guarded_cell_is_no_formula_and_comes_back_exactly(cell):
    assert guard(cell)[:1] not in ("=", "+", "-", "@", "\t")
    assert unguard(guard(cell)) == cell


def old_folder(place):
    folder = place / "out"
    folder.mkdir()
    (folder / "old").touch()
    return folder


def write_new(folder, **options):
    with replacing(folder, force=True, **options) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()


def test_a_folder_that_cannot_be_replaced_is_still_there(tmp_path, monkeypatch):
    folder, move = old_folder(tmp_path), Path.replace

    def refuse(path, target):
        if path.name.startswith(".out.") and not path.name.endswith(".old"):
            raise OSError(errno.EROFS, "Read-only file system")
        return move(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="cannot be written: Read-only file system"):
        write_new(folder)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "old"]


def test_the_old_folder_comes_back_if_what_is_to_follow_fails(tmp_path):
    folder, seen = old_folder(tmp_path), []

    def fail():
        seen.extend(p.name for p in folder.iterdir())
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_new(folder, then=fail)
    assert seen == ["new"]
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "old"]


def test_no_folder_is_left_if_what_is_to_follow_fails_and_none_was_there(tmp_path):
    with pytest.raises(OutputError, match="out: cannot be written: No such file"):
        write_new(tmp_path / "out", then=lambda: (tmp_path / "nowhere").stat())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_the_place_of_no_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        write_new(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_to_a_folder_gives_way_and_the_folder_stays(tmp_path):
    folder = old_folder(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    write_new(tmp_path / "link")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["link", "new", "old", "out"]
