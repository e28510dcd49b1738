"""A small workspace with a trained model, and the steps by which a user spoils it."""

import contextlib
import hashlib
import io
import json
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from narraframe.cli import run
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.io.themes import ThemesFolder, write_themes_folder
from narraframe.records import Themes

Step = Callable[[pytest.MonkeyPatch], object]

SUBJECTS = {
    "farming": ["harvest", "grain", "wheat", "barley", "tractor", "field"],
    "voting": ["ballot", "voter", "election", "turnout", "candidate", "poll"],
}
CODEBOOK = """\
version = "1.0.0"
title = "Two topics"
[[facets]]
id = "topic"
name = "Topic"
[[labels]]
id = "farming"
facet = "topic"
name = "Farming"
[[labels]]
id = "voting"
facet = "topic"
name = "Voting"
"""
EXPERIMENT = """\
purpose = "Which of two topics does a post have?"
model = "topics"
seed = 0
[data]
posts = "labelled.jsonl"
consensus = "majority"
[heads]
features = ["embedding", "words"]
[split]
folds = 3
resamples = 20
"""
BUNDLE = "models/store/artifacts/models/*/artifacts/artifacts/bundle"
CACHE = "data/cache/hashing-256@1/*.vectors"


def make_workspace(folder: Path) -> None:
    """Lay out `folder` with posts, annotations, themes, scores and the champion topics/1."""
    with pytest.MonkeyPatch.context() as patch:
        encode_by_hashing(patch)
        assert run(["init", str(folder)]) == 0
        patch.chdir(folder)
        put("labelled.jsonl", jsonl(*labelled_posts()))(patch)
        put("new.jsonl", jsonl(*new_posts()))(patch)
        put("labels/codebook.toml", CODEBOOK)(patch)
        put("labels/annotations/a.csv", annotations())(patch)
        put("experiments/topics.toml", EXPERIMENT)(patch)
        for line in (
            "train --experiment experiments/topics.toml",
            "promote topics",
            "ingest labelled.jsonl -o data/posts.parquet",
            "score labelled.jsonl -o scores.parquet --model models:/topics@champion",
        ):
            assert run(line.split()) == 0
        ids = tuple(post["id"] for post in labelled_posts())
        n = len(ids)
        nothing = Themes(ids, np.full(n, -1, "i4"), np.zeros(n, "f4"), np.zeros((n, 2), "f4"))
        content = ThemesFolder(themes=nothing, summaries=(), figures={}, warnings=())
        write_themes_folder(Path("data/themes"), content, state={}, force=False)


def labelled_posts() -> list[dict[str, object]]:
    """Return 24 distinct posts, half of each topic."""
    posts = []
    for i in range(24):
        name = list(SUBJECTS)[i % 2]
        a, b, c = (SUBJECTS[name][j % 6] for j in (i, 5 * i + 1, i + 3))
        text = f"the {a} and the {b} of day {i} and the {c} in village {7 * i}"
        posts.append({"id": f"p{i:02d}", "text": text, "lang": "en", "labels": [name]})
    return posts


def new_posts() -> list[dict[str, object]]:
    """Return three posts that the model was not trained on."""
    texts = {
        "a tractor went home over the wide field": "farming",
        "the turnout was counted when the last poll had closed": "voting",
        "nobody remembers when barley was sown here last": "farming",
    }
    return [
        {"id": f"n{i}", "text": text, "lang": "en", "labels": [name]}
        for i, (text, name) in enumerate(texts.items())
    ]


def jsonl(*records: dict[str, object]) -> str:
    """Return records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def annotations(*, prefix: str = "", name: str | None = None) -> str:
    """Return the posts' labels as annotations; `prefix` makes other posts, `name` another label."""
    rows = ["post_id,annotator,label_id,value"]
    for post in labelled_posts():
        rows.append(f"{prefix}{post['id']},ann,topic,1")
        rows.append(f"{prefix}{post['id']},ann,{name or post['labels'][0]},1")
    return "\n".join(rows) + "\n"


def encode_by_hashing(patch: pytest.MonkeyPatch, dimension: int = 256) -> None:
    """Let every command use the encoder without weights."""
    for room in ("embedding", "scorer"):
        patch.setattr(
            f"narraframe.workflows.{room}.load_encoder",
            lambda name, **_: HashingEncoder(dimension),
        )


def nothing(patch: pytest.MonkeyPatch) -> None:
    """Leave the workspace as it is."""


def steps(*several: Step) -> Step:
    """Do one step after the other."""

    def do(patch: pytest.MonkeyPatch) -> None:
        for step in several:
            step(patch)

    return do


def put(path: str, content: str | bytes) -> Step:
    """Write a file, with the folders above it."""

    def do(patch: pytest.MonkeyPatch) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content.encode() if isinstance(content, str) else content)

    return do


def swap(pattern: str, old: str, new: str) -> Step:
    """Replace a passage in every file that fits the pattern."""

    def do(patch: pytest.MonkeyPatch) -> None:
        for path in found(pattern):
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new, 1))

    return do


def flip(pattern: str) -> Step:
    """Flip the bits of one byte in the middle of every file that fits the pattern."""

    def do(patch: pytest.MonkeyPatch) -> None:
        for path in found(pattern):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 0xFF
            path.write_bytes(data)

    return do


def cut(pattern: str, size: int = 100) -> Step:
    """Keep only the first bytes of every file that fits the pattern."""

    def do(patch: pytest.MonkeyPatch) -> None:
        for path in found(pattern):
            path.write_bytes(path.read_bytes()[:size])

    return do


def drop(pattern: str) -> Step:
    """Remove every file or folder that fits the pattern."""

    def do(patch: pytest.MonkeyPatch) -> None:
        for path in found(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return do


def found(pattern: str) -> list[Path]:
    """Return what fits the pattern; there must be something."""
    paths = sorted(Path().glob(pattern))
    assert paths, pattern
    return paths


def typed(content: bytes) -> Step:
    """Let `content` come from standard input."""
    return lambda patch: patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def other_encoder(patch: pytest.MonkeyPatch) -> None:
    """Let another encoder be at hand than the model was trained with."""
    encode_by_hashing(patch, dimension=64)


def real_encoder(patch: pytest.MonkeyPatch) -> None:
    """Look for encoders as the program does, with a hub that nobody reaches."""
    from huggingface_hub import constants

    from narraframe.embeddings.sentence import load_encoder

    patch.setattr(constants, "HF_HUB_CACHE", str(Path("hub").absolute()))
    patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    for room in ("embedding", "scorer"):
        patch.setattr(f"narraframe.workflows.{room}.load_encoder", load_encoder)


def damaged_weights(patch: pytest.MonkeyPatch) -> None:
    """Let the installed encoder be a copy in which one byte is another."""
    from narraframe.embeddings import weights

    folder = weights._packaged_minilm()
    assert folder is not None
    shutil.copytree(folder, "installed/model")
    flip("installed/model/model.safetensors")(patch)
    patch.setattr(weights, "_packaged_minilm", lambda: Path("installed/model"))


def read_only(patch: pytest.MonkeyPatch) -> None:
    """Let no file come to its place, as on a file system that is mounted read-only."""

    def refuse(path: Path, target: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    patch.setattr(Path, "replace", refuse)


def opened_store(patch: pytest.MonkeyPatch) -> None:
    """Let the copied store know its new place, so that reading it writes nothing."""
    from narraframe.io.store import open_store

    open_store(Path("models/store"))


def no_champion(patch: pytest.MonkeyPatch) -> None:
    """Let no version be the champion."""
    from narraframe.io.store import open_store

    open_store(Path("models/store")).delete_registered_model_alias("topics", "champion")


@contextlib.contextmanager
def disk_of(size: int | None) -> Iterator[None]:
    """Let the system refuse what goes beyond `size` bytes a file; None is no limit."""
    if size is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def everything() -> dict[str, str]:
    """Return each path below the current folder with the sha256 of its content.

    Left out are finished segments of the cache, which are right whatever came of the command, and
    the content of the database, in which a copied store notes its new place.
    """
    return {str(path): _content(path) for path in Path().rglob("*") if path.suffix != ".vectors"}


def _content(path: Path) -> str:
    if path.is_dir() or path.name == "mlflow.db":
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()
