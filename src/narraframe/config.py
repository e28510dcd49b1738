"""Settings: one TOML file becomes frozen records; every unknown key or wrong value is an error."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from narraframe.annotations.targets import CONSENSUS
from narraframe.classifiers.settings import FEATURES
from narraframe.errors import ConfigError, UsageError
from narraframe.themes.settings import ENGINES, LAYOUTS

WORKSPACE_FILE = "narraframe.toml"
Record = TypeVar("Record")

# files are named after a model, and its address is models:/NAME@ALIAS
_MODEL_NAME = re.compile(r"[^\W_][\w.-]{0,99}")
_MODEL_NAME_MUST = "letters, digits, '.', '-' and '_', beginning with a letter or digit"
_MOST_SEED = 2**32 - 1
_RULE = "rule"


@dataclass(frozen=True)
class _Rule:
    """What a value must be, beyond its type."""

    must: str
    holds: Callable[[Any], bool]


def _number(default: int, *, least: int, most: int | None = None) -> int:
    must = f"{least} or more" if most is None else f"from {least} to {most}"
    rule = _Rule(must, lambda value: value >= least and (most is None or value <= most))
    return field(default=default, metadata={_RULE: rule})


def _choice(default: str, choices: tuple[str, ...]) -> str:
    rule = _Rule(f"one of {', '.join(map(repr, choices))}", lambda value: value in choices)
    return field(default=default, metadata={_RULE: rule})


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
    cache: str = "data/cache"


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """`name`: any sentence-transformers name or a local path; `device` "" lets torch choose."""

    name: str = "all-MiniLM-L6-v2"
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class ThemesSettings:
    """`engine` "hdbscan" or "graph"; `layout` "batch" or "umap-learn"; `granularity` 0 = what
    suits the engine and the number of distinct posts; `min_cluster_size` 0 = half the cube root of
    that number, 3 to 10.
    """

    engine: str = _choice("hdbscan", ENGINES)
    layout: str = _choice("batch", LAYOUTS)
    granularity: float = field(
        default=0.0, metadata={_RULE: _Rule("0, or up to 100", lambda x: 0 <= x <= 100)}
    )
    neighbours: int = _number(15, least=2)
    min_cluster_size: int = field(
        default=0, metadata={_RULE: _Rule("0, or 2 or more", lambda n: n == 0 or n >= 2)}
    )
    keywords: int = _number(10, least=1)
    representatives: int = _number(5, least=1)
    reruns: int = _number(2, least=0)
    seed: int = _number(0, least=0, most=_MOST_SEED)


@dataclass(frozen=True, kw_only=True)
class LabelStudioSettings:
    """Where analysts label: `url` "" is the server of ``make labelstudio``; `project` is the title.

    The token is never here: it stands in the environment, or in the local server's own folder.
    """

    url: str = ""
    # Label Studio takes 50 characters, and the adjudication's title is made of this one.
    project: str = field(
        default="narraframe",
        metadata={_RULE: _Rule("1 to 36 characters", lambda title: 1 <= len(title) <= 36)},
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of a workspace, from its narraframe.toml."""

    paths: PathSettings = field(default_factory=PathSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    themes: ThemesSettings = field(default_factory=ThemesSettings)
    labelstudio: LabelStudioSettings = field(default_factory=LabelStudioSettings)


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What an experiment learns from; paths relative to the workspace.

    `posts` is any input that `ingest` reads. `consensus` joins several annotators: "majority"
    (ties stay unknown), "any" (one is enough) or "dawid-skene" (weighed by how well they do).
    """

    posts: str
    codebook: str = "labels/codebook.toml"
    annotations: str = "labels/annotations"
    consensus: str = _choice("majority", CONSENSUS)


@dataclass(frozen=True, kw_only=True)
class HeadsSettings:
    """`features`: "embedding", "tfidf" or "both"; a label needs `min_positive` posts."""

    features: str = _choice("both", FEATURES)
    min_positive: int = _number(5, least=2)


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """Cross-validation: near-duplicate groups never straddle a fold.

    Of three folds, two are left to tune on; with two there would be one.
    """

    folds: int = _number(5, least=3)
    inner_folds: int = _number(4, least=2)
    resamples: int = _number(1000, least=0)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question, asked of the data once; `model` is the name in the registry."""

    purpose: str
    model: str = field(
        metadata={_RULE: _Rule(_MODEL_NAME_MUST, lambda name: bool(_MODEL_NAME.fullmatch(name)))}
    )
    data: DataSettings
    heads: HeadsSettings = field(default_factory=HeadsSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    seed: int = _number(0, least=0, most=_MOST_SEED)


@dataclass(frozen=True)
class Workspace:
    """A folder with labels/, experiments/, models/ and its settings."""

    root: Path
    config: Config
    is_set_up: bool

    def path(self, relative: str) -> Path:
        """Return a path of the settings, taken from the workspace's root."""
        return self.root / relative

    @property
    def codebook(self) -> Path:
        """The codebook's file."""
        return self.path(self.config.paths.codebook)

    @property
    def curation(self) -> Path:
        """The log of what the analyst did to the themes."""
        return self.path(self.config.paths.curation)

    @property
    def store(self) -> Path:
        """The folder of the MLflow store."""
        return self.path(self.config.paths.store)

    @property
    def cache(self) -> Path:
        """The folder of cached embeddings."""
        return self.path(self.config.paths.cache)


def find_workspace(start: Path, *, given: Path | None = None) -> Workspace:
    """Return the workspace `given`, or the nearest at or above `start`.

    Where there is none, the folder itself serves with default settings, and `is_set_up` is False.

    Raises
    ------
    ConfigError
        If `given` is no folder, or the narraframe.toml found has faults.
    """
    if given is not None and not given.is_dir():
        raise ConfigError(
            "there is no such folder",
            where=f"--workspace {given}",
            remedy=f"Make one with: narraframe init {given}",
        )
    candidates = [given] if given is not None else [start, *start.parents]
    for folder in candidates:
        if (folder / WORKSPACE_FILE).is_file():
            config = load(Config, folder / WORKSPACE_FILE)
            return Workspace(folder.resolve(), config, is_set_up=True)
    return Workspace((given or start).resolve(), Config(), is_set_up=False)


def load(cls: type[Record], path: Path) -> Record:
    """Read the TOML file `path` as a `cls`.

    Raises
    ------
    ConfigError
        If the file is missing or no TOML, or has unknown keys, wrong types or missing keys; the
        message lists every fault.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", where=path, remedy="Check the path.") from error
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", where=path, remedy="Name a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", where=path, remedy="Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", where=path, remedy="Mend it there.") from error
    faults: list[str] = []
    record = _build(cls, data, "", faults)
    if faults or record is None:
        raise ConfigError("; ".join(faults), where=path, remedy="Mend the file.")
    return record


def check_model_name(name: str, *, where: str) -> None:
    """Refuse a name that a model cannot have: its files and its address are made of it.

    Raises
    ------
    UsageError
        If `name` is none; `where` says who gave it.
    """
    if not _MODEL_NAME.fullmatch(name):
        raise UsageError(
            f"is no name for a model: it must be {_MODEL_NAME_MUST}",
            where=where,
            got=name,
            remedy='Choose one such as "narratives".',
        )


def _build(
    cls: type[Record], data: Mapping[str, Any], prefix: str, faults: list[str]
) -> Record | None:
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    before = len(faults)
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f", did you mean {prefix + near[0]!r}?" if near else ""
            faults.append(f"unknown key {prefix + key!r}{hint}")
    values: dict[str, Any] = {}
    for name, f in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], prefix + name, faults)
            rule: _Rule | None = f.metadata.get(_RULE)
            if rule and type(values[name]) is hints[name] and not rule.holds(values[name]):
                faults.append(f"{prefix + name!r} must be {rule.must}, not {data[name]!r}")
        elif f.default is MISSING and f.default_factory is MISSING:
            faults.append(f"key {prefix + name!r} is missing")
    return cls(**values) if len(faults) == before else None


def _value(hint: Any, value: Any, name: str, faults: list[str]) -> Any:
    if is_dataclass(hint):
        if isinstance(value, dict):
            return _build(hint, value, f"{name}.", faults)  # type: ignore[arg-type]
        faults.append(f"{name!r} must be a table, not {value!r}")
    elif get_origin(hint) is tuple:
        if isinstance(value, list) and all(isinstance(v, get_args(hint)[0]) for v in value):
            return tuple(value)
        faults.append(f"{name!r} must be a list of {get_args(hint)[0].__name__}, not {value!r}")
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif type(value) is not hint:
        faults.append(f"{name!r} must be {_TYPE_NAMES[hint]}, not {value!r}")
    return value


_TYPE_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
