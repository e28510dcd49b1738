"""A tuner that keeps a record of what it was given, and whose vectors give away what it saw."""

import zlib

import numpy as np

WIDTH = 8


class RecordingTuner:
    """A post that a tuning saw is at the corner of its labels; any other lies anywhere.

    `seen` are the texts of each tuning, `encoded` pairs of the tuning and the texts embedded by it.
    """

    def __init__(self):
        self.seen, self.labels, self.encoded = [], [], []

    def tune(self, texts, y, mask, *, seed):
        self.seen.append(tuple(texts))
        self.labels.append(dict(zip(texts, np.where(mask, y, 0), strict=True)))
        return {"number": np.array([len(self.seen) - 1], dtype=np.float16)}

    def encode(self, weights, texts):
        number = int(weights["number"][0])
        self.encoded.append((number, tuple(texts)))
        return np.array([self._vector(number, text) for text in texts], dtype=np.float32)

    def _vector(self, number, text):
        vector = np.zeros(WIDTH)
        known = self.labels[number].get(text)
        if known is None:
            return np.random.default_rng(zlib.crc32(text.encode())).normal(size=WIDTH)
        vector[: len(known)] = known
        vector[-1] = 0.1
        return vector
