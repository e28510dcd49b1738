"""Annotations as CSV."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from narraframe.errors import CodebookError, TableError
from narraframe.io.annotations import (
    altered_files,
    annotations_csv,
    read_annotations,
    write_annotations,
)
from narraframe.records import Annotation, Codebook, Facet, Label, Retired

BOOK = Codebook("1.2.0", "", (Facet("frame", "Frame"),), (Label("frame.conflict", "frame", "C"),))
FULL = Annotation(
    post_id="=1001/5",
    annotator="ann-01",
    label_id="frame.conflict",
    value=1,
    spans=((12, 40), (55, 80)),
    codebook_version="1.2.0",
    annotated_at=datetime(2026, 8, 1, 9, 30, tzinfo=UTC),
    origin="manual",
    design="audit",
    inclusion_probability=0.125,
)
REVIEWED = Annotation(post_id="1001/6", annotator="ann-01", label_id="frame", value=0)
HEADER = "post_id,annotator,label_id,value\n"


def test_annotations_read_back_equal(tmp_path):
    path = tmp_path / "a.csv"
    write_annotations(path, [FULL, REVIEWED], provenance={"project": "p"}, force=False)
    assert read_annotations(path, BOOK) == (FULL, REVIEWED)


def test_a_folder_is_read_in_name_order(tmp_path):
    (tmp_path / "b.csv").write_text(annotations_csv([FULL]))
    (tmp_path / "a.csv").write_text(annotations_csv([REVIEWED]))
    assert read_annotations(tmp_path, BOOK) == (REVIEWED, FULL)


def test_a_file_changed_after_it_was_written_is_noticed(tmp_path):
    path = tmp_path / "a.csv"
    write_annotations(path, [FULL], provenance={}, force=False)
    assert altered_files(tmp_path) == ()
    path.write_text(annotations_csv([REVIEWED]))
    assert altered_files(tmp_path) == (path,)


def test_an_unknown_label_is_named_with_line_and_nearest_id(tmp_path):
    path = tmp_path / "2026-08.csv"
    path.write_text(HEADER + "p1,a,frame.conflict,1\np1,a,frame.confict,1\n")
    with pytest.raises(CodebookError) as caught:
        read_annotations(path, BOOK)
    assert str(caught.value) == (
        f'{path} line 3: label_id "frame.confict" is not in codebook 1.2.0. '
        'Did you mean "frame.conflict"? '
        "Correct the annotations, or use the codebook they were made with. "
        "What became of a label belongs under [[retired]]: see narraframe codebook migrate --help."
    )


def test_a_retired_label_is_read_and_so_is_one_of_another_codebook_that_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "p1,a,frame.strife,1\n")
    book = replace(BOOK, retired=(Retired("frame.strife", "frame", ("frame.conflict",)),))
    assert read_annotations(path, book)[0].label_id == "frame.strife"
    assert len(read_annotations(path, BOOK, others={"frame.strife"})) == 1
    with pytest.raises(CodebookError, match=r"frame\.strife"):
        read_annotations(path, BOOK)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("p1,a,frame,2", "line 2: value must be 0 or 1, not '2'"),
        ("p1,,frame,1", "line 2: annotator is empty"),
        (",a,frame,", "post_id is empty; value is empty"),
    ],
)
def test_an_impossible_value_is_named_with_its_line(tmp_path, row, message):
    (tmp_path / "a.csv").write_text(HEADER + row + "\n")
    with pytest.raises(TableError, match=message):
        read_annotations(tmp_path, BOOK)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("spans", "40-", 'spans must look like "12-40;55-80"'),
        ("annotated_at", "yesterday", "annotated_at is no ISO date"),
        ("inclusion_probability", "often", "inclusion_probability is no number"),
        ("inclusion_probability", "1.5", r"must be in \(0, 1\], not 1\.5"),
    ],
)
def test_an_impossible_optional_value_is_named(tmp_path, column, cell, message):
    (tmp_path / "a.csv").write_text(f"{HEADER.strip()},{column}\np1,a,frame,1,{cell}\n")
    with pytest.raises(TableError, match=message):
        read_annotations(tmp_path, BOOK)


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("post_id,label_id,value\n")
    with pytest.raises(TableError, match="columns annotator are missing"):
        read_annotations(tmp_path, BOOK)


def test_a_folder_without_annotations_is_an_error(tmp_path):
    with pytest.raises(TableError, match="there are no annotations"):
        read_annotations(tmp_path, BOOK)
