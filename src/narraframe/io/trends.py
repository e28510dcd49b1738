"""Trends and themes against labels as CSV or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from narraframe.io.cells import csv_text
from narraframe.io.drift import as_json, figure
from narraframe.records import SAMPLING_ONLY, ThemesAgainstLabels, Trends, Uncovered

ENDINGS = (".csv", ".json")
_TRENDS = (
    "kind", "key", "name", "by", "period", "posts", "of_posts", "distinct", "of_distinct",
    "share", "low", "high", "burst",
)  # fmt: skip
_CROSS = (
    "theme", "theme_name", "label_id", "label_name", "posts", "decided", "share_of_theme",
    "share_of_label", "few",
)  # fmt: skip


def trends_text(trends: Trends, *, ending: str) -> str:
    """Return `trends` as CSV, one line a label or theme and period, or as JSON."""
    if ending == ".json":
        return as_json({"intervals": SAMPLING_ONLY} | asdict(trends))
    rows: list[list[object]] = []
    for line in trends.lines:
        for j, period in enumerate(trends.periods):
            share = line.shares[j]
            raised = any(burst.first <= period <= burst.last for burst in line.bursts)
            counts = [line.n[j], line.of[j], line.n_distinct[j], line.of_distinct[j]]
            rows.append(
                [
                    *(line.kind, line.key, line.name, trends.by, period, *map(int, counts)),
                    *(figure(x) for x in (share.value, share.low, share.high)),
                    "yes" if raised else "",
                ]
            )
    return csv_text(_TRENDS, rows)


def coverage_text(
    cross: ThemesAgainstLabels, uncovered: Sequence[Uncovered], *, n_undated: int = 0, ending: str
) -> str:
    """Return themes against labels as CSV, one line a pair that meets, or as JSON with the rest."""
    if ending == ".json":
        more = {"uncovered": [asdict(one) for one in uncovered], "n_undated": n_undated}
        return as_json(asdict(cross) | more)
    rows = [
        [
            *(f"T{theme}", cross.theme_names[i], label_id, cross.label_names[j]),
            *(int(cross.n[i, j]), int(cross.decided[i, j])),
            *(figure(float(x[i, j])) for x in (cross.share_of_theme, cross.share_of_label)),
            "yes" if cross.small_theme[i] or cross.small_label[j] else "",
        ]
        for i, theme in enumerate(cross.themes)
        for j, label_id in enumerate(cross.label_ids)
        if cross.n[i, j]
    ]
    return csv_text(_CROSS, rows)
