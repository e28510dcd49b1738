"""A second look on a real server: doubted, sent again unticked, answered by another, settled."""

import contextlib
import io
import json
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from labelstudio_people import admin, choices, sign_up, taxonomy
from labelstudio_study import SAMPLE, number, say

from narraframe.annotations.agreement import measure_agreement
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.targets import build_targets
from narraframe.cli import run
from narraframe.io.annotations import read_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.projects import read_projects
from narraframe.io.queue import read_queue
from narraframe.io.registry import Registered
from narraframe.records import HeldOut
from narraframe.workflows import doubting

pytestmark = pytest.mark.slow
ANNOTATIONS = Path("labels/annotations")
N, N_WRONG = 40, 10
AUDIT = "0.5"


@pytest.fixture(scope="module")
def codebook():
    return read_codebook(SAMPLE / "codebook.toml")


@pytest.fixture(scope="module")
def readings(codebook):
    """What the sample's first annotator chose: post -> label ids."""
    chosen = {}
    for row in read_annotations(SAMPLE / "annotations", codebook):
        if row.annotator == "ann-01":
            of_post = chosen.setdefault(row.post_id, set())
            of_post |= {row.label_id} if row.value and row.label_id in codebook.leaf_ids else set()
    return chosen


def results(ids, codebook):
    """An answer as the page would send it."""
    of = {f: [i for i in sorted(ids) if codebook.by_id[i].facet_id == f]
          for f in ("narrative", "frame", "stance")}  # fmt: skip
    found = [choices("stance", *of["stance"])] if of["stance"] else []
    if of["narrative"]:
        paths = ((codebook.by_id[i].parent, i) for i in of["narrative"])
        found.append(taxonomy("narrative", *paths))
    if of["frame"]:
        found.append(taxonomy("frame", *((i,) for i in of["frame"])))
    return found


@pytest.fixture
def place(tmp_path, monkeypatch, label_studio):
    """A workspace whose queue of the sample was pushed."""
    root = tmp_path / "study"
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", label_studio.token)
    say("init", root)
    settings = root / "narraframe.toml"
    title = f"Doubt {uuid.uuid4().hex[:8]}"
    settings.write_text(settings.read_text().replace('project = "study"', f'project = "{title}"'))
    monkeypatch.chdir(root)
    say("ingest", SAMPLE / "result.json", "-o", "data/posts.parquet")
    say("queue", "data/posts.parquet", "-o", "data/queue.csv", "-n", N,
        "--audit", AUDIT, "--double", 0, "--blind", 0)  # fmt: skip
    say("push", "data/posts.parquet")
    return root


def tasks_of(client, role="labelling"):
    project = read_projects(Path("labels/label_studio.toml"))[role].project_id
    listed = client.tasks.list(project=project, fields="all", page_size=500)
    return [json.loads(task.json()) for task in listed]


def annotated(codebook):
    return read_annotations(ANNOTATIONS, codebook)


def spoil(ids, codebook, i):
    """Leave out the frames of every other post, and give one too many to the others."""
    frames = [x for x in codebook.leaf_ids if codebook.by_id[x].facet_id == "frame"]
    if i % 2 and ids.intersection(frames):
        return ids.difference(frames)
    return ids | {next(x for x in frames if x not in ids)}


def model_of(readings, codebook):
    """What a good model, trained on these annotations, said of them while they were held out."""
    targets = build_targets(annotated(codebook), codebook).targets
    labels = targets.label_ids
    true = np.array([[i in readings[p] for i in labels] for p in targets.post_ids])
    noise = np.random.default_rng(0).uniform(-0.009, 0.009, true.shape)
    p = (np.where(true, 0.9, 0.01) + noise).astype(np.float32)
    return HeldOut(
        targets.post_ids, labels, targets.y, targets.mask, p, p > 0.5,
        np.arange(len(p)), np.zeros(len(p), np.intp),
    )  # fmt: skip


def test_the_second_look(place, label_studio, monkeypatch, readings, codebook):
    first, second, judge = (sign_up(label_studio.url) for _ in range(3))
    client = admin(label_studio.url, label_studio.token).client

    # --- forty posts labelled, ten of them wrongly
    tasks = {task["data"]["post_id"]: task for task in tasks_of(client)}
    wrong = sorted(tasks)[:N_WRONG]
    for i, (post_id, task) in enumerate(sorted(tasks.items())):
        ids = readings[post_id]
        ids = spoil(ids, codebook, i) if post_id in wrong else ids
        first.answer(task["id"], *results(ids, codebook))
    say("pull")
    before = {path.name: path.read_bytes() for path in ANNOTATIONS.glob("*.csv")}

    # --- doubted
    held = model_of(readings, codebook)
    model = Registered(name="narratives", version=1, run_id="ab12", folder=place)
    monkeypatch.setattr(doubting, "find_source", lambda *_: SimpleNamespace(model=model))
    monkeypatch.setattr(doubting, "held_out_of", lambda *_, **__: held)
    doubted = ("queue", "data/posts.parquet", "-o", "data/doubtful.csv", "--doubtful")
    told = say(*doubted, "-n", N_WRONG)
    assert f"{N_WRONG} posts for a second look" in told
    assert all(f"{post_id}, by {first.pseudonym}" in told for post_id in wrong)
    assert {item.post_id for item in read_queue(Path("data/doubtful.csv"))} == {*wrong}

    # --- sent once more, with nothing ticked, and told who answered but not what
    push = ("push", "data/posts.parquet", "--queue", "data/doubtful.csv")
    assert number("posts sent", say(*push)) == N_WRONG
    assert number("posts sent", say(*push)) == 0
    assert any(task["predictions"] for task in tasks.values())
    again = {t["data"]["post_id"]: t for t in tasks_of(client) if t["data"]["design"] == DOUBTFUL}
    assert again.keys() == {*wrong}
    for task in again.values():
        assert not task["predictions"]
        assert task["data"]["held_back"] == []
        assert task["data"]["answered_by"] == first.pseudonym
    project = read_projects(Path("labels/label_studio.toml"))["labelling"].project_id
    assert "Second look" in {view.data["title"] for view in client.views.list(project=project)}

    # --- answered by another; the first answers stay as they were
    for post_id, task in again.items():
        second.answer(task["id"], *results(readings[post_id], codebook))
    say("pull")
    assert {p.name: p.read_bytes() for p in ANNOTATIONS.glob("*.csv") if p.name in before} == before
    theirs = [row for row in annotated(codebook) if row.annotator == second.pseudonym]
    assert {row.post_id for row in theirs} == {*wrong}
    assert {(r.design, r.inclusion_probability, r.origin) for r in theirs} == {
        (DOUBTFUL, None, "manual")
    }
    targets = build_targets(annotated(codebook), codebook).targets
    at = {post_id: i for i, post_id in enumerate(targets.post_ids)}
    assert all(not targets.mask[at[post_id]].all() for post_id in wrong)
    assert measure_agreement(annotated(codebook), codebook, n_resamples=2).n_overlap == 0

    # --- settled: what was wrong is right now, and is not doubted again
    assert number("sent", say("adjudicate", "data/posts.parquet")) == N_WRONG
    for task in tasks_of(client, "adjudication"):
        answer = results(readings[task["data"]["post_id"]], codebook)
        judge.answer(task["id"], *answer)
    say("pull")
    gold = [row for row in annotated(codebook) if row.gold]
    assert {row.design for row in gold} <= {"", DOUBTFUL}
    targets = build_targets(annotated(codebook), codebook).targets
    for post_id in wrong:
        chosen = {i for i, y in zip(targets.label_ids, targets.y[at[post_id]], strict=True) if y}
        assert chosen & set(codebook.leaf_ids) == readings[post_id]
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        assert run([*doubted, "--force"]) == 1
    assert "doubts no answer that can be looked at again" in err.getvalue()
