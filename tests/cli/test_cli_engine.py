"""What of the engine of `score` does not go together is one clear error."""

import pytest

from narraframe.cli import run

MODEL = ("--model", "models:/topics@champion")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["-o", "-", "--engine", "ray"], "--engine ray writes a file, or a folder of parts"),
        (["-o", "sqlite:///s.db", "--engine", "ray"], "--engine ray writes a file, or a folder"),
        (["-o", "s.duckdb", "--engine", "ray"], "the ending names no format"),
        (["-o", "s", "--engine", "ray", "--table", "t"], "--table: --engine ray writes a file"),
        (["-o", "s.csv", "--address", "h:1"], "--address goes with --engine ray"),
        (["-o", "s.csv", "--engine", "spark"], "'spark' is not one of 'local', 'ray'"),
    ],
)
def test_what_does_not_go_together_is_said_before_any_work(
    tmp_path, monkeypatch, capsys, arguments, what
):
    monkeypatch.chdir(tmp_path)
    assert run(["score", "posts.jsonl", *MODEL, *arguments]) == 2
    error = capsys.readouterr().err
    assert what in " ".join(error.split())
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_watched_folder_is_scored_by_one_process(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["score", "--watch", "inbox", "-o", "scores", *MODEL, "--engine", "ray"]) == 2
    assert "--watch does not go with --engine ray" in capsys.readouterr().err


def test_drift_fails_the_run_over_given_files_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["score", "--watch", "inbox", "-o", "s", *MODEL, "--fail-on-drift"]) == 2
    assert "--fail-on-drift does not go with --watch" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["postgresql://u:secret@h/db", "sqlite:///s.db", "-"])
def test_a_watched_folder_is_scored_into_a_folder(tmp_path, monkeypatch, capsys, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inbox").mkdir()
    assert run(["score", "--watch", "inbox", "-o", output, *MODEL]) == 2
    error = capsys.readouterr().err
    assert "--watch writes into a folder" in " ".join(error.split())
    assert "secret" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]
