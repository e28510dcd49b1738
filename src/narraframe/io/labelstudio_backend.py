"""Tell Label Studio whom to ask for predictions when a task of a project is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from narraframe.errors import ServerError
from narraframe.io.labelstudio import explained

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio
    from label_studio_sdk.types.ml_backend import MlBackend

TITLE = "narraframe"
"""Of the backend. As the project's model version, it makes annotators see its predictions."""
_SECONDS = 30
_ONCE: Any = {"max_retries": 0}


def connect_backend(url: str, token: str, project_id: int, backend_url: str) -> bool:
    """Register the backend that runs at `backend_url` with a project; repeating it does no harm.

    Parameters
    ----------
    url, token : str
        Of Label Studio.
    project_id : int
        The project that is to ask the backend, and to show what it says.
    backend_url : str
        As the server reaches it. It must answer already, as the server tries it.

    Returns
    -------
    True if it was not registered before.

    Raises
    ------
    ServerError
        If the server cannot be reached or refuses, cannot reach the backend, or asks another one.
    """
    import httpx
    from label_studio_sdk import LabelStudio

    with (
        explained(url, what=f"project {project_id}"),
        httpx.Client(timeout=_SECONDS) as transport,
    ):
        client = LabelStudio(base_url=url, api_key=token, httpx_client=transport)
        known = client.ml.list(project=project_id)
        own = [backend for backend in known if backend.title == TITLE]
        _check_alone([backend for backend in known if backend.title != TITLE], url, project_id)
        if not own:
            _create(client, url, project_id, backend_url)
        elif own[0].url != backend_url:
            client.ml.update(id=int(own[0].id), project=project_id, url=backend_url)
        _remove_webhooks(client, project_id, backend_url)
        client.projects.update(id=project_id, model_version=TITLE, show_collab_predictions=True)
    return not own


def _check_alone(others: list[MlBackend], url: str, project_id: int) -> None:
    if others:
        raise ServerError(
            "the project asks another backend, and Label Studio asks one only",
            where=f"{url}/projects/{project_id}/settings/ml",
            got=others[0].url,
            remedy="Delete that one there, then connect again.",
        )


def _create(client: LabelStudio, url: str, project_id: int, backend_url: str) -> None:
    from label_studio_sdk.core.api_error import ApiError

    try:
        client.ml.create(project=project_id, url=backend_url, title=TITLE, request_options=_ONCE)
    except ApiError as error:
        said = str(error.body)
        if error.status_code == 400:
            raise ServerError(
                "Label Studio does not reach the backend",
                where=backend_url,
                got=said,
                remedy="The backend answers on this machine only: Label Studio must run here too.",
            ) from error
        if error.status_code != 403 or "reserved network address" not in said:
            raise
        # The server refuses the webhook that it makes beside a backend, once the backend is made.
        if not any(backend.url == backend_url for backend in client.ml.list(project=project_id)):
            raise ServerError(
                "Label Studio refuses to ask a backend on its own machine",
                where=url,
                got=said,
                remedy="Start it with LABEL_STUDIO_ML_BLOCK_LOCAL_IP=false in its environment.",
            ) from error


def _remove_webhooks(client: LabelStudio, project_id: int, backend_url: str) -> None:
    """Spare the server from sending every annotation to a backend that learns nothing from it."""
    for hook in client.webhooks.list(project=str(project_id)):
        if hook.url == f"{backend_url}/webhook" and hook.id is not None:
            client.webhooks.delete(id=hook.id)
