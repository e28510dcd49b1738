"""Reading posts: one reader a format, each a generator of posts and of remarks on them."""

from narraframe.io.posts.columns import Columns
from narraframe.io.posts.common import Item, Note, Skipped, unread
from narraframe.io.posts.dates import parse_date
from narraframe.io.posts.naming import shown_names
from narraframe.io.posts.reading import FORMATS, read_posts

__all__ = [
    "FORMATS",
    "Columns",
    "Item",
    "Note",
    "Skipped",
    "parse_date",
    "read_posts",
    "shown_names",
    "unread",
]
