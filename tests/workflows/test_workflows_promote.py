"""A champion gives way to what is better beyond doubt, and can be brought back."""

import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from registry_cases import register_version, said

from narraframe.config import Config, Workspace
from narraframe.errors import ConfigError, ModelError
from narraframe.io.registry import aliases, champions, set_alias
from narraframe.io.store import open_store
from narraframe.workflows.promote import UNMEASURED, promote
from narraframe.workflows.rollback import rollback

pytestmark = pytest.mark.filterwarnings("ignore:.*Add type hints:UserWarning")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace with versions 1 (poor), 2 (better), 3 (no better than 2), 4 (lacks a label)."""
    folder = tmp_path_factory.mktemp("promote")
    workspace = Workspace(folder / "workspace", Config(), is_set_up=True)
    tables = (
        said(wrong_every=3),
        said(wrong_every=10),
        said(wrong_every=9),
        said(wrong_every=1000, labels=("war",)),
    )
    for version, table in enumerate(tables, start=1):
        register_version(workspace, folder / str(version), held_out=table)
    return workspace


@pytest.fixture
def workspace(template, tmp_path):
    shutil.copytree(template.root, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace", Config(), is_set_up=True)


@pytest.fixture
def crowned(workspace):
    """The workspace with 1 as its champion."""
    promote("topics", version=1, workspace=workspace)
    return workspace


def tags(workspace: Workspace, version: int) -> dict:
    return open_store(workspace.store).get_model_version("topics", str(version)).tags


def entry(workspace: Workspace) -> dict:
    text = (workspace.root / "models/registry.toml").read_text("utf-8")
    return tomllib.loads(text)["topics"]


def test_the_first_champion_has_nothing_to_be_compared_with(workspace):
    done = promote("topics", version=1, workspace=workspace)
    assert (done.version, done.before, done.forced) == (1, None, False)
    assert done.verdict == "there was no champion to compare it with"
    assert aliases(workspace.store, "topics") == {"champion": 1, "challenger": 4}
    assert tags(workspace, 1)["promoted_by"] == "first"
    assert entry(workspace) == {"champion": 1, "history": [1]}


def test_the_challenger_is_promoted_where_no_version_is_named(workspace):
    assert promote("topics", version=None, workspace=workspace).version == 4


def test_the_champion_again_changes_nothing(crowned):
    before = tags(crowned, 1)
    done = promote("topics", version=1, workspace=crowned)
    assert (done.version, done.before) == (1, 1)
    assert done.verdict == "it is the champion already"
    assert champions(crowned.store, "topics") == (1,)
    assert tags(crowned, 1) == before


def test_a_version_that_is_better_beyond_doubt_becomes_champion_and_the_old_one_is_remembered(
    crowned,
):
    done = promote("topics", version=2, workspace=crowned)
    assert (done.version, done.before, done.forced) == (2, 1, False)
    assert "better beyond doubt: macro F1 +0." in done.verdict
    assert aliases(crowned.store, "topics") == {"champion": 2, "previous": 1, "challenger": 4}
    assert entry(crowned) == {"champion": 2, "history": [1, 2]}
    kept = tags(crowned, 2)
    assert (kept["promoted_by"], kept["compared_with"]) == ("verdict", "topics/1")
    assert kept["verdict"] == done.verdict
    assert kept["promoted_at"].endswith("+00:00")


def test_a_version_that_is_not_better_beyond_doubt_is_refused_with_the_figures(crowned):
    promote("topics", version=2, workspace=crowned)
    with pytest.raises(
        ModelError,
        match=r"topics/3: is not promoted: topics/3 against topics/2, on 90 posts of out-of-fold "
        r"predictions: no difference beyond doubt: macro F1 .*Label more.*--force",
    ):
        promote("topics", version=3, workspace=crowned)
    assert champions(crowned.store, "topics") == (1, 2)


def test_force_promotes_what_does_not_convince_and_that_is_kept(crowned):
    promote("topics", version=2, workspace=crowned)
    done = promote("topics", version=1, workspace=crowned, force=True)
    assert done.forced
    assert "worse beyond doubt" in done.verdict
    assert tags(crowned, 1)["promoted_by"] == "force"
    assert champions(crowned.store, "topics") == (1, 2, 1)


def test_force_is_not_recorded_where_it_was_not_needed(crowned):
    assert not promote("topics", version=2, workspace=crowned, force=True).forced
    assert tags(crowned, 2)["promoted_by"] == "verdict"


def test_a_version_that_lacks_labels_of_the_champion_is_refused_however_good(crowned):
    with pytest.raises(
        ModelError, match=r"topics/4: is not promoted: it lacks labels of topics/1: peace\. "
    ):
        promote("topics", version=4, workspace=crowned)
    done = promote("topics", version=4, workspace=crowned, force=True)
    assert done.forced
    assert "only in topics/1, not compared: peace" in done.notes


def test_a_version_that_shares_a_small_part_of_the_champions_posts_is_refused(crowned, tmp_path):
    register_version(crowned, tmp_path / "five", held_out=said(80, wrong_every=1000))
    with pytest.raises(
        ModelError,
        match=r"topics/5: is not promoted: only 80 of the 90 posts that topics/1 predicted unseen "
        r"can be compared, fewer than 90 %\. Train again on all the annotations.*--force",
    ):
        promote("topics", version=5, workspace=crowned)
    done = promote("topics", version=5, workspace=crowned, force=True)
    assert done.forced
    assert "80 posts are in both, of 90 and 80: the others do not count" in done.notes


def test_nine_in_ten_of_the_champions_posts_are_enough(crowned, tmp_path):
    register_version(crowned, tmp_path / "five", held_out=said(100, wrong_every=1000, start=9))
    assert not promote("topics", version=5, workspace=crowned).forced


def test_a_champion_with_a_frozen_test_set_gives_way_on_that_set_only(workspace, tmp_path):
    test = said(60, wrong_every=3, start=500)
    register_version(workspace, tmp_path / "5", held_out=said(wrong_every=3), test=test)
    promote("topics", version=5, workspace=workspace)
    with pytest.raises(
        ModelError,
        match=r"not promoted: it was not tested on the frozen test set of topics/5. "
        "Train again on all the annotations, with the same split and frozen test set, or .*--force",
    ):
        promote("topics", version=2, workspace=workspace)
    better = said(60, wrong_every=10, start=500)
    register_version(workspace, tmp_path / "6", held_out=said(wrong_every=10), test=better)
    assert not promote("topics", version=6, workspace=workspace).forced


def test_a_version_measured_by_another_split_is_refused_however_good(workspace, tmp_path):
    by_channel = {"split.by": "channel", "split.since": "", "split.folds": 5, "seed": 0}
    by_group = by_channel | {"split.by": "group", "split.folds": 15}
    register_version(workspace, tmp_path / "5", held_out=said(wrong_every=3), parameters=by_channel)
    promote("topics", version=5, workspace=workspace)
    register_version(workspace, tmp_path / "6", held_out=said(wrong_every=10), parameters=by_group)
    with pytest.raises(
        ModelError,
        match=r"not promoted: it was measured by another split: split.by is 'channel' in topics/5 "
        r"and 'group' in topics/6; split.folds is '5' in topics/5 and '15' in topics/6\. "
        "Train again on all the annotations, with the same split",
    ):
        promote("topics", version=6, workspace=workspace)
    register_version(
        workspace, tmp_path / "7", held_out=said(wrong_every=10), parameters=by_channel
    )
    assert not promote("topics", version=7, workspace=workspace).forced


def test_a_champion_that_was_never_measured_gives_way_to_a_version_that_was(workspace, tmp_path):
    register_version(workspace, tmp_path / "5", held_out=said(0, wrong_every=3))
    promote("topics", version=5, workspace=workspace)
    done = promote("topics", version=1, workspace=workspace)
    assert (done.verdict, done.forced) == (UNMEASURED, False)
    with pytest.raises(ModelError, match="cannot be compared with the champion"):
        promote("topics", version=5, workspace=workspace)


def test_many_looks_at_the_frozen_test_set_are_told(workspace, tmp_path):
    for version, wrong_every in enumerate((3, 10, 30), start=5):
        register_version(
            workspace,
            tmp_path / str(version),
            held_out=said(wrong_every=wrong_every),
            test=said(60, wrong_every=wrong_every, start=500),
        )
        done = promote("topics", version=version, workspace=workspace, force=True)
        told = [note for note in done.notes if "measured on the frozen test set" in note]
        assert [note[:10] for note in told] == (["3 versions"] if version == 7 else [])


def test_a_version_that_is_better_by_its_own_labels_only_is_refused(crowned, tmp_path):
    good = said(wrong_every=10)
    turned = replace(good, y=np.roll(good.y, 1, axis=1), decision=np.roll(good.decision, 1, axis=1))
    register_version(crowned, tmp_path / "five", held_out=turned)
    with pytest.raises(
        ModelError,
        match=r"topics/5: is not promoted: 60 posts are labelled otherwise in topics/1, and by its "
        r"labels: worse beyond doubt: macro F1 -.*Label more",
    ):
        promote("topics", version=5, workspace=crowned)


def test_a_few_posts_labelled_otherwise_do_not_stop_what_is_better_by_both_truths(
    crowned, tmp_path
):
    good = said(wrong_every=10)
    y = good.y.copy()
    y[0] = 1 - y[0]
    register_version(crowned, tmp_path / "five", held_out=replace(good, y=y))
    assert not promote("topics", version=5, workspace=crowned).forced


def test_what_cannot_be_compared_is_refused_and_can_be_forced(crowned, tmp_path):
    register_version(crowned, tmp_path / "five")
    with pytest.raises(
        ModelError,
        match=r"topics/5: is not promoted: it cannot be compared with the champion, as topics/5: "
        "kept no held-out predictions",
    ):
        promote("topics", version=5, workspace=crowned)
    assert promote("topics", version=5, workspace=crowned, force=True).forced


def test_a_version_or_model_that_is_not_there_is_not_promoted(workspace):
    with pytest.raises(ModelError, match="topics has versions 1, 2, 3, 4"):
        promote("topics", version=9, workspace=workspace)
    with pytest.raises(ModelError, match="Registered models: topics"):
        promote("other", version=None, workspace=workspace)


def test_a_registry_that_cannot_be_read_is_found_before_anything_changes(workspace):
    (workspace.root / "models/registry.toml").write_text("[[[")
    with pytest.raises(ConfigError, match="registry of models cannot be read"):
        promote("topics", version=1, workspace=workspace)
    assert champions(workspace.store, "topics") == ()


def test_rollback_goes_back_champion_by_champion_down_to_the_first(crowned):
    promote("topics", version=2, workspace=crowned)
    promote("topics", version=3, workspace=crowned, force=True)
    done = rollback("topics", workspace=crowned)
    assert (done.version, done.left) == (2, 3)
    assert aliases(crowned.store, "topics") == {"champion": 2, "previous": 1, "challenger": 4}
    assert "rolled_back_at" in tags(crowned, 3)
    assert rollback("topics", workspace=crowned).version == 1
    assert aliases(crowned.store, "topics") == {"champion": 1, "challenger": 4}
    assert entry(crowned) == {"champion": 1, "history": [1]}
    with pytest.raises(ModelError, match=r"topics/1: there was no champion before this one"):
        rollback("topics", workspace=crowned)


def test_rollback_knows_the_champion_that_was_set_by_other_means(crowned):
    set_alias(crowned.store, "topics", "champion", 3)
    assert rollback("topics", workspace=crowned).version == 1


def test_rollback_goes_on_from_where_an_interrupted_one_stopped(crowned):
    promote("topics", version=2, workspace=crowned)
    promote("topics", version=3, workspace=crowned, force=True)
    set_alias(crowned.store, "topics", "champion", 2)
    done = rollback("topics", workspace=crowned)
    assert (done.version, done.left) == (1, 2)


def test_there_is_nothing_to_roll_back_without_a_champion_or_a_model(workspace):
    with pytest.raises(ModelError, match=r"models:/topics@champion: there is no such"):
        rollback("topics", workspace=workspace)
    with pytest.raises(ModelError, match="Registered models: topics"):
        rollback("other", workspace=workspace)


def test_the_champions_of_a_copied_workspace_are_its_own(crowned, tmp_path):
    promote("topics", version=2, workspace=crowned)
    copy = Workspace(tmp_path / "copy", Config(), is_set_up=True)
    shutil.copytree(crowned.root, copy.root)
    assert rollback("topics", workspace=copy).version == 1
    assert champions(crowned.store, "topics") == (1, 2)
