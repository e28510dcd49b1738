"""Two machines, each a raylet of its own on this one, score what one process scores."""

import io
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ray_cases import MARKS

import narraframe
from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import InputError, ServerError, UsageError
from narraframe.io.scores import read_scores
from narraframe.workflows import embedding, scorer
from narraframe.workflows.promote import promote
from narraframe.workflows.ray_engine import score_with_ray
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.score import Extras, score
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]

MODEL = "models:/topics@champion"
TOPICS = {"war": "tank shell front army", "trade": "ship port cargo tariff"}
HERE = Path(__file__).parent
# Ray takes 127.0.0.1 for the address that the machine has on its network
HEAD, SECOND = "127.0.0.2", "127.0.0.3"


def sentence(rng: random.Random, topic: str | None) -> str:
    common = ["the", "a", "of", "in", "on", "today", "people", "said", "again", "after", "many"]
    own = TOPICS[topic].split() if topic else common
    return " ".join(rng.choice(own if j % 3 == 0 else common) for j in range(12)).capitalize() + "."


def post(i: int, rng: random.Random) -> dict:
    topic = [*TOPICS, None][i % 3]
    text = " ".join(sentence(rng, topic if s == i % 2 else None) for s in range(2))
    return {"id": str(i), "text": text, "lang": "en"}


@pytest.fixture(scope="module")
def hashing():
    with pytest.MonkeyPatch.context() as patch:
        for module in (embedding, scorer):
            patch.setattr(module, "load_encoder", lambda name, **_: HashingEncoder())
        yield


@pytest.fixture(scope="module")
def workspace(hashing, tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("ray"), random.Random(0)
    rows = [post(i, rng) | {"labels": [t] if (t := [*TOPICS, None][i % 3]) else []}
            for i in range(60)]  # fmt: skip
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
def marks(tmp_path_factory):
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def cluster(marks):
    """A head and a second machine, of one core each, and this process connected to them."""
    from ray.cluster_utils import Cluster

    patient = {"health_check_timeout_ms": 20_000, "health_check_period_ms": 1_000}
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    made = Cluster(
        initialize_head=True,
        head_node_args=node
        | {"node_ip_address": HEAD, "include_dashboard": False, "_system_config": patient},
    )
    made.second = made.add_node(**node, node_ip_address=SECOND)
    source = Path(narraframe.__file__).parents[1]
    ray.init(
        address=made.address,
        _node_ip_address=HEAD,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={
            "worker_process_setup_hook": "ray_cases.use_hashing",
            "env_vars": {MARKS: str(marks), "PYTHONPATH": f"{source}{os.pathsep}{HERE}"},
        },
    )
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    """Lines with a copy, a stranger under a taken id, a post without text and a broken record."""
    rng = random.Random(1)
    rows = [post(i, rng) for i in range(100, 160)]
    rows += [rows[3], rows[4] | {"text": "Another one."}, {"id": "x", "text": "", "media": "photo"}]
    lines = [json.dumps(row) for row in rows]
    lines.insert(20, '{"id": "broken", "text": ')
    path = tmp_path_factory.mktemp("posts") / "posts.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def one_process(path: Path, output: Path, workspace: Workspace, **more):
    return score(
        [str(path)],
        output=output,
        stdout=io.StringIO(),
        model_uri=MODEL,
        options=ReadOptions(),
        workspace=workspace,
        force=False,
        watch=Silent(),
        **more,
    )


def many(path: Path, output: Path, workspace: Workspace, **more):
    return score_with_ray(
        [str(path)],
        output=output,
        model_uri=MODEL,
        options=more.pop("options", ReadOptions()),
        workspace=workspace,
        force=False,
        watch=Silent(),
        **({"n_blocks": 6} | more),
    )


def whole(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(part) for part in sorted(folder.iterdir()))


def test_parts_in_the_order_of_their_names_are_what_one_process_writes(
    cluster, workspace, posts, tmp_path
):
    alone = one_process(posts, tmp_path / "alone.parquet", workspace)
    found = many(posts, tmp_path / "parts", workspace)
    assert found.n_blocks == len(list((tmp_path / "parts").iterdir())) == 6
    assert whole(tmp_path / "parts").equals(pq.read_table(tmp_path / "alone.parquet"))
    assert found.tally == alone.tally
    assert (found.account.read, found.account.merged, found.account.bad) == (63, 1, 2)
    assert (found.account.read, found.account.merged, found.account.bad) == (
        alone.account.read,
        alone.account.merged,
        alone.account.bad,
    )
    assert found.model == alone.model
    assert found.encoder == alone.encoder
    both, single = read_scores(tmp_path / "parts"), read_scores(tmp_path / "alone.parquet")
    assert both.post_ids == single.post_ids


def test_one_file_is_the_same_bytes_that_one_process_writes_evidence_and_all(
    cluster, workspace, posts, tmp_path
):
    (tmp_path / "a").mkdir()
    one_process(posts, tmp_path / "a" / "s.csv", workspace, extras=Extras(evidence=True))
    many(posts, tmp_path / "s.csv", workspace, extras=Extras(evidence=True))
    assert (tmp_path / "s.csv").read_bytes() == (tmp_path / "a" / "s.csv").read_bytes()
    assert b",evidence,evidence_spans\n" in (tmp_path / "s.csv").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "s.csv"}


def test_drift_and_the_run_in_mlflow_are_those_of_one_process(cluster, workspace, posts, tmp_path):
    extras = Extras(drift=True, track=True)
    alone = one_process(posts, tmp_path / "alone.parquet", workspace, extras=extras)
    found = many(posts, tmp_path / "parts", workspace, extras=extras)
    assert alone.drift is not None
    assert repr(found.drift) == repr(alone.drift)
    client = mlflow.MlflowClient(f"sqlite:///{workspace.store}/mlflow.db")
    ids = [e.experiment_id for e in client.search_experiments()]
    two, one = client.search_runs(ids, "tags.kind = 'score'", max_results=2)
    timing = {"seconds", "posts_per_second"}
    assert {k: v for k, v in two.data.metrics.items() if k not in timing} == {
        k: v for k, v in one.data.metrics.items() if k not in timing
    }
    unlike = {k for k in one.data.params if one.data.params[k] != two.data.params[k]}
    assert unlike == {"output"}
    assert two.data.metrics["posts"] == alone.tally.n_posts


def test_a_fault_of_the_input_is_one_error_and_leaves_nothing(cluster, workspace, posts, tmp_path):
    with pytest.raises(InputError, match=r"posts\.jsonl.*line.*--strict"):
        many(posts, tmp_path / "parts", workspace, options=ReadOptions(strict=True))
    with pytest.raises(UsageError, match="standard input cannot be read by several machines"):
        many(Path("-"), tmp_path / "parts", workspace)
    assert list(tmp_path.iterdir()) == []


def test_when_a_machine_is_lost_half_way_another_scores_its_posts(
    cluster, workspace, marks, tmp_path
):
    rng = random.Random(2)
    path = tmp_path / "more.jsonl"
    path.write_text("".join(json.dumps(post(i, rng)) + "\n" for i in range(200, 360)), "utf-8")
    one_process(path, tmp_path / "alone.parquet", workspace)
    for mark in marks.iterdir():
        mark.unlink()
    second = cluster.second.node_id
    answer = []

    def run():
        answer.append(many(path, tmp_path / "parts", workspace, n_blocks=40))

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and len(list(marks.glob(f"{second}.*"))) < 3:
        time.sleep(0.05)
    n_parts = sum(1 for _ in tmp_path.rglob("part-*"))
    os.kill(cluster.second.all_processes["raylet"][0].process.pid, signal.SIGKILL)
    thread.join()
    assert 0 < n_parts < 40, "the machine was not lost half way"
    assert answer[0].tally.n_posts == 160
    assert whole(tmp_path / "parts").equals(pq.read_table(tmp_path / "alone.parquet"))
    assert [node["Alive"] for node in ray.nodes() if node["NodeID"] == second] == [False]


def test_a_cluster_that_does_not_answer_is_named(workspace, posts, tmp_path, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ServerError, match=r"127\.0\.0\.2:9: no Ray cluster answers.*ray start"):
        many(posts, tmp_path / "parts", workspace, address="127.0.0.2:9")
