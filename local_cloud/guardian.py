"""Kills what a cloud started, should the cloud die without doing so itself; run by file name, on its own.

Reads ``+<process group>`` and ``-<process group>`` lines from standard input. At its end (the cloud stopped, or was
killed) every group left is killed and the directory given as argument is removed. Works the same on Linux and
macOS, which PR_SET_PDEATHSIG does not; and that one fires when the *thread* that started a process ends.
"""

import contextlib
import os
import shutil
import signal
import sys


def main(directory: str) -> None:
    """Follow the process groups until standard input ends; then leave nothing behind."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
