"""The codebook: facets and labels, in the one order that all columns follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a codebook; `parent` is the label_id one level up, or None.

    `since` is the codebook version that brought it, "" for the first: who annotated by an earlier
    one was not asked for it.
    """

    label_id: str
    facet_id: str
    name: str
    definition: str = ""
    parent: str | None = None
    include: str = ""
    exclude: str = ""
    examples: tuple[str, ...] = ()
    source: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Retired:
    """A label id that the codebook no longer has, and the labels that took its place.

    None: the question is no longer asked. One: renamed, or merged into it. Several: split, and
    which of them applies is unknown where the old one did.
    """

    label_id: str
    facet_id: str
    into: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facet:
    """A question asked of each post; `choice` is "multiple" or "single"; `since` as of labels."""

    facet_id: str
    name: str
    choice: str = "multiple"
    required: bool = False
    question: str = ""
    since: str = ""


@dataclass(frozen=True)
class Codebook:
    """Facets and labels in order: the only source of column order (k = ``len(label_ids)``)."""

    version: str
    title: str
    facets: tuple[Facet, ...]
    labels: tuple[Label, ...]
    retired: tuple[Retired, ...] = ()

    @cached_property
    def label_ids(self) -> tuple[str, ...]:
        """Every label id, parents included, in codebook order."""
        return tuple(label.label_id for label in self.labels)

    @cached_property
    def leaf_ids(self) -> tuple[str, ...]:
        """The labels that an annotator may choose: those without children."""
        parents = {label.parent for label in self.labels}
        return tuple(label_id for label_id in self.label_ids if label_id not in parents)

    @cached_property
    def by_id(self) -> Mapping[str, Label]:
        """Label by label id."""
        return {label.label_id: label for label in self.labels}

    def children(self, label_id: str) -> tuple[str, ...]:
        """Return the label ids directly below `label_id`, in codebook order."""
        return tuple(label.label_id for label in self.labels if label.parent == label_id)

    def facet_label_ids(self, facet_id: str) -> tuple[str, ...]:
        """Return the label ids of one facet, parents included, in codebook order."""
        return tuple(label.label_id for label in self.labels if label.facet_id == facet_id)


def version_key(version: str) -> tuple[int, ...]:
    """Return dotted numbers as what versions are compared by: "1.10" is later than "1.9.2".

    Zeros at the end do not count; what is no dotted numbers, "" too, is earlier than all.
    """
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return ()
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
