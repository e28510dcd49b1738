"""The sets on which labelling is simulated: texts, embeddings, labels, groups, themes."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.views import Described, describe
from narraframe.posts.copies import copy_groups, join_groups
from narraframe.posts.duplicates import near_duplicates
from narraframe.posts.prepare import prepare
from narraframe.records import Post

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
ENCODER = "all-MiniLM-L6-v2"
SETTINGS = HeadSettings()

# One line a label, written from the lists of labels before any order was tried: what an analyst
# would have in the codebook on the first day.
DEFINITIONS = {
    "gvfc_gun_frames": {
        "economic_consequences": "Gun violence and money: gun sales, gun makers, stores, "
        "companies and sponsors, insurance, costs.",
        "gun_control_regulation": "Gun control and regulation: laws, bans, background checks, "
        "restrictions on guns.",
        "gun_rights_2nd_amendment": "Gun rights: Second Amendment, the right to own and carry "
        "guns, self-defence.",
        "mental_health": "Mental health: the shooter's mental illness, treatment, red flags.",
        "politics": "Politics: politicians, parties, elections, the president, Congress and the "
        "NRA fighting over guns.",
        "public_opinion": "Public opinion: protests, marches, rallies, walkouts, polls, reactions "
        "of the public.",
        "race_ethnicity": "Race and ethnicity: racism, hate crimes, white supremacists, black or "
        "Muslim victims and shooters.",
        "school_public_space_safety": "Safety of schools and public spaces: armed teachers, "
        "guards, drills, metal detectors.",
        "society_culture": "Society and culture: video games, movies, media, families, religion "
        "and violence.",
    },
    "ccf_climate_frames": {
        "cultural": "Culture: art, books, films, celebrities, indigenous traditions and lifestyle "
        "in the climate debate.",
        "economic": "Economy: costs, jobs, industry, investment, carbon price, markets and "
        "climate change.",
        "environmental": "Environment: ecosystems, species, forests, ice, oceans, habitats and "
        "biodiversity under climate change.",
        "health": "Health: disease, heat deaths, air quality, mental health and climate change.",
        "justice": "Justice: fairness, equity, poor countries, indigenous rights, young "
        "generations and responsibility.",
        "political": "Politics: governments, parties, elections, policy, treaties and "
        "negotiations on climate.",
        "scientific": "Science: research, studies, scientists, reports, models and evidence of "
        "climate change.",
        "security": "Security: conflict, military, migration, disasters, emergency and national "
        "security.",
    },
}


@dataclass(frozen=True)
class LabelledSet:
    """n posts with text: `y` int8 (n, k); `group` (n,) never straddles the split, `first` (n,) is
    the near-duplicate group, of which the queue asks one.
    """

    name: str
    label_ids: tuple[str, ...]
    texts: tuple[str, ...]
    langs: tuple[str | None, ...]
    channels: tuple[str, ...]
    months: tuple[str, ...]
    y: NDArray[np.int8]
    first: NDArray[np.intp]
    group: NDArray[np.intp]
    vectors: NDArray[np.float32]
    definitions: NDArray[np.float32]

    @cached_property
    def features(self) -> Described:
        """Counts and embeddings of all posts; what is learned of them is learned in each fit."""
        vectors = {"embedding": self.vectors}
        return describe(self.texts, vectors, SETTINGS, definitions=self.definitions)

    @cached_property
    def theme(self) -> NDArray[np.int32]:
        """The theme of each post, as `narraframe themes` finds them; no label is looked at."""
        from narraframe.themes.discover import discover
        from narraframe.themes.settings import ThemeSettings

        ids, settings = [str(i) for i in range(len(self.texts))], ThemeSettings(n_reruns=0)
        groups = [str(i) for i in self.first]
        found = discover(ids, self.vectors, self.texts, self.langs, groups, settings=settings)
        return found.themes.theme


def read_set(name: str, cache: Path) -> LabelledSet:
    """Read a set; its embeddings are made once and kept in `cache`."""
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    raw = (Post(post_id=str(i), text=row["text"], lang=row["lang"]) for i, row in enumerate(rows))
    posts = [post for post in prepare(raw) if post.model_text]
    rows = [rows[int(post.post_id)] for post in posts]
    label_ids = tuple(DEFINITIONS[name])
    texts = tuple(post.model_text or "" for post in posts)
    place = {post.post_id: i for i, post in enumerate(posts)}
    marked = near_duplicates([post.post_id for post in posts], texts)
    first = [i if of is None else place[of] for i, of in enumerate(marked)]
    said = [DEFINITIONS[name][label_id] for label_id in label_ids]
    vectors = embed((*texts, *said), cache / f"queue_{name}.npy")
    return LabelledSet(
        name=name,
        label_ids=label_ids,
        texts=texts,
        langs=tuple(post.lang for post in posts),
        channels=tuple(row.get("channel") or "" for row in rows),
        months=tuple((row.get("date") or "")[:7] for row in rows),
        y=np.array([[i in row["labels"] for i in label_ids] for row in rows], dtype=np.int8),
        first=np.array(first, dtype=np.intp),
        group=join_groups(copy_groups(texts), np.array(first, dtype=np.intp)),
        vectors=vectors[: len(texts)],
        definitions=vectors[len(texts) :],
    )


def embed(texts: tuple[str, ...], path: Path) -> NDArray[np.float32]:
    from narraframe.embeddings.embed import embed_posts, text_key
    from narraframe.embeddings.sentence import load_encoder

    keys = path.with_suffix(".txt")
    wanted = "\n".join(map(text_key, texts))
    if path.exists() and keys.exists() and keys.read_text("utf-8") == wanted:
        return np.load(path)
    ids = [str(i) for i in range(len(texts))]
    vectors = embed_posts(ids, texts, load_encoder(ENCODER)).vectors
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors)
    keys.write_text(wanted, "utf-8")
    return vectors
