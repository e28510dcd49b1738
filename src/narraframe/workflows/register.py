"""Register: one MLflow run, one model version, and the small files that git keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from narraframe.config import Workspace
from narraframe.io.files import check_free, write_text
from narraframe.io.models import Bundle
from narraframe.io.registry import Registered
from narraframe.io.registry_file import read_registry, update_registry
from narraframe.io.tracking import log_training
from narraframe.records import Annotation
from narraframe.workflows.card import model_card
from narraframe.workflows.card_facts import card_facts
from narraframe.workflows.fitting import Fitted
from narraframe.workflows.run_record import training_run
from narraframe.workflows.training_data import TrainingData


def register(
    bundle: Bundle,
    folder: Path,
    *,
    fitted: Fitted,
    data: TrainingData,
    annotations: Sequence[Annotation],
    workspace: Workspace,
) -> tuple[Registered, Path]:
    """Log the run, register the model, and write results, registry entry and model card.

    Parameters
    ----------
    bundle, folder : Bundle, Path
        The model, and where it was saved.
    fitted : Fitted
        What was measured of it, and its candidates.
    data : TrainingData
        What it learnt from, without its frozen test set.
    annotations : sequence of Annotation
        Behind the data; those of other posts do not matter.
    workspace : Workspace
        Where all is written.

    Returns
    -------
    The registered model, and the path of its card.
    """
    facts = card_facts(
        data.posts,
        annotations,
        bundle.codebook,
        fitted.measured.held_out,
        test=fitted.test.quality if fitted.test else None,
        others=[measured.quality for measured in fitted.others],
        leak=fitted.leak,
    )
    run = training_run(bundle, folder, fitted=fitted, data=data)
    model = log_training(workspace.store, run)
    places = _places(workspace, bundle.record.name)
    write_text(places.results, run.files["results.csv"], force=True)
    write_text(places.card, model_card(bundle, title=model.title, facts=facts), force=True)
    _update_registry(places.registry, bundle, model)
    return model, places.card


def check_places(workspace: Workspace, *, name: str) -> None:
    """Look, before the work of training, at the places where `register` will write.

    Raises
    ------
    OutputError
        If one of them lies below a file.
    ConfigError
        If the registry that is there cannot be read.
    """
    places = _places(workspace, name)
    for path in (places.results, places.card, places.registry, workspace.store):
        check_free(path, force=True)
    read_registry(places.registry)


@dataclass(frozen=True)
class _Places:
    results: Path
    card: Path
    registry: Path


def _places(workspace: Workspace, name: str) -> _Places:
    paths = workspace.config.paths
    return _Places(
        results=workspace.path(f"{paths.results}/{name}.csv"),
        card=workspace.path(f"{paths.cards}/{name}.md"),
        registry=workspace.path(paths.registry),
    )


def _update_registry(path: Path, bundle: Bundle, model: Registered) -> None:
    entry = {
        "version": model.version,
        "run": model.run_id,
        "encoder": bundle.record.encoder,
        "codebook_version": bundle.record.codebook_version,
        "codebook_sha256": bundle.record.codebook_sha256,
    }
    update_registry(path, model.name, entry)
