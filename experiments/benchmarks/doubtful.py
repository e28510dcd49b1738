"""Are wrong labels among the posts that `narraframe queue --doubtful` asks first?

One post in twenty gets an error: in turn a label left out, one given too much, or one replaced by
the label that a model takes it for most often. The default classifier then scores every post
out of fold, from the spoilt labels alone, and each ranking says which posts to look at again. The
figure is the share of spoilt posts among as many first ones, mean over seeds. The sets have errors
of their own, which count as misses here, so no ranking can reach 1.

The label given too much is drawn by its frequency ("by frequency") or with equal chance ("any").
The ranking was chosen on these sets. cleanlab lives in an environment of its own: name its Python
by --cleanlab (`pip install cleanlab` into an empty one; 2.9.0 was used), or it is left out.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from classify_sets import DATA, HERE, LabelledSet, Rule, embed, read_set, split
from numpy.typing import NDArray

from narraframe.annotations.doubt import doubt
from narraframe.annotations.splits import Split, grouped_folds
from narraframe.classifiers.crossfit import chosen, cross_fit
from narraframe.classifiers.settings import HeadSettings
from narraframe.records import HeldOut

SETS = {
    "gvfc": ("gvfc_gun_frames", Rule(labelled_only=True)),
    "ccf": ("ccf_climate_frames", Rule()),
    "euvs 10": ("euvsdisinfo_claims", Rule(n_labels=10, labelled_only=True)),
    "euvs 50": ("euvsdisinfo_claims", Rule(n_labels=50)),
}
N_POSTS, SHARE, N_INNER = 2_000, 0.05, 4
FULL = HeadSettings(features=("embedding", "words", "characters"))
QUICK = HeadSettings(features=("embedding",))
BY_FREQUENCY, ANY = "by frequency", "any"
CLEANLAB = """
import sys
import numpy as np
from cleanlab.multilabel_classification.rank import get_label_quality_scores
data = np.load(sys.argv[1])
labels = [list(np.flatnonzero(row)) for row in data["y"]]
p = data["p"].astype(float)
methods = ("self_confidence", "confidence_weighted_entropy")
np.savez(sys.argv[2], **{m: -get_label_quality_scores(labels, p, method=m) for m in methods})
"""

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]


def by_self_confidence(held: HeldOut) -> Floats:
    """The least probability of what was said; the normalised margin gives the same order."""
    p = filled(held)
    return np.where(held.y == 1, 1 - p, p).max(axis=1)


def by_rank(held: HeldOut) -> Floats:
    """The best rank of a cell among all that say the same of the same label."""
    p = filled(held)
    against = np.where(held.y == 1, 1 - p, p)
    rank = np.ones(p.shape)
    for j in range(p.shape[1]):
        for said in (0, 1):
            rows = np.flatnonzero(held.y[:, j] == said)
            order = np.argsort(np.argsort(-against[rows, j]))
            rank[rows, j] = (order + 0.5) / max(len(rows), 1)
    return -rank.min(axis=1)


def by_confident_learning(held: HeldOut) -> Floats:
    """By how much the other answer passes its own threshold more than what was said does."""
    p, y = filled(held), held.y
    yes = np.array([p[y[:, j] == 1, j].mean() for j in range(p.shape[1])])
    no = np.array([1 - p[y[:, j] == 0, j].mean() for j in range(p.shape[1])])
    margin = (p - yes) - ((1 - p) - no)
    return np.where(y == 1, -margin, margin).max(axis=1)


def by_doubt(held: HeldOut) -> Floats:
    """What `narraframe queue --doubtful` goes by."""
    return np.nan_to_num(doubt(held)).max(axis=1)


RANKINGS: dict[str, Callable[[HeldOut], Floats]] = {
    "doubt": by_doubt,
    "self-confidence, or margin": by_self_confidence,
    "rank within label": by_rank,
    "confident learning": by_confident_learning,
}


def filled(held: HeldOut) -> Floats:
    """Probabilities, a label's frequency where the model has none."""
    return np.where(np.isnan(held.probability), held.y.mean(axis=0), held.probability)


def out_of_fold(data: LabelledSet, y: Labels, vectors: NDArray[np.float32], *, settings, seed):
    fold = split(data, seed)
    splits = [Split(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in np.unique(fold)]
    found = chosen(
        cross_fit(
            {"embedding": vectors},
            data.texts,
            y,
            np.ones(y.shape, dtype=np.bool_),
            data.label_ids,
            groups=data.group,
            splits=splits,
            candidates=[settings],
            make_folds=partial(grouped_folds, n_folds=N_INNER),
            parents={},
            single_choice=(),
            seed=seed,
        )
    )
    return HeldOut(
        post_ids=tuple(map(str, range(len(y)))),
        label_ids=data.label_ids,
        y=y,
        mask=np.ones(y.shape, dtype=np.bool_),
        probability=found.probability,
        decision=found.decision,
        groups=data.group,
        fold=found.fold,
    )


def spoil(clean: HeldOut, added: str, rng: np.random.Generator) -> tuple[Labels, NDArray[np.bool_]]:
    """Return labels with errors in `SHARE` of the posts, and which posts these are."""
    y = clean.y.copy()
    weight = y.mean(axis=0) if added == BY_FREQUENCY else np.ones(y.shape[1])
    taken_for = mistaken(clean)
    labelled = np.flatnonzero(y.any(axis=1) & ~y.all(axis=1))
    rows = rng.choice(labelled, round(SHARE * len(y)), replace=False)
    for turn, i in enumerate(rows):
        here, absent = np.flatnonzero(clean.y[i]), np.flatnonzero(clean.y[i] == 0)
        if turn % 3 == 0:
            y[i, rng.choice(here)] = 0
        elif turn % 3 == 1:
            y[i, rng.choice(absent, p=weight[absent] / weight[absent].sum())] = 1
        else:
            old = rng.choice(here)
            y[i, old], y[i, absent[taken_for[old, absent].argmax()]] = 0, 1
    wrong = np.zeros(len(y), dtype=np.bool_)
    wrong[rows] = True
    return y, wrong


def mistaken(clean: HeldOut) -> Floats:
    """Return how likely a model calls a post with label i by label j, which it lacks; (k, k)."""
    p = np.where(clean.y == 1, 0.0, filled(clean))
    return np.array([p[clean.y[:, j] == 1].mean(axis=0) for j in range(p.shape[1])])


def cleanlab(python: Path, held: HeldOut) -> dict[str, Floats]:
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(given, y=held.y, p=filled(held))
        subprocess.run([python, "-W", "ignore", "-c", CLEANLAB, given, found], check=True)
        with np.load(found) as scores:
            return {f"cleanlab, {name.replace('_', ' ')}": scores[name] for name in scores.files}


def found_first(score: Floats, wrong: NDArray[np.bool_]) -> float:
    first = np.argsort(-score, kind="stable")[: wrong.sum()]
    return float(wrong[first].mean())


def measure(name: str, options: argparse.Namespace) -> Iterator[list[object]]:
    """Yield a row for each way to add labels and each ranking."""
    whole = read_set(*SETS[name])
    data = whole.at(np.sort(np.random.default_rng(0).permutation(len(whole.texts))[:N_POSTS]))
    vectors = embed(data.texts, options.cache)
    shares: dict[tuple[str, str], list[float]] = {}
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        clean = out_of_fold(data, data.y, vectors, settings=QUICK, seed=seed)
        for added in (BY_FREQUENCY, ANY):
            y, wrong = spoil(clean, added, rng)
            held = out_of_fold(data, y, vectors, settings=FULL, seed=seed)
            scores = {ranking: score(held) for ranking, score in RANKINGS.items()}
            if options.cleanlab:
                scores |= cleanlab(options.cleanlab, held)
            for ranking, score in scores.items():
                shares.setdefault((added, ranking), []).append(found_first(score, wrong))
    for (added, ranking), found in shares.items():
        figures = [round(float(np.mean(found)), 4), round(float(np.std(found, ddof=1)), 4)]
        yield [name, len(data.texts), int(wrong.sum()), added, ranking, *figures]


def show(rows: list[list[object]]) -> None:
    for added in (BY_FREQUENCY, ANY):
        print(f"\nshare of spoilt posts among the first; labels given too much: {added}")
        print(f"{'':40}" + "".join(f"{name:>10}" for name in dict.fromkeys(r[0] for r in rows)))
        for ranking in dict.fromkeys(row[4] for row in rows):
            figures = [row[5] for row in rows if (row[3], row[4]) == (added, ranking)]
            print(f"{ranking:40}" + "".join(f"{figure:10.3f}" for figure in figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cleanlab", type=Path, help="a Python that has cleanlab")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "doubtful.csv")
    options = parser.parse_args()
    absent = {SETS[name][0] for name in options.sets}
    absent = {name for name in absent if not (DATA / name / "data.jsonl.gz").exists()}
    if absent:
        sys.exit(
            f"skipped: {', '.join(sorted(absent))} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets"
        )
    rows = []
    for name in options.sets:
        rows += list(measure(name, options))
        print(f"{name}: done", file=sys.stderr, flush=True)
    show(rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "posts", "spoilt", "added", "ranking", "mean", "sd"])
        writer.writerows(rows)
    print(f"\n{options.output}")


if __name__ == "__main__":
    main()
