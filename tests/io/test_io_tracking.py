import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from store_cases import CANDIDATES, HELD_OUT, log

from narraframe.errors import ModelError, OutputError
from narraframe.io import registry
from narraframe.io import store as store_module
from narraframe.io.held_out import read_held_out
from narraframe.io.registry import aliases, find_model, model_titles, set_alias
from narraframe.io.store import EXPERIMENT, open_store
from narraframe.io.tracking import log_themes

pytestmark = pytest.mark.filterwarnings("ignore:.*Add type hints:UserWarning")
WRITER = """
import sys
from contextlib import closing
from pathlib import Path

import mlflow.data
import mlflow.pyfunc
from store_cases import log

name, store, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
print([log(store, folder / str(i), name=name).version for i in range(2)])
"""


def scored(uri: str) -> list[float]:
    import mlflow

    return (
        mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"text": ["one", "two"]}))["p"].tolist()
    )


def the_run(store: Path):
    client = open_store(store)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    (run,) = client.search_runs([experiment.experiment_id])
    return client, run


def test_a_run_holds_parameters_metrics_tags_and_files(store):
    client, run = the_run(store)
    assert run.data.params == {"heads.features": "both", "seed": "0"}
    assert run.data.tags.items() >= {"data": "posts.parquet", "codebook": "1.0.0"}.items()
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"f1_by_label.png", "results.csv"} <= names
    assert run.info.status == "FINISHED"


def test_an_undefined_metric_is_left_out_of_a_run(store):
    _, run = the_run(store)
    assert run.data.metrics == {"micro_f1": 0.5}


def children(client, run_id: str) -> list:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs(
        [experiment.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'",
        order_by=["attributes.start_time"],
    )


def test_a_run_keeps_its_held_out_predictions_where_the_store_goes(store, tmp_path):
    made = log(store, tmp_path / "again", tables={"held_out.parquet": HELD_OUT})
    copy = Path(shutil.copytree(store, tmp_path / "copy"))
    shutil.rmtree(store)
    folder = Path(open_store(copy).get_run(made.run_id).info.artifact_uri)
    assert folder.is_relative_to(copy)
    assert read_held_out(folder / "held_out.parquet").post_ids == ("a", "b")


def test_each_candidate_of_a_grid_is_a_nested_run_of_its_own(store, tmp_path):
    made = log(store, tmp_path / "grid", children=CANDIDATES)
    client = open_store(store)
    first, second = children(client, made.run_id)
    assert (first.info.run_name, second.info.run_name) == ("candidate 0", "candidate 1")
    assert second.data.params == {"heads.features": "tfidf"}
    assert second.data.metrics == {"macro_f1": 0.25}
    assert second.data.tags.items() >= {"kind": "candidate", "codebook": "1.0.0"}.items()
    kept = read_held_out(Path(second.info.artifact_uri) / "held_out.parquet")
    assert kept.probability.tolist()[0] == [0.75]
    parent = client.get_run(made.run_id)
    assert parent.data.tags["kind"] == "train"
    assert parent.data.params["heads.features"] == "both"


def test_the_model_says_what_goes_in_and_what_comes_out(store):
    import mlflow

    open_store(store)
    signature = mlflow.models.get_model_info("models:/topics@challenger").signature
    assert signature.inputs.to_dict() == [{"type": "string", "name": "text", "required": True}]
    assert signature.outputs.to_dict() == [{"type": "float", "name": "p", "required": True}]


def test_a_run_of_themes_stands_in_an_experiment_of_its_own(store):
    run_id = log_themes(
        store, parameters={"engine": "graph"}, metrics={"n": 3.0}, tags={}, files={"t.txt": "x"}
    )
    run = open_store(store).get_run(run_id)
    assert (run.data.params, run.data.metrics) == ({"engine": "graph"}, {"n": 3.0})
    assert run.info.experiment_id != the_run(store)[1].info.experiment_id


def test_a_run_names_the_data_that_it_learnt_from(store):
    _, run = the_run(store)
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "train"
    assert '"num_rows": 2' in used.dataset.profile
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_the_model_of_a_run_is_the_challenger_and_found_by_alias_and_by_version(store):
    by_alias = find_model(store, "models:/topics@challenger")
    assert by_alias == find_model(store, "models:/topics/1")
    assert (by_alias.title, by_alias.version) == ("topics/1", 1)
    assert (by_alias.folder / "weight.txt").read_text() == "0.25"
    assert by_alias.run_id == the_run(store)[1].info.run_id


def test_a_version_beyond_all_numbers_is_none_there_is(tmp_path):
    open_store(tmp_path / "store")
    with pytest.raises(ModelError, match="no such model, alias or version"):
        find_model(tmp_path / "store", "models:/topics/99999999999999999999")


def test_a_second_run_makes_version_two_and_moves_the_challenger_only(store, tmp_path):
    set_alias(store, "topics", "champion", 1)
    second = log(store, tmp_path / "again", weight=0.75)
    assert second.version == 2
    assert aliases(store, "topics") == {"champion": 1, "challenger": 2}
    assert model_titles(store) == ("topics @challenger=2 @champion=1",)
    assert second == find_model(store, "models:/topics@challenger")
    assert (
        find_model(store, "models:/topics@champion").folder / "weight.txt"
    ).read_text() == "0.25"


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("topics", "is not the address of a model.*Write models:/NAME@champion"),
        ("models:/topics", "is not the address of a model"),
        ("models:/topics/latest", "is not the address of a model"),
        ("models:/themes@champion", "no such model, alias or version.*Registered models: topics"),
        ("models:/topics@champion", "topics has versions 1 and aliases @challenger"),
        ("models:/topics/7", "topics has versions 1 and aliases @challenger"),
    ],
)
def test_a_model_that_is_not_there_is_answered_by_what_there_is(store, uri, what):
    with pytest.raises(ModelError, match=what):
        find_model(store, uri)


def test_a_workspace_without_a_store_has_no_model_and_gets_no_store(tmp_path):
    with pytest.raises(ModelError, match=r"no model yet.*narraframe train"):
        find_model(tmp_path / "store", "models:/topics@champion")
    assert aliases(tmp_path / "store", "topics") == {}
    assert model_titles(tmp_path / "store") == ()
    assert not (tmp_path / "store").exists()


def test_the_aliases_of_an_unknown_model_are_none(store):
    assert aliases(store, "nothing") == {}


def test_a_moved_store_finds_and_loads_its_model(store, tmp_path):
    open_store(store)
    moved = store.rename(tmp_path / "elsewhere")
    assert find_model(moved, "models:/topics@challenger").folder.is_relative_to(moved)
    assert scored("models:/topics@challenger") == [0.25, 0.25]


def test_a_copied_store_loads_its_own_model_while_the_first_one_stands(template, tmp_path):
    copy = Path(shutil.copytree(template, tmp_path / "copy"))
    found = find_model(copy, "models:/topics@challenger")
    (found.folder / "weight.txt").write_text("0.5")
    assert found.folder.is_relative_to(copy)
    assert scored("models:/topics@challenger") == [0.5, 0.5]
    assert (find_model(template, "models:/topics/1").folder / "weight.txt").read_text() == "0.25"
    open_store(template)
    assert scored("models:/topics@challenger") == [0.25, 0.25]


def test_a_moved_store_still_shows_the_files_of_its_runs_and_takes_new_ones(store, tmp_path):
    open_store(store)
    moved = store.rename(tmp_path / "elsewhere")
    client, run = the_run(moved)
    assert Path(run.info.artifact_uri).is_relative_to(moved)
    assert client.list_artifacts(run.info.run_id)
    assert log(moved, tmp_path / "new", weight=0.75).folder.is_relative_to(moved)
    assert scored("models:/topics/2") == [0.75, 0.75]


@pytest.mark.parametrize("name", ["with a space", "Київ №1", "100% #1 'mine'"])
def test_a_store_may_lie_in_a_folder_of_any_name(template, tmp_path, name):
    moved = Path(shutil.copytree(template, tmp_path / name / "store"))
    find_model(moved, "models:/topics@challenger")
    assert scored("models:/topics@challenger") == [0.25, 0.25]
    assert log(moved, tmp_path / "new").version == 2
    assert scored("models:/topics/2") == [0.25, 0.25]


def test_a_store_that_was_not_moved_is_not_written_to(store):
    open_store(store)
    before = (store / "mlflow.db").read_bytes()
    find_model(store, "models:/topics@challenger")
    assert (store / "mlflow.db").read_bytes() == before


def test_a_model_whose_files_are_gone_is_named(store):
    shutil.rmtree(find_model(store, "models:/topics/1").folder)
    with pytest.raises(ModelError, match=r"files are gone.*Restore"):
        find_model(store, "models:/topics/1")


@pytest.mark.parametrize("uri", ["models:/topics@challenger", "models:/topics/1"])
def test_reading_the_database_finds_what_mlflow_finds_and_does_not_import_it(store, uri):
    open_store(store)  # which gives the copied store its own paths
    found = registry._ask_mlflow(store, uri, registry._MODEL_URI.fullmatch(uri))
    code = (
        "import sys; from pathlib import Path; from narraframe.io.registry import find_model;"
        "print(find_model(Path(sys.argv[1]), sys.argv[2]));"
        "assert not {'mlflow', 'sqlalchemy', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store), uri], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (str(found), "")


def test_a_database_of_another_schema_is_left_to_mlflow(store, monkeypatch):
    uri = "models:/topics/1"
    found = find_model(store, uri)
    monkeypatch.setattr(registry, "_BY_VERSION", "SELECT nothing FROM no_table")
    assert find_model(store, uri) == found


def test_a_damaged_database_is_named(store):
    (store / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(ModelError, match=r"mlflow\.db.*store is damaged"):
        find_model(store, "models:/topics/1")


def test_a_store_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"model store cannot be made.*may write to"):
        open_store(tmp_path / "file" / "store")


def test_a_store_below_a_folder_with_a_question_mark_is_refused_not_put_elsewhere(tmp_path):
    with pytest.raises(OutputError, match=r"folder with \? in its name.*Rename"):
        open_store(tmp_path / "why?" / "store")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_making_of_the_database_leaves_none_behind(tmp_path, monkeypatch):
    def interrupted(database, store):
        database.write_bytes(b"half of the tables")
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "_client", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path / "store")
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["artifacts"]


def test_the_database_of_a_process_that_was_faster_is_kept(tmp_path, monkeypatch):
    database = tmp_path / "store" / "mlflow.db"

    def slow(path, store):
        if path != database:
            path.write_bytes(b"mine")
            database.write_bytes(b"theirs")

    monkeypatch.setattr(store_module, "_client", slow)
    open_store(tmp_path / "store")
    assert database.read_bytes() == b"theirs"
    assert sorted(p.name for p in database.parent.iterdir()) == ["artifacts", "mlflow.db"]


def test_the_database_is_put_in_its_place_also_where_there_are_no_links(tmp_path, monkeypatch):
    def no_links(path, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    monkeypatch.setattr(store_module, "_client", lambda path, store: path.write_bytes(b"tables"))
    open_store(tmp_path / "store")
    assert (tmp_path / "store" / "mlflow.db").read_bytes() == b"tables"
    assert len(list((tmp_path / "store").iterdir())) == 2


def test_two_processes_log_versions_of_one_new_model_at_once(store, tmp_path):
    open_store(store)
    other = subprocess.Popen(
        [sys.executable, "-c", WRITER, "fresh", str(store), str(tmp_path / "theirs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    mine = [log(store, tmp_path / f"mine{i}", name="fresh").version for i in range(2)]
    theirs, _ = other.communicate(timeout=60)
    assert other.returncode == 0
    assert sorted([*mine, *json.loads(theirs)]) == [1, 2, 3, 4]
    for version in range(1, 5):
        assert find_model(store, f"models:/fresh/{version}").folder.is_dir()
    with closing(sqlite3.connect(store / "mlflow.db")) as connection:
        (n,) = connection.execute("SELECT count(*) FROM runs WHERE status='FINISHED'").fetchone()
    assert n == 5


def test_figures_of_long_names_that_begin_alike_are_logged_apart(tmp_path):
    long = "average_precision/" + "x" * 240
    figures = {f"{long}_{end}": value for end, value in (("one", 0.25), ("two.low", 0.5))}
    log(tmp_path / "store", tmp_path / "new", metrics=figures | {"macro_f1": 0.75})
    _, run = the_run(tmp_path / "store")
    assert sorted(run.data.metrics.values()) == [0.25, 0.5, 0.75]
    assert all(len(name) <= 250 for name in run.data.metrics)
    assert run.data.metrics["macro_f1"] == 0.75
