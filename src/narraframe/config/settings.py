"""The settings of a workspace, from its narraframe.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from narraframe.config.toml import RULE, Rule, choice, number
from narraframe.themes.settings import ENGINES, LAYOUTS

_MOST_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class PathSettings:
    """Where the workspace keeps things, relative to its root."""

    codebook: str = "labels/codebook.toml"
    annotations: str = "labels/annotations"
    curation: str = "labels/themes.csv"
    audit: str = "labels/audit.csv"
    copies: str = "labels/copies.csv"
    skipped: str = "labels/skipped.csv"
    page: str = "labels/label_studio.xml"
    projects: str = "labels/label_studio.toml"
    guidelines: str = "labels/guidelines.md"
    mirror: str = "data/labelstudio"
    server: str = ".labelstudio"
    cards: str = "models/cards"
    registry: str = "models/registry.toml"
    store: str = "models/store"
    results: str = "experiments/results"
    frozen: str = "experiments/frozen"
    cache: str = "data/cache"


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """`name`: any sentence-transformers name or a local path; `device` "" takes the best there is.

    `backend` "auto" is OpenVINO on an x86 processor, torch elsewhere and on a GPU; `precision`
    "auto" is bf16 where the hardware has it, else fp32, and for scoring that of the model. A model
    trained on int8 vectors reads no others, and a model trained on others no int8.
    """

    name: str = "all-MiniLM-L6-v2"
    device: str = ""
    backend: str = choice("auto", ("auto", "openvino", "torch"))
    precision: str = choice("auto", ("auto", "fp32", "bf16", "int8"))


@dataclass(frozen=True, kw_only=True)
class ThemesSettings:
    """`engine` "hdbscan" or "graph"; `layout` "batch" or "umap-learn"; `granularity` 0 = what
    suits the engine and the number of distinct posts; `min_cluster_size` 0 = half the cube root of
    that number, 3 to 10.
    """

    engine: str = choice("hdbscan", ENGINES)
    layout: str = choice("batch", LAYOUTS)
    granularity: float = field(
        default=0.0, metadata={RULE: Rule("0, or up to 100", lambda x: 0 <= x <= 100)}
    )
    neighbours: int = number(15, least=2)
    min_cluster_size: int = field(
        default=0, metadata={RULE: Rule("0, or 2 or more", lambda n: n == 0 or n >= 2)}
    )
    keywords: int = number(10, least=1)
    representatives: int = number(5, least=1)
    reruns: int = number(2, least=0)
    seed: int = number(0, least=0, most=_MOST_SEED)


@dataclass(frozen=True, kw_only=True)
class LabelStudioSettings:
    """Where analysts label: `url` "" is the server of ``make labelstudio``; `project` is the title.

    The token is never here: it stands in the environment, or in the local server's own folder.
    """

    url: str = ""
    # Label Studio takes 50 characters, and the adjudication's title is made of this one.
    project: str = field(
        default="narraframe",
        metadata={RULE: Rule("1 to 36 characters", lambda title: 1 <= len(title) <= 36)},
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of a workspace, from its narraframe.toml."""

    paths: PathSettings = field(default_factory=PathSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    themes: ThemesSettings = field(default_factory=ThemesSettings)
    labelstudio: LabelStudioSettings = field(default_factory=LabelStudioSettings)
