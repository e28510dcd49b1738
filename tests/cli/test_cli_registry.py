"""What compare, promote and rollback say, and the codes that they end with."""

import math
from pathlib import Path

import pytest

from narraframe.cli import run
from narraframe.errors import ModelError
from narraframe.metrics.paired import LabelDifference, Paired, PairedDifference
from narraframe.records import Estimate
from narraframe.workflows import compare, promote, rollback
from narraframe.workflows.compare import Comparison
from narraframe.workflows.promote import Promotion
from narraframe.workflows.rollback import Rollback

NAN = math.nan
GAIN = Paired(0.5, 0.625, Estimate(0.125, 0.0625, 0.1875, 90))
NONE = Paired(NAN, NAN, Estimate(NAN, NAN, NAN, 90))
FOUND = PairedDifference(
    n_posts=90,
    n_groups=80,
    n_apart=12,
    micro_f1=GAIN,
    macro_f1=GAIN,
    mean_average_precision=NONE,
    labels=(LabelDifference("war", 1030, GAIN), LabelDifference("peace", 0, NONE)),
)
COMPARED = Comparison("topics/1", "topics/2", "90 posts of x", FOUND, (), (), ("a note",))


@pytest.fixture
def answered(monkeypatch, capsys, tmp_path):
    """Run a command line in an empty workspace, where workflows answer or raise as given."""

    def answer(module, name, result, line):
        seen = {}

        def workflow(*args, **kwargs):
            seen.update(kwargs, args=args)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(module, name, workflow)
        code = run([*line.split(), "--workspace", str(tmp_path)])
        return code, capsys.readouterr(), seen

    return answer


def test_compare_shows_the_figures_the_notes_and_the_verdict(answered):
    line = "compare abcdef models:/topics/2 -o out.csv"
    code, said, seen = answered(compare, "compare", COMPARED, line)
    assert code == 0
    first, header, macro, _, mean, war, peace, note, verdict = said.out.splitlines()
    assert first == "a = topics/1, b = topics/2"
    assert header.split() == ["positive", "a", "b", "b", "-", "a"]
    assert macro.split(maxsplit=4) == ["macro", "F1", "0.500", "0.625", str(GAIN)]
    assert mean.split() == ["mean", "average", "precision", "-", "-", "-"]
    assert war.split(maxsplit=6) == ["F1", "of", "war", "1,030", "0.500", "0.625", str(GAIN)]
    assert peace.split() == ["F1", "of", "peace", "0", "-", "-", "-"]
    assert note == "a note"
    assert verdict.startswith("topics/2 against topics/1, on 90 posts of x: better beyond doubt")
    assert seen["args"] == ("abcdef", "models:/topics/2")
    assert (seen["output"], seen["force"]) == (Path("out.csv"), False)


def test_promote_says_what_is_champion_now_what_was_and_why(answered):
    done = Promotion(2, 1, "it is better", ("a note",))
    code, said, seen = answered(promote, "promote", done, "promote topics --version 2")
    assert code == 0
    assert said.out == "topics/2 is @champion; before: topics/1\nit is better\na note\n"
    assert (seen["version"], seen["force"]) == (2, False)


def test_promote_says_that_it_was_forced(answered):
    done = Promotion(2, 1, "it is worse", forced=True)
    _, said, seen = answered(promote, "promote", done, "promote topics --force")
    assert said.out.splitlines()[1] == "promoted by --force: it is worse"
    assert seen["force"] is True


def test_the_first_champion_has_none_before(answered):
    _, said, _ = answered(promote, "promote", Promotion(1, None, "alone"), "promote topics")
    assert said.out == "topics/1 is @champion\nalone\n"


def test_a_refused_promotion_ends_with_code_one_and_one_line(answered):
    refused = ModelError("is not promoted: worse", where="topics/2", remedy="Label more.")
    code, said, _ = answered(promote, "promote", refused, "promote topics")
    assert code == 1
    assert said.err == "error: topics/2: is not promoted: worse. Label more.\n"


def test_rollback_says_who_is_champion_again(answered):
    code, said, _ = answered(rollback, "rollback", Rollback(1, 2), "rollback topics")
    assert code == 0
    assert said.out == "topics/1 is @champion again; before: topics/2\n"
