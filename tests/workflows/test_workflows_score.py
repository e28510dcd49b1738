"""Scoring streams: a row for every post, and going on after whatever stopped it."""

import io
import json
import os
import random
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from score_killing import WINDOW, in_small_windows

from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import InputError, OutputError, UsageError
from narraframe.io.files import check_free
from narraframe.io.journal import open_journal, partial_folder
from narraframe.io.registry import find_model
from narraframe.io.store import SCORES_EXPERIMENT, open_store
from narraframe.io.tables import SCORES
from narraframe.workflows import embedding, score_items, scorer
from narraframe.workflows import score as score_module
from narraframe.workflows.reading import Account, ReadOptions
from narraframe.workflows.score import Extras, StoppedError, score, score_by
from narraframe.workflows.scored_window import Tally
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent

WORDS = {
    "farming": ("harvest", "grain", "wheat", "barley", "tractor", "field"),
    "voting": ("ballot", "voter", "election", "turnout", "candidate", "poll"),
}
MODEL = "models:/topics@challenger"
HERE = Path(__file__).parent


def records(n: int, *, seed: int) -> list[dict]:
    rng = random.Random(seed)
    made = []
    for i in range(n):
        name = [*WORDS][i % 2]
        words = [rng.choice(WORDS[name]) if j % 2 else f"w{rng.randrange(900)}" for j in range(16)]
        text = " ".join(words)
        made.append({"id": f"{seed}-{i}", "text": text, "lang": "en", "labels": [name]})
    return made


def lines(path: Path, rows) -> str:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8"
    )
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def patched():
    with pytest.MonkeyPatch.context() as patch:
        for room in (embedding, scorer):
            patch.setattr(room, "load_encoder", lambda name, **_: HashingEncoder())
        in_small_windows(patch)
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


@pytest.fixture
def source(tmp_path):
    return lines(tmp_path / "new.jsonl", records(5 * WINDOW + 3, seed=2))


@pytest.fixture
def scored(workspace):
    def run(source, output, *, stdin=None, force=False, watch=None, stdout=None, **extras):
        return score(
            [source],
            output=output,
            stdout=stdout or io.StringIO(),
            model_uri=MODEL,
            options=ReadOptions(stdin=stdin),
            workspace=workspace,
            force=force,
            watch=watch or Silent(),
            extras=Extras(**extras),
        )

    return run


@pytest.fixture
def stopped(workspace):
    """Stop a run behind some windows, as a kill between two of them would."""

    def run(source, output, *, behind: int):
        found = find_model(workspace.store, MODEL)
        model = found, scorer.open_registered(found, workspace=workspace, watch=Silent())
        calls = iter(range(10**6))
        with pytest.raises(StoppedError):
            score_by(
                model,
                [source],
                output=str(output),
                stdout=io.StringIO(),
                options=ReadOptions(),
                workspace=workspace,
                force=False,
                watch=Silent(),
                stopped=lambda: next(calls) + 1 >= behind,
            )

    return run


@pytest.fixture
def counted(monkeypatch):
    """Count the windows that are scored, not taken up."""
    calls: list[int] = []
    real = score_module.score_window

    def counting(scorer, items, **more):
        calls.append(len(items))
        return real(scorer, items, **more)

    monkeypatch.setattr(score_module, "score_window", counting)
    return calls


def rows(path) -> list[dict]:
    return pq.read_table(path).to_pylist()


# --- every post has a row


def test_every_record_has_its_rows_in_the_order_of_the_input(scored, tmp_path):
    first, second = records(2, seed=3)
    source = lines(
        tmp_path / "mixed.jsonl",
        [first, "no json {", {"id": "m"}, first, first | {"text": "other"}, second],
    )
    summary = scored(source, tmp_path / "s.parquet")
    found = rows(tmp_path / "s.parquet")
    assert [(row["post_id"], row["label_id"]) for row in found] == [
        ("3-0", "farming"),
        ("3-0", "voting"),
        ("mixed.jsonl: line 2", None),
        ("mixed.jsonl: line 3", None),
        ("mixed.jsonl: line 5", None),
        ("3-1", "farming"),
        ("3-1", "voting"),
    ]
    assert [row["reason"] for row in found[2:5]] == [
        "unreadable record: invalid JSON: Expecting value at character 1",
        "unreadable record: the record has no text",
        "taken post_id: '3-0' names an earlier post",
    ]
    assert (summary.tally.n_posts, summary.tally.n_scored) == (5, 2)
    assert summary.tally.reasons == {"unreadable record": 2, "taken post_id": 1}
    assert (summary.account.merged, summary.account.bad) == (1, 3)


def test_places_of_inputs_with_one_name_do_not_take_each_others_rows(tmp_path):
    bad = score_items.BadRecord("a.jsonl: line 1", "broken")
    items = score_items.each_once([bad, bad, bad], options=ReadOptions(), account=Account())
    names = ["a.jsonl: line 1", "a.jsonl: line 1 (2)", "a.jsonl: line 1 (3)"]
    assert [item.post_id for item in items] == names


def test_a_tally_comes_back_from_json_as_it_was():
    tally = Tally(n_posts=3, n_scored=1)
    tally.reasons["no text"] += 2
    tally.decisions["a"] += 0
    back = Tally.from_record(json.loads(json.dumps(tally.as_record())))
    assert back == tally
    assert list(back.decisions) == ["a"]
    assert (back + tally).reasons == {"no text": 4}


def test_a_stream_to_standard_output_is_the_table(scored, source, tmp_path):
    text = io.StringIO()
    scored(source, None, stdout=text)
    scored(source, tmp_path / "s.jsonl")
    assert text.getvalue() == (tmp_path / "s.jsonl").read_text("utf-8")


# --- going on


@pytest.mark.parametrize("name", ["s.parquet", "s.csv", "s.jsonl", "s.jsonl.gz"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    scored, stopped, source, tmp_path, counted, name
):
    scored(source, tmp_path / "whole" / name)
    stopped(source, tmp_path / name, behind=2)
    assert not (tmp_path / name).exists()
    counted.clear()
    summary = scored(source, tmp_path / name)
    assert counted == [WINDOW] * 3 + [3]
    assert summary.n_resumed == 2 * WINDOW
    assert summary.tally.n_posts == 5 * WINDOW + 3
    assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not partial_folder(tmp_path / name).exists()


def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(workspace, tmp_path):
    source = lines(tmp_path / "new.jsonl", records(12 * WINDOW, seed=4))
    done = subprocess.run(
        [sys.executable, HERE / "score_killing.py", workspace.root, source, "s.csv", "8", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= 8
    assert found["same"]
    assert all(found["same"])
    assert found["left"] == []


def test_only_windows_whose_posts_changed_are_scored_again(
    scored, stopped, source, tmp_path, counted
):
    stopped(source, tmp_path / "s.csv", behind=4)
    changed = records(5 * WINDOW + 3, seed=2)
    changed[WINDOW] |= {"text": "another harvest of barley and wheat in the field"}
    lines(Path(source), changed)
    counted.clear()
    scored(source, tmp_path / "s.csv")
    assert counted == [WINDOW, WINDOW, 3]
    scored(source, tmp_path / "whole.csv")
    assert (tmp_path / "s.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_an_input_that_became_shorter_leaves_no_rows_behind(scored, stopped, source, tmp_path):
    stopped(source, tmp_path / "s.csv", behind=4)
    lines(Path(source), records(WINDOW, seed=2))
    scored(source, tmp_path / "s.csv")
    ids = {line.split(",")[0] for line in (tmp_path / "s.csv").read_text().splitlines()[1:]}
    assert ids == {f"2-{i}" for i in range(WINDOW)}


def test_after_another_model_came_it_begins_anew_and_says_so(
    scored, stopped, source, tmp_path, counted, monkeypatch
):
    stopped(source, tmp_path / "s.csv", behind=4)
    counted.clear()
    monkeypatch.setattr(score_module, "__version__", "another")
    watch = Silent()
    summary = scored(source, tmp_path / "s.csv", watch=watch)
    (warning,) = watch.warnings
    assert "4 finished windows of an earlier run are not taken up" in warning
    assert summary.n_resumed == 0
    assert len(counted) == 6


def test_the_same_stream_piped_again_goes_on(scored, stopped, source, tmp_path, counted):
    content = Path(source).read_bytes()
    stopped(source, tmp_path / "s.csv", behind=3)
    counted.clear()
    summary = scored("-", tmp_path / "s.csv", stdin=io.BytesIO(content))
    assert summary.n_resumed == 3 * WINDOW
    assert len(counted) == 3


def test_a_full_disk_is_one_clear_error_after_which_it_goes_on(scored, source, tmp_path, counted):
    scored(source, tmp_path / "whole.jsonl")
    size = (tmp_path / "whole.jsonl").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        with pytest.raises(OutputError, match=r"s\.jsonl: cannot be written.*the same command"):
            scored(source, tmp_path / "s.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    counted.clear()
    assert scored(source, tmp_path / "s.jsonl").n_resumed == 5 * WINDOW + 3
    assert counted == []
    assert (tmp_path / "s.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_second_process_on_the_same_output_is_refused(scored, source, tmp_path):
    output = tmp_path / "s.csv"
    busy = pytest.raises(OutputError, match="is being written by another process")
    with open_journal(output, schema=SCORES, identity={}, force=False), busy:
        scored(source, output)
    scored(source, output)


def test_killed_behind_the_last_step_the_same_command_still_ends_well(
    scored, source, tmp_path, monkeypatch, counted
):
    output = tmp_path / "s.csv"
    with monkeypatch.context() as patch:
        patch.setattr("narraframe.io.journal.Journal._remove_all", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scored(source, output)
    assert output.exists()
    before = output.read_bytes()
    counted.clear()
    scored(source, output)
    assert counted == []
    assert output.read_bytes() == before
    with pytest.raises(OutputError, match="exists already"):
        check_free(output, force=False)
    with pytest.raises(OutputError, match="exists already"):
        scored(source, output)


def test_a_run_that_fails_before_its_first_window_leaves_nothing(scored, tmp_path):
    source = lines(tmp_path / "new.jsonl", [{"id": "m"}])
    with pytest.raises(InputError, match="holds no post"):
        scored(source, tmp_path / "below" / "s.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["new.jsonl"]


def test_a_file_has_no_tables(scored, source, tmp_path):
    with pytest.raises(UsageError, match="a file has no tables"):
        scored(source, tmp_path / "s.csv", table="mine")


# --- MLflow


def logged(workspace) -> list:
    client = open_store(workspace.store)
    experiment = client.get_experiment_by_name(SCORES_EXPERIMENT)
    return list(client.search_runs([experiment.experiment_id]))


def test_a_run_is_logged_with_what_came_of_it(scored, workspace, source, tmp_path):
    assert logged(workspace) == []
    summary = scored(source, tmp_path / "s.csv", track=True)
    (run,) = logged(workspace)
    assert run.info.status == "FINISHED"
    assert run.data.tags["kind"] == "score"
    found = find_model(workspace.store, MODEL)
    assert run.data.params == {
        "model": "topics",
        "version": str(found.version),
        "digest": summary.model.split("@")[1],
        "encoder": "hashing-256@1",
        "inputs": source,
        "output": str(tmp_path / "s.csv"),
    }
    figures = run.data.metrics
    assert (figures["posts"], figures["scored"]) == (53, 53)
    assert figures["decided/farming"] == summary.tally.decisions["farming"]
    assert figures["share/farming"] == summary.tally.decisions["farming"] / 53
    assert figures["posts_per_second"] == pytest.approx(53 / figures["seconds"])


def test_drift_is_the_same_after_a_stop_and_is_logged(scored, stopped, workspace, source, tmp_path):
    whole = scored(source, tmp_path / "whole.csv", drift=True).drift
    assert whole.known
    assert whole.n_posts == 53
    stopped(source, tmp_path / "s.csv", behind=3)
    resumed = scored(source, tmp_path / "s.csv", drift=True, track=True)
    assert resumed.n_resumed == 3 * WINDOW
    assert repr(resumed.drift) == repr(whole)
    figures = logged(workspace)[0].data.metrics
    assert figures["drift.posts"] == 53
    assert figures["drift.detected"] == float(whole.drifted)


def test_nobody_is_told_of_drift_who_did_not_ask(scored, source, tmp_path):
    assert scored(source, tmp_path / "s.csv").drift is None


def test_a_store_that_fails_loses_no_score(scored, source, tmp_path, monkeypatch):
    import sqlite3

    def locked(*arguments, **more):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("narraframe.io.tracking.open_store", locked)
    summary = scored(source, tmp_path / "s.csv", track=True)
    (warning,) = summary.warnings
    assert warning.startswith("the scores are written, but the run could not be logged to MLflow")
    assert "database is locked" in warning
    assert (tmp_path / "s.csv").exists()


def test_a_database_goes_on_too_and_its_password_is_nowhere(
    scored, stopped, source, tmp_path, workspace, counted
):
    import sqlite3

    url = f"sqlite:///{tmp_path}/s.db?timeout=7"
    stopped(source, url, behind=2)
    counted.clear()
    summary = scored(source, url, track=True)
    assert summary.n_resumed == 2 * WINDOW
    assert len(counted) == 4
    with closing(sqlite3.connect(tmp_path / "s.db")) as database:
        found = database.execute("SELECT count(*), count(DISTINCT post_id) FROM scores").fetchone()
        assert database.execute("SELECT count(*) FROM scores_progress").fetchone() == (0,)
    assert found == (2 * 53, 53)
    outputs = [run.data.params["output"] for run in logged(workspace)]
    assert f"sqlite:///{tmp_path}/s.db" in outputs
