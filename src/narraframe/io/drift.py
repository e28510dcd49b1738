"""Drift as JSON, all of it, or as CSV, one line a test and label."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from narraframe.io.cells import csv_text
from narraframe.records import Drift, DriftTest

ENDINGS = (".json", ".csv")
_HEADER = ("kind", "name", "before", "now", "effect", "p", "drifted", "what")


def drift_text(drift: Drift, *, ending: str) -> str:
    """Return `drift` as the text of a file that ends in `ending`, one of `ENDINGS`."""
    return _csv(drift) if ending == ".csv" else as_json(asdict(drift))


def as_json(value: Any) -> str:
    """Return nested values as JSON, what is not finite as null."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def figure(value: float) -> float | str:
    """Return a figure for a cell of a table; "" where it is not known.

    A number and no text: the guard of cells would take a minus sign for a formula.
    """
    return "" if math.isnan(value) else float(f"{value:.6g}")


def _csv(drift: Drift) -> str:
    texts = drift.n_posts - drift.n_without_text
    rows: list[list[object]] = [
        ["verdict", drift.model, "", "", "", "", _told(drift), drift.verdict],
        _count("without text", drift.n_without_text, drift.n_posts),
        _count("unknown language", drift.n_unknown_language, texts),
    ]
    rows += [
        ["test", t.name, "", "", figure(t.effect), figure(t.adjusted), _word(t), t.what]
        for t in drift.tests
    ]
    for label in drift.labels:
        shares = [figure(label.before), figure(label.now), figure(label.now - label.before)]
        rows.append(["label", label.label_id, *shares, figure(label.p), "", ""])
    for code, before, now in drift.languages:
        shares = [figure(before), figure(now), figure(now - before)]
        rows.append(["language", code or "not known", *shares, "", "", ""])
    return csv_text(_HEADER, rows)


def _count(name: str, n: int, of: int) -> list[object]:
    share = figure(n / of) if of else ""
    return ["share", name, "", share, "", "", "", f"{n} of {of} posts"]


def _told(drift: Drift) -> str:
    return "yes" if drift.drifted else "" if drift.is_unknown else "no"


def _word(test: DriftTest) -> str:
    return "yes" if test.drifted else "" if math.isnan(test.p) else "no"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value
