"""The frozen test set of a model: drawn once, kept in git, never trained on."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.splits import frozen_test, held_out_by
from narraframe.config import Experiment, Workspace
from narraframe.errors import TableError, TrainingError
from narraframe.io.files import write_text
from narraframe.workflows.training_data import TrainingData
from narraframe.workflows.watch import Watch


def set_test_aside(
    data: TrainingData, experiment: Experiment, *, workspace: Workspace, watch: Watch
) -> TrainingData:
    """Mark the posts of the model's frozen test set, and all their near-copies.

    The first training draws it (`freeze_test` keeps it in experiments/frozen/NAME.csv); every later
    one of that name holds to that file, however the data grow and whatever its `test` says: to
    give the set up, remove the file. An experiment without `test` draws none.

    Raises
    ------
    TableError
        If the file cannot be read.
    TrainingError
        If none of its posts is among the labelled ones.
    """
    share = experiment.split.test
    path = _path(experiment, workspace)
    if path.exists():
        return replace(data, test=_frozen(path, data, watch=watch))
    if not share:
        return data
    targets = data.targets
    test = frozen_test(data.groups, targets.y, targets.mask, share=share, seed=experiment.seed)
    return replace(data, test=test)


def freeze_test(data: TrainingData, experiment: Experiment, *, workspace: Workspace) -> None:
    """Write the post_ids of a test set that was drawn just now, once a training has succeeded."""
    path = _path(experiment, workspace)
    if path.exists() or not data.test.any():
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["post_id"])
    held = zip(data.targets.post_ids, data.test, strict=True)
    writer.writerows([post_id] for post_id, is_held in held if is_held)
    write_text(path, text.getvalue(), force=False)


def _path(experiment: Experiment, workspace: Workspace) -> Path:
    return workspace.path(f"{workspace.config.paths.frozen}/{experiment.model}.csv")


def _frozen(path: Path, data: TrainingData, *, watch: Watch) -> NDArray[np.bool_]:
    wanted = _read(path)
    here = len(set(wanted) & set(data.targets.post_ids))
    if not here:
        raise TrainingError(
            "none of the posts of the frozen test set is labelled here",
            where=path,
            remedy="Do the posts belong to this experiment? Else remove the file: the next "
            "training draws a new set, and figures before and after cannot be compared.",
        )
    if here < len(wanted):
        watch.warn(
            f"{path}: {len(wanted) - here:,} of {len(wanted):,} posts of the frozen test set are "
            "not labelled here: figures on the rest are not those of the whole"
        )
    return held_out_by(wanted, data.targets.post_ids, data.groups)


def _read(path: Path) -> list[str]:
    try:
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        return [row["post_id"] for row in rows]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise TableError(
            "the frozen test set cannot be read",
            where=path,
            got=str(error),
            remedy="Restore it from git: a column post_id, one post a line.",
        ) from error
