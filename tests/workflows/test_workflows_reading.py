import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from narraframe.errors import InputError
from narraframe.io.posts import read_posts
from narraframe.io.tables import write_posts
from narraframe.records import Post
from narraframe.workflows.ingest import ingest
from narraframe.workflows.reading import Account, ReadOptions, read_ready, stream
from narraframe.workflows.watch import Silent

TREATY = "Ministers of all nine states met in the harbour town on Monday to sign the new treaty."
NEARLY = "Ministers of all nine states met in the harbour town on Tuesday to sign the new treaty."
RAIN = "Heavy rain is expected in the valleys tonight, so leave your cars on the higher ground."


def lines(path, *records: dict) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return str(path)


def read(*paths: str, watch: Silent | None = None, **options):
    return read_ready(paths, options=ReadOptions(**options), watch=watch or Silent())


def test_posts_come_prepared_in_input_order(tmp_path):
    reading = read(
        lines(tmp_path / "a.jsonl", {"id": "2", "text": RAIN}, {"id": "1", "text": TREATY})
    )
    assert [post.post_id for post in reading.posts] == ["2", "1"]
    assert [post.model_text for post in reading.posts] == [RAIN, TREATY]
    assert {post.lang for post in reading.posts} == {"en"}


def test_the_same_post_read_twice_joins_what_both_readings_know(tmp_path):
    first = {"id": "1", "text": RAIN, "author": "Ada", "reactions": {"👍": 3, "🔥": 1}}
    again = {"id": "1", "text": RAIN, "author": "Bob", "reactions": {"👍": 5, "😢": 2}}
    again |= {"labels": ["weather"], "date": "2024-05-01T10:00:00Z", "url": "https://t.me/c/1"}
    reading = read(lines(tmp_path / "a.jsonl", first), lines(tmp_path / "b.jsonl", again))
    (post,) = reading.posts
    assert post.author == "Ada", "what the first reading knows stays"
    assert post.reactions == {"👍": 5, "🔥": 1, "😢": 2}
    assert post.labels == ("weather",)
    assert post.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert post.url == "https://t.me/c/1"
    assert (reading.account.read, reading.account.merged, reading.account.bad) == (2, 1, 0)


def test_labelled_with_none_is_kept_beside_a_later_label(tmp_path):
    posts = [{"id": "1", "text": RAIN, "labels": labels} for labels in ([], ["weather"])]
    assert read(lines(tmp_path / "a.jsonl", *posts)).posts[0].labels == ()


def test_another_post_under_a_taken_id_is_a_bad_record_and_the_first_stays(tmp_path):
    watch = Silent()
    path = lines(tmp_path / "a.jsonl", {"id": "1", "text": RAIN}, {"id": "1", "text": TREATY})
    reading = read(path, watch=watch)
    assert [post.text for post in reading.posts] == [RAIN]
    (fault,) = reading.account.faults
    assert fault.where == "a.jsonl: line 2"
    assert fault.what == "post_id '1' is taken by another post (a.jsonl: line 1)"
    assert (reading.account.bad, reading.account.merged) == (1, 0)
    assert watch.warnings == [f"{fault.where}: {fault.what}"]


def test_one_text_in_two_channels_under_one_id_is_no_second_reading(tmp_path):
    posts = [{"id": "1", "text": RAIN, "channel": channel} for channel in ("north", "south")]
    assert read(lines(tmp_path / "a.jsonl", *posts)).account.bad == 1


def test_strict_stops_at_the_first_bad_record(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"id": "1", "text": RAIN}, {"id": "1", "text": TREATY})
    with pytest.raises(InputError, match=r"a\.jsonl: line 2: post_id '1' is taken.*--strict"):
        read(path, strict=True)


def test_the_faults_shown_are_few_and_the_others_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": RAIN}) + "\n" + "{broken\n" * 30)
    watch = Silent()
    account = read(str(tmp_path / "a.jsonl"), watch=watch).account
    assert (account.bad, len(account.faults)) == (30, 20)
    assert watch.warnings[-1] == "and 10 more bad records"


def test_the_account_names_what_was_kept_and_what_was_not(tmp_path):
    export = {
        "name": "Harbour news",
        "type": "public_channel",
        "id": 7,
        "messages": [
            {"id": 1, "type": "service", "date": "2024-01-01T09:00:00", "action": "create_channel"},
            *(
                {"id": i, "type": "message", "date_unixtime": "1704186000", "text": text}
                for i, text in enumerate([RAIN, TREATY, NEARLY, TREATY], start=2)
            ),
            {"id": 6, "type": "message", "date_unixtime": "1704186000", "photo": "x", "text": ""},
        ],
    }
    (tmp_path / "result.json").write_text(json.dumps(export), "utf-8")
    reading = read(str(tmp_path / "result.json"))
    assert reading.rows() == {
        "posts read": 5,
        "read twice (same id), merged": 0,
        "posts kept": 5,
        "with text": 4,
        "copies or near-copies of an earlier post": 2,
        "distinct texts": 2,
        "not a post: service message": 1,
        "bad records": 0,
    }


def test_notes_on_posts_are_counted_by_kind(tmp_path):
    posts = [{"id": str(i), "text": RAIN, "date": "some day"} for i in range(2)]
    rows = read(lines(tmp_path / "a.jsonl", *posts)).rows()
    assert rows["note: the date could not be read"] == 2


def test_what_an_analyst_mended_in_a_table_of_posts_is_kept(tmp_path):
    posts = (
        Post(post_id="1", text=TREATY, model_text=TREATY, labels=("a",)),
        Post(post_id="2", text=TREATY, model_text="mended", lang="mt"),
    )
    write_posts(tmp_path / "p.parquet", posts, force=False)
    assert read(str(tmp_path / "p.parquet")).posts == posts


def test_nightly_tables_put_together_are_searched_for_near_copies(tmp_path):
    """Each night's own marks say nothing of the copies between nights."""
    nights = (("mon", TREATY), ("tue", NEARLY), ("wed", RAIN))
    posts = [Post(post_id=night, text=text, model_text=text) for night, text in nights]
    write_posts(tmp_path / "all.parquet", posts, force=False)
    marks = [post.duplicate_of for post in read(str(tmp_path / "all.parquet")).posts]
    assert marks == [None, "mon", None]


def test_several_inputs_are_searched_for_near_copies_together(tmp_path):
    for name, text in (("one", TREATY), ("two", NEARLY)):
        ingest(
            [lines(tmp_path / f"{name}.jsonl", {"id": name, "text": text})],
            output=tmp_path / f"{name}.parquet",
            options=ReadOptions(),
            force=False,
            watch=Silent(),
        )
    one, two = (str(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    assert [post.duplicate_of for post in read(two).posts] == [None]
    assert [post.duplicate_of for post in read(one, two).posts] == [None, "one"]
    assert [post.duplicate_of for post in read(two, one).posts] == [None, "two"]


def test_a_first_that_is_no_longer_there_takes_the_mark_with_it(tmp_path):
    left = Post(post_id="2", text=TREATY, model_text=TREATY, duplicate_of="gone")
    write_posts(tmp_path / "p.parquet", [left], force=False)
    assert [post.duplicate_of for post in read(str(tmp_path / "p.parquet")).posts] == [None]


def test_ingest_then_reading_gives_the_posts_of_a_direct_reading(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"id": "1", "text": TREATY}, {"id": "2", "text": NEARLY})
    direct = ingest(
        [path], output=tmp_path / "p.parquet", options=ReadOptions(), force=False, watch=Silent()
    )
    assert read(str(tmp_path / "p.parquet")).posts == direct.posts
    account = json.loads((tmp_path / "p.account.json").read_text())
    assert account == direct.rows()
    assert list(read_posts(str(tmp_path / "p.parquet")))[1].duplicate_of == "1"


def test_an_input_without_posts_says_what_formats_there_are(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"id": "1"}, {"id": "2"})
    with pytest.raises(InputError, match=r"a\.jsonl: .*no.* post"):
        read(path)


def test_standard_input_is_read_as_any_other(tmp_path):
    packed = io.BytesIO(json.dumps({"id": "1", "text": RAIN}).encode())
    assert [post.post_id for post in read("-", stdin=packed).posts] == ["1"]


def test_a_stream_yields_posts_before_the_input_ends(tmp_path):
    path = lines(tmp_path / "a.jsonl", *({"id": str(i), "text": RAIN} for i in range(3)))
    account = Account()
    posts = stream([path], options=ReadOptions(), account=account)
    assert next(posts).post_id == "0"
    assert account.read == 1
    assert len(list(posts)) == 2
    assert account.read == 3


def test_reading_is_the_same_every_time(tmp_path):
    path = lines(tmp_path / "a.jsonl", *({"text": text} for text in (RAIN, TREATY, RAIN)))
    assert read(path).posts == read(path).posts
    first, _, third = read(path).posts
    assert replace(third, post_id="", source="") == replace(
        first, post_id="", source="", duplicate_of=first.post_id
    )


def test_a_post_read_again_with_other_labels_is_a_bad_record(tmp_path):
    rows = [{"id": "1", "text": RAIN, "labels": ["a"]}, {"id": "1", "text": RAIN, "labels": ["b"]}]
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    reading = read(str(path))
    assert [post.labels for post in reading.posts] == [("a",)]
    assert reading.account.bad == 1
    assert "read with other labels before" in reading.account.faults[0].what
