"""Init: lay out a workspace for one's own posts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from narraframe.annotations.labelling_page import labelling_page
from narraframe.config import WORKSPACE_FILE
from narraframe.errors import OutputError
from narraframe.io.codebook import parse_codebook
from narraframe.io.files import refused, write_text

SETTINGS = """\
# Settings of this workspace. Every key may be left out; unknown keys are errors.

[encoder]
# Any sentence-transformers name or a local folder. The default knows English only; for Russian or
# Ukrainian posts name a multilingual one, such as "paraphrase-multilingual-MiniLM-L12-v2".
name = "all-MiniLM-L6-v2"

[themes]
engine = "hdbscan"     # or "graph": communities, no noise
granularity = 0.0      # more gives more and smaller themes; 0 = by the number of posts
min_cluster_size = 0   # smallest theme, in distinct posts; 0 = by the number of posts, 3 to 10
seed = 0

[labelstudio]
url = ""               # "" is the server of make labelstudio; the token never stands here
project = "{project}"   # its title there; one for each study
"""
EXPERIMENT = """\
purpose = "{purpose}"
model = "{model}"   # its name in the registry
seed = 0

[data]
posts = "{posts}"
codebook = "{codebook}"
annotations = "{annotations}"
# Of several annotators. Ties stay unknown. "any": one yes is enough; "dawid-skene": weighs
# annotators by how well they do, and needs posts with three answers.
consensus = "majority"

[heads]
features = ["embedding", "words", "characters", "definitions"]   # what works weighs most
min_positive = 2         # labels with fewer positive posts are not learnt

[split]
folds = 5                # near-duplicate groups never straddle a fold
"""
_IGNORED = "data/\nreports/\nmodels/store/\n.labelstudio/\n"
_FOLDERS = ("data", "labels/annotations", "experiments/results", "models/cards")


def init(folder: Path, *, model: str = "narratives") -> tuple[Path, ...]:
    """Lay out labels/, experiments/, models/ and the settings in `folder`; nothing is replaced.

    Returns
    -------
    The files that were written.

    Raises
    ------
    OutputError
        If `folder` is a workspace already, or cannot be written.
    """
    if (folder / WORKSPACE_FILE).exists():
        raise OutputError(
            "is a workspace already",
            where=folder,
            remedy="Choose another folder, or edit the files that are there.",
        )
    experiment = EXPERIMENT.format(
        purpose="Which narratives and frames can be told from the annotated posts, and how well?",
        model=model,
        posts="data/posts.parquet",
        codebook="labels/codebook.toml",
        annotations="labels/annotations",
    )
    contents = {
        "labels/codebook.toml": sample_text("codebook.toml"),
        "labels/guidelines.md": sample_text("guidelines.md"),
        "labels/label_studio.xml": _sample_page(),
        f"experiments/{model}.toml": experiment,
        ".gitignore": _IGNORED,
        WORKSPACE_FILE: SETTINGS.format(project=_title(folder)),
    }
    if (folder / "labels/codebook.toml").exists():
        # a page of another codebook would be wrong
        del contents["labels/label_studio.xml"]
    try:
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    written = [name for name in contents if not (folder / name).exists()]
    for name in written:
        write_text(folder / name, contents[name], force=False)
    return tuple(folder / name for name in written)


def _sample_page() -> str:
    return labelling_page(parse_codebook(sample_text("codebook.toml"), where="codebook.toml"))


def _title(folder: Path) -> str:
    """Return what a project on Label Studio may be called after the folder, in a TOML string."""
    kept = [c if c.isalnum() or c in "-_. " else "_" for c in folder.resolve().name]
    return "".join(kept).strip()[:36] or "narraframe"


def sample_text(name: str) -> str:
    """Return a text file of the bundled sample."""
    return files("narraframe.sample").joinpath(name).read_text("utf-8")
