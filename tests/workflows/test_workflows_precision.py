"""Scoring follows the precision that a model was trained in, and no post feels its window."""

import functools
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_workflows_train import lines, records

from narraframe.config import Config, EncoderSettings, Workspace
from narraframe.embeddings.encoder import precision_of
from narraframe.embeddings.runtime import best_precision, has_openvino
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import ConfigError, ModelError, PrecisionError
from narraframe.records import Post
from narraframe.workflows import scorer
from narraframe.workflows.precision import open_precisely
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.train import train_labelled
from narraframe.workflows.watch import Silent


@dataclass(frozen=True)
class Named:
    name: str


def hardware(*precisions):
    """Return the loader of a machine that has these precisions, the best first."""

    def load(name, *, device, backend, precision):
        assert (device, backend) == (None, "auto")
        chosen = precisions[0] if precision == "auto" else precision
        if chosen not in precisions:
            raise PrecisionError(f"no {chosen} here")
        return Named(f"{name}@1" + ("" if chosen == "fp32" else f"+{chosen}"))

    return load


ALL = hardware("bf16", "fp32", "int8")


@pytest.mark.parametrize("recorded", ["e@1", "e@1+bf16", "e@1+int8"])
def test_a_model_is_read_in_its_own_precision_where_nothing_else_is_asked_for(recorded):
    opened = open_precisely(ALL, "e", recorded, settings=EncoderSettings())
    assert (opened.encoder.name, opened.warning) == (recorded, "")


@pytest.mark.parametrize(
    ("recorded", "asked", "got"),
    [
        ("e@1", "bf16", "e@1+bf16"),
        ("e@1+bf16", "fp32", "e@1"),
        ("e@1", "int8", "e@1"),
        ("e@1+int8", "fp32", "e@1+int8"),
    ],
)
def test_the_settings_choose_among_what_may_stand_in(recorded, asked, got):
    opened = open_precisely(ALL, "e", recorded, settings=EncoderSettings(precision=asked))
    assert (opened.encoder.name, opened.warning) == (got, "")


def test_without_bf16_fp32_stands_in_with_one_warning():
    opened = open_precisely(hardware("fp32"), "e", "e@1+bf16", settings=EncoderSettings())
    assert opened.encoder.name == "e@1"
    assert opened.warning == "no bf16 here: vectors are made in fp32, which takes longer"


def test_nothing_stands_in_for_int8():
    with pytest.raises(PrecisionError, match="no int8 here"):
        open_precisely(hardware("fp32"), "e", "e@1+int8", settings=EncoderSettings())


@pytest.mark.parametrize("line", ['backend = "onnx"', 'precision = "fp16"', "precision = 8"])
def test_a_backend_or_precision_that_there_is_not_is_a_fault_of_the_settings(tmp_path, line):
    from narraframe.config.toml import load

    (tmp_path / "narraframe.toml").write_text(f"[encoder]\n{line}\n")
    with pytest.raises(ConfigError, match=line.split()[0]):
        load(Config, tmp_path / "narraframe.toml")


# --- the real encoder ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    if not has_openvino():
        pytest.skip("OpenVINO is for x86 processors")
    root = tmp_path_factory.mktemp("precision")
    return root, trained(root, "auto")


@pytest.fixture(scope="module")
def opened(model):
    return scorer.open_folder(model[1])


POSTS = [Post(post_id=row["id"], text=row["text"], lang="en") for row in records(24, seed=2)]


@pytest.mark.slow
def test_the_record_of_a_model_holds_the_precision_of_its_training(opened):
    assert precision_of(opened.bundle.record.encoder) == best_precision()
    assert opened.encoder.name == opened.bundle.record.encoder


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.integers(0, len(POSTS) - 1), min_size=1, max_size=10, unique=True))
def test_probabilities_are_the_same_to_the_bit_whatever_the_window(opened, rows):
    whole = opened.score(POSTS)
    part = opened.score([POSTS[i] for i in rows])
    assert part.probability.tobytes() == whole.probability[rows].tobytes()
    assert part.decision.tobytes() == whole.decision[rows].tobytes()


@pytest.mark.slow
def test_a_model_of_another_encoder_is_refused(model, monkeypatch):
    monkeypatch.setattr(scorer, "load_encoder", lambda name, **_: Named("other@1+bf16"))
    with pytest.raises(ModelError, match=r"at hand is other@1\+bf16, but the model was trained"):
        scorer.open_folder(model[1])


def trained(root, precision):
    """Return the folder of a model that was trained on vectors of `precision`."""
    config = Config(encoder=EncoderSettings(precision=precision))
    training = lines(root / "train.jsonl", records(60, seed=1))
    workspace = Workspace(root, config, is_set_up=True)
    made = train_labelled(
        [training], name="topics", options=ReadOptions(), workspace=workspace, watch=Silent()
    )
    return made.model.folder


@pytest.mark.slow
def test_a_model_trained_on_int8_reads_int8_and_nothing_else(model, tmp_path, monkeypatch):
    pytest.importorskip("nncf")
    own, others = trained(tmp_path, "int8"), model[1]
    asked = EncoderSettings(precision="fp32")
    opened = scorer.open_folder(own, settings=asked)
    name = opened.bundle.record.encoder
    assert precision_of(name) == precision_of(opened.encoder.name) == "int8"
    assert not opened.score(POSTS[:2]).reasons[0]

    def load(precision):
        given = functools.partial(load_encoder, "all-MiniLM-L6-v2", precision=precision)
        monkeypatch.setattr(scorer, "load_encoder", lambda *_, **__: given())

    load("fp32")
    with pytest.raises(ModelError, match=r"but the model was trained with .*\+int8"):
        scorer.open_folder(own)
    load("int8")
    with pytest.raises(ModelError, match=r"at hand is .*\+int8, but the model was trained with"):
        scorer.open_folder(others)


COLD = """
import sys
from pathlib import Path
import narraframe.cli, narraframe.workflows.score
from narraframe.io.registry import find_model
from narraframe.records import Post
from narraframe.workflows.scorer import open_folder
found = find_model(Path(sys.argv[1]), "models:/topics@challenger")
scores = open_folder(found.folder).score([Post(post_id="a", text="Ships wait in the harbour.")])
print(scores.probability.shape[0], scores.reasons)
heavy = {"torch", "transformers", "sentence_transformers", "mlflow", "matplotlib", "skops"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.slow
def test_the_first_score_needs_neither_torch_nor_mlflow(model):
    run = [sys.executable, "-c", COLD, str(model[0] / "models/store")]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1 ('',)\n[]\n", "")
