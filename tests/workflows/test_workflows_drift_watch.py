"""The watch keeps the same sample whatever the order and the windows, and stays small."""

from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from narraframe.embeddings.hashing import HashingEncoder
from narraframe.records import DriftReference, HeldOut, Post, Scores
from narraframe.workflows import drift_reference as kept_of_training
from narraframe.workflows import drift_sample
from narraframe.workflows.drift_reference import drift_reference, text_keys
from narraframe.workflows.drift_watch import DriftWatch

WORDS = [
    "grain",
    "harvest",
    "port",
    "ships",
    "clinic",
    "nurse",
    "ballot",
    "voters",
    "wine",
    "grapes",
    "comet",
    "river",
    "bridge",
]


def sentence(seed, *, words=WORDS, n=8):
    return " ".join(np.random.default_rng(seed).choice(words, size=n))


@dataclass(frozen=True)
class WordScorer:
    """Stands for a scorer: the word "war" tells its only label; Ukrainian gets no score."""

    title: str = "words/1"
    encoder: HashingEncoder = field(default_factory=lambda: HashingEncoder(64))
    reference: DriftReference | None = None

    @property
    def bundle(self):
        record = SimpleNamespace(languages=("en",), any_language=False)
        return SimpleNamespace(record=record, reference=self.reference)

    @property
    def classifier(self):
        return SimpleNamespace(label_ids=("war",))


def scored(posts):
    reasons = tuple(
        "no text" if not p.model_text else "language 'uk'" if p.lang == "uk" else "" for p in posts
    )
    told = np.array([["war" in (p.model_text or "").split()] for p in posts]).reshape(-1, 1)
    silent = np.array([bool(reason) for reason in reasons])
    return Scores(
        post_ids=tuple(p.post_id for p in posts),
        label_ids=("war",),
        probability=np.where(silent[:, None], np.nan, 0.9).astype(np.float32),
        decision=told & ~silent[:, None],
        abstained=np.zeros((len(posts), 1), dtype=bool),
        thresholds=np.array([0.5]),
        reasons=reasons,
        model="words/1",
    )


def post(number, text, *, lang="en"):
    return Post(post_id=f"p{number:04}", text=text, model_text=text, lang=lang)


def watch_over(posts, *, cuts=(), scorer=None):
    watch = DriftWatch(scorer or WordScorer())
    edges = [0, *cuts, len(posts)]
    for start, end in pairwise(edges):
        window = posts[start:end]
        watch.update(window, scored(window))
    return watch


def content(watch):
    return {
        key: (one.post_id, one.lang, None if one.vector is None else one.vector.tobytes())
        for key, one in watch.sample.kept.items()
    }


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(drift_sample, "MOST", 50)
    monkeypatch.setattr(kept_of_training, "MOST", 50)


@pytest.fixture(scope="module")
def posts():
    made = [post(i, sentence(i)) for i in range(300)]
    made += [post(300 + i, sentence(i)) for i in range(40)]  # copies
    made += [post(400 + i, sentence(500 + i), lang="uk") for i in range(30)]
    return [*made, post(999, "")]


def test_the_sample_depends_neither_on_order_nor_on_windows(posts):
    whole = content(watch_over(posts))
    assert len(whole) == 50
    assert content(watch_over(posts, cuts=(7, 150, 290))) == whole
    assert content(watch_over(posts[::-1], cuts=(100,))) == whole


def test_posts_of_a_run_that_stopped_are_scored_again_if_they_are_kept(posts):
    asked = []

    class Asked(WordScorer):
        def score(self, asked_of, *, cache=None):
            asked.extend(asked_of)
            return scored(asked_of)

    before, after = posts[:200], posts[200:]
    watch = DriftWatch(Asked())
    watch.update(before)
    watch.update(after, scored(after))
    whole = watch_over(posts)
    assert content(watch) == content(whole)
    for key, one in watch.sample.kept.items():
        np.testing.assert_array_equal(one.carries, whole.sample.kept[key].carries)
    assert len(asked) == 50


def test_watches_of_two_processes_joined_know_what_one_would(posts):
    one, other = watch_over(posts[:123]), watch_over(posts[123:])
    one.sample += other.sample
    whole = watch_over(posts)
    assert content(one) == content(whole)
    assert (one.sample.n_posts, one.sample.n_without_text) == (
        whole.sample.n_posts,
        whole.sample.n_without_text,
    )


def test_vectors_that_are_at_hand_are_not_computed_again(posts):
    class Blind:
        dimension = 64

        def encode(self, texts, **options):
            raise AssertionError(f"asked for {len(texts)} texts")

    watch, encoder = DriftWatch(WordScorer(encoder=Blind())), HashingEncoder(64)
    for window in (posts[:123], posts[123:]):
        scores = scored(window)
        texts = [p.model_text for p, r in zip(window, scores.reasons, strict=True) if not r]
        watch.update(window, scores, {"embedding": encoder.encode(texts)})
    assert content(watch) == content(watch_over(posts))


def test_all_posts_are_counted_though_few_are_kept(posts):
    found = watch_over(posts).result()
    assert (found.n_posts, found.n_without_text, found.n_unknown_language) == (371, 1, 30)
    assert found.n_sampled <= 50


def test_copies_do_not_crowd_the_sample():
    many = [post(i, "the very same message of the day") for i in range(500)]
    watch = watch_over([*many, *(post(600 + i, sentence(i)) for i in range(20))], cuts=(250,))
    assert len(watch.sample.kept) == 21
    assert watch.sample.kept[text_keys([many[0].text], salt=b"new")[0]].post_id == "p0000"


def test_posts_without_a_score_have_no_vector_but_a_language(posts):
    kept = watch_over(posts).sample.kept.values()
    assert {one.vector is None for one in kept if one.lang == "uk"} == {True}
    assert {one.vector is None for one in kept if one.lang == "en"} == {False}


def test_only_posts_that_are_kept_are_embedded(posts):
    calls = []

    class Counting(HashingEncoder):
        def encode(self, texts, *, progress=None):
            calls.extend(texts)
            return super().encode(texts, progress=progress)

    watch_over(posts, cuts=range(10, 371, 10), scorer=WordScorer(encoder=Counting(64)))
    assert len(set(calls)) == len(calls) < 200


def held(n, *, positive):
    y = np.zeros((n, 1), dtype=np.int8)
    decision = np.zeros((n, 1), dtype=bool)
    decision[:positive] = True
    return HeldOut(
        post_ids=tuple(f"t{i}" for i in range(n)),
        label_ids=("war",),
        y=y,
        mask=np.ones_like(y, dtype=bool),
        probability=np.full((n, 1), 0.5, dtype=np.float32),
        decision=decision,
        groups=np.arange(n),
        fold=np.zeros(n, dtype=np.intp),
    )


def training(posts, *, groups=None):
    return SimpleNamespace(
        posts=tuple(posts),
        texts=[p.model_text for p in posts],
        vectors={},
        groups=np.arange(len(posts)) if groups is None else np.array(groups),
        refused=np.array([p.lang == "uk" for p in posts]),
    )


def reference_of(posts, *, groups=None):
    n = len(posts)
    return drift_reference(
        training(posts, groups=groups),
        held(n, positive=n // 10),
        np.zeros((n, 1), dtype=bool),
        encoder=HashingEncoder(64),
    )


def test_of_a_group_of_near_duplicates_one_training_post_is_kept():
    posts = [post(i, sentence(i)) for i in range(12)]
    found = reference_of(posts, groups=[0] * 6 + [1] * 6)
    assert found.vectors.shape == (2, 64)
    assert found.languages == (("en", 2),)


def test_training_posts_without_a_score_count_as_language_only():
    posts = [post(0, sentence(0)), post(1, sentence(1), lang="uk")]
    found = reference_of(posts)
    assert found.vectors.shape == (1, 64)
    assert found.languages == (("en", 1), ("uk", 1))


def test_posts_like_the_training_posts_are_no_drift_and_others_are(monkeypatch):
    monkeypatch.setattr(drift_sample, "MOST", 300)
    monkeypatch.setattr(kept_of_training, "MOST", 300)
    scorer = WordScorer(reference=reference_of([post(i, sentence(i)) for i in range(300)]))
    like = [post(i, sentence(1000 + i)) for i in range(300)]
    # no post says "war", of which a tenth of the training posts was said: that alone is drift
    labels = watch_over(like, scorer=scorer).result()
    assert [test.name for test in labels.tests if test.drifted] == ["labels"]
    other = [post(i, sentence(i, words=["tank", "war", "front", "grain"])) for i in range(300)]
    found = watch_over(other, scorer=scorer).result()
    assert {"embedding", "far", "labels"} <= {t.name for t in found.tests if t.drifted}


def test_without_a_reference_the_counts_are_there_and_drift_is_unknown(posts):
    found = watch_over(posts).result()
    assert not found.known
    assert found.n_posts == 371
