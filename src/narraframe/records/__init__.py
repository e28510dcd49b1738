"""The data types that pass between rooms, and `align`, which joins them by post_id."""

from narraframe.records.align import align
from narraframe.records.codebook import Codebook, Facet, Label, Retired, version_key
from narraframe.records.computed import Embeddings, HeldOut, Scores, Themes, ThemeSummary
from narraframe.records.drift import Drift, DriftReference, DriftTest, LabelShift
from narraframe.records.labelling import Annotation, QueueItem, Targets
from narraframe.records.posts import BadRecord, Post
from narraframe.records.prevalence import LabelPlan, LabelShare, Prevalence, ShareChange
from narraframe.records.quality import Estimate, LabelQuality, Quality
from narraframe.records.spread import Copied, Delays, Message, Repeats, Spread, Voice
from narraframe.records.trends import (
    SAMPLING_ONLY,
    Burst,
    ByChannel,
    ThemesAgainstLabels,
    Trend,
    Trends,
    Uncovered,
)

__all__ = [
    "SAMPLING_ONLY",
    "Annotation",
    "BadRecord",
    "Burst",
    "ByChannel",
    "Codebook",
    "Copied",
    "Delays",
    "Drift",
    "DriftReference",
    "DriftTest",
    "Embeddings",
    "Estimate",
    "Facet",
    "HeldOut",
    "Label",
    "LabelPlan",
    "LabelQuality",
    "LabelShare",
    "LabelShift",
    "Message",
    "Post",
    "Prevalence",
    "Quality",
    "QueueItem",
    "Repeats",
    "Retired",
    "Scores",
    "ShareChange",
    "Spread",
    "Targets",
    "ThemeSummary",
    "Themes",
    "ThemesAgainstLabels",
    "Trend",
    "Trends",
    "Uncovered",
    "Voice",
    "align",
    "version_key",
]
