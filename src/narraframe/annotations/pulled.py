"""Tasks as Label Studio gives them, to annotations: who said what, and what they were shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from narraframe.annotations.controls import NOTE
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.results import PreAnnotation, Result, answer_rows
from narraframe.records import Annotation, Codebook

Task = Mapping[str, Any]

_GONE = "gone"


@dataclass(frozen=True)
class Page:
    """A labelling page as it was put on the server: from `at` on, `codebook_version` was asked."""

    codebook_version: str
    at: datetime


@dataclass
class Pulled:
    """What the tasks hold; `posts`: when their first task was made; `skips` (post_id, annotator).

    `strangers`: chosen ids that no codebook of ours ever had, with how often. `notes`: (post_id,
    annotator, note). `foreign`: tasks that are not ours, as they bear no post_id.
    """

    annotations: list[Annotation] = field(default_factory=list)
    posts: dict[str, datetime] = field(default_factory=dict)
    n_answers: int = 0
    skips: list[tuple[str, str]] = field(default_factory=list)
    n_drafts: int = 0
    n_nobody: int = 0
    foreign: int = 0
    strangers: Counter[str] = field(default_factory=Counter)
    notes: list[tuple[str, str, str]] = field(default_factory=list)


def read_tasks(
    tasks: Iterable[Task],
    codebook: Codebook,
    *,
    pages: Sequence[Page],
    server_key: str,
    facets_of_model: Mapping[str, frozenset[str]] | None = None,
    gold: bool = False,
) -> Pulled:
    """Return the annotations of `tasks`, sorted, one answer for each post and annotator.

    Who answers both a post and, later, its second look has two: the first stays what it was.

    Of several answers of one user to one task the latest counts; if that one is a skip, there is
    none. If a post came to be two tasks, an answer to one counts before a skip of the other. Drafts
    are no answers.

    Parameters
    ----------
    tasks : iterable of mapping
        As the API lists them, or a JSON export does.
    codebook : Codebook
        The present one; retired ids stay for `migrate`.
    pages : sequence of Page
        What was asked when, the oldest first. Of earlier answers the task says what was asked when
        it was made.
    server_key : str
        Of the server that the tasks are of.
    facets_of_model : mapping of str to frozenset of str, default=None
        The facets of which a model version speaks; those of others speak of all.
    gold : bool, default=False
        Whether the answers settle those of others, as in an adjudication; an answer that was
        marked as ground truth does so in any case.
    """
    found = Pulled()
    latest: dict[tuple[str, str, int], tuple[datetime, Task, Task]] = {}
    for number, task in enumerate(tasks):
        post_id = (task.get("data") or {}).get("post_id")
        if not isinstance(post_id, str) or not post_id:
            found.foreign += 1
            continue
        made = _time(task, "created_at")
        found.posts[post_id] = min(made, found.posts.get(post_id, made))
        found.n_drafts += bool(task.get("drafts"))
        for annotation in task.get("annotations") or ():
            who = pseudonym(annotation.get("completed_by"), server_key)
            key = (post_id, who, number)
            at = _time(annotation, "updated_at")
            if key not in latest or latest[key][0] <= at:
                latest[key] = (at, task, annotation)
    for (post_id, annotator, _), (at, task, annotation) in sorted(_by_post(latest).items()):
        if annotation.get("was_cancelled"):
            found.skips.append((post_id, annotator))
            continue
        found.n_answers += 1
        found.n_nobody += annotator.endswith(_GONE)
        results = annotation.get("result") or []
        shown = shown_prediction(task, annotation, facets_of_model or {})
        answered = answer_rows(
            results,
            codebook,
            common=_common(task["data"], annotation, post_id, annotator, at, pages, gold=gold),
            shown=shown,
            held_back=task["data"].get("held_back") or (),
        )
        found.annotations += answered.rows
        found.strangers.update(answered.strangers)
        if note := _note(results):
            found.notes.append((post_id, annotator, note))
    return found


def pseudonym(completed_by: object, server_key: str) -> str:
    """Return the name under which a user's answers are kept: their number, which names nobody.

    The key tells users of one server from those of another.
    """
    number = completed_by.get("id") if isinstance(completed_by, Mapping) else completed_by
    return f"ann-{server_key}-{_GONE if number is None else format(int(str(number)), '02')}"


def shown_prediction(
    task: Task, annotation: Task, facets_of_model: Mapping[str, frozenset[str]]
) -> PreAnnotation | None:
    """Return what the annotator was shown as ticked; None if nothing was.

    The page notes the pre-annotation that an answer began from. Where that is no longer on the
    task, the results that came of it say by their `origin` what became of it; of facets without
    such results nothing is known then.
    """
    results = annotation.get("result") or []
    began = annotation.get("parent_prediction")
    taken = [r for r in results if str(r.get("origin", "")).startswith("prediction")]
    if began is None and not taken:
        return None
    kept = annotation.get("prediction") or {}
    candidates = [p for p in task.get("predictions") or () if isinstance(p, Mapping)]
    for prediction in (*candidates, kept):
        if began is not None and prediction.get("id") == began:
            facets = facets_of_model.get(str(prediction.get("model_version")))
            return PreAnnotation(list(prediction.get("result") or []), facets)
    unchanged = [r for r in taken if r.get("origin") == "prediction"]
    return PreAnnotation(unchanged, frozenset(str(r.get("from_name")) for r in taken))


def _by_post(
    latest: Mapping[tuple[str, str, int], tuple[datetime, Task, Task]],
) -> dict[tuple[str, str, bool], tuple[datetime, Task, Task]]:
    """Return of each user and post what counts: the latest answer to any task, else a skip.

    Apart for first and second looks.
    """

    def rank(found: tuple[datetime, Task, Task]) -> tuple[bool, datetime]:
        return (not found[2].get("was_cancelled"), found[0])

    best: dict[tuple[str, str, bool], tuple[datetime, Task, Task]] = {}
    for (post_id, annotator, _), found in latest.items():
        key = (post_id, annotator, found[1]["data"].get("design") == DOUBTFUL)
        if key not in best or rank(best[key]) <= rank(found):
            best[key] = found
    return best


def _common(
    data: Mapping[str, Any],
    annotation: Task,
    post_id: str,
    annotator: str,
    at: datetime,
    pages: Sequence[Page],
    *,
    gold: bool,
) -> Annotation:
    probability = data.get("inclusion_probability")
    return Annotation(
        post_id=post_id,
        annotator=annotator,
        label_id="",
        value=0,
        codebook_version=_asked(annotation, data, pages),
        annotated_at=at,
        design=str(data.get("design") or ""),
        inclusion_probability=float(probability) if probability else None,
        gold=gold or bool(annotation.get("ground_truth")),
    )


def _asked(annotation: Task, data: Mapping[str, Any], pages: Sequence[Page]) -> str:
    """Return the version of the codebook that was on the page when an answer was begun.

    Later touches, such as a mark as ground truth, do not mean that somebody read a newer page.
    """
    at = _time(annotation, "created_at")
    before = [page for page in pages if page.at <= at]
    if before:
        return before[-1].codebook_version
    stated = str(data.get("codebook_version") or "")
    # "" counts as the first: labels that came later stay unknown
    return stated or (pages[0].codebook_version if pages else "")


def _time(annotation: Task, key: str) -> datetime:
    text = str(annotation.get(key) or annotation.get("updated_at") or "")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _note(results: Sequence[Result]) -> str:
    texts = [
        str(line)
        for result in results
        if result.get("from_name") == NOTE
        for line in (result.get("value") or {}).get("text", ())
    ]
    return re.sub(r"\s+", " ", " ".join(texts)).strip()
