"""One run of one contender of the themes benchmark, in a process of its own.

Works in either environment: narraframe and the peers are imported inside functions only. Takes a
job as JSON, leaves labels and keywords in the job's folder, prints one line of figures.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

N_KEYWORDS = 10


@dataclass(frozen=True)
class Posts:
    """Posts of one set, `months` as "2016-04", `vectors` float32 (n, d), normalised."""

    ids: list[str]
    texts: list[str]
    langs: list[str | None]
    months: list[str]
    vectors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """What a contender found.

    `layers` holds one labelling, or several for the reader to choose from; `keywords` are the
    contender's own, per theme; `labels_s` the seconds to the labels alone, where they can be told;
    `stages` where the time went; `model` what it needs to go on from here.
    """

    layers: list[npt.NDArray[Any]]
    keywords: list[list[str]] = field(default_factory=list)
    labels_s: float | None = None
    stages: dict[str, float] = field(default_factory=dict)
    model: Any = None


def read_posts(job: dict[str, Any], start: int, stop: int) -> Posts:
    columns = json.loads(Path(job["posts"]).read_text(encoding="utf-8"))
    ids, texts, langs, months = (columns[c][start:stop] for c in ("id", "text", "lang", "month"))
    rows = np.load(job["vectors"], mmap_mode="r")[start:stop]
    return Posts(ids, texts, langs, months, np.array(rows, dtype=np.float32))


def fit_bertopic(posts: Posts, seed: int | None) -> Found:
    from bertopic import BERTopic

    options = {}
    if seed is not None:
        from umap import UMAP

        # BERTopic has no seed: its documented way is its own UMAP settings and a random_state.
        options["umap_model"] = UMAP(
            n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed
        )
    model = BERTopic(**options)
    topics, _ = model.fit_transform(posts.texts, posts.vectors)
    words = [[word for word, _ in model.get_topic(t) if word] for t in range(max(topics) + 1)]
    return Found([np.array(topics)], words, model=model)


def fit_evoc(posts: Posts, seed: int | None) -> Found:
    from evoc import EVoC

    start = time.perf_counter()
    labels = EVoC(random_state=seed).fit_predict(posts.vectors)
    labels_s = time.perf_counter() - start
    return Found([labels], class_keywords(posts.texts, labels), labels_s)


def class_keywords(texts: list[str], labels: npt.NDArray[Any]) -> list[list[str]]:
    """Give EVoC, which has none, plain c-TF-IDF keywords, so that whole pipelines are compared."""
    from sklearn.feature_extraction.text import CountVectorizer

    joined: list[list[str]] = [[] for _ in range(int(labels.max()) + 2)]
    for text, label in zip(texts, labels, strict=True):
        joined[label].append(text)  # the last one is noise, -1
    vectorizer = CountVectorizer()
    counts = vectorizer.fit_transform([" ".join(posts) for posts in joined])
    rarity = np.log1p(counts.sum() / len(joined) / np.asarray(counts.sum(axis=0)).ravel())
    terms = vectorizer.get_feature_names_out()
    weights = (counts[i].toarray().ravel() * rarity for i in range(len(joined) - 1))
    return [[str(t) for t in terms[np.argsort(-w)[:N_KEYWORDS]]] for w in weights]


def fit_toponymy(posts: Posts, seed: int | None) -> Found:
    from toponymy import ToponymyClusterer
    from umap import UMAP

    plane = UMAP(metric="cosine", random_state=seed).fit_transform(posts.vectors)
    model = ToponymyClusterer(min_clusters=4, verbose=False)
    model.fit(clusterable_vectors=plane, embedding_vectors=posts.vectors)
    return Found([np.array(layer.cluster_labels) for layer in model.cluster_layers_])


def fit_narraframe(posts: Posts, seed: int | None, engine: str) -> Found:
    from narraframe.themes.discover import discover
    from narraframe.themes.settings import ThemeSettings

    stages: dict[str, float] = {}

    @contextmanager
    def timed(name: str, **_: Any) -> Iterator[Callable[[int], None]]:
        start = time.perf_counter()
        yield lambda _: None
        stages[name] = time.perf_counter() - start

    found = discover(
        posts.ids,
        posts.vectors,
        posts.texts,
        posts.langs,
        posts.ids,
        settings=ThemeSettings(engine=engine, seed=seed or 0),
        stage=timed,
    )
    words = [[word for word, _ in summary.keywords] for summary in found.summaries]
    return Found([found.themes.theme], words, stages=stages, model=found)


def fit(contender: str, posts: Posts, seed: int | None) -> Found:
    peers = {"bertopic": fit_bertopic, "evoc": fit_evoc, "toponymy": fit_toponymy}
    if contender in peers:
        return peers[contender](posts, seed)
    return fit_narraframe(posts, seed, contender)


def quality(job: dict[str, Any]) -> dict[str, Any]:
    """Fit each set once a seed and keep every labelling: the reader has the labels to judge by."""
    for one in job["sets"]:
        posts = read_posts(one, *one["rows"])
        for seed in job["seeds"]:
            found = fit(job["contender"], posts, seed)
            stem = f"{job['folder']}/{one['set']}.{job['contender']}.{seed}"
            np.save(f"{stem}.npy", np.array(found.layers, dtype=np.int32))
            Path(f"{stem}.json").write_text(json.dumps(found.keywords), encoding="utf-8")
    return {}


def once(job: dict[str, Any]) -> dict[str, Any]:
    """Fit at the defaults; the process as a whole is timed from outside."""
    found = fit(job["contender"], read_posts(job, *job["rows"]), None)
    themes = int(found.layers[0].max()) + 1
    return {"themes": themes, "mb": peak_mb(), "cpu": time.process_time()}


def warm(job: dict[str, Any]) -> dict[str, Any]:
    """Time the second fit of a process, on other posts than the first."""
    fit(job["contender"], read_posts(job, *job["first_rows"]), None)
    posts = read_posts(job, *job["rows"])
    start, start_cpu = time.perf_counter(), time.process_time()
    found = fit(job["contender"], posts, None)
    figures = {"s": time.perf_counter() - start, "cpu": time.process_time() - start_cpu}
    return figures | {"labels_s": found.labels_s, "stages": found.stages}


def same(job: dict[str, Any]) -> dict[str, Any]:
    """Fit with a seed and return a hash of all that a user keeps, and of the labels alone."""
    found = fit(job["contender"], read_posts(job, *job["rows"]), 0)
    kept = [np.array(layer, dtype=np.int32) for layer in found.layers]
    np.save(f"{job['folder']}/same.{job['contender']}.{job['threads']}.npy", kept[0])
    if hasattr(found.model, "themes"):
        kept += [found.model.themes.membership, found.model.themes.xy]
    joined = b"".join(np.ascontiguousarray(array).tobytes() for array in kept)
    return {"sha256": hashlib.sha256(joined).hexdigest()}


def peak_mb() -> float:
    """Return the largest resident size of this process, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss there also counts what the parent held before it forked
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Return the median over a few calls."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def revise(job: dict[str, Any]) -> dict[str, Any]:
    """Time what an analyst does to finished themes: over time, merge two, relabel some posts."""
    posts = read_posts(job, *job["rows"])
    found = fit(job["contender"], posts, None)
    if job["contender"] == "bertopic":
        return revise_bertopic(found, posts)
    return revise_narraframe(found, posts)


def revise_bertopic(found: Found, posts: Posts) -> dict[str, Any]:
    model = found.model
    over_time = seconds(lambda: model.topics_over_time(posts.texts, posts.months))
    merge = seconds(lambda: model.merge_topics(posts.texts, [1, 2]))  # each time the next two
    relabelled = [int(t) for t in moved(np.array(model.topics_))]
    relabel = seconds(lambda: model.update_topics(posts.texts, topics=relabelled))
    return {"over_time": over_time, "merge": merge, "relabel": relabel}


def revise_narraframe(found: Found, posts: Posts) -> dict[str, Any]:
    from narraframe.themes.slices import slice_keywords
    from narraframe.themes.terms import keywords_of, merge_themes, theme_keywords, theme_terms

    theme, matrix = found.layers[0], found.model.terms
    terms = theme_terms(matrix, theme)
    into = np.where(terms.themes == 1, 0, terms.themes)
    relabelled = moved(theme)
    return {
        "over_time": seconds(lambda: slice_keywords(matrix, theme, posts.months)),
        "merge": seconds(lambda: keywords_of(merge_themes(terms, into), themes=[0])),
        "relabel": seconds(lambda: theme_keywords(matrix, relabelled)),
    }


def moved(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give every twentieth post the label of the post before it."""
    changed = labels.copy()
    changed[20::20] = labels[19:-1:20]
    return changed


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    measures = {f.__name__: f for f in (quality, once, warm, same, revise)}
    print(json.dumps(measures[given["measure"]](given)))
