"""Ports of this machine, and what answers on them."""

from __future__ import annotations

import errno
import http.client
import os
import socket
from urllib.parse import urlsplit

from narraframe.errors import UsageError

HOST = "127.0.0.1"


def free_port(wanted: int) -> int:
    """Return `wanted` if nothing listens there, or some free port for 0.

    Raises
    ------
    UsageError
        If the port is in use, or may not be used.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as own:
        # without it, a server that stopped a moment ago would still seem to be there
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((HOST, wanted))
        except OSError as error:
            busy = error.errno == errno.EADDRINUSE
            what = "is in use" if busy else f"cannot be used: {os.strerror(error.errno or 0)}"
            raise UsageError(
                f"port {wanted} {what}",
                remedy="Choose another with --port, or any free one with --port 0.",
            ) from error
        return int(own.getsockname()[1])


def status_of(url: str, path: str, *, token: str = "", seconds: float = 10.0) -> int | None:
    """Return the HTTP status with which a server of this machine answers; None where none does.

    No proxy of the environment is asked, and nothing leaves the machine.
    """
    connection = http.client.HTTPConnection(HOST, urlsplit(url).port or 80, timeout=seconds)
    try:
        connection.request(
            "GET", path, headers={"Authorization": f"Token {token}"} if token else {}
        )
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
