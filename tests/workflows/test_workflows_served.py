"""A registered model as others run it: behind MLflow's own server, and on Spark."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import narraframe
from narraframe.config import Config, Workspace
from narraframe.io.registry import find_model
from narraframe.records import Post
from narraframe.workflows.promote import promote
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.scorer import open_folder
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent

pytestmark = pytest.mark.slow

TOPICS = {
    "war": ("army", "tank", "artillery", "front", "shelled", "town", "soldiers", "brigade"),
    "trade": ("ship", "port", "cargo", "tariff", "grain", "ministry", "export", "price"),
}
COMMON = ("the", "a", "of", "in", "on", "today", "people", "said", "again", "after", "many")
TEXTS = [
    "The artillery shelled the town at the front, and tanks moved again.",
    "",
    "Корабель вийшов із порту з вантажем зерна, повідомило міністерство сьогодні вранці.",
    "The ship left the port with its cargo after the tariff was lowered.",
]
MODEL = "models:/topics@champion"
SPARK_EXAMPLE = Path(__file__).parents[2] / "experiments/examples/spark_score.py"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with the champion topics/1, of the real encoder."""
    folder, rng = tmp_path_factory.mktemp("served"), random.Random(0)
    rows = [
        {
            "id": f"{topic}{i}",
            "text": " ".join(rng.choice(own if j % 2 else COMMON) for j in range(16)),
            "lang": "en",
            "labels": [topic],
        }
        for topic, own in TOPICS.items()
        for i in range(20)
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    made = Workspace(folder / "workspace", Config(), is_set_up=True)
    train_labelled(
        [str(folder / "train.jsonl")],
        name="topics",
        options=ReadOptions(),
        workspace=made,
        watch=Silent(),
    )
    promote("topics", version=1, workspace=made)
    return made


@pytest.fixture(scope="module")
def scores(workspace):
    """What this process says of TEXTS."""
    found = find_model(workspace.store, MODEL)
    posts = [Post(post_id=str(i), text=text) for i, text in enumerate(TEXTS)]
    scores = open_folder(found.folder).score(posts)
    assert [bool(reason) for reason in scores.reasons] == [False, True, True, False]
    return scores


def environment(workspace: Workspace) -> dict[str, str]:
    source = str(Path(narraframe.__file__).parents[1])
    return os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{workspace.store.resolve() / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")]),
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def server(workspace, tmp_path_factory):
    """`mlflow models serve` on a free port of this machine; yields its address."""
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", MODEL]
    command += ["--env-manager", "local", "-h", "127.0.0.1", "-p", str(port), "-w", "1"]
    scripts = str(Path(sys.executable).parent)
    place = environment(workspace) | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=place, stdout=said, stderr=said, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 300
        while not answers(address):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/ping", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def ask(address: str, question: object) -> tuple[int, object]:
    """POST to the server as anyone would; JSON without nan comes back."""
    body = question if isinstance(question, bytes) else json.dumps(question).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/invocations", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read(), parse_constant=no_constant)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def no_constant(name: str):
    raise AssertionError(f"{name} is no JSON")


def frame(texts: list, **columns: list) -> dict:
    names = ["text", *columns]
    rows = [list(row) for row in zip(texts, *columns.values(), strict=True)]
    return {"dataframe_split": {"columns": names, "data": rows}}


def table(predictions: list[dict], label_ids) -> np.ndarray:
    cells = [[row[label_id] for label_id in label_ids] for row in predictions]
    return np.array([[np.nan if cell is None else cell for cell in row] for row in cells])


def test_the_server_answers_with_the_probabilities_of_one_process(server, scores):
    status, answer = ask(server, frame(TEXTS))
    assert status == 200
    found = table(answer["predictions"], scores.label_ids)
    np.testing.assert_allclose(found, scores.probability, rtol=0, atol=1e-5)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, False]


def test_the_server_gives_decisions_where_they_are_asked_for(server, scores):
    status, answer = ask(server, frame(TEXTS) | {"params": {"output": "decision"}})
    assert status == 200
    expected = np.where(np.isnan(scores.probability), np.nan, scores.decision)
    np.testing.assert_array_equal(table(answer["predictions"], scores.label_ids), expected)
    status, answer = ask(server, frame(TEXTS) | {"params": {"output": "everything"}})
    assert status == 400
    assert "it must be one of probability, decision" in json.dumps(answer)


def test_the_server_passes_over_other_columns_and_names_one_that_is_missing(server, scores):
    status, answer = ask(server, frame(TEXTS, lang=["en"] * 4, likes=[1, 2, 3, 4]))
    assert status == 200
    found = table(answer["predictions"], scores.label_ids)
    np.testing.assert_allclose(found, scores.probability, rtol=0, atol=1e-5)
    status, answer = ask(server, {"dataframe_records": [{"body": "The ship left."}]})
    assert status == 400
    assert "text" in answer["message"]


def test_the_example_that_comes_with_the_model_is_a_question_that_the_server_answers(
    server, workspace
):
    folder = find_model(workspace.store, MODEL).folder.parents[1]
    question = (folder / "serving_input_example.json").read_bytes()
    status, answer = ask(server, question)
    assert status == 200
    first, missing = answer["predictions"]
    assert all(0 <= p <= 1 for p in first.values())
    assert set(missing.values()) == {None}


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_spark_gives_each_post_the_probabilities_of_one_process(workspace, scores, tmp_path):
    pytest.importorskip("pyspark")
    posts = {"post_id": [str(i) for i in range(len(TEXTS))], "text": TEXTS, "likes": [1, 2, 3, 4]}
    pq.write_table(pa.table(posts), tmp_path / "posts.parquet")
    done = subprocess.run(
        [sys.executable, SPARK_EXAMPLE, MODEL, tmp_path / "posts.parquet", tmp_path / "scores"],
        env=environment(workspace),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = pq.read_table(tmp_path / "scores").sort_by("post_id").to_pydict()
    assert found.pop("post_id") == list(scores.post_ids)
    assert tuple(found) == scores.label_ids
    columns = np.column_stack([np.array(found[i], dtype=np.float32) for i in scores.label_ids])
    np.testing.assert_allclose(columns, scores.probability, rtol=0, atol=1e-5)
