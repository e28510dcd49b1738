"""Batches whose shape follows from the texts' own lengths, so that no text feels its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Before = TypeVar("Before")
After = TypeVar("After")

# Lengths are rounded up to a multiple of this: 32 would waste twice the work, 8 gains a hundredth.
STEP = 16
_AHEAD = 2


def padded_length(n_tokens: int, max_tokens: int) -> int:
    """Return the length to which a text of `n_tokens` is padded, whatever it is embedded with."""
    return min(-(-n_tokens // STEP) * STEP, max_tokens)


def rows_of(length: int, budget: int) -> int:
    """Return the rows of a full batch of texts of `length`, for a `budget` of tokens."""
    return max(1, budget // length)


class Queues(Generic[Item]):
    """Items that wait, by length, until there are enough for a batch.

    Parameters
    ----------
    budget : int
        Tokens, padding counted, of a full batch.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._waiting: dict[int, list[Item]] = {}

    def add(self, item: Item, length: int) -> list[Item]:
        """Let `item` wait; return the batch that it fills, if it does."""
        queue = self._waiting.setdefault(length, [])
        queue.append(item)
        if len(queue) < rows_of(length, self._budget):
            return []
        return self._waiting.pop(length)

    def rest(self) -> Iterator[tuple[int, list[Item]]]:
        """Yield what still waits, longest first, as a length and its items."""
        for length in sorted(self._waiting, reverse=True):
            yield length, self._waiting.pop(length)


def powers(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of 2, 4, 8, ... items, the largest first.

    A runtime keeps what it prepared for every shape of a batch: so there are few.
    """
    start = 0
    while rest := len(items) - start:
        size = 1 << (rest.bit_length() - 1)
        yield items[start : start + size]
        start += size


def ahead(work: Callable[[Before], After], items: Iterable[Before]) -> Iterator[After]:
    """Yield `work` of each item in order, done in a thread some items before it is asked for."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending: list[Future[After]] = []
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > _AHEAD:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of `size`."""
    return (items[i : i + size] for i in range(0, len(items), size))
