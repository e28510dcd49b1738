"""Agreement in words and tables, for the terminal and for a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from narraframe.annotations.agreement import ENOUGH, LOWEST, TOO_FEW, Agreement, LabelAgreement
from narraframe.annotations.disputes import Dispute, Disputes
from narraframe.annotations.pairs import LabelPair
from narraframe.annotations.preannotation import Effect, PreAnnotation

_SHOWN = 10


@dataclass(frozen=True)
class Section:
    """A heading, a table (perhaps none), and sentences below it."""

    title: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def sections(
    agreement: Agreement, disputes: Disputes, preannotation: PreAnnotation
) -> tuple[Section, ...]:
    """Say everything in the order of use: how far they agree, where not, what to do."""
    who = f"{len(agreement.annotators)} annotators"
    if len(agreement.annotators) <= _SHOWN:
        who = f"{who} ({', '.join(agreement.annotators)})"
    title = f"{agreement.n_posts:,} posts by {who}, {agreement.n_overlap:,} by two or more"
    if not agreement.n_overlap:
        note = (
            "No post was answered by two annotators, so nothing can be said of their agreement. "
            "Give a share of the queue to two: narraframe queue --help."
        )
        return Section(title, notes=(note,)), *_preannotation(preannotation)
    return (
        Section(title),
        _facets(agreement),
        _labels(agreement),
        _needs_work(agreement),
        _facet_pairs(agreement),
        _label_pairs(agreement),
        _disputes(disputes),
        *_preannotation(preannotation),
    )


def markdown(agreement: Agreement, disputes: Disputes, preannotation: PreAnnotation) -> str:
    """Return the sections as Markdown."""
    lines = ["# Agreement", ""]
    first, *others = sections(agreement, disputes, preannotation)
    lines += [f"{first.title}.", "", *_notes(first)]
    for section in others:
        lines += [f"## {section.title}", ""]
        if section.rows:
            lines += [_pipes(section.header), _pipes(("---",) * len(section.header))]
            lines += [*(_pipes(row) for row in section.rows), ""]
        lines += _notes(section)
    return "\n".join(lines)


def _notes(section: Section) -> Iterator[str]:
    for note in section.notes:
        yield from (note, "")


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _facets(agreement: Agreement) -> Section:
    measures = {"MASI": "MASI, sets of labels", "nominal": "nominal, one choice"}
    rows = tuple(
        (facet.facet_id, f"{facet.alpha.n:,}", str(facet.alpha), measures[facet.distance])
        for facet in agreement.facets
    )
    note = (
        "Krippendorff's alpha: 1 is agreement, 0 what chance would give. "
        "In brackets where it lies with 95 % confidence, by resampling posts."
    )
    return Section("Facets", ("facet", "posts", "alpha", "distance"), rows, (note,))


def _labels(agreement: Agreement) -> Section:
    by_label: dict[str, list[float]] = {}
    for pair in agreement.label_pairs:
        if not math.isnan(pair.kappa.value):
            by_label.setdefault(pair.label_id, []).append(pair.kappa.value)
    rows = tuple(
        (
            label.label_id,
            f"{label.alpha.n:,}",
            f"{label.n_yes:,}",
            "-" if math.isnan(label.prevalence.value) else f"{label.prevalence.value:.2f}",
            str(label.alpha),
            _range(by_label.get(label.label_id, [])),
        )
        for label in agreement.labels
    )
    note = (
        "posts: with two answers or more; yes: of them those on which someone gives the label; "
        "share: of yes among all answers; kappa: Cohen's, lowest to highest pair of annotators."
    )
    return Section("Labels", ("label", "posts", "yes", "share", "alpha", "kappa"), rows, (note,))


def _range(values: Sequence[float]) -> str:
    if not values:
        return "-"
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}..{high}"


def _needs_work(agreement: Agreement) -> Section:
    rule = (
        f"The whole interval of alpha lies below {LOWEST}, Krippendorff's lowest limit even for "
        f"tentative conclusions, with {ENOUGH} or more posts on which someone says yes."
    )
    found = [_what_differs(label, agreement) for label in agreement.needs_work]
    notes = [*found, rule] if found else [f"None can be told to need it. The rule: {rule}"]
    few = [label.label_id for label in agreement.labels if label.verdict == TOO_FEW]
    if few:
        notes.append(f"Too few posts to tell: {', '.join(few)}.")
    return Section("Labels whose definition needs work", notes=tuple(notes))


def _what_differs(label: LabelAgreement, agreement: Agreement) -> str:
    """Say how a label fails: one annotator sees it where others do not, or it is mixed up."""
    pairs = [pair for pair in agreement.label_pairs if pair.label_id == label.label_id]
    alone: Counter[str] = Counter()
    for pair in pairs:
        alone.update({pair.first: pair.only_first, pair.second: pair.only_second})
    who, n = alone.most_common(1)[0]
    parts = [f"{label.label_id}: alpha {label.alpha}"]
    parts.append(f"of {alone.total():,} disagreements {who} alone says yes in {n:,}")
    if label.mixed_up_with is not None:
        parts.append("{} stands in its place in {}".format(*label.mixed_up_with))
    return f"{'; '.join(parts)}."


def _facet_pairs(agreement: Agreement) -> Section:
    ordered = sorted(agreement.facet_pairs, key=lambda p: (-p.n_posts, p.first, p.second))
    rows = tuple(
        (
            f"{pair.first} / {pair.second}",
            pair.facet_id,
            f"{pair.n_posts:,}",
            f"{pair.n_same:,}",
            f"{pair.measure} {pair.score}",
        )
        for pair in ordered[: 3 * _SHOWN]
    )
    notes = _rest(len(ordered) - len(rows), "pairs")
    return Section(
        "Who agrees with whom", ("annotators", "facet", "posts", "same", "score"), rows, notes
    )


def _label_pairs(agreement: Agreement) -> Section:
    judged = {label.label_id for label in agreement.labels if label.verdict}
    found = [pair for pair in agreement.label_pairs if pair.n_differ and pair.label_id in judged]
    ordered = sorted(found, key=lambda pair: (-pair.n_differ, pair.first, pair.second))
    rows = tuple(_label_pair(pair) for pair in ordered[:_SHOWN])
    header = ("label", "first / second", "both", "first", "second", "kappa")
    notes = ("both, first, second: posts to which both, or that one alone, give the label.",)
    return Section("Who disagrees with whom, the most", header, rows, notes if rows else ())


def _label_pair(pair: LabelPair) -> tuple[str, ...]:
    counts = (pair.both, pair.only_first, pair.only_second)
    kappa = "-" if math.isnan(pair.kappa.value) else f"{pair.kappa.value:.2f}"
    return pair.label_id, f"{pair.first} / {pair.second}", *(f"{n:,}" for n in counts), kappa


def _disputes(disputes: Disputes) -> Section:
    n, of = len(disputes.disputes), disputes.n_compared
    rows = tuple((d.post_id, _disputed(d)) for d in disputes.disputes[:_SHOWN])
    notes = [*_rest(n - len(rows), "posts")]
    if n:
        notes.append("Settle them with: narraframe adjudicate")
    title = f"Posts in dispute: {n:,} of {of:,} with two answers, not settled by gold"
    return Section(title, ("post", "labels"), rows, tuple(notes))


def _disputed(dispute: Dispute) -> str:
    return ", ".join(dispute.labels)


def _rest(n: int, what: str) -> tuple[str, ...]:
    return (f"and {n:,} more {what}; all are in the file of -o OUT.json",) if n > 0 else ()


def _preannotation(found: PreAnnotation) -> Iterator[Section]:
    if not found.acceptance:
        note = "None was shown to any annotator."
        yield Section("Pre-annotations", notes=(note,))
        return
    rows = tuple(
        (
            kept.facet_id or "all facets",
            f"{kept.n_shown:,}",
            f"{kept.n_accepted:,}",
            f"{kept.n_empty:,}",
            str(kept.share),
        )
        for kept in found.acceptance
    )
    header = ("facet", "shown", "accepted", "of them empty", "share accepted")
    yield Section("Pre-annotations left as they were", header, rows)
    yield _anchoring(found)


def _anchoring(found: PreAnnotation) -> Section:
    title = "Did pre-annotations move the answers?"
    if not found.effects:
        note = (
            "Cannot be told: no facet has both answers with them and answers with them held back."
        )
        return Section(title, notes=(note,))
    labels = [effect for effect in found.effects if _of_label(effect, found)]
    seen = [effect for effect in labels if effect.seen]
    chance = 0.05 * sum(effect.enough for effect in labels)
    told = [effect for effect in found.effects if effect not in labels or effect.seen]
    notes = (
        f"{found.n_shown:,} posts with pre-annotations shown, {found.n_blind:,} with them held "
        "back. The comparison holds if chance chose which.",
        *(_reading(effect) for effect in told),
        f"Prevalence differs on {len(seen)} of {len(labels)} labels; {chance:.1f} would be "
        "expected to by chance alone.",
    )
    return Section(title, notes=notes)


def _of_label(effect: Effect, found: PreAnnotation) -> bool:
    facet_ids = {kept.facet_id for kept in found.acceptance}
    return effect.what == "prevalence" and effect.unit_id not in facet_ids


def _reading(effect: Effect) -> str:
    shown, blind, difference = effect.shown, effect.blind, effect.difference
    what = f"{effect.what} of {effect.unit_id}"
    if not effect.enough:
        return f"{what}: too few to tell, {blind.n:,} posts blind and {shown.n:,} shown."
    figures = f"{what}: {shown.value:.2f} shown, {blind.value:.2f} blind"
    interval = f"{difference.value:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]"
    if not effect.seen:
        return f"{figures}; {interval} cannot be told from none: {blind.n:,} blind posts."
    return f"{figures}; {'more' if difference.value > 0 else 'less'} where shown, {interval}."
