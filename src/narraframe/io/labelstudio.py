"""Label Studio over its SDK: projects, tasks, predictions, and what goes wrong in clear words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from narraframe.errors import ServerError

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

Task = Mapping[str, Any]

_PAGE = 500
_CHUNK = 1_000
# seconds: a thousand tasks with predictions take a busy server some
_TIMEOUT = 300
# A change is stamped before it is stored.
_UNDER_WAY = timedelta(seconds=2)
# A request that adds is never sent twice: its answer may be lost while its effect is not.
_ONCE: Any = {"max_retries": 0}
_KEPT = ("id", "data", "annotations", "predictions", "drafts", "created_at", "updated_at")
_KEY = re.compile(r"Made by narraframe, server ([0-9a-f]{4,})")


class Server:
    """A Label Studio to which the token gives access; `url` without a final slash."""

    def __init__(self, url: str, client: LabelStudio, user: str) -> None:
        self.url, self.user, self._client = url, user, client

    def project(self, project_id: int) -> Mapping[str, Any]:
        """Return a project's settings.

        Raises
        ------
        ServerError
            If it is not there (any more).
        """
        with explained(self.url, what=f"project {project_id}"):
            return _plain(self._client.projects.get(id=project_id))

    def find_projects(self, title: str) -> tuple[int, ...]:
        """Return the ids of the projects with exactly this title, oldest first."""
        with explained(self.url):
            found = self._client.projects.list(title=title, page_size=100)
            return tuple(sorted(int(p.id) for p in found if p.title == title and p.id))

    def key(self) -> str:
        """Return what tells this server from others of the same address; "" if nothing does yet.

        It stands in the description of every project that `create_project` made.
        """
        with explained(self.url):
            for project in self._client.projects.list(page_size=100):
                if found := _KEY.search(str(project.description or "")):
                    return found[1]
        return ""

    def create_project(self, title: str, *, page: str, instructions: str, key: str) -> int:
        """Make a project that shows predictions ticked, and return its id."""
        with explained(self.url):
            made = self._client.projects.create(
                title=title,
                label_config=page,
                expert_instruction=instructions,
                show_instruction=bool(instructions),
                show_collab_predictions=True,
                description=f"Made by narraframe, server {key}. Leave this line here.",
                maximum_annotations=1,
                request_options=_ONCE,
            )
            return int(made.id)

    def update_project(self, project_id: int, **changes: Any) -> None:
        """Change settings of a project.

        The server's own check of a page is passed by: it refuses one without a label that somebody
        chose, but such answers are kept and mean what the codebook says under ``[[retired]]``.

        Raises
        ------
        ServerError
            If the server refuses, for example a page without a control that is in use.
        """
        with explained(self.url, what=f"project {project_id}"):
            self._client.projects.update(id=project_id, **changes)

    def tasks(self, project_id: int, *, since: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the tasks with all that belongs to them; only those that changed after `since`."""
        with explained(self.url, what=f"project {project_id}"):
            for task in self._client.tasks.list(
                project=project_id, fields="all", page_size=_PAGE, query=_changed_after(since)
            ):
                plain = _plain(task)
                yield {key: plain.get(key) for key in _KEPT}

    def latest_change(self, project_id: int) -> str:
        """Return a time up to which all changes of tasks are visible; "" if there is no task."""
        newest = json.dumps({"ordering": ["-tasks:updated_at"]})
        with explained(self.url, what=f"project {project_id}"):
            listed = self._client.tasks.list(
                project=project_id, fields="task_only", page_size=1, query=newest
            )
            for task in listed:
                at = datetime.fromisoformat(str(_plain(task)["updated_at"]))
                return (at - _UNDER_WAY).isoformat().replace("+00:00", "Z")
        return ""

    def task_ids(self, project_id: int) -> frozenset[int]:
        """Return the ids of all tasks of a project."""
        with explained(self.url, what=f"project {project_id}"):
            tasks = self._client.tasks.list(project=project_id, fields="task_only", page_size=_PAGE)
            return frozenset(int(task.id) for task in tasks)

    def import_tasks(self, project_id: int, tasks: Sequence[Task]) -> Iterator[int]:
        """Add tasks with their predictions, and yield after each chunk how many were added.

        Raises
        ------
        ServerError
            If the server took fewer tasks or predictions than were sent.
        """
        for start in range(0, len(tasks), _CHUNK):
            chunk = tasks[start : start + _CHUNK]
            with explained(self.url, what=f"project {project_id}"):
                taken = self._client.projects.import_tasks(
                    id=project_id, request=chunk, return_task_ids=True, request_options=_ONCE
                )
            predictions = sum(len(task.get("predictions", ())) for task in chunk)
            self._compare("tasks", len(chunk), taken.task_count)
            self._compare("predictions", predictions, taken.prediction_count)
            yield len(chunk)

    def import_predictions(self, project_id: int, rows: Sequence[Task]) -> Iterator[int]:
        """Add predictions to tasks, and yield after each chunk how many were added.

        Raises
        ------
        ServerError
            If the server took fewer than were sent, which it does silently with bad ones.
        """
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            with explained(self.url, what=f"project {project_id}"):
                taken = self._client.projects.import_predictions(
                    id=project_id, request=chunk, request_options=_ONCE
                )
            self._compare("predictions", len(chunk), taken.created)
            yield len(chunk)

    def keep_open(self, project_id: int) -> Iterator[int]:
        """Have tasks that two annotators are wanted for stay open after one; yield for each.

        A project closes its tasks after the first answer. A closed one is passed over by "Label all
        tasks", and nobody would give the second.
        """
        wanted = {
            "filter": "filter:tasks:data.n_annotators",
            "operator": "equal",
            "value": 2,
            "type": "Number",
        }
        query = json.dumps({"filters": {"conjunction": "and", "items": [wanted]}})
        with explained(self.url, what=f"project {project_id}"):
            listed = self._client.tasks.list(
                project=project_id, fields="task_only", page_size=_PAGE, query=query
            )
            closed = [task for task in map(_plain, listed) if (task.get("overlap") or 1) < 2]
            for task in closed:
                done = (task.get("total_annotations") or 0) > 1
                self._client.tasks.update(id=str(task["id"]), overlap=2, is_labeled=done)
                yield 1

    def ensure_views(self, project_id: int, views: Sequence[Mapping[str, Any]]) -> None:
        """Make the views of the data manager whose titles are not there; the first comes first."""
        with explained(self.url):
            before = [_title(view) for view in self._views(project_id)]
            made = [view for view in views if view["title"] not in before]
            for view in made:
                self._client.views.create(project=project_id, data=view, request_options=_ONCE)
            if before and views[0] in made:
                there = sorted(
                    self._views(project_id), key=lambda v: _title(v) != views[0]["title"]
                )
                ids = [int(view["id"]) for view in there]
                self._client.views.update_order(project=project_id, ids=ids)

    def _views(self, project_id: int) -> Sequence[Mapping[str, Any]]:
        return [_plain(view) for view in self._client.views.list(project=project_id)]

    def _compare(self, what: str, sent: int, taken: object) -> None:
        if taken != sent:
            raise ServerError(
                f"took {taken} of {sent} {what}",
                where=self.url,
                remedy="Run the push again: what is there already is not sent twice.",
            )


def connect(url: str, token: str) -> Server:
    """Open the server at `url`, checking that it answers and that the token is good.

    Raises
    ------
    ServerError
        If it does not answer, is no Label Studio, or refuses the token.
    """
    from label_studio_sdk import LabelStudio

    place = url.rstrip("/")
    with explained(place):
        client = LabelStudio(base_url=place, api_key=token.strip(), timeout=_TIMEOUT)
        user = client.users.whoami()
        return Server(place, client, str(user.email))


def page_faults(page: str) -> tuple[str, ...]:
    """Return what the SDK finds wrong with a labelling page."""
    from label_studio_sdk._legacy.exceptions import (
        LabelStudioValidationErrorSentryIgnored,
        LabelStudioXMLSyntaxErrorSentryIgnored,
    )
    from label_studio_sdk.label_interface import LabelInterface

    unsound = (LabelStudioValidationErrorSentryIgnored, LabelStudioXMLSyntaxErrorSentryIgnored)
    try:
        LabelInterface(page).validate()
    except unsound as error:
        return (" ".join(str(error).split()),)
    return ()


def prediction_faults(page: str, predictions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return, over all predictions, what does not fit the page: the server takes anything."""
    from label_studio_sdk.label_interface import LabelInterface

    interface = LabelInterface(page)
    faults: dict[str, None] = {}
    for prediction in predictions:
        found = interface.validate_prediction(dict(prediction), return_errors=True)
        faults.update(dict.fromkeys(found if isinstance(found, list) else ()))
    return tuple(faults)


def _changed_after(since: str | None) -> str | None:
    if since is None:
        return None
    item = {
        "filter": "filter:tasks:updated_at",
        "operator": "greater",
        "value": since,
        "type": "Datetime",
    }
    return json.dumps({"filters": {"conjunction": "and", "items": [item]}})


def _title(view: Mapping[str, Any]) -> str:
    return str((view.get("data") or {}).get("title", ""))


def _plain(record: Any) -> dict[str, Any]:
    """Return a record of the SDK as JSON has it, with times as text."""
    plain = json.loads(record.json())
    return dict(plain)


@contextmanager
def explained(url: str, *, what: str = "") -> Iterator[None]:
    """Turn what the SDK and its transport raise into one clear line, a `ServerError`."""
    import httpx
    from label_studio_sdk.core.api_error import ApiError

    try:
        yield
    except httpx.LocalProtocolError:
        # A token that fits into no header; the error would show it.
        raise _refused(url) from None
    except httpx.HTTPError as error:
        raise ServerError(
            f"Label Studio does not answer: {error or type(error).__name__}",
            where=url,
            remedy="Is it running? Start the local one with: narraframe labelstudio start.",
        ) from error
    except ApiError as error:
        raise _api_error(url, what, error) from error
    except (ValueError, UnicodeError, TypeError) as error:
        raise ServerError(
            f"what answers there is no Label Studio that is understood: {str(error)[:200]}",
            where=url,
            remedy="Check the URL; Label Studio 1.23 is what this was made for.",
        ) from error


def _api_error(url: str, what: str, error: Any) -> ServerError:
    status = error.status_code
    if status == 401 or (status == 403 and "credentials" in str(error.body)):
        return _refused(url)
    if status == 404 and what:
        return ServerError(
            f"{what} is not on the server (deleted there, or another server?)",
            where=url,
            remedy="What was pulled before is safe in labels/. To begin a new project: "
            "narraframe push --new-project.",
        )
    body = error.body if isinstance(error.body, dict) else {"detail": error.body}
    said = body.get("validation_errors") or body.get("detail") or body
    return ServerError(
        f"Label Studio answers {status}: {' '.join(str(said).split())[:300]}",
        where=f"{url} {what}".strip(),
        remedy="Look at the server's log if this does not say enough.",
    )


def _refused(url: str) -> ServerError:
    return ServerError(
        "Label Studio refuses the token",
        where=url,
        remedy="Set NARRAFRAME_LABEL_STUDIO_TOKEN to the token of its account page, and mind that "
        "tokens can expire; the local server's lies in .labelstudio/token.",
    )
