"""Train: annotated posts to a measured, registered model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from narraframe import __version__
from narraframe.annotations.from_labels import from_labels
from narraframe.annotations.splits import leak, random_folds
from narraframe.classifiers.classifier import Classifier
from narraframe.config import DataSettings, Experiment, Workspace, check_model_name, load
from narraframe.embeddings.encoder import Encoder
from narraframe.io.codebook import codebook_sha256, read_codebook
from narraframe.io.files import refused
from narraframe.io.models import Bundle, ModelRecord, save_bundle
from narraframe.io.tracking import Registered
from narraframe.records import Annotation, Codebook, Post, Quality
from narraframe.workflows.embedding import open_encoder
from narraframe.workflows.fitting import fit_and_measure
from narraframe.workflows.labelled import annotations_in
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.register import check_places, register
from narraframe.workflows.seen import signatures
from narraframe.workflows.training_data import TrainingData, assemble, languages
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Trained:
    """A registered model, its quality, what to know of its data, and its card."""

    model: Registered
    quality: Quality
    notes: tuple[str, ...]
    card: Path


def train_experiment(
    path: Path, *, options: ReadOptions, workspace: Workspace, watch: Watch
) -> Trained:
    """Run the experiment in `path`: train, measure, register as the challenger.

    Raises
    ------
    ConfigError, CodebookError, TableError, InputError
        If the experiment or what it names is faulty.
    TrainingError
        If the annotated posts do not carry a model.
    """
    experiment = load(Experiment, path)
    codebook = read_codebook(workspace.path(experiment.data.codebook))
    annotations = annotations_in(workspace.path(experiment.data.annotations), codebook)
    inputs = [str(workspace.path(experiment.data.posts))]
    posts = read_ready(inputs, options=options, watch=watch).posts
    return _train(posts, annotations, codebook, experiment, workspace=workspace, watch=watch)


def train_labelled(
    paths: Sequence[str], *, name: str, options: ReadOptions, workspace: Workspace, watch: Watch
) -> Trained:
    """Train on posts whose records carry labels, with a codebook made from them.

    Raises
    ------
    UsageError
        If `name` is no name for a model.
    InputError, CodebookError
        If the posts cannot be read or carry no labels.
    TrainingError
        If they do not carry a model.
    """
    check_model_name(name, where="--name")
    posts = read_ready(paths, options=options, watch=watch).posts
    made = from_labels(posts, title=f"Labels of {name}", annotator="imported")
    experiment = Experiment(
        purpose="Learn the labels that came with the posts.",
        model=name,
        data=DataSettings(
            posts=", ".join(Path(path).name for path in paths),
            codebook="made from the labels",
            annotations="made from the labels",
        ),
    )
    return _train(
        posts, made.annotations, made.codebook, experiment, workspace=workspace, watch=watch
    )


def _train(
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    experiment: Experiment,
    *,
    workspace: Workspace,
    watch: Watch,
) -> Trained:
    check_places(workspace, name=experiment.model)
    encoder = open_encoder(workspace, watch=watch)
    data = assemble(
        posts,
        annotations,
        codebook,
        consensus=experiment.data.consensus,
        encoder=encoder,
        workspace=workspace,
        watch=watch,
    )
    classifier, quality = fit_and_measure(data, codebook, experiment, watch=watch)
    notes = _notes(data, annotations, codebook, classifier, encoder, experiment)
    bundle = Bundle(
        record=_record(data, codebook, experiment, encoder, workspace, notes),
        codebook=codebook,
        parts=classifier.to_parts(),
        quality=quality,
        seen=signatures(data.texts),
    )
    with tempfile.TemporaryDirectory() as temporary, watch.stage("register", unit="model"):
        folder = Path(temporary) / "bundle"
        try:
            save_bundle(folder, bundle)
            model, card = register(bundle, folder, data=data, workspace=workspace)
        except OSError as error:
            raise refused(workspace.store, error) from error
    return Trained(model, quality, notes, card)


def _record(
    data: TrainingData,
    codebook: Codebook,
    experiment: Experiment,
    encoder: Encoder,
    workspace: Workspace,
    notes: tuple[str, ...],
) -> ModelRecord:
    taught = languages(data.posts)
    known = encoder.languages
    return ModelRecord(
        name=experiment.model,
        encoder=encoder.name,
        encoder_source=workspace.config.encoder.name,
        codebook_version=codebook.version,
        codebook_sha256=codebook_sha256(codebook),
        languages=taught,
        any_language=known is None,
        strange_languages=tuple(x for x in taught if known is not None and x not in known),
        n_posts=len(data.posts),
        n_groups=data.n_groups,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        narraframe_version=__version__,
        experiment=asdict(experiment),
        notes=notes,
    )


def _notes(
    data: TrainingData,
    annotations: Sequence[Annotation],
    codebook: Codebook,
    classifier: Classifier,
    encoder: Encoder,
    experiment: Experiment,
) -> tuple[str, ...]:
    """Say what a reader of the figures has to know."""
    others = {a.codebook_version for a in annotations} - {codebook.version, ""}
    notes = [*data.notes, *_language_notes(data, encoder), _leak_note(data, experiment)]
    if others:
        versions = ", ".join(sorted(others))
        notes.append(
            f"annotations were made with codebook {versions}, not {codebook.version}: "
            "a label whose meaning changed is judged by its old meaning"
        )
    untrained = [i for i, why in zip(classifier.label_ids, classifier.reasons, strict=True) if why]
    if untrained:
        notes.append(f"not learnt: {', '.join(untrained)}")
    return tuple(notes)


def _language_notes(data: TrainingData, encoder: Encoder) -> tuple[str, ...]:
    """Say how many posts are in languages that the encoder was not made for."""
    if encoder.languages is None:
        return ()
    n = sum(1 for post in data.posts if post.lang and post.lang not in encoder.languages)
    if not n:
        return ()
    return (
        f"{n:,} of {len(data.posts):,} posts are in languages that the encoder does not know: "
        'name a multilingual one in narraframe.toml, or compare with features = "tfidf"',
    )


def _leak_note(data: TrainingData, experiment: Experiment) -> str:
    """Say what a split that ignores copies would have put on both sides."""
    n = len(data.posts)
    careless = random_folds(n, n_folds=experiment.split.folds, seed=experiment.seed)
    leaked = leak(data.groups, careless)
    return (
        f"a split that ignores copies would have leaked {leaked.n_posts:,} of {n:,} posts "
        f"({leaked.n_groups:,} groups); this one leaks none"
    )
