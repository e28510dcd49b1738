"""Commands in a workspace of the sample, and what its two annotators chose."""

import contextlib
import io
import re
from importlib.resources import files
from pathlib import Path

from labelstudio_people import choices, taxonomy

from narraframe.cli import run
from narraframe.io.annotations import read_annotations

SAMPLE = Path(str(files("narraframe.sample")))


def say(*arguments):
    """Run a command that works, and return what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    assert code == 0, err.getvalue()
    return out.getvalue()


def number(name, told):
    """Return the number behind `name` in the two columns that are shown."""
    (found,) = re.findall(rf"^ +{re.escape(name)} +([\d,]+)$", told, re.MULTILINE)
    return int(found.replace(",", ""))


def sample_readings(codebook):
    """Return what the sample's two annotators chose: annotator -> post -> label ids."""
    chosen = {"ann-01": {}, "ann-02": {}}
    for row in read_annotations(SAMPLE / "annotations", codebook):
        of_post = chosen[row.annotator].setdefault(row.post_id, [])
        if row.value and row.label_id in codebook.leaf_ids:
            of_post.append(row.label_id)
    return chosen


def results(ids, codebook):
    """Return an answer as the page would send it."""
    of = {
        f: [i for i in ids if codebook.by_id[i].facet_id == f]
        for f in ("narrative", "frame", "stance")
    }
    found = []
    if of["narrative"]:
        found.append(
            taxonomy("narrative", *((codebook.by_id[i].parent, i) for i in of["narrative"]))
        )
    if of["frame"]:
        found.append(taxonomy("frame", *((i,) for i in of["frame"])))
    return [*found, choices("stance", *of["stance"])]
