"""The report as files, from the command line on real tables."""

import csv

import pytest

from narraframe.cli import run


@pytest.fixture
def posts_path(tmp_path):
    lines = [
        f'{{"id": "p{i}", "text": "{text}", "date": "2024-0{1 + i % 3}-05", "channel": "North"}}'
        for i, text in enumerate(["Port opens", "=1+1", "A song about the sea", "Trains stand"])
    ]
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def report(capsys):
    """Run the command; its exit code and all that it says."""

    def call(*arguments):
        code = run(["report", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_csv_tables_go_into_a_folder_and_other_files_there_stay(posts_path, tmp_path, report):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "mine.txt").write_text("kept", encoding="utf-8")
    code, said = report(posts_path, "-o", folder, "--format", "csv")
    assert code == 0, said
    rows = list(csv.reader((folder / "overview.csv").read_text("utf-8").splitlines()))
    assert ["posts", "4"] in rows
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "kept"


def test_what_is_there_is_not_written_over_and_nothing_is_half_written(
    posts_path, tmp_path, report
):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "overview.csv").write_text("mine", encoding="utf-8")
    code, said = report(posts_path, "-o", folder, "--format", "csv")
    assert code != 0
    assert "exists already" in said
    assert [path.name for path in folder.iterdir()] == ["overview.csv"]


def test_markdown_is_one_file(posts_path, tmp_path, report):
    code, said = report(posts_path, "-o", tmp_path / "report.md", "--format", "md")
    assert code == 0, said
    assert "| posts | 4 |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_ending_must_be_that_of_the_format(posts_path, tmp_path, report):
    code, said = report(posts_path, "-o", tmp_path / "report.html", "--format", "md")
    assert code == 2
    assert "the ending names no format" in said


def test_asking_for_nothing_is_said_to_be_that(posts_path, report):
    code, said = report(posts_path)
    assert code == 2
    assert "nothing is to be written" in said


def test_figures_need_a_folder_and_not_a_file(posts_path, tmp_path, report):
    code, said = report(posts_path, "--figures", posts_path)
    assert code == 2
    assert "is a file" in said
