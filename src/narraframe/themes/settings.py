"""How themes are sought."""

from __future__ import annotations

from dataclasses import dataclass

from narraframe.errors import ConfigError

ENGINES = ("hdbscan", "graph")
LAYOUTS = ("batch", "umap-learn")
# On four labelled corpora the themes agree best with the labels at 1, the textbook's resolution,
# for 80 to 1,000 posts, and about here for 5,000 to 14,000: a larger graph falls into more parts.
LEAST_GRANULARITY = {"hdbscan": 0.7, "graph": 0.5}
_TEXTBOOK_UP_TO = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeSettings:
    """How themes are sought.

    `engine` is "hdbscan" (a layout, HDBSCAN's hierarchy, the cut of largest modularity) or "graph"
    (consensus of communities, no noise). `layout` makes the layout: "batch", or "umap-learn". More
    `granularity` gives more and smaller themes; None takes what suits the engine and the posts.
    `min_cluster_size` None follows the corpus. `n_reruns` further runs give the stability: each
    has another seed, and every second one also leaves out a fifth of the posts. `assign_all` leaves
    no post without a theme that a theme can be reached from in the neighbour graph.

    Raises
    ------
    ConfigError
        If a number is too small to make sense, or a choice unknown; all such are named.
    """

    engine: str = "hdbscan"
    layout: str = "batch"
    n_neighbors: int = 15
    granularity: float | None = None
    min_cluster_size: int | None = None
    n_keywords: int = 10
    n_representatives: int = 5
    n_reruns: int = 2
    assign_all: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"n_neighbors": 2, "min_cluster_size": 2, "n_keywords": 1}
        least |= {"n_representatives": 1, "n_reruns": 0, "seed": 0}
        given = {name: getattr(self, name) for name in least}
        faults = {
            name: f"{name} must be {least[name]} or more"
            for name, n in given.items()
            if n is not None and n < least[name]
        }
        for name, choices in (("engine", ENGINES), ("layout", LAYOUTS)):
            if getattr(self, name) not in choices:
                faults[name] = f"{name} must be one of {', '.join(choices)}"
        if self.granularity is not None and not 0 < self.granularity <= 100:
            faults["granularity"] = "granularity must be above 0, and 100 at most"
        if faults:
            raise ConfigError(
                "theme settings make no sense: " + ", ".join(faults.values()),
                got={name: getattr(self, name) for name in faults},
            )

    def resolution(self, n: int) -> float:
        """Return the granularity for `n` distinct posts.

        If not set: 1 up to a thousand, then falling with the fourth root of n, to 0.7 for engine
        hdbscan (from 4,165 posts) and 0.5 for graph (from 16,000).
        """
        if self.granularity is not None:
            return self.granularity
        falling = float((_TEXTBOOK_UP_TO / max(n, 1)) ** 0.25)
        return min(1.0, max(LEAST_GRANULARITY[self.engine], falling))


DEFAULTS = ThemeSettings()
