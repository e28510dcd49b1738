"""Codebooks of several sizes, for the tests of the labelling page."""

from narraframe.records import Codebook, Facet, Label

FACETS = (
    Facet("narrative", "Narrative", question="Which narratives does the post carry?"),
    Facet("frame", "Frame"),
    Facet("stance", "Stance", choice="single", required=True),
)


def codebook(narratives, frames=2, *, groups=True):
    """A codebook with so many narratives in groups of four, frames, and three stances."""
    labels = []
    for n in range(narratives):
        group = f"n{n // 4}" if groups else None
        if groups and n % 4 == 0:
            labels.append(Label(group, "narrative", f"Group {n // 4}"))
        label_id = f"{group or 'n'}.l{n}"
        labels.append(Label(label_id, "narrative", f"Narrative {n}", f"Claim {n}.", group))
    labels += [Label(f"frame.l{n}", "frame", f"Frame {n}") for n in range(frames)]
    labels += [Label(f"stance.{w}", "stance", w.capitalize()) for w in ("for", "neutral", "no")]
    return Codebook("1.0.0", "Test", FACETS, tuple(labels))


SIZES = {8: codebook(3), 30: codebook(17, 10), 80: codebook(57, 20)}
