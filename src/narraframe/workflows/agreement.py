"""Agreement: do the annotators mean the same by the labels, and what did pre-annotations do?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from narraframe.annotations.agreement import Agreement, measure_agreement
from narraframe.annotations.disputes import Disputes, disputes
from narraframe.annotations.preannotation import PreAnnotation, measure_preannotation
from narraframe.config import Workspace
from narraframe.errors import TableError
from narraframe.io.cells import csv_text
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output, write_text
from narraframe.records import Codebook, Estimate
from narraframe.workflows.agreement_text import markdown
from narraframe.workflows.labelled import annotations_of
from narraframe.workflows.watch import Watch

HEADER = ("about", "id", "annotators", "measure", "value", "low", "high", "n", "note")


@dataclass(frozen=True)
class Measured:
    """All that the annotations of a workspace say of the annotators' agreement."""

    codebook: Codebook
    agreement: Agreement
    disputes: Disputes
    preannotation: PreAnnotation


def agreement(*, output: Path | None, workspace: Workspace, force: bool, watch: Watch) -> Measured:
    """Measure the agreement of the workspace's annotators, and write it to `output` if given.

    The ending of `output` says how: ``.md`` as shown, ``.csv`` a long table of all figures,
    ``.json`` everything, the disputes too.

    Raises
    ------
    UsageError
        If `output` ends otherwise.
    TableError, CodebookError
        If there are no annotations, they cannot be read, or they contradict the codebook.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    if output is not None:
        check_output(output, endings=(".csv", ".json", ".md"), force=force)
    codebook = read_codebook(workspace.codebook)
    annotations = annotations_of(workspace, codebook)
    if not annotations:
        raise TableError(
            "there are no annotations",
            where=workspace.path(workspace.config.paths.annotations),
            remedy="Fetch them with: narraframe pull",
        )
    with watch.stage("agreement", total=3, unit="parts") as step:
        measured = measure_agreement(annotations, codebook)
        step(1)
        found = Measured(
            codebook,
            measured,
            disputes(annotations, codebook),
            measure_preannotation(annotations, codebook),
        )
        step(2)
    if output is not None:
        write_text(output, _written(found, output.suffix), force=force)
    return found


def _written(found: Measured, ending: str) -> str:
    if ending == ".md":
        return markdown(found.agreement, found.disputes, found.preannotation)
    if ending == ".csv":
        return csv_text(HEADER, _rows(found))
    document = {
        "codebook_version": found.codebook.version,
        "agreement": asdict(found.agreement),
        "preannotation": asdict(found.preannotation),
        "disputes": asdict(found.disputes),
    }
    return json.dumps(_plain(document), ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    """Replace nan, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _rows(found: Measured) -> Iterator[list[object]]:
    """Yield every figure as a row of `HEADER`."""
    agreement = found.agreement
    for facet in agreement.facets:
        yield _row("facet", facet.facet_id, "", f"alpha ({facet.distance})", facet.alpha)
    for label in agreement.labels:
        yield _row("label", label.label_id, "", "alpha", label.alpha, label.verdict)
        yield _row("label", label.label_id, "", "prevalence", label.prevalence)
    for pair in agreement.facet_pairs:
        who, note = f"{pair.first}, {pair.second}", f"same {pair.n_same}"
        yield _row("pair", pair.facet_id, who, pair.measure, pair.score, note)
    for on in agreement.label_pairs:
        note = (
            f"both {on.both}, only {on.first} {on.only_first}, "
            f"only {on.second} {on.only_second}, neither {on.neither}"
        )
        yield _row("pair", on.label_id, f"{on.first}, {on.second}", "kappa", on.kappa, note)
    for kept in found.preannotation.acceptance:
        note = f"{kept.n_accepted} of {kept.n_shown}, {kept.n_empty} with nothing ticked"
        yield _row("pre-annotation", kept.facet_id, "", "accepted", kept.share, note)
    for effect in found.preannotation.effects:
        what = f"{effect.what}: shown less blind"
        note = f"shown {effect.shown}, blind {effect.blind}"
        yield _row("pre-annotation", effect.unit_id, "", what, effect.difference, note)


def _row(
    about: str, unit_id: str, who: str, measure: str, figure: Estimate, note: str = ""
) -> list[object]:
    ends = ("" if math.isnan(x) else round(x, 6) for x in (figure.value, figure.low, figure.high))
    return [about, unit_id, who, measure, *ends, figure.n, note]
