import threading

import pytest

from model_export.algorithms.sasrec.early_stopping import judged_in_background


def test_model_is_evaluated_while_the_next_one_is_trained():
    training, judging = threading.Event(), threading.Event()

    def models():
        yield 1
        training.set()
        assert judging.wait(timeout=60)  # until the evaluation of the first model begins
        yield 2

    def judge(model):
        assert training.wait(timeout=60)  # until the training of the second model begins
        judging.set()
        return model / 10

    assert list(judged_in_background(models(), judge)) == [(1, 0.1), (2, 0.2)]


def test_evaluation_error_is_raised_when_its_result_is_read():
    found = judged_in_background(iter([2, 0, 1]), lambda model: 1 / model)

    assert next(found) == (2, 0.5)
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_empty_iterator_gives_no_results():
    assert list(judged_in_background(iter(()), float)) == []
