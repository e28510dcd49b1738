"""One question, asked of the data once: the settings of an experiment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from narraframe.annotations.targets import CONSENSUS
from narraframe.classifiers.settings import AIMS, HEADS, TUNES, VIEWS, HeadSettings
from narraframe.config.toml import RULE, Rule, choice, number
from narraframe.errors import UsageError

# files are named after a model, and its address is models:/NAME@ALIAS
_MODEL_NAME = re.compile(r"[^\W_][\w.-]{0,99}")
_MODEL_NAME_MUST = "letters, digits, '.', '-' and '_', beginning with a letter or digit"
_MOST_SEED = 2**32 - 1
SPLITS = ("group", "time", "channel", "author")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return text == ""
    return True


_VIEWS_MUST = f"different ones of {', '.join(VIEWS)}, and not definitions alone"


def _are_views(names: tuple[str, ...]) -> bool:
    apart = len(set(names)) == len(names) and set(names) <= set(VIEWS)
    return apart and bool(set(names) - {"definitions"})


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What an experiment learns from; paths relative to the workspace, ``$NAME`` taken from the
    environment.

    `posts` is any input that `ingest` reads. `consensus` joins several annotators: "majority"
    (ties stay unknown), "any" (one is enough) or "dawid-skene" (weighed by how well they do).

    With `labelled`, the records carry `labels` themselves, which say all that applies, and the
    codebook is made from them: of the `most_frequent` labels (0 = all), without posts that carry
    none if `only_labelled`, and of `sample` posts drawn by the seed (0 = all). With `one_label`
    they rule each other out: they are learnt against each other, and a post gets one.
    """

    posts: str
    codebook: str = "labels/codebook.toml"
    annotations: str = "labels/annotations"
    consensus: str = choice("majority", CONSENSUS)
    labelled: bool = False
    most_frequent: int = number(0, least=0)
    only_labelled: bool = False
    one_label: bool = False
    sample: int = number(0, least=0)


@dataclass(frozen=True, kw_only=True)
class HeadsSettings:
    """What the classifier sees and how it decides: see `classifiers.settings.HeadSettings`."""

    features: tuple[str, ...] = field(
        default=HeadSettings.features, metadata={RULE: Rule(_VIEWS_MUST, _are_views)}
    )
    head: str = choice("ridge", HEADS)
    min_positive: int = number(2, least=2)
    aim: str = choice("f1", AIMS)
    precision: float = field(
        default=0.9, metadata={RULE: Rule("between 0 and 1", lambda x: 0 < x < 1)}
    )
    abstain: float = field(
        default=0.0, metadata={RULE: Rule("from 0 to below 0.5", lambda x: 0 <= x < 0.5)}
    )
    tune: str = choice("pairs", TUNES)
    tune_layers: int = number(2, least=1)
    tune_steps: int = number(0, least=0)


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Alternatives to `HeadsSettings`: every combination is a candidate. Empty = no alternative."""

    features: tuple[tuple[str, ...], ...] = field(
        default=(), metadata={RULE: Rule(_VIEWS_MUST, lambda x: all(map(_are_views, x)))}
    )
    head: tuple[str, ...] = field(
        default=(),
        metadata={RULE: Rule(f"of {', '.join(HEADS)}", lambda x: set(x) <= set(HEADS))},
    )


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """How quality is measured; near-duplicate groups never straddle a split.

    `by` "group": cross-validation in `folds`; "time": learned on the past, tested on what came
    `since` (a date; "" = the last fifth); "channel", "author": whole ones are left out. `also`
    measures by other splits too, to be shown beside. `test`: share of the posts that is set aside
    for ever, as the frozen test set of the model; 0 = none.
    """

    by: str = choice("group", SPLITS)
    also: tuple[str, ...] = field(
        default=(),
        metadata={RULE: Rule(f"of {', '.join(SPLITS)}", lambda x: set(x) <= set(SPLITS))},
    )
    folds: int = number(5, least=2)
    inner_folds: int = number(4, least=2)
    since: str = field(default="", metadata={RULE: Rule("a date like 2024-07-01", _is_date)})
    test: float = field(
        default=0.0, metadata={RULE: Rule("from 0 to 0.5", lambda x: 0 <= x <= 0.5)}
    )
    resamples: int = number(1000, least=0)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question, asked of the data once; `model` is the name in the registry."""

    purpose: str
    model: str = field(
        metadata={RULE: Rule(_MODEL_NAME_MUST, lambda name: bool(_MODEL_NAME.fullmatch(name)))}
    )
    data: DataSettings
    heads: HeadsSettings = field(default_factory=HeadsSettings)
    grid: GridSettings = field(default_factory=GridSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    seed: int = number(0, least=0, most=_MOST_SEED)


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
