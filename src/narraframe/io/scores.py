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
    columns: dict[str, list[Any]] = {name: [] for name in SCORES.names}
    for i, post_id in enumerate(scores.post_ids):
        scored = scores.reasons[i] == ""
        rows = k if scored else 1
        columns["post_id"] += [post_id] * rows
        columns["label_id"] += list(scores.label_ids) if scored else [None]
        columns["label_name"] += [names[j] for j in scores.label_ids] if scored else [None]
        p = scores.probability[i]
        known = ~np.isnan(p)
        cut = known & ~np.isnan(scores.thresholds)
        columns["threshold"] += _where(cut, scores.thresholds) if scored else [None]
        columns["probability"] += _where(known, p) if scored else [None]
        decided = known & ~scores.abstained[i]
        columns["decision"] += _where(decided, scores.decision[i]) if scored else [None]
        columns["reason"] += _why(known, decided, reasons) if scored else [scores.reasons[i]]
        columns["model"] += [scores.model] * rows
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


def _why(known: Any, decided: Any, reasons: Sequence[str]) -> list[str | None]:
    cells = zip(known, decided, reasons, strict=True)
    return [(None if sure else CLOSE) if ok else why or None for ok, sure, why in cells]


def _where(known: Any, values: Any) -> list[Any]:
    return [value if ok else None for ok, value in zip(known, values.tolist(), strict=True)]
