"""A trained classifier, whole and in parts that can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.calibration import Calibration
from narraframe.classifiers.features import TermWeights
from narraframe.classifiers.heads import Heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import Choice, Structure
from narraframe.errors import ModelError

_FORMAT = 1


@dataclass(frozen=True)
class Classifier:
    """All that scoring needs; columns as in `label_ids`, embeddings of `n_dimensions`.

    `terms` are those of each analyzer; the columns of `heads.term_weights` count along them.
    """

    label_ids: tuple[str, ...]
    settings: HeadSettings
    n_dimensions: int
    terms: tuple[tuple[str, ...], ...]
    heads: Heads

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """Probability from which each label applies, float64 (k,); nan = not trained.

        In a single-choice facet the most probable label applies: there it is only the least
        probability that such a label can have.
        """
        return self.heads.thresholds

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each label was not trained; "" where it was."""
        return self.heads.reasons

    def to_parts(self) -> dict[str, Any]:
        """Take the classifier apart into plain values and arrays, for storing without code."""
        heads = self.heads
        return {
            "format": _FORMAT,
            "label_ids": list(self.label_ids),
            "settings": asdict(self.settings),
            "n_dimensions": self.n_dimensions,
            "terms": [_as_bytes(terms) for terms in self.terms],
            "idf": [weight.idf for weight in heads.term_weights],
            "coefficients": heads.coefficients,
            "slope": heads.calibration.slope,
            "intercept": heads.calibration.intercept,
            "thresholds": heads.thresholds,
            "reasons": list(heads.reasons),
            "links": np.array(heads.structure.links, dtype=np.int64).reshape(-1, 2),
            "choices": [
                {"leaves": list(c.leaves), "parents": list(c.parents), "is_open": c.is_open}
                for c in heads.structure.choices
            ],
        }


def from_parts(parts: Mapping[str, Any]) -> Classifier:
    """Put a classifier together again from what `Classifier.to_parts` returned.

    Raises
    ------
    ModelError
        If the parts are of another format, or do not fit together.
    """
    if parts.get("format") != _FORMAT:
        raise ModelError(
            "the stored classifier has another format than this version reads",
            got=parts.get("format"),
            remedy="Train the model again.",
        )
    terms = tuple(_from_bytes(part) for part in parts["terms"])
    idf = [np.asarray(part, dtype=np.float32) for part in parts["idf"]]
    links = tuple((int(child), int(parent)) for child, parent in parts["links"])
    choices = tuple(
        Choice(tuple(c["leaves"]), tuple(c["parents"]), bool(c["is_open"]))
        for c in parts["choices"]
    )
    heads = Heads(
        term_weights=tuple(TermWeights(np.arange(len(part)), part) for part in idf),
        coefficients=np.asarray(parts["coefficients"], dtype=np.float32),
        calibration=Calibration(np.asarray(parts["slope"]), np.asarray(parts["intercept"])),
        thresholds=np.asarray(parts["thresholds"], dtype=np.float64),
        reasons=tuple(parts["reasons"]),
        structure=Structure(links, choices),
    )
    settings = HeadSettings(**parts["settings"])
    classifier = Classifier(
        tuple(parts["label_ids"]), settings, int(parts["n_dimensions"]), terms, heads
    )
    _check(classifier)
    return classifier


def _check(classifier: Classifier) -> None:
    heads, k = classifier.heads, len(classifier.label_ids)
    d = 0 if classifier.settings.features == "tfidf" else classifier.n_dimensions
    n_terms = [len(terms) for terms in classifier.terms]
    per_label = (heads.calibration.slope, heads.calibration.intercept, heads.thresholds)
    fits = (
        heads.coefficients.shape == (d + sum(n_terms) + 1, k)
        and [len(weight.idf) for weight in heads.term_weights] == n_terms
        and all(part.shape == (k,) for part in per_label)
        and len(heads.reasons) == k
    )
    if not fits:
        raise ModelError(
            "the parts of the stored classifier do not fit together",
            got=heads.coefficients.shape,
            remedy="Train the model again.",
        )


def _as_bytes(terms: tuple[str, ...]) -> NDArray[np.uint8]:
    """Join terms by line feeds, which no analyzer lets into a term."""
    return np.frombuffer("\n".join(terms).encode(), dtype=np.uint8)


def _from_bytes(part: NDArray[np.uint8]) -> tuple[str, ...]:
    text = np.asarray(part, dtype=np.uint8).tobytes().decode()
    return tuple(text.split("\n")) if text else ()
