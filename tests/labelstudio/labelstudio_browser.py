"""An annotator at the labelling page, in a headless browser."""

import shutil

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDS_CHROMIUM = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1400,900",
)  # fmt: skip
# Where to press and release the mouse to choose words of the post, that stand in one line's text.
ENDS = """
    const place = document.querySelector('.lsf-htx-richtext'), words = arguments[0];
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const at = texts.currentNode.data.indexOf(words);
        if (at < 0) continue;
        texts.currentNode.parentElement.scrollIntoView({block: 'center'});
        const range = document.createRange();
        range.setStart(texts.currentNode, at);
        range.setEnd(texts.currentNode, at + words.length);
        const boxes = [...range.getClientRects()], first = boxes[0], last = boxes.at(-1);
        return [[first.left + 2, first.top + first.height / 2],
                [last.right - 2, last.top + last.height / 2]].map(xy => xy.map(Math.round));
    }
    throw new Error(`the post does not have: ${words}`);
"""


class Annotator:
    """Somebody logged in to Label Studio at `url`, with a browser to `close` in the end."""

    def __init__(self, url, *, email, password, profile):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        self.url = url
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.get(f"{url}/user/login/")
        self.driver.find_element(By.NAME, "email").send_keys(email)
        self.driver.find_element(By.NAME, "password").send_keys(password)
        self.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        self._wait(lambda driver: "/user/login" not in driver.current_url)

    def open(self, project_id):
        """Open the next post to be labelled, as the link for annotators does."""
        self.driver.get(f"{self.url}/projects/{project_id}/data?labeling=1")
        self._wait(lambda _: self._all(".nf-questions"))
        self._wait(lambda _: self._all('[data-testid="bottombar-submit-button"]'))
        for button in self._all('[aria-label="Close modal"]'):
            button.click()  # the guidelines
            self._wait(lambda _: not self._all(".lsf-modal-ls_visible"))

    def tick(self, name):
        """Tick, or untick, the choice that is called `name`."""
        self._all(f'.lsf-choice input[name="{name}"]')[0].click()

    def pick(self, question, name):
        """Add the label called `name` to the taxonomy that answers `question`."""
        place = next(q for q in self._all(".nf-question") if q.text.startswith(question))
        arrow = place.find_element(By.CSS_SELECTOR, ".ant-select-arrow")
        ActionChains(self.driver).move_to_element(arrow).click().perform()
        search = self._shown('[data-testid="taxonomy-search"]')
        search.send_keys(name)
        self._wait(lambda _: self._leaf(name))
        self._leaf(name).click()
        # the list covers the questions below it
        ActionChains(self.driver).move_to_element(self._all(".nf-source")[0]).click().perform()

    def mark(self, label, words):
        """Choose the evidence label called `label`, and drag over `words`, which stand once."""
        next(x for x in self._all(".lsf-label") if x.text.startswith(label)).click()
        before = len(self.marked())
        start, end = self.driver.execute_script(ENDS, words)
        hand = ActionChains(self.driver, duration=100)
        hand.w3c_actions.pointer_action.move_to_location(*start)
        hand.w3c_actions.pointer_action.pointer_down()
        hand.w3c_actions.pointer_action.move_to_location(*end)
        hand.w3c_actions.pointer_action.pointer_up()
        hand.perform()
        self._wait(lambda _: len(self.marked()) > before)

    def ticked(self):
        """Return the names of the choices that are ticked, and of the labels picked."""
        boxes = [box for box in self._all(".lsf-choice input") if box.is_selected()]
        picked = self._all(".htx-taxonomy .ant-select-selection-item-content")
        return [box.get_attribute("name") for box in boxes] + [x.text for x in picked]

    def marked(self):
        """Return the passages that are marked."""
        return [x.text for x in self._all(".htx-highlight")]

    def note(self, text):
        """Leave a note."""
        self._all(".ant-collapse-header")[0].click()
        self._shown(".nf-questions textarea").send_keys(text)

    def submit(self):
        """Submit the answer, and wait until the next post is open, or none is left."""
        task = self.task()
        self._all('[data-testid="bottombar-submit-button"]')[0].click()
        self._wait(lambda _: self.task() not in ("", task) or self._is_done())

    def task(self):
        """Return the number of the open task as text; "" where none is left."""
        shown = self._all(".lsf-current-task__task-id")
        return shown[0].text.split()[0] if shown else ""

    def close(self):
        """End the browser."""
        self.driver.quit()

    def _is_done(self):
        return "no more" in self.driver.find_element(By.TAG_NAME, "body").text.lower()

    def _leaf(self, name):
        found = self._all(".ant-select-tree-treenode .ant-select-tree-title")
        return next((x for x in found if x.text == name), None)

    def _shown(self, selector):
        self._wait(lambda _: any(x.is_displayed() for x in self._all(selector)))
        return next(x for x in self._all(selector) if x.is_displayed())

    def _all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def _wait(self, condition):
        patient(self.driver).until(condition)


def patient(driver):
    """Wait for up to a minute; the page may replace what was found while it is being read."""
    return WebDriverWait(driver, 60, ignored_exceptions=(StaleElementReferenceException,))
