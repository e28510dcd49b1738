"""The figures of the themes benchmark as rows, and the targets that they are held against."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PEERS = ("bertopic", "evoc", "toponymy")
OURS = ("hdbscan", "graph")
CONTENDERS = PEERS + OURS
TITLES = {
    "cold_2k_s": "whole cold process, 2,000 posts, embeddings given (s)",
    "cold_20k_s": "whole cold process, 20,000 posts, embeddings given (s)",
    "cold_2k_cpu_s": "  CPU time of that process (s)",
    "cold_20k_cpu_s": "  CPU time of that process (s)",
    "memory_2k_mb": "peak memory of that process, 2,000 posts (MiB)",
    "memory_20k_mb": "peak memory of that process, 20,000 posts (MiB)",
    "warm_20k_s": "warm pipeline, 20,000 posts: labels and keywords (s)",
    "warm_20k_cpu_s": "  CPU time of it (s)",
    "warm_20k_labels_only_s": "  of it the labels alone (s)",
    "warm_20k_stages_s": "  where narraframe's time goes (s)",
    "same_bytes": "same seed on one thread and two: the same bytes",
    "same_seed_agreement": "same seed on one thread and two: ARI of the labels",
    "over_time_s": "keywords per theme and month, 20,000 posts (s)",
    "merge_s": "two themes merged, keywords anew (s)",
    "relabel_s": "a twentieth of the posts relabelled, keywords anew (s)",
    "ari": "ARI against the labels, noise as one class, mean over seeds",
    "ami": "AMI against the labels, noise as one class, mean over seeds",
    "outliers": "share of outliers, mean over seeds",
    "themes": "number of themes, mean over seeds",
    "npmi": "NPMI of the contender's own keywords, first seed",
    "npmi_same_terms": "NPMI of narraframe's keywords for the contender's themes, first seed",
    "stability": "stability: mean pairwise ARI over seeds",
}


@dataclass(frozen=True)
class Row:
    """One figure; `low` and `high` are its range over rounds, seeds or pairs of seeds."""

    measure: str
    set: str
    contender: str
    value: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def median(cls, measure: str, name: str, contender: str, values: Sequence[float]) -> Row:
        return cls(measure, name, contender, statistics.median(values), min(values), max(values))

    @classmethod
    def mean(cls, measure: str, name: str, contender: str, values: Sequence[float]) -> Row:
        return cls(measure, name, contender, statistics.fmean(values), min(values), max(values))


def target(row: Row, peers: dict[str, float]) -> tuple[str, bool | None]:
    """Return what one of our figures is held to, and whether it holds; None where unknown.

    `peers` are the other contenders' figures of the same measure and set.
    """
    ratios = {"cold_2k_s": 12.0, "cold_20k_s": 8.0, "warm_20k_s": 4.0, "memory_20k_mb": 1 / 0.55}
    ratios |= {"over_time_s": 20.0, "merge_s": 20.0, "relabel_s": 20.0}
    bertopic = peers.get("bertopic")
    rivals = [peers[name] for name in ("evoc", "toponymy") if name in peers]
    if row.measure in ratios:
        share = ratios[row.measure]
        text = f"<= {1 / share:.2f}x" if share < 2 else f"<= 1/{share:.0f}"
        holds = None if bertopic is None else row.value * share <= bertopic
        if (row.measure, row.contender) == ("warm_20k_s", "graph") and "evoc" in peers:
            return f"{text}, <= evoc", bool(holds) and row.value <= peers["evoc"]
        return text, holds
    if row.measure == "ari" and row.set == "mean":
        return ">= 2x", None if bertopic is None else row.value >= 2 * bertopic
    if row.measure == "ami" and row.set == "mean":
        return ">= +0.10", None if bertopic is None else row.value >= bertopic + 0.10
    if row.measure in ("ari", "ami"):
        return "> evoc, toponymy", row.value > max(rivals) if len(rivals) == 2 else None
    if row.measure == "outliers":
        return ("none", row.value == 0) if row.contender == "graph" else ("< 0.10", row.value < 0.1)
    if row.measure == "stability":
        return ">= 0.90", row.value >= 0.90
    if row.measure == "same_bytes":
        return "yes", row.value == 1
    return "", None


def with_means(rows: Sequence[Row]) -> list[Row]:
    """Add the means over the labelled sets of what has a target there."""
    means = []
    for measure in ("ari", "ami"):
        for contender in CONTENDERS:
            values = [r.value for r in rows if (r.measure, r.contender) == (measure, contender)]
            if values:
                means.append(Row.mean(measure, "mean", contender, values))
    return [*rows, *means]


def show(rows: Sequence[Row]) -> str:
    """Return a table a measure: sets down, contenders across, ours with ratio and verdict."""
    rows = with_means(rows)
    contenders = [c for c in CONTENDERS if any(row.contender == c for row in rows)]
    lines: list[str] = []
    for measure in dict.fromkeys(row.measure for row in rows):
        of_measure = [row for row in rows if row.measure == measure]
        lines += ["", TITLES.get(measure, measure)]
        heads = "".join(f"{c:>24}" if c in OURS else f"{c:>10}" for c in contenders)
        lines.append(f"  {'':24}{heads}  target")
        for name in dict.fromkeys(row.set for row in of_measure):
            found = {row.contender: row for row in of_measure if row.set == name}
            targets = [_verdict(found[c], found)[0] for c in OURS if c in found]
            cells = "".join(_cell(c, found) for c in contenders)
            lines.append(f"  {name:24}{cells}  {' | '.join(dict.fromkeys(filter(None, targets)))}")
    return "\n".join(lines)


def show_verdict(rows: Sequence[Row]) -> str:
    """Return how many targets hold, and every one that does not."""
    rows = with_means(rows)
    held, missed = 0, []
    for row in rows:
        found = {r.contender: r for r in rows if (r.measure, r.set) == (row.measure, row.set)}
        text, holds = _verdict(row, found) if row.contender in OURS else ("", None)
        held += holds is True
        if holds is False:
            line = f"  {row.measure} {row.set} {row.contender}: {_number(row.value)}"
            missed.append(f"{line}{_ratio(row, found)}, target {text}")
    return "\n".join(["", f"targets met: {held}, missed: {len(missed)}", *missed])


def write_csv(rows: Sequence[Row], path: Path) -> None:
    rows = with_means(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        heads = ("measure", "set", "contender", "value", "low", "high")
        table.writerow([*heads, "ratio_to_bertopic", "target", "met"])
        for row in rows:
            found = {r.contender: r for r in rows if (r.measure, r.set) == (row.measure, row.set)}
            text, holds = _verdict(row, found) if row.contender in OURS else ("", None)
            numbers = (row.value, row.low, row.high, ratio(row, found))
            shown = ["" if math.isnan(number) else f"{number:.4g}" for number in numbers]
            met = {True: "yes", False: "no", None: ""}[holds]
            table.writerow([row.measure, row.set, row.contender, *shown, text, met])


def _verdict(row: Row, found: dict[str, Row]) -> tuple[str, bool | None]:
    return target(row, {c: r.value for c, r in found.items() if c in PEERS})


def _cell(contender: str, found: dict[str, Row]) -> str:
    width = 24 if contender in OURS else 10
    row = found.get(contender)
    if row is None:
        return f"{'-':>{width}}"
    if contender in PEERS:
        return f"{_number(row.value):>{width}}"
    holds = {True: " yes", False: "  NO", None: "    "}[_verdict(row, found)[1]]
    return f"{_number(row.value) + _ratio(row, found) + holds:>{width}}"


def ratio(row: Row, found: dict[str, Row]) -> float:
    """Return our figure over BERTopic's; nan without one, or where a ratio says nothing."""
    measured = row.measure.endswith(("_s", "_mb")) or row.measure in ("ari", "ami", "stability")
    if not measured or row.contender not in OURS or "bertopic" not in found:
        return math.nan
    return row.value / found["bertopic"].value


def _ratio(row: Row, found: dict[str, Row]) -> str:
    value = ratio(row, found)
    if math.isnan(value):
        return ""
    return f" (1/{1 / value:.1f})" if 0 < value < 0.5 else f" ({value:.2f}x)"


def _number(value: float) -> str:
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:.3f}"
        if abs(value) < 1
        else f"{value:.1f}"
    )
