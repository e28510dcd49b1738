import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from narraframe.errors import InputError
from narraframe.io.posts import Columns, Note, Skipped, lines, read_posts
from narraframe.records import BadRecord, Post

DATA = Path(__file__).parents[1] / "data" / "posts"
NOON = datetime(2024, 4, 9, 12, tzinfo=UTC)


def write(tmp_path, *records, name="posts.jsonl"):
    path = tmp_path / name
    rows = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in records]
    path.write_bytes(b"\n".join(rows) + b"\n")
    return str(path)


def test_a_record_is_read_whole_under_the_usual_names(tmp_path):
    record = {
        "id": 7,
        "body": "The tide is high.",
        "date": "2024-04-09T12:00:00Z",
        "chat": {"id": 5, "title": "Harbour"},
        "author": "Keeper",
        "forwarded_from": "City Hall",
        "language": "en",
        "reactions": {"👍": 2},
        "url": "https://example.org/7",
        "labels": ["sea", "news"],
        "media_type": "photo",
        "hashtags": ["#tide"],
    }
    assert list(read_posts(write(tmp_path, record))) == [
        Post(
            post_id="7",
            text="The tide is high.",
            created_at=NOON,
            channel="Harbour",
            author="Keeper",
            forwarded_from="City Hall",
            lang="en",
            reactions={"👍": 2},
            url="https://example.org/7",
            labels=("sea", "news"),
            media="photo",
            hashtags=("#tide",),
            source="posts.jsonl: line 1",
        )
    ]


def test_telethon_messages_are_read_as_such():
    assert list(read_posts(str(DATA / "telethon.jsonl"))) == [
        Post(
            post_id="1500/31",
            text="The tide is high.",
            created_at=datetime(2024, 3, 1, 8, tzinfo=UTC),
            channel="1500",
            author="Night desk",
            forwarded_from="1600",
            reactions={"👍": 4, "custom:5210": 1, "paid": 2},
            source="telethon.jsonl: line 1",
        ),
        Skipped("telethon.jsonl: line 2", "service message"),
        Post(
            post_id="1500/33",
            text="High or low?\nHigh\nLow",
            created_at=datetime(2024, 3, 1, 10, tzinfo=UTC),
            channel="1500",
            media="poll",
            source="telethon.jsonl: line 3",
        ),
        Post(
            post_id="1500/34",
            text="",
            created_at=datetime(2024, 3, 1, 11, tzinfo=UTC),
            channel="1500",
            forwarded_from="Old Salt",
            media="video_file",
            source="telethon.jsonl: line 4",
        ),
    ]


def test_messages_taken_out_of_an_export_are_read_as_such(tmp_path):
    channel = {"id": 2, "type": "message", "date_unixtime": "1712664000", "from_id": "channel1500"}
    runs = [{"type": "plain", "text": "The "}, {"type": "bold", "text": "pier"}]
    path = write(
        tmp_path,
        channel | {"text": "", "text_entities": runs},
        {"id": 3, "type": "service", "date_unixtime": "1712664000", "text": ""},
        {"id": 4, "type": "message", "date_unixtime": "1712664000", "text": "b", "from": None},
    )
    items = list(read_posts(path))
    assert [getattr(item, "post_id", item) for item in items] == [
        "1500/2",
        Skipped("posts.jsonl: line 2", "service message"),
        "4",
    ]
    assert items[0].text == "The pier"


def test_named_keys_come_before_every_guess(tmp_path):
    record = {"id": 1, "peer_id": 9, "text": "wrong", "said": "right", "when": 1712664000}
    columns = Columns(text="said", created_at="when")
    (post,) = read_posts(write(tmp_path, record), columns=columns)
    assert (post.text, post.created_at) == ("right", NOON)


def test_a_named_key_may_be_absent_from_some_records(tmp_path):
    path = write(tmp_path, {"said": "a"}, {"said": "b", "tags": ["x"]})
    posts = list(read_posts(path, columns=Columns(text="said", labels="tags")))
    assert [post.labels for post in posts] == [None, ("x",)]


def test_a_named_key_that_no_record_has_is_refused_with_those_there_are(tmp_path):
    path = write(tmp_path, {"id": 1, "text": "a"}, {"id": 2, "text": "b", "topic": "x"})
    match = r"no column 'topics' for labels - did you mean 'topic'.*id, text, topic"
    with pytest.raises(InputError, match=match):
        list(read_posts(path, columns=Columns(labels="topics")))


def test_no_label_differs_from_no_labels_known(tmp_path):
    path = write(
        tmp_path,
        {"text": "a", "labels": ["x"]},
        {"text": "b", "labels": []},
        {"text": "c", "labels": None},
        {"text": "d"},
    )
    assert [post.labels for post in read_posts(path)] == [("x",), (), None, None]


def test_labels_that_cannot_be_read_are_noted(tmp_path):
    post, note = read_posts(write(tmp_path, {"text": "a", "labels": {"x": 1}}))
    assert post.labels is None
    assert note == Note("posts.jsonl: line 1", "the labels could not be read", {"x": 1})


def test_bad_lines_are_told_and_the_others_kept(tmp_path):
    path = write(
        tmp_path,
        {"id": "a", "text": "first, long enough to outweigh the bytes that are no text"},
        b'{"id": "b", "text": "cut',
        b"",
        b"[1, 2]",
        b'{"id": "c", "text": "\xff"}',
        {"id": "d", "user": "no text"},
        {"id": "e", "text": ["a", True]},
        {"id": "f", "text": "last"},
    )
    items = list(read_posts(path))
    assert [item.post_id for item in items if isinstance(item, Post)] == ["a", "f"]
    assert [item for item in items if isinstance(item, BadRecord)] == [
        BadRecord(
            "posts.jsonl: line 2",
            "invalid JSON: Unterminated string starting at at character 21",
        ),
        BadRecord("posts.jsonl: line 4", "the record is no JSON object"),
        BadRecord("posts.jsonl: line 5", "not valid UTF-8 at byte 22 of the line"),
        BadRecord("posts.jsonl: line 6", "the record has no text"),
        BadRecord("posts.jsonl: line 7", "the text is no text"),
    ]


def test_a_broken_first_line_does_not_hide_the_format(tmp_path):
    path = write(tmp_path, b'{"id": 1, "text": "cut', {"id": 2, "text": "b"}, {"id": 3, "text": ""})
    assert [getattr(item, "post_id", None) for item in read_posts(path)] == [None, "2", "3"]


def test_a_line_over_the_limit_is_skipped_with_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    path = write(tmp_path, {"text": "a"}, {"text": "b" * 2000}, {"text": "c"})
    items = list(read_posts(path))
    assert [getattr(item, "text", None) for item in items] == ["a", None, "c"]
    assert items[1] == BadRecord(
        "posts.jsonl: line 2", "the line is 2,012 bytes long; the limit is 1,000"
    )


def test_byte_order_mark_and_windows_line_ends_are_no_part_of_records(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": 1, "text": "a"}\r\n\r\n{"id": 2, "text": "b"}\r\n')
    assert [(post.post_id, post.source) for post in read_posts(str(path))] == [
        ("1", "posts.jsonl: line 1"),
        ("2", "posts.jsonl: line 3"),
    ]


def test_an_array_of_records_is_read_too(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps([{"id": 1, "text": "a"}, 5, {"id": 2, "text": "b"}], indent=1))
    first, bad, second = read_posts(str(path))
    assert (first.post_id, second.post_id) == ("1", "2")
    assert second.source == "posts.json: record 3"
    assert bad == BadRecord("posts.json: record 2", "the record is no JSON object")


def test_a_cut_array_yields_what_stands_before_the_cut(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text('[{"id": 1, "text": "a"}, {"id": 2, "te')
    post, bad = read_posts(str(path))
    assert post.post_id == "1"
    assert bad.where == "posts.json: record 2"
    assert bad.what.endswith("the text ends within the value that starts at byte 25")


def test_records_spread_over_lines_are_read_one_after_the_other(tmp_path):
    path = tmp_path / "posts.json"
    path.write_text("\n".join(json.dumps({"id": i, "text": "a"}, indent=2) for i in (1, 2)))
    assert [post.post_id for post in read_posts(str(path))] == ["1", "2"]


def test_ids_of_their_own_are_kept_and_others_derived_from_content(tmp_path):
    rows = [{"text": "a"}, {"text": "a"}, {"text": "b"}, {"id": "x/1", "text": "a"}]
    ids = [post.post_id for post in read_posts(write(tmp_path, *rows))]
    again = [post.post_id for post in read_posts(write(tmp_path, *rows))]
    assert ids == again
    assert len(set(ids)) == 4
    assert ids[3] == "x/1"
    assert all(len(post_id) == 18 and post_id.startswith("p-") for post_id in ids[:3])


def test_derived_ids_depend_on_the_channel_and_else_on_the_file(tmp_path):
    row = {"text": "a"}
    one, two = write(tmp_path, row, name="one.jsonl"), write(tmp_path, row, name="two.jsonl")
    ids = [next(iter(read_posts(path))).post_id for path in (one, two)]
    same = [next(iter(read_posts(path, channel="C"))).post_id for path in (one, two)]
    assert ids[0] != ids[1]
    assert same[0] == same[1]


def test_the_first_readable_date_counts(tmp_path):
    path = write(tmp_path, {"text": "a", "timestamp": "12:30", "date": "2024-04-09 12:00"})
    (post,) = read_posts(path)
    assert post.created_at == NOON


def test_a_date_that_cannot_be_read_is_noted(tmp_path):
    post, note = read_posts(write(tmp_path, {"text": "a", "date": "Tuesday"}))
    assert post.created_at is None
    assert note == Note("posts.jsonl: line 1", "the date could not be read", "Tuesday")


def test_lone_surrogates_are_replaced_everywhere(tmp_path):
    record = b'{"id": "i\\ud800", "text": "t", "labels": ["l\\udfff"], "reactions": {"\\ud800": 1}}'
    post, note = read_posts(write(tmp_path, record))
    assert (post.post_id, post.labels, post.reactions) == ("i\ufffd", ("l\ufffd",), {"\ufffd": 1})
    assert "post_id, reactions, labels" in note.what


def test_a_post_without_text_but_with_media_is_kept(tmp_path):
    (post,) = read_posts(write(tmp_path, {"id": 1, "media": {"type": "photo"}}))
    assert (post.text, post.media) == ("", "photo")


def test_what_an_earlier_pass_found_is_kept(tmp_path):
    record = {"post_id": "1", "text": "a", "model_text": "", "duplicate_of": "0", "source": "set A"}
    (post,) = read_posts(write(tmp_path, record))
    assert (post.model_text, post.duplicate_of) == ("", "0")
    assert post.source == "posts.jsonl: line 1"  # the source of a foreign file means something else
