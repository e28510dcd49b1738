"""Themes of the bundled sample: found, curated, found again on more posts, read, given to posts."""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from narraframe.config import Workspace, find_workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import InputError, NarraframeError, OutputError, TableError, UsageError
from narraframe.io.curation import read_curations
from narraframe.io.tables import read_themes, write_posts
from narraframe.io.themes import ThemesFolder, read_themes_folder
from narraframe.records import Post
from narraframe.workflows.assigning import assign_posts
from narraframe.workflows.curation import Curating, curate
from narraframe.workflows.embedding import embed
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.themes import ThemeOptions, find_themes, read_state, write_state
from narraframe.workflows.themes_read import draw_map, one_theme, over, overview, posts_of, search
from narraframe.workflows.watch import Silent

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
THEMES, LOG = Path("data/themes"), Path("labels/themes.csv")
LISTED = {
    *("themes.parquet", "themes.csv", "themes.json", "terms.csv", "suggestions.csv"),
    *("quality.json", "state.npz"),
}
SOUP = (
    "My grandmother's recipe for pumpkin soup with ginger and coconut milk.",
    "Pumpkin soup tastes better with roasted seeds and a spoon of cream.",
    "How to cook a lentil soup with carrots, celery and cumin at home.",
    "A simple recipe: tomato soup with basil, garlic and fresh bread.",
    "Soup of the week: potato and leek, cooked slowly with butter.",
    "Onion soup recipe with melted cheese on toasted bread, French style.",
    "Chicken soup with noodles, the recipe every cook should know.",
)


# --- a folder with themes of the first two thirds of the posts, and all posts beside it


@pytest.fixture(scope="module", autouse=True)
def encoder():
    """The real encoder, loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "narraframe.workflows.embedding.load_encoder", functools.lru_cache(load_encoder)
        )
        yield


@pytest.fixture(scope="module")
def posts() -> tuple[Post, ...]:
    """The posts of the sample, the oldest first."""
    export = str(files("narraframe.sample").joinpath("result.json"))
    found = read_ready([export], options=ReadOptions(), watch=Silent()).posts
    return tuple(sorted(found, key=lambda post: (str(post.created_at), post.post_id)))


@pytest.fixture(scope="module")
def template(posts, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("themes") / "template"
    root.mkdir()
    write_posts(root / "all.parquet", posts, force=False)
    write_posts(root / "early.parquet", posts[: 2 * len(posts) // 3], force=False)
    planted = [Post(post_id=f"soup {i}", text=text) for i, text in enumerate(SOUP)]
    write_posts(root / "soup.parquet", planted, force=False)
    for path in ("all.parquet", "soup.parquet"):
        # Once, for all tests.
        embed(
            [str(root / path)],
            output=None,
            options=ReadOptions(),
            workspace=workspace(root),
            force=False,
            watch=Silent(),
        )
    (root / "soup.parquet").unlink()
    find(root, "early.parquet")
    return root


@pytest.fixture
def root(template, tmp_path, monkeypatch) -> Path:
    """A copy of the folder, as the current one."""
    copy = Path(shutil.copytree(template, tmp_path / "root"))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture(scope="module")
def lasting(template, tmp_path_factory) -> list[int]:
    """Numbers of the themes that are found again in all posts, the largest first."""
    elsewhere = tmp_path_factory.mktemp("later") / "themes"
    later = find(template, "all.parquet", output=elsewhere, previous=template / THEMES)
    again = {summary.theme for summary in later.summaries}
    return [number for number in summaries(template / THEMES) if number in again]


@pytest.fixture
def state(root):
    return read_state(THEMES)


def workspace(root: Path) -> Workspace:
    return find_workspace(root, given=root)


def find(root: Path, *paths: str, output: Path = THEMES, watch=None, **wanted) -> ThemesFolder:
    return find_themes(
        [str(root / path) for path in paths],
        output=root / output,
        options=ReadOptions(),
        workspace=workspace(root),
        force=True,
        watch=watch or Silent(),
        wanted=ThemeOptions(**wanted),
    )


def do(action: str, *themes: int, **rest) -> Curating:
    return curate(THEMES, action, themes, workspace=workspace(Path()), **rest)


def give(*paths: str, output: str = "out.parquet", assign_all: bool = False, force: bool = True):
    return assign_posts(
        paths,
        themes=THEMES,
        output=Path(output),
        options=ReadOptions(),
        workspace=workspace(Path()),
        force=force,
        assign_all=assign_all,
        watch=Silent(),
    )


def rows(path: str = "out.parquet") -> dict[str, dict]:
    return {row["post_id"]: row for row in pq.read_table(path).to_pylist()}


def shown(folder: Path = THEMES) -> dict[str, int]:
    themes = read_themes(folder / "themes.parquet")
    return dict(zip(themes.post_ids, themes.theme.tolist(), strict=True))


def summaries(folder: Path = THEMES) -> dict:
    return {summary.theme: summary for summary in read_themes_folder(folder).summaries}


def machines() -> dict[str, int]:
    """Return the theme of each post as the machine found it."""
    state = read_state(THEMES)
    return dict(zip(state.post_ids, state.theme.tolist(), strict=True))


def held(before: dict[str, int], after: dict[str, int]) -> float:
    """Return the share of posts with a theme both times that have the same one."""
    both = [p for p, theme in before.items() if theme >= 0 and after.get(p, -1) >= 0]
    assert len(both) > 50
    return float(np.mean([before[p] == after[p] for p in both]))


def contents() -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in Path().rglob("*")
    }


# --- found


def test_a_folder_of_themes_holds_what_it_documents(root, state):
    assert {path.name for path in THEMES.iterdir()} == LISTED
    themes = summaries()
    assert 4 <= len(themes) <= 15
    assert Counter(t for t in shown().values() if t >= 0) == {
        number: s.n_posts for number, s in themes.items()
    }
    for s in themes.values():
        assert s.name
        assert 3 <= s.n_groups <= s.n_posts
        assert 0 < s.confidence <= 1
        assert 0 <= s.stability <= 1
        assert sum(n for _, n in s.months) == s.n_posts
        assert sum(n for _, n in s.channels) == s.n_posts
        assert len(s.representative_post_ids) == min(5, s.n_groups)
    assert state.encoder.startswith("all-MiniLM-L6-v2@")


def test_outside_a_workspace_nothing_is_written_but_themes_and_the_cache_of_vectors(root):
    names = {path.relative_to(root).parts[:2] for path in root.rglob("*") if path.is_file()}
    assert names == {
        *(("all.parquet",), ("early.parquet",)),
        *(("data", "cache"), ("data", "themes")),
    }


def test_posts_without_theme_have_suggestions_and_no_other_posts(root):
    content = read_themes_folder(THEMES)
    theme = shown()
    suggested = {s.post_id for s in content.suggestions}
    assert suggested
    assert {theme[p] for p in suggested} == {-1}
    assert {s.theme for s in content.suggestions} <= set(summaries())
    assert all(0 <= s.probability <= 1 for s in content.suggestions)


def test_found_again_in_the_same_posts_all_is_the_same_and_the_graph_is_not_made_anew(
    root, monkeypatch
):
    before = {path.name: path.read_bytes() for path in THEMES.iterdir()}

    def refuse(*args, **rest):
        raise AssertionError("the graph was made anew")

    monkeypatch.setattr("narraframe.themes.engine.make_graph", refuse)
    again = find(root, "early.parquet")
    assert all(" stayed (" in change for change in again.changes)
    assert len(again.changes) == len(again.summaries)
    for name in LISTED - {"quality.json"}:
        assert (THEMES / name).read_bytes() == before[name], name
    # Nor for another engine or granularity.
    find(root, "early.parquet", engine="graph", granularity=2.0)
    with pytest.raises(AssertionError, match="made anew"):
        find(root, "all.parquet")


def test_with_another_number_of_neighbours_the_graph_is_made_anew(root, monkeypatch):
    (root / "narraframe.toml").write_text("[themes]\nneighbours = 10\n")
    monkeypatch.setattr("narraframe.workflows.themes.log_themes", lambda *args, **rest: "")
    before = read_state(THEMES).fingerprint
    find(root, "early.parquet")
    assert read_state(THEMES).fingerprint != before


def test_numbers_hold_when_a_third_more_posts_come(root, state):
    before, numbers = shown(), set(summaries())
    after = find(root, "all.parquet")
    assert len(after.themes.post_ids) > 1.4 * len(before)
    assert held(before, shown()) > 0.6
    kept = numbers & {s.theme for s in after.summaries}
    assert len(kept) >= 0.6 * len(numbers)
    new = {s.theme for s in after.summaries} - numbers
    assert all(number >= state.next_theme for number in new)
    gone = {profile.theme for profile in read_state(THEMES).gone}
    assert gone == numbers - {s.theme for s in after.summaries}
    said = " ".join(after.changes)
    assert all(f"T{number} " in said for number in numbers | new)


def test_changes_are_told_once_and_kept_in_the_folder(root):
    after = find(root, "all.parquet")
    assert read_themes_folder(THEMES).changes == after.changes
    assert after.changes


def test_the_numbers_of_another_folder_are_taken_up_on_request(root):
    before = shown()
    elsewhere = find(root, "early.parquet", output=Path("other"), previous=THEMES)
    assert elsewhere.changes
    assert shown(Path("other")) == before
    assert (root / "other/state.npz").read_bytes() == (THEMES / "state.npz").read_bytes()


def test_what_is_done_to_one_folder_holds_for_its_own_refits_and_no_other_folder(root):
    finer = find(root, "early.parquet", output=Path("finer"), granularity=2.0, fresh=True)
    number, _ = two()
    before = {s.theme: s.name for s in finer.summaries}
    assert number in before
    do("name", number, name="Only here")
    do("hide", 0)
    again = find(root, "early.parquet", output=Path("finer"), granularity=2.0)
    assert {s.theme: s.name for s in again.summaries} == before
    refit = {s.theme: s.name for s in find(root, "all.parquet").summaries}
    assert refit[number] == "Only here"
    assert 0 not in refit


def test_what_waits_for_a_theme_that_is_not_found_now_is_told(root):
    number = max(summaries())
    do("name", number, name="For later")
    state = read_state(THEMES)
    write_state(THEMES, read_themes_folder(THEMES), replace(state, fits=("other",)), force=True)
    assert overview(THEMES, workspace=workspace(root)).curated == ()
    LOG.write_text(LOG.read_text().replace(f",T{number},", ",T99,"))
    write_state(THEMES, read_themes_folder(THEMES), state, force=True)
    (line,) = overview(THEMES, workspace=workspace(root)).curated
    assert line == "T99 is not found now; named 'For later'"


def test_a_folder_that_is_named_as_the_one_before_must_hold_themes(root):
    with pytest.raises(TableError, match=r"labels: holds no themes\. Find them first"):
        find(root, "early.parquet", previous=Path("labels"))


def test_a_damaged_fit_before_is_told_and_numbers_begin_anew(root):
    (THEMES / "state.npz").write_bytes(b"PK nonsense")
    watch = Silent()
    assert find(root, "early.parquet", watch=watch).changes == ()
    (line,) = [line for line in watch.warnings if "not taken up" in line]
    assert "state.npz: cannot be read" in line


def test_a_fresh_start_takes_up_no_number_that_the_log_speaks_of(root):
    largest = max(summaries())
    do("name", largest, name="The last one")
    fresh = find(root, "early.parquet", fresh=True)
    assert fresh.changes == ()
    assert min(s.theme for s in fresh.summaries) == largest + 1
    assert "The last one" not in [s.name for s in fresh.summaries]


def test_with_another_encoder_all_themes_are_new_and_the_user_is_told(root, state, monkeypatch):
    monkeypatch.setattr(
        "narraframe.workflows.embedding.load_encoder", lambda name, **_: HashingEncoder(64)
    )
    watch = Silent()
    found = find(root, "early.parquet", watch=watch)
    assert any("found with another encoder (all-MiniLM-L6-v2@" in line for line in watch.warnings)
    assert found.changes == ()
    assert all(s.theme >= state.next_theme for s in found.summaries)
    assert read_state(THEMES).encoder == "hashing-64@1"


def test_too_few_posts_are_all_in_no_theme_and_nothing_breaks(root, posts):
    few = [post for post in posts if post.model_text][:9]
    write_posts(root / "few.parquet", few, force=False)
    found = find(root, "few.parquet", fresh=True)
    assert found.summaries == ()
    assert found.warnings
    assert set(shown().values()) == {-1}
    assert overview(THEMES, workspace=workspace(root)).tree == ()
    assert search(THEMES, "the sea", workspace=workspace(root), watch=Silent()) == ()
    assert over(THEMES, "month", output=None, force=False).summaries == ()
    with pytest.raises(UsageError, match=r"there is no theme T0\. There are none"):
        do("name", 0, name="x")
    assert give("few.parquet", output="out.jsonl").by_theme == ()
    for line in (root / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert (row["theme"], row["suggested"], row["reason"]) == (None, None, "new")


def test_a_run_is_logged_with_its_figures_inside_a_workspace(root):
    import mlflow

    (root / "narraframe.toml").write_text("[encoder]\nname = 'all-MiniLM-L6-v2'\n")
    found = find(root, "early.parquet", engine="graph")
    client = mlflow.MlflowClient(f"sqlite:///{root}/models/store/mlflow.db")
    experiment = client.get_experiment_by_name("narraframe-themes")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        key: pytest.approx(value) for key, value in found.figures.items() if value == value
    }
    wanted = {"stability", "stability_resampled", "npmi", "diversity", "outlier_share", "n_themes"}
    assert wanted <= run.data.metrics.keys()
    assert run.data.params["engine"] == "graph"
    assert run.data.params["n_neighbors"] == "15"
    assert float(run.data.params["granularity"]) > 0
    assert run.data.tags["encoder"] == read_state(THEMES).encoder
    listed = client.download_artifacts(run.info.run_id, "themes.json", str(root))
    assert {t["theme"]: t["posts"] for t in json.loads(Path(listed).read_text())} == {
        s.theme: s.n_posts for s in found.summaries
    }
    changes = client.download_artifacts(run.info.run_id, "changes.txt", str(root))
    assert Path(changes).read_text("utf-8").splitlines() == list(found.changes)


# --- curated


def two() -> tuple[int, int]:
    """Return the numbers of two middling themes."""
    first, second, *_ = list(summaries())[1:]
    return first, second


def test_a_name_changes_the_name_and_nothing_else(root):
    before = {path.name: path.read_bytes() for path in THEMES.iterdir()}
    number, _ = two()
    done = do("name", number, name="Who pays")
    assert summaries()[number].name == "Who pays"
    assert done.done.keywords.startswith(f"T{number}: ")
    for name in LISTED - {"themes.json", "themes.csv"}:
        assert (THEMES / name).read_bytes() == before[name], name
    do("restore", number)
    assert {path.name: path.read_bytes() for path in THEMES.iterdir()} == before


@pytest.mark.parametrize("action", ["merge", "hide", "split"])
def test_what_is_undone_leaves_the_folder_as_it_was(root, action):
    before = {path.name: path.read_bytes() for path in THEMES.iterdir()}
    one, other = two()
    do(action, one, **{"merge": {"into": other}, "split": {"n_parts": 2}}.get(action, {}))
    assert (THEMES / "themes.parquet").read_bytes() != before["themes.parquet"]
    do("restore", one)
    # The state of a split keeps its parts, whose numbers are not used again.
    left = LISTED - ({"state.npz"} if action == "split" else set())
    assert {name: (THEMES / name).read_bytes() for name in left} == {n: before[n] for n in left}


def test_every_action_adds_one_line_and_leaves_those_before_it(root):
    one, other = two()
    seen = b""
    for n, (action, themes, rest) in enumerate(
        (
            ("name", [one], {"name": "=A name, with commas"}),
            ("merge", [one], {"into": other, "name": "Both"}),
            ("restore", [one], {}),
            ("split", [other], {"n_parts": 2}),
            ("hide", [one], {}),
        ),
        start=1,
    ):
        done = do(action, *themes, **rest).done
        now = LOG.read_bytes()
        assert now.startswith(seen)
        assert read_curations(LOG)[-1] == done
        assert now.count(b"\n") == n + 1
        seen = now


def test_a_merged_theme_has_the_posts_of_both(root):
    one, other = two()
    before = shown()
    do("merge", one, into=other, name="Both")
    assert shown() == {p: other if t == one else t for p, t in before.items()}
    assert summaries()[other].name == "Both"


def test_the_parts_of_a_split_share_its_posts_and_get_new_numbers(root, state):
    largest = next(iter(summaries()))
    before = shown()
    done = do("split", largest, n_parts=3).done
    assert done.into == tuple(range(state.next_theme, state.next_theme + 3))
    assert {p: largest if t in done.into else t for p, t in shown().items()} == before
    assert all(summaries()[part].n_groups > 0 for part in done.into)
    assert read_state(THEMES).next_theme == state.next_theme + 3


def test_numbers_of_parts_are_never_used_again(root, state):
    largest = next(iter(summaries()))
    first = do("split", largest, n_parts=2).done.into
    do("restore", largest)
    second = do("split", largest, n_parts=2).done.into
    assert min(second) > max(first) >= state.next_theme
    found = find(root, "all.parquet")
    new = {s.theme for s in found.summaries} - set(summaries()) - set(second)
    assert all(number > max(second) for number in new)
    assert read_state(THEMES).next_theme > max(second)


def test_parts_do_not_get_the_number_of_a_theme_that_is_gone(root, state):
    # As after fits whose themes up to T49 are gone, none of them in the log.
    content = read_themes_folder(THEMES)
    write_state(THEMES, content, replace(state, next_theme=50), force=True)
    assert do("split", 0, n_parts=2).done.into == (50, 51)


def test_posts_of_a_hidden_theme_are_in_no_theme_and_have_no_suggestion(root):
    one, _ = two()
    before = shown()
    done = do("hide", one)
    assert shown() == {p: -1 if t == one else t for p, t in before.items()}
    assert one not in {s.theme for s in done.themes.suggestions}


def test_what_the_analyst_did_survives_a_refit_on_more_posts(root, lasting):
    largest, named, source, target, hidden, back = lasting[:6]
    do("name", named, name="Named by me")
    do("merge", source, into=target)
    parts = do("split", largest, n_parts=2).done.into
    do("hide", hidden)
    do("hide", back)
    do("restore", back)
    machine, before = machines(), shown()
    find(root, "all.parquet")
    now = summaries()
    assert now[named].name == "Named by me"
    assert not {source, largest, hidden} & now.keys()
    assert {target, back, *parts} <= now.keys()
    after, found = shown(), machines()
    assert {after[p] for p, t in found.items() if t == hidden} == {-1}
    assert {after[p] for p, t in found.items() if t == source} == {target}
    assert {after[p] for p, t in found.items() if t == largest} == set(parts)
    # Where the machine has not changed its mind, the analyst sees no change.
    same = [p for p, t in machine.items() if found[p] == t]
    assert len(same) > len(before) / 2
    assert [after[p] for p in same] == [before[p] for p in same]


def test_a_name_waits_for_a_theme_that_is_gone(root, posts):
    number = next(iter(summaries()))
    do("name", number, name="I shall return")
    others = [p for p in posts if shown().get(p.post_id) not in (number, None)]
    write_posts(root / "others.parquet", others, force=False)
    away = find(root, "others.parquet")
    assert number not in {s.theme for s in away.summaries}
    assert [change for change in away.changes if change.startswith(f"T{number} is gone")]
    back = find(root, "early.parquet")
    assert {s.theme: s.name for s in back.summaries}[number] == "I shall return"
    assert [change for change in back.changes if change.startswith(f"T{number} is back")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Sanctions \n hurt\tEurope ", "Sanctions hurt Europe"),
        ("x" * 200, "x" * 200),
        ("=2+2", "=2+2"),
        ("Росія · Європа 🇪🇺 \u200dمی‌خواهم", "Росія · Європа 🇪🇺 \u200dمی‌خواهم"),
    ],
)
def test_a_name_is_put_on_one_line(root, given, kept):
    number, _ = two()
    assert do("name", number, name=given).done.name == kept
    assert summaries()[number].name == kept


@pytest.mark.parametrize(
    ("action", "themes", "rest", "message"),
    [
        ("name", [0], {"name": ""}, r"a name must not be empty"),
        ("name", [0], {"name": " \n "}, r"a name must not be empty"),
        ("name", [0], {"name": "x" * 10_000}, r"200 characters at most \(got '10,000 characters'"),
        ("name", [0], {"name": "a\x1b[31mred"}, r"characters that cannot be shown"),
        ("merge", [1], {"into": 2, "name": "a\x00b"}, r"characters that cannot be shown"),
        ("name", [0], {"name": "\udcff"}, r"characters that cannot be shown"),
        ("name", [99], {"name": "x"}, r"there is no theme T99\. "),
        ("hide", [0, 99], {}, r"there is no theme T99\. "),
        ("merge", [1], {"into": 1}, r"a theme cannot be merged with itself \(got 'T1'\)"),
        ("merge", [1, 2], {"into": 2}, r"a theme cannot be merged with itself \(got 'T2'\)"),
        ("merge", [1], {"into": 99}, r"there is no theme T99\. "),
        ("split", [0], {"n_parts": 500}, r"T0 has too few distinct posts for 500 parts \(got "),
        ("restore", [0], {}, r"T0 has nothing to restore\. It is not hidden"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(root, action, themes, rest, message):
    before = contents()
    with pytest.raises(UsageError, match=message):
        do(action, *themes, **rest)
    assert contents() == before


@pytest.mark.parametrize("action", ["name", "merge", "split", "hide", "restore"])
def test_what_is_merged_hidden_or_split_must_be_restored_first(root, action):
    rest = {"name": {"name": "x"}, "merge": {"into": 3}, "split": {"n_parts": 2}}.get(action, {})
    do("hide", 0)
    do("merge", 1, into=2)
    do("split", 2, n_parts=2)
    if action == "restore":
        do("restore", 0, 1)
        return
    for theme, said in ((0, "hidden"), (1, "merged into T2"), (2, "split into T")):
        with pytest.raises(UsageError, match=rf"T{theme} is {said}.*Restore T{theme} first\."):
            do(action, theme, **rest)


def test_a_theme_that_is_given_twice_is_meant_once(root):
    assert do("hide", 0, 0).done.themes == (0,)


@pytest.mark.parametrize(("action", "rest"), [("hide", {}), ("split", {"n_parts": 2})])
def test_a_folder_that_cannot_be_written_leaves_log_and_folder_as_they_were(
    root, monkeypatch, action, rest
):
    do("name", 1, name="There is a log")
    before = contents()

    def refuse(path, target):
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match=r"data/themes: cannot be written: Read-only file system"):
        do(action, 0, **rest)
    assert contents() == before


@pytest.mark.parametrize(("action", "rest"), [("hide", {}), ("split", {"n_parts": 2})])
@pytest.mark.parametrize("logged", [True, False])
def test_a_log_that_cannot_be_written_leaves_log_and_folder_as_they_were(
    root, monkeypatch, action, rest, logged
):
    if logged:
        do("name", 1, name="There is a log")
    before = contents()

    def refuse(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match=r"labels/themes\.csv: cannot be written: No space left"):
        do(action, 0, **rest)
    after = contents()
    after.pop("labels", None)
    before.pop("labels", None)
    assert after == before


def test_files_of_several_fits_are_not_taken_for_one(root):
    old = (THEMES / "themes.parquet").read_bytes()
    find(root, "all.parquet")
    (THEMES / "themes.parquet").write_bytes(old)
    for read in (
        lambda: do("hide", 0),
        lambda: overview(THEMES, workspace=workspace(root)),
        lambda: over(THEMES, "month", output=None, force=False),
    ):
        with pytest.raises(TableError, match=r"themes: its files do not belong together\. Find"):
            read()


def test_two_who_curate_at_once_lose_nothing(root, monkeypatch):
    """The second has read folder and log before the first wrote them."""
    from narraframe.workflows import curation

    read, number = curation.read_state_and_shown, two()[0]

    def meanwhile(folder):
        found = read(folder)
        monkeypatch.setattr(curation, "read_state_and_shown", read)
        do("name", number, name="By the other one")
        return found

    monkeypatch.setattr(curation, "read_state_and_shown", meanwhile)
    do("hide", 0)
    assert [line.action for line in read_curations(LOG)] == ["name", "hide"]
    assert summaries()[number].name == "By the other one"
    assert 0 not in summaries()


# --- given to posts


def test_posts_of_the_fit_get_their_own_themes(root):
    given = give("early.parquet")
    found, theme = rows(), shown()
    themed = [p for p, t in theme.items() if t >= 0 and found[p]["theme"] is not None]
    assert len(themed) > 0.75 * sum(t >= 0 for t in theme.values())
    assert np.mean([found[p]["theme"] == theme[p] for p in themed]) > 0.95
    assert given.n_posts == len(found)
    assert sum(n for _, _, n in given.by_theme) + sum(n for _, n in given.by_reason) == len(found)
    names = {t: s.name for t, s in summaries().items()}
    assert {(t, name) for t, name, _ in given.by_theme} <= set(names.items())


def test_every_post_has_a_row_in_its_order_and_a_theme_or_a_reason(root, posts):
    give("all.parquet")
    assert list(rows()) == [post.post_id for post in posts]
    for post in posts:
        row = rows()[post.post_id]
        assert (row["theme"] is None) == (row["reason"] is not None) == (row["name"] is None)
        assert (row["reason"] == "no text") == (not post.model_text)
        assert (row["probability"] is None) == (not post.model_text)
        assert row["theme"] in (None, row["suggested"])
    assert {row["reason"] for row in rows().values()} >= {None, "no text", "between themes"}


def test_a_post_has_the_same_answer_alone_and_among_others(root, posts):
    give("all.parquet")
    together = rows()
    reasons = {row["reason"]: post_id for post_id, row in together.items()}
    chosen = [posts[0].post_id, posts[-1].post_id, *reasons.values()]
    for post_id in dict.fromkeys(chosen):
        alone = [post for post in posts if post.post_id == post_id]
        write_posts(Path("alone.parquet"), [replace(alone[0], duplicate_of=None)], force=True)
        if alone[0].model_text:
            give("alone.parquet")
            assert rows() == {post_id: together[post_id] | {"candidate": None}}


def test_all_formats_of_assignments_hold_the_same(root):
    for name in ("out.parquet", "out.csv", "out.jsonl", "out.jsonl.gz"):
        give("all.parquet", output=name)
    expected = list(rows().values())
    text = Path("out.jsonl").read_text("utf-8")
    assert gzip.decompress(Path("out.jsonl.gz").read_bytes()).decode() == text
    found = [json.loads(line) for line in text.splitlines()]
    number = {"probability": np.float32}
    for row, line in zip(expected, found, strict=True):
        assert {
            k: number.get(k, lambda x: x)(v) if v is not None else v for k, v in line.items()
        } == {k: number.get(k, lambda x: x)(v) if v is not None else v for k, v in row.items()}
    with Path("out.csv").open(newline="", encoding="utf-8") as lines:
        cells = list(csv.DictReader(lines))
    assert [row["reason"] or None for row in cells] == [row["reason"] for row in expected]
    assert [row["theme"] and int(row["theme"]) for row in cells] == [
        "" if row["theme"] is None else row["theme"] for row in expected
    ]


def test_with_assign_all_every_post_with_text_has_its_most_probable_theme(root, posts):
    give("all.parquet")
    careful = rows()
    give("all.parquet", assign_all=True)
    for post in posts:
        row, before = rows()[post.post_id], careful[post.post_id]
        assert row["theme"] == row["suggested"] == before["suggested"]
        assert row["probability"] == before["probability"]
        assert row["reason"] == (None if post.model_text else "no text")


def test_what_would_go_to_a_hidden_theme_goes_to_none_and_says_why(root):
    give("early.parquet")
    before = rows()
    hidden = next(iter(summaries()))
    do("hide", hidden)
    for everything in (False, True):
        give("early.parquet", assign_all=everything)
        for post_id, row in rows().items():
            assert hidden not in (row["theme"], row["suggested"])
            if before[post_id]["theme"] == hidden:
                assert row["reason"] == "theme is hidden"
                assert row["suggested"] is None
            elif not everything:
                same = {"suggested": before[post_id]["suggested"]}
                assert row | same == before[post_id]


def test_posts_go_to_the_parts_of_a_split_and_to_what_a_theme_was_merged_into(root):
    largest, one, other = list(summaries())[:3]
    give("early.parquet")
    before = rows()
    parts = do("split", largest, n_parts=2).done.into
    do("merge", one, into=other, name="Both")
    do("merge", parts[1], into=other)
    give("early.parquet")
    theme = shown()
    for post_id, row in rows().items():
        was = before[post_id]["theme"]
        if was == largest:
            assert row["theme"] in (parts[0], other)
            assert row["theme"] == theme[post_id] or theme[post_id] < 0
        elif was == one:
            assert (row["theme"], row["name"]) == (other, "Both")
        else:
            assert row["theme"] == was


def test_alike_new_posts_that_are_far_from_all_themes_may_be_a_new_theme(root, posts):
    planted = [Post(post_id=f"soup {i}", text=text) for i, text in enumerate(SOUP)]
    copy = Post(post_id="soup copy", text=SOUP[0])
    write_posts(root / "new.parquet", [*posts[-40:], *planted, copy], force=False)
    given = give("new.parquet")
    (candidate,) = given.candidates
    assert "soup" in candidate.name
    assert (candidate.n_posts, candidate.n_groups) == (8, 7)
    assert 0 < candidate.cohesion <= 1
    assert len(candidate.examples) == 3
    assert all(post.post_id.startswith("soup") for post in candidate.examples)
    marked = {p for p, row in rows().items() if row["candidate"] == 0}
    assert marked == {post.post_id for post in (*planted, copy)}
    assert {rows()[p]["reason"] for p in marked} == {"new"}
    # Found among the others they are a theme indeed.
    write_posts(root / "with.parquet", [*posts, *planted, copy], force=False)
    find(root, "with.parquet")
    number = shown()["soup 0"]
    assert number >= 0
    assert sum(t == number for t in shown().values()) == 8


def test_posts_are_not_assigned_by_another_encoder_than_that_of_the_themes(root, monkeypatch):
    monkeypatch.setattr(
        "narraframe.workflows.embedding.load_encoder", lambda name, **_: HashingEncoder(64)
    )
    with pytest.raises(TableError, match=r"found with another encoder.*hashing-64@1: find"):
        give("early.parquet")
    with pytest.raises(TableError, match=r"found with another encoder"):
        search(THEMES, "a sentence", workspace=workspace(root), watch=Silent())


@pytest.mark.parametrize("output", ["out.txt", "out", "-"])
def test_an_output_of_another_ending_is_refused_before_any_work(root, output, monkeypatch):
    monkeypatch.setattr("narraframe.workflows.assigning.read_ready", None)
    with pytest.raises(UsageError, match=r"the ending names no format\. End it in \.parquet or"):
        give("early.parquet", output=output)


def test_an_output_that_exists_is_kept_and_the_input_never_replaced(root, monkeypatch):
    monkeypatch.setattr("narraframe.workflows.assigning.read_ready", None)
    (root / "out.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        give("early.parquet", output="out.csv", force=False)
    with pytest.raises(OutputError, match="read and written at once"):
        give("early.parquet", output="early.parquet")


# --- read


def test_the_overview_holds_every_theme_once_and_says_what_was_done(root):
    one, other, third = list(summaries())[:3]
    do("hide", one)
    do("merge", other, into=third)
    seen = overview(THEMES, workspace=workspace(root))
    single = [branch.themes[0] for branch in seen.tree if len(branch.themes) == 1]
    assert sorted(single) == sorted(summaries())
    assert set(seen.curated) == {f"T{one} is hidden", f"T{other} is merged into T{third}"}


def test_one_theme_is_what_the_folder_says_or_the_reason_why_there_is_none(root):
    one, other, third = list(summaries())[:3]
    assert one_theme(THEMES, one, workspace=workspace(root)) == summaries()[one]
    do("hide", one)
    do("merge", other, into=third)
    parts = do("split", third, n_parts=2).done.into
    assert one_theme(THEMES, parts[0], workspace=workspace(root)).theme == parts[0]
    for theme, said in (
        (one, f"T{one} is hidden. Restore T{one} first."),
        (other, f"T{other} is merged into T{third}. Restore T{other} first."),
        (third, f"T{third} is split into T{parts[0]} and T{parts[1]}. Restore T{third} first."),
        (77, "data/themes: there is no theme T77. See them all: narraframe themes show."),
    ):
        with pytest.raises(UsageError) as caught:
            one_theme(THEMES, theme, workspace=workspace(root))
        assert str(caught.value) == said


def test_posts_are_found_by_their_ids_in_the_order_that_was_asked(root, posts):
    wanted = [posts[7].post_id, "nobody's", posts[2].post_id]
    found = posts_of(["all.parquet"], wanted, watch=Silent())
    assert [post.post_id for post in found] == [wanted[0], wanted[2]]


def test_a_post_finds_its_theme(root, posts):
    by_id = {post.post_id: post for post in posts}
    hits = 0
    for number, summary in summaries().items():
        text = by_id[summary.representative_post_ids[0]].model_text
        found = search(THEMES, text, workspace=workspace(root), watch=Silent())
        assert sorted(near.summary.theme for near in found) == sorted(summaries())
        assert [near.similarity for near in found] == sorted(
            (near.similarity for near in found), reverse=True
        )
        assert max(near.nearest_post for near in found) > 0.99
        hits += found[0].summary.theme == number
    assert hits > 0.7 * len(summaries())


def test_the_search_knows_what_was_hidden_merged_and_split(root):
    largest, hidden, one, other = list(summaries())[:4]
    do("hide", hidden)
    do("merge", one, into=other)
    parts = do("split", largest, n_parts=2).done.into
    found = search(THEMES, "sanctions", workspace=workspace(root), watch=Silent())
    assert sorted(near.summary.theme for near in found) == sorted(summaries())
    assert set(parts) <= {near.summary.theme for near in found}


@pytest.mark.parametrize("sentence", ["", "  \n"])
def test_an_empty_sentence_is_nothing_to_search_for(root, sentence):
    with pytest.raises(InputError, match=r"there is nothing to search for .*Write a sentence\."):
        search(THEMES, sentence, workspace=workspace(root), watch=Silent())


@pytest.mark.parametrize("by", ["month", "channel"])
def test_slices_count_what_the_summaries_count(root, by):
    do("merge", *two()[:1], into=two()[1])
    found = over(THEMES, by, output=Path("over.csv"), force=False)
    assert [s.theme for s in found.summaries] == list(summaries())
    for i, theme in enumerate(found.slices.themes):
        column = summaries()[theme].months if by == "month" else summaries()[theme].channels
        counts = zip(found.slices.slices, found.slices.n_posts[i].tolist(), strict=True)
        assert {name: n for name, n in counts if n} == dict(column)
    with Path("over.csv").open(newline="", encoding="utf-8") as text:
        lines = list(csv.DictReader(text))
    assert len(lines) == len(found.slices.themes) * len(found.slices.slices)
    assert sum(int(line["posts"]) for line in lines) == found.slices.n_posts.sum()
    assert {line["name"] for line in lines} == {s.name for s in found.summaries}


def test_without_dates_there_are_no_months_and_the_remedy_is_told(root, posts):
    write_posts(
        root / "dateless.parquet",
        [replace(p, created_at=None, channel=None) for p in posts],
        force=False,
    )
    find(root, "dateless.parquet")
    assert {s.months for s in summaries().values()} == {()}
    with pytest.raises(InputError, match=r"themes: no post has a date\. Give it when .* --date"):
        over(THEMES, "month", output=None, force=False)
    with pytest.raises(InputError, match=r"themes: no post has a channel\. Give it .* --channel"):
        over(THEMES, "channel", output=None, force=False)


@pytest.mark.parametrize("name", ["map.png", "map.svg"])
def test_the_map_is_a_picture_and_the_same_bytes_again(root, name):
    for folder in ("a", "b"):
        draw_map(THEMES, Path(folder, name), title="Themes", force=False)
    first = Path("a", name).read_bytes()
    assert first == Path("b", name).read_bytes()
    assert first.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")
    with pytest.raises(OutputError, match="exists already"):
        draw_map(THEMES, Path("a", name), title="", force=False)


def test_a_map_of_another_ending_is_refused(root):
    with pytest.raises(UsageError, match=r"map\.gif: the ending names no format"):
        draw_map(THEMES, Path("map.gif"), title="", force=False)


# --- what is damaged


READERS = {
    "show": lambda: overview(THEMES, workspace=workspace(Path())),
    "show T0": lambda: one_theme(THEMES, 0, workspace=workspace(Path())),
    "hide": lambda: do("hide", 0),
    "assign": lambda: give("early.parquet"),
    "search": lambda: search(THEMES, "x", workspace=workspace(Path()), watch=Silent()),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_log_is_named_with_its_line_and_nothing_is_written(root, reader):
    do("hide", 0)
    LOG.write_bytes(LOG.read_bytes() + b"2026-01-01,x,hide,Tx,,,\n2026-01-01,hi")
    before = contents()
    with pytest.raises(
        TableError, match=r"themes\.csv: line 3: theme numbers look.*line 4: .*Mend"
    ):
        READERS[reader]()
    assert contents() == before


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"", None])
def test_a_damaged_or_missing_state_is_told(root, reader, spoil):
    path = THEMES / "state.npz"
    if spoil is None:
        path.unlink()
    else:
        path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(NarraframeError, match=r"themes(/state\.npz: cannot be read|: holds no)"):
        READERS[reader]()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_byte_that_flipped_in_the_state_is_found(root, place):
    path = THEMES / "state.npz"
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(TableError, match=r"state\.npz: cannot be read: BadZipFile"):
        read_state(THEMES)


@pytest.mark.parametrize("name", ["themes.json", "quality.json", "themes.parquet"])
def test_a_damaged_table_is_told(root, name):
    (THEMES / name).write_text("{")
    with pytest.raises(
        TableError, match=r"Run narraframe themes again|Pass a file that narraframe"
    ):
        overview(THEMES, workspace=workspace(root))
