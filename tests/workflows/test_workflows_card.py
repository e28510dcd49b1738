"""What is kept of a model in git: its results as CSV and its card."""

import csv
import math
from dataclasses import replace

import numpy as np

from narraframe.io.models import Bundle, ModelRecord
from narraframe.records import Codebook, Estimate, Facet, Label, LabelQuality, Quality
from narraframe.workflows.card import model_card
from narraframe.workflows.register import results_csv

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
            "heads": {"features": "both"},
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


def test_a_card_says_on_what_and_how_well():
    card = model_card(bundle(), title="topics/3")
    assert card.startswith("# topics/3\n\n- Purpose: Can it be told?\n")
    assert "- Posts: 1,234 in 1,000 groups of near-copies" in card
    assert "- Micro F1: 0.50 [0.25, 0.75]" in card
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
    assert "- Languages: en, uk" in bound
    assert "Posts in other languages than those above get a reason" in bound
    assert "The encoder takes any language; only those above were in training." in free
    assert "- Languages: not known" in model_card(bundle(languages=()), title="t/1")
