"""Candidate themes among new posts that no theme is near to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from narraframe.errors import ConfigError, TableError
from narraframe.themes.assign import Assignment
from narraframe.themes.votes import in_units, nearest, similarities

_NEIGHBOURS = 15
_FEWEST_LINKS = 3


@dataclass(frozen=True)
class Candidate:
    """New posts that may be a theme of their own.

    `rows` int64: rows of its posts, near-duplicates included, ascending. `representatives` int64
    (n_groups,): one row per near-duplicate group, the most central first. `cohesion`: mean cosine
    similarity of two of the representatives.
    """

    rows: NDArray[np.int64]
    representatives: NDArray[np.int64]
    cohesion: float

    @property
    def n_groups(self) -> int:
        """Distinct posts."""
        return len(self.representatives)


def emerging(
    vectors: NDArray[np.float32],
    assignment: Assignment,
    groups: Sequence[str],
    *,
    min_size: int = 5,
) -> tuple[Candidate, ...]:
    """Offer groups of new posts that are nearer to one another than to anything in the fit.

    Among the posts that are not `known`, one per near-duplicate group, two are linked if each is
    among the nearest fifteen of the other, if they are more alike than either is like the posts of
    the reference nearest to it, and if a third post is linked to both. A candidate is what hangs
    together through posts with three links at least. Posts that are merely scattered have no such
    links, and nothing is offered.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings of the new posts.
    assignment : Assignment
        Theirs. A batch several times larger than the reference is denser than it everywhere: find
        the themes again instead.
    groups : sequence of str of length n
        Near-duplicate group of each post.
    min_size : int, default=5
        Fewest distinct posts of a candidate.

    Returns
    -------
    tuple of Candidate
        The largest first; none shares a post with another.

    Raises
    ------
    ConfigError
        If `min_size` is below 2.
    TableError
        If the columns differ in length, or a vector's length is not 1.
    """
    if min_size < 2:
        raise ConfigError("min_size must be 2 or more", got=min_size)
    lengths = {"vectors": len(vectors), "known": len(assignment.known), "groups": len(groups)}
    if len(set(lengths.values())) > 1:
        raise TableError("the columns for emerging themes differ in length", got=lengths)
    new = np.flatnonzero(~assignment.known)
    group_of = np.array([groups[i] for i in new], dtype=np.str_)
    _, first, member_of = np.unique(group_of, return_index=True, return_inverse=True)
    if len(first) < min_size:
        return ()
    distinct = new[first]
    units = in_units(vectors[distinct])
    found = [
        _candidate(members, units, distinct, new, member_of)
        for members in _components(_links(units, assignment.similarity[distinct]))
        if len(members) >= min_size
    ]
    return tuple(sorted(found, key=lambda c: (-c.n_groups, int(c.rows[0]))))


def _links(units: NDArray[np.float32], to_known: NDArray[np.float32]) -> sp.csr_matrix:
    p = len(units)
    found = nearest(units, units, k=_NEIGHBOURS, itself=np.arange(p))
    one = np.repeat(np.arange(p), found.rows.shape[1])
    other = found.rows.ravel()
    near = found.similarity.ravel() >= np.maximum(to_known[one], to_known[other])
    ones = np.ones(int(near.sum()), np.int32)
    links = sp.csr_matrix((ones, (one[near], other[near])), shape=(p, p))
    links = links.multiply(links.T)
    # A chain of links can lead from one subject to another; triangles hold together.
    links = links.multiply(links @ links).tocsr()
    links.eliminate_zeros()
    return links


def _components(links: sp.csr_matrix) -> list[NDArray[np.int64]]:
    """Return what hangs together through posts with enough links, with the posts at its edge."""
    p = links.shape[0]
    core = np.flatnonzero(np.diff(links.indptr) >= _FEWEST_LINKS)
    if not len(core):
        return []
    n_found, component = connected_components(links[core][:, core], directed=False)
    of_core = sp.csr_matrix((np.ones(len(core), np.int32), (core, component)), shape=(p, n_found))
    linked = (links @ of_core).tocsr()
    home = np.where(np.diff(linked.indptr) > 0, np.asarray(linked.argmax(axis=1)).ravel(), -1)
    home[core] = component
    return [np.flatnonzero(home == number) for number in range(n_found)]


def _candidate(
    members: NDArray[np.int64],
    units: NDArray[np.float32],
    distinct: NDArray[np.int64],
    new: NDArray[np.int64],
    member_of: NDArray[np.int64],
) -> Candidate:
    alike = similarities(units[members], units[members])
    np.fill_diagonal(alike, 0.0)
    towards = alike.sum(axis=1)
    order = np.lexsort((distinct[members], -towards))
    size = len(members)
    return Candidate(
        rows=new[np.isin(member_of, members)],
        representatives=distinct[members[order]],
        cohesion=float(towards.sum() / (size * (size - 1))),
    )
