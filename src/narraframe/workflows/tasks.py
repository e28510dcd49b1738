"""Posts as tasks of Label Studio: what a task holds, which are there, what is ticked in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from narraframe.config import Workspace
from narraframe.errors import ServerError
from narraframe.io.labelstudio import prediction_faults
from narraframe.io.mirror import Mirror, live
from narraframe.io.private_files import held
from narraframe.io.projects import Project
from narraframe.records import Codebook, Post
from narraframe.workflows.preannotating import Preannotator
from narraframe.workflows.watch import Watch

Task = Mapping[str, Any]


@dataclass(frozen=True)
class Predicted:
    """What the server is sent of each post, None = nothing; the `facets` the model speaks of.

    A facet that it left open on one of the posts is none of them: the server does not keep on which
    one, so that nothing ticked would seem to say that nothing applies.
    """

    predictions: tuple[dict[str, Any] | None, ...]
    facets: frozenset[str]


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Wait until no other push of this workspace is under way: two would send posts twice."""
    folder = workspace.path(workspace.config.paths.mirror)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder / "push.lock"):
        yield


def task_data(post: Post, *, project: Project, codebook: Codebook) -> dict[str, Any]:
    """Return what a task says of a post: what the page shows, and where the answers belong."""
    return {
        "post_id": post.post_id,
        "text": post.text,
        "channel": post.channel or "",
        "date": post.created_at.isoformat() if post.created_at else "",
        "url": post.url or "",
        "server_key": project.server_key,
        "codebook_version": codebook.version,
    }


def posts_there(mirror: Mirror, posts: Mapping[str, Post], *, url: str) -> frozenset[str]:
    """Return the ids of the posts that have a task.

    Raises
    ------
    ServerError
        If a task has an id of `posts` and another text: the project is of other posts.
    """
    there = {str(task["data"].get("post_id")): task["data"] for task in live(mirror)}
    other = [i for i in there if i in posts and there[i].get("text") != posts[i].text]
    if other:
        raise ServerError(
            f"{len(other)} posts have the ids of others that are there, with other texts",
            where=f"{url}/projects/{mirror.project_id}",
            got=other[0],
            remedy="Is it the project of another study? Give this one a title of its own, "
            "[labelstudio] project in narraframe.toml, and push --new-project.",
        )
    return frozenset(there)


def predict(posts: Sequence[Post], model: Preannotator | None, *, watch: Watch) -> Predicted:
    """Return what the model would tick of each post, as the server takes it."""
    if model is None or not posts:
        return Predicted((None,) * len(posts), frozenset())
    with watch.stage(f"pre-annotate by {model.model_version}", total=len(posts)) as step:
        found = model.preannotate(posts)
        step(len(posts))
    spoken = [one.facets for one in found if one is not None]
    return Predicted(
        tuple(
            None
            if one is None
            else {"model_version": model.model_version, "score": one.score, "result": one.results}
            for one in found
        ),
        frozenset.intersection(*spoken) if spoken else frozenset(),
    )


def check_predictions(page: str, predictions: Sequence[Task], *, where: str) -> None:
    """Refuse predictions that do not fit the page: the server would take, or lose, them silently.

    Raises
    ------
    ServerError
        If one does not fit.
    """
    if faults := prediction_faults(page, predictions):
        raise ServerError(
            "pre-annotations do not fit the labelling page: " + "; ".join(faults[:5]),
            where=where,
            remedy="Was the model trained with another codebook? Push with --model none.",
        )
