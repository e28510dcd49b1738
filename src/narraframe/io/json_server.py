"""JSON over HTTP on this machine only: a table of routes, and short answers to bad requests."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from narraframe.errors import InputError, NarraframeError, UsageError
from narraframe.io.loopback import HOST

Route = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Routes = Mapping[tuple[str, str], Route]

MOST_BYTES = 64 * 2**20
_SILENT_SECONDS = 10.0
_NO_BODY: Mapping[str, Any] = {}


@contextmanager
def json_server(port: int, routes: Routes, *, warn: Callable[[str], None]) -> Iterator[str]:
    """Serve `routes` in the background while the context is open, and give the address.

    Parameters
    ----------
    port : int
        On 127.0.0.1; 0 = any free one.
    routes : mapping
        From method and path ("POST", "/predict") to what makes the answer of the request's JSON
        object. It runs in a thread of its own. The message of an InputError that it raises is
        answered with status 400; of any other error the client learns nothing but status 500.
    warn : callable
        Told in one line of errors that are not the client's.

    Yields
    ------
    The address, without a final slash. On leaving, requests under way are finished.

    Raises
    ------
    UsageError
        If the port is in use, or may not be used.
    """
    try:
        server = _Server(port, routes, warn)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        what = "is in use" if busy else f"cannot be used: {os.strerror(error.errno or 0)}"
        raise UsageError(
            f"port {port} {what}",
            remedy="Choose another with --port, or any free one with --port 0.",
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for requests under way

    def __init__(self, port: int, routes: Routes, warn: Callable[[str], None]) -> None:
        self.routes, self.warn = routes, warn
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say nothing of clients that left, and one line of anything else."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.warn(f"a request could not be answered: {type(error).__name__}: {error}")


class _Refused(Exception):  # noqa: N818
    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "narraframe", ""
    timeout = _SILENT_SECONDS

    def do_GET(self) -> None:
        self._answer(lambda: _NO_BODY)

    def do_POST(self) -> None:
        self._answer(self._body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing of each request."""

    def send_error(
        self,
        code: int,
        message: str | None = None,
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        """Answer what is no request as JSON, too."""
        self._send(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _answer(self, body: Callable[[], Mapping[str, Any]]) -> None:
        path = self.path.partition("?")[0].rstrip("/") or "/"
        route = self.server.routes.get((self.command, path))
        try:
            if route is None:
                raise _Refused(HTTPStatus.NOT_FOUND, f"there is no {self.command} {path}")
            self._send(HTTPStatus.OK, route(body()))
        except _Refused as refused:
            self._send(refused.status, {"error": str(refused)})
        except InputError as error:
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except NarraframeError as error:
            self._fail(str(error))
        except OSError:
            raise  # the client has left
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, line: str) -> None:
        self.server.warn(f"{self.command} {self.path}: {line}")
        self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "failed; its terminal says why"})

    def _body(self) -> Mapping[str, Any]:
        length = self.headers.get("Content-Length")
        if length is None:
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "the request does not say its length")
        if not (length.isascii() and length.isdecimal()):
            raise _Refused(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
            most = f"more than {MOST_BYTES // 2**20} MiB in one request: send fewer tasks at once"
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most)
        read = self.rfile.read(int(length))
        try:
            body = json.loads(read)
        except (ValueError, RecursionError) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, "the request is not JSON") from error
        if not isinstance(body, dict):
            raise _Refused(HTTPStatus.BAD_REQUEST, "the request is not a JSON object")
        return body

    def _send(self, status: HTTPStatus, answer: Mapping[str, Any]) -> None:
        data = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
