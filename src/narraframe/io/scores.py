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
from numpy.typing import NDArray

from narraframe.errors import TableError
from narraframe.io.tables import EXPLAINED, SCORES, iter_scores
from narraframe.records import Scores

CLOSE = "too close to call"
BETWEEN = " | "  # no sentence holds a line break; this is readable in one line, too

_READ = ("post_id", "label_id", "probability", "threshold", "decision", "reason", "model")

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
        then no reason is given: by the codebook, or (without a threshold) as a parent follows its
        children.
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
    blocks = list(iter_scores(path, columns=_READ))
    table = pa.concat_tables(blocks) if blocks else SCORES.empty_table()
    models = [model for model in table["model"].unique().to_pylist() if model is not None]
    if len(models) > 1:
        raise TableError("scores of several models in one table", where=path, got=models)
    post_ids, post = _coded(table["post_id"])
    label_ids, label = _coded(table["label_id"])
    probability = np.full((len(post_ids), len(label_ids)), np.nan, dtype=np.float32)
    decision = np.zeros(probability.shape, dtype=np.bool_)
    abstained = np.zeros(probability.shape, dtype=np.bool_)
    reasons = [""] * len(post_ids)
    thresholds = np.full(len(label_ids), np.nan)
    said = table["reason"].filter(pa.array(label < 0)).to_pylist()
    for i, reason in zip(post[label < 0].tolist(), said, strict=True):
        reasons[i] = reason or "no score"
    known = (label >= 0) & table["probability"].is_valid().to_numpy()
    rows, columns = post[known], label[known]
    probability[rows, columns] = table["probability"].to_numpy()[known]
    decision[rows, columns] = table["decision"].fill_null(False).to_numpy()[known]
    abstained[rows, columns] = table["decision"].is_null().to_numpy()[known]
    thresholds[columns] = table["threshold"].to_numpy()[known]  # of equal labels the last one holds
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


def _coded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the distinct values in the order of their first rows, and each row's; -1 = null."""
    coded = column.dictionary_encode().unify_dictionaries()
    values = coded.chunk(0).dictionary.to_pylist() if coded.num_chunks else []
    indices = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in coded.chunks]
    return tuple(values), np.concatenate([*indices, np.zeros(0, np.intp)]).astype(np.intp)


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
