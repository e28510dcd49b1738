"""Backend: what Label Studio asks of a model, answered while its tasks are opened.

The contract is that of Label Studio's ML backends: it asks ``/health`` and ``/setup`` before each
``/predict``, ``/versions`` on its settings page, and sends training requests to ``/webhook``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from threadpoolctl import threadpool_limits

from narraframe.annotations.asked import Asked, asked_labels, on_page
from narraframe.annotations.ticks import Ticks
from narraframe.config import Workspace
from narraframe.errors import InputError, NarraframeError, ServerError
from narraframe.io.json_server import Routes, json_server
from narraframe.io.labelstudio import connect
from narraframe.io.labelstudio_backend import connect_backend
from narraframe.io.projects import LABELLING
from narraframe.records import Post
from narraframe.workflows.labelstudio import access, known_project
from narraframe.workflows.preannotating import Preannotator, find_source, open_source
from narraframe.workflows.watch import Watch

_SECONDS_BETWEEN_LOOKS = 3.0
_read_page = lru_cache(maxsize=8)(asked_labels)


@dataclass(frozen=True)
class Running:
    """A backend that answers at `url`, for now by `model_version`."""

    url: str
    model_version: str


class Backend:
    """Pre-annotates the tasks of Label Studio by the champion of the moment.

    Raises
    ------
    NarraframeError
        As `open_preannotator`.
    """

    def __init__(self, workspace: Workspace, model_uri: str | None, *, watch: Watch) -> None:
        self._workspace, self._model_uri, self._watch = workspace, model_uri, watch
        self._stamp = self._changed()
        self._source = find_source(workspace, model_uri)
        self._preannotator = open_source(self._source, workspace, watch=watch)
        self._lock = threading.Lock()
        self._said: set[str] = set()

    @property
    def model_version(self) -> str:
        """The version that the next prediction bears."""
        return self._preannotator.model_version

    @property
    def routes(self) -> Routes:
        """What is answered, by method and path."""
        return {
            ("GET", "/"): self._health,
            ("GET", "/health"): self._health,
            ("POST", "/setup"): self._setup,
            ("GET", "/versions"): self._versions,
            ("POST", "/predict"): self.predict,
            # training is a command of its own: such requests are heard and not followed
            ("POST", "/train"): lambda _: {},
            ("POST", "/webhook"): lambda _: {},
        }

    def predict(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the predictions of each task of `request`, none where it is to have none.

        Raises
        ------
        InputError
            If the request is malformed.
        """
        tasks = _tasks(request)
        # kept, as a new champion may take over meanwhile
        preannotator = self._preannotator
        asked = self._asked(request, preannotator)
        open_ = [task for task in tasks if not task["data"].get("blind")]
        # a text or two gain nothing from more threads, and wait for cores that others use
        with self._lock, threadpool_limits(limits=1):
            found = preannotator.explained([_post(task) for task in open_])
        results: dict[int, list[dict[str, Any]]] = {id(task): [] for task in tasks}
        for task, one, reason in zip(open_, found.predictions, found.reasons, strict=True):
            if one is None:
                self._say(f"task {task.get('id')} is not pre-annotated: {reason}")
            else:
                results[id(task)] = [_prediction(one, preannotator, asked)]
        return {"results": [results[id(task)] for task in tasks]}

    def renew(self) -> bool:
        """Load the champion if it is another one than before, and tell whether it was.

        If that fails, the one in use stays, and why is said once.
        """
        stamp = self._changed()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            source = find_source(self._workspace, self._model_uri)
            if source == self._source:
                return False
            preannotator = open_source(source, self._workspace, watch=self._watch)
        except NarraframeError as error:
            self._say(f"{self.model_version} stays in use: {error}")
            return False
        self._source, self._preannotator = source, preannotator
        self._said.clear()
        self._say(f"pre-annotations are by {preannotator.model_version} from now on")
        return True

    def _changed(self) -> tuple[int, ...]:
        """Return when codebook and store were last written: to ask the store costs far more."""
        store = self._workspace.store / "mlflow.db"
        paths = (self._workspace.codebook, store, store.with_name("mlflow.db-wal"))
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)

    def _health(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"status": "UP", "model_class": "narraframe"}

    def _setup(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        # the request carries the token of the project's owner, which nobody needs here
        return {"model_version": self.model_version}

    def _versions(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"versions": [self.model_version]}

    def _asked(self, request: Mapping[str, Any], preannotator: Preannotator) -> Asked | None:
        """Return what the page asks, None if it was not sent; say what it lacks."""
        page = request.get("label_config")
        if page is None:
            return None
        if not isinstance(page, str):
            raise InputError("label_config is not text")
        asked = _read_page(page)
        there = {i for kinds in asked.values() for ids in kinds.values() for i in ids}
        lacking = [i for i in preannotator.codebook.leaf_ids if i not in there]
        if lacking:
            self._say(
                f"the labelling page of project {request.get('project')} lacks labels of codebook "
                f"{preannotator.codebook.version}, which are not ticked: {', '.join(lacking)}"
            )
        return asked

    def _say(self, line: str) -> None:
        """Say each thing once: Label Studio asks again whenever a task is opened."""
        if line not in self._said:
            self._said.add(line)
            self._watch.warn(line)


@contextmanager
def serving(
    workspace: Workspace, *, model_uri: str | None, port: int, watch: Watch
) -> Iterator[Running]:
    """Serve pre-annotations on this machine, in the background, while the context is open.

    A champion that was promoted meanwhile takes over within a few seconds.

    Raises
    ------
    UsageError
        If the port is in use, or several models have a champion and `model_uri` is None.
    NarraframeError
        Else as `open_preannotator`.
    """
    backend = Backend(workspace, model_uri, watch=watch)
    end = threading.Event()

    def look() -> None:
        while not end.wait(_SECONDS_BETWEEN_LOOKS):
            backend.renew()

    with json_server(port, backend.routes, warn=watch.warn) as url:
        looking = threading.Thread(target=look)
        looking.start()
        try:
            yield Running(url, backend.model_version)
        finally:
            end.set()
            looking.join()


def connect_project(running: Running, *, workspace: Workspace) -> str:
    """Let the labelling project of the workspace ask the backend, and return its address.

    Raises
    ------
    ServerError
        If there is no such project, or the server cannot be reached or refuses.
    """
    at = access(workspace)
    project = known_project(workspace, LABELLING, connect(at.url, at.token))
    if project is None:
        raise ServerError(
            "this workspace has no project on Label Studio yet",
            where=at.url,
            remedy="Make one with: narraframe push.",
        )
    connect_backend(project.url, at.token, project.project_id, running.url)
    return f"{project.url}/projects/{project.project_id}"


def _tasks(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    tasks = request.get("tasks")
    if not isinstance(tasks, list):
        raise InputError("the request has no list of tasks")
    for number, task in enumerate(tasks):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise InputError(f"task {number} of the request has no data")
    return tasks


def _post(task: Mapping[str, Any]) -> Post:
    data = task["data"]
    text = data.get("text")
    return Post(
        post_id=str(data.get("post_id") or task.get("id")),
        text=text if isinstance(text, str) else "",
    )


def _prediction(one: Ticks, preannotator: Preannotator, asked: Asked | None) -> dict[str, Any]:
    return {
        "model_version": preannotator.model_version,
        "score": one.score,
        "result": one.results if asked is None else on_page(one.results, asked),
    }
