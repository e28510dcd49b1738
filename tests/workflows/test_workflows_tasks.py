"""What the server is sent of posts, and of which facets the model speaks."""

import numpy as np

from narraframe.config import Config, Workspace
from narraframe.io.projects import Project
from narraframe.records import Codebook, Facet, Label, Post, Scores
from narraframe.workflows.preannotating import Preannotator
from narraframe.workflows.pushing import _with_facets
from narraframe.workflows.tasks import predict
from narraframe.workflows.watch import Silent

BOOK = Codebook(
    "1",
    "",
    (Facet("frame", "Frame"), Facet("stance", "Stance")),
    (Label("war", "frame", "War"), Label("for", "stance", "For")),
)


def predicted(*abstained):
    """Posts of which nothing is decided; `abstained`: what is left open of each, war and for."""
    posts = [Post(post_id=f"p{i}", text="text") for i in range(len(abstained))]

    def score(posts):
        shape = (len(posts), 2)
        return Scores(
            post_ids=tuple(post.post_id for post in posts),
            label_ids=BOOK.label_ids,
            probability=np.full(shape, 0.4, dtype=np.float32),
            decision=np.zeros(shape, dtype=bool),
            abstained=np.array(abstained, dtype=bool).reshape(shape),
            thresholds=np.full(2, 0.5),
            reasons=("",) * len(posts),
            model="m/1",
        )

    return predict(posts, Preannotator("m/1", BOOK, score, Silent()), watch=Silent())


def test_nothing_ticked_says_nothing_of_a_facet_that_was_left_open_on_some_post():
    assert predicted([0, 0], [0, 0]).facets == {"frame", "stance"}
    assert predicted([0, 0], [0, 1]).facets == {"frame"}
    assert predicted().facets == frozenset()


def test_what_was_left_open_in_one_push_stays_out_of_what_the_model_speaks_of(tmp_path):
    workspace = Workspace(tmp_path, Config(), is_set_up=True)
    model = Preannotator("m/1", BOOK, lambda _: None, Silent())
    project = Project("http://127.0.0.1", 1, "ab")
    assert _with_facets(project, None, predicted([0, 0]), workspace) is project
    assert _with_facets(project, model, predicted(), workspace) is project
    spoken = []
    for abstained in ([0, 0], [0, 1], [0, 0], [1, 0]):
        project = _with_facets(project, model, predicted(abstained), workspace)
        spoken.append(project.facets_of_model["m/1"])
    assert spoken == [("frame", "stance"), ("frame",), ("frame",), ()]
