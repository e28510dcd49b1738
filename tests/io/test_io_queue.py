"""The queue and the audit as CSV: written, read back, refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import OutputError, TableError
from narraframe.io.queue import (
    COLUMNS,
    AuditPost,
    audit_probabilities,
    frame_path,
    read_audit,
    read_copies,
    read_frame,
    read_queue,
    write_audit,
    write_copies,
    write_frame,
    write_queue,
)
from narraframe.records import QueueItem

ITEMS = (
    QueueItem(post_id="=1/2", rank=0, design="active", reason='unsure of "A", B (0.46)'),
    QueueItem(
        post_id="b",
        rank=1,
        design="audit",
        reason="drawn at random for the audit",
        stratum="канал 2024-05..2024-06",
        inclusion_probability=1 / 3,
        n_annotators=2,
        blind=True,
    ),
)
AUDIT = (AuditPost("b", "a 2024-05", 1 / 3, 9, 3), AuditPost("@c", "a 2024-05", 1 / 3, 9, 3))
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


def test_a_queue_is_read_as_it_was_written(tmp_path):
    write_queue(tmp_path / "queue.csv", ITEMS, force=False)
    assert read_queue(tmp_path / "queue.csv") == ITEMS


def test_a_queue_holds_the_columns_that_push_reads_and_no_formula(tmp_path):
    write_queue(tmp_path / "queue.csv", ITEMS, force=False)
    header, first, *_ = (tmp_path / "queue.csv").read_text("utf-8").splitlines()
    assert header == ",".join(COLUMNS)
    assert first == '\'=1/2,0,active,"unsure of ""A"", B (0.46)",,,1,0'


def test_a_queue_is_written_over_only_with_force(tmp_path):
    path = tmp_path / "queue.csv"
    write_queue(path, ITEMS, force=False)
    with pytest.raises(OutputError, match="exists already"):
        write_queue(path, ITEMS[:1], force=False)
    assert read_queue(path) == ITEMS
    write_queue(path, ITEMS[:1], force=True)
    assert read_queue(path) == ITEMS[:1]


def test_without_a_queue_one_is_told_how_to_make_it(tmp_path):
    with pytest.raises(TableError, match=r"there is no queue.*narraframe queue POSTS"):
        read_queue(tmp_path / "queue.csv")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a,x,audit,,,,1,0", "'x' is no whole number of 0 or more"),
        ("a,0,,,,,1,0", "a cell is empty"),
        ("a,0,audit,,,0,1,0", "'0' is not above 0 and at most 1"),
        ("a,0,audit,,,much,1,0", "could not convert string to float: 'much'"),
        ("a,0,audit,,,,0,0", "'0' is no whole number of 1 or more"),
        ("a,0,audit,,,,1,yes", "blind must be 0 or 1, not 'yes'"),
        (",0,audit,,,,1,0", "post_id '' is empty or stands there twice"),
        ("b,0,audit,,,,1,0", "post_id 'b' is empty or stands there twice"),
    ],
)
def test_a_faulty_line_is_named(tmp_path, line, fault):
    path = tmp_path / "queue.csv"
    path.write_text(f"{','.join(COLUMNS)}\nb,1,active,,,,1,0\n{line}\n", "utf-8")
    with pytest.raises(TableError, match=fault) as caught:
        read_queue(path)
    assert "line 3" in str(caught.value)


def test_missing_columns_and_strange_files_are_named(tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text("post_id,rank\na,0\n", "utf-8")
    with pytest.raises(TableError, match=r"columns design, reason.* are missing"):
        read_queue(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="cannot be read"):
        read_queue(path)


def test_the_audit_is_read_as_it_was_written_and_written_over(tmp_path):
    path = tmp_path / "audit.csv"
    assert read_audit(path) == ()
    assert audit_probabilities(path) == {}
    write_audit(path, AUDIT[:1])
    write_audit(path, AUDIT)
    assert read_audit(path) == AUDIT
    assert audit_probabilities(path) == {"b": 1 / 3, "@c": 1 / 3}


def test_the_frame_and_the_copies_are_read_as_they_were_written(tmp_path):
    limits = {("a", "2024-05"): 0.1, ("a", ""): 1.0, ("", "2024-05"): 2 / 3}
    path = frame_path(tmp_path / "audit.csv")
    assert path.name == "audit_frame.csv"
    assert read_frame(path) == {}
    write_frame(path, limits)
    assert read_frame(path) == limits
    assert read_copies(tmp_path / "copies.csv") == {}
    write_copies(tmp_path / "copies.csv", {"b": "a", "-c": "a"})
    assert read_copies(tmp_path / "copies.csv") == {"b": "a", "-c": "a"}


@given(channel=TEXT, post_id=TEXT, limit=st.floats(0, 1, exclude_min=True))
@settings(max_examples=50)
def test_any_channel_id_and_limit_survives(tmp_path_factory, channel, post_id, limit):
    folder = tmp_path_factory.mktemp("audit")
    write_frame(folder / "frame.csv", {(channel, "2024-05"): limit})
    assert read_frame(folder / "frame.csv") == {(channel, "2024-05"): limit}
    write_copies(folder / "copies.csv", {post_id: channel})
    assert read_copies(folder / "copies.csv") == {post_id: channel}
