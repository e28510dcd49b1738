"""Scores as blocks of the long table SCORES, and read back.

Every format holds the same long table SCORES, one row a post and label, in the posts' order; a post
without a score has one row, without a label, that says why.

As written, `decision` is ``probability >= threshold``, with two exceptions: in a single-choice
facet the most probable label applies and no other, and a parent applies wherever one of its
children does (a parent that was not trained itself has no threshold). A model that may abstain
leaves it empty where the probability is too close to call, and says so in `reason`.

With evidence it is the table EXPLAINED: two more columns, filled where `decision` is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from narraframe.errors import TableError
from narraframe.io.tables import EXPLAINED, SCORES, iter_scores
from narraframe.records import Scores

CLOSE = "too close to call"
BETWEEN = " | "  # no sentence holds a line break; this is readable in one line, too

Sentence = tuple[str, tuple[int, int] | None]


def score_rows(scores: Scores, *, names: Mapping[str, str], reasons: Sequence[str]) -> pa.Table:
    """Return `scores` as rows of the table SCORES.

    Parameters
    ----------
    scores : Scores
        Scores of n posts and k labels.
    names : mapping of str to str
        Name of each label id.
    reasons : sequence of str of length k
        Why a label was not trained; "" where it was. A label can have a probability none the less,
        as a parent follows its children: then no reason is given, and no threshold.
    """
    k = len(scores.label_ids)
    scored = np.array([not reason for reason in scores.reasons], dtype=np.bool_)
    counts = np.where(scored, k, 1)
    post = np.repeat(np.arange(len(scores.post_ids)), counts)
    # which label a row has: those of a scored post in their order; of another post, none
    label = np.arange(len(post)) - np.repeat(np.cumsum(counts) - counts, counts)
    no_label = ~scored[post]
    cell = (post, np.where(no_label, 0, label))
    known = ~np.isnan(scores.probability) & scored[:, None]
    decided = known & ~scores.abstained
    cut = known & ~np.isnan(scores.thresholds)
    columns = {
        "post_id": pa.array(scores.post_ids, pa.string()).take(pa.array(post)),
        "label_id": _labels(scores.label_ids, label, no_label),
        "label_name": _labels([names[i] for i in scores.label_ids], label, no_label),
        "probability": _masked(scores.probability, known, cell, no_label),
        "threshold": _masked(np.float32(scores.thresholds), cut, cell, no_label),
        "decision": _masked(scores.decision, decided, cell, no_label),
        "reason": _why(scores.reasons, reasons, known, decided, post, label, no_label),
        "model": pa.repeat(pa.scalar(scores.model, pa.string()), len(post)),
    }
    return pa.table(columns, schema=SCORES)


def unscored_rows(post_ids: Sequence[str], reasons: Sequence[str], model: str) -> pa.Table:
    """Return rows of the table SCORES that say why there is no score; one row each."""
    n = len(post_ids)
    columns = {field.name: pa.nulls(n, field.type) for field in SCORES}
    columns["post_id"] = pa.array(post_ids, pa.string())
    columns["reason"] = pa.array(reasons, pa.string())
    columns["model"] = pa.repeat(pa.scalar(model, pa.string()), n)
    return pa.table(columns, schema=SCORES)


def add_evidence(
    rows: pa.Table, evidence: Mapping[tuple[str, str], Sequence[Sentence]]
) -> pa.Table:
    """Return `rows` of the table SCORES as rows of the table EXPLAINED.

    Parameters
    ----------
    rows : Table
    evidence : mapping of (post_id, label_id) to sequence of (sentence, span)
        The strongest first; `span` holds code points [start, end) of the post's text, None where
        the sentence does not stand there as the model read it.

    Returns
    -------
    Table
        `evidence`: the sentences, joined by ``" | "``; `evidence_spans`: those that have one, as
        in annotations ("12-40;55-80"), in the same order. Null where nothing is given.
    """
    keys = zip(rows["post_id"].to_pylist(), rows["label_id"].to_pylist(), strict=True)
    found = [evidence.get(key, ()) for key in keys]
    texts = [BETWEEN.join(text for text, _ in sentences) or None for sentences in found]
    spans = [
        ";".join(f"{span[0]}-{span[1]}" for _, span in sentences if span) or None
        for sentences in found
    ]
    columns = [*rows.columns, pa.array(texts, pa.string()), pa.array(spans, pa.string())]
    return pa.table(columns, schema=EXPLAINED)


def read_scores(path: Path) -> Scores:
    """Read the Parquet table SCORES back into one record.

    Where the model abstained, the table does not say what it would have decided: there `decision`
    comes back False.

    Raises
    ------
    TableError
        If `path` is no such table, or mixes models.
    """
    blocks = list(iter_scores(path))
    table = pa.concat_tables(blocks) if blocks else SCORES.empty_table()
    models = [model for model in table["model"].unique().to_pylist() if model is not None]
    if len(models) > 1:
        raise TableError("scores of several models in one table", where=path, got=models)
    post_ids = tuple(table["post_id"].unique().to_pylist())
    label_ids = tuple(i for i in table["label_id"].unique().to_pylist() if i is not None)
    row_of = {post_id: i for i, post_id in enumerate(post_ids)}
    column_of = {label_id: j for j, label_id in enumerate(label_ids)}
    probability = np.full((len(post_ids), len(label_ids)), np.nan, dtype=np.float32)
    decision = np.zeros(probability.shape, dtype=np.bool_)
    abstained = np.zeros(probability.shape, dtype=np.bool_)
    reasons = [""] * len(post_ids)
    thresholds = np.full(len(label_ids), np.nan)
    names = ("post_id", "label_id", "probability", "threshold", "decision", "reason")
    columns = (table[name].to_pylist() for name in names)
    for post_id, label_id, p, threshold, decided, reason in zip(*columns, strict=True):
        i = row_of[post_id]
        if label_id is None:
            reasons[i] = reason or "no score"
        elif p is not None:
            j = column_of[label_id]
            probability[i, j], decision[i, j] = p, bool(decided)
            abstained[i, j] = decided is None
            thresholds[j] = np.nan if threshold is None else threshold
    return Scores(
        post_ids=post_ids,
        label_ids=label_ids,
        probability=probability,
        decision=decision,
        abstained=abstained,
        thresholds=thresholds,
        reasons=tuple(reasons),
        model=models[0] if models else "",
    )


def _labels(values: Sequence[str], label: Any, no_label: Any) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(label, mask=no_label))


def _masked(values: Any, there: Any, cell: Any, no_label: Any) -> pa.Array:
    """Return the cells of `values` (n, k) or (k,), null where they are not `there`."""
    shape = there.shape
    if not shape[1]:
        return pa.nulls(len(no_label), pa.from_numpy_dtype(values.dtype))
    whole = np.broadcast_to(values, shape)
    return pa.array(whole[cell], mask=no_label | ~there[cell])


def _why(
    of_post: Sequence[str],
    of_label: Sequence[str],
    known: Any,
    decided: Any,
    post: Any,
    label: Any,
    no_label: Any,
) -> pa.Array:
    """Return why a row has no score or no decision; null where it has both."""
    n, k = known.shape
    # all reasons there are, then for each row the place of its own, or none
    texts = [*of_post, *of_label, CLOSE]
    place = np.where(no_label, post, n + label)
    said = no_label | (np.array([*map(bool, of_label), False])[np.where(no_label, k, label)])
    if k:
        cell = (post, np.where(no_label, 0, label))
        place = np.where(~no_label & known[cell], n + k, place)
        said = np.where(~no_label & known[cell], ~decided[cell], said)
    return pa.array(texts, pa.string()).take(pa.array(place, mask=~said))
