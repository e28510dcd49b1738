"""Judge the labellings that the contenders left: agreement, outliers, coherence, stability."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from themes_table import OURS, Row

from narraframe.themes.terms import TermMatrix, count_terms

# Several keywords per post, by analysts who did not mean to sort posts into themes.
UNLABELLED = ("euvsdisinfo_claims",)

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Judge:
    """One set: its posts' labels, None where they do not sort the posts, and its words."""

    name: str
    truth: list[str] | None
    texts: list[str]
    matrix: TermMatrix


def read_judge(name: str, posts: list[dict[str, Any]]) -> Judge:
    texts = [post["text"] for post in posts]
    truth = None if name in UNLABELLED else [post["labels"][0] for post in posts]
    return Judge(name, truth, texts, count_terms(texts, [post["lang"] for post in posts]))


def score(folder: Path, contender: str, seeds: list[int], judge: Judge) -> list[Row]:
    """Return the means over seeds, and the mean pairwise ARI between them.

    Noise counts as one class throughout, as in the notes that the targets come from. Of several
    layers the one is taken that agrees best with the labels: an oracle, in the contender's favour.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    from narraframe.themes.quality import coherence
    from narraframe.themes.terms import theme_keywords

    stems = [f"{judge.name}.{contender}.{seed}" for seed in seeds]
    chosen = [_best_layer(np.load(folder / f"{stem}.npy"), judge.truth) for stem in stems]
    values: dict[str, list[float]] = {}
    if judge.truth is not None:
        values["ari"] = [float(adjusted_rand_score(judge.truth, found)) for found in chosen]
        values["ami"] = [float(adjusted_mutual_info_score(judge.truth, found)) for found in chosen]
    values["outliers"] = [float((found < 0).mean()) for found in chosen]
    values["themes"] = [float(found.max() + 1) for found in chosen]
    values["stability"] = [float(adjusted_rand_score(a, b)) for a, b in combinations(chosen, 2)]
    words = json.loads((folder / f"{stems[0]}.json").read_text(encoding="utf-8"))
    if words:
        listed = [tuple((word, 1.0) for word in of_theme) for of_theme in words]
        values["npmi"] = [coherence(_own_matrix(contender, judge), listed)]
    ours = theme_keywords(judge.matrix, chosen[0])
    values["npmi_same_terms"] = [coherence(judge.matrix, ours)]
    return [Row.mean(key, judge.name, contender, found) for key, found in values.items() if found]


def _best_layer(layers: Labels, truth: list[str] | None) -> Labels:
    from sklearn.metrics import adjusted_mutual_info_score

    if truth is None or len(layers) == 1:
        return layers[0]  # Toponymy's first is its finest
    return max(layers, key=lambda labels: adjusted_mutual_info_score(truth, labels))


def _own_matrix(contender: str, judge: Judge) -> TermMatrix:
    """Return the counts of words as the contender itself splits texts into words."""
    from sklearn.feature_extraction.text import CountVectorizer

    if contender in OURS:
        return judge.matrix
    texts = judge.texts
    if contender == "bertopic":  # it cleans English so before it counts
        texts = [re.sub(r"[^A-Za-z0-9 ]+", "", re.sub(r"[\n\t]", " ", text)) for text in texts]
    vectorizer = CountVectorizer()
    counts = vectorizer.fit_transform(texts)
    return TermMatrix(counts, tuple(str(term) for term in vectorizer.get_feature_names_out()))
