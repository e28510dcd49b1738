"""narraframe finds the narratives and frames in a stream of posts."""

__version__ = "0.1.0"
