"""The reader of pages against real pages, by counts that were taken by hand."""

import os
from pathlib import Path

import pytest

from narraframe.io.posts import read_posts
from narraframe.records import Post

ROOT = Path(__file__).parents[2]
SEEDS = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data")) / "seeds"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not SEEDS.is_dir(), reason=f"no seed documents in {SEEDS}"),
]


@pytest.fixture(scope="module")
def pages():
    return [
        [item for item in read_posts(str(path)) if isinstance(item, Post)]
        for path in sorted(SEEDS.glob("*.txt"))
    ]


def test_every_page_yields_its_posts(pages):
    assert [len(posts) for posts in pages] == [13, 20, 17, 1, 13]


def test_forwards_media_reactions_and_previews_are_told_apart(pages):
    posts = [post for page in pages for post in page]
    assert sum(post.forwarded_from is not None for post in posts) == 56
    assert sum(post.media is not None for post in posts) == 9
    assert sum(post.reactions is not None for post in posts) == 15
    assert sum("\n\n" in post.text for post in posts) == 2
    assert sum(post.text != "" for post in posts) == 63


def test_no_post_repeats_within_a_page_and_six_do_across(pages):
    texts = [[post.text for post in page if post.text] for page in pages]
    assert all(len(set(page)) == len(page) for page in texts)
    assert len({text for page in texts for text in page}) == 57


def test_sixty_bodies_were_doubled_and_none_is_left_so(pages):
    posts = [post for page in pages for post in page]
    assert sum(_raw_count(post) == 2 for post in posts) == 60
    assert not any(_is_doubled(post.text.split("\n")) for post in posts)


def test_only_the_article_is_dated(pages):
    dates = [post.created_at for page in pages for post in page if post.created_at]
    assert [date.isoformat() for date in dates] == ["2024-04-09T16:09:00+00:00"]


def _raw_count(post):
    name, line = post.source.rsplit(": line ", 1)
    raw = (SEEDS / name).read_text(encoding="utf-8").split("\n")[int(line) - 1 :]
    block = [text.rstrip() for text in raw if text.strip()]
    body = post.text.split("\n\n")[0].split("\n")[1:]
    if not body:
        return 0
    start = next(i for i, text in enumerate(block) if text == post.text.split("\n")[0]) + 1
    return 1 + (block[start + len(body) : start + 2 * len(body)] == body)


def _is_doubled(lines):
    body = lines[1:]
    half = len(body) // 2
    return half > 0 and len(body) % 2 == 0 and body[:half] == body[half:]
