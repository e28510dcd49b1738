"""The model card: what a model was trained on, how well it does, where it must not be trusted."""

from __future__ import annotations

import math

from narraframe.io.models import Bundle
from narraframe.records import LabelQuality

_WEAK = 0.5


def model_card(bundle: Bundle, *, title: str) -> str:
    """Return the card of a registered model as Markdown."""
    record, quality = bundle.record, bundle.quality
    known = quality.measured
    weak = [row.label_id for row in known if row.f1.value < _WEAK]
    facts = [
        ("Purpose", record.experiment["purpose"]),
        ("Trained", f"{record.trained_at} by narraframe {record.narraframe_version}"),
        ("Posts", f"{record.n_posts:,} in {record.n_groups:,} groups of near-copies"),
        ("Data", record.experiment["data"]["posts"]),
        ("Languages", ", ".join(record.languages) or "not known"),
        ("Encoder", record.encoder),
        ("Codebook", f"{record.codebook_version} ({record.codebook_sha256[:12]})"),
        ("Features", record.experiment["heads"]["features"]),
        ("Measured by", quality.how),
        ("Micro F1", str(quality.micro_f1)),
        (f"Macro F1 over {len(known)} of {len(quality.labels)} labels", str(quality.macro_f1)),
        ("Mean over labels of the expected calibration error", str(quality.calibration_error)),
    ]
    limits = [
        "Decisions are those of a classifier: counting them gives a biased share of the posts.",
        "Posts in other languages than those above get a reason instead of a score."
        if not record.any_language
        else "The encoder takes any language; only those above were in training.",
    ]
    if record.strange_languages:
        limits.append(
            f"The encoder was not made for {', '.join(record.strange_languages)}: word counts "
            "carry the model there."
        )
    if quality.doubtful:
        doubtful = ", ".join(quality.doubtful)
        limits.append(f"Not told from chance beyond doubt (do not use): {doubtful}.")
    if weak:
        limits.append(f"F1 below {_WEAK} (do not use alone): {', '.join(weak)}.")
    if quality.undefined:
        limits.append(
            f"No known positive posts, so nothing can be said: {', '.join(quality.undefined)}."
        )
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in facts]
    lines += ["", "## Limits", ""]
    lines += [f"- {limit}" for limit in limits]
    lines += ["", "## What to know of its data", ""]
    lines += [f"- {note[0].upper()}{note[1:]}." for note in record.notes]
    lines += ["", "## Per label", "", *_table(quality.labels), ""]
    return "\n".join(lines)


def _table(rows: tuple[LabelQuality, ...]) -> list[str]:
    header = (
        "| label | positive | share | threshold | precision | recall | F1 | average precision |"
    )
    lines = [header, "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        threshold = "-" if math.isnan(row.threshold) else f"{row.threshold:.2f}"
        figures = (row.precision, row.recall, row.f1, row.average_precision)
        cells = " | ".join(str(figure) for figure in figures)
        lines.append(
            f"| {row.label_id} | {row.n_positive} | {_share(row)} | {threshold} | {cells} |"
        )
    return lines


def _share(row: LabelQuality) -> str:
    return "-" if math.isnan(row.share) else f"{row.share:.2f}"
