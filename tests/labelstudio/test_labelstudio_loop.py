"""The labelling loop on a real server: queue, push, label, pull, agree, settle, learn, again."""

import json
import shutil
import uuid
from pathlib import Path

import pytest
from labelstudio_browser import NEEDS_CHROMIUM, Annotator
from labelstudio_people import PASSWORD, admin, choices, evidence, sign_up
from labelstudio_study import SAMPLE, number, results, sample_readings, say

from narraframe.annotations.results import chosen_labels
from narraframe.io.annotations import read_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.projects import read_projects
from narraframe.io.queue import read_queue
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Silent

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
EXPORT = SAMPLE / "result.json"
ANNOTATIONS, CODEBOOK = Path("labels/annotations"), Path("labels/codebook.toml")
N = 60


@pytest.fixture(scope="module")
def codebook():
    return read_codebook(SAMPLE / "codebook.toml")


@pytest.fixture(scope="module")
def readings(codebook):
    return sample_readings(codebook)


@pytest.fixture(scope="module")
def place(tmp_path_factory, label_studio):
    """A workspace with a queue of the sample, beside a server where nothing of it is."""
    root = tmp_path_factory.mktemp("loop") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NARRAFRAME_LABEL_STUDIO_URL", label_studio.url)
        patch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", label_studio.token)
        say("init", root)
        settings = root / "narraframe.toml"
        title = f"Loop {uuid.uuid4().hex[:8]}"
        settings.write_text(
            settings.read_text().replace('project = "study"', f'project = "{title}"')
        )
        patch.chdir(root)
        say("ingest", EXPORT, "-o", "data/posts.parquet")
        say(
            "queue",
            "data/posts.parquet",
            "-o",
            "data/queue.csv",
            "-n",
            N,
            "--double",
            ".5",
            "--blind",
            ".3",
        )
        yield root


@pytest.fixture(scope="module")
def people(label_studio):
    return [sign_up(label_studio.url) for _ in range(4)]


def project(role="labelling"):
    return read_projects(Path("labels/label_studio.toml"))[role].project_id


def tasks_of(label_studio, role="labelling"):
    client = admin(label_studio.url, label_studio.token).client
    listed = client.tasks.list(project=project(role), fields="all", page_size=500)
    return {task.data["post_id"]: json.loads(task.json()) for task in listed}


def label_in_the_browser(label_studio, person, tmp_path):
    """Let `person` answer the next post at the page; return its task, and what was marked."""
    page = Annotator(
        label_studio.url, email=person.email, password=PASSWORD, profile=tmp_path / "profile"
    )
    try:
        page.open(project())
        tasks = {str(task["id"]): task for task in tasks_of(label_studio).values()}
        task = tasks[page.task()]
        names = {label.label_id: label.name for label in read_codebook(CODEBOOK).labels}
        of_facets = [chosen_labels(p["result"]).values() for p in task["predictions"]]
        shown = {i for facets in of_facets for ids in facets for i in ids}
        ticked = {name.split(" › ")[-1] for name in page.ticked()}
        assert ticked == {names[i] for i in shown}
        if names["frame.economic"] not in ticked:
            page.pick("From which angles", names["frame.economic"])
        page.tick(names["stance.rejects"])
        line = next(x for x in task["data"]["text"].splitlines() if len(x) > 30)
        passage = line[:25].rsplit(" ", 1)[0]
        page.mark("Evidence: Frame", passage)
        page.submit()
    finally:
        page.close()
    return task, passage


def test_the_loop(place, label_studio, people, readings, codebook, tmp_path):
    first, second, third, judge = people
    queued = read_queue(Path("data/queue.csv"))
    assert len(queued) == N

    # --- pushed once, however often it is pushed
    assert number("posts sent", say("push", "data/posts.parquet")) == N
    assert number("posts sent", say("push", "data/posts.parquet")) == 0
    tasks = tasks_of(label_studio)
    assert tasks.keys() == {item.post_id for item in queued}
    blind = {item.post_id for item in queued if item.blind}
    assert not any(tasks[post_id]["predictions"] for post_id in blind)
    ticked = {p for p, task in tasks.items() if task["predictions"]}
    assert ticked
    versions = {p["model_version"] for task in tasks.values() for p in task["predictions"]}
    assert versions == {f"codebook-{codebook.version}"}

    # --- labelled by two, with an edit, a skip and a deletion
    double = [item.post_id for item in queued if item.n_annotators == 2]
    labelled = [item.post_id for item in queued][:50]
    made = {}
    for post_id in labelled:
        answer = results(readings["ann-01"][post_id], codebook)
        prediction = next(iter(tasks[post_id]["predictions"]), None)
        began = {"parent_prediction": prediction["id"]} if prediction else {}
        made[post_id] = first.answer(tasks[post_id]["id"], *answer, **began)
    both = [post_id for post_id in double if post_id in made]
    for post_id in both[2:]:
        second.answer(tasks[post_id]["id"], *results(readings["ann-02"][post_id], codebook))
    second.answer(tasks[both[0]]["id"], was_cancelled=True)
    edited, deleted, marked = labelled[0], labelled[1], labelled[2]
    first.client.annotations.update(
        id=made[edited].id, result=[choices("stance", "stance.neutral")]
    )
    first.client.annotations.delete(id=made[deleted].id)
    text = tasks[marked]["data"]["text"]
    answer = results(readings["ann-01"][marked], codebook)
    first.client.annotations.update(
        id=made[marked].id, result=[*answer, evidence(text, text[5:25], "narrative")]
    )

    # --- and by a third in a browser, who sees what is ticked, corrects it and marks a passage: of
    # the first post that is open, as one of two has answered it
    task, passage = label_in_the_browser(label_studio, third, tmp_path)
    assert task["data"]["post_id"] == both[0]

    # --- pulled, and nothing new the second time
    told = say("pull")
    assert number("skipped", told) == 1
    assert "nothing new" in say("pull")
    rows = read_annotations(ANNOTATIONS, codebook)
    by_first = {row.post_id for row in rows if row.annotator == first.pseudonym}
    assert by_first == {*labelled} - {deleted}
    assert {r.post_id for r in rows if r.annotator == second.pseudonym} == {*both[2:]}
    for post_id in set(labelled) - {edited, deleted}:
        said = {r.label_id for r in rows if (r.post_id, r.annotator) == (post_id, first.pseudonym)}
        chosen = {i for i in said if i in codebook.leaf_ids}
        assert chosen == set(readings["ann-01"][post_id]), post_id
    of_edited = {
        r.label_id: r.value for r in rows if (r.post_id, r.annotator) == (edited, first.pseudonym)
    }
    assert of_edited == {"narrative": 0, "frame": 0, "stance": 1, "stance.neutral": 1}
    spans = {r.spans for r in rows if r.post_id == marked and r.label_id == "narrative"}
    assert ((5, 25),) in spans
    ready = read_ready(["data/posts.parquet"], options=ReadOptions(), watch=Silent()).posts
    posts = {post.post_id: post for post in ready}
    assert posts[marked].text == text
    origins = {(r.post_id in blind): set() for r in rows}
    for row in rows:
        origins[row.post_id in blind].add(row.origin)
    assert "blind" in origins[True]
    assert "accepted" in origins[False]
    said = {r.label_id: r for r in rows if r.annotator == third.pseudonym}
    assert {r.post_id for r in said.values()} == {task["data"]["post_id"]}
    assert said["frame.economic"].value == said["stance.rejects"].value == 1
    assert [task["data"]["text"][slice(*span)] for span in said["frame"].spans] == [passage]
    without = "blind" if "frame" in task["data"]["held_back"] else "manual"
    assert said["frame"].origin == ("changed" if task["predictions"] else without)
    written = {path.name: path.read_bytes() for path in ANNOTATIONS.iterdir()}
    assert not any(text[:40].encode() in content for content in written.values())

    # --- an export gives the same
    client = admin(label_studio.url, label_studio.token).client
    export = b"".join(
        client.projects.exports.download_sync(
            project(), export_type="JSON", download_all_tasks=True
        )
    )
    Path("data/export.json").write_bytes(export)
    for path in ANNOTATIONS.glob("*.csv"):
        path.unlink()
    say("pull", "--export", "data/export.json")
    again = {path.name: path.read_bytes() for path in ANNOTATIONS.glob("*.csv")}
    assert again == {name: content for name, content in written.items() if name.endswith(".csv")}

    # --- compared, and settled
    told = say("agreement")
    assert first.pseudonym in told
    told = say("adjudicate", "data/posts.parquet")
    assert number("with disagreement, not settled", told) > 0
    disputed = tasks_of(label_studio, "adjudication")
    assert disputed.keys() <= {both[0], *both[2:]}
    settled, task = next((i, task) for i, task in disputed.items() if i != both[0])
    assert first.pseudonym in task["data"]["answers"]
    assert second.pseudonym in task["data"]["answers"]
    judge.answer(task["id"], *results(readings["ann-01"][settled], codebook))
    assert "settled" in say("pull")
    gold = [row for row in read_annotations(ANNOTATIONS, codebook) if row.gold]
    assert {row.post_id for row in gold} == {settled}
    assert number("sent", say("adjudicate", "data/posts.parquet")) == 0

    # --- learnt from, and the posts that nobody touched are pre-annotated anew
    shutil.copytree(SAMPLE / "annotations", ANNOTATIONS, dirs_exist_ok=True)
    say("train", "--experiment", "experiments/narratives.toml")
    say("promote", "narratives")
    told = say("push", "data/posts.parquet")
    assert number("posts sent", told) == 0
    now = tasks_of(label_studio)
    for post_id, task in now.items():
        versions = {p["model_version"] for p in task["predictions"]}
        if post_id in blind:
            assert not versions
        elif task["annotations"]:
            assert versions <= {f"codebook-{codebook.version}"}
        else:
            assert "narratives/1" in {version.split("@")[0] for version in versions}
    assert client.projects.get(project()).model_version.startswith("narratives/1")
    assert number("pre-annotated anew, as untouched", say("push", "data/posts.parquet")) == 0
