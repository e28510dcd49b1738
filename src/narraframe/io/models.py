"""A trained model as a folder of its own: heads, thresholds, codebook, quality, what it has seen.

The folder holds data only. `parts.skops` is read with a fixed list of trusted types, so loading a
model never runs code that came with it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import ModelError
from narraframe.io.codebook import codebook_sha256, codebook_toml, parse_codebook
from narraframe.io.drift_reference import NAME as _REFERENCE
from narraframe.io.drift_reference import read_drift_reference, write_drift_reference
from narraframe.io.plain_parts import NotPlainError, read_plain
from narraframe.records import Codebook, DriftReference, Estimate, LabelQuality, Quality

_RECORD, _CODEBOOK, _PARTS = "model.json", "codebook.toml", "parts.skops"
_QUALITY, _SEEN, _SUMS = "quality.json", "seen.npy", "sha256.json"


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """What must fit before a model may be used, and where it came from.

    `languages` are those of its training posts; with `any_language` (a multilingual encoder) posts
    in others are scored too. `strange_languages` are those of `languages` that the encoder was not
    made for. `notes` are what a reader of its figures has to know of its data.
    """

    name: str
    encoder: str
    encoder_source: str
    codebook_version: str
    codebook_sha256: str
    languages: tuple[str, ...]
    any_language: bool
    strange_languages: tuple[str, ...]
    n_posts: int
    n_groups: int
    trained_at: str
    narraframe_version: str
    experiment: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """A model folder in memory; `parts` are what the classifier was taken apart into.

    `seen` uint64 (n, s) holds what is remembered of the training texts (see `workflows.seen`).
    `reference` is what new posts are compared with to tell drift; None in models without one.
    """

    record: ModelRecord
    codebook: Codebook
    parts: Mapping[str, Any]
    quality: Quality
    seen: NDArray[np.uint64]
    reference: DriftReference | None = None

    @cached_property
    def digest(self) -> str:
        """The first 8 hex digits of a sha256 over what decides its scores."""
        hasher = hashlib.sha256(f"{self.record.encoder} {self.record.codebook_sha256}".encode())
        _add_to(hasher, self.parts)
        return hasher.hexdigest()[:8]


def _add_to(hasher: Any, value: Any) -> None:
    """Feed a value of nested mappings, lists, arrays and plain values to `hasher`."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            hasher.update(str(key).encode())
            _add_to(hasher, value[key])
    elif isinstance(value, np.ndarray):
        hasher.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, list | tuple):
        hasher.update(f"{len(value)} values".encode())
        for item in value:
            _add_to(hasher, item)
    else:
        hasher.update(repr(value).encode())


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write `bundle` into the new `folder`."""
    import skops.io

    folder.mkdir(parents=True)
    record = asdict(bundle.record)
    (folder / _RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    (folder / _CODEBOOK).write_text(codebook_toml(bundle.codebook), "utf-8")
    (folder / _QUALITY).write_text(quality_json(bundle.quality), "utf-8")
    np.save(folder / _SEEN, np.unique(bundle.seen, axis=0), allow_pickle=False)
    skops.io.dump(dict(bundle.parts), folder / _PARTS)
    if bundle.reference is not None:
        write_drift_reference(folder, bundle.reference)
    (folder / _SUMS).write_text(json.dumps(_sums(folder), indent=1), "utf-8")


def load_bundle(folder: Path) -> Bundle:
    """Read a model folder.

    Raises
    ------
    ModelError
        If a file is missing or damaged, holds types that are not trusted, or the codebook is not
        the one that the model was trained with.
    """
    try:
        record = _record(json.loads((folder / _RECORD).read_text("utf-8")))
        codebook = parse_codebook((folder / _CODEBOOK).read_text("utf-8"), where=str(folder))
        quality = quality_from_json((folder / _QUALITY).read_text("utf-8"))
        seen = np.load(folder / _SEEN, allow_pickle=False)
        if json.loads((folder / _SUMS).read_text("utf-8")) != _sums(folder):
            raise ModelError(
                "is damaged: a file is not the one that training wrote",
                where=folder,
                remedy="Restore the folder, or train again.",
            )
        reference = read_drift_reference(folder)
        parts = _read_parts(folder)
    except FileNotFoundError as error:
        raise ModelError(
            f"{Path(error.filename).name} is missing: this is no narraframe model",
            where=folder,
            remedy="Train one with: narraframe train.",
        ) from error
    except ModelError:
        raise
    except Exception as error:  # a damaged archive fails in many ways, all mean this
        raise ModelError(
            f"is damaged: {error}", where=folder, remedy="Train the model again."
        ) from error
    if codebook_sha256(codebook) != record.codebook_sha256:
        raise ModelError(
            "its codebook.toml is not the one it was trained with",
            where=folder,
            got=codebook.version,
            remedy="Restore the folder, or train again.",
        )
    return Bundle(record, codebook, parts, quality, seen, reference)


def _read_parts(folder: Path) -> Any:
    """Read the parts; by skops, where they are not the plain ones that `save_bundle` writes."""
    try:
        return read_plain(folder / _PARTS)
    except NotPlainError:
        import skops.io
    strangers = skops.io.get_untrusted_types(file=folder / _PARTS)
    if strangers:
        raise ModelError("holds types that are not trusted", where=folder, got=strangers)
    return skops.io.load(folder / _PARTS, trusted=[])


def _sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of the files whose damage nothing else would show.

    A reference that is missing where there was one, or the reverse, is damage as well.
    """
    names = [_QUALITY, _SEEN, *([_REFERENCE] if (folder / _REFERENCE).exists() else [])]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def quality_json(quality: Quality, **beside: Any) -> str:
    """Return `quality` as JSON, undefined figures as null, with what is to be known `beside` it."""
    data = _without_nan(asdict(quality) | beside)
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)


def quality_from_json(text: str) -> Quality:
    """Read what `quality_json` wrote."""
    data = json.loads(text)
    labels = tuple(
        LabelQuality(**{f.name: _estimate(row[f.name]) for f in fields(LabelQuality)})
        for row in data["labels"]
    )
    names = [f.name for f in fields(Quality) if f.name in data and f.name != "labels"]
    plain = {name: _estimate(data[name]) for name in names}
    plain["undefined"] = tuple(plain["undefined"])
    return Quality(labels=labels, **plain)


def _record(data: dict[str, Any]) -> ModelRecord:
    lists = ("languages", "strange_languages", "notes")
    return ModelRecord(**data | {name: tuple(data[name]) for name in lists})


def _estimate(value: Any) -> Any:
    if isinstance(value, dict):
        known: dict[str, Any] = {k: math.nan if v is None else v for k, v in value.items()}
        return Estimate(**known)
    return math.nan if value is None else value


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and math.isnan(value) else value
