"""The data types that pass between rooms, and `align`, which joins them by post_id."""

from narraframe.records.align import align
from narraframe.records.codebook import Codebook, Facet, Label, Retired, version_key
from narraframe.records.computed import Embeddings, HeldOut, Scores, Themes, ThemeSummary
from narraframe.records.labelling import Annotation, QueueItem, Targets
from narraframe.records.posts import BadRecord, Post
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
    "LabelQuality",
    "Post",
    "Quality",
    "QueueItem",
    "Retired",
    "Scores",
    "Targets",
    "ThemeSummary",
    "Themes",
    "align",
    "version_key",
]
