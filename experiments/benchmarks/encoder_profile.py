"""Where an encoder's time goes: the kinds of operation in OpenVINO's network, and padding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from narraframe.embeddings.converted import converted
from narraframe.embeddings.embed import WINDOW
from narraframe.embeddings.runtime import core, threads
from narraframe.embeddings.sentence import SentenceEncoder, find_encoder
from narraframe.embeddings.tokens import filled

TURNS = 5
BATCH_TOKENS = 2_048
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
# By OpenVINO's name of a node. It merges the scores of attention, their softmax and what they
# weigh into one, and GELU into the dense layer before it.
KINDS = {
    "FullyConnected": "dense layers, GELU",
    "FullyConnectedQuantizedLegacy": "dense layers, GELU",
    "Subgraph": "attention, softmax",
    "MVN": "layer norm",
    "MulAdd": "layer norm",
    "Add": "additions",
    "Reorder": "reorders, transpositions",
    "Transpose": "reorders, transpositions",
    "Gather": "embedding",
}


def show_profile(encoder: SentenceEncoder, name: str, sets: dict[str, list[str]]) -> None:
    """Print shares of the time for a full batch of the median length of each set."""
    for precision, hint in HINTS.items():
        for title, texts in sets.items():
            ids = encoder.backend.tokenise(texts)
            length = -(-int(np.median([len(row) for row in ids])) // 16) * 16
            near = sorted(ids, key=lambda row: (len(row) > length, -len(row)))
            rows = near[: BATCH_TOKENS // length]
            shares = shares_of(name, precision, hint, rows, length)
            print(
                f"{precision} {title:6} {len(rows)} x {length}: "
                + ", ".join(f"{kind} {share:.1%}" for kind, share in shares.most_common())
            )


def shares_of(
    name: str, precision: str, hint: str, rows: Sequence[Sequence[int]], length: int
) -> Counter[str]:
    """Return the share of each kind of operation, by OpenVINO's own clocks."""
    network = converted(find_encoder(name), precision).network
    asked = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": hint} | threads()
    request = core().compile_model(network, "CPU", asked).create_infer_request()
    batch = list(filled(rows, length, 0))
    request.infer(batch)
    seconds: Counter[str] = Counter()
    for _ in range(TURNS):
        request.infer(batch)
        for node in request.profiling_info:
            kind = KINDS.get(node.node_type, "other")
            seconds[kind] += node.real_time.total_seconds()
    total = sum(seconds.values())
    return Counter({kind: taken / total for kind, taken in seconds.items()})


@dataclass
class Counting:
    """A backend that runs nothing, and counts what it would have run."""

    inner: Any
    dimension: int
    n_tokens: int = 0
    n_padded: int = 0
    batches: list[int] = field(default_factory=list)

    @property
    def batch_tokens(self) -> int:
        return self.inner.batch_tokens

    @property
    def fixed_rows(self) -> bool:
        return self.inner.fixed_rows

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        return self.inner.tokenise(texts)

    def forward(self, ids: Sequence[Sequence[int]], length: int, texts: Sequence[str]) -> Any:
        del texts
        self.n_tokens += sum(map(len, ids))
        self.n_padded += len(ids) * length
        self.batches.append(len(ids) * length)
        return np.ones((len(ids), self.dimension), dtype=np.float32)


def show_padding(encoder: SentenceEncoder, sets: dict[str, list[str]]) -> None:
    """Print what padding adds to the tokens of whole sets, in windows as scoring cuts them."""
    for title, texts in sets.items():
        counting = Counting(encoder.backend, encoder.dimension)
        counted = replace(encoder, backend=counting)
        for start in range(0, len(texts), WINDOW):
            counted.encode(texts[start : start + WINDOW])
        full = np.mean(np.array(counting.batches) > counting.batch_tokens * 0.75)
        print(
            f"{title}: {len(texts):,} posts in windows of {WINDOW:,}, {counting.n_tokens:,} tokens "
            f"run, padding adds {counting.n_padded / counting.n_tokens - 1:.1%}; "
            f"{len(counting.batches):,} batches, {full:.0%} of them over three quarters full"
        )
