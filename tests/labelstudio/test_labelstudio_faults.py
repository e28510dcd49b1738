"""What goes wrong between us and Label Studio: one clear line, nothing lost, nothing doubled."""

import base64
import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from labelstudio_people import admin, choices, sign_up

from narraframe.cli import run
from narraframe.io.annotations import read_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.projects import read_projects
from narraframe.io.queue import write_queue
from narraframe.records import QueueItem

pytestmark = pytest.mark.slow
CODEBOOK = """
version = "1.0.0"
title = "Faults"
[[facets]]
id = "frame"
name = "Frame"
[[labels]]
id = "money"
facet = "frame"
name = "Money"
[[labels]]
id = "law"
facet = "frame"
name = "Law"
"""
PROJECTS = Path("labels/label_studio.toml")
PUSH = ("push", "posts.jsonl", "--model", "none")


def lay_out(n):
    """Make a workspace with n queued posts here."""
    Path("labels").mkdir()
    Path("labels/codebook.toml").write_text(CODEBOOK)
    Path("narraframe.toml").write_text(f'[labelstudio]\nproject = "{uuid.uuid4()}"\n')
    words = ["river", "stone", "bridge", "lamp", "garden", "window", "letter", "harbour"]
    with Path("posts.jsonl").open("w") as posts:
        for i in range(n):
            text = f"Post {i} of the {words[i % 8]} and the {words[i // 8 % 8]} {i * 7919}"
            posts.write(json.dumps({"id": f"p{i}", "text": text}) + "\n")
    items = [QueueItem(post_id=f"p{i}", rank=i, design="active") for i in range(n)]
    write_queue(Path("data/queue.csv"), items, force=False)


@pytest.fixture
def server(label_studio, tmp_path, monkeypatch):
    """A workspace with four queued posts, and the server's administrator."""
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path / "w")
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", label_studio.token)
    lay_out(4)
    return admin(label_studio.url, label_studio.token)


def do(*arguments):
    """Run a command; return its code, what it printed, and its one line of error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def good(*arguments):
    code, out, err = do(*arguments)
    assert code == 0, err
    return out + err


def bad(*arguments):
    code, out, err = do(*arguments)
    assert code == 1, out
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert os.environ["NARRAFRAME_LABEL_STUDIO_TOKEN"] not in err
    return err


def project():
    return read_projects(PROJECTS)["labelling"].project_id


def tasks(server):
    listed = server.client.tasks.list(project=project(), fields="all", page_size=500)
    return {task.data["post_id"]: task for task in listed}


def pulled():
    rows = read_annotations(Path("labels/annotations"), read_codebook(Path("labels/codebook.toml")))
    return {(r.post_id, r.label_id): r.value for r in rows}


# --- the server, or the way to it


@pytest.mark.parametrize("command", [PUSH, ("pull",), ("adjudicate", "posts.jsonl")])
def test_a_server_that_is_down_is_named_with_its_address(server, monkeypatch, command):
    good(*PUSH)
    label(server)
    good("pull")
    projects = PROJECTS.read_text()
    closed = "http://127.0.0.1:9"
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", closed)
    PROJECTS.write_text(projects.replace(read_projects(PROJECTS)["labelling"].url, closed))
    told = bad(*command)
    assert f"{closed}: Label Studio does not answer" in told
    assert "narraframe labelstudio start" in told


def label(server):
    """Let two people disagree on p0."""
    other = sign_up(os.environ["NARRAFRAME_LABEL_STUDIO_URL"])
    server.answer(tasks(server)["p0"].id, choices("frame", "money"))
    other.answer(tasks(server)["p0"].id, choices("frame", "law"))
    return other


def expired_token():
    """A personal access token as the server makes them, of 2020."""
    part = lambda data: base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()  # noqa: E731
    body = {"token_type": "refresh", "exp": 1_600_000_000, "iat": 1_500_000_000, "user_id": 1}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(body)}.{'A' * 43}"


@pytest.mark.parametrize("token", ["0" * 40, "nonsense", "with\nline ends", expired_token()])
@pytest.mark.parametrize("command", [PUSH, ("pull",)])
def test_a_token_that_is_wrong_or_expired_is_refused_and_not_shown(
    server, monkeypatch, command, token
):
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", token)
    told = bad(*command)
    assert "Label Studio refuses the token" in told
    assert "NARRAFRAME_LABEL_STUDIO_TOKEN" in told


def test_what_is_no_label_studio_is_told(server, monkeypatch, tmp_path):
    (tmp_path / "site").mkdir()
    site = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path / "site",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = site.stdout.readline().split("port ")[1].split()[0]
        monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", f"http://127.0.0.1:{port}")
        assert "404" in bad("pull") or "no Label Studio" in bad("pull")
    finally:
        site.kill()
        site.wait()


def test_without_address_or_token_it_is_said_where_to_put_them(server, monkeypatch):
    url = os.environ["NARRAFRAME_LABEL_STUDIO_URL"]
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", "")
    assert "there is no token" in do("pull")[2]
    monkeypatch.delenv("NARRAFRAME_LABEL_STUDIO_URL")
    assert "no Label Studio is known" in do("pull")[2]
    for place in (Path("../.labelstudio"), Path(".labelstudio")):
        place.mkdir()
        (place / "url").write_text(url)
        (place / "token").write_text("0" * 40)
        assert "refuses the token" in do("pull")[2]


def test_a_password_in_the_address_is_refused_and_not_shown(server, monkeypatch):
    monkeypatch.setenv("NARRAFRAME_LABEL_STUDIO_URL", "http://me:secret@127.0.0.1:9")
    told = bad("pull")
    assert "holds a user or password" in told
    assert "secret" not in told


@pytest.mark.parametrize("command", [PUSH, ("pull",), ("adjudicate", "posts.jsonl")])
def test_a_folder_that_is_no_workspace_is_told(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    code, _, told = do(*command)
    assert code == 2
    assert "is no workspace, nor in one" in told
    assert list(tmp_path.iterdir()) == []


def test_a_pull_before_any_push_says_what_comes_first(server):
    assert "no project there" in bad("pull")


# --- cut off


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", "from narraframe.cli import main; main()", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_killed_in_the_middle_push_and_pull_are_completed_by_the_next(
    server, tmp_path, monkeypatch
):
    n = 2_500
    (tmp_path / "large").mkdir()
    (tmp_path / "large/w").mkdir()
    monkeypatch.chdir(tmp_path / "large/w")
    lay_out(n)
    pushing = started(*PUSH)
    while not PROJECTS.exists() or server.client.projects.get(project()).task_number < 1_000:
        assert pushing.poll() is None
        time.sleep(0.02)
    pushing.send_signal(signal.SIGKILL)
    pushing.wait()
    time.sleep(3)  # what the server had received it may still store
    before = server.client.projects.get(project()).task_number
    assert 1_000 <= before < n
    assert re.search(rf"posts sent +{n - before:,}\n", good(*PUSH))
    listed = server.client.tasks.list(project=project(), fields="task_only", page_size=1_000)
    ids = [task.data["post_id"] for task in listed]
    assert len(ids) == len(set(ids)) == n

    for path in Path("data/labelstudio").glob("project-*.jsonl"):
        path.unlink()
    some = list(tasks(server).values())[:3]
    for task in some:
        server.answer(task.id, choices("frame", "law"))
    pulling = started("pull")
    time.sleep(4)
    pulling.send_signal(signal.SIGKILL)
    pulling.wait()
    good("pull")
    assert {p for p, _ in pulled()} == {task.data["post_id"] for task in some}


# --- changed there


def test_a_project_that_was_deleted_there_is_told_and_what_was_pulled_stays(server):
    good(*PUSH)
    label(server)
    good("pull")
    before = pulled()
    server.client.projects.delete(id=project())
    for command in (PUSH, ("pull",)):
        told = bad(*command)
        assert "is not on the server" in told
        assert "push --new-project" in told
    assert pulled() == before
    old = project()
    good(*PUSH, "--new-project")
    assert project() != old
    assert set(tasks(server)) == {"p0", "p1", "p2", "p3"}
    good("pull")
    assert pulled() == before


def test_a_page_that_was_changed_in_the_browser_is_not_written_over(server):
    good(*PUSH)
    page = server.client.projects.get(project()).label_config
    edited = page.replace('alias="law"', 'alias="lore"')
    assert edited != page
    server.client.projects.update(id=project(), label_config=edited)
    told = bad(*PUSH)
    assert "law" in told
    assert "lore" in told
    assert "--replace-page" in told
    assert server.client.projects.get(project()).label_config == edited
    good(*PUSH, "--replace-page")
    assert server.client.projects.get(project()).label_config == page


def test_a_label_that_was_made_up_there_is_named_and_the_rest_is_kept(server):
    good(*PUSH)
    there = tasks(server)
    server.answer(there["p0"].id, choices("frame", "lore"))
    server.answer(there["p1"].id, choices("frame", "law"))
    assert "lore (1 times)" in good("pull")
    assert pulled() == {("p1", "frame"): 1, ("p1", "law"): 1}
    with Path("labels/codebook.toml").open("a") as codebook:
        codebook.write('[[retired]]\nid = "lore"\nfacet = "frame"\ninto = ["law"]\n')
    good("pull")
    assert pulled()["p0", "law"] == 1


def test_a_label_that_was_chosen_can_be_renamed_and_answers_go_with_it(server):
    good(*PUSH)
    there = tasks(server)
    server.answer(there["p0"].id, choices("frame", "law"))
    server.answer(there["p1"].id, choices("frame", "money"))
    good("pull")
    codebook = Path("labels/codebook.toml")
    changed = codebook.read_text().replace('id = "law"', 'id = "order"').replace("1.0.0", "1.1.0")
    codebook.write_text(changed + '[[retired]]\nid = "law"\nfacet = "frame"\ninto = ["order"]\n')
    good(*PUSH)
    assert 'alias="order"' in server.client.projects.get(project()).label_config
    server.answer(there["p2"].id, choices("frame", "order"))
    good("pull")
    found = {post_id: label_id for post_id, label_id in pulled() if label_id != "frame"}
    assert found == {"p0": "order", "p1": "money", "p2": "order"}


def test_an_annotation_that_blocks_a_change_of_the_page_is_told(server):
    good(*PUSH)
    server.answer(tasks(server)["p0"].id, choices("no_such_control", "money"))
    codebook = Path("labels/codebook.toml")
    codebook.write_text(codebook.read_text().replace('"Law"', '"The law"'))
    told = bad(*PUSH)
    assert "Label Studio answers 400" in told
    assert "no_such_control" in told


def test_a_task_that_was_deleted_there_takes_no_annotation_along(server):
    good(*PUSH)
    there = tasks(server)
    for post_id in ("p0", "p1"):
        server.answer(there[post_id].id, choices("frame", "law"))
    good("pull")
    before = pulled()
    server.client.tasks.delete(id=str(there["p0"].id))
    assert "1 tasks of project" in good("pull")
    assert pulled() == before
    for path in Path("data/labelstudio").iterdir():
        path.unlink()
    assert "not there now: kept" in good("pull")
    assert pulled() == before
    assert "posts sent" in good(*PUSH)


def test_the_answers_of_a_user_who_is_gone_are_kept(server):
    good(*PUSH)
    other = label(server)
    good("pull")
    assert {p.name for p in Path("labels/annotations").glob("*.csv")} == {
        f"ls-{project()}-{server.pseudonym}.csv",
        f"ls-{project()}-{other.pseudonym}.csv",
    }
    server.client.users.delete(id=other.number)
    good("pull")
    assert pulled()["p0", "law"] == 1


def test_two_projects_of_one_title_are_not_guessed_between(server):
    good(*PUSH)
    title = server.client.projects.get(project()).title
    server.client.projects.create(title=title, label_config="<View/>")
    PROJECTS.unlink()
    assert f"2 projects are called '{title}'" in bad(*PUSH)


def test_the_project_is_found_again_by_its_title(server):
    good(*PUSH)
    was = project()
    PROJECTS.unlink()
    assert "posts sent" in good(*PUSH)
    assert project() == was


def test_the_project_of_another_study_is_not_taken_for_ours(server):
    good(*PUSH)
    PROJECTS.unlink()
    for mirror in Path("data/labelstudio").glob("project-*"):
        mirror.unlink()
    posts = Path("posts.jsonl")
    posts.write_text(posts.read_text().replace("Post ", "Another "))
    told = bad(*PUSH)
    assert "4 posts have the ids of others that are there, with other texts" in told


def test_a_post_whose_task_was_deleted_is_sent_again_and_its_answer_stays(server):
    good(*PUSH)
    server.answer(tasks(server)["p0"].id, choices("frame", "law"))
    good("pull")
    before = pulled()
    server.client.tasks.delete(id=str(tasks(server)["p0"].id))
    assert re.search(r"posts sent +1\n", good(*PUSH))
    for again in range(2):
        good("pull")
        assert pulled() == before, again
        for path in Path("data/labelstudio").glob("project-*"):
            path.unlink()


def test_an_export_takes_nothing_back(server):
    good(*PUSH)
    there = tasks(server)
    made = server.answer(there["p0"].id, choices("frame", "law"))
    client = server.client.projects.exports
    Path("old.json").write_bytes(b"".join(client.download_sync(project(), export_type="JSON")))
    server.client.annotations.update(id=made.id, result=[choices("frame", "money")])
    server.answer(there["p1"].id, choices("frame", "law"))
    good("pull")
    before = pulled()
    assert ("p0", "money") in before
    assert "2 answers that were pulled before" in good("pull", "--export", "old.json")
    assert pulled() == before
    assert "pass --gold" not in do("pull", "--export", "old.json")[2]
    assert "Leave out --gold" in bad("pull", "--export", "old.json", "--gold")


def test_a_workspace_whose_project_is_on_another_server_says_so(server):
    good(*PUSH)
    PROJECTS.write_text(PROJECTS.read_text().replace("127.0.0.1", "127.0.0.2"))
    assert "is on another server" in bad(*PUSH)


# --- on our side


def test_a_codebook_by_which_annotations_would_lose_their_meaning_is_not_pushed(server):
    good(*PUSH)
    page = server.client.projects.get(project()).label_config
    codebook = Path("labels/codebook.toml")
    codebook.write_text(
        codebook.read_text().replace('id = "law"', 'id = "order"').replace('"1.0.0"', '"1.1.0"')
    )
    told = bad(*PUSH)
    assert "new on the page without saying since which version: order" in told
    assert "gone from the codebook and not retired: law" in told
    assert server.client.projects.get(project()).label_config == page
    retired = '[[retired]]\nid = "law"\nfacet = "frame"\ninto = ["order"]\n'
    codebook.write_text(
        codebook.read_text().replace('name = "Law"', 'name = "Law"\nsince = "1.1.0"') + retired
    )
    good(*PUSH)
    assert 'alias="order"' in server.client.projects.get(project()).label_config


def test_a_queue_that_names_other_posts_is_told(server):
    write_queue(
        Path("data/queue.csv"), [QueueItem(post_id="x", rank=0, design="active")], force=True
    )
    assert "1 of 1 queued posts are not among the posts" in bad(*PUSH)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"data": {}}]', '[{"data": {}, "annotations": 3}]', "\x00"]
)
def test_what_is_no_export_is_told(server, text):
    Path("export.json").write_text(text)
    assert "export.json: is no" in bad("pull", "--export", "export.json")
