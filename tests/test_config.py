"""Settings: TOML to frozen records, every fault named."""

import pytest

from narraframe.config import Config, Experiment, find_workspace, load
from narraframe.errors import ConfigError

EXPERIMENT = """
purpose = "x"
model = "m"
[data]
posts = "p.parquet"
"""


def write(tmp_path, text):
    path = tmp_path / "narraframe.toml"
    path.write_text(text)
    return path


def test_left_out_keys_take_their_defaults(tmp_path):
    config = load(Config, write(tmp_path, "[themes]\nseed = 7\n"))
    assert config.themes.seed == 7
    assert config.themes.neighbours == 15
    assert config.encoder.name == "all-MiniLM-L6-v2"


def test_every_fault_is_listed_at_once(tmp_path):
    path = write(tmp_path, '[themes]\nsede = 7\nneighbours = "many"\n[extra]\n')
    with pytest.raises(ConfigError) as caught:
        load(Config, path)
    assert str(caught.value) == (
        f"{path}: unknown key 'extra'; unknown key 'themes.sede', did you mean 'themes.seed'?; "
        "'themes.neighbours' must be a whole number, not 'many'. Mend the file."
    )


def test_a_missing_key_is_named_with_its_table(tmp_path):
    with pytest.raises(ConfigError, match=r"key 'data\.posts' is missing"):
        load(Experiment, write(tmp_path, 'purpose = "x"\nmodel = "m"\n[data]\n'))


def test_true_is_no_whole_number(tmp_path):
    with pytest.raises(ConfigError, match="'seed' must be a whole number, not True"):
        load(Experiment, write(tmp_path, "seed = true" + EXPERIMENT))


def test_a_table_given_as_a_value_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="'themes' must be a table, not 3"):
        load(Config, write(tmp_path, "themes = 3"))


def test_the_nearest_workspace_above_is_found(tmp_path):
    write(tmp_path, "[themes]\nseed = 3\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = find_workspace(inner)
    assert found.root == tmp_path.resolve()
    assert found.is_set_up
    assert found.config.themes.seed == 3


def test_a_folder_without_settings_serves_with_defaults(tmp_path):
    found = find_workspace(tmp_path, given=tmp_path)
    assert not found.is_set_up
    assert found.codebook == tmp_path.resolve() / "labels/codebook.toml"
