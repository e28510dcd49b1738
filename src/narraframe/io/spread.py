"""Who repeats whom as CSV, one line a pair of channels, or as JSON, all of it."""

from __future__ import annotations

from dataclasses import asdict

from narraframe.io.cells import csv_text
from narraframe.io.drift import as_json, figure
from narraframe.records import Spread

ENDINGS = (".csv", ".json")
_HEADER = (
    "first", "later", "messages", "forwarded", "back", "hours_lower_quartile", "hours_median",
    "hours_upper_quartile",
)  # fmt: skip


def spread_text(spread: Spread, *, ending: str) -> str:
    """Return `spread` as the text of a file that ends in `ending`, one of `ENDINGS`."""
    if ending == ".json":
        return as_json(asdict(spread))
    rows = [
        [
            *(pair.first, pair.later, pair.n_groups, pair.n_forwarded, pair.back),
            *(figure(x) for x in (pair.delays.lower, pair.delays.median, pair.delays.upper)),
        ]
        for pair in spread.pairs
    ]
    return csv_text(_HEADER, rows)
