"""The mirror of a project: written whole, read back, and brought up to date."""

import pytest

from narraframe.errors import TableError
from narraframe.io.mirror import Mirror, merged, mirror_path, read_mirror, write_mirror

URL = "http://127.0.0.1:8080"


def task(number, at="2026-03-01T10:00:00Z", text="…"):
    return {"id": number, "data": {"text": text}, "updated_at": at}


MIRROR = Mirror(
    URL, 3, "2026-03-01T10:00:00Z", {1: task(1, text="a\u2028b\nc"), 2: task(2)}, frozenset({2})
)


def test_a_mirror_reads_back_as_it_was_written(tmp_path):
    write_mirror(tmp_path, MIRROR)
    assert read_mirror(tmp_path, url=URL, project_id=3) == MIRROR


def test_there_is_none_of_another_server_or_project(tmp_path):
    write_mirror(tmp_path, MIRROR)
    assert read_mirror(tmp_path, url="http://elsewhere", project_id=3) == Mirror(
        "http://elsewhere", 3
    )
    assert read_mirror(tmp_path, url=URL, project_id=4) == Mirror(URL, 4)


@pytest.mark.parametrize("keep", [1, 2, 0])
def test_a_mirror_that_was_cut_off_is_named_with_the_remedy(tmp_path, keep):
    write_mirror(tmp_path, MIRROR)
    path = mirror_path(tmp_path, 3)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:keep]))
    with pytest.raises(TableError, match=r"project-3\.jsonl: the mirror .* damaged.*Remove it"):
        read_mirror(tmp_path, url=URL, project_id=3)


def test_what_changed_replaces_what_was_and_what_is_gone_is_kept_and_marked():
    now = merged(
        MIRROR,
        {3: task(3), 1: task(1, text="new")},
        cursor="2026-03-02T00:00:00Z",
        present=frozenset({1, 3}),
    )
    assert now.tasks == {1: task(1, text="new"), 2: task(2), 3: task(3)}
    assert (now.cursor, now.gone) == ("2026-03-02T00:00:00Z", {2})


def test_without_a_look_at_what_is_there_those_gone_stay_gone():
    assert merged(MIRROR, {}, cursor=MIRROR.cursor, present=None) == MIRROR
