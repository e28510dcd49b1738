"""New posts and their themes: the table ASSIGNMENTS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from narraframe.io.rows import open_rows

ASSIGNMENTS = pa.schema(
    [
        ("post_id", pa.string()),
        ("theme", pa.int32()),
        ("name", pa.string()),
        ("probability", pa.float32()),
        ("suggested", pa.int32()),
        ("reason", pa.string()),
        ("candidate", pa.int32()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedPost:
    """A new post's theme and `name`, or None and the `reason`.

    `probability` is that of `suggested`, the best theme all the same. `candidate` numbers the group
    of new posts, alike and far from all themes, that it belongs to.
    """

    post_id: str
    theme: int | None = None
    name: str | None = None
    probability: float | None = None
    suggested: int | None = None
    reason: str | None = None
    candidate: int | None = None


def write_assignments(path: Path, posts: Iterable[AssignedPost], *, force: bool) -> None:
    """Write the table ASSIGNMENTS as Parquet, CSV or JSON lines, by the ending of `path`.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    table = pa.Table.from_pylist([asdict(post) for post in posts], schema=ASSIGNMENTS)
    with open_rows(path, ASSIGNMENTS, force=force) as writer:
        writer.write(table)
