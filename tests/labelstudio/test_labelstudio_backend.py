"""A real Label Studio asks the backend when a task is opened, shows and stores what it says."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files

import httpx
import pytest
from labelstudio_browser import patient
from labelstudio_people import admin
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from narraframe.annotations.results import chosen_labels
from narraframe.config import find_workspace
from narraframe.errors import ServerError
from narraframe.io.codebook import read_codebook
from narraframe.io.json_server import json_server
from narraframe.io.labelstudio import connect
from narraframe.io.labelstudio_backend import TITLE, connect_backend
from narraframe.io.posts import read_posts
from narraframe.records import Post
from narraframe.workflows.backend import Running, connect_project
from narraframe.workflows.init import init
from narraframe.workflows.labelling_project import labelling, open_project
from narraframe.workflows.labelstudio_server import USERNAME
from narraframe.workflows.preannotating import open_preannotator
from narraframe.workflows.watch import Silent

pytestmark = pytest.mark.slow
EXPORT = files("narraframe.sample").joinpath("result.json")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PROGRAM = (
    "import sys; from narraframe.cli import cli, main; "
    "from narraframe.cli.backend import backend; cli.add_command(backend); main(sys.argv[1:])"
)
PLAIN, BLIND = range(2)


@pytest.fixture(scope="module")
def study(tmp_path_factory, label_studio):
    """A workspace without a model, whose project on the server has a dozen tasks."""
    root = tmp_path_factory.mktemp("backend") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NARRAFRAME_LABEL_STUDIO_URL", label_studio.url)
        patch.setenv("NARRAFRAME_LABEL_STUDIO_TOKEN", label_studio.token)
        init(root)
        workspace = find_workspace(root, given=root)
        wanted = labelling(
            read_codebook(workspace.codebook), title="Live pre-annotation", instructions=""
        )
        server = connect(label_studio.url, label_studio.token)
        project = open_project(wanted, server, workspace=workspace)
        tasks = [
            {"data": {"post_id": post.post_id, "text": post.text, "blind": i == BLIND}}
            for i, post in enumerate(posts())
        ]
        assert sum(server.import_tasks(project.project_id, tasks)) == len(tasks)
        yield workspace, project.project_id


def posts():
    """The first dozen posts of the sample."""
    found = (post for post in read_posts(str(EXPORT)) if isinstance(post, Post) and post.text)
    return [post for post, _ in zip(found, range(12), strict=False)]


@pytest.fixture(scope="module")
def client(label_studio):
    return admin(label_studio.url, label_studio.token).client


@pytest.fixture(scope="module")
def task_ids(study, client):
    _, project_id = study
    by_post = {task.data["post_id"]: task.id for task in client.tasks.list(project=project_id)}
    return [by_post[post.post_id] for post in posts()]


@pytest.fixture(scope="module")
def running(study):
    """The command itself, which has said that it is connected."""
    workspace, _ = study
    words = ["backend", "--port", "0", "--connect", "--workspace", str(workspace.root)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith("asked by "):
                break
        yield process, "".join(said)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url(running):
    _, said = running
    assert "asked by " in said, said
    return next(line for line in said.splitlines() if "pre-annotations by" in line).split(": ")[0]


@pytest.fixture(scope="module")
def wanted(study):
    """What the pre-annotator of push says of the posts."""
    workspace, _ = study
    return open_preannotator(workspace, None, watch=Silent()).preannotate(posts())


@contextlib.contextmanager
def browser(label_studio, profile):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, "--window-size=1500,1200", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.get(f"{label_studio.url}/user/login/")
        driver.find_element(By.NAME, "email").send_keys(USERNAME)
        password = (label_studio.folder / "password").read_text().strip()
        driver.find_element(By.NAME, "password").send_keys(password)
        driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        patient(driver).until(lambda d: "/user/login" not in d.current_url)
        yield driver
    finally:
        driver.quit()


def stored(client, task_id):
    """Open a task as a page does, and return its predictions as version and result."""
    task = client.tasks.get(id=task_id)
    return [(found.model_version, found.score, found.result) for found in task.predictions]


def test_the_command_says_where_it_is_and_who_asks(running, study, label_studio, url):
    _, project_id = study
    _, said = running
    assert f"{url}: pre-annotations by codebook-1.0.0" in said
    assert f"asked by {label_studio.url}/projects/{project_id}" in said
    assert label_studio.token not in said


def test_connecting_again_changes_nothing_and_another_port_is_followed(
    study, url, client, label_studio
):
    _, project_id = study
    assert not connect_backend(label_studio.url, label_studio.token, project_id, url)
    (known,) = client.ml.list(project=project_id)
    assert (known.title, known.url, known.model_version) == (TITLE, url, "codebook-1.0.0")
    with json_server(0, echo_routes(), warn=print) as moved:
        assert not connect_backend(label_studio.url, label_studio.token, project_id, moved)
        (known,) = client.ml.list(project=project_id)
        assert (known.url, known.model_version) == (moved, "echo")
    assert not connect_backend(label_studio.url, label_studio.token, project_id, url)
    assert client.webhooks.list(project=str(project_id)) == []


def echo_routes():
    return {
        ("GET", "/health"): lambda _: {"status": "UP"},
        ("POST", "/setup"): lambda _: {"model_version": "echo"},
    }


def test_a_task_that_is_opened_is_pre_annotated_and_a_blind_one_is_not(
    url, client, task_ids, wanted
):
    found = stored(client, task_ids[PLAIN])
    one = wanted[PLAIN]
    assert found == [("codebook-1.0.0", one.score, one.results)]
    assert chosen_labels(one.results)
    assert stored(client, task_ids[PLAIN]) == found
    assert stored(client, task_ids[BLIND]) == []


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is missing")
def test_the_labelling_page_shows_the_ticks_of_a_task_nobody_opened(
    url, study, client, label_studio, task_ids, wanted, tmp_path
):
    workspace, project_id = study
    names = {label.label_id: label.name for label in read_codebook(workspace.codebook).labels}
    another = next(i for i, one in enumerate(wanted) if one.results and i not in (PLAIN, BLIND))
    ids = chosen_labels(wanted[another].results).values()
    shown = {names[label_id] for of_facet in ids for label_id in of_facet}
    with browser(label_studio, tmp_path) as driver:
        driver.get(f"{label_studio.url}/projects/{project_id}/data?task={task_ids[another]}")
        patient(driver).until(lambda d: ticked(d) == shown)
    assert [version for version, _, _ in stored(client, task_ids[another])] == ["codebook-1.0.0"]


def ticked(driver):
    items = driver.find_elements(By.CSS_SELECTOR, ".ant-select-selection-item")
    return {item.text.rpartition(" › ")[2] for item in items}


def test_a_task_handed_out_next_is_pre_annotated_anew_once_the_source_has_changed(
    url, study, client, label_studio, task_ids
):
    workspace, project_id = study
    text = workspace.codebook.read_text("utf-8")
    try:
        workspace.codebook.write_text(text.replace('"1.0.0"', '"1.0.1"', 1), "utf-8")
        until = time.monotonic() + 60
        while client.ml.list(project=project_id)[0].model_version != "codebook-1.0.1":
            assert time.monotonic() < until
            time.sleep(0.5)
        task = next_task(label_studio, project_id)
        assert task["id"] == task_ids[PLAIN]
        assert [found["model_version"] for found in task["predictions"]] == ["codebook-1.0.1"]
    finally:
        workspace.codebook.write_text(text, "utf-8")


def next_task(label_studio, project_id):
    """Return what the label stream hands out."""
    return httpx.get(
        f"{label_studio.url}/api/projects/{project_id}/next",
        headers={"Authorization": f"Token {label_studio.token}"},
        timeout=60,
    ).json()


def test_a_server_that_reaches_no_backend_says_so(label_studio):
    other = connect(label_studio.url, label_studio.token).create_project(
        "Nobody to ask",
        page="<View><Text name='text' value='$text'/></View>",
        instructions="",
        key="ab12",
    )
    with pytest.raises(ServerError, match=r"127.0.0.1:9.*does not reach the backend.*this machine"):
        connect_backend(label_studio.url, label_studio.token, other, "http://127.0.0.1:9")
    with pytest.raises(ServerError, match="project 99999 is not on the server"):
        connect_backend(label_studio.url, label_studio.token, 99999, "http://127.0.0.1:9")


def test_a_project_that_asks_another_backend_is_left_alone(study, label_studio, client, url):
    _, project_id = study
    own = client.ml.list(project=project_id)[0]
    client.ml.update(id=own.id, project=project_id, url=url, title="somebody else's")
    try:
        with pytest.raises(
            ServerError, match=r"settings/ml: the project asks another backend.*Delete"
        ):
            connect_backend(label_studio.url, label_studio.token, project_id, "http://127.0.0.1:9")
    finally:
        client.ml.update(id=own.id, project=project_id, url=url, title=TITLE)


def test_a_workspace_that_pushed_nothing_has_no_project_to_connect(study, tmp_path):
    with pytest.raises(ServerError, match=r"no project on Label Studio yet.*narraframe push"):
        connect_project(
            Running("http://127.0.0.1:9", "m"), workspace=find_workspace(tmp_path, given=tmp_path)
        )


def test_told_to_stop_it_ends_well_and_tasks_still_open(running, url, client, task_ids):
    process, _ = running
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest.endswith("stopped\n")
    assert "Traceback" not in rest
    assert stored(client, task_ids[BLIND]) == []
