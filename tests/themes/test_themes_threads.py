from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from narraframe.themes.neighbours import EXACT_UP_TO
from narraframe.themes.settings import ENGINES

N_POSTS = 4500
WORDS = ("harvest", "ballot", "clinic", "penalty", "grain", "voter", "nurse", "referee", "wheat")

PROCESS = """
import hashlib, json, sys
import numpy as np, numba
from threadpoolctl import threadpool_info
from narraframe.themes.discover import discover
from narraframe.themes.settings import ENGINES, ThemeSettings

data = np.load(sys.argv[1])
ids, texts = data["ids"].tolist(), data["texts"].tolist()
told = {"threads": numba.get_num_threads()}
told["blas"] = max(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
for engine in ENGINES:
    settings = ThemeSettings(engine=engine, n_reruns=1)
    d = discover(ids, data["vectors"], texts, ["en"] * len(ids), ids, settings=settings)
    parts = {
        "graph": d.found.graph.data.tobytes() + d.found.graph.indices.tobytes(),
        "theme": d.themes.theme.tobytes(),
        "membership": d.themes.membership.tobytes(),
        "xy": d.themes.xy.tobytes(),
        "refits": b"".join(again.tobytes() for again in d.found.refits),
        "nearest": d.found.clusters.nearest.tobytes(),
        "terms": d.terms.counts.data.tobytes() + repr(d.terms.terms).encode(),
        "summaries": repr(d.summaries).encode(),
        "quality": repr(d.quality).encode(),
    }
    told[engine] = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    told[engine] |= {"n_themes": d.quality.n_themes, "confidence": d.quality.confidence}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> list[dict]:
    """What a process on one thread and a process on two threads find in the same posts."""
    rng = np.random.default_rng(0)
    subject = rng.choice(40, N_POSTS, p=rng.dirichlet(np.full(40, 2.0)))
    centres = rng.normal(size=(8, 64))[np.arange(40) % 8] + 0.7 * rng.normal(size=(40, 64))
    # So wide that many posts lie between subjects, where a last bit would decide.
    vectors = centres[subject] + 2.0 * rng.normal(size=(N_POSTS, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    path = tmp_path_factory.mktemp("threads") / "posts.npz"
    np.savez(
        path,
        ids=[f"p{i}" for i in range(N_POSTS)],
        texts=[f"{WORDS[s % 9]} {WORDS[s % 7]} {rng.choice(WORDS)}" for s in subject],
        vectors=vectors.astype(np.float32),
    )
    found = []
    for n in ("1", "2"):
        names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        command = [sys.executable, "-c", PROCESS, str(path)]
        environment = os.environ | dict.fromkeys(names, n)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    return found


def test_the_two_processes_run_on_one_and_on_two_threads(told):
    assert [process["threads"] for process in told] == [1, 2]
    assert told[0]["blas"] == 1
    assert told[1]["blas"] == min(2, os.cpu_count() or 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_and_two_threads_discover_the_same_to_the_byte(told, engine):
    assert N_POSTS > EXACT_UP_TO
    assert told[0][engine]["n_themes"] >= 5
    assert told[0][engine]["confidence"] < 0.95
    assert told[0][engine] == told[1][engine]
