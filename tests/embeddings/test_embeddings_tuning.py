import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.embeddings.hashing import HashingEncoder
from narraframe.embeddings.sentence import load_encoder
from narraframe.embeddings.tuning import (
    FEWEST_STEPS,
    MOST_STEPS,
    EncoderTuner,
    open_tuned,
    open_tuner,
    steps_for,
)
from narraframe.errors import EncoderError, ModelError

pytestmark = pytest.mark.usefixtures("one_thread")
WORDS = ("harbour", "tariff", "senator", "guns", "snow", "school", "the", "of", "voted", "again")
TEXTS = [f"{WORDS[i % 2]} {WORDS[6 + i % 4]} {i} " + "and so on " * (i % 7) for i in range(24)]
Y = np.array([[i % 2, 1 - i % 2] for i in range(24)], dtype=np.int8)
KNOWN = np.ones(Y.shape, dtype=bool)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("all-MiniLM-L6-v2", device="cpu")


@pytest.fixture(scope="module")
def tuner(encoder):
    return open_tuner(encoder, loss="pairs", layers=1, steps=4, device="cpu")


@pytest.fixture(scope="module")
def weights(tuner):
    return tuner.tune(TEXTS, Y, KNOWN, seed=0)


@pytest.fixture(scope="module")
def untuned(tuner):
    state = tuner.network.upper().state_dict()
    return {name: part.numpy().astype(np.float16) for name, part in state.items()}


@pytest.fixture(scope="module")
def tuned(encoder, weights, untuned):
    return open_tuned(encoder, [weights, untuned], device="cpu")


def gap(vectors):
    """How much closer posts lie that share a label than posts that do not."""
    cosine, same = vectors @ vectors.T, Y @ Y.T > 0
    return cosine[same].mean() - cosine[~same].mean()


def test_layers_that_were_not_tuned_make_the_vectors_of_the_encoder(tuner, untuned, encoder):
    vectors = tuner.encode(untuned, TEXTS)
    assert (vectors * encoder.encode(TEXTS)).sum(axis=1).min() > 1 - 1e-3


@pytest.mark.parametrize("loss", ["pairs", "labels"])
def test_tuning_brings_posts_that_share_a_label_together(tuner, untuned, loss):
    here = EncoderTuner(tuner.network, loss=loss, steps=4)
    weights = here.tune(TEXTS, Y, KNOWN, seed=0)
    assert gap(here.encode(weights, TEXTS)) > gap(here.encode(untuned, TEXTS)) + 0.01
    assert {part.dtype for part in weights.values()} == {np.dtype(np.float16)}


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tuner, weights):
    again = EncoderTuner(tuner.network, loss="pairs", steps=4)
    again.read(TEXTS)  # kept or not, what the lower layers make is the same
    same, other = (again.tune(TEXTS, Y, KNOWN, seed=seed) for seed in (0, 1))
    assert same.keys() == weights.keys()
    assert all((same[name] == weights[name]).all() for name in weights)
    assert any((other[name] != weights[name]).any() for name in weights)


def test_what_is_not_known_changes_nothing(tuner):
    mask = KNOWN.copy()
    mask[3:, 1] = False
    flipped = np.where(mask, Y, 1 - Y).astype(np.int8)
    one, two = (
        EncoderTuner(tuner.network, steps=2).tune(TEXTS, y, mask, seed=0) for y in (Y, flipped)
    )
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_posts_can_be_tuned_on(tuner, n):
    weights = EncoderTuner(tuner.network, steps=2).tune(TEXTS[:n], Y[:n], KNOWN[:n], seed=0)
    assert all(np.isfinite(part).all() for part in weights.values())


def test_the_vectors_of_several_tunings_stand_side_by_side(tuner, weights, untuned, tuned):
    both = tuned.encode(TEXTS) * np.sqrt(2)
    for part, one in zip(np.split(both, 2, axis=1), (weights, untuned), strict=True):
        np.testing.assert_allclose(part, tuner.encode(one, TEXTS), atol=1e-5)


@settings(max_examples=4)
@given(
    st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=150).map(" ".join),
        min_size=1,
        max_size=3,
    )
)
def test_a_tuned_vector_is_the_same_to_the_bit_whatever_lies_beside_it(tuned, texts):
    together = tuned.encode([*texts, *TEXTS[:5]])[: len(texts)]
    assert (together == np.vstack([tuned.encode([text]) for text in texts])).all()


def test_a_text_is_read_to_its_128th_token(tuned):
    start = "harbour " * 126
    one, other, short = tuned.encode([start, start + "tariff " * 50, "harbour " * 100])
    assert (one == other).all()
    assert (one != short).any()


def test_steps_follow_the_posts_within_bounds():
    assert steps_for(10) == FEWEST_STEPS
    assert steps_for(10**6) == MOST_STEPS
    assert FEWEST_STEPS < steps_for(600) < MOST_STEPS


def test_an_encoder_that_is_no_transformer_is_refused():
    with pytest.raises(EncoderError, match=r"cannot be tuned.*no transformer"):
        open_tuner(HashingEncoder(), loss="pairs", layers=1, steps=1)


@pytest.mark.parametrize("layers", [0, 7])
def test_layers_that_the_encoder_does_not_have_are_refused(encoder, layers):
    with pytest.raises(EncoderError, match="has 6 layers"):
        open_tuner(encoder, loss="pairs", layers=layers, steps=1, device="cpu")


def test_weights_of_another_encoder_are_refused(encoder, weights):
    name = next(iter(weights))
    strange = dict(weights) | {name: weights[name][:5]}
    with pytest.raises(ModelError, match="do not fit the encoder"):
        open_tuned(encoder, [strange], device="cpu")
