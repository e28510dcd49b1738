"""Promote: make a registered version the champion, if it is better beyond doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from narraframe.config import Workspace
from narraframe.errors import ModelError, TableError
from narraframe.io.registry import (
    CHALLENGER,
    CHAMPION,
    champions,
    find_model,
    n_measured,
    set_champions,
)
from narraframe.io.registry_file import read_registry, update_registry
from narraframe.io.runs import OUT_OF_FOLD, find_run
from narraframe.workflows.compare import Comparison, compare

__all__ = ["CHALLENGER", "CHAMPION", "Promotion", "crown", "promote"]

ALREADY = "it is the champion already"
ALONE = "there was no champion to compare it with"
UNMEASURED = "the champion was made before any post was annotated, and never measured"

# of the posts that the champion predicted unseen, so many per cent must be there to compare it on:
# a version that did well on a chosen few may be useless on the others
_PERCENT_SHARED = 90
# a champion and its challenger; a choice among more is a choice by the test set
_FEW_LOOKS = 2
_LABEL_MORE = "Label more and train again"
_TRAIN_ON_ALL = "Train again on all the annotations, with the same split and frozen test set"


@dataclass(frozen=True)
class Promotion:
    """The version that is champion now, and the one before, None if there was none.

    `verdict` says in words what speaks for it, `notes` what to know of the comparison; `forced`
    that it did not convince.
    """

    version: int
    before: int | None
    verdict: str
    notes: tuple[str, ...] = ()
    forced: bool = False


def promote(
    name: str, *, version: int | None, workspace: Workspace, force: bool = False
) -> Promotion:
    """Point the champion of model `name` at `version`, or at the challenger.

    A champion gives way only to a version that has all its labels and is better beyond doubt on the
    posts that both predicted unseen (see `compare`), by its own labels and by those of the
    champion, unless `force` is True. These posts must be 90 % of the champion's at least, and its
    frozen test set if it has one; without one, both must have predicted by the same split. The one
    before is remembered: `rollback` brings it back.

    Raises
    ------
    ModelError
        If there is no such model or version, its files are gone, there is no challenger, or it does
        not convince.
    ConfigError
        If the registry's file cannot be read.
    """
    address = f"models:/{name}/{version}" if version else f"models:/{name}@{CHALLENGER}"
    found = find_model(workspace.store, address)
    read_registry(workspace.path(workspace.config.paths.registry))
    history = champions(workspace.store, name)
    before = history[-1] if history else None
    if before == found.version:
        return Promotion(found.version, before, ALREADY)
    judged = _judge(name, before, found.version, workspace=workspace)
    forced = force and bool(judged.objections)
    if judged.objections and not force:
        raise ModelError(
            f"is not promoted: {'; '.join(judged.objections)}",
            where=found.title,
            remedy=f"{judged.remedy}, or promote it all the same by --force.",
        )
    tags = {
        "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "promoted_by": "force" if forced else "verdict" if before else "first",
        "verdict": judged.verdict,
        "compared_with": f"{name}/{before}" if before else "",
    }
    crown(name, (*history, found.version), tags={found.version: tags}, workspace=workspace)
    return Promotion(found.version, before, judged.verdict, judged.notes, forced)


def crown(
    name: str,
    versions: Sequence[int],
    *,
    tags: Mapping[int, Mapping[str, str]],
    workspace: Workspace,
) -> None:
    """Make the last of `versions` the champion, in the store and in the registry's file."""
    set_champions(workspace.store, name, versions, tags=tags)
    entry = {"champion": versions[-1], "history": list(versions)}
    update_registry(workspace.path(workspace.config.paths.registry), name, entry)


@dataclass(frozen=True)
class _Judgement:
    verdict: str
    objections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    remedy: str = _LABEL_MORE


def _judge(name: str, before: int | None, version: int, *, workspace: Workspace) -> _Judgement:
    """Say what speaks for `version`, and what against it."""
    if before is None:
        return _Judgement(ALONE)
    old, new = (f"models:/{name}/{v}" for v in (before, version))
    if not _is_measured(old, workspace) and _is_measured(new, workspace):
        return _Judgement(UNMEASURED)
    try:
        compared = compare(old, new, workspace=workspace)
    except (ModelError, TableError) as error:
        why = f"it cannot be compared with the champion, as {error.where}: {error.what}"
        return _Judgement(why, (why,))
    on_posts, on_figures = (tuple(x) for x in (_lacks(compared), _doubts(compared)))
    return _Judgement(
        compared.verdict,
        (*on_posts, *on_figures),
        (*compared.notes, *_looks(name, compared, workspace=workspace)),
        remedy=_TRAIN_ON_ALL if on_posts else _LABEL_MORE,
    )


def _is_measured(address: str, workspace: Workspace) -> bool:
    """Tell whether a version predicted any post unseen, or kept no table that would say so."""
    try:
        held_out = find_run(workspace.store, address).table(OUT_OF_FOLD)
    except TableError:
        return True  # what is damaged is told by the comparison
    return held_out is None or bool(held_out.post_ids)


def _looks(name: str, compared: Comparison, *, workspace: Workspace) -> Iterator[str]:
    """Say how often the frozen test set was looked at: of many versions, some one is lucky."""
    n = n_measured(workspace.store, name, "test/macro_f1") if compared.on_test else 0
    if n > _FEW_LOOKS:
        yield (
            f"{n} versions were measured on the frozen test set: the best of so many seems better "
            "than it is; a new set is drawn where its file is removed"
        )


def _lacks(compared: Comparison) -> Iterator[str]:
    """Say which labels and posts of the champion the comparison does not cover."""
    if compared.only_a:
        yield f"it lacks labels of {compared.a}: {', '.join(compared.only_a)}"
    if compared.misses_test:
        yield f"it was not tested on the frozen test set of {compared.a}"
    if compared.other_split:
        yield f"it was measured by another split: {compared.other_split}"
    n = compared.found.n_posts
    of = n + compared.n_only_a
    if 100 * n < _PERCENT_SHARED * of:
        yield (
            f"only {n:,} of the {of:,} posts that {compared.a} predicted unseen can be compared, "
            f"fewer than {_PERCENT_SHARED} %"
        )


def _doubts(compared: Comparison) -> Iterator[str]:
    """Say in which truth it is not better beyond doubt."""
    if not compared.found.is_better:
        yield compared.verdict
    by_a = compared.by_labels_of_a
    if by_a and not by_a.is_better:
        yield (
            f"{compared.n_relabelled:,} posts are labelled otherwise in {compared.a}, and by its "
            f"labels: {by_a.verdict}"
        )
