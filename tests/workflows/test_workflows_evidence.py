from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from narraframe.posts.clean import clean
from narraframe.records import Codebook, Facet, Label, Post, Scores
from narraframe.workflows.evidence import explain, locate, sentence_spans

CODEBOOK = Codebook(
    version="1",
    title="",
    facets=(Facet("frame", "Frame"),),
    labels=(
        Label("conflict", "frame", "Conflict"),
        Label("war", "frame", "War", parent="conflict"),
        Label("harvest", "frame", "Harvest"),
    ),
)


@dataclass(frozen=True)
class WordScorer:
    """Stands for a scorer: "war" and "harvest" tell their labels, a parent follows its child."""

    bundle = SimpleNamespace(codebook=CODEBOOK)
    classifier = SimpleNamespace(label_ids=CODEBOOK.label_ids)

    def score(self, posts, *, cache=None, vectors=None):
        ready = [post if post.model_text is not None else clean(post) for post in posts]
        texts = [(post.model_text or "").lower() for post in ready]
        told = [["war" in t, "war" in t, "harvest" in t] for t in texts]
        p = np.where(told, 0.9, 0.1).astype(np.float32).reshape(-1, 3)
        p[[not t for t in texts]] = np.nan
        return Scores(
            post_ids=tuple(post.post_id for post in ready),
            label_ids=CODEBOOK.label_ids,
            probability=p,
            decision=p > 0.5,
            abstained=np.zeros(p.shape, dtype=bool),
            thresholds=np.array([0.5, 0.5, 0.5]),
            reasons=tuple("" if t else "no text" for t in texts),
            model="words/1",
        )


def explained(*texts, **options):
    posts = [Post(post_id=f"p{i}", text=text) for i, text in enumerate(texts)]
    scorer = WordScorer()
    return explain(scorer, posts, scorer.score(posts), **options)


def test_each_decision_quotes_the_post_with_its_offsets():
    text = "🔥 **All quiet** here!\nThe WAR goes on, https://example.org/a\nA good harvest."
    found = explained(text, "Nothing at all. Really.", "")
    assert [(one.post_id, one.label_id) for one in found] == [
        ("p0", "conflict"),
        ("p0", "war"),
        ("p0", "harvest"),
    ]
    [war] = found[1].quotes
    assert war.sentence == "The WAR goes on,"
    assert text[war.start : war.end] == "The WAR goes on,"
    assert war.weight == pytest.approx(np.log(9), abs=1e-4)
    [harvest] = found[2].quotes
    assert text[harvest.start : harvest.end] == "A good harvest."
    assert found[0].quotes == found[1].quotes


def test_checked_evidence_says_what_is_left_without_it():
    found = explained("The war goes on. A good harvest.", check=True)
    assert [one.left for one in found] == pytest.approx([-np.log(9)] * 3, abs=1e-4)


def test_a_sentence_that_lost_words_is_quoted_without_offsets():
    [_, war] = explained("Read https://example.org/a of the war today. All quiet.")
    [quote] = war.quotes
    assert quote.sentence == "Read of the war today."
    assert (quote.start, quote.end) == (None, None)


def test_in_a_single_choice_facet_a_sentence_is_weighed_against_the_strongest_rival():
    codebook = Codebook(
        version="1",
        title="",
        facets=(Facet("stance", "Stance", choice="single"),),
        labels=tuple(Label(name, "stance", name) for name in ("for", "against", "neutral")),
    )

    @dataclass(frozen=True)
    class StanceScorer:
        bundle = SimpleNamespace(codebook=codebook)
        classifier = SimpleNamespace(label_ids=codebook.label_ids)

        def score(self, posts, *, cache=None):
            p = np.array(
                [
                    [0.6, 0.3, 0.1] if "bad" in post.text and "good" in post.text
                    else [0.4, 0.5, 0.1] if "bad" in post.text
                    else [0.7, 0.1, 0.1]
                    for post in posts
                ],
                dtype=np.float32,
            )  # fmt: skip
            return Scores(
                post_ids=tuple(post.post_id for post in posts),
                label_ids=codebook.label_ids,
                probability=p,
                decision=p == p.max(axis=1, keepdims=True),
                abstained=np.zeros(p.shape, dtype=bool),
                thresholds=np.full(3, 1 / 3),
                reasons=("",) * len(p),
                model="stances/1",
            )

    scorer, post = StanceScorer(), Post(post_id="a", text="It is bad. It is good.")
    [found] = explain(scorer, [post], scorer.score([post]), check=True)
    assert [quote.sentence for quote in found.quotes] == ["It is good."]
    assert found.quotes[0].weight == pytest.approx(np.log(7 / 3) - np.log(1 / 2), abs=1e-5)
    assert found.left == pytest.approx(np.log(2 / 3), abs=1e-5)


def test_scores_of_other_posts_are_refused():
    scorer = WordScorer()
    one, other = Post(post_id="a", text="War."), Post(post_id="b", text="War.")
    with pytest.raises(ValueError, match="not those of these posts"):
        explain(scorer, [other], scorer.score([one]))


def test_sentences_of_signs_alone_are_none():
    text = "One. * * *\nTwo!"
    assert [text[a:b] for a, b in sentence_spans(text)] == ["One.", "Two!"]
    assert sentence_spans("?!") == [(0, 2)]
    assert sentence_spans("") == []


@pytest.mark.parametrize(
    ("raw", "quotes"),
    [
        ("One here. Two there.", ["One here.", "Two there."]),
        ("So. And so. So.", ["So.", "And so.", "So."]),
        ("__One__  here.\u200b\r\nTwo", ["One__  here.", "Two"]),
        ("Talk of #RussiaChina now. Two", ["Talk of #RussiaChina now.", "Two"]),
        ("«Мрiя» летит. Два", ["«Мрiя» летит.", "Два"]),
        ("Read more\nOne.\nSubscribe\nTwo 🔥 three.", ["One.", "Two 🔥 three."]),
        ("Artful. Art", ["Artful.", "Art"]),
    ],
)
def test_sentences_are_found_in_the_text_that_they_were_made_of(raw, quotes):
    post = clean(Post(post_id="a", text=raw))
    found = locate(post.model_text, sentence_spans(post.model_text), raw)
    assert [place and raw[slice(*place)] for place in found] == quotes


def test_a_decision_left_open_has_no_evidence():
    posts = [Post(post_id="p0", text="The war goes on. A good harvest.")]
    scores = WordScorer().score(posts)
    open_ = replace(scores, abstained=np.array([[True, True, False]]))
    assert [one.label_id for one in explain(WordScorer(), posts, open_)] == ["harvest"]
