"""The model card: what a model was trained on, how well it does, where it must not be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from narraframe.io.models import Bundle
from narraframe.metrics.leak import LeakTable
from narraframe.metrics.slices import ConfusedPair, SliceQuality
from narraframe.records import Estimate, LabelQuality, Quality

_WEAK = 0.5
_SHOWN = 5
_CHOSEN_BY_A_MODEL = ("active", "doubtful")

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a card says beyond the model's folder; what is not known or was not measured is empty.

    `languages`, `channels` and `designs` count posts, the most frequent first; `n_undated` posts
    lie outside `first` to `last`. `annotators` are posts by annotator, without names; `agreement`
    is Krippendorff's alpha by facet. `languages_worst` and `channels_worst` begin with the worst,
    `confused` with the most frequent pair. `test` is the quality on the frozen test set, `others`
    that by other splits, each with the split's name in `how`.
    """

    languages: Counts = ()
    channels: Counts = ()
    first: datetime | None = None
    last: datetime | None = None
    n_undated: int = 0
    annotators: tuple[int, ...] = ()
    designs: Counts = ()
    agreement: tuple[tuple[str, Estimate], ...] = ()
    languages_worst: tuple[SliceQuality, ...] = ()
    channels_worst: tuple[SliceQuality, ...] = ()
    confused: tuple[ConfusedPair, ...] = ()
    test: Quality | None = None
    others: tuple[Quality, ...] = ()
    leak: LeakTable | None = None


NO_FACTS = CardFacts()


def model_card(bundle: Bundle, *, title: str, facts: CardFacts = NO_FACTS) -> str:
    """Return the card of a registered model as Markdown; sections without content are left out."""
    sections: tuple[tuple[str, Iterator[str]], ...] = (
        ("Data", _data(bundle, facts)),
        ("Who labelled it", _labelling(facts)),
        ("Quality", _quality(bundle.quality, facts.test)),
        ("Where it fails", _failures(bundle.quality, facts)),
        ("Other splits", _others(bundle.quality, facts.others)),
        ("What a careless split would have claimed", _leak(facts.leak)),
        ("Limits", _limits(bundle, facts)),
        ("What to know of its data", (f"- {_capital(note)}." for note in bundle.record.notes)),
        ("Per label", _per_label(bundle.quality.labels)),
    )
    lines = [f"# {title}", "", *_model(bundle)]
    for name, content in sections:
        if found := [*content]:
            lines += ["", f"## {name}", "", *found]
    return "\n".join([*lines, ""])


def _model(bundle: Bundle) -> Iterator[str]:
    record = bundle.record
    heads = record.experiment["heads"]
    unused = () if "tuned" in heads["features"] else ("tune", "tune_layers", "tune_steps")
    said = [f"{key} = {_value(value)}" for key, value in heads.items() if key not in unused]
    yield f"- Purpose: {record.experiment['purpose']}"
    yield f"- Trained: {record.trained_at} by narraframe {record.narraframe_version}"
    yield f"- Encoder: {record.encoder}"
    yield f"- Codebook: {record.codebook_version} ({record.codebook_sha256[:12]})"
    yield f"- Heads: {', '.join(said)}"


def _data(bundle: Bundle, facts: CardFacts) -> Iterator[str]:
    record = bundle.record
    yield f"- Source: {record.experiment['data']['posts']}"
    yield f"- Posts: {record.n_posts:,} in {record.n_groups:,} groups of near-copies"
    yield f"- Languages learnt: {', '.join(record.languages) or 'not known'}"
    if facts.languages:
        yield f"- Languages found: {_shares(facts.languages, record.n_posts)}"
    if facts.channels:
        n = len(facts.channels)
        yield f"- Channels: {n:,}; {_shares(facts.channels, record.n_posts)}"
    if facts.first and facts.last:
        undated = f"; {facts.n_undated:,} posts without a date" if facts.n_undated else ""
        yield f"- Time: {facts.first:%Y-%m-%d} to {facts.last:%Y-%m-%d}{undated}"


def _labelling(facts: CardFacts) -> Iterator[str]:
    if facts.annotators:
        total = sum(facts.annotators)
        shares = ", ".join(f"{n / total:.0%}" for n in facts.annotators[:_SHOWN])
        more = " for the busiest" if len(facts.annotators) > _SHOWN else ""
        yield f"- Annotators: {len(facts.annotators):,}, with {shares} of the answers{more}"
    if facts.designs:
        yield f"- How posts were chosen: {_shares(facts.designs, sum(n for _, n in facts.designs))}"
    for facet_id, alpha in facts.agreement:
        yield f"- Agreement on {facet_id} (Krippendorff's alpha, {alpha.n:,} posts): {alpha}"
    if facts.annotators and not facts.agreement:
        yield "- Agreement: not known, as no post was labelled by two annotators"


def _quality(quality: Quality, test: Quality | None) -> Iterator[str]:
    for measured in (quality, test):
        if measured is None:
            continue
        n, k = len(measured.measured), len(measured.labels)
        error = measured.calibration_error
        yield f"- {_capital(measured.how)}: {measured.n_posts:,} posts"
        yield f"  - Micro F1: {measured.micro_f1}"
        yield f"  - Macro F1 over {n} of {k} labels: {measured.macro_f1}"
        yield f"  - Mean over labels of the expected calibration error: {error:.3f}"


def _failures(quality: Quality, facts: CardFacts) -> Iterator[str]:
    worst = sorted(quality.measured, key=lambda row: row.f1.value)[:_SHOWN]
    if worst:
        yield f"- Worst labels (F1): {'; '.join(f'{x.label_id} {x.f1}' for x in worst)}"
    for pair in facts.confused[:_SHOWN]:
        yield (
            f"- Takes {pair.label_id} for {pair.taken_for} on {pair.n_posts:,} posts, "
            f"{pair.share:.0%} of those with {pair.label_id}"
        )
    for name, slices in (("languages", facts.languages_worst), ("channels", facts.channels_worst)):
        if len(slices) > 1:
            shown = "; ".join(
                f"{_safe(s.name)} {s.micro_f1} on {s.n_posts:,} posts" for s in slices[:_SHOWN]
            )
            yield f"- Worst {name} (micro F1), of {len(slices):,} with enough posts: {shown}"


def _others(quality: Quality, others: Sequence[Quality]) -> Iterator[str]:
    if not others:
        return
    yield from (
        "| split | posts | macro F1 | micro F1 | macro F1 more or less |",
        "|---|---|---|---|---|",
    )
    for other in (quality, *others):
        change = other.macro_f1.value - quality.macro_f1.value
        shown = "" if other is quality or math.isnan(change) else f"{change:+.2f}"
        figures = f"{other.macro_f1} | {other.micro_f1}"
        yield f"| {other.how} | {other.n_posts:,} | {figures} | {shown} |"


def _leak(table: LeakTable | None) -> Iterator[str]:
    if table is None:
        return
    yield from (
        "| split | posts | figure | honest | careless | flattery |",
        "|---|---|---|---|---|---|",
    )
    for row in table.rows:
        figures = f"{row.honest:.2f} | {row.careless:.2f} | {row.flattery}"
        yield f"| {row.split} | {row.n_posts:,} | {row.figure} | {figures} |"


def _limits(bundle: Bundle, facts: CardFacts) -> Iterator[str]:
    record, quality = bundle.record, bundle.quality
    yield "- Decisions are those of a classifier: counting them gives a biased share of the posts."
    if record.any_language:
        yield "- The encoder takes any language; only those above were in training."
    else:
        yield "- Posts in other languages than those learnt get a reason instead of a score."
    if record.strange_languages:
        strange = ", ".join(record.strange_languages)
        yield f"- The encoder was not made for {strange}: word counts carry the model there."
    if any(design in _CHOSEN_BY_A_MODEL for design, _ in facts.designs):
        yield (
            "- Part of the posts was chosen because a model found them hard: on the stream itself "
            "the figures may be others."
        )
    weak = [row.label_id for row in quality.measured if row.f1.value < _WEAK]
    groups: tuple[tuple[str, Sequence[str]], ...] = (
        ("Not told from chance beyond doubt (do not use)", quality.doubtful),
        (f"F1 below {_WEAK} (do not use alone)", weak),
        ("No known positive posts, so nothing can be said", quality.undefined),
    )
    for why, label_ids in groups:
        if label_ids:
            yield f"- {why}: {', '.join(label_ids)}."


def _per_label(rows: Sequence[LabelQuality]) -> Iterator[str]:
    figures: tuple[Callable[[LabelQuality], Estimate], ...] = (
        lambda row: row.precision,
        lambda row: row.recall,
        lambda row: row.f1,
        lambda row: row.average_precision,
    )
    yield "| label | positive | share | threshold | precision | recall | F1 | average precision |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        known = f"{row.n_positive} | {_figure(row.share)} | {_threshold(row.threshold)}"
        yield f"| {row.label_id} | {known} | {' | '.join(str(f(row)) for f in figures)} |"


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _threshold(value: float) -> str:
    return "never" if value > 1 else _figure(value)


def _shares(counts: Counts, total: int) -> str:
    """Return the largest counts as shares of `total`, and how many more there are."""
    shown = ", ".join(f"{_safe(name)} {n / total:.0%}" for name, n in counts[:_SHOWN])
    more = len(counts) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _value(value: object) -> str:
    return " + ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _safe(name: str) -> str:
    """Return a name that somebody else chose, on one line and without Markdown of its own."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in " ".join(name.split()))
