"""An audit on a real server, from the queue to shares: half done, skipped, answered by two."""

import csv
import json
import uuid
from collections import defaultdict
from pathlib import Path

import pytest
from labelstudio_browser import NEEDS_CHROMIUM, Annotator
from labelstudio_people import PASSWORD, admin, sign_up
from labelstudio_study import SAMPLE, number, results, sample_readings, say

from narraframe.io.codebook import read_codebook
from narraframe.io.projects import read_projects
from narraframe.io.queue import read_queue

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
N = 36
PUBLISHED = ("order", "stance.endorses", "frame.security_defense")


@pytest.fixture
def place(tmp_path, label_studio, monkeypatch):
    """A workspace whose queue is nothing but an audit, sent to a project of its own."""
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", label_studio.token)
    root = tmp_path / "study"
    say("init", root)
    settings = root / "narraframe.toml"
    title = f'project = "Audit {uuid.uuid4().hex[:8]}"'
    settings.write_text(settings.read_text().replace('project = "study"', title))
    monkeypatch.chdir(root)
    say("ingest", SAMPLE / "result.json", "-o", "data/posts.parquet")
    say("queue", "data/posts.parquet", "-o", "data/queue.csv", "-n", N, "--audit", 1)
    say("push", "data/posts.parquet", "--model", "none")
    return root


def shares():
    """Return the shares of all posts that the command writes, by label, and its notes."""
    say("prevalence", "data/posts.parquet", "-o", "shares.json", "--force")
    found = json.loads(Path("shares.json").read_text())
    return {share["label_id"]: share for share in found["shares"]}, found


def by_hand(answers, label_id):
    """Return the share of a label, from strata in which every audit post has an answer."""
    of_stratum = defaultdict(list)
    size = {}
    with Path("labels/copies.csv").open() as file:
        said_by = {row["post_id"]: row["labelled_as"] for row in csv.DictReader(file)}
    with Path("labels/audit.csv").open() as file:
        for row in csv.DictReader(file):
            yes = {
                label_id in said for said in answers[said_by.get(row["post_id"], row["post_id"])]
            }
            size[row["stratum"]] = int(row["population"])
            of_stratum[row["stratum"]].append(yes.pop() if len(yes) == 1 else None)
    assert all(None not in said for said in of_stratum.values())
    total = sum(size[h] * sum(said) / len(said) for h, said in of_stratum.items())
    return total / sum(size.values())


def carried(ids, codebook):
    """Return the labels and their parents."""
    return {*ids, *(codebook.by_id[i].parent for i in ids)}


def test_an_audit_from_the_queue_to_shares(place, label_studio, tmp_path):
    codebook = read_codebook(Path("labels/codebook.toml"))
    readings = sample_readings(codebook)
    first, second = sign_up(label_studio.url), sign_up(label_studio.url)
    queued = read_queue(Path("data/queue.csv"))
    project = read_projects(Path("labels/label_studio.toml"))["labelling"].project_id
    client = admin(label_studio.url, label_studio.token).client
    task_of = {
        task.data["post_id"]: task.id
        for task in client.tasks.list(project=project, fields="task_only", page_size=500)
    }
    answers = defaultdict(list)

    def answer(person, post_id, voice):
        person.answer(task_of[post_id], *results(readings[voice][post_id], codebook))
        answers[post_id].append(carried(readings[voice][post_id], codebook))

    # --- nobody has answered: no figure, and it says what to do
    told = say("prevalence", "data/posts.parquet")
    assert "there is nothing to tell shares from" in told
    assert "narraframe pull" in told

    # --- in the browser posts come in the order of drawing; the third is skipped
    page = Annotator(
        label_studio.url, email=first.email, password=PASSWORD, profile=tmp_path / "first"
    )
    names = {label.label_id: label.name for label in codebook.labels}
    try:
        page.open(project)
        for item in queued[:2]:
            assert page.task() == str(task_of[item.post_id])
            chosen = readings["ann-01"][item.post_id]
            for facet_id, question in (("narrative", "Which narr"), ("frame", "From which")):
                for label_id in chosen:
                    if codebook.by_id[label_id].facet_id == facet_id:
                        page.pick(question, names[label_id])
            page.tick(next(names[i] for i in chosen if i.startswith("stance")))
            page.submit()
            answers[item.post_id].append(carried(chosen, codebook))
    finally:
        page.close()
    skipped = queued[2].post_id
    first.answer(task_of[skipped], was_cancelled=True)

    # --- half of it: those answers count, as a smaller audit; the skip is told
    for item in queued[3 : N // 2]:
        answer(first, item.post_id, "ann-01")
    assert number("skipped", say("pull")) == 1
    found, whole = shares()
    n = N // 2 - 1
    assert (whole["n_answered"], whole["n_skipped"]) == (n, 1)
    assert any("count as a smaller audit" in note for note in whole["notes"])
    for label_id in PUBLISHED:
        said = [
            label_id in answers[item.post_id][0]
            for item in queued[: N // 2]
            if answers[item.post_id]
        ]
        assert (found[label_id]["n_audit"], found[label_id]["n_positive"]) == (n, sum(said))
        design = found[label_id]["design"]
        assert design["low"] <= design["value"] <= design["high"] <= design["low"] + 0.6

    # --- the rest; a second annotator is offered what was skipped and what is meant for two
    for item in queued[N // 2 :]:
        answer(first, item.post_id, "ann-01")
    wanted = {skipped, *(item.post_id for item in queued if item.n_annotators == 2)}
    post_of = {str(task_id): post_id for post_id, task_id in task_of.items()}
    page = Annotator(
        label_studio.url, email=second.email, password=PASSWORD, profile=tmp_path / "second"
    )
    try:
        page.open(project)
        offered = post_of[page.task()]
    finally:
        page.close()
    assert offered == next(item.post_id for item in queued if item.post_id in wanted)
    torn = next(i for i in sorted(wanted) if i != skipped)
    for post_id in sorted(wanted - {torn}):
        answer(second, post_id, "ann-01")
    other = "stance.rejects" if "stance.endorses" in answers[torn][0] else "stance.endorses"
    kept = [i for i in readings["ann-01"][torn] if not i.startswith("stance")]
    second.answer(task_of[torn], *results([*kept, other], codebook))
    say("pull")
    found, whole = shares()
    assert (whole["n_answered"], whole["n_skipped"]) == (whole["n_drawn"], 0)
    assert found["stance.endorses"]["n_audit"] == whole["n_drawn"] - 1
    assert any("joined by majority" in note for note in whole["notes"])
    for label_id in ("order", "frame.security_defense"):
        assert found[label_id]["n_audit"] == whole["n_drawn"]
        assert found[label_id]["design"]["value"] == pytest.approx(by_hand(answers, label_id))

    # --- settled by a third: gold, and the count is whole
    judge = sign_up(label_studio.url)
    say("adjudicate", "data/posts.parquet")
    second_project = read_projects(Path("labels/label_studio.toml"))["adjudication"].project_id
    (task,) = client.tasks.list(project=second_project, fields="task_only", page_size=10)
    judge.answer(task.id, *results(readings["ann-01"][torn], codebook))
    say("pull")
    found, _ = shares()
    assert found["stance.endorses"]["n_audit"] == whole["n_drawn"]
    assert found["stance.endorses"]["design"]["value"] == pytest.approx(
        by_hand(answers, "stance.endorses")
    )
