"""One browser for all tests of a file."""

import pytest


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from report_browser import start

    browser = start(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


@pytest.fixture
def page(driver, page_path):
    """The file's page, freshly opened at 1280 pixels; afterwards its logs must be clean."""
    from report_browser import clean, resize

    resize(driver, 1280, 900)
    with clean(driver, page_path):
        yield driver


@pytest.fixture
def folder(driver, tmp_path):
    """Where the browser puts what it downloads."""
    command = {"behavior": "allow", "downloadPath": str(tmp_path)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", command)
    return tmp_path
