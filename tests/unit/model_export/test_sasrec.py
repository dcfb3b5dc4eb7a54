"""SASRec's scores in numpy, in the graph and in torch are the same; training learns what comes next."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model_export.algorithms.sasrec import Sasrec, SasrecModel
from model_export.interactions import Histories
from model_export.onnx_file import open_session, recommend, write_graphs
from model_export.parity import check_parity
from tests.unit.model_export.shops import history, interactions, random_sequences

SMALL = Sasrec(size=8, heads=2, feed=2, length=4, dropout=0.2, negatives=16, epochs=2, most_epochs=4)


def untrained(settings: Sasrec, *, items: int, seed: int = 0) -> SasrecModel:
    rng = np.random.default_rng(seed)
    size, wide = settings.size, settings.size * settings.feed
    shapes: dict[str, tuple[int, ...]] = {"item.weight": (items + 1, size), "position.weight": (settings.length, size)}
    shapes |= {"attend.weight": (3 * size, size), "attend.bias": (3 * size,)}
    shapes |= {"feed.weight": (2 * wide, size), "fed.weight": (size, wide)}
    for name in ("attended", "gate_attention", "gate_feed"):
        shapes |= {f"{name}.weight": (size, size), f"{name}.bias": (size,)}
    for name in ("norm_attention", "norm_feed", "norm_out"):
        shapes |= {f"{name}.weight": (size,), f"{name}.bias": (size,)}
    arrays = {name: rng.normal(0.0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["item.weight"][0] = 0.0
    return SasrecModel(settings=settings, items=items, arrays=arrays)


HISTORIES = Histories(
    items=np.array([[0, 0, 0, 1, 2, 3], [5, 0, 4, 0, 3, 0], [1, 2, 3, 4, 5, 6], [0, 7, 7, 0, 0, 0], [0] * 6]),
    weights=np.ones((5, 6), np.float32),
)


def test_scores_are_a_distribution_over_the_items() -> None:
    scores = untrained(SMALL, items=9).score(HISTORIES)

    assert (scores[:, 0] == 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), [1, 1, 1, 1, 0], rtol=1e-5)


def test_only_the_latest_interactions_count_and_padding_may_stand_anywhere() -> None:
    model = untrained(SMALL, items=9)

    np.testing.assert_array_equal(model.score(history(8, 9, 1, 2, 3, 4)), model.score(history(1, 2, 3, 4)))
    np.testing.assert_array_equal(model.score(history(0, 1, 0, 2, 0)), model.score(history(1, 2)))
    assert not np.array_equal(model.score(history(1, 2)), model.score(history(2, 1)))


@pytest.mark.parametrize("items", [9, 6_000])
def test_the_graph_ranks_as_the_model_does(tmp_path: Path, items: int) -> None:
    model = untrained(SMALL, items=items)
    write_graphs(model, tmp_path)

    assert check_parity(model, tmp_path, HISTORIES).recall == 1.0

    session = open_session(tmp_path / "graph.onnx")
    answered, _ = recommend(session, HISTORIES, exclude=np.zeros((5, 0), np.int64), k=5)
    np.testing.assert_array_equal(answered[:4], np.argsort(-model.score(HISTORIES)[:4], axis=1, kind="stable")[:, :5])


def test_training_learns_what_comes_next_and_says_how_long_it_took() -> None:
    pytest.importorskip("torch", reason="make neural installs it")
    data = interactions(random_sequences(users=120, items=20, length=12))
    settings = dataclasses.replace(SMALL, size=16, length=12, most_epochs=30, learning_rate=0.01)

    model = settings.fit_judged(data, lambda each: float(each.score(history(3, 4, 5))[0, 6]))

    scores = model.score(history(3, 4, 5))[0]
    assert int(scores.argmax()) == 6
    assert 1 <= model.settings.epochs <= 30


def test_the_same_data_and_seed_give_the_same_model() -> None:
    pytest.importorskip("torch", reason="make neural installs it")
    data = interactions(random_sequences(users=30, items=12, length=8))

    first, second = SMALL.fit(data), SMALL.fit(data)
    other = dataclasses.replace(SMALL, seed=1).fit(data)

    assert first.settings == second.settings == SMALL
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(values, second.arrays[name])
    assert not np.array_equal(first.arrays["item.weight"], other.arrays["item.weight"])


def test_scores_without_torch_are_those_of_the_network() -> None:
    torch = pytest.importorskip("torch", reason="make neural installs it")
    from model_export.sasrec_training import Network

    model = untrained(SMALL, items=9)
    network = Network(SMALL, 9)
    network.load_state_dict({name: torch.from_numpy(values) for name, values in model.arrays.items()})
    network.eval()

    with torch.no_grad():
        hidden = network(torch.tensor([[4, 7, 2, 9]]))[0, -1]
        logits = (network.item.weight @ hidden).numpy()
    logits[0] = -np.inf
    expected = np.exp(logits - logits.max())

    np.testing.assert_allclose(model.score(history(4, 7, 2, 9))[0], expected / expected.sum(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("sequences", [[[1], [2]], [[1, 2]], [[1, 1, 1], [1, 1]]])
def test_the_smallest_shops_train(sequences: list[list[int]]) -> None:
    pytest.importorskip("torch", reason="make neural installs it")
    model = SMALL.fit(interactions(sequences))

    scores = model.score(history(1))

    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1)
