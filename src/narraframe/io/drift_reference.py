"""What a model keeps of its training posts to tell drift: one file of arrays, no text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from narraframe.records import DriftReference

NAME = "reference.npz"


def write_drift_reference(folder: Path, reference: DriftReference) -> None:
    """Write `reference` into the model folder; vectors are halved to 16 bits."""
    np.savez_compressed(
        folder / NAME,
        allow_pickle=False,
        encoder=np.array(reference.encoder),
        vectors=reference.vectors.astype(np.float16),
        languages=np.array([code for code, _ in reference.languages], dtype=np.str_),
        n_languages=np.array([n for _, n in reference.languages], dtype=np.int64),
        label_ids=np.array(reference.label_ids, dtype=np.str_),
        n_decided=reference.n_decided,
        n_positive=reference.n_positive,
    )


def read_drift_reference(folder: Path) -> DriftReference | None:
    """Read what the model folder keeps; None where it keeps nothing, as older models do.

    Raises
    ------
    ValueError, OSError, KeyError
        If the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        vectors = arrays["vectors"].astype(np.float32)
        languages = zip(arrays["languages"].tolist(), arrays["n_languages"].tolist(), strict=True)
        return DriftReference(
            encoder=str(arrays["encoder"]),
            # 16 bits leave lengths a little off 1
            vectors=vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12),
            languages=tuple(languages),
            label_ids=tuple(arrays["label_ids"].tolist()),
            n_decided=arrays["n_decided"],
            n_positive=arrays["n_positive"],
        )
