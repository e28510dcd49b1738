"""The real networks: one vector a text whatever it is embedded with, in every precision."""

import functools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.embeddings import backends, converted, openvino_backend
from narraframe.embeddings.calibration import sample_texts
from narraframe.embeddings.converted import NotConvertibleError
from narraframe.embeddings.embed import embed_posts
from narraframe.embeddings.encoder import precision_of, stands_in
from narraframe.embeddings.runtime import best_precision, has_openvino
from narraframe.embeddings.sentence import load_encoder
from narraframe.embeddings.weights import find_encoder
from narraframe.errors import EncoderError, PrecisionError

pytestmark = pytest.mark.slow
needs_openvino = pytest.mark.skipif(not has_openvino(), reason="OpenVINO is for x86 processors")
MINILM = "all-MiniLM-L6-v2"
TEXTS = [text[:600] for text in sample_texts()][:40]
# of 17 to 32 tokens, where int8 beside bf16 goes wrong
SHORT = [
    "Senate passes the gun bill after a long debate about background checks in rural states",
    "School shooting in Ohio: what we know so far about the victims, the suspect, the police and "
    "the families who wait outside",
]
TEXTS += [TEXTS[0] + "\n" + TEXTS[1] * 3, TEXTS[1] * 3 + "\n" + TEXTS[2], "x", "слово " * 300]


@functools.cache
def opened(backend, precision):
    if backend == "openvino" and not has_openvino():
        pytest.skip("OpenVINO is for x86 processors")
    try:
        return load_encoder(MINILM, device="cpu", backend=backend, precision=precision)
    except PrecisionError as error:
        pytest.skip(error.what)


@functools.cache
def whole(backend, precision):
    return opened(backend, precision).encode(TEXTS)


class Cache(dict):
    def get(self, keys):
        return {key: self[key] for key in keys if key in self}

    def put(self, keys, vectors):
        self.update(zip(keys, vectors, strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_vector_is_the_same_to_the_bit_in_any_company_order_and_cache(precision, data):
    encoder, expected = opened("openvino", precision), whole("openvino", precision)
    rows = data.draw(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=12))
    known = data.draw(st.lists(st.sampled_from(rows), max_size=4))
    texts = [TEXTS[i] for i in rows]
    assert encoder.encode(texts).tobytes() == expected[rows].tobytes()
    cache = Cache()
    if known:
        embed_posts([str(i) for i in range(len(known))], [TEXTS[i] for i in known], encoder,
                    cache=cache)  # fmt: skip
    found = embed_posts([str(i) for i in range(len(rows))], texts, encoder, cache=cache)
    assert found.vectors.tobytes() == expected[rows].tobytes()


@needs_openvino
def test_a_vector_is_the_same_to_the_bit_on_any_number_of_threads():
    from narraframe.embeddings.runtime import core

    network = converted.converted(find_encoder(MINILM), "fp32").network
    ids = [row[:256] for row in opened("openvino", "fp32").backend.tokenise(TEXTS[:6])]
    for hint in ("f32", "bf16") if best_precision() == "bf16" else ("f32",):
        vectors = []
        for n_threads in (1, 2):
            asked = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": n_threads}
            compiled = core().compile_model(network, "CPU", asked)
            mask = [np.ones((1, len(row)), np.int64) for row in ids]
            rows = [compiled([np.array([row]), one])[0] for row, one in zip(ids, mask, strict=True)]
            vectors.append(np.concatenate(rows).tobytes())
        assert vectors[0] == vectors[1]


def test_torch_gives_the_same_bits_in_any_company_too():
    encoder = opened("torch", "fp32")
    short = [text[:40] for text in TEXTS[:5]]
    together = encoder.encode(short)
    assert encoder.encode(short[3:]).tobytes() == together[3:].tobytes()
    assert encoder.encode(short[::-1]).tobytes() == together[::-1].tobytes()


@needs_openvino
@pytest.mark.parametrize(
    ("precision", "farthest"), [("fp32", 1e-6), ("bf16", 1e-4), ("int8", 1.2e-2)]
)
def test_vectors_are_as_near_to_those_of_torch_as_their_precision_allows(precision, farthest):
    texts = TEXTS[:8] + SHORT
    expected = opened("torch", "fp32").encode(texts)
    found = opened("openvino", precision).encode(texts)
    assert (1 - (expected * found).sum(axis=1)).max() < farthest


@needs_openvino
def test_the_precision_is_in_the_name_of_the_encoder():
    plain = opened("openvino", "fp32").name
    assert plain == find_encoder(MINILM).identity
    assert opened("openvino", "int8").name == f"{plain}+int8"
    assert opened("openvino", "bf16").name == f"{plain}+bf16"
    chosen = load_encoder(MINILM, device="cpu")
    assert precision_of(chosen.name) == best_precision() == chosen.backend.precision


def test_fp32_and_bf16_stand_in_for_each_other_and_int8_for_nothing_else():
    names = ["a@1", "a@1+bf16", "a@1+int8", "a@2", "b@1+bf16"]
    pairs = {(x, y) for x in names for y in names if x != y and stands_in(x, y)}
    assert pairs == {("a@1", "a@1+bf16"), ("a@1+bf16", "a@1")}
    assert all(stands_in(name, name) for name in names)


# --- the converted network on disk ---------------------------------------------------------------


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The cache in a folder of the test's own, with the network already in it."""
    import shutil

    opened("openvino", "fp32")
    [entry] = (converted.cache_folder() / "encoders").glob(f"{find_encoder(MINILM).revision}-fp32*")
    own = tmp_path / "cache/encoders" / entry.name
    shutil.copytree(entry, own)
    monkeypatch.setenv(converted.CACHE_VARIABLE, str(tmp_path / "cache"))
    return own


@needs_openvino
def test_a_converted_network_is_not_converted_again(copied, monkeypatch):
    monkeypatch.setattr("narraframe.embeddings.traced.trace", None)
    assert openvino_backend.load_openvino_backend(find_encoder(MINILM), precision="fp32")
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


@needs_openvino
@pytest.mark.parametrize("damaged", ["network.bin", "tokenizer.json", "about.json"])
def test_a_damaged_network_is_made_again(copied, monkeypatch, damaged):
    whole = converted._read(copied)
    with (copied / damaged).open("r+b") as stream:
        stream.seek(20)
        stream.write(b"\0damage")
    monkeypatch.setattr("narraframe.embeddings.traced.trace", lambda info: whole)
    assert converted._read(copied) is None
    again = converted.converted(find_encoder(MINILM), "fp32")
    assert again.tokenizer == whole.tokenizer
    assert sorted(path.name for path in copied.parent.iterdir()) == [copied.name]


@needs_openvino
def test_an_interrupted_conversion_leaves_nothing(copied, monkeypatch):
    def interrupted(info):
        raise KeyboardInterrupt

    (copied / "about.json").unlink()
    monkeypatch.setattr("narraframe.embeddings.traced.trace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        converted.converted(find_encoder(MINILM), "fp32")
    assert sorted(path.name for path in copied.parent.iterdir()) == [copied.name]


@needs_openvino
def test_what_cannot_be_converted_is_asked_once_and_then_left_to_torch(copied, monkeypatch):
    asked = []

    def refuse(info):
        asked.append(info.name)
        raise NotConvertibleError("it reads pictures")

    (copied / "about.json").unlink()
    monkeypatch.setattr("narraframe.embeddings.traced.trace", refuse)
    torch = opened("torch", "fp32").backend
    monkeypatch.setattr(backends, "load_torch_backend", lambda *_, **__: torch)
    info = find_encoder(MINILM)
    for _ in range(2):
        found = backends.open_backend(info, device="cpu", backend="auto", precision="auto")
        assert found is torch
    assert asked == [MINILM]
    with pytest.raises(EncoderError, match="OpenVINO cannot run this encoder: it reads pictures"):
        backends.open_backend(info, device="cpu", backend="openvino", precision="auto")


# --- what is not there ---------------------------------------------------------------------------


def test_int8_is_refused_where_openvino_does_not_run(monkeypatch):
    monkeypatch.setattr(backends, "has_openvino", lambda: False)
    with pytest.raises(PrecisionError, match=r'int8 is for OpenVINO.*precision = "auto"'):
        load_encoder(MINILM, device="cpu", precision="int8")
    with pytest.raises(EncoderError, match=r'OpenVINO is not on this machine.*backend = "auto"'):
        load_encoder(MINILM, backend="openvino")


@needs_openvino
def test_bf16_is_refused_where_the_processor_lacks_it(monkeypatch):
    monkeypatch.setattr(openvino_backend, "best_precision", lambda: "fp32")
    with pytest.raises(PrecisionError, match="no bf16"):
        load_encoder(MINILM, device="cpu", precision="bf16")
    assert load_encoder(MINILM, device="cpu").name == find_encoder(MINILM).identity


@needs_openvino
def test_a_device_is_nothing_for_openvino():
    with pytest.raises(EncoderError, match="on the CPU only"):
        load_encoder(MINILM, device="cuda", backend="openvino")


# --- a cold start --------------------------------------------------------------------------------

COLD = """
import socket, sys
def refuse(*_): raise AssertionError("a socket was opened")
socket.socket.connect = refuse
from narraframe.embeddings.sentence import load_encoder
encoder = load_encoder("all-MiniLM-L6-v2", device="cpu")
print(encoder.encode(["Ships wait.", "word " * 300]).shape)
heavy = {"torch", "transformers", "sentence_transformers", "mlflow", "matplotlib", "sklearn"}
print(sorted((heavy | {"huggingface_hub"}) & set(sys.modules)))
print([m for m in sys.modules if m.startswith("openvino_telemetry.")])
"""


@needs_openvino
def test_a_converted_encoder_needs_no_torch_opens_no_socket_and_has_no_telemetry():
    opened("openvino", best_precision())
    run = [sys.executable, "-c", COLD]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(2, 384)\n[]\n[]\n", "")
