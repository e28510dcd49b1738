"""Files of annotations are brought in line with the server, and nothing is lost from them."""

from datetime import UTC, datetime, timedelta

import pytest

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.config import Config, Workspace
from narraframe.io.annotations import read_annotations
from narraframe.io.projects import Project
from narraframe.io.queue import AuditPost, write_audit
from narraframe.records import Annotation, Codebook, Facet, Label
from narraframe.workflows.annotation_files import write_answers

BOOK = Codebook("1.0.0", "", (Facet("frame", "Frame"),), (Label("a", "frame", "A"),))
HERE, THERE = Project("http://x", 1, "ab12"), Project("http://x", 1, "cd34")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TUESDAY, WEDNESDAY = (MONDAY + timedelta(days=n) for n in (1, 2))
MADE = {"p": MONDAY, "q": MONDAY}


def said(post, value=1, at=TUESDAY, who="ann-ab12-01", **rest):
    return Annotation(
        post_id=post, annotator=who, label_id="frame", value=value, annotated_at=at, **rest
    )


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path, Config(), is_set_up=True)


def write(workspace, *rows, made=MADE, project=HERE, follow=True):
    return write_answers(
        rows,
        made,
        project=project,
        prefix="ls-1",
        follow_deletions=follow,
        codebook=BOOK,
        workspace=workspace,
    )


def kept(workspace):
    rows = read_annotations(workspace.root / "labels/annotations", BOOK)
    return {(r.post_id, r.annotator): r.value for r in rows}


def test_an_answer_that_was_deleted_goes_and_with_the_last_one_the_file(workspace):
    write(workspace, said("p"), said("q"))
    write(workspace, said("p"))
    assert kept(workspace) == {("p", "ann-ab12-01"): 1}
    done = write(workspace)
    assert [path.name for path in done.removed] == ["ls-1-ann-ab12-01.csv"]
    assert list((workspace.root / "labels/annotations").iterdir()) == []


@pytest.mark.parametrize("made", [{"p": MONDAY}, MADE | {"q": WEDNESDAY}])
def test_an_answer_whose_task_was_deleted_stays_even_if_the_post_was_sent_again(workspace, made):
    write(workspace, said("p"), said("q"))
    assert write(workspace, said("p"), made=made).n_kept == 1
    assert kept(workspace) == {("p", "ann-ab12-01"): 1, ("q", "ann-ab12-01"): 1}


def test_the_later_answer_stays_and_an_export_takes_nothing_away(workspace):
    write(workspace, said("p", value=0, at=WEDNESDAY), said("q"))
    assert write(workspace, said("p", value=1, at=TUESDAY), follow=False).n_kept == 2
    assert kept(workspace) == {("p", "ann-ab12-01"): 0, ("q", "ann-ab12-01"): 1}
    write(workspace, said("p", value=1, at=WEDNESDAY + timedelta(hours=1)), said("q"))
    assert kept(workspace)["p", "ann-ab12-01"] == 1


def test_projects_of_two_servers_with_one_number_are_told_apart(workspace):
    write(workspace, said("p"))
    write(workspace, said("p", value=0, who="ann-cd34-01"), project=THERE)
    write(workspace, project=THERE)
    assert kept(workspace) == {("p", "ann-ab12-01"): 1}


def test_nothing_is_written_where_nothing_changed(workspace):
    assert len(write(workspace, said("p")).written) == 1
    assert write(workspace, said("p")).written == ()


def test_posts_get_the_place_in_the_audit_that_they_have_now(workspace):
    rows = [said(p, design="audit", inclusion_probability=0.5) for p in ("p", "q")]
    write(workspace, *rows)
    write_audit(workspace.root / "labels/audit.csv", [AuditPost("p", "x", 0.25, 4, 1)])
    write(workspace, *rows)
    found = read_annotations(workspace.root / "labels/annotations", BOOK)
    assert {r.post_id: (r.design, r.inclusion_probability) for r in found} == {
        "p": ("audit", 0.25),
        "q": ("", None),
    }


def test_a_second_look_is_never_of_the_audit_and_stands_beside_the_first(workspace):
    write_audit(workspace.root / "labels/audit.csv", [AuditPost("p", "x", 0.25, 4, 1)])
    first = said("p", design="audit", inclusion_probability=0.25)
    second = said("p", value=0, at=WEDNESDAY, design=DOUBTFUL)
    for rows in ([first, second], [second, first]):
        done = write(workspace, *rows)
        found = read_annotations(workspace.root / "labels/annotations", BOOK)
        assert [(r.value, r.design, r.inclusion_probability) for r in found] == [
            (1, "audit", 0.25),
            (0, DOUBTFUL, None),
        ]
    assert not done.written


def test_a_second_look_that_was_deleted_leaves_the_first(workspace):
    first, second = said("p"), said("p", value=0, at=WEDNESDAY, design=DOUBTFUL)
    write(workspace, first, second)
    write(workspace, first)
    assert kept(workspace) == {("p", "ann-ab12-01"): 1}
