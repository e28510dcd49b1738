"""The curation log as CSV."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import OutputError, TableError
from narraframe.io.curation import Curation, append_curation, read_curations

FIT = "b5bb9d8014a0"
AT = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)
HEADER = "at,fit,action,themes,into,name,keywords\n"
FIRST = "2026-08-01T09:30:00+00:00,b5bb9d8014a0,hide,T3,,,spam · bots\n"


def did(action: str, *themes: int, into: tuple[int, ...] = (), name: str = "") -> Curation:
    return Curation(
        at=AT, action=action, themes=themes, into=into, name=name, keywords="a · b", fit=FIT
    )


LOG = (
    did("name", 12, name="Grain deal"),
    did("merge", 3, 15, into=(12,)),
    did("split", 7, into=(40, 41)),
    did("hide", 2, 5),
    did("restore", 2),
)


def test_a_log_reads_back_as_it_was_appended(tmp_path):
    path = tmp_path / "labels" / "themes.csv"
    assert read_curations(path) == ()
    for n, curation in enumerate(LOG, start=1):
        append_curation(path, curation)
        assert read_curations(path) == LOG[:n]


def test_the_file_is_plain_lines_that_read_well_in_a_review(tmp_path):
    path = tmp_path / "themes.csv"
    for curation in LOG[:3]:
        append_curation(path, curation)
    assert path.read_bytes().decode() == (
        HEADER + "2026-08-01T09:30:00+00:00,b5bb9d8014a0,name,T12,,Grain deal,a · b\n"
        "2026-08-01T09:30:00+00:00,b5bb9d8014a0,merge,T3 T15,T12,,a · b\n"
        "2026-08-01T09:30:00+00:00,b5bb9d8014a0,split,T7,T40 T41,,a · b\n"
    )


def test_appending_leaves_what_is_there_byte_for_byte(tmp_path):
    path = tmp_path / "themes.csv"
    there = HEADER.replace("\n", "\r\n") + "2026-08-01 09:30,b5bb9d8014a0,hide,t3,,,\r\n"
    path.write_bytes(there.encode())
    append_curation(path, did("restore", 3))
    assert path.read_bytes().startswith(there.encode())
    assert [c.action for c in read_curations(path)] == ["hide", "restore"]


TEXTS = st.one_of(
    st.text(alphabet=st.sampled_from("a,\"'\n\r=+-@\t ;é字\0\u2028"), max_size=8),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=20),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_any_name_and_any_keywords_read_back_equal(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("log") / "themes.csv"
    log = []
    for name, keywords in texts:
        action = "name" if name.strip() else "hide"
        log.append(
            Curation(at=AT, action=action, themes=(1,), name=name, keywords=keywords, fit=FIT)
        )
        append_curation(path, log[-1])
    assert read_curations(path) == tuple(log)


def test_a_name_that_looks_like_a_formula_is_no_formula_in_a_spreadsheet(tmp_path):
    path = tmp_path / "themes.csv"
    append_curation(path, did("name", 1, name="=SUM(A1)"))
    assert ",'=SUM(A1)," in path.read_text()
    assert read_curations(path)[0].name == "=SUM(A1)"


def test_times_are_read_as_utc(tmp_path):
    path = tmp_path / "themes.csv"
    east = datetime(2026, 8, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
    append_curation(path, Curation(at=east, action="hide", themes=(1,), fit=FIT))
    path.write_text(path.read_text() + "2026-08-01T09:30,b5bb9d8014a0,hide,2,,,\n")
    assert [curation.at for curation in read_curations(path)] == [AT, AT]


def test_a_line_that_a_crash_cut_off_is_named_and_nothing_is_appended_to_it(tmp_path):
    path = tmp_path / "themes.csv"
    append_curation(path, LOG[0])
    whole = path.read_bytes()
    append_curation(path, LOG[1])
    line = path.read_bytes()[len(whole) :]
    commas = [i for i, byte in enumerate(line) if byte == ord(",")]
    for end in range(1, commas[-1] + 1):
        path.write_bytes(whole + line[:end])
        with pytest.raises(TableError, match=r"themes\.csv: line 3: is cut off: has \d of 7 cells"):
            append_curation(path, LOG[2])
        assert path.read_bytes() == whole + line[:end]


def test_a_line_cut_off_within_quotes_is_named_by_where_it_begins(tmp_path):
    path = tmp_path / "themes.csv"
    path.write_text(HEADER + FIRST + '2026-08-01T09:30:00+00:00,b5bb9d8014a0,name,T1,,"Grain\nde')
    with pytest.raises(TableError, match=r"line 3: is cut off: is not CSV: unexpected end of data"):
        read_curations(path)


def test_a_whole_last_line_without_line_end_is_taken_and_ended_by_the_next(tmp_path):
    path = tmp_path / "themes.csv"
    path.write_text(HEADER + FIRST.rstrip("\n"))
    assert [curation.themes for curation in read_curations(path)] == [(3,)]
    append_curation(path, did("restore", 3))
    assert [curation.action for curation in read_curations(path)] == ["hide", "restore"]


def test_all_faults_of_a_hand_are_listed_with_their_lines(tmp_path):
    path = tmp_path / "themes.csv"
    rows = [
        FIRST,
        "yesterday,b5bb9d8014a0,hide,T1,,,\n",
        '2026-08-01,b5bb9d8014a0,name,T1,,"two\nlines",\n',
        "2026-08-01,b5bb9d8014a0,rename,T1,,x,\n",
        "2026-08-01,b5bb9d8014a0,hide,one,,,\n",
        "2026-08-01,b5bb9d8014a0,hide,,,,\n",
        "2026-08-01,b5bb9d8014a0,merge,T1 T2,T2,,\n",
        "2026-08-01,b5bb9d8014a0,merge,T1,,,\n",
        "2026-08-01,b5bb9d8014a0,split,T1,T8,,\n",
        "2026-08-01,b5bb9d8014a0,split,T1,T20 T3,,\n",
        "2026-08-01,b5bb9d8014a0,name,T1,T2, ,\n",
        "<<<<<<< HEAD\n",
        '2026-08-01,b5bb9d8014a0,hide,T1,,"x"y,\n',
        "2026-08-01,b5bb9d8014a0,hide,T1 T1,,,\n",
    ]
    path.write_text(HEADER + "".join(rows))
    with pytest.raises(TableError) as caught:
        read_curations(path)
    assert str(caught.value).split("; ") == [
        f"{path}: line 3: at is no ISO date: 'yesterday'",
        "line 6: action must be one of name, merge, split, hide, restore, not 'rename'",
        "line 7: theme numbers look like T12, not 'one'",
        "line 8: themes must hold 1 or more numbers, not 0",
        "line 9: a theme cannot be merged with, or split into, itself",
        "line 10: into must hold one number, not 0",
        "line 11: into must hold 2 or more numbers, not 1",
        "line 12: T3 is no new number: line 2 has it",
        "line 13: into must hold no number, not 1",
        "name must not be empty",
        "line 14: has 1 of 7 cells",
        "line 15: is not CSV: ',' expected after '\"'",
        "line 16: a theme is named twice. Mend or remove these lines.",
    ]


def test_parts_that_two_branches_gave_out_at_once_are_found_when_they_are_joined(tmp_path):
    path = tmp_path / "themes.csv"
    append_curation(path, did("split", 1, into=(8, 9)))
    append_curation(path, did("split", 2, into=(9, 10)))
    with pytest.raises(TableError, match="line 3: T9 is no new number: line 2 has it"):
        read_curations(path)


def test_a_header_in_between_is_passed_over(tmp_path):
    path = tmp_path / "themes.csv"
    path.write_text(HEADER + FIRST + HEADER + "\n" + FIRST)
    assert len(read_curations(path)) == 2


@pytest.mark.parametrize("text", ["at;action;themes;into;name;keywords\n", FIRST, "\n" + HEADER])
def test_another_header_is_named(tmp_path, text):
    path = tmp_path / "themes.csv"
    path.write_text(text)
    with pytest.raises(TableError, match="line 1: the columns must be at,fit,action,themes"):
        read_curations(path)


def test_what_a_spreadsheet_put_before_the_header_is_passed_over(tmp_path):
    path = tmp_path / "themes.csv"
    path.write_text("\ufeff" + HEADER + FIRST)
    assert len(read_curations(path)) == 1


def test_an_empty_file_is_an_empty_log_and_gets_its_header(tmp_path):
    path = tmp_path / "themes.csv"
    path.touch()
    assert read_curations(path) == ()
    append_curation(path, LOG[0])
    assert read_curations(path) == LOG[:1]


def test_what_is_no_text_is_an_error(tmp_path):
    path = tmp_path / "themes.csv"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(TableError, match="cannot be read as a curation log"):
        read_curations(path)
    with pytest.raises(TableError, match="cannot be read as a curation log"):
        read_curations(tmp_path)


def test_a_file_system_that_refuses_is_reported(tmp_path):
    (tmp_path / "labels").write_text("a file, no folder")
    with pytest.raises(OutputError, match="cannot be written"):
        append_curation(tmp_path / "labels" / "themes.csv", LOG[0])


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("room", [0, 30])
def test_a_disk_that_is_full_leaves_the_log_as_it_was(tmp_path, before, room):
    path = tmp_path / "themes.csv"
    for curation in LOG[:before]:
        append_curation(path, curation)
    there = path.read_bytes() if before else b""
    code = (
        "import resource, signal; from datetime import UTC, datetime; from pathlib import Path\n"
        "from narraframe.errors import OutputError\n"
        "from narraframe.io.curation import Curation, append_curation\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(there) + room}, {len(there) + room}))\n"
        "hide = Curation(at=datetime.now(UTC), action='hide', themes=(1,), fit='x')\n"
        "try:\n"
        f"    append_curation(Path({str(path)!r}), hide)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "themes.csv: cannot be written: " in done.stdout
    assert path.exists() == bool(before)
    assert not before or path.read_bytes() == there


def test_lines_that_several_processes_append_at_once_are_all_there(tmp_path):
    path = tmp_path / "themes.csv"
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from narraframe.io.curation import Curation, append_curation\n"
        "for i in range(15):\n"
        "    append_curation(Path(sys.argv[1]), Curation(at=datetime.now(UTC), action='name',"
        " themes=(int(sys.argv[2]),), fit='x', name=f'{i} ' + 'x' * 500))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, path, str(n)]) for n in range(4)]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    log = read_curations(path)
    for n in range(4):
        assert [c.name.split()[0] for c in log if c.themes == (n,)] == [str(i) for i in range(15)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "forget"}, "action must be one of name, merge, split, hide, restore"),
        ({"action": "merge", "into": (1,)}, "cannot be merged with, or split into, itself"),
        ({"action": "hide", "themes": (-1,)}, "theme numbers must not be negative"),
        ({"action": "hide", "at": datetime(2026, 8, 1)}, "at must have a time zone"),
        ({"action": "hide", "fit": " "}, "fit must not be empty"),
    ],
)
def test_an_action_that_contradicts_itself_cannot_be_made(fields, message):
    with pytest.raises(TableError, match=message):
        Curation(**{"at": AT, "themes": (1,), "fit": FIT} | fields)
