from importlib import metadata

import pytest

from narraframe.config import Config, EncoderSettings, Workspace
from narraframe.errors import EncoderError
from narraframe.io.codebook import read_codebook
from narraframe.workflows import doctor
from narraframe.workflows.init import init


@pytest.fixture
def examined(tmp_path, monkeypatch):
    def no_encoder(name):
        raise EncoderError("is not to be found", where=name, remedy="pip install it")

    def look(*, config=None, encoder=None):
        monkeypatch.setattr(doctor, "find_encoder", encoder or no_encoder)
        return doctor.examine(Workspace(tmp_path, config or Config(), is_set_up=True))

    return look


def finding(findings, start: str) -> doctor.Finding:
    (found,) = [f for f in findings if f.what.startswith(start)]
    return found


def test_doctor_names_the_versions_that_are_installed(examined):
    found = finding(examined(), "scikit-learn")
    assert (found.ok, found.what) == (True, f"scikit-learn {metadata.version('scikit-learn')}")


def test_doctor_names_a_package_that_is_missing_and_how_to_get_it(examined, monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package-here",))
    assert finding(examined(), "no-such").remedy == "pip install no-such-package-here"


def test_doctor_says_how_to_get_a_missing_encoder(examined):
    found = finding(examined(config=Config(encoder=EncoderSettings(name="big"))), "encoder big")
    assert found.ok is False
    assert "pip install it" in found.remedy


def test_doctor_leaves_what_is_not_made_yet_to_the_user(examined):
    findings = examined()
    assert finding(findings, "codebook").ok is None
    assert finding(findings, "no model yet").ok is None


def test_doctor_names_a_codebook_with_faults(examined, tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/codebook.toml").write_text('version = "1"\n')
    found = finding(examined(), "codebook")
    assert found.ok is False
    assert "[[facets]] is missing" in found.remedy


def test_doctor_counts_the_labels_of_a_sound_codebook(examined, tmp_path):
    init(tmp_path)
    leaves = len(read_codebook(tmp_path / "labels/codebook.toml").leaf_ids)
    assert finding(examined(), "codebook").what == f"codebook 1.0.0: {leaves} labels to choose from"


def test_doctor_names_a_store_that_is_damaged(examined, tmp_path):
    (tmp_path / "models/store").mkdir(parents=True)
    (tmp_path / "models/store/mlflow.db").write_bytes(b"damaged" * 500)
    found = finding(examined(), "model store")
    assert found.ok is False
    assert "is damaged" in found.remedy
