"""Annotations with labels that the codebook has retired, in terms of the labels it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from narraframe.annotations.answers import time_of
from narraframe.annotations.controls import leaves
from narraframe.records import Annotation, Codebook, version_key

Placed = tuple[int, Annotation]
"""A row and its place among all rows."""


@dataclass(frozen=True)
class Migrated:
    """The rows, in the order they had; `changed`: rows rewritten or dropped, by retired id.

    `unknown`: answers by retired id in which it applied, but which of its parts does is not known.
    `added`: zeros written out, by label id, as the review of the facet could not cover the label.
    """

    annotations: tuple[Annotation, ...]
    changed: Counter[str]
    unknown: Counter[str]
    added: Counter[str]


@dataclass(frozen=True)
class _Change:
    """What the codebook changed: `heirs` of each retired label, and whether each of them `is_sure`
    (never split on the way); `sources`: the retired ids behind each label; `facet_of` every id.
    """

    codebook: Codebook
    retired: frozenset[str]
    heirs: Mapping[str, tuple[str, ...]]
    is_sure: Mapping[str, bool]
    sources: Mapping[str, tuple[str, ...]]
    facet_of: Mapping[str, str | None]

    def asked(self, label_id: str, version: str) -> bool:
        """Tell whether the page of codebook `version` had the label."""
        label = self.codebook.by_id[label_id]
        facet = next(f for f in self.codebook.facets if f.facet_id == label.facet_id)
        since = max(version_key(label.since), version_key(facet.since))
        return since <= version_key(version)


def migrate(annotations: Iterable[Annotation], codebook: Codebook) -> Migrated:
    """Rewrite what annotators said of retired labels, by the codebook's ``[[retired]]``.

    - Retired into one label: its rows go to that label. Where both have one, the label applies if
      either did; evidence is joined, the later time counts.
    - Retired into none: its rows go, and the facet's row says again whether some label applies.
    - Split: where it applied, which part does is unknown; all other labels of the facet keep what
      was known of them, written out as zeros in place of the facet's row. Where the facet was
      reviewed and it did not apply, no part does.
    - A facet retires into another, or with its rows.

    An annotator with an answer on a facet keeps a row on it: a facet's row of 1 without any label
    says that, and no more. In the facets touched, rows that later ones replace go.
    `codebook_version` stays: it says what the annotator was asked. Without retired labels nothing
    changes, and twice is the same as once.
    """
    rows = list(annotations)
    counted = Migrated((), Counter(), Counter(), Counter())
    if not codebook.retired:
        return replace(counted, annotations=tuple(rows))
    change = _change(codebook)
    groups: dict[tuple[str, str, bool, str | None], list[Placed]] = {}
    placed: list[Placed] = []
    for place, row in enumerate(rows):
        if row.label_id not in change.facet_of:
            placed.append((place, row))
            continue
        facet_id = change.facet_of[row.label_id]
        key = (row.post_id, row.annotator, row.gold, facet_id)
        groups.setdefault(key, []).append((place, row))
    for (*_, facet_id), group in groups.items():
        if facet_id is None:
            counted.changed.update(row.label_id for _, row in group)
        else:
            placed += _migrate_facet(group, facet_id, change, counted)
    placed.sort(key=lambda pair: pair[0])
    return replace(counted, annotations=tuple(row for _, row in placed))


def _change(codebook: Codebook) -> _Change:
    into = {old.label_id: old.into for old in codebook.retired}
    facets: dict[str, str | None] = {facet.facet_id: facet.facet_id for facet in codebook.facets}
    for old in codebook.retired:
        if old.label_id == old.facet_id:
            facets[old.label_id] = next(iter(_heirs(old.label_id, into)), None)
    labels = [old.label_id for old in codebook.retired if old.label_id != old.facet_id]
    heirs = {label_id: _heirs(label_id, into) for label_id in labels}
    sources: dict[str, tuple[str, ...]] = {}
    for label_id, targets in heirs.items():
        for target in targets:
            sources[target] = (*sources.get(target, ()), label_id)
    return _Change(
        codebook,
        frozenset(into),
        heirs,
        {label_id: not _is_split(label_id, into) for label_id in labels},
        sources,
        {
            **facets,
            **{label.label_id: label.facet_id for label in codebook.labels},
            **{x.label_id: facets.get(x.facet_id) for x in codebook.retired if x.label_id in heirs},
        },
    )


def _heirs(label_id: str, into: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the ids still in the codebook that `label_id` led to."""
    if label_id not in into:
        return (label_id,)
    found = [heir for target in into[label_id] for heir in _heirs(target, into)]
    return tuple(dict.fromkeys(found))


def _is_split(label_id: str, into: Mapping[str, tuple[str, ...]]) -> bool:
    targets = into.get(label_id, ())
    return len(targets) > 1 or any(_is_split(target, into) for target in targets)


def _migrate_facet(
    group: Sequence[Placed], facet_id: str, change: _Change, counted: Migrated
) -> list[Placed]:
    """Rewrite one answer on one facet."""
    counted.changed.update(row.label_id for _, row in group if row.label_id in change.retired)
    group = [(place, _on_facet(row, facet_id, change)) for place, row in group]
    review, own = _latest(group, facet_id)
    retired = {label_id: own.pop(label_id) for label_id in change.heirs if label_id in own}
    applied = [label_id for label_id, (_, row) in retired.items() if row.value == 1]
    reviewed = review if review and (applied or _is_complete(review[1], own)) else None
    zeros = _zeros(facet_id, own, retired, reviewed, change)
    split = [label_id for label_id in applied if not change.is_sure[label_id]]
    if any(row.label_id in change.heirs for _, row in group):
        own = _with_heirs(own, {i: retired[i] for i in applied}, change)
        if split or (applied and not review):
            known = {*own, *(row.label_id for _, row in zeros)}
            zeros += _others(facet_id, known, reviewed or retired[applied[0]], split, change)
        review = _review(review, own, applied, split)
        group = [*([review] if review else []), *own.values()]
    counted.unknown.update(split)
    counted.added.update(row.label_id for _, row in zeros)
    if not group and not zeros:
        place, row = next(iter(retired.values()))
        group = [(place, replace(row, label_id=facet_id, value=1))]
    return [*group, *zeros]


def _with_heirs(
    own: Mapping[str, Placed], applied: Mapping[str, Placed], change: _Change
) -> dict[str, Placed]:
    """Return the labels' rows with what the applied retired labels have become."""
    heirs = dict(own)
    for label_id, placed in applied.items():
        for heir in change.heirs[label_id]:
            if change.is_sure[label_id]:
                heirs[heir] = _joined(heirs.get(heir), placed, heir)
            elif heir in heirs and heirs[heir][1].value == 0:
                # it may have grown by what is now unknown
                del heirs[heir]
    return heirs


def _review(
    review: Placed | None, own: Mapping[str, Placed], applied: Sequence[str], split: Sequence[str]
) -> Placed | None:
    """Return the facet's row once `applied` labels are gone; it must not make zeros of parts."""
    if not review or not applied:
        return review
    positive = any(row.value == 1 for _, row in own.values())
    if split:
        return None if positive else (review[0], replace(review[1], value=1))
    return review if positive else (review[0], replace(review[1], value=0, spans=()))


def _on_facet(row: Annotation, facet_id: str, change: _Change) -> Annotation:
    """Return a facet's row under the facet's present id; a label's row as it is."""
    is_label = row.label_id in change.codebook.by_id or row.label_id in change.heirs
    return row if is_label else replace(row, label_id=facet_id)


def _latest(group: Sequence[Placed], facet_id: str) -> tuple[Placed | None, dict[str, Placed]]:
    """Return the facet's row and the labels' rows that count, as `read_answer` takes them."""
    latest: dict[str, Placed] = {}
    for place, row in group:
        before = latest.get(row.label_id)
        if before is None or (time_of(before[1]), before[1].value) <= (time_of(row), row.value):
            latest[row.label_id] = (place, row)
    review = latest.pop(facet_id, None)
    if review is not None:
        current = {i: p for i, p in latest.items() if time_of(p[1]) >= time_of(review[1])}
        if review[1].value == 0 or any(row.value == 1 for _, row in current.values()):
            latest = current
    return review, latest


def _is_complete(review: Annotation, own: Mapping[str, Placed]) -> bool:
    """Tell whether the facet's row makes zeros of the labels without a row."""
    return review.value == 0 or any(row.value == 1 for _, row in own.values())


def _zeros(
    facet_id: str,
    own: Mapping[str, Placed],
    retired: Mapping[str, Placed],
    reviewed: Placed | None,
    change: _Change,
) -> list[Placed]:
    """Return rows for the heirs of labels that are known not to have applied."""
    zeros = []
    for heir, sources in change.sources.items():
        if heir in own or change.facet_of[heir] != facet_id:
            continue
        if any(label_id in retired and retired[label_id][1].value == 1 for label_id in sources):
            continue
        said = reviewed or next((retired[i] for i in sources if i in retired), None)
        is_known = reviewed or all(label_id in retired for label_id in sources)
        # a label that was asked about already has its own answer
        if said and is_known and not change.asked(heir, said[1].codebook_version):
            zeros.append(_zero(said, heir))
    return zeros


def _others(
    facet_id: str, known: AbstractSet[str], said: Placed, split: Sequence[str], change: _Change
) -> list[Placed]:
    """Return zeros for what did not apply beside a label that goes: not by the facet's row, which
    would cover the parts of a split too.
    """
    facet = next(f for f in change.codebook.facets if f.facet_id == facet_id)
    if said[1].label_id != facet_id and facet.choice != "single":
        return []
    open_ = {heir for label_id in split for heir in change.heirs[label_id]}
    return [
        _zero(said, label_id)
        for label_id in leaves(change.codebook, facet)
        if label_id not in known | open_ and change.asked(label_id, said[1].codebook_version)
    ]


def _zero(like: Placed, label_id: str) -> Placed:
    return like[0], replace(like[1], label_id=label_id, value=0, spans=())


def _joined(there: Placed | None, coming: Placed, label_id: str) -> Placed:
    """Return the row of `label_id` once a label that applied was merged into it."""
    place, row = coming[0], replace(coming[1], label_id=label_id)
    if there is None:
        return place, row
    spans = tuple(sorted({*row.spans, *there[1].spans})) if there[1].value == 1 else row.spans
    latest = max(row, there[1], key=time_of)
    joined = replace(row, spans=spans, annotated_at=latest.annotated_at)
    return min(place, there[0]), joined
