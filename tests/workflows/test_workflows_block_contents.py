"""Blocks read apart come to what one process makes of the whole."""

import json
from itertools import chain

import pytest

from narraframe.errors import InputError
from narraframe.io.blocks import Block, cut_into_blocks
from narraframe.workflows.block_contents import (
    account_of,
    block_items,
    cut_too_far,
    look_into,
    read_before,
)
from narraframe.workflows.reading import Account, ReadOptions, stream_records
from narraframe.workflows.score_items import each_once


def lines(path, rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def looked(paths, *, n_blocks: int, **options):
    blocks = cut_into_blocks(paths, n_blocks=n_blocks, fewest=1)
    read = ReadOptions(**options)
    return blocks, [look_into(block, read) for block in blocks], read


def items(blocks, again, options) -> list:
    pairs = zip(blocks, again, strict=True)
    return [item for block, known in pairs for item in block_items(block, options, known)]


def of_one_process(paths, options):
    account = Account()
    records = stream_records(paths, options=options, account=account)
    return list(each_once(records, options=options, account=account)), account


ROWS = [{"id": str(i % 13), "text": f"Text {i % 13}"} for i in range(30)]


@pytest.mark.parametrize("n_blocks", [1, 4, 30])
def test_a_post_that_comes_again_is_left_out_wherever_it_stands(tmp_path, n_blocks):
    paths = [lines(tmp_path / "a.jsonl", ROWS), lines(tmp_path / "b.jsonl", ROWS[:5])]
    blocks, contents, options = looked(paths, n_blocks=n_blocks)
    again = read_before(contents)
    found, account = items(blocks, again, options), account_of(blocks, contents, again, options)
    assert [item.post_id for item in found] == [str(i) for i in range(13)]
    assert (account.read, account.merged, account.bad) == (35, 22, 0)
    assert (found, account) == of_one_process(paths, options)


@pytest.mark.parametrize("n_blocks", [1, 4, 30])
def test_another_post_under_a_taken_id_is_a_bad_record(tmp_path, n_blocks):
    rows = [*ROWS[:13], {"id": "3", "text": "Another one"}, {"id": "3", "text": "Text 3"}]
    path = lines(tmp_path / "a.jsonl", rows)
    with (tmp_path / "a.jsonl").open("a", encoding="utf-8") as more:
        more.write('{"id": "broken"\n')
    blocks, contents, options = looked([path], n_blocks=n_blocks)
    again = read_before(contents)
    found, account = items(blocks, again, options), account_of(blocks, contents, again, options)
    assert [item.post_id for item in found] == [
        *(str(i) for i in range(13)),
        "a.jsonl: line 14",
        "a.jsonl: line 16",
    ]
    assert (account.read, account.merged, account.bad) == (15, 1, 2)
    plain, counted = of_one_process([path], options)
    assert found == plain
    assert sorted(map(str, account.faults)) == sorted(map(str, counted.faults))
    with pytest.raises(InputError, match="'3' is taken by an earlier post"):
        account_of(blocks, contents, again, ReadOptions(strict=True))


def test_of_many_taken_ids_all_are_counted_and_some_are_shown(tmp_path):
    rows = [*ROWS[:13], *({"id": str(i % 13), "text": f"Other {i}"} for i in range(40))]
    blocks, contents, options = looked([lines(tmp_path / "a.jsonl", rows)], n_blocks=3)
    account = account_of(blocks, contents, read_before(contents), options)
    assert (account.bad, len(account.faults)) == (40, 20)


def test_posts_without_ids_that_are_the_same_in_two_blocks_take_one_reader(tmp_path):
    unlike = [{"text": f"Text {i}"} for i in range(20)]
    path = lines(tmp_path / "a.jsonl", unlike)
    assert not cut_too_far(*looked([path], n_blocks=4)[:2])
    alike = lines(tmp_path / "b.jsonl", [*unlike, unlike[0]])
    blocks, contents, options = looked([path, alike], n_blocks=8)
    assert cut_too_far(blocks, contents) == {"b.jsonl": Block(alike, "b.jsonl")}
    whole = [look_into(Block(alike, "b.jsonl"), options)]
    assert read_before(whole) == [{}]


@pytest.mark.parametrize("n_blocks", [1, 4, 30])
def test_records_at_one_place_of_inputs_of_one_name_get_rows_of_their_own(tmp_path, n_blocks):
    paths = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "posts.jsonl"
        lines(path, [*ROWS[:3], {"id": "0", "text": f"Another of {folder}"}])
        with path.open("a", encoding="utf-8") as more:
            more.write("{broken\n")
        paths.append(str(path))
    paths.append(paths[0])
    blocks, contents, options = looked(paths, n_blocks=n_blocks)
    found = items(blocks, read_before(contents), options)
    places = [f"{name}: line {n}" for name in ("a/posts.jsonl", "b/posts.jsonl") for n in (4, 5)]
    again = [f"a/posts.jsonl (2): line {n}" for n in (4, 5)]
    assert [item.post_id for item in found] == ["0", "1", "2", *places, *again]
    assert found == of_one_process(paths, options)[0]


def test_posts_with_ids_of_their_own_are_cut_however_alike_they_are(tmp_path):
    rows = list(chain.from_iterable([{"id": f"p-{i}", "text": "The same"}] * 2 for i in range(9)))
    blocks, contents, _ = looked([lines(tmp_path / "a.jsonl", rows)], n_blocks=6)
    assert not cut_too_far(blocks, contents)


def test_a_fault_of_the_user_is_kept_with_the_contents(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "One"}\n{broken\n' * 4, "utf-8")
    [content] = looked([str(tmp_path / "a.jsonl")], n_blocks=1, strict=True)[1]
    assert isinstance(content.fault, InputError)
    [content] = looked([str(tmp_path / "a.jsonl")], n_blocks=1)[1]
    assert (content.fault, content.account.read, content.account.bad) == (None, 4, 4)
