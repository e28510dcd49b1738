import numpy as np
import pytest
import skops.io
from classifiers_problem import fit, flat, make_problem, score

from narraframe.classifiers.bend import straight
from narraframe.classifiers.classifier import from_parts
from narraframe.errors import ModelError

VIEWS = ("embedding", "sentences", "words", "characters", "definitions")


@pytest.fixture(scope="module")
def problem():
    return make_problem(n=100)


@pytest.fixture(scope="module")
def about():
    vectors = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    vectors[1] = np.nan
    return vectors


@pytest.fixture(scope="module")
def parts(problem, about):
    return fit(problem, *VIEWS, definitions=about).to_parts()


@pytest.mark.parametrize("head", ["ridge", "logistic"])
@pytest.mark.parametrize("aim", ["f1", "precision"])
def test_stored_parts_hold_only_trusted_types_and_give_the_same_scores(problem, about, head, aim):
    classifier = fit(
        problem,
        *VIEWS,
        definitions=about,
        head=head,
        aim=aim,
        abstain=0.2,
        parents={"label.1": "label.0"},
        single_choice=[("label.2", "label.3")],
    )
    stored = skops.io.dumps(classifier.to_parts())
    assert skops.io.get_untrusted_types(data=stored) == []
    again = from_parts(skops.io.loads(stored, trusted=[]))
    first, second = score(classifier, problem), score(again, problem)
    assert first.probability.tobytes() == second.probability.tobytes()
    assert (first.decision == second.decision).all()
    assert (first.abstained == second.abstained).all()
    assert again.label_ids == classifier.label_ids
    assert again.settings == classifier.settings
    assert again.terms == classifier.terms
    assert again.heads.structure == classifier.heads.structure
    assert flat(again.to_parts()) == flat(classifier.to_parts())


def test_a_classifier_without_any_term_is_stored_too(problem):
    classifier = fit(problem, "embedding", "words", min_df=101)
    again = from_parts(classifier.to_parts())
    assert again.terms == {"words": ()}
    assert score(again, problem).probability.tobytes() == (
        score(classifier, problem).probability.tobytes()
    )


def test_an_untrained_label_keeps_its_reason(problem):
    classifier = fit(problem, min_positive=15)
    again = from_parts(classifier.to_parts())
    assert again.reasons == classifier.reasons == ("", "", "", "too few positives")
    assert np.isnan(again.thresholds).tolist() == [False, False, False, True]


def test_a_model_of_before_the_bend_has_none(parts, problem):
    before = {key: value for key, value in parts.items() if key != "bend"} | {"format": 3}
    straightened = from_parts(parts | {"bend": straight(4)})
    assert score(from_parts(before), problem).probability.tobytes() == (
        score(straightened, problem).probability.tobytes()
    )


@pytest.mark.parametrize("value", [1, 99, None])
def test_parts_of_another_format_are_refused(parts, value):
    with pytest.raises(ModelError, match="another format"):
        from_parts(parts | {"format": value})


def test_any_part_that_is_missing_is_noticed(parts):
    for name in parts:
        with pytest.raises(ModelError, match=r"another format|do not fit together"):
            from_parts({key: value for key, value in parts.items() if key != name})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("slopes", lambda part: part[:-1]),
        ("slopes", lambda part: part[:, :-1]),
        ("intercept", lambda part: part[:-1]),
        ("bend", lambda part: part[:, :-1]),
        ("thresholds", lambda part: part[:-1]),
        ("reasons", lambda part: part[:-1]),
        ("label_ids", lambda part: part[:-1]),
        ("views", lambda part: part[:-1]),
        ("views", lambda part: part[::-1]),
        ("links", lambda _: np.array([[7, 0]])),
        ("links", lambda _: np.array([[-1, 0]])),
        ("choices", lambda _: [{"leaves": [0, 9], "parents": [], "is_open": True}]),
        ("choices", lambda _: [{"leaves": [0, 1]}]),
        ("settings", lambda part: part | {"unheard_of": 1}),
        ("n_dimensions", lambda part: part | {"embedding": 11}),
        ("terms", lambda part: part | {"words": part["words"][:-20]}),
        ("terms", lambda part: part | {"words": part["characters"]}),
        ("terms", lambda part: {"characters": part["characters"]}),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts, name, change):
    with pytest.raises(ModelError, match="do not fit together"):
        from_parts(parts | {name: change(parts[name])})


def test_a_view_whose_arrays_lost_a_row_is_refused(parts):
    for i, whole in enumerate(parts["views"]):
        names = {"coefficients", "intercept", "landmarks", "idf"} & set(whole)
        if whole["view"] == "definitions":
            names -= {"coefficients"}  # it has no rows
        for name in names:
            views = list(parts["views"])
            views[i] = whole | {name: whole[name][:-1]}
            with pytest.raises(ModelError, match="do not fit together"):
                from_parts(parts | {"views": views})


def test_terms_that_repeat_are_refused(parts):
    n = len(from_parts(parts).terms["words"])
    repeated = np.frombuffer("\n".join(["museum"] * n).encode(), dtype=np.uint8)
    with pytest.raises(ModelError, match="do not fit together"):
        from_parts(parts | {"terms": parts["terms"] | {"words": repeated}})
