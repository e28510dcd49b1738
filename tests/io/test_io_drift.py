import csv
import io
import json
import math

from narraframe.io.drift import drift_text
from narraframe.records import Drift, DriftTest, LabelShift

DRIFT = Drift(
    model="m/1@0",
    known=True,
    alpha=0.01,
    n_posts=10,
    n_without_text=2,
    n_unknown_language=4,
    n_sampled=8,
    n_scored=8,
    n_reference=50,
    far=0.25,
    far_distance=0.5,
    tests=(
        DriftTest("labels", 0.5, 0.001, 0.004, True, "=SUM(A1)"),
        DriftTest("far", math.nan, math.nan, math.nan, False, "not tested"),
    ),
    labels=(LabelShift("war", 5, 10, 0, 8, 0.002),),
    languages=(("uk", 0.5, 0.0),),
    verdict="drift: labels 0.50",
)


def rows():
    return list(csv.DictReader(io.StringIO(drift_text(DRIFT, ending=".csv"))))


def test_a_negative_figure_stays_a_number_and_a_text_like_a_formula_is_guarded():
    by_name = {row["name"]: row for row in rows()}
    assert by_name["war"]["effect"] == "-0.5"
    assert by_name["labels"]["what"] == "'=SUM(A1)"


def test_the_table_has_all_that_was_asked():
    kinds = [(row["kind"], row["name"]) for row in rows()]
    assert kinds == [
        ("verdict", "m/1@0"),
        ("share", "without text"),
        ("share", "unknown language"),
        ("test", "labels"),
        ("test", "far"),
        ("label", "war"),
        ("language", "uk"),
    ]
    # half of the posts that have text
    assert rows()[2]["now"] == "0.5"


def test_what_is_unknown_is_null_in_json_and_empty_in_the_table():
    data = json.loads(drift_text(DRIFT, ending=".json"))
    assert data["tests"][1]["p"] is None
    assert data["labels"][0]["n_before"] == 5
    assert rows()[4]["p"] == ""
    assert [rows()[i]["drifted"] for i in (0, 3, 4)] == ["yes", "yes", ""]
