"""Files are written whole or not at all."""

import errno

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
