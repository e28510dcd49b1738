"""The data types that pass between rooms, and `align`, which joins them by post_id."""

from narraframe.records.align import align
from narraframe.records.codebook import Codebook, Facet, Label, Retired, version_key
from narraframe.records.computed import Embeddings, HeldOut, Scores, Themes, ThemeSummary
from narraframe.records.labelling import Annotation, QueueItem, Targets
from narraframe.records.posts import BadRecord, Post
from narraframe.records.prevalence import LabelPlan, LabelShare, Prevalence, ShareChange
from narraframe.records.quality import Estimate, LabelQuality, Quality

__all__ = [
    "Annotation",
    "BadRecord",
    "Codebook",
    "Embeddings",
    "Estimate",
    "Facet",
    "HeldOut",
    "Label",
    "LabelPlan",
    "LabelQuality",
    "LabelShare",
    "Post",
    "Prevalence",
    "Quality",
    "QueueItem",
    "Retired",
    "Scores",
    "ShareChange",
    "Targets",
    "ThemeSummary",
    "Themes",
    "align",
    "version_key",
]
