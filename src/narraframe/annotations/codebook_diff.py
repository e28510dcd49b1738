"""What a changed codebook means for the annotations made with the one before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from narraframe.records import Codebook, Facet, Label, Retired, version_key


@dataclass(frozen=True)
class Change:
    """One change of the label or facet `subject`.

    `kind` in a word or two; `meaning` for the annotations there, of which `n` concern it;
    `is_fault`: annotations would be lost, or say what nobody said, unless the codebook is mended.
    """

    kind: str
    subject: str
    meaning: str
    n: int = 0
    is_fault: bool = False


@dataclass(frozen=True)
class CodebookDifference:
    """The changes from version `old` to `new`: facets first, then labels in codebook order."""

    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def faults(self) -> tuple[Change, ...]:
        """The changes by which annotations would come to harm."""
        return tuple(change for change in self.changes if change.is_fault)


def difference(old: Codebook, new: Codebook, uses: Mapping[str, int]) -> CodebookDifference:
    """Tell what changed from `old` to `new`.

    Parameters
    ----------
    uses : mapping of label or facet id to int
        How many annotations say that the label applies, or review the facet.
    """
    # What took the place of one label was asked by that one's name; `_gone` tells of it.
    renamed = {gone.into[0] for gone in new.retired if len(gone.into) == 1}
    changes = [
        *_facet_changes(old, new, uses),
        *_gone(old, new, uses),
        *(
            change
            for label in new.labels
            for change in (
                _label_changes(old.by_id[label.label_id], label, new, uses)
                if label.label_id in old.by_id
                else _added(label.label_id, label.since, old, new)
                if label.label_id not in renamed
                else ()
            )
        ),
        *_groups(old, new, uses),
    ]
    if changes and version_key(new.version) <= version_key(old.version):
        meaning = f"is not later than {old.version}, so their annotations cannot be told apart"
        changes.insert(0, Change("version", new.version, meaning, is_fault=True))
    return CodebookDifference(old.version, new.version, tuple(changes))


def _facet_changes(old: Codebook, new: Codebook, uses: Mapping[str, int]) -> Iterator[Change]:
    before = {facet.facet_id: facet for facet in old.facets}
    for facet in new.facets:
        if facet.facet_id not in before:
            yield from _added(facet.facet_id, facet.since, old, new)
        else:
            yield from _facet_change(before[facet.facet_id], facet, uses)


def _facet_change(old: Facet, new: Facet, uses: Mapping[str, int]) -> Iterator[Change]:
    n = uses.get(new.facet_id, 0)
    if old.choice != new.choice:
        meaning = (
            "is contradicted by posts that were given several of its labels"
            if new.choice == "single"
            else "had one label at most on posts labelled before, where others may apply too"
        )
        yield Change(f"now {new.choice} choice", new.facet_id, meaning, n)
    if old.required != new.required:
        kind = "now required" if new.required else "no longer required"
        yield Change(kind, new.facet_id, "keeps its annotations", n)
    if (old.name, old.question) != (new.name, new.question):
        yield Change("reworded", new.facet_id, "keeps its annotations: they go by its id", n)


def _gone(old: Codebook, new: Codebook, uses: Mapping[str, int]) -> Iterator[Change]:
    """Yield what became of labels and facets that are no longer there."""
    retired = {row.label_id: row for row in new.retired}
    before = {row.label_id for row in old.retired}
    facet_ids = {facet.facet_id for facet in new.facets}
    had = [*(facet.facet_id for facet in old.facets), *old.label_ids]
    for id_ in had:
        n = uses.get(id_, 0)
        if id_ in retired:
            yield _retirement(retired[id_], old, new, n)
        elif id_ not in new.by_id and id_ not in facet_ids:
            meaning = f"would orphan {_annotations(n)}: list it under [[retired]]"
            yield Change("vanished", id_, meaning, n, is_fault=True)
    for id_ in sorted(before - set(retired) - set(new.by_id) - facet_ids):
        n = uses.get(id_, 0)
        meaning = f"was retired before, and would orphan {_annotations(n)}: list it there again"
        yield Change("vanished", id_, meaning, n, is_fault=True)


def _retirement(row: Retired, old: Codebook, new: Codebook, n: int) -> Change:
    into = " and ".join(row.into)
    there = {*old.by_id, *(facet.facet_id for facet in old.facets)}
    shared = Counter(target for other in new.retired for target in other.into)
    if not row.into:
        meaning = f"loses {_annotations(n)}; the posts stay reviewed"
        return Change("dropped", row.label_id, meaning, n)
    if len(row.into) > 1:
        meaning = f"leaves open which part applies in {_annotations(n)}: label those posts again"
        return Change(f"split into {into}", row.label_id, meaning, n)
    if row.into[0] in there or shared[row.into[0]] > 1:
        return Change(f"merged into {into}", row.label_id, f"takes {_annotations(n)} there", n)
    return Change(f"renamed to {into}", row.label_id, f"takes {_annotations(n)} with it", n)


def _added(id_: str, since: str, old: Codebook, new: Codebook) -> Iterator[Change]:
    if version_key(since) > version_key(old.version):
        yield Change("added", id_, "is unknown for posts labelled before")
    else:
        meaning = (
            "does not say since when, so posts reviewed before would count as a no: give it "
            f'since = "{new.version}"'
        )
        yield Change("added", id_, meaning, is_fault=True)


def _label_changes(
    old: Label, new: Label, codebook: Codebook, uses: Mapping[str, int]
) -> Iterator[Change]:
    label_id, n = new.label_id, uses.get(new.label_id, 0)
    if old.facet_id != new.facet_id:
        meaning = (
            f"keeps {_annotations(n)}, but reviews of {old.facet_id} no longer cover it, "
            f"nor do those of {new.facet_id} made before"
        )
        # without `since`, an earlier review of the other facet would deny it
        is_fault = version_key(new.since) < version_key(codebook.version)
        remedy = f': give it since = "{codebook.version}"' if is_fault else ""
        kind = f"moved to facet {new.facet_id}"
        yield Change(kind, label_id, meaning + remedy, n, is_fault=is_fault)
    elif old.parent != new.parent:
        meaning = "keeps its annotations; what they say of the groups follows"
        yield Change(f"moved to {new.parent or 'the top'}", label_id, meaning, n)
    if old.name != new.name:
        meaning = "keeps its annotations: they go by its id"
        yield Change(f"now called {new.name!r}", label_id, meaning, n)
    told = [x for x in ("definition", "include", "exclude") if getattr(old, x) != getattr(new, x)]
    if told:
        meaning = (
            f"has {_annotations(n)} by the old {' and '.join(told)}: look at some again, and where "
            "the meaning is another, retire the id"
        )
        yield Change("redefined", label_id, meaning, n)


def _groups(old: Codebook, new: Codebook, uses: Mapping[str, int]) -> Iterator[Change]:
    for label_id in old.leaf_ids:
        if label_id in new.by_id and label_id not in new.leaf_ids:
            n = uses.get(label_id, 0)
            meaning = f"keeps {_annotations(n)}, of which the label in the group is unknown"
            yield Change("now a group", label_id, meaning, n)


def _annotations(n: int) -> str:
    return "1 annotation" if n == 1 else f"{n:,} annotations"
