"""The whole way on the bundled sample, with the real encoder, as a user would go it."""

import contextlib
import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html import unescape
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from narraframe.cli import run
from narraframe.io.codebook import read_codebook
from narraframe.io.posts import read_posts
from narraframe.io.registry import find_model
from narraframe.io.scores import read_scores
from narraframe.io.tables import POSTS, SCORES, THEMES, read_themes
from narraframe.records import Post

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
EXPORT = files("narraframe.sample").joinpath("result.json")
CHAMPION = "models:/sample@champion"
SAME_BYTES = (
    "data/posts.parquet",
    "data/posts.account.json",
    "data/themes/themes.parquet",
    "data/themes/terms.csv",
    "data/themes/themes.json",
    "data/themes/quality.json",
    "data/themes/themes.csv",
    "data/themes/suggestions.csv",
    "data/themes/state.npz",
    "data/scores.parquet",
    "experiments/results/sample.csv",
)


class Said:
    """What a command answered."""

    def __init__(self, *arguments: object):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.code = run([str(argument) for argument in arguments])
        self.out, self.err = out.getvalue(), err.getvalue()

    def number(self, name: str) -> float:
        """Return the number behind `name` in the two columns that are shown."""
        pattern = rf"^ +{re.escape(name)} +([\d,.]+)(?: \[.*\])?$"
        (found,) = re.findall(pattern, self.out, re.MULTILINE)
        return float(found.replace(",", ""))


def command(*arguments: object, seed: str, **options) -> subprocess.Popen:
    """Start narraframe in a process of its own, in which sets have another order."""
    code = "from narraframe.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        **options,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module", autouse=True)
def second(place):
    """The demo once more, in another folder and process, beside the first one."""
    process = command("demo", place / "two", seed="1")
    yield process
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def demo(place, second, one_thread):
    return Said("demo", place / "one")


@pytest.fixture(scope="module")
def one(place, demo):
    assert demo.code == 0, demo.err
    return place / "one"


@pytest.fixture(scope="module")
def copy(place, one):
    """The workspace as someone else would get it: copied, under another name."""
    return Path(shutil.copytree(one, place / "a copy of «one»"))


@pytest.fixture(scope="module")
def raw():
    """The posts of the sample, as they were published."""
    return [item for item in read_posts(str(EXPORT)) if isinstance(item, Post)]


@pytest.fixture(scope="module")
def table(one):
    return pq.read_table(one / "data/scores.parquet").to_pylist()


# --- the demo


def test_the_demo_finds_what_the_sample_holds(demo, raw):
    assert demo.number("posts read") == len(raw)
    assert demo.number("with text") < len(raw)
    assert demo.number("copies or near-copies of an earlier post") > 5
    assert demo.number("bad records") == 0
    (n_themes,) = re.findall(r"^(\d+) themes, the largest:$", demo.out, re.MULTILINE)
    assert 5 <= int(n_themes) <= 20
    assert 0.7 < demo.number("micro F1") < 0.95
    assert 0.5 < demo.number("macro F1") < 0.95
    assert "Traceback" not in demo.err


def test_the_demo_says_that_it_decided_on_posts_it_was_trained_on(demo):
    assert "on posts the model was trained on:" in demo.out


def test_the_demo_says_where_its_page_lies_and_what_to_do_next(demo, one):
    assert f"report: {(one / 'reports/report.html').resolve()}" in demo.out
    assert "narraframe init" in demo.out.split("what to do next:")[1]


def test_the_demo_is_not_run_over_another_one_unless_forced(one):
    said = Said("demo", one)
    assert said.code == 1
    assert "is there already" in said.err


def test_every_table_has_its_documented_schema(one):
    schemas = {"posts.parquet": POSTS, "themes/themes.parquet": THEMES, "scores.parquet": SCORES}
    for name, schema in schemas.items():
        assert pq.read_schema(one / "data" / name).equals(schema), name


def test_every_post_has_a_score_for_each_label_or_a_reason(one, raw, table):
    k = len(read_codebook(one / "labels/codebook.toml").label_ids)
    rows = Counter(row["post_id"] for row in table)
    assert list(rows) == [post.post_id for post in raw]
    reasons = {row["post_id"]: row["reason"] for row in table if row["label_id"] is None}
    assert {rows[post_id] for post_id in rows if post_id not in reasons} == {k}
    assert {rows[post_id] for post_id in reasons} == {1}
    for post in read_posts(str(one / "data/posts.parquet")):
        known = post.lang in (None, "en")
        why = (
            f"language {post.lang!r} is not one that the model learnt"
            if post.model_text
            else "no text"
        )
        assert reasons.get(post.post_id) == (None if post.model_text and known else why)


def test_a_label_has_a_probability_for_all_posts_or_a_reason_for_all(table):
    scored = [row for row in table if row["label_id"]]
    unknown = {row["label_id"] for row in scored if row["probability"] is None}
    for row in scored:
        missing = row["label_id"] in unknown
        assert (row["probability"] is None) == (row["decision"] is None) == missing
        assert (row["reason"] is not None) == missing
        assert missing or 0 <= row["probability"] <= 1
    assert {row["reason"] for row in scored if row["reason"]} == {"too few positives"}
    assert 1 <= len(unknown) < 8


def test_decisions_follow_thresholds_children_and_single_choice(one):
    book = read_codebook(one / "labels/codebook.toml")
    scores = read_scores(one / "data/scores.parquet")
    column = {label_id: j for j, label_id in enumerate(scores.label_ids)}
    scored = np.array([reason == "" for reason in scores.reasons])
    p, decision = scores.probability[scored], scores.decision[scored]
    (single,) = [f.facet_id for f in book.facets if f.choice == "single"]
    choice = [column[label_id] for label_id in book.facet_label_ids(single)]
    assert set(decision[:, choice].sum(axis=1)) <= {0, 1}
    for label in book.labels:
        j, below = column[label.label_id], [column[i] for i in book.children(label.label_id)]
        if label.facet_id != single:
            by_threshold = p[:, j] >= scores.thresholds[j]
            assert (decision[:, j] == by_threshold | decision[:, below].any(axis=1)).all()
        if below:
            assert (p[:, j] >= np.nanmax(p[:, below], axis=1)).all()


def test_themes_cover_all_posts_with_text_and_copies_share_the_theme_of_their_first(one):
    posts = [p for p in read_posts(str(one / "data/posts.parquet")) if isinstance(p, Post)]
    themes = read_themes(one / "data/themes/themes.parquet")
    assert themes.post_ids == tuple(post.post_id for post in posts if post.model_text)
    theme = dict(zip(themes.post_ids, themes.theme.tolist(), strict=True))
    copies = [post for post in posts if post.duplicate_of]
    assert copies
    assert all(theme[post.post_id] == theme[post.duplicate_of] for post in copies)
    summaries = json.loads((one / "data/themes/themes.json").read_text("utf-8"))
    sizes = Counter(t for t in theme.values() if t >= 0)
    assert {s["theme"]: s["n_posts"] for s in summaries} == sizes
    assert sum(sizes.values()) > len(theme) / 2
    assert ((themes.membership >= 0) & (themes.membership <= 1)).all()


def test_the_page_names_the_themes_and_the_training_posts_and_loads_nothing(one):
    page = (one / "reports/report.html").read_text("utf-8")
    names = [s["name"] for s in json.loads((one / "data/themes/themes.json").read_text("utf-8"))]
    assert [name for name in names if name not in unescape(page)] == []
    assert "The sample corpus: narratives and themes" in page
    assert "their scores look better than those of new posts would" in page
    assert "default-src 'none'" in unescape(page[: page.index("</head>")])


def test_the_card_gives_figures_with_intervals_and_limits(one):
    card = (one / "models/cards/sample.md").read_text("utf-8")
    assert card.startswith("# sample/1\n")
    assert re.search(r"Micro F1: 0\.\d\d \[0\.\d\d, 0\.\d\d\]", card)
    assert "No known positive posts, so nothing can be said" in card


# --- the same again


def test_the_same_seed_gives_the_same_bytes_in_another_folder_and_process(one, place, second):
    _, err = second.communicate(timeout=300)
    assert second.returncode == 0, err.decode()
    differing = [
        name
        for name in SAME_BYTES
        if (one / name).read_bytes() != (place / "two" / name).read_bytes()
    ]
    assert differing == []
    assert read_scores(place / "two/data/scores.parquet").model.startswith("sample/1@")


# --- score


@pytest.fixture(scope="module")
def elsewhere(copy):
    """Scores of the export through standard input and output, by a new process in the copy."""
    process = command(
        *("score", "-", "-o", "-", "--model", CHAMPION), seed="2", cwd=copy, stdin=subprocess.PIPE
    )
    out, err = process.communicate(EXPORT.read_bytes(), timeout=300)
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.decode().splitlines()]


def test_a_copied_workspace_scores_alike_from_standard_input_to_standard_output(elsewhere, table):
    found = [
        row | {name: row[name] and np.float32(row[name]) for name in ("probability", "threshold")}
        for row in elsewhere
    ]
    assert found == table


def test_all_formats_of_scores_agree(copy, place, elsewhere):
    for name in ("s.csv", "s.jsonl", "s.jsonl.gz"):
        target = ("-o", place / name, "--model", CHAMPION, "--workspace", copy)
        said = Said("score", copy / "data/posts.parquet", *target)
        assert said.code == 0, said.err
    lines = (place / "s.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == elsewhere
    assert gzip.decompress((place / "s.jsonl.gz").read_bytes()).decode().splitlines() == lines
    with (place / "s.csv").open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))

    def cell(value):
        return {None: "", True: "true", False: "false"}.get(value, value)

    for row, line in zip(rows, elsewhere, strict=True):
        numbers = ("probability", "threshold")
        assert [row[n] and float(row[n]) for n in numbers] == [cell(line[n]) for n in numbers]
        words = [name for name in SCORES.names if name not in numbers]
        assert [row[n] for n in words] == [cell(line[n]) for n in words]


def test_scoring_warns_that_the_posts_are_those_of_the_training(copy, place):
    target = ("-o", place / "s.parquet", "--model", CHAMPION, "--workspace", copy)
    said = Said("score", EXPORT, *target)
    assert re.search(r"warning: 275 of 282 posts are copies or near-copies", said.err)
    assert (place / "s.parquet").read_bytes() == (copy / "data/scores.parquet").read_bytes()


def test_mlflow_serves_the_probabilities_that_score_writes(copy, raw):
    import mlflow

    find_model(copy / "models/store", CHAMPION)
    served = mlflow.pyfunc.load_model(CHAMPION).predict(
        pd.DataFrame({"text": [post.text for post in raw[::8]]})
    )
    scores = read_scores(copy / "data/scores.parquet")
    assert tuple(served.columns) == scores.label_ids
    # other texts in a batch, other rounding
    np.testing.assert_allclose(
        served.to_numpy(np.float32), scores.probability[::8], rtol=0, atol=1e-5
    )


def test_doctor_finds_nothing_missing(copy):
    said = Said("doctor", "--workspace", copy)
    assert said.code == 0, said.out
    assert "model sample @challenger=1 @champion=1" in said.out


# --- labels that come with the posts

SAYINGS = {
    "Weather": (
        "Heavy rain is expected in {} from {} on.",
        "A storm with strong wind reached {} on {}.",
        "Frost and snow will cover {} until {}.",
        "The river near {} may flood after {}, say forecasters.",
    ),
    "Football": (
        "The club of {} won the cup match on {}.",
        "A late goal on {1} sent the team of {0} to the final.",
        "The coach of {} names a new keeper for the league game on {}.",
        "Fans of {} filled the stadium for the derby on {}.",
    ),
    "Harbour": (
        "Two cargo ships left the port of {} on {}.",
        "Cranes in the harbour of {} stand still since {}.",
        "The ferry between {} and the islands sails again from {}.",
        "Dockers in {} unload the grain freighters that came on {}.",
    ),
}
TOWNS = ("Caldas", "Upper Kell", "Maribor Bay", "Tarn", "Osweld", "Fenby", "Lusk", "Great Oring")
DAYS = ("Monday", "Tuesday", "Thursday", "Friday", "Saturday", "Sunday", "noon", "midnight")


def invented(towns: slice) -> list[dict]:
    return [
        {"id": f"{topic}-{town}-{i}", "text": saying.format(town, day), "labels": [topic]}
        for topic, sayings in SAYINGS.items()
        for i, saying in enumerate(sayings)
        for town, day in list(zip(TOWNS, DAYS[i:] + DAYS[:i], strict=True))[towns]
    ]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(copy, place):
    path = write(place / "train.jsonl", invented(slice(0, 5)))
    return Said("train", "--labelled", path, "--name", "topics", "--workspace", copy)


def test_labelled_posts_train_a_model_that_is_the_challenger(trained, copy):
    assert trained.code == 0, trained.err
    assert "registered topics/1 as @challenger" in trained.out
    assert (copy / "models/cards/topics.md").exists()
    (f1,) = re.findall(r"^micro F1 (\d\.\d\d) \[", trained.out, re.MULTILINE)
    assert float(f1) > 0.7


def test_evaluation_measures_on_other_posts_and_leaves_out_those_of_the_training(
    trained, copy, place
):
    others, seen = invented(slice(5, 8)), invented(slice(0, 5))[:7]
    path = write(place / "held_out.jsonl", others + [row | {"id": f"x{row['id']}"} for row in seen])
    model = ("--model", "models:/topics@challenger", "--workspace", copy)
    said = Said("evaluate", *model, "--labelled", path, "-o", place / "quality.json")
    assert said.code == 0, said.err
    assert said.number("labelled posts") == 43
    left_out = said.number("left out: copies or near-copies of training posts")
    quality = json.loads((place / "quality.json").read_text())
    assert quality["n_posts"] == 43 - left_out
    assert quality["micro_f1"]["value"] > 0.7
    assert quality["micro_f1"]["low"] <= quality["micro_f1"]["value"]
    assert left_out >= len(seen)


def test_a_promoted_model_scores_as_the_champion(trained, copy, place):
    said = Said("promote", "topics", "--workspace", copy)
    assert said.out == "topics/1 is @champion\nthere was no champion to compare it with\n"
    path = write(place / "new.jsonl", [{"id": "1", "text": "Rain and storm over Tarn tonight."}])
    target = ("-o", place / "new.csv", "--model", "models:/topics@champion", "--workspace", copy)
    assert Said("score", path, *target).code == 0
    with (place / "new.csv").open(encoding="utf-8") as text:
        best = max(csv.DictReader(text), key=lambda row: float(row["probability"]))
    assert (best["label_name"], best["decision"]) == ("Weather", "true")


def test_the_posts_of_the_training_are_no_drift_and_strange_posts_are(one, tmp_path):
    asked = ("--model", CHAMPION, "--workspace", one, "--fail-on-drift")
    same = Said("drift", one / "data/posts.parquet", *asked)
    assert (same.code, same.err) == (0, "")
    assert same.out.startswith("no drift found (sample/1@")
    words = [
        "soup",
        "leek",
        "salt",
        "pan",
        "stir",
        "oven",
        "bread",
        "basil",
        "onion",
        "cream",
        "stock",
        "thyme",
        "boil",
        "peel",
        "slice",
    ]
    draw = np.random.default_rng(0).choice
    strange = [{"id": str(i), "text": " ".join(draw(words, size=12))} for i in range(60)]
    posts = tmp_path / "strange.jsonl"
    posts.write_text("\n".join(map(json.dumps, strange)))
    other = Said("drift", posts, *asked, "-o", tmp_path / "drift.json")
    assert other.code == 1
    assert other.out.startswith("drift: ")
    told = json.loads((tmp_path / "drift.json").read_text())
    assert {test["name"] for test in told["tests"] if test["drifted"]} >= {"embedding", "far"}


def test_themes_are_held_against_the_codebook_and_an_entry_is_drafted(one):
    posts, themes = one / "data/posts.parquet", one / "data/themes"
    given = ("--scores", one / "data/scores.parquet", "--themes", themes)
    covered = Said("coverage", posts, *given, "--workspace", one)
    assert covered.code == 0, covered.err
    assert "T2 " in covered.out
    (number,) = re.findall(r"narraframe codebook draft --theme (T\d+)", covered.out)
    asked = ("--theme", number, "--themes", themes, "--posts", posts, "--workspace", one)
    drafted = Said("codebook", "draft", *asked)
    assert drafted.code == 0, drafted.err
    book = one / "labels/codebook.toml"
    pasted = one / "pasted.toml"
    pasted.write_text(book.read_text("utf-8") + drafted.out, "utf-8")
    label = read_codebook(pasted).by_id[f"theme_{number[1:]}"]
    assert len(label.examples) == 3
