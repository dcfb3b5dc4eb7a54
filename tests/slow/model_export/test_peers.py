"""Training in two processes has the result of training in one."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from model_export.algorithms.sasrec import Sasrec
from model_export.processes import peers
from model_export.processes.checkpoints import kept_in
from tests.unit.model_export.shops import interactions, random_sequences

SMALL = Sasrec(
    size=8, heads=2, feed=2, length=6, dropout=0.3, negatives=16, learning_rate=0.01, epochs=3, judge_every=1
)
DATA = interactions(random_sequences(users=60, items=40, length=30))
NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def _two():
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    with peers.joined(peers.place({}, NOWHERE, processes=2)):
        yield


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(peers, "_current", peers.Peers())
    return monkeypatch


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.usefixtures("_two")
def test_two_processes_have_the_losses_and_model_of_one(dropout, alone):
    from model_export.algorithms.sasrec.training import train

    settings = dataclasses.replace(SMALL, dropout=dropout)
    single = list(train(DATA, settings, epochs=3))
    alone.undo()
    shared = list(train(DATA, settings, epochs=3))

    assert [each.loss for each in shared] == pytest.approx([each.loss for each in single], rel=1e-5)
    assert single[-1].loss < single[0].loss
    for name in single[-1].arrays.keys() - {
        "attend.bias"
    }:  # the gradient of a key's bias is a rounding error, which AdamW scales up
        found, expected = shared[-1].arrays[name], single[-1].arrays[name]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.usefixtures("_two")
def test_batch_of_one_row_is_trained_by_one_of_two_processes(alone):
    one_user = interactions([[1, 2, 3, 4, 5, 6, 1]])

    single = SMALL.fit(one_user)
    alone.undo()
    shared = SMALL.fit(one_user)

    np.testing.assert_allclose(shared.arrays["item.weight"], single.arrays["item.weight"], rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("_two")
def test_early_stop_leaves_the_second_process_ready_for_the_next_fit():
    found = iter([0.1, 0.5, 0.3, 0.2, 0.1, 0.0])
    settings = dataclasses.replace(SMALL, patience=2, max_epochs=6)

    judged = settings.fit_with_early_stopping(DATA, lambda _: next(found))
    again = dataclasses.replace(settings, epochs=2).fit(DATA)

    assert judged.settings.epochs == 2
    np.testing.assert_array_equal(judged.arrays["item.weight"], again.arrays["item.weight"])


@pytest.mark.usefixtures("_two")
def test_two_processes_resume_an_interrupted_training_of_one(tmp_path, alone):
    from model_export.algorithms.sasrec.training import train

    uninterrupted = SMALL.fit(DATA)
    with kept_in(tmp_path):
        training = train(DATA, SMALL, epochs=3)
        assert [next(training).epochs for _ in range(2)] == [1, 2]  # the second epoch is not saved yet
        alone.undo()
        rest = list(train(DATA, SMALL, epochs=3))

    assert [each.epochs for each in rest] == [1, 2, 3]
    np.testing.assert_allclose(
        rest[-1].arrays["item.weight"], uninterrupted.arrays["item.weight"], rtol=1e-3, atol=1e-5
    )


def test_process_that_cannot_start_fails_the_training_with_its_status(monkeypatch):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with (
        pytest.raises(RuntimeError, match="process 1 of 2 ended with status 1"),
        peers.joined(peers.place({}, NOWHERE, processes=2)),
    ):
        pass
