import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model_export.algorithms.sasrec import Sasrec
from model_export.checkpoints import checkpoint, kept_in
from tests.unit.model_export.shops import interactions, random_sequences

SMALL = Sasrec(size=8, length=6, negatives=16, epochs=4, judge_every=1)
DATA = interactions(random_sequences(users=30, items=12, length=8))


def test_there_are_no_checkpoints_where_nobody_says_where() -> None:
    assert checkpoint(SMALL, DATA) is None


def test_another_fit_has_another_file(tmp_path: Path) -> None:
    with kept_in(tmp_path):
        files = {
            checkpoint(SMALL, DATA),
            checkpoint(dataclasses.replace(SMALL, seed=1), DATA),
            checkpoint(SMALL, dataclasses.replace(DATA, item=DATA.item[::-1].copy())),
        }

    assert len(files) == 3


def test_training_that_was_stopped_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="make neural installs it")
    from model_export.sasrec_training import train

    whole = SMALL.fit(DATA)
    with kept_in(tmp_path):
        training = train(DATA, SMALL, epochs=4)
        assert [next(training).epochs, next(training).epochs] == [1, 2]
        del training  # as if the job had been stopped
        rest = list(train(DATA, SMALL, epochs=4))

    assert [trained.epochs for trained in rest] == [3, 4]
    for name, values in rest[-1].arrays.items():
        np.testing.assert_array_equal(values, whole.networks[0][name])
    assert list(tmp_path.iterdir()) != []


def test_training_that_had_ended_is_not_repeated(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="make neural installs it")
    from model_export.sasrec_training import train

    with kept_in(tmp_path):
        first = list(train(DATA, SMALL, epochs=2))[-1]
        again = list(train(DATA, SMALL, epochs=2))

    assert [trained.epochs for trained in again] == [2]
    np.testing.assert_array_equal(again[0].arrays["item.weight"], first.arrays["item.weight"])
