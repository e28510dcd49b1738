"""Tune the last layers of an encoder on labelled posts, and embed by such layers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.encoder import Encoder
from narraframe.embeddings.sentence import SentenceEncoder
from narraframe.embeddings.tuning_losses import LabelLoss, PairLoss
from narraframe.embeddings.tuning_network import Network, open_network

Weights = Mapping[str, NDArray[np.float16]]

BATCH = 16
FEWEST_STEPS, MOST_STEPS, ROUNDS = 60, 240, 4
"""A tuning passes `ROUNDS` times over the posts, within these bounds."""
_RATE = {"pairs": 2e-5, "labels": 1e-4}
_RATE_BESIDE = 5e-3  # of what is learned beside the encoder
_WARM_UP = 0.1  # share of the steps
_LONGEST_STEP = 1.0  # of the gradient
_DECAY = 0.01
_TOKENS = 512  # of a batch to embed on a CPU: a single post fills one, for its vector's sake
_MOST_KEPT = 1 << 30  # bytes of what the lower layers made


class EncoderTuner:
    """Tunes an encoder: `narraframe.classifiers.tuned.Tuner`.

    What the lower layers make of a text is the same in each tuning, so it is kept, up to 1 GiB.

    Parameters
    ----------
    network : Network
    loss : {"pairs", "labels"}
    steps : int
        Batches of 16 posts; 0 = `ROUNDS` times the posts, 60 to 240.

    Attributes
    ----------
    n_tunings : int
    seconds : float
        How many there were, and how long they and embedding by them took.
    """

    def __init__(self, network: Network, *, loss: str = "pairs", steps: int = 0) -> None:
        self.network = network
        self.loss = loss
        self.steps = steps
        self.n_tunings = 0
        self.seconds = 0.0
        self._lower = _Kept(network)

    def read(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> None:
        """Let the lower layers read `texts`, which spares the first tunings that."""
        start = time.perf_counter()
        _encoder(self._lower, []).encode(texts, progress=progress)
        self.seconds += time.perf_counter() - start

    def tune(
        self, texts: Sequence[str], y: NDArray[np.int8], mask: NDArray[np.bool_], *, seed: int
    ) -> Weights:
        """Return the weights of the last layers, tuned on `texts`; see `Tuner.tune`."""
        import torch

        start = time.perf_counter()
        network = self.network
        ids = [_cut(one, network.info.max_tokens) for one in network.tokens.tokenise(texts)]
        layers = network.upper().requires_grad_()
        learned: Any = PairLoss(y, mask)
        if self.loss == "labels":
            learned = LabelLoss(y, mask, width=network.info.dimension, device=network.device)
        groups = [{"params": list(layers.parameters()), "lr": _RATE[self.loss]}]
        if learned.parameters:
            groups.append({"params": learned.parameters, "lr": _RATE_BESIDE})
        optimizer = torch.optim.AdamW(groups, weight_decay=_DECAY)
        n_steps = self.steps or steps_for(len(texts))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: _rate(i, n_steps))
        half = network.dtype == torch.bfloat16
        for rows in _batches(len(texts), n_steps, seed=seed):
            lengths = [len(ids[i]) for i in rows]
            hidden = self._lower.stacked([ids[i] for i in rows])
            with torch.autocast(network.device.type, torch.bfloat16, enabled=half):
                vectors = network.vectors(layers, hidden, lengths)
            loss = learned(vectors, rows)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(layers.parameters(), _LONGEST_STEP)
            optimizer.step()
            schedule.step()
        self.n_tunings += 1
        self.seconds += time.perf_counter() - start
        return {
            name: part.detach().to("cpu", torch.float16).numpy()
            for name, part in layers.state_dict().items()
        }

    def encode(self, weights: Weights, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of `texts` by the encoder with `weights`; float32 (n, d)."""
        start = time.perf_counter()
        found = _encoder(self._lower, [weights]).encode(texts)
        self.seconds += time.perf_counter() - start
        return found


def open_tuner(
    encoder: Encoder, *, loss: str, layers: int, steps: int, device: str | None = None
) -> EncoderTuner:
    """Open the network behind `encoder` to tune its last `layers`; errors as `open_network`."""
    network = open_network(encoder, n_upper=layers, device=device)
    return EncoderTuner(network, loss=loss, steps=steps)


def open_tuned(
    encoder: Encoder, tunings: Sequence[Weights], *, device: str | None = None
) -> SentenceEncoder:
    """Return the encoder whose vectors are those of all `tunings` of `encoder`, side by side.

    Raises
    ------
    EncoderError
        If `encoder` cannot be tuned.
    ModelError
        If the weights are not those of its layers.
    """
    layers = {name.partition(".")[0] for weights in tunings for name in weights}
    network = open_network(encoder, n_upper=len(layers), device=device)
    return _encoder(_Kept(network, most=0), tunings)


def steps_for(n: int) -> int:
    """Return how many batches a tuning on `n` posts takes."""
    return min(max(ROUNDS * n // BATCH, FEWEST_STEPS), MOST_STEPS)


class _Kept:
    """What the lower layers make of texts, kept by the texts' ids."""

    def __init__(self, network: Network, *, most: int = _MOST_KEPT) -> None:
        self.network = network
        self._most = most
        self._size = 0
        self._found: dict[tuple[int, ...], Any] = {}

    def batch(self, ids: Sequence[Sequence[int]], length: int) -> Any:
        """Return a tensor (b, length, d), and keep its rows."""
        keys = [tuple(one) for one in ids]
        if all(key in self._found for key in keys):
            return self._padded(keys, length)
        hidden = self.network.lower(ids, length)
        for key, row in zip(keys, hidden, strict=True):
            size = len(key) * row.shape[1] * row.element_size()
            if key not in self._found and self._size + size <= self._most:
                self._found[key] = row[: len(key)].clone()
                self._size += size
        return hidden

    def stacked(self, ids: Sequence[Sequence[int]]) -> Any:
        """Return a tensor as long as the longest, without keeping what is new.

        It would be kept as it is beside these texts, where `batch` gives it as it always is.
        """
        keys, length = [tuple(one) for one in ids], max(map(len, ids))
        if all(key in self._found for key in keys):
            return self._padded(keys, length)
        return self.network.lower(ids, length)

    def _padded(self, keys: Sequence[tuple[int, ...]], length: int) -> Any:
        rows = [self._found[key] for key in keys]
        padded = rows[0].new_zeros(len(rows), length, rows[0].shape[1])
        for place, row in zip(padded, rows, strict=True):
            place[: len(row)] = row
        return padded


class _TunedBackend:
    """Embeds by several tunings of the last layers: a `narraframe.embeddings.sentence.Backend`.

    Without tunings it lets the lower layers read, and returns nothing of use.
    """

    fixed_rows = True

    def __init__(self, lower: _Kept, tops: Sequence[Any]) -> None:
        self._lower, self._tops = lower, tops
        network = lower.network
        on_cpu = network.device.type == "cpu"
        self.batch_tokens = _TOKENS if on_cpu else network.tokens.batch_tokens

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, cut to what is read of it."""
        network = self._lower.network
        return [_cut(one, network.info.max_tokens) for one in network.tokens.tokenise(texts)]

    def forward(
        self,
        ids: Sequence[Sequence[int]],
        length: int,
        texts: Sequence[str],  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """Return the vectors of one batch by each tuning, side by side."""
        import torch

        hidden, lengths = self._lower.batch(ids, length), [len(one) for one in ids]
        if not self._tops:
            return np.ones((len(ids), 1), dtype=np.float32)
        with torch.no_grad():
            found = [self._lower.network.vectors(top, hidden, lengths) for top in self._tops]
            vectors: NDArray[np.float32] = torch.cat(found, dim=1).cpu().numpy()
        return vectors


def _encoder(lower: _Kept, tunings: Sequence[Weights]) -> SentenceEncoder:
    network = lower.network
    tops = [network.upper(weights).to(network.dtype) for weights in tunings]
    info = replace(network.info, dimension=network.info.dimension * len(tops) or 1)
    return SentenceEncoder(info=info, backend=_TunedBackend(lower, tops))


def _cut(ids: list[int], most: int) -> list[int]:
    """Cut a text to its first tokens; its last one, which marks the end, stays."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _batches(n: int, n_steps: int, *, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield `n_steps` batches of different posts; all come once before any comes again.

    Where a batch takes the last of one round and the first of the next, it may be a post smaller.
    """
    rng = np.random.default_rng(seed)
    waiting: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
    for _ in itertools.repeat(None, n_steps):
        if len(waiting) < BATCH:
            waiting = np.concatenate([waiting, rng.permutation(n)])
        yield np.unique(waiting[:BATCH])
        waiting = waiting[BATCH:]


def _rate(step: int, n_steps: int) -> float:
    """Return the share of the learning rate: a short rise, then down to 0 in a straight line."""
    return min(1.0, (step + 1) / (_WARM_UP * n_steps + 1)) * (1 - step / n_steps)
