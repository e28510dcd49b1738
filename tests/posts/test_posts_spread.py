import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from narraframe.posts.spread import copies_of, spread
from narraframe.records import Post

TEXT = "the grain ships left the port this morning"
START = datetime(2024, 3, 1, tzinfo=UTC)


def post(number, channel, hours, *, of=None, forwarded_from=None, text=TEXT):
    return Post(
        post_id=f"p{number}",
        text=text,
        model_text=text,
        channel=channel,
        created_at=None if hours is None else START + timedelta(hours=hours),
        duplicate_of=None if of is None else f"p{of}",
        forwarded_from=forwarded_from,
    )


def pairs(found):
    return {(pair.first, pair.later): pair.n_groups for pair in found.pairs}


def kinds(found, channel):
    (voice,) = (voice for voice in found.voices if voice.channel == channel)
    return voice


def test_who_was_first_is_told_by_the_date_and_not_by_the_order_of_the_input():
    found = spread([post(0, "B", 5), post(1, "A", 1, of=0)])
    assert pairs(found) == {("A", "B"): 1}
    assert found.pairs[0].delays.median == 4.0
    (message,) = found.messages
    assert (message.post_id, message.first_channels, message.hours) == ("p1", ("A",), 4.0)


def test_only_the_first_time_that_a_channel_repeats_a_message_counts():
    posts = [post(0, "A", 0), post(1, "B", 2, of=0), post(2, "B", 9, of=0), post(3, "A", 3, of=0)]
    found = spread(posts)
    assert pairs(found) == {("A", "B"): 1}
    assert found.delays.n == 1
    assert (found.messages[0].n_posts, found.messages[0].n_channels) == (4, 2)


def test_third_channels_repeat_the_first_and_not_each_other():
    found = spread([post(0, "A", 0), post(1, "B", 1, of=0), post(2, "C", 2, of=0)])
    assert pairs(found) == {("A", "B"): 1, ("A", "C"): 1}


def test_channels_that_had_it_at_the_same_time_are_in_no_pair():
    found = spread([post(0, "A", 0), post(1, "B", 0, of=0), post(2, "C", 2, of=0)])
    assert found.pairs == ()
    assert (found.n_shared, found.n_tied) == (1, 1)
    assert found.messages[0].first_channels == ("A", "B")
    assert kinds(found, "A").unknown == 1
    assert kinds(found, "B").unknown == 1
    # C came later, whoever was first
    assert kinds(found, "C").repeats == 1


def test_a_tie_further_down_does_not_matter():
    found = spread([post(0, "A", 0), post(1, "B", 2, of=0), post(2, "C", 2, of=0)])
    assert pairs(found) == {("A", "B"): 1, ("A", "C"): 1}
    assert found.n_tied == 0


def test_posts_without_date_or_channel_are_counted_and_in_no_pair():
    posts = [post(0, "A", None), post(1, "B", 1, of=0), post(2, None, 2, of=0), post(3, "C", None)]
    found = spread(posts)
    assert (found.n_undated, found.n_nameless, found.pairs) == (2, 1, ())
    # A may have had it before B; what C says alone is its own, dated or not
    assert kinds(found, "A").unknown == 1
    assert kinds(found, "B").unknown == 1
    assert kinds(found, "C").own == 1


def test_short_greetings_are_no_repetition():
    short = "Good morning"
    found = spread([post(0, "A", 0, text=short), post(1, "B", 1, of=0, text=short)])
    assert (found.n_short, found.n_distinct, found.pairs) == (2, 0, ())


def test_forwards_repetitions_and_own_words_are_told_apart_and_add_up():
    posts = [
        post(0, "A", 0),
        post(1, "A", 8, of=0),
        post(2, "B", 1, of=0, forwarded_from="A"),
        post(3, "B", 2, of=0),
        post(4, "B", 3),
        post(5, "B", 4, forwarded_from="someone else"),
    ]
    found = spread(posts)
    a, b = kinds(found, "A"), kinds(found, "B")
    assert (a.own, a.repeats, a.again, a.led) == (1, 1, 0, 1)
    assert (b.own, b.forwarded, b.repeats, b.led) == (1, 2, 1, 0)
    assert found.pairs[0].n_forwarded == 1
    for voice in (a, b):
        parts = (voice.own, voice.forwarded, voice.repeats, voice.again, voice.unknown)
        assert sum(parts) == voice.n_posts


def test_repeating_oneself_is_no_repetition_of_others():
    found = spread([post(0, "A", 0), post(1, "A", 5, of=0)])
    assert (found.pairs, found.n_shared) == ((), 0)
    assert (kinds(found, "A").own, kinds(found, "A").again) == (1, 1)


def test_the_way_back_is_beside_the_way_there():
    posts = [post(0, "A", 0), post(1, "B", 1, of=0), post(2, "B", 0), post(3, "A", 3, of=2)]
    posts += [post(4, "A", 0), post(5, "B", 5, of=4)]
    there, back = spread(posts).pairs
    assert (there.first, there.n_groups, there.back) == ("A", 2, 1)
    assert (back.first, back.n_groups, back.back) == ("B", 1, 2)
    assert (there.delays.lower, there.delays.median, there.delays.upper) == (2.0, 3.0, 4.0)


def slow_pairs(posts):
    """Compare every post with every other."""
    found = {}
    groups = {one.duplicate_of or one.post_id for one in posts}
    for group in groups:
        whole = [p for p in posts if (p.duplicate_of or p.post_id) == group]
        own = [p for p in whole if p.created_at]
        first_at = min((p.created_at for p in own), default=None)
        firsts = {p.channel for p in own if p.created_at == first_at}
        firsts |= {p.channel for p in whole if p.created_at is None}
        for later in {p.channel for p in own} - firsts if len(firsts) == 1 else ():
            found[min(firsts), later] = found.get((min(firsts), later), 0) + 1
    return found


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_a_comparison_of_all_with_all(seed):
    rng = np.random.default_rng(seed)
    posts = []
    for i in range(200):
        of = int(rng.integers(0, 40))
        hours = None if rng.random() < 0.1 else int(rng.integers(0, 12))
        posts.append(post(i, "ABCDE"[rng.integers(5)], hours, of=of if of < i else None))
    # a post may not copy a copy
    firsts = {p.post_id for p in posts if p.duplicate_of is None}
    posts = [p for p in posts if p.duplicate_of is None or p.duplicate_of in firsts]
    found = spread(posts)
    assert pairs(found) == slow_pairs(posts)
    assert sum(v.n_posts for v in found.voices) == len(posts)


def test_one_message_in_very_many_posts_has_a_pair_a_channel_and_not_a_pair_of_pairs():
    posts = [post(i, f"c{i}", i, of=0 if i else None) for i in range(3_000)]
    found = spread(posts)
    assert (found.messages[0].n_channels, len(found.pairs)) == (3_000, 2_999)


def test_copies_of_a_label_are_what_is_left_of_its_distinct_posts():
    posts = [post(0, "A", 0), post(1, "B", 1, of=0, forwarded_from="A"), post(2, "C", 2, of=0)]
    posts += [post(3, "A", 0, text="another message of five words")]
    found = copies_of("label", "war", "War", rows=np.array([0, 1, 3]), posts=posts)
    assert (found.n_posts, found.n_distinct, found.n_forwarded) == (3, 2, 1)
    assert found.copies == pytest.approx(1 / 3)
    assert found.largest == pytest.approx(2 / 3)
    nothing = copies_of("label", "war", "War", rows=np.array([], dtype=int), posts=posts)
    assert math.isnan(nothing.copies)


def test_a_copy_without_a_date_may_have_been_the_first():
    posts = [post(0, "A", None), post(1, "B", 1, of=0), post(2, "C", 2, of=0)]
    found = spread(posts)
    assert (found.n_shared, found.n_tied, found.pairs) == (1, 1, ())
    assert (kinds(found, "B").led, kinds(found, "B").unknown) == (0, 1)
    own = spread([post(0, "B", None), post(1, "B", 1, of=0), post(2, "C", 2, of=0)])
    assert pairs(own) == {("B", "C"): 1}
