"""The connection to a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from narraframe.errors import ServerError, UsageError


@contextmanager
def ray_session(address: str | None) -> Iterator[Any]:
    """Yield Ray, connected and quiet; nothing is reported to its makers.

    Parameters
    ----------
    address : str or None
        A running cluster, "auto" or "HOST:PORT"; None: one of its own, on this machine alone and
        gone at the end. A process that is connected already stays with its cluster.

    Raises
    ------
    UsageError
        If Ray is not installed.
    ServerError
        If the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            "Ray is not installed", remedy="Install it with: pip install 'narraframe[ray]'"
        ) from error
    is_mine = not ray.is_initialized()
    if is_mine:
        here = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        try:
            _knock(address)
            ray.init(
                address=address or "local",
                logging_level="ERROR",
                log_to_driver=False,
                **({} if address else here),
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ServerError(
                f"no Ray cluster answers: {str(error).splitlines()[0]}",
                where=address or "local",
                remedy="Start one with: ray start --head, or leave out --address.",
            ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    _quieten()
    try:
        yield ray
    finally:
        if is_mine:
            ray.shutdown()


def _knock(address: str | None) -> None:
    """Fail at once where nobody listens: Ray itself tries for minutes, and fills the terminal."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _quieten() -> None:
    """Keep Ray's plans and advice off the user's terminal; its own logs have them."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.ERROR)
