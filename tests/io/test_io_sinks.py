"""Databases as sinks of scores: one behaviour, whatever the database."""

import tempfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from postgres_server import PASSWORD, QUOTED, postgres

from narraframe.errors import OutputError, UsageError
from narraframe.io.sinks import check_sink, open_sink, shown
from narraframe.io.tables import SCORES

HOSTILE = "x'); DROP TABLE scores; --\n\"«Київ» %s {} :of_post \\"
STORES = ("sqlite", "duckdb", "postgresql")


@pytest.fixture(scope="module")
def server():
    # not below pytest's folders, which another user may not enter
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        with postgres(Path(place) / "server") as url:
            yield url


@pytest.fixture(params=STORES)
def output(request, tmp_path):
    if request.param == "postgresql":
        pytest.importorskip("psycopg")
        url = request.getfixturevalue("server")
        yield url
        with connected(url) as run:
            for name in ("scores", HOSTILE[:40], "mine"):
                quoted = '"' + name.replace('"', '""') + '"'
                progress = '"' + f"{name}_progress".replace('"', '""') + '"'
                run(f"DROP TABLE IF EXISTS {quoted}, {progress}".replace("%", "%%"))
    elif request.param == "duckdb":
        pytest.importorskip("duckdb")
        yield str(tmp_path / "s.duckdb")
    else:
        yield f"sqlite:///{tmp_path}/s.db"


class connected:
    """Run statements in the database that a sink writes to."""

    def __init__(self, output: str):
        self.output = output

    def __enter__(self):
        if self.output.endswith(".duckdb"):
            import duckdb

            self.made = duckdb.connect(self.output)
            return lambda line: self.made.execute(line).fetchall()
        import sqlalchemy as sa

        self.made = sa.create_engine(self.output, poolclass=sa.NullPool).connect()

        def run(line):
            result = self.made.exec_driver_sql(line)
            found = [tuple(row) for row in result] if result.returns_rows else []
            self.made.commit()
            return found

        return run

    def __exit__(self, *_):
        self.made.close()


def sink(output, *, table=None, model="topics", version="1"):
    return open_sink(
        output,
        stdout=None,
        table=table,
        schema=SCORES,
        model=model,
        identity={"model": version},
        force=False,
    )


def block(*rows) -> pa.Table:
    """Rows of (post_id, label_id, probability)."""
    made = [
        {
            "post_id": post_id,
            "label_id": label_id,
            "label_name": label_id and label_id.title(),
            "probability": p,
            "threshold": None if p is None else 0.5,
            "decision": None if p is None else p >= 0.5,
            "reason": "no text" if p is None else None,
            "model": "topics/1@ab",
        }
        for post_id, label_id, p in rows
    ]
    return pa.Table.from_pylist(made, schema=SCORES)


def kept(output, table="scores") -> list[tuple]:
    quoted = '"' + table.replace('"', '""') + '"'
    line = f"SELECT model_name, post_id, label_id, probability, decision FROM {quoted}"
    with connected(output) as run:
        return sorted(run(line.replace("%", "%%") if "psycopg" in output else line))


def test_scoring_again_replaces_what_the_model_said_of_a_post(output):
    with sink(output) as rows:
        rows.put(0, "d0", block(("a", "x", 0.25), ("a", "y", 0.75), ("b", "x", 0.5)), "{}")
        rows.finish(1)
    with sink(output) as rows:
        rows.put(0, "d1", block(("a", None, None)), "{}")
        rows.finish(1)
    assert kept(output) == [("topics", "a", "", None, None), ("topics", "b", "x", 0.5, True)]


def test_models_do_not_touch_each_others_scores(output):
    for model in ("one", "two"):
        with sink(output, model=model) as rows:
            rows.put(0, "d", block(("a", "x", 0.25)), "{}")
            rows.finish(1)
    assert [row[:3] for row in kept(output)] == [("one", "a", "x"), ("two", "a", "x")]


def test_hostile_ids_and_tables_are_data(output):
    table = HOSTILE[:40]
    with sink(output, table=table) as rows:
        rows.put(0, "d", block((HOSTILE, "x", 0.25), (HOSTILE * 200, "x", 0.75)), HOSTILE)
        assert rows.note_of(0, "d") == HOSTILE
    first, second = kept(output, table)
    assert first[1] == HOSTILE
    assert second[1].startswith(HOSTILE)
    assert "… sha256:" in second[1]


def test_a_run_that_broke_off_is_taken_up_where_its_rows_are(output):
    with sink(output) as rows:
        rows.put(0, "d0", block(("a", "x", 0.25)), "note 0")
    with sink(output) as rows:
        assert rows.n_dropped == 0
        assert rows.note_of(0, "d0") == "note 0"
        assert rows.note_of(0, "another input") is None
        assert rows.note_of(1, "d0") is None
        rows.put(1, "d1", block(("b", "x", 0.5)), "note 1")
        rows.finish(2)
    with sink(output) as rows:
        assert rows.note_of(0, "d0") is None
    assert [row[1] for row in kept(output)] == ["a", "b"]


def test_rows_and_progress_are_kept_together_or_not_at_all(output):
    with sink(output) as rows:
        rows.put(0, "d0", block(("b", "x", 0.5)), "{}")
        if output.endswith(".duckdb"):
            rows._progress = '"no such table"'
        # the rows go in, and then the note, which must not be null
        with pytest.raises(Exception, match=r"(?i)no such table|null"):
            rows.put(1, "d1", block(("b", "x", 0.75), ("c", "x", 0.25)), None)
    assert kept(output) == [("topics", "b", "x", 0.5, True)]


def test_work_of_another_version_is_dropped_and_counted(output):
    with sink(output) as rows:
        for i in range(3):
            rows.put(i, f"d{i}", block((str(i), "x", 0.25)), "{}")
    with sink(output, version="2") as rows:
        assert rows.n_dropped == 3
        assert rows.note_of(0, "d0") is None


def test_a_second_writer_is_refused(output):
    if output.endswith(".duckdb"):
        pytest.skip("DuckDB refuses another process, which the tests of its own show")
    with sink(output) as rows:
        with pytest.raises(OutputError, match="written by another process"), sink(output):
            pass
        rows.put(0, "d", block(("a", "x", 0.25)), "{}")
    with sink(output):
        pass


def test_another_table_of_that_name_is_left_alone(output):
    with connected(output) as run:
        run("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(OutputError, match="mine"), sink(output, table="mine"):
        pass
    with connected(output) as run:
        assert run("SELECT * FROM mine") == []


def test_a_password_is_not_shown_when_the_server_refuses_it(server):
    wrong = server.replace(QUOTED, "wr0ng-w0rd")
    with pytest.raises(OutputError) as raised, sink(wrong):
        pass
    said = str(raised.value)
    assert "password authentication failed" in said
    assert "wr0ng-w0rd" not in said
    assert "tester:***@127.0.0.1" in said
    assert raised.value.__cause__ is None
    assert PASSWORD not in shown(server)
    assert QUOTED not in shown(server)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:pa:55@ss@h:x/y", "mysql+nothing://u:pa:55@h/x", "nothing://u:pa:55@h/x"],
)
def test_an_address_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as raised, sink(url):
        pass
    assert "pa:55" not in str(raised.value)


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    missing = pytest.raises(UsageError, match=r'pip install "narraframe\[duckdb\]"')
    with missing, sink(str(tmp_path / "s.duckdb")):
        pass


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    missing = pytest.raises(UsageError, match=r'pip install "narraframe\[postgresql\]"')
    with missing, sink("postgresql+psycopg://h/x"):
        pass


def test_a_file_that_is_no_database_is_refused(tmp_path):
    for name, output in (("s.duckdb", "{}"), ("s.db", "sqlite:///{}")):
        path = tmp_path / name
        path.write_text("this is text, and no database at all " * 100)
        with pytest.raises(OutputError, match="refuses"), sink(output.format(path)):
            pass


def test_an_ending_that_names_nothing_is_refused():
    with pytest.raises(UsageError, match=r"End it in \.parquet, .* or \.duckdb"):
        check_sink("s.txt", inputs=[], force=False, table=None)


def test_a_duckdb_file_that_another_process_holds_is_refused(tmp_path):
    import subprocess
    import sys

    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "s.duckdb"
    with closing(duckdb.connect(str(path))):
        pass
    program = (
        f"import duckdb; d = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"open\n"
        busy = pytest.raises(OutputError, match="is being written by another process")
        with busy, sink(str(path)):
            pass
        other.communicate(b"\n")


def test_rows_that_another_input_replaced_are_not_taken_for_finished(output):
    with sink(output) as rows:
        rows.put(0, "x0", block(("a", "x", 0.25)), "{}")
        rows.put(1, "x1", block(("b", "x", 0.25)), "{}")
    with sink(output) as rows:  # another input, which has post b too, and stops at once
        rows.put(0, "y0", block(("b", "x", 0.75)), "{}")
    with sink(output) as rows:
        assert rows.note_of(0, "x0") is None
        assert rows.note_of(1, "x1") is None
        assert rows.note_of(0, "y0") == "{}"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_that_is_gone_with_the_process_is_refused(url):
    with pytest.raises(UsageError, match="keeps no scores"), sink(url):
        pass
