"""Train: annotated posts to a measured, registered model."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from narraframe import __version__
from narraframe.annotations.from_labels import from_labels
from narraframe.annotations.likeness import is_described
from narraframe.config import DataSettings, Experiment, Workspace, check_model_name, load
from narraframe.embeddings.encoder import Encoder
from narraframe.errors import ConfigError, TooFewError
from narraframe.io.codebook import codebook_sha256, read_codebook
from narraframe.io.files import refused
from narraframe.io.models import Bundle, ModelRecord, save_bundle
from narraframe.io.registry import Registered
from narraframe.records import Annotation, Codebook, Post, Quality
from narraframe.workflows.cold_start import fit_cold, with_background
from narraframe.workflows.drift_reference import drift_reference
from narraframe.workflows.embedding import open_encoder
from narraframe.workflows.fitting import Fitted, candidates_of, fit_and_measure
from narraframe.workflows.frozen import freeze_test, set_test_aside
from narraframe.workflows.labelled import annotations_in
from narraframe.workflows.labelled_posts import labelled_posts
from narraframe.workflows.reading import Reading, ReadOptions, read_ready
from narraframe.workflows.register import check_places, register
from narraframe.workflows.seen import signatures
from narraframe.workflows.train_notes import train_notes
from narraframe.workflows.training_data import TrainingData, assemble, languages
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Trained:
    """A registered model, what was measured, what to know of its data, and its card."""

    model: Registered
    fitted: Fitted
    notes: tuple[str, ...]
    card: Path

    @property
    def quality(self) -> Quality:
        """Quality by the experiment's own split."""
        return self.fitted.measured.quality


def train_experiment(
    path: Path, *, options: ReadOptions, workspace: Workspace, watch: Watch
) -> Trained:
    """Run the experiment in `path`: train, measure, register as the challenger.

    While the folder of annotations is empty, or the annotated posts are too few for any label to
    be learnt, the model is made of the codebook alone: `fit_cold`.

    Raises
    ------
    ConfigError, CodebookError, TableError, InputError
        If the experiment or what it names is faulty.
    TrainingError
        If the annotated posts do not carry a model, however many they are.
    """
    experiment = load(Experiment, path)
    inputs = [str(_named(experiment.data.posts, where=path, workspace=workspace))]
    reading = read_ready(inputs, options=options, watch=watch)
    if experiment.data.labelled:
        return _train_on_labels(reading, experiment, workspace=workspace, watch=watch)
    codebook = read_codebook(workspace.path(experiment.data.codebook))
    folder = workspace.path(experiment.data.annotations)
    none_yet = folder.is_dir() and not any(folder.glob("*.csv"))
    annotations = () if none_yet else annotations_in(folder, codebook)
    return _train(
        reading.posts, annotations, codebook, experiment, workspace=workspace, watch=watch
    )


def train_labelled(
    paths: Sequence[str],
    *,
    name: str,
    options: ReadOptions,
    workspace: Workspace,
    watch: Watch,
    one_label: bool = False,
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
    reading = read_ready(paths, options=options, watch=watch)
    experiment = Experiment(
        purpose="Learn the labels that came with the posts.",
        model=name,
        data=DataSettings(
            posts=", ".join(Path(path).name for path in paths), labelled=True, one_label=one_label
        ),
    )
    return _train_on_labels(reading, experiment, workspace=workspace, watch=watch)


def _named(posts: str, *, where: Path, workspace: Workspace) -> Path:
    """Put the environment's values for $NAMES, and take the path from the workspace."""
    found = os.path.expandvars(posts)
    missing = re.search(r"\$\{?(\w+)", found)
    if missing:
        raise ConfigError(
            "a variable of the path is not in the environment",
            where=where,
            got=found,
            remedy=f"Set it, for example: {missing[1]}=../data make train EXPERIMENT={where}",
        )
    return workspace.path(found)


def _train_on_labels(
    reading: Reading, experiment: Experiment, *, workspace: Workspace, watch: Watch
) -> Trained:
    """Train on the labels that the posts carry, with a codebook made from them."""
    made_here = "made from the labels"
    data = replace(experiment.data, codebook=made_here, annotations=made_here)
    experiment = replace(experiment, data=data)
    labelled = labelled_posts(reading, watch=watch)
    posts = [post for post in labelled.posts if post.labels or not data.only_labelled]
    if 0 < data.sample < len(posts):
        drawn = np.random.default_rng(experiment.seed).permutation(len(posts))[: data.sample]
        posts = [posts[i] for i in np.sort(drawn)]
    made = from_labels(
        posts,
        title=f"Labels of {experiment.model}",
        annotator="imported",
        most=data.most_frequent or None,
        one_label=data.one_label,
    )
    return _train(
        posts,
        made.annotations,
        made.codebook,
        experiment,
        left_out=labelled.notes,
        workspace=workspace,
        watch=watch,
    )


def _train(
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    experiment: Experiment,
    *,
    left_out: Sequence[str] = (),
    workspace: Workspace,
    watch: Watch,
) -> Trained:
    check_places(workspace, name=experiment.model)
    encoder = open_encoder(workspace, watch=watch)
    tools: dict[str, Any] = {"encoder": encoder, "workspace": workspace, "watch": watch}
    if annotations:
        try:
            data, fitted = _fit(posts, annotations, codebook, experiment, **tools)
        except TooFewError as error:
            if experiment.data.labelled:
                raise
            annotations = ()
            why, missing = error.what, _as_note(error.remedy or "")
            data, fitted = fit_cold(posts, codebook, experiment, why=why, missing=missing, **tools)
    else:
        data, fitted = fit_cold(posts, codebook, experiment, **tools)
    taught = data.rows(~data.test)
    chosen = asdict(fitted.classifier.settings)
    heads = replace(experiment.heads, features=chosen["features"], head=chosen["head"])
    experiment = replace(experiment, heads=heads)
    notes = (
        *left_out,
        *train_notes(taught, annotations, codebook, fitted.classifier, encoder, experiment),
    )
    bundle = Bundle(
        record=_record(taught, codebook, experiment, encoder, workspace, notes),
        codebook=codebook,
        parts=fitted.classifier.to_parts(),
        quality=fitted.measured.quality,
        seen=signatures([*(taught.texts if annotations else []), *_examples(codebook)]),
        reference=drift_reference(
            taught, fitted.measured.held_out, fitted.measured.abstained, encoder=encoder
        ),
    )
    with tempfile.TemporaryDirectory() as temporary, watch.stage("register", unit="model"):
        folder = Path(temporary) / "bundle"
        try:
            save_bundle(folder, bundle)
            model, card = register(
                bundle,
                folder,
                fitted=fitted,
                data=taught,
                annotations=annotations,
                workspace=workspace,
            )
        except OSError as error:
            raise refused(workspace.store, error) from error
    return Trained(model, fitted, notes, card)


def _as_note(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _examples(codebook: Codebook) -> list[str]:
    """Return the examples of all labels: a post that is one was no stranger to the model."""
    return [text for label in codebook.labels for text in label.examples]


def _fit(
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    experiment: Experiment,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> tuple[TrainingData, Fitted]:
    features = dict.fromkeys(v for s in candidates_of(experiment) for v in s.features)
    tools: dict[str, Any] = {"encoder": encoder, "workspace": workspace, "watch": watch}
    falls_back = is_described(codebook).any()  # one made from the labels describes none
    if falls_back:
        features["definitions"] = None
    data = assemble(
        posts,
        annotations,
        codebook,
        consensus=experiment.data.consensus,
        features=tuple(features),
        heads=experiment.heads,
        **tools,
    )
    if falls_back:
        data = with_background(data, posts, codebook, experiment, **tools)
    data = set_test_aside(data, experiment, workspace=workspace, watch=watch)
    fitted = fit_and_measure(data, codebook, experiment, watch=watch)
    freeze_test(data, experiment, workspace=workspace)
    return data, fitted


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
