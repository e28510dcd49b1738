"""A workspace about farming and voting: posts of two channels, and an audit of them."""

import json

import numpy as np

from narraframe.config import find_workspace
from narraframe.io.annotations import write_annotations
from narraframe.records import Annotation
from narraframe.workflows.auditing import draw, write
from narraframe.workflows.init import init
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Silent

BOOK = """\
version = "1.0.0"
title = "Topics"
[[facets]]
id = "topic"
name = "Topic"
[[labels]]
id = "farming"
facet = "topic"
name = "Farming"
[[labels]]
id = "voting"
facet = "topic"
name = "Voting"
"""
LABELS = ("farming", "voting")
MODEL = "topics/3@0011aabb"


def truth(i: int) -> list[str]:
    """Every fourth post is about farming."""
    return ["farming"] if i % 4 == 0 else []


def text(i: int) -> str:
    """A text of its own that resembles no other."""
    rng = np.random.default_rng(i)
    return " ".join("".join(rng.choice(list("aeioklmnprst"), 6)) for _ in range(8))


def said(post_id: str, *labels: str, who: str = "ann", **rest) -> list[Annotation]:
    rows = [("topic", int(bool(labels))), *((label, 1) for label in labels)]
    return [
        Annotation(post_id=post_id, annotator=who, label_id=i, value=v, **rest) for i, v in rows
    ]


class TopicStudy:
    """`ids` are of `n` posts, numbered as `truth` and `text` number them; `month_of` gives their
    month; `more` rows of posts come after them.
    """

    def __init__(self, folder, *, n, month_of, text_of=text, more=()) -> None:
        init(folder)
        self.workspace = find_workspace(folder, given=folder)
        self.workspace.codebook.write_text(BOOK)
        self.path = folder / "posts.jsonl"
        self.ids = tuple(f"p{i:03}" for i in range(n))
        rows = [
            {
                "id": post_id,
                "text": text_of(i),
                "lang": "en",
                "channel": "AB"[i % 2],
                "date": f"2024-{month_of(i):02}-07",
            }
            for i, post_id in enumerate(self.ids)
        ]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in (*rows, *more)))
        self.posts = read_ready([str(self.path)], options=ReadOptions(), watch=Silent()).posts

    def draw(self, n: int) -> tuple[str, ...]:
        """Draw an audit of `n` posts; return their ids in the order of drawing."""
        here = [post for post in self.posts if post.model_text]
        found = draw(here, set(), skipped=set(), n=n, workspace=self.workspace, watch=Silent())
        write(found, workspace=self.workspace)
        return found.sample.post_ids

    def annotate(self, rows) -> None:
        """Make `rows` all that the annotators said."""
        path = self.workspace.path("labels/annotations") / "a.csv"
        write_annotations(path, rows, provenance={}, force=True)
