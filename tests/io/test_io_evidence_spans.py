import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narraframe.errors import TableError
from narraframe.io.evidence_spans import read_evidence_spans


def written(tmp_path, spans):
    columns = {
        "post_id": ["p1", "p1", "p2"],
        "label_id": ["trade", "warm", None],
        "evidence_spans": pa.array(spans, pa.string()),
    }
    pq.write_table(pa.table(columns), tmp_path / "scores.parquet", row_group_size=2)
    return tmp_path / "scores.parquet"


@pytest.mark.parametrize("cell", ["3:9;12:20", "3-9;12-20"])
def test_spans_are_read_by_post_and_label(tmp_path, cell):
    path = written(tmp_path, [cell, None, None])
    assert read_evidence_spans(path) == {("p1", "trade"): ((3, 9), (12, 20))}


def test_scores_without_evidence_have_none(tmp_path):
    pq.write_table(pa.table({"post_id": ["p1"], "label_id": ["x"]}), tmp_path / "s.parquet")
    assert read_evidence_spans(tmp_path / "s.parquet") == {}


def test_a_cell_of_another_form_is_named(tmp_path):
    with pytest.raises(TableError, match="does not say where evidence stands"):
        read_evidence_spans(written(tmp_path, ["3..9", None, None]))


def test_a_damaged_table_is_one_clear_error(tmp_path):
    (tmp_path / "s.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(TableError, match="is damaged"):
        read_evidence_spans(tmp_path / "s.parquet")
