"""Which version is, and was, the champion: in the store, and in the file that git keeps."""

import tomllib

import pytest
from mlflow import MlflowClient
from store_cases import log

from narraframe.errors import ConfigError
from narraframe.io.registry import aliases, champions, set_alias, set_champions
from narraframe.io.registry_file import read_registry, update_registry
from narraframe.io.store import open_store

pytestmark = pytest.mark.filterwarnings("ignore:.*Add type hints:UserWarning")


@pytest.fixture
def two(store, tmp_path):
    log(store, tmp_path / "second")
    return store


def test_without_a_champion_there_is_no_history(store, tmp_path):
    assert champions(store, "topics") == ()
    assert champions(store, "other") == ()
    assert champions(tmp_path / "none", "topics") == ()


def test_the_last_of_the_champions_is_it_now_and_the_one_before_the_previous(two):
    set_champions(two, "topics", (1, 2), tags={2: {"verdict": "better"}})
    assert champions(two, "topics") == (1, 2)
    assert aliases(two, "topics") == {"champion": 2, "previous": 1, "challenger": 2}
    assert open_store(two).get_model_version("topics", "2").tags == {"verdict": "better"}


def test_back_at_the_first_champion_there_is_no_previous_one(two):
    set_champions(two, "topics", (1, 2), tags={})
    set_champions(two, "topics", (1,), tags={})
    assert champions(two, "topics") == (1,)
    assert aliases(two, "topics") == {"champion": 1, "challenger": 2}


def test_a_champion_that_was_set_by_other_means_comes_last(two):
    set_champions(two, "topics", (1,), tags={})
    set_alias(two, "topics", "champion", 2)
    assert champions(two, "topics") == (1, 2)


def test_a_champion_that_was_left_behind_does_not_count(two):
    set_champions(two, "topics", (2, 1, 2), tags={})
    set_alias(two, "topics", "champion", 1)
    assert champions(two, "topics") == (2, 1)


@pytest.mark.parametrize(("before", "after"), [((1, 2), (1,)), ((1,), (1, 2)), ((1, 2), (1, 2, 1))])
@pytest.mark.parametrize("tag_is_written", [True, False])
def test_a_crash_between_the_two_writes_leaves_the_champions_as_they_were(
    two, monkeypatch, before, after, tag_is_written
):
    set_champions(two, "topics", before, tags={})

    def crash(*args):
        raise KeyboardInterrupt

    second = "set_registered_model_alias" if tag_is_written else "set_registered_model_tag"
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, second, crash)
        with pytest.raises(KeyboardInterrupt):
            set_champions(two, "topics", after, tags={})
    assert champions(two, "topics") == before
    set_champions(two, "topics", after, tags={})
    assert champions(two, "topics") == after


def test_an_entry_keeps_the_keys_that_are_not_set(tmp_path):
    path = tmp_path / "models/registry.toml"
    assert read_registry(path) == {}
    update_registry(path, "topics", {"version": 1, "run": "abc"})
    update_registry(path, "frames", {"version": 4})
    update_registry(path, "topics", {"champion": 1, "history": [1]})
    assert tomllib.loads(path.read_text("utf-8")) == {
        "frames": {"version": 4},
        "topics": {"version": 1, "run": "abc", "champion": 1, "history": [1]},
    }


@pytest.mark.parametrize(
    ("text", "what"), [("[[[", "cannot be read"), ("topics = 1", "something else than a table")]
)
def test_a_registry_that_is_none_is_named_and_kept(tmp_path, text, what):
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"registry\.toml.*{what}.*Restore it"):
        update_registry(path, "topics", {"version": 1})
    assert path.read_text() == text
