"""A small state of themes, made by hand: eleven posts, nine of them distinct, in three themes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from narraframe.themes.counting import count_terms
from narraframe.themes.match import ThemeProfile
from narraframe.themes.reference import reference
from narraframe.themes.state import ThemesState

D = 6
# Theme, nearest axis, and text of each distinct post; the themes are 2, 5 and 7.
DISTINCT = (
    (2, 0, "grain harvest and grain prices"),
    (5, 1, "ballot boxes before the ballot"),
    (2, 0, "the harvest of grain is late"),
    (7, 2, "nurse and patient in the clinic"),
    (2, 3, "harvest of grapes, wine and grapes"),
    (5, 1, "voters cast a ballot"),
    (2, 3, "grapes and wine after the harvest"),
    (-1, 4, "a comet was seen"),
    (7, 2, "the clinic needs a nurse"),
)
# The distinct post that each post copies.
ROW_OF_POST = (0, 1, 2, 3, 0, 4, 5, 6, 7, 8, 3)
JANUARY, FEBRUARY, MARCH = "2024-01", "2024-02", "2024-03"
MONTH = (
    *(JANUARY, None, MARCH, MARCH, FEBRUARY, JANUARY),
    *(FEBRUARY, None, MARCH, JANUARY, MARCH),
)
CHANNEL = ("Farm", "Vote", "Farm", None, "Echo", "Farm", "Vote", "Echo", "Sky", "Ward", "Echo")
TEXTS = tuple(text for _, _, text in DISTINCT)
THEME_OF_DISTINCT = np.array([theme for theme, _, _ in DISTINCT], np.int32)
IDS = tuple(f"p{i:02d}" for i in range(len(ROW_OF_POST)))


def axis(number: int) -> np.ndarray:
    """Return the unit vector along one axis."""
    return np.eye(D, dtype=np.float32)[number]


def make_state(**changes: object) -> ThemesState:
    """Return the state, with some of its fields replaced."""
    rng = np.random.default_rng(0)
    vectors = np.stack([axis(a) for _, a, _ in DISTINCT]) + 0.1 * rng.normal(size=(9, D))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(np.float16).astype(np.float32)
    rows = np.array(ROW_OF_POST)
    theme = THEME_OF_DISTINCT[rows]
    graph = sp.random(9, 9, density=0.4, format="csr", dtype=np.float32, rng=rng)
    gone = ThemeProfile(3, axis(5), {"зерно, \n": 0.5, "port": 0.25}, frozenset({"old 1", "p00"}))
    fields: dict[str, object] = {
        "post_ids": IDS,
        "theme": theme,
        "membership": np.where(theme < 0, 0, 0.5 + rows / 32).astype(np.float32),
        "xy": rng.normal(size=(11, 2)).astype(np.float32),
        "month": MONTH,
        "channel": CHANNEL,
        "row_of_post": rows,
        "distinct": np.array([ROW_OF_POST.index(row) for row in range(9)]),
        "vectors": vectors,
        "terms": count_terms(TEXTS, ["en"] * 9, min_df=1),
        "graph": graph,
        "fingerprint": "f" * 64,
        "reference": reference(vectors, THEME_OF_DISTINCT),
        "theme_stability": {2: 0.75, 5: 1.0, 7: np.nan},
        "parts": {11: axis(0), 12: axis(3)},
        "gone": (gone,),
        "next_theme": 13,
        "encoder": "тест@1",
        "fits": ("aaa", "bbb"),
    }
    return ThemesState(**fields | changes)  # type: ignore[arg-type]
