"""What blocks of posts hold, before any is scored: their account, and which ids come again.

Whoever reads the blocks apart learns of a post that stands in two of them only here. The outcome is
that of one process that reads them one after the other (`score_items.each_once`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import NarraframeError
from narraframe.io.blocks import Block, read_block
from narraframe.io.remembered import Remembered, digest_of
from narraframe.records import BadRecord, Post
from narraframe.workflows.reading import Account, ReadOptions, count_bad, keep_account
from narraframe.workflows.score_items import taken, unreadable
from narraframe.workflows.scored_window import Item

_DIGEST = "V16"
_SHOWN_FAULTS = 20


class Standing(IntEnum):
    """What becomes of a post whose id was read before."""

    MERGED = 1
    TAKEN = 2


@dataclass(kw_only=True)
class Contents:
    """What a block holds: its account and, of each of its n posts, 16 bytes that tell its id and 16
    its text, and whether the id may have been made of the post's content. `fault` is why it could
    not be read.
    """

    account: Account = field(default_factory=Account)
    keys: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, _DIGEST))
    texts: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, _DIGEST))
    derived: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    fault: NarraframeError | None = None


Again = Mapping[int, Standing]
"""Of a block: which of its posts, by number, have an id that was read before."""


def look_into(block: Block, options: ReadOptions) -> Contents:
    """Read a block for its ids alone; a fault of the user's is kept, not raised."""
    found = Contents()
    keys, texts, derived = [], [], []
    try:
        for record in _records(block, options, found.account):
            if isinstance(record, Post):
                keys.append(digest_of(record.post_id))
                texts.append(digest_of(record.text, record.model_text, record.channel))
                derived.append(_is_derived(record.post_id))
    except NarraframeError as fault:
        found.fault = fault
    found.keys, found.texts = _digests(keys), _digests(texts)
    found.derived = np.array(derived, np.bool_)
    return found


def block_items(block: Block, options: ReadOptions, again: Again) -> Iterator[Item]:
    """Yield what gets a row of its own."""
    number, ids = 0, Remembered()
    for record in _records(block, options, Account()):
        if isinstance(record, BadRecord):
            yield unreadable(record, ids)
            continue
        standing = again.get(number)
        number += 1
        if standing is None:
            yield record
        elif standing is Standing.TAKEN:
            yield taken(record, ids)


def cut_too_far(blocks: Sequence[Block], contents: Sequence[Contents]) -> Mapping[str, Block]:
    """Return by name, each as one block, the inputs whose blocks cannot tell their posts apart.

    Posts without an id of their own get one by their content, and equal ones a number: that takes
    one reader, if two blocks of an input hold the same.
    """
    keys: dict[Block, list[NDArray[np.void]]] = {}
    for block, content in zip(blocks, contents, strict=True):
        if block.kind != "whole":
            whole = Block(block.path, block.name)
            keys.setdefault(whole, []).append(np.unique(content.keys[content.derived]))
    return {
        whole.name: whole
        for whole, parts in keys.items()
        if len(np.unique(np.concatenate(parts))) < sum(map(len, parts))
    }


def read_before(contents: Sequence[Contents]) -> list[Again]:
    """Find, in the order of the blocks, the posts whose id was read before."""
    keys = np.concatenate([content.keys for content in contents])
    texts = np.concatenate([content.texts for content in contents])
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    earliest = first[inverse]
    again = np.flatnonzero(earliest != np.arange(len(keys)))
    starts = np.cumsum([0, *(len(content.keys) for content in contents)])
    owners = np.searchsorted(starts, again, side="right") - 1
    found: list[dict[int, Standing]] = [{} for _ in contents]
    for place, owner in zip(again.tolist(), owners.tolist(), strict=True):
        same = texts[place] == texts[earliest[place]]
        found[owner][place - int(starts[owner])] = Standing.MERGED if same else Standing.TAKEN
    return [*found]


def account_of(
    blocks: Sequence[Block],
    contents: Sequence[Contents],
    again: Sequence[Again],
    options: ReadOptions,
) -> Account:
    """Add up the accounts of all blocks, and count what comes again.

    Raises
    ------
    InputError
        If another post has a taken id, and `options.strict`.
    """
    total = _sum(content.account for content in contents)
    for block, standings in zip(blocks, again, strict=True):
        kinds = list(standings.values())
        n_taken = kinds.count(Standing.TAKEN)
        total.merged += len(kinds) - n_taken
        if n_taken and (options.strict or len(total.faults) < _SHOWN_FAULTS):
            for number, record in enumerate(_posts(block, options)):
                if standings.get(number) is Standing.TAKEN:
                    what = f"post_id {record.post_id!r} is taken by an earlier post"
                    count_bad(BadRecord(record.source, what), options=options, account=total)
        else:
            total.bad += n_taken
    return total


def _posts(block: Block, options: ReadOptions) -> Iterator[Post]:
    records = _records(block, options, Account())
    return (record for record in records if isinstance(record, Post))


def _records(block: Block, options: ReadOptions, account: Account) -> Iterator[Post | BadRecord]:
    """Yield the posts of a block and what could not be read, as `reading.stream_records` does."""
    items = read_block(
        block, format=options.format, columns=options.columns, channel=options.channel
    )
    return keep_account(items, options=options, account=account)


def _sum(accounts: Iterable[Account]) -> Account:
    total = Account()
    for account in accounts:
        total.read += account.read
        total.bad += account.bad
        total.skipped += account.skipped
        total.notes += account.notes
        total.faults += account.faults[: _SHOWN_FAULTS - len(total.faults)]
    return total


def _is_derived(post_id: str) -> bool:
    """Tell whether a reader may have made this id, of the content of the post."""
    return post_id.startswith("p-") and len(post_id) == 18


def _digests(digests: Sequence[bytes]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(digests), _DIGEST)
