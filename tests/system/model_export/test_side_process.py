import functools
import operator
import os
import pickle
import signal
import subprocess
import time

import numpy as np
import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.processes import side_process
from model_export.processes.resources import measured


def test_tasks_run_in_order_in_another_process():
    large = np.arange(1_000_000)  # more than a pipe can hold
    with side_process.running() as submit:
        first = submit([os.getpid, functools.partial(np.add, large, 1)])
        later = submit([functools.partial(max, 3, 2), os.getpid])
        process_id, added, largest, later_id = (result() for result in (*first, *later))

    assert process_id == later_id != os.getpid()
    np.testing.assert_array_equal(added, large + 1)
    assert largest == 3


def test_failed_task_raises_its_message_and_later_tasks_run():
    with side_process.running() as submit:
        failed, later = submit([functools.partial(_refuse, "the shelf is empty"), os.getpid])
        with pytest.raises(InvalidInput) as failure:
            failed()

        assert later() > 0
    assert str(failure.value) == "the shelf is empty"
    assert "_refuse" in "".join(failure.value.__notes__)


def test_task_that_cannot_be_pickled_raises_the_reason():
    with side_process.running() as submit:
        (result,) = submit([lambda: 1])
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            result()


def test_failure_that_cannot_be_pickled_keeps_its_message_and_traceback():
    with side_process.running() as submit:
        (result,) = submit([_raise_unsendable])
        with pytest.raises(RuntimeError, match="Unsendable: 7") as failure:
            result()

    assert "_raise_unsendable" in "".join(failure.value.__notes__)


@pytest.mark.parametrize(
    ("task", "status"),
    [(functools.partial(os._exit, 3), 3), (functools.partial(signal.raise_signal, signal.SIGKILL), -9)],
)
def test_process_that_ends_without_a_result_is_reported_with_its_status(task, status):
    with side_process.running() as submit:
        for result in submit([task, os.getpid]):
            with pytest.raises(RuntimeError, match=f"ended with status {status};"):
                result()


def test_side_process_ends_when_its_context_is_left():
    process_id = 0

    def interrupted():
        nonlocal process_id
        with side_process.running() as submit:
            process_id = submit([os.getpid, functools.partial(time.sleep, 600)])[0]()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def test_side_process_ends_with_its_parent_process():
    reading, writing = os.pipe()
    with subprocess.Popen(side_process.PROGRAM, stdin=reading, stdout=subprocess.DEVNULL) as process:
        os.close(reading)
        with open(writing, "wb") as jobs:  # noqa: PTH123
            pickle.dump([functools.partial(time.sleep, 600)], jobs)

        assert process.wait(timeout=60) == 1


def test_memory_of_the_process_is_added_to_the_measurement():
    with measured() as both, side_process.running() as submit:
        submit([functools.partial(operator.mul, b"x", 200_000_000)])[0]()
    with measured() as here:
        pass

    assert both.peak_mb > here.peak_mb + 200


class Unsendable(Exception):
    def __init__(self, first, second):
        super().__init__(first + second)


def _raise_unsendable():
    raise Unsendable(3, 4)


def _refuse(reason):
    raise InvalidInput(reason)
