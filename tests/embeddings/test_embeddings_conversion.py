"""Converting and quantising, on an encoder that is small enough to do so twice."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from narraframe.embeddings.converted import CACHE_VARIABLE
from narraframe.embeddings.runtime import has_openvino
from narraframe.embeddings.weights import find_encoder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_openvino(), reason="OpenVINO is for x86 processors"),
]
MINILM = "all-MiniLM-L6-v2"
WIDTH = 32

CONVERT = """
import sys
said = []
def hear(event, args):
    if event.startswith("socket.") and event != "socket.__new__" or event in CHILDREN:
        said.append(f"{event} {args}")
CHILDREN = {"os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
sys.addaudithook(hear)
from narraframe.embeddings.sentence import load_encoder
from narraframe.embeddings.encoder import text_key
texts = ["Ships wait.", "The ministers agreed to trade in their own currencies. " * 9]
for precision in ("fp32", "int8"):
    encoder = load_encoder(sys.argv[1], device="cpu", precision=precision)
    print(encoder.name, text_key(encoder.encode(texts).tobytes().hex()))
print(said)
print([m for m in sys.modules if m.startswith("openvino_telemetry.")])
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """MiniLM cut down: two of its layers, and of each a corner."""
    folder = tmp_path_factory.mktemp("encoders") / "small"
    shutil.copytree(find_encoder(MINILM).path, folder)
    narrow = {384: WIDTH, 1536: 2 * WIDTH}
    whole = load_file(folder / "model.safetensors")
    kept = {
        name: np.ascontiguousarray(part[tuple(slice(narrow.get(n, n)) for n in part.shape)])
        for name, part in whole.items()
        if "layer." not in name or ".layer.0." in name or ".layer.1." in name
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    sizes = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH}
    heads = {"num_hidden_layers": 2, "num_attention_heads": 2}
    _change(folder / "config.json", **sizes, **heads)
    _change(folder / "1_Pooling/config.json", word_embedding_dimension=WIDTH)
    return folder


def _change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_conversion_opens_no_socket_and_gives_the_same_networks_again(small, tmp_path):
    pytest.importorskip("nncf")
    said, networks = [], []
    for cache in ("a", "b"):
        run = [sys.executable, "-c", CONVERT, str(small)]
        own = {**os.environ, CACHE_VARIABLE: str(tmp_path / cache)}
        done = subprocess.run(run, capture_output=True, text=True, check=False, env=own)
        said.append((done.stdout.split("\n"), done.stderr))
        networks.append(
            {
                (path.parent.name, path.name): path.read_bytes()
                for path in (tmp_path / cache).rglob("*")
                if path.is_file()
            }
        )
    [plain, quantised, heard, telemetry, _] = said[0][0]
    assert (heard, telemetry, said[0][1]) == ("[]", "[]", "")
    name = find_encoder(str(small)).identity
    assert (plain.split()[0], quantised.split()[0]) == (name, f"{name}+int8")
    assert plain.split()[1] != quantised.split()[1]
    assert said[0] == said[1]
    assert networks[0] == networks[1]
    assert len(networks[0]) == 8
