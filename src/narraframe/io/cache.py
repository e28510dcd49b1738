"""Embeddings on disk, keyed by content hash and encoder.

Each store writes a segment of its own (see `narraframe.io.segments`), so a crash leaves whole
segments only, and several writers need no lock: a text that is stored twice does no harm.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import EncoderError, NarraframeError
from narraframe.io.segments import (
    KEY_BYTES,
    SUFFIX,
    TEMPORARY,
    DamagedError,
    Keys,
    Segment,
    open_segment,
    write_segment,
)

_DAMAGED = ".damaged"
_BLOCK = 4_000  # rows copied at a time, which bounds memory
_MAX_SEGMENTS = 64  # beyond this, the smaller half becomes one
_MAX_SCANS = 5
_ABANDONED_S = 3_600.0


class EmbeddingCache:
    """The stored vectors of one encoder: a `VectorCache` on disk.

    Segments lie in a sub-folder named after the encoder. Keys are verified on opening, vectors when
    they are first needed; a damaged segment is renamed to ``*.damaged`` and treated as not stored.

    Parameters
    ----------
    folder : Path
        The cache of all encoders; made at the first store.
    encoder_name : str
        "name@revision".

    Raises
    ------
    EncoderError
        If a segment there was written for another encoder, or for other dimensions.
    NarraframeError
        If the folder cannot be read.
    """

    def __init__(self, folder: Path, encoder_name: str) -> None:
        self.folder = folder / quote(encoder_name, safe="@ ")
        self._encoder = encoder_name
        self._segments: list[Segment] = []
        self._sound: set[Path] = set()
        self._faults: list[str] = []
        self._turn = threading.Lock()  # threads of one process share what is open
        with _explained(self.folder, "cannot be read"):
            _remove_abandoned(self.folder)
            # A file that vanishes was merged by another writer, into one that is there by now.
            for _ in range(_MAX_SCANS):
                if self._open_segments():
                    break

    @property
    def faults(self) -> tuple[str, ...]:
        """What was found damaged and set aside so far, one sentence each."""
        return tuple(self._faults)

    def get(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors that are stored.

        Parameters
        ----------
        keys : sequence of str
            sha256 in hex.

        Returns
        -------
        dict
            From those of `keys` that are stored to a float32 array of shape (d,).
        """
        wanted = _packed(keys)
        missing = np.arange(len(wanted))
        found: dict[str, NDArray[np.float32]] = {}
        with self._turn, _explained(self.folder, "cannot be read"):
            for segment in tuple(self._segments):
                row = np.searchsorted(segment.keys, wanted[missing])
                row = np.minimum(row, len(segment.keys) - 1)
                hit = segment.keys[row] == wanted[missing]
                if not hit.any() or not self._is_sound(segment):
                    continue
                vectors = np.array(segment.vectors[row[hit]], dtype=np.float32)
                found.update(zip((keys[i] for i in missing[hit]), vectors, strict=True))
                missing = missing[~hit]
        return found

    def put(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store vectors; when this returns, they are safely on disk.

        Parameters
        ----------
        keys : sequence of str of length n
            sha256 in hex; may repeat, also with what is stored.
        vectors : float array of shape (n, d)

        Raises
        ------
        EncoderError
            If the stored vectors have other dimensions.
        NarraframeError
            If the folder cannot be written or the disk is full; what was stored before stays.
        """
        if vectors.ndim != 2 or len(vectors) != len(keys):
            raise ValueError(f"{len(keys)} keys but vectors of shape {vectors.shape}")
        if not len(keys):
            return
        unique, first = np.unique(_packed(keys), return_index=True)
        with self._turn, _explained(self.folder, "cannot be written"):
            self._check_dimension(self.folder, vectors.shape[1])
            self.folder.mkdir(parents=True, exist_ok=True)
            path = write_segment(
                self.folder, self._encoder, unique, vectors.shape[1], [vectors[first]]
            )
            self._adopt(path)
            if len(self._segments) > _MAX_SEGMENTS:
                self._merge_smaller_half()

    def _open_segments(self) -> bool:
        """Open what is not open yet; False if a file vanished meanwhile."""
        complete = True
        known = {segment.path for segment in self._segments}
        for path in _files(self.folder, SUFFIX):
            if path in known:
                continue
            try:
                self._add(open_segment(path))
            except FileNotFoundError:
                complete = False
            except DamagedError as damage:
                self._set_aside(path, str(damage))
        return complete

    def _adopt(self, path: Path) -> bool:
        """Open a segment that was just written; False if another writer has merged it already."""
        try:
            self._add(open_segment(path))
        except FileNotFoundError:
            return False
        self._sound.add(path)
        return True

    def _add(self, segment: Segment) -> None:
        if segment.encoder != self._encoder:
            raise EncoderError(
                f"stored vectors come from another encoder than {self._encoder}",
                where=segment.path,
                got=segment.encoder,
                remedy="Remove that file, or use another cache folder.",
            )
        self._check_dimension(segment.path, segment.vectors.shape[1])
        self._segments.append(segment)

    def _check_dimension(self, where: Path, dimension: int) -> None:
        stored = {segment.vectors.shape[1] for segment in self._segments[:1]}
        if stored and stored != {dimension}:
            raise EncoderError(
                f"vectors have {dimension} dimensions, those stored of {self._encoder} have "
                f"{stored.pop()}",
                where=where,
                remedy="Use another cache folder, or remove that of this encoder.",
            )

    def _is_sound(self, segment: Segment) -> bool:
        """Verify the vectors once; a damaged segment is dropped and set aside."""
        if segment.path not in self._sound:
            if not segment.is_sound():
                self._segments.remove(segment)
                self._set_aside(segment.path, "its vectors do not match their checksum")
                return False
            self._sound.add(segment.path)
            segment.release()
        return True

    def _set_aside(self, path: Path, reason: str) -> None:
        # Another process may have been faster, or the folder read-only: it is ignored all the same.
        with contextlib.suppress(OSError):
            path.rename(path.with_name(path.name + _DAMAGED))
        self._faults.append(f"{path}: {reason}; it is no longer used, its texts are embedded again")

    def _merge_smaller_half(self) -> None:
        """Write the smaller segments as one, then remove them."""
        by_size = sorted(self._segments, key=lambda segment: len(segment.keys))
        parts = [part for part in by_size[: (len(by_size) + 1) // 2] if self._is_sound(part)]
        if not parts:
            return
        keys, first = np.unique(np.concatenate([p.keys for p in parts]), return_index=True)
        blocks = _gathered(parts, first)
        path = write_segment(self.folder, self._encoder, keys, parts[0].vectors.shape[1], blocks)
        if not self._adopt(path):
            return
        self._segments = [segment for segment in self._segments if segment not in parts]
        for part in parts:
            # Gone already where another writer merged it; on Windows, still open elsewhere.
            with contextlib.suppress(FileNotFoundError, PermissionError):
                part.path.unlink()


def _packed(keys: Sequence[str]) -> Keys:
    """Return hex keys as an array of 32-byte strings."""
    if any(len(key) != 2 * KEY_BYTES for key in keys):
        raise ValueError("a key must be a sha256 in hex")
    return np.frombuffer(bytes.fromhex("".join(keys)), dtype=f"S{KEY_BYTES}")


def _gathered(parts: Sequence[Segment], index: NDArray[np.intp]) -> Iterator[NDArray[np.float32]]:
    """Yield, block by block, the rows `index` of all vectors of `parts` laid end to end."""
    ends = np.cumsum([len(part.keys) for part in parts])
    for start in range(0, len(index), _BLOCK):
        rows = index[start : start + _BLOCK]
        owner = np.searchsorted(ends, rows, side="right")
        block = np.empty((len(rows), parts[0].vectors.shape[1]), dtype="<f4")
        for i in np.unique(owner):
            mine = owner == i
            block[mine] = parts[i].vectors[rows[mine] - ends[i] + len(parts[i].keys)]
            parts[i].release()  # else the memory of a merge would grow with what is merged
        yield block


def _files(folder: Path, suffix: str) -> list[Path]:
    # Not glob: it takes a folder that may not be read for an empty one.
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except FileNotFoundError:
        return []


def _remove_abandoned(folder: Path) -> None:
    """Remove what writers that were killed left behind; younger files may still be written."""
    for path in _files(folder, TEMPORARY):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()


@contextlib.contextmanager
def _explained(folder: Path, what: str) -> Iterator[None]:
    """Turn a fault of the disk or of permissions into one that says what to do."""
    try:
        yield
    except OSError as error:
        raise NarraframeError(
            f"the embedding cache {what}: {error.strerror or error}",
            where=folder,
            remedy="Free space, or name another cache folder; what was stored before is kept.",
        ) from error
