"""Batches whose shape follows from the texts' own lengths, so that no text feels its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
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


def ahead(
    work: Callable[[Before], After],
    items: Iterable[Before],
    *,
    most: int = _AHEAD,
    cancel: Callable[[], object] = lambda: None,
) -> Generator[After, None, None]:
    """Yield `work` of each item in order, done in a thread up to `most` items before its turn.

    The items themselves are asked for in the caller's thread; a fault there is raised after what
    came before it. At the end, or when nobody asks any more, `cancel` is called, and what runs then
    is waited for.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending: list[Future[After]] = []
        fault: Exception | None = None
        rest = iter(items)
        try:
            while fault is None:
                try:
                    pending.append(pool.submit(work, next(rest)))
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised when its turn comes
                    fault = error
                if len(pending) > most:
                    yield pending.pop(0).result()
            for future in pending:
                yield future.result()
            if fault is not None:
                raise fault
        finally:
            cancel()
            for future in pending:
                future.cancel()


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of `size`."""
    return (items[i : i + size] for i in range(0, len(items), size))
