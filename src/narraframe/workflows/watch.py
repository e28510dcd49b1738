"""How a workflow tells whoever waits for it how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Watch(Protocol):
    """Shows stages and warnings; the command line has one for terminals."""

    def stage(
        self, name: str, *, total: int | None = None, unit: str = "posts"
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Open a stage; the value entered takes the number of items just finished."""
        ...

    def reading(
        self, name: str, *, total: int | None
    ) -> AbstractContextManager[Callable[[int, int], None]]:
        """Open a stage whose end is known by the bytes of its inputs, `total`, if at all.

        The value entered takes the posts just finished and the bytes that were read for them.
        """
        ...

    def warn(self, line: str) -> None:
        """Show one line that the user should see."""
        ...


class Silent:
    """A watch that shows nothing and keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    @contextmanager
    def stage(
        self,
        name: str,  # noqa: ARG002
        *,
        total: int | None = None,  # noqa: ARG002
        unit: str = "posts",  # noqa: ARG002
    ) -> Iterator[Callable[[int], None]]:
        """Open a stage that nobody sees."""
        yield lambda _: None

    @contextmanager
    def reading(
        self,
        name: str,  # noqa: ARG002
        *,
        total: int | None,  # noqa: ARG002
    ) -> Iterator[Callable[[int, int], None]]:
        """Open a stage that nobody sees."""
        yield lambda _posts, _read: None

    def warn(self, line: str) -> None:
        """Keep the line."""
        self.warnings.append(line)
