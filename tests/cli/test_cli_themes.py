"""The commands on themes: what they print, and how they answer mistakes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mistakes_workspace import (
    Step,
    cut,
    disk_of,
    drop,
    encode_by_hashing,
    everything,
    nothing,
    other_encoder,
    put,
    read_only,
    steps,
    swap,
    typed,
)

from narraframe.cli import run
from narraframe.cli.terminal import columns

SUBJECTS = {
    "Farm": "harvest grain wheat barley tractor field plough seed meadow silo",
    "Town Hall": "ballot voter election turnout candidate poll mayor council recount deputy",
    "Ward": "vaccine clinic nurse hospital patient dose surgeon fever bandage scalpel",
    "Stadium": "striker goalkeeper penalty referee league corner offside trophy coach derby",
}
SIZES = (40, 30, 25, 20)
NAMES = ("Farms", "Elections", "Health", "Football")
LOG = "labels/themes.csv"
HIDDEN = "at,fit,action,themes,into,name,keywords\n2026-01-01,x,hide,T3,,,\n"
CONTROL = "a\x1b[31mred"


def posts() -> list[dict]:
    """Return 115 posts of four subjects, in random order, of five months and five channels."""
    rng, made = np.random.default_rng(0), []
    for (channel, words), size in zip(SUBJECTS.items(), SIZES, strict=True):
        for i in range(size):
            chosen = rng.choice(words.split(), size=6, replace=False)
            made.append(
                {
                    "id": f"{channel[0]}{i}",
                    "text": f"The {' and the '.join(chosen)}.",
                    "lang": "en",
                    "channel": channel if i % 4 else "Gazette",
                    "date": f"2024-{1 + i % 5:02}-{1 + i % 28:02}",
                }
            )
    return [made[i] for i in rng.permutation(len(made))]


def write(path: str, rows: list[dict]) -> None:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("themes") / "place"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        encode_by_hashing(patch)
        patch.chdir(folder)
        write("posts.jsonl", posts())
        assert run(["themes", "posts.jsonl", "-o", "data/themes"]) == 0
        for number, name in enumerate(NAMES):
            assert run(["themes", "name", f"T{number}", name]) == 0
        Path(LOG).write_bytes(b"")
    return folder


@pytest.fixture
def place(template, tmp_path, monkeypatch):
    """A folder with themes that bear names, and an empty log."""
    folder = Path(shutil.copytree(template, tmp_path / "place"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    encode_by_hashing(monkeypatch)
    return folder


@pytest.fixture
def say(place, capsys):
    """Run a command that works, and return what it printed."""

    def answer(command: str, *, err: str = "") -> str:
        capsys.readouterr()
        code = run(shlex.split(command))
        said = capsys.readouterr()
        assert code == 0, said.err
        assert said.err.startswith(err) if err else not said.err
        return said.out

    return answer


def after(line: str) -> Step:
    """Run a command before."""
    return lambda patch: run(shlex.split(line))


def flip(path: str) -> Step:
    """Flip the bits of one byte in the middle."""

    def do(patch: pytest.MonkeyPatch) -> None:
        data = bytearray(Path(path).read_bytes())
        data[len(data) // 2] ^= 0xFF
        Path(path).write_bytes(data)

    return do


def no_room(patch: pytest.MonkeyPatch) -> None:
    """Let what is written not come to rest on the disk."""

    def refuse(number):
        raise OSError(28, "No space left on device")

    patch.setattr("narraframe.io.curation.os.fsync", refuse)


def dateless(patch: pytest.MonkeyPatch) -> None:
    """Find the themes of posts without date and channel."""
    made = [{k: v for k, v in post.items() if k in ("id", "text", "lang")} for post in posts()]
    write("posts.jsonl", made)
    assert run(["themes", "posts.jsonl", "-o", "data/themes", "--force"]) == 0


@dataclass(frozen=True)
class Mistake:
    """What the user did, the command that followed, and passages of the line that answers it."""

    what: str
    command: str
    says: tuple[str, ...]
    spoil: Step = nothing
    code: int = 2
    disk: int | None = None


CURATING = ("name T0 x", "merge T0 --into T1", "split T0", "hide T0", "restore T0")
READING = ("show", "show T0", "search x", "over", "map -o m.svg", "assign posts.jsonl -o a.csv")
MISTAKES = (
    # --- themes that there are not -------------------------------------------------------------
    *(
        Mistake(f"a theme that there is not, to {command}", f"themes {command}", (says,))
        for command, says in (
            ("show T99", "data/themes: there is no theme T99. See them all: narraframe themes"),
            ("name T99 x", "there is no theme T99. There are T0-T3."),
            ("merge T99 --into T0", "there is no theme T99. There are T0-T3."),
            ("merge T0 T1 --into T99", "there is no theme T99. There are T0-T3."),
            ("split T99", "there is no theme T99. There are T0-T3."),
            ("hide T0 T99", "there is no theme T99. There are T0-T3."),
            ("restore T99", "there is no theme T99. There are T0-T3."),
            ("hide 22", "there is no theme T22. Did you mean T2? There are T0-T3."),
        )
    ),
    *(
        Mistake(
            f"what is no theme: {given[:9]}",
            f"themes {command}",
            (f"{given[:40]}", "is no theme: write T12 or 12. See: narraframe themes"),
        )
        for given, command in (
            ("x", "show x"),
            ("Farms", "hide Farms"),
            ("T-1", "name T-1 x"),
            ("1.0", "split 1.0"),
            ("T٣", "hide T٣"),
            ("9" * 5000, f"hide {'9' * 5000}"),
            ("all", "merge T1 --into all"),
        )
    ),
    # --- what cannot be done -------------------------------------------------------------------
    Mistake(
        "a merge of a theme with itself",
        "themes merge T1 T2 --into T2",
        ("a theme cannot be merged with itself (got 'T2'). Name another one.",),
    ),
    Mistake("a merge without a target", "themes merge T1", ("Missing option '--into'",)),
    Mistake("a merge of nothing", "themes merge --into T1", ("Missing argument 'THEME...'",)),
    Mistake(
        "a split of a theme with too few posts",
        "themes split T3 --parts 20",
        ("T3 has too few distinct posts for 20 parts (got 19). Ask for fewer parts.",),
    ),
    Mistake("a split into one part", "themes split T0 --parts 1", ("1 is not in the range 2<=x",)),
    Mistake(
        "a theme hidden twice",
        "themes hide T3",
        ("T3 is hidden. Restore T3 first.",),
        after("themes hide T3"),
    ),
    Mistake(
        "a name for a hidden theme",
        "themes name T3 x",
        ("T3 is hidden. Restore T3 first.",),
        after("themes hide T3"),
    ),
    Mistake(
        "a look at a hidden theme",
        "themes show T3",
        ("T3 is hidden. Restore T3 first.",),
        after("themes hide T3"),
    ),
    Mistake(
        "a look at a merged theme",
        "themes show T3",
        ("T3 is merged into T1. Restore T3 first.",),
        after("themes merge T3 --into T1"),
    ),
    Mistake(
        "a split theme as the target of a merge",
        "themes merge T1 --into T0",
        ("T0 is split into T4 and T5. Restore T0 first.",),
        after("themes split T0"),
    ),
    Mistake(
        "nothing to restore",
        "themes restore T0",
        ("T0 has nothing to restore. It is not hidden, merged, split or named.",),
    ),
    Mistake(
        "a theme to restore that others were merged into",
        "themes restore T1",
        ("T1 has nothing to restore. To take out what was merged into it, restore T3.",),
        after("themes merge T3 --into T1"),
    ),
    # --- names ---------------------------------------------------------------------------------
    Mistake("an empty name", "themes name T0 ''", ("a name must not be empty (got ''). Write",)),
    Mistake("a blank name", "themes name T0 ' \n '", ("a name must not be empty (got ' \\n ')",)),
    Mistake(
        "a name of 10,000 characters",
        f"themes name T0 {'x' * 10_000}",
        ("a name has 200 characters at most (got '10,000 characters'). Shorten it.",),
    ),
    Mistake(
        "a name with control characters",
        f"themes name T0 '{CONTROL}'",
        ("the name holds characters that cannot be shown (got 'a\\x1b[31mred'). Leave them",),
    ),
    Mistake(
        "a name for a merger with control characters",
        f"themes merge T0 --into T1 --name '{CONTROL}'",
        ("the name holds characters that cannot be shown",),
    ),
    Mistake("a theme without a name", "themes name T0", ("Missing argument 'NAME'",)),
    Mistake("a name in two words", "themes name T0 my name", ("Got unexpected extra argument",)),
    # --- folders without themes ----------------------------------------------------------------
    *(
        Mistake(
            f"a folder that holds no themes, to {command}",
            f"themes {command} --themes labels",
            ("labels: holds no themes. Find them first: narraframe themes POSTS -o FOLDER.",),
            code=1,
        )
        for command in (*CURATING, *READING)
    ),
    Mistake(
        "a folder that is not there",
        "themes show --themes nowhere",
        ("nowhere: holds no themes. Find them first",),
        code=1,
    ),
    Mistake(
        "a folder before that holds no themes",
        "themes posts.jsonl -o out --previous labels",
        ("labels: holds no themes. Find them first",),
        code=1,
    ),
    # --- what is damaged -----------------------------------------------------------------------
    *(
        Mistake(
            f"a state that is {what}, to {command}",
            f"themes {command}",
            ("data/themes/state.npz: cannot be read: BadZipFile", "Run narraframe themes again."),
            spoil,
            code=1,
        )
        for command in ("hide T0", "show", "assign posts.jsonl -o a.csv")
        for what, spoil in (
            ("cut off", cut("data/themes/state.npz", 5000)),
            ("empty", put("data/themes/state.npz", "")),
            ("something else", put("data/themes/state.npz", "hello")),
            ("flipped", flip("data/themes/state.npz")),
        )
    ),
    *(
        Mistake(
            f"summaries that are {what}",
            f"themes {command}",
            ("data/themes: cannot be read: ", "Run narraframe themes again."),
            put("data/themes/themes.json", text),
            code=1,
        )
        for command in ("hide T0", "show")
        for what, text in (("cut off", '[{"theme": 0'), ("of something else", '{"a": 1}'))
    ),
    Mistake(
        "summaries of other themes",
        "themes show",
        ("data/themes: its files do not belong together. Find the themes again.",),
        swap("data/themes/themes.json", '"theme": 3', '"theme": 9'),
        code=1,
    ),
    *(
        Mistake(
            f"a log with a damaged line, to {command}",
            f"themes {command}",
            (f"{LOG}: line 3: action must be one of name, merge", "'hidee'. Mend or remove these"),
            put(LOG, HIDDEN + "2026-01-01,x,hidee,T1,,,\n"),
            code=1,
        )
        for command in ("hide T1", "show", "search x", "posts.jsonl -o out")
    ),
    Mistake(
        "a log whose last line is cut off",
        "themes hide T1",
        (f"{LOG}: line 3: is cut off: has 3 of 7 cells. Mend or remove these lines.",),
        put(LOG, HIDDEN + "2026-01-01,x,hide"),
        code=1,
    ),
    Mistake(
        "a log of something else",
        "themes hide T1",
        (f"{LOG}: line 1: the columns must be at,fit,action,themes,into,name,keywords. Mend it.",),
        put(LOG, "a,b\n1,2\n"),
        code=1,
    ),
    Mistake(
        "a log that is no text",
        "themes hide T1",
        (f"{LOG}: cannot be read as a curation log. It must be a UTF-8 CSV file.",),
        put(LOG, b"\xff\xfe\x00"),
        code=1,
    ),
    # --- what cannot be written ----------------------------------------------------------------
    *(
        Mistake(
            f"a log that cannot be written, to {command}",
            f"themes {command}",
            (f"{LOG}: cannot be written: No space left on device. Free some space, or",),
            steps(after("themes hide T3"), no_room),
            code=1,
        )
        for command in (*CURATING[:-1], "restore T3")
    ),
    Mistake(
        "a file in the place of the log's folder",
        "themes hide T1",
        (f"{LOG}: cannot be written: ", "choose a folder that you may write to."),
        steps(drop("labels"), put("labels", "x")),
        code=1,
    ),
    *(
        Mistake(
            f"a folder that is read-only, to {command}",
            f"themes {command}",
            (" cannot be written: Read-only file system. Free some space, or choose a folder",),
            read_only,
            code=1,
        )
        for command in (*CURATING[:-1], *READING[-2:], "over -o o.csv")
    ),
    Mistake(
        "a disk that is full, at curation",
        "themes hide T1",
        ("data/themes: cannot be written: File too large. Free some space",),
        code=1,
        disk=2000,
    ),
    # --- the command line ----------------------------------------------------------------------
    Mistake(
        "a command that is misspelt",
        "themes shwo",
        ("No such file or command 'shwo'. Did you mean 'show'? See: narraframe themes --help",),
    ),
    Mistake(
        "a command that is misspelt, with arguments",
        "themes mrege T1 --into T2",
        ("No such file or command 'mrege'. Did you mean 'merge'?",),
    ),
    Mistake(
        "a theme in the place of a command",
        "themes T3",
        ("No such file or command 'T3'. Did you mean 'show T3'?",),
    ),
    Mistake("posts without an output", "themes posts.jsonl", ("Missing option '-o'",)),
    Mistake("an output without posts", "themes -o out", ("Missing argument 'IN...'",)),
    Mistake(
        "an option that there is not",
        "themes --engin graph posts.jsonl -o out",
        ("No such option '--engin'", "'--engine'"),
    ),
    Mistake(
        "posts that are not there",
        "themes -o out nowhere.jsonl",
        ("nowhere.jsonl: there is no such file. Check the path.",),
        code=1,
    ),
    Mistake(
        "an engine that there is not",
        "themes posts.jsonl -o out --engine magic",
        ("'magic' is not one of 'hdbscan', 'graph'",),
    ),
    Mistake(
        "a granularity of nothing",
        "themes posts.jsonl -o out --granularity 0",
        ("0.0 is not in the range 0<x<=100",),
    ),
    Mistake(
        "a fresh start from a fit before",
        "themes posts.jsonl -o out --fresh --previous data/themes",
        ("--fresh takes up no numbers, and --previous does: choose one. See:",),
    ),
    Mistake("a slice by what there is not", "themes over --by author", ("'author' is not one of",)),
    Mistake("a search without a sentence", "themes search", ("Missing argument 'SENTENCE'",)),
    Mistake(
        "a search for an empty sentence",
        "themes search ' '",
        ("there is nothing to search for (got ' '). Write a sentence.",),
        code=1,
    ),
    Mistake(
        "a search with another encoder",
        "themes search x",
        ("data/themes: the themes were found with another encoder (got 'hashing-256@1'). This",),
        other_encoder,
        code=1,
    ),
    *(
        Mistake(
            f"slices of posts without {what}",
            f"themes over --by {by}",
            (f"data/themes: no post has a {what}. Give it when the themes are found: ", option),
            dateless,
            code=1,
        )
        for by, what, option in (
            ("month", "date", "--date COLUMN."),
            ("channel", "channel", "--channel NAME."),
        )
    ),
    Mistake(
        "posts to show that are not there",
        "themes show T0 --posts nowhere.jsonl",
        ("nowhere.jsonl: there is no such file. Check the path.",),
        code=1,
    ),
    *(
        Mistake(
            f"a wrong ending, to {command}",
            f"themes {command} -o out.txt",
            ("out.txt: the ending names no format. End it in .",),
        )
        for command in ("assign posts.jsonl", "over", "map")
    ),
    Mistake(
        "a stream where a file is written",
        "themes assign posts.jsonl -o -",
        ("-: the ending names no format. End it in .parquet or .csv or .jsonl or .jsonl.gz.",),
    ),
    *(
        Mistake(
            f"an output that exists, to {command}",
            f"themes {command}",
            (": exists already. Pass --force to replace it, or choose another -o.",),
            put(command.split()[-1], "mine"),
            code=1,
        )
        for command in (
            "assign posts.jsonl -o a.csv",
            "over -o o.csv",
            "map -o m.png",
            "posts.jsonl -o f",
        )
    ),
    Mistake(
        "a folder of something else as output",
        "themes posts.jsonl -o labels --force",
        ("labels: holds more than themes, and would be replaced as a whole (got 'themes.csv')",),
        code=1,
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_told_in_one_line_and_leaves_all_as_it_was(
    mistake, place, monkeypatch, capsys
):
    mistake.spoil(monkeypatch)
    before = everything()
    capsys.readouterr()
    with disk_of(mistake.disk):
        code = run(shlex.split(mistake.command))
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert re.fullmatch(r"error: .+[^.][.?] [A-Z].+", line), "a fault, then what to do about it"
    for passage in mistake.says:
        assert passage in line
    assert (code, told.out) == (mistake.code, "")
    assert everything() == before


# --- find


def test_posts_without_a_command_are_posts_whose_themes_are_to_be_found(say):
    by_name = say("themes find posts.jsonl -o one")
    assert say("themes posts.jsonl -o two") == by_name.replace("one:", "two:")
    for name in ("themes.parquet", "state.npz", "themes.json"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
    assert re.fullmatch(
        r"one: 4 themes in 115 posts\n"
        r"      40 posts  T0   \S+ · \S+ · \S+\n"
        r"      30 posts  T1   \S+ · \S+ · \S+\n"
        r"      25 posts  T2   \S+ · \S+ · \S+\n"
        r"      20 posts  T3   \S+ · \S+ · \S+\n"
        r"       0 posts in no theme\n",
        by_name,
    )


@pytest.mark.parametrize(
    "command",
    [
        "themes -o out posts.jsonl",
        "themes -oout posts.jsonl",
        "themes --output=out posts.jsonl",
        "themes --engine hdbscan -o out posts.jsonl",
        "themes --fresh posts.jsonl -o out",
        "themes --workspace . -o out ./posts.jsonl",
    ],
)
def test_options_may_come_before_the_posts(say, command):
    assert say(command).startswith("out: 4 themes in 115 posts\n")
    assert Path("out/state.npz").exists()


def test_a_help_option_within_another_is_none(say):
    assert say("themes -ohh posts.jsonl").startswith("hh: 4 themes in 115 posts\n")


def test_posts_come_from_standard_input_too(say, monkeypatch):
    typed(Path("posts.jsonl").read_bytes())(monkeypatch)
    assert say("themes - -o out").startswith("out: 4 themes in 115 posts\n")


def test_themes_found_again_keep_number_and_name_and_no_change_is_told(say):
    say("themes name T2 Nurses")
    told = say("themes posts.jsonl -o data/themes --force").splitlines()
    assert len(told) == 6
    assert told[3] == "      25 posts  T2   Nurses"
    assert told[5] == "       0 posts in no theme"


def test_changes_since_the_fit_before_are_told(say):
    write("fewer.jsonl", [post for post in posts() if not post["id"].startswith("S")])
    told = say("themes fewer.jsonl -o data/themes --force", err="warning: Only 89 distinct")
    assert told.endswith("since they were found before:\n  T3 is gone (20 posts)\n")
    told = say("themes posts.jsonl -o data/themes --force")
    assert told.endswith("  T3 is back (20 posts, 20 when last seen)\n")
    assert "      20 posts  T3   " in told


def test_warnings_go_to_standard_error(place, capsys):
    write("few.jsonl", posts()[:8])
    assert run(["themes", "few.jsonl", "-o", "few"]) == 0
    told = capsys.readouterr()
    assert told.out == "few: 0 themes in 8 posts\n       8 posts in no theme\n"
    assert all(line.startswith("warning: ") for line in told.err.splitlines())
    assert told.err


# --- show


def test_all_themes_are_shown_with_their_figures(say):
    told = say("themes show").splitlines()
    assert told[0] == "4 themes in 115 posts"
    assert re.fullmatch(r"  theme +posts  distinct  confidence  stability", told[1])
    rows = {" ".join(line.split()) for line in told[2:] if re.match(r" +T\d", line)}
    assert rows == {
        "T0 Farms 40 38 1.00 1.00",
        "T1 Elections 30 28 1.00 1.00",
        "T2 Health 25 23 1.00 1.00",
        "T3 Football 20 19 1.00 1.00",
    }
    figures = [re.split(r"  +", line.strip()) for line in told[-6:]]
    assert [name for name, _ in figures] == [
        *("posts in no theme", "stability", "stability resampled"),
        *("npmi", "diversity", "outlier share"),
    ]
    assert [value for _, value in figures][:3] == ["0", "1.00", "1.00"]


def test_what_the_analyst_did_is_shown_below(say):
    say("themes hide T3")
    say("themes merge T2 --into T1")
    say("themes split T0")
    told = say("themes show").splitlines()
    assert told[0] == "3 themes in 115 posts"
    assert "  posts in no theme    20" in told
    assert told[-3:] == [
        "  T0 is split into T4 and T5",
        "  T2 is merged into T1",
        "  T3 is hidden",
    ]


def test_unknown_figures_are_dashes(say):
    path = Path("data/themes/quality.json")
    quality = json.loads(path.read_text())
    path.write_text(json.dumps(quality | {"figures": {"npmi": None, "diversity": 0.5}}))
    told = say("themes show").splitlines()[-6:]
    assert [line.split()[-1] for line in told] == ["0", "-", "-", "-", "0.50", "-"]


def test_one_theme_is_shown_closely(say):
    told = say("themes show T2").splitlines()
    assert told[0] == "T2   Health"
    assert told[1:4] == [
        "  posts       25 (23 distinct)",
        "  confidence  1.00",
        "  stability   1.00",
    ]
    assert re.fullmatch(r"  keywords    (\w+, ){7,}", told[4] + " ")
    assert "  months      2024-01 █████ 2024-05" in told
    assert "  channels    Ward 18, Gazette 7" in told
    assert re.fullmatch(r"  (W\d+, ){4}W\d+ stand for it", told[-1])


def test_a_theme_is_shown_with_its_posts(say):
    told = say("themes show t2 --posts posts.jsonl").splitlines()
    heads = [line for line in told if re.match(r"  W\d", line)]
    assert len(heads) == 5
    for head in heads:
        assert re.fullmatch(r"  W\d+  (Ward|Gazette), 2024-0[1-5]-\d\d", head)
    assert told[told.index(heads[0]) + 1].startswith("    The ")
    assert "stand for it" not in told[-1]


def test_posts_that_are_not_there_are_named(say):
    wanted = say("themes show T2").splitlines()[-1].split(" stand")[0].split(", ")
    write(
        "some.jsonl",
        [post for post in posts() if post["id"] not in [w.strip() for w in wanted[:2]]],
    )
    told = say("themes show T2 --posts some.jsonl").splitlines()
    assert told[-1] == f"{', '.join(wanted[:2])} are not in some.jsonl"


# --- curation


def test_what_was_done_is_said_with_what_came_of_it(say):
    assert say("themes name T0 'Grain and tractors'") == (
        "T0 named 'Grain and tractors'; written to labels/themes.csv\n"
        "      40 posts  T0   Grain and tractors\n"
    )
    assert say("themes merge T2 t3 --into 1 --name 'Town life'") == (
        "T2 and T3 merged into T1; written to labels/themes.csv\n      75 posts  T1   Town life\n"
    )
    assert say("themes hide T1") == "T1 hidden; written to labels/themes.csv\n"
    told = say("themes split T0 --parts 3").splitlines()
    assert told[0] == "T0 split into T4, T5 and T6; written to labels/themes.csv"
    assert [re.match(r" +\d+ posts  (T\d) ", line)[1] for line in told[1:]] == ["T4", "T5", "T6"]
    assert sum(int(line.split()[0]) for line in told[1:]) == 40
    assert say("themes restore T0 T1").splitlines() == [
        "T0 and T1 restored; written to labels/themes.csv",
        "      75 posts  T1   Town life",
        "      40 posts  T0   Grain and tractors",
    ]
    log = Path(LOG).read_text("utf-8").splitlines()
    assert [line.split(",")[2] for line in log[1:]] == ["name", "merge", "hide", "split", "restore"]


def test_a_name_may_begin_with_a_dash_or_hold_quotes(say):
    assert "T0 named '-1'" in say("themes name T0 -- -1")
    told = say("themes name T0 'the \"war\" of 1812'")
    assert told.splitlines()[1].endswith('T0   the "war" of 1812')


# --- assign


def test_assigned_posts_are_counted_by_theme_and_by_reason(say):
    say("themes hide T3")
    new = [post | {"id": f"n{i}"} for i, post in enumerate(posts())]
    write("new.jsonl", [*new, {"id": "empty", "text": "", "lang": "en"}])
    told = say("themes assign new.jsonl -o new.csv")
    assert told.startswith("new.csv: 116 posts\n      40 posts  T0   ")
    assert told.endswith(
        "      20 posts  no theme: theme is hidden\n       1 posts  no theme: no text\n"
    )
    assert Path("new.csv").read_text().count("\n") == 117


def test_what_may_be_a_new_theme_is_offered_with_posts(say):
    rng = np.random.default_rng(1)
    words = ("sonata", "violin", "cello", "orchestra", "overture", "quartet", "fugue", "aria")
    music = [
        {"id": f"m{i}", "text": f"A {' and a '.join(rng.choice(words, 6, replace=False))}."}
        for i in range(9)
    ]
    write(
        "new.jsonl", [*posts()[:20], *(post | {"lang": "en", "channel": "Opera"} for post in music)]
    )
    told = say("themes assign new.jsonl -o new.csv").splitlines()
    (offer,) = [i for i, line in enumerate(told) if line.startswith("may be a new theme: ")]
    assert re.fullmatch(
        r"may be a new theme: \w+ · \w+ · \w+ \([5-9] distinct posts, cohesion 0\.\d\d\)",
        told[offer],
    )
    assert "       9 posts  no theme: new" in told
    heads = [line for line in told[offer:] if re.fullmatch(r"  m\d  Opera", line)]
    assert len(heads) == 3


# --- search, over, map


def test_the_nearest_theme_comes_first(say):
    told = say("themes search 'the striker and the goalkeeper and the derby' -n 2").splitlines()
    assert len(told) == 3
    assert re.fullmatch(r"  theme +similarity  nearest post", told[0])
    assert re.fullmatch(r"  T3   Football +0\.\d\d +0\.\d\d", told[1])


def test_months_and_channels_are_rows_and_themes_are_columns(say):
    assert say("themes over") == (
        "      40 posts  T0   Farms\n"
        "      30 posts  T1   Elections\n"
        "      25 posts  T2   Health\n"
        "      20 posts  T3   Football\n"
        "  month    posts     T0     T1     T2     T3\n"
        "  2024-01     23      8      6      5      4\n"
        "  2024-02     23      8      6      5      4\n"
        "  2024-03     23      8      6      5      4\n"
        "  2024-04     23      8      6      5      4\n"
        "  2024-05     23      8      6      5      4\n"
    )
    assert say("themes over --by channel -o by.csv").splitlines()[4:] == [
        "  channel    posts     T0     T1     T2     T3",
        "  Farm          30     30      .      .      .",
        "  Gazette       30     10      8      7      5",
        "  Town Hall     22      .     22      .      .",
        "  Ward          18      .      .     18      .",
        "  Stadium       15      .      .      .     15",
        "by.csv written",
    ]
    lines = Path("by.csv").read_text("utf-8").splitlines()
    assert lines[0] == "theme,name,channel,posts,posts_of_all,keywords"
    assert lines[1].startswith("0,Farms,Farm,30,30,")
    assert len(lines) == 1 + 4 * 5


def test_what_there_is_no_room_for_is_counted(say, monkeypatch):
    made = [
        post
        | {"date": f"{2018 + i % 7}-{1 + i % 12:02}-01", "channel": f"{'Channel ' * 8}{i % 84}"}
        for i, post in enumerate(posts())
    ]
    write("posts.jsonl", made)
    say("themes posts.jsonl -o data/themes --force")
    monkeypatch.setenv("COLUMNS", "40")
    assert say("themes over").splitlines()[-1] == (
        "  the last 24 of 84 months and the 3 largest of 4 themes; all of them with -o"
    )
    by_channel = say("themes over --by channel").splitlines()
    assert by_channel[-1].startswith(
        "  the largest 24 of 84 channels and the 1 largest of 4 themes"
    )


def test_the_map_is_written(say):
    assert say("themes map -o m.svg --title 'My themes'") == "m.svg written\n"
    assert Path("m.svg").read_text("utf-8").startswith("<?xml")


# --- everything


@pytest.mark.parametrize(
    "command",
    [
        "show",
        "show T0 --posts posts.jsonl",
        "show T1",
        "over",
        "over --by channel",
        "search x",
        "assign posts.jsonl -o a.csv",
        "posts.jsonl -o data/themes --force",
    ],
)
def test_nothing_is_wider_than_the_terminal_or_moves_its_cursor(say, command):
    odd = {"channel": f"A\nB\x1b[31m{'red ' * 30}", "text": f"{CONTROL} " * 60}
    made = [post | {k: f"{post[k]} {v}" for k, v in odd.items()} for post in posts()]
    write("posts.jsonl", [post | {"id": f"{post['id']}\x1b[2J\n"} for post in made])
    say("themes posts.jsonl -o data/themes --force")
    for number in (0, 1):
        say(f"themes name T{number} '{'long name ' * 19}'")
    say("themes split T2 --parts 20")
    told = say(f"themes {command}")
    assert "\x1b" not in told
    lines = told.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if re.match(r"\S*B", line)]


@pytest.mark.parametrize("command", ["show", "over", "search x"])
def test_names_in_letters_of_two_columns_stand_in_line(say, command):
    say(f"themes name T0 {'俄罗斯与欧洲' * 10}")
    say("themes name T1 이주")
    told = say(f"themes {command}").splitlines()
    assert max(map(columns, told)) <= 80
    if command != "over":
        rows = [line for line in told if re.match(r" +(T\d|theme) ", line)]
        assert len({columns(line) for line in rows}) == 1
        assert len(rows) == 5


def test_looking_and_curating_need_none_of_the_heavy_libraries(place):
    """Each takes a second or more to import."""
    heavy = ("torch", "mlflow", "sklearn", "numba", "hdbscan", "umap", "matplotlib")
    code = (
        "import sys\n"
        "from narraframe.cli import run\n"
        "for line in ('show', 'show T0', 'over'):\n"
        "    assert run(['themes', *line.split()]) == 0\n"
        f"print([name for name in ({*heavy, 'pandas'}) if name in sys.modules])\n"
        "for line in ('name T0 x', 'merge T1 --into T2', 'hide T3', 'restore T1'):\n"
        "    assert run(['themes', *line.split()]) == 0\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[]", "[]"]


def test_reading_writes_nothing(say):
    before = everything()
    for command in ("show", "show T0 --posts posts.jsonl", "over", "search x"):
        say(f"themes {command}")
    assert everything() == before


def test_the_bare_command_says_how_it_is_used(place, capsys):
    assert run(["themes"]) == 2
    bare = capsys.readouterr()
    assert run(["themes", "--help"]) == 0
    assert capsys.readouterr().out == bare.out
    assert bare.err == ""
    assert "narraframe themes data/posts.parquet -o data/themes" in bare.out
    commands = re.findall(r"^  (\w+)  +[A-Z]", bare.out.split("Commands:")[1], re.MULTILINE)
    assert commands == [
        *("find", "show", "name", "merge", "split", "hide", "restore"),
        *("assign", "search", "over", "map"),
    ]
