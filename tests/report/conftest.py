"""One browser for all tests of a file."""

import pytest


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from report_browser import start

    browser = start(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()
