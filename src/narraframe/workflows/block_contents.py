"""What blocks of posts hold, before any is scored: their account, and which posts come again.

Whoever reads the blocks apart learns of a post that stands in two of them only here. The outcome is
that of one process that reads them one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import NarraframeError
from narraframe.io.blocks import Block, read_block
from narraframe.io.posts import Note, Skipped
from narraframe.posts.clean import clean
from narraframe.records import BadRecord, Post
from narraframe.workflows.reading import Account, ReadOptions, count_bad

_KEY, _TEXT = "V16", "V8"
_SHOWN_FAULTS = 20


@dataclass(kw_only=True)
class Contents:
    """What a block holds: its account and, of each of its n posts, hashes of its id (16 bytes) and
    of its text (8), and whether the id may have been made of the post's content. `fault` is why it
    could not be read.
    """

    account: Account = field(default_factory=Account)
    keys: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, _KEY))
    texts: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, _TEXT))
    derived: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    fault: NarraframeError | None = None


@dataclass(frozen=True, kw_only=True)
class Again:
    """Posts whose id was read before, as positions in each block (`left_out`); and those of them
    that are other posts under a taken id (`taken`), as (block, position).
    """

    left_out: Sequence[Sequence[int]]
    taken: Sequence[tuple[int, int]]


def look_into(block: Block, options: ReadOptions) -> Contents:
    """Read a block for its ids alone; a fault of the user's is kept, not raised."""
    found = Contents()
    keys, texts, derived = [], [], []
    try:
        for raw in block_posts(block, options, found.account):
            post = clean(raw)
            body = f"{post.channel}\0{post.text}"
            keys.append(blake2b(post.post_id.encode(), digest_size=16).digest())
            texts.append(blake2b(body.encode(), digest_size=8).digest())
            derived.append(_is_derived(post.post_id))
    except NarraframeError as fault:
        found.fault = fault
    found.keys, found.texts = _hashes(keys, _KEY), _hashes(texts, _TEXT)
    found.derived = np.array(derived, np.bool_)
    return found


def block_posts(block: Block, options: ReadOptions, account: Account) -> Iterator[Post]:
    """Yield the posts of a block, keeping `account`; errors as of `reading.stream`."""
    items = read_block(
        block, format=options.format, columns=options.columns, channel=options.channel
    )
    for item in items:
        if isinstance(item, Post):
            account.read += 1
            yield item
        elif isinstance(item, Skipped):
            account.skipped[item.why] += 1
        elif isinstance(item, Note):
            account.notes[item.what] += 1
        else:
            count_bad(item, options=options, account=account)


def cut_too_far(blocks: Sequence[Block], contents: Sequence[Contents]) -> Mapping[str, Block]:
    """Return, as one block each, the files whose posts cannot be told apart block by block.

    Posts without an id of their own get one by their content, and equal ones a number: that takes
    one reader, if two blocks of a file hold the same.
    """
    keys: dict[str, list[NDArray[np.void]]] = {}
    for block, content in zip(blocks, contents, strict=True):
        if block.kind != "whole":
            keys.setdefault(block.path, []).append(np.unique(content.keys[content.derived]))
    return {
        path: Block(path)
        for path, parts in keys.items()
        if len(np.unique(np.concatenate(parts))) < sum(map(len, parts))
    }


def read_before(contents: Sequence[Contents]) -> Again:
    """Find the posts whose id was read before, in the order of the blocks."""
    keys = np.concatenate([content.keys for content in contents])
    texts = np.concatenate([content.texts for content in contents])
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    earliest = first[inverse]
    again = np.flatnonzero(earliest != np.arange(len(keys)))
    starts = np.cumsum([0, *(len(content.keys) for content in contents)])
    owners = np.searchsorted(starts, again, side="right") - 1
    left_out: list[list[int]] = [[] for _ in contents]
    taken = []
    for place, owner in zip(again.tolist(), owners.tolist(), strict=True):
        position = place - int(starts[owner])
        left_out[owner].append(position)
        if texts[place] != texts[earliest[place]]:
            taken.append((owner, position))
    return Again(left_out=left_out, taken=taken)


def account_of(
    blocks: Sequence[Block], contents: Sequence[Contents], again: Again, options: ReadOptions
) -> Account:
    """Add up the accounts of all blocks, and count what comes again.

    Raises
    ------
    InputError
        If another post has a taken id, and `options.strict`.
    """
    total = _sum(content.account for content in contents)
    total.merged = sum(map(len, again.left_out)) - len(again.taken)
    for at, position in again.taken:
        if len(total.faults) >= _SHOWN_FAULTS and not options.strict:
            total.bad += 1
            continue
        post = next(islice(block_posts(blocks[at], options, Account()), position, None))
        what = f"post_id {post.post_id!r} is taken by an earlier post"
        count_bad(BadRecord(post.source, what), options=options, account=total)
    return total


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


def _hashes(digests: Sequence[bytes], kind: str) -> NDArray[np.void]:
    return np.frombuffer(b"".join(digests), kind)
