import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from narraframe.errors import InputError
from narraframe.io.posts import Note, Skipped, read_posts
from narraframe.records import BadRecord, Post

DATA = Path(__file__).parents[1] / "data" / "posts"


def export(tmp_path, *messages, **head):
    head = {"name": "Harbour News", "type": "public_channel", "id": 1500} | head
    path = tmp_path / "result.json"
    path.write_text(json.dumps(head | {"messages": list(messages)}), encoding="utf-8")
    return str(path)


def message(**parts):
    return {"id": 1, "type": "message", "date_unixtime": "1709280000", "text": ""} | parts


def posts_of(path):
    return [item for item in read_posts(path) if isinstance(item, Post)]


def test_a_channel_export_yields_each_message_whole():
    march = [datetime(2024, 3, day, 8, tzinfo=UTC) for day in (1, 2, 3)]
    assert list(read_posts(str(DATA / "channel.json"))) == [
        Skipped("channel.json: message 1", "service message"),
        Post(
            post_id="1500/2",
            text="The old pier reopens. #pier",
            created_at=march[0],
            channel="Harbour News",
            author="Night desk",
            reactions={"👍": 8, "custom:5210": 2, "paid": 3},
            media="photo",
            source="channel.json: message 2",
        ),
        Post(
            post_id="1500/3",
            text="Path C:\\x41, tab\x0bstop",
            created_at=march[1],
            channel="Harbour News",
            forwarded_from="unknown",
            source="channel.json: message 3",
        ),
        Post(
            post_id="1500/4",
            text="Shall the ferry sail at night?\nYes\nNo 🌙",
            created_at=march[2],
            channel="Harbour News",
            forwarded_from="City Hall",
            media="poll",
            source="channel.json: message 4",
        ),
        Skipped("channel.json: message 5", "unsupported message"),
    ]


def test_a_full_export_yields_all_chats_and_those_that_were_left():
    posts = posts_of(str(DATA / "full_export.json"))
    assert [(p.post_id, p.channel, p.author, p.text, p.media) for p in posts] == [
        ("9/7", None, "A B", "Remember the tide.", None),
        ("11/7", "Lighthouse", "Keeper", "", "voice_message"),
    ]


def test_left_chats_alone_are_an_export_too(tmp_path):
    chat = {"name": "L", "type": "public_channel", "id": 5, "messages": [message(text="gone")]}
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"left_chats": {"about": "", "list": [chat]}}))
    assert [p.post_id for p in posts_of(str(path))] == ["5/1"]


def test_text_stands_in_where_older_exports_lack_entities(tmp_path):
    runs = ["See ", {"type": "link", "text": "https://example.org"}, "."]
    path = export(tmp_path, message(id=1, text=runs), message(id=2, text="plain"))
    assert [p.text for p in posts_of(path)] == ["See https://example.org.", "plain"]


def test_the_chat_as_sender_is_no_author_but_a_person_is(tmp_path):
    path = export(
        tmp_path,
        message(id=1, text="a", **{"from": "Harbour News"}),
        message(id=2, text="b", **{"from": None}),
        message(id=3, text="c", **{"from": "Keeper"}),
        message(id=4, text="d", author="Desk", **{"from": "Harbour News"}),
    )
    assert [p.author for p in posts_of(path)] == [None, None, "Keeper", "Desk"]


def test_an_absent_forwarded_from_differs_from_a_null_one(tmp_path):
    path = export(tmp_path, message(id=1, text="a"), message(id=2, text="b", forwarded_from=None))
    assert [p.forwarded_from for p in posts_of(path)] == [None, "unknown"]


@pytest.mark.parametrize(
    ("parts", "media"),
    [
        ({"photo": "p.jpg"}, "photo"),
        ({"file": "s.webp", "media_type": "sticker"}, "sticker"),
        ({"file": "v.mp4", "media_type": "video_file"}, "video_file"),
        ({"file": "a.pdf", "mime_type": "application/pdf"}, "file"),
        ({"location_information": {"latitude": 1.5, "longitude": 2.5}}, "location"),
        ({"contact_information": {"first_name": "A"}}, "contact"),
        ({}, None),
    ],
)
def test_media_is_named_by_its_kind(tmp_path, parts, media):
    assert posts_of(export(tmp_path, message(**parts)))[0].media == media


def test_a_poll_under_a_text_is_added_after_a_blank_line(tmp_path):
    poll = {"question": "Why?", "answers": [{"text": "Because"}, {"text": "No idea"}]}
    path = export(tmp_path, message(text="Vote now", poll=poll))
    assert posts_of(path)[0].text == "Vote now\n\nWhy?\nBecause\nNo idea"


def test_a_to_do_list_becomes_text(tmp_path):
    todo = {"title": "Before the storm", "answers": [{"text": "ropes", "id": 1}]}
    assert posts_of(export(tmp_path, message(todo_list=todo)))[0].text == "Before the storm\nropes"


def test_a_date_without_unix_time_is_kept_with_a_note(tmp_path):
    old = {"id": 1, "type": "message", "date": "2019-05-31T21:28:30", "text": "old"}
    post, note = read_posts(export(tmp_path, old))
    assert post.created_at == datetime(2019, 5, 31, 21, 28, 30, tzinfo=UTC)
    assert note == Note(
        "result.json: message 1", "the date is local time of an unknown zone, taken as UTC"
    )


def test_a_date_that_cannot_be_read_leaves_the_post_undated(tmp_path):
    post, note = read_posts(export(tmp_path, message(text="a", date_unixtime="soon")))
    assert post.created_at is None
    assert note == Note("result.json: message 1", "the date could not be read", "soon")


def test_reactions_that_cannot_be_read_are_left_out_with_a_note(tmp_path):
    given = [{"count": "many"}]
    post, note = read_posts(export(tmp_path, message(text="a", reactions=given)))
    assert post.reactions is None
    assert note == Note("result.json: message 1", "the reactions could not be read", given)


def test_a_message_that_is_no_object_is_a_bad_record(tmp_path):
    bad, post = read_posts(export(tmp_path, "hello", message(text="a")))
    assert bad == BadRecord("result.json: message 1", "the message is no JSON object")
    assert post.source == "result.json: message 2"


def test_an_invalid_message_does_not_take_the_others_with_it(tmp_path):
    path = tmp_path / "result.json"
    broken = '{"id": 2, "type": "message", "text": [{"document_id": video_files/sticker (2).webm}]}'
    first, third = json.dumps(message(id=1, text="a")), json.dumps(message(id=3, text="c"))
    path.write_text(f'{{"name": "N", "id": 5, "messages": [{first}, {broken}, {third}]}}')
    items = list(read_posts(str(path)))
    assert [getattr(item, "post_id", None) for item in items] == ["5/1", None, "5/3"]
    assert items[1].where == "result.json: message 2"
    assert items[1].what.startswith("invalid JSON: Expecting value at character 55")


def test_a_message_with_invalid_utf8_is_a_bad_record(tmp_path):
    path = Path(export(tmp_path, message(id=1, text="XX"), message(id=2, text="good")))
    path.write_bytes(path.read_bytes().replace(b"XX", b"\xff\xfe"))
    bad, post = read_posts(str(path))
    assert bad == BadRecord("result.json: message 1", "not valid UTF-8")
    assert post.text == "good"


def test_a_cut_export_yields_what_stands_before_the_cut(tmp_path):
    path = Path(export(tmp_path, message(id=1, text="whole"), message(id=2, text="halved")))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"halved") + 3])
    post, bad = read_posts(str(path))
    assert post.text == "whole"
    start = whole.index(b'{"id": 2')
    assert bad == BadRecord(
        "result.json: message 2",
        f"the file breaks off here: the text ends within the value that starts at byte {start:,}",
    )


def test_a_cut_between_two_messages_is_told_too(tmp_path):
    path = Path(export(tmp_path, message(id=1, text="whole"), message(id=2, text="lost")))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b', {"id": 2')])
    post, bad = read_posts(str(path))
    assert post.text == "whole"
    assert bad.what.startswith("the file breaks off here: the text ends at byte")


def test_a_chat_with_sorted_keys_still_gives_its_name_to_the_messages(tmp_path):
    path = tmp_path / "result.json"
    chat = {"name": "N", "type": "public_channel", "id": 5, "messages": [message(text="a")]}
    path.write_text(json.dumps(chat, sort_keys=True))
    post = posts_of(str(path))[0]
    assert (post.post_id, post.channel) == ("5/1", "N")


def test_a_cut_chat_with_sorted_keys_yields_what_was_held(tmp_path):
    path = tmp_path / "result.json"
    chat = {"name": "N", "id": 5, "messages": [message(id=1, text="a"), message(id=2, text="bb")]}
    text = json.dumps(chat, sort_keys=True)
    path.write_text(text[: text.index("bb")])
    post, bad = read_posts(str(path))
    assert post.post_id == "5/1"
    assert isinstance(bad, BadRecord)


def test_a_given_channel_names_chats_that_have_no_name(tmp_path):
    path = export(tmp_path, message(text="a"), name=None)
    assert next(iter(read_posts(path, channel="Mine"))).channel == "Mine"


def test_a_message_without_id_gets_one_from_its_content(tmp_path):
    path = export(tmp_path, {"type": "message", "text": "a"}, {"type": "message", "text": "a"})
    ids = [p.post_id for p in posts_of(path)]
    assert all(post_id.startswith("p-") and len(post_id) == 18 for post_id in ids)
    assert len(set(ids)) == 2


def test_labels_that_someone_added_to_messages_are_kept(tmp_path):
    path = export(tmp_path, message(id=1, text="a", labels=["x"]), message(id=2, labels=[]))
    assert [p.labels for p in posts_of(path)] == [("x",), ()]


def test_a_lone_surrogate_is_replaced_and_a_pair_is_joined(tmp_path):
    post, note = read_posts(export(tmp_path, message(text="x\ud800y\ud83d\ude00z\x00")))
    assert post.text == "x\ufffdy😀z\ufffd"
    assert note == Note(
        "result.json: message 1",
        "characters that cannot be stored were replaced by U+FFFD in text",
    )


def test_an_export_without_messages_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no post.*includes the messages"):
        list(read_posts(export(tmp_path)))


def test_nesting_without_end_is_a_fault_of_its_message(tmp_path):
    path = tmp_path / "result.json"
    deep = '{"id": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path.write_text(f'{{"name": "N", "messages": [{deep}, {json.dumps(message(text="a"))}]}}')
    bad, post = read_posts(str(path), format="telegram")
    assert bad.what == "invalid JSON: nested too deeply"
    assert post.text == "a"
