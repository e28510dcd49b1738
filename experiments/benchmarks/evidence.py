"""Do the sentences given as evidence carry the decision? Deleted and kept alone, beside others.

A model learns from the posts that are left when some posts of several sentences, with all their
near-copies, are held out. For each decision on those, a contender names sentences; measured are

- comprehensiveness: how far the probability falls when its first sentence is deleted; "over other":
  more than for another sentence at random; "over words": more than for as many running words at
  random outside the sentence (where there are so many);
- sufficiency: how far the probability falls when nothing but the first sentence is kept (lower is
  better, 0 is enough);
- flips: decisions gone without all the sentences named, where a sentence is left; "over other":
  more than without as many others at random (where there are so many);
- words: the share of the post's words that were named;
- F1, precision with the spans that annotators marked, words of all labels together, and over
  chance, as many words at random places;
- encoded: characters encoded for the evidence, per character of scoring all held-out posts.

Occlusion names the sentence whose deletion costs most: no ranking can be more comprehensive in its
first sentence. Intervals (95 %) resample near-duplicate groups of posts.

References: DeYoung et al. (2020), ERASER, arXiv:1911.03429; Li et al. (2016), arXiv:1612.08220.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from evidence_sets import Cell, HeldOut, hold_out
from label_queue_sets import DATA, HERE
from numpy.typing import NDArray
from scipy.special import expit

from narraframe.classifiers.evidence import MOST, find_evidence
from narraframe.classifiers.evidence_overlap import count_words, overlap_of
from narraframe.metrics.intervals import Resamples, resample_groups
from narraframe.workflows.evidence import Span, locate

SETS = ("ccf_climate_frames", "unlp2025_telegram", "telegram_ru_news")
N_RESAMPLES = 1_000
Chosen = Mapping[Cell, Sequence[int]]
"""For each decision the sentences named, by number, the strongest first."""


def evidence(data: HeldOut, ask: Callable, *, check: bool = False) -> Chosen:
    found = find_evidence(
        data.texts,
        data.sentences,
        data.above,
        data.decision,
        lambda texts: ask(texts) - data.cuts,
        check=check,
    )
    number = [{span: s for s, span in enumerate(spans)} for spans in data.sentences]
    return {
        (one.row, one.column): [number[one.row][s.start, s.end] for s in one.sentences]
        for one in found
    }


def checked(data: HeldOut, ask: Callable) -> Chosen:
    return evidence(data, ask, check=True)


def occlusion(data: HeldOut, ask: Callable) -> Chosen:
    """Name the sentences without any of which the label would be decided, or the one nearest."""
    rows = [i for i in range(len(data.texts)) if data.decision[i].any()]
    numbers = [(i, s) for i in rows for s in range(len(data.sentences[i]))]
    left = ask([data.without(i, [data.sentences[i][s]]) for i, s in numbers]) - data.cuts
    at = {key: row for row, key in enumerate(numbers)}
    chosen = {}
    for i, j in data.cells:
        order = sorted(range(len(data.sentences[i])), key=lambda s: left[at[i, s], j])[:MOST]
        chosen[i, j] = order[:1] + [s for s in order[1:] if left[at[i, s], j] < 0]
    return chosen


def at_random(data: HeldOut, _: Callable) -> Chosen:
    rng = np.random.default_rng(1)
    return {(i, j): [int(rng.integers(len(data.sentences[i])))] for i, j in data.cells}


def longest(data: HeldOut, _: Callable) -> Chosen:
    def length(i: int, s: int) -> int:
        return data.sentences[i][s][1] - data.sentences[i][s][0]

    return {
        (i, j): [max(range(len(data.sentences[i])), key=lambda s, i=i: length(i, s))]
        for i, j in data.cells
    }


CONTENDERS = {
    "evidence": evidence,
    "evidence, checked": checked,
    "occlusion": occlusion,
    "longest": longest,
    "at random": at_random,
}


def measure(data: HeldOut, chosen: Chosen, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return each figure's value for every decision, nan where it cannot be asked."""
    rng = np.random.default_rng(seed)
    spans, cells = data.sentences, data.cells
    whole = np.array([expit(data.above[i, j] + data.cuts[j]) for i, j in cells])
    top = [chosen[cell][0] for cell in cells]
    others = [
        rng.permutation(np.setdiff1d(range(len(spans[i])), chosen[i, j])).tolist() for i, j in cells
    ]
    second = [int(rng.choice(np.delete(np.arange(len(spans[i])), t))) for (i, _), t in
              zip(cells, top, strict=True)]  # fmt: skip

    def gone(sets: Sequence[Sequence[Span]]) -> NDArray[np.float64]:
        return data.probability(
            [(data.without(i, s), j) for (i, j), s in zip(cells, sets, strict=True)]
        )

    without = gone([[spans[i][t]] for (i, _), t in zip(cells, top, strict=True)])
    other = gone([[spans[i][t]] for (i, _), t in zip(cells, second, strict=True)])
    windows = [running_words(data.texts[i], spans[i][t], rng) for (i, _), t in
               zip(cells, top, strict=True)]  # fmt: skip
    words = gone([[w] if w else [] for w in windows])
    words[[w is None for w in windows]] = np.nan
    cut = expit(np.array([data.cuts[j] for _, j in cells]))
    without_all = gone([[spans[i][s] for s in chosen[i, j]] for i, j in cells])
    so_many = [o[: len(chosen[cell])] for o, cell in zip(others, cells, strict=True)]
    without_others = gone(
        [[spans[i][s] for s in o] for (i, _), o in zip(cells, so_many, strict=True)]
    )
    left = np.isfinite(without_all)
    flips = np.where(left, without_all < cut, np.nan)
    enough = np.array([len(o) == len(chosen[c]) for o, c in zip(so_many, cells, strict=True)])
    share = [
        sum(len(data.kept(i, s).split()) for s in chosen[i, j]) / len(data.texts[i].split())
        for i, j in cells
    ]
    alone = data.probability([(data.kept(i, t), j) for (i, j), t in zip(cells, top, strict=True)])
    return {
        "comprehensiveness": whole - without,
        "over other": other - without,
        "over words": words - without,
        "sufficiency": whole - alone,
        "flips": flips,
        "flips over other": np.where(enough & left, flips - (without_others < cut), np.nan),
        "sentences": np.array([len(chosen[cell]) for cell in cells], dtype=float),
        "words": np.array(share),
    }


def running_words(text: str, span: Span, rng: np.random.Generator) -> Span | None:
    """Return as many running words as `span` holds, at random before or after it."""
    n = len(text[slice(*span)].split())
    places = []
    for low, high in ((0, span[0]), (span[1], len(text))):
        at, bounds = low, []
        for word in text[low:high].split():
            start = text.index(word, at)
            at = start + len(word)
            bounds.append((start, at))
        places += [(bounds[k][0], bounds[k + n - 1][1]) for k in range(len(bounds) - n + 1)]
    return places[int(rng.integers(len(places)))] if places else None


def overlap(data: HeldOut, chosen: Chosen, draws: Resamples) -> dict[str, list[float]]:
    """Compare with the marked spans the evidence of all labels of a post together."""
    texts, found, marked = [], [], []
    for i, text in enumerate(data.raw):
        named = {s for (row, _), sentences in chosen.items() if row == i for s in sentences}
        places = locate(data.texts[i], data.sentences[i], text)
        texts.append(text)
        found.append([place for s, place in enumerate(places) if s in named and place])
        marked.append(data.marked[i] or [] if named else [])
    counts = count_words(texts, found, marked)
    resampled = [overlap_of(total) for total in draws.totals(counts)]
    whole = overlap_of(counts.sum(axis=0))
    figures = {}
    for figure, chance in (("f1", "chance_f1"), ("precision", "chance_precision")):
        values = np.array([getattr(o, figure) for o in resampled])
        more = values - np.array([getattr(o, chance) for o in resampled])
        value, gain = getattr(whole, figure), getattr(whole, figure) - getattr(whole, chance)
        figures[f"marked words, {figure}"] = interval(value, values, len(texts))
        figures[f"marked words, {figure} over chance"] = interval(gain, more, len(texts))
    return figures


def averages(data: HeldOut, figures: dict[str, NDArray[np.float64]], draws: Resamples
             ) -> dict[str, list[float]]:  # fmt: skip
    rows = np.array([i for i, _ in data.cells])
    found = {}
    for name, values in figures.items():
        per_post = np.zeros((len(data.texts), 2))
        np.add.at(per_post, rows, np.column_stack([np.nan_to_num(values), np.isfinite(values)]))
        totals = draws.totals(per_post)
        found[name] = interval(
            float(np.nanmean(values)),
            totals[:, 0] / np.where(totals[:, 1] > 0, totals[:, 1], np.nan),
            int(np.isfinite(values).sum()),
        )
    return found


def interval(value: float, replicates: NDArray[np.float64], n: int) -> list[float]:
    return [float(value), *map(float, np.nanquantile(replicates, [0.025, 0.975])), n]


def compare(name: str, options: argparse.Namespace) -> Iterator[list[list[object]]]:
    """Yield the rows of one contender after the other."""
    data = hold_out(name, options)
    draws = resample_groups(data.groups, n_resamples=N_RESAMPLES, seed=0)
    decided = data.decision.any(axis=1)
    print(
        f"\n{name}: {len(data.texts)} posts of {np.mean(list(map(len, data.sentences))):.1f} "
        f"sentences, {decided.mean():.2f} of them decided, {len(data.cells)} decisions",
        flush=True,
    )
    started = perf_counter()
    data.score(data.texts)
    base, n_chars = perf_counter() - started, sum(map(len, data.texts))
    for contender, choose in CONTENDERS.items():
        asked: dict[str, None] = {}

        def ask(texts: Sequence[str], asked: dict[str, None] = asked) -> NDArray[np.float64]:
            asked.update(dict.fromkeys(texts))
            return data.ask(texts)

        started = perf_counter()
        chosen = choose(data, ask)
        figures = averages(data, measure(data, chosen, options.seed), draws)
        if any(data.marked):
            figures |= overlap(data, chosen, draws)
        figures["encoded"] = [sum(map(len, asked)) / n_chars, np.nan, np.nan, len(asked)]
        if options.seconds and asked:
            started = perf_counter()
            data.score(list(asked))
            figures["seconds"] = [(perf_counter() - started) / base, np.nan, np.nan, len(asked)]
        print(f"  {contender}")
        rows: list[list[object]] = []
        for figure, (value, low, high, n) in figures.items():
            shown = "" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]"
            print(f"    {figure:34}{value:+.3f}{shown}  n={n}", flush=True)
            rows.append([name, contender, figure, *(round(x, 4) for x in (value, low, high)), n])
        yield rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--posts", type=int, default=300, help="held out")
    parser.add_argument("--read", type=int, default=3_000, help="posts of a set at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", action="store_true", help="time the encoding, too")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "evidence.csv")
    options = parser.parse_args()
    absent = [name for name in options.sets if not (DATA / name / "data.jsonl.gz").exists()]
    if absent:
        sys.exit(
            f"skipped: {', '.join(absent)} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets"
        )
    rows = [["set", "contender", "figure", "value", "low", "high", "n"]]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for more in (more for name in options.sets for more in compare(name, options)):
        rows += more
        # after each contender: it takes hours, and can be broken off
        with options.output.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"\n{options.output}")


if __name__ == "__main__":
    main()
