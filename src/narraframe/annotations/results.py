"""Label Studio's results to annotations, and decisions to Label Studio's results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from narraframe.annotations.controls import EVIDENCE, TEXT, is_taxonomy, leaves, path
from narraframe.records import Annotation, Codebook, version_key

Result = Mapping[str, Any]


@dataclass(frozen=True)
class PreAnnotation:
    """What an annotator was shown as ticked; `facets` are those of which it speaks, None = all."""

    results: Sequence[Result]
    facets: frozenset[str] | None = None

    def of(self, facet_id: str, *, may_be_empty: bool) -> Sequence[str] | None:
        """Return what was ticked of a facet; None if nothing was said of it.

        Nothing ticked says that no label applies, but not where one has to: there it says nothing.
        """
        ids = chosen_labels(self.results).get(facet_id, ())
        speaks = self.facets is None or facet_id in self.facets
        return ids if ids or (speaks and may_be_empty) else None


@dataclass(frozen=True)
class Answered:
    """What one submitted annotation says: `rows`, and the ids that no codebook of ours ever had."""

    rows: tuple[Annotation, ...]
    strangers: tuple[str, ...]


def prediction_results(decided: Mapping[str, float], codebook: Codebook) -> list[dict[str, Any]]:
    """Return what the labelling page shows as ticked.

    Parameters
    ----------
    decided : mapping of label id to probability
        The labels that apply; parents are passed over, as only leaves can be ticked.
    codebook : Codebook
        That the page was made from.
    """
    results = []
    for facet in codebook.facets:
        chosen = [label_id for label_id in leaves(codebook, facet) if label_id in decided]
        if chosen:
            taxonomy = is_taxonomy(codebook, facet)
            kind = "taxonomy" if taxonomy else "choices"
            value = [list(path(codebook, i)) for i in chosen] if taxonomy else chosen
            results.append(
                {
                    "from_name": facet.facet_id,
                    "to_name": TEXT,
                    "type": kind,
                    "value": {kind: value},
                    "score": round(max(float(decided[i]) for i in chosen), 4),
                }
            )
    return results


def chosen_labels(results: Sequence[Result]) -> dict[str, tuple[str, ...]]:
    """Return the label ids chosen, by the name of the control, whatever its kind."""
    found: dict[str, dict[str, None]] = {}
    for result in results:
        value = result.get("value") or {}
        ids = [*value.get("choices", ()), *(path[-1] for path in value.get("taxonomy", ()) if path)]
        if ids:
            found.setdefault(str(result.get("from_name")), {}).update(dict.fromkeys(ids))
    return {control: tuple(ids) for control, ids in found.items()}


def evidence_spans(results: Sequence[Result]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the marked passages by facet id, as (start, end) code points, sorted."""
    found: dict[str, set[tuple[int, int]]] = {}
    for result in results:
        if result.get("from_name") == EVIDENCE:
            value = result.get("value") or {}
            for facet_id in value.get("labels", ()):
                span = (int(value["start"]), int(value["end"]))
                found.setdefault(facet_id, set()).add(span)
    return {facet_id: tuple(sorted(spans)) for facet_id, spans in found.items()}


def answer_rows(
    results: Sequence[Result],
    codebook: Codebook,
    *,
    common: Annotation,
    shown: PreAnnotation | None = None,
    held_back: Collection[str] = (),
) -> Answered:
    """Return the rows that a submitted answer stands for.

    Every facet on the page was answered: its row says whether some label applies. Not so a required
    facet without a choice, as only a program can send it; a facet that the codebook asks since a
    later version; and one where something was chosen that we do not understand: that leaves it
    open, as a control that we do not know leaves open all facets without a choice.

    Parameters
    ----------
    results : sequence of mapping
        Of the annotation.
    codebook : Codebook
        Its retired labels are kept as they are, for `migrate`.
    common : Annotation
        What the rows share: post, annotator, version, time, design; `origin` where nothing was
        shown.
    shown : PreAnnotation, default=None
        What the annotator saw ticked; None if there was nothing.
    held_back : collection of str, default=()
        The facets of which a pre-annotation would have spoken, had it not been held back.
    """
    chosen, spans = chosen_labels(results), evidence_spans(results)
    retired = {old.label_id for old in codebook.retired}
    optional = {facet.facet_id for facet in codebook.facets if not facet.required}
    version = version_key(common.codebook_version)
    late = {f.facet_id for f in codebook.facets if version_key(f.since) > version}
    facets = [facet.facet_id for facet in codebook.facets]
    # A retired facet may have been asked, or not: only its answers say so.
    asked = [*facets, *(control for control in chosen if control in retired)]
    strangers = [f"{c}: {', '.join(ids)}" for c, ids in chosen.items() if c not in asked]
    known = {*codebook.by_id, *retired}
    rows: list[Annotation] = []
    for facet_id in asked:
        ids = chosen.get(facet_id, ())
        unknown = [label_id for label_id in ids if label_id not in known]
        if not ids and (facet_id not in optional or facet_id in late or strangers):
            continue
        seen = shown.of(facet_id, may_be_empty=facet_id in optional) if shown else None
        base = replace(common, origin="blind") if facet_id in held_back else common
        of_facet = _facet_rows(facet_id, ids, spans.get(facet_id, ()), base, seen)
        rows += [row for row in of_facet if row.label_id in known] if unknown else of_facet
        strangers += unknown
    return Answered(tuple(rows), tuple(strangers))


def _facet_rows(
    facet_id: str,
    ids: Sequence[str],
    spans: tuple[tuple[int, int], ...],
    common: Annotation,
    shown: Sequence[str] | None,
) -> list[Annotation]:
    same = shown is not None and set(shown) == set(ids)
    review = replace(
        common,
        label_id=facet_id,
        value=int(bool(ids)),
        spans=spans,
        origin=common.origin if shown is None else _origin(agrees=same),
    )
    # Of several labels nobody said which one a passage carries.
    own = spans if len(ids) == 1 else ()
    return [review, *(_label_row(label_id, own, common, shown) for label_id in ids)]


def _label_row(
    label_id: str,
    spans: tuple[tuple[int, int], ...],
    common: Annotation,
    shown: Sequence[str] | None,
) -> Annotation:
    origin = common.origin if shown is None else _origin(agrees=label_id in shown)
    return replace(common, label_id=label_id, value=1, spans=spans, origin=origin)


def _origin(*, agrees: bool) -> str:
    return "accepted" if agrees else "changed"
