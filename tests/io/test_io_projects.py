"""The projects on Label Studio, as git keeps them."""

from datetime import UTC, datetime

import pytest

from narraframe.errors import TableError
from narraframe.io.projects import Project, PushedPage, read_projects, write_projects

PAGE = PushedPage("1.0.0", "ab" * 32, datetime(2026, 3, 1, 12, tzinfo=UTC), ("a", "b"))
PROJECTS = {
    "labelling": Project(
        "http://127.0.0.1:8080", 3, "ab12", (PAGE, PAGE), {"m/1@ab": ("frame", "stance")}
    ),
    "adjudication": Project("http://127.0.0.1:8080", 4, "ab12"),
}


def test_projects_read_back_as_they_were_written(tmp_path):
    path = tmp_path / "labels/label_studio.toml"
    assert read_projects(path) == {}
    write_projects(path, PROJECTS)
    assert read_projects(path) == PROJECTS


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[labelling]\nurl = 'x'\n",
        "[labelling]\nurl = 'x'\nproject = 'y'\n",
        "labelling = 3\n",
        "[labelling]\nurl='x'\nproject=1\nserver_key='k'\npages=[{codebook_version='1'}]\n",
    ],
)
def test_a_damaged_file_is_named_with_what_removing_it_costs(tmp_path, text):
    path = tmp_path / "label_studio.toml"
    path.write_text(text)
    with pytest.raises(TableError, match=r"label_studio\.toml: the projects .*not which codebook"):
        read_projects(path)
