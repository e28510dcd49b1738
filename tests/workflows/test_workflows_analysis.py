"""Trends, coverage, spread and drafts on a small study made by hand."""

import csv
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from narraframe.cli import run
from narraframe.cli.analysis_text import show_coverage
from narraframe.cli.terminal import told_apart
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import InputError, OutputError, TableError, UsageError
from narraframe.io.codebook import parse_codebook
from narraframe.io.rows import open_rows
from narraframe.io.scores import score_rows
from narraframe.io.tables import SCORES, write_posts
from narraframe.io.themes import ThemesFolder, write_themes_folder
from narraframe.records import (
    Codebook,
    Facet,
    Label,
    Post,
    Scores,
    Themes,
    ThemesAgainstLabels,
    ThemeSummary,
)
from narraframe.workflows import coverage as coverage_workflow
from narraframe.workflows.draft import draft
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.spread import spread
from narraframe.workflows.trends import trends
from narraframe.workflows.watch import Silent

CODEBOOK = """
version = "1.0.0"
title = "Study"

[[facets]]
id = "narrative"
name = "Narrative"

[[facets]]
id = "stance"
name = "Stance"
choice = "single"

[[labels]]
id = "order"
facet = "narrative"
name = "Order"

[[labels]]
id = "=grain"
facet = "narrative"
name = "Grain"

[[labels]]
id = "stance.for"
facet = "stance"
name = "For"

[[retired]]
id = "old"
facet = "narrative"
""".replace("=grain", "grain")
SUBJECTS = (
    "the grain ships left the harbour of {} on a quiet morning and nobody was told of it",
    "voters of {} stood in long lines before the schools where ballots were counted by hand",
)
NAMES = [
    "Arda",
    "Brem",
    "Cosa",
    "Dorn",
    "Elva",
    "Fenn",
    "Gall",
    "Holm",
    "Ista",
    "Jura",
    "Kell",
    "Lund",
]
START = datetime(2024, 1, 15, 12, tzinfo=UTC)


def posts():
    """Two subjects in turn, a day apart over two months; the last post copies the first."""
    made = []
    for i, name in enumerate(NAMES):
        text = SUBJECTS[i % 2].format(f"{name} and {name}ia by {NAMES[-i]}")
        at = START + timedelta(days=4 * i)
        channel = "=Harbour" if i % 2 == 0 else "Ballot"
        made.append(Post(post_id=f"p{i}", text=text, channel=channel, created_at=at))
    last = START + timedelta(days=50)
    made.append(Post(post_id="copy", text=made[0].text, channel="Ballot", created_at=last))
    made.append(
        Post(post_id="undated", text=SUBJECTS[0].format("nowhere at all"), channel="Ballot")
    )
    return made


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/codebook.toml").write_text(CODEBOOK)
    (tmp_path / "narraframe.toml").write_text("")
    made = posts()
    ids = tuple(post.post_id for post in made)
    write_posts(Path("posts.parquet"), made, force=False)
    grain = np.array(["grain" in post.text for post in made])
    p = np.column_stack(
        [np.full(len(made), 0.1), np.where(grain, 0.9, 0.1), np.full(len(made), 0.9)]
    )
    scores = Scores(
        post_ids=ids,
        label_ids=("order", "grain", "stance.for"),
        probability=p.astype(np.float32),
        decision=p > 0.5,
        abstained=np.zeros(p.shape, dtype=bool),
        thresholds=np.full(3, 0.5),
        reasons=("",) * len(made),
        model="study/1@00000000",
    )
    names = {"order": "Order", "grain": "Grain", "stance.for": "For"}
    with open_rows(Path("scores.parquet"), SCORES, force=False) as writer:
        writer.write(score_rows(scores, names=names, reasons=("", "", "")))
    theme = np.where(grain, 3, 8).astype(np.int32)
    summaries = tuple(
        ThemeSummary(number, name, ((word, 1.0),), int((theme == number).sum()), 6, examples)
        for number, name, word, examples in (
            (3, "grain, ships", "grain", ("p0", "p2")),
            (8, "voters, «ballots»", "voters", ("p1", "p3")),
        )
    )
    themes = Themes(
        ids, theme, np.ones(len(made), np.float32), np.zeros((len(made), 2), np.float32)
    )
    content = ThemesFolder(themes=themes, summaries=summaries, figures={"x": math.nan}, warnings=())
    write_themes_folder(Path("themes"), content, state={}, force=False)
    return tmp_path


def follow(**changes):
    asked = {
        "scores_path": Path("scores.parquet"),
        "themes_folder": Path("themes"),
        "by": "month",
        "channel": None,
        "output": None,
        "options": ReadOptions(),
        "force": False,
        "watch": Silent(),
    }
    return trends(["posts.parquet"], **(asked | changes))


def trace(**changes):
    asked = {
        "scores_path": None,
        "themes_folder": None,
        "output": None,
        "options": ReadOptions(),
        "force": False,
        "watch": Silent(),
    }
    return spread(["posts.parquet"], **(asked | changes))


def make_draft(number=8, **changes):
    from narraframe.config import find_workspace

    asked = {
        "posts": ["posts.parquet"],
        "label_id": None,
        "facet_id": None,
        "output": None,
        "workspace": find_workspace(Path.cwd(), given=Path.cwd()),
        "force": False,
        "watch": Silent(),
    }
    return draft(Path("themes"), number, **(asked | changes))


def table(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_labels_and_themes_are_counted_by_month(study):
    found = follow()
    assert found.periods == ("2024-01", "2024-02", "2024-03")
    assert (found.n_posts, found.n_unplaced) == (14, 1)
    by_key = {line.key: line for line in found.lines}
    assert list(by_key) == ["order", "grain", "stance.for", "T3", "T8"]
    assert by_key["grain"].n.tolist() == [3, 3, 1]
    assert by_key["grain"].name == "Grain"
    assert by_key["grain"].n.tolist() == by_key["T3"].n.tolist()
    # the copy of March is no new message over the whole time
    assert (by_key["grain"].n.sum(), by_key["grain"].whole.n) == (7, 12)


def test_one_channel_alone_and_channels_side_by_side(study):
    harbour = follow(channel="=Harbour")
    assert harbour.n_posts == 6
    assert {line.key: line.n.sum() for line in harbour.lines}["grain"] == 6
    side_by_side = follow(by="channel")
    assert side_by_side.periods == ("Ballot", "=Harbour")
    with pytest.raises(UsageError, match="no post is of this channel"):
        follow(channel="nobody")


def test_trends_as_a_table_are_safe_and_whole(study):
    follow(by="channel", output=Path("out/trends.csv"))
    rows = table("out/trends.csv")
    assert len(rows) == 5 * 2
    assert {row["period"] for row in rows} == {"Ballot", "'=Harbour"}
    [grain] = [r for r in rows if r["key"] == "grain" and r["period"] == "Ballot"]
    assert (grain["posts"], grain["of_posts"], grain["share"]) == ("2", "8", "0.25")
    follow(output=Path("trends.json"))
    whole = json.loads(Path("trends.json").read_text())
    assert "Wilson" in whole["intervals"]
    assert whole["lines"][1]["n"] == [3, 3, 1]


def test_trends_of_nothing_are_refused_before_reading(study):
    with pytest.raises(UsageError, match="nothing to follow"):
        follow(scores_path=None, themes_folder=None)
    Path("there.csv").write_text("x")
    with pytest.raises(OutputError, match="exists already"):
        follow(output=Path("there.csv"))


def test_posts_without_dates_have_no_months(study):
    write_posts(Path("posts.parquet"), [Post(post_id="p0", text="no date")], force=True)
    with pytest.raises(InputError, match="no post has a date"):
        follow(themes_folder=None)


def test_scores_of_other_posts_are_told(study):
    write_posts(Path("posts.parquet"), [Post(post_id="zz", text="other")], force=True)
    with pytest.raises(TableError, match="scores of other posts"):
        follow(themes_folder=None)


def test_who_repeats_whom_and_how_much_of_a_label_is_copies(study):
    found = trace(
        scores_path=Path("scores.parquet"), themes_folder=Path("themes"), output=Path("pairs.csv")
    )
    [pair] = found.pairs
    assert (pair.first, pair.later, pair.n_groups) == ("=Harbour", "Ballot", 1)
    assert pair.delays.median == 50 * 24
    copied = {one.key: one for one in found.copied}
    assert copied["grain"].copies == pytest.approx(1 / 8)
    assert copied["T8"].copies == 0
    [row] = table("pairs.csv")
    assert (row["first"], row["messages"], row["hours_median"]) == ("'=Harbour", "1", "1200.0")
    trace(output=Path("spread.json"))
    assert json.loads(Path("spread.json").read_text())["messages"][0]["post_id"] == "p0"


def test_a_draft_parses_once_pasted_and_the_codebook_is_as_it_was(study):
    text = make_draft()
    book = parse_codebook(CODEBOOK + "\n" + text, where="pasted")
    label = book.by_id["theme_8"]
    assert (label.facet_id, label.name) == ("narrative", "voters, «ballots»")
    assert label.examples == (posts()[1].text, posts()[3].text)
    assert "voters" in label.include
    assert "To be written" in label.definition
    assert Path("labels/codebook.toml").read_text() == CODEBOOK


def test_a_draft_may_have_another_id_and_facet(study):
    text = make_draft(label_id="stance.neutral", facet_id="stance", posts=[])
    label = parse_codebook(CODEBOOK + text, where="pasted").by_id["stance.neutral"]
    assert (label.facet_id, label.examples) == ("stance", ())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label_id": "order"}, "has, or had, this id"),
        ({"label_id": "old"}, "has, or had, this id"),
        ({"label_id": "Not An Id"}, "is no label id"),
        ({"facet_id": "mood"}, "no such facet"),
        ({"number": 99}, "there is no theme T99"),
        ({"output": Path("labels/codebook.toml"), "force": True}, "never touches"),
        ({"output": Path("draft.txt")}, "names no format"),
    ],
)
def test_what_cannot_be_drafted_is_told(study, changes, told):
    with pytest.raises(UsageError, match=told):
        make_draft(**changes)
    assert Path("labels/codebook.toml").read_text() == CODEBOOK


def test_coverage_crosses_themes_with_the_first_facet_only(study, monkeypatch, capsys):
    near = {3: ("grain", 0.9), 8: ("order", 0.2)}
    monkeypatch.setattr(coverage_workflow, "_likeness", lambda *_, **__: near)
    command = ["coverage", "posts.parquet", "--scores", "scores.parquet", "--themes", "themes"]
    assert run([*command, "-o", "cross.csv"]) == 0
    [row] = table("cross.csv")
    assert (row["theme"], row["label_id"], row["posts"], row["few"]) == ("T3", "grain", "8", "yes")
    told = capsys.readouterr().out
    assert "T8 voters" in told
    assert "narraframe codebook draft --theme T8" in told
    assert "stance.for" not in told
    assert run([*command, "-o", "cross.json"]) == 0
    [missing] = json.loads(Path("cross.json").read_text())["uncovered"]
    assert (missing["theme"], missing["like_a_label"]) == (8, False)


def test_names_that_would_be_cut_alike_are_whole_and_the_same_names_have_their_keys():
    long = "those who hold the strings of the"
    names = {"a": f"{long} grain", "b": f"{long} votes", "c": "Other", "d": "Other", "e": "x" * 40}
    assert list(told_apart(names, 20).values()) == [
        f"{long} grain",
        f"{long} votes",
        "Other (c)",
        "Other (d)",
        "x" * 19 + "…",
    ]


def test_a_theme_of_which_nothing_was_decided_is_not_called_covered(capsys):
    nothing = np.zeros((2, 1), dtype=np.int64)
    for decided, told in (([[5], [0]], "every other theme is covered"), ([[0], [0]], "")):
        cross = ThemesAgainstLabels(
            themes=(3, 8),
            theme_names=("grain", "voters"),
            label_ids=("grain",),
            label_names=("Grain and those who hold all of its strings",),
            n=nothing,
            decided=np.array(decided),
            share_of_theme=np.full((2, 1), np.nan),
            share_of_label=np.full((2, 1), np.nan),
            outside=np.zeros(1, dtype=np.int64),
            small_theme=np.zeros(2, dtype=bool),
            small_label=np.zeros(1, dtype=bool),
            spread=np.full(1, np.nan),
            mixture=np.full(2, np.nan),
            dependence=math.nan,
            few=20,
        )
        show_coverage(cross, ())
        out = capsys.readouterr().out
        assert "T8: not judged" in out
        assert told in out
        assert "every theme" not in out


def test_the_nearest_definition_is_that_of_the_same_words(monkeypatch):
    encoder = HashingEncoder(256)
    texts = ["grain ships left the harbour", "ballots were counted by hand"]
    summaries = tuple(ThemeSummary(n, "", (), 1, 1, ()) for n in (3, 8))
    state = SimpleNamespace(
        encoder=encoder.name, vectors=encoder.encode(texts), distinct=np.array([0, 1])
    )
    content = SimpleNamespace(themes=SimpleNamespace(theme=np.array([3, 8])), summaries=summaries)
    monkeypatch.setattr(coverage_workflow, "read_state_and_shown", lambda _: (state, content))
    monkeypatch.setattr(coverage_workflow, "open_encoder_of", lambda *_, **__: encoder)
    book = Codebook(
        "1",
        "",
        (Facet("narrative", "Narrative"),),
        (
            Label("vote", "narrative", "Vote", definition="ballots are counted"),
            Label("ship", "narrative", "Ship", definition="grain ships leave a harbour"),
        ),
    )
    near = coverage_workflow._likeness(
        book, ("vote", "ship"), Path("themes"), workspace=None, watch=Silent()
    )
    assert {theme: label_id for theme, (label_id, _) in near.items()} == {3: "ship", 8: "vote"}
    assert all(0 < cosine < 1 for _, cosine in near.values())


@pytest.mark.parametrize("by", ["day", "week", "month", "channel"])
def test_trends_are_shown_in_the_terminal(study, capsys, by):
    arguments = ["trends", "posts.parquet", "--scores", "scores.parquet", "--themes", "themes"]
    assert run([*arguments, "--by", by]) == 0
    told = capsys.readouterr().out
    assert "Grain" in told
    assert "T3 grain, ships" in told
    assert "They say nothing of the errors of a" in " ".join(told.split())


def test_spread_and_draft_are_shown_in_the_terminal(study, capsys):
    assert run(["spread", "posts.parquet", "--scores", "scores.parquet"]) == 0
    told = capsys.readouterr().out
    assert "=Harbour" in told
    assert "50 d" in told
    assert run(["codebook", "draft", "--theme", "T8", "--themes", "themes"]) == 0
    assert "[[labels]]" in capsys.readouterr().out


def test_without_channels_it_is_said_that_nobody_repeats_anybody(study, capsys):
    write_posts(Path("posts.parquet"), [Post(post_id="p0", text=SUBJECTS[0])], force=True)
    assert run(["spread", "posts.parquet"]) == 0
    assert "no post has a channel" in capsys.readouterr().out
