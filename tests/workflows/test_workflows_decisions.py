"""Decisions on real posts do not hang on the precision: bf16 against fp32, on the labelled sets."""

import functools
import gzip
import json
import os
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from narraframe.annotations.splits import grouped_folds
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.embeddings.runtime import best_precision, has_openvino
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import PrecisionError

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
SETS = ("gvfc_gun_frames", "euvsdisinfo_claims")
N_LABELS, N_POSTS, N_PARTS = 10, 1_500, 3

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((DATA / name).is_dir() for name in SETS), reason=f"no labelled sets in {DATA}"
    ),
    pytest.mark.skipif(
        not has_openvino() or best_precision() != "bf16", reason="this processor has no bf16"
    ),
]


@functools.cache
def labelled(name):
    """Return texts and `y` of posts with one of the most frequent labels, in no order."""
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    counts = Counter(label for row in rows for label in set(row["labels"]))
    label_ids = sorted(counts, key=lambda label: (-counts[label], label))[:N_LABELS]
    rows = [row for row in rows if set(row["labels"]) & set(label_ids)]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:N_POSTS]]
    y = np.array([[label in row["labels"] for label in label_ids] for row in rows], dtype=np.int8)
    return [row["text"] for row in rows], y


@functools.cache
def vectors(name, precision):
    try:
        encoder = load_encoder("all-MiniLM-L6-v2", device="cpu", precision=precision)
    except PrecisionError as error:
        pytest.skip(error.what)
    return encoder.encode(labelled(name)[0])


def decisions(name, *, trained_on, read_in):
    """Return what is decided on each post, (n, k), by a classifier that was not trained on it."""
    y = labelled(name)[1]
    part = np.arange(len(y)) % N_PARTS
    known, new = vectors(name, trained_on), vectors(name, read_in)
    found = np.zeros(y.shape, dtype=bool)
    for held_out in range(N_PARTS):
        train, test = np.flatnonzero(part != held_out), np.flatnonzero(part == held_out)
        classifier = fit_classifier(
            {"embedding": known[train]},
            [""] * len(train),
            y[train],
            np.ones(y[train].shape, dtype=np.bool_),
            [str(j) for j in range(y.shape[1])],
            groups=np.arange(len(train)),
            settings=HeadSettings(features=("embedding",)),
            make_folds=partial(grouped_folds, n_folds=N_PARTS),
            parents={},
            single_choice=(),
        )
        found[test] = predict(classifier, {"embedding": new[test]}, [""] * len(test)).decision
    return found


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("precision", "farthest"), [("bf16", 1e-4), ("int8", 2e-2)])
def test_vectors_of_real_posts_are_near_those_of_fp32(name, precision, farthest):
    distance = 1 - (vectors(name, "fp32") * vectors(name, precision)).sum(axis=1)
    assert distance.max() < farthest


def test_bf16_changes_under_a_thousandth_of_the_decisions_of_a_classifier_trained_on_fp32():
    n_changed = n_decided = n_positive = 0
    for name in SETS:
        plain = decisions(name, trained_on="fp32", read_in="fp32")
        fast = decisions(name, trained_on="fp32", read_in="bf16")
        n_changed += int((plain != fast).sum())
        n_positive += int(plain.sum())
        n_decided += plain.size
    assert n_positive > 1_000
    assert n_changed / n_decided < 1e-3
