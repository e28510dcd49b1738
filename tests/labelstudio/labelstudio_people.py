"""Annotators for tests: they sign up and answer through Label Studio's own API."""

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
from label_studio_sdk import LabelStudio

from narraframe.io.projects import read_projects

PASSWORD = "long-enough-for-tests"


@dataclass(frozen=True)
class Person:
    """Somebody with an account; `number` is the user's id on the server."""

    email: str
    number: int
    client: LabelStudio

    @property
    def pseudonym(self):
        """The name that the workspace here knows them by."""
        key = read_projects(Path("labels/label_studio.toml"))["labelling"].server_key
        return f"ann-{key}-{self.number:02}"

    def answer(self, task, *results, **rest):
        return self.client.annotations.create(id=task, result=list(results), **rest)


def admin(url, token):
    client = LabelStudio(base_url=url, api_key=token, timeout=60)
    me = client.users.whoami()
    return Person(me.email, me.id, client)


def sign_up(url):
    """Make an account as the page /user/signup/ does."""
    email = f"{uuid.uuid4().hex}@people.test"
    with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as browser:
        form = browser.get("/user/signup/").text
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        fields = {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": csrf}
        browser.post("/user/signup/", data=fields, headers={"Referer": url}).raise_for_status()
        token = browser.get("/api/current-user/token").json()["token"]
    return admin(url, token)


def choices(control, *ids):
    return {
        "from_name": control,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [*ids]},
    }


def taxonomy(control, *paths):
    value = {"taxonomy": [list(path) for path in paths]}
    return {"from_name": control, "to_name": "text", "type": "taxonomy", "value": value}


def evidence(text, passage, facet):
    start = text.index(passage)
    value = {"start": start, "end": start + len(passage), "text": passage, "labels": [facet]}
    return {"from_name": "evidence", "to_name": "text", "type": "labels", "value": value}
