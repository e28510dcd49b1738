"""Which theme of a refit is which theme of the fit before: numbers that hold, and what changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError

KEPT = ("same", "grown", "shrunk")
KINDS = (*KEPT, "back", "new", "gone", "split", "merged")

# Chosen on 44 pairs of fits of four sets, by the share of posts that keep their theme, the matching
# seeing none to all of these posts, and by classes of labelled posts. The optimum is flat.
_CENTROID, _KEYWORDS, _POSTS = 0.25, 0.25, 0.5
_MINIMUM = 0.35
# Posts seen by both themes at which shared posts have half their weight: few say little.
_HALF_WEIGHT = 10
_SAME_SIZE = 0.1
_PART = 0.2
_MOST = 0.5
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class ThemeProfile:
    """What a theme is known by: its normalised `centroid` float32 (d,), weights of its `keywords`,
    and all its posts.
    """

    theme: int
    centroid: NDArray[np.float32]
    keywords: Mapping[str, float]
    post_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one theme; ``str()`` says it in words.

    `kind` is one of `KINDS`; `n_before` and `n_after` are the posts of the theme, 0 where it was
    not; `similarity` is that of a theme kept or back, else 0. `others` and `posts` are, for split,
    the themes that hold its posts now, and how many of those seen again; for merged, the old themes
    it holds most of, and how many posts of each; for gone, where most of its posts are, if so.
    """

    kind: str
    theme: int
    _: KW_ONLY
    n_before: int
    n_after: int
    similarity: float = 0.0
    others: tuple[int, ...] = ()
    posts: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return a clause such as "T3 grew from 40 to 62 posts (+55 %)"."""
        before, after = self.n_before, self.n_after
        change = f"from {before:,} to {after:,} posts ({after / max(before, 1) - 1:+.0%})"
        themes = " and ".join(f"T{other}" for other in self.others)
        counts = " and ".join(f"{n:,}" for n in self.posts)
        where = f", most are in {themes}" if themes else ""
        said = {
            "same": f"stayed ({before:,} posts, now {after:,})",
            "grown": f"grew {change}",
            "shrunk": f"shrank {change}",
            "back": f"is back ({after:,} posts, {before:,} when last seen)",
            "new": f"is new ({after:,} posts)",
            "gone": f"is gone ({before:,} posts{where})",
            "split": f"was split: {counts} of its posts are in {themes}",
            "merged": f"holds most of {themes} ({counts} of their posts)",
        }
        return f"T{self.theme} {said[self.kind]}"


@dataclass(frozen=True)
class Matching:
    """`numbers` gives each provisional number its stable one; `changes` are in order of kind and
    theme; `next_theme` is the first number that is free now.
    """

    numbers: Mapping[int, int]
    changes: tuple[Change, ...]
    next_theme: int


def match_themes(
    before: Sequence[ThemeProfile],
    after: Sequence[ThemeProfile],
    *,
    next_theme: int,
    gone: Sequence[ThemeProfile] = (),
) -> Matching:
    """Find the old theme that each theme of a refit continues, one to one.

    The assignment with the largest sum of similarities, over pairs with at least 0.35. A similarity
    is a weighted mean of the centroids' cosine (weight 1), the overlap of the keywords (1; weights
    scaled to sum to 1 in each theme, the lesser of the two summed) and the Dice coefficient of the
    posts (2), of those only that lie in some theme of both fits. With m such posts in the two
    themes, this last weight is times ``m / (m + 10)``: it falls away if the fits share no posts.

    A theme that continues none is compared with the `gone` ones of earlier fits; if it continues
    none of these either, it gets a new number: the largest theme the first.

    A theme was split when two or more themes hold a fifth or more of its posts each; a theme was
    merged of those old ones of which it holds more than half. Both count posts in themes of both
    fits, and at least three per theme.

    Parameters
    ----------
    before : sequence of ThemeProfile
        The themes of the fit before, with stable numbers. The order is without effect.
    after : sequence of ThemeProfile
        The themes of the refit, with provisional numbers. The order is without effect.
    next_theme : int
        Larger than any number used so far.
    gone : sequence of ThemeProfile, default=()
        Themes of earlier fits that the last did not have, as they were then.

    Returns
    -------
    Matching

    Raises
    ------
    TableError
        If a number occurs twice or is not below `next_theme`, or the centroids differ in length.

    References
    ----------
    Kuhn (1955), Naval Research Logistics Quarterly 2.
    """
    _check(before, after, gone, next_theme)
    old = sorted(before, key=lambda profile: profile.theme)
    lost = sorted(gone, key=lambda profile: profile.theme)
    new = sorted(after, key=lambda p: (-len(p.post_ids), min(p.post_ids, default=""), p.theme))
    kept = _pairs(old, new, frozenset())
    back = _pairs(lost, new, frozenset(kept))
    found: list[Change] = []
    for j, profile in enumerate(new):
        kind, theme, n_before, similarity = "new", next_theme, 0, 0.0
        n_after = len(profile.post_ids)
        for source, pairs in ((old, kept), (lost, back)):
            if j in pairs:
                i, similarity = pairs[j]
                theme, n_before = source[i].theme, len(source[i].post_ids)
                kind = _trend(n_before, n_after) if source is old else "back"
        next_theme += kind == "new"
        found.append(Change(kind, theme, n_before=n_before, n_after=n_after, similarity=similarity))
    numbers = [change.theme for change in found]
    changes = sorted(
        (*found, *_moves(old, new, numbers)), key=lambda c: (KINDS.index(c.kind), c.theme)
    )
    given = {profile.theme: number for profile, number in zip(new, numbers, strict=True)}
    return Matching(given, tuple(changes), next_theme)


def _check(
    before: Sequence[ThemeProfile],
    after: Sequence[ThemeProfile],
    gone: Sequence[ThemeProfile],
    next_theme: int,
) -> None:
    for profiles in ([*before, *gone], after):
        counts = Counter(profile.theme for profile in profiles)
        if twice := [theme for theme, n in counts.items() if n > 1]:
            raise TableError("a theme number is given twice", got=f"T{min(twice)}")
    largest = max((profile.theme for profile in (*before, *gone)), default=-1)
    if largest >= next_theme:
        raise TableError(f"the next theme number must be above T{largest}", got=f"T{next_theme}")
    lengths = {profile.centroid.shape for profile in (*before, *after, *gone)}
    if len(lengths) > 1:
        raise TableError(
            "the themes come from embeddings of different length",
            got=sorted(lengths),
            remedy="Themes can be matched within one encoder only.",
        )


def _pairs(
    old: Sequence[ThemeProfile], new: Sequence[ThemeProfile], taken: frozenset[int]
) -> dict[int, tuple[int, float]]:
    """Return, by row of `new`, the row of `old` that it continues and their similarity."""
    if not old or not new:
        return {}
    from scipy.optimize import linear_sum_assignment

    likeness = _similarity(old, new)
    likeness[:, sorted(taken)] = 0.0
    # Pairs below the minimum count nothing, so that none is bought with a better one.
    likeness[likeness < _MINIMUM] = 0.0
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    pairs = zip(columns.tolist(), rows.tolist(), strict=True)
    return {j: (i, float(likeness[i, j])) for j, i in pairs if likeness[i, j] > 0}


def _similarity(old: Sequence[ThemeProfile], new: Sequence[ThemeProfile]) -> NDArray[np.float64]:
    centres, others = (np.stack([p.centroid for p in ps]).astype(np.float64) for ps in (old, new))
    near = np.clip(centres @ others.T, 0.0, 1.0)
    shared, held = _shared(old, new)
    had = np.array([len(frozenset().union(*(p.post_ids for p in old)) & p.post_ids) for p in new])
    both = held[:, None] + had[None, :]
    weight = _POSTS * (both - shared) / (both - shared + _HALF_WEIGHT)
    dice = 2.0 * shared / np.maximum(both, 1)
    total = _CENTROID * near + _KEYWORDS * _overlap(old, new) + weight * dice
    # Rounded: the last bits depend on the machine, and must not decide between equals.
    likeness: NDArray[np.float64] = np.round(total / (_CENTROID + _KEYWORDS + weight), 6)
    return likeness


def _shared(
    old: Sequence[ThemeProfile], new: Sequence[ThemeProfile]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the posts that each pair shares, and those of each old theme that any new one has."""
    theme_of = {post_id: j for j, profile in enumerate(new) for post_id in profile.post_ids}
    shared = np.zeros((len(old), len(new)), np.int64)
    for i, profile in enumerate(old):
        for j, n in Counter(theme_of.get(post_id, -1) for post_id in profile.post_ids).items():
            if j >= 0:
                shared[i, j] = n
    return shared, shared.sum(axis=1)


def _overlap(old: Sequence[ThemeProfile], new: Sequence[ThemeProfile]) -> NDArray[np.float64]:
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for j, profile in enumerate(new):
        total = sum(profile.keywords.values()) or 1.0
        for term, weight in profile.keywords.items():
            holders[term].append((j, weight / total))
    overlap = np.zeros((len(old), len(new)))
    for i, profile in enumerate(old):
        total = sum(profile.keywords.values()) or 1.0
        for term, weight in profile.keywords.items():
            for j, other in holders.get(term, ()):
                overlap[i, j] += min(weight / total, other)
    return overlap


def _trend(n_before: int, n_after: int) -> str:
    if abs(n_after - n_before) <= _SAME_SIZE * n_before:
        return "same"
    return "grown" if n_after > n_before else "shrunk"


def _moves(
    old: Sequence[ThemeProfile], new: Sequence[ThemeProfile], numbers: Sequence[int]
) -> list[Change]:
    """Return what is gone, split and merged; `numbers` are the stable ones of `new`."""
    n_old = {profile.theme: len(profile.post_ids) for profile in old}
    n_new = {number: len(p.post_ids) for number, p in zip(numbers, new, strict=True)}
    shared, held = _shared(old, new)
    share = np.where(shared >= _FEWEST, shared / np.maximum(held, 1)[:, None], 0.0)

    def change(kind: str, theme: int, others: Sequence[int], posts: Sequence[int]) -> Change:
        return Change(
            kind,
            theme,
            n_before=n_old.get(theme, 0),
            n_after=n_new.get(theme, 0),
            others=tuple(others),
            posts=tuple(posts),
        )

    found = []
    for i, theme in enumerate(n_old):
        parts = np.flatnonzero(share[i] >= _PART)
        parts = parts[np.argsort(-shared[i, parts], kind="stable")].tolist()
        into = [numbers[j] for j in parts]
        if theme not in n_new:
            most = into[:1] if parts and share[i, parts[0]] > _MOST else []
            found.append(change("gone", theme, most, []))
        if len(parts) > 1:
            found.append(change("split", theme, into, shared[i, parts].tolist()))
    for j, number in enumerate(numbers):
        sources = np.flatnonzero(share[:, j] > _MOST).tolist()
        if len(sources) > 1:
            posts = shared[sources, j].tolist()
            found.append(change("merged", number, [old[i].theme for i in sources], posts))
    return found
