"""Networks of SASRec that are trained side by side: each is one processor's work, and knows nothing of the others.

This process trains some of them and starts others for the rest, which run this module as a program. They have the same
data, seeds and libraries, so that what comes out is what one process would have trained, to the last bit.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from model_export import checkpoints, peers, resources
from model_export.interactions import Floats, Interactions

if TYPE_CHECKING:
    from model_export.algorithms.sasrec import Sasrec

Networks = list[Mapping[str, Floats]]

LONG = 1_000_000
"""So many interactions times epochs are worth a process: some ten seconds' work, where a start takes three."""

MOST = 5_000_000
"""Of more interactions, each process would take more than a gigabyte, which no budget knows of."""

PROGRAM = (sys.executable, "-m", "model_export.sasrec_apart")


def processes(networks: int) -> int:
    """Return how many processes so many networks are trained in, where that is worth it; those of a batch share it."""
    return max(1, min(networks, processors())) if peers.current().size == 1 else 1


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def trained(settings: Sequence[Sasrec], interactions: Interactions) -> Networks:
    """Return the network of each of some settings.

    Raises
    ------
    RuntimeError
        If another process ended before it was done.
    """
    count = processes(len(settings))
    if len(interactions) > MOST or len(interactions) * sum(each.epochs for each in settings[1:]) < LONG:
        count = 1
    shares = [settings[number::count] for number in range(count)]
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(_started(share, interactions)) for share in shares[1:]]
        found = [_trained_here(shares[0], interactions), *(other() for other in others)]
    return [found[number % count][number // count] for number in range(len(settings))]


def _trained_here(settings: Sequence[Sasrec], interactions: Interactions) -> Networks:
    return [network for each in settings for network in each.fit(interactions).networks]


@contextlib.contextmanager
def _started(settings: Sequence[Sasrec], interactions: Interactions) -> Iterator[Callable[[], Networks]]:
    """Train in another process for as long as the body runs; what is yielded waits for the networks."""
    # In a group of its own: Ctrl-C is for this process, which then ends the other.
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and will be asked why
                pickle.dump((settings, interactions, checkpoints.directory()), process.stdin)
                process.stdin.flush()
            yield functools.partial(_networks_of, process)
        finally:
            process.kill()


def _networks_of(process: subprocess.Popen[bytes]) -> Networks:
    assert process.stdout is not None
    try:
        networks, peak_mb = pickle.load(process.stdout)  # noqa: S301  it is this program
    except EOFError:
        status = process.wait()
        raise RuntimeError(f"a process that trains networks ended with status {status}; its log says why") from None
    resources.note_beside(peak_mb)
    return networks  # type: ignore[no-any-return]


def main(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Train what comes in, and send the networks and the peak of memory."""
    job: tuple[Sequence[Sasrec], Interactions, Path | None] = pickle.load(jobs)  # noqa: S301  of this program
    settings, interactions, directory = job
    threading.Thread(target=_end_with, args=(jobs.fileno(),), daemon=True).start()
    with checkpoints.kept_in(directory), resources.measured() as cost:
        networks = _trained_here(settings, interactions)
    pickle.dump((networks, cost.peak_mb), answers)


def _end_with(jobs: int) -> None:
    """End at once when whoever started this process is gone."""
    os.read(jobs, 1)
    os._exit(1)


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing else is to come among the answers
    main(sys.stdin.buffer, answers)
    answers.flush()
