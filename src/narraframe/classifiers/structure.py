"""What the codebook demands of any answer: parents follow their children, one choice is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Choice:
    """A single-choice facet: columns of its `leaves` and of the `parents` above them.

    `is_open`: the facet may stay without an answer, because one of its labels was not trained or
    because training posts carry none of them. Then what the probabilities leave of 1 is "none".
    """

    leaves: tuple[int, ...]
    parents: tuple[int, ...]
    is_open: bool = False


@dataclass(frozen=True)
class Structure:
    """`links`: (child, parent) columns, the deepest first; `choices`: the single-choice facets."""

    links: tuple[tuple[int, int], ...]
    choices: tuple[Choice, ...]

    def opened(self) -> Structure:
        """Let every single-choice facet stay without an answer."""
        return replace(self, choices=tuple(replace(c, is_open=True) for c in self.choices))


def build_structure(
    label_ids: Sequence[str],
    *,
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
) -> Structure:
    """Turn label ids into columns.

    Raises
    ------
    ValueError
        If an id is not among `label_ids`, or a label is above itself.
    """
    column = {label_id: j for j, label_id in enumerate(label_ids)}
    named = {*parents, *parents.values(), *(i for facet in single_choice for i in facet)}
    if named - column.keys():
        raise ValueError(f"not among the label_ids: {sorted(named - column.keys())}")
    depth = {label_id: _depth(label_id, parents) for label_id in parents}
    links = sorted(parents.items(), key=lambda link: (-depth[link[0]], column[link[0]]))
    above = {column[parent] for parent in parents.values()}
    choices = []
    for facet in filter(None, single_choice):  # a facet may still be without labels
        columns = [column[label_id] for label_id in facet]
        choices.append(
            Choice(
                leaves=tuple(j for j in columns if j not in above),
                parents=tuple(j for j in columns if j in above),
            )
        )
    return Structure(tuple((column[c], column[p]) for c, p in links), tuple(choices))


def cohere(p: NDArray[np.float64], structure: Structure) -> NDArray[np.float64]:
    """Make parents agree with their children; shape (n, k), nan = no probability.

    A parent is at least as probable as each of its children. In a single-choice facet, where
    children rule each other out, it is as probable as they are together.
    """
    p = p.copy()
    exclusive = {j for choice in structure.choices for j in choice.parents}
    for j in exclusive:
        p[:, j] = np.nan
    for child, parent in structure.links:
        if parent in exclusive:
            both = np.nan_to_num(p[:, parent]) + p[:, child]
            p[:, parent] = np.where(np.isnan(p[:, child]), p[:, parent], np.minimum(both, 1))
        else:
            p[:, parent] = np.fmax(p[:, parent], p[:, child])
    return p


def decide(
    p: NDArray[np.float32], thresholds: NDArray[np.float64], structure: Structure
) -> NDArray[np.bool_]:
    """Decide which labels apply, from coherent probabilities; bool, shape (n, k).

    A label applies at its threshold or above; a parent also where a child applies. Of a
    single-choice facet the most probable label applies (the first of equals) and no other; none,
    where the facet is open and "none" is more probable.
    """
    decision = p.astype(np.float64) >= thresholds
    for choice in structure.choices:
        decision[:, list(choice.parents + choice.leaves)] = False
        if not choice.leaves:
            continue
        candidates = np.nan_to_num(p[:, list(choice.leaves)], nan=-1)
        best = candidates.argmax(axis=1)
        highest = candidates[np.arange(len(p)), best]
        rest = 1 - _sum(p, choice.leaves) if choice.is_open else 0
        chosen = (highest >= 0) & (highest >= rest)
        decision[np.flatnonzero(chosen), np.array(choice.leaves)[best[chosen]]] = True
    for child, parent in structure.links:
        decision[:, parent] |= decision[:, child]
    return decision


def abstain(
    p: NDArray[np.float32],
    decision: NDArray[np.bool_],
    structure: Structure,
    *,
    risk: float,
) -> NDArray[np.bool_]:
    """Tell where there should be no decision; bool (n, k).

    Where `decision` would be wrong with more than `risk`. On a single-choice facet: where the most
    probable answer is wrong with more than `risk`, on all its labels. Of coherent probabilities no
    parent is denied or left open whose child is found, and no child left open whose parent is
    denied.

    References
    ----------
    Chow (1970), On optimum recognition error and reject tradeoff.
    """
    unsure = np.zeros(p.shape, dtype=np.bool_)
    if risk <= 0:
        return unsure
    wide = p.astype(np.float64)
    unsure = np.where(decision, wide < 1 - risk, wide > risk)
    for choice in structure.choices:
        leaves = list(choice.leaves)
        if not leaves:
            continue
        best = np.nan_to_num(wide[:, leaves], nan=0).max(axis=1)
        if choice.is_open:
            best = np.maximum(best, 1 - _sum(p, choice.leaves))
        unsure[:, leaves + list(choice.parents)] = (best < 1 - risk)[:, None]
    return np.asarray(unsure & np.isfinite(wide))


def _sum(p: NDArray[np.floating], columns: Sequence[int]) -> NDArray[np.float64]:
    """Add columns one by one, so that a row's sum has the same bits in any batch."""
    total = np.zeros(len(p))
    for j in columns:
        total += np.nan_to_num(p[:, j])
    return total


def _depth(label_id: str, parents: Mapping[str, str]) -> int:
    depth, seen = 0, {label_id}
    while label_id in parents:
        label_id = parents[label_id]
        if label_id in seen:
            raise ValueError(f"{label_id} is above itself")
        seen.add(label_id)
        depth += 1
    return depth
