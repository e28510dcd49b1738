"""The posts that annotators skipped."""

import pytest

from narraframe.errors import TableError
from narraframe.io.skips import read_skips, write_skips

SKIPS = [("p,1", "ann-ab-02"), ("=p", "ann-ab-01")]


def test_skips_read_back_and_none_make_no_file(tmp_path):
    path = tmp_path / "labels/skipped.csv"
    write_skips(path, [])
    assert not path.exists()
    assert read_skips(path) == frozenset()
    write_skips(path, SKIPS)
    assert read_skips(path) == frozenset(SKIPS)
    write_skips(path, [])
    assert read_skips(path) == frozenset()


@pytest.mark.parametrize("text", ["", "a,b\n", "post_id,annotator\nx\n", 'post_id,annotator\n"x\n'])
def test_what_is_no_such_table_is_told(tmp_path, text):
    path = tmp_path / "skipped.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=r"skipped\.csv: the skipped posts cannot be read"):
        read_skips(path)
