"""evaluate at the command line: what it shows beside the figures."""

from narraframe.cli import run
from narraframe.metrics.reliability import ChanceError, Curve
from narraframe.metrics.selective import Decided, Selective
from narraframe.records import Estimate, Quality
from narraframe.workflows import evaluate

NAN = float("nan")


def estimate(value):
    return Estimate(value, NAN, NAN, 40)


def test_evaluate_shows_what_abstaining_does_and_names_what_is_never_decided(
    tmp_path, monkeypatch, capsys
):
    value = estimate(0.5)
    kept, every = (Decided(value, estimate(f1), value, 2) for f1 in (0.75, 0.6))
    found = evaluate.Evaluation(
        Quality("m/1 on new posts", 40, 40, value, value, value, (), ()),
        Curve("all", 40, 20, (), 0.5, ChanceError(0.05, 0.1), 0.2, 0.5),
        Selective(estimate(0.9), kept, every),
        {"decisions left open, as too close to call": 12},
        ("never decided, as a precision of 0.999 is out of reach: war",),
    )
    monkeypatch.setattr(evaluate, "evaluate", lambda *_, **__: found)
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", "--model", "models:/m/1", "--labelled", "posts.jsonl"]) == 0
    shown = " ".join((lambda out: (out.out + out.err).split())(capsys.readouterr()))
    assert "abstaining leaves 0.90 of the decisions: macro F1 0.75 on them, 0.60 on all" in shown
    assert "a precision of 0.999 is out of reach: war" in shown
    assert "expected calibration error 0.500 by chance" in shown, "no interval where none is known"
    assert (
        "would show 0.050, in 1 case of 20 more than 0.100 the calibration error is more" in shown
    )
    assert "decisions left open, as too close to call 12" in shown
