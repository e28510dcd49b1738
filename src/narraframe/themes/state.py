"""What is kept of the themes of a corpus: enough to curate, refit, assign, search and slice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import TableError
from narraframe.themes.counting import TermMatrix
from narraframe.themes.match import ThemeProfile
from narraframe.themes.reference import Reference, from_arrays, to_arrays

Arrays = dict[str, NDArray[np.generic]]
_AGAIN = "Find the themes again."


@dataclass(frozen=True, kw_only=True)
class ThemesState:
    """The machine's themes of n posts, m of them distinct, under their stable numbers.

    By post: `theme` int32 (n,), `membership` float32 (n,), `xy` float32 (n, 2), `month` and
    `channel` (n,), `row_of_post` (n,), its row among the distinct. By distinct post: `distinct`
    (m,), its place among the posts; `vectors` (m, d); `terms` (m, n_terms); `graph` (m, m), which
    was made under `fingerprint`. `theme_stability` by number. `parts`: the centroid of each part of
    a split. `gone`: themes of earlier fits that this one has not. `next_theme`: the first number
    that no theme ever had. `encoder` "name@revision". `fits`: this fit, last, and those it
    took up, by their content: what the analyst did to one of them holds here.
    """

    post_ids: tuple[str, ...]
    theme: NDArray[np.int32]
    membership: NDArray[np.float32]
    xy: NDArray[np.float32]
    month: tuple[str | None, ...]
    channel: tuple[str | None, ...]
    row_of_post: NDArray[np.intp]
    distinct: NDArray[np.intp]
    vectors: NDArray[np.float32]
    terms: TermMatrix
    graph: sp.csr_matrix
    fingerprint: str
    reference: Reference
    theme_stability: Mapping[int, float]
    parts: Mapping[int, NDArray[np.float32]]
    gone: tuple[ThemeProfile, ...]
    next_theme: int
    encoder: str
    fits: tuple[str, ...]

    @property
    def theme_of_distinct(self) -> NDArray[np.int32]:
        """Theme of each distinct post."""
        return self.theme[self.distinct]

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the themes that some post has."""
        return frozenset(self.theme[self.theme >= 0].tolist())


_PLAIN = {
    "theme": np.int32,
    "membership": np.float32,
    "xy": np.float32,
    "row_of_post": np.intp,
    "distinct": np.intp,
}
_TEXTS = ("post_ids", "fingerprint", "encoder", "fits")


def state_to_arrays(state: ThemesState) -> Arrays:
    """Return the arrays that `state_from_arrays` makes the same state of, none of them pickled.

    Vectors are halved to 16 bits, which `take_up` did before; all else is kept exactly.
    """
    arrays: Arrays = {name: getattr(state, name) for name in _PLAIN}
    arrays |= {name: _text(getattr(state, name)) for name in _TEXTS}
    for name in ("month", "channel"):
        values, arrays[f"{name}.code"] = _coded(getattr(state, name))
        arrays[f"{name}.values"] = _text(values)
    arrays["vectors"] = state.vectors.astype(np.float16)
    arrays |= _matrix("terms", state.terms.counts) | _matrix("graph", state.graph)
    arrays["terms.terms"] = _text(state.terms.terms)
    arrays |= {f"reference.{name}": value for name, value in to_arrays(state.reference).items()}
    arrays["stability.theme"] = np.array(list(state.theme_stability), np.int32)
    arrays["stability.value"] = np.array(list(state.theme_stability.values()), np.float64)
    arrays |= _centroids("parts", list(state.parts), list(state.parts.values()), state)
    gone = [profile.theme for profile in state.gone]
    arrays |= _centroids("gone", gone, [profile.centroid for profile in state.gone], state)
    arrays["gone.rest"] = _text(
        [[dict(profile.keywords), sorted(profile.post_ids)] for profile in state.gone]
    )
    arrays["next_theme"] = np.array(state.next_theme)
    return arrays


def state_from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> ThemesState:
    """Return the state that `state_to_arrays` took apart.

    Raises
    ------
    TableError
        If an array is missing or damaged, or the arrays do not fit each other.
    """
    try:
        state = _from_arrays(arrays)
    except KeyError as error:
        raise TableError(
            "the themes' state lacks an array", got=str(error), remedy=_AGAIN
        ) from error
    except (ValueError, TypeError, IndexError) as error:
        raise TableError("the themes' state is damaged", got=error, remedy=_AGAIN) from error
    if faults := [*_unfit(state), *_unknown(state)]:
        raise TableError(
            "arrays of the themes' state do not fit each other", got=faults, remedy=_AGAIN
        )
    return state


def _unfit(state: ThemesState) -> list[str]:
    """Name the arrays that have another shape than the others ask for."""
    n, m, d = len(state.post_ids), state.distinct.size, state.reference.vectors.shape[1]
    centroids = [*state.parts.values(), *(profile.centroid for profile in state.gone)]
    shapes = {
        "theme": (state.theme.shape, (n,)),
        "membership": (state.membership.shape, (n,)),
        "xy": (state.xy.shape, (n, 2)),
        "month": ((len(state.month),), (n,)),
        "channel": ((len(state.channel),), (n,)),
        "row_of_post": (state.row_of_post.shape, (n,)),
        "distinct": (state.distinct.shape, (m,)),
        "vectors": (state.vectors.shape, (m, d)),
        "terms": (state.terms.counts.shape, (m, len(state.terms.terms))),
        "graph": (state.graph.shape, (m, m)),
        "centroids": ({centroid.shape for centroid in centroids} or {(d,)}, {(d,)}),
    }
    return [name for name, (have, wanted) in shapes.items() if have != wanted]


def _unknown(state: ThemesState) -> list[str]:
    """Name the arrays that speak of posts or themes that there are not."""
    n, m = len(state.post_ids), state.distinct.size
    holds = {
        "distinct": bool(((state.distinct >= 0) & (state.distinct < n)).all()),
        "row_of_post": bool(((state.row_of_post >= 0) & (state.row_of_post < m)).all()),
        "reference": state.numbers == set(state.reference.themes.tolist()),
        "next_theme": max(state.numbers, default=-1) < state.next_theme,
    }
    return [name for name, held in holds.items() if not held]


def _from_arrays(arrays: Mapping[str, Any]) -> ThemesState:
    prefix = "reference."
    kept = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
    names = ("gone.theme", "gone.centroid", "gone.rest")
    gone = zip(arrays[names[0]].tolist(), arrays[names[1]], _read(arrays[names[2]]), strict=True)
    stability = arrays["stability.theme"].tolist(), arrays["stability.value"].tolist()
    return ThemesState(
        **{n: arrays[n].astype(t, casting="same_kind", copy=False) for n, t in _PLAIN.items()},
        post_ids=tuple(_read(arrays["post_ids"])),
        month=_decoded("month", arrays),
        channel=_decoded("channel", arrays),
        fingerprint=_read(arrays["fingerprint"]),
        encoder=_read(arrays["encoder"]),
        fits=tuple(_read(arrays["fits"])),
        vectors=arrays["vectors"].astype(np.float32),
        terms=TermMatrix(_read_matrix("terms", arrays), tuple(_read(arrays["terms.terms"]))),
        graph=_read_matrix("graph", arrays),
        reference=from_arrays(kept),
        theme_stability=dict(zip(*stability, strict=True)),
        parts=dict(zip(arrays["parts.theme"].tolist(), arrays["parts.centroid"], strict=True)),
        gone=tuple(
            ThemeProfile(theme, centroid, dict(keywords), frozenset(ids))
            for theme, centroid, (keywords, ids) in gone
        ),
        next_theme=int(arrays["next_theme"]),
    )


def _decoded(name: str, arrays: Mapping[str, Any]) -> tuple[str | None, ...]:
    values = _read(arrays[f"{name}.values"])
    return tuple(values[c] if c >= 0 else None for c in arrays[f"{name}.code"].tolist())


def _text(value: object) -> NDArray[np.generic]:
    # strings of any length without pickle, and without padding all to the longest
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


def _read(array: NDArray[np.generic]) -> Any:
    return json.loads(array.tobytes().decode())


def _coded(column: Sequence[str | None]) -> tuple[list[str], NDArray[np.int32]]:
    values: dict[str, int] = {}
    codes = [-1 if v is None else values.setdefault(v, len(values)) for v in column]
    return list(values), np.array(codes, np.int32)


def _matrix(name: str, matrix: sp.csr_matrix) -> Arrays:
    parts: Arrays = {
        f"{name}.{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")
    }
    return parts | {f"{name}.shape": np.array(matrix.shape)}


def _read_matrix(name: str, arrays: Mapping[str, Any]) -> sp.csr_matrix:
    parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    matrix = sp.csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"].tolist()))
    # A column that there is not would be read from beyond the matrix.
    matrix.check_format(full_check=True)
    return matrix


def _centroids(
    name: str, themes: Sequence[int], centroids: Sequence[NDArray[np.float32]], state: ThemesState
) -> Arrays:
    d = state.vectors.shape[1]
    return {
        f"{name}.theme": np.array(themes, np.int32),
        f"{name}.centroid": np.array(centroids, np.float32).reshape(-1, d),
    }
