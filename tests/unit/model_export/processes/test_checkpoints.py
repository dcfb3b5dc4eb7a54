import dataclasses

import numpy as np
import pytest

from model_export.algorithms.sasrec import Sasrec, SasrecModel
from model_export.processes.checkpoints import checkpoint, kept_in
from tests.unit.model_export.shops import interactions, random_sequences

SMALL = Sasrec(size=8, length=6, negatives=16, epochs=4, judge_every=1)
DATA = interactions(random_sequences(users=30, items=12, length=8))


def test_checkpoint_without_a_folder_is_none():
    assert checkpoint(SMALL, DATA) is None


def test_other_fit_has_another_checkpoint_file(tmp_path):
    with kept_in(tmp_path):
        files = {
            checkpoint(SMALL, DATA),
            checkpoint(dataclasses.replace(SMALL, seed=1), DATA),
            checkpoint(SMALL, dataclasses.replace(DATA, item=DATA.item[::-1].copy())),
        }

    assert len(files) == 3


def test_stopped_training_resumes_with_the_same_result(tmp_path):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    from model_export.algorithms.sasrec.training import train

    whole = SMALL.fit(DATA)
    with kept_in(tmp_path):
        training = train(DATA, SMALL, epochs=4)
        # The checkpoint of the third epoch is not written yet.
        assert [next(training).epochs for _ in range(3)] == [1, 2, 3]
        del training  # This has the effect of stopping the job.
        rest = list(train(DATA, SMALL, epochs=4))

    assert [trained.epochs for trained in rest] == [2, 3, 4]
    for name, values in rest[-1].arrays.items():
        np.testing.assert_array_equal(values, whole.arrays[name])
    assert list(tmp_path.iterdir()) != []


def test_finished_training_is_not_repeated(tmp_path):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    from model_export.algorithms.sasrec.training import train

    with kept_in(tmp_path):
        first = list(train(DATA, SMALL, epochs=2))[-1]
        again = list(train(DATA, SMALL, epochs=2))

    assert [trained.epochs for trained in again] == [2]
    np.testing.assert_array_equal(again[0].arrays["item.weight"], first.arrays["item.weight"])


@pytest.mark.parametrize("stopped_at", [1, 2, 3, 4, 6])
def test_stopped_early_stopping_selects_the_same_epochs(tmp_path, stopped_at):
    pytest.importorskip("torch", reason="make setup WITH=neural installs it")
    settings = dataclasses.replace(SMALL, max_epochs=8, patience=3)
    found = (0.1, 0.4, 0.5, 0.3, 0.2, 0.1, 0.6, 0.7)

    class Stopped(Exception):
        pass

    def judge(model):
        return found[epochs_of(model) - 1]

    def judge_until_stopped(model):
        if epochs_of(model) == stopped_at:
            raise Stopped
        return judge(model)

    whole = settings.fit_with_early_stopping(DATA, judge)
    with kept_in(tmp_path):
        with pytest.raises(Stopped):
            settings.fit_with_early_stopping(DATA, judge_until_stopped)
        rest = settings.fit_with_early_stopping(DATA, judge)
        again = settings.fit_with_early_stopping(DATA, judge)

    assert whole.settings.epochs == 3  # The next three epochs were not better.
    for model in (rest, again):
        assert model.settings == whole.settings
        assert isinstance(model, SasrecModel)
        for name, values in model.arrays.items():
            np.testing.assert_array_equal(values, whole.arrays[name])


def epochs_of(model):
    assert isinstance(model.settings, Sasrec)
    return model.settings.epochs
