"""A real Label Studio, started and stopped as a user would."""

import shutil
import socket
import sqlite3
import stat
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest

from narraframe.errors import UsageError
from narraframe.io.detached import command_line, has_ended
from narraframe.workflows.labelstudio_server import USERNAME, start, status, stop
from narraframe.workflows.watch import Silent

pytestmark = pytest.mark.slow


@pytest.fixture
def client(label_studio):
    from label_studio_sdk import LabelStudio

    with httpx.Client(timeout=60, follow_redirects=True) as http:
        yield LabelStudio(base_url=label_studio.url, api_key=label_studio.token, httpx_client=http)


@pytest.fixture
def own_folder(label_studio, tmp_path):
    """A server of one's own, not started yet: a copy of the shared one saves the first start."""
    folder = tmp_path / "copy"
    (folder / "data").mkdir(parents=True)
    for name in ("token", "password", "data/.env"):
        shutil.copy(label_studio.folder / name, folder / name)
    database = "data/label_studio.sqlite3"
    source = sqlite3.connect(label_studio.folder / database)
    target = sqlite3.connect(folder / database)
    source.backup(target)
    source.close()
    target.close()
    yield folder
    stop(folder)


LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Addresses(HTMLParser):
    """Collects the addresses of all that a page loads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(LOADED.get(tag))
        self.found += [address] if address else []


@pytest.fixture
def browser(label_studio):
    """A client that has logged in by the form of the page."""
    password = (label_studio.folder / "password").read_text().strip()
    with httpx.Client(base_url=label_studio.url, follow_redirects=True, trust_env=False) as http:
        http.get("/user/login/")
        form = {"email": USERNAME, "password": password}
        form["csrfmiddlewaretoken"] = http.cookies["csrftoken"]
        done = http.post("/user/login/", data=form, headers={"Referer": label_studio.url})
        assert done.url.path != "/user/login/"
        yield http


def test_the_token_gives_access_to_the_first_user(client):
    assert client.users.whoami().email == USERNAME


def test_no_secret_is_printed_logged_or_on_the_command_line(label_studio):
    server = status(label_studio.folder)
    password = server.password_file.read_text().strip()
    shown = server.log.read_text() + command_line(server.pid)
    assert len(label_studio.token) == 40
    assert label_studio.token not in shown
    assert password not in shown


def test_the_files_are_their_owners_alone(label_studio):
    paths = [path for path in label_studio.folder.rglob("*") if path.is_file()]
    assert {"token", "password", "url", "pid", "label_studio.sqlite3"} <= {p.name for p in paths}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_it_listens_on_this_machine_only(label_studio):
    port = urlsplit(label_studio.url).port
    # the whole of 127.0.0.0/8 is this machine: who listens everywhere answers there too
    with pytest.raises(ConnectionRefusedError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_no_page_loads_anything_from_elsewhere(label_studio, client, browser):
    page = '<View><Text name="text" value="$text"/></View>'
    project = client.projects.create(title="server: pages", label_config=page).id
    client.projects.import_tasks(id=project, request=[{"data": {"text": "A post."}}])
    own = urlsplit(label_studio.url).netloc
    login = httpx.get(f"{label_studio.url}/user/login/", trust_env=False)
    pages = [login, *(browser.get(f"/projects/{project}/{x}") for x in ("data", "settings"))]
    for answer in pages:
        addresses = Addresses()
        addresses.feed(answer.raise_for_status().text)
        assert addresses.found
        assert {urlsplit(address).netloc for address in addresses.found} <= {"", own}
    client.projects.delete(id=project)


def test_only_its_own_names_are_answered(label_studio):
    headers = {"Host": "rebound.example"}
    answer = httpx.get(f"{label_studio.url}/user/login/", headers=headers, trust_env=False)
    assert answer.status_code == 400


def test_started_twice_stopped_and_started_again(own_folder, label_studio_program):
    options = {"program": label_studio_program, "port": 0, "watch": Silent()}
    first = start(own_folder, **options)
    assert (first.was_running, first.answers) == (False, True)
    again = start(own_folder, **options)
    assert (again.was_running, again.pid, again.url) == (True, first.pid, first.url)
    assert stop(own_folder) == first.pid
    assert has_ended(first.pid)
    assert status(own_folder) is None
    # at once, and on the port that it had
    port = urlsplit(first.url).port
    watch = Silent()
    second = start(own_folder, program=label_studio_program, port=port, watch=watch)
    assert second.url == first.url
    assert watch.warnings == []


def test_the_port_of_another_server_is_refused(label_studio, own_folder, label_studio_program):
    port = urlsplit(label_studio.url).port
    with pytest.raises(UsageError, match=f"port {port} is in use"):
        start(own_folder, program=label_studio_program, port=port, watch=Silent())
    assert status(own_folder) is None
