"""What is kept of a model in git: its results as CSV and its card."""

import csv
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from narraframe.classifiers.thresholds import NEVER
from narraframe.io.models import Bundle, ModelRecord
from narraframe.metrics.leak import LeakRow, LeakTable
from narraframe.metrics.slices import ConfusedPair, SliceQuality
from narraframe.records import (
    Annotation,
    Codebook,
    Estimate,
    Facet,
    HeldOut,
    Label,
    LabelQuality,
    Post,
    Quality,
)
from narraframe.workflows.card import CardFacts, model_card
from narraframe.workflows.card_facts import card_facts
from narraframe.workflows.results import leak_csv, results_csv, run_metrics

NAN = math.nan
BOOK = Codebook("1.0.0", "Test", (Facet("f", "Facet"),), (Label("world", "f", "World"),))
HALF, NONE = Estimate(0.5, 0.25, 0.75, 40), Estimate(NAN, NAN, NAN, 0)
LOW = Estimate(0.4, 0.1, 0.6, 40)
SOLID = LabelQuality("world", 40, 20, 0.30004, HALF, Estimate(1, NAN, NAN, 40), HALF, HALF)
WEAK = LabelQuality("moral", 40, 7, 0.2, HALF, HALF, LOW, HALF)
EMPTY = LabelQuality("world.war", 40, 1, NAN, NONE, NONE, NONE, NONE)
QUALITY = Quality("by fold", 40, 30, HALF, LOW, HALF, (SOLID, WEAK, EMPTY), ("world.war",))


def bundle(**changes) -> Bundle:
    record = ModelRecord(
        name="topics",
        encoder="mini@1",
        encoder_source="mini",
        codebook_version="1.0.0",
        codebook_sha256="abcdef" * 10,
        languages=("en", "uk"),
        any_language=False,
        strange_languages=(),
        notes=("a note",),
        n_posts=1234,
        n_groups=1000,
        trained_at="2026-01-02T03:04:05+00:00",
        narraframe_version="0.1.0",
        experiment={
            "purpose": "Can it be told?",
            "data": {"posts": "posts.parquet"},
            "heads": {"features": ("words", "characters"), "head": "ridge"},
        },
    )
    return Bundle(replace(record, **changes), BOOK, {}, QUALITY, np.zeros((0, 1), np.uint64))


def test_results_have_a_row_a_label_then_micro_and_macro():
    rows = list(csv.DictReader(results_csv(QUALITY).splitlines()))
    assert [row["label_id"] for row in rows] == [
        "world",
        "moral",
        "world.war",
        "(micro)",
        "(macro)",
    ]
    assert [row["f1"] for row in rows] == ["0.5000", "0.4000", "", "0.5000", "0.4000"]
    assert [row["f1_low"] for row in rows[-2:]] == ["0.2500", "0.1000"]


def test_a_result_without_interval_or_undefined_is_an_empty_cell():
    world, _, war, micro, _ = csv.DictReader(results_csv(QUALITY).splitlines())
    assert (world["recall"], world["recall_low"]) == ("1.0000", "")
    assert (world["threshold"], war["threshold"]) == ("0.3000", "")
    assert (war["n_known"], war["n_positive"], war["precision"]) == ("40", "1", "")
    assert (micro["n_known"], micro["n_positive"], micro["precision"]) == ("40", "", "")


def test_metrics_are_figures_and_the_ends_of_their_intervals():
    metrics = run_metrics(QUALITY)
    assert {k: metrics[k] for k in ("macro_f1", "macro_f1.low", "macro_f1.high")} == {
        "macro_f1": 0.4,
        "macro_f1.low": 0.1,
        "macro_f1.high": 0.6,
    }
    assert metrics["recall/world"] == 1
    assert math.isnan(metrics["f1/world.war"])


def test_the_leak_has_a_row_a_figure():
    row = LeakRow("group", 40, "macro F1", 0.4, 0.5, Estimate(0.1, NAN, NAN, 40))
    assert leak_csv(LeakTable((row,))).splitlines() == [
        "split,n_posts,figure,honest,careless,flattery,flattery_low,flattery_high",
        "group,40,macro F1,0.4000,0.5000,0.1000,,",
    ]


def test_a_card_says_on_what_and_how_well():
    card = model_card(bundle(), title="topics/3")
    assert card.startswith("# topics/3\n\n- Purpose: Can it be told?\n")
    assert "- Heads: features = words + characters, head = ridge" in card
    assert "- Posts: 1,234 in 1,000 groups of near-copies" in card
    assert "- By fold: 40 posts\n  - Micro F1: 0.50 [0.25, 0.75]" in card
    assert "calibration error: 0.500 [0.250, 0.750]" in card
    assert "| world | 20 | 0.50 | 0.30 | 0.50 [0.25, 0.75] | 1.00 | 0.50 [0.25, 0.75]" in card
    assert "| world.war | 1 | 0.03 | - | - | - | - | - |" in card


def test_a_card_names_labels_not_to_be_trusted():
    card = model_card(bundle(), title="topics/3")
    assert "F1 below 0.5 (do not use alone): moral." in card
    assert "Not told from chance beyond doubt (do not use): world." in card
    assert "- A note." in card
    assert "No known positive posts, so nothing can be said: world.war." in card


def test_a_card_says_what_becomes_of_other_languages():
    bound = model_card(bundle(), title="t/1")
    free = model_card(bundle(any_language=True), title="t/1")
    assert "- Languages learnt: en, uk" in bound
    assert "Posts in other languages than those learnt get a reason" in bound
    assert "The encoder takes any language; only those above were in training." in free
    assert "- Languages learnt: not known" in model_card(bundle(languages=()), title="t/1")


def test_a_card_without_facts_has_no_empty_section():
    sections = [x for x in model_card(bundle(notes=()), title="t/1").splitlines() if x[:2] == "##"]
    assert sections == ["## Data", "## Quality", "## Where it fails", "## Limits", "## Per label"]


def test_a_card_tells_who_labelled_what_and_how_it_was_chosen():
    facts = CardFacts(
        languages=(("en", 617), ("uk", 617)),
        channels=tuple((f"channel {i}", 100) for i in range(7)),
        first=datetime(2024, 1, 2, tzinfo=UTC),
        last=datetime(2024, 6, 30, tzinfo=UTC),
        n_undated=3,
        annotators=(60, 40),
        designs=(("audit", 75), ("active", 25)),
        agreement=(("frame", HALF),),
    )
    card = model_card(bundle(), title="t/1", facts=facts)
    assert "- Languages found: en 50%, uk 50%" in card
    assert "- Channels: 7; channel 0 8%, channel 1 8%, channel 2 8%" in card
    assert "channel 4 8% and 2 more\n" in card
    assert "- Time: 2024-01-02 to 2024-06-30; 3 posts without a date" in card
    assert "- Annotators: 2, with 60%, 40% of the answers" in card
    assert "- How posts were chosen: audit 75%, active 25%" in card
    assert "- Agreement on frame (Krippendorff's alpha, 40 posts): 0.50 [0.25, 0.75]" in card
    assert "chosen because a model found them hard" in card


def test_a_card_tells_where_the_model_fails():
    facts = CardFacts(
        languages_worst=(SliceQuality("uk", 31, LOW), SliceQuality("en", 99, HALF)),
        channels_worst=(SliceQuality("<b>|[x]", 40, LOW), SliceQuality("y", 40, HALF)),
        confused=(ConfusedPair("moral", "world", 12, 0.25),),
    )
    card = model_card(bundle(), title="t/1", facts=facts)
    assert "- Worst labels (F1): moral 0.40 [0.10, 0.60]; world 0.50 [0.25, 0.75]" in card
    assert "- Takes moral for world on 12 posts, 25% of those with moral" in card
    assert (
        "languages (micro F1), of 2 with enough posts: uk 0.40 [0.10, 0.60] on 31 posts; en" in card
    )
    assert r"\<b\>\|\[x\] 0.40" in card


def test_a_card_shows_the_test_set_other_splits_and_the_leak():
    estimate = Estimate(0.1, 0.05, 0.15, 40)
    facts = CardFacts(
        test=replace(QUALITY, how="the frozen test set", n_posts=10),
        others=(replace(QUALITY, how="time", macro_f1=Estimate(0.3, NAN, NAN, 40)),),
        leak=LeakTable((LeakRow("group", 40, "macro F1", 0.4, 0.5, estimate),)),
    )
    card = model_card(bundle(), title="t/1", facts=facts)
    assert "- The frozen test set: 10 posts" in card
    assert "| by fold | 40 | 0.40 [0.10, 0.60] | 0.50 [0.25, 0.75] |  |" in card
    assert "| time | 40 | 0.30 | 0.50 [0.25, 0.75] | -0.10 |" in card
    assert "| group | 40 | macro F1 | 0.40 | 0.50 | 0.10 [0.05, 0.15] |" in card


def test_facts_come_from_posts_annotations_and_held_out_predictions():
    n, channels = 60, ("news", None)
    days = [datetime(2024, 1, 1 + i % 28, tzinfo=UTC) for i in range(n)]
    posts = [
        Post(
            post_id=f"p{i}",
            text="",
            lang="en",
            channel=channels[i % 2],
            created_at=days[i] if i else None,
        )
        for i in range(n)
    ]
    annotations = [
        Annotation(post_id=f"p{i}", annotator=who, label_id="world", value=i % 2, design="audit")
        for who, some in (("anna", range(n)), ("boris", range(10)), ("carl", range(90, 99)))
        for i in some
    ]
    y = (np.arange(n)[:, None] % 2).astype(np.int8)
    held_out = HeldOut(
        post_ids=tuple(p.post_id for p in posts),
        label_ids=("world",),
        y=y,
        mask=np.ones((n, 1), np.bool_),
        probability=y.astype(np.float32),
        decision=y == 1,
        groups=np.arange(n),
        fold=np.zeros(n, np.intp),
    )
    facts = card_facts(posts, annotations, BOOK, held_out)
    assert facts.languages == (("en", 60),)
    assert facts.channels == (("news", 30), ("not known", 30))
    assert (facts.first, facts.last, facts.n_undated) == (min(days), max(days), 1)
    assert facts.annotators == (60, 10)
    assert facts.designs == (("audit", 60),)
    ((facet_id, alpha),) = facts.agreement
    assert (facet_id, alpha.value, alpha.n) == ("f", 1.0, 10)
    ((language, n_posts, f1),) = [
        (s.name, s.n_posts, s.micro_f1.value) for s in facts.languages_worst
    ]
    assert (language, n_posts, f1) == ("en", 60, 1.0)
    assert [s.name for s in facts.channels_worst] == ["news"]
    assert facts.confused == ()


def test_facts_that_nobody_knows_stay_empty():
    none = np.zeros((1, 1), np.int8)
    held_out = HeldOut(
        ("a",), ("world",), none, none == 1, none.astype(np.float32), none == 1, none[0], none[0]
    )
    facts = card_facts([Post(post_id="a", text="")], [], BOOK, held_out)
    assert facts == CardFacts(n_undated=1)


def test_a_card_and_its_figures_tell_a_cut_that_is_never_reached():
    never = replace(QUALITY, labels=(replace(WEAK, threshold=NEVER), EMPTY))
    card = model_card(replace(bundle(), quality=never), title="t/1")
    assert "| moral | 7 | 0.17 | never | 0.50" in card
    assert "| world.war | 1 | 0.03 | - | - |" in card
