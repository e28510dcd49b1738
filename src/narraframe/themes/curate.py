"""The analyst's word over the machine's themes: the curation log replayed, and theme splits."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import InputError, TableError, UsageError


class Curation(Protocol):
    """A line of the log, sound in itself: name, merge, split, hide or restore `themes`."""

    @property
    def action(self) -> str: ...  # noqa: D102
    @property
    def themes(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def into(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Curated:
    """What the log makes of the themes of a fit.

    `shown` says for every theme of the fit, and every part of a split, as which number it is shown;
    if that number is in `splits`, its posts lie in those parts instead (see `shown_themes`).
    `names` and `hidden` are by shown number. `done` says in words what hid, merged or split numbers
    that posts come by. `absent` are the numbers that the log speaks of and this fit does not have,
    with what waits for them.
    """

    shown: Mapping[int, int]
    names: Mapping[int, str]
    hidden: frozenset[int]
    splits: Mapping[int, tuple[int, ...]]
    done: Mapping[int, str]
    absent: Mapping[int, str]


def replay(log: Sequence[Curation], present: Collection[int]) -> Curated:
    """Replay the log, oldest line first, over the theme numbers `present` in a fit.

    A theme is on its own, hidden, merged into another, or split: the last line decides, and
    `restore` puts it on its own, or takes its name if it was that already. Merges chain, and also
    end in a number that the fit does not have: what the analyst merged into T2 stays T2, with its
    name, when the machine finds T2 no more. If a line would close a circle, its target is put on
    its own. When a split ends, its parts are forgotten, with all that was done to them.
    """
    state = _State(log)
    splits = {n: line.into for n, line in sorted(state.fate.items()) if line.action == "split"}
    parts = {part for into in splits.values() for part in into}
    reached = state.reached(present)
    return Curated(
        shown={number: state.end(number) for number in sorted({*present, *parts})},
        names=dict(sorted(state.names.items())),
        hidden=frozenset(n for n, line in state.fate.items() if line.action == "hide"),
        splits=splits,
        done={n: state.words(n) for n in sorted(state.fate.keys() & reached)},
        absent={n: state.words(n) for n in sorted(state.known() - reached)},
    )


def check_curation(new: Curation, log: Sequence[Curation], present: Collection[int]) -> None:
    """Refuse an action that the log so far, or the themes `present` in the fit, do not allow.

    Raises
    ------
    UsageError
        If it names a theme that is not there or not on its own, one that has nothing to restore, or
        parts whose numbers are not new.
    """
    state = _State(log)
    reached = state.reached(present)
    check = _check_known if new.action == "restore" else _check_shown
    for theme in (*new.themes, *(new.into if new.action == "merge" else ())):
        check(theme, state, reached)
    if new.action == "merge" and set(new.themes) & set(new.into):
        raise UsageError("a theme cannot be merged with itself", got=f"T{new.into[0]}")
    free = next_theme(log, present)
    if new.action == "split" and min(new.into) < free:
        raise UsageError(
            "the parts of a split need new numbers",
            got=f"T{min(new.into)}",
            remedy=f"The next free one is T{free}.",
        )


def next_theme(log: Sequence[Curation], used: Iterable[int] = ()) -> int:
    """Return the first number above all `used` ones and all that the log speaks of."""
    spoken_of = (n for line in log for n in (*line.themes, *line.into))
    return max((*used, *spoken_of), default=-1) + 1


class _State:
    """What is in force: the given names, and the line that last hid, merged or split a theme."""

    def __init__(self, log: Sequence[Curation]) -> None:
        self.names: dict[int, str] = {}
        self.fate: dict[int, Curation] = {}
        for line in log:
            self.apply(line)

    def apply(self, line: Curation) -> None:
        for theme in line.themes:
            if line.action == "name":
                self.names[theme] = line.name
            elif line.action != "restore":
                self.put(theme, line)
            elif theme in self.fate:
                self.free(theme)
            else:
                self.names.pop(theme, None)
        if line.action == "merge" and line.name:
            self.names[line.into[0]] = line.name

    def put(self, theme: int, line: Curation) -> None:
        self.free(theme)
        for number in line.into:
            if line.action == "split":
                self.forget(number)
            elif theme in self.reached([number]):
                self.free(number)
        self.fate[theme] = line

    def free(self, theme: int) -> None:
        """Put a theme on its own."""
        line = self.fate.pop(theme, None)
        if line and line.action == "split":
            for part in line.into:
                self.forget(part)

    def forget(self, part: int) -> None:
        self.free(part)
        self.names.pop(part, None)
        for source in [n for n, line in self.fate.items() if line.into == (part,)]:
            del self.fate[source]

    def end(self, theme: int) -> int:
        while theme in self.fate and self.fate[theme].action == "merge":
            theme = self.fate[theme].into[0]
        return theme

    def reached(self, start: Iterable[int]) -> set[int]:
        """Return the numbers that posts of `start` come by, those included."""
        waiting, seen = list(start), set()
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                waiting += self.fate[number].into if number in self.fate else ()
        return seen

    def known(self) -> set[int]:
        return {*self.names, *self.fate}

    def words(self, theme: int) -> str:
        """Say what is in force for a theme."""
        said = []
        if line := self.fate.get(theme):
            done = {"hide": "hidden", "merge": "merged into ", "split": "split into "}
            said.append(done[line.action] + " and ".join(f"T{n}" for n in line.into))
        if theme in self.names:
            said.append(f"named {self.names[theme]!r}")
        return ", ".join(said)


def _check_shown(theme: int, state: _State, reached: set[int]) -> None:
    if theme not in reached | state.known():
        raise _unknown(theme, reached)
    said = state.words(theme)
    if theme not in reached:
        raise UsageError(
            f"T{theme} is not among the present themes",
            remedy=f"It is {said}, which waits for it to come back.",
        )
    if theme in state.fate:
        raise UsageError(f"T{theme} is {said}", remedy=f"Restore T{theme} first.")


def _check_known(theme: int, state: _State, reached: set[int]) -> None:
    if theme not in reached | state.known():
        raise _unknown(theme, reached | state.known())
    if theme not in state.known():
        inside = " ".join(f"T{n}" for n, line in state.fate.items() if line.into == (theme,))
        remedy = (
            f"To take out what was merged into it, restore {inside}."
            if inside
            else "It is not hidden, merged, split or named."
        )
        raise UsageError(f"T{theme} has nothing to restore", remedy=remedy)


def _unknown(theme: int, known: Collection[int]) -> UsageError:
    near = difflib.get_close_matches(str(theme), [str(n) for n in sorted(known)], n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(f'T{n}' for n in sorted(near, key=int))}? " if near else ""
    return UsageError(f"there is no theme T{theme}", remedy=f"{hint}There are {_runs(known)}.")


def _runs(numbers: Collection[int]) -> str:
    """List numbers briefly: "T0-T16, T19"; "none" if there are none."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][-1] + 1:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    return ", ".join("-".join(f"T{n}" for n in run) for run in runs) or "none"


def split_posts(vectors: NDArray[np.float32], *, n_parts: int, seed: int) -> NDArray[np.int32]:
    """Part one theme's posts, by `vectors` float32 (m, d); return int32 (m,), 0 the largest part.

    k-means on the normalised vectors, the best of ten starts, in one thread for the same bytes.

    Raises
    ------
    InputError
        If the theme has fewer different posts than there are to be parts.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    n_different = len(np.unique(vectors, axis=0))
    if n_different < n_parts:
        raise InputError(
            f"the theme cannot be split into {n_parts} parts",
            got=f"{n_different} different posts",
            remedy="Ask for fewer parts.",
        )
    with threadpool_limits(limits=1):
        labels = KMeans(n_parts, n_init=10, random_state=seed).fit_predict(vectors)
    _, first, part, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    number = np.empty(len(sizes), np.int32)
    number[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return number[part]


def centroids_of_parts(
    vectors: NDArray[np.float32], parts: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the normalised mean of each part's vectors, float32 of shape (n_parts, d)."""
    members = parts == np.arange(int(parts.max()) + 1)[:, None]
    sums = members.astype(np.float64) @ vectors.astype(np.float64)
    centroids: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return centroids.astype(np.float32)


def assign_parts(
    vectors: NDArray[np.float32], part_centroids: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Give each post of a re-found theme to the nearest part, of equally near ones the first.

    `vectors` float32 (m, d) and `part_centroids` float32 (n_parts, d) are normalised; the result is
    int32 (m,).
    """
    near = vectors.astype(np.float64) @ part_centroids.T.astype(np.float64)
    # Rounded: the last bits depend on how many rows are multiplied at once.
    nearest: NDArray[np.int32] = np.round(near, 6).argmax(axis=1).astype(np.int32)
    return nearest


def shown_themes(
    theme: NDArray[np.int32],
    vectors: NDArray[np.float32],
    curated: Curated,
    centroids: Mapping[int, NDArray[np.float32]],
) -> NDArray[np.int32]:
    """Return each post's theme as the analyst is shown it, int32 (n,); hidden ones too.

    Parameters
    ----------
    theme : int32 array of shape (n,)
        Stable numbers of the fit's themes; negative is noise and stays.
    vectors : float32 array of shape (n, d)
        Normalised embeddings of the same posts.
    curated : Curated
        Of this fit.
    centroids : mapping of int to float32 array of shape (d,)
        By number of a split's part.

    Raises
    ------
    TableError
        If a split's centroids are lacking.
    """
    result = np.array([n if n < 0 else curated.shown[n] for n in theme.tolist()], np.int32)
    while pending := sorted(set(result.tolist()) & curated.splits.keys()):
        for number in pending:
            parts = curated.splits[number]
            if lacking := [part for part in parts if part not in centroids]:
                raise TableError(
                    f"the centroid of T{lacking[0]}, a part of T{number}, is lacking",
                    remedy=f"Restore T{number} and split it again.",
                )
            rows = np.flatnonzero(result == number)
            chosen = assign_parts(vectors[rows], np.stack([centroids[part] for part in parts]))
            result[rows] = np.array([curated.shown[part] for part in parts], np.int32)[chosen]
    return result
