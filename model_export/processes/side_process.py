"""A process next to this one that runs functions one after the other, on a processor that this one leaves idle.

It starts as a program of its own on every system, without a copy of this one's memory: functions come by their names,
arguments and results by pickle. It ends with this process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import IO, Any

from model_export.data.interactions import Interactions
from model_export.processes import resources

PROGRAM = (sys.executable, "-m", "model_export.processes.side_process")

Task = Callable[[], Any]
"""A function of a module, or a `functools.partial` of one, that pickle can send."""


LEAST, MOST = 200_000, 5_000_000
"""Interactions for which a process is worth its start of some seconds, and whose copy in it takes some 100 MB."""


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_worth_it(interactions: Interactions) -> bool:
    """Return whether tasks on these interactions gain time in another process, and its memory is small."""
    return processors() > 1 and interactions.counts is None and LEAST <= len(interactions) <= MOST


@contextlib.contextmanager
def running(tasks: Sequence[Task], *, here: bool = False) -> Iterator[Sequence[Callable[[], Any]]]:
    """Run tasks in another process while the body runs, and yield for each a function that waits for its result.

    The process is killed at the end of the body. The functions raise what the task raised, or a `RuntimeError` if the
    process ended without a result.

    Parameters
    ----------
    here
        Start no process: each task runs in this one when its result is wanted.
    """
    if here:
        yield tasks
        return
    # In a process group of its own: Ctrl-C reaches this process, which then ends the other one.
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as process:
        results: list[Future[tuple[Any, float]]] = [Future() for _ in tasks]
        threads = [
            threading.Thread(target=_send, args=(process, tasks), daemon=True),
            threading.Thread(target=_receive, args=(process, results), daemon=True),
        ]
        try:
            for thread in threads:
                thread.start()
            yield [_waiting_for(result) for result in results]
        finally:
            process.kill()
            for thread in threads:
                thread.join()


def _waiting_for(result: Future[tuple[Any, float]]) -> Callable[[], Any]:
    def wait() -> Any:
        found, peak_mb = result.result()
        resources.note_beside(peak_mb)
        return found

    return wait


def _send(process: subprocess.Popen[bytes], tasks: Sequence[Task]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended; its status is reported where a result is missing
        pickle.dump(tasks, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()


def _receive(process: subprocess.Popen[bytes], results: Sequence[Future[tuple[Any, float]]]) -> None:
    """Set results as they come; after a failure, the same one for all that are left."""
    assert process.stdout is not None
    failure: BaseException | None = None
    for result in results:
        if failure is None:
            try:
                found, peak_mb, failure = pickle.load(process.stdout)  # noqa: S301  it is this program
            except (EOFError, pickle.UnpicklingError):
                failure = RuntimeError(
                    f"the process next to the training ended with status {process.wait()}; its log says why"
                )
        if failure is None:
            result.set_result((found, peak_mb))
        else:
            result.set_exception(failure)


def main(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Run the tasks that come in, and send each one's result and peak of memory, or what it raised."""
    tasks: Sequence[Task] = pickle.load(jobs)  # noqa: S301  of this program
    threading.Thread(target=_end_with, args=(jobs.fileno(),), daemon=True).start()
    for task in tasks:
        failure: Exception | None = None
        found = None
        with resources.measured() as cost:
            try:
                found = task()
            except Exception as error:  # noqa: BLE001  it is raised in the process that waits for the result
                failure = _portable(error)
        pickle.dump((found, cost.peak_mb, failure), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()
        if failure is not None:
            break


def _portable(error: Exception) -> Exception:
    """Return the error with its traceback as a note, as another one if pickle cannot send it."""
    error.add_note(f"In the process next to the training:\n{''.join(traceback.format_exception(error))}")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  of this process
    except Exception:  # noqa: BLE001  whatever pickle raises of an error's own constructor
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with(jobs: int) -> None:
    """End at once when the process that started this one is gone."""
    os.read(jobs, 1)
    os._exit(1)


if __name__ == "__main__":
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing else may come among the answers
    main(sys.stdin.buffer, output)
