"""Live pre-annotation: real HTTP, a model trained on invented posts, and the codebook without."""

import http.client
import json
import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from test_workflows_train import COMMON, TOPICS, lines, load_english, records

from narraframe.annotations.labelling_page import labelling_page
from narraframe.annotations.results import chosen_labels
from narraframe.config import Config, Workspace
from narraframe.errors import CodebookError, ModelError, UsageError
from narraframe.io.codebook import write_codebook
from narraframe.io.models import load_bundle
from narraframe.io.registry import find_model, set_alias
from narraframe.records import Codebook, Facet, Label, Post, Retired
from narraframe.workflows import backend as module
from narraframe.workflows import embedding, scorer
from narraframe.workflows.backend import Backend, serving
from narraframe.workflows.preannotating import open_preannotator
from narraframe.workflows.promote import promote
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent

IDS = {"Sea trade": "sea_trade", "Weather": "weather", "Football": "football"}


@pytest.fixture(scope="module", autouse=True)
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "load_encoder", load_english)
        patch.setattr(scorer, "load_encoder", load_english)
        yield patch


def make_workspace(root, codebook):
    workspace = Workspace(root, Config(), is_set_up=True)
    write_codebook(workspace.codebook, codebook, force=True)
    return workspace


def train(workspace, folder, *, name="topics", seed=1):
    return train_labelled(
        [lines(folder / f"{name}-{seed}.jsonl", records(100, seed=seed))],
        name=name,
        options=ReadOptions(),
        workspace=workspace,
        watch=Silent(),
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """With two versions of one model, the first of which is the champion."""
    root = tmp_path_factory.mktemp("workspace")
    workspace = Workspace(root, Config(), is_set_up=True)
    first = train(workspace, root, seed=1)
    promote("topics", version=1, workspace=workspace)
    train(workspace, root, seed=2)
    return make_workspace(root, load_bundle(first.model.folder).codebook)


@pytest.fixture(scope="module")
def codebook(workspace):
    return load_bundle(find_model(workspace.store, "models:/topics/1").folder).codebook


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """A workspace without a model, whose codebook says of each label by which words it goes."""
    topics = {**TOPICS, **{f"Other {i}": [f"word{i}x{j}" for j in range(6)] for i in range(4)}}
    labels = [
        Label(f"l{i}", "topic", name, " ".join(words[:4]), include=" ".join(words[2:]))
        for i, (name, words) in enumerate(topics.items())
    ]
    book = Codebook("1.2", "", (Facet("topic", "Topic"),), tuple(labels))
    return make_workspace(tmp_path_factory.mktemp("described"), book)


@pytest.fixture
def watch():
    return Silent()


@pytest.fixture
def url(workspace, watch):
    with serving(workspace, model_uri=None, port=0, watch=watch) as running:
        yield running.url


def post(url, path, body):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", path, body=json.dumps(body).encode())
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def get(url, path):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def tasks(rows, **data):
    return [
        {"id": i, "data": {"post_id": row["id"], "text": row["text"], **data}}
        for i, row in enumerate(rows, start=1)
    ]


def ticked(answer, facet="label"):
    return [
        chosen_labels(result[0]["result"]).get(facet, ()) if result else None
        for result in answer["results"]
    ]


# --- the contract


def test_label_studio_finds_what_it_asks_for(url):
    assert get(url, "/health") == {"status": "UP", "model_class": "narraframe"}
    version = open_version(url)
    assert version.startswith("topics/1@")
    assert get(url, "/versions") == {"versions": [version]}
    assert post(url, "/webhook", {"action": "START_TRAINING"}) == (200, {})
    assert post(url, "/train", {}) == (200, {})


def open_version(url):
    request = {"project": "1.2", "schema": "<View/>", "access_token": "secret", "hostname": "x"}
    status, answer = post(url, "/setup", request)
    assert status == 200
    return answer["model_version"]


def test_each_task_gets_what_the_champion_decides(url, workspace, codebook):
    rows = records(20, seed=9)
    (facet,) = codebook.facets
    page = labelling_page(codebook)
    status, answer = post(
        url, "/predict", {"tasks": tasks(rows), "label_config": page, "project": "1.2"}
    )
    assert status == 200
    posts = [Post(post_id=row["id"], text=row["text"]) for row in rows]
    model = scorer.open_folder(find_model(workspace.store, "models:/topics@champion").folder)
    scores = model.score(posts)
    wanted = [
        tuple(i for i, yes in zip(scores.label_ids, row, strict=True) if yes)
        for row in scores.decision
    ]
    assert ticked(answer, facet.facet_id) == wanted
    assert sum(bool(ids) for ids in wanted) >= 10
    for (prediction,) in answer["results"]:
        assert prediction["model_version"] == open_version(url)
        assert 0 < prediction["score"] <= 1


def test_push_and_the_backend_say_the_same(url, workspace, watch):
    rows = records(12, seed=9)
    found = open_preannotator(workspace, None, watch=watch).preannotate(
        [Post(post_id=row["id"], text=row["text"]) for row in rows]
    )
    _, answer = post(url, "/predict", {"tasks": tasks(rows)})
    assert [result[0]["result"] for result in answer["results"]] == [one.results for one in found]
    assert [result[0]["score"] for result in answer["results"]] == [one.score for one in found]


def test_a_blind_task_and_one_without_a_score_get_no_prediction(url, watch):
    rows = [
        {"id": "a", "text": "rain and storm and flood"},
        {"id": "b", "text": "  "},
        {"id": "c", "text": "Дощ і буря цієї ночі в усьому краї, кажуть люди"},
    ]
    asked = [*tasks(rows[:1], blind=True), *tasks(rows), {"id": 9, "data": {"text": None}}]
    for _ in range(2):
        _, answer = post(url, "/predict", {"tasks": asked})
        assert [len(result) for result in answer["results"]] == [0, 1, 0, 0, 0]
    assert watch.warnings == [
        "task 2 is not pre-annotated: no text",
        "task 3 is not pre-annotated: language 'uk' is not one that the model learnt",
        "task 9 is not pre-annotated: no text",
    ]


def test_no_tasks_get_no_predictions(url):
    assert post(url, "/predict", {"tasks": []}) == (200, {"results": []})


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({}, "the request has no list of tasks"),
        ({"tasks": {"id": 1}}, "the request has no list of tasks"),
        ({"tasks": [{"data": {}}, 3]}, "task 1 of the request has no data"),
        ({"tasks": [{"data": "text"}]}, "task 0 of the request has no data"),
        ({"tasks": [], "label_config": 3}, "label_config is not text"),
        ({"tasks": [], "label_config": "<View"}, "label_config is not XML: "),
    ],
)
def test_a_malformed_request_gets_one_clear_line(url, watch, request_, line):
    status, answer = post(url, "/predict", request_)
    assert status == 400
    assert answer["error"].startswith(line)
    assert "\n" not in answer["error"]
    assert watch.warnings == []


def test_a_page_that_lacks_labels_gets_the_others_and_a_warning_once(url, watch, codebook):
    (facet,) = codebook.facets
    page = labelling_page(replace(codebook, labels=codebook.labels[:2]))
    rows = records(20, seed=9)
    for _ in range(2):
        request = {"tasks": tasks(rows), "label_config": page, "project": "7.1"}
        _, answer = post(url, "/predict", request)
    found = {i for ids in ticked(answer, facet.facet_id) for i in ids}
    assert found == set(codebook.label_ids[:2])
    (warning,) = watch.warnings
    assert warning.startswith(
        f"the labelling page of project 7.1 lacks labels of codebook {codebook.version}"
    )
    assert warning.endswith(codebook.label_ids[2])


def test_many_may_ask_at_once(url):
    rows = records(8, seed=9)
    answers = [None] * len(rows)

    def ask(i):
        answers[i] = post(url, "/predict", {"tasks": tasks(rows[i : i + 1])})

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, together = post(url, "/predict", {"tasks": tasks(rows)})
    assert [answer["results"][0] for _, answer in answers] == together["results"]


# --- whose pre-annotations they are


def test_a_new_champion_takes_over_while_the_backend_runs(workspace, watch, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LOOKS", 0.05)
    with serving(workspace, model_uri=None, port=0, watch=watch) as running:
        assert open_version(running.url) == running.model_version
        try:
            promote("topics", version=2, workspace=workspace, force=True)
            until = time.monotonic() + 30
            while open_version(running.url) == running.model_version:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert open_version(running.url).startswith("topics/2@")
            _, answer = post(running.url, "/predict", {"tasks": tasks(records(1, seed=9))})
            assert answer["results"][0][0]["model_version"].startswith("topics/2@")
        finally:
            set_alias(workspace.store, "topics", "champion", 1)


def test_nothing_is_loaded_again_while_nothing_changes(workspace, watch, monkeypatch):
    backend = Backend(workspace, None, watch=watch)
    monkeypatch.setattr(module, "open_source", lambda *_, **__: pytest.fail("loaded again"))
    assert not backend.renew()
    workspace.codebook.touch()
    assert not backend.renew()


def test_what_is_in_use_stays_when_the_new_champion_cannot_be_loaded(workspace, watch, monkeypatch):
    backend = Backend(workspace, None, watch=watch)
    before = backend.model_version

    def damaged(*_, **__):
        raise ModelError("is damaged", where="m")

    monkeypatch.setattr(module, "find_source", damaged)
    for _ in range(2):
        workspace.codebook.touch()
        assert not backend.renew()
    assert backend.model_version == before
    assert watch.warnings == [f"{before} stays in use: m: is damaged"]
    answer = backend.predict({"tasks": tasks(records(1, seed=9))})
    assert answer["results"][0][0]["model_version"] == before


def test_a_model_may_be_named(workspace, watch):
    with serving(workspace, model_uri="models:/topics/2", port=0, watch=watch) as running:
        assert running.model_version.startswith("topics/2@")


def test_a_model_that_is_not_there_is_refused(workspace, watch):
    with pytest.raises(ModelError, match="there is no such model"):
        open_preannotator(workspace, "models:/elsewhere@champion", watch=watch)


def test_of_two_champions_one_must_be_named(workspace, watch, monkeypatch):
    titles = ("a @champion=1", "b @challenger=2 @champion=1", "c @challenger=1")
    monkeypatch.setattr("narraframe.workflows.preannotating.model_titles", lambda store: titles)
    with pytest.raises(UsageError, match=r"several models have a champion.*a, b.*models:/a@champ"):
        open_preannotator(workspace, None, watch=watch)


def test_a_workspace_without_a_codebook_is_refused(tmp_path, watch):
    with pytest.raises(CodebookError, match="there is no codebook"):
        open_preannotator(Workspace(tmp_path, Config(), is_set_up=True), None, watch=watch)


def test_a_label_renamed_since_the_training_is_ticked_under_its_new_name(
    workspace, codebook, tmp_path, watch
):
    old = codebook.labels[1]
    new = replace(
        codebook,
        version="9",
        labels=(*codebook.labels[:1], replace(old, label_id="storms"), *codebook.labels[2:]),
        retired=(Retired(old.label_id, old.facet_id, ("storms",)),),
    )
    moved = make_workspace(tmp_path, new)
    moved = replace(
        moved,
        config=replace(moved.config, paths=replace(moved.config.paths, store=str(workspace.store))),
    )
    found = open_preannotator(moved, None, watch=watch)
    rows = records(20, seed=9)
    results = found.preannotate([Post(post_id=row["id"], text=row["text"]) for row in rows])
    seen = {i for one in results for ids in chosen_labels(one.results).values() for i in ids}
    assert "storms" in seen
    assert old.label_id not in seen


# --- without a model


def test_without_a_champion_the_codebook_pre_annotates(described, watch):
    found = open_preannotator(described, None, watch=watch)
    assert found.model_version == "codebook-1.2"
    posts = [
        Post(post_id="1", text=" ".join(TOPICS["Weather"])),
        Post(post_id="2", text=" ".join(COMMON)),
        Post(post_id="3", text=""),
        Post(post_id="4", text="Дощ і буря цієї ночі в усьому краї, кажуть люди"),
    ]
    weather, common, empty, foreign = found.preannotate(posts)
    assert chosen_labels(weather.results) == {"topic": ("l1",)}
    assert common.results == []
    assert (empty, foreign) == (None, None)
    assert watch.warnings == [
        "1 of 4 posts are not pre-annotated: no text",
        "1 of 4 posts are not pre-annotated: "
        "language 'uk' is not one that the encoder was made for",
    ]


def test_the_codebook_says_the_same_of_a_post_whatever_comes_with_it(described, watch):
    found = open_preannotator(described, None, watch=watch)
    posts = [Post(post_id=row["id"], text=row["text"]) for row in records(12, seed=4)]
    assert found.preannotate(posts) == [found.preannotate([post])[0] for post in posts]


def test_a_codebook_that_describes_too_little_ticks_nothing_and_says_so(codebook, tmp_path, watch):
    found = open_preannotator(make_workspace(tmp_path, codebook), None, watch=watch)
    assert found.preannotate([Post(post_id="1", text="rain and storm")]) == [None]
    assert watch.warnings[0].startswith("nothing is pre-annotated: there is no champion")


def test_a_first_champion_takes_over_from_the_codebook(described, workspace, watch, tmp_path):
    paths = replace(described.config.paths, store=str(tmp_path / "store"))
    moved = replace(described, config=replace(described.config, paths=paths))
    backend = Backend(moved, None, watch=watch)
    assert backend.model_version == "codebook-1.2"
    (tmp_path / "store").symlink_to(workspace.store)
    assert backend.renew()
    assert backend.model_version.startswith("topics/1@")
