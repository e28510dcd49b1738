"""What --fail-on-drift does where drift cannot be told."""

import numpy as np
import pytest

from narraframe.cli.drift import drift_code
from narraframe.cli.terminal import TerminalWatch
from narraframe.errors import ModelError
from narraframe.metrics.drift import NewPosts, drift
from narraframe.records import DriftReference


def told(n, *, reference=True):
    rows = np.eye(40, dtype=np.float32)
    before = DriftReference("mini@1", rows, (("en", 40),), ("a",), np.array([40]), np.array([8]))
    marks = np.ones((n, 1), dtype=bool)
    new = NewPosts(n, 0, 0, ("en",) * n, rows[:n], marks, marks & (np.arange(n) < n / 5)[:, None])
    return drift(before if reference else None, new, model="m")


def test_too_few_posts_are_a_warning_and_no_failure(capsys):
    assert drift_code(told(5), model="models:/m@champion", watch=TerminalWatch()) == 0
    assert capsys.readouterr().err == (
        "warning: whether there is drift is unknown: too few posts to compare: "
        "--fail-on-drift lets it pass, with code 0\n"
    )


def test_a_model_that_can_never_tell_is_an_error():
    for found in (None, told(30, reference=False)):
        with pytest.raises(ModelError, match="keeps nothing to tell drift by"):
            drift_code(found, model="models:/m@champion", watch=TerminalWatch())


def test_no_drift_is_silent(capsys):
    assert drift_code(told(40), model="m", watch=TerminalWatch()) == 0
    assert capsys.readouterr().err == ""
