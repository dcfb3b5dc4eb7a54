"""Side process that runs functions sequentially on another processor.

It is a separate program that does not copy this process's memory. Functions, arguments and results are pickled. The
side process ends when this process ends, even after a crash.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from model_export.data.interactions import Interactions
from model_export.processes import resources

PROGRAM = (sys.executable, "-m", "model_export.processes.side_process")

Task = Callable[[], Any]
"""Function of a module, or `functools.partial` of such a function. It must be picklable."""

Submit = Callable[[Sequence[Task]], Sequence[Task]]
"""Function that queues tasks and returns a function per task, which waits for the result of the task."""

MIN_INTERACTIONS, MAX_INTERACTIONS = 200_000, 5_000_000
"""Range of the number of interactions for a side process. It needs seconds to start, and a copy of the data."""


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_worth_it(interactions: Interactions) -> bool:
    return (
        processors() > 1 and interactions.counts is None and MIN_INTERACTIONS <= len(interactions) <= MAX_INTERACTIONS
    )


@contextlib.contextmanager
def running(*, here: bool = False) -> Iterator[Submit]:
    """Run a side process while the body runs, and kill it at the end of the body.

    Objects that several tasks of one call use are sent once. The returned functions raise the exception of the task, or
    a `RuntimeError` if the process ended without a result. With `here`, this process runs each task when its result is
    requested.
    """
    if here:
        yield lambda tasks: tasks
        return
    # A separate process group, so that Ctrl-C reaches only this process, which then kills the side process.
    with (
        subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as process,
        ThreadPoolExecutor(1) as sender,
        ThreadPoolExecutor(1) as receiver,
    ):

        def submit(tasks: Sequence[Task]) -> Sequence[Task]:
            sent = sender.submit(_send, process, tasks)
            return [functools.partial(_awaited, receiver.submit(_receive, process, sent)) for _ in tasks]

        try:
            yield submit
        finally:
            process.kill()


def _awaited(result: Future[tuple[Any, float]]) -> Any:
    found, peak_mb = result.result()
    resources.note_beside(peak_mb)
    return found


def _send(process: subprocess.Popen[bytes], tasks: Sequence[Task]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # the process has ended, and `_receive` reports its status
        pickle.dump(tasks, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()


def _receive(process: subprocess.Popen[bytes], sent: Future[None]) -> tuple[Any, float]:
    assert process.stdout is not None
    sent.result()  # raises if the task cannot be pickled
    try:
        found, peak_mb, failure = pickle.load(process.stdout)  # noqa: S301  it is this program
    except (EOFError, pickle.UnpicklingError):
        raise RuntimeError(
            f"the process next to the training ended with status {process.wait()}; its log says why"
        ) from None
    if failure is not None:
        raise failure
    return found, peak_mb


def main(jobs: IO[bytes], answers: IO[bytes]) -> None:
    received: queue.SimpleQueue[Sequence[Task]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs, received), daemon=True).start()
    while True:
        for task in received.get():
            failure: Exception | None = None
            found = None
            with resources.measured() as cost:
                try:
                    found = task()
                except Exception as error:  # noqa: BLE001  raised in the process that waits for the result
                    failure = _portable(error)
            pickle.dump((found, cost.peak_mb, failure), answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _portable(error: Exception) -> Exception:
    """Return the error, or a `RuntimeError` if the error cannot be pickled, with the traceback as a note."""
    note = f"In the process next to the training:\n{''.join(traceback.format_exception(error))}"
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  of this process
    except Exception:  # noqa: BLE001  constructors of errors can raise anything
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def _read(jobs: IO[bytes], received: queue.SimpleQueue[Sequence[Task]]) -> None:
    """Queue the tasks of the parent process. Exit when it ends, which closes the pipe."""
    try:
        while True:
            received.put(pickle.load(jobs))  # noqa: S301  of this program
    except EOFError:
        os._exit(1)
    except Exception:  # noqa: BLE001  for example a task of a module that cannot be imported
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # stdout is only for results
    main(sys.stdin.buffer, output)
