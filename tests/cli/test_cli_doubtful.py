"""queue --doubtful at the command line: what it shows, and what it says of mistakes."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from narraframe.cli import run
from narraframe.errors import InputError
from narraframe.io.registry import Registered
from narraframe.records import HeldOut
from narraframe.workflows import doubting

DOUBT = "queue posts.jsonl -o doubtful.csv --doubtful"
BOOK = """\
version = "1.0.0"
title = "Topics"
[[facets]]
id = "topic"
name = "Topic"
[[labels]]
id = "farming"
facet = "topic"
name = "Farming"
"""
N, N_WRONG = 60, 25


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A workspace whose annotator forgot the label on the first 25 of 60 posts."""
    root = tmp_path / "study"
    assert run(["init", str(root)]) == 0
    monkeypatch.chdir(root)
    words = ("barley", "harvest", "wheat", "tractor", "field", "village")
    texts = [" ".join(f"{word}{i}" for word in words) for i in range(N)]
    rows = [{"id": f"p{i:02}", "text": text, "lang": "en"} for i, text in enumerate(texts)]
    (root / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "labels/codebook.toml").write_text(BOOK)
    said = [f"p{i:02},ann-01,topic,0" for i in range(N_WRONG)]
    said += [f"p{i:02},ann-01,{what},1" for i in range(N_WRONG, N) for what in ("topic", "farming")]
    csv = "\n".join(["post_id,annotator,label_id,value", *said]) + "\n"
    (root / "labels/annotations/a.csv").write_text(csv)
    return root


@pytest.fixture
def model(place, monkeypatch):
    y = np.ones((N, 1), np.int8)
    y[:N_WRONG] = 0
    held = HeldOut(
        tuple(f"p{i:02}" for i in range(N)), ("farming",), y, np.ones((N, 1), bool),
        np.linspace(0.99, 0.8, N, dtype=np.float32)[:, None], np.ones((N, 1), bool),
        np.arange(N), np.zeros(N, np.intp),
    )  # fmt: skip
    found = Registered(name="topics", version=2, run_id="ab12", folder=place)
    monkeypatch.setattr(doubting, "find_source", lambda *_: SimpleNamespace(model=found))
    monkeypatch.setattr(doubting, "held_out_of", lambda *_, **__: held)


@pytest.mark.usefixtures("model")
def test_the_posts_are_listed_with_what_was_said_and_why(capsys):
    capsys.readouterr()
    assert run([*DOUBT.split(), "-n", "22"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == (
        "doubtful.csv: 22 posts for a second look; topics/2 doubts 25 of 60 that it can judge"
    )
    assert lines[0] == "  p00, by ann-01"
    assert lines[1].startswith("    barley")
    assert lines[2] == "    Farming: said no, the model 99%, of all labelled posts 58%"
    assert lines[-2:] == [
        "  and 2 more: see the column reason",
        "send them with: narraframe push POSTS --queue doubtful.csv",
    ]


@pytest.mark.usefixtures("place")
def test_fifty_posts_are_asked_for_where_nothing_is_said(monkeypatch):
    asked = []

    def queue_doubtful(*_, n, **__):
        asked.append(n)
        raise InputError("enough")

    monkeypatch.setattr(doubting, "queue_doubtful", queue_doubtful)
    assert run(DOUBT.split()) == 1
    assert asked == [50]


@pytest.mark.usefixtures("model")
def test_a_queue_that_is_there_is_kept(place, capsys):
    (place / "doubtful.csv").write_text("mine")
    assert run(DOUBT.split()) == 1
    assert "exists already" in capsys.readouterr().err
    assert (place / "doubtful.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ("--audit .5", 2, "--audit does not go with --doubtful"),
        ("--blind .5", 2, "--blind does not go with --doubtful"),
        ("--double 0", 2, "--double does not go with --doubtful"),
        ("--seed 3", 2, "--seed does not go with --doubtful"),
        ("--themes x", 2, "--themes does not go with --doubtful"),
        ("--model none", 2, "a model has to doubt"),
        ("-n 0", 2, "0 is not in the range x>=1"),
        ("", 1, "there is no champion that could doubt annotations"),
        ("--model topics", 1, "is not the address of a model"),
        ("--model models:/topics@champion", 1, "there is no model yet in this workspace"),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_mistake_is_one_line_and_writes_nothing(more, code, told, place, capsys):
    assert run([*DOUBT.split(), *more.split()]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert not (place / "doubtful.csv").exists()
