"""A folder that is watched: each file once, whatever happens."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from test_workflows_score import MODEL, lines, records

from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import ModelError, OutputError, UsageError
from narraframe.io.ledger import LEDGER, Entry, open_ledger
from narraframe.workflows import embedding, score_watch, scorer
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.score import Extras
from narraframe.workflows.score_watch import watch_folder
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent


@pytest.fixture(scope="module", autouse=True)
def patched():
    with pytest.MonkeyPatch.context() as patch:
        for room in (embedding, scorer):
            patch.setattr(room, "load_encoder", lambda name, **_: HashingEncoder())
        yield patch


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, patched):
    place = Workspace(tmp_path_factory.mktemp("workspace"), Config(), is_set_up=True)
    train_labelled(
        [lines(place.root / "train.jsonl", records(40, seed=1))],
        name="topics",
        options=ReadOptions(),
        workspace=place,
        watch=Silent(),
    )
    return place


class Looks:
    """Stands for the event that ends the watching: between two looks, something is done."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.ended = False

    def is_set(self):
        return self.ended

    def set(self):
        self.ended = True

    def wait(self, seconds):
        if self.steps:
            self.steps.pop(0)()
        else:
            self.ended = True


@pytest.fixture
def watched(workspace, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()

    def run(*steps, model=MODEL):
        watch, said = Silent(), []
        looks = Looks(*steps)
        with monkeypatch.context() as patch:
            patch.setattr(score_watch, "threading", SimpleNamespace(Event=lambda: looks))
            watch_folder(
                tmp_path / "in",
                output=tmp_path / "out",
                model_uri=model,
                poll=1.0,
                options=ReadOptions(),
                workspace=workspace,
                watch=watch,
                extras=Extras(),
                say=said.append,
            )
        return said[1:-1], watch.warnings

    return run


def nothing():
    pass


def scored_ids(path: Path) -> set[str]:
    return set(pq.read_table(path)["post_id"].to_pylist())


def test_each_file_is_scored_once_when_it_looks_the_same_twice(watched, tmp_path):
    lines(tmp_path / "in/a.jsonl", records(3, seed=2))
    said, warnings = watched(nothing, nothing, nothing)
    assert len(said) == 1
    assert said[0].startswith("a.jsonl: 3 of 3 posts by topics/")
    assert warnings == []
    assert scored_ids(tmp_path / "out/a.jsonl.parquet") == {"2-0", "2-1", "2-2"}
    assert watched(nothing, nothing) == ([], [])


def test_a_file_that_still_grows_is_waited_for(watched, tmp_path):
    file = tmp_path / "in/a.jsonl"
    grow = [lambda n=n: lines(file, records(n, seed=2)) for n in (1, 2, 3)]
    said, _ = watched(*grow, nothing)
    assert [line.split(" posts")[0] for line in said] == ["a.jsonl: 3 of 3"]


def test_hidden_files_and_unfinished_downloads_are_passed_over(watched, tmp_path):
    for name in (".a.jsonl", "a.jsonl.part", "a.jsonl.tmp", "a.jsonl~"):
        lines(tmp_path / "in" / name, records(2, seed=2))
    (tmp_path / "in/folder.jsonl").mkdir()
    assert watched(nothing, nothing) == ([], [])


def test_one_bad_file_is_told_and_does_not_stop_the_others(watched, tmp_path):
    (tmp_path / "in/a.jsonl").write_bytes(b"\x00\x01 no posts")
    lines(tmp_path / "in/b.jsonl", records(2, seed=2))
    said, warnings = watched(nothing, nothing)
    assert [line.split(":")[0] for line in said] == ["b.jsonl"]
    assert len(warnings) == 1
    assert "a.jsonl" in warnings[0]
    ledger = [json.loads(line) for line in (tmp_path / "out" / LEDGER).read_text().splitlines()]
    assert [(entry["file"], entry["status"]) for entry in ledger] == [
        ("a.jsonl", "failed"),
        ("b.jsonl", "scored"),
    ]
    assert watched(nothing, nothing) == ([], [])


def test_a_fault_of_ours_is_set_down_too(watched, tmp_path, monkeypatch):
    lines(tmp_path / "in/a.jsonl", records(2, seed=2))
    monkeypatch.setattr(score_watch, "score_by", lambda *a, **k: {}["gone"])
    _, warnings = watched(nothing, nothing)
    assert warnings == ["left out: a.jsonl: unexpected KeyError: 'gone'"]


def test_a_fault_that_is_not_the_files_is_told_once_and_tried_again(watched, tmp_path, monkeypatch):
    lines(tmp_path / "in/a.jsonl", records(2, seed=2))
    real, tries = score_watch.score_by, []

    def full(*arguments, **more):
        tries.append(1)
        if len(tries) < 3:
            raise OutputError("cannot be written: no space left", where="a")
        return real(*arguments, **more)

    monkeypatch.setattr(score_watch, "score_by", full)
    said, warnings = watched(*[nothing] * 4)
    assert len(said) == 1
    assert len(warnings) == 1
    assert warnings[0].endswith("It is tried again.")


def test_a_file_that_changed_is_scored_anew(watched, tmp_path):
    file = tmp_path / "in/a.jsonl"
    lines(file, records(2, seed=2))
    said, _ = watched(nothing, nothing, lambda: lines(file, records(4, seed=2)), nothing, nothing)
    assert [line.split(" posts")[0] for line in said] == ["a.jsonl: 2 of 2", "a.jsonl: 4 of 4"]


def test_a_new_champion_is_taken_over_between_two_files(watched, tmp_path, monkeypatch):
    real = score_watch.find_model
    versions = iter([1, 1, 2])  # at the start, and for each file

    def found(store, uri):
        return replace(real(store, uri), version=next(versions))

    monkeypatch.setattr(score_watch, "find_model", found)
    for name in ("a", "b"):
        lines(tmp_path / f"in/{name}.jsonl", records(2, seed=2))
    said, _ = watched(nothing, nothing)
    assert [line.split(" by ")[1].split("@")[0] for line in said] == ["topics/1", "topics/2"]


def test_a_line_that_a_killed_process_began_does_not_count(tmp_path):
    entry = Entry(file="a", size=1, mtime_ns=2, status="scored", what="")
    with open_ledger(tmp_path) as ledger:
        ledger.add(entry)
    with (tmp_path / LEDGER).open("a") as file:
        file.write('{"file": "b", "si')
    with open_ledger(tmp_path) as ledger:
        assert ledger.has("a", 1, 2)
        assert not ledger.has("a", 1, 3)
        assert not ledger.has("b", 1, 2)
        ledger.add(replace(entry, file="c"))
    with open_ledger(tmp_path) as ledger:
        assert set(ledger.entries) == {"a", "c"}


def test_two_watchers_of_one_folder_of_scores_are_refused(watched, tmp_path):
    with open_ledger(tmp_path / "out"), pytest.raises(OutputError, match="by another process"):
        watched()


def test_mistakes_are_told_before_the_first_look(watched, tmp_path, workspace):
    with pytest.raises(ModelError, match="there is no such model"):
        watched(model="models:/nothing@champion")
    (tmp_path / "out").symlink_to(tmp_path / "in")
    with pytest.raises(UsageError, match="cannot go into the folder that is watched"):
        watched()


PROGRAM = """
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.workflows import scorer
scorer.load_encoder = lambda name, **_: HashingEncoder()
from narraframe.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_signal_ends_the_command_cleanly(workspace, tmp_path, number):
    (tmp_path / "in").mkdir()
    lines(tmp_path / "in/a.jsonl", records(3, seed=2))
    arguments = ["score", "--watch", "in", "-o", "out", "--model", MODEL, "--poll", "0.1"]
    with subprocess.Popen(
        [sys.executable, "-uc", PROGRAM, *arguments, "--no-track", "--workspace", workspace.root],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("watching in every 0.1 s")
        assert process.stdout.readline().startswith("a.jsonl: 3 of 3 posts by topics/")
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "stopped\n"), err
    assert scored_ids(tmp_path / "out/a.jsonl.parquet") == {"2-0", "2-1", "2-2"}
