"""Starting and stopping a server that misbehaves; a stand-in takes the place of Label Studio."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from labelstudio_stand_in import write_stand_in

from narraframe.cli.labelstudio import labelstudio
from narraframe.errors import OutputError, ServerError, UsageError
from narraframe.io import detached
from narraframe.io.detached import has_ended
from narraframe.workflows import labelstudio_server
from narraframe.workflows.labelstudio_server import find_program, start, status, stop
from narraframe.workflows.watch import Silent


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "server"
    stop(tmp_path / "server")


@pytest.fixture
def program(tmp_path):
    return write_stand_in(tmp_path)


@pytest.fixture
def bystander():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.stdin.close()


class Interrupting(Silent):
    """A user who presses Ctrl-C while the server starts."""

    @contextmanager
    def stage(self, name, *, total=None, unit="posts"):
        def interrupt(n):
            raise KeyboardInterrupt

        yield interrupt


def started(folder, program, **options):
    return start(folder, **{"program": program, "port": 0, "watch": Silent(), **options})


def refused(folder, program, **options):
    """Return the error of a start, after which no server runs and nothing says that one does."""
    with pytest.raises((ServerError, UsageError), match=r".") as raised:
        started(folder, program, **options)
    assert status(folder) is None
    assert not (folder / "pid").exists()
    return str(raised.value)


def test_what_is_started_answers_and_what_is_stopped_is_gone(folder, program):
    server = started(folder, program)
    assert server.answers
    assert not server.was_running
    assert status(folder).pid == server.pid
    assert stop(folder) == server.pid
    assert has_ended(server.pid)
    assert status(folder) is None


def test_starting_twice_finds_the_first_whatever_port_is_asked_for(folder, program):
    first = started(folder, program)
    again = started(folder, program, port=1)
    assert again.was_running
    assert (again.pid, again.url) == (first.pid, first.url)


def test_two_starts_at_once_make_one_server(folder, program):
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda _: started(folder, program), range(4)))
    assert len({server.pid for server in servers}) == 1
    assert sum(not server.was_running for server in servers) == 1


def test_stopping_what_does_not_run_does_nothing(folder):
    assert stop(folder) is None


def test_the_files_of_a_server_are_its_owners_alone(folder, program):
    started(folder, program)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    names = ("token", "password", "url", "pid", "server.log", "lock", ".gitignore")
    assert modes == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_password_and_token_outlive_the_server(folder, program):
    server = started(folder, program)
    before = [server.token_file.read_text(), server.password_file.read_text()]
    stop(folder)
    server = started(folder, program)
    assert [server.token_file.read_text(), server.password_file.read_text()] == before


def test_a_port_in_use_is_refused(folder, program):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = refused(folder, program, port=port)
    assert message == (
        f"port {port} is in use. Choose another with --port, or any free one with --port 0."
    )


def test_a_server_that_passes_to_the_next_port_is_ended(folder, tmp_path):
    program = write_stand_in(tmp_path, "port += 1")
    assert "the port was taken meanwhile: http://127.0.0.1:" in refused(folder, program)


def test_a_server_that_ends_while_starting_leaves_its_last_words(folder, tmp_path):
    fault = "import warnings; warnings.warn('never mind'); raise ImportError('no module zebra')"
    message = refused(folder, write_stand_in(tmp_path, fault))
    assert message == (
        f"{folder / 'server.log'}: Label Studio ended: ImportError: no module zebra. "
        "Read the whole log."
    )


def test_a_program_that_cannot_be_run_leaves_the_reason(folder, tmp_path):
    program = tmp_path / "label-studio"
    program.write_text("#!/no/such/python\n")
    program.chmod(0o755)
    assert "Label Studio ended: " in refused(folder, program)


def test_a_server_that_does_not_answer_in_time_is_ended(folder, tmp_path):
    program = write_stand_in(tmp_path, "time.sleep(600)")
    assert "runs but does not answer" in refused(folder, program, patience=0.5)


def test_an_interrupted_start_leaves_no_server(folder, tmp_path):
    program = write_stand_in(tmp_path, "time.sleep(600)")
    with pytest.raises(KeyboardInterrupt):
        started(folder, program, watch=Interrupting())
    assert status(folder) is None


def test_a_server_that_will_not_stop_is_killed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(labelstudio_server, "_GRACE_SECONDS", 0.3)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    server = started(folder, write_stand_in(tmp_path, deaf))
    assert stop(folder) == server.pid
    assert has_ended(server.pid)


def test_a_stale_number_of_a_process_is_passed_over(folder, program):
    server = started(folder, program)
    os.kill(server.pid, 9)
    while not has_ended(server.pid):
        pass
    assert status(folder) is None
    assert not started(folder, program).was_running


@pytest.mark.parametrize("text", ["{pid}", "", "a word", "-1", "0"])
def test_another_programs_process_is_never_stopped(folder, program, bystander, text):
    started(folder, program)
    stop(folder)
    (folder / "pid").write_text(text.format(pid=bystander.pid))
    assert status(folder) is None
    assert stop(folder) is None
    assert bystander.poll() is None


def test_nothing_of_the_users_environment_unsettles_the_server(folder, tmp_path, monkeypatch):
    for name in ("HOST", "DEBUG", "PASSWORD", "HTTPS_PROXY", "LABEL_STUDIO_DATABASE_NAME"):
        monkeypatch.setenv(name, "unsettling")
    server = started(folder, write_stand_in(tmp_path, "print(sorted(os.environ.items()))"))
    assert "unsettling" not in server.log.read_text()
    assert "('LABEL_STUDIO_COLLECT_ANALYTICS', 'false')" in server.log.read_text()


def test_a_token_that_the_server_refuses_is_told(folder, tmp_path):
    watch = Silent()
    program = write_stand_in(tmp_path, "refused.append('/api/current-user/whoami')")
    assert started(folder, program, watch=watch).answers
    assert watch.warnings == [
        f"Label Studio refuses the token in {folder / 'token'}: write there the legacy token of "
        "its page Account & Settings"
    ]


@pytest.mark.parametrize(
    ("statements", "is_kept"),
    [
        ("", False),
        ("CREATE TABLE htx_user (id)", False),
        ("CREATE TABLE htx_user (id); INSERT INTO htx_user VALUES (1)", True),
    ],
)
def test_a_database_without_a_user_was_cut_off_and_is_made_anew(
    folder, program, statements, is_kept
):
    (folder / "data").mkdir(parents=True)
    database = folder / "data" / "label_studio.sqlite3"
    with closing(sqlite3.connect(database)) as opened:
        opened.executescript(f"CREATE TABLE other (id); {statements}")
    watch = Silent()
    started(folder, program, watch=watch)
    assert database.exists() == is_kept
    begun_anew = ["the first start was cut off before its end: it begins anew"]
    assert watch.warnings == ([] if is_kept else begun_anew)


def test_a_damaged_database_is_left_to_its_owner(folder, program):
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "label_studio.sqlite3").write_text("no database")
    started(folder, program)
    assert (folder / "data" / "label_studio.sqlite3").read_text() == "no database"


def test_a_folder_that_cannot_be_made_is_told(tmp_path, program):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        started(tmp_path / "file" / "server", program)


def test_a_program_that_is_not_there_is_told_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"not installed.*make labelstudio"):
        find_program(tmp_path)
    with pytest.raises(UsageError, match=r"--program .*nowhere: is no program"):
        find_program(tmp_path, given=tmp_path / "nowhere")


def test_the_version_advised_is_the_one_pinned(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="not installed") as raised:
        find_program(tmp_path)
    lock = (Path(__file__).resolve().parents[2] / "labelstudio.lock").read_text().splitlines()
    assert str(raised.value).split()[-1] in lock


def test_the_workspaces_own_program_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    on_path = write_stand_in(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere" / "venv"))
    assert find_program(tmp_path / "workspace") == on_path
    own = tmp_path / "workspace" / ".venv-labelstudio" / "bin"
    own.mkdir(parents=True)
    of_workspace = write_stand_in(own)
    assert find_program(tmp_path / "workspace") == of_workspace


def test_the_command_line_says_where_the_server_is_and_no_secret(tmp_path, program, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(*words):
        done = CliRunner().invoke(labelstudio, words, standalone_mode=False)
        assert done.exception is None
        return done.output.splitlines(), done.return_value

    start_words = ("start", "--port", "0", "--program", str(program))
    try:
        lines, _ = command(*start_words)
        server = status(tmp_path / ".labelstudio")
        where = f"{server.url} (process {server.pid})"
        login = "log in as admin@local.test with the password in .labelstudio/password"
        assert lines == [
            f"Label Studio runs: {where}",
            login,
            "stop it with: narraframe labelstudio stop",
        ]
        assert command(*start_words)[0][0] == f"Label Studio runs already: {where}"
        assert command("status") == ([f"Label Studio runs: {where}", login], 0)
    finally:
        stopped = command("stop")
    assert stopped == ([f"Label Studio is stopped (process {server.pid})"], None)
    assert command("stop")[0] == ["no Label Studio ran here"]
    assert command("status")[1] == 1


def test_the_port_of_a_stopped_server_is_free_at_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(detached, "_POLL_SECONDS", 0.0005)
    # as the last of its threads leaves, not the first
    threads = "import threading\nfor _ in range(40): threading.Timer(99, print).start()"
    program = write_stand_in(tmp_path, threads)
    port = urlsplit(started(folder, program).url).port
    for _ in range(5):
        stop(folder)
        assert urlsplit(started(folder, program, port=port).url).port == port
