from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from test_workflows_evidence import CODEBOOK, WordScorer

from narraframe.posts.prepare import prepare
from narraframe.records import Post
from narraframe.workflows.scored_window import score_window

RAW = {
    "a": "🔥 **All quiet** here!\nThe WAR  goes on, https://example.org/a\nA good harvest.",
    "b": "Read https://example.org/b of the war today. All quiet.",
    "c": "Nothing at all. Really.",
    "d": "",
}


@dataclass(frozen=True)
class Counting(WordScorer):
    """A scorer that remembers the texts it was asked for."""

    asked: tuple[list[str], ...] = ([],)
    bundle = SimpleNamespace(
        codebook=CODEBOOK, record=SimpleNamespace(strange_languages=frozenset())
    )
    classifier = SimpleNamespace(label_ids=CODEBOOK.label_ids, reasons=("", "", ""))

    def score(self, posts, *, cache=None, vectors=None):
        self.asked[0].extend(post.model_text for post in posts)
        return super().score(posts, cache=cache, vectors=vectors)

    def has_seen(self, posts):
        return np.zeros(len(posts), dtype=bool)


def window(**options):
    scorer = Counting(asked=([],))
    posts = list(prepare(Post(post_id=i, text=text, lang="en") for i, text in RAW.items()))
    return scorer, posts, score_window(scorer, posts, **options)


def test_each_decision_that_applies_has_its_sentences_and_nothing_else_has():
    _, posts, scored = window(evidence=True)
    told = {
        (row["post_id"], row["label_id"]): (row["evidence"], row["evidence_spans"])
        for row in scored.rows.to_pylist()
        if row["evidence"] or row["evidence_spans"]
    }
    text = posts[0].text
    war, harvest = text.index("The WAR"), text.index("A good")
    spans = f"{war}-{text.index(', https') + 1}", f"{harvest}-{harvest + 15}"
    assert told == {
        ("a", "conflict"): ("The WAR goes on,", spans[0]),
        ("a", "war"): ("The WAR goes on,", spans[0]),
        ("a", "harvest"): ("A good harvest.", spans[1]),
        # a sentence that lost its link is quoted as the model read it, and has no place
        ("b", "conflict"): ("Read of the war today.", None),
        ("b", "war"): ("Read of the war today.", None),
    }


def test_evidence_changes_no_score_and_no_count():
    _, _, plain = window()
    _, _, told = window(evidence=True)
    assert told.rows.select(plain.rows.column_names).equals(plain.rows)
    assert told.tally == plain.tally


def test_evidence_asks_each_sentence_of_decided_posts_once():
    scorer, posts, _ = window(evidence=True)
    sentences = scorer.asked[0][len(posts) :]
    assert sorted(sentences) == sorted(set(sentences))
    assert not any("Nothing" in text or "Really" in text for text in sentences)
    assert len(sentences) == 5


def test_the_one_sentence_of_a_post_is_not_asked_again():
    scorer = Counting(asked=([],))
    [post] = prepare([Post(post_id="a", text="The war goes on.", lang="en")])
    scored = score_window(scorer, [replace(post)], evidence=True)
    assert scorer.asked[0] == ["The war goes on."]
    assert scored.rows["evidence"].to_pylist() == ["The war goes on.", "The war goes on.", None]
