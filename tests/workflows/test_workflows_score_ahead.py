import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from narraframe.errors import InputError
from narraframe.records import Post
from narraframe.workflows.score_ahead import embedded_ahead
from narraframe.workflows.score_items import WINDOW, window_digest
from narraframe.workflows.scored_window import Unscored

HERE = threading.main_thread()


@dataclass
class Embedding:
    """Stands for a scorer: embeds a post at a time."""

    embedded: list[str] = field(default_factory=list)
    threads: set[threading.Thread] = field(default_factory=set)
    began: threading.Event = field(default_factory=threading.Event)

    def embed(self, posts, *, cache=None, progress=None):
        self.threads.add(threading.current_thread())
        for post in posts:
            progress(1)
            self.embedded.append(post.post_id)
        return {"embedding": np.array([[float(post.post_id)] for post in posts])}


def posts(n, start=0):
    return [Post(post_id=str(i), text=f" Text {i} ") for i in range(start, start + n)]


def run(items, scorer=None, *, note_of=lambda number, digest: None, live=False):
    scorer = scorer or Embedding()
    given = embedded_ahead(items, scorer, note_of=note_of, n_bytes=lambda: 7, live=live)
    with given as windows:
        return list(windows), scorer


@pytest.mark.parametrize("live", [False, True])
def test_windows_come_in_order_each_with_the_vectors_of_its_posts(live):
    items = [*posts(WINDOW), Unscored("x: line 1", "unreadable record", "?"), *posts(50, WINDOW)]
    found, _ = run(items, live=live)
    cut = [items[:WINDOW], items[WINDOW:]]
    assert [window.read.digest for window in found] == [window_digest(part) for part in cut]
    assert [window.read.n_bytes for window in found] == [7, 0]
    ids = [[item.post_id for item in window.read.items] for window in found]
    assert ids == [[item.post_id for item in part] for part in cut]
    assert found[1].read.items[1].model_text == f"Text {WINDOW}"
    vectors = np.concatenate([window.vectors["embedding"][:, 0] for window in found])
    assert vectors.tolist() == list(range(WINDOW + 50))


def test_a_window_that_was_finished_before_is_not_embedded():
    asked = []

    def note_of(number, digest):
        asked.append((number, digest, threading.current_thread()))
        return "done" if number == 0 else None

    found, scorer = run(posts(WINDOW + 2), note_of=note_of)
    assert [(window.note, window.vectors is None) for window in found] == [
        ("done", True),
        (None, False),
    ]
    assert scorer.embedded == [str(WINDOW), str(WINDOW + 1)]
    digests = [window_digest(posts(WINDOW)), window_digest(posts(2, WINDOW))]
    # a database answers in the thread that opened it
    assert asked == [(0, digests[0], HERE), (1, digests[1], HERE)]


def test_a_fault_of_the_input_comes_after_the_windows_before_it():
    def items():
        yield from posts(WINDOW)
        raise InputError("breaks off", where="a.jsonl")

    scorer = Embedding()
    seen = []
    with (
        pytest.raises(InputError, match="breaks off"),
        embedded_ahead(items(), scorer, note_of=lambda *_: None, n_bytes=lambda: 0) as windows,
    ):
        seen.extend(len(window.read.items) for window in windows)
    assert seen == [WINDOW]


def test_the_next_window_is_embedded_while_the_caller_has_this_one():
    scorer = Embedding()
    with embedded_ahead(
        posts(3 * WINDOW), scorer, note_of=lambda *_: None, n_bytes=lambda: 0
    ) as windows:
        next(windows)
        for _ in range(6_000):
            if len(scorer.embedded) == 2 * WINDOW:
                break
            threading.Event().wait(0.01)
        assert len(scorer.embedded) == 2 * WINDOW
    assert HERE not in scorer.threads


class Endless(Embedding):
    """Embeds its second window for as long as nobody stops it."""

    def embed(self, posts, *, cache=None, progress=None):
        if not self.embedded:
            self.embedded.append("the first window")
            return {}
        self.began.set()
        for _ in range(6_000):
            progress(0)
            threading.Event().wait(0.01)
        self.embedded.append("the second window")
        return {}


def test_whoever_leaves_does_not_wait_for_what_is_on_its_way():
    scorer = Endless()
    with embedded_ahead(
        posts(2 * WINDOW), scorer, note_of=lambda *_: None, n_bytes=lambda: 0
    ) as windows:
        next(windows)
        assert scorer.began.wait(60)
    assert scorer.embedded == ["the first window"]


@pytest.mark.parametrize("live", [False, True])
def test_a_stream_is_read_in_the_thread_of_whoever_can_be_interrupted(live):
    threads = set()

    def items():
        for post in posts(3):
            threads.add(threading.current_thread())
            yield post

    run(items(), live=live)
    assert (threads == {HERE}) == live
