"""The audit: a random sample of all posts that grows with the labelling and stays a fair one.

Every post has a permanent random number in [0, 1) made of its id. A stratum (posts of like channel
and month) has a limit; the posts below it are its sample. Limits rise and never fall, so that what
was drawn once stays in, and posts that arrive later are drawn as if they had been there before.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.strata import Cell, collapse, stratum_names

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class AuditSample:
    """All audit posts of a corpus, the lowest random number first.

    `population` N_h and `sample` n_h are posts and audit posts of the post's `stratum`; `strata`
    counts all strata. `limits`: the limit of every cell (channel, month) ever drawn from; what the
    next draw needs.
    """

    post_ids: tuple[str, ...]
    stratum: tuple[str, ...]
    population: NDArray[np.int64]
    sample: NDArray[np.int64]
    limits: Mapping[Cell, float]
    strata: int

    @property
    def inclusion_probability(self) -> NDArray[np.float64]:
        """n_h / N_h of each post's stratum, shape (n,)."""
        return self.sample / self.population

    @property
    def effective_size(self) -> float:
        """Posts of a simple random sample of the same precision (Kish): n if all weigh the same."""
        weight = self.population / self.sample
        return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def permanent_numbers(post_ids: Sequence[str], *, seed: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) per post that depends on its id and `seed` only; shape (n,)."""
    key = seed.to_bytes(8, "big")
    hashes = (blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8, key=key) for i in post_ids)
    whole = np.fromiter((int.from_bytes(h.digest()) for h in hashes), np.uint64, len(post_ids))
    return (whole >> np.uint64(11)) / np.float64(2**53)


def draw_audit(
    post_ids: Sequence[str],
    channels: Sequence[str | None],
    months: Sequence[str | None],
    *,
    n: int,
    seed: int,
    drawn: Collection[str] = (),
    limits: Mapping[Cell, float] | None = None,
) -> AuditSample:
    """Draw `n` more posts into the audit.

    Strata are the posts of a channel and month. Where such a cell is too small for the rate of
    sampling, neighbouring months of the channel make one stratum, then channels do: each has at
    least one audit post. As the sample grows, strata are split; cells once drawn together are never
    joined with others. The posts drawn go where the share of audit posts is lowest, which ends in
    equal shares wherever that can still be reached.

    Parameters
    ----------
    post_ids : sequence of str of length N
        All posts with text.
    channels, months : sequences of str or None of length N
        Months as "2024-05".
    n : int
        Posts to draw beyond `drawn`. Those that arrived below the limits count, but leave at least
        half of `n` to others; cells that are new get one post at least.
    seed : int
        The same as in the draws before.
    drawn : collection of str, default=()
        Audit posts so far.
    limits : mapping of (channel, month) to float, default=None
        `AuditSample.limits` of the draw before.

    Returns
    -------
    AuditSample
        The posts drawn before and now. Within a stratum they are a simple random sample of size
        n_h, so ``sum(y / inclusion_probability)`` estimates a total without bias.

    References
    ----------
    Ohlsson (1995), Coordination of samples using permanent random numbers. A limit is the number of
    the first post left out: by it, not by the last one drawn, shares stay unbiased while posts
    arrive (Haldane 1945, On a method of estimating frequencies).
    """
    frame = _Frame.of(post_ids, channels, months, seed=seed, limits=limits or {})
    arrived = int((frame.below & ~np.isin(post_ids, list(drawn))).sum())
    budget = max(n - arrived, -(-n // 2), int(bool(limits) and frame.has_new))
    if not frame.cells or not (budget or limits):
        none = np.zeros(0, dtype=np.int64)
        return AuditSample((), (), none, none, dict(limits or {}), 0)
    strata, seats = frame.strata(budget)
    kept, limit = frame.filled(strata, seats)
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(frame.number[rows], kind="stable")]
    h = frame.stratum_of(strata)[frame.cell[rows]]
    names = stratum_names([[frame.cells[c] for c in cells] for cells in strata])
    size = np.array([frame.population[cells].sum() for cells in strata], dtype=np.int64)
    return AuditSample(
        post_ids=tuple(post_ids[i] for i in rows),
        stratum=tuple(names[i] for i in h),
        population=size[h],
        sample=np.array(seats, dtype=np.int64)[h],
        limits=dict(limits or {}) | dict(zip(frame.cells, limit.tolist(), strict=True)),
        strata=len(strata),
    )


def apportion(budget: int, size: Sequence[int], have: Sequence[int]) -> list[int]:
    """Give `budget` more seats one by one to whoever has least for its size.

    By Webster's divisors, ``(have + 1/2) / size``: shares come out even, and a larger budget never
    takes a seat away.

    Returns
    -------
    Seats of each, those it had included; `size` at most.
    """
    seats = list(have)
    queue = [((seats[h] + 0.5) / size[h], h) for h in range(len(size)) if seats[h] < size[h]]
    heapq.heapify(queue)
    for _ in range(budget):
        if not queue:
            break
        _, h = heapq.heappop(queue)
        seats[h] += 1
        if seats[h] < size[h]:
            heapq.heappush(queue, ((seats[h] + 0.5) / size[h], h))
    return seats


@dataclass
class _Frame:
    """The corpus as cells; `limit` nan: never drawn from. Arrays run over cells or over posts."""

    cells: list[Cell]
    cell: Indices
    number: NDArray[np.float64]
    population: NDArray[np.int64]
    limit: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        post_ids: Sequence[str],
        channels: Iterable[str | None],
        months: Iterable[str | None],
        *,
        seed: int,
        limits: Mapping[Cell, float],
    ) -> _Frame:
        of_post = [(c or "", m or "") for c, m in zip(channels, months, strict=True)]
        cells = sorted(set(of_post))
        index = {cell: i for i, cell in enumerate(cells)}
        cell = np.fromiter((index[key] for key in of_post), np.intp, len(of_post))
        return cls(
            cells=cells,
            cell=cell,
            number=permanent_numbers(post_ids, seed=seed),
            population=np.bincount(cell, minlength=len(cells)).astype(np.int64),
            limit=np.array([limits.get(key, np.nan) for key in cells], dtype=np.float64),
        )

    @property
    def below(self) -> NDArray[np.bool_]:
        """Posts below the limit of their cell."""
        return self.number < self.limit[self.cell]

    @property
    def has_new(self) -> bool:
        """Tell whether there are cells that were never drawn from."""
        return bool(np.isnan(self.limit).any())

    def strata(self, budget: int) -> tuple[list[Indices], list[int]]:
        """Return the cells and the seats of each stratum, when the sample grows by `budget`.

        Cells with too few posts to draw one of take over the limit of a stratum that is there.
        """
        old, new = self._universes()
        if old and len(new) and not self._apportion([*old, new], budget)[-1]:
            self._adopt(new)
            old, new = self._universes()
        whole = [*old, new] if len(new) else old
        seats = self._apportion(whole, budget)
        split = [self._collapse(cells, n) for cells, n in zip(whole, seats, strict=True)]
        split_new = split[-1] if len(new) else []
        for strata in ([cells for parts in split for cells in parts], [*old, *split_new], whole):
            ordered = sorted(strata, key=lambda cells: int(cells[0]))
            seats = self._apportion(ordered, budget)
            if all(seats):
                break
        return ordered, seats

    def filled(
        self, strata: Sequence[Indices], seats: Sequence[int]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return which posts are drawn when each stratum fills its seats, and each cell's limit."""
        kept, limit = self.below, self.limit.copy()
        member = self.stratum_of(strata)[self.cell]
        order = np.lexsort((self.number, member))
        ends = np.cumsum(np.bincount(member, minlength=len(strata)))
        for rows, cells, n in zip(np.split(order, ends[:-1]), strata, seats, strict=True):
            if n > kept[rows].sum():
                kept[rows[:n]] = True
                limit[cells] = self.number[rows[n]] if n < len(rows) else 1.0
        return kept, limit

    def stratum_of(self, strata: Sequence[Indices]) -> Indices:
        """Return the stratum of each cell."""
        found = np.empty(len(self.cells), dtype=np.intp)
        for h, cells in enumerate(strata):
            found[cells] = h
        return found

    def _universes(self) -> tuple[list[Indices], Indices]:
        """Return the cells of each limit, and those that were never drawn from."""
        known = np.unique(self.limit[~np.isnan(self.limit)])
        groups = [np.flatnonzero(self.limit == limit) for limit in known]
        drawn = self._drawn()
        for cells in groups:
            if not drawn[cells].any():  # the posts drawn from them are gone
                self.limit[cells] = np.nan
        old = [cells for cells in groups if drawn[cells].any()]
        # in the order of their first cells: ties are decided by place, whatever was drawn before
        return sorted(old, key=lambda cells: int(cells[0])), np.flatnonzero(np.isnan(self.limit))

    def _adopt(self, new: Indices) -> None:
        """Give each new cell the limit of its channel's nearest month, or else the lowest one."""
        before = self.limit.copy()
        for c in new:
            channel, month = self.cells[c]
            known = [
                (abs(_month_number(m) - _month_number(month)), i)
                for i, (name, m) in enumerate(self.cells)
                if name == channel and not np.isnan(before[i])
            ]
            self.limit[c] = before[min(known)[1]] if known else np.nanmin(before)

    def _drawn(self) -> NDArray[np.int64]:
        return np.bincount(self.cell[self.below], minlength=len(self.cells)).astype(np.int64)

    def _apportion(self, strata: Sequence[Indices], budget: int) -> list[int]:
        drawn = self._drawn()
        sizes = [int(self.population[cells].sum()) for cells in strata]
        return apportion(budget, sizes, [int(drawn[cells].sum()) for cells in strata])

    def _collapse(self, cells: Indices, seats: int) -> list[Indices]:
        size = self.population[cells]
        least = float(size.sum()) / max(seats, 1)
        groups = collapse([self.cells[c] for c in cells], size.tolist(), least=least)
        return [cells[group] for group in groups]


def _month_number(month: str) -> int:
    year, _, rest = month.partition("-")
    return int(year) * 12 + int(rest) if year.isdigit() and rest.isdigit() else 0
