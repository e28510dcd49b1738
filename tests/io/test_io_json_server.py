"""JSON over HTTP: real requests on a free port, good, bad and hostile ones."""

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from narraframe.errors import InputError, ModelError, UsageError
from narraframe.io import json_server as module
from narraframe.io.json_server import json_server


def refuse(body):
    raise InputError("the request has no list of tasks")


def fail(body):
    raise KeyError("a secret in a variable")


def damaged(body):
    raise ModelError("is damaged", where="/some/path")


ROUTES = {
    ("GET", "/health"): lambda body: {"status": "UP"},
    ("POST", "/echo"): lambda body: {"got": body},
    ("POST", "/refuse"): refuse,
    ("POST", "/fail"): fail,
    ("POST", "/damaged"): damaged,
}


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def server(warnings):
    with json_server(0, ROUTES, warn=warnings.append) as url:
        yield url


def ask(url, method, path, body=None, headers=None):
    """Return status and answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        body = body.encode() if isinstance(body, str) else body
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def raw(url, request: bytes) -> bytes:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_routes_are_answered_as_json(server):
    assert ask(server, "GET", "/health") == (200, {"status": "UP"})
    assert ask(server, "GET", "/health/?x=1") == (200, {"status": "UP"})
    assert ask(server, "POST", "/echo", '{"a": "ї 🎉"}') == (200, {"got": {"a": "ї 🎉"}})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "line"),
    [
        ("GET", "/nowhere", None, 404, "there is no GET /nowhere"),
        ("GET", "/echo", None, 404, "there is no GET /echo"),
        ("POST", "/echo", "", 400, "the request is not JSON"),
        ("POST", "/echo", "{", 400, "the request is not JSON"),
        ("POST", "/echo", b"\xff\xfe\xfa", 400, "the request is not JSON"),
        ("POST", "/echo", "[" * 100_000, 400, "the request is not JSON"),
        ("POST", "/echo", "[1]", 400, "the request is not a JSON object"),
        ("POST", "/refuse", "{}", 400, "the request has no list of tasks"),
    ],
)
def test_a_bad_request_gets_one_clear_line(server, warnings, method, path, body, status, line):
    assert ask(server, method, path, body) == (status, {"error": line})
    assert warnings == []


@pytest.mark.parametrize(
    ("length", "status"), [("-1", 400), ("ten", 400), (str(2**40), 413), ("9" * 5000, 413)]
)
def test_a_length_that_cannot_be_is_refused_before_anything_is_read(server, length, status):
    got, answer = ask(server, "POST", "/echo", "{}", {"Content-Length": length})
    assert got == status
    assert "Content-Length" in answer["error"] or "send fewer tasks" in answer["error"]


def test_a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not(server, monkeypatch):
    body = '{"a": "%s"}' % ("x" * 91)
    monkeypatch.setattr(module, "MOST_BYTES", len(body))
    assert ask(server, "POST", "/echo", body)[0] == 200
    assert ask(server, "POST", "/echo", body + " ")[0] == 413


def test_a_body_without_a_length_is_refused(server):
    assert b" 411 " in raw(server, b"POST /echo HTTP/1.1\r\n\r\n").splitlines()[0]


def test_what_is_no_http_or_another_method_is_refused_and_the_server_goes_on(server):
    assert "Bad" in json.loads(raw(server, b"\x16\x03 nonsense\r\n\r\n"))["error"]
    assert "version" in json.loads(raw(server, b"GET / HTTP/9.1\r\n\r\n"))["error"]
    assert b" 501 " in raw(server, b"DELETE /echo HTTP/1.0\r\n\r\n")
    assert ask(server, "GET", "/health")[0] == 200


def test_a_fault_of_ours_is_told_to_the_terminal_and_not_to_the_client(server, warnings):
    for path in ("/fail", "/damaged"):
        assert ask(server, "POST", path, "{}") == (500, {"error": "failed; its terminal says why"})
    assert warnings == [
        "POST /fail: KeyError: 'a secret in a variable'",
        "POST /damaged: /some/path: is damaged",
    ]


def test_a_client_that_leaves_early_is_no_fault(server, warnings):
    place = urlsplit(server)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
    assert ask(server, "GET", "/health")[0] == 200
    assert warnings == []


def test_a_client_that_falls_silent_is_let_go(server, monkeypatch):
    monkeypatch.setattr(module._Handler, "timeout", 0.2)
    place = urlsplit(server)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
        assert connection.recv(1) == b""


def test_requests_under_way_are_finished_before_the_server_ends():
    entered, go_on, answers = threading.Event(), threading.Event(), []

    def slow(body):
        entered.set()
        go_on.wait(10)
        return {"done": True}

    with json_server(0, {("POST", "/slow"): slow}, warn=print) as url:
        client = threading.Thread(target=lambda: answers.append(ask(url, "POST", "/slow", "{}")))
        client.start()
        entered.wait(10)
        threading.Timer(0.2, go_on.set).start()
    client.join(10)
    assert answers == [(200, {"done": True})]
    with pytest.raises(ConnectionRefusedError):
        ask(url, "GET", "/health")


def test_a_port_in_use_is_refused_with_the_way_out(server):
    port = urlsplit(server).port
    with (
        pytest.raises(UsageError, match=rf"port {port} is in use.*--port 0"),
        json_server(port, ROUTES, warn=print),
    ):
        pass


def test_only_this_machine_is_answered(server):
    assert urlsplit(server).hostname == "127.0.0.1"
