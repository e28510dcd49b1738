"""Finding an encoder: where it is looked for, what is read of it, and what is refused."""

import hashlib
import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from narraframe.embeddings import weights
from narraframe.embeddings.weights import find_encoder
from narraframe.errors import EncoderError

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def write_encoder(
    folder: Path, *, content=b"weights", tokens=128, pooling=None, dense=None
) -> Path:
    """Write the files of an encoder as far as they are read without loading it."""
    modules = ["Transformer", "Pooling"] + (["Dense"] if dense else [])
    paths = ["", "1_Pooling", "2_Dense"]
    entries = [
        {"type": f"sentence_transformers.models.{m}", "path": p}
        for m, p in zip(modules, paths, strict=False)
    ]
    pooling = pooling or {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True}
    files = {
        "modules.json": entries,
        "config.json": {"max_position_embeddings": 514},
        "tokenizer_config.json": {"model_max_length": 512},
        "sentence_bert_config.json": {"max_seq_length": tokens},
        "1_Pooling/config.json": pooling,
    }
    if dense:
        files["2_Dense/config.json"] = {"in_features": 12, "out_features": dense}
    for path, value in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(value))
    (folder / "model.safetensors").write_bytes(content)
    return folder


@pytest.fixture
def no_hub(tmp_path, monkeypatch):
    """An empty copy of the hub, and a hub that refuses connections."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


DECIDING = [
    *("modules.json", "config.json", "sentence_bert_config.json", "1_Pooling/config.json"),
    *("config_sentence_transformers.json", "tokenizer.json", "tokenizer_config.json"),
    *("vocab.txt", "special_tokens_map.json", "sentencepiece.bpe.model"),
]


def test_a_local_folder_is_named_after_itself_and_its_files(tmp_path):
    folder = write_encoder(tmp_path / "my-encoder")
    info = find_encoder(str(folder))
    digests = sorted(
        [path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in folder.rglob("*.*")
    )
    revision = hashlib.sha256(json.dumps([2, digests]).encode()).hexdigest()[:12]
    assert (info.name, info.revision, info.path) == ("my-encoder", revision, folder)
    assert (info.dimension, info.max_tokens, info.languages) == (12, 128, None)
    assert info.identity == f"my-encoder@{revision}"


@pytest.mark.parametrize("name", DECIDING)
def test_every_file_that_decides_a_vector_is_in_the_revision(tmp_path, name):
    folder = write_encoder(tmp_path / "a")
    before = find_encoder(str(folder)).revision
    with (folder / name).open("a") as file:
        file.write(" ")
    assert find_encoder(str(folder)).revision != before


def test_another_way_of_pooling_chunks_is_another_revision(tmp_path, monkeypatch):
    folder = write_encoder(tmp_path / "a")
    before = find_encoder(str(folder)).revision
    monkeypatch.setattr(weights, "VECTOR_VERSION", weights.VECTOR_VERSION + 1)
    assert find_encoder(str(folder)).revision != before


def test_a_file_that_decides_nothing_and_the_place_change_no_revision(tmp_path):
    one, other = write_encoder(tmp_path / "a"), write_encoder(tmp_path / "elsewhere" / "a")
    (other / "README.md").write_text("about")
    (other / "data_config.json").write_text("{}")
    assert find_encoder(str(one)) == replace(find_encoder(str(other)), path=one)


def test_other_weights_are_another_revision(tmp_path):
    one = find_encoder(str(write_encoder(tmp_path / "a", content=b"one")))
    two = find_encoder(str(write_encoder(tmp_path / "b", content=b"two")))
    assert one.revision != two.revision


def test_the_revision_covers_every_weights_file(tmp_path):
    folder = write_encoder(tmp_path / "a", dense=5)
    before = find_encoder(str(folder)).revision
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"dense")
    assert find_encoder(str(folder)).revision != before


def test_a_dense_layer_sets_the_dimension(tmp_path):
    assert find_encoder(str(write_encoder(tmp_path / "a", dense=5))).dimension == 5


def test_several_pooling_modes_are_joined(tmp_path):
    both = {
        "word_embedding_dimension": 12,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": True,
        "pooling_mode_cls_token": False,
    }
    assert find_encoder(str(write_encoder(tmp_path / "a", pooling=both))).dimension == 24


def test_the_newer_form_of_pooling_configuration_is_read(tmp_path):
    newer = {"embedding_dimension": 12, "pooling_mode": "mean"}
    assert find_encoder(str(write_encoder(tmp_path / "a", pooling=newer))).dimension == 12


def test_an_unstated_length_is_the_smaller_of_positions_and_tokenizer(tmp_path):
    assert find_encoder(str(write_encoder(tmp_path / "a", tokens=None))).max_tokens == 512


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_packaged_encoder_is_found_under_both_names(name):
    info = find_encoder(name)
    assert info.identity == "all-MiniLM-L6-v2@a0f4b28954cc"
    assert (info.dimension, info.max_tokens, info.languages) == (384, 256, frozenset({"en"}))


def test_a_copy_of_the_packaged_encoder_is_known_to_be_english(tmp_path):
    folder = write_encoder(tmp_path / "copy")
    source = find_encoder("all-MiniLM-L6-v2").path / "model.safetensors"
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(source)
    assert find_encoder(str(folder)).languages == frozenset({"en"})


def test_packaged_weights_that_are_not_the_published_ones_are_refused(tmp_path, monkeypatch):
    folder = write_encoder(tmp_path / "model", content=b"tampered")
    monkeypatch.setattr(weights, "_packaged_minilm", lambda: folder)
    with pytest.raises(EncoderError, match=r"not those published as all-MiniLM-L6-v2.*Install"):
        find_encoder("all-MiniLM-L6-v2")


def test_a_local_folder_goes_before_the_package(tmp_path, monkeypatch):
    folder = write_encoder(tmp_path / "all-MiniLM-L6-v2", content=b"mine")
    monkeypatch.chdir(tmp_path)
    assert find_encoder("all-MiniLM-L6-v2").path == folder


def test_the_local_copy_of_the_hub_is_searched(no_hub):
    repo = no_hub / "models--sentence-transformers--some-multilingual-encoder"
    commit = "0" * 40
    write_encoder(repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    for name in ("some-multilingual-encoder", "sentence-transformers/some-multilingual-encoder"):
        info = find_encoder(name)
        assert (info.name, info.languages) == ("some-multilingual-encoder", None)


@pytest.mark.parametrize("name", ["no-such-encoder", "a/b", "a/b/c", "with space", "-", ""])
@pytest.mark.parametrize("download", [False, True])
def test_an_unknown_name_is_refused_within_seconds(no_hub, name, download, capfd):
    started = time.monotonic()
    with pytest.raises(EncoderError, match=r"not on this machine.*Check its name and the network"):
        find_encoder(name, download=download)
    assert time.monotonic() - started < 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_hub_that_never_answers_is_given_up_within_seconds(no_hub, monkeypatch):
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(weights, "_HUB_TIMEOUT", 0.5)
        started = time.monotonic()
        with pytest.raises(EncoderError, match="could not be fetched"):
            find_encoder("no-such-encoder", download=True)
        assert time.monotonic() - started < 5


def test_a_path_that_is_not_there_is_not_taken_for_a_hub_name(tmp_path):
    with pytest.raises(EncoderError, match=r"no such encoder folder.*Check the path"):
        find_encoder(str(tmp_path / "absent"))


def test_pickled_weights_are_refused(tmp_path):
    folder = write_encoder(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="pickled weights are not loaded"):
        find_encoder(str(folder))


@pytest.mark.parametrize("content", ["{", "[1]", "[]", '[{"type": "x.Pooling"}]'])
def test_damaged_configuration_is_refused(tmp_path, content):
    folder = write_encoder(tmp_path / "a")
    (folder / "modules.json").write_text(content)
    with pytest.raises(EncoderError, match="JSON files are damaged or incomplete"):
        find_encoder(str(folder))


def test_finding_an_encoder_imports_no_model_library():
    code = (
        "import sys; from narraframe.embeddings.sentence import find_encoder;"
        "find_encoder('all-MiniLM-L6-v2');"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
