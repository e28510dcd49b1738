"""What can be chosen about a classifier."""

from __future__ import annotations

from dataclasses import dataclass

from narraframe.errors import ConfigError

VIEWS = ("embedding", "sentences", "words", "characters", "definitions", "tuned")
HEADS = ("ridge", "logistic", "svc")
AIMS = ("f1", "precision")
TUNES = ("pairs", "labels")


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """How a classifier is fitted.

    Parameters
    ----------
    features : tuple of str, default=("embedding", "words", "characters", "definitions")
        The views that a post is described by, each with a head of its own:

        - "embedding": the vector of the whole post,
        - "sentences": mean and greatest of its sentences' vectors,
        - "words", "characters": weighted words and pairs, and sequences of 3 and 4 characters,
        - "definitions": how like the post is to what the codebook says of each label,
        - "tuned": its vector by an encoder whose last layers were tuned on the labels, which takes
          minutes where the others take seconds.

        What each view is worth is learned from scores of posts that its head did not see, so one
        that does not work (an encoder that does not know the language) gets no weight.
    head : {"ridge", "logistic", "svc"}, default="ridge"
        What is fitted on a view. Ridge has exact scores of unseen posts without refits.
    min_df : int, default=2
        Terms in fewer training posts are left out.
    min_positive : int, default=2
        A label with fewer known positives, or fewer known negatives, is not trained.
    aim : {"f1", "precision"}, default="f1"
        What thresholds are tuned for: the best F1, or the most posts found at a `precision`. The
        labels of a single-choice facet have none to tune: the most probable one is decided.
    precision : float, default=0.9
        The precision that `aim` "precision" asks for.
    abstain : float, default=0.0
        Where positive, there is no decision on a label where either answer would be wrong with
        more than this probability (Chow 1970).
    tune : {"pairs", "labels"}, default="pairs"
        What "tuned" is tuned for: that posts lie close that share a label and apart that do not,
        or that a linear layer tells each label.
    tune_layers : int, default=2
        How many of the encoder's last layers are tuned.
    tune_steps : int, default=0
        Batches of 16 posts that a tuning takes; 0 = by the number of posts.
    """

    features: tuple[str, ...] = ("embedding", "words", "characters", "definitions")
    head: str = "ridge"
    min_df: int = 2
    min_positive: int = 2
    aim: str = "f1"
    precision: float = 0.9
    abstain: float = 0.0
    tune: str = "pairs"
    tune_layers: int = 2
    tune_steps: int = 0

    def __post_init__(self) -> None:
        faults = [*_not_among("features", self.features, VIEWS)]
        faults += [*_not_among("head", (self.head,), HEADS), *_not_among("aim", (self.aim,), AIMS)]
        faults += [*_not_among("tune", (self.tune,), TUNES)]
        if not self.features or len(set(self.features)) < len(self.features):
            faults.append(f"features is {list(self.features)}, not one or more different views")
        if self.min_df < 1:
            faults.append(f"min_df is {self.min_df}, not 1 or more")
        if self.min_positive < 2:
            faults.append(f"min_positive is {self.min_positive}, not 2 or more")
        if not 0 < self.precision < 1:
            faults.append(f"precision is {self.precision}, not between 0 and 1")
        if not 0 <= self.abstain < 0.5:
            faults.append(f"abstain is {self.abstain}, not from 0 to below 0.5")
        if self.tune_layers < 1:
            faults.append(f"tune_layers is {self.tune_layers}, not 1 or more")
        if self.tune_steps < 0:
            faults.append(f"tune_steps is {self.tune_steps}, not 0 or more")
        if faults:
            raise ConfigError("; ".join(faults), where="head settings")


def _not_among(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    strange = [value for value in values if value not in known]
    return [f"{name} is {value!r}, not one of {', '.join(known)}" for value in strange]
