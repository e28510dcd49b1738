"""How a facet is asked on the labelling page: its control, and the labels' places in it."""

from __future__ import annotations

from narraframe.records import Codebook, Facet

TEXT, EVIDENCE, NOTE = "text", "evidence", "note"
"""Names of the page's other parts; the controls of the facets are named by facet id."""
MOST_CHOICES = 12
"""Labels that stay in sight as choices; more are folded into a taxonomy."""


def is_taxonomy(codebook: Codebook, facet: Facet) -> bool:
    """Tell whether a facet is asked as a taxonomy instead of as flat choices."""
    return facet.choice == "multiple" and len(leaves(codebook, facet)) > MOST_CHOICES


def leaves(codebook: Codebook, facet: Facet) -> tuple[str, ...]:
    """Return the labels of a facet that can be chosen, in codebook order."""
    return tuple(i for i in codebook.leaf_ids if codebook.by_id[i].facet_id == facet.facet_id)


def path(codebook: Codebook, label_id: str) -> tuple[str, ...]:
    """Return the label ids from the top of the taxonomy down to `label_id`."""
    parent = codebook.by_id[label_id].parent
    return (*(path(codebook, parent) if parent else ()), label_id)
