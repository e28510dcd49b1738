"""What should be known of scores beside their number."""

from __future__ import annotations

from narraframe.classifiers.classifier import Classifier
from narraframe.workflows.scored_window import Tally
from narraframe.workflows.train_notes import codebook_notes, never_note


def score_notes(tally: Tally, classifier: Classifier) -> list[str]:
    """Return one sentence on each thing that makes scores other than they seem."""
    notes: list[str] = []
    silent = [i for i in classifier.label_ids if i not in tally.decisions]
    if silent and tally.n_scored:
        notes.append(f"not learnt by the model, so not counted: {', '.join(silent)}")
    notes += codebook_notes(classifier)
    notes += never_note(classifier)
    if tally.n_abstained:
        notes.append(f"{tally.n_abstained:,} decisions were left open, as too close to call")
    if tally.n_strange:
        notes.append(
            f"{tally.n_strange:,} of {tally.n_posts:,} posts are in languages that the encoder "
            "was not made for: word counts carry the model there"
        )
    if tally.n_seen:
        notes.append(
            f"{tally.n_seen:,} of {tally.n_posts:,} posts are copies or near-copies of the "
            "model's training posts: their scores look better than those of new posts would"
        )
    return notes
