import dataclasses

import numpy as np
import pytest

from model_export.algorithms import sasrec
from model_export.algorithms.sasrec import Sasrec
from model_export.data.interactions import Histories, Interactions
from model_export.export.parity import check_parity
from model_export.export.writer import open_session, recommend, write_graphs
from tests.unit.model_export.networks import SMALL, untrained
from tests.unit.model_export.shops import history, interactions, random_sequences

HISTORIES = Histories(
    items=np.array([[0, 0, 0, 1, 2, 3], [5, 0, 4, 0, 3, 0], [1, 2, 3, 4, 5, 6], [0, 7, 7, 0, 0, 0], [0] * 6]),
    weights=np.ones((5, 6), np.float32),
)


def test_scores_are_a_probability_distribution_over_items():
    scores = untrained(SMALL, items=9).score(HISTORIES)

    assert (scores[:, 0] == 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), [1, 1, 1, 1, 0], rtol=1e-5)


def test_scores_use_only_the_latest_interactions_and_ignore_padding():
    model = untrained(SMALL, items=9)

    np.testing.assert_array_equal(model.score(history(8, 9, 1, 2, 3, 4)), model.score(history(1, 2, 3, 4)))
    np.testing.assert_array_equal(model.score(history(0, 1, 0, 2, 0)), model.score(history(1, 2)))
    assert not np.array_equal(model.score(history(1, 2)), model.score(history(2, 1)))


@pytest.mark.parametrize("items", [9, 6_000])
def test_graph_ranks_like_the_model(tmp_path, items):
    model = untrained(SMALL, items=items)
    write_graphs(model, tmp_path)

    check_parity(model, tmp_path, HISTORIES)

    session = open_session(tmp_path / "graph.onnx")
    answered, _ = recommend(session, HISTORIES, exclude=np.zeros((5, 0), np.int64), k=5)
    np.testing.assert_array_equal(answered[:4], np.argsort(-model.score(HISTORIES)[:4], axis=1, kind="stable")[:, :5])


def test_training_learns_the_next_item_and_stores_its_epochs():
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    data = interactions(random_sequences(users=120, items=20, length=12))
    settings = dataclasses.replace(SMALL, size=16, length=12, max_epochs=30, learning_rate=0.01)

    model = settings.fit_with_early_stopping(data, lambda each: float(each.score(history(3, 4, 5))[0, 6]))

    scores = model.score(history(3, 4, 5))[0]
    assert int(scores.argmax()) == 6
    assert 1 <= model.settings.epochs <= 30


def test_same_data_and_seed_give_the_same_model():
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    data = interactions(random_sequences(users=30, items=12, length=8))

    first, second = SMALL.fit(data), SMALL.fit(data)
    other = dataclasses.replace(SMALL, seed=1).fit(data)

    assert first.settings == second.settings == SMALL
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(values, second.arrays[name])
    assert not np.array_equal(first.arrays["item.weight"], other.arrays["item.weight"])


def test_early_stopping_selects_the_best_epochs_and_a_refit_is_identical():
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    data = interactions(random_sequences(users=30, items=12, length=8))
    settings = dataclasses.replace(SMALL, judge_every=1, patience=2)
    judged = iter([0.1, 0.3, 0.2, 0.2])

    model = settings.fit_with_early_stopping(data, lambda _: next(judged))

    assert model.settings == dataclasses.replace(settings, epochs=2)
    refitted = model.settings.fit(data)
    np.testing.assert_array_equal(model.score(history(1, 2)), refitted.score(history(1, 2)))


def test_embeddings_of_many_items_have_half_of_the_size(monkeypatch):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    data = interactions(random_sequences(users=30, items=12, length=8))
    monkeypatch.setattr(sasrec.model, "FULL_SIZE_NUMBERS", 8 * 12)
    assert SMALL.fit(data).arrays["item.weight"].shape == (13, 8)

    monkeypatch.setattr(sasrec.model, "FULL_SIZE_NUMBERS", 8 * 12 - 1)
    model = SMALL.fit(data)

    assert model.arrays["item.weight"].shape == (13, 4)
    assert model.settings == SMALL


def test_cost_is_estimated_from_counts():
    settings = Sasrec(max_epochs=60, size=128, negatives=512)
    rows = np.arange(10_000)
    data = Interactions.from_rows(
        user=rows // 10, item=rows % 1_000 + 1, time_ms=rows, weight=np.ones(len(rows)), users=1_000, items=1_000
    )

    # Initial vectors take 0.06 s + 0.08 s. In each of 30 epochs, an interaction takes 128^2 * 9 * 0.13 ns + 128 * 512 *
    # 0.09 ns.
    assert settings.fit_cost(data).seconds == pytest.approx(0.14 + 30 * 10_000 * (19.16928e-6 + 5.89824e-6))
    # 400 MB, 36 bytes per parameter and 200 bytes per interaction.
    assert settings.fit_cost(data).megabytes == pytest.approx(400 + 4.608 + 2)


def test_numpy_scores_equal_those_of_the_torch_network():
    torch = pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    from model_export.algorithms.sasrec.training import Network

    model = untrained(SMALL, items=9)
    network = Network(SMALL)
    arrays = {name: torch.from_numpy(values) for name, values in model.arrays.items()}
    items = arrays.pop("item.weight")
    network.load_state_dict(arrays)
    network.eval()

    with torch.no_grad():
        hidden = network(items[torch.tensor([[4, 7, 2, 9]])])[0, -1]
        logits = (items @ hidden).numpy()
    logits[0] = -np.inf
    expected = np.exp(logits - logits.max())

    np.testing.assert_allclose(model.score(history(4, 7, 2, 9))[0], expected / expected.sum(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("sequences", [[[1], [2]], [[1, 2]], [[1, 1, 1], [1, 1]]])
def test_smallest_datasets_can_be_trained(sequences):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    model = SMALL.fit(interactions(sequences))

    scores = model.score(history(1))

    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1)
