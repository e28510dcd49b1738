"""A changed codebook, and the annotation files that follow it."""

import hashlib
import tomllib
from collections import Counter

import pytest

from narraframe.cli import run
from narraframe.errors import CodebookError, OutputError
from narraframe.io.annotations import altered_files, read_annotations, write_annotations
from narraframe.io.codebook import read_codebook
from narraframe.records import Annotation
from narraframe.workflows import codebook_change
from narraframe.workflows.codebook import check
from narraframe.workflows.codebook_change import compare, migrate_files
from narraframe.workflows.watch import Silent

OLD = """
version = "1.0.0"
[[facets]]
id = "f"
name = "F"
[[labels]]
id = "a"
facet = "f"
name = "A"
[[labels]]
id = "b"
facet = "f"
name = "B"
"""
NEW = (
    OLD.replace('"1.0.0"', '"1.1.0"').replace(
        'id = "a"\nfacet = "f"', 'id = "z"\nfacet = "f"\nsince = "1.1.0"'
    )
    + '[[retired]]\nid = "a"\nfacet = "f"\ninto = ["z"]\n'
)


def row(label_id, value, post="p"):
    return Annotation(
        post_id=post, annotator="ann", label_id=label_id, value=value, codebook_version="1.0.0"
    )


@pytest.fixture
def study(tmp_path):
    """A workspace whose codebook was changed; two annotation files, one without the label."""
    (tmp_path / "narraframe.toml").write_text("")
    folder = tmp_path / "labels/annotations"
    folder.mkdir(parents=True)
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "labels/codebook.toml").write_text(NEW)
    for name, rows in {"one": [row("f", 1), row("a", 1)], "two": [row("b", 1, "q")]}.items():
        path = folder / f"{name}.csv"
        write_annotations(path, rows, provenance={"project": name}, force=False)
    return tmp_path


def migrated(study, *, dry_run=False):
    return migrate_files(
        study / "labels/codebook.toml",
        annotations=study / "labels/annotations",
        dry_run=dry_run,
        watch=Silent(),
    )


def test_files_are_rewritten_with_their_history(study):
    path = study / "labels/annotations/one.csv"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    done = migrated(study)
    assert [(p.name, m.changed) for p, m in done.files] == [("one.csv", Counter(a=1))]
    rows = read_annotations(path, read_codebook(study / "labels/codebook.toml"))
    assert rows == (row("f", 1), row("z", 1))
    about = tomllib.loads(path.with_name("one.provenance.toml").read_text())
    (entry,) = about["migrated"]
    assert entry.pop("migrated_at").tzinfo is not None
    assert entry == {
        "from_versions": ["1.0.0"],
        "to_version": "1.1.0",
        "changed": {"a": 1},
        "unknown": {},
        "zeros_added": 0,
        "previous_sha256": before,
    }
    assert about["project"] == "one"
    assert altered_files(study / "labels/annotations") == ()


def test_a_second_change_adds_to_the_history(study):
    migrated(study)
    assert migrated(study).files == ()
    book = study / "labels/codebook.toml"
    text = book.read_text().replace('"1.1.0"', '"1.2.0"').replace('id = "z"', 'id = "y"')
    book.write_text(text + '[[retired]]\nid = "z"\nfacet = "f"\ninto = ["y"]\n')
    migrated(study)
    about = tomllib.loads((study / "labels/annotations/one.provenance.toml").read_text())
    assert [entry["changed"] for entry in about["migrated"]] == [{"a": 1}, {"z": 1}]


def test_a_dry_run_writes_nothing(study):
    files = sorted((study / "labels/annotations").iterdir())
    before = [path.read_bytes() for path in files]
    assert len(migrated(study, dry_run=True).files) == 1
    assert [path.read_bytes() for path in files] == before


def test_one_bad_file_leaves_all_files_as_they_were(study):
    (study / "labels/annotations/zzz.csv").write_text(
        "post_id,annotator,label_id,value\np,ann,nobody,1\n"
    )
    before = (study / "labels/annotations/one.csv").read_bytes()
    with pytest.raises(CodebookError, match=r"zzz\.csv line 2.*\[\[retired\]\]"):
        migrated(study)
    assert (study / "labels/annotations/one.csv").read_bytes() == before


def test_a_migration_cut_off_half_way_is_completed_by_the_next(study, monkeypatch):
    (study / "labels/annotations/two.csv").write_text(
        "post_id,annotator,label_id,value\nq,ann,a,1\n"
    )

    def full(path, *args, **kwargs):
        if path.name == "two.csv":
            raise OutputError("No space left on device", where=path)
        write_annotations(path, *args, **kwargs)

    monkeypatch.setattr(codebook_change, "write_annotations", full)
    with pytest.raises(OutputError, match="No space left"):
        migrated(study)
    monkeypatch.undo()
    assert [path.name for path, _ in migrated(study).files] == ["two.csv"]


def test_annotations_not_rewritten_yet_count_as_what_their_labels_became(study):
    book, folder = study / "labels/codebook.toml", study / "labels/annotations"
    checked = check(book, folder, watch=Silent())
    assert checked.uses == Counter(f=1, z=1, b=1)
    assert checked.stale == Counter(a=1)


def test_a_difference_counts_the_annotations_in_terms_of_either_codebook(study):
    new, folder = study / "labels/codebook.toml", study / "labels/annotations"
    (gone,) = compare(study / "old.toml", new, annotations=folder).changes
    assert (gone.kind, gone.subject, gone.n) == ("renamed to z", "a", 1)
    new.write_text(NEW.split("[[retired]]")[0])
    (fault,) = compare(study / "old.toml", new, annotations=folder).faults
    assert (fault.kind, fault.n) == ("vanished", 1)


def test_without_annotations_a_difference_is_told_all_the_same(study):
    told = compare(study / "old.toml", study / "labels/codebook.toml", annotations=study / "no")
    assert [change.n for change in told.changes] == [0]


def test_the_commands_tell_it_in_words(study, capsys):
    where = ["--workspace", str(study)]
    assert run(["codebook", "diff", str(study / "old.toml"), *where]) == 0
    assert run(["codebook", "diff", str(study / "labels/codebook.toml"), str(study / "old.toml"),
                *where]) == 1  # fmt: skip
    assert run(["codebook", "migrate", "--dry-run", *where]) == 0
    assert run(["codebook", "check", *where]) == 0
    assert run(["codebook", "migrate", *where]) == 0
    assert run(["codebook", "migrate", *where]) == 0
    assert run(["codebook", "config", *where]) == 0
    assert run(["codebook", "config", "--check", *where]) == 0
    (study / "labels/label_studio.xml").write_text("<View/>")
    assert run(["codebook", "config", "--check", *where]) == 1
    out = capsys.readouterr().out.replace(str(study), "STUDY")
    assert out.splitlines() == [
        "codebook 1.0.0 to 1.1.0: 1 changes",
        "  a: renamed to z; takes 1 annotation with it",
        "codebook 1.1.0 to 1.0.0: 3 changes",
        "  FAULT  1.0.0: version; is not later than 1.1.0, so their annotations cannot be told "
        "apart",
        "  FAULT  z: vanished; would orphan 0 annotations: list it under [[retired]]",
        "  FAULT  a: added; does not say since when, so posts reviewed before would count as a "
        'no: give it since = "1.0.0"',
        "would rewrite STUDY/labels/annotations/one.csv",
        "  a: 1 rows, into z",
        "STUDY/labels/codebook.toml: codebook 1.1.0 is sound",
        "  F: 2 labels to choose from (multiple choice)",
        "annotations: 2 posts by 1 annotators",
        "  retired labels, read as what became of them: a",
        "  to rewrite the files: narraframe codebook migrate",
        "rewrote STUDY/labels/annotations/one.csv",
        "  a: 1 rows, into z",
        "STUDY/labels/annotations: nothing to rewrite, all is in terms of codebook 1.1.0",
        "STUDY/labels/label_studio.xml: the labelling page of codebook 1.1.0",
        "STUDY/labels/label_studio.xml: is the page of STUDY/labels/codebook.toml",
        "STUDY/labels/label_studio.xml: differs from STUDY/labels/codebook.toml",
        "  the post's text, named text, is not shown there",
        "  evidence is missing there",
        "  f is missing there",
        "  note is missing there",
    ]
