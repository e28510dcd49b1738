"""The journal of an output: what it may write over without being told to."""

import json

import pytest

from narraframe.errors import OutputError
from narraframe.io.files import check_free
from narraframe.io.journal import is_own, open_journal, partial_folder
from narraframe.io.tables import SCORES

ROWS = SCORES.empty_table()


def journal(output):
    return open_journal(output, schema=SCORES, identity={"model": "1"}, force=False)


def test_another_file_in_the_place_of_the_output_is_not_its_own(tmp_path):
    output = tmp_path / "s.jsonl"
    with pytest.MonkeyPatch.context() as patch, journal(output) as parts:
        parts.put(0, "d", ROWS, "{}")
        # as if killed between the rename and the removal of the parts
        patch.setattr(parts, "_remove_all", lambda: None)
        parts.finish(1)
    assert is_own(output)
    output.write_text(json.dumps({"post_id": "mine"}))  # the same inode, another content
    assert not is_own(output)
    with pytest.raises(OutputError, match="exists already"), journal(output):
        pass
    assert "mine" in output.read_text()


def test_a_damaged_part_is_one_error_and_the_same_command_mends_it(tmp_path):
    output = tmp_path / "s.jsonl"
    with journal(output) as parts:
        for window in (0, 1):
            parts.put(window, "d", ROWS, "{}")
        part = partial_folder(output) / "00000001.part"
        part.write_bytes(part.read_bytes()[:-20])
        with pytest.raises(OutputError, match="damaged"):
            parts.finish(2)
    check_free(output, force=False)
    with journal(output) as parts:
        assert parts.note_of(0, "d") == "{}"
        assert parts.note_of(1, "d") is None
        parts.put(1, "d", ROWS, "{}")
        parts.finish(2)
    assert output.exists()
