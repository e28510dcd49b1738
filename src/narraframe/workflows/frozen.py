"""The frozen test set of a model: drawn once, kept in git, never trained on."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from narraframe.annotations.splits import frozen_test, held_out_by
from narraframe.config import Experiment, Workspace
from narraframe.errors import TableError, TrainingError
from narraframe.io.files import write_text
from narraframe.workflows.training_data import TrainingData


def set_test_aside(
    data: TrainingData, experiment: Experiment, *, workspace: Workspace
) -> TrainingData:
    """Mark the posts of the model's frozen test set, and all their near-copies.

    The first training draws it and writes its post_ids to experiments/frozen/NAME.csv; every later
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
    path = workspace.path(f"{workspace.config.paths.frozen}/{experiment.model}.csv")
    post_ids = data.targets.post_ids
    if path.exists():
        test = held_out_by(_read(path), post_ids, data.groups)
        if not test.any():
            raise TrainingError(
                "none of the posts of the frozen test set is labelled here",
                where=path,
                remedy="Do the posts belong to this experiment? Else remove the file: the next "
                "training draws a new set, and figures before and after cannot be compared.",
            )
        return replace(data, test=test)
    if not share:
        return data
    targets = data.targets
    test = frozen_test(data.groups, targets.y, targets.mask, share=share, seed=experiment.seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["post_id"])
    writer.writerows([post_id] for post_id, held in zip(post_ids, test, strict=True) if held)
    write_text(path, text.getvalue(), force=False)
    return replace(data, test=test)


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
