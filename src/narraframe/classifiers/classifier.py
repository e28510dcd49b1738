"""A trained classifier, whole and in parts that can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.bend import straight
from narraframe.classifiers.heads import Heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.stack import Stack
from narraframe.classifiers.structure import Choice, Structure
from narraframe.classifiers.terms import TermWeights
from narraframe.classifiers.tuned import TunedHead, tuned_width
from narraframe.classifiers.views import FittedView
from narraframe.errors import ModelError

_FORMAT = 4
_READ = (2, 3, _FORMAT)  # 2 had no tuned view, 3 no bend


@dataclass(frozen=True)
class Classifier:
    """All that scoring needs; columns as in `label_ids`.

    `n_dimensions`: the width of the vectors of each view that has vectors; `terms`: those of each
    view that counts them.
    """

    label_ids: tuple[str, ...]
    settings: HeadSettings
    n_dimensions: Mapping[str, int]
    terms: Mapping[str, tuple[str, ...]]
    heads: Heads

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """Probability from which each label applies, float64 (k,); nan = not scored.

        In a single-choice facet the most probable label applies: there it is only the least
        probability that such a label can have.
        """
        return self.heads.thresholds

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each label was not trained; "" where it was."""
        return self.heads.reasons

    @property
    def from_codebook(self) -> NDArray[np.bool_]:
        """The labels, bool (k,), that were not trained, and that the codebook alone scores."""
        untrained = np.array([reason != "" for reason in self.reasons], dtype=np.bool_)
        return np.asarray(untrained & np.isfinite(self.heads.stack.intercept))

    @property
    def tuned(self) -> tuple[TunedHead, ...]:
        """The tunings of the encoder that it was trained with; () where there are none."""
        return next((view.tuned for view in self.heads.views if view.tuned), ())

    def to_parts(self) -> dict[str, Any]:
        """Take the classifier apart into plain values and arrays, for storing without code."""
        heads = self.heads
        settings = asdict(self.settings) | {"features": list(self.settings.features)}
        return {
            "format": _FORMAT,
            "label_ids": list(self.label_ids),
            "settings": settings,
            "n_dimensions": dict(self.n_dimensions),
            "terms": {view: _as_bytes(terms) for view, terms in self.terms.items()},
            "views": [_view_parts(view) for view in heads.views],
            "slopes": heads.stack.slopes,
            "intercept": heads.stack.intercept,
            "bend": heads.stack.bend,
            "thresholds": heads.thresholds,
            "abstain": heads.abstain,
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
    if parts.get("format") not in _READ:
        raise ModelError(
            "the stored classifier has another format than this version reads",
            got=parts.get("format"),
            remedy="Train the model again.",
        )
    try:
        classifier = _joined(parts)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _misfit(f"{type(error).__name__}: {error}") from error
    _check(classifier)
    return classifier


def _joined(parts: Mapping[str, Any]) -> Classifier:
    links = tuple((int(child), int(parent)) for child, parent in parts["links"])
    choices = tuple(
        Choice(tuple(c["leaves"]), tuple(c["parents"]), bool(c["is_open"]))
        for c in parts["choices"]
    )
    k = len(parts["label_ids"])
    heads = Heads(
        views=tuple(_view(part) for part in parts["views"]),
        stack=Stack(
            np.asarray(parts["slopes"]),
            np.asarray(parts["intercept"]),
            np.asarray(parts["bend"] if parts["format"] == _FORMAT else straight(k)),
        ),
        thresholds=np.asarray(parts["thresholds"], dtype=np.float64),
        reasons=tuple(parts["reasons"]),
        structure=Structure(links, choices),
        abstain=float(parts["abstain"]),
    )
    settings = parts["settings"]
    return Classifier(
        label_ids=tuple(parts["label_ids"]),
        settings=HeadSettings(**{**settings, "features": tuple(settings["features"])}),
        n_dimensions=dict(parts["n_dimensions"]),
        terms={view: _from_bytes(part) for view, part in parts["terms"].items()},
        heads=heads,
    )


def _view_parts(view: FittedView) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "view": view.view,
        "coefficients": view.coefficients,
        "intercept": view.intercept,
    }
    if view.landmarks is not None:
        parts["landmarks"] = view.landmarks
    if view.weights is not None:
        parts["idf"] = view.weights.idf
    if view.tuned:
        parts["tuned"] = [
            {
                "weights": dict(head.weights),
                "landmarks": head.landmarks,
                "coefficients": head.coefficients,
            }
            for head in view.tuned
        ]
    return parts


def _view(parts: Mapping[str, Any]) -> FittedView:
    idf = parts.get("idf")
    return FittedView(
        view=parts["view"],
        coefficients=np.asarray(parts["coefficients"], dtype=np.float32),
        intercept=np.asarray(parts["intercept"], dtype=np.float32),
        landmarks=parts.get("landmarks"),
        weights=None if idf is None else TermWeights(np.arange(len(idf)), np.asarray(idf)),
        tuned=tuple(TunedHead(**part) for part in parts.get("tuned", ())),
    )


def _check(classifier: Classifier) -> None:
    heads, k = classifier.heads, len(classifier.label_ids)
    named = {j for link in heads.structure.links for j in link}
    named.update(j for choice in heads.structure.choices for j in choice.leaves + choice.parents)
    per_label: tuple[NDArray[Any], ...]
    per_label = (heads.stack.intercept, heads.thresholds, *(view.intercept for view in heads.views))
    fits = (
        tuple(view.view for view in heads.views) == classifier.settings.features
        and heads.stack.slopes.shape == (len(heads.views), k)
        and heads.stack.bend.shape == (3, k)
        and all(part.shape == (k,) for part in per_label)
        and len(heads.reasons) == k
        and named <= set(range(k))
        and all(_fits(view, classifier, k) for view in heads.views)
    )
    if not fits:
        raise _misfit(f"{heads.stack.slopes.shape} slopes")


def _misfit(got: str) -> ModelError:
    return ModelError(
        "the parts of the stored classifier do not fit together",
        got=got,
        remedy="Train the model again.",
    )


def _fits(view: FittedView, classifier: Classifier, k: int) -> bool:
    if view.view == "definitions":
        width = classifier.n_dimensions.get(view.view)
        return view.landmarks is not None and view.landmarks.shape == (k, width)
    if view.view == "tuned":
        return (
            bool(view.tuned)
            and tuned_width(view.tuned) == classifier.n_dimensions.get(view.view)
            and all(head.coefficients.shape == (len(head.landmarks), k) for head in view.tuned)
        )
    if view.landmarks is not None:
        width = classifier.n_dimensions.get(view.view)
        return view.coefficients.shape == (len(view.landmarks), k) and (
            view.landmarks.shape[1] == width
        )
    if view.weights is not None:
        n = len(set(classifier.terms.get(view.view, ())))
        return view.coefficients.shape == (n, k) and len(view.weights.idf) == n
    width = classifier.n_dimensions.get(view.view, -1)
    return view.coefficients.shape == (width, k)


def _as_bytes(terms: tuple[str, ...]) -> NDArray[np.uint8]:
    """Join terms by line feeds, which no analyzer lets into a term."""
    return np.frombuffer("\n".join(terms).encode(), dtype=np.uint8)


def _from_bytes(part: NDArray[np.uint8]) -> tuple[str, ...]:
    text = np.asarray(part, dtype=np.uint8).tobytes().decode()
    return tuple(text.split("\n")) if text else ()
