import gzip
import io
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import InputError, UsageError
from narraframe.io.posts import FORMATS, Columns, read_posts
from narraframe.io.posts.sniff import sniff
from narraframe.records import BadRecord, Post

DATA = Path(__file__).parents[1] / "data" / "posts"
FILES = {
    "channel.json": "telegram",
    "full_export.json": "telegram",
    "page.txt": "page",
    "article.txt": "page",
    "telethon.jsonl": "jsonl",
    "fourcat.csv": "csv",
}


class Pipe(io.RawIOBase):
    """Standard input: can be read, but neither rewound nor looked into."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._data.readinto(memoryview(buffer)[:7])


def piped(data):
    return io.BufferedReader(Pipe(data))


@pytest.mark.parametrize(("name", "kind"), FILES.items())
def test_each_format_is_recognised_by_content(name, kind):
    head = (DATA / name).read_bytes()
    assert sniff(head, whole=True, where=name) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PAR1....", "parquet"),
        (b'{"text": "a"}', "jsonl"),
        (b'{"text": "a"}\n{"text": "b"}\n', "jsonl"),
        (b'\xef\xbb\xbf \n[{"text": "a"}]', "jsonl"),
        (b'[\n {"text"', "jsonl"),
        (b"[]", "jsonl"),
        (b'{"messages": [{"role": "user"}]}\n{"messages": []}\n', "jsonl"),
        (b'{"id": 1, "type": "x", "messages": [{"id": 1, ', "telegram"),
        (b'{"name": "\\x1f", "messages": [', "telegram"),
        (b'{"left_chats": {"about": "", "list": [', "telegram"),
        (b'{"messages": "none"}', "jsonl"),
        (b"text\n", "csv"),
        (b'id,text\n1,"a\nForwarded from X\nb"\n', "csv"),
        (b"id;text\n", "csv"),
        (b"a\tb\n1\t2\n3\t4\n", "csv"),
        (b"Hello, world\nThis is, well, prose\n", "page"),
        (b"Message, to all\nwe are\nclosing\n", "page"),
        (b"[Photo] Hello", "page"),
        (b"One line", "page"),
    ],
)
def test_a_few_bytes_are_enough_to_recognise(head, kind):
    assert sniff(head, whole=True, where="x") == kind


def test_a_column_that_the_user_names_makes_a_table(tmp_path):
    head = b"nr,said\n1,a\n"
    assert sniff(head, whole=True, where="x") == "page"
    assert sniff(head, whole=True, where="x", columns=Columns(text="said")) == "csv"


@pytest.mark.parametrize(
    ("head", "match"),
    [
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b"PK\x03\x04rest", "zip archive or a spreadsheet.*CSV"),
        (b"\xff\xfet\x00", "UTF-16.*Save it as UTF-8"),
        (b"<!DOCTYPE html>\n<html>", 'HTML.*"Machine-readable JSON"'),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "neither UTF-8 text nor"),
        ("Порт открыт".encode("cp1251"), "neither UTF-8 text nor.*iconv"),
        (b"\x00", "neither UTF-8 text nor"),
    ],
)
def test_what_is_not_read_is_refused_with_a_remedy(head, match):
    with pytest.raises(InputError, match=match):
        sniff(head, whole=True, where="x")


@pytest.mark.parametrize("name", FILES)
def test_gzip_changes_nothing_but_the_name(tmp_path, name):
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress((DATA / name).read_bytes()))
    packed = [repr(item).replace(".gz:", ":") for item in read_posts(str(path))]
    assert packed == [repr(item) for item in read_posts(str(DATA / name))]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_read_like_a_file(tmp_path, name, pack):
    data = (DATA / name).read_bytes()
    path = tmp_path / "standard input"
    path.write_bytes(data)
    from_pipe = list(read_posts("-", stdin=piped(pack(data))))
    assert from_pipe == list(read_posts(str(path)))


def test_parquet_comes_through_a_pipe_too(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "standard input"
    pq.write_table(pa.table({"id": [1, 2], "text": ["a", "b"]}), path)
    expected = list(read_posts(str(path)))
    for pack in (bytes, gzip.compress):
        assert list(read_posts("-", stdin=piped(pack(path.read_bytes())))) == expected


def test_a_cut_gzip_file_is_told_after_what_could_be_read(tmp_path):
    rows = b"".join(
        json.dumps({"id": i, "text": os.urandom(30).hex()}).encode() + b"\n" for i in range(500)
    )
    path = tmp_path / "posts.jsonl.gz"
    packed = gzip.compress(rows)
    path.write_bytes(packed[: len(packed) // 2])
    items = list(read_posts(str(path)))
    posts = [item for item in items if isinstance(item, Post)]
    assert [post.post_id for post in posts] == [str(i) for i in range(len(posts))]
    assert 150 < len(posts) < 350
    assert items[-1] == BadRecord(
        "posts.jsonl.gz: end", "the gzip file is cut off, the rest is missing"
    )


def test_a_damaged_gzip_file_is_told(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00garbage")
    with pytest.raises(InputError, match=r"gzip file is (damaged|cut off).*Copy it again"):
        list(read_posts(str(path)))


def test_gzip_files_put_together_are_read_to_the_end(tmp_path):
    path = tmp_path / "posts.jsonl.gz"
    rows = [gzip.compress(json.dumps({"id": i, "text": "a"}).encode() + b"\n") for i in range(3)]
    path.write_bytes(b"".join(rows) + b"\x00" * 10)
    assert [post.post_id for post in read_posts(str(path))] == ["0", "1", "2"]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no such file.*Check the path"):
        list(read_posts(str(tmp_path / "absent.json")))


def test_a_folder_is_told(tmp_path):
    with pytest.raises(InputError, match=r"is a folder.*Name the files in it"):
        list(read_posts(str(tmp_path)))


def test_a_path_that_cannot_be_one_is_told():
    with pytest.raises(InputError, match="cannot be opened"):
        list(read_posts("a\x00b"))


def test_a_file_that_may_not_be_read_is_told(monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"closed.json: may not be read.*Ask its owner"):
        list(read_posts("closed.json"))


def test_a_disk_that_fails_while_it_is_read_is_told():
    class Failing(Pipe):
        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="cannot be read on: Input/output error"):
        list(read_posts("-", stdin=io.BufferedReader(Failing(b""))))


def test_an_empty_file_is_told(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(InputError, match=r"empty.csv: is empty"):
        list(read_posts(str(path)))


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_file_is_told_when_the_format_is_named_too(tmp_path, kind):
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(InputError, match=r"holds no post|no Parquet table"):
        list(read_posts(str(path), format=kind))


def test_a_file_of_bad_records_names_the_first(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"a": 1}\n{"b": 2}\n')
    match = r"holds no post: 2 records could not be read, the first at bad.jsonl: line 1: .*no text"
    with pytest.raises(InputError, match=match):
        list(read_posts(str(path)))


def test_no_standard_input_is_told():
    with pytest.raises(InputError, match="no standard input"):
        list(read_posts("-"))


def test_an_unknown_format_is_told():
    with pytest.raises(
        UsageError, match=r"no such format.*telegram, page, jsonl, csv, parquet.*jsonl"
    ):
        list(read_posts("x", format="json"))


def test_a_named_format_overrides_what_the_content_looks_like():
    posts = [p for p in read_posts(str(DATA / "fourcat.csv"), format="page") if isinstance(p, Post)]
    assert posts[0].text.startswith('"id","thread_id"')


def test_nothing_is_read_on_before_it_is_asked_for(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b'{"id": 1, "text": "a"}\n' * 200_000)
    reader = read_posts(str(path))
    assert next(reader).post_id == "1"
    reader.close()


mostly_text = st.lists(
    st.sampled_from(
        [
            *(b'{"messages": [', b'{"id": 1, "text": "', b"text,id\n", b"Forwarded from X\n"),
            *(
                b'"',
                b"{",
                b"}",
                b"[",
                b"]",
                b",",
                b"\n",
                b"\x00",
                b"\xff",
                b"NaN",
                b"1e999",
                b"a b",
            ),
            *(b"\\x0", b"\\ud800", b"PAR1", b"\x1f\x8b", "👍8\n".encode()),
            *(b'"labels": ', b'"reactions": ', b'"date": '),
        ]
    ),
    max_size=25,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300) | mostly_text, kind=st.sampled_from([None, None, *FORMATS]))
def test_no_bytes_raise_anything_but_an_input_error(data, kind):
    with suppress(InputError):
        for item in read_posts("-", stdin=io.BytesIO(data), format=kind):
            if isinstance(item, Post):
                item.text.encode()


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_no_damage_to_a_good_file_raises_anything_but_an_input_error(name, data):
    whole = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=5))
    packed = gzip.compress(bytes(whole)) if data.draw(st.booleans()) else bytes(whole)
    packed = packed[: data.draw(st.integers(1, len(packed)))]
    with suppress(InputError):
        list(read_posts("-", stdin=io.BytesIO(packed)))
