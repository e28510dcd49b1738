"""Push: the queue becomes tasks on Label Studio, once each, with what the model would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.results import PreAnnotation
from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.codebook import read_codebook
from narraframe.io.labelstudio import Server
from narraframe.io.labelstudio_backend import TITLE as BACKEND
from narraframe.io.mirror import Mirror, live, merged, write_mirror
from narraframe.io.projects import LABELLING, Project
from narraframe.io.queue import read_queue
from narraframe.records import Codebook, Post, QueueItem
from narraframe.workflows.doubting import SECOND_LOOK_VIEW, first_answers, second_looks
from narraframe.workflows.guidelines import instructions
from narraframe.workflows.labelling_project import keep_project, labelling, open_project
from narraframe.workflows.labelstudio import look, open_server
from narraframe.workflows.preannotating import Preannotator, open_preannotator
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.tasks import (
    Predicted,
    alone,
    check_predictions,
    posts_there,
    predict,
    task_data,
)
from narraframe.workflows.watch import Watch

_UNTOUCHED = {
    "filter": "filter:tasks:total_annotations",
    "operator": "equal",
    "value": 0,
    "type": "Number",
}
_ONCE_LABELLED = _UNTOUCHED | {"value": 1}
_TWO_WANTED = {
    "filter": "filter:tasks:data.n_annotators",
    "operator": "equal",
    "value": 2,
    "type": "Number",
}
VIEWS = (
    # the first tab is what "Label all tasks" goes through: the audit in the order it was drawn in,
    # so that wherever labelling stops, the answers there are those of a smaller audit
    {"title": "In the queue's order", "type": "list", "ordering": ["tasks:id"]},
    {
        "title": "Uncertain first",
        "type": "list",
        "filters": {"conjunction": "and", "items": [_UNTOUCHED]},
        "ordering": ["tasks:predictions_score"],
    },
    {
        "title": "Needs a second annotator",
        "type": "list",
        "filters": {"conjunction": "and", "items": [_ONCE_LABELLED, _TWO_WANTED]},
    },
    SECOND_LOOK_VIEW,
)


@dataclass(frozen=True)
class PushOptions:
    """`model`: "" is the champion or, where there is none, the codebook; "none": nothing ticked."""

    model: str = ""
    new_project: bool = False
    replace_page: bool = False


@dataclass(frozen=True)
class Pushed:
    """What a push did: tasks `n_new`, `n_there` before, `n_refreshed` with new pre-annotations.

    Of the new ones `n_ticked` came with pre-annotations, and from `n_blind` they were held back.
    """

    url: str
    project_id: int
    model_version: str
    n_new: int
    n_there: int
    n_ticked: int
    n_blind: int
    n_refreshed: int


def push(
    paths: Sequence[str],
    *,
    queue: Path,
    wanted: PushOptions,
    options: ReadOptions,
    workspace: Workspace,
    watch: Watch,
) -> Pushed:
    """Make the posts of `queue` tasks of the workspace's project, those that are not yet there.

    What is there is asked of the server each time, so that a push which was cut off is completed
    by the next. Tasks that nobody has touched get the pre-annotations of the present model. A post
    to be looked at again becomes a second task, once, with nothing ticked.

    Raises
    ------
    InputError
        If the queue names posts that are not among `paths`.
    ServerError
        If the server cannot be reached, refuses, or takes less than was sent.
    CodebookError
        If the codebook changed in a way that would orphan annotations.
    """
    items = read_queue(queue)
    posts = _queued(paths, items, options=options, watch=watch)
    codebook = read_codebook(workspace.codebook)
    server = open_server(workspace)
    page = labelling(
        codebook,
        title=workspace.config.labelstudio.project,
        instructions=instructions(workspace),
    )
    with alone(workspace):
        project = open_project(
            page,
            server,
            workspace=workspace,
            new_project=wanted.new_project,
            replace_page=wanted.replace_page,
        )
        mirror = look(server, project.project_id, workspace=workspace, watch=watch)
        there = posts_there(mirror, posts, url=server.url)
        again_there = second_looks(mirror)
        new = [i for i in items if i.design != DOUBTFUL and i.post_id not in there]
        again = [i for i in items if i.design == DOUBTFUL and i.post_id not in again_there]
        model = _model(workspace, wanted, watch)
        untouched = _untouched(mirror, model)
        old_posts = [_post_of(task) for task in untouched]
        predicted = predict([posts[i.post_id] for i in new] + old_posts, model, watch=watch)
        check_predictions(page.page, [p for p in predicted.predictions if p], where=server.url)
        project = _with_facets(project, model, predicted, workspace)
        tasks = [
            _task(item, posts[item.post_id], prediction, project, codebook)
            for item, prediction in zip(new, predicted.predictions, strict=False)
        ]
        by = first_answers(mirror, server_key=project.server_key)
        tasks += [_again(item, posts[item.post_id], by, project, codebook) for item in again]
        with watch.stage("push", total=len(tasks), unit="tasks") as step:
            for n in server.import_tasks(project.project_id, tasks):
                step(n)
        anew = list(zip(untouched, predicted.predictions[len(new) :], strict=True))
        with watch.stage("ask for second annotators", unit="tasks") as step:
            for n in server.keep_open(project.project_id):
                step(n)
        n_refreshed = _refresh(server, mirror, anew, workspace=workspace, watch=watch)
        n_ticked = sum(bool(task["predictions"]) for task in tasks)
        if model is not None and (n_refreshed or n_ticked):
            _show(server, project.project_id, model.model_version)
        server.ensure_views(project.project_id, VIEWS)
    return Pushed(
        url=f"{server.url}/projects/{project.project_id}/data",
        project_id=project.project_id,
        model_version=model.model_version if model else "",
        n_new=len(tasks),
        n_there=len(items) - len(tasks),
        n_ticked=n_ticked,
        n_blind=sum(bool(task["data"]["held_back"]) for task in tasks),
        n_refreshed=n_refreshed,
    )


def _show(server: Server, project_id: int, model_version: str) -> None:
    """Tick what this model says; but where a live backend is connected, it says what is ticked."""
    if server.project(project_id).get("model_version") != BACKEND:
        server.update_project(project_id, model_version=model_version)


def _queued(
    paths: Sequence[str], items: Sequence[QueueItem], *, options: ReadOptions, watch: Watch
) -> dict[str, Post]:
    wanted = {item.post_id for item in items}
    ready = read_ready(paths, options=options, watch=watch)
    posts = {post.post_id: post for post in ready.posts if post.post_id in wanted}
    if lacking := [item.post_id for item in items if item.post_id not in posts]:
        raise InputError(
            f"{len(lacking)} of {len(items)} queued posts are not among the posts",
            where=", ".join(paths),
            got=lacking[0],
            remedy="Give the posts that the queue was made from.",
        )
    return posts


def _model(workspace: Workspace, wanted: PushOptions, watch: Watch) -> Preannotator | None:
    if wanted.model == "none":
        return None
    return open_preannotator(workspace, wanted.model or None, watch=watch)


def _task(
    item: QueueItem,
    post: Post,
    prediction: dict[str, Any] | None,
    project: Project,
    codebook: Codebook,
) -> dict[str, Any]:
    data = task_data(post, project=project, codebook=codebook) | {
        "design": item.design,
        "stratum": item.stratum,
        "inclusion_probability": item.inclusion_probability,
        "n_annotators": item.n_annotators,
        # The draw stays, whatever models come.
        "blind": item.blind,
        "held_back": _held_back(item, prediction, project, codebook),
    }
    shown = [prediction] if prediction is not None and not item.blind else []
    return {"data": data, "predictions": shown}


def _again(
    item: QueueItem,
    post: Post,
    answered_by: Mapping[str, str],
    project: Project,
    codebook: Codebook,
) -> dict[str, Any]:
    """Return the task of a second look, which tells who answered before, but not what."""
    task = _task(item, post, None, project, codebook)
    task["data"]["answered_by"] = answered_by.get(item.post_id, "")
    return task


def _held_back(
    item: QueueItem, prediction: dict[str, Any] | None, project: Project, codebook: Codebook
) -> list[str]:
    """Return the facets of which the annotator of a blind post would else have been told.

    Only these may be compared with posts where it was shown: others had nothing to be shown.
    """
    if prediction is None or not item.blind:
        return []
    spoken = frozenset(project.facets_of_model[prediction["model_version"]])
    told = PreAnnotation(prediction["result"], spoken)
    return [
        facet.facet_id
        for facet in codebook.facets
        if told.of(facet.facet_id, may_be_empty=not facet.required) is not None
    ]


def _with_facets(
    project: Project, model: Preannotator | None, predicted: Predicted, workspace: Workspace
) -> Project:
    """Note of which facets the model speaks: in the others, nothing ticked means nothing.

    What it left open in one push stays out, whatever it decides in another.
    """
    if model is None or not any(predicted.predictions):
        return project
    known = project.facets_of_model
    always = predicted.facets & {*known.get(model.model_version, predicted.facets)}
    noted = replace(project, facets_of_model={**known, model.model_version: tuple(sorted(always))})
    keep_project(workspace, LABELLING, noted)
    return noted


def _untouched(mirror: Mirror, model: Preannotator | None) -> list[Mapping[str, Any]]:
    """Return the tasks that nobody has begun, and that lack what the present model says of them."""
    if model is None:
        return []
    return [
        task
        for task in live(mirror)
        if not (task["annotations"] or task["drafts"] or task["data"].get("blind"))
        and task["data"].get("post_id")
        and not any(p.get("model_version") == model.model_version for p in task["predictions"])
    ]


def _post_of(task: Mapping[str, Any]) -> Post:
    return Post(post_id=str(task["data"]["post_id"]), text=str(task["data"].get("text") or ""))


def _refresh(
    server: Server,
    mirror: Mirror,
    again: Sequence[tuple[Mapping[str, Any], dict[str, Any] | None]],
    *,
    workspace: Workspace,
    watch: Watch,
) -> int:
    """Add the present model's pre-annotations to these tasks.

    The old ones stay: who has such a task open could not submit without. The server does not count
    this as a change of the task, so the mirror is told.
    """
    rows = [prediction | {"task": int(task["id"])} for task, prediction in again if prediction]
    with watch.stage("refresh", total=len(rows), unit="tasks") as step:
        for n in server.import_predictions(mirror.project_id, rows):
            step(n)
    now = {
        int(task["id"]): {**task, "predictions": [*task["predictions"], prediction]}
        for task, prediction in again
        if prediction
    }
    if now:
        folder = workspace.path(workspace.config.paths.mirror)
        write_mirror(folder, merged(mirror, now, cursor=mirror.cursor, present=None))
    return len(rows)
