"""The queue of the bundled sample: begun with nothing, labelled, made anew, with a model."""

from __future__ import annotations

import functools
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from narraframe.cli.queue import queue as command
from narraframe.config import Workspace, find_workspace
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import InputError, OutputError, TableError, UsageError
from narraframe.io.annotations import read_annotations, write_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.queue import frame_path, read_audit, read_copies, read_queue
from narraframe.io.skips import write_skips
from narraframe.io.tables import write_themes
from narraframe.records import Annotation, Post, Themes
from narraframe.workflows.init import init
from narraframe.workflows.promote import promote
from narraframe.workflows.queueing import QueueOptions, QueueSummary, queue
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.train import train_experiment
from narraframe.workflows.watch import Silent

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
EXPORT = str(files("narraframe.sample").joinpath("result.json"))
SAMPLE = Path(str(files("narraframe.sample").joinpath("annotations")))


@pytest.fixture(scope="module", autouse=True)
def encoder():
    """The real encoder, loaded once."""
    load = functools.lru_cache(load_encoder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("narraframe.workflows.embedding.load_encoder", load)
        patch.setattr("narraframe.workflows.scorer.load_encoder", load)
        yield


@pytest.fixture(scope="module")
def posts() -> dict[str, Post]:
    """The posts of the sample that have text."""
    ready = read_ready([EXPORT], options=ReadOptions(), watch=Silent()).posts
    return {post.post_id: post for post in ready if post.model_text}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """The embeddings, shared by all workspaces."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workspace(tmp_path, cache) -> Workspace:
    return laid_out(tmp_path / "study", cache)


def laid_out(folder: Path, cache: Path) -> Workspace:
    init(folder)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/cache").symlink_to(cache)
    return find_workspace(folder, given=folder)


def queued(workspace: Workspace, *, force: bool = True, **wanted) -> QueueSummary:
    return queue(
        [EXPORT],
        output=workspace.path("data/queue.csv"),
        wanted=QueueOptions(**{"n": 60} | wanted),
        options=ReadOptions(),
        workspace=workspace,
        force=force,
        watch=Silent(),
    )


def label(workspace: Workspace, post_ids: list[str], *, name: str = "a") -> None:
    """Give the posts the answers of the sample's first annotator, or none of all frames."""
    codebook = read_codebook(workspace.codebook)
    said = [a for a in read_annotations(SAMPLE, codebook) if a.post_id in set(post_ids)]
    silent = sorted(set(post_ids) - {a.post_id for a in said})
    rows = [Annotation(post_id=i, annotator="x", label_id="frame", value=0) for i in silent]
    path = workspace.path("labels/annotations") / f"{name}.csv"
    write_annotations(path, [*said, *rows], provenance={}, force=False)


def group(post: Post) -> str:
    return post.duplicate_of or post.post_id


# --- with nothing labelled and no model


def test_the_first_queue_mixes_the_audit_with_posts_near_the_definitions(workspace, posts):
    done = queued(workspace)
    assert read_queue(workspace.path("data/queue.csv")) == done.items
    assert [item.rank for item in done.items] == list(range(60))
    designs = Counter(item.design for item in done.items)
    copies = len(done.audit.copies)
    assert designs == {"audit": 18 - copies, "active": 42 + copies}
    assert sum(item.n_annotators == 2 for item in done.items) == 12
    assert sum(item.blind for item in done.items) == 6
    assert len({group(posts[item.post_id]) for item in done.items}) == 60
    assert done.model == ""
    assert done.reasons["near a definition"] > 30
    assert any("near the definition of De-dollarisation" in item.reason for item in done.items)


def test_posts_near_a_definition_are_mostly_labelled_with_it(workspace):
    codebook = read_codebook(workspace.codebook)
    names = {x.name: x.label_id for x in codebook.labels if x.facet_id == "narrative"}
    said = {(a.post_id, a.label_id) for a in read_annotations(SAMPLE, codebook) if a.value}
    found = [
        (item.post_id, names[name])
        for item in queued(workspace, audit=0).items
        for name in names
        if item.reason.startswith(f"near the definition of {name} (")
    ]
    assert len(found) > 15
    assert sum(pair in said for pair in found) > 0.7 * len(found)


def test_both_streams_run_through_the_whole_queue(workspace):
    done = queued(workspace)
    for part in (done.items[:20], done.items[20:40], done.items[40:]):
        assert 4 <= sum(item.design == "audit" for item in part) <= 8


def test_the_audit_is_written_whole_and_adds_up_to_the_corpus(workspace, posts):
    done = queued(workspace)
    audit = read_audit(workspace.path("labels/audit.csv"))
    assert len(audit) == 18
    assert sum(1 / post.inclusion_probability for post in audit) == pytest.approx(len(posts))
    chances = {post.post_id: post.inclusion_probability for post in audit}
    for item in done.items:
        assert item.inclusion_probability == chances.get(item.post_id)
        assert (item.design == "audit") == (item.post_id in chances) == bool(item.stratum)


def test_the_same_call_gives_the_same_queue(workspace, tmp_path, cache):
    assert queued(workspace).items == queued(laid_out(tmp_path / "other", cache)).items


def test_a_queue_made_again_before_anything_is_labelled_is_the_same(workspace):
    assert queued(workspace).items == queued(workspace).items


def test_a_thin_theme_is_named_in_the_reason(workspace, posts):
    ids = tuple(posts)
    themes = Themes(
        ids,
        torch.arange(len(ids)).numpy().astype("int32") % 3,
        torch.ones(len(ids)).numpy(),
        torch.zeros(len(ids), 2).numpy(),
    )
    workspace.path("data/themes").mkdir(parents=True)
    write_themes(workspace.path("data/themes/themes.parquet"), themes)
    done = queued(workspace)
    assert done.reasons["theme coverage"] == 2
    assert any(item.reason.startswith("theme T") for item in done.items)


# --- with labels


def test_labelled_posts_and_their_copies_are_not_asked_again(workspace, posts):
    copied = [post for post in posts.values() if post.duplicate_of]
    label(workspace, [post.post_id for post in copied])
    done = queued(workspace, n=150)
    answered = {group(post) for post in copied}
    assert not answered & {group(posts[item.post_id]) for item in done.items}
    copies = read_copies(workspace.path("labels/copies.csv"))
    assert copies == done.audit.copies
    assert copies
    labelled = {post.post_id for post in copied}
    for post_id, labelled_as in copies.items():
        assert labelled_as in labelled
        assert group(posts[post_id]) == group(posts[labelled_as])


def test_the_audit_grows_and_keeps_what_it_has(workspace, posts):
    first = queued(workspace)
    label(workspace, [item.post_id for item in first.items])
    second = queued(workspace)
    before, after = set(first.audit.sample.post_ids), set(second.audit.sample.post_ids)
    assert before < after
    assert len(after) == len(before) + 18
    assert not before & {item.post_id for item in second.items}
    audit = read_audit(workspace.path("labels/audit.csv"))
    assert {post.post_id for post in audit} == after
    assert sum(1 / post.inclusion_probability for post in audit) == pytest.approx(len(posts))


def test_audit_posts_that_nobody_labelled_stay_and_count(workspace):
    first = queued(workspace)
    waiting = [item.post_id for item in first.items if item.design == "audit"][5:]
    label(workspace, [item.post_id for item in first.items if item.post_id not in waiting])
    second = queued(workspace)
    asked = [item.post_id for item in second.items if item.design == "audit"]
    assert set(waiting) < set(asked)
    assert len(asked) + len(second.audit.copies) - len(first.audit.copies) == 18


def test_audit_posts_that_were_skipped_wait_no_more_and_others_are_drawn(workspace):
    first = queued(workspace)
    skipped = list(first.audit.asked)
    write_skips(workspace.path("labels/skipped.csv"), [(i, "ann-ab-01") for i in skipped])
    again = queued(workspace)
    assert set(first.audit.sample.post_ids) < set(again.audit.sample.post_ids)
    assert len(again.audit.asked) >= 15
    assert not set(skipped) & {item.post_id for item in again.items}


def test_without_an_audit_share_none_is_asked_and_none_is_chosen_for_another_reason(workspace):
    first = queued(workspace)
    second = queued(workspace, audit=0)
    assert {item.design for item in second.items} == {"active"}
    asked = {item.post_id for item in second.items}
    assert not asked & set(first.audit.sample.post_ids)
    assert set(first.audit.sample.post_ids) <= set(second.audit.sample.post_ids)


def test_the_last_posts_are_all_taken_and_then_there_are_none(workspace, posts):
    done = queued(workspace, n=1000, audit=0.1)
    assert len(done.items) == len({group(post) for post in posts.values()})
    label(workspace, [item.post_id for item in done.items])
    # copies that the audit draws have their answer already
    with pytest.raises(InputError, match="every post with text is labelled"):
        queued(workspace)


# --- with a model


def test_with_a_champion_the_queue_asks_where_the_model_is_unsure(workspace, posts):
    half = list(posts)[::2]
    label(workspace, half)
    workspace.path("data").mkdir(exist_ok=True)
    experiment = workspace.path("experiments/narratives.toml")
    text = experiment.read_text("utf-8").replace("data/posts.parquet", EXPORT)
    experiment.write_text(text, "utf-8")
    train_experiment(experiment, options=ReadOptions(), workspace=workspace, watch=Silent())
    promote("narratives", version=None, workspace=workspace)
    done = queued(workspace, n=40)
    assert done.model.startswith("narratives/1@")
    assert done.reasons["the model is unsure"] > 10
    assert done.n_labelled == len(half)
    assert not set(half) & {item.post_id for item in done.items}
    assert queued(workspace, n=40, model="none").model == ""


# --- mistakes


def test_an_existing_queue_is_not_replaced_without_force(workspace):
    queued(workspace)
    before = workspace.path("labels/audit.csv").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        queued(workspace, n=100, force=False)
    assert workspace.path("labels/audit.csv").read_bytes() == before


def test_an_audit_without_its_frame_is_refused(workspace):
    queued(workspace)
    frame_path(workspace.path("labels/audit.csv")).unlink()
    with pytest.raises(TableError, match=r"not the frame that it was drawn from.*Restore it"):
        queued(workspace)


def test_a_run_cut_off_between_the_frame_and_the_audit_loses_no_audit_post(workspace):
    queued(workspace, n=20)
    audit = workspace.path("labels/audit.csv")
    old = audit.read_bytes()
    expected = queued(workspace, n=60)
    audit.write_bytes(old)
    again = queued(workspace, n=60)
    assert set(expected.audit.sample.post_ids) <= set(again.audit.sample.post_ids)


def test_themes_that_are_not_there_are_named(workspace):
    with pytest.raises(TableError, match="there is no such table"):
        queued(workspace, themes=workspace.path("nowhere"))


def test_the_queue_is_a_csv(workspace):
    with pytest.raises(UsageError, match=r"End it in \.csv"):
        queue(
            [EXPORT],
            output=workspace.path("data/queue.txt"),
            wanted=QueueOptions(),
            options=ReadOptions(),
            workspace=workspace,
            force=False,
            watch=Silent(),
        )


def test_posts_that_changed_their_channel_leave_the_audit_and_it_is_said(workspace, tmp_path):
    first = queued(workspace)
    rows = [f"{post_id},Another channel,some words of text" for post_id in first.audit.asked]
    moved = tmp_path / "moved.csv"
    moved.write_text("\n".join(["id,channel,text", *rows]), "utf-8")
    watch = Silent()
    queue(
        [str(moved)],
        output=workspace.path("data/moved.csv"),
        wanted=QueueOptions(n=1),
        options=ReadOptions(),
        workspace=workspace,
        force=False,
        watch=watch,
    )
    assert any("have another channel or month" in line for line in watch.warnings)


# --- on the command line


def test_the_command_says_what_is_in_the_queue_and_why(workspace):
    out = workspace.path("data/queue.csv")
    done = CliRunner().invoke(
        command, [EXPORT, "-o", str(out), "-n", "60", "--workspace", str(workspace.root)]
    )
    assert done.exit_code == 0, done.output
    assert "60 posts to label, chosen without a model; 0 are labelled" in done.output
    for line in (
        "drawn at random for the audit",
        "chosen: near a definition",
        "to be labelled by two ",
        "pre-annotations held back",
        "strata of channel and month",
        "a label on 10% of the audit will be known to be on 0% to 2",
    ):
        assert line in done.output
