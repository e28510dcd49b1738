"""The posts whose records carry labels, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass

from narraframe.errors import InputError
from narraframe.io.posts import unread
from narraframe.records import Post
from narraframe.workflows.reading import Reading
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class LabelledPosts:
    """Posts with labels, of which there may be none; `notes` say how many others there were."""

    posts: tuple[Post, ...]
    notes: tuple[str, ...]


def labelled_posts(reading: Reading, *, watch: Watch) -> LabelledPosts:
    """Part the posts with labels, the empty list among them, from those of which nothing is known.

    An empty cell of a table is not taken as "none applies": who labels in a spreadsheet leaves
    empty what is still to be done, and unknown is not zero.

    Raises
    ------
    InputError
        If no post has labels, and those of some could not be read.
    """
    total = len(reading.posts)
    kept = tuple(post for post in reading.posts if post.labels is not None)
    account, what = reading.account, unread("labels")
    n_unread = min(account.notes[what], total - len(kept))
    if n_unread:
        first = account.first_notes[what]
        fault = InputError(
            f"the first of {n_unread:,} posts whose labels could not be read"
            if n_unread > 1
            else what,
            where=first.where,
            got=first.got,
            remedy='Write a list of names, as in ["a", "b"], or names parted by ";".',
        )
        if not kept:
            raise fault
        watch.warn(str(fault))
    why = {
        "as their labels could not be read": n_unread,
        "as they are not labelled (`labels` is missing, null or an empty cell); where none "
        "applies, write []": total - len(kept) - n_unread,
    }
    notes = (f"{n:,} of {total:,} posts are left out, {reason}" for reason, n in why.items() if n)
    return LabelledPosts(kept, tuple(notes))
