import shutil
from pathlib import Path

import pytest
from store_cases import log


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A store with topics/1, the challenger: a fresh database costs five seconds, a copy none."""
    folder = tmp_path_factory.mktemp("tracking")
    log(folder / "store", folder / "work")
    return folder / "store"


@pytest.fixture
def store(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "store"))
