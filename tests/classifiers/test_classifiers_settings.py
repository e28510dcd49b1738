import pytest

from narraframe.classifiers.settings import HeadSettings
from narraframe.errors import ConfigError


def test_all_faults_in_the_settings_are_named_at_once():
    faults = (
        r"features is 'both'.*head is 'tree'.*aim is 'recall'.*min_df is 0.*min_positive is 1"
        r".*precision is 1\.0.*abstain is 0\.5"
    )
    with pytest.raises(ConfigError, match=faults):
        HeadSettings(
            features=("both",),
            head="tree",
            aim="recall",
            min_df=0,
            min_positive=1,
            precision=1.0,
            abstain=0.5,
        )


@pytest.mark.parametrize("features", [(), ("words", "words")])
def test_views_are_one_or_more_different_ones(features):
    with pytest.raises(ConfigError, match="not one or more different views"):
        HeadSettings(features=features)


@pytest.mark.parametrize("name", ["precision", "abstain"])
def test_a_share_that_is_no_number_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} is nan"):
        HeadSettings(**{name: float("nan")})
