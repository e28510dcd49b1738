import math

from narraframe.report.theme_figures import theme_figures

GIVEN = {
    "n_posts": 12_061.0,
    "n_groups": 61.0,
    "n_themes": 3.0,
    "granularity": 0.7,
    "outlier_share": 0.101,
    "confidence": 0.821,
    "relative_validity": -0.766,
    "npmi": 0.1975,
    "diversity": 0.925,
    "stability": 1.0,
    "stability_resampled": math.nan,
}


def written(given):
    return {item.name: item.value for item in theme_figures(given)}


def test_every_figure_has_a_name_a_value_and_a_meaning():
    assert written(GIVEN) == {
        "Posts": "12,061",
        "Distinct posts": "61",
        "Themes found": "3",
        "Granularity": "0.7",
        "Posts in no theme": "10 %",
        "Confidence": "0.82",
        "Stability over random starts": "1.00",
        "Stability over samples": "–",
        "Coherence of keywords": "0.20",
        "Diversity of keywords": "0.93",
        "Relative validity": "−0.77",
    }
    assert all(item.meaning for item in theme_figures(GIVEN))


def test_relative_validity_says_what_it_is_good_for():
    (item,) = theme_figures({"relative_validity": 0.5})
    assert "compare settings of one corpus" in item.meaning
    assert "means nothing" in item.meaning


def test_figures_that_were_not_given_are_not_shown():
    assert theme_figures({}) == ()


def test_strange_figures_come_last_and_are_still_readable():
    strange = {"n_noise": 1.0, "mean_size": 20_000.0, "loss": 0.00012, "rate": 1.0, "lag": math.inf}
    assert list(written(strange | {"npmi": 0.1}).items()) == [
        ("Coherence of keywords", "0.10"),
        ("number of noise", "1"),
        ("mean size", "20,000"),
        ("loss", "0.00012"),
        ("rate", "1.00"),
        ("lag", "–"),
    ]
