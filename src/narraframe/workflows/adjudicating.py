"""Adjudicate: posts on which annotators disagree go to a second project, with all their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from narraframe.annotations.controls import leaves
from narraframe.annotations.disputes import Dispute, disputes
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.labelling_page import labelling_page
from narraframe.annotations.results import prediction_results
from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.codebook import read_codebook
from narraframe.io.projects import ADJUDICATION
from narraframe.records import Annotation, Codebook
from narraframe.workflows.guidelines import instructions
from narraframe.workflows.labelled import annotations_of
from narraframe.workflows.labelling_project import Wanted, open_project
from narraframe.workflows.labelstudio import look, open_server
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.tasks import alone, check_predictions, posts_there, task_data
from narraframe.workflows.watch import Watch

AGREED = "what they agree on"


@dataclass(frozen=True)
class Adjudicating:
    """What was sent: of `n_compared` posts with several answers `n_disputed` are in dispute."""

    url: str
    n_compared: int
    n_disputed: int
    n_new: int
    n_there: int


def adjudicate(
    paths: Sequence[str],
    *,
    options: ReadOptions,
    workspace: Workspace,
    new_project: bool,
    replace_page: bool,
    watch: Watch,
) -> Adjudicating:
    """Send every post in dispute that is not settled to the adjudication project, once.

    What the annotators agree on is ticked; their answers stand beside the post.

    Raises
    ------
    InputError
        If no post has two answers, or posts in dispute are not among `paths`.
    ServerError
        If the server cannot be reached, refuses, or takes less than was sent.
    """
    codebook = read_codebook(workspace.codebook)
    annotations = annotations_of(workspace, codebook)
    found = disputes(annotations, codebook)
    if not found.n_compared:
        raise InputError(
            "no post was labelled by two annotators",
            where=workspace.path(workspace.config.paths.annotations),
            remedy="Queue some for two (narraframe queue --double), label and pull them.",
        )
    ready = {post.post_id: post for post in read_ready(paths, options=options, watch=watch).posts}
    if lacking := [d.post_id for d in found.disputes if d.post_id not in ready]:
        raise InputError(
            f"{len(lacking)} posts in dispute are not among the posts",
            where=", ".join(paths),
            got=lacking[0],
            remedy="Give the posts that were labelled.",
        )
    server = open_server(workspace)
    wanted = Wanted(
        ADJUDICATION,
        f"{workspace.config.labelstudio.project}: adjudication",
        labelling_page(codebook, answers=True),
        instructions(workspace),
        codebook,
    )
    # what a second look brought into dispute is not of the audit, nor is what settles it
    design = {r.post_id: r for r in sorted(annotations, key=lambda r: r.design == DOUBTFUL)}
    with alone(workspace):
        project = open_project(
            wanted, server, workspace=workspace, new_project=new_project, replace_page=replace_page
        )
        mirror = look(server, project.project_id, workspace=workspace, watch=watch)
        there = posts_there(mirror, ready, url=server.url)
        new = [d for d in found.disputes if d.post_id not in there]
        tasks: list[dict[str, Any]] = [
            {
                "data": task_data(ready[d.post_id], project=project, codebook=codebook)
                | _design(design[d.post_id])
                | {"answers": answers_in_words(d, codebook)},
                "predictions": _agreed(d, codebook),
            }
            for d in new
        ]
        predictions = [p for task in tasks for p in task["predictions"]]
        check_predictions(wanted.page, predictions, where=server.url)
        with watch.stage("push", total=len(tasks), unit="tasks") as step:
            for n in server.import_tasks(project.project_id, tasks):
                step(n)
        if predictions:
            server.update_project(project.project_id, model_version=AGREED)
    return Adjudicating(
        url=f"{server.url}/projects/{project.project_id}/data",
        n_compared=found.n_compared,
        n_disputed=len(found.disputes),
        n_new=len(new),
        n_there=len(found.disputes) - len(new),
    )


def answers_in_words(dispute: Dispute, codebook: Codebook) -> str:
    """Return who chose what, a line for each annotator, the labels by their names."""
    lines = []
    for annotator, chosen in sorted(dispute.chosen.items()):
        said = []
        for facet in codebook.facets:
            names = [codebook.by_id[i].name for i in leaves(codebook, facet) if i in chosen]
            said.append(f"{facet.name}: {', '.join(names) or 'none'}")
        lines.append(f"{annotator}  {' | '.join(said)}")
    return "\n".join(lines)


def _agreed(dispute: Dispute, codebook: Codebook) -> list[dict[str, Any]]:
    agreed = frozenset.intersection(*map(frozenset, dispute.chosen.values()))
    results = prediction_results(dict.fromkeys(agreed, 1.0), codebook)
    return [{"model_version": AGREED, "score": 1.0, "result": results}] if results else []


def _design(row: Annotation) -> dict[str, Any]:
    return {"design": row.design, "inclusion_probability": row.inclusion_probability}
